/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's end of a channel's two rings over memory that the caller has mapped. A ring never
 * touches a doorbell: it says when one is due.
 *
 * The contract with the host (protocol of hv_ringbuffer_write, OpenVMM vmbus_ring):
 *
 *	writer                                  reader
 *	stores the packets                      loads write_index [B], copies the packets out
 *	stores write_index [A]                  stores read_index [C], when it is done with them
 *	loads interrupt_mask, read_index [D]    has cleared interrupt_mask [E], then looks once more
 *	signals if the ring was empty before    at write_index [F] before it sleeps
 *	and the reader is not masked
 *
 * [A] pairs with [B]: who sees the index sees the packets. [C] pairs with the writer's load of
 * read_index: who sees room may overwrite. [A][D] and [E][F] are each a store followed by a load of
 * the other's word; all four are sequentially consistent, so that not both sides can miss the other:
 * either the reader sees the packet or the writer sees that it must signal.
 *
 * The other side may write anything anywhere at any time. Each shared word is loaded once, checked,
 * and used from the local; what has to be right for our own safety (our index, the sizes) is private.
 */
#pragma once

#include <stdbool.h>

#include "hv_util/base.h"
#include "hv_util/ring_wire.h"

/* Payload lengths are bytes and come padded to a multiple of 8 from the wire. */
struct ring_packet {
	uint16_t type;  /* enum ring_packet_type */
	uint16_t flags; /* RING_PACKET_* */
	uint64_t trans_id;
	size_t len; /* payload; of a received packet: all of it, also what did not fit */
};

struct ring_tx {
	struct ring_page *page;
	uint8_t *data;
	uint32_t size;
	uint32_t write;     /* behind the last packet put */
	uint32_t published; /* what the reader may see of that */
	uint32_t read;      /* the reader's index as last seen: it can only have moved on */
	bool waiting;       /* pending_send_size is set: the next commit clears it */
};

struct ring_rx {
	struct ring_page *page;
	const uint8_t *data;
	uint32_t size;
	uint32_t read;      /* behind the last packet taken */
	uint32_t published; /* what the writer may see of that */
	uint32_t write;     /* the writer's index as last seen */
};

/*
 * Attaches to a ring of len bytes, header page and data, at mem; both continue where the indices in
 * the page stand. 0; -EINVAL when len is no ring's (less than a page and 64 bytes, no multiple of 8,
 * or 4 GiB and more); -EBADMSG when the page's indices are impossible.
 */
_must_check_ int ring_tx_init(struct ring_tx *tx, void *mem, size_t len);
_must_check_ int ring_rx_init(struct ring_rx *rx, void *mem, size_t len);

/*
 * The same for one who continues another's work, from the index that that one has noted; the page, which the
 * other side can write, must agree with it. -EINVAL as above; -EBADMSG also when it does not agree.
 */
enum ring_tx_found {
	RING_TX_NONE = 0,    /* the reader can see all up to write, and no more */
	RING_TX_SENT,        /* and the packet behind it */
	RING_TX_SENT_SIGNAL, /* likewise; signal it now, it may not have been */
};

/* Returns an enum ring_tx_found. packet_len is of a packet's payload that was to be put at write, which may
 * have been done and may not; NULL: there is none. */
_must_check_ int ring_tx_resume(struct ring_tx *tx, void *mem, size_t len, uint32_t write,
				const size_t *packet_len);

/* told: the writer knows that it has the room up to read. If not, it is told now. 1: signal it now, for it
 * may wait for that; 0: do not. */
_must_check_ int ring_rx_resume(struct ring_rx *rx, void *mem, size_t len, uint32_t read, bool told);

/*
 * Puts a packet behind the others; the reader does not see it before ring_tx_commit. packet->len is
 * not looked at. 0; -EAGAIN when there is no room now; -EMSGSIZE when there never will be; -EBADMSG
 * when the reader's index is impossible: the channel is broken.
 */
_must_check_ int ring_tx_put(struct ring_tx *tx, const struct ring_packet *packet,
			     const void *payload, size_t len);

/* Shows the reader what was put. 1: signal it now; 0: do not; -EBADMSG as above. */
_must_check_ int ring_tx_commit(struct ring_tx *tx);

/*
 * Asks the reader to signal when there is room for a packet of len bytes. Commit first: the reader
 * counts what it can see. 0: it will; 1: there is room already; -EMSGSIZE and -EBADMSG as above. Ask
 * again after each signal, since the answer may be early.
 */
_must_check_ int ring_tx_wait_for_room(struct ring_tx *tx, size_t len);

/*
 * Takes the next packet: its payload's first cap bytes are copied to buf. 1: taken; 0: the ring is
 * empty; -EMSGSIZE: taken, but it is longer than cap; -EBADMSG: an index or a descriptor is
 * impossible, nothing was taken and the channel is broken. *ret is set with 1 and -EMSGSIZE only.
 */
_must_check_ int ring_rx_get(struct ring_rx *rx, struct ring_packet *ret, void *buf, size_t cap);

/* Gives the room of the packets taken back to the writer. 1: it waits for room, signal it; 0: do
 * not. */
_must_check_ int ring_rx_commit(struct ring_rx *rx);

/* Asks the writer not to signal: the reader looks by itself. */
void ring_rx_mask(struct ring_rx *rx);

/* Asks for signals again. Commit first: the writer takes a ring whose packets were not given back
 * for one that is not empty, and does not signal. 1: something has come meanwhile, and nobody will
 * signal that: read on; 0: it is safe to sleep. */
_must_check_ int ring_rx_unmask(struct ring_rx *rx);
