/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/moment.h"

#include <stdio.h>
#include <time.h>

#define USEC_PER_SEC 1000000

uint64_t moment_now(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

const char *moment_local(uint64_t usec, char ret[static MOMENT_SIZE])
{
	const time_t seconds = (time_t)(usec / USEC_PER_SEC);
	struct tm tm = { 0 };
	size_t n;

	(void)localtime_r(&seconds, &tm);
	n = strftime(ret, MOMENT_SIZE, "%F %T", &tm);
	(void)snprintf(ret + n, MOMENT_SIZE - n, ".%03u", (unsigned)(usec % USEC_PER_SEC / 1000));
	return ret;
}

const char *moment_utc(uint64_t usec, char ret[static MOMENT_SIZE])
{
	const time_t seconds = (time_t)(usec / USEC_PER_SEC);
	struct tm tm = { 0 };
	size_t n;

	(void)gmtime_r(&seconds, &tm);
	n = strftime(ret, MOMENT_SIZE, "%FT%T", &tm);
	(void)snprintf(ret + n, MOMENT_SIZE - n, ".%06uZ", (unsigned)(usec % USEC_PER_SEC));
	return ret;
}
