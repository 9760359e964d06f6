/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/scenario_state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- saying what is wrong --- */

int play_fail(struct play *p, const char *format, ...)
{
	int at = snprintf(p->why, p->why_size, "%s:%u: ", p->s->path,
			  p->line ? p->line->number : 0);
	va_list args;

	va_start(args, format);
	if (at >= 0 && (size_t)at < p->why_size)
		(void)vsnprintf(p->why + at, p->why_size - (size_t)at, format, args);
	va_end(args);
	return -EPROTO;
}

int play_expected(struct play *p, const char *what)
{
	(void)play_fail(p, "expected %s", what);
	return -EINVAL;
}

int play_unknown(struct play *p, const char *what, const char *word, const char *list)
{
	if (word)
		(void)play_fail(p, "expected %s, not \"%s\": %s", what, word, list);
	else
		(void)play_fail(p, "expected %s: %s", what, list);
	return -EINVAL;
}

int play_wrong(struct play *p, const char *sentence)
{
	(void)play_fail(p, "%s", sentence);
	return -EINVAL;
}

bool play_is_dry(const struct play *p)
{
	return !p->session;
}

struct channel *play_channel(struct play *p, enum component c)
{
	return &p->session->channel[c];
}

int play_take_component(struct play *p, char *const **words, enum component *ret)
{
	char list[128] = "";

	if (**words && component_from_key(**words, ret) >= 0) {
		(*words)++;
		return 0;
	}
	for (int c = 0; c < COMPONENT_MAX; c++)
		words_append(list, sizeof(list), ", ", component_table[c].key);
	return play_unknown(p, "a component", **words, list);
}

/* --- from the session --- */

static void on_answered(void *user, struct channel *c, const struct answer *a)
{
	struct play *p = user;
	struct arrival **end = &p->arrivals, *new = malloc(sizeof(*new) + a->len);

	if (!new)
		return;
	*new = (struct arrival){ .component = c->component,
				 .negotiation = a->negotiation,
				 .op = a->op,
				 .status = a->status,
				 .len = a->len };
	memcpy(new->payload, a->payload, a->len);
	while (*end)
		end = &(*end)->next;
	*end = new;
}

static void on_violated(void *user, struct channel *c, const char *sentence)
{
	struct play *p = user;
	struct breach **end = &p->breaches, *new = calloc(1, sizeof(*new));

	if (!new)
		return;
	new->line = p->line ? p->line->number : 0;
	new->component = c ? (int)c->component : LINK_NO_COMPONENT;
	snprintf(new->sentence, sizeof(new->sentence), "%s", sentence);
	while (*end)
		end = &(*end)->next;
	*end = new;
}

static void on_released(void *user, struct channel *c)
{
	struct play *p = user;

	p->released[c->component] = true;
}

static void on_left(void *user)
{
	play_stop(user, "the guest left");
}

static void on_nothing(void *user)
{
	(void)user;
}

static void on_channel_nothing(void *user, struct channel *c)
{
	(void)user;
	(void)c;
}

const struct session_events play_session_events = {
	.joined = on_nothing,
	.opened = on_channel_nothing,
	.closed = on_channel_nothing,
	.released = on_released,
	.answered = on_answered,
	.timed_out = on_channel_nothing,
	.violated = on_violated,
	.left = on_left,
};

void play_forget(struct play *p)
{
	while (p->arrivals) {
		struct arrival *a = p->arrivals;

		p->arrivals = a->next;
		free(a);
	}
	while (p->breaches) {
		struct breach *b = p->breaches;

		p->breaches = b->next;
		free(b);
	}
}

/* --- waiting --- */

uint64_t play_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

bool play_wait(struct play *p, play_condition holds, enum component c, uint64_t ms)
{
	uint64_t end = play_now_ms() + ms, now = play_now_ms();

	while (!holds(p, c) && now < end && !p->stopped) {
		if (sd_event_run(p->event, (end - now) * 1000) < 0)
			return false;
		now = play_now_ms();
	}
	return holds(p, c);
}

bool play_await(struct play *p, play_condition holds, enum component c, uint64_t ms)
{
	return play_wait(p, holds, c, ms * p->slow);
}

bool play_never(struct play *p, enum component c)
{
	(void)p;
	(void)c;
	return false;
}

bool play_is_open(struct play *p, enum component c)
{
	return play_channel(p, c)->open;
}

bool play_is_closed(struct play *p, enum component c)
{
	return !play_channel(p, c)->open;
}

bool play_is_released(struct play *p, enum component c)
{
	return p->released[c];
}

bool play_is_idle(struct play *p, enum component c)
{
	return !channel_is_busy(play_channel(p, c));
}

static struct arrival **find_arrival(struct play *p, enum component c)
{
	for (struct arrival **a = &p->arrivals; *a; a = &(*a)->next)
		if ((*a)->component == c)
			return a;
	return NULL;
}

bool play_has_arrival(struct play *p, enum component c)
{
	return find_arrival(p, c);
}

void arrival_freep(struct arrival **a)
{
	free(*a);
}

struct arrival *play_take_arrival(struct play *p, enum component c)
{
	struct arrival **at = find_arrival(p, c), *a = at ? *at : NULL;

	if (a)
		*at = a->next;
	return a;
}

void arrival_describe(const struct arrival *a, char *ret, size_t size)
{
	struct version_pair pair;
	uint16_t counts[2];
	const char *name = wire_status_name(a->status);

	if (a->negotiation && wire_parse_negotiate(a->payload, a->len, counts, &pair) == 0)
		snprintf(ret, size, "counts %u,%u versions %u.%u %u.%u status 0x%08x", counts[0],
			 counts[1], pair.framework.major, pair.framework.minor, pair.message.major,
			 pair.message.minor, a->status);
	else
		snprintf(ret, size, "status %s (0x%08x), %zu bytes", name ? name : "unknown",
			 a->status, a->len);
}

int play_fail_silent(struct play *p, enum component c, const char *what)
{
	if (p->stopped)
		return play_fail(p, "%s, while waiting for %s of %s", p->stopped, what,
				 component_table[c].key);
	if (p->breaches)
		return play_fail(p, "%s of %s did not come, but: %s", what, component_table[c].key,
				 p->breaches->sentence);
	return play_fail(p, "%s of %s did not come", what, component_table[c].key);
}
