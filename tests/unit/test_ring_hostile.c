/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A writer and a reader work while a third thread, the hostile other side, writes whatever it likes
 * over indices, descriptors and data. Unreadable pages stand on both sides of the ring and behind
 * the reader's buffer. Whatever the ring says then must still be possible. The scribbling is a data
 * race on purpose, so ThreadSanitizer has no say in this.
 */
#include "hv_util/ring.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "tests/unit/harness.h"

#define FILL 0xee
#define SECONDS_EACH 1
#define CAP 256

struct arena {
	uint8_t *mem;
	uint32_t size;
	_Atomic bool stop;
	const char *_Atomic broken; /* the invariant that did not hold */
	_Atomic uint64_t put, put_refused, taken, cut, refused, scribbles;
};

static void claim(struct arena *a, bool holds, const char *what)
{
	if (!holds)
		atomic_store(&a->broken, what);
}

static bool running(struct arena *a)
{
	return !atomic_load_explicit(&a->stop, memory_order_relaxed) && !atomic_load(&a->broken);
}

static void store_word(uint8_t *at, uint32_t v)
{
	__atomic_store_n((uint32_t *)(void *)at, v, __ATOMIC_RELAXED);
}

static uint32_t distance(uint32_t from, uint32_t to, uint32_t size)
{
	return (to + size - from) % size;
}

static bool index_is_possible(const struct arena *a, uint32_t index)
{
	return index < a->size && index % 8 == 0;
}

/* --- the other side --- */

static uint32_t plausible_index(const struct arena *a, uint64_t *seed)
{
	return (uint32_t)(next_random(seed) % (a->size / 8) * 8);
}

/* Mostly what could be true, so that much is accepted; else anything. */
static void scribble(const struct arena *a, uint64_t *seed)
{
	uint8_t *data = a->mem + RING_PAGE_SIZE;
	uint64_t choice = next_random(seed) % 16;
	uint32_t at = plausible_index(a, seed);

	switch (choice) {
	case 0:
	case 1:
		store_word(a->mem + 4 * (next_random(seed) % 2), plausible_index(a, seed));
		break;
	case 2:
		store_word(a->mem + 4 * (next_random(seed) % 2), (uint32_t)next_random(seed));
		break;
	case 3: /* mask, pending size */
		store_word(a->mem + 8 + 4 * (next_random(seed) % 2), (uint32_t)next_random(seed) % 256);
		break;
	case 4:
		store_word(a->mem + 64, (uint32_t)next_random(seed) % 4);
		break;
	case 5:
		store_word(data + at, (uint32_t)next_random(seed));
		break;
	case 6:
		store_word(data + at + 4, (uint32_t)next_random(seed));
		break;
	default: /* type, offset8; len8, flags */
		store_word(data + at, 6 | (uint32_t)(next_random(seed) % 5) << 16);
		store_word(data + at + 4, (uint32_t)(next_random(seed) % (a->size / 8 + 2)));
		break;
	}
}

static void *scribble_on(void *user)
{
	struct arena *a = user;
	uint64_t seed = 3, n = 0;

	while (running(a)) {
		scribble(a, &seed);
		n++;
		/* Between the scribbles the ends must get somewhere, on one processor too. */
		for (volatile uint64_t i = next_random(&seed) % 1024; i > 0;)
			i = i - 1;
		if (n % 16 == 0)
			(void)sched_yield();
	}
	atomic_store(&a->scribbles, n);
	return NULL;
}

/* What a channel does that is closed and opened again: the ring is empty, somewhere. */
static void restart(struct arena *a, uint64_t *seed)
{
	uint32_t at = plausible_index(a, seed);

	store_word(a->mem, at);
	store_word(a->mem + 4, at);
}

/* --- the writer --- */

static void write_one(struct arena *a, struct ring_tx *tx, const uint8_t *payload, size_t len)
{
	const struct ring_packet p = { .type = RING_PACKET_INBAND };
	uint32_t before = tx->write;
	int r = ring_tx_put(tx, &p, payload, len);

	claim(a, index_is_possible(a, tx->write), "the writer's index is possible");
	if (r == 0) {
		atomic_fetch_add_explicit(&a->put, 1, memory_order_relaxed);
		claim(a, distance(before, tx->write, a->size) == (16 + len + 7) / 8 * 8 + 8,
		      "a packet takes its space");
		return;
	}
	claim(a, tx->write == before, "what is not put takes no space");
	claim(a, r == -EAGAIN || r == -EBADMSG, "a put that fits succeeds, waits or sees that it is broken");
}

static void *write_on(void *user)
{
	struct arena *a = user;
	uint8_t payload[1024] = { 0 };
	uint64_t seed = 5;
	size_t largest = a->size - 32 < sizeof(payload) ? a->size - 32 : sizeof(payload);
	struct ring_tx tx;

	while (running(a)) {
		if (ring_tx_init(&tx, a->mem, RING_PAGE_SIZE + a->size) < 0) {
			restart(a, &seed);
			continue;
		}
		for (int r = 0; r >= 0 && running(a);) {
			size_t len = next_random(&seed) % (largest + 1);
			uint32_t before = tx.write;

			write_one(a, &tx, payload, len);
			r = ring_tx_commit(&tx);
			claim(a, r == 0 || r == 1 || r == -EBADMSG, "a commit's answer");
			if (before == tx.write)
				(void)sched_yield();
			if (r == 0 && next_random(&seed) % 4 == 0) {
				r = ring_tx_wait_for_room(&tx, len);
				claim(a, r == 0 || r == 1 || r == -EBADMSG, "a wait's answer");
			}
		}
		atomic_fetch_add_explicit(&a->put_refused, 1, memory_order_relaxed);
	}
	return NULL;
}

/* --- the reader --- */

static void check_packet(struct arena *a, const struct ring_rx *rx, uint32_t before,
			 const struct ring_packet *p, int r, const uint8_t *buf)
{
	size_t copied = p->len < CAP ? p->len : CAP;
	bool clean = true;

	claim(a, index_is_possible(a, rx->read), "the reader's index is possible");
	claim(a, p->len % 8 == 0, "a payload is a multiple of 8");
	claim(a, p->len + 24 < a->size, "a packet is smaller than the ring");
	claim(a, distance(before, rx->read, a->size) >= p->len + 24, "a packet is as long as it says");
	claim(a, (r == 1) == (p->len <= CAP), "what is cut is told");
	for (size_t i = copied; i < CAP; i++)
		clean = clean && buf[i] == FILL;
	claim(a, clean, "nothing is written behind the payload");
}

static int read_one(struct arena *a, struct ring_rx *rx, uint8_t *buf)
{
	const struct ring_packet nothing = { .type = 0x5a5a, .flags = 0x5a5a, .len = 0x5a5a };
	struct ring_packet p = nothing;
	uint32_t before = rx->read;
	int r;

	memset(buf, FILL, CAP);
	r = ring_rx_get(rx, &p, buf, CAP);
	claim(a, r == 0 || r == 1 || r == -EMSGSIZE || r == -EBADMSG, "a get's answer");
	if (r == 1 || r == -EMSGSIZE) {
		atomic_fetch_add_explicit(r == 1 ? &a->taken : &a->cut, 1, memory_order_relaxed);
		check_packet(a, rx, before, &p, r, buf);
		return 0;
	}
	claim(a, rx->read == before, "what is refused is not taken");
	claim(a, p.type == 0x5a5a && p.flags == 0x5a5a && p.len == 0x5a5a, "what is refused is not told");
	return r;
}

static void *read_on(void *user)
{
	struct arena *a = user;
	_cleanup_(guard_done) struct guard buf = guard_new(CAP);
	uint64_t seed = 9;
	struct ring_rx rx;

	while (running(a)) {
		/* What is in the ring is garbage by now: only what comes from here on may be good. */
		store_word(a->mem + 4, __atomic_load_n((uint32_t *)(void *)a->mem, __ATOMIC_RELAXED));
		if (ring_rx_init(&rx, a->mem, RING_PAGE_SIZE + a->size) < 0) {
			restart(a, &seed);
			continue;
		}
		for (int r = 0; r >= 0 && running(a);) {
			uint32_t before = rx.read;

			r = read_one(a, &rx, buf.p);
			if (before == rx.read)
				(void)sched_yield();
			if (next_random(&seed) % 4 == 0) {
				int signal = ring_rx_commit(&rx);

				claim(a, signal == 0 || signal == 1, "a reader's commit's answer");
			}
			if (next_random(&seed) % 16 == 0) {
				int more = ring_rx_unmask(&rx);

				claim(a, more == 0 || more == 1, "unmasking's answer");
				ring_rx_mask(&rx);
			}
		}
		atomic_fetch_add_explicit(&a->refused, 1, memory_order_relaxed);
	}
	return NULL;
}

static void fight(uint32_t size)
{
	_cleanup_(guard_done) struct guard g = guard_new(RING_PAGE_SIZE + size);
	const struct timespec length = { .tv_sec = SECONDS_EACH };
	struct arena a = { .mem = g.p, .size = size };
	void *(*const work[])(void *) = { write_on, read_on, scribble_on };
	pthread_t threads[ARRAY_LEN(work)];

	for (size_t i = 0; i < ARRAY_LEN(work); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work[i], &a), 0);
	(void)nanosleep(&length, NULL);
	atomic_store(&a.stop, true);
	for (size_t i = 0; i < ARRAY_LEN(work); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);

	print_message("ring of %5u: %llu scribbles; %llu packets put, %llu taken, %llu cut; broken %llu and "
		      "%llu times\n",
		      size, (unsigned long long)a.scribbles, (unsigned long long)a.put,
		      (unsigned long long)a.taken, (unsigned long long)a.cut,
		      (unsigned long long)a.put_refused, (unsigned long long)a.refused);
	if (a.broken)
		fail_msg("ring of %u: it does not hold that %s", size, a.broken);
	/* Otherwise nothing was tried. */
	assert_true(a.put > 0 && a.taken > 0 && a.put_refused > 0 && a.refused > 0);
}

static void nothing_impossible_is_accepted(void **state)
{
	static const uint32_t sizes[] = { 72, 1000, 12288 };

	(void)state;
#ifdef HARNESS_TSAN
	print_message("SKIPPED: the third thread's scribbling is a data race on purpose\n");
	skip();
#endif
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		fight(sizes[i]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_impossible_is_accepted),
	};

	return cmocka_run_group_tests_name("ring_hostile", tests, NULL, NULL);
}
