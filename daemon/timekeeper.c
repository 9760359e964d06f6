/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/timekeeper.h"

#include <stdio.h>
#include <string.h>

#define NS_PER_S 1e9

static int step(struct timekeeper *tk)
{
	double seconds = (double)tk->offset_ns / NS_PER_S;
	int r = tk->sys->ops->step_clock(tk->sys, tk->offset_ns);

	if (r < 0) {
		log_error(tk->sys->log, "TimeSync: cannot step the clock by %+.6f s: %s", seconds,
			  strerror(-r));
		return r;
	}
	/* The reference clock is not touched by that: what was learned of it stays. */
	log_info(tk->sys->log, "TimeSync: stepped the clock by %+.6f s, as the host asked", seconds);
	return 0;
}

static void show_offset(struct timekeeper *tk, const struct timesync_sample *sample)
{
	char f_offset[64];
	const char *const fields[] = { "VMIC_COMPONENT=TimeSync", f_offset, NULL };

	(void)snprintf(f_offset, sizeof(f_offset), "VMIC_OFFSET_NS=%lld", (long long)tk->offset_ns);
	log_line(tk->sys->log, tk->shown ? LOG_DEBUG : LOG_INFO, fields,
		 "TimeSync: the host's clock is %+.6f s from ours (%s, leap %u, stratum %u)",
		 (double)tk->offset_ns / NS_PER_S, sample->sync ? "sync" : "sample", sample->leap,
		 sample->stratum);
	tk->shown = true;
}

int timekeeper_take(void *user, const struct timesync_sample *sample)
{
	struct timekeeper *tk = user;
	uint64_t raw = tk->sys->ops->raw_ns(tk->sys);
	unsigned suppressed;
	int r;

	r = clock_take(&tk->clock, sample, tk->sys->ops->realtime_ns(tk->sys), raw, &tk->offset_ns);
	if (r < 0) {
		if (log_rate_allows(&tk->bad, raw, &suppressed))
			log_warning(tk->sys->log, "TimeSync: the host's time is unusable: %s, ignoring it",
				    strerror(-r));
		return r;
	}
	show_offset(tk, sample);
	return sample->sync && tk->mode == CONF_CLOCK_STEP ? step(tk) : 0;
}
