/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/scenario.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>

#include "tests/host/guest.h"
#include "tests/host/scenario_files.h"
#include "tests/host/scenario_play.h"
#include "tests/host/scenario_text.h"

#define END_MS 10000 /* a guest that was asked to end and has not after this is killed */

/* One scenario and its guest while they run. */
struct stage {
	struct scenario *scenario;
	sd_event *event;
	char *dir, *socket_path, *config_path, *log_path;
	struct play *play;
	struct guest *guest;
	bool *interrupted;
	bool guest_ended, guest_signalled;
	int guest_status;
	char why[4608];
};

static int on_interrupt(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
	struct stage *st = user;

	(void)source;
	(void)info;
	*st->interrupted = true;
	play_stop(st->play, "interrupted");
	return 0;
}

static void on_guest_ended(void *user, bool signalled, int status)
{
	struct stage *st = user;

	st->guest_ended = true;
	st->guest_signalled = signalled;
	st->guest_status = status;
	play_stop(st->play, "the guest's program ended");
}

static int fail(struct stage *st, const char *what, int r)
{
	snprintf(st->why, sizeof(st->why), "%s: %s: %s", st->scenario->path, what, strerror(-r));
	return r;
}

/* --- setting up --- */

static int make_paths(struct stage *st)
{
	int r;

	r = guest_dir_make(&st->dir);
	if (r < 0)
		return r;
	if (asprintf(&st->socket_path, "%s/socket", st->dir) < 0 ||
	    asprintf(&st->config_path, "%s/guest.conf", st->dir) < 0 ||
	    asprintf(&st->log_path, "%s/guest.log", st->dir) < 0)
		return -ENOMEM;
	return 0;
}

/* The pools of a guest under test must never be the machine's. */
static int make_pools(const struct stage *st)
{
	char *path;
	int r = 0;

	if (asprintf(&path, "%s/pools", st->dir) < 0)
		return -ENOMEM;
	if (mkdir(path, 0755) < 0)
		r = -errno;
	free(path);
	for (size_t i = 0; i < st->scenario->n_records && r >= 0; i++) {
		const struct scenario_record *record = &st->scenario->records[i];

		r = files_append_record(st->dir, record->pool, record->key, record->value);
	}
	return r;
}

static void put_config(FILE *f, const struct stage *st)
{
	const char *text = st->scenario->config;

	/* First, so that the scenario can say something else. */
	fprintf(f, "[KVP]\nPoolDirectory=%s/pools\n", st->dir);
	while (*text) {
		if (strncmp(text, "{dir}", 5) == 0) {
			fputs(st->dir, f);
			text += 5;
		} else {
			fputc(*text++, f);
		}
	}
}

static int write_config(const struct stage *st)
{
	FILE *f = fopen(st->config_path, "we");

	if (!f)
		return -errno;
	put_config(f, st);
	return fclose(f) == 0 ? 0 : -errno;
}

static int watch_interrupts(struct stage *st)
{
	sigset_t ours;
	int r;

	(void)sigemptyset(&ours);
	(void)sigaddset(&ours, SIGINT);
	(void)sigaddset(&ours, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &ours, NULL);
	r = sd_event_add_signal(st->event, NULL, SIGINT, on_interrupt, st);
	return r < 0 ? r : sd_event_add_signal(st->event, NULL, SIGTERM, on_interrupt, st);
}

static int set_up(struct stage *st, char *const *guest)
{
	struct guest_options options = { .argv = guest };
	int r;

	r = make_paths(st);
	if (r < 0)
		return fail(st, "cannot make a private directory", r);
	r = make_pools(st);
	if (r < 0)
		return fail(st, "cannot make the pools", r);
	r = write_config(st);
	if (r < 0)
		return fail(st, "cannot write the guest's configuration", r);
	r = sd_event_new(&st->event);
	if (r >= 0)
		r = play_new(st->event, st->scenario, link_socket_open, st->socket_path, st->dir,
			     &st->play);
	if (r >= 0)
		r = watch_interrupts(st);
	if (r < 0)
		return fail(st, "cannot set up the host", r);
	options.extra = (const char *const *)st->scenario->arguments;
	options.socket_path = st->socket_path;
	options.config_path = st->config_path;
	options.dir = st->dir;
	options.log = st->log_path;
	r = guest_start(st->event, &options, on_guest_ended, st, &st->guest);
	if (r < 0)
		return fail(st, "cannot start the guest", r);
	play_set_guest(st->play, st->guest);
	return 0;
}

/* --- the end of the guest --- */

static int end_guest(struct stage *st)
{
	bool by_itself = st->guest_ended;

	/* One that a step has stopped would not hear of SIGTERM. */
	(void)guest_resume(st->guest);
	guest_stop(st->guest);
	for (int tenth = 0; tenth < 100 && !st->guest_ended; tenth++)
		(void)sd_event_run(st->event, END_MS * UINT64_C(10));
	if (!st->guest_ended)
		snprintf(st->why, sizeof(st->why), "%s: the guest did not end at SIGTERM",
			 st->scenario->path);
	else if (st->guest_signalled || st->guest_status || by_itself)
		snprintf(st->why, sizeof(st->why), "%s: the guest ended %s with %s %d",
			 st->scenario->path, by_itself ? "by itself" : "at SIGTERM",
			 st->guest_signalled ? "signal" : "status", st->guest_status);
	else
		return 0;
	return -EPROTO;
}

/* The first reason is kept: what follows from it is noise. */
static int play_out(struct stage *st)
{
	char why[sizeof(st->why)] = "";
	int r, ended;

	r = play_run(st->play, st->why, sizeof(st->why));
	memcpy(why, st->why, sizeof(why));
	ended = end_guest(st);
	if (r < 0) {
		size_t n = strlen(why);

		if (ended < 0 && st->guest_ended && n < sizeof(why))
			snprintf(why + n, sizeof(why) - n, " (its program ended with %s %d)",
				 st->guest_signalled ? "signal" : "status", st->guest_status);
		memcpy(st->why, why, sizeof(why));
		return r;
	}
	return ended < 0 ? ended : play_finish(st->play, st->why, sizeof(st->why));
}

/* --- one file --- */

static void show_log(const struct stage *st)
{
	FILE *f = st->log_path ? fopen(st->log_path, "re") : NULL;
	char *line = NULL;
	size_t size = 0;

	while (f && getline(&line, &size, f) >= 0)
		printf("    guest: %s%s", line, strchr(line, '\n') ? "" : "\n");
	free(line);
	if (f)
		(void)fclose(f);
}

static void stage_done(struct stage *st)
{
	st->guest = guest_free(st->guest);
	st->play = play_free(st->play);
	sd_event_unref(st->event);
	st->dir = guest_dir_remove(st->dir);
	free(st->socket_path);
	free(st->config_path);
	free(st->log_path);
	st->scenario = scenario_free(st->scenario);
}

enum outcome {
	PASSED,
	FAILED,
	SKIPPED,
	OUTCOMES
};

static bool hands_over_config(char *const *words)
{
	for (; words && *words; words++)
		if (strstr(*words, "{config}"))
			return true;
	return false;
}

/* A guest that never sees its configuration would pass or fail for another reason. */
static int check_config(struct stage *st, char *const *guest)
{
	const struct scenario *s = st->scenario;

	if (!*s->config || hands_over_config(guest) || hands_over_config(s->arguments))
		return 0;
	snprintf(st->why, sizeof(st->why),
		 "%s: has config lines, and no argument of the guest has {config}", s->path);
	return -EINVAL;
}

static enum outcome run_file(const char *path, char *const *guest, bool *interrupted)
{
	_cleanup_(stage_done) struct stage st = { .interrupted = interrupted };
	const char *obstacle;
	int r;

	r = scenario_read(path, &st.scenario, st.why, sizeof(st.why));
	if (r >= 0)
		r = play_check(st.scenario, st.why, sizeof(st.why));
	obstacle = r >= 0 ? play_obstacle(st.scenario) : NULL;
	if (obstacle) {
		printf("SKIPPED %s: %s\n", path, obstacle);
		return SKIPPED;
	}
	if (r >= 0)
		r = check_config(&st, guest);
	if (r >= 0)
		r = set_up(&st, guest);
	if (r >= 0)
		r = play_out(&st);
	printf("%-7s%s%s%s\n", r < 0 ? "FAILED" : "ok", path,
	       st.scenario && st.scenario->title[0] ? ": " : "",
	       st.scenario ? st.scenario->title : "");
	if (r < 0) {
		printf("       %s\n", st.why);
		show_log(&st);
	}
	(void)fflush(stdout);
	return r < 0 ? FAILED : PASSED;
}

int scenario_run_files(char *const *files, size_t n_files, char *const *guest)
{
	size_t count[OUTCOMES] = { 0 }, run = 0;
	bool interrupted = false;

	for (; run < n_files && !interrupted; run++)
		count[run_file(files[run], guest, &interrupted)]++;
	printf("%zu passed, %zu failed, %zu skipped\n", count[PASSED], count[FAILED], count[SKIPPED]);
	return count[FAILED] || run < n_files ? 1 : 0;
}
