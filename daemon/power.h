/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What becomes of a host's wish to power the machine off, to reboot it or to hibernate: the service manager is asked
 * to, and then the host is told that it was, or why not. In this order, so that a process that is killed in between
 * leaves no promise that nobody keeps; its successor serves the host's request again, and finds that it was made. The
 * answer does not come too late: what the service manager does ends us by SIGTERM, of which we take notice in the
 * loop's next turn, and the answer is out in this one, unless the host has left no room for it.
 */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/sys.h"
#include "hv_util/shutdown.h"

struct power {
	const struct sys *sys;
	/* Told of each request that is granted, or NULL. */
	void (*requested)(void *user, const struct shutdown_request *request);
	void *user;

	sd_event_source *timer;      /* runs while the service manager has time to come for it */
	enum shutdown_action action; /* what was asked for last */
	struct log_rate granted, repeated, refused;
};

/* The rest of the struct is the caller's to set. 0 or a negative errno. */
_must_check_ int power_init(struct power *p, sd_event *event);
void power_done(struct power *p);

/* struct shutdown's callback; user is the struct power. What fails is logged here. */
int power_take(void *user, const struct shutdown_request *request);
