/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The network interfaces of this machine, as the host asks for them. Read from the kernel anew for
 * each question, into tables of fixed size: no heap, and what exceeds a table is left off.
 *
 * Inferred, since the kernel does not say where an address comes from and the protocol only
 * names the values: an address with a finite lifetime is DHCP's (or, in IPv6, a router's
 * announcement, which the host's "other" also covers), a link-local IPv6 address that the kernel
 * made is "other", any other permanent one was set by somebody: static. A DHCP server that lends an
 * address for ever is therefore taken for static. An adapter "uses DHCP" when one of its IPv4
 * addresses has a finite lifetime.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>

#include "hv_util/base.h"
#include "hv_util/kvp.h"

struct net;

/* Files are read under the directory root. The netlink socket is opened here if possible, else by
 * the first question. 0, -ENOMEM, or the errno of opening root. */
_must_check_ int net_new(const char *root, struct net **ret);

/* Takes NULL; returns NULL. */
struct net *net_free(struct net *n);

/*
 * The addresses of a family (AF_INET, AF_INET6) as text, joined by ';', cut between two of them to
 * fit in size. As hv_kvp_daemon lists them: all interfaces but loopback, link-local addresses
 * included. Unlike it, not those that cannot be reached: of interfaces that are down, and IPv6
 * addresses whose uniqueness is not (yet) established. 0, or a negative errno and text is empty.
 */
_must_check_ int net_list_addresses(struct net *n, int family, char *text, size_t size);

/* Appends an address to such a list. False, and the list as it was: no room. */
bool net_list_append(char *text, size_t size, int family, const void *address);

/*
 * Fills ip for the adapter whose MAC address is ip->adapter_id: digits in either case, with or
 * without ':' or '-'. Where several interfaces have that address (the virtual function below an
 * adapter, a bridge or VLAN above it) the first is meant that has IP addresses, other than the
 * link-local one if any has. An adapter that has none yet gives empty lists. At most
 * KVP_ADDRESSES_MAX of a family. DNS servers are the machine's, systemd-resolved's own list rather
 * than its stub. 0, -ENODEV, or what netlink said.
 */
_must_check_ int net_get_ip(struct net *n, struct kvp_ip *ip);

/* The interface of the VMBus device with this {GUID}. 0; -ENOENT: none, or it is no GUID. */
_must_check_ int net_find_device(struct net *n, const char *device_id,
				 char name[static IF_NAMESIZE]);
