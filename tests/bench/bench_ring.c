/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets through the ring: between two threads, and put and taken by one; beside memcpy of the
 * same bytes, in and out, by one thread through memory as large as the ring. Both threads poll, as
 * a busy channel does: what a signal costs is the transport's part, not the ring's.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "hv_util/ring.h"
#include "tests/bench/bench.h"

#define RING_DATA (128 * 1024)
#define PAYLOAD_MAX 8192
#define ROUNDS 7

/* Turns without success before the processor is offered to others. */
#define SPINS 1000

struct job {
	void *mem;
	size_t len;       /* of a payload */
	uint64_t packets;
	unsigned batch;   /* packets that one commit shows or gives back, at most */
	uint64_t signals; /* that were due */
};

static void pause_after(unsigned *spins)
{
	if (++*spins % SPINS == 0)
		(void)sched_yield();
}

static void *write_all(void *user)
{
	struct job *job = user;
	uint8_t payload[PAYLOAD_MAX];
	unsigned uncommitted = 0, spins = 0;
	struct ring_packet p = { .type = RING_PACKET_INBAND };
	struct ring_tx tx;

	memset(payload, 0x5a, sizeof(payload));
	if (ring_tx_init(&tx, job->mem, RING_PAGE_SIZE + RING_DATA) < 0)
		abort();
	for (uint64_t n = 0; n < job->packets;) {
		int r = ring_tx_put(&tx, &p, payload, job->len);

		p.trans_id = n;
		if (r == 0) {
			n++;
			uncommitted++;
		}
		if (r == -EAGAIN || uncommitted == job->batch || n == job->packets) {
			job->signals += ring_tx_commit(&tx) > 0;
			uncommitted = 0;
		}
		if (r == -EAGAIN)
			pause_after(&spins);
	}
	return NULL;
}

static void *read_all(void *user)
{
	struct job *job = user;
	uint8_t payload[PAYLOAD_MAX];
	unsigned uncommitted = 0, spins = 0;
	struct ring_packet p;
	struct ring_rx rx;

	if (ring_rx_init(&rx, job->mem, RING_PAGE_SIZE + RING_DATA) < 0)
		abort();
	ring_rx_mask(&rx);
	for (uint64_t n = 0; n < job->packets;) {
		int r = ring_rx_get(&rx, &p, payload, sizeof(payload));

		if (r < 0)
			abort();
		bench_use(payload);
		if (r > 0) {
			n++;
			uncommitted++;
		}
		if (r == 0 || uncommitted == job->batch || n == job->packets) {
			job->signals += ring_rx_commit(&rx) > 0;
			uncommitted = 0;
		}
		if (r == 0)
			pause_after(&spins);
	}
	return NULL;
}

static void empty_ring(void *mem)
{
	struct ring_page *page = mem;

	memset(mem, 0, RING_PAGE_SIZE + RING_DATA);
	atomic_store(&page->feature_bits, RING_FEATURE_PENDING_SEND_SIZE);
}

/* Each returns nanoseconds for all packets. */

static double two_threads(struct job *job)
{
	struct job reader_job = *job;
	pthread_t reader;
	uint64_t start;

	empty_ring(job->mem);
	start = bench_now_ns();
	if (pthread_create(&reader, NULL, read_all, &reader_job) != 0)
		abort();
	(void)write_all(job);
	(void)pthread_join(reader, NULL);
	return (double)(bench_now_ns() - start);
}

static double one_thread(struct job *job)
{
	uint8_t payload[PAYLOAD_MAX], buf[PAYLOAD_MAX];
	struct ring_packet p = { .type = RING_PACKET_INBAND };
	struct ring_tx tx;
	struct ring_rx rx;
	uint64_t start;

	empty_ring(job->mem);
	memset(payload, 0x5a, sizeof(payload));
	if (ring_tx_init(&tx, job->mem, RING_PAGE_SIZE + RING_DATA) < 0 ||
	    ring_rx_init(&rx, job->mem, RING_PAGE_SIZE + RING_DATA) < 0)
		abort();
	ring_rx_mask(&rx);
	start = bench_now_ns();
	for (uint64_t n = 0; n < job->packets;) {
		for (unsigned i = 0; i < job->batch; i++)
			if (ring_tx_put(&tx, &p, payload, job->len) < 0)
				break;
		job->signals += ring_tx_commit(&tx) > 0;
		while (ring_rx_get(&rx, &p, buf, sizeof(buf)) > 0) {
			bench_use(buf);
			n++;
		}
		job->signals += ring_rx_commit(&rx) > 0;
	}
	return (double)(bench_now_ns() - start);
}

static double copies(struct job *job)
{
	uint8_t payload[PAYLOAD_MAX], buf[PAYLOAD_MAX];
	uint8_t *data = job->mem;
	uint64_t start;
	size_t at = 0;

	memset(payload, 0x5a, sizeof(payload));
	start = bench_now_ns();
	for (uint64_t n = 0; n < job->packets; n++) {
		bench_use(payload);
		memcpy(data + at, payload, job->len);
		bench_use(data);
		memcpy(buf, data + at, job->len);
		bench_use(buf);
		at = at + job->len <= RING_DATA - PAYLOAD_MAX ? at + job->len : 0;
	}
	return (double)(bench_now_ns() - start);
}

static const struct {
	const char *name;
	double (*run)(struct job *job);
	bool batched;
} ways[] = {
	{ "two threads", two_threads, true },
	{ "two threads, commit each", two_threads, false },
	{ "one thread, put and get", one_thread, true },
	{ "memcpy in and out", copies, true },
};

/* A busy driver shows and gives back what it has, but not so much that the other end must wait, or
 * that it falls out of the nearest cache. */
static unsigned batch_for(size_t len)
{
	size_t n = RING_DATA / 16 / RING_SPACE(len);

	return n < 1 ? 1 : n > 32 ? 32 : (unsigned)n;
}

int main(void)
{
	static const size_t lengths[] = { 64, 1024, 8192 };
	_Alignas(4096) static uint8_t mem[RING_PAGE_SIZE + RING_DATA];

	(void)printf("Ring of %d KiB, medians of %d rounds\n", RING_DATA / 1024, ROUNDS);
	(void)printf("%8s  %-26s %14s %10s\n", "payload", "", "M packets/s", "GB/s");
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
			double seconds[ROUNDS], median;
			uint64_t packets = lengths[i] <= 1024 ? 2000000 : 200000;

			for (unsigned r = 0; r < ROUNDS; r++) {
				struct job job = {
					.mem = mem,
					.len = lengths[i],
					.packets = packets,
					.batch = ways[w].batched ? batch_for(lengths[i]) : 1,
				};

				seconds[r] = ways[w].run(&job) / 1e9;
			}
			median = bench_median(seconds, ROUNDS);
			(void)printf("%6zu B  %-26s %14.1f %10.1f\n", lengths[i], ways[w].name,
				     (double)packets / median / 1e6,
				     (double)packets * (double)lengths[i] / median / 1e9);
		}
	return 0;
}
