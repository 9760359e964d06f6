/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Times, counted by size: a bucket is a 64th of its power of two wide, so that what is read out of
 * it is off by less than one in a hundred, whether microseconds or minutes were measured. Of fixed
 * size: nothing is allocated for a value.
 */
#pragma once

#include <stdint.h>

#define HISTOGRAM_STEPS_LOG 6 /* steps within a power of two */
#define HISTOGRAM_MAX_LOG 42  /* in nanoseconds more than an hour; what is larger counts as this */
#define HISTOGRAM_BUCKETS ((HISTOGRAM_MAX_LOG - HISTOGRAM_STEPS_LOG + 1) << HISTOGRAM_STEPS_LOG)

struct histogram {
	uint32_t n;
	uint64_t max; /* exactly */
	uint32_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value);

/*
 * The value that this part of all, in thousandths, does not exceed: 500 is the median. At most the
 * largest that was added; 0 when nothing was.
 */
uint64_t histogram_quantile(const struct histogram *h, unsigned thousandths);
