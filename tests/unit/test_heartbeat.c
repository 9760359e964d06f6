/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/heartbeat.h"

#include "tests/unit/harness.h"

/* A beat as OpenVMM's host sends it, padded as in the ring: 16 bytes of body,
 * 60 of packet, so 44 of payload. Sequence 0x1122334455667788. */
static const uint8_t beat[] = {
	1, 0, 0, 0, 36, 0, 0, 0,
	3, 0, 0, 0, 1, 0, 3, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 3, 0, 0,
	0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0, 0, 0, 0, 0, 0, 0, 0,
};

static const struct ic_policy policy = {
	.framework = { .n = 2, .v = { { 3, 0 }, { 1, 0 } } },
	.message = { .n = 2, .v = { { 3, 0 }, { 1, 0 } } },
};

/* A conversation that has agreed to this message version. */
static struct ic agreed(struct heartbeat *hb, uint16_t major)
{
	return (struct ic){
		.service = &ic_heartbeat,
		.policy = &policy,
		.user = hb,
		.answer = { .outcome = IC_AGREED, .counts = { 1, 1 },
			    .pair = { { 3, 0 }, { major, 0 } } },
	};
}

static void a_beat_is_answered_byte_for_byte(void **state)
{
	_cleanup_(guard_done) struct guard g = guard_copy(beat, sizeof(beat));
	struct heartbeat hb = { .state = HEARTBEAT_HEALTHY };
	struct ic ic = agreed(&hb, 3);
	uint8_t expected[sizeof(beat)];
	struct ic_result r;

	(void)state;
	memcpy(expected, beat, sizeof(beat));
	expected[25] = 5;
	expected[28] = 0x89; /* + 1 */
	expected[36] = 1;    /* healthy */
	r = ic_handle(&ic, g.p, g.len, g.len, g.len);
	assert_int_equal(r.verdict, IC_REPLY);
	assert_int_equal(r.len, sizeof(beat));
	assert_memory_equal(g.p, expected, sizeof(expected));
	assert_true(hb.sequence == UINT64_C(0x1122334455667789));
	assert_true(hb.beats == 1);
}

/* Every state, at both versions; what stands in the field at 1.0 stays: the host of that version
 * knows no state there. */
static void each_state_is_reported_from_3_0_on(void **state)
{
	(void)state;
	for (int s = 0; s < HEARTBEAT_STATES; s++)
		for (uint16_t major = 1; major <= 3; major += 2) {
			struct heartbeat hb = { .state = (enum heartbeat_state)s };
			struct ic ic = agreed(&hb, major);
			uint8_t msg[sizeof(beat)];

			memcpy(msg, beat, sizeof(msg));
			put_le(msg + 14, 2, major);
			put_le(msg + 36, 4, 0xfeedbeef);
			(void)ic_handle(&ic, msg, sizeof(msg), sizeof(msg), sizeof(msg));
			assert_int_equal(message_status(msg), WIRE_OK);
			assert_int_equal(get_le(msg + 36, 4), major == 3 ? (uint32_t)s : 0xfeedbeef);
			assert_int_equal(get_le(msg + 40, 4), 0);
		}
}

/* OpenVMM hyperv_ic_protocol: 0 unknown, 1 healthy, 2 critical, 3 stopped. */
static void states_have_their_numbers_and_names(void **state)
{
	static const char *const names[] = { "unknown", "healthy", "critical", "stopped" };

	(void)state;
	assert_int_equal(HEARTBEAT_STATES, ARRAY_LEN(names));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_string_equal(heartbeat_state_names[i], names[i]);
	assert_int_equal(HEARTBEAT_UNKNOWN, 0);
	assert_int_equal(HEARTBEAT_HEALTHY, 1);
	assert_int_equal(HEARTBEAT_CRITICAL, 2);
	assert_int_equal(HEARTBEAT_STOPPED, 3);
}

/* "the host may not fill it up entirely": every length of body. Only what is there is written. */
static void every_length_is_answered_or_refused(void **state)
{
	static const uint8_t sent[40] = { 1, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9 };

	(void)state;
	for (size_t n = 0; n <= sizeof(sent); n++) {
		/* Padding behind the body is the ring's: it must not be written. */
		_cleanup_(guard_done) struct guard g = guard_new(MESSAGE_BODY + n + 16);
		struct heartbeat hb = { .state = HEARTBEAT_CRITICAL, .sequence = 7, .beats = 3 };
		struct ic ic = agreed(&hb, 3);
		size_t len = message_put(g.p, &(struct message){ .type = 1, .body = sent, .n = n });
		struct ic_result r;

		memset(g.p + len, 0xee, 16);
		r = ic_handle(&ic, g.p, len, len, g.len);
		assert_int_equal(r.verdict, IC_REPLY);
		assert_int_equal(r.len, len);
		if (n < 8) {
			assert_int_equal(message_status(g.p), WIRE_INVALID);
			assert_memory_equal(g.p + MESSAGE_BODY, sent, n);
			assert_true(hb.sequence == 7 && hb.beats == 3);
		} else {
			assert_int_equal(message_status(g.p), WIRE_OK);
			assert_int_equal(get_le(g.p + 28, 8), 2);
			assert_true(hb.sequence == 2 && hb.beats == 4);
			if (n >= 12)
				assert_int_equal(get_le(g.p + 36, 4), 2);
			else
				assert_memory_equal(g.p + 36, sent + 8, n - 8);
			if (n > 12)
				assert_memory_equal(g.p + 40, sent + 12, n - 12);
		}
		for (size_t i = 0; i < 16; i++)
			assert_int_equal(g.p[len + i], 0xee);
	}
}

static void the_sequence_wraps(void **state)
{
	uint8_t body[8];
	uint8_t msg[64];
	struct heartbeat hb = { 0 };
	struct ic ic = agreed(&hb, 3);
	size_t len;

	(void)state;
	memset(body, 0xff, sizeof(body));
	len = message_put(msg, &(struct message){ .type = 1, .body = body, .n = sizeof(body) });
	(void)ic_handle(&ic, msg, len, len, sizeof(msg));
	assert_int_equal(get_le(msg + 28, 8), 0);
	assert_int_equal(message_status(msg), WIRE_OK);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_beat_is_answered_byte_for_byte),
		cmocka_unit_test(each_state_is_reported_from_3_0_on),
		cmocka_unit_test(states_have_their_numbers_and_names),
		cmocka_unit_test(every_length_is_answered_or_refused),
		cmocka_unit_test(the_sequence_wraps),
	};

	return cmocka_run_group_tests_name("heartbeat", tests, NULL, NULL);
}
