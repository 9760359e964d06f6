/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/scenario.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "tests/host/scenario_play.h"
#include "tests/host/scenario_text.h"
#include "tests/host/venue.h"

#define END_MS 10000 /* a guest that was asked to end and has not after this is killed */

/* All files are played in one loop, and at one venue. */
struct theatre {
	const struct scenario_options *options;
	sd_event *event;
	struct venue *venue;
	struct play *play; /* the one that is on */
	bool interrupted;
};

/* One scenario and its guest while they run. */
struct stage {
	struct theatre *theatre;
	struct home *home;
	struct scenario *scenario;
	struct play *play;
	bool guest_ended, guest_signalled;
	int guest_status;
	char why[4608];
};

static int on_interrupt(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
	struct theatre *t = user;

	(void)source;
	(void)info;
	t->interrupted = true;
	if (t->play)
		play_stop(t->play, "interrupted");
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

static int prepare_home(const struct stage *st)
{
	const struct scenario *s = st->scenario;
	struct home_record *records = calloc(s->n_records + 1, sizeof(*records));
	const struct home_setup setup = { .config = s->config,
					  .records = records,
					  .n_records = s->n_records };
	int r;

	if (!records)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_records; i++)
		records[i] = (struct home_record){ .pool = s->records[i].pool,
						   .key = s->records[i].key,
						   .value = s->records[i].value };
	r = st->home->ops->prepare(st->home, &setup);
	free(records);
	return r;
}

static int start_play(struct stage *st)
{
	struct theatre *t = st->theatre;
	struct play_options options = { .scenario = st->scenario,
					.open_link = t->venue->open_link,
					.home = st->home,
					.slow = t->options->slow };
	int r;

	r = t->venue->ops->settle(t->venue, st->scenario, &options.address);
	if (r >= 0)
		r = play_new(t->event, &options, &st->play);
	t->play = st->play;
	return r;
}

static int start_guest(struct stage *st)
{
	const struct home_program program = {
		.argv = st->theatre->options->guest,
		.extra = (const char *const *)st->scenario->arguments,
		.ended = on_guest_ended,
		.user = st,
	};

	return st->home->ops->start(st->home, &program);
}

static int set_up(struct stage *st)
{
	int r;

	r = prepare_home(st);
	if (r < 0)
		return fail(st, "cannot set up the guest's directory", r);
	r = start_play(st);
	if (r < 0)
		return fail(st, "cannot set up the host", r);
	r = start_guest(st);
	return r < 0 ? fail(st, "cannot start the guest", r) : 0;
}

/* --- the end of the guest --- */

static int end_guest(struct stage *st)
{
	unsigned slow = st->theatre->options->slow ? st->theatre->options->slow : 1;
	uint64_t end = play_now_ms() + END_MS * (uint64_t)slow;
	bool by_itself = st->guest_ended;

	(void)st->home->ops->stop(st->home);
	while (!st->guest_ended && play_now_ms() < end)
		(void)sd_event_run(st->theatre->event, 100000);
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
	char *text = NULL, *rest;

	if (!st->home->dir[0] || st->home->ops->read_log(st->home, &text) < 0)
		return;
	rest = text;
	for (char *line; (line = strsep(&rest, "\n"));)
		if (*line || rest)
			printf("    guest: %s\n", line);
	free(text);
}

/* The program ends before its host, which sees it close what it has open. */
static void stage_done(struct stage *st)
{
	if (st->home->dir[0])
		(void)st->home->ops->clean(st->home);
	st->theatre->play = NULL;
	st->play = play_free(st->play);
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

static const char *obstacle_of(const struct stage *st)
{
	struct venue *v = st->theatre->venue;

	if (st->scenario->needs_adapter && !*v->home->ipv4)
		return "no network adapter has an IPv4 address";
	return v->ops->obstacle(v, st->scenario);
}

static enum outcome run_file(struct theatre *t, const char *path)
{
	_cleanup_(stage_done) struct stage st = { .theatre = t, .home = t->venue->home };
	const char *obstacle;
	int r;

	r = scenario_read(path, &st.scenario, st.why, sizeof(st.why));
	if (r >= 0)
		r = play_check(st.scenario, st.why, sizeof(st.why));
	obstacle = r >= 0 ? obstacle_of(&st) : NULL;
	if (obstacle) {
		printf("SKIPPED %s: %s\n", path, obstacle);
		return SKIPPED;
	}
	if (r >= 0)
		r = check_config(&st, t->options->guest);
	if (r >= 0)
		r = set_up(&st);
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

/* --- all files --- */

static int watch_interrupts(struct theatre *t)
{
	sigset_t ours;
	int r;

	(void)sigemptyset(&ours);
	(void)sigaddset(&ours, SIGINT);
	(void)sigaddset(&ours, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &ours, NULL);
	r = sd_event_add_signal(t->event, NULL, SIGINT, on_interrupt, t);
	return r < 0 ? r : sd_event_add_signal(t->event, NULL, SIGTERM, on_interrupt, t);
}

static int open_theatre(struct theatre *t)
{
	const struct scenario_options *o = t->options;
	int r;

	r = sd_event_new(&t->event);
	if (r >= 0)
		r = watch_interrupts(t);
	if (r >= 0 && o->machine)
		r = venue_vm_new(t->event, o->machine, o->boot_seconds, &t->interrupted,
				 &t->venue);
	else if (r >= 0)
		r = venue_here_new(t->event, &t->venue);
	return r;
}

static void theatre_done(struct theatre *t)
{
	if (t->venue)
		t->venue = t->venue->ops->free(t->venue);
	t->event = sd_event_unref(t->event);
}

int scenario_run_files(const struct scenario_options *options)
{
	_cleanup_(theatre_done) struct theatre t = { .options = options };
	size_t count[OUTCOMES] = { 0 }, run = 0;
	int r;

	r = open_theatre(&t);
	if (r < 0) {
		(void)fprintf(stderr, "vmichost: cannot play scenarios: %s\n", strerror(-r));
		return 1;
	}
	for (; run < options->n_files && !t.interrupted; run++)
		count[run_file(&t, options->files[run])]++;
	printf("%zu passed, %zu failed, %zu skipped\n", count[PASSED], count[FAILED], count[SKIPPED]);
	return count[FAILED] || run < options->n_files ? 1 : 0;
}
