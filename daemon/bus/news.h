/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From what happens in the daemon to signals on the bus. The host causes most of it, as often as it
 * likes: what comes faster than NEWS_PACE_USEC is put together, and sent as one.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "daemon/channel.h"
#include "hv_util/shutdown.h"

#define NEWS_PACE_USEC UINT64_C(100000)

struct bus;

/* What has happened to a component since signals were last sent. */
struct news_component {
	bool changed, lost, negotiated;
	bool lost_last; /* after negotiated, so that this does not hold any more */
	bool has_offer;
	struct ic_offer offer; /* the last of this host, also while the channel is closed */
};

struct news {
	sd_event_source *pace;
	uint64_t sent_usec; /* when signals were last sent */
	struct news_component component[IC_COMPONENTS];
	bool configured;
	bool stepped;
	int64_t stepped_ns; /* by so much since it was last told */
	bool has_shutdown;
	struct shutdown_request shutdown; /* the last that the host made */
	/* A bit for each release whose offers are the very same as all that this host has made. */
	uint32_t host_releases;
	bool host_changed; /* that is not told yet */
};

/* Watches the manager. 0 or a negative errno. */
_must_check_ int news_start(struct bus *b);
void news_stop(struct bus *b);

/* Something is to be sent, soon. */
void news_schedule(struct bus *b);
