/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Any id would do; a constant one keeps reports comparable. */
static const char vm_id[] = "6E0C3AB2-51D5-4B8F-9C0A-2D6A6D1C7F01";

/* --- from the channels --- */

static void on_answered(void *user, struct channel *c, const struct answer *a)
{
	struct session *s = user;

	s->events->answered(s->user, c, a);
}

static void on_timed_out(void *user, struct channel *c)
{
	struct session *s = user;

	s->events->timed_out(s->user, c);
}

static void on_channel_violated(void *user, struct channel *c, const char *sentence)
{
	struct session *s = user;

	s->events->violated(s->user, c, sentence);
}

static int on_channel_signal(void *user, struct channel *c)
{
	struct session *s = user;

	return s->link->ops->signal(s->link, c->component);
}

static const struct channel_handler channel_handler = {
	.answered = on_answered,
	.timed_out = on_timed_out,
	.violated = on_channel_violated,
	.signal = on_channel_signal,
};

/* --- from the link --- */

static void set_up_facts(struct session *s)
{
	memset(&s->facts, 0, sizeof(s->facts));
	snprintf(s->facts.vm_name, sizeof(s->facts.vm_name), "%s", s->options->vm_name);
	snprintf(s->facts.vm_id, sizeof(s->facts.vm_id), "%s", vm_id);
	s->facts.running = true;
	(void)fault_set_format(&s->faults, s->facts.faults, sizeof(s->facts.faults));
	for (int i = 0; i < COMPONENT_MAX; i++)
		s->facts.component[i].enabled = s->options->release->component[i].offered &&
						!s->options->disabled[i];
}

/* What a channel that is offered anew begins with; a rule that was broken stays broken, and what was
 * measured is kept. */
static void set_up_component(struct component_facts *f)
{
	struct component_facts old = *f;

	*f = (struct component_facts){ .enabled = old.enabled,
				       .violations = old.violations,
				       .opened_times = old.opened_times,
				       .openings = old.openings };
	memcpy(f->violation, old.violation, sizeof(f->violation));
}

static void on_joined(void *user)
{
	struct session *s = user;

	s->joined = true;
	memset(s->closed, 0, sizeof(s->closed)); /* that was another guest's doing */
	set_up_facts(s);
	for (int i = 0; i < COMPONENT_MAX; i++)
		if (s->facts.component[i].enabled)
			(void)session_offer(s, &s->channel[i]);
	(void)s->link->ops->offers_done(s->link);
	s->events->joined(s->user);
}

static int on_opened(void *user, enum component component, void *memory, uint32_t ring_size)
{
	struct session *s = user;

	s->closed[component] = false;
	channel_opened(&s->channel[component], memory, ring_size);
	return 0;
}

static void on_started(void *user, enum component component)
{
	struct session *s = user;

	s->events->opened(s->user, &s->channel[component]);
}

/*
 * A guest that agreed and then closes or goes has lost contact; one that never agreed has none. That
 * a real host says so of a guest's component that is stopped is inferred.
 */
static void lose_contact(struct channel *c)
{
	bool agreed = c->facts->contact == CONTACT_AGREED || c->facts->contact == CONTACT_LOST;

	c->facts->contact = agreed ? CONTACT_LOST : CONTACT_NONE;
}

/* What the guest has put before it closed is read first, and counts. */
static void close_channel(struct session *s, struct channel *c)
{
	channel_closed(c);
	s->before[c->component] = *c->facts;
	s->before[c->component].opened = true;
	s->closed[c->component] = true;
	lose_contact(c);
	s->events->closed(s->user, c);
}

static void on_closed(void *user, enum component component)
{
	struct session *s = user;

	close_channel(s, &s->channel[component]);
}

static void on_released(void *user, enum component component)
{
	struct session *s = user;

	s->events->released(s->user, &s->channel[component]);
}

static void on_signalled(void *user, enum component component, uint64_t times)
{
	struct session *s = user;

	channel_signalled(&s->channel[component], times);
}

static void on_interrupted(void *user, enum component component)
{
	struct session *s = user;

	channel_interrupted(&s->channel[component]);
}

static void on_link_violated(void *user, int component, const char *sentence)
{
	struct session *s = user;

	if (component != LINK_NO_COMPONENT) {
		channel_violated(&s->channel[component], sentence);
		return;
	}
	s->facts.violations++;
	snprintf(s->facts.violation, sizeof(s->facts.violation), "%s", sentence);
	s->events->violated(s->user, NULL, sentence);
}

static void on_left(void *user)
{
	struct session *s = user;

	for (int i = 0; i < COMPONENT_MAX; i++)
		if (s->channel[i].open)
			close_channel(s, &s->channel[i]);
	s->joined = false;
	s->events->left(s->user);
}

static void on_ended(void *user, int result)
{
	struct session *s = user;

	if (s->events->ended)
		s->events->ended(s->user, result);
}

static const struct link_events link_events = {
	.joined = on_joined,
	.opened = on_opened,
	.started = on_started,
	.closed = on_closed,
	.released = on_released,
	.signalled = on_signalled,
	.interrupted = on_interrupted,
	.violated = on_link_violated,
	.left = on_left,
	.ended = on_ended,
};

/* --- what the owner asks --- */

const struct guest_facts *session_facts(struct session *s)
{
	for (int i = 0; i < COMPONENT_MAX; i++)
		channel_note_timing(&s->channel[i]);
	return &s->facts;
}

void session_last_facts(const struct session *s, struct guest_facts *ret)
{
	*ret = s->facts;
	for (int i = 0; i < COMPONENT_MAX; i++)
		if (s->closed[i])
			ret->component[i] = s->before[i];
}

int session_negotiate(struct session *s, struct channel *c)
{
	const struct release_offer *o = &s->options->release->component[c->component];

	return channel_negotiate(c, &o->framework, &o->message, NULL);
}

uint64_t session_reference_time(struct session *s)
{
	struct timespec t;

	if (s->link->ops->reference_time)
		return s->link->ops->reference_time(s->link);
	(void)clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (uint64_t)t.tv_sec * 10000000 + (uint64_t)t.tv_nsec / 100;
}

void session_stop(struct session *s)
{
	if (s->link->ops->stop)
		s->link->ops->stop(s->link);
}

int session_rescind(struct session *s, struct channel *c)
{
	bool was_open = c->open;
	int r;

	/* The host stops believing the memory before it says so: channel_closed would read on. */
	channel_done(c);
	s->closed[c->component] = false;
	c->facts->opened = false;
	c->facts->contact = CONTACT_NONE; /* the host's own doing: it begins anew */
	r = s->link->ops->rescind(s->link, c->component);
	if (r < 0)
		return r;
	if (was_open)
		s->events->closed(s->user, c);
	return 0;
}

int session_offer(struct session *s, struct channel *c)
{
	int r = s->link->ops->offer(s->link, c->component);

	if (r >= 0)
		set_up_component(c->facts);
	return r;
}

/* --- life --- */

struct session *session_free(struct session *s)
{
	if (!s)
		return NULL;
	for (int i = 0; i < COMPONENT_MAX; i++)
		channel_done(&s->channel[i]);
	if (s->link)
		s->link = s->link->ops->free(s->link);
	sd_event_unref(s->event);
	free(s);
	return NULL;
}

static void session_freep(struct session **s)
{
	(void)session_free(*s);
}

int session_new(sd_event *event, const struct session_options *options,
		const struct session_events *events, void *user, struct session **ret)
{
	_cleanup_(session_freep) struct session *s = NULL;
	int r;

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->event = sd_event_ref(event);
	s->options = options;
	s->events = events;
	s->user = user;
	set_up_facts(s);
	for (int i = 0; i < COMPONENT_MAX; i++)
		channel_init(&s->channel[i], (enum component)i, event, &s->facts.component[i],
			     &s->faults, options->timeout_ms, &channel_handler, s);
	r = options->open_link(event, options->address, options->ring_size, &link_events, s,
			       &s->link);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}
