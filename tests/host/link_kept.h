/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A link that outlives its sessions: to a guest whose machine is booted once and then serves one
 * session after the other. Each new one takes over what is there: a channel that is offered and
 * closed is offered to it without the guest's noticing, so that its drivers need not come anew.
 *
 * What the guest has open when a session begins is not the work of the program that the session
 * will start, but of the guest's own drivers (Linux hv_utils): the session is not told of it, nor
 * of what happens there, until it is closed.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "hv_util/base.h"
#include "tests/host/link.h"

struct link_kept;

/*
 * Opens the link below; its guest may join at any time. ended is called, with or without a session,
 * when no guest will come again. 0 or negative errno.
 */
_must_check_ int link_kept_new(sd_event *event, link_open open_below, const void *address,
			       void (*ended)(void *user, int result), void *user,
			       struct link_kept **ret);
/* Not while a session has it. Takes NULL; returns NULL. */
struct link_kept *link_kept_free(struct link_kept *k);

/* Between two sessions: takes away what the next one will not offer. */
void link_kept_prepare(struct link_kept *k, const bool offered[static COMPONENT_MAX]);

/* Whether a guest is there and all that was taken away is released. */
bool link_kept_is_ready(const struct link_kept *k);

/* For a session: the address is the struct link_kept. A link_open; -EBUSY: another one has it. */
int link_kept_take(sd_event *event, const void *kept, uint32_t ring_size,
		   const struct link_events *events, void *user, struct link **ret);
