/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One component's life on its channel: opened, negotiated, served, broken, gone, offered again.
 */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/conf.h"
#include "daemon/log.h"
#include "daemon/transport.h"
#include "hv_util/ic.h"

struct channel;

struct channel_options {
	sd_event *event;
	const struct log *log;
	const struct ic_service *service;
	const struct conf_component *conf; /* must outlive the channel */
	const char *profile;               /* its name, for the log */
	void *user;                        /* of the service (heartbeat.h, timesync.h, kvp.h) */
	bool user_logs;                    /* it logs what fails there, in better words */
};

/* A channel that waits for its offer. 0 or a negative errno. */
_must_check_ int channel_new(const struct channel_options *options, struct channel **ret);

/* Closes its port, which the transport then frees. Returns NULL. */
struct channel *channel_free(struct channel *c);

/* What the transport says of its port. An offer is taken unless the channel has a port: -EBUSY. */
_must_check_ int channel_offered(struct channel *c, struct port *port);
void channel_opened(struct channel *c, int error);
void channel_rescinded(struct channel *c);
