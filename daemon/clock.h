/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How far the guest's clock is off the host's. Pure arithmetic on samples: it reads no clock and
 * sets none.
 *
 * A version 4 sample says at which count of the partition's reference counter the host read its
 * clock. A guest program cannot read that counter, but CLOCK_MONOTONIC_RAW runs at its rate, apart
 * from it by a constant. Each sample shows that constant plus the delay of its delivery, which is
 * never negative: the smallest value of a window is the best estimate (inferred; the error is the
 * smallest delay seen).
 */
#pragma once

#include <stdbool.h>

#include "hv_util/timesync.h"

#define CLOCK_WINDOW 32

struct clock {
	unsigned n, next;
	int64_t apart[CLOCK_WINDOW]; /* raw clock minus reference counter, 100 ns */
};

/*
 * Takes a sample that arrived when the guest's CLOCK_REALTIME and CLOCK_MONOTONIC_RAW showed these
 * ns. 0, and *ret is what must be added to the guest's clock, in ns; -EINVAL when the host's time
 * is beyond what a clock can hold, -ESTALE when the sample was on its way for more than 600 s (the
 * age at which Linux's own driver ignores one).
 */
_must_check_ int clock_take(struct clock *clock, const struct timesync_sample *sample,
			    uint64_t realtime_ns, uint64_t raw_ns, int64_t *ret);
