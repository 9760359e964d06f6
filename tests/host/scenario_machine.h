/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steps that are about the guest's machine and not its channels: log, pool and guest. Each takes
 * the words after its name and returns as the steps of scenario_step.h.
 */
#pragma once

#include "tests/host/scenario_state.h"

/* "log TEXT" waits for a line that holds it; "log TEXT at-most N" counts those that do. */
_must_check_ int machine_step_log(struct play *p, char *const *words);

_must_check_ int machine_step_pool(struct play *p, char *const *words);

/* "guest stop" and "guest continue": its program stands still, as in a VM that hangs, and goes on. */
_must_check_ int machine_step_guest(struct play *p, char *const *words);
