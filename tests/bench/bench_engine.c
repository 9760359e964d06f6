/* SPDX-License-Identifier: GPL-2.0-only */
/* What one message costs in the engine: a request handed to ic_handle and answered in place, with a
 * daemon behind it that does next to nothing. The request's copy into the buffer is included. */
#include <stdio.h>
#include <string.h>

#include "hv_util/heartbeat.h"
#include "hv_util/kvp.h"
#include "hv_util/profile.h"
#include "hv_util/timesync.h"
#include "tests/bench/bench.h"

#define ROUNDS 9
#define ROUND_NS 50000000

struct request {
	size_t len;
	uint8_t msg[IC_BODY + KVP_ENUMERATE_SIZE];
};

/* --- the daemon --- */

static int on_sample(void *user, const struct timesync_sample *sample)
{
	*(struct timesync_sample *)user = *sample;
	return 0;
}

static int on_get(void *user, unsigned pool, struct kvp_record *record)
{
	(void)user;
	(void)pool;
	memcpy(record->value, "Debian GNU/Linux", 17);
	return 0;
}

static int on_enumerate(void *user, unsigned pool, uint32_t index, struct kvp_record *ret)
{
	(void)index;
	memcpy(ret->key, "OSName", 7);
	return on_get(user, pool, ret);
}

static const struct kvp_ops kvp_ops = { .get = on_get, .enumerate = on_enumerate };

/* --- the requests --- */

static struct wr request_begin(struct request *rq, enum ic_type type, struct ic_version message,
			       size_t body)
{
	struct wr w = { .p = rq->msg, .left = sizeof(rq->msg) };

	memset(rq, 0, sizeof(*rq));
	rq->len = IC_BODY + body;
	wr_u32(&w, 1);
	wr_u32(&w, (uint32_t)(IC_HEADER_SIZE + body));
	wr_u16(&w, 3);
	wr_u16(&w, 0);
	wr_u16(&w, (uint16_t)type);
	wr_u16(&w, message.major);
	wr_u16(&w, message.minor);
	wr_u16(&w, (uint16_t)body);
	wr_u32(&w, 0);
	wr_u16(&w, (IC_FLAG_TRANSACTION | IC_FLAG_REQUEST) << 8);
	wr_u16(&w, 0);
	return w;
}

static void make_heartbeat(struct request *rq)
{
	struct wr w = request_begin(rq, IC_TYPE_HEARTBEAT, (struct ic_version){ 3, 0 }, 16);

	wr_u64(&w, 41);
}

static void make_time(struct request *rq)
{
	struct wr w = request_begin(rq, IC_TYPE_TIMESYNC, (struct ic_version){ 4, 0 }, 24);

	wr_u64(&w, TIMESYNC_EPOCH_100NS + 1);
	wr_u64(&w, 1);
	wr_u8(&w, TIMESYNC_FLAG_SAMPLE);
}

static void make_get(struct request *rq)
{
	struct wr w = request_begin(rq, IC_TYPE_KVP, (struct ic_version){ 5, 0 }, KVP_ENUMERATE_SIZE);

	wr_u32(&w, KVP_GET);
	wr_u32(&w, KVP_TYPE_STRING);
	wr_u32(&w, 14);
	wr_u32(&w, 0);
	for (const char *c = "OSName"; *c; c++)
		wr_u16(&w, (uint8_t)*c);
}

static void make_enumerate(struct request *rq)
{
	struct wr w = request_begin(rq, IC_TYPE_KVP, (struct ic_version){ 5, 0 }, KVP_ENUMERATE_SIZE);

	wr_u32(&w, KVP_ENUMERATE | KVP_POOL_AUTO << 8);
	wr_u32(&w, 5);
}

/* The lists of a current host for KVP, which are the longest but shutdown's. */
static void make_negotiation(struct request *rq)
{
	static const uint16_t majors[] = { 1, 3, 3, 4, 5 };
	struct wr w = request_begin(rq, IC_TYPE_NEGOTIATE, (struct ic_version){ 0, 0 },
				    NEGOTIATE_HEADER_SIZE + 4 * ARRAY_LEN(majors));

	wr_u16(&w, 2);
	wr_u16(&w, 3);
	wr_u32(&w, 0);
	for (size_t i = 0; i < ARRAY_LEN(majors); i++)
		wr_u32(&w, majors[i]);
}

/* --- the clock --- */

/* Nanoseconds a message, the middle one of several rounds. A message that is not served would be a
 * fast one: it ends the bench. */
static double measure(struct ic *ic, const struct request *rq)
{
	double ns[ROUNDS];
	uint8_t msg[sizeof(rq->msg)];

	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t start = bench_now_ns(), now = start, n = 0;

		while (now - start < ROUND_NS) {
			for (unsigned i = 0; i < 256; i++) {
				memcpy(msg, rq->msg, rq->len);
				if (ic_handle(ic, msg, rq->len, rq->len, sizeof(msg)).error != 0)
					abort();
				bench_use(msg);
			}
			n += 256;
			now = bench_now_ns();
		}
		ns[round] = (double)(now - start) / (double)n;
	}
	return bench_median(ns, ROUNDS);
}

static const struct {
	const char *name;
	void (*make)(struct request *rq);
	const struct ic_service *service;
} rows[] = {
	{ "heartbeat 3.0", make_heartbeat, &ic_heartbeat },
	{ "time sync 4.0", make_time, &ic_timesync },
	{ "KVP get", make_get, &ic_kvp },
	{ "KVP enumerate", make_enumerate, &ic_kvp },
	{ "negotiation (KVP, 2 + 3)", make_negotiation, &ic_kvp },
};

int main(void)
{
	static struct kvp kvp = { .ops = &kvp_ops };
	static struct request rq;
	struct heartbeat hb = { .state = HEARTBEAT_HEALTHY };
	struct timesync_sample last;
	struct timesync ts = { .sample = on_sample, .user = &last };
	void *const users[] = {
		[IC_HEARTBEAT] = &hb, [IC_TIMESYNC] = &ts, [IC_KVP] = &kvp
	};

	(void)printf("The engine, medians of %d rounds\n", ROUNDS);
	(void)printf("%-26s %8s %12s\n", "message", "bytes", "ns");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum ic_component c = rows[i].service->component;
		struct ic ic = {
			.service = rows[i].service,
			.policy = &profile_find("newest")->component[c],
			.user = users[c],
			.answer = { .outcome = IC_AGREED, .pair = { { 3, 0 }, { 5, 0 } } },
		};

		rows[i].make(&rq);
		ic.answer.pair.message.major = rq.msg[IC_AT_MESSAGE];
		(void)printf("%-26s %8zu %12.1f\n", rows[i].name, rq.len, measure(&ic, &rq));
	}
	return 0;
}
