/* SPDX-License-Identifier: GPL-2.0-only */
/* Where log lines go: the journal with its fields, or standard error. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

#include "hv_util/base.h"

enum log_target {
	LOG_TARGET_AUTO, /* the journal when standard error is connected to it, otherwise stderr */
	LOG_TARGET_JOURNAL,
	LOG_TARGET_STDERR,
	LOG_TARGETS
};

struct log {
	int max_level; /* LOG_ERR to LOG_DEBUG: what is less urgent is left out */
	bool journal;
};

struct log log_open(enum log_target target, int max_level);

/*
 * Writes one line. fields is a NULL-terminated list of "KEY=value", or NULL; standard error shows
 * them at level debug only. Lines are cut at 1 KiB. Never fails: there is nowhere to say so.
 */
void log_line(const struct log *log, int level, const char *const *fields, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#define log_error(log, ...) log_line(log, LOG_ERR, NULL, __VA_ARGS__)
#define log_warning(log, ...) log_line(log, LOG_WARNING, NULL, __VA_ARGS__)
#define log_info(log, ...) log_line(log, LOG_INFO, NULL, __VA_ARGS__)

/* How often something that the host can cause may be logged: a burst, then silence until the
 * interval is over. Zero is a new one. */
struct log_rate {
	uint64_t began_ns;
	unsigned n, suppressed;
};

/* Writes the line if the rate allows it now, and at its end how many were left out before. */
void log_limited(const struct log *log, struct log_rate *rate, uint64_t now_ns, int level,
		 const char *const *fields, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* Whether the line may be written now; *ret_suppressed is how many were not since the last one. */
bool log_rate_allows(struct log_rate *rate, uint64_t now_ns, unsigned *ret_suppressed);
