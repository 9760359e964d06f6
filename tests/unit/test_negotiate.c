/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/negotiate.h"

#include "tests/unit/harness.h"

#define LIST(...)                                                                        \
	{ .n = sizeof((struct ic_version[]){ __VA_ARGS__ }) / sizeof(struct ic_version), \
	  .v = { __VA_ARGS__ } }
#define NONE { .n = 0 }

/* --- reading the host's lists --- */

/* u16 framework count, u16 message count, u32 reserved, versions (Linux hyperv.h, icmsg_negotiate):
 * the lists of OpenVMM's KVP device. */
static const uint8_t offer_bytes[] = {
	2, 0, 3, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0,
};

static void assert_versions(const struct ic_list *l, const struct ic_version *v, unsigned n)
{
	assert_int_equal(l->n, n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(l->v[i].major, v[i].major);
		assert_int_equal(l->v[i].minor, v[i].minor);
	}
}

static void lists_of_unequal_length_are_told_apart(void **state)
{
	static const struct ic_version framework[] = { { 1, 0 }, { 3, 0 } };
	static const struct ic_version message[] = { { 3, 0 }, { 4, 0 }, { 5, 0 } };
	struct ic_offer offer;

	(void)state;
	assert_int_equal(negotiate_parse((struct rd){ offer_bytes, sizeof(offer_bytes), false }, &offer),
			 0);
	assert_versions(&offer.framework, framework, 2);
	assert_versions(&offer.message, message, 3);
}

static void every_prefix_of_an_offer_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n <= sizeof(offer_bytes); n++) {
		_cleanup_(guard_done) struct guard g = guard_copy(offer_bytes, n);
		struct ic_offer offer, before;
		int r;

		memset(&offer, 0x5a, sizeof(offer));
		before = offer;
		r = negotiate_parse((struct rd){ .p = g.p, .left = n }, &offer);
		assert_int_equal(r, n < sizeof(offer_bytes) ? -EBADMSG : 0);
		if (r < 0)
			assert_memory_equal(&offer, &before, sizeof(offer)); /* untouched */
	}
}

/* An offer with so many of each; entry i is (i, 1000 + i), counted through both lists. */
static size_t put_offer(uint8_t *to, unsigned n_framework, unsigned n_message)
{
	put_le(to, 2, n_framework);
	put_le(to + 2, 2, n_message);
	put_le(to + 4, 4, 0);
	for (unsigned i = 0; i < n_framework + n_message; i++) {
		put_le(to + 8 + 4 * i, 2, i);
		put_le(to + 10 + 4 * i, 2, 1000 + i);
	}
	return 8 + 4 * (n_framework + n_message);
}

static const struct {
	unsigned n_framework, n_message;
	int expected;
} counts[] = {
	{ 0, 0, 0 },	      { 0, 1, 0 },	    { 1, 0, 0 },
	{ 1, 1, 0 },	      { 1, 100, 0 },	    { 100, 1, 0 },
	{ 100, 100, 0 },      { 101, 1, -E2BIG },   { 1, 101, -E2BIG },
	{ 101, 101, -E2BIG }, { 200, 0, -E2BIG },   { 0, 200, -E2BIG },
};

static void up_to_a_hundred_versions_are_read_in_their_order(void **state)
{
	static struct ic_offer offer, before;
	uint8_t body[8 + 4 * 202];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		unsigned n = counts[i].n_framework;
		size_t len = put_offer(body, n, counts[i].n_message);
		_cleanup_(guard_done) struct guard g = guard_copy(body, len);

		memset(&offer, 0x5a, sizeof(offer));
		before = offer;
		assert_int_equal(negotiate_parse((struct rd){ .p = g.p, .left = len }, &offer),
				 counts[i].expected);
		if (counts[i].expected < 0) {
			assert_memory_equal(&offer, &before, sizeof(offer));
			continue;
		}
		assert_int_equal(offer.framework.n, n);
		assert_int_equal(offer.message.n, counts[i].n_message);
		for (unsigned k = 0; k < n; k++)
			assert_true(offer.framework.v[k].major == k && offer.framework.v[k].minor == 1000 + k);
		for (unsigned k = 0; k < counts[i].n_message; k++)
			assert_true(offer.message.v[k].major == n + k &&
				    offer.message.v[k].minor == 1000 + n + k);
	}
}

static void counts_beyond_the_packet_are_refused(void **state)
{
	static const uint16_t lies[][2] = {
		{ 100, 100 }, { 3, 3 }, { 2, 4 }, { 5, 1 }, { 0, 6 }, { 6, 0 },
	};
	static const uint16_t wild[][2] = {
		{ 0xffff, 0xffff }, { 0xffff, 1 }, { 1, 0xffff }, { 0x8000, 0x8000 },
	};
	uint8_t body[sizeof(offer_bytes)];
	struct ic_offer offer;

	(void)state;
	memcpy(body, offer_bytes, sizeof(body));
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		put_le(body, 2, lies[i][0]);
		put_le(body + 2, 2, lies[i][1]);
		assert_int_equal(negotiate_parse((struct rd){ .p = body, .left = sizeof(body) }, &offer),
				 -EBADMSG);
	}
	for (size_t i = 0; i < ARRAY_LEN(wild); i++) {
		put_le(body, 2, wild[i][0]);
		put_le(body + 2, 2, wild[i][1]);
		assert_int_equal(negotiate_parse((struct rd){ .p = body, .left = sizeof(body) }, &offer),
				 -E2BIG);
	}
}

static void what_follows_the_lists_is_not_looked_at(void **state)
{
	uint8_t body[sizeof(offer_bytes) + 5];
	struct ic_offer offer;

	(void)state;
	memset(body, 0xff, sizeof(body));
	memcpy(body, offer_bytes, sizeof(offer_bytes));
	memset(body + 4, 0xff, 4); /* reserved: neither */
	assert_int_equal(negotiate_parse((struct rd){ .p = body, .left = sizeof(body) }, &offer), 0);
	assert_int_equal(offer.framework.n, 2);
	assert_int_equal(offer.message.n, 3);
}

/* --- choosing --- */

#define OURS_FRAMEWORK LIST({ 3, 0 }, { 1, 0 })
#define OURS_TIME LIST({ 4, 0 }, { 3, 0 }, { 1, 0 })

static const struct {
	const char *name;
	struct ic_offer offer;
	struct ic_policy policy;
	struct ic_answer expected;
} decisions[] = {
	{ "the highest common pair",
	  { LIST({ 1, 0 }, { 3, 0 }), LIST({ 1, 0 }, { 3, 0 }, { 4, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME },
	  { IC_AGREED, false, { 1, 1 }, { { 3, 0 }, { 4, 0 } }, false } },
	{ "unequal lengths: Haiku starts at the wrong entry",
	  { LIST({ 3, 0 }), LIST({ 1, 0 }, { 3, 0 }, { 4, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME },
	  { IC_AGREED, false, { 1, 1 }, { { 3, 0 }, { 4, 0 } }, false } },
	{ "the other way unequal",
	  { LIST({ 1, 0 }, { 3, 0 }, { 3, 1 }), LIST({ 1, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME },
	  { IC_AGREED, false, { 1, 1 }, { { 3, 0 }, { 1, 0 } }, false } },
	{ "the guest's order decides, not the host's",
	  { LIST({ 1, 0 }, { 3, 0 }), LIST({ 4, 0 }, { 3, 0 }, { 1, 0 }) },
	  { .framework = LIST({ 1, 0 }, { 3, 0 }), .message = LIST({ 1, 0 }, { 4, 0 }) },
	  { IC_AGREED, false, { 1, 1 }, { { 1, 0 }, { 1, 0 } }, false } },
	{ "unsorted, with duplicates and strangers",
	  { LIST({ 9, 9 }, { 3, 0 }, { 1, 0 }, { 3, 0 }), LIST({ 3, 0 }, { 3, 0 }, { 0, 0 }, { 1, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME },
	  { IC_AGREED, false, { 1, 1 }, { { 3, 0 }, { 3, 0 } }, false } },
	{ "legacy: the mismatch of KB4014894",
	  { LIST({ 1, 0 }, { 3, 0 }), LIST({ 1, 0 }, { 3, 0 }, { 4, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = LIST({ 3, 0 }, { 1, 0 }) },
	  { IC_AGREED, false, { 1, 1 }, { { 3, 0 }, { 3, 0 } }, false } },
	{ "by equality: a higher minor is another version",
	  { LIST({ 3, 0 }), LIST({ 3, 1 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME },
	  { IC_NO_COMMON, false, { 0, 0 }, { { 0, 0 }, { 0, 0 } }, false } },
	{ "by equality: a lower minor too",
	  { LIST({ 3, 0 }), LIST({ 3, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = LIST({ 3, 1 }) },
	  { IC_NO_COMMON, false, { 0, 0 }, { { 0, 0 }, { 0, 0 } }, false } },
	{ "no common framework",
	  { LIST({ 2, 0 }), LIST({ 4, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME },
	  { IC_NO_COMMON, false, { 0, 0 }, { { 0, 0 }, { 0, 0 } }, false } },
	{ "no common message version",
	  { LIST({ 3, 0 }), LIST({ 5, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME },
	  { IC_NO_COMMON, false, { 0, 0 }, { { 0, 0 }, { 0, 0 } }, false } },
	{ "the lists are not mixed up",
	  { LIST({ 4, 0 }), LIST({ 3, 0 }) },
	  { .framework = LIST({ 3, 0 }), .message = LIST({ 4, 0 }) },
	  { IC_NO_COMMON, false, { 0, 0 }, { { 0, 0 }, { 0, 0 } }, false } },
	{ "empty lists",
	  { NONE, NONE },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME },
	  { IC_NO_COMMON, false, { 0, 0 }, { { 0, 0 }, { 0, 0 } }, false } },
	{ "an empty message list",
	  { LIST({ 3, 0 }), NONE },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME },
	  { IC_NO_COMMON, false, { 0, 0 }, { { 0, 0 }, { 0, 0 } }, false } },
	{ "a component that admits to nothing",
	  { LIST({ 3, 0 }), LIST({ 4, 0 }) },
	  { .framework = NONE, .message = NONE },
	  { IC_NO_COMMON, false, { 0, 0 }, { { 0, 0 }, { 0, 0 } }, false } },
	{ "0.0 is offered and admitted to",
	  { LIST({ 0, 0 }), LIST({ 0, 0 }) },
	  { .framework = LIST({ 0, 0 }), .message = LIST({ 0, 0 }) },
	  { IC_AGREED, false, { 1, 1 }, { { 0, 0 }, { 0, 0 } }, false } },
	{ "nothing in common: silent",
	  { LIST({ 3, 0 }), LIST({ 5, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME, .no_match = IC_NO_MATCH_SILENT },
	  { IC_NO_COMMON, true, { 0, 0 }, { { 0, 0 }, { 0, 0 } }, false } },
	{ "nothing in common: own newest",
	  { LIST({ 3, 0 }), LIST({ 5, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME, .no_match = IC_NO_MATCH_OWN_NEWEST },
	  { IC_FORCED, false, { 1, 1 }, { { 3, 0 }, { 4, 0 } }, true } },
	{ "nothing in common: own newest, of nothing",
	  { LIST({ 3, 0 }), LIST({ 5, 0 }) },
	  { .no_match = IC_NO_MATCH_OWN_NEWEST },
	  { IC_FORCED, false, { 1, 1 }, { { 0, 0 }, { 0, 0 } }, true } },
	{ "nothing in common: version zero",
	  { LIST({ 3, 0 }), LIST({ 5, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME, .no_match = IC_NO_MATCH_VERSION_ZERO },
	  { IC_FORCED, false, { 1, 1 }, { { 0, 0 }, { 0, 0 } }, true } },
	{ "something in common: what to do without it does not matter",
	  { LIST({ 3, 0 }), LIST({ 4, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME, .no_match = IC_NO_MATCH_SILENT },
	  { IC_AGREED, false, { 1, 1 }, { { 3, 0 }, { 4, 0 } }, false } },
	{ "raw answer, not offered",
	  { LIST({ 3, 0 }), LIST({ 4, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME,
	    .raw = { .has_answer = true, .answer = { { 9, 9 }, { 7, 7 } } } },
	  { IC_FORCED, false, { 1, 1 }, { { 9, 9 }, { 7, 7 } }, true } },
	{ "raw answer, only its framework offered",
	  { LIST({ 3, 0 }), LIST({ 4, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME,
	    .raw = { .has_answer = true, .answer = { { 3, 0 }, { 7, 7 } } } },
	  { IC_FORCED, false, { 1, 1 }, { { 3, 0 }, { 7, 7 } }, true } },
	{ "raw answer, only its message version offered",
	  { LIST({ 3, 0 }), LIST({ 4, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME,
	    .raw = { .has_answer = true, .answer = { { 9, 9 }, { 4, 0 } } } },
	  { IC_FORCED, false, { 1, 1 }, { { 9, 9 }, { 4, 0 } }, true } },
	{ "raw answer that was offered but is not admitted to",
	  { LIST({ 3, 0 }, { 5, 0 }), LIST({ 4, 0 }, { 8, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME,
	    .raw = { .has_answer = true, .answer = { { 5, 0 }, { 8, 0 } } } },
	  { IC_FORCED, false, { 1, 1 }, { { 5, 0 }, { 8, 0 } }, false } },
	{ "raw answer although nothing matches and the guest would be silent",
	  { LIST({ 3, 0 }), LIST({ 5, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME, .no_match = IC_NO_MATCH_SILENT,
	    .raw = { .has_answer = true, .answer = { { 3, 0 }, { 5, 0 } } } },
	  { IC_FORCED, false, { 1, 1 }, { { 3, 0 }, { 5, 0 } }, false } },
	{ "raw counts beside what was agreed",
	  { LIST({ 3, 0 }), LIST({ 4, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME,
	    .raw = { .has_counts = true, .counts = { 2, 0 } } },
	  { IC_FORCED, false, { 2, 0 }, { { 3, 0 }, { 4, 0 } }, false } },
	{ "raw counts beside a raw answer",
	  { LIST({ 3, 0 }), LIST({ 4, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME,
	    .raw = { .has_answer = true, .has_counts = true, .answer = { { 9, 9 }, { 7, 7 } },
		     .counts = { 0xffff, 5 } } },
	  { IC_FORCED, false, { 0xffff, 5 }, { { 9, 9 }, { 7, 7 } }, true } },
	{ "raw counts break the silence",
	  { LIST({ 3, 0 }), LIST({ 5, 0 }) },
	  { .framework = OURS_FRAMEWORK, .message = OURS_TIME, .no_match = IC_NO_MATCH_SILENT,
	    .raw = { .has_counts = true, .counts = { 0, 1 } } },
	  { IC_FORCED, false, { 0, 1 }, { { 0, 0 }, { 0, 0 } }, true } },
};

static bool answers_equal(const struct ic_answer *a, const struct ic_answer *b)
{
	return a->outcome == b->outcome && a->silent == b->silent && a->counts[0] == b->counts[0] &&
	       a->counts[1] == b->counts[1] &&
	       ic_version_equal(a->pair.framework, b->pair.framework) &&
	       ic_version_equal(a->pair.message, b->pair.message) && a->unoffered == b->unoffered;
}

static void each_offer_gets_its_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(decisions); i++) {
		struct ic_answer a = negotiate_decide(&decisions[i].offer, &decisions[i].policy);

		if (!answers_equal(&a, &decisions[i].expected))
			fail_msg("%s: outcome %d, silent %d, counts %u,%u, %u.%u/%u.%u, unoffered %d",
				 decisions[i].name, a.outcome, a.silent, a.counts[0], a.counts[1],
				 a.pair.framework.major, a.pair.framework.minor, a.pair.message.major,
				 a.pair.message.minor, a.unoffered);
	}
}

static void the_last_of_a_hundred_is_found(void **state)
{
	static const struct ic_policy policy = { .framework = LIST({ 3, 0 }), .message = LIST({ 4, 0 }) };
	static struct ic_offer offer = { .framework = { .n = 100 }, .message = { .n = 100 } };
	struct ic_answer a;

	(void)state;
	offer.framework.v[99] = (struct ic_version){ 3, 0 };
	offer.message.v[99] = (struct ic_version){ 4, 0 };
	a = negotiate_decide(&offer, &policy);
	assert_int_equal(a.outcome, IC_AGREED);

	/* What is behind the list is not in it. */
	offer.message.n = 99;
	a = negotiate_decide(&offer, &policy);
	assert_int_equal(a.outcome, IC_NO_COMMON);
}

static void the_last_admitted_version_is_found(void **state)
{
	static const struct ic_offer offer = { LIST({ 3, 0 }), LIST({ 8, 0 }) };
	static struct ic_policy policy = {
		.framework = LIST({ 3, 0 }),
		.message = { .n = IC_ADMITTED_MAX },
	};
	struct ic_answer a;

	(void)state;
	policy.message.v[IC_ADMITTED_MAX - 1] = (struct ic_version){ 8, 0 };
	a = negotiate_decide(&offer, &policy);
	assert_int_equal(a.outcome, IC_AGREED);
	assert_int_equal(a.pair.message.major, 8);

	policy.message.n--;
	a = negotiate_decide(&offer, &policy);
	assert_int_equal(a.outcome, IC_NO_COMMON);
}

/* --- writing --- */

static void an_answer_is_sixteen_bytes(void **state)
{
	static const struct ic_answer answer = {
		.counts = { 0x0201, 0x0403 },
		.pair = { { 0x0605, 0x0807 }, { 0x0a09, 0x0c0b } },
	};
	static const uint8_t expected[] = { 1, 2, 3, 4, 0, 0, 0, 0, 5, 6, 7, 8, 9, 10, 11, 12 };
	_cleanup_(guard_done) struct guard g = guard_new(sizeof(expected));
	struct wr w = { .p = g.p, .left = g.len };

	(void)state;
	memset(g.p, 0xee, g.len);
	negotiate_write(&answer, &w);
	assert_int_equal(wr_result(&w), 0);
	assert_int_equal(w.left, 0);
	assert_memory_equal(g.p, expected, sizeof(expected));
}

static void versions_are_compared_major_first(void **state)
{
	static const struct {
		struct ic_version a, b;
		bool reaches;
	} rows[] = {
		{ { 3, 0 }, { 3, 0 }, true }, { { 3, 1 }, { 3, 0 }, true },  { { 3, 0 }, { 3, 1 }, false },
		{ { 4, 0 }, { 3, 9 }, true }, { { 3, 9 }, { 4, 0 }, false }, { { 0, 0 }, { 0, 0 }, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(ic_version_reaches(rows[i].a, rows[i].b), rows[i].reaches);
	assert_true(ic_version_equal((struct ic_version){ 3, 1 }, (struct ic_version){ 3, 1 }));
	assert_false(ic_version_equal((struct ic_version){ 3, 1 }, (struct ic_version){ 3, 0 }));
	assert_false(ic_version_equal((struct ic_version){ 3, 1 }, (struct ic_version){ 1, 1 }));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_unequal_length_are_told_apart),
		cmocka_unit_test(every_prefix_of_an_offer_is_refused),
		cmocka_unit_test(up_to_a_hundred_versions_are_read_in_their_order),
		cmocka_unit_test(counts_beyond_the_packet_are_refused),
		cmocka_unit_test(what_follows_the_lists_is_not_looked_at),
		cmocka_unit_test(each_offer_gets_its_answer),
		cmocka_unit_test(the_last_of_a_hundred_is_found),
		cmocka_unit_test(the_last_admitted_version_is_found),
		cmocka_unit_test(an_answer_is_sixteen_bytes),
		cmocka_unit_test(versions_are_compared_major_first),
	};

	return cmocka_run_group_tests_name("negotiate", tests, NULL, NULL);
}
