/* SPDX-License-Identifier: GPL-2.0-only */
/* Time synchronisation: the service. It hands samples on; what to do with the clock is not its. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hv_util/ic.h"

/* 100 ns units between 1601-01-01 and 1970-01-01 UTC (Linux hyperv.h WLTIMEDELTA). */
#define TIMESYNC_EPOCH_100NS UINT64_C(116444736000000000)

struct timesync_sample {
	uint64_t host_time;      /* UTC, 100 ns since 1601-01-01 */
	bool has_reference;      /* 4.0: the counter below was read together with host_time */
	uint64_t reference_time; /* partition reference counter, 100 ns */
	bool sync;               /* the host asks to set the clock now; otherwise measure only */
	uint8_t leap;            /* 4.0: NTP leap indicator, as sent; otherwise 0 */
	uint8_t stratum;         /* 4.0: NTP stratum, as sent; otherwise 0 */
};

/* ic.user of this service. */
struct timesync {
	/* Returns 0 or a negative errno, which becomes the host's status. Not called for a probe. */
	int (*sample)(void *user, const struct timesync_sample *sample);
	void *user;
};

extern const struct ic_service ic_timesync;
