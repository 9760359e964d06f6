/* SPDX-License-Identifier: GPL-2.0-only */
/* polkit's agent for terminals, pkttyagent(1), which asks for the password where no desktop does. */
#pragma once

#include <sys/types.h>

#include "daemon/ctl/ctl.h"

struct agent {
	pid_t pid; /* 0: there is none */
};

/* Starts it where somebody sits at a terminal who is not root already, and waits until it has
 * registered itself. That there is none is no failure: polkit then refuses. */
struct agent agent_start(const struct ctl_options *options);

void agent_stop(struct agent *a);
