/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's side of VMBus: what it answers to a good guest, and what to every other. */
#include <errno.h>
#include <stdio.h>

#include "tests/host/kvm/vmbus.h"
#include "tests/host/link.h"
#include "tests/unit/harness.h"

#define SENT_MAX 600

struct fixture {
	struct vmbus vmbus;
	unsigned sent, first; /* messages in, and the next one that a test has not looked at */
	struct {
		uint8_t bytes[VMBUS_MESSAGE_MAX];
		size_t len;
		int started;
	} message[SENT_MAX];
	unsigned joined, left, opened, closed, released, discarded, violations, moved;
	uint32_t processor;
	size_t pages;
	int open_result;
	int violated_component;
	char sentence[200];
};

static void on_send(void *user, const uint8_t *message, size_t len, int started)
{
	struct fixture *f = user;

	assert_true(f->sent < SENT_MAX && len >= 8 && len <= VMBUS_MESSAGE_MAX);
	memcpy(f->message[f->sent].bytes, message, len);
	f->message[f->sent].len = len;
	f->message[f->sent++].started = started;
}

static void on_discard(void *user)
{
	((struct fixture *)user)->discarded++;
}

/* As the session does it. */
static void on_joined(void *user)
{
	struct fixture *f = user;

	f->joined++;
	for (int c = 0; c < COMPONENT_MAX; c++)
		assert_true(vmbus_offer(&f->vmbus, (enum component)c) > 0);
	assert_int_equal(vmbus_offers_done(&f->vmbus), 0);
}

static void on_left(void *user)
{
	((struct fixture *)user)->left++;
}

static int on_open(void *user, enum component c, const struct gpadl *rings, uint32_t processor,
		   const char **why)
{
	struct fixture *f = user;

	(void)c;
	*why = "the test says so";
	f->opened += f->open_result == 0;
	f->processor = processor;
	f->pages = rings->n;
	return f->open_result;
}

static void on_target(void *user, enum component c, uint32_t processor)
{
	struct fixture *f = user;

	(void)c;
	f->moved++;
	f->processor = processor;
}

static void on_close(void *user, enum component c)
{
	(void)c;
	((struct fixture *)user)->closed++;
}

static void on_released(void *user, enum component c)
{
	(void)c;
	((struct fixture *)user)->released++;
}

static void on_violated(void *user, int component, const char *sentence)
{
	struct fixture *f = user;

	f->violations++;
	f->violated_component = component;
	(void)snprintf(f->sentence, sizeof(f->sentence), "%s", sentence);
}

static const struct vmbus_ops ops = {
	.send = on_send,
	.discard = on_discard,
	.joined = on_joined,
	.left = on_left,
	.open = on_open,
	.target = on_target,
	.close = on_close,
	.released = on_released,
	.violated = on_violated,
};

static uint32_t get(const struct fixture *f, unsigned message, size_t at)
{
	const uint8_t *p = f->message[message].bytes + at;

	assert_true(message < f->sent && at + 4 <= f->message[message].len);
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The guest's message as 32-bit words behind type and padding; it ends at a guard page. */
static void post(struct fixture *f, uint32_t type, const uint32_t *word, size_t n)
{
	struct guard g = guard_new(8 + 4 * n);

	memset(g.p, 0, 8);
	g.p[0] = (uint8_t)type;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < 4; k++)
			g.p[8 + 4 * i + k] = (uint8_t)(word[i] >> 8 * k);
	vmbus_take(&f->vmbus, g.p, g.len);
	guard_done(&g);
}

#define POST(f, type, ...)                                              \
	post(f, type, (const uint32_t[]){ __VA_ARGS__ },                \
	     sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

/* The next message that was sent has this type, and is the only new one. */
static unsigned expect_one(struct fixture *f, uint32_t type)
{
	assert_int_equal(f->sent, f->first + 1);
	assert_int_equal(get(f, f->first, 0), type);
	return f->first++;
}

static void expect_none(const struct fixture *f)
{
	assert_int_equal(f->sent, f->first);
}

static void expect_violation(struct fixture *f, const char *part)
{
	assert_int_equal(f->violations, 1);
	if (!strstr(f->sentence, part))
		fail_msg("\"%s\" is not in \"%s\"", part, f->sentence);
	f->violations = 0;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	vmbus_init(&f->vmbus, VMBUS_VERSION(5, 2), 2, &ops, f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	vmbus_disconnect(&f->vmbus);
	free(f);
	return 0;
}

static void contact(struct fixture *f, uint32_t version, uint32_t processor)
{
	POST(f, 14, version, processor, 2, 0, 0, 0, 0, 0);
}

#define HEARTBEAT_RELID(f) ((f)->vmbus.channel[COMPONENT_HEARTBEAT].relid)

/* A list of n pages, all in one message. */
static void announce(struct fixture *f, uint32_t relid, uint32_t id, uint32_t n)
{
	uint32_t word[5 + 2 * 26] = { relid, id, (8 + 8 * n) | 1u << 16, n * 4096, 0 };

	for (uint32_t i = 0; i < n; i++)
		word[5 + 2 * i] = 1000 + i;
	post(f, 8, word, 5 + 2 * n);
}

static void open_heartbeat(struct fixture *f)
{
	announce(f, HEARTBEAT_RELID(f), 0xe1e10, 8);
	assert_int_equal(get(f, expect_one(f, 10), 16), 0);
	POST(f, 5, HEARTBEAT_RELID(f), 7, 0xe1e10, 1, 4);
	assert_int_equal(get(f, expect_one(f, 6), 16), 0);
}

/* The offers are looked at. */
static void join(struct fixture *f)
{
	post(f, 3, NULL, 0);
	f->first = f->sent;
}

static void connect_and_join(struct fixture *f)
{
	contact(f, VMBUS_VERSION(5, 2), 0);
	(void)expect_one(f, 15);
	join(f);
}

/* --- the connection --- */

static void versions_up_to_the_hosts_are_agreed(void **state)
{
	static const struct {
		uint32_t version;
		bool supported;
	} tries[] = {
		{ VMBUS_VERSION(6, 0), false }, { VMBUS_VERSION(5, 3), false },
		{ VMBUS_VERSION(5, 2), true },  { VMBUS_VERSION(5, 0), true },
		{ VMBUS_VERSION(4, 1), true },  { VMBUS_VERSION(3, 0), true },
		{ VMBUS_VERSION(2, 4), true },  { VMBUS_VERSION(0, 13), true },
		{ VMBUS_VERSION(3, 7), false }, { 0, false },
		{ UINT32_MAX, false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		unsigned m;

		contact(f, tries[i].version, 0);
		m = expect_one(f, 15);
		assert_int_equal(f->message[m].len, 16);
		assert_int_equal(get(f, m, 8) & 0xff, tries[i].supported);
		assert_int_equal(get(f, m, 12), 1);
		assert_int_equal(f->vmbus.version, tries[i].supported ? tries[i].version : 0);
	}
}

static void a_processor_that_is_not_there_gets_no_answer(void **state)
{
	struct fixture *f = *state;

	contact(f, VMBUS_VERSION(5, 2), 2);
	expect_none(f);
	expect_violation(f, "processor 2");
	contact(f, VMBUS_VERSION(5, 2), 1);
	(void)expect_one(f, 15);
	assert_int_equal(f->vmbus.processor, 1);
}

static void nothing_goes_without_a_connection(void **state)
{
	struct fixture *f = *state;

	for (uint32_t type = 0; type < 40; type++) {
		uint32_t word[30] = { 0 };

		if (type == 14 || type == 16 || type == 13)
			continue;
		post(f, type, word, ARRAY_LEN(word));
		expect_none(f);
		expect_violation(f, "the guest sent");
	}
	assert_int_equal(vmbus_offer(&f->vmbus, COMPONENT_KVP), -ENOTCONN);
	assert_int_equal(vmbus_offers_done(&f->vmbus), -ENOTCONN);
	assert_int_equal(vmbus_rescind(&f->vmbus, COMPONENT_KVP), -ENOENT);
}

static void the_offer_is_golden(void **state)
{
	/* Heartbeat's class 57164f39-... and instance fd149e91-..., Linux hyperv.h; a message pipe
	 * with an interrupt of its own and no monitor page. */
	static const uint8_t ids[32] = {
		0x39, 0x4f, 0x16, 0x57, 0x15, 0x91, 0x78, 0x4e, 0xab, 0x55, 0x38,
		0x2f, 0x3b, 0xd5, 0x42, 0x2d, 0x91, 0x9e, 0x14, 0xfd, 0xe0, 0x82,
		0x7d, 0x4a, 0xaf, 0xa6, 0x2a, 0x41, 0x66, 0xcb, 0xd7, 0xc0,
	};
	struct fixture *f = *state;
	unsigned m = 1 + COMPONENT_HEARTBEAT;

	connect_and_join(f);
	assert_int_equal(f->sent, 1 + COMPONENT_MAX + 1);
	assert_int_equal(f->message[m].len, 196);
	assert_int_equal(get(f, m, 0), 1);
	assert_memory_equal(f->message[m].bytes + 8, ids, sizeof(ids));
	for (size_t at = 40; at < 196; at += 4) {
		uint32_t want = at == 56 ? 0x11 : at == 60 ? 4 : at == 184 ? 2 : 0;

		if (at == 188)
			want = 1u << 16;
		if (at == 192)
			want = 0x2000 + 2;
		assert_int_equal(get(f, m, at), want);
	}
	assert_int_equal(get(f, f->sent - 1, 0), 4);
	assert_int_equal(f->message[f->sent - 1].len, 8);
}

static void offers_are_asked_for_once(void **state)
{
	struct fixture *f = *state;

	connect_and_join(f);
	post(f, 3, NULL, 0);
	(void)expect_one(f, 4);
	expect_violation(f, "twice");
	assert_int_equal(f->joined, 1);
	assert_int_equal(vmbus_offer(&f->vmbus, COMPONENT_VSS), -EBUSY);
}

/* A kernel that crashed, or another one after it: no farewell. */
static void a_new_contact_begins_anew(void **state)
{
	struct fixture *f = *state;

	connect_and_join(f);
	open_heartbeat(f);
	contact(f, VMBUS_VERSION(5, 2), 0);
	(void)expect_one(f, 15);
	assert_int_equal(f->left, 1);
	assert_int_equal(f->discarded, 2);
	assert_null(gpadl_find(&f->vmbus.gpadls, 0xe1e10));
	join(f);
	assert_int_equal(f->joined, 2);
	open_heartbeat(f);
	assert_int_equal(f->violations, 0);
}

static void an_unload_is_answered_and_followed_by_releases(void **state)
{
	struct fixture *f = *state;

	connect_and_join(f);
	open_heartbeat(f);
	post(f, 16, NULL, 0);
	assert_int_equal(f->message[expect_one(f, 17)].len, 8);
	assert_int_equal(f->left, 1);
	for (uint32_t relid = 1; relid <= COMPONENT_MAX; relid++)
		POST(f, 13, relid);
	expect_none(f);
	assert_int_equal(f->violations, 0);
	post(f, 16, NULL, 0); /* from a kernel that was never connected */
	(void)expect_one(f, 17);
	assert_int_equal(f->left, 1);
}

/* --- channels --- */

static void a_channel_opens_and_closes(void **state)
{
	struct fixture *f = *state;
	unsigned m;

	connect_and_join(f);
	open_heartbeat(f);
	m = f->first - 1;
	assert_int_equal(get(f, m, 8), HEARTBEAT_RELID(f));
	assert_int_equal(get(f, m, 12), 7);
	assert_int_equal(f->message[m].started, COMPONENT_HEARTBEAT);
	assert_int_equal(f->opened, 1);
	assert_int_equal(f->processor, 1);
	assert_int_equal(f->pages, 8);
	POST(f, 7, HEARTBEAT_RELID(f));
	expect_none(f);
	assert_int_equal(f->closed, 1);
	POST(f, 11, HEARTBEAT_RELID(f), 0xe1e10);
	assert_int_equal(get(f, expect_one(f, 12), 8), 0xe1e10);
	open_heartbeat(f);
	assert_int_equal(f->violations, 0);
}

static void openings_that_cannot_be_are_answered_with_a_failure(void **state)
{
	static const struct {
		uint32_t relid, rings, processor, downstream;
		const char *why;
	} bad[] = {
		{ 2, 0xe1e11, 0, 4, "no list" },
		{ 2, 0xe1e12, 0, 4, "no list" },       /* of another channel */
		{ 2, 0xe1e13, 0, 4, "no list" },       /* not complete */
		{ 2, 0xe1e10, 0, 0, "one size" },
		{ 2, 0xe1e10, 0, 1, "one size" },
		{ 2, 0xe1e10, 0, 3, "one size" },
		{ 2, 0xe1e10, 0, 8, "one size" },
		{ 2, 0xe1e10, 0, 0x80000004, "one size" },
		{ 2, 0xe1e14, 0, 1, "one size" },      /* two header pages and no data */
		{ 2, 0xe1e10, 2, 4, "processor" },
		{ 2, 0xe1e10, 0xfffffffe, 4, "processor" },
		{ 77, 0xe1e10, 0, 4, "not offered" },
		{ 0, 0xe1e10, 0, 4, "not offered" },
	};
	struct fixture *f = *state;

	connect_and_join(f);
	announce(f, 2, 0xe1e10, 8);
	announce(f, 3, 0xe1e12, 8);
	announce(f, 2, 0xe1e14, 2);
	POST(f, 8, 2, 0xe1e13, (8 + 8 * 8) | 1u << 16, 8 * 4096, 0, 1, 0);
	f->first = f->sent;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		unsigned m;

		POST(f, 5, bad[i].relid, 9, bad[i].rings, bad[i].processor, bad[i].downstream);
		m = expect_one(f, 6);
		assert_int_equal(get(f, m, 8), bad[i].relid);
		assert_int_equal(get(f, m, 12), 9);
		assert_int_not_equal(get(f, m, 16), 0);
		assert_int_equal(f->message[m].started, LINK_NO_COMPONENT);
		expect_violation(f, bad[i].why);
	}
	assert_int_equal(f->opened, 0);
	f->open_result = -EFAULT;
	POST(f, 5, 2, 9, 0xe1e10, 0, 4);
	assert_int_not_equal(get(f, expect_one(f, 6), 16), 0);
	expect_violation(f, "the test says so");
	f->open_result = 0;
	POST(f, 5, 2, 9, 0xe1e10, UINT32_MAX, 4); /* without interrupts */
	assert_int_equal(get(f, expect_one(f, 6), 16), 0);
	POST(f, 5, 2, 9, 0xe1e10, 0, 4);
	assert_int_not_equal(get(f, expect_one(f, 6), 16), 0);
	expect_violation(f, "open");
	assert_int_equal(f->opened, 1);
}

static void what_is_not_open_cannot_be_closed(void **state)
{
	struct fixture *f = *state;

	connect_and_join(f);
	POST(f, 7, 2);
	expect_violation(f, "which is closed");
	POST(f, 7, 99);
	expect_violation(f, "which is not offered");
	POST(f, 13, 2);
	expect_violation(f, "which is closed");
	expect_none(f);
	assert_int_equal(f->closed + f->released, 0);
}

static void pages_of_an_open_channel_taken_back_close_it(void **state)
{
	struct fixture *f = *state;

	connect_and_join(f);
	open_heartbeat(f);
	POST(f, 11, 2, 0xe1e10);
	(void)expect_one(f, 12);
	expect_violation(f, "took back");
	assert_int_equal(f->closed, 1);
}

/* The guest waits for it without an end, so it comes whatever is wrong. */
static void a_teardown_is_always_answered(void **state)
{
	struct fixture *f = *state;

	connect_and_join(f);
	POST(f, 11, 99, 12345);
	assert_int_equal(get(f, expect_one(f, 12), 8), 12345);
}

static void bad_lists_are_answered_with_a_failure(void **state)
{
	struct fixture *f = *state;

	connect_and_join(f);
	announce(f, 77, 1, 8);
	assert_int_not_equal(get(f, expect_one(f, 10), 16), 0);
	expect_violation(f, "not offered");
	POST(f, 8, 2, 5, 8 | 1u << 16, 0, 0);
	assert_int_not_equal(get(f, expect_one(f, 10), 16), 0);
	expect_violation(f, "page numbers");
	POST(f, 9, 0, 4711, 1, 0);
	assert_int_equal(get(f, f->first, 12), 4711);
	assert_int_not_equal(get(f, expect_one(f, 10), 16), 0);
	expect_violation(f, "no header");
}

static void a_rescind_waits_for_the_release(void **state)
{
	struct fixture *f = *state;
	uint32_t relid;

	connect_and_join(f);
	open_heartbeat(f);
	relid = HEARTBEAT_RELID(f);
	assert_int_equal(vmbus_rescind(&f->vmbus, COMPONENT_HEARTBEAT), 0);
	assert_int_equal(get(f, expect_one(f, 2), 8), relid);
	assert_int_equal(vmbus_rescind(&f->vmbus, COMPONENT_HEARTBEAT), -ENOENT);
	assert_int_equal(vmbus_offer(&f->vmbus, COMPONENT_HEARTBEAT), -EBUSY);
	/* What was on its way is neither wrong nor waited for. */
	POST(f, 5, relid, 1, 0xe1e10, 0, 4);
	POST(f, 7, relid);
	expect_none(f);
	POST(f, 11, relid, 0xe1e10);
	(void)expect_one(f, 12);
	POST(f, 13, relid);
	assert_int_equal(f->released, 1);
	assert_int_equal(f->closed, 0);
	assert_int_equal(f->violations, 0);
	assert_int_equal(vmbus_offer(&f->vmbus, COMPONENT_HEARTBEAT), COMPONENT_MAX + 1);
}

/* 2047 of them at most, and never one that another channel has. */
static void relids_are_used_again_but_never_twice(void **state)
{
	struct fixture *f = *state;

	connect_and_join(f);
	for (unsigned i = 0; i < 3 * VMBUS_RELID_MAX; i++) {
		uint32_t relid = HEARTBEAT_RELID(f);

		assert_int_equal(vmbus_rescind(&f->vmbus, COMPONENT_HEARTBEAT), 0);
		POST(f, 13, relid);
		assert_true(vmbus_offer(&f->vmbus, COMPONENT_HEARTBEAT) > 0);
		assert_in_range(HEARTBEAT_RELID(f), 1, VMBUS_RELID_MAX);
		for (int c = 0; c < COMPONENT_MAX; c++)
			assert_true(c == COMPONENT_HEARTBEAT ||
				    f->vmbus.channel[c].relid != HEARTBEAT_RELID(f));
		f->sent = f->first;
	}
}

static void a_channel_moves_between_processors(void **state)
{
	struct fixture *f = *state;

	vmbus_disconnect(&f->vmbus);
	vmbus_init(&f->vmbus, VMBUS_VERSION(5, 3), 2, &ops, f);
	contact(f, VMBUS_VERSION(5, 3), 0);
	(void)expect_one(f, 15);
	join(f);
	POST(f, 22, 2, 0);
	assert_int_not_equal(get(f, expect_one(f, 24), 12), 0);
	expect_violation(f, "which is closed");
	open_heartbeat(f);
	POST(f, 22, 2, 0);
	assert_int_equal(get(f, expect_one(f, 24), 12), 0);
	assert_int_equal(f->moved, 1);
	assert_int_equal(f->processor, 0);
	POST(f, 22, 2, 2);
	assert_int_not_equal(get(f, expect_one(f, 24), 12), 0);
	expect_violation(f, "processor 2");
}

/* Before 5.3 the guest does not wait for an answer. */
static void a_move_is_not_answered_before_5_3(void **state)
{
	struct fixture *f = *state;

	connect_and_join(f);
	open_heartbeat(f);
	POST(f, 22, 2, 0);
	expect_none(f);
	assert_int_equal(f->moved, 1);
}

/* --- every message, cut everywhere --- */

static void short_messages_do_nothing(void **state)
{
	static const struct {
		uint32_t type;
		size_t size;
	} sizes[] = { { 14, 40 }, { 8, 28 }, { 9, 16 }, { 11, 16 }, { 5, 28 }, { 7, 12 }, { 13, 12 },
		      { 22, 16 } };
	struct fixture *f = *state;

	connect_and_join(f);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		for (size_t len = 4; len < sizes[i].size; len++) {
			struct guard g = guard_new(len);

			memset(g.p, 0, len);
			g.p[0] = (uint8_t)sizes[i].type;
			vmbus_take(&f->vmbus, g.p, len);
			guard_done(&g);
			expect_none(f);
			expect_violation(f, "bytes, not");
		}
	for (size_t len = 0; len < 4; len++) {
		static const uint8_t bytes[4] = { 14 };

		vmbus_take(&f->vmbus, bytes, len);
		expect_none(f);
		expect_violation(f, "unknown type 0");
	}
	assert_int_equal(f->joined, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(versions_up_to_the_hosts_are_agreed),
		TEST(a_processor_that_is_not_there_gets_no_answer),
		TEST(nothing_goes_without_a_connection),
		TEST(the_offer_is_golden),
		TEST(offers_are_asked_for_once),
		TEST(a_new_contact_begins_anew),
		TEST(an_unload_is_answered_and_followed_by_releases),
		TEST(a_channel_opens_and_closes),
		TEST(openings_that_cannot_be_are_answered_with_a_failure),
		TEST(what_is_not_open_cannot_be_closed),
		TEST(pages_of_an_open_channel_taken_back_close_it),
		TEST(a_teardown_is_always_answered),
		TEST(bad_lists_are_answered_with_a_failure),
		TEST(a_rescind_waits_for_the_release),
		TEST(relids_are_used_again_but_never_twice),
		TEST(a_channel_moves_between_processors),
		TEST(a_move_is_not_answered_before_5_3),
		TEST(short_messages_do_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
