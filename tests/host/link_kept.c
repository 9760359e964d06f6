/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/link_kept.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kept_channel {
	bool offered; /* the guest has the offer */
	bool shown;   /* and so has the session: it has offered it */
	bool leaving; /* rescinded, and not released yet */
	bool open;
	bool hidden;  /* open since before the session */
};

struct link_kept {
	struct link link; /* the session's; the first member */
	sd_event *event;
	struct link *below;
	bool joined;
	bool offers_done; /* the guest was told that it has them all */
	struct kept_channel channel[COMPONENT_MAX];
	/* A rule that was broken between two sessions: told to the next. "" if none. */
	char late[160];

	void (*ended)(void *user, int result); /* the owner's */
	void *owner;

	const struct link_events *events; /* of the session, or NULL */
	void *user;
	bool session_joined;
	sd_event_source *join_source;
};

/* Whether the session is to hear of what happens in this channel. */
static bool is_told(const struct link_kept *k, enum component c)
{
	return k->session_joined && !k->channel[c].hidden;
}

/* --- from below --- */

static int join_later(struct link_kept *k);

static void on_joined(void *user)
{
	struct link_kept *k = user;

	k->joined = true;
	k->offers_done = false;
	if (k->events) {
		(void)join_later(k);
		return;
	}
	/* Linux waits up to ten seconds for the end of the offers (since 6.14). */
	(void)k->below->ops->offers_done(k->below);
	k->offers_done = true;
}

static int on_opened(void *user, enum component c, void *memory, uint32_t ring_size)
{
	struct link_kept *k = user;
	int r = 0;

	k->channel[c].hidden = !k->session_joined;
	if (is_told(k, c))
		r = k->events->opened(k->user, c, memory, ring_size);
	k->channel[c].open = r >= 0;
	return r;
}

static void on_started(void *user, enum component c)
{
	struct link_kept *k = user;

	if (is_told(k, c))
		k->events->started(k->user, c);
}

static void on_closed(void *user, enum component c)
{
	struct link_kept *k = user;

	if (is_told(k, c))
		k->events->closed(k->user, c);
	k->channel[c].open = k->channel[c].hidden = false;
}

static void on_released(void *user, enum component c)
{
	struct link_kept *k = user;

	k->channel[c] = (struct kept_channel){ 0 };
	if (is_told(k, c))
		k->events->released(k->user, c);
}

static void on_signalled(void *user, enum component c, uint64_t times)
{
	struct link_kept *k = user;

	if (is_told(k, c))
		k->events->signalled(k->user, c, times);
}

static void on_interrupted(void *user, enum component c)
{
	struct link_kept *k = user;

	if (is_told(k, c))
		k->events->interrupted(k->user, c);
}

static void on_violated(void *user, int component, const char *sentence)
{
	struct link_kept *k = user;

	if (component != LINK_NO_COMPONENT && k->channel[component].hidden)
		return;
	if (k->session_joined)
		k->events->violated(k->user, component, sentence);
	else
		(void)snprintf(k->late, sizeof(k->late), "before: %s", sentence);
}

static void on_left(void *user)
{
	struct link_kept *k = user;

	k->joined = false;
	k->join_source = sd_event_source_disable_unref(k->join_source);
	memset(k->channel, 0, sizeof(k->channel));
	if (k->session_joined)
		k->events->left(k->user);
	k->session_joined = false;
}

static void on_ended(void *user, int result)
{
	struct link_kept *k = user;

	if (k->events)
		k->events->ended(k->user, result);
	k->ended(k->owner, result);
}

static const struct link_events below_events = {
	.joined = on_joined,
	.opened = on_opened,
	.started = on_started,
	.closed = on_closed,
	.released = on_released,
	.signalled = on_signalled,
	.interrupted = on_interrupted,
	.violated = on_violated,
	.left = on_left,
	.ended = on_ended,
};

/* --- the session's link --- */

static struct link_kept *of_link(struct link *l)
{
	return (struct link_kept *)l;
}

static int kept_offer(struct link *l, enum component c)
{
	struct link_kept *k = of_link(l);
	struct kept_channel *channel = &k->channel[c];
	int r = 0;

	if (channel->shown || channel->leaving)
		return -EBUSY;
	if (!channel->offered)
		r = k->below->ops->offer(k->below, c);
	if (r < 0)
		return r;
	channel->offered = channel->shown = true;
	return 0;
}

static int kept_offers_done(struct link *l)
{
	struct link_kept *k = of_link(l);

	if (k->offers_done)
		return 0;
	k->offers_done = true;
	return k->below->ops->offers_done(k->below);
}

static int take_away(struct link_kept *k, enum component c)
{
	int r = k->below->ops->rescind(k->below, c);

	if (r >= 0)
		k->channel[c] = (struct kept_channel){ .leaving = true };
	return r;
}

static int kept_rescind(struct link *l, enum component c)
{
	struct link_kept *k = of_link(l);

	return k->channel[c].shown ? take_away(k, c) : -ENOENT;
}

static int kept_signal(struct link *l, enum component c)
{
	struct link_kept *k = of_link(l);

	return k->below->ops->signal(k->below, c);
}

static int on_join(sd_event_source *source, void *user)
{
	struct link_kept *k = user;

	(void)source;
	k->join_source = sd_event_source_disable_unref(k->join_source);
	k->session_joined = true;
	k->events->joined(k->user);
	if (k->late[0])
		k->events->violated(k->user, LINK_NO_COMPONENT, k->late);
	k->late[0] = 0;
	return 0;
}

/* Not before the session is complete. */
static int join_later(struct link_kept *k)
{
	k->join_source = sd_event_source_disable_unref(k->join_source);
	return sd_event_add_defer(k->event, &k->join_source, on_join, k);
}

/* The session is gone, the link stays. */
static struct link *kept_release(struct link *l)
{
	struct link_kept *k;

	if (!l)
		return NULL;
	k = of_link(l);
	k->join_source = sd_event_source_disable_unref(k->join_source);
	k->session_joined = false;
	k->events = NULL;
	for (int c = 0; c < COMPONENT_MAX; c++) {
		k->channel[c].shown = false;
		k->channel[c].hidden = k->channel[c].open;
	}
	return NULL;
}

static const struct link_ops kept_ops = {
	.offer = kept_offer,
	.offers_done = kept_offers_done,
	.rescind = kept_rescind,
	.signal = kept_signal,
	.free = kept_release,
};

int link_kept_take(sd_event *event, const void *kept, uint32_t ring_size,
		   const struct link_events *events, void *user, struct link **ret)
{
	/* What is there has been made already, so there is nothing that the address could describe. */
	struct link_kept *k = (struct link_kept *)(uintptr_t)kept;

	(void)event;
	(void)ring_size;
	if (k->events)
		return -EBUSY;
	k->events = events;
	k->user = user;
	*ret = &k->link;
	return k->joined ? join_later(k) : 0;
}

/* --- between sessions --- */

void link_kept_prepare(struct link_kept *k, const bool offered[static COMPONENT_MAX])
{
	for (int c = 0; c < COMPONENT_MAX; c++)
		if (k->channel[c].offered && !offered[c])
			(void)take_away(k, (enum component)c);
}

bool link_kept_is_ready(const struct link_kept *k)
{
	for (int c = 0; c < COMPONENT_MAX; c++)
		if (k->channel[c].leaving)
			return false;
	return k->joined;
}

/* --- life --- */

struct link_kept *link_kept_free(struct link_kept *k)
{
	if (!k)
		return NULL;
	(void)kept_release(&k->link);
	if (k->below)
		k->below = k->below->ops->free(k->below);
	sd_event_unref(k->event);
	free(k);
	return NULL;
}

int link_kept_new(sd_event *event, link_open open_below, const void *address,
		  void (*ended)(void *user, int result), void *user, struct link_kept **ret)
{
	struct link_kept *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->link.ops = &kept_ops;
	k->event = sd_event_ref(event);
	k->ended = ended;
	k->owner = user;
	r = open_below(event, address, 0, &below_events, k, &k->below);
	if (r < 0)
		k = link_kept_free(k);
	*ret = k;
	return r;
}
