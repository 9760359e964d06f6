/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/scenario_expect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/version.h"

struct expectation {
	enum component component;
	uint64_t ms;
	char *const *checks; /* as words_check takes them, up to the end or "within" */
	const char *argument; /* "ok" or "ok|no-more" */
	struct version_pair pair;
	uint16_t counts[2];
	bool any, all;
};

static int check_fields(struct play *p, const struct expectation *e, const struct arrival *a)
{
	char why[4608];

	for (char *const *w = e->checks; *w && strcmp(*w, "within") != 0; w++)
		if (words_check(a->op, a->payload, a->len, *w, why, sizeof(why)) < 0)
			return play_fail(p, "%s", why);
	return 0;
}

/* What can be said of the checks before there is an answer. */
static int check_form(struct play *p, const struct expectation *e)
{
	for (char *const *w = e->checks; *w && strcmp(*w, "within") != 0; w++)
		if (!strchr(*w, '=') || **w == '=')
			return play_expected(p, "FIELD=VALUE, FIELD!=VALUE, FIELD^=BEGINNING, "
						"FIELD|=A,B or within MS after "
						"what is expected");
	return 0;
}

static struct arrival *await(struct play *p, const struct expectation *e, const char *what)
{
	if (play_await(p, play_has_arrival, e->component, e->ms))
		return play_take_arrival(p, e->component);
	(void)play_fail_silent(p, e->component, what);
	return NULL;
}

static int await_negotiation(struct play *p, const struct expectation *e, bool counts_only)
{
	_cleanup_(arrival_freep) struct arrival *a = NULL;
	struct version_pair pair;
	uint16_t counts[2];
	char came[160];

	a = await(p, e, "an answer");
	if (!a)
		return -EPROTO;
	arrival_describe(a, came, sizeof(came));
	if (!a->negotiation || wire_parse_negotiate(a->payload, a->len, counts, &pair) < 0)
		return play_fail(p, "expected a negotiation's answer, came %s", came);
	if (counts[0] != e->counts[0] || counts[1] != e->counts[1])
		return play_fail(p, "expected counts %u,%u, came %s", e->counts[0],
				 e->counts[1], came);
	if (!counts_only && !version_pair_equal(pair, e->pair))
		return play_fail(p, "expected %u.%u %u.%u, came %s", e->pair.framework.major,
				 e->pair.framework.minor, e->pair.message.major,
				 e->pair.message.minor, came);
	return check_fields(p, e, a);
}

static int expect_answered(struct play *p, struct expectation *e, char *const *words)
{
	if (!words[0] || !words[1] || version_parse(words[0], &e->pair.framework) < 0 ||
	    version_parse(words[1], &e->pair.message) < 0)
		return play_expected(p, "answered FRAMEWORK MESSAGE [FIELD=VALUE...] [within MS]");
	e->counts[0] = e->counts[1] = 1;
	e->checks = words + 2;
	return play_is_dry(p) ? check_form(p, e) : await_negotiation(p, e, false);
}

static int expect_counts(struct play *p, struct expectation *e, char *const *words)
{
	if (!words[0] || words_parse_counts(words[0], e->counts) < 0)
		return play_expected(p, "counts A,B [FIELD=VALUE...] [within MS]");
	e->checks = words + 1;
	return play_is_dry(p) ? check_form(p, e) : await_negotiation(p, e, true);
}

/* Whether the status is one of "A|B". -EINVAL: one of them is no status. */
static int match_status(const char *alternatives, uint32_t came)
{
	bool found = false;

	for (const char *at = alternatives;; at++) {
		size_t n = strcspn(at, "|");
		uint32_t status;
		char name[32];

		snprintf(name, sizeof(name), "%.*s", (int)n, at);
		if (n >= sizeof(name) || wire_status_parse(name, &status) < 0)
			return -EINVAL;
		found = found || status == came;
		at += n;
		if (!*at)
			return found;
	}
}

static int await_status(struct play *p, const struct expectation *e)
{
	_cleanup_(arrival_freep) struct arrival *a = NULL;
	char came[160];

	a = await(p, e, "an answer");
	if (!a)
		return -EPROTO;
	arrival_describe(a, came, sizeof(came));
	if (!e->any && match_status(e->argument, a->status) != 1)
		return play_fail(p, "expected status %s, came %s", e->argument, came);
	return check_fields(p, e, a);
}

/* "all": every request that is out is answered so, as many as they are. */
static int await_all(struct play *p, const struct expectation *e)
{
	int r = 0;

	if (!play_await(p, play_is_idle, e->component, e->ms))
		return play_fail_silent(p, e->component, "every answer");
	while (r == 0 && play_has_arrival(p, e->component))
		r = await_status(p, e);
	return r;
}

static int expect_status(struct play *p, struct expectation *e, char *const *words)
{
	e->any = words[0] && strcmp(words[0], "any") == 0;
	if (!words[0] || (!e->any && match_status(words[0], 0) < 0))
		return play_expected(p, "status ok, fail, no-more, not-supported, invalid, "
					"not-found, any or a number, or several: ok|no-more");
	e->argument = words[0];
	e->all = words[1] && strcmp(words[1], "all") == 0;
	e->checks = words + (e->all ? 2 : 1);
	if (play_is_dry(p))
		return check_form(p, e);
	return e->all ? await_all(p, e) : await_status(p, e);
}

static int expect_silence(struct play *p, struct expectation *e, char *const *words)
{
	_cleanup_(arrival_freep) struct arrival *a = NULL;
	uint64_t ms;
	char came[160];

	if (!words[0] || strcmp(words[0], "for") != 0 ||
	    scenario_take_number(words[1], 3600000, &ms) < 0 || words[2])
		return play_expected(p, "silence for MS");
	if (play_is_dry(p))
		return 0;
	if (play_wait(p, play_has_arrival, e->component, ms)) {
		a = play_take_arrival(p, e->component);
		arrival_describe(a, came, sizeof(came));
		return play_fail(p, "expected silence, came %s", came);
	}
	if (p->stopped)
		return play_fail(p, "%s", p->stopped);
	channel_abandon(play_channel(p, e->component));
	return 0;
}

static int expect_closed(struct play *p, struct expectation *e, char *const *words)
{
	if (words[0] && strcmp(words[0], "within") != 0)
		return play_expected(p, "closed [within MS]");
	if (play_is_dry(p) || play_await(p, play_is_closed, e->component, e->ms))
		return 0;
	return play_fail_silent(p, e->component, "a closing");
}

static struct breach **find_breach(struct play *p, enum component c, const char *text)
{
	for (struct breach **b = &p->breaches; *b; b = &(*b)->next)
		if ((*b)->component == (int)c && strstr((*b)->sentence, text))
			return b;
	return NULL;
}

static bool has_breach(struct play *p, enum component c)
{
	for (const struct breach *b = p->breaches; b; b = b->next)
		if (b->component == (int)c)
			return true;
	return false;
}

static int expect_violation(struct play *p, struct expectation *e, char *const *words)
{
	struct breach **at, *b;

	if (!words[0])
		return play_expected(p, "violation \"TEXT\" [within MS]");
	if (play_is_dry(p))
		return 0;
	(void)play_await(p, has_breach, e->component, e->ms);
	at = find_breach(p, e->component, words[0]);
	if (!at)
		return play_fail_silent(p, e->component, "the violation");
	b = *at;
	*at = b->next;
	free(b);
	return 0;
}

static const struct {
	const char *word;
	int (*run)(struct play *p, struct expectation *e, char *const *words);
} expectations[] = {
	{ "answered", expect_answered }, { "counts", expect_counts },
	{ "status", expect_status },     { "silence", expect_silence },
	{ "closed", expect_closed },     { "violation", expect_violation },
};

/* "within MS" may be the last two words of any expectation. */
static int take_within(struct play *p, char *const *words, uint64_t *ret)
{
	for (; *words; words++)
		if (strcmp(*words, "within") == 0)
			break;
	if (*words && (scenario_take_number(words[1], 3600000, ret) < 0 || words[2]))
		return play_expected(p, "within MILLISECONDS at the end of the line");
	return 0;
}

int expect_step(struct play *p, char *const *words)
{
	struct expectation e = { .ms = PLAY_WITHIN_MS };
	int r;

	r = play_take_component(p, &words, &e.component);
	if (r < 0)
		return r;
	r = take_within(p, words, &e.ms);
	if (r < 0)
		return r;
	for (size_t i = 0; *words && i < ARRAY_LEN(expectations); i++)
		if (strcmp(expectations[i].word, *words) == 0)
			return expectations[i].run(p, &e, words + 1);
	return play_expected(p, "answered, counts, status, silence, closed or violation");
}
