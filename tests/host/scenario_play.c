/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/scenario_play.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/scenario_step.h"

#define LAST_LOOK_MS 20 /* after the last step: for what nobody expects */
#define DEPTH_MAX 4     /* of repeat */

/* --- the course --- */

static int run_line(struct play *p)
{
	_cleanup_(words_freep) char **words = words_expand(p->line->word, &p->variables);

	if (!words)
		return -ENOMEM;
	return step_run(p, words);
}

static int run_lines(struct play *p, size_t from, size_t until, unsigned depth);

/* The line of the "end" that belongs to the repeat, or until. */
static size_t find_end(const struct play *p, size_t from, size_t until)
{
	unsigned open = 0;

	for (size_t i = from; i < until; i++) {
		if (strcmp(p->s->steps[i].word[0], "repeat") == 0)
			open++;
		else if (strcmp(p->s->steps[i].word[0], "end") == 0 && --open == 0)
			return i;
	}
	return until;
}

struct repetition {
	const char *name;
	uint64_t times, every_ms; /* 0: one after the other */
};

/* "repeat N [as NAME] [every MS]" */
static int parse_repeat(struct play *p, struct repetition *ret)
{
	char *const *words = p->line->word + 1;

	*ret = (struct repetition){ .name = "i" };
	if (scenario_take_number(*words, 1000000, &ret->times) < 0)
		return -EINVAL;
	words++;
	if (*words && strcmp(*words, "as") == 0) {
		if (!words[1])
			return -EINVAL;
		ret->name = words[1];
		words += 2;
	}
	if (words_take_option(&words, "every", 3600000, &ret->every_ms) < 0 || *words)
		return -EINVAL;
	ret->every_ms *= p->slow;
	return 0;
}

/* Until the next turn is due, which it must not be yet: a cadence that is not kept is a failure. */
static int wait_for_turn(struct play *p, const struct repetition *repeat, uint64_t due)
{
	uint64_t now = play_now_ms();

	if (now > due)
		return play_fail(p, "a turn took %llu ms longer than %llu ms",
				 (unsigned long long)(now - due),
				 (unsigned long long)repeat->every_ms);
	(void)play_wait(p, play_never, 0, due - now);
	return p->stopped ? play_fail(p, "%s", p->stopped) : 0;
}

/* from is the line of the repeat, end that of its end. */
static int run_repeat(struct play *p, size_t from, size_t end, unsigned depth)
{
	uint64_t due = play_now_ms();
	struct repetition repeat;
	int r = 0;

	if (parse_repeat(p, &repeat) < 0 || depth >= DEPTH_MAX)
		return play_expected(p, "repeat TIMES [as NAME] [every MS], not deeper than four");
	if (play_is_dry(p) && repeat.times > 1)
		repeat.times = 1;
	for (uint64_t i = 0; i < repeat.times && r == 0; i++) {
		words_set_variable(&p->variables, depth, repeat.name, i);
		r = run_lines(p, from + 1, end, depth + 1);
		due += repeat.every_ms;
		if (r == 0 && repeat.every_ms && i + 1 < repeat.times)
			r = wait_for_turn(p, &repeat, due);
		if (r == -EPROTO && repeat.times > 1) {
			size_t at = strlen(p->why);

			snprintf(p->why + at, p->why_size - at, " (%s = %llu)", repeat.name,
				 (unsigned long long)i);
		}
	}
	words_set_variable(&p->variables, depth, NULL, 0);
	return r;
}

static int run_lines(struct play *p, size_t from, size_t until, unsigned depth)
{
	int r = 0;

	for (size_t i = from; i < until && r == 0; i++) {
		p->line = &p->s->steps[i];
		if (strcmp(p->line->word[0], "end") == 0)
			return play_expected(p, "a repeat before this end");
		if (strcmp(p->line->word[0], "repeat") == 0) {
			size_t end = find_end(p, i, until);

			if (end == until)
				return play_expected(p, "an end to this repeat");
			r = run_repeat(p, i, end, depth);
			i = end;
		} else {
			r = run_line(p);
		}
	}
	return r;
}

int play_check(const struct scenario *s, char *why, size_t why_size)
{
	struct play p = { .s = s, .why = why, .why_size = why_size };

	words_init(&p.variables);
	return run_lines(&p, 0, s->n_steps, 0);
}

int play_run(struct play *p, char *why, size_t why_size)
{
	int r;

	p->why = why;
	p->why_size = why_size;
	r = run_lines(p, 0, p->s->n_steps, 0);
	if (r == 0)
		(void)play_wait(p, play_never, 0, LAST_LOOK_MS);
	return r;
}

int play_finish(struct play *p, char *why, size_t why_size)
{
	char came[160];

	p->why = why;
	p->why_size = why_size;
	if (p->breaches) {
		snprintf(why, why_size, "%s:%u: the guest broke a rule: %s", p->s->path,
			 p->breaches->line, p->breaches->sentence);
		return -EPROTO;
	}
	if (!p->arrivals)
		return 0;
	arrival_describe(p->arrivals, came, sizeof(came));
	return play_fail(p, "an answer of %s that no step expects: %s",
			 component_table[p->arrivals->component].key, came);
}

void play_stop(struct play *p, const char *reason)
{
	if (!p->stopped)
		p->stopped = reason;
}

/* --- life --- */

struct play *play_free(struct play *p)
{
	if (!p)
		return NULL;
	p->session = session_free(p->session);
	play_forget(p);
	sd_event_unref(p->event);
	free(p);
	return NULL;
}

static void play_freep(struct play **p)
{
	(void)play_free(*p);
}

int play_new(sd_event *event, const struct play_options *options, struct play **ret)
{
	_cleanup_(play_freep) struct play *p = calloc(1, sizeof(*p));
	const struct scenario *s = options->scenario;
	int r;

	if (!p)
		return -ENOMEM;
	p->event = sd_event_ref(event);
	p->s = s;
	p->home = options->home;
	p->slow = options->slow ? options->slow : 1;
	words_init(&p->variables);
	if (p->home) {
		p->variables.dir = p->home->dir;
		p->variables.mac = p->home->mac;
		p->variables.ipv4 = p->home->ipv4;
		p->variables.ahead = p->home->ahead;
	}
	p->options = (struct session_options){ .release = &s->release,
					       .open_link = options->open_link,
					       .address = options->address,
					       .vm_name = "vmicd",
					       .timeout_ms = s->timeout_ms,
					       .ring_size = s->ring_size };
	memcpy(p->options.disabled, s->disabled, sizeof(s->disabled));
	r = session_new(event, &p->options, &play_session_events, p, &p->session);
	if (r < 0)
		return r;
	p->session->faults = s->faults;
	*ret = TAKE_PTR(p);
	return 0;
}
