/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/ring.h"

#include <errno.h>

#include "tests/unit/harness.h"

#define FILL 0xee

/* --- a ring between unreadable pages, looked at as the numbers of Linux hv_ring_buffer --- */

enum { WRITE_INDEX = 0, READ_INDEX = 4, MASK = 8, PENDING = 12, FEATURES = 64, DATA = 4096 };

static struct guard ring_new(uint32_t size, uint32_t read, uint32_t write)
{
	struct guard g = guard_new(DATA + size);

	put_le(g.p + WRITE_INDEX, 4, write);
	put_le(g.p + READ_INDEX, 4, read);
	put_le(g.p + FEATURES, 4, 1);
	memset(g.p + DATA, FILL, size);
	return g;
}

static uint32_t word(const struct guard *g, size_t at)
{
	return (uint32_t)get_le(g->p + at, 4);
}

static void set_word(const struct guard *g, size_t at, uint32_t v)
{
	put_le(g->p + at, 4, v);
}

static void fill_payload(uint8_t *to, size_t len, uint8_t first)
{
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)(first + i);
}

/* Bytes of ring for a payload: 16 + payload, rounded up to 8, + 8 (Linux ring_buffer.c). */
static size_t space_of(size_t len)
{
	return (16 + len + 7) / 8 * 8 + 8;
}

/* What a packet must look like in the data, one byte at a time. Returns the index behind it. */
static uint32_t expect_packet(uint8_t *data, uint32_t size, uint32_t at, const struct ring_packet *p,
			      const uint8_t *payload, size_t len)
{
	size_t space = space_of(len);
	uint8_t *flat = calloc(1, space);

	assert_non_null(flat);
	put_le(flat + 0, 2, p->type);
	put_le(flat + 2, 2, 2);
	put_le(flat + 4, 2, (space - 8) / 8);
	put_le(flat + 6, 2, p->flags);
	put_le(flat + 8, 8, p->trans_id);
	if (len > 0)
		memcpy(flat + 16, payload, len);
	put_le(flat + space - 4, 4, at);
	for (size_t i = 0; i < space; i++)
		data[(at + i) % size] = flat[i];
	free(flat);
	return (uint32_t)((at + space) % size);
}

static const struct ring_packet some_packet = {
	.type = RING_PACKET_INBAND, .trans_id = UINT64_C(0x1122334455667788)
};

/* --- the bytes --- */

static void a_packet_lies_in_the_ring_byte_for_byte(void **state)
{
	/* type 6, offset8 2, len8 4, flags 0, transaction id; payload, padding; 0 and where it began */
	static const uint8_t golden[] = {
		6, 0, 2, 0, 4, 0, 0, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
		1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 24, 0, 0, 0,
	};
	static const uint8_t payload[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	_cleanup_(guard_done) struct guard g = ring_new(128, 24, 24);
	struct ring_tx tx;

	(void)state;
	assert_int_equal(ring_tx_init(&tx, g.p, g.len), 0);
	assert_int_equal(ring_tx_put(&tx, &some_packet, payload, sizeof(payload)), 0);
	assert_int_equal(word(&g, WRITE_INDEX), 24); /* not yet to be seen */
	assert_int_equal(ring_tx_commit(&tx), 1);
	assert_int_equal(word(&g, WRITE_INDEX), 64);
	assert_memory_equal(g.p + DATA + 24, golden, sizeof(golden));
}

/* Puts one packet with both indices at start and takes it out again; everything in the memory is
 * as expected, byte for byte. */
static void roundtrip_at(uint32_t size, uint32_t start, size_t len)
{
	_cleanup_(guard_done) struct guard g = ring_new(size, start, start);
	_cleanup_(guard_done) struct guard from = guard_new(len);
	_cleanup_(guard_done) struct guard to = guard_new((len + 7) / 8 * 8);
	struct guard expected = guard_copy(g.p, g.len);
	const struct ring_packet sent = {
		.type = 0x8001, .flags = 0x4003, .trans_id = UINT64_C(0xfedcba9800000000) | start
	};
	struct ring_packet got = { 0 };
	struct ring_tx tx;
	struct ring_rx rx;
	uint32_t end;

	fill_payload(from.p, len, (uint8_t)start);
	end = expect_packet(expected.p + DATA, size, start, &sent, from.p, len);
	assert_int_equal(ring_tx_init(&tx, g.p, g.len), 0);
	assert_int_equal(ring_rx_init(&rx, g.p, g.len), 0);
	assert_int_equal(ring_tx_put(&tx, &sent, from.p, len), 0);
	assert_int_equal(ring_tx_commit(&tx), 1);
	put_le(expected.p + WRITE_INDEX, 4, end);
	assert_memory_equal(g.p, expected.p, g.len);

	assert_int_equal(ring_rx_get(&rx, &got, to.p, to.len), 1);
	assert_int_equal(got.type, sent.type);
	assert_int_equal(got.flags, sent.flags);
	assert_true(got.trans_id == sent.trans_id);
	assert_int_equal(got.len, to.len);
	assert_memory_equal(to.p, from.p, len);
	for (size_t i = len; i < to.len; i++)
		assert_int_equal(to.p[i], 0);
	assert_int_equal(ring_rx_commit(&rx), 0);
	put_le(expected.p + READ_INDEX, 4, end);
	assert_memory_equal(g.p, expected.p, g.len);
	assert_int_equal(ring_rx_get(&rx, &got, to.p, to.len), 0);
	guard_done(&expected);
}

/* Header, payload, padding and trailer each broken at every place that there is; sizes that are no
 * powers of two; every length up to the largest. */
static void packets_wrap_at_every_position(void **state)
{
	static const uint32_t sizes[] = { 64, 72, 104, 128 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		for (uint32_t start = 0; start < sizes[i]; start += 8)
			for (size_t len = 0; space_of(len) < sizes[i]; len++)
				roundtrip_at(sizes[i], start, len);
}

static void large_packets_wrap_too(void **state)
{
	static const uint32_t sizes[] = { 1000, 12288 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		for (uint32_t start = 0; start < sizes[i]; start += i ? 1016 : 8) {
			size_t largest = sizes[i] - 8 - 24;

			for (size_t len = largest - 9; len <= largest; len++)
				roundtrip_at(sizes[i], start, len);
			roundtrip_at(sizes[i], start, 257);
		}
}

static void an_empty_payload_needs_no_buffer(void **state)
{
	_cleanup_(guard_done) struct guard g = ring_new(64, 0, 0);
	struct ring_packet got;
	struct ring_tx tx;
	struct ring_rx rx;

	(void)state;
	assert_int_equal(ring_tx_init(&tx, g.p, g.len), 0);
	assert_int_equal(ring_rx_init(&rx, g.p, g.len), 0);
	assert_int_equal(ring_tx_put(&tx, &some_packet, NULL, 0), 0);
	assert_int_equal(ring_tx_commit(&tx), 1);
	assert_int_equal(ring_rx_get(&rx, &got, NULL, 0), 1);
	assert_int_equal(got.len, 0);
}

/* --- room --- */

static void what_can_never_fit_is_told_from_what_does_not_fit_now(void **state)
{
	static const struct {
		uint32_t size;
		size_t len;
		int expected;
	} rows[] = {
		{ 64, 32, 0 },		      { 64, 33, -EMSGSIZE },	  { 72, 40, 0 },
		{ 72, 41, -EMSGSIZE },	      { 12288, 12256, 0 },	  { 12288, 12257, -EMSGSIZE },
		{ 64, SIZE_MAX, -EMSGSIZE },  { 64, SIZE_MAX - 7, -EMSGSIZE },
		{ 64, SIZE_MAX - 22, -EMSGSIZE },  { 64, SIZE_MAX - 23, -EMSGSIZE },
		{ 64, (size_t)1 << 32, -EMSGSIZE },
		/* len8 is 16 bits: 65535 * 8 bytes with the header */
		{ 1 << 20, 524264, 0 },	      { 1 << 20, 524265, -EMSGSIZE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(guard_done) struct guard g = ring_new(rows[i].size, 0, 0);
		_cleanup_(guard_done) struct guard from = guard_new(rows[i].expected ? 0 : rows[i].len);
		struct ring_tx tx;

		assert_int_equal(ring_tx_init(&tx, g.p, g.len), 0);
		assert_int_equal(ring_tx_put(&tx, &some_packet, from.p, rows[i].len), rows[i].expected);
		assert_int_equal(ring_tx_wait_for_room(&tx, rows[i].len),
				 rows[i].expected ? -EMSGSIZE : 0);
		if (!rows[i].expected)
			continue;
		assert_int_equal(word(&g, PENDING), 0);
		for (uint32_t k = 0; k < rows[i].size; k++)
			assert_int_equal(g.p[DATA + k], FILL);
	}
}

/* "A write is refused when available-to-write <= total needed": every pair of indices. */
static void room_is_left_so_that_full_is_not_empty(void **state)
{
	static const uint8_t payload[16];
	const uint32_t size = 104;

	(void)state;
	for (uint32_t read = 0; read < size; read += 8)
		for (uint32_t write = 0; write < size; write += 8)
			for (size_t len = 0; len <= 16; len += 8) {
				_cleanup_(guard_done) struct guard g = ring_new(size, read, write);
				uint32_t room = size - (write + size - read) % size;
				struct ring_tx tx;
				int r;

				assert_int_equal(ring_tx_init(&tx, g.p, g.len), 0);
				r = ring_tx_put(&tx, &some_packet, payload, len);
				assert_int_equal(r, room > space_of(len) ? 0 : -EAGAIN);
				if (r < 0) {
					assert_int_equal(ring_tx_commit(&tx), 0);
					assert_int_equal(word(&g, WRITE_INDEX), write);
					continue;
				}
				(void)!ring_tx_commit(&tx);
				assert_int_equal(word(&g, WRITE_INDEX), (write + space_of(len)) % size);
				assert_int_not_equal(word(&g, WRITE_INDEX), read);
			}
}

/* Room that the reader gave back meanwhile is found. */
static void room_that_was_given_back_is_used(void **state)
{
	static const uint8_t payload[32];
	_cleanup_(guard_done) struct guard g = ring_new(128, 0, 0);
	uint8_t buf[32];
	struct ring_packet p;
	struct ring_tx tx;
	struct ring_rx rx;

	(void)state;
	assert_int_equal(ring_tx_init(&tx, g.p, g.len), 0);
	assert_int_equal(ring_rx_init(&rx, g.p, g.len), 0);
	assert_int_equal(ring_tx_put(&tx, &some_packet, payload, 32), 0);
	assert_int_equal(ring_tx_put(&tx, &some_packet, payload, 32), 0);
	assert_int_equal(ring_tx_put(&tx, &some_packet, payload, 0), -EAGAIN);
	assert_int_equal(ring_tx_commit(&tx), 1);
	assert_int_equal(ring_rx_get(&rx, &p, buf, sizeof(buf)), 1);
	assert_int_equal(ring_tx_put(&tx, &some_packet, payload, 0), -EAGAIN); /* taken, not given back */
	assert_int_equal(ring_rx_commit(&rx), 0);
	assert_int_equal(ring_tx_put(&tx, &some_packet, payload, 0), 0);
}

/* --- attaching --- */

static void lengths_that_are_no_rings_are_refused(void **state)
{
	static const struct {
		size_t len;
		int expected;
	} rows[] = {
		{ 0, -EINVAL },		{ 64, -EINVAL },   { 4096, -EINVAL },	 { 4096 + 56, -EINVAL },
		{ 4096 + 64, 0 },	{ 4096 + 65, -EINVAL }, { 4096 + 68, -EINVAL }, { 4096 + 72, 0 },
		{ (size_t)1 << 32, -EINVAL }, { ((size_t)1 << 32) + 8192, -EINVAL }, { SIZE_MAX, -EINVAL },
		{ SIZE_MAX - 7, -EINVAL },
	};
	_cleanup_(guard_done) struct guard g = ring_new(72, 0, 0);
	struct ring_tx tx, tx_before;
	struct ring_rx rx, rx_before;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		memset(&tx, 0x5a, sizeof(tx));
		memset(&rx, 0x5a, sizeof(rx));
		tx_before = tx;
		rx_before = rx;
		assert_int_equal(ring_tx_init(&tx, g.p, rows[i].len), rows[i].expected);
		assert_int_equal(ring_rx_init(&rx, g.p, rows[i].len), rows[i].expected);
		if (rows[i].expected < 0) {
			assert_memory_equal(&tx, &tx_before, sizeof(tx));
			assert_memory_equal(&rx, &rx_before, sizeof(rx));
		}
	}
}

static const uint32_t impossible[] = { 1, 4, 7, 12, 100, 104, 112, 0x80000000, 0xfffffff8, 0xffffffff };

static void impossible_indices_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(impossible); i++)
		for (int which = 0; which < 2; which++) {
			_cleanup_(guard_done) struct guard g = ring_new(104, 0, 0);
			struct ring_tx tx, tx_before;
			struct ring_rx rx, rx_before;

			memset(&tx, 0x5a, sizeof(tx));
			memset(&rx, 0x5a, sizeof(rx));
			tx_before = tx;
			rx_before = rx;
			set_word(&g, which ? READ_INDEX : WRITE_INDEX, impossible[i]);
			assert_int_equal(ring_tx_init(&tx, g.p, g.len), -EBADMSG);
			assert_int_equal(ring_rx_init(&rx, g.p, g.len), -EBADMSG);
			assert_memory_equal(&tx, &tx_before, sizeof(tx));
			assert_memory_equal(&rx, &rx_before, sizeof(rx));
		}
}

/* A ring that was in use goes on where it stood, packets in it and all. */
static void both_ends_resume_where_the_indices_stand(void **state)
{
	static const uint8_t first[] = "first", second[] = "second";
	_cleanup_(guard_done) struct guard g = ring_new(136, 88, 88);
	uint8_t buf[64];
	struct ring_packet p;
	struct ring_tx tx;
	struct ring_rx rx;

	(void)state;
	assert_int_equal(ring_tx_init(&tx, g.p, g.len), 0);
	assert_int_equal(ring_tx_put(&tx, &some_packet, first, sizeof(first)), 0);
	assert_int_equal(ring_tx_commit(&tx), 1);

	assert_int_equal(ring_tx_init(&tx, g.p, g.len), 0);
	assert_int_equal(ring_tx_put(&tx, &some_packet, second, sizeof(second)), 0);
	assert_int_equal(ring_tx_commit(&tx), 0); /* it was not empty */

	assert_int_equal(ring_rx_init(&rx, g.p, g.len), 0);
	assert_int_equal(ring_rx_get(&rx, &p, buf, sizeof(buf)), 1);
	assert_string_equal((const char *)buf, "first");
	assert_int_equal(ring_rx_commit(&rx), 0);

	assert_int_equal(ring_rx_init(&rx, g.p, g.len), 0);
	assert_int_equal(ring_rx_get(&rx, &p, buf, sizeof(buf)), 1);
	assert_string_equal((const char *)buf, "second");
	assert_int_equal(ring_rx_get(&rx, &p, buf, sizeof(buf)), 0);
}

/* --- when the writer signals --- */

static const struct {
	uint32_t read, write; /* before; a packet is put behind write */
	uint32_t mask;
	int expected;
} signals[] = {
	{ 0, 0, 0, 1 },
	{ 48, 48, 0, 1 },
	{ 48, 48, 1, 0 },	   /* masked */
	{ 48, 48, 0x80000000, 0 }, /* any bit masks */
	{ 24, 48, 0, 0 },	   /* was not empty */
	{ 56, 48, 0, 0 },	   /* was not empty, wrapped */
	{ 24, 48, 1, 0 },
};

static void a_signal_is_due_when_the_ring_was_empty_and_unmasked(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		_cleanup_(guard_done) struct guard g = ring_new(104, 0, 0);
		struct ring_tx tx;

		set_word(&g, READ_INDEX, 0);
		set_word(&g, WRITE_INDEX, signals[i].write);
		assert_int_equal(ring_tx_init(&tx, g.p, g.len), 0);
		assert_int_equal(ring_tx_put(&tx, &some_packet, NULL, 0), 0);
		/* The reader's words as they are when the writer has stored its index. */
		set_word(&g, READ_INDEX, signals[i].read);
		set_word(&g, MASK, signals[i].mask);
		assert_int_equal(ring_tx_commit(&tx), signals[i].expected);
		assert_int_equal(word(&g, MASK), signals[i].mask);
		assert_int_equal(word(&g, READ_INDEX), signals[i].read);
	}
}

/* Several packets, one signal; and none for nothing. */
static void one_commit_shows_all_and_signals_once(void **state)
{
	_cleanup_(guard_done) struct guard g = ring_new(104, 0, 0);
	struct ring_packet p;
	struct ring_tx tx;
	struct ring_rx rx;

	(void)state;
	assert_int_equal(ring_tx_init(&tx, g.p, g.len), 0);
	assert_int_equal(ring_rx_init(&rx, g.p, g.len), 0);
	assert_int_equal(ring_tx_commit(&tx), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(ring_tx_put(&tx, &some_packet, NULL, 0), 0);
	assert_int_equal(ring_rx_get(&rx, &p, NULL, 0), 0); /* not shown yet */
	assert_int_equal(ring_tx_commit(&tx), 1);
	assert_int_equal(ring_tx_commit(&tx), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(ring_rx_get(&rx, &p, NULL, 0), 1);
	assert_int_equal(word(&g, READ_INDEX), 0); /* not given back yet */
	assert_int_equal(ring_rx_get(&rx, &p, NULL, 0), 0);
	assert_int_equal(ring_rx_commit(&rx), 0);
	assert_int_equal(word(&g, READ_INDEX), 96);
}

/* The reader has taken all but the packet that is just put: "old write index == read index" is about
 * what was shown before, not about what was put. */
static void emptiness_is_judged_by_what_was_shown(void **state)
{
	_cleanup_(guard_done) struct guard g = ring_new(104, 0, 0);
	struct ring_tx tx;

	(void)state;
	assert_int_equal(ring_tx_init(&tx, g.p, g.len), 0);
	assert_int_equal(ring_tx_put(&tx, &some_packet, NULL, 0), 0);
	assert_int_equal(ring_tx_commit(&tx), 1);
	assert_int_equal(ring_tx_put(&tx, &some_packet, NULL, 0), 0);
	assert_int_equal(ring_tx_put(&tx, &some_packet, NULL, 0), 0);
	set_word(&g, READ_INDEX, 24); /* the reader is through with what it saw */
	assert_int_equal(ring_tx_commit(&tx), 1);
	assert_int_equal(ring_tx_put(&tx, &some_packet, NULL, 0), 0);
	assert_int_equal(ring_tx_commit(&tx), 0);
}

static void a_writer_whose_readers_index_is_impossible_stops(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(impossible); i++) {
		_cleanup_(guard_done) struct guard g = ring_new(104, 0, 0);
		struct ring_tx tx;

		assert_int_equal(ring_tx_init(&tx, g.p, g.len), 0);
		for (int k = 0; k < 4; k++)
			assert_int_equal(ring_tx_put(&tx, &some_packet, NULL, 0), 0);
		set_word(&g, READ_INDEX, impossible[i]);
		assert_int_equal(ring_tx_put(&tx, &some_packet, NULL, 0), -EBADMSG);
		assert_int_equal(ring_tx_wait_for_room(&tx, 0), -EBADMSG);
		assert_int_equal(ring_tx_commit(&tx), -EBADMSG);
		/* It goes on to say so, and goes on to keep its own index. */
		assert_int_equal(ring_tx_put(&tx, &some_packet, NULL, 0), -EBADMSG);
		assert_int_equal(word(&g, WRITE_INDEX), 96);
	}
}

/* Our index is ours: what the other side writes there is overwritten and not believed. */
static void what_stands_in_our_own_word_does_not_matter(void **state)
{
	_cleanup_(guard_done) struct guard g = ring_new(104, 0, 0);
	struct ring_packet p;
	struct ring_tx tx;
	struct ring_rx rx;

	(void)state;
	assert_int_equal(ring_tx_init(&tx, g.p, g.len), 0);
	assert_int_equal(ring_rx_init(&rx, g.p, g.len), 0);
	set_word(&g, WRITE_INDEX, 0xfffffff0);
	assert_int_equal(ring_tx_put(&tx, &some_packet, NULL, 0), 0);
	assert_int_equal(ring_tx_commit(&tx), 1);
	assert_int_equal(word(&g, WRITE_INDEX), 24);
	set_word(&g, READ_INDEX, 0xfffffff0);
	assert_int_equal(ring_rx_get(&rx, &p, NULL, 0), 1);
	assert_int_equal(ring_rx_commit(&rx), 0);
	assert_int_equal(word(&g, READ_INDEX), 24);
}

/* --- the writer waits for room --- */

static void a_waiting_writer_states_the_space_it_needs(void **state)
{
	static const uint8_t payload[40];
	_cleanup_(guard_done) struct guard g = ring_new(104, 0, 0);
	struct ring_tx tx;

	(void)state;
	assert_int_equal(ring_tx_init(&tx, g.p, g.len), 0);
	assert_int_equal(ring_tx_put(&tx, &some_packet, payload, 40), 0); /* takes 64 of 104 */
	assert_int_equal(ring_tx_commit(&tx), 1);
	assert_int_equal(ring_tx_put(&tx, &some_packet, payload, 16), -EAGAIN);
	assert_int_equal(ring_tx_wait_for_room(&tx, 16), 0);
	assert_int_equal(word(&g, PENDING), 40); /* 16 + 16 + 8 */
	assert_int_equal(ring_tx_wait_for_room(&tx, 8), 1);
	assert_int_equal(ring_tx_wait_for_room(&tx, 15), 0);
	assert_int_equal(word(&g, PENDING), 40);

	/* A commit of nothing is none: the wish stands. */
	assert_int_equal(ring_tx_commit(&tx), 0);
	assert_int_equal(word(&g, PENDING), 40);

	/* The reader gives room back; the packet that was waited for is put and the wish is gone. */
	set_word(&g, READ_INDEX, 64);
	assert_int_equal(ring_tx_wait_for_room(&tx, 16), 1);
	assert_int_equal(ring_tx_put(&tx, &some_packet, payload, 16), 0);
	assert_int_equal(ring_tx_commit(&tx), 1);
	assert_int_equal(word(&g, PENDING), 0);
}

/* --- reading --- */

/* A packet as the other side writes it, at index 0 of a ring of 104. */
static void put_raw(const struct guard *g, uint16_t offset8, uint16_t len8, uint32_t write)
{
	put_le(g->p + DATA, 2, 6);
	put_le(g->p + DATA + 2, 2, offset8);
	put_le(g->p + DATA + 4, 2, len8);
	put_le(g->p + DATA + 6, 2, 1);
	put_le(g->p + DATA + 8, 8, 77);
	for (unsigned i = 16; i < 104; i++)
		g->p[DATA + i] = (uint8_t)i;
	set_word(g, WRITE_INDEX, write);
}

static const struct {
	uint16_t offset8, len8;
	uint32_t write;
	int expected;
	size_t len, from; /* of the payload, and where in the ring it begins */
} descriptors[] = {
	{ 2, 2, 24, 1, 0, 16 },
	{ 2, 3, 32, 1, 8, 16 },
	{ 3, 3, 32, 1, 0, 24 },
	{ 3, 5, 48, 1, 16, 24 },     /* a longer header is skipped */
	{ 2, 11, 96, 1, 72, 16 },
	{ 2, 2, 96, 1, 0, 16 },      /* more packets behind it */
	{ 1, 3, 32, -EBADMSG, 0, 0 }, /* payload inside of the descriptor */
	{ 0, 3, 32, -EBADMSG, 0, 0 },
	{ 3, 2, 32, -EBADMSG, 0, 0 }, /* ends before it begins */
	{ 2, 1, 32, -EBADMSG, 0, 0 },
	{ 2, 0, 32, -EBADMSG, 0, 0 },
	{ 0, 0, 32, -EBADMSG, 0, 0 },
	{ 0xffff, 3, 32, -EBADMSG, 0, 0 },
	{ 2, 4, 32, -EBADMSG, 0, 0 }, /* the trailer is not there */
	{ 2, 5, 32, -EBADMSG, 0, 0 }, /* more than there is */
	{ 2, 12, 96, -EBADMSG, 0, 0 },
	{ 2, 13, 96, -EBADMSG, 0, 0 }, /* more than the ring */
	{ 2, 0xffff, 96, -EBADMSG, 0, 0 },
	{ 0xffff, 0xffff, 96, -EBADMSG, 0, 0 },
	{ 2, 2, 8, -EBADMSG, 0, 0 },  /* less than a descriptor is there */
	{ 2, 2, 16, -EBADMSG, 0, 0 }, /* less than a descriptor and a trailer */
	{ 2, 2, 0, 0, 0, 0 },	      /* nothing is there */
	{ 2, 2, 1, -EBADMSG, 0, 0 },
	{ 2, 2, 28, -EBADMSG, 0, 0 },
	{ 2, 2, 104, -EBADMSG, 0, 0 },
	{ 2, 2, 112, -EBADMSG, 0, 0 },
	{ 2, 2, 0xfffffff8, -EBADMSG, 0, 0 },
};

static void a_descriptor_is_checked_before_it_is_used(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(descriptors); i++) {
		_cleanup_(guard_done) struct guard g = ring_new(104, 0, 0);
		struct ring_packet p, before;
		uint8_t buf[104], untouched[104];
		struct ring_rx rx;
		int r;

		memset(&p, 0x5a, sizeof(p));
		before = p;
		memset(buf, FILL, sizeof(buf));
		memset(untouched, FILL, sizeof(untouched));
		assert_int_equal(ring_rx_init(&rx, g.p, g.len), 0);
		put_raw(&g, descriptors[i].offset8, descriptors[i].len8, descriptors[i].write);
		r = ring_rx_get(&rx, &p, buf, sizeof(buf));
		if (r != descriptors[i].expected)
			fail_msg("descriptor %zu: %d", i, r);
		if (r != 1) {
			assert_memory_equal(&p, &before, sizeof(p));
			assert_memory_equal(buf, untouched, sizeof(buf));
			assert_int_equal(ring_rx_commit(&rx), 0);
			assert_int_equal(word(&g, READ_INDEX), 0);
			continue;
		}
		assert_int_equal(p.type, 6);
		assert_int_equal(p.flags, 1);
		assert_true(p.trans_id == 77);
		assert_int_equal(p.len, descriptors[i].len);
		assert_memory_equal(buf, g.p + DATA + descriptors[i].from, p.len);
		assert_memory_equal(buf + p.len, untouched, sizeof(buf) - p.len);
		assert_int_equal(ring_rx_commit(&rx), 0);
		assert_int_equal(word(&g, READ_INDEX), descriptors[i].len8 * 8 + 8);
	}
}

static void an_impossible_write_index_is_refused_and_stays_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(impossible); i++) {
		_cleanup_(guard_done) struct guard g = ring_new(104, 48, 48);
		struct ring_packet p;
		struct ring_rx rx;

		assert_int_equal(ring_rx_init(&rx, g.p, g.len), 0);
		set_word(&g, WRITE_INDEX, impossible[i]);
		assert_int_equal(ring_rx_get(&rx, &p, NULL, 0), -EBADMSG);
		assert_int_equal(ring_rx_get(&rx, &p, NULL, 0), -EBADMSG);
		assert_int_equal(word(&g, READ_INDEX), 48);
	}
}

static void a_packet_longer_than_the_buffer_is_cut_and_told(void **state)
{
	(void)state;
	for (size_t cap = 0; cap <= 24; cap++) {
		_cleanup_(guard_done) struct guard g = ring_new(104, 88, 88);
		_cleanup_(guard_done) struct guard to = guard_new(cap);
		uint8_t payload[24];
		struct ring_packet p = { 0 };
		struct ring_tx tx;
		struct ring_rx rx;

		fill_payload(payload, sizeof(payload), 1);
		assert_int_equal(ring_tx_init(&tx, g.p, g.len), 0);
		assert_int_equal(ring_rx_init(&rx, g.p, g.len), 0);
		assert_int_equal(ring_tx_put(&tx, &some_packet, payload, sizeof(payload)), 0);
		assert_int_equal(ring_tx_put(&tx, &some_packet, NULL, 0), 0);
		assert_int_equal(ring_tx_commit(&tx), 1);
		assert_int_equal(ring_rx_get(&rx, &p, to.p, cap), cap < 24 ? -EMSGSIZE : 1);
		assert_int_equal(p.len, 24); /* all of it, also what did not fit */
		assert_true(p.trans_id == some_packet.trans_id);
		assert_memory_equal(to.p, payload, cap);
		/* It is taken: the next one follows. */
		assert_int_equal(ring_rx_get(&rx, &p, NULL, 0), 1);
		assert_int_equal(p.len, 0);
	}
}

/* QEMU leaves the trailer zero. */
static void the_trailer_is_not_looked_at(void **state)
{
	_cleanup_(guard_done) struct guard g = ring_new(104, 0, 0);
	struct ring_packet p;
	struct ring_rx rx;

	(void)state;
	assert_int_equal(ring_rx_init(&rx, g.p, g.len), 0);
	put_raw(&g, 2, 2, 24);
	memset(g.p + DATA + 16, 0, 8);
	assert_int_equal(ring_rx_get(&rx, &p, NULL, 0), 1);
	put_raw(&g, 2, 2, 24);
}

/* --- when the reader signals --- */

static const struct {
	uint32_t features, pending;
	uint32_t before, after; /* free bytes of 104 before and after the reader's commit */
	int expected;
} wishes[] = {
	{ 1, 0, 8, 32, 0 },   /* nobody waits */
	{ 1, 24, 8, 32, 1 },
	{ 0, 24, 8, 32, 0 },  /* the word means nothing without the feature */
	{ 2, 24, 8, 32, 0 },
	{ 3, 24, 8, 32, 1 },
	{ 1, 32, 8, 32, 0 },  /* "more than": not yet enough */
	{ 1, 31, 8, 32, 1 },
	{ 1, 8, 8, 32, 1 },   /* "at most": it was not enough before */
	{ 1, 7, 8, 32, 0 },   /* there was enough before: the writer knows */
	{ 1, 24, 32, 56, 0 },
	{ 1, 56, 32, 80, 1 },
	{ 1, 80, 8, 104, 1 }, /* all at once */
	{ 1, 103, 8, 104, 1 },
	{ 1, 104, 8, 104, 0 },
	{ 1, 0xffffffff, 8, 104, 0 },
};

static void a_waiting_writer_is_signalled_when_its_room_comes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wishes); i++)
		for (uint32_t read = 0; read < 104; read += 8) {
			uint32_t write = (read + 104 - wishes[i].before) % 104;
			uint32_t takes = wishes[i].after - wishes[i].before;
			_cleanup_(guard_done) struct guard g = ring_new(104, read, write);
			uint8_t desc[6] = { 6, 0, 2, 0, (uint8_t)((takes - 8) / 8), 0 };
			struct ring_packet p;
			uint8_t buf[104];
			struct ring_rx rx;

			for (uint32_t k = 0; k < sizeof(desc); k++)
				g.p[DATA + (read + k) % 104] = desc[k];
			set_word(&g, FEATURES, wishes[i].features);
			assert_int_equal(ring_rx_init(&rx, g.p, g.len), 0);
			assert_int_equal(ring_rx_commit(&rx), 0);
			assert_int_equal(ring_rx_get(&rx, &p, buf, sizeof(buf)), 1);
			set_word(&g, PENDING, wishes[i].pending);
			if (ring_rx_commit(&rx) != wishes[i].expected)
				fail_msg("wish %zu at %u", i, read);
			assert_int_equal(word(&g, READ_INDEX), (read + takes) % 104);
			assert_int_equal(word(&g, PENDING), wishes[i].pending);
			assert_int_equal(ring_rx_commit(&rx), 0); /* nothing more was taken */
		}
}

static void a_commit_does_not_believe_an_impossible_write_index(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(impossible); i++) {
		_cleanup_(guard_done) struct guard g = ring_new(104, 0, 0);
		struct ring_packet p;
		struct ring_rx rx;

		assert_int_equal(ring_rx_init(&rx, g.p, g.len), 0);
		put_raw(&g, 2, 2, 24);
		assert_int_equal(ring_rx_get(&rx, &p, NULL, 0), 1);
		set_word(&g, PENDING, 8);
		set_word(&g, WRITE_INDEX, impossible[i]);
		assert_int_equal(ring_rx_commit(&rx), 0);
		assert_int_equal(ring_rx_get(&rx, &p, NULL, 0), -EBADMSG);
	}
}

static void unmasking_looks_once_more(void **state)
{
	_cleanup_(guard_done) struct guard g = ring_new(104, 0, 0);
	struct ring_packet p;
	struct ring_rx rx;

	(void)state;
	assert_int_equal(ring_rx_init(&rx, g.p, g.len), 0);
	ring_rx_mask(&rx);
	assert_int_equal(word(&g, MASK), 1);
	assert_int_equal(ring_rx_unmask(&rx), 0);
	assert_int_equal(word(&g, MASK), 0);

	/* Something came between the last look and the unmasking: nobody signals that. */
	ring_rx_mask(&rx);
	put_raw(&g, 2, 2, 24);
	assert_int_equal(ring_rx_unmask(&rx), 1);
	assert_int_equal(word(&g, MASK), 0);
	assert_int_equal(ring_rx_get(&rx, &p, NULL, 0), 1);
	assert_int_equal(ring_rx_commit(&rx), 0);
	assert_int_equal(ring_rx_unmask(&rx), 0);

	/* A broken index too is a reason to look. */
	set_word(&g, WRITE_INDEX, 1);
	assert_int_equal(ring_rx_unmask(&rx), 1);
}

/* --- a long run --- */

/* Packets of random sizes, put and taken in random portions: what goes in comes out. */
static void many_packets_go_through_in_their_order(void **state)
{
	static const uint32_t sizes[] = { 64, 200, 1000, 4096, 12288 };
	uint64_t seed = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		_cleanup_(guard_done) struct guard g = ring_new(sizes[i], 0, 0);
		static uint8_t payload[12288], buf[12288];
		uint64_t put = 0, taken = 0;
		struct ring_tx tx;
		struct ring_rx rx;
		size_t most = sizes[i] - 32 + 1, lens[1024];

		assert_int_equal(ring_tx_init(&tx, g.p, g.len), 0);
		assert_int_equal(ring_rx_init(&rx, g.p, g.len), 0);
		while (taken < 20000) {
			struct ring_packet p = { .type = 6, .trans_id = put };
			size_t len = next_random(&seed) % (next_random(&seed) % 4 ? 64 : most);

			if (len >= most)
				len = most - 1;
			fill_payload(payload, len, (uint8_t)put);
			if (ring_tx_put(&tx, &p, payload, len) == 0) {
				lens[put % ARRAY_LEN(lens)] = len;
				put++;
				if (next_random(&seed) % 3)
					continue;
			}
			assert_true(ring_tx_commit(&tx) >= 0);
			while (ring_rx_get(&rx, &p, buf, sizeof(buf)) == 1) {
				len = lens[taken % ARRAY_LEN(lens)];
				fill_payload(payload, len, (uint8_t)taken);
				assert_true(p.trans_id == taken);
				assert_int_equal(p.len, (len + 7) / 8 * 8);
				assert_memory_equal(buf, payload, len);
				taken++;
				if (next_random(&seed) % 4 == 0)
					assert_int_equal(ring_rx_commit(&rx), 0);
			}
			assert_int_equal(ring_rx_commit(&rx), 0);
			assert_true(put - taken == 0);
		}
	}
}

/* --- one who continues another's work --- */

/* A packet of 40 bytes takes 64 (space_of): it may be in the ring behind 24, and not be, and nothing else. */
static void a_successor_sees_what_was_sent(void **state)
{
	static const size_t len = 40;
	static const struct {
		uint32_t shown, read, masked, write;
		bool has_packet;
		int found;
	} row[] = {
		{ 24, 24, 0, 24, false, RING_TX_NONE },
		{ 24, 24, 0, 24, true, RING_TX_NONE },
		{ 24, 0, 1, 24, true, RING_TX_NONE },
		{ 88, 24, 0, 24, true, RING_TX_SENT_SIGNAL },
		{ 88, 24, 1, 24, true, RING_TX_SENT },  /* it looks by itself */
		{ 88, 0, 0, 24, true, RING_TX_SENT },   /* it has more to read, and was told of that */
		{ 88, 88, 0, 24, true, RING_TX_SENT },  /* it has read it */
		{ 40, 96, 0, 104, true, RING_TX_SENT }, /* around the ring's end */
		{ 88, 24, 0, 24, false, -EBADMSG },
		{ 80, 24, 0, 24, true, -EBADMSG },
		{ 0, 0, 0, 24, true, -EBADMSG },
		{ 24, 24, 0, 128, true, -EBADMSG },
		{ 24, 24, 0, 20, true, -EBADMSG },
		{ 128, 24, 0, 24, true, -EBADMSG },
		{ 24, 128, 0, 24, true, -EBADMSG },
	};
	const size_t too_long = 128 - 24;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		_cleanup_(guard_done) struct guard g = ring_new(128, row[i].read, row[i].shown);
		struct ring_tx tx = { .size = 0x5a };

		set_word(&g, MASK, row[i].masked);
		assert_int_equal(ring_tx_resume(&tx, g.p, g.len, row[i].write, row[i].has_packet ? &len : NULL),
				 row[i].found);
		if (row[i].found < 0)
			assert_int_equal(tx.size, 0x5a);
		else
			assert_int_equal(tx.write, row[i].shown);
		assert_int_equal(word(&g, WRITE_INDEX), row[i].shown);
	}
	{
		_cleanup_(guard_done) struct guard g = ring_new(128, 24, 24);
		struct ring_tx tx;

		assert_int_equal(ring_tx_resume(&tx, g.p, g.len, 24, &too_long), -EBADMSG);
		assert_int_equal(ring_tx_resume(&tx, g.p, DATA, 24, &len), -EINVAL);
	}
}

/* What the other had asked the reader for ends with the next packet, whoever asked. */
static void a_successor_ends_the_others_wait_for_room(void **state)
{
	_cleanup_(guard_done) struct guard g = ring_new(128, 24, 24);
	uint8_t payload[8] = { 0 };
	struct ring_tx tx;

	(void)state;
	set_word(&g, PENDING, 64);
	assert_int_equal(ring_tx_resume(&tx, g.p, g.len, 24, NULL), RING_TX_NONE);
	assert_int_equal(word(&g, PENDING), 64);
	assert_int_equal(ring_tx_put(&tx, &some_packet, payload, sizeof(payload)), 0);
	assert_int_equal(ring_tx_commit(&tx), 1);
	assert_int_equal(word(&g, PENDING), 0);
}

/* 64 bytes are there to be read, from 24 to 88; the writer waits for more than pending. */
static void a_successor_gives_room_that_may_not_have_been_given(void **state)
{
	static const struct {
		bool told;
		uint32_t shown, read, pending, features;
		int r;
	} row[] = {
		{ true, 24, 24, 0, 1, 0 },
		{ true, 24, 24, 32, 1, 0 }, /* it was told, so it was signalled */
		{ true, 24, 88, 0, 1, -EBADMSG },
		{ false, 24, 24, 0, 1, 0 },
		{ false, 0, 24, 0, 1, 0 },
		{ false, 0, 24, 32, 1, 1 }, /* 64 bytes of room */
		{ false, 24, 24, 63, 1, 1 },
		{ false, 24, 24, 64, 1, 0 },
		{ false, 24, 24, 32, 0, 0 }, /* this writer does not use the word */
		{ false, 24, 88, 127, 1, 1 },
		{ false, 24, 128, 0, 1, -EBADMSG },
		{ false, 24, 12, 0, 1, -EBADMSG },
		{ false, 4, 24, 0, 1, -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		_cleanup_(guard_done) struct guard g = ring_new(128, row[i].shown, 88);
		struct ring_rx rx = { .size = 0x5a };

		set_word(&g, PENDING, row[i].pending);
		set_word(&g, FEATURES, row[i].features);
		assert_int_equal(ring_rx_resume(&rx, g.p, g.len, row[i].read, row[i].told), row[i].r);
		assert_int_equal(word(&g, READ_INDEX), row[i].r < 0 ? row[i].shown : row[i].read);
		assert_int_equal(rx.size, row[i].r < 0 ? 0x5a : 128);
		if (row[i].r >= 0)
			assert_int_equal(rx.read, row[i].read);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packet_lies_in_the_ring_byte_for_byte),
		cmocka_unit_test(packets_wrap_at_every_position),
		cmocka_unit_test(large_packets_wrap_too),
		cmocka_unit_test(an_empty_payload_needs_no_buffer),
		cmocka_unit_test(what_can_never_fit_is_told_from_what_does_not_fit_now),
		cmocka_unit_test(room_is_left_so_that_full_is_not_empty),
		cmocka_unit_test(room_that_was_given_back_is_used),
		cmocka_unit_test(lengths_that_are_no_rings_are_refused),
		cmocka_unit_test(impossible_indices_are_refused),
		cmocka_unit_test(both_ends_resume_where_the_indices_stand),
		cmocka_unit_test(a_signal_is_due_when_the_ring_was_empty_and_unmasked),
		cmocka_unit_test(one_commit_shows_all_and_signals_once),
		cmocka_unit_test(emptiness_is_judged_by_what_was_shown),
		cmocka_unit_test(a_writer_whose_readers_index_is_impossible_stops),
		cmocka_unit_test(what_stands_in_our_own_word_does_not_matter),
		cmocka_unit_test(a_waiting_writer_states_the_space_it_needs),
		cmocka_unit_test(a_descriptor_is_checked_before_it_is_used),
		cmocka_unit_test(an_impossible_write_index_is_refused_and_stays_refused),
		cmocka_unit_test(a_packet_longer_than_the_buffer_is_cut_and_told),
		cmocka_unit_test(the_trailer_is_not_looked_at),
		cmocka_unit_test(a_waiting_writer_is_signalled_when_its_room_comes),
		cmocka_unit_test(a_commit_does_not_believe_an_impossible_write_index),
		cmocka_unit_test(unmasking_looks_once_more),
		cmocka_unit_test(many_packets_go_through_in_their_order),
		cmocka_unit_test(a_successor_sees_what_was_sent),
		cmocka_unit_test(a_successor_ends_the_others_wait_for_room),
		cmocka_unit_test(a_successor_gives_room_that_may_not_have_been_given),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
