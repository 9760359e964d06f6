/* SPDX-License-Identifier: GPL-2.0-only */
/* The home of a guest's program on another machine, where an agent (agent.h) is. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "hv_util/base.h"
#include "tests/host/home.h"

/*
 * Over the descriptor, which must not block and stays the caller's. Its operations run the loop until
 * the answer is there, so they may not be called from it; -EPIPE: the agent is gone, -ETIMEDOUT: it
 * does not answer, and none will be asked of it any more. 0 or negative errno.
 */
_must_check_ int home_agent_new(sd_event *event, int fd, struct home **ret);

/* Whether the agent has come; before, there is nobody to ask. */
bool home_agent_is_there(struct home *h);
