/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How channels reach the daemon. A transport finds them and reports what happens to them; a port is
 * one offered channel, with its rings mapped. All callbacks come from the event loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hv_util/guid.h"

struct port {
	const struct transport_ops *ops;
	uint32_t relid;
	struct guid class_id, instance_id;
	void *memory;     /* the guest -> host ring, then the host -> guest ring */
	size_t ring_size; /* bytes of one, header page and data */
	int interrupt_fd; /* readable when the host has signalled */
	void *user;       /* of whoever took the port */
};

struct transport_ops {
	/* Starts the channel; events->opened says how that went. 0 or a negative errno. */
	int (*open)(struct port *port);
	/* Stops it: the rings must not be touched any more. The port stays, open may follow. */
	void (*close)(struct port *port);
	/* Tells the host that there is something in its ring, or room in ours. */
	int (*signal)(struct port *port);
	/* Takes the interrupt: interrupt_fd is quiet until the next. */
	int (*acknowledge)(struct port *port);
	/* After events->rescinded: nothing uses the port any more. It is freed. */
	void (*release)(struct port *port);
};

struct transport_events {
	/* Whether somebody takes the port. One that nobody takes is not opened; it may be rescinded. */
	bool (*offered)(void *user, struct port *port);
	void (*opened)(void *user, struct port *port, int error);
	void (*rescinded)(void *user, struct port *port);
	/* The transport has ended; 0: the host hung up. No port is good any more but for release. */
	void (*ended)(void *user, int error);
};
