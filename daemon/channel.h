/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One component's life on its channel: opened, negotiated, served, broken, gone, offered again; and
 * closed and opened again, or left alone, when the configuration has changed.
 */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/conf.h"
#include "daemon/log.h"
#include "daemon/store.h"
#include "daemon/transport.h"
#include "hv_util/ic.h"

struct channel;

/* What has happened, for whoever shows it. */
enum channel_news {
	CHANNEL_CHANGED,    /* its state, or an error */
	CHANNEL_NEGOTIATED, /* the host has negotiated, with whatever outcome */
	CHANNEL_LOST,       /* what was agreed on does not hold any more: rescinded, broken, closed */
};

struct channel_options {
	sd_event *event;
	const struct log *log;
	const struct ic_service *service;
	/* Must outlive the channel. Its owner may change what it holds, and then calls channel_update. */
	const struct conf_component *conf;
	void *user;     /* of the service (heartbeat.h, timesync.h, kvp.h) */
	bool user_logs; /* it logs what fails there, in better words */
	struct store *store; /* where its state is kept for a successor; NULL: nowhere */
	/* May be NULL. It must not call the channel but for channel_view. */
	void (*news)(void *user, enum ic_component component, enum channel_news news);
	void *news_user;
};

/* Since the channel is there, that is since the daemon started. */
struct channel_counts {
	uint64_t negotiations;
	uint64_t requests; /* of the component's own kind, negotiations left out */
	uint64_t refused;  /* of all messages, those that made no sense, or not then, or are blocked */
	uint64_t failed;   /* requests that were answered with an error of ours */
	uint64_t rescinds;
	uint64_t lost_interrupts; /* packets that were found without */
};

/* What there is to see. Pointers are good until the channel is next given something to do. */
struct channel_view {
	const struct ic_service *service;
	const char *state; /* absent, opening, negotiating, running, broken, closed, idle */
	const struct ic_offer *offer;
	const struct ic_answer *answer;
	const struct conf_component *conf;
	struct channel_counts counts;
	const char *last_error; /* a sentence, or "" */
	uint64_t last_error_usec; /* CLOCK_REALTIME */
};

/* A channel that waits for its offer. 0 or a negative errno. */
_must_check_ int channel_new(const struct channel_options *options, struct channel **ret);

/* Closes its port, which the transport then frees. Takes NULL; returns NULL. */
struct channel *channel_free(struct channel *c);

/* The same, but leaves the port open, and what it stands at in the store, for the daemon's successor. */
struct channel *channel_leave(struct channel *c);

/* What the transport says of its port. An offer is taken unless the channel has a port: -EBUSY. */
_must_check_ int channel_offered(struct channel *c, struct port *port);
void channel_opened(struct channel *c, int error);
void channel_rescinded(struct channel *c);

/*
 * The configuration has changed. A channel that is open is closed and opened again, and so the host
 * negotiates anew; one that is not to be served (conf_component_is_served) is closed and kept for the
 * day on which it is.
 */
void channel_update(struct channel *c);

/* Closes it and opens it again. 0; -ENOTCONN: it is not open. */
_must_check_ int channel_renegotiate(struct channel *c);

void channel_view(const struct channel *c, struct channel_view *ret);
