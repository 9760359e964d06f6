/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a process that has ended has left of a channel that is still open, so that this one goes on where that one had
 * stopped: both rings, what was negotiated, and the messages that were in work.
 */
#pragma once

#include <stdbool.h>

#include "daemon/channel.h"
#include "daemon/keep.h"

/* Whose state it is, of the channel whose port is open. */
_must_check_ struct keep_owner channel_owner(const struct channel *c);

/*
 * All that is c's from now on; nothing is watched and the host is told nothing yet. 0, *ret is what was found, and
 * *ret_signal says that the host may wait for a signal; or a negative errno, and *why is a clause.
 */
_must_check_ int channel_resume(struct channel *c, struct keep_found *ret, bool *ret_signal, const char **why);
