/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/ic.h"

#include <errno.h>

#include "tests/unit/harness.h"

#define LIST(...)                                                                        \
	{ .n = sizeof((struct ic_version[]){ __VA_ARGS__ }) / sizeof(struct ic_version), \
	  .v = { __VA_ARGS__ } }

/* --- a service that writes down what reaches it --- */

struct witness {
	unsigned calls;
	int answer;   /* what the handler returns */
	uint8_t mark; /* of the handler that ran: which row was found */
	struct ic_version message;
	size_t len;
	const uint8_t *body;
};

static int witness_call(const struct ic_call *call, uint8_t mark)
{
	struct witness *w = call->user;

	w->calls++;
	w->mark = mark;
	w->message = call->message;
	w->len = call->len;
	w->body = call->body;
	if (w->answer == 0)
		call->body[1] = mark;
	return w->answer;
}

static int on_always(const struct ic_call *call)
{
	return witness_call(call, 0xa1);
}

static int on_before_4(const struct ic_call *call)
{
	return witness_call(call, 0xb2);
}

static int on_since_4(const struct ic_call *call)
{
	return witness_call(call, 0xc3);
}

static int on_since_3_1(const struct ic_call *call)
{
	return witness_call(call, 0xd4);
}

static const struct ic_op ops[] = {
	{ .name = "one", .code = 1, .min_body = 4, .handle = on_always },
	{ .name = "two", .code = 2, .until = { 4, 0 }, .min_body = 4, .handle = on_before_4 },
	{ .name = "two", .code = 2, .since = { 4, 0 }, .min_body = 8, .handle = on_since_4 },
	{ .code = 3, .since = { 3, 1 }, .min_body = 4, .handle = on_since_3_1 },
};

static const struct ic_service service = {
	.component = IC_KVP,
	.name = "Witness",
	.type = 2,
	.op_size = 1,
	.ops = ops,
	.n_ops = ARRAY_LEN(ops),
};

static const struct ic_policy policy = {
	.framework = LIST({ 3, 0 }, { 1, 0 }),
	.message = LIST({ 5, 0 }, { 4, 0 }, { 3, 1 }, { 3, 0 }),
};

/* A conversation with the service above. */
struct talk {
	struct witness witness;
	struct ic ic;
	uint8_t msg[MESSAGE_MAX];
	size_t len;
	struct ic_result result;
};

static void talk_init(struct talk *t, const struct ic_service *s, const struct ic_policy *p)
{
	memset(t, 0, sizeof(*t));
	t->ic = (struct ic){ .service = s, .policy = p, .user = &t->witness };
}

static void talk_send(struct talk *t, const struct message *m)
{
	t->len = message_put(t->msg, m);
	t->result = ic_handle(&t->ic, t->msg, t->len, t->len, sizeof(t->msg));
}

/* The host offers these pairs; its body's length is right. */
static void talk_negotiate(struct talk *t, const struct ic_version *framework, unsigned n_framework,
			   const struct ic_version *message, unsigned n_message)
{
	uint8_t body[8 + 4 * 210] = { 0 }, *p = body + 8;

	put_le(body, 2, n_framework);
	put_le(body + 2, 2, n_message);
	for (unsigned i = 0; i < n_framework + n_message; i++, p += 4) {
		struct ic_version v = i < n_framework ? framework[i] : message[i - n_framework];

		put_le(p, 2, v.major);
		put_le(p + 2, 2, v.minor);
	}
	talk_send(t, &(struct message){ .type = 0, .body = body, .n = (size_t)(p - body) });
}

static void talk_agree(struct talk *t, struct ic_version message)
{
	static const struct ic_version framework[] = { { 1, 0 }, { 3, 0 } };

	talk_negotiate(t, framework, 2, &message, 1);
	assert_int_equal(t->result.verdict, IC_REPLY);
	assert_int_equal(t->ic.answer.outcome, IC_AGREED);
}

/* --- negotiation --- */

/* A KVP host's offer as OpenVMM sends it (72 bytes of packet, so 56 of payload),
 * transaction id 0x5a so that its echo is seen. */
static const uint8_t offer_golden[] = {
	1, 0, 0, 0, 48, 0, 0, 0,				     /* pipe: data, 48 bytes */
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 0, 0, 0x5a, 3, 0, 0, /* header, body 28 bytes */
	2, 0, 3, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0,		     /* 2 + 3 versions */
	3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0,
};

/* What Linux makes of it with these lists: the counts 1 and 1, icmsgsize 16, flags 5, the length
 * and everything behind the two versions as it was (vmbus_prep_negotiate_resp). */
static const uint8_t answer_golden[] = {
	1, 0, 0, 0, 48, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0x5a, 5, 0, 0,
	1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0,
	3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0,
};

static void an_offer_is_answered_byte_for_byte(void **state)
{
	_cleanup_(guard_done) struct guard g = guard_copy(offer_golden, sizeof(offer_golden));
	struct ic ic = { .service = &service, .policy = &policy };
	struct ic_result r;

	(void)state;
	r = ic_handle(&ic, g.p, g.len, g.len, g.len);
	assert_int_equal(r.verdict, IC_REPLY);
	assert_int_equal(r.len, sizeof(answer_golden));
	assert_memory_equal(g.p, answer_golden, sizeof(answer_golden));
	assert_true(r.negotiated);
	assert_int_equal(r.error, 0);
	assert_int_equal(r.type, 0);
	assert_int_equal(ic.offer.framework.n, 2);
	assert_int_equal(ic.offer.message.n, 3);
	assert_int_equal(ic.answer.pair.message.major, 5);
}

static void no_common_version_is_answered_with_counts_0(void **state)
{
	static const struct ic_policy other = { .framework = LIST({ 3, 0 }), .message = LIST({ 9, 0 }) };
	uint8_t expected[sizeof(answer_golden)], msg[sizeof(offer_golden)];
	struct ic ic = { .service = &service, .policy = &other };
	struct ic_result r;

	(void)state;
	memcpy(msg, offer_golden, sizeof(msg));
	memcpy(expected, answer_golden, sizeof(expected));
	memset(expected + 28, 0, 16);
	r = ic_handle(&ic, msg, sizeof(msg), sizeof(msg), sizeof(msg));
	assert_int_equal(r.verdict, IC_REPLY);
	assert_true(r.negotiated);
	assert_int_equal(r.error, 0); /* "status is not touched by negotiation" */
	assert_memory_equal(msg, expected, sizeof(expected));
	assert_int_equal(ic.answer.outcome, IC_NO_COMMON);
}

static void silence_sends_nothing_and_is_known(void **state)
{
	static const struct ic_policy silent = {
		.framework = LIST({ 3, 0 }), .message = LIST({ 9, 0 }), .no_match = IC_NO_MATCH_SILENT
	};
	uint8_t msg[sizeof(offer_golden)];
	struct ic ic = { .service = &service, .policy = &silent };
	struct ic_result r;

	(void)state;
	memcpy(msg, offer_golden, sizeof(msg));
	r = ic_handle(&ic, msg, sizeof(msg), sizeof(msg), sizeof(msg));
	assert_int_equal(r.verdict, IC_NOTHING);
	assert_true(r.negotiated);
	assert_int_equal(r.error, 0);
	assert_int_equal(ic.answer.outcome, IC_NO_COMMON);
	assert_true(ic.answer.silent);
}

static const struct {
	enum ic_no_match no_match;
	uint8_t body[16];
} no_match_bodies[] = {
	{ IC_NO_MATCH_COUNTS_ZERO, { 0 } },
	{ IC_NO_MATCH_OWN_NEWEST, { 1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 9, 0, 0, 0 } },
	{ IC_NO_MATCH_VERSION_ZERO, { 1, 0, 1, 0, 0, 0, 0, 0 } },
};

static void each_way_to_have_nothing_in_common_is_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no_match_bodies); i++) {
		struct ic_policy p = { .framework = LIST({ 3, 0 }), .message = LIST({ 9, 0 }),
				       .no_match = no_match_bodies[i].no_match };
		uint8_t msg[sizeof(offer_golden)];
		struct ic ic = { .service = &service, .policy = &p };
		struct ic_result r;

		memcpy(msg, offer_golden, sizeof(msg));
		r = ic_handle(&ic, msg, sizeof(msg), sizeof(msg), sizeof(msg));
		assert_int_equal(r.verdict, IC_REPLY);
		assert_memory_equal(msg + 28, no_match_bodies[i].body, 16);
		assert_int_equal(message_flags(msg), 5);
	}
}

/* An offer too short for the 16 bytes of its answer: the reply grows, and says so. */
static void a_short_offer_gets_a_whole_answer(void **state)
{
	static const uint8_t expected_body[16] = { 0 };

	(void)state;
	for (unsigned versions = 0; versions <= 1; versions++) {
		_cleanup_(guard_done) struct guard g = guard_new(28 + 16);
		uint8_t body[12] = { 0 };
		struct ic ic = { .service = &service, .policy = &policy };
		struct ic_result r;
		size_t len;

		body[0] = (uint8_t)versions;
		body[8] = 3;
		len = message_put(g.p, &(struct message){ .body = body, .n = 8 + 4 * versions });
		r = ic_handle(&ic, g.p, len, len, g.len);
		assert_int_equal(r.verdict, IC_REPLY);
		assert_int_equal(r.len, 44);
		assert_int_equal(get_le(g.p + 4, 4), 36);
		assert_int_equal(get_le(g.p + 18, 2), 16);
		assert_memory_equal(g.p + 28, expected_body, 16);
		assert_int_equal(ic.answer.outcome, IC_NO_COMMON);
	}
}

/* The same with bytes behind the message, as the ring pads packets. */
static void an_answer_fits_in_the_size_that_its_pipe_header_states(void **state)
{
	(void)state;
	for (size_t padding = 0; padding <= 40; padding += 8) {
		_cleanup_(guard_done) struct guard g = guard_new(36 + 40);
		static const uint8_t body[8] = { 0 };
		struct ic ic = { .service = &service, .policy = &policy };
		struct ic_result r;
		size_t len;

		len = message_put(g.p, &(struct message){ .body = body, .n = sizeof(body) }) + padding;
		r = ic_handle(&ic, g.p, len, len, g.len);
		assert_int_equal(r.verdict, IC_REPLY);
		assert_int_equal(r.len, len < 44 ? 44 : len);
		assert_int_equal(get_le(g.p + 18, 2), 16);
		assert_int_equal(get_le(g.p + 4, 4), 36);
	}
}

static void the_host_may_negotiate_again_at_any_time(void **state)
{
	static const struct ic_version framework[] = { { 1, 0 }, { 3, 0 } };
	static const struct ic_version strange[] = { { 8, 8 } };
	static const uint8_t op2[8] = { 2 };
	static struct talk t;

	(void)state;
	talk_init(&t, &service, &policy);
	talk_agree(&t, (struct ic_version){ 5, 0 });
	talk_send(&t, &(struct message){ .type = 2, .framework = { 3, 0 }, .version = { 5, 0 },
					 .body = op2, .n = sizeof(op2) });
	assert_int_equal(t.witness.mark, 0xc3);

	/* To a lower version: the same operation now is another row, and the old version is wrong. */
	talk_agree(&t, (struct ic_version){ 3, 0 });
	talk_send(&t, &(struct message){ .type = 2, .framework = { 3, 0 }, .version = { 3, 0 },
					 .body = op2, .n = sizeof(op2) });
	assert_int_equal(t.witness.mark, 0xb2);
	assert_int_equal(t.witness.message.major, 3);
	talk_send(&t, &(struct message){ .type = 2, .framework = { 3, 0 }, .version = { 5, 0 },
					 .body = op2, .n = sizeof(op2) });
	assert_int_equal(t.witness.calls, 2);
	assert_int_equal(message_status(t.msg), WIRE_INVALID);

	/* To nothing in common: requests are refused until there is something again. */
	talk_negotiate(&t, framework, 2, strange, 1);
	assert_int_equal(t.ic.answer.outcome, IC_NO_COMMON);
	talk_send(&t, &(struct message){ .type = 2, .body = op2, .n = sizeof(op2) });
	assert_int_equal(t.witness.calls, 2);
	assert_int_equal(message_status(t.msg), WIRE_NOT_CONNECTED);

	talk_agree(&t, (struct ic_version){ 4, 0 });
	talk_send(&t, &(struct message){ .type = 2, .framework = { 3, 0 }, .version = { 4, 0 },
					 .body = op2, .n = sizeof(op2) });
	assert_int_equal(t.witness.calls, 3);

	/* A storm of them changes nothing but the answer. */
	for (unsigned i = 0; i < 1000; i++)
		talk_agree(&t, (struct ic_version){ i % 2 ? 5 : 4, 0 });
	assert_int_equal(t.ic.answer.pair.message.major, 5);
	assert_int_equal(t.witness.calls, 3);
}

static void lists_of_every_length_are_answered(void **state)
{
	static const struct {
		unsigned n_framework, n_message;
		uint32_t status;
		int outcome; /* with the versions we know at the end of each list */
	} rows[] = {
		{ 0, 0, WIRE_OK, IC_NO_COMMON },	   { 0, 1, WIRE_OK, IC_NO_COMMON },
		{ 1, 0, WIRE_OK, IC_NO_COMMON },	   { 1, 1, WIRE_OK, IC_AGREED },
		{ 1, 5, WIRE_OK, IC_AGREED },	   { 5, 1, WIRE_OK, IC_AGREED },
		{ 100, 1, WIRE_OK, IC_AGREED },	   { 1, 100, WIRE_OK, IC_AGREED },
		{ 100, 100, WIRE_OK, IC_AGREED },	   { 101, 1, WIRE_INVALID, IC_NOT_NEGOTIATED },
		{ 1, 101, WIRE_INVALID, IC_NOT_NEGOTIATED },
	};
	static struct talk t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ic_version framework[101] = { 0 }, message[101] = { 0 };

		if (rows[i].n_framework > 0)
			framework[rows[i].n_framework - 1] = (struct ic_version){ 3, 0 };
		if (rows[i].n_message > 0)
			message[rows[i].n_message - 1] = (struct ic_version){ 4, 0 };
		talk_init(&t, &service, &policy);
		talk_negotiate(&t, framework, rows[i].n_framework, message, rows[i].n_message);
		assert_int_equal(t.result.verdict, IC_REPLY);
		assert_int_equal(message_status(t.msg), rows[i].status);
		assert_int_equal(t.ic.answer.outcome, rows[i].outcome);
		assert_int_equal(t.msg[28], rows[i].outcome == IC_AGREED);
		assert_int_equal(t.msg[30], rows[i].outcome == IC_AGREED);
		assert_int_equal(t.result.negotiated, rows[i].status == WIRE_OK);
	}
}

static void a_broken_offer_changes_nothing(void **state)
{
	static const uint8_t lies[] = { 2, 0, 2, 0, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0 };
	static const uint8_t zeros[16] = { 0 };
	static struct talk t, before;

	(void)state;
	talk_init(&t, &service, &policy);
	talk_agree(&t, (struct ic_version){ 4, 0 });
	before = t;
	for (size_t n = 0; n <= sizeof(lies); n++) {
		talk_send(&t, &(struct message){ .body = lies, .n = n });
		assert_int_equal(t.result.verdict, IC_REPLY);
		assert_int_equal(t.result.error, -EBADMSG);
		assert_non_null(t.result.why);
		assert_false(t.result.negotiated);
		assert_int_equal(message_status(t.msg), WIRE_INVALID);
		assert_int_equal(message_flags(t.msg), 5);
		assert_memory_equal(t.msg + 28, zeros, 16);
		assert_memory_equal(&t.ic, &before.ic, sizeof(t.ic));
	}
}

static const struct {
	struct ic_raw raw;
	size_t len; /* of the reply to the golden offer */
	uint8_t body[16];
} raws[] = {
	{ { .has_answer = true, .answer = { { 9, 9 }, { 7, 7 } } }, 56,
	  { 1, 0, 1, 0, 0, 0, 0, 0, 9, 0, 9, 0, 7, 0, 7, 0 } },
	{ { .has_counts = true, .counts = { 2, 0 } }, 56,
	  { 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0 } },
	{ { .has_truncate = true, .truncate = 44 }, 44,
	  { 1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0 } },
	{ { .has_truncate = true, .truncate = 20 }, 20,
	  { 1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0 } },
	{ { .has_truncate = true, .truncate = 1 }, 1,
	  { 1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0 } },
	{ { .has_truncate = true, .truncate = 0 }, 0,
	  { 1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0 } },
	{ { .has_truncate = true, .truncate = 60000 }, 56,
	  { 1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0 } },
};

static void raw_answers_are_sent_as_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(raws); i++) {
		struct ic_policy p = policy;
		uint8_t msg[sizeof(offer_golden)];
		struct ic ic = { .service = &service, .policy = &p };
		struct ic_result r;

		p.raw = raws[i].raw;
		memcpy(msg, offer_golden, sizeof(msg));
		r = ic_handle(&ic, msg, sizeof(msg), sizeof(msg), sizeof(msg));
		assert_int_equal(r.verdict, IC_REPLY);
		assert_int_equal(r.len, raws[i].len);
		assert_memory_equal(msg + 28, raws[i].body, 16);
		assert_int_equal(ic.answer.outcome,
				 raws[i].raw.has_truncate ? IC_AGREED : IC_FORCED);
	}
}

/* Truncation is for the answer to a negotiation alone. */
static void only_the_negotiation_is_truncated(void **state)
{
	static const uint8_t body[8] = { 1 };
	static struct talk t;
	struct ic_policy p = policy;

	(void)state;
	p.raw = (struct ic_raw){ .has_truncate = true, .truncate = 3 };
	talk_init(&t, &service, &p);
	talk_agree(&t, (struct ic_version){ 4, 0 });
	assert_int_equal(t.result.len, 3);
	talk_send(&t, &(struct message){ .type = 2, .body = body, .n = sizeof(body) });
	assert_int_equal(t.result.len, t.len);
}

/* A forced version is spoken, and what the host states is then not held against it. */
static void a_forced_version_is_spoken(void **state)
{
	static const uint8_t op3[4] = { 3 };
	static struct talk t;
	struct ic_policy p = policy;

	(void)state;
	p.raw = (struct ic_raw){ .has_answer = true, .answer = { { 9, 9 }, { 3, 1 } } };
	talk_init(&t, &service, &p);
	talk_negotiate(&t, &(struct ic_version){ 3, 0 }, 1, &(struct ic_version){ 5, 0 }, 1);
	assert_int_equal(t.ic.answer.outcome, IC_FORCED);
	assert_true(t.ic.answer.unoffered);
	talk_send(&t, &(struct message){ .type = 2, .framework = { 3, 0 }, .version = { 5, 0 },
					 .body = op3, .n = sizeof(op3) });
	assert_int_equal(t.witness.calls, 1);
	assert_int_equal(t.witness.message.minor, 1);
	assert_int_equal(message_status(t.msg), WIRE_OK);
}

/* --- requests --- */

static void a_request_reaches_its_handler_and_is_answered_in_place(void **state)
{
	static const uint8_t body[6] = { 1, 2, 3, 4, 5, 6 };
	static struct talk t;
	uint8_t expected[MESSAGE_BODY + sizeof(body)];

	(void)state;
	talk_init(&t, &service, &policy);
	talk_agree(&t, (struct ic_version){ 4, 0 });
	talk_send(&t, &(struct message){ .type = 2, .framework = { 3, 0 }, .version = { 4, 0 },
					 .trans_id = 0x77, .body = body, .n = sizeof(body) });
	assert_int_equal(t.result.verdict, IC_REPLY);
	assert_int_equal(t.result.len, sizeof(expected));
	assert_int_equal(t.result.error, 0);
	assert_null(t.result.why);
	assert_int_equal(t.result.type, 2);
	assert_int_equal(t.result.op, 1);
	assert_false(t.result.negotiated);
	assert_int_equal(t.witness.calls, 1);
	assert_int_equal(t.witness.len, sizeof(body));
	assert_ptr_equal(t.witness.body, t.msg + 28);
	assert_int_equal(t.witness.message.major, 4);

	(void)message_put(expected, &(struct message){ .type = 2, .framework = { 3, 0 },
						       .version = { 4, 0 }, .trans_id = 0x77, .flags = 5,
						       .body = body, .n = sizeof(body) });
	expected[29] = 0xa1; /* the handler's answer */
	assert_memory_equal(t.msg, expected, sizeof(expected));
}

/* A status that the host left in its request does not come back. */
static void the_status_is_always_written(void **state)
{
	static const uint8_t body[4] = { 1 };
	static struct talk t;

	(void)state;
	talk_init(&t, &service, &policy);
	talk_agree(&t, (struct ic_version){ 4, 0 });
	t.len = message_put(t.msg, &(struct message){ .type = 2, .body = body, .n = sizeof(body) });
	put_le(t.msg + 20, 4, 0xdeadbeef);
	t.result = ic_handle(&t.ic, t.msg, t.len, t.len, sizeof(t.msg));
	assert_int_equal(message_status(t.msg), WIRE_OK);
}

static const struct {
	uint8_t code;
	struct ic_version agreed;
	size_t n;
	uint8_t mark; /* of the handler that must run; 0: none */
	uint32_t status;
} rows[] = {
	{ 1, { 3, 0 }, 4, 0xa1, WIRE_OK },
	{ 1, { 5, 0 }, 4, 0xa1, WIRE_OK },
	{ 1, { 5, 0 }, 3, 0, WIRE_INVALID },
	{ 1, { 5, 0 }, 1, 0, WIRE_INVALID },
	{ 2, { 3, 1 }, 4, 0xb2, WIRE_OK },
	{ 2, { 3, 1 }, 3, 0, WIRE_INVALID },
	{ 2, { 4, 0 }, 8, 0xc3, WIRE_OK },
	{ 2, { 4, 0 }, 7, 0, WIRE_INVALID },
	{ 2, { 5, 0 }, 8, 0xc3, WIRE_OK },
	{ 3, { 3, 0 }, 4, 0, WIRE_NOT_SUPPORTED },
	{ 3, { 3, 1 }, 4, 0xd4, WIRE_OK },
	{ 3, { 4, 0 }, 4, 0xd4, WIRE_OK },
	{ 0, { 5, 0 }, 8, 0, WIRE_NOT_SUPPORTED },
	{ 4, { 5, 0 }, 8, 0, WIRE_NOT_SUPPORTED },
	{ 255, { 5, 0 }, 8, 0, WIRE_NOT_SUPPORTED },
};

static void operations_are_found_by_code_and_version_and_checked_for_size(void **state)
{
	static struct talk t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t body[8] = { rows[i].code };

		talk_init(&t, &service, &policy);
		talk_agree(&t, rows[i].agreed);
		talk_send(&t, &(struct message){ .type = 2, .body = body, .n = rows[i].n });
		if (t.witness.mark != rows[i].mark || message_status(t.msg) != rows[i].status)
			fail_msg("row %zu: handler %#x, status %#x", i, t.witness.mark,
				 message_status(t.msg));
		assert_int_equal(t.witness.calls, rows[i].mark ? 1 : 0);
		assert_int_equal(t.result.op, rows[i].code);
		assert_int_equal(t.result.error == 0, rows[i].status == WIRE_OK);
		assert_int_equal(message_flags(t.msg), 5);
	}
}

static void a_handlers_errno_becomes_the_status(void **state)
{
	static const struct {
		int answer;
		uint32_t status;
	} answers[] = {
		{ 0, WIRE_OK },		       { -ENOENT, WIRE_NOT_FOUND }, { -ENODATA, WIRE_NO_MORE_ITEMS },
		{ -ENOSPC, WIRE_DISK_FULL },   { -EIO, WIRE_FAIL },	    { -ENODEV, WIRE_FAIL },
		{ -EOPNOTSUPP, WIRE_NOT_SUPPORTED },
	};
	static const uint8_t body[4] = { 1, 2, 3, 4 };
	static struct talk t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		talk_init(&t, &service, &policy);
		talk_agree(&t, (struct ic_version){ 4, 0 });
		t.witness.answer = answers[i].answer;
		talk_send(&t, &(struct message){ .type = 2, .body = body, .n = sizeof(body) });
		assert_int_equal(t.result.verdict, IC_REPLY);
		assert_int_equal(t.result.error, answers[i].answer);
		assert_int_equal(message_status(t.msg), answers[i].status);
		if (answers[i].answer < 0)
			assert_memory_equal(t.msg + 28, body, sizeof(body));
	}
}

static void a_request_that_is_put_off_stays_as_it_was(void **state)
{
	static const uint8_t body[4] = { 1, 2, 3, 4 };
	static struct talk t;
	uint8_t before[64];

	(void)state;
	talk_init(&t, &service, &policy);
	talk_agree(&t, (struct ic_version){ 4, 0 });
	t.witness.answer = -EAGAIN;
	(void)message_put(before, &(struct message){ .type = 2, .body = body, .n = sizeof(body) });
	talk_send(&t, &(struct message){ .type = 2, .body = body, .n = sizeof(body) });
	assert_int_equal(t.result.verdict, IC_LATER);
	assert_int_equal(t.result.error, 0);
	assert_int_equal(t.result.len, t.len);
	assert_memory_equal(t.msg, before, t.len);

	/* The same bytes again are served. */
	t.witness.answer = 0;
	t.result = ic_handle(&t.ic, t.msg, t.len, t.len, sizeof(t.msg));
	assert_int_equal(t.result.verdict, IC_REPLY);
	assert_int_equal(message_status(t.msg), WIRE_OK);
	assert_int_equal(t.witness.calls, 2);

	/* Or refused, when it took too long. */
	memcpy(t.msg, before, t.len);
	assert_int_equal(ic_refuse(t.msg, t.len, -ETIMEDOUT), t.len);
	assert_int_equal(message_status(t.msg), WIRE_FAIL);
	assert_int_equal(message_flags(t.msg), 5);
	assert_memory_equal(t.msg + 28, body, sizeof(body));
}

/* --- bad input --- */

struct bad {
	const char *name;
	struct {
		uint8_t at, bytes;
		uint32_t value;
	} patch[2];
	size_t cut;  /* bytes taken off the end of the message */
	size_t more; /* bytes that the packet had beyond it */
	enum ic_verdict verdict;
	uint32_t status;
	int error;
	bool bodyless; /* the reply states no body */
};

/* Each is one change to a good request with a body of 8 bytes, agreed at 3.0/4.0: "short, long,
 * wrong type, wrong version, wrong flags, lying sizes, unknown operation". */
static const struct bad bads[] = {
	{ "wrong type: heartbeat", { { 12, 2, 1 } }, 0, 0, IC_REPLY, WIRE_NOT_SUPPORTED, -EOPNOTSUPP, false },
	{ "wrong type: 3", { { 12, 2, 3 } }, 0, 0, IC_REPLY, WIRE_NOT_SUPPORTED, -EOPNOTSUPP, false },
	{ "wrong type: 0x102", { { 12, 2, 0x102 } }, 0, 0, IC_REPLY, WIRE_NOT_SUPPORTED, -EOPNOTSUPP, false },
	{ "wrong type: 65535", { { 12, 2, 0xffff } }, 0, 0, IC_REPLY, WIRE_NOT_SUPPORTED, -EOPNOTSUPP, false },
	{ "framework 1.0", { { 8, 2, 1 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EINVAL, false },
	{ "framework 3.1", { { 10, 2, 1 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EINVAL, false },
	{ "framework 0.1", { { 8, 2, 0 }, { 10, 2, 1 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EINVAL, false },
	{ "message 5.0", { { 14, 2, 5 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EINVAL, false },
	{ "message 4.1", { { 16, 2, 1 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EINVAL, false },
	{ "flags 0", { { 25, 1, 0 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EINVAL, false },
	{ "flags 1: no request", { { 25, 1, 1 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EINVAL, false },
	{ "flags 2: no transaction", { { 25, 1, 2 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EINVAL, false },
	{ "flags 0x0b", { { 25, 1, 0x0b } }, 0, 0, IC_REPLY, WIRE_INVALID, -EINVAL, false },
	{ "flags 0x83", { { 25, 1, 0x83 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EINVAL, false },
	{ "flags 4: a reply", { { 25, 1, 4 } }, 0, 0, IC_NOTHING, 0, -EPROTO, false },
	{ "flags 5: a reply", { { 25, 1, 5 } }, 0, 0, IC_NOTHING, 0, -EPROTO, false },
	{ "flags 7: a reply", { { 25, 1, 7 } }, 0, 0, IC_NOTHING, 0, -EPROTO, false },
	{ "flags 255", { { 25, 1, 255 } }, 0, 0, IC_NOTHING, 0, -EPROTO, false },
	{ "a reply to a negotiation", { { 12, 2, 0 }, { 25, 1, 5 } }, 0, 0, IC_NOTHING, 0, -EPROTO, false },
	{ "pipe size 0", { { 4, 4, 0 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EBADMSG, true },
	{ "pipe size 19: less than the header", { { 4, 4, 19 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EBADMSG,
	  true },
	{ "pipe size 27: body not in it", { { 4, 4, 27 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EBADMSG, true },
	{ "pipe size 29: more than the packet", { { 4, 4, 29 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EBADMSG,
	  true },
	{ "pipe size 2^32 - 1", { { 4, 4, 0xffffffff } }, 0, 0, IC_REPLY, WIRE_INVALID, -EBADMSG, true },
	{ "pipe size 2^31", { { 4, 4, 0x80000000 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EBADMSG, true },
	{ "body size 9 of 8", { { 18, 2, 9 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EBADMSG, true },
	{ "body size 65535", { { 18, 2, 0xffff } }, 0, 0, IC_REPLY, WIRE_INVALID, -EBADMSG, true },
	{ "no body at all", { { 18, 2, 0 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EBADMSG, false },
	{ "cut by 1", { { 0 } }, 1, 0, IC_REPLY, WIRE_INVALID, -EBADMSG, true },
	{ "cut to its header", { { 0 } }, 8, 0, IC_REPLY, WIRE_INVALID, -EBADMSG, true },
	{ "cut into its header", { { 0 } }, 9, 0, IC_NOTHING, 0, -EBADMSG, false },
	{ "cut to one byte", { { 0 } }, 35, 0, IC_NOTHING, 0, -EBADMSG, false },
	{ "nothing", { { 0 } }, 36, 0, IC_NOTHING, 0, -EBADMSG, false },
	{ "longer than our buffer by 1", { { 0 } }, 0, 1, IC_REPLY, WIRE_INVALID, -EBADMSG, true },
	{ "longer than our buffer by 2^20", { { 0 } }, 0, 1 << 20, IC_REPLY, WIRE_INVALID, -EBADMSG, true },
	{ "a negotiation longer than our buffer", { { 12, 2, 0 } }, 0, 1, IC_REPLY, WIRE_INVALID, -EBADMSG,
	  true },
	{ "a negotiation with lying sizes", { { 12, 2, 0 }, { 18, 2, 100 } }, 0, 0, IC_REPLY, WIRE_INVALID,
	  -EBADMSG, true },
	{ "a negotiation with flags 1", { { 12, 2, 0 }, { 25, 1, 1 } }, 0, 0, IC_REPLY, WIRE_INVALID, -EINVAL,
	  false },
	{ "unknown operation", { { 28, 1, 9 } }, 0, 0, IC_REPLY, WIRE_NOT_SUPPORTED, -EOPNOTSUPP, false },
};

static void bad_check(const struct bad *b, const struct talk *before, struct talk *t)
{
	static const uint8_t body[8] = { 1, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17 };
	uint8_t msg[MESSAGE_BODY + sizeof(body)], expected[sizeof(msg)];
	struct ic_result r;
	size_t len = message_put(msg, &(struct message){ .type = 2, .framework = { 3, 0 },
							 .version = { 4, 0 }, .trans_id = 0x33,
							 .body = body, .n = sizeof(body) });

	for (size_t i = 0; i < ARRAY_LEN(b->patch); i++)
		put_le(msg + b->patch[i].at, b->patch[i].bytes, b->patch[i].value);
	len -= b->cut;
	memcpy(expected, msg, sizeof(msg));
	if (b->verdict == IC_REPLY) {
		put_le(expected + 20, 4, b->status);
		expected[25] = 5;
	}
	if (b->bodyless) {
		put_le(expected + 4, 4, 20);
		put_le(expected + 18, 2, 0);
	}
	{
		/* The buffer is as large as ic.h asks for; the message stands at its beginning. */
		_cleanup_(guard_done) struct guard g = guard_new(MESSAGE_BODY + 16);

		memcpy(g.p, msg, len);
		r = ic_handle(&t->ic, g.p, len, len + b->more, g.len);
		if (r.verdict != b->verdict || r.error != b->error || memcmp(g.p, expected, len) != 0)
			fail_msg("%s: verdict %d, error %d, status %#x", b->name, r.verdict, r.error,
				 len >= 24 ? message_status(g.p) : 0);
		assert_int_equal(r.len, b->verdict == IC_REPLY || len >= 28 ? len : 0);
	}
	assert_non_null(r.why);
	assert_false(r.negotiated);
	assert_memory_equal(&t->ic, &before->ic, sizeof(t->ic));
	assert_int_equal(t->witness.calls, 0);
}

static void bad_messages_are_refused_and_change_nothing(void **state)
{
	static struct talk t, before;

	(void)state;
	talk_init(&t, &service, &policy);
	talk_agree(&t, (struct ic_version){ 4, 0 });
	before = t;
	for (size_t i = 0; i < ARRAY_LEN(bads); i++)
		bad_check(&bads[i], &before, &t);
}

/* What must not be served is answered wherever it would be, whatever it asks for, and changes nothing. */
static void any_message_can_be_declined(void **state)
{
	static const uint8_t body[8] = { 1, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17 };
	static const struct {
		uint16_t type;
		uint8_t flags;
		uint32_t pipe_size;
		size_t cut, more;
		enum ic_verdict verdict;
		bool bodyless;
	} row[] = {
		{ 2, 3, 28, 0, 0, IC_REPLY, false },  { 0, 3, 28, 0, 0, IC_REPLY, false },
		{ 99, 0, 28, 0, 0, IC_REPLY, false }, { 2, 3, 29, 0, 0, IC_REPLY, true },
		{ 2, 3, 28, 1, 0, IC_REPLY, true },   { 2, 3, 28, 0, 1, IC_REPLY, true },
		{ 2, 5, 28, 0, 0, IC_NOTHING, false }, { 2, 3, 28, 9, 0, IC_NOTHING, false },
		{ 2, 3, 28, 36, 0, IC_NOTHING, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		uint8_t msg[MESSAGE_BODY + sizeof(body)], expected[sizeof(msg)];
		size_t len = message_put(msg, &(struct message){ .type = row[i].type, .body = body,
								 .n = sizeof(body) }) - row[i].cut;
		struct ic_result r;

		msg[25] = row[i].flags;
		put_le(msg + 4, 4, row[i].pipe_size);
		memcpy(expected, msg, sizeof(msg));
		if (row[i].verdict == IC_REPLY) {
			put_le(expected + 20, 4, WIRE_FAIL);
			expected[25] = 5;
		}
		if (row[i].bodyless) {
			put_le(expected + 4, 4, 20);
			put_le(expected + 18, 2, 0);
		}
		{
			_cleanup_(guard_done) struct guard g = guard_copy(msg, len);

			r = ic_decline(g.p, len, len + row[i].more, -EIO, "it was declined");
			assert_memory_equal(g.p, expected, len);
		}
		assert_int_equal(r.verdict, row[i].verdict);
		assert_int_equal(r.len, row[i].verdict == IC_REPLY ? len : 0);
		assert_int_equal(r.error, -EIO);
		assert_string_equal(r.why, "it was declined");
		assert_false(r.negotiated);
	}
}

/* Every prefix of an offer: shorter than the headers it cannot be answered, from there on it can, and
 * is refused. */
static void every_prefix_of_a_message_is_refused(void **state)
{
	static struct talk t, before;

	(void)state;
	talk_init(&t, &service, &policy);
	talk_agree(&t, (struct ic_version){ 4, 0 });
	before = t;
	for (size_t n = 0; n < sizeof(offer_golden); n++) {
		_cleanup_(guard_done) struct guard g = guard_new(n < 44 ? 44 : n);
		struct ic_result r;

		memcpy(g.p, offer_golden, n);
		r = ic_handle(&t.ic, g.p, n, n, g.len);
		assert_int_equal(r.error, -EBADMSG);
		assert_int_equal(r.verdict, n < 28 ? IC_NOTHING : IC_REPLY);
		if (n >= 28) {
			assert_int_equal(r.len, n);
			assert_int_equal(message_status(g.p), WIRE_INVALID);
			assert_memory_equal(g.p + 28, offer_golden + 28, n - 28);
		} else {
			assert_memory_equal(g.p, offer_golden, n);
		}
		assert_memory_equal(&t.ic, &before.ic, sizeof(t.ic));
	}
}

/* 0.0 is "not stated"; a body shorter than the packet is what is there to read. */
static void what_only_looks_bad_is_served(void **state)
{
	static const uint8_t body[8] = { 1 };
	static struct talk t;

	(void)state;
	talk_init(&t, &service, &policy);
	talk_agree(&t, (struct ic_version){ 4, 0 });
	talk_send(&t, &(struct message){ .type = 2, .body = body, .n = sizeof(body) });
	assert_int_equal(t.witness.calls, 1);

	t.len = message_put(t.msg, &(struct message){ .type = 2, .framework = { 3, 0 },
						      .version = { 4, 0 }, .body = body, .n = 8 });
	put_le(t.msg + 18, 2, 4);
	t.result = ic_handle(&t.ic, t.msg, t.len, t.len, sizeof(t.msg));
	assert_int_equal(t.witness.calls, 2);
	assert_int_equal(t.witness.len, 4);
	assert_int_equal(t.result.len, t.len);
}

static void before_the_negotiation_everything_is_refused(void **state)
{
	static const uint8_t body[8] = { 1 };
	static struct talk t;

	(void)state;
	talk_init(&t, &service, &policy);
	talk_send(&t, &(struct message){ .type = 2, .body = body, .n = sizeof(body) });
	assert_int_equal(message_status(t.msg), WIRE_NOT_CONNECTED);
	assert_int_equal(t.result.error, -ENOTCONN);
	assert_int_equal(t.witness.calls, 0);

	talk_agree(&t, (struct ic_version){ 4, 0 });
	talk_send(&t, &(struct message){ .type = 2, .body = body, .n = sizeof(body) });
	assert_int_equal(t.witness.calls, 1);

	ic_reset(&t.ic);
	assert_int_equal(t.ic.answer.outcome, IC_NOT_NEGOTIATED);
	assert_int_equal(t.ic.offer.framework.n, 0);
	assert_ptr_equal(t.ic.service, &service);
	talk_send(&t, &(struct message){ .type = 2, .body = body, .n = sizeof(body) });
	assert_int_equal(message_status(t.msg), WIRE_NOT_CONNECTED);
	assert_int_equal(t.witness.calls, 1);
}

/* A service without operation codes has one row for every body. */
static void a_service_without_operations_has_one_handler(void **state)
{
	static const struct ic_op only[] = { { .min_body = 2, .handle = on_always } };
	static const struct ic_service plain = { .type = 1, .ops = only, .n_ops = 1 };
	static const uint8_t body[2] = { 0xee, 0xee };
	static struct talk t;

	(void)state;
	talk_init(&t, &plain, &policy);
	talk_agree(&t, (struct ic_version){ 4, 0 });
	talk_send(&t, &(struct message){ .type = 1, .body = body, .n = 2 });
	assert_int_equal(t.witness.calls, 1);
	assert_int_equal(t.result.op, 0);
	talk_send(&t, &(struct message){ .type = 1, .body = body, .n = 1 });
	assert_int_equal(t.witness.calls, 1);
	assert_int_equal(message_status(t.msg), WIRE_INVALID);
}

/* --- the list of services: Linux hyperv.h --- */

static const struct {
	enum ic_component component;
	const char *name, *title, *class_id;
	int type;
} known[] = {
	{ IC_HEARTBEAT, "Heartbeat", "Heartbeat", "57164f39-9115-4e78-ab55-382f3bd5422d", 1 },
	{ IC_KVP, "KVP", "Key-Value Pair Exchange", "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6", 2 },
	{ IC_SHUTDOWN, "Shutdown", "Shutdown", "0e0b6031-5213-4934-818b-38d90ced39db", 3 },
	{ IC_TIMESYNC, "TimeSync", "Time Synchronization", "9527e630-d0ae-497b-adce-e80ab0175caf", 4 },
	{ IC_VSS, "VSS", "VSS", "35fa2e29-ea23-4236-96ae-3a6ebacba440", 5 },
	{ IC_FCOPY, "FileCopy", "Guest Service Interface", "34d14be3-dee4-41c8-9ae7-6b174977c192", 7 },
};

static void the_services_are_who_they_say(void **state)
{
	bool seen[IC_COMPONENTS] = { false };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		char text[GUID_TEXT_SIZE];

		assert_string_equal(ic_component_names[known[i].component], known[i].name);
		guid_format(&ic_class_ids[known[i].component], text);
		assert_string_equal(text, known[i].class_id);
	}
	assert_true(ic_n_services >= 3);
	for (size_t i = 0; i < ic_n_services; i++) {
		const struct ic_service *s = ic_services[i];
		size_t k = 0;

		assert_false(seen[s->component]);
		seen[s->component] = true;
		while (known[k].component != s->component)
			k++;
		assert_string_equal(s->name, known[k].name);
		assert_string_equal(s->title, known[k].title);
		assert_int_equal(s->type, known[k].type);
		assert_true(s->n_ops > 0);
	}
	assert_true(seen[IC_HEARTBEAT] && seen[IC_KVP] && seen[IC_TIMESYNC]);
}

/* --- policy --- */

static void operations_have_their_rows_bits(void **state)
{
	(void)state;
	assert_int_equal(ic_operations_named(&service, "one"), 1);
	assert_int_equal(ic_operations_named(&service, "two"), 2 | 4);
	assert_int_equal(ic_operations_named(&service, "three"), 0);
	assert_int_equal(ic_operations_named(&service, ""), 0);
}

static const struct {
	uint32_t blocked;
	struct ic_version version;
	uint8_t code;
	size_t n;
	uint32_t status;
} blockings[] = {
	{ 0, { 3, 0 }, 1, 8, WIRE_OK },
	{ 1, { 3, 0 }, 1, 8, WIRE_DENIED },
	{ 1, { 3, 0 }, 1, 1, WIRE_DENIED }, /* too short: nothing of it is looked at */
	{ 1, { 3, 0 }, 2, 8, WIRE_OK },
	{ 2, { 3, 0 }, 2, 8, WIRE_DENIED },
	{ 2, { 4, 0 }, 2, 8, WIRE_OK }, /* another row */
	{ 4, { 4, 0 }, 2, 8, WIRE_DENIED },
	{ UINT32_MAX, { 3, 0 }, 9, 8, WIRE_NOT_SUPPORTED },
	{ UINT32_MAX, { 3, 0 }, 1, 0, WIRE_INVALID }, /* no operation */
};

static void what_is_blocked_never_reaches_its_handler(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(blockings); i++) {
		struct ic_policy p = policy;
		uint8_t body[8] = { blockings[i].code };
		struct talk t;

		talk_init(&t, &service, &p);
		talk_agree(&t, blockings[i].version);
		p.blocked = blockings[i].blocked;
		talk_send(&t, &(struct message){ .type = 2, .body = body, .n = blockings[i].n });
		assert_int_equal(t.result.verdict, IC_REPLY);
		assert_int_equal(message_status(t.msg), blockings[i].status);
		assert_int_equal(t.witness.calls, blockings[i].status == WIRE_OK);
		assert_int_equal(t.result.blocked != NULL, blockings[i].status == WIRE_DENIED);
		if (t.result.blocked)
			assert_int_equal(t.result.blocked->code, blockings[i].code);
	}
}

/* Nor does a negotiation ask the policy, and what is not ready to be served is refused for that. */
static void a_policy_is_asked_last(void **state)
{
	struct ic_policy p = policy;
	uint8_t body[8] = { 1 };
	struct talk t;

	(void)state;
	p.blocked = UINT32_MAX;
	talk_init(&t, &service, &p);
	talk_send(&t, &(struct message){ .type = 2, .body = body, .n = 8 });
	assert_int_equal(message_status(t.msg), WIRE_NOT_CONNECTED);
	talk_agree(&t, (struct ic_version){ 3, 0 });
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_have_their_rows_bits),
		cmocka_unit_test(what_is_blocked_never_reaches_its_handler),
		cmocka_unit_test(a_policy_is_asked_last),
		cmocka_unit_test(an_offer_is_answered_byte_for_byte),
		cmocka_unit_test(no_common_version_is_answered_with_counts_0),
		cmocka_unit_test(silence_sends_nothing_and_is_known),
		cmocka_unit_test(each_way_to_have_nothing_in_common_is_written),
		cmocka_unit_test(a_short_offer_gets_a_whole_answer),
		cmocka_unit_test(an_answer_fits_in_the_size_that_its_pipe_header_states),
		cmocka_unit_test(the_host_may_negotiate_again_at_any_time),
		cmocka_unit_test(lists_of_every_length_are_answered),
		cmocka_unit_test(a_broken_offer_changes_nothing),
		cmocka_unit_test(raw_answers_are_sent_as_told),
		cmocka_unit_test(only_the_negotiation_is_truncated),
		cmocka_unit_test(a_forced_version_is_spoken),
		cmocka_unit_test(a_request_reaches_its_handler_and_is_answered_in_place),
		cmocka_unit_test(the_status_is_always_written),
		cmocka_unit_test(operations_are_found_by_code_and_version_and_checked_for_size),
		cmocka_unit_test(a_handlers_errno_becomes_the_status),
		cmocka_unit_test(a_request_that_is_put_off_stays_as_it_was),
		cmocka_unit_test(bad_messages_are_refused_and_change_nothing),
		cmocka_unit_test(any_message_can_be_declined),
		cmocka_unit_test(every_prefix_of_a_message_is_refused),
		cmocka_unit_test(what_only_looks_bad_is_served),
		cmocka_unit_test(before_the_negotiation_everything_is_refused),
		cmocka_unit_test(a_service_without_operations_has_one_handler),
		cmocka_unit_test(the_services_are_who_they_say),
	};

	return cmocka_run_group_tests_name("ic", tests, NULL, NULL);
}
