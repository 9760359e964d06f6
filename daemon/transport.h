/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How channels reach the daemon. A transport finds them and reports what happens to them; a port is
 * one offered channel, with its rings mapped. All callbacks come from the event loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hv_util/guid.h"

#define PORT_WHY_SIZE 256

struct port {
	const struct transport_ops *ops;
	uint32_t relid;
	struct guid class_id, instance_id;
	/* These three are good from events->opened until close or release, and not between. */
	void *memory;     /* the guest -> host ring, then the host -> guest ring */
	size_t ring_size; /* bytes of one, header page and data */
	int interrupt_fd; /* readable when the host has signalled */
	/* The channel was open already, by a predecessor whose descriptors the service manager has kept:
	 * the rings are as that one left them. */
	bool taken_over;
	uint64_t identity; /* of what was opened: a device that is offered anew has another */
	/* An interrupt can get lost: look at the ring this often even so. 0: none does. */
	uint64_t look_usec;
	char why[PORT_WHY_SIZE]; /* why it could not be opened, in better words than the errno's, or "" */
	void *user;              /* of whoever took the port */
};

struct transport_ops {
	/* Starts the channel, or takes over one that is started; events->opened says how that went, perhaps
	 * before this returns. 0, or a negative errno: then it is not called. */
	int (*open)(struct port *port);
	/* Stops it: the rings must not be touched any more. The port stays, open may follow. */
	void (*close)(struct port *port);
	/* These two: 0; 1: there is no channel any more, its rings must not be touched, and
	 * events->rescinded follows from the loop; or a negative errno. */
	/* Tells the host that there is something in its ring, or room in ours. */
	int (*signal)(struct port *port);
	/* Takes the interrupt, if there is one: interrupt_fd is quiet until the next. */
	int (*acknowledge)(struct port *port);
	/* After events->rescinded: nothing uses the port any more. It is freed. */
	void (*release)(struct port *port);
};

struct transport_events {
	/* 0: somebody has taken the port. -ENOENT: nobody will; -EBUSY: not while its component has
	 * another, offer it again when that one has been rescinded. One that was not taken is not opened;
	 * it may be rescinded. */
	int (*offered)(void *user, struct port *port);
	/* Whether a channel of this class would be taken: for one that is there and cannot be had. */
	bool (*serves)(void *user, const struct guid *class_id);
	void (*opened)(void *user, struct port *port, int error);
	/* Whoever took the port releases it before this returns. */
	void (*rescinded)(void *user, struct port *port);
	/* Once: of what was there in the beginning, all that is to be opened is open, or cannot be had now. */
	void (*settled)(void *user);
	/* The transport has ended; 0: the host hung up; -EACCES: there are channels, and no permission to
	 * open one. No port is good any more but for release. */
	void (*ended)(void *user, int error);
};
