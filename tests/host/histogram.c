/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/histogram.h"

#include <stddef.h>

#define STEPS (UINT64_C(1) << HISTOGRAM_STEPS_LOG)

/* How far a value is shifted until only the step and the power's leading bit are left. */
static unsigned shift_of(uint64_t value)
{
	unsigned log = 63 - (unsigned)__builtin_clzll(value | 1);

	return log < HISTOGRAM_STEPS_LOG ? 0 : log - HISTOGRAM_STEPS_LOG;
}

static size_t bucket_of(uint64_t value)
{
	unsigned shift;

	if (value >> HISTOGRAM_MAX_LOG)
		value = (UINT64_C(1) << HISTOGRAM_MAX_LOG) - 1;
	shift = shift_of(value);
	/* What is less than STEPS, and what is less than twice that, is exact: one to a bucket. */
	return (size_t)(shift * STEPS + (value >> shift));
}

/* The value in its middle. */
static uint64_t value_of(size_t bucket)
{
	unsigned shift = bucket < 2 * STEPS ? 0 : (unsigned)(bucket / STEPS) - 1;

	return ((bucket - shift * STEPS) << shift) + (UINT64_C(1) << shift) / 2;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->n++;
	h->bucket[bucket_of(value)]++;
	if (value > h->max)
		h->max = value;
}

uint64_t histogram_quantile(const struct histogram *h, unsigned thousandths)
{
	uint64_t rank = ((uint64_t)h->n * thousandths + 999) / 1000, before = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		before += h->bucket[i];
		if (before && before >= rank)
			return value_of(i) < h->max ? value_of(i) : h->max;
	}
	return 0;
}
