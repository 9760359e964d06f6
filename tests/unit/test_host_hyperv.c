/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls and the synthetic interrupt controller over a guest's memory, without KVM. */
#include <errno.h>

#include "tests/host/kvm/hypercall.h"
#include "tests/host/kvm/synic.h"
#include "tests/host/kvm/vmbus_wire.h"
#include "tests/unit/harness.h"

#define PAGES 8
#define SIZE ((uint64_t)PAGES * GUEST_PAGE_SIZE)

struct fixture {
	struct guest_memory memory;
	unsigned posted, signalled;
	uint32_t connection;
	size_t len;
	uint8_t message[VMBUS_MESSAGE_MAX];
	enum hypercall_status answer;
};

static enum hypercall_status on_post(void *user, uint32_t connection, const uint8_t *message,
				     size_t len)
{
	struct fixture *f = user;

	assert_true(len <= sizeof(f->message));
	f->posted++;
	f->connection = connection;
	f->len = len;
	memcpy(f->message, message, len);
	return f->answer;
}

static enum hypercall_status on_signal(void *user, uint32_t connection)
{
	struct fixture *f = user;

	f->signalled++;
	f->connection = connection;
	return f->answer;
}

static const struct hypercall_ops ops = { .post = on_post, .signal = on_signal };

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(guest_memory_new(&f->memory, SIZE), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	guest_memory_done(&f->memory);
	free(f);
	return 0;
}

static enum hypercall_status call(struct fixture *f, uint64_t input, uint64_t first)
{
	const struct hypercall c = { .input = input, .parameter = { first, 0 } };

	return hypercall_do(&c, &f->memory, &ops, f);
}

static void put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* HvPostMessage's input at an address; what would lie outside is not written. */
static void put_post(struct fixture *f, uint64_t at, uint32_t connection, uint32_t type,
		     uint32_t len)
{
	const uint32_t word[4] = { connection, 0, type, len };

	for (size_t i = 0; i < 4; i++) {
		uint8_t *p = guest_memory_at(&f->memory, at + 4 * i, 4);

		if (p)
			put_u32(p, word[i]);
	}
	for (uint64_t i = 0; i < 240 && at + 16 + i < SIZE; i++)
		f->memory.base[at + 16 + i] = (uint8_t)i;
}

#define FAST (UINT64_C(1) << 16)

static void a_message_is_posted(void **state)
{
	struct fixture *f = *state;

	put_post(f, 0x2000, 4, 1, 40);
	assert_int_equal(call(f, 0x5c, 0x2000), 0);
	assert_int_equal(f->posted, 1);
	assert_int_equal(f->connection, 4);
	assert_int_equal(f->len, 40);
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(f->message[i], i);
	f->answer = HYPERCALL_INSUFFICIENT_BUFFERS;
	assert_int_equal(call(f, 0x5c, 0x2000), 19);
}

static void bad_messages_are_refused(void **state)
{
	static const struct {
		uint64_t input, at;
		uint32_t type, len;
		enum hypercall_status status;
	} bad[] = {
		{ 0x5c, 0x2004, 1, 8, HYPERCALL_INVALID_ALIGNMENT },
		{ 0x5c, SIZE, 1, 8, HYPERCALL_INVALID_PARAMETER },
		{ 0x5c, SIZE - 8, 1, 8, HYPERCALL_INVALID_PARAMETER },
		{ 0x5c, SIZE - 16, 1, 8, HYPERCALL_INVALID_PARAMETER },
		{ 0x5c, 0xfffffffffffffff8, 1, 8, HYPERCALL_INVALID_PARAMETER },
		{ 0x5c, 0x2ff8, 1, 8, HYPERCALL_INVALID_PARAMETER }, /* crosses a page */
		{ 0x5c, 0x2fe0, 1, 24, HYPERCALL_INVALID_PARAMETER },
		{ 0x5c, 0x2000, 1, 241, HYPERCALL_INVALID_PARAMETER },
		{ 0x5c, 0x2000, 1, UINT32_MAX, HYPERCALL_INVALID_PARAMETER },
		{ 0x5c, 0x2000, 0, 8, HYPERCALL_INVALID_PARAMETER },
		{ 0x5c | FAST, 0x2000, 1, 8, HYPERCALL_INVALID_INPUT },
		{ 0x5c | UINT64_C(1) << 17, 0x2000, 1, 8, HYPERCALL_INVALID_INPUT },
		{ 0x5c | UINT64_C(1) << 32, 0x2000, 1, 8, HYPERCALL_INVALID_INPUT },
		{ 0x5c | UINT64_C(1) << 63, 0x2000, 1, 8, HYPERCALL_INVALID_INPUT },
		{ 0x5b, 0x2000, 1, 8, HYPERCALL_INVALID_CODE },
		{ 0x8001, 0x2000, 1, 8, HYPERCALL_INVALID_CODE },
		{ 0, 0x2000, 1, 8, HYPERCALL_INVALID_CODE },
		{ UINT64_MAX, 0x2000, 1, 8, HYPERCALL_INVALID_CODE },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		put_post(f, bad[i].at, 1, bad[i].type, bad[i].len);
		if (call(f, bad[i].input, bad[i].at) != bad[i].status)
			fail_msg("row %zu", i);
	}
	assert_int_equal(f->posted + f->signalled, 0);
}

static void a_message_may_end_with_its_page(void **state)
{
	struct fixture *f = *state;

	put_post(f, SIZE - 24, 1, 1, 8);
	assert_int_equal(call(f, 0x5c, SIZE - 24), 0);
	assert_int_equal(f->len, 8);
}

static void signals_come_fast_and_slow(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(call(f, 0x5d | FAST, 0x2001), 0);
	assert_int_equal(f->connection, 0x2001);
	put_u32(f->memory.base + 0x3000, 0x2002);
	assert_int_equal(call(f, 0x5d, 0x3000), 0);
	assert_int_equal(f->connection, 0x2002);
	assert_int_equal(f->signalled, 2);
	assert_int_equal(call(f, 0x5d | FAST, 0x100002001), HYPERCALL_INVALID_PARAMETER);
	assert_int_equal(call(f, 0x5d, 0x3004), HYPERCALL_INVALID_ALIGNMENT);
	assert_int_equal(call(f, 0x5d, SIZE), HYPERCALL_INVALID_PARAMETER);
	f->answer = HYPERCALL_INVALID_CONNECTION;
	assert_int_equal(call(f, 0x5d | FAST, 0x2001), 18);
}

/* --- the synthetic interrupt controller --- */

#define MESSAGES 0x4000
#define EVENTS 0x5000
#define SLOT (MESSAGES + 0x200)
#define FLAGS (EVENTS + 0x200)

static const uint8_t hello[12] = { 15, 1, 2, 3 };

static void switch_on(struct fixture *f, struct synic *s)
{
	*s = (struct synic){ 0 };
	synic_set(s, &f->memory, 0, 0, MESSAGES | 1);
	synic_set(s, &f->memory, 0, EVENTS | 1, MESSAGES | 1);
	synic_set(s, &f->memory, 1, EVENTS | 1, MESSAGES | 1);
}

static void pages_are_emptied_when_they_are_switched_on(void **state)
{
	struct fixture *f = *state;
	struct synic s;

	memset(f->memory.base, 0x77, SIZE);
	switch_on(f, &s);
	for (size_t i = 0; i < SIZE; i++)
		assert_int_equal(f->memory.base[i],
				 i >= MESSAGES && i < EVENTS + GUEST_PAGE_SIZE ? 0 : 0x77);
	f->memory.base[SLOT] = 1;
	synic_set(&s, &f->memory, 1, EVENTS | 1, MESSAGES | 1); /* still on: untouched */
	assert_int_equal(f->memory.base[SLOT], 1);
}

static void one_message_lies_in_the_slot(void **state)
{
	struct fixture *f = *state;
	const uint8_t *slot = f->memory.base + SLOT;
	struct synic s;

	switch_on(f, &s);
	assert_int_equal(synic_post(&s, &f->memory, hello, sizeof(hello)), 1);
	assert_int_equal(slot[0], 1);
	assert_int_equal(slot[4], 16); /* rounded up: Linux wants whole structures */
	assert_int_equal(slot[5], 0);
	assert_memory_equal(slot + 16, hello, sizeof(hello));
	/* The second waits, and the guest is asked to say when it may come. */
	assert_int_equal(synic_post(&s, &f->memory, hello, sizeof(hello)), 0);
	assert_int_equal(slot[5], 1);
	put_u32(f->memory.base + SLOT, 0);
	assert_int_equal(synic_post(&s, &f->memory, hello, sizeof(hello)), 1);
	assert_int_equal(slot[5], 0);
}

static void nothing_is_written_where_no_page_is(void **state)
{
	static const struct synic off[] = {
		{ 0, EVENTS | 1, MESSAGES | 1 },                   /* all is off */
		{ 1, EVENTS, MESSAGES },                           /* the pages are */
		{ 1, SIZE | 1, SIZE | 1 },                         /* outside the memory */
		{ 1, 0xfffffffffffff001, 0xfffffffffffff001 },
	};
	struct fixture *f = *state;
	struct synic s = { 0 };

	memset(f->memory.base, 0x77, SIZE);
	for (size_t i = 0; i < ARRAY_LEN(off); i++) {
		assert_int_equal(synic_post(&off[i], &f->memory, hello, sizeof(hello)), -ENOTCONN);
		assert_int_equal(synic_flag(&off[i], &f->memory, 1), -ENOTCONN);
		synic_set(&s, &f->memory, off[i].control, off[i].events & ~(uint64_t)1,
			  off[i].messages & ~(uint64_t)1);
	}
	synic_set(&s, &f->memory, 1, SIZE | 1, 0xfffffffffffff001);
	for (size_t i = 0; i < SIZE; i++)
		assert_int_equal(f->memory.base[i], 0x77);
}

static void a_flag_is_raised_once(void **state)
{
	struct fixture *f = *state;
	struct synic s;

	switch_on(f, &s);
	assert_int_equal(synic_flag(&s, &f->memory, 1), 1);
	assert_int_equal(synic_flag(&s, &f->memory, 1), 0);
	assert_int_equal(synic_flag(&s, &f->memory, 2047), 1);
	assert_int_equal(synic_flag(&s, &f->memory, 2048), -EINVAL);
	assert_int_equal(synic_flag(&s, &f->memory, UINT32_MAX), -EINVAL);
	assert_int_equal(f->memory.base[FLAGS], 2);
	assert_int_equal(f->memory.base[FLAGS + 255], 0x80);
	f->memory.base[FLAGS] = 0;
	assert_int_equal(synic_flag(&s, &f->memory, 1), 1);
}

static void a_message_that_no_slot_holds_is_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t big[VMBUS_MESSAGE_MAX + 1] = { 0 };
	struct synic s;

	switch_on(f, &s);
	assert_int_equal(synic_post(&s, &f->memory, big, sizeof(big)), -EMSGSIZE);
	assert_int_equal(synic_post(&s, &f->memory, big, sizeof(big) - 1), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_message_is_posted),
		TEST(bad_messages_are_refused),
		TEST(a_message_may_end_with_its_page),
		TEST(signals_come_fast_and_slow),
		TEST(pages_are_emptied_when_they_are_switched_on),
		TEST(one_message_lies_in_the_slot),
		TEST(nothing_is_written_where_no_page_is),
		TEST(a_flag_is_raised_once),
		TEST(a_message_that_no_slot_holds_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
