/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where log lines go: the journal with its fields, or standard error. Nobody is waited for: what a reader
 * that is stuck has left no room for is lost, and counted. Nothing is allocated.
 */
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

struct log;

/* A kind of reader. */
struct log_way {
	/* 0, or a negative errno: the line, or a part of it, is lost. */
	int (*put)(const struct log *log, int level, const char *const *fields, const char *line);
};

extern const struct log_way log_way_journal, log_way_stderr;

/* How to write without waiting, which depends on what standard error is. */
enum log_how {
	LOG_HOW_WRITE = 0, /* the descriptor does not wait, or it is a file's */
	LOG_HOW_SEND,      /* a socket */
	LOG_HOW_POLL,      /* none of these: there may be room when poll says so */
};

/* What is open, and what has become of the lines. Initialize it with LOG_OUT_CLOSED. */
struct log_out {
	int fd;
	bool owned; /* fd is ours to close */
	enum log_how how;
	const char *journal_path; /* of the journal's socket */
	unsigned lost;            /* lines since the last that could be written */
};

#define LOG_OUT_CLOSED { .fd = -1 }

struct log {
	int max_level; /* LOG_ERR to LOG_DEBUG: what is less urgent is left out */
	const struct log_way *way;
	struct log_out *out;
};

/* Opens what lines go to, in place of what out had open; out must outlive the log. Never fails: what cannot
 * be opened loses the lines. */
struct log log_open(enum log_target target, int max_level, struct log_out *out);

void log_out_close(struct log_out *out);

/*
 * Writes one line. fields is a NULL-terminated list of "KEY=value", or NULL; standard error shows
 * them at level debug only. Lines are cut at 1 KiB, and control characters are shown as '?'. Never
 * fails: there is nowhere to say so, but the next line that can be written comes after one that tells
 * how many were lost.
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
