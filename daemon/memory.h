/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The process's memory stays where it is: a beat is answered without a page that must first be fetched from
 * a disk, which takes long where memory is short, and for ever where the disk is gone.
 */
#pragma once

#include "daemon/log.h"

/*
 * Locks all that is mapped, the stack that will be needed included, and, where the limit leaves room for as much
 * again, all that will be: beyond the limit a mapping fails, which is worse than one that is not locked. Call it when
 * everything is set up. That it is not permitted is logged, and no failure. What was long and is free again is given
 * back to the kernel from now on.
 *
 * The rings of a channel are device memory to the kernel, which neither locks nor counts them: they are always there.
 */
void memory_lock(const struct log *log);
