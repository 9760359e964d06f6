/* SPDX-License-Identifier: GPL-2.0-only */
/* What a channel is made of: for channel.c and channel_resume.c, and for nobody else. */
#pragma once

#include "daemon/channel.h"
#include "daemon/channel_log.h"
#include "daemon/keep.h"
#include "hv_util/ring.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)

/* A request that could not be served yet (a pool file is locked, or its disk takes long) is tried again this often... */
#define RETRY_USEC (5 * USEC_PER_MSEC)
/* ...and refused after this time: well before the 30 s after which Linux's own driver gives up. */
#define RETRY_LIMIT_USEC (10 * USEC_PER_SEC)

enum chan_state {
	CHAN_STAYS = 0, /* in channel.c's table: the event means nothing in this state */
	CHAN_ABSENT,    /* the host has not offered it */
	CHAN_OPENING,
	CHAN_NEGOTIATING, /* open; no version is agreed */
	CHAN_RUNNING,
	CHAN_BROKEN, /* closed, because the host's ring made no sense; opened again later */
	CHAN_CLOSED, /* closed by ourselves, to be opened again at once */
	CHAN_IDLE,   /* offered, and not to be served */
	CHAN_STATES
};

struct channel {
	sd_event *event;
	sd_event_source *interrupt, *timer, *more, *look;
	const struct log *log;
	const struct conf_component *conf;
	bool user_logs;
	void (*news)(void *user, enum ic_component component, enum channel_news news);
	void *news_user;
	struct channel_counts counts;
	struct channel_log to;
	enum chan_state state;
	struct port *port;
	struct ring_tx tx;
	struct ring_rx rx;
	struct ic ic;
	struct store *store;
	char store_name[STORE_NAME_SIZE];
	/* What follows is noted there whenever it changes. */
	struct keep *keep;
	bool is_kept;        /* it says what holds */
	bool has_negotiated; /* ic's offer and answer are not noted yet */
	bool unsent;         /* in is an answer, which the host's ring may have no room for */
	enum keep_hold hold; /* what held is */
	uint64_t hold_usec;  /* when to refuse the request, or to send the answer */
	struct keep_message in, held;
	/* So many predecessors died while they served the next packet, and the held request. */
	uint32_t packet_deaths, held_deaths;
	int trouble; /* why the channel cannot be used: the errno that was logged, 0: it can */
};

static inline uint64_t channel_now_usec(const struct channel *c)
{
	uint64_t now = 0;

	(void)sd_event_now(c->event, CLOCK_MONOTONIC, &now);
	return now;
}

static inline void channel_timer_start(struct channel *c, uint64_t usec)
{
	(void)sd_event_source_set_time(c->timer, channel_now_usec(c) + usec);
	(void)sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}
