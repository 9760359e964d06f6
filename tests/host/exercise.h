/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a host does with a guest's components once they have agreed on versions: a table of steps
 * for each. Owns the session that it exercises, and brings the faults that are about the course of
 * the conversation (storm, renegotiate, rescind, fill-ring, corrupt-index).
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "hv_util/base.h"
#include "tests/host/session.h"

struct exercise_options {
	struct session_options session;
	const struct fault_set *faults;
	const char *mac; /* asks for the IP information of this adapter; NULL: of none */
	unsigned heartbeat_ms;
	unsigned heartbeat_burst; /* so many heartbeats at each, put before one signal; 0: 1 */
	/* Asks each guest for a shutdown, so long after all else was tried; 0: never. */
	unsigned shutdown_ms;
};

struct exercise;

struct exercise_events {
	void (*changed)(void *user); /* something new was learned; a beat after the first is not new */
	void (*left)(void *user);
	void (*ended)(void *user, int result); /* no guest comes again: 0, or 1 it failed. Or NULL */
};

/* The options, events and user must outlive the exercise. 0 or negative errno. */
_must_check_ int exercise_new(sd_event *event, const struct exercise_options *options,
			      const struct exercise_events *events, void *user,
			      struct exercise **ret);
struct exercise *exercise_free(struct exercise *e);

const struct guest_facts *exercise_facts(const struct exercise *e);

/* As session_last_facts. */
void exercise_last_facts(const struct exercise *e, struct guest_facts *ret);

/* Whether a guest has ever connected. */
bool exercise_was_joined(const struct exercise *e);

/* Whether at least one component is open and each open one has been tried to its end. */
bool exercise_is_done(const struct exercise *e);
/* The guest's time is over, as link_ops says it. */
void exercise_stop(struct exercise *e);
