/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/timekeeper.h"

#include <stdio.h>
#include <string.h>

#include "daemon/message_id.h"

#define NS_PER_S 1e9

/* The reference counter is not touched by that: what was learned of it stays. */
static int step(struct timekeeper *tk, uint64_t raw)
{
	const char *const fields[] = { message_id_fields[MESSAGE_NOT_STEPPED], "VMIC_COMPONENT=TimeSync", NULL };
	int r = tk->sys->ops->step_clock(tk->sys, tk->offset_ns);

	if (r < 0)
		log_limited(tk->sys->log, &tk->failed, raw, LOG_ERR, fields,
			    "TimeSync: cannot step the clock by %+.6f s: %s",
			    (double)tk->offset_ns / NS_PER_S, strerror(-r));
	else if (tk->stepped)
		tk->stepped(tk->user, tk->offset_ns);
	return r;
}

static void show_offset(struct timekeeper *tk, const struct timesync_sample *sample)
{
	char f_offset[64], source[64] = "";
	const char *const fields[] = { "VMIC_COMPONENT=TimeSync", f_offset, NULL };
	double seconds = (double)tk->offset_ns / NS_PER_S;

	/* Only the messages of 4.0 say what the host's own clock is worth. */
	if (sample->has_reference)
		(void)snprintf(source, sizeof(source), ", leap %u, stratum %u", sample->leap,
			       sample->stratum);
	(void)snprintf(f_offset, sizeof(f_offset), "VMIC_OFFSET_NS=%lld", (long long)tk->offset_ns);
	log_line(tk->sys->log, tk->shown ? LOG_DEBUG : LOG_INFO, fields,
		 "TimeSync: the host's clock is %.6f s %s ours (%s%s)", seconds < 0 ? -seconds : seconds,
		 seconds < 0 ? "behind" : "ahead of", sample->sync ? "sync" : "sample", source);
	tk->shown = true;
}

void timekeeper_check(const struct timekeeper *tk)
{
	const char *const fields[] = { message_id_fields[MESSAGE_NOT_STEPPED], "VMIC_COMPONENT=TimeSync", NULL };

	if (tk->mode == CONF_CLOCK_STEP && !tk->sys->ops->may_step_clock(tk->sys))
		log_line(tk->sys->log, LOG_WARNING, fields,
			 "TimeSync: Clock=step, but vmicd may not set the clock: it has not the capability "
			 "CAP_SYS_TIME; each step that the host asks for will fail");
}

int timekeeper_take(void *user, const struct timesync_sample *sample)
{
	struct timekeeper *tk = user;
	uint64_t raw = tk->sys->ops->raw_ns(tk->sys);
	int r;

	r = clock_take(&tk->clock, sample, tk->sys->ops->realtime_ns(tk->sys), raw, &tk->offset_ns);
	if (r < 0) {
		log_limited(tk->sys->log, &tk->bad, raw, LOG_WARNING, NULL,
			    "TimeSync: the host's time is unusable: %s, ignoring it", strerror(-r));
		return r;
	}
	show_offset(tk, sample);
	return sample->sync && tk->mode == CONF_CLOCK_STEP ? step(tk, raw) : 0;
}
