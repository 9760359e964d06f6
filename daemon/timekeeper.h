/* SPDX-License-Identifier: GPL-2.0-only */
/* What becomes of the host's time samples: the offset is computed and shown; the clock is set when
 * the host asks for it and the configuration allows it. */
#pragma once

#include "daemon/clock.h"
#include "daemon/conf.h"
#include "daemon/sys.h"

struct timekeeper {
	const struct sys *sys;
	enum conf_clock mode;
	struct clock clock;
	int64_t offset_ns; /* as last computed */
	bool shown;        /* the first offset has been logged at level info */
	struct log_rate bad, failed;
	void (*stepped)(void *user, int64_t ns); /* told when the clock was set, or NULL */
	void *user;
};

/* Warns if the mode asks for what this process may not do: better than at the first step, which may be in
 * a year. */
void timekeeper_check(const struct timekeeper *tk);

/* struct timesync's callback; user is the timekeeper. What fails is logged here. */
int timekeeper_take(void *user, const struct timesync_sample *sample);
