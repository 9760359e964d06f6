/* SPDX-License-Identifier: GPL-2.0-only */
/* The step expect: waits for what is to come, and compares it. */
#pragma once

#include "tests/host/scenario_state.h"

/* Takes the words after "expect" and returns as the steps of scenario_step.h. */
_must_check_ int expect_step(struct play *p, char *const *words);
