/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two threads, one ring. Both ends sleep on an eventfd whenever they have nothing to do and are
 * woken by nothing but the signals that the ring says are due, so that one lost wake-up stops the
 * run: the main thread then sees no progress and fails the test. Every packet's number, length and
 * bytes are compared. There is no data race by design: run it under ThreadSanitizer.
 */
#include "hv_util/ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/harness.h"

#if defined(HARNESS_TSAN)
#define SHARE 20 /* of the packets: one in so many */
#elif defined(HARNESS_ASAN)
#define SHARE 10
#else
#define SHARE 1
#endif

/* Seconds without a packet: a busy machine is slow, but not so slow. */
#ifndef WATCHDOG_SEC
#define WATCHDOG_SEC 30
#endif

/* Where payloads are taken from: packet n's begins at a place that depends on n, so that an older
 * packet's bytes at the same place of the ring are not taken for it. */
#define POOL_SHIFTS 4096
#define PAYLOAD_MAX 16384

struct run {
	const char *name;
	uint32_t size;
	uint64_t packets;
	unsigned batch;      /* the writer shows at most so many at once */
	unsigned large_one_in; /* one packet in so many may be as large as the ring allows */
	unsigned pause;	     /* both ends dawdle up to so many turns of an empty loop */
	unsigned polls;	     /* both ends look up to so many times more before they sleep */
};

/*
 * Sleeping and waking take microseconds; the moments in which a wake-up can be lost are nanoseconds.
 * Ends that look on for a while before they sleep meet each other in those moments.
 */
static const struct run runs[] = {
	{ "hv_utils' ring, bursts", 12288, 6000000 / SHARE, 64, 64, 0, 0 },
	{ "hv_utils' ring, one by one", 12288, 1500000 / SHARE, 1, 256, 200, 0 },
	{ "no power of two, often full", 1000, 1200000 / SHARE, 16, 8, 50, 2000 },
	{ "room for one or two", 72, 300000 / SHARE, 2, 4, 100, 0 },
	{ "the same, watchful", 72, 1000000 / SHARE, 1, 4, 0, 2000 },
};

enum { TO_READER, TO_WRITER };

struct link {
	const struct run *run;
	uint8_t *mem;
	int wake[2];
	_Atomic uint64_t moved;
	_Atomic bool stop;
	_Atomic uint64_t slept[2], signals[2];
	_Atomic uint64_t bytes;
	_Atomic int error;
	uint8_t pool[POOL_SHIFTS + PAYLOAD_MAX];
};

/* A number that depends on n and looks like chance (splitmix64). */
static uint64_t mix(uint64_t n)
{
	n += UINT64_C(0x9e3779b97f4a7c15);
	n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
	return n ^ n >> 31;
}

static size_t length_of(const struct run *run, uint64_t n)
{
	uint64_t m = mix(n);
	size_t largest = run->size - 8 - 24;

	if (m % run->large_one_in == 0)
		return m / run->large_one_in % (largest + 1);
	return m / run->large_one_in % (largest < 64 ? largest + 1 : 65);
}

static const uint8_t *payload_of(const struct link *l, uint64_t n)
{
	return l->pool + mix(~n) % POOL_SHIFTS;
}

static void signal_end(struct link *l, int who)
{
	const uint64_t one = 1;

	atomic_fetch_add_explicit(&l->signals[who], 1, memory_order_relaxed);
	if (write(l->wake[who], &one, sizeof(one)) != sizeof(one))
		atomic_store(&l->error, errno);
}

static void sleep_end(struct link *l, int who)
{
	uint64_t n;

	atomic_fetch_add_explicit(&l->slept[who], 1, memory_order_relaxed);
	if (read(l->wake[who], &n, sizeof(n)) != sizeof(n))
		atomic_store(&l->error, errno);
}

static void dawdle(const struct run *run, uint64_t *seed)
{
	if (run->pause)
		for (volatile uint64_t i = next_random(seed) % run->pause; i > 0;)
			i = i - 1;
}

/* Stops both ends: what went wrong is in error. */
static void *give_up(struct link *l, int error)
{
	atomic_store(&l->error, error);
	return NULL;
}

static bool running(struct link *l)
{
	return !atomic_load_explicit(&l->stop, memory_order_relaxed) &&
	       atomic_load_explicit(&l->error, memory_order_relaxed) == 0;
}

/* Shows what was put and signals when that is due. */
static int show(struct link *l, struct ring_tx *tx)
{
	int r = ring_tx_commit(tx);

	if (r > 0)
		signal_end(l, TO_READER);
	return r;
}

/* How often to look again before sleeping. */
static uint64_t polls(const struct run *run, uint64_t *seed)
{
	return run->polls ? next_random(seed) % run->polls : 0;
}

/* Puts packet n, and sleeps until there is room for it. */
static int put_packet(struct link *l, struct ring_tx *tx, uint64_t n, uint64_t *seed)
{
	const struct ring_packet p = { .type = RING_PACKET_INBAND, .trans_id = n };
	size_t len = length_of(l->run, n);
	uint64_t more = polls(l->run, seed);
	int r;

	while ((r = ring_tx_put(tx, &p, payload_of(l, n), len)) == -EAGAIN) {
		r = show(l, tx);
		if (r < 0)
			return r;
		if (more-- > 0)
			continue;
		more = polls(l->run, seed);
		while ((r = ring_tx_wait_for_room(tx, len)) == 0) {
			sleep_end(l, TO_WRITER);
			if (!running(l))
				return -ECANCELED;
		}
		if (r < 0)
			return r;
	}
	return r;
}

static void *write_packets(void *user)
{
	struct link *l = user;
	uint64_t seed = 11, n = 0;
	struct ring_tx tx;
	int r = ring_tx_init(&tx, l->mem, RING_PAGE_SIZE + l->run->size);

	while (r >= 0 && n < l->run->packets && running(l)) {
		unsigned batch = 1 + (unsigned)(next_random(&seed) % l->run->batch);

		while (batch-- > 0 && n < l->run->packets && r >= 0)
			r = put_packet(l, &tx, n++, &seed);
		if (r >= 0)
			r = show(l, &tx);
		dawdle(l->run, &seed);
	}
	return r < 0 ? give_up(l, -r) : NULL;
}

/* Takes the next packet and compares all of it. 1: it was n; 0: there is none. */
static int take_packet(struct link *l, struct ring_rx *rx, uint64_t n, uint8_t *buf)
{
	size_t len = length_of(l->run, n);
	struct ring_packet p;
	int r = ring_rx_get(rx, &p, buf, PAYLOAD_MAX);

	if (r <= 0)
		return r;
	if (p.type != RING_PACKET_INBAND || p.flags != 0 || p.trans_id != n ||
	    p.len != (len + 7) / 8 * 8 || memcmp(buf, payload_of(l, n), len) != 0)
		return -EILSEQ;
	atomic_fetch_add_explicit(&l->bytes, len, memory_order_relaxed);
	atomic_store_explicit(&l->moved, n + 1, memory_order_relaxed);
	return 1;
}

static void give_back(struct link *l, struct ring_rx *rx)
{
	if (ring_rx_commit(rx) > 0)
		signal_end(l, TO_WRITER);
}

static void *read_packets(void *user)
{
	struct link *l = user;
	uint64_t seed = 13, n = 0, more = 0;
	_cleanup_(guard_done) struct guard buf = guard_new(PAYLOAD_MAX);
	struct ring_rx rx;
	int r = ring_rx_init(&rx, l->mem, RING_PAGE_SIZE + l->run->size);

	while (r >= 0 && n < l->run->packets && running(l)) {
		/* A driver masks while it reads; that one does not must not matter. */
		if (next_random(&seed) % 2)
			ring_rx_mask(&rx);
		while ((r = take_packet(l, &rx, n, buf.p)) > 0) {
			n++;
			if (next_random(&seed) % 8 == 0)
				give_back(l, &rx);
			if (next_random(&seed) % 64 == 0)
				dawdle(l->run, &seed);
		}
		give_back(l, &rx);
		if (r < 0 || n == l->run->packets || more-- > 0)
			continue;
		more = polls(l->run, &seed);
		if (ring_rx_unmask(&rx) == 0)
			sleep_end(l, TO_READER);
	}
	return r < 0 ? give_up(l, -r) : NULL;
}

/* Waits until all is moved, an end gave up, or nothing happens any more. False: the latter. */
static bool watch(struct link *l)
{
	const struct timespec tick = { .tv_nsec = 10 * 1000 * 1000 };
	uint64_t last = 0;

	for (unsigned idle = 0; idle < WATCHDOG_SEC * 100; idle++) {
		uint64_t moved = atomic_load(&l->moved);

		if (moved == l->run->packets || atomic_load(&l->error))
			return true;
		if (moved != last)
			idle = 0;
		last = moved;
		(void)nanosleep(&tick, NULL);
	}
	return false;
}

static void report(const struct link *l)
{
	print_message("%-30s moved %8llu packets, %5llu MB; reader slept %llu times, writer %llu\n",
		      l->run->name, (unsigned long long)l->moved,
		      (unsigned long long)l->bytes / 1000000, (unsigned long long)l->slept[TO_READER],
		      (unsigned long long)l->slept[TO_WRITER]);
}

static void run_one(const struct run *run)
{
	_cleanup_(guard_done) struct guard g = guard_new(RING_PAGE_SIZE + run->size);
	struct link *l = calloc(1, sizeof(*l));
	pthread_t reader, writer;
	uint64_t seed = 17;
	bool ended;

	assert_non_null(l);
	l->run = run;
	l->mem = g.p;
	put_le(g.p + 64, 4, 1);
	for (size_t i = 0; i < sizeof(l->pool); i++)
		l->pool[i] = (uint8_t)(next_random(&seed) >> 32);
	l->wake[TO_READER] = eventfd(0, EFD_CLOEXEC);
	l->wake[TO_WRITER] = eventfd(0, EFD_CLOEXEC);
	assert_true(l->wake[TO_READER] >= 0 && l->wake[TO_WRITER] >= 0);
	assert_int_equal(pthread_create(&reader, NULL, read_packets, l), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_packets, l), 0);

	ended = watch(l);
	atomic_store(&l->stop, true);
	/* Whoever sleeps now sleeps for good: these are not the ring's signals. */
	signal_end(l, TO_READER);
	signal_end(l, TO_WRITER);
	assert_int_equal(pthread_join(reader, NULL), 0);
	assert_int_equal(pthread_join(writer, NULL), 0);
	report(l);
	if (!ended)
		fail_msg("%s: no packet for %d s after %llu of %llu: a wake-up was lost", run->name,
			 WATCHDOG_SEC, (unsigned long long)l->moved, (unsigned long long)run->packets);
	if (l->error)
		fail_msg("%s: %s after %llu of %llu packets", run->name,
			 l->error == EILSEQ ? "a packet is not what was sent" : strerror(l->error),
			 (unsigned long long)l->moved, (unsigned long long)run->packets);
	/* Otherwise the run has shown nothing. */
	assert_true(l->slept[TO_READER] > 0);
	(void)close(l->wake[TO_READER]);
	(void)close(l->wake[TO_WRITER]);
	free(l);
}

static void nothing_is_lost_between_two_threads(void **state)
{
	uint64_t packets = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
		run_one(&runs[i]);
		packets += runs[i].packets;
	}
	print_message("%-30s moved %8llu packets\n", "all together", (unsigned long long)packets);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_between_two_threads),
	};

	return cmocka_run_group_tests_name("ring_stress", tests, NULL, NULL);
}
