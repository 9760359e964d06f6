/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's end of a channel's two rings, and the witness of what the guest does with its end.
 * Pure memory: the caller passes signals on. The host honours the contract of ring_wire.h's
 * sources strictly, because a kind host hides a guest's lost wake-ups:
 *
 *  - it asks for a signal to the guest only when the ring was empty and the guest's mask is 0;
 *  - it waits for space with pending_send_size, and tells the guest when the guest waits for space;
 *  - it loads each shared word once, and takes each packet out of shared memory once.
 *
 * It publishes its read index once a batch (host_ring_commit), not once a packet. Each published
 * value can make at most one signal of the guest necessary: the one for the packet that starts
 * there. More signals than published values are therefore provably wrong, whatever the timing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hv_util/base.h"
#include "hv_util/ring_wire.h"

/* OpenVMM's largest message of a pipe, the largest that an IC channel carries. */
#define HOST_PACKET_MAX 16384

/* The positive return of functions below: the other side must be signalled now. */
#define HOST_RING_SIGNAL 1

struct host_ring {
	struct ring_page *in, *out; /* guest -> host, host -> guest */
	uint8_t *in_data, *out_data;
	uint32_t size; /* bytes of data of each */

	/* Ours; the page gets copies. */
	uint32_t read_index, write_index;
	uint32_t read_published;
	uint64_t signals, signals_allowed;
	bool waits_for_space;
	bool corrupted; /* the guest sees a write index that is not ours, on purpose */
	bool dead; /* the guest's index made no sense: nothing is believed any more */

	/* Told of each breach of the contract, as a sentence. */
	void (*violated)(void *user, const char *sentence);
	void *user;
};

struct host_packet {
	uint64_t trans_id;
	uint32_t start; /* where it lay in the ring */
	size_t len;     /* payload with its padding, from offset8 to len8 */
	uint8_t payload[HOST_PACKET_MAX];
};

/* Empties both rings: zero headers, feature_bits 1. memory holds two rings of ring_size bytes. */
void host_ring_init(struct host_ring *r, void *memory, uint32_t ring_size,
		    void (*violated)(void *user, const char *sentence), void *user);

/*
 * Puts a packet for the guest. 0: done; HOST_RING_SIGNAL: done, and the guest must be signalled;
 * -EAGAIN: no room, the guest will signal when there is; -EMSGSIZE: larger than the ring;
 * -EBADMSG: the guest's index makes no sense.
 */
_must_check_ int host_ring_put(struct host_ring *r, const void *payload, size_t len,
			       uint64_t trans_id);

/*
 * Takes the next packet. 1: it is in ret; 0: the ring is empty; -EBADMSG: the guest's indices or
 * descriptor make no sense and the ring is dead. A packet that is only odd (type, trailer, padding)
 * is told of and, when it is not an in-band one, left out.
 */
_must_check_ int host_ring_get(struct host_ring *r, struct host_packet *ret);

/* Gives the read bytes back to the guest. 0, or HOST_RING_SIGNAL: the guest waits for this space. */
_must_check_ int host_ring_commit(struct host_ring *r);

/* Masks for good, before the guest knows the ring: from now on no packet makes a signal needed. */
void host_ring_never_read(struct host_ring *r);

/* Shows the guest this write index for good: what is put afterwards does not mend it. */
void host_ring_corrupt(struct host_ring *r, uint32_t write_index);

/* "Do not signal, I am reading." The second says whether something came meanwhile: read again. */
void host_ring_mask(struct host_ring *r);
_must_check_ bool host_ring_unmask(struct host_ring *r);

/* Whether the guest has put something that is not read yet. */
bool host_ring_has_packet(const struct host_ring *r);

/* The guest signalled so many times: each must have been needed. */
void host_ring_signalled(struct host_ring *r, uint64_t times);

/* After a wait for space: whether there is enough now. Ends the wait. */
bool host_ring_has_room(struct host_ring *r, size_t len);
