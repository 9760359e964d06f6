/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

/* A ring must hold more than the smallest packet with its trailer. */
#define DATA_MIN 64

static uint32_t load(_Atomic uint32_t *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

static bool index_is_possible(uint32_t index, uint32_t size)
{
	return index < size && index % 8 == 0;
}

/* Bytes from one index on to another. */
static uint32_t distance(uint32_t from, uint32_t to, uint32_t size)
{
	return to >= from ? to - from : to + (size - from);
}

/* index + n, where n is at most size. */
static uint32_t advance(uint32_t index, uint32_t n, uint32_t size)
{
	return n < size - index ? index + n : n - (size - index);
}

static int size_check(size_t len, uint32_t *ret)
{
	if (len < RING_PAGE_SIZE + DATA_MIN || len % 8 != 0 || len > UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)(len - RING_PAGE_SIZE);
	return 0;
}

/*
 * Indices and sizes are multiples of 8, so the ring is words of 8 bytes that never wrap inside; only
 * payloads do. A descriptor is two words, type, offset8, len8, flags and the transaction id, and a
 * trailer is one.
 */

static void put_word(struct ring_tx *tx, uint32_t at, uint64_t v)
{
	memcpy(tx->data + at, &v, sizeof(v));
}

static uint64_t get_word(const struct ring_rx *rx, uint32_t at)
{
	uint64_t v;

	memcpy(&v, rx->data + at, sizeof(v));
	return v;
}

/* n may be 0, and from or to then be NULL, which memcpy must not be given. */

static void copy_in(struct ring_tx *tx, uint32_t at, const void *from, size_t n)
{
	size_t to_end = tx->size - at;

	if (n == 0)
		return;
	if (n <= to_end) {
		memcpy(tx->data + at, from, n);
		return;
	}
	memcpy(tx->data + at, from, to_end);
	memcpy(tx->data, (const uint8_t *)from + to_end, n - to_end);
}

static void copy_out(const struct ring_rx *rx, uint32_t at, void *to, size_t n)
{
	size_t to_end = rx->size - at;

	if (n == 0)
		return;
	if (n <= to_end) {
		memcpy(to, rx->data + at, n);
		return;
	}
	memcpy(to, rx->data + at, to_end);
	memcpy((uint8_t *)to + to_end, rx->data, n - to_end);
}

/* --- writing --- */

int ring_tx_init(struct ring_tx *tx, void *mem, size_t len)
{
	struct ring_page *page = mem;
	struct ring_tx t = { .page = page, .data = (uint8_t *)mem + RING_PAGE_SIZE };
	int r;

	r = size_check(len, &t.size);
	if (r < 0)
		return r;
	t.write = t.published = load(&page->write_index);
	t.read = load(&page->read_index);
	if (!index_is_possible(t.write, t.size) || !index_is_possible(t.read, t.size))
		return -EBADMSG;
	*tx = t;
	return 0;
}

/* What a packet's length can be: its descriptor counts 8 bytes in 16 bits. And a full ring would
 * look empty, so room must be left (hv_ringbuffer_write: "<="). */
static bool tx_can_ever_hold(const struct ring_tx *tx, size_t len)
{
	return len <= UINT16_MAX * 8 - RING_DESC_SIZE && RING_SPACE(len) < tx->size;
}

int ring_tx_resume(struct ring_tx *tx, void *mem, size_t len, uint32_t write, const size_t *packet_len)
{
	struct ring_tx t;
	uint32_t shown, behind;
	int r = ring_tx_init(&t, mem, len);

	if (r < 0)
		return r;
	if (!index_is_possible(write, t.size) || (packet_len && !tx_can_ever_hold(&t, *packet_len)))
		return -EBADMSG;
	shown = t.write;
	behind = packet_len ? advance(write, (uint32_t)RING_SPACE(*packet_len), t.size) : write;
	if (shown != write && shown != behind)
		return -EBADMSG;
	t.waiting = true; /* whether it was, the page says; this lets the next commit end it */
	*tx = t;
	if (shown == write)
		return RING_TX_NONE;
	/* As after the store of the index [A]: nobody has looked since. */
	return atomic_load(&t.page->interrupt_mask) == 0 && t.read == write ? RING_TX_SENT_SIGNAL :
									       RING_TX_SENT;
}

static uint32_t tx_room(const struct ring_tx *tx)
{
	return tx->size - distance(tx->read, tx->write, tx->size);
}

/* Sees how far the reader has come: its index is a cache miss, so only when the room that is known
 * of is not enough. */
static int tx_look(struct ring_tx *tx)
{
	uint32_t read = load(&tx->page->read_index);

	if (!index_is_possible(read, tx->size))
		return -EBADMSG;
	tx->read = read;
	return 0;
}

int ring_tx_put(struct ring_tx *tx, const struct ring_packet *packet, const void *payload,
		size_t len)
{
	const size_t space = RING_SPACE(len);
	const uint32_t start = tx->write, size = tx->size;
	uint32_t padded;

	if (!tx_can_ever_hold(tx, len))
		return -EMSGSIZE;
	if (tx_room(tx) <= space) {
		int r = tx_look(tx);

		if (r < 0)
			return r;
		if (tx_room(tx) <= space)
			return -EAGAIN;
	}

	padded = (uint32_t)space - RING_TRAILER_SIZE;
	put_word(tx, start,
		 packet->type | (RING_DESC_SIZE / 8) << 16 | (uint64_t)(padded / 8) << 32 |
			 (uint64_t)packet->flags << 48);
	put_word(tx, advance(start, 8, size), packet->trans_id);
	if (len % 8 != 0) /* padding: the payload then covers the word's beginning */
		put_word(tx, advance(start, padded - 8, size), 0);
	copy_in(tx, advance(start, RING_DESC_SIZE, size), payload, len);
	put_word(tx, advance(start, padded, size), (uint64_t)start << 32);
	tx->write = advance(start, (uint32_t)space, size);
	return 0;
}

int ring_tx_commit(struct ring_tx *tx)
{
	uint32_t was = tx->published, masked, read;

	if (tx->write == was)
		return 0;
	if (tx->waiting) {
		atomic_store_explicit(&tx->page->pending_send_size, 0, memory_order_relaxed);
		tx->waiting = false;
	}
	atomic_store(&tx->page->write_index, tx->write); /* [A] */
	tx->published = tx->write;

	masked = atomic_load(&tx->page->interrupt_mask); /* [D] */
	read = atomic_load(&tx->page->read_index);       /* [D] */
	if (!index_is_possible(read, tx->size))
		return -EBADMSG;
	tx->read = read;
	return masked == 0 && read == was;
}

int ring_tx_wait_for_room(struct ring_tx *tx, size_t len)
{
	uint32_t space = (uint32_t)RING_SPACE(len);
	uint32_t read;

	if (!tx_can_ever_hold(tx, len))
		return -EMSGSIZE;

	/* The reader compares after it has stored its index, so store first, then look. */
	atomic_store(&tx->page->pending_send_size, space);
	tx->waiting = true;
	read = atomic_load(&tx->page->read_index);
	if (!index_is_possible(read, tx->size))
		return -EBADMSG;
	tx->read = read;
	return tx_room(tx) > space;
}

/* --- reading --- */

int ring_rx_init(struct ring_rx *rx, void *mem, size_t len)
{
	struct ring_page *page = mem;
	struct ring_rx t = { .page = page, .data = (uint8_t *)mem + RING_PAGE_SIZE };
	int r;

	r = size_check(len, &t.size);
	if (r < 0)
		return r;
	t.read = t.published = load(&page->read_index);
	t.write = load(&page->write_index); /* [B] */
	if (!index_is_possible(t.read, t.size) || !index_is_possible(t.write, t.size))
		return -EBADMSG;
	*rx = t;
	return 0;
}

/* How much room the writer waits for more than; 0: it does not. */
static uint32_t rx_pending(const struct ring_rx *rx)
{
	/* "if feature bit 0 is set in inbound header": only then does the writer use the word. */
	if (!(load(&rx->page->feature_bits) & RING_FEATURE_PENDING_SEND_SIZE))
		return 0;
	return atomic_load(&rx->page->pending_send_size);
}

int ring_rx_resume(struct ring_rx *rx, void *mem, size_t len, uint32_t read, bool told)
{
	struct ring_rx t;
	uint32_t pending;
	int r = ring_rx_init(&t, mem, len);

	if (r < 0)
		return r;
	if (!index_is_possible(read, t.size) || (told && t.read != read))
		return -EBADMSG;
	t.read = t.published = read;
	*rx = t;
	if (told)
		return 0;
	atomic_store(&t.page->read_index, read); /* [C] */
	pending = rx_pending(&t);
	return pending > 0 && t.size - distance(read, t.write, t.size) > pending;
}

/* How much is there to read: bytes, or -EBADMSG. */
static int64_t rx_available(struct ring_rx *rx)
{
	uint32_t write;

	/* The writer's index is a cache miss: look at it when all that is known of has been read. */
	if (rx->read == rx->write) {
		write = load(&rx->page->write_index); /* [B] */
		if (!index_is_possible(write, rx->size))
			return -EBADMSG;
		rx->write = write;
	}
	return distance(rx->read, rx->write, rx->size);
}

int ring_rx_get(struct ring_rx *rx, struct ring_packet *ret, void *buf, size_t cap)
{
	const uint32_t start = rx->read, size = rx->size;
	int64_t available = rx_available(rx);
	uint64_t desc, trans_id;
	size_t header, total, len;

	if (available <= 0)
		return (int)available;
	if (available < RING_DESC_SIZE + RING_TRAILER_SIZE)
		return -EBADMSG;

	desc = get_word(rx, start);
	trans_id = get_word(rx, advance(start, 8, size));
	/* What was loaded is what is checked and used: the compiler must not load it again. */
	atomic_signal_fence(memory_order_seq_cst);
	header = (size_t)(uint16_t)(desc >> 16) * 8;
	total = (size_t)(uint16_t)(desc >> 32) * 8;
	if (header < RING_DESC_SIZE || total < header ||
	    total > (size_t)available - RING_TRAILER_SIZE)
		return -EBADMSG;

	/* The trailer is not looked at: QEMU leaves it zero. */
	len = total - header;
	copy_out(rx, advance(start, (uint32_t)header, size), buf, len < cap ? len : cap);
	rx->read = advance(start, (uint32_t)(total + RING_TRAILER_SIZE), size);
	*ret = (struct ring_packet){
		.type = (uint16_t)desc,
		.flags = (uint16_t)(desc >> 48),
		.trans_id = trans_id,
		.len = len,
	};
	return len <= cap ? 1 : -EMSGSIZE;
}

int ring_rx_commit(struct ring_rx *rx)
{
	uint32_t was = rx->published, pending, write, room_before, room;

	if (rx->read == was)
		return 0;
	atomic_store(&rx->page->read_index, rx->read); /* [C] */
	rx->published = rx->read;

	pending = rx_pending(rx);
	if (pending == 0)
		return 0;

	write = load(&rx->page->write_index);
	if (!index_is_possible(write, rx->size))
		return 0; /* the next ring_rx_get says so */
	room_before = rx->size - distance(was, write, rx->size);
	room = rx->size - distance(rx->read, write, rx->size);
	return room_before <= pending && room > pending;
}

void ring_rx_mask(struct ring_rx *rx)
{
	atomic_store_explicit(&rx->page->interrupt_mask, 1, memory_order_relaxed);
}

int ring_rx_unmask(struct ring_rx *rx)
{
	atomic_store(&rx->page->interrupt_mask, 0);              /* [E] */
	return atomic_load(&rx->page->write_index) != rx->read; /* [F] */
}
