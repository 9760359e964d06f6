/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiting for what a change sets off: channels are closed and opened again, and the host negotiates
 * anew on each of them, when it likes.
 */
#pragma once

#include "daemon/ctl/facts.h"
#include "daemon/ctl/listen.h"

struct settle {
	struct ctl *ctl;
	json_t *before; /* facts */
	struct listener listener;
};

/* Before the change, with ctl set. 0, or an exit status, and it has been said why. */
_must_check_ int settle_begin(struct settle *s);

/*
 * After it: waits, within the time that the options give, until every channel that was closed has
 * been negotiated again, and prints what came out. component: wait for this one even when its host
 * had not negotiated before; NULL: for none in particular. Returns an exit status.
 */
_must_check_ int settle_end(struct settle *s, const char *component);

void settle_done(struct settle *s);
