/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel lets this process do. */
#pragma once

#include <linux/capability.h>
#include <stdbool.h>

/* Whether the process has this capability (CAP_SYS_TIME, ...) now, over the whole machine: one of a user
 * name space of its own says nothing of what the machine has only once, its clock for example. */
bool capability_is_effective(unsigned capability);
