/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The steps of a scenario and their words, but for repeat and end, which are the course itself:
 * what the host does, and the table of all of them.
 */
#pragma once

#include "tests/host/scenario_state.h"

/*
 * Does the step of these words, or only checks them while the play is dry. 0; -EPROTO when it does
 * not hold and -EINVAL when the words are wrong, with the sentence in the play's why; -ENOMEM.
 */
_must_check_ int step_run(struct play *p, char *const *words);
