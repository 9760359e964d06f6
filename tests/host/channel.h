/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One component's conversation with the guest: negotiations and requests out, answers in, each
 * checked and kept as facts. What to ask, and when, is decided by the owner's handler; what goes
 * wrong on purpose is done here, by the faults that are on.
 *
 * Like a real host the owner keeps one request outstanding; the channel does not insist, because
 * some faults and scenarios are about exactly that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "hv_util/base.h"
#include "tests/host/facts.h"
#include "tests/host/fault.h"
#include "tests/host/ring.h"
#include "tests/host/timing.h"
#include "tests/host/wire.h"

struct channel;
struct request;

struct answer {
	bool negotiation;
	const struct wire_operation *op; /* of the request; NULL: negotiation, or a raw request */
	bool stale; /* to a request that a negotiation or a time-out has overtaken */
	const uint8_t *payload;
	size_t len;
	uint32_t status;
};

/* What the channel tells its owner. */
struct channel_handler {
	void (*answered)(void *user, struct channel *c, const struct answer *a);
	void (*timed_out)(void *user, struct channel *c);
	void (*violated)(void *user, struct channel *c, const char *sentence);
	int (*signal)(void *user, struct channel *c); /* signal the guest */
};

struct channel {
	enum component component;
	sd_event *event;
	struct component_facts *facts;
	const struct fault_set *faults;
	unsigned timeout_ms;
	const struct channel_handler *handler;
	void *user;

	bool open;
	struct host_ring ring;
	struct request *requests; /* unanswered, oldest first */
	unsigned n_requests;
	uint64_t last_trans_id;
	unsigned answers; /* since the opening, for faults that count */
	bool held, signal_is_due;
	struct timing timing; /* of this opening */
	sd_event_source *timer, *delay_timer;
};

/* Fills in an idle channel; the pointers must outlive it. */
void channel_init(struct channel *c, enum component component, sd_event *event,
		  struct component_facts *facts, const struct fault_set *faults, unsigned timeout_ms,
		  const struct channel_handler *handler, void *user);
void channel_done(struct channel *c);

/* The guest has opened it: both rings are emptied, requests may go. */
void channel_opened(struct channel *c, void *memory, uint32_t ring_size);
/* It is closed or gone. What the guest has put is read first, if the memory is still believed. */
void channel_closed(struct channel *c);
/* The guest has signalled. */
void channel_signalled(struct channel *c, uint64_t times);
/* The guest was interrupted, because the channel asked for it or because the link saw a need. */
void channel_interrupted(struct channel *c);

/* Brings the facts of an open channel's timing up to date. */
void channel_note_timing(struct channel *c);

/* Sends a negotiation; counts NULL: true ones. 0, -ENOTCONN or -ENOMEM. */
int channel_negotiate(struct channel *c, const struct version_list *framework,
		      const struct version_list *message, const uint16_t counts[2]);

/* Sends a negotiation whose bytes the caller has made, for these lists. As channel_negotiate. */
int channel_negotiate_raw(struct channel *c, const struct version_list *framework,
			  const struct version_list *message, const struct message *m);

/* Sends a request. op, may be NULL, says how its answer is to be checked. As channel_negotiate. */
int channel_request(struct channel *c, const struct message *m, const struct wire_operation *op);

/*
 * A host that has several messages ready puts them all before it signals. Between these two calls
 * no signal leaves; the second sends one, if any of the packets needs it.
 */
void channel_hold_signal(struct channel *c);
void channel_release_signal(struct channel *c);

/* Whether an answer is awaited; requests that timed out do not count. */
bool channel_is_busy(const struct channel *c);

/* Awaits nothing any more; an answer that comes all the same is one that nobody asked for. */
void channel_abandon(struct channel *c);

/* Faults that happen at once: fill the ring with a message; make the write index nonsense, which
 * it stays until the channel is opened again. */
int channel_fill(struct channel *c, const struct message *m, const struct wire_operation *op);
void channel_corrupt_index(struct channel *c, uint32_t value);

/* Notes a breach of the rules by the guest. */
void channel_violated(struct channel *c, const char *sentence);
