/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine of all integration components: one receive -> validate -> dispatch -> reply. A service
 * is data (struct ic_service); a conversation is a struct ic. A message is answered in place: the
 * reply is the request's bytes with the answer written over them, of the same length.
 */
#pragma once

#include "hv_util/guid.h"
#include "hv_util/ic_wire.h"
#include "hv_util/negotiate.h"

/* In the order in which Get-VMIntegrationService lists them. */
enum ic_component {
	IC_FCOPY,
	IC_HEARTBEAT,
	IC_KVP,
	IC_SHUTDOWN,
	IC_TIMESYNC,
	IC_VSS,
	IC_COMPONENTS
};

/* One request to a service. */
struct ic_call {
	void *user;
	struct ic_version message; /* as agreed */
	uint8_t *body;             /* read it, then write the answer over it */
	size_t len;
};

struct ic_op {
	const char *name; /* by which a policy may block it; rows of one name go together. NULL: none may */
	uint32_t code;    /* in the body's first op_size bytes, or what op_code says */
	struct ic_version since, until;  /* message versions: from since, before until; 0.0 = open */
	uint16_t min_body;               /* shorter ones never reach the handler */
	/* 0, or a negative errno that becomes the reply's status; the body must then be as it was.
	 * -EAGAIN: it has not come to an end, call again with the same message. */
	int (*handle)(const struct ic_call *call);
};

struct ic_service {
	enum ic_component component;
	const char *name;  /* of its section in the configuration, and in the log */
	const char *title; /* what Get-VMIntegrationService calls it */
	enum ic_type type;
	uint8_t op_size;   /* bytes of operation code: 0, 1 */
	/* NULL, or what the operation is where no code says it. The body may be of any length; 0 where it
	 * is too short to tell. */
	uint32_t (*op_code)(const struct ic_call *call);
	/* NULL, or told that what a handler has answered with -EAGAIN is not handed in again. */
	void (*forget)(void *user);
	bool parses_by_size;  /* a request of another version than agreed is parsed by its size */
	const struct ic_op *ops;
	size_t n_ops; /* at most IC_OPS_MAX */
};

/* As many as struct ic_policy has bits for. */
#define IC_OPS_MAX 32

/* One channel's conversation. Zero but for the first three is a new one. */
struct ic {
	const struct ic_service *service;
	const struct ic_policy *policy;
	void *user; /* the service's own struct: heartbeat.h, timesync.h, kvp.h */

	struct ic_offer offer;   /* as last received */
	struct ic_answer answer; /* as last given */
	bool busy;               /* a request is put off: others are refused, a negotiation is not */
};

enum ic_verdict {
	IC_NOTHING = 0, /* there is nothing to send */
	IC_REPLY,       /* send the message */
	IC_LATER,       /* not answered yet: hand in the same bytes again soon */
};

struct ic_result {
	enum ic_verdict verdict;
	size_t len;       /* IC_REPLY: bytes of the reply */
	bool negotiated;  /* offer and answer are new */
	int error;        /* why the message was refused: a negative errno; 0: it was served */
	const char *why;  /* the same as a clause for the log, or NULL */
	uint16_t type;    /* of the message, 0 if it is too short to have one */
	uint32_t op;
	const struct ic_op *blocked; /* refused because the policy blocks this; otherwise NULL */
};

/*
 * Handles one message: len bytes of payload at msg, which has room for cap bytes; cap must be at
 * least IC_BODY + NEGOTIATE_ANSWER_SIZE. received is how long the packet was: when it is more than
 * len, msg holds only its beginning, which is enough to refuse it.
 */
struct ic_result ic_handle(struct ic *ic, uint8_t *msg, size_t len, size_t received, size_t cap);

/* Makes msg, len bytes with an IC header, the refusal of itself with this errno's status. For a
 * request that was put off with IC_LATER for too long. Returns the reply's length. */
size_t ic_refuse(uint8_t *msg, size_t len, int error);

/* Answers a message as ic_handle does, with this errno's status and without looking at what it asks for:
 * for one that may not be served again. */
struct ic_result ic_decline(uint8_t *msg, size_t len, size_t received, int error, const char *why);

/* The bits of the operations that have this name; 0: none has. */
uint32_t ic_operations_named(const struct ic_service *s, const char *name);

/* Forgets what was negotiated: the channel was closed. */
void ic_reset(struct ic *ic);

/* All services, in no order. */
extern const struct ic_service *const ic_services[];
extern const size_t ic_n_services;

/* What each component is called in configuration and log, and its VMBus class, served or not. */
extern const char *const ic_component_names[IC_COMPONENTS];
extern const struct guid ic_class_ids[IC_COMPONENTS];
