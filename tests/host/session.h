/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One host with one guest: a link, a channel for each component that is offered, and what has been
 * learned. What is asked of the guest is the owner's decision (exercise.c, scenario.c). Sessions
 * share nothing, so many can live in one loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "hv_util/base.h"
#include "tests/host/channel.h"
#include "tests/host/facts.h"
#include "tests/host/link.h"
#include "tests/host/release.h"

#define SESSION_RING_SIZE 16384 /* hv_utils: three pages of data and one of header */

struct session_options {
	const struct release *release;
	link_open open_link;
	const void *address;
	const char *vm_name;
	bool disabled[COMPONENT_MAX];
	unsigned timeout_ms;
	uint32_t ring_size;
};

/* What the session tells its owner. Every one but the last must be there. */
struct session_events {
	void (*joined)(void *user);
	void (*opened)(void *user, struct channel *c);
	void (*closed)(void *user, struct channel *c); /* also when rescinded or left */
	void (*released)(void *user, struct channel *c);
	void (*answered)(void *user, struct channel *c, const struct answer *a);
	void (*timed_out)(void *user, struct channel *c);
	void (*violated)(void *user, struct channel *c, const char *sentence); /* c NULL: no channel's */
	void (*left)(void *user);
	void (*ended)(void *user, int result); /* or NULL: every guest may come again */
};

struct session {
	sd_event *event;
	const struct session_options *options;
	const struct session_events *events;
	void *user;
	struct link *link;
	bool joined;
	struct fault_set faults;
	struct guest_facts facts;
	/* Of what the guest has closed and not opened again: as it was the moment before. */
	struct component_facts before[COMPONENT_MAX];
	bool closed[COMPONENT_MAX];
	struct channel channel[COMPONENT_MAX];
};

/* The options, events and user must outlive the session. 0 or negative errno. */
_must_check_ int session_new(sd_event *event, const struct session_options *options,
			     const struct session_events *events, void *user,
			     struct session **ret);
struct session *session_free(struct session *s);

/* What was learned until now, and measured. */
const struct guest_facts *session_facts(struct session *s);

/*
 * What there is to say of a guest that has left (the next one begins with none of it): the facts as they were before it closed, one after
 * the other or all at once, what it had open.
 */
void session_last_facts(const struct session *s, struct guest_facts *ret);

/* Negotiates as the release does. As channel_negotiate. */
int session_negotiate(struct session *s, struct channel *c);

/* The guest's reference time, in 100 ns: what time sync 4.0 tells beside the time. */
uint64_t session_reference_time(struct session *s);

/* The guest's time is over, as link_ops says it. */
void session_stop(struct session *s);

/* Takes a channel away; released follows when the guest lets go. -ENOENT: it is not offered. */
int session_rescind(struct session *s, struct channel *c);

/* Offers a channel again, under a new relid; its facts begin anew. -EBUSY: it is offered, or not released yet. */
int session_offer(struct session *s, struct channel *c);
