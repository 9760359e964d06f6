/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's end of the rings: what it writes, what it believes, what it counts as wrong. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "tests/host/ring.h"
#include "tests/unit/harness.h"

#define RING 8192 /* a page of header, a page of data */
#define DATA (RING - 4096)

struct fixture {
	uint8_t *memory;
	struct host_ring ring;
	unsigned violations;
	char last[160];
};

static void note_violation(void *user, const char *sentence)
{
	struct fixture *f = user;

	f->violations++;
	(void)snprintf(f->last, sizeof(f->last), "%s", sentence);
}

static struct fixture *fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->memory = aligned_alloc(4096, 2 * RING);
	assert_non_null(f->memory);
	memset(f->memory, 0x77, 2 * RING);
	host_ring_init(&f->ring, f->memory, RING, note_violation, f);
	return f;
}

static void fixture_free(struct fixture *f)
{
	free(f->memory);
	free(f);
}

static void put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* The pages by their offsets in the protocol's description, not by struct ring_page. */
#define IN_WRITE 0
#define IN_READ 4
#define IN_MASK 8
#define IN_PENDING 12
#define OUT_WRITE RING
#define OUT_READ (RING + 4)
#define OUT_MASK (RING + 8)
#define OUT_PENDING (RING + 12)

static uint32_t word(const struct fixture *f, size_t at)
{
	return atomic_load((_Atomic uint32_t *)(void *)(f->memory + at));
}

static void set_word(struct fixture *f, size_t at, uint32_t v)
{
	atomic_store((_Atomic uint32_t *)(void *)(f->memory + at), v);
}

/* A guest that writes a packet with the given descriptor words; no signal. */
struct guest_packet {
	uint16_t type, offset8, len8, flags;
	uint32_t trailer_zero;
	bool wrong_start;
	const uint8_t *payload; /* len8 * 8 - 16 bytes; NULL: zeros */
};

static uint32_t guest_put_bytes(struct fixture *f, uint32_t at, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		f->memory[4096 + (at + i) % DATA] = bytes[i];
	return (uint32_t)((at + n) % DATA);
}

static void guest_put(struct fixture *f, const struct guest_packet *p)
{
	uint32_t start = word(f, IN_WRITE), at;
	uint8_t desc[16] = { (uint8_t)p->type, (uint8_t)(p->type >> 8),
			     (uint8_t)p->offset8, (uint8_t)(p->offset8 >> 8),
			     (uint8_t)p->len8, (uint8_t)(p->len8 >> 8),
			     (uint8_t)p->flags, (uint8_t)(p->flags >> 8), 0x2a };
	uint8_t trailer[8] = { 0 }, zeros[DATA] = { 0 };

	put_u32(trailer, p->trailer_zero);
	put_u32(trailer + 4, p->wrong_start ? start + 8 : start);
	at = guest_put_bytes(f, start, desc, 16);
	at = guest_put_bytes(f, at, p->payload ? p->payload : zeros, p->len8 * 8u - 16);
	at = guest_put_bytes(f, at, trailer, 8);
	set_word(f, IN_WRITE, at);
}

static const struct guest_packet good = { .type = 6, .offset8 = 2, .len8 = 8 };

/* --- writing --- */

static void test_init_empties_both_pages(void **state)
{
	struct fixture *f = fixture_new();

	(void)state;
	for (size_t at = 0; at < 2 * RING; at += RING) {
		for (size_t i = 0; i < 64; i += 4)
			assert_int_equal(word(f, at + i), 0);
		assert_int_equal(word(f, at + 64), 1);
	}
	assert_int_equal(f->memory[4096], 0x77); /* the data is nobody's yet */
	fixture_free(f);
}

static void test_packet_is_golden(void **state)
{
	/* Type 6, offset 2, length 3, flags 0; id; "hello" and padding; trailer with start 0. */
	static const uint8_t golden[] = { 6, 0, 2, 0, 3, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1,
					  'h', 'e', 'l', 'l', 'o', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	struct fixture *f = fixture_new();

	(void)state;
	assert_int_equal(host_ring_put(&f->ring, "hello", 5, 0x0102030405060708), HOST_RING_SIGNAL);
	assert_memory_equal(f->memory + RING + 4096, golden, sizeof(golden));
	assert_int_equal(word(f, OUT_WRITE), 32);
	assert_int_equal(host_ring_put(&f->ring, "hello", 5, 1), 0); /* not empty: no signal */
	assert_int_equal(f->memory[RING + 4096 + 32 + 28], 32);      /* its trailer names its start */
	fixture_free(f);
}

static void test_signal_only_when_empty_and_unmasked(void **state)
{
	struct fixture *f = fixture_new();

	(void)state;
	set_word(f, OUT_MASK, 1);
	assert_int_equal(host_ring_put(&f->ring, "x", 1, 1), 0);
	set_word(f, OUT_MASK, 0);
	assert_int_equal(host_ring_put(&f->ring, "x", 1, 2), 0);
	set_word(f, OUT_READ, word(f, OUT_WRITE)); /* the guest has read all */
	assert_int_equal(host_ring_put(&f->ring, "x", 1, 3), HOST_RING_SIGNAL);
	fixture_free(f);
}

static void test_full_ring_waits_for_space(void **state)
{
	static const uint8_t payload[1000];
	struct fixture *f = fixture_new();

	(void)state;
	/* 1024 bytes each with descriptor and trailer: four would fill it to the last byte. */
	for (int i = 0; i < 3; i++)
		assert_true(host_ring_put(&f->ring, payload, sizeof(payload), 1) >= 0);
	assert_int_equal(host_ring_put(&f->ring, payload, sizeof(payload), 1), -EAGAIN);
	assert_int_equal(word(f, OUT_PENDING), 1024);
	assert_false(host_ring_has_room(&f->ring, sizeof(payload)));
	set_word(f, OUT_READ, 8);
	assert_true(host_ring_has_room(&f->ring, sizeof(payload)));
	assert_int_equal(word(f, OUT_PENDING), 0);
	assert_true(host_ring_put(&f->ring, payload, sizeof(payload), 1) >= 0);
	assert_int_equal(word(f, OUT_WRITE), 0); /* wrapped, and 8 bytes stay free */
	assert_int_equal(host_ring_put(&f->ring, payload, DATA, 1), -EMSGSIZE);
	assert_int_equal(f->violations, 0);
	fixture_free(f);
}

static void test_wild_read_index_is_not_believed(void **state)
{
	static const uint32_t wild[] = { DATA, DATA + 8, 4, 0xffffffff, 0x80000000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wild); i++) {
		struct fixture *f = fixture_new();

		set_word(f, OUT_READ, wild[i]);
		assert_int_equal(host_ring_put(&f->ring, "x", 1, 1), -EBADMSG);
		assert_int_equal(host_ring_put(&f->ring, "x", 1, 1), -EBADMSG);
		assert_int_equal(f->violations, 1);
		fixture_free(f);
	}
}

/* --- reading --- */

static void test_reads_wherever_it_wraps(void **state)
{
	struct host_packet *p = malloc(sizeof(*p));
	uint8_t payload[120];
	struct fixture *f = fixture_new();

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i + 1);
	put_u32(payload + 4, sizeof(payload) - 8); /* the pipe header: no padding */
	for (int round = 0; round < 200; round++) {
		struct guest_packet g = good;

		g.len8 = (uint16_t)(2 + round % 15 + 1);
		g.payload = payload;
		put_u32(payload + 4, g.len8 * 8u - 24);
		guest_put(f, &g);
		assert_int_equal(host_ring_get(&f->ring, p), 1);
		assert_int_equal(p->trans_id, 0x2a);
		assert_int_equal(p->len, g.len8 * 8 - 16);
		assert_memory_equal(p->payload, payload, p->len);
		assert_int_equal(host_ring_get(&f->ring, p), 0);
		assert_int_equal(host_ring_commit(&f->ring), 0);
		assert_int_equal(word(f, IN_READ), word(f, IN_WRITE));
	}
	assert_int_equal(f->violations, 0);
	fixture_free(f);
	free(p);
}

static void test_wild_write_index_ends_it(void **state)
{
	static const uint32_t wild[] = { DATA, 12, 8, 16, 0xfffffff8 };
	struct host_packet *p = malloc(sizeof(*p));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wild); i++) {
		struct fixture *f = fixture_new();

		set_word(f, IN_WRITE, wild[i]);
		assert_int_equal(host_ring_get(&f->ring, p), -EBADMSG);
		assert_true(f->ring.dead);
		set_word(f, IN_WRITE, 0); /* too late to make it good */
		assert_int_equal(host_ring_get(&f->ring, p), -EBADMSG);
		assert_int_equal(f->violations, 1);
		assert_false(host_ring_unmask(&f->ring));
		fixture_free(f);
	}
	free(p);
}

static void test_bad_packets(void **state)
{
	static const uint8_t padding[48] = { 1, 0, 0, 0, 33, 0, 0, 0, [41] = 1 };
	static const struct {
		struct guest_packet packet;
		int result; /* of get: -EBADMSG, 0 left out, 1 taken */
		const char *sentence;
	} rows[] = {
		{ { .type = 6, .offset8 = 2, .len8 = 8 }, 1, NULL },
		{ { .type = 6, .offset8 = 3, .len8 = 8 }, 1, NULL },
		{ { .type = 6, .offset8 = 2, .len8 = 8, .flags = 1 }, 1, NULL },
		{ { .type = 6, .offset8 = 1, .len8 = 8 }, -EBADMSG, "starts at 8" },
		{ { .type = 6, .offset8 = 0, .len8 = 8 }, -EBADMSG, "starts at 0" },
		{ { .type = 6, .offset8 = 9, .len8 = 8 }, -EBADMSG, "starts at 72" },
		{ { .type = 7, .offset8 = 2, .len8 = 8 }, 0, "type 7" },
		{ { .type = 6, .offset8 = 2, .len8 = 8, .flags = 2 }, 1, "flags 0x2" },
		{ { .type = 6, .offset8 = 2, .len8 = 8, .trailer_zero = 1 }, 1, "trailer" },
		{ { .type = 6, .offset8 = 2, .len8 = 8, .wrong_start = true }, 1, "trailer" },
		{ { .type = 6, .offset8 = 2, .len8 = 8, .payload = padding }, 1, "byte 41" },
	};
	struct host_packet *p = malloc(sizeof(*p));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture *f = fixture_new();

		guest_put(f, &rows[i].packet);
		assert_int_equal(host_ring_get(&f->ring, p), rows[i].result);
		assert_int_equal(f->violations, rows[i].sentence ? 1 : 0);
		if (rows[i].sentence)
			assert_non_null(strstr(f->last, rows[i].sentence));
		if (rows[i].result == 0) { /* what stands behind it is still read */
			guest_put(f, &good);
			assert_int_equal(host_ring_get(&f->ring, p), 1);
		}
		fixture_free(f);
	}
	free(p);
}

static void test_packet_longer_than_what_is_there(void **state)
{
	struct host_packet *p = malloc(sizeof(*p));
	struct fixture *f = fixture_new();

	(void)state;
	guest_put(f, &good);
	f->memory[4096 + 4] = 9; /* len8: one unit more than was written */
	assert_int_equal(host_ring_get(&f->ring, p), -EBADMSG);
	assert_non_null(strstr(f->last, "claims 72 bytes"));
	fixture_free(f);
	free(p);
}

static void test_copy_does_not_change(void **state)
{
	struct host_packet *p = malloc(sizeof(*p));
	struct fixture *f = fixture_new();

	(void)state;
	guest_put(f, &good);
	assert_int_equal(host_ring_get(&f->ring, p), 1);
	memset(f->memory + 4096, 0xff, DATA);
	for (size_t i = 0; i < p->len; i++)
		assert_int_equal(p->payload[i], 0);
	fixture_free(f);
	free(p);
}

static void test_commit_wakes_a_waiting_guest_once(void **state)
{
	struct host_packet *p = malloc(sizeof(*p));
	struct fixture *f = fixture_new();

	(void)state;
	for (int i = 0; i < 56; i++) /* 72 bytes each: 64 of 4096 stay free */
		guest_put(f, &good);
	set_word(f, IN_PENDING, 100);
	assert_int_equal(host_ring_get(&f->ring, p), 1);
	assert_int_equal(word(f, IN_READ), 0); /* nothing is given back before the commit */
	assert_int_equal(host_ring_commit(&f->ring), HOST_RING_SIGNAL);
	assert_int_equal(host_ring_get(&f->ring, p), 1);
	assert_int_equal(host_ring_commit(&f->ring), 0); /* it knows already */
	assert_int_equal(host_ring_commit(&f->ring), 0); /* nothing to publish */
	set_word(f, IN_PENDING, 0);
	while (host_ring_get(&f->ring, p) == 1)
		;
	assert_int_equal(host_ring_commit(&f->ring), 0); /* nobody waits */
	fixture_free(f);
	free(p);
}

static void test_commit_honours_the_feature_bit(void **state)
{
	struct host_packet *p = malloc(sizeof(*p));
	struct fixture *f = fixture_new();

	(void)state;
	for (int i = 0; i < 56; i++)
		guest_put(f, &good);
	set_word(f, IN_PENDING, 100);
	set_word(f, 64, 0);
	assert_int_equal(host_ring_get(&f->ring, p), 1);
	assert_int_equal(host_ring_commit(&f->ring), 0);
	fixture_free(f);
	free(p);
}

static void test_unmask_looks_again(void **state)
{
	struct fixture *f = fixture_new();

	(void)state;
	host_ring_mask(&f->ring);
	assert_int_equal(word(f, IN_MASK), 1);
	assert_false(host_ring_unmask(&f->ring));
	assert_int_equal(word(f, IN_MASK), 0);
	host_ring_mask(&f->ring);
	guest_put(f, &good);
	assert_true(host_ring_unmask(&f->ring));
	fixture_free(f);
}

/* --- signals without need --- */

static void test_signals_are_counted(void **state)
{
	struct host_packet *p = malloc(sizeof(*p));
	struct fixture *f = fixture_new();

	(void)state;
	guest_put(f, &good);
	guest_put(f, &good);
	host_ring_signalled(&f->ring, 1); /* the first of an empty ring */
	assert_int_equal(f->violations, 0);
	host_ring_signalled(&f->ring, 1); /* the second: the ring was not empty */
	assert_int_equal(f->violations, 1);
	while (host_ring_get(&f->ring, p) == 1)
		;
	assert_int_equal(host_ring_commit(&f->ring), 0);
	host_ring_signalled(&f->ring, 1); /* a packet at the published index may come */
	assert_int_equal(f->violations, 1);
	host_ring_signalled(&f->ring, 2);
	assert_int_equal(f->violations, 2);
	assert_non_null(strstr(f->last, "2 times without need"));
	fixture_free(f);
	free(p);
}

static void test_signal_for_space_is_needed(void **state)
{
	static const uint8_t payload[1000];
	struct fixture *f = fixture_new();

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(host_ring_put(&f->ring, payload, sizeof(payload), 1) >= 0);
	assert_int_equal(host_ring_put(&f->ring, payload, sizeof(payload), 1), -EAGAIN);
	host_ring_signalled(&f->ring, 2); /* for the first packet, and for the space */
	assert_int_equal(f->violations, 0);
	host_ring_signalled(&f->ring, 1);
	assert_int_equal(f->violations, 1);
	fixture_free(f);
}

static void test_masked_ring_needs_no_signal(void **state)
{
	static const uint8_t payload[1000];
	struct fixture *f = fixture_new();

	(void)state;
	host_ring_never_read(&f->ring);
	assert_int_equal(word(f, IN_MASK), 1);
	for (int i = 0; i < 3; i++)
		assert_true(host_ring_put(&f->ring, payload, sizeof(payload), 1) >= 0);
	assert_int_equal(host_ring_put(&f->ring, payload, sizeof(payload), 1), -EAGAIN);
	host_ring_signalled(&f->ring, 1); /* for the space, which no mask stops */
	assert_int_equal(f->violations, 0);
	guest_put(f, &good);
	host_ring_signalled(&f->ring, 1);
	assert_int_equal(f->violations, 1);
	fixture_free(f);
}

/* --- a guest that scribbles while the host reads --- */

struct scribbler {
	struct fixture *f;
	atomic_bool stop;
};

static void *scribble(void *user)
{
	struct scribbler *s = user;
	uint32_t seed = 1;

	while (!atomic_load(&s->stop)) {
		seed = seed * 1664525 + 1013904223;
		set_word(s->f, IN_WRITE, seed >> 8 & (seed & 1 ? 0xff8 : 0xffffffff));
		set_word(s->f, OUT_READ, seed >> 4 & (seed & 2 ? 0xff8 : 0xffffffff));
#ifndef HARNESS_TSAN /* a guest that writes what the host copies is a race by intent */
		set_word(s->f, 4096 + (seed >> 16 & 0xffc), seed & 0x0008000a);
#endif
	}
	return NULL;
}

/* No result is right or wrong here: what is proven is that nothing outside is touched (ASan). */
static void test_survives_a_scribbling_guest(void **state)
{
	struct host_packet *p = malloc(sizeof(*p));
	struct fixture *f = fixture_new();
	struct scribbler s = { .f = f };
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, scribble, &s), 0);
	for (int i = 0; i < 20000; i++) {
		while (host_ring_get(&f->ring, p) == 1)
			assert_in_range(p->len, 0, DATA);
		assert_in_range(host_ring_commit(&f->ring), 0, HOST_RING_SIGNAL);
		assert_true(host_ring_put(&f->ring, "hello", 5, 1) >= -EMSGSIZE);
		assert_in_range(f->ring.write_index, 0, DATA - 8);
		assert_in_range(f->ring.read_index, 0, DATA - 8);
		if (f->ring.dead) /* a new opening; not host_ring_init, which the thread would race */
			f->ring.dead = false;
	}
	atomic_store(&s.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	fixture_free(f);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init_empties_both_pages),
		cmocka_unit_test(test_packet_is_golden),
		cmocka_unit_test(test_signal_only_when_empty_and_unmasked),
		cmocka_unit_test(test_full_ring_waits_for_space),
		cmocka_unit_test(test_wild_read_index_is_not_believed),
		cmocka_unit_test(test_reads_wherever_it_wraps),
		cmocka_unit_test(test_wild_write_index_ends_it),
		cmocka_unit_test(test_bad_packets),
		cmocka_unit_test(test_packet_longer_than_what_is_there),
		cmocka_unit_test(test_copy_does_not_change),
		cmocka_unit_test(test_commit_wakes_a_waiting_guest_once),
		cmocka_unit_test(test_commit_honours_the_feature_bit),
		cmocka_unit_test(test_unmask_looks_again),
		cmocka_unit_test(test_signals_are_counted),
		cmocka_unit_test(test_signal_for_space_is_needed),
		cmocka_unit_test(test_masked_ring_needs_no_signal),
		cmocka_unit_test(test_survives_a_scribbling_guest),
	};

	return cmocka_run_group_tests_name("host_ring", tests, NULL, NULL);
}
