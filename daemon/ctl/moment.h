/* SPDX-License-Identifier: GPL-2.0-only */
/* Points of time as text. usec: CLOCK_REALTIME. */
#pragma once

#include <stdint.h>

#define MOMENT_SIZE 48

uint64_t moment_now(void);

/* Here and for people: "2026-11-23 23:14:05.123". Returns ret. */
const char *moment_local(uint64_t usec, char ret[static MOMENT_SIZE]);

/* For programs, RFC 3339: "2026-11-23T22:14:05.123456Z". Returns ret. */
const char *moment_utc(uint64_t usec, char ret[static MOMENT_SIZE]);
