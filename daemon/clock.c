/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/clock.h"

#include <errno.h>

#define STALE_100NS (INT64_C(600) * 10000000)
/* A delay does not vary by that much: the counter was re-based, by a restore or a migration. */
#define JUMP_100NS INT64_C(10000000)

/* A host's counter may say anything: differences wrap, as the counters do. */
static int64_t difference(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t smallest(const struct clock *clock)
{
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < clock->n; i++)
		if (clock->apart[i] < least)
			least = clock->apart[i];
	return least;
}

static void window_add(struct clock *clock, int64_t apart)
{
	clock->apart[clock->next] = apart;
	clock->next = (clock->next + 1) % CLOCK_WINDOW;
	if (clock->n < CLOCK_WINDOW)
		clock->n++;
}

/* How long the sample was on its way, 100 ns. */
static int64_t delay_of(struct clock *clock, const struct timesync_sample *sample, uint64_t raw_ns)
{
	int64_t apart = difference((int64_t)(raw_ns / 100), (int64_t)sample->reference_time);

	/* After a SYNC everything may be different: the host sends it after a restore. */
	if (sample->sync)
		clock->n = clock->next = 0;
	if (clock->n > 0 && difference(smallest(clock), apart) > JUMP_100NS)
		clock->n = clock->next = 0;
	window_add(clock, apart);
	return difference(apart, smallest(clock));
}

int clock_take(struct clock *clock, const struct timesync_sample *sample, uint64_t realtime_ns,
	       uint64_t raw_ns, int64_t *ret)
{
	uint64_t host = sample->host_time - TIMESYNC_EPOCH_100NS;
	int64_t delay = 0;

	if (sample->host_time < TIMESYNC_EPOCH_100NS ||
	    host > (uint64_t)(INT64_MAX - STALE_100NS) / 100 - (uint64_t)STALE_100NS)
		return -EINVAL;
	if (sample->has_reference)
		delay = delay_of(clock, sample, raw_ns);
	if (delay < 0 || delay > STALE_100NS)
		return -ESTALE;

	*ret = (int64_t)(host + (uint64_t)delay) * 100 - (int64_t)realtime_ns;
	return 0;
}
