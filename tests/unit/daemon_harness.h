/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon's tests share: the log as a list of lines, the descriptors that are open, and a
 * clock for sd-event that only a test moves. Included by one file of a program, since it defines
 * functions of libsystemd: what the daemon calls is then ours, and nothing is waited for.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <dlfcn.h>
#include <systemd/sd-event.h>

#include "daemon/log.h"
#include "tests/unit/message_fields.h"
#include "tests/unit/harness.h"

/* --- the log --- */

#define LOGGED_LINES 512

struct logged_line {
	int level;
	char text[1100];
	char fields[8][1400]; /* "KEY=value"; the longest is a list of 100 versions */
	unsigned n_fields;
};

static struct {
	unsigned n; /* lines, also those that are not kept */
	struct logged_line line[LOGGED_LINES];
} logged;

/* A way for log lines that keeps them. */
static int recording_put(const struct log *log, int level, const char *const *fields, const char *line)
{
	static struct logged_line dropped;
	struct logged_line *l = logged.n < LOGGED_LINES ? &logged.line[logged.n] : &dropped;

	(void)log;
	message_fields_check(fields);
	logged.n++;
	*l = (struct logged_line){ .level = level };
	(void)snprintf(l->text, sizeof(l->text), "%s", line);
	for (; fields && *fields && l->n_fields < ARRAY_LEN(l->fields); fields++)
		(void)snprintf(l->fields[l->n_fields++], sizeof(l->fields[0]), "%s", *fields);
	return 0;
}

static const struct log_way recording_way = { recording_put };
static struct log_out recording_out = LOG_OUT_CLOSED;

/* Give one of these to what logs. */
static const struct log recording_log = { LOG_DEBUG, &recording_way, &recording_out };
static const struct log terse_log = { LOG_INFO, &recording_way, &recording_out };

static inline void logged_clear(void)
{
	logged.n = 0;
}

/* How many lines of at most this level (LOG_ERR is the lowest) hold the text. */
static inline unsigned logged_count(int max_level, const char *text)
{
	unsigned n = 0;

	assert_true(logged.n <= LOGGED_LINES);
	for (unsigned i = 0; i < logged.n; i++)
		if (logged.line[i].level <= max_level && strstr(logged.line[i].text, text))
			n++;
	return n;
}

/* The only line of this level that holds the text. */
static inline const struct logged_line *logged_one(int level, const char *text)
{
	const struct logged_line *found = NULL;

	for (unsigned i = 0; i < logged.n && i < LOGGED_LINES; i++)
		if (logged.line[i].level == level && strstr(logged.line[i].text, text)) {
			assert_null(found);
			found = &logged.line[i];
		}
	if (!found) {
		print_error("no line of level %d has '%s' among:\n", level, text);
		for (unsigned i = 0; i < logged.n && i < LOGGED_LINES; i++)
			print_error("<%d> %s\n", logged.line[i].level, logged.line[i].text);
	}
	assert_non_null(found);
	return found;
}

static inline void assert_field(const struct logged_line *l, const char *field)
{
	for (unsigned i = 0; i < l->n_fields; i++)
		if (strcmp(l->fields[i], field) == 0)
			return;
	for (unsigned i = 0; i < l->n_fields; i++)
		print_error("field: %s\n", l->fields[i]);
	fail_msg("'%s' has no field '%s'", l->text, field);
}

/* --- descriptors --- */

static inline unsigned open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

/* --- time --- */

#define SECOND UINT64_C(1000000)
#define TIMERS_MAX 16

/* Not the start of time: a rate limit must work at any. */
#define TIME_BEGINS (UINT64_C(1000) * SECOND)

static struct {
	uint64_t now;
	struct {
		sd_event_source *source;
		uint64_t due;
	} timer[TIMERS_MAX];
	unsigned n;
} fake_time = { .now = TIME_BEGINS };

int sd_event_now(sd_event *e, clockid_t clock, uint64_t *ret)
{
	(void)e;
	(void)clock;
	*ret = fake_time.now;
	return 1;
}

static inline int really_set_time(sd_event_source *s, uint64_t usec)
{
	int (*really)(sd_event_source *, uint64_t);

	*(void **)&really = dlsym(RTLD_NEXT, "sd_event_source_set_time");
	assert_non_null(really);
	return really(s, usec);
}

/* Remembers when the source is due; the kernel's clock must not decide that. What is set for
 * milliseconds must not be late by sd-event's default accuracy of 250; what is set for seconds may. */
int sd_event_source_set_time(sd_event_source *s, uint64_t usec)
{
	uint64_t accuracy;
	unsigned i = 0;

	assert_true(sd_event_source_get_time_accuracy(s, &accuracy) >= 0);
	assert_in_range(accuracy, 1, usec >= fake_time.now + SECOND ? SECOND / 4 : SECOND / 1000);

	while (i < fake_time.n && fake_time.timer[i].source != s)
		i++;
	/* One that was due in its time makes room, whether its source is still there or not. */
	for (unsigned j = 0; i == fake_time.n && j < fake_time.n; j++)
		if (fake_time.timer[j].due == UINT64_MAX)
			i = j;
	assert_true(i < TIMERS_MAX);
	if (i == fake_time.n)
		fake_time.n++;
	fake_time.timer[i].source = s;
	fake_time.timer[i].due = usec;
	return really_set_time(s, UINT64_MAX);
}

/* Lets the loop do all that it has to do now. */
static inline void run_loop(sd_event *e)
{
	int r;

	while ((r = sd_event_run(e, 0)) > 0)
		;
	assert_int_equal(r, 0);
}

/* Lets that much time pass in one go, then the loop run. Forget timers of sources that are gone
 * with time_reset. */
static inline void pass_time(sd_event *e, uint64_t usec)
{
	fake_time.now += usec;
	for (unsigned i = 0; i < fake_time.n; i++)
		if (fake_time.timer[i].due <= fake_time.now) {
			fake_time.timer[i].due = UINT64_MAX;
			(void)really_set_time(fake_time.timer[i].source, 0);
		}
	run_loop(e);
}

static inline void time_reset(void)
{
	fake_time.now = TIME_BEGINS;
	fake_time.n = 0;
}
