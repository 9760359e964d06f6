/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVP pool 2: what the guest is, made up on request.
 *
 * Indices 0 to 9 are the ten keys of hv_kvp_daemon in its order, always, even when one has nothing
 * to say: consumers pick them by number. Behind them come those keys of Windows guests
 * (documentation of Msvm_KvpExchangeComponent) that say something true about a Linux one, only
 * while they do:
 *
 *   OSEditionId       os-release VARIANT_ID ("server", "workstation", "cloud")
 *   ProductType       Windows' numbers, 1 workstation and 3 server, for a VARIANT_ID that says so
 *                     in so many words (inferred; every other edition has no such number)
 *   RDPAddressIPv4/6  while something listens on port 3389
 *
 * Not given: CSDVersion, ServicePackMajor and -Minor (there are no service packs; VERSION_ID is
 * in OSMajorVersion), OSPlatformId (its only number today says Windows NT), SuiteMask (a mask of
 * Windows products). A made-up number there would be taken for Windows.
 *
 * IntegrationServicesVersion is a text of this program's own, as in each guest.
 * FullyQualifiedDomainName never asks DNS: host_name.h. The host name, uname and addresses are read
 * for each request, files when they have changed. Nothing is allocated after osinfo_new.
 */
#pragma once

#include "daemon/net.h"
#include "hv_util/kvp.h"

struct osinfo;

/* net is the caller's and must live longer. 0, -ENOMEM, or the errno of opening root. */
_must_check_ int osinfo_new(const char *root, const char *services_version, struct net *net,
			    struct osinfo **ret);

/* Takes NULL; returns NULL. */
struct osinfo *osinfo_free(struct osinfo *o);

/* As struct kvp_ops: 0, -ENODATA, -ENOENT. */
_must_check_ int osinfo_enumerate(struct osinfo *o, uint32_t index, struct kvp_record *ret);
_must_check_ int osinfo_get(struct osinfo *o, struct kvp_record *record);

/*
 * How the last request fared with the network: 1 when it asked for no addresses, 0 when it got
 * them, or a negative errno when their list is empty because of it. (A failure there does not fail
 * the request: that would end the host's enumeration, and other keys follow.)
 */
int osinfo_network(const struct osinfo *o);
