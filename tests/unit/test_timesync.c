/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/timesync.h"

#include <errno.h>

#include "tests/unit/harness.h"

/* 2026-11-23 00:00:00 UTC in 100 ns since 1601: Unix time 1795392000. */
#define HOST_TIME (UINT64_C(1795392000) * 10000000 + UINT64_C(116444736000000000))
#define REFERENCE UINT64_C(0x0123456789abcdef)

struct clock {
	unsigned calls;
	int answer;
	struct timesync_sample last;
};

static int on_sample(void *user, const struct timesync_sample *sample)
{
	struct clock *c = user;

	c->calls++;
	c->last = *sample;
	return c->answer;
}

struct talk {
	struct ic_policy policy;
	struct clock clock;
	struct timesync ts;
	struct ic ic;
};

static void talk_init(struct talk *t, uint16_t major)
{
	memset(t, 0, sizeof(*t));
	t->ts = (struct timesync){ .sample = on_sample, .user = &t->clock };
	t->ic = (struct ic){
		.service = &ic_timesync,
		.policy = &t->policy,
		.user = &t->ts,
		.answer = { .outcome = IC_AGREED, .pair = { { 3, 0 }, { major, 0 } } },
	};
}

/* Both forms at once would be told apart by length alone: the bytes of one, as long as asked. */
#define BODY_MAX 40

/* 4.0: u64 host time, u64 reference, u8 flags, u8 leap, u8 stratum. */
static void put_form_4(uint8_t body[static BODY_MAX], uint8_t flags)
{
	memset(body, 0, BODY_MAX);
	put_le(body, 8, HOST_TIME);
	put_le(body + 8, 8, REFERENCE);
	body[16] = flags;
	body[17] = 3;
	body[18] = 5;
}

/* 1.0 and 3.0: u64 host time, u64 guest time, u64 round trip, u8 flags. */
static void put_form_3(uint8_t body[static BODY_MAX], uint8_t flags)
{
	memset(body, 0, BODY_MAX);
	put_le(body, 8, HOST_TIME);
	put_le(body + 8, 8, REFERENCE);
	memset(body + 16, 0xff, 8); /* where form 4 has flags, leap and stratum */
	body[24] = flags;
}

/* Sends the body flush against an unreadable page and asserts what holds for every message: the
 * reply has the request's length and the body is as it was. */
static uint32_t send(struct talk *t, const uint8_t *body, size_t n)
{
	_cleanup_(guard_done) struct guard g = guard_new(MESSAGE_BODY + (n < 16 ? 16 : n));
	size_t len = message_put(g.p, &(struct message){ .type = 4, .framework = { 3, 0 },
							 .version = { 4, 0 }, .body = body, .n = n });
	struct ic_result r;

	memmove(g.p + g.len - len, g.p, len);
	r = ic_handle(&t->ic, g.p + g.len - len, len, len, len < 44 ? 44 : len);
	assert_int_equal(r.verdict, IC_REPLY);
	assert_int_equal(r.len, len);
	assert_int_equal(message_flags(g.p + g.len - len), 5);
	assert_memory_equal(g.p + g.len - n, body, n);
	return message_status(g.p + g.len - len);
}

/* A time sync 4.0 message of OpenVMM in bytes: 24 bytes of body, 68 of packet. */
static void a_sample_is_read_byte_for_byte(void **state)
{
	static const uint8_t message[] = {
		1, 0, 0, 0, 44, 0, 0, 0,
		3, 0, 0, 0, 4, 0, 4, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 3, 0, 0,
		0x00, 0x40, 0x3e, 0xd5, 0xb1, 0x9d, 0xe1, 0x01, 0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0x0e,
		0x02, 0x01, 0x02, 0, 0, 0, 0, 0,
	};
	uint8_t msg[sizeof(message)];
	struct talk t;
	struct ic_result r;

	(void)state;
	memcpy(msg, message, sizeof(msg));
	talk_init(&t, 4);
	r = ic_handle(&t.ic, msg, sizeof(msg), sizeof(msg), sizeof(msg));
	assert_int_equal(r.verdict, IC_REPLY);
	assert_int_equal(message_status(msg), WIRE_OK);
	assert_int_equal(t.clock.calls, 1);
	assert_true(t.clock.last.host_time == UINT64_C(0x01e19db1d53e4000));
	assert_true(t.clock.last.has_reference);
	assert_true(t.clock.last.reference_time == UINT64_C(0x0edcba9876543210));
	assert_false(t.clock.last.sync);
	assert_int_equal(t.clock.last.leap, 1);
	assert_int_equal(t.clock.last.stratum, 2);
}

/* Which form a length is, at the version agreed: every length from nothing to more than any.
 * 4.0 has 22 bytes in Linux hyperv.h and 24 in OpenVMM; its fields end at 19. */
static const struct {
	size_t from, to;
	int form_agreed_3, form_agreed_4; /* 0: refused as too short */
} lengths[] = {
	{ 0, 18, 0, 0 }, { 19, 24, 4, 4 }, { 25, 25, 3, 3 }, { 26, 27, 3, 4 }, { 28, 28, 3, 3 },
	{ 29, BODY_MAX, 3, 4 },
};

static void assert_form(const struct timesync_sample *s, int form, bool sync)
{
	assert_true(s->host_time == HOST_TIME);
	assert_int_equal(s->sync, sync);
	assert_int_equal(s->has_reference, form == 4);
	assert_true(s->reference_time == (form == 4 ? REFERENCE : 0));
	assert_int_equal(s->leap, form == 4 ? 3 : 0);
	assert_int_equal(s->stratum, form == 4 ? 5 : 0);
}

static void check_length(size_t n, uint16_t major, int form)
{
	for (uint8_t flags = 1; flags <= 3; flags++) {
		uint8_t body[BODY_MAX];
		struct talk t;

		if (form == 3)
			put_form_3(body, flags);
		else
			put_form_4(body, flags);
		talk_init(&t, major);
		assert_int_equal(send(&t, body, n), form ? WIRE_OK : WIRE_INVALID);
		assert_int_equal(t.clock.calls, form ? 1 : 0);
		if (form)
			assert_form(&t.clock.last, form, flags & 1);
	}
}

static void both_forms_are_told_apart_by_length_and_version(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		for (size_t n = lengths[i].from; n <= lengths[i].to; n++) {
			check_length(n, 1, lengths[i].form_agreed_3);
			check_length(n, 3, lengths[i].form_agreed_3);
			check_length(n, 4, lengths[i].form_agreed_4);
		}
}

/* 0 probe, 1 sync, 2 sample, 3 both; nothing is known of other bits. */
static void every_flag_byte_is_served_or_refused(void **state)
{
	(void)state;
	for (int form = 3; form <= 4; form++)
		for (unsigned flags = 0; flags <= 255; flags++) {
			uint8_t body[BODY_MAX];
			struct talk t;

			if (form == 3)
				put_form_3(body, (uint8_t)flags);
			else
				put_form_4(body, (uint8_t)flags);
			talk_init(&t, (uint16_t)form);
			assert_int_equal(send(&t, body, form == 3 ? 25 : 22),
					 flags > 3 ? WIRE_INVALID : WIRE_OK);
			assert_int_equal(t.clock.calls, flags >= 1 && flags <= 3);
			if (t.clock.calls)
				assert_int_equal(t.clock.last.sync, flags & 1);
		}
}

static void leap_and_stratum_are_handed_on_as_sent(void **state)
{
	(void)state;
	for (unsigned v = 0; v <= 255; v++) {
		uint8_t body[BODY_MAX];
		struct talk t;

		put_form_4(body, 2);
		body[17] = (uint8_t)v;
		body[18] = (uint8_t)~v;
		talk_init(&t, 4);
		assert_int_equal(send(&t, body, 24), WIRE_OK);
		assert_int_equal(t.clock.last.leap, v);
		assert_int_equal(t.clock.last.stratum, 255 - v);
	}
}

/* A time before 1970 would become a huge one when it is made Unix time. */
static void times_before_the_epoch_are_refused(void **state)
{
	static const struct {
		uint64_t time;
		bool good;
	} rows[] = {
		{ 0, false },
		{ UINT64_C(116444735999999999), false },
		{ UINT64_C(116444736000000000), true },
		{ UINT64_C(116444736000000001), true },
		{ UINT64_MAX, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t body[BODY_MAX];
		struct talk t;

		put_form_4(body, 1);
		put_le(body, 8, rows[i].time);
		talk_init(&t, 4);
		assert_int_equal(send(&t, body, 24), rows[i].good ? WIRE_OK : WIRE_INVALID);
		assert_int_equal(t.clock.calls, rows[i].good);

		body[16] = 0; /* a probe has no time to check */
		assert_int_equal(send(&t, body, 24), WIRE_OK);
		assert_int_equal(t.clock.calls, rows[i].good);
	}
}

static void the_callbacks_errno_is_the_hosts_status(void **state)
{
	uint8_t body[BODY_MAX];
	struct talk t;

	(void)state;
	put_form_4(body, 1);
	talk_init(&t, 4);
	t.clock.answer = -EIO;
	assert_int_equal(send(&t, body, 24), WIRE_FAIL);
	t.clock.answer = -EOPNOTSUPP;
	assert_int_equal(send(&t, body, 24), WIRE_NOT_SUPPORTED);
	assert_int_equal(t.clock.calls, 2);
}

/* OpenVMM goes on with 4.0, in the header too, at a guest that answered 3.0 (its hyperv_ic). */
static void a_host_that_goes_on_with_4_0_is_understood(void **state)
{
	uint8_t body[BODY_MAX];
	struct talk t;

	(void)state;
	put_form_4(body, 1);
	talk_init(&t, 3);
	assert_int_equal(send(&t, body, 24), WIRE_OK); /* its header says 4.0 */
	assert_form(&t.clock.last, 4, true);
}

/* Which of the flags' meanings is blocked; a probe has no name. */
static void each_operation_can_be_blocked(void **state)
{
	static const struct {
		const char *name;
		bool denied[4]; /* by flags */
	} rows[] = {
		{ "sync", { false, true, false, true } },
		{ "sample", { false, false, true, false } },
		{ "probe", { false } },
		{ "", { false } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int form = 3; form <= 4; form++)
			for (uint8_t flags = 0; flags < 4; flags++) {
				uint8_t body[BODY_MAX];
				struct talk t;

				if (form == 3)
					put_form_3(body, flags);
				else
					put_form_4(body, flags);
				talk_init(&t, (uint16_t)form);
				t.policy.blocked = ic_operations_named(&ic_timesync, rows[i].name);
				assert_int_equal(send(&t, body, form == 3 ? 25 : 22),
						 rows[i].denied[flags] ? WIRE_DENIED : WIRE_OK);
				assert_int_equal(t.clock.calls, flags > 0 && !rows[i].denied[flags]);
			}
}

/* Short ones are too short, blocked or not, and are read no further than they are. */
static void what_is_too_short_has_no_operation(void **state)
{
	(void)state;
	for (size_t n = 0; n < 17; n++) {
		uint8_t body[BODY_MAX];
		struct talk t;

		put_form_4(body, 3);
		talk_init(&t, 4);
		t.policy.blocked = UINT32_MAX & ~UINT32_C(1);
		assert_int_equal(send(&t, body, n), WIRE_INVALID);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_operation_can_be_blocked),
		cmocka_unit_test(what_is_too_short_has_no_operation),
		cmocka_unit_test(a_sample_is_read_byte_for_byte),
		cmocka_unit_test(both_forms_are_told_apart_by_length_and_version),
		cmocka_unit_test(every_flag_byte_is_served_or_refused),
		cmocka_unit_test(leap_and_stratum_are_handed_on_as_sent),
		cmocka_unit_test(times_before_the_epoch_are_refused),
		cmocka_unit_test(the_callbacks_errno_is_the_hosts_status),
		cmocka_unit_test(a_host_that_goes_on_with_4_0_is_understood),
	};

	return cmocka_run_group_tests_name("timesync", tests, NULL, NULL);
}
