/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What becomes of a host's wish to power the machine off, to reboot it or to hibernate. It is prepared while the host
 * waits for the answer, which so says whether it works; and done when the answer is out.
 */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/sys.h"
#include "hv_util/shutdown.h"

enum power_state {
	POWER_IDLE = 0,
	POWER_DUE,   /* prepared, to be done in the loop's next turn */
	POWER_ASKED, /* the service manager was asked, and has some time to come for it */
	POWER_STATES
};

struct power {
	const struct sys *sys;
	/* Told of each request that is granted, or NULL. */
	void (*requested)(void *user, const struct shutdown_request *request);
	void *user;

	sd_event_source *timer;
	enum power_state state;
	enum shutdown_action action; /* what is due or asked for */
	struct log_rate granted, repeated, refused;
};

/* The rest of the struct is the caller's to set. 0 or a negative errno. */
_must_check_ int power_init(struct power *p, sd_event *event);
void power_done(struct power *p);

/* struct shutdown's callback; user is the struct power. What fails is logged here. */
int power_take(void *user, const struct shutdown_request *request);
