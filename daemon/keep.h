/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one open channel stands at, in memory that can outlive the process: whoever finds it, and the channel
 * still open, goes on where the predecessor was stopped. The process may be killed between any two of its
 * instructions, so nothing is ever written over that is needed: a new state is written beside the one that
 * holds, and one store makes it the one that holds.
 *
 * How a request is answered exactly once:
 *
 *	copies the packet, leaves it in the ring
 *	notes KEEP_PACKET                    a successor takes the same packet again
 *	serves it: the answer is in a buffer
 *	notes KEEP_DUE: read is behind it    a successor does not take it any more
 *	tells the host that it has the room
 *	puts the answer, tells the host      whether it was told is what its ring says (ring_tx_resume)
 *	notes KEEP_SETTLED
 */
#pragma once

#include "hv_util/ic.h"

/* Layout and meaning of the memory. One that has another number is not looked at. */
#define KEEP_FORMAT 1

/* Messages that are there at the same time: one in work or on its way, and one held. */
#define KEEP_BUFFERS 2

struct keep;

enum keep_stage {
	KEEP_SETTLED = 0, /* the host knows all */
	KEEP_PACKET,      /* the packet at read is being served */
	KEEP_HELD,        /* the held request is being served */
	KEEP_DUE,         /* one has been served, and the host may not know it yet */
	KEEP_STAGES
};

enum keep_hold {
	KEEP_HOLD_NOTHING = 0,
	KEEP_HOLD_REQUEST, /* to be handed to the service again */
	KEEP_HOLD_ANSWER,  /* AnswerDelaySec: to be sent later */
	KEEP_HOLDS
};

struct keep_message {
	uint64_t trans_id;
	uint32_t len;      /* bytes in the buffer */
	uint32_t received; /* bytes that the packet had */
	uint32_t buffer;   /* which */
	uint32_t zero;
};

struct keep_state {
	uint32_t stage;     /* enum keep_stage */
	uint32_t deaths;    /* so many processes died while they served what is being served */
	uint32_t read;      /* the host's ring: up to here packets are done with */
	uint32_t write;     /* ours: up to here the host has been told of packets */
	uint32_t unsent;    /* not 0: in is an answer, to be put at write */
	uint32_t hold;      /* enum keep_hold: what held is */
	uint64_t hold_usec; /* CLOCK_MONOTONIC: a request's end of patience, an answer's time */
	struct keep_message in, held;
};

/* Whose it is. All must be equal, or the state is of another time. */
struct keep_owner {
	uint32_t component; /* enum ic_component */
	uint32_t relid;
	uint64_t ring_size;
	uint64_t policy; /* conf_component_fingerprint */
	uint64_t identity; /* struct port */
	struct guid instance_id;
};

/* lasting: in memory that has a descriptor, if there can be such. 0 or a negative errno. */
_must_check_ int keep_new(bool lasting, struct keep **ret);

/* A predecessor's. The descriptor is the keep's from now on, but not on failure: -EINVAL, it is no memory
 * of this size that stays, or another negative errno. */
_must_check_ int keep_adopt(int fd, struct keep **ret);

/* Takes NULL; returns NULL. What it holds stays as it is, for whoever has the descriptor. */
struct keep *keep_free(struct keep *k);

/* -1: it does not last. */
int keep_fd(const struct keep *k);

/* IC_PAYLOAD_MAX bytes. */
uint8_t *keep_buffer(const struct keep *k, uint32_t buffer);

/* From now on the state is that of a channel that has just been opened, at these indices. */
void keep_begin(struct keep *k, const struct keep_owner *owner, uint32_t read, uint32_t write);

/* From now on this holds. Not before keep_begin, or keep_read with success. */
void keep_note(struct keep *k, const struct keep_state *state);

/* The same, and this is what was negotiated. */
void keep_note_negotiated(struct keep *k, const struct keep_state *state, const struct ic_offer *offer,
			  const struct ic_answer *answer);

/* Nothing holds any more: the channel is about to be closed. */
void keep_end(struct keep *k);

struct keep_found {
	struct keep_state state;
	struct ic_offer offer;
	struct ic_answer answer;
	char program[32]; /* the version of the one who wrote it */
};

/* What a predecessor left. 0; -ESTALE: nothing that can be used, *why is a clause. */
_must_check_ int keep_read(struct keep *k, const struct keep_owner *owner, struct keep_found *ret,
			   const char **why);
