/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bus/news.h"

#include <string.h>

#include "daemon/bus/object.h"
#include "hv_util/release.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)

void news_schedule(struct bus *b)
{
	uint64_t now = 0, due = b->news.sent_usec + NEWS_PACE_USEC;

	if (sd_event_source_get_enabled(b->news.pace, NULL) > 0)
		return;
	(void)sd_event_now(b->event, CLOCK_MONOTONIC, &now);
	(void)sd_event_source_set_time(b->news.pace, due > now ? due : now);
	(void)sd_event_source_set_enabled(b->news.pace, SD_EVENT_ONESHOT);
}

/* Whether it may be this one that offers all that was offered. */
static bool may_be(const struct bus *b, enum release_id release)
{
	bool offered = false;

	for (enum ic_component i = 0; i < IC_COMPONENTS; i++) {
		const struct news_component *c = &b->news.component[i];

		if (c->has_offer && !release_offers(release, i, &c->offer))
			return false;
		offered |= c->has_offer;
	}
	return offered;
}

static void find_releases(struct bus *b)
{
	uint32_t found = 0;

	for (enum release_id i = 0; i < RELEASES; i++)
		if (may_be(b, i))
			found |= 1u << i;
	b->news.host_changed |= found != b->news.host_releases;
	b->news.host_releases = found;
}

/* What the host offers holds until it takes the channel away, or offers something else. */
static void keep_offer(struct bus *b, enum ic_component component, enum channel_news news)
{
	struct news_component *c = &b->news.component[component];
	struct channel_view view;

	if (manager_view(b->manager, component, &view) < 0)
		return;
	if (news == CHANNEL_NEGOTIATED || view.answer->outcome != IC_NOT_NEGOTIATED) {
		c->has_offer = true;
		c->offer = *view.offer;
	} else if (strcmp(view.state, "absent") == 0) {
		c->has_offer = false;
	}
	find_releases(b);
}

static void on_news(void *user, enum ic_component component, enum channel_news news)
{
	struct bus *b = user;
	struct news_component *c = &b->news.component[component];

	keep_offer(b, component, news);
	switch (news) {
	case CHANNEL_CHANGED:
		break;
	case CHANNEL_NEGOTIATED:
		c->negotiated = true;
		c->lost_last = false;
		break;
	case CHANNEL_LOST:
		c->lost = c->lost_last = true;
		break;
	}
	c->changed = true;
	news_schedule(b);
}

static void on_configured(void *user)
{
	struct bus *b = user;

	b->news.configured = true;
	news_schedule(b);
}

static void on_clock_stepped(void *user, int64_t ns)
{
	struct bus *b = user;

	/* A host may ask for steps of any length: the sum wraps, as the clock would. */
	b->news.stepped_ns = (int64_t)((uint64_t)b->news.stepped_ns + (uint64_t)ns);
	b->news.stepped = true;
	news_schedule(b);
}

static void on_shutdown_requested(void *user, const struct shutdown_request *request)
{
	struct bus *b = user;

	b->news.shutdown = *request;
	b->news.has_shutdown = true;
	news_schedule(b);
}

static void on_pool_changed(void *user, unsigned pool)
{
	pools_changed(user, pool);
}

static void send_component(struct bus *b, enum ic_component component)
{
	const struct news_component *c = &b->news.component[component];
	struct bus_component *object = &b->component[component];

	if (object->path[0] == '\0')
		return;
	if (c->changed || b->news.configured)
		component_object_changed(object, b->news.configured);
	if (c->lost)
		component_object_lost(object);
	if (c->negotiated && !c->lost_last)
		component_object_negotiated(object);
}

static void send_shutdown(const struct bus *b)
{
	const struct shutdown_request *r = &b->news.shutdown;

	(void)sd_bus_emit_signal(b->bus, BUS_PATH, BUS_MANAGER, "ShutdownRequested", "sbts",
				 shutdown_action_names[r->action], r->forced, r->timeout_s * USEC_PER_SEC, r->text);
}

static void send_manager(struct bus *b)
{
	if (b->news.host_changed)
		(void)sd_bus_emit_properties_changed(b->bus, BUS_PATH, BUS_MANAGER, "HostReleases", NULL);
	if (b->news.stepped)
		(void)sd_bus_emit_signal(b->bus, BUS_PATH, BUS_MANAGER, "ClockStepped", "x",
					 b->news.stepped_ns);
	if (b->news.has_shutdown)
		send_shutdown(b);
	if (b->news.configured) {
		(void)sd_bus_emit_properties_changed(b->bus, BUS_PATH, BUS_MANAGER, "Profile",
						     "ApplicationState", NULL);
		(void)sd_bus_emit_signal(b->bus, BUS_PATH, BUS_MANAGER, "ConfigurationChanged", NULL);
	}
}

static int on_pace(sd_event_source *source, uint64_t usec, void *user)
{
	struct bus *b = user;

	(void)source;
	(void)usec;
	(void)sd_event_now(b->event, CLOCK_MONOTONIC, &b->news.sent_usec);
	if (bus_is_ready(b)) {
		send_manager(b);
		for (enum ic_component c = 0; c < IC_COMPONENTS; c++)
			send_component(b, c);
	}
	for (enum ic_component i = 0; i < IC_COMPONENTS; i++) {
		struct news_component *c = &b->news.component[i];

		c->changed = c->lost = c->negotiated = false;
	}
	b->news.configured = b->news.host_changed = b->news.stepped = b->news.has_shutdown = false;
	b->news.stepped_ns = 0;
	if (pools_send(b))
		news_schedule(b);
	return 0;
}

int news_start(struct bus *b)
{
	const struct manager_watcher watcher = {
		.news = on_news,
		.configured = on_configured,
		.clock_stepped = on_clock_stepped,
		.shutdown_requested = on_shutdown_requested,
		.pool_changed = on_pool_changed,
		.user = b,
	};
	int r = sd_event_add_time(b->event, &b->news.pace, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_pace, b);

	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(b->news.pace, SD_EVENT_OFF);
	(void)sd_event_source_set_description(b->news.pace, "bus pace");
	for (enum ic_component c = 0; c < IC_COMPONENTS; c++)
		keep_offer(b, c, CHANNEL_CHANGED);
	manager_watch(b->manager, &watcher);
	pools_start(b);
	return 0;
}

void news_stop(struct bus *b)
{
	manager_watch(b->manager, NULL);
	pools_stop(b);
	b->news.pace = sd_event_source_disable_unref(b->news.pace);
}
