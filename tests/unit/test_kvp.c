/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/kvp.h"

#include <errno.h>
#include <stdio.h>

#include "tests/unit/harness.h"

/* Operations, sizes and offsets of Linux hyperv.h (hv_kvp_msg), from the operation byte. */
enum { GET = 0, SET = 1, DELETE = 2, ENUMERATE = 3 };
#define GET_SIZE 2576
#define DELETE_SIZE 520
#define ENUMERATE_SIZE 2580
#define AT_TYPE 4
#define AT_KEY_SIZE 8
#define AT_VALUE_SIZE 12
#define AT_KEY 16
#define AT_VALUE 528
#define AT_DELETE_KEY_SIZE 4
#define AT_DELETE_KEY 8
#define AT_INDEX 4
#define BEHIND_INDEX 4 /* an enumeration's item lies so much further back */

/* --- what the daemon would do --- */

struct backend {
	unsigned calls;
	char op; /* 'g', 's', 'd', 'e' */
	int answer;
	unsigned pool;
	uint32_t index;
	struct kvp_record seen;	 /* what was asked */
	struct kvp_record reply; /* what is answered */
};

static int on_get(void *user, unsigned pool, struct kvp_record *record)
{
	struct backend *b = user;

	b->calls++;
	b->op = 'g';
	b->pool = pool;
	b->seen = *record;
	if (b->answer == 0)
		memcpy(record->value, b->reply.value, sizeof(record->value));
	return b->answer;
}

static int on_set(void *user, unsigned pool, const struct kvp_record *record)
{
	struct backend *b = user;

	b->calls++;
	b->op = 's';
	b->pool = pool;
	b->seen = *record;
	return b->answer;
}

static int on_remove(void *user, unsigned pool, const char *key)
{
	struct backend *b = user;

	b->calls++;
	b->op = 'd';
	b->pool = pool;
	memset(&b->seen, 0, sizeof(b->seen));
	memcpy(b->seen.key, key, strlen(key));
	return b->answer;
}

static int on_enumerate(void *user, unsigned pool, uint32_t index, struct kvp_record *ret)
{
	struct backend *b = user;

	b->calls++;
	b->op = 'e';
	b->pool = pool;
	b->index = index;
	if (b->answer == 0)
		*ret = b->reply;
	return b->answer;
}

static const struct kvp_ops backend_ops = {
	.get = on_get, .set = on_set, .remove = on_remove, .enumerate = on_enumerate,
};

static const struct ic_policy policy = { .framework = { .n = 0 } };

struct talk {
	struct backend backend;
	struct kvp kvp;
	struct ic ic;
	uint8_t body[ENUMERATE_SIZE]; /* what is sent, and what came back */
	size_t n;
	uint32_t status;
	enum ic_verdict verdict;
};

static void talk_init(struct talk *t)
{
	memset(t, 0, sizeof(*t));
	t->kvp = (struct kvp){ .ops = &backend_ops, .user = &t->backend };
	t->ic = (struct ic){
		.service = &ic_kvp,
		.policy = &policy,
		.user = &t->kvp,
		.answer = { .outcome = IC_AGREED, .pair = { { 3, 0 }, { 4, 0 } } },
	};
}

/* Sends the body flush against an unreadable page; a refusal must leave it as it was. */
static void talk_send(struct talk *t)
{
	_cleanup_(guard_done) struct guard g = guard_new(MESSAGE_BODY + t->n);
	size_t len = message_put(g.p, &(struct message){ .type = 2, .framework = { 3, 0 },
							 .version = { 4, 0 }, .body = t->body,
							 .n = t->n });
	struct ic_result r = ic_handle(&t->ic, g.p, len, len, g.len);

	t->verdict = r.verdict;
	t->status = message_status(g.p);
	if (r.error < 0 || r.verdict == IC_LATER)
		assert_memory_equal(g.p + MESSAGE_BODY, t->body, t->n);
	if (r.verdict == IC_REPLY) {
		assert_int_equal(r.len, len);
		assert_int_equal(message_flags(g.p), 5);
	}
	memcpy(t->body, g.p + MESSAGE_BODY, t->n);
}

/* A SET or GET of this key with the value "v"; shift is BEHIND_INDEX in an enumeration. */
static void put_item(struct talk *t, uint8_t op, uint8_t pool, const char *key)
{
	memset(t->body, 0, sizeof(t->body));
	t->n = op == ENUMERATE ? ENUMERATE_SIZE : op == DELETE ? DELETE_SIZE : GET_SIZE;
	t->body[0] = op;
	t->body[1] = pool;
	if (op == DELETE) {
		put_le(t->body + AT_DELETE_KEY_SIZE, 4, put_utf16(t->body + AT_DELETE_KEY, 512, key));
		return;
	}
	if (op == ENUMERATE)
		return;
	put_le(t->body + AT_TYPE, 4, 1);
	put_le(t->body + AT_KEY_SIZE, 4, put_utf16(t->body + AT_KEY, 512, key));
	put_le(t->body + AT_VALUE_SIZE, 4, put_utf16(t->body + AT_VALUE, 2048, "v"));
}

static void assert_zero(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(((const uint8_t *)p)[i], 0);
}

/* --- the four operations, byte for byte --- */

static void set_hands_over_a_zero_padded_record(void **state)
{
	static struct talk t;

	(void)state;
	talk_init(&t);
	memset(&t.kvp.record, 0xee, sizeof(t.kvp.record)); /* of an earlier request */
	put_item(&t, SET, 0, "Key");
	/* What stands behind the NULs is not text. */
	memset(t.body + AT_KEY + 8, 0xdd, 512 - 8);
	memset(t.body + AT_VALUE + 4, 0xdd, 2048 - 4);
	talk_send(&t);
	assert_int_equal(t.status, WIRE_OK);
	assert_int_equal(t.backend.op, 's');
	assert_int_equal(t.backend.pool, 0);
	assert_string_equal(t.backend.seen.key, "Key");
	assert_string_equal(t.backend.seen.value, "v");
	assert_zero(t.backend.seen.key + 3, 512 - 3);
	assert_zero(t.backend.seen.value + 1, 2048 - 1);
}

static void get_answers_with_an_item(void **state)
{
	static struct talk t;

	(void)state;
	talk_init(&t);
	memset(&t.kvp.record, 0xee, sizeof(t.kvp.record));
	put_item(&t, GET, 1, "Key");
	put_le(t.body + AT_TYPE, 4, 0); /* OpenVMM leaves the value's part zero */
	put_le(t.body + AT_VALUE_SIZE, 4, 0);
	memset(t.body + AT_VALUE, 0xdd, 2048);
	memcpy(t.backend.reply.value, "the value", 9);
	talk_send(&t);
	assert_int_equal(t.status, WIRE_OK);
	assert_int_equal(t.backend.op, 'g');
	assert_int_equal(t.backend.pool, 1);
	assert_string_equal(t.backend.seen.key, "Key");
	assert_zero(t.backend.seen.value, 2048);

	assert_int_equal(t.body[0], GET);
	assert_int_equal(t.body[1], 1);
	assert_int_equal(get_le(t.body + AT_TYPE, 4), 1);
	assert_int_equal(get_le(t.body + AT_KEY_SIZE, 4), 8);
	assert_int_equal(get_le(t.body + AT_VALUE_SIZE, 4), 20);
	assert_utf16(t.body + AT_KEY, "Key");
	assert_zero(t.body + AT_KEY + 8, 512 - 8);
	assert_utf16(t.body + AT_VALUE, "the value");
	assert_zero(t.body + AT_VALUE + 20, 2048 - 20);
}

static void delete_names_its_key(void **state)
{
	static struct talk t;

	(void)state;
	talk_init(&t);
	put_item(&t, DELETE, 3, "Key");
	memset(t.body + AT_DELETE_KEY + 8, 0xdd, 512 - 8);
	talk_send(&t);
	assert_int_equal(t.status, WIRE_OK);
	assert_int_equal(t.backend.op, 'd');
	assert_int_equal(t.backend.pool, 3);
	assert_string_equal(t.backend.seen.key, "Key");

	t.backend.answer = -ENOENT;
	talk_send(&t);
	assert_int_equal(t.status, WIRE_NOT_FOUND);
}

static void enumerate_answers_with_the_item_at_the_index(void **state)
{
	static struct talk t;

	(void)state;
	talk_init(&t);
	memset(&t.kvp.record, 0xee, sizeof(t.kvp.record));
	put_item(&t, ENUMERATE, 2, NULL);
	put_le(t.body + AT_INDEX, 4, 0x01020304);
	memset(t.body + 8, 0xdd, ENUMERATE_SIZE - 8);
	memcpy(t.backend.reply.key, "OSName", 6);
	memcpy(t.backend.reply.value, "Linux", 5);
	talk_send(&t);
	assert_int_equal(t.status, WIRE_OK);
	assert_int_equal(t.backend.op, 'e');
	assert_int_equal(t.backend.pool, 2);
	assert_int_equal(t.backend.index, 0x01020304);

	assert_int_equal(t.body[0], ENUMERATE);
	assert_int_equal(t.body[1], 2);
	assert_int_equal(get_le(t.body + AT_INDEX, 4), 0x01020304);
	assert_int_equal(get_le(t.body + AT_TYPE + BEHIND_INDEX, 4), 1);
	assert_int_equal(get_le(t.body + AT_KEY_SIZE + BEHIND_INDEX, 4), 14);
	assert_int_equal(get_le(t.body + AT_VALUE_SIZE + BEHIND_INDEX, 4), 12);
	assert_utf16(t.body + AT_KEY + BEHIND_INDEX, "OSName");
	assert_zero(t.body + AT_KEY + BEHIND_INDEX + 14, 512 - 14);
	assert_utf16(t.body + AT_VALUE + BEHIND_INDEX, "Linux");
	assert_zero(t.body + AT_VALUE + BEHIND_INDEX + 12, 2048 - 12);
}

/* K2: indices 0 to 9, then no more; the whole range of the number reaches the daemon. */
static void an_index_out_of_range_ends_the_enumeration(void **state)
{
	static const uint32_t indices[] = { 0, 10, 1024, 0x7fffffff, 0x80000000, 0xffffffff };
	static struct talk t;

	(void)state;
	talk_init(&t);
	t.backend.answer = -ENODATA;
	for (size_t i = 0; i < ARRAY_LEN(indices); i++) {
		put_item(&t, ENUMERATE, 2, NULL);
		put_le(t.body + AT_INDEX, 4, indices[i]);
		talk_send(&t);
		assert_int_equal(t.status, WIRE_NO_MORE_ITEMS);
		assert_int_equal(t.backend.index, indices[i]);
	}
}

/* --- value types --- */

static const struct {
	uint32_t type, size;
	uint8_t value[24];
	uint32_t status;
	const char *text; /* what is stored */
} values[] = {
	{ 1, 6, "a\0b\0\0", WIRE_OK, "ab" },
	{ 1, 2, "\0", WIRE_OK, "" },
	{ 1, 2048, "a\0\0", WIRE_OK, "a" },
	{ 1, 8, "a\0\0\0b\0\0", WIRE_OK, "a" }, /* embedded NUL: the text ends there */
	{ 1, 0, "", WIRE_INVALID, NULL },
	{ 1, 1, "\0", WIRE_INVALID, NULL },
	{ 1, 5, "a\0b\0\0", WIRE_INVALID, NULL },
	{ 1, 4, "a\0b\0\0", WIRE_INVALID, NULL }, /* its NUL is outside of its size */
	{ 1, 2049, "a\0\0", WIRE_INVALID, NULL },
	{ 1, 2050, "a\0\0", WIRE_INVALID, NULL },
	{ 1, 0x80000000, "a\0\0", WIRE_INVALID, NULL },
	{ 1, 0xffffffff, "a\0\0", WIRE_INVALID, NULL },
	{ 1, 0xfffffffe, "a\0\0", WIRE_INVALID, NULL },
	{ 1, 6, "\x3d\xd8\x00\xde\0", WIRE_OK, "\xf0\x9f\x98\x80" }, /* U+1F600 */
	{ 1, 4, "\x3d\xd8\0", WIRE_INVALID, NULL },		     /* half of it */
	{ 1, 4, "\x00\xde\0", WIRE_INVALID, NULL },		     /* the other half */
	{ 1, 6, "\x00\xde\x3d\xd8\0", WIRE_INVALID, NULL },	     /* in the wrong order */
	{ 2, 6, "%\0a\0\0", WIRE_OK, "%a" },
	{ 2, 4, "%\0a\0\0", WIRE_INVALID, NULL },
	{ 4, 4, { 0 }, WIRE_OK, "0" },
	{ 4, 4, { 0xd2, 0x02, 0x96, 0x49, 0xff }, WIRE_OK, "1234567890" },
	{ 4, 4, { 0xff, 0xff, 0xff, 0xff }, WIRE_OK, "4294967295" },
	{ 4, 4, { 10 }, WIRE_OK, "10" },
	{ 4, 3, { 1 }, WIRE_INVALID, NULL },
	{ 4, 5, { 1 }, WIRE_INVALID, NULL },
	{ 4, 8, { 1 }, WIRE_INVALID, NULL },
	{ 4, 0, { 1 }, WIRE_INVALID, NULL },
	{ 11, 8, { 0 }, WIRE_OK, "0" },
	{ 11, 8, { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, WIRE_OK, "18446744073709551615" },
	{ 11, 8, { 0, 0, 0, 0, 1 }, WIRE_OK, "4294967296" },
	{ 11, 4, { 1 }, WIRE_INVALID, NULL },
	{ 11, 7, { 1 }, WIRE_INVALID, NULL },
	{ 11, 9, { 1 }, WIRE_INVALID, NULL },
	{ 8, 8, { 1 }, WIRE_INVALID, NULL }, /* Linux's REG_U64: no host sends it */
	{ 0, 4, { 1 }, WIRE_INVALID, NULL },
	{ 3, 4, { 1 }, WIRE_INVALID, NULL }, /* REG_BINARY */
	{ 7, 4, { 0 }, WIRE_INVALID, NULL }, /* REG_MULTI_SZ */
	{ 0x101, 2, { 0 }, WIRE_INVALID, NULL },
	{ 0xffffffff, 2, { 0 }, WIRE_INVALID, NULL },
};

static void each_value_is_stored_as_text_or_refused(void **state)
{
	static struct talk t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		talk_init(&t);
		put_item(&t, SET, 0, "Key");
		put_le(t.body + AT_TYPE, 4, values[i].type);
		put_le(t.body + AT_VALUE_SIZE, 4, values[i].size);
		memset(t.body + AT_VALUE, 0, 2048);
		memcpy(t.body + AT_VALUE, values[i].value, sizeof(values[i].value));
		talk_send(&t);
		if (t.status != values[i].status || t.backend.calls != !!values[i].text)
			fail_msg("value %zu: status %#x, %u calls", i, t.status, t.backend.calls);
		if (!values[i].text)
			continue;
		assert_string_equal(t.backend.seen.value, values[i].text);
		assert_zero(t.backend.seen.value + strlen(values[i].text),
			    2048 - strlen(values[i].text));
	}
}

/* --- keys --- */

static const struct {
	uint32_t size;
	uint8_t key[16];
	uint32_t status;
} keys[] = {
	{ 8, "K\0e\0y\0\0", WIRE_OK },
	{ 512, "K\0e\0y\0\0", WIRE_OK },
	{ 10, "K\0e\0y\0\0\0z", WIRE_OK },
	{ 0, "K\0e\0y\0\0", WIRE_INVALID },
	{ 2, "\0", WIRE_INVALID }, /* it names nothing */
	{ 8, "\0\0e\0y\0\0", WIRE_INVALID },
	{ 7, "K\0e\0y\0\0", WIRE_INVALID },
	{ 6, "K\0e\0y\0\0", WIRE_INVALID },
	{ 513, "K\0e\0y\0\0", WIRE_INVALID },
	{ 514, "K\0e\0y\0\0", WIRE_INVALID },
	{ 0x80000008, "K\0e\0y\0\0", WIRE_INVALID },
	{ 0xffffffff, "K\0e\0y\0\0", WIRE_INVALID },
	{ 4, "\x00\xd8\0", WIRE_INVALID },
	{ 6, "K\0\x00\xdc\0", WIRE_INVALID },
};

static void each_key_is_taken_or_refused(void **state)
{
	static const uint8_t ops[] = { GET, SET, DELETE };
	static struct talk t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		for (size_t k = 0; k < ARRAY_LEN(ops); k++) {
			size_t at_size = ops[k] == DELETE ? AT_DELETE_KEY_SIZE : AT_KEY_SIZE;
			size_t at = ops[k] == DELETE ? AT_DELETE_KEY : AT_KEY;

			talk_init(&t);
			put_item(&t, ops[k], 0, "");
			put_le(t.body + at_size, 4, keys[i].size);
			memcpy(t.body + at, keys[i].key, sizeof(keys[i].key));
			talk_send(&t);
			if (t.status != keys[i].status ||
			    t.backend.calls != (keys[i].status == WIRE_OK))
				fail_msg("key %zu, operation %u: status %#x, %u calls", i, ops[k], t.status,
					 t.backend.calls);
			if (t.backend.calls) {
				assert_string_equal(t.backend.seen.key, "Key");
				assert_zero(t.backend.seen.key + 3, 512 - 3);
			}
		}
}

/* Linux hyperv.h: fields of 512 and 2048 bytes, so 255 and 1023 units before the NUL. */
static void the_longest_texts_go_both_ways(void **state)
{
	static struct talk t;
	char key[256], value[1024];

	(void)state;
	memset(key, 'k', 255);
	key[255] = '\0';
	memset(value, 'v', 1023);
	value[1023] = '\0';

	talk_init(&t);
	put_item(&t, SET, 0, key);
	put_le(t.body + AT_VALUE_SIZE, 4, put_utf16(t.body + AT_VALUE, 2048, value));
	talk_send(&t);
	assert_int_equal(t.status, WIRE_OK);
	assert_string_equal(t.backend.seen.key, key);
	assert_string_equal(t.backend.seen.value, value);

	memcpy(t.backend.reply.value, value, sizeof(value));
	put_item(&t, GET, 0, key);
	talk_send(&t);
	assert_int_equal(t.status, WIRE_OK);
	assert_int_equal(get_le(t.body + AT_KEY_SIZE, 4), 512);
	assert_int_equal(get_le(t.body + AT_VALUE_SIZE, 4), 2048);
	assert_utf16(t.body + AT_KEY, key);
	assert_utf16(t.body + AT_VALUE, value);
}

/* Without a NUL in the whole field there is no text, whatever the size says. */
static void texts_that_fill_their_fields_are_refused(void **state)
{
	static struct talk t;

	(void)state;
	talk_init(&t);
	put_item(&t, SET, 0, "");
	for (size_t i = 0; i < 512; i += 2)
		put_le(t.body + AT_KEY + i, 2, 'k');
	put_le(t.body + AT_KEY_SIZE, 4, 512);
	talk_send(&t);
	assert_int_equal(t.status, WIRE_INVALID);

	put_item(&t, SET, 0, "Key");
	for (size_t i = 0; i < 2048; i += 2)
		put_le(t.body + AT_VALUE + i, 2, 'v');
	put_le(t.body + AT_VALUE_SIZE, 4, 2048);
	talk_send(&t);
	assert_int_equal(t.status, WIRE_INVALID);
	assert_int_equal(t.backend.calls, 0);
}

/* A key of 255 units can need 765 bytes of UTF-8; a pool file's record has 512 with the NUL. */
static void texts_too_long_for_a_record_are_refused(void **state)
{
	static const struct {
		size_t key_units, value_units; /* of 3 bytes each */
		uint32_t status;
	} sizes[] = {
		{ 170, 1, WIRE_OK }, /* 510 bytes */
		{ 171, 1, WIRE_INVALID },
		{ 255, 1, WIRE_INVALID },
		{ 1, 682, WIRE_OK }, /* 2046 bytes */
		{ 1, 683, WIRE_INVALID },
		{ 1, 1023, WIRE_INVALID },
	};
	static struct talk t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		talk_init(&t);
		put_item(&t, SET, 0, "");
		for (size_t k = 0; k < sizes[i].key_units; k++)
			put_le(t.body + AT_KEY + 2 * k, 2, 0x20ac);
		for (size_t k = 0; k < sizes[i].value_units; k++)
			put_le(t.body + AT_VALUE + 2 * k, 2, 0x20ac);
		put_le(t.body + AT_VALUE + 2 * sizes[i].value_units, 2, 0);
		put_le(t.body + AT_KEY_SIZE, 4, 2 * sizes[i].key_units + 2);
		put_le(t.body + AT_VALUE_SIZE, 4, 2 * sizes[i].value_units + 2);
		talk_send(&t);
		assert_int_equal(t.status, sizes[i].status);
		assert_int_equal(t.backend.calls, sizes[i].status == WIRE_OK);
	}
}

/* Records of other programs: full to the last byte, not UTF-8, too long for UTF-16. The host gets
 * text with a NUL inside of the stated size, cut between characters. */
static void what_the_host_gets_is_always_text(void **state)
{
	static struct talk t;

	(void)state;
	talk_init(&t);
	memset(t.backend.reply.key, 'k', 512);
	memset(t.backend.reply.value, 0xff, 2048);
	put_item(&t, ENUMERATE, 0, NULL);
	talk_send(&t);
	assert_int_equal(t.status, WIRE_OK);
	assert_int_equal(get_le(t.body + 12, 4), 512);
	assert_int_equal(get_le(t.body + 16, 4), 2048);
	assert_int_equal(get_le(t.body + 20 + 508, 2), 'k');
	assert_int_equal(get_le(t.body + 20 + 510, 2), 0);
	assert_int_equal(get_le(t.body + 532 + 2044, 2), 0xfffd);
	assert_int_equal(get_le(t.body + 532 + 2046, 2), 0);

	/* 254 units and then one that takes two: it does not fit. */
	memset(&t.backend.reply, 0, sizeof(t.backend.reply));
	memset(t.backend.reply.key, 'k', 254);
	memcpy(t.backend.reply.key + 254, "\xf0\x9f\x98\x80", 4);
	put_item(&t, ENUMERATE, 0, NULL);
	talk_send(&t);
	assert_int_equal(get_le(t.body + 12, 4), 2 * 254 + 2);
	assert_zero(t.body + 20 + 508, 4);

	/* With room for it. */
	t.backend.reply.key[253] = '\0';
	memcpy(t.backend.reply.key + 253, "\xf0\x9f\x98\x80", 5);
	put_item(&t, ENUMERATE, 0, NULL);
	talk_send(&t);
	assert_int_equal(get_le(t.body + 12, 4), 512);
	assert_int_equal(get_le(t.body + 20 + 2 * 253, 2), 0xd83d);
	assert_int_equal(get_le(t.body + 20 + 2 * 254, 2), 0xde00);
}

/* --- pools, sizes, operations --- */

static void pools_from_4_to_255_are_refused(void **state)
{
	static struct talk t;

	(void)state;
	for (uint8_t op = GET; op <= ENUMERATE; op++)
		for (unsigned pool = 0; pool <= 255; pool++) {
			talk_init(&t);
			put_item(&t, op, (uint8_t)pool, "Key");
			talk_send(&t);
			assert_int_equal(t.status, pool < 4 ? WIRE_OK : WIRE_INVALID);
			assert_int_equal(t.backend.calls, pool < 4);
			if (pool < 4)
				assert_int_equal(t.backend.pool, pool);
		}
}

static const struct {
	uint8_t op;
	size_t size;
} sizes[] = {
	{ GET, GET_SIZE }, { SET, GET_SIZE }, { DELETE, DELETE_SIZE }, { ENUMERATE, ENUMERATE_SIZE },
};

static void every_shorter_message_is_refused(void **state)
{
	static struct talk t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		for (size_t n = 0; n <= sizes[i].size; n += n < 32 || n + 40 > sizes[i].size ? 1 : 37) {
			talk_init(&t);
			put_item(&t, sizes[i].op, 1, "Key");
			t.n = n;
			talk_send(&t);
			assert_int_equal(t.status, n < sizes[i].size ? WIRE_INVALID : WIRE_OK);
			assert_int_equal(t.backend.calls, n == sizes[i].size);
		}
}

/* "OpenVMM always sends GET/SET/DELETE/ENUMERATE in a fixed 2580-byte message". */
static void longer_messages_are_served(void **state)
{
	static struct talk t;

	(void)state;
	for (uint8_t op = GET; op <= ENUMERATE; op++) {
		talk_init(&t);
		put_item(&t, op, 1, "Key");
		t.n = ENUMERATE_SIZE;
		memset(t.body + (op == DELETE ? DELETE_SIZE : GET_SIZE), op == ENUMERATE ? 0 : 0xdd, 4);
		talk_send(&t);
		assert_int_equal(t.status, WIRE_OK);
		assert_int_equal(t.backend.calls, 1);
		if (op < ENUMERATE)
			assert_int_equal(get_le(t.body + GET_SIZE, 4), op == DELETE ? 0 : 0xdddddddd);
	}
}

static void unknown_operations_are_not_supported(void **state)
{
	static struct talk t;

	(void)state;
	for (unsigned op = 6; op <= 255; op++) {
		talk_init(&t);
		put_item(&t, GET, 0, "Key");
		t.body[0] = (uint8_t)op;
		talk_send(&t);
		assert_int_equal(t.status, WIRE_NOT_SUPPORTED);
		assert_int_equal(t.backend.calls, 0);
	}
}

static void the_daemons_errno_is_the_hosts_status(void **state)
{
	static const struct {
		int answer;
		uint32_t status;
	} rows[] = {
		{ -ENOENT, WIRE_NOT_FOUND }, { -ENOSPC, WIRE_DISK_FULL }, { -EACCES, WIRE_FAIL },
		{ -ENODATA, WIRE_NO_MORE_ITEMS },
	};
	static struct talk t;

	(void)state;
	for (uint8_t op = GET; op <= ENUMERATE; op++)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			talk_init(&t);
			t.backend.answer = rows[i].answer;
			put_item(&t, op, 1, "Key");
			talk_send(&t);
			assert_int_equal(t.status, rows[i].status);
		}
}

static void a_locked_pool_puts_the_request_off(void **state)
{
	static struct talk t;

	(void)state;
	for (uint8_t op = GET; op <= ENUMERATE; op++) {
		talk_init(&t);
		t.backend.answer = -EAGAIN;
		put_item(&t, op, 1, "Key");
		talk_send(&t);
		assert_int_equal(t.verdict, IC_LATER);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_hands_over_a_zero_padded_record),
		cmocka_unit_test(get_answers_with_an_item),
		cmocka_unit_test(delete_names_its_key),
		cmocka_unit_test(enumerate_answers_with_the_item_at_the_index),
		cmocka_unit_test(an_index_out_of_range_ends_the_enumeration),
		cmocka_unit_test(each_value_is_stored_as_text_or_refused),
		cmocka_unit_test(each_key_is_taken_or_refused),
		cmocka_unit_test(the_longest_texts_go_both_ways),
		cmocka_unit_test(texts_that_fill_their_fields_are_refused),
		cmocka_unit_test(texts_too_long_for_a_record_are_refused),
		cmocka_unit_test(what_the_host_gets_is_always_text),
		cmocka_unit_test(pools_from_4_to_255_are_refused),
		cmocka_unit_test(every_shorter_message_is_refused),
		cmocka_unit_test(longer_messages_are_served),
		cmocka_unit_test(unknown_operations_are_not_supported),
		cmocka_unit_test(the_daemons_errno_is_the_hosts_status),
		cmocka_unit_test(a_locked_pool_puts_the_request_off),
	};

	return cmocka_run_group_tests_name("kvp", tests, NULL, NULL);
}
