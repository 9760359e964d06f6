/* SPDX-License-Identifier: GPL-2.0-only */
/* One device's way to its goal, step by step, under its lock. */
#pragma once

#include "daemon/bind/bind.h"

struct bind_move {
	struct bind *b;
	enum bind_goal goal;  /* a take that fails becomes a give-back */
	struct device device; /* as it was after the last step */
	int error;            /* why the take has failed, a negative errno; -EOWNERDEAD: killed */
	bool was_opened;      /* a program has had the node open since uio_hv_generic has the device */
	uint64_t deadline_ns; /* for somebody to let go */
	unsigned tries[BIND_STEPS];
};

/* What a move came to besides 0 and a negative errno; -ENOENT: the host has taken the device away. */
enum {
	BIND_MOVE_HELD = 1, /* somebody uses the device */
	BIND_MOVE_STUCK,    /* it has no driver, and its channel is still open */
	BIND_MOVE_BLOCKED,  /* the kernel has not finished a step */
	BIND_MOVE_STOPPED,  /* this program was told to end */
};

/* Takes the lock and waits until the device may be moved. Whatever comes of it, end the move. */
_must_check_ int bind_move_begin(struct bind_move *m, struct bind *b, enum bind_goal goal,
				 const struct device *device);
/* Goes all the steps. 0: there are none left for the goal, or for giving the device back when error
 * is set; or no driver wants it. */
_must_check_ int bind_move_run(struct bind_move *m);
void bind_move_end(struct bind_move *m);
