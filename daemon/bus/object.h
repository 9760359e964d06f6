/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this room share: the state behind the objects on the bus. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/bus/bus.h"
#include "daemon/bus/call.h"
#include "daemon/bus/names.h"
#include "daemon/bus/news.h"
#include "daemon/bus/pools.h"

/* How many messages may wait for their way to the bus. */
#define BUS_QUEUE_MAX 128

#define BUS_COMPONENT_PATH_SIZE 64

/* One component's object. */
struct bus_component {
	struct bus *owner;
	enum ic_component component;
	char path[BUS_COMPONENT_PATH_SIZE]; /* "": it has none */
};

struct bus {
	sd_event *event;
	const struct log *log;
	struct manager *manager;
	const char *transport;
	bool dry_run;

	sd_bus *bus; /* NULL between losing one and trying again */
	sd_event_source *reconnect;
	uint64_t retry_usec;
	bool name_trouble;    /* that the name cannot be had was logged */
	sd_bus_slot *ping;    /* what tells whether the bus reads, while it is to be answered */
	uint64_t ping_usec;   /* when it was sent */

	struct bus_component component[IC_COMPONENTS];
	struct news news;
	struct pools pools;
	struct calls calls;
};

/* How many messages the bus has not taken yet. */
static inline uint64_t bus_queued(const struct bus *b)
{
	uint64_t n = 0;

	(void)sd_bus_get_n_queued_write(b->bus, &n);
	return n;
}

/* Whether a signal can be sent now. What is sent before would wait in memory, and be old then. */
static inline bool bus_is_ready(const struct bus *b)
{
	return b->bus && sd_bus_is_ready(b->bus) > 0 && bus_queued(b) < BUS_QUEUE_MAX;
}

/* Both put their objects on b->bus. 0 or a negative errno. */
_must_check_ int manager_object_add(struct bus *b);
_must_check_ int component_objects_add(struct bus *b);

/* Gives the components their paths, once. */
void component_objects_init(struct bus *b);

/* Which component a caller means by a name, in whatever case. 0, or -ENODEV after *error was set. */
_must_check_ int component_object_find(const struct bus *b, const char *name, enum ic_component *ret,
				       sd_bus_error *error);

/* Answers Renegotiate: of one component, or with IC_COMPONENTS of all that are open. */
extern const struct call_method component_renegotiate;

/* Sends PropertiesChanged of what a component's channel does, and, when the configuration is another,
 * of what holds for it. Nothing is done about failures: a signal that cannot be sent is lost. */
void component_object_changed(struct bus_component *c, bool configured);

/* Sends Negotiated, or Lost. */
void component_object_negotiated(struct bus_component *c);
void component_object_lost(struct bus_component *c);
