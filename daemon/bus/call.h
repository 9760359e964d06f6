/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Method calls that cannot be answered at once: whether the caller may is asked of polkit, another program has
 * a pool file locked, or its disk takes long. They wait in a list of bounded length, which one caller cannot
 * fill; what is kept of each is small, whatever came with it.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "hv_util/heartbeat.h"
#include "hv_util/kvp.h"
#include "hv_util/profile.h"

struct bus;
struct call;

#define CALLS_MAX 64
/* Of these, so many for one caller; so many of one user in polkit's hands; so many that need no right
 * and wait for a lock, which any user can take, or for a disk, which any user can keep busy. */
#define CALLS_OF_CALLER 8
#define CALLS_OF_USER 16
#define CALLS_WITHOUT_RIGHT 16

/* Checked, and no longer than it may be. */
struct call_arguments {
	const struct profile *profile;
	enum ic_component component; /* IC_COMPONENTS: all */
	enum heartbeat_state state;
	unsigned pool;
	struct kvp_record record;
};

struct call_method {
	const char *action; /* what polkit calls the right that it takes; NULL: it takes none */
	bool asks_pools;    /* as KVP_CLIENT_CALL, which one call at a time can be */
	/*
	 * Does it, and appends to reply what the method gives back. 0; -EAGAIN: it is to be asked to again, with
	 * the same arguments, and nobody knows yet; another negative errno, when *error may have been set.
	 */
	int (*run)(struct bus *b, const struct call_arguments *arguments, sd_bus_message *reply,
		   sd_bus_error *error);
};

struct calls {
	struct call *first; /* the last one that came */
	struct call *turn;  /* whose work on a pool is not finished; NULL: nobody's */
	unsigned n;
	uint64_t last_id;
	uint64_t tried_id; /* of those that wait, the one that was tried last */
	sd_event_source *retry;
};

_must_check_ int calls_start(struct bus *b);

/* Forgets all that wait: the bus is lost, nobody can be answered. */
void calls_drop(struct bus *b);
void calls_stop(struct bus *b);

/* Answers the message, now or later; arguments are copied. Returns what a handler of sd-bus does. */
_must_check_ int call_take(struct bus *b, sd_bus_message *m, const struct call_method *method,
			   const struct call_arguments *arguments, sd_bus_error *error);
