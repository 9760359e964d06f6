/* SPDX-License-Identifier: GPL-2.0-only */
/* Signals of the daemon, as they come, and its coming and going. */
#pragma once

#include "daemon/ctl/ctl.h"

struct listener {
	struct ctl *ctl;
	/* What it returns is an exit status: other than 0 ends the listening. NULL: nothing to be done. */
	int (*handle)(void *user, sd_bus_message *m);
	void *user;
	sd_bus_slot *signals, *owner;
	int status;
};

/* With the first three members set. 0, or an exit status, and it has been said why. */
_must_check_ int listen_start(struct listener *l);

/* Waits for a signal and handles all that have come, or returns when it is that late. 0, or an exit
 * status, and it has been said why. */
_must_check_ int listen_once(struct listener *l, uint64_t until_usec);

/* Until something fails: the exit status. */
int listen_on(struct listener *l);

void listen_stop(struct listener *l);

/* CLOCK_MONOTONIC */
uint64_t listen_now(void);
