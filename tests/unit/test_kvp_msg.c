/* SPDX-License-Identifier: GPL-2.0-only */
/* The driver's messages. What it makes of an answer for the host, the offsets included, is from Linux
 * drivers/hv/hv_kvp.c: kvp_respond_to_host, process_ob_ipinfo. */
#include "hv_util/kvp_msg.h"

#include <stdio.h>

#include "hv_util/utf16.h"
#include "tests/unit/hv_kvp.h"

struct talk {
	struct served served;
	struct kvp kvp;
	uint8_t msg[MSG_SIZE]; /* what is sent, and what came back */
	struct ic_result result;
};

static void talk_init(struct talk *t)
{
	memset(t, 0, sizeof(*t));
	t->kvp = (struct kvp){ .ops = &served_ops, .user = &t->served };
}

static uint32_t status_of(const uint8_t *msg)
{
	return (uint32_t)get_le(msg + AT_STATUS, 4);
}

/* Sends it flush against an unreadable page; what is put off must stay as it was. */
static uint32_t talk_send(struct talk *t)
{
	_cleanup_(guard_done) struct guard g = guard_copy(t->msg, MSG_SIZE);

	t->result = kvp_msg_handle(&t->kvp, g.p, MSG_SIZE, 0);
	if (t->result.verdict != IC_REPLY)
		assert_memory_equal(g.p, t->msg, MSG_SIZE);
	else
		assert_int_equal(t->result.len, MSG_SIZE);
	memcpy(t->msg, g.p, MSG_SIZE);
	return status_of(t->msg);
}

static void assert_zero(const uint8_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(from[i], 0);
}

/* A field that holds this text and nothing else. */
static void assert_text(const uint8_t *field, size_t size, const char *text)
{
	size_t len = strlen(text);

	assert_memory_equal(field, text, len);
	assert_zero(field + len, size - len);
}

/* --- the registration --- */

static void the_registration_is_an_operation_and_nothing_else(void **state)
{
	_cleanup_(guard_done) struct guard g = guard_new(MSG_SIZE);

	(void)state;
	assert_int_equal(KVP_MSG_SIZE, MSG_SIZE);
	memset(g.p, 0xee, g.len);
	kvp_msg_register(g.p);
	assert_int_equal(g.p[0], 100);
	assert_zero(g.p + 1, MSG_SIZE - 1);
}

static void its_answer_is_known_from_any_request(void **state)
{
	static uint8_t msg[MSG_SIZE];

	(void)state;
	memcpy(msg + AT_VERSION, "3.1", 4);
	for (unsigned op = 0; op < 256; op++) {
		msg[0] = (uint8_t)op;
		assert_int_equal(kvp_msg_is_registered(msg, MSG_SIZE), op == OP_REGISTER);
	}
	msg[0] = OP_REGISTER;
	for (size_t n = 0; n < MSG_SIZE; n++) {
		_cleanup_(guard_done) struct guard g = guard_copy(msg, n);

		assert_false(kvp_msg_is_registered(g.p, n));
	}
	assert_false(kvp_msg_is_registered(msg, MSG_SIZE + 1));
}

/* --- items --- */

static void set_hands_over_a_zero_padded_record(void **state)
{
	static struct talk t;

	(void)state;
	talk_init(&t);
	memset(&t.kvp.record, 0xee, sizeof(t.kvp.record)); /* of the request before */
	put_keyed(t.msg, OP_SET, 3, "HostName", "h\xc3\xb6st \xf0\x9f\x98\x80");
	assert_int_equal(talk_send(&t), WIRE_OK);
	assert_int_equal(t.result.op, OP_SET);
	assert_int_equal(t.served.calls, 1);
	assert_int_equal(t.served.op, 's');
	assert_int_equal(t.served.pool, 3);
	assert_text((const uint8_t *)t.served.seen.key, KEY_FIELD, "HostName");
	assert_text((const uint8_t *)t.served.seen.value, VALUE_FIELD, "h\xc3\xb6st \xf0\x9f\x98\x80");
}

static void delete_names_its_key(void **state)
{
	static struct talk t;

	(void)state;
	talk_init(&t);
	put_keyed(t.msg, OP_DELETE, 0, "Key", NULL);
	assert_int_equal(talk_send(&t), WIRE_OK);
	assert_int_equal(t.served.op, 'd');
	assert_int_equal(t.served.pool, 0);
	assert_string_equal(t.served.seen.key, "Key");
}

/* The whole answer, byte for byte. */
static void enumerate_answers_with_the_item_at_the_index(void **state)
{
	static struct talk t;

	(void)state;
	talk_init(&t);
	put_enumerate(t.msg, 2, 0x01020304);
	memset(t.msg + AT_ENUMERATED_TYPE, 0xee, MSG_SIZE - AT_ENUMERATED_TYPE);
	t.served.reply = (struct kvp_record){ .key = "OSName", .value = "D\xc3\xa9" "bian" };
	assert_int_equal(talk_send(&t), WIRE_OK);
	assert_int_equal(t.served.op, 'e');
	assert_int_equal(t.served.pool, 2);
	assert_int_equal(t.served.index, 0x01020304);

	assert_int_equal(get_le(t.msg + AT_INDEX, 4), 0x01020304);
	assert_int_equal(get_le(t.msg + AT_ENUMERATED_TYPE, 4), 1);
	assert_int_equal(get_le(t.msg + AT_ENUMERATED_KEY_SIZE, 4), 7);
	assert_int_equal(get_le(t.msg + AT_ENUMERATED_VALUE_SIZE, 4), 8);
	assert_text(t.msg + AT_ENUMERATED_KEY, KEY_FIELD, "OSName");
	assert_text(t.msg + AT_ENUMERATED_VALUE, VALUE_FIELD, "D\xc3\xa9" "bian");
	assert_zero(t.msg + AT_ENUMERATED_VALUE + VALUE_FIELD,
		    MSG_SIZE - AT_ENUMERATED_VALUE - VALUE_FIELD);
}

/* "value = msg_to_host->body.kvp_enum_data.data.value", for a GET too. */
static void get_answers_where_the_driver_looks(void **state)
{
	static struct talk t;

	(void)state;
	talk_init(&t);
	put_keyed(t.msg, OP_GET, 1, "Key", NULL);
	strcpy(t.served.reply.value, "the value");
	assert_int_equal(talk_send(&t), WIRE_OK);
	assert_int_equal(t.served.op, 'g');
	assert_int_equal(t.served.pool, 1);
	assert_string_equal(t.served.seen.key, "Key");
	assert_text(t.msg + AT_ENUMERATED_VALUE, VALUE_FIELD, "the value");
}

/* The driver says sizes that it has counted; a message that contradicts itself is not the driver's. */
static const struct {
	uint32_t size;
	const char *bytes;
	size_t n;
	uint32_t status;
} texts[] = {
	{ 4, "key", 4, WIRE_OK },
	{ 9, "key\0\xff\xff\xff\xff", 9, WIRE_OK }, /* what is behind the NUL does not count */
	{ 3, "key", 4, WIRE_INVALID },		    /* the NUL is outside the size */
	{ 0, "key", 4, WIRE_INVALID },
	{ 513, "key", 4, WIRE_INVALID },
	{ 0xffffffff, "key", 4, WIRE_INVALID },
	{ 0x80000004, "key", 4, WIRE_INVALID },
	{ 4, "k\xffy", 4, WIRE_INVALID },
	{ 4, "\xc0\x80y", 4, WIRE_INVALID },
	{ 4, "\xed\xa0\x80", 4, WIRE_INVALID }, /* a surrogate */
	{ 4, "k\xf0\x9f", 4, WIRE_INVALID },	/* cut in a character */
	{ 4, "\xef\xbf\xbd", 4, WIRE_OK },	/* U+FFFD itself is a character */
};

static void each_key_is_taken_or_refused(void **state)
{
	static const uint8_t ops[] = { OP_GET, OP_SET, OP_DELETE };
	static struct talk t;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(ops); k++)
		for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
			bool del = ops[k] == OP_DELETE;

			talk_init(&t);
			put_keyed(t.msg, ops[k], 0, "", del ? NULL : "value");
			put_le(t.msg + (del ? AT_DELETE_KEY_SIZE : AT_KEY_SIZE), 4, texts[i].size);
			memcpy(t.msg + (del ? AT_DELETE_KEY : AT_KEY), texts[i].bytes, texts[i].n);
			assert_int_equal(talk_send(&t), texts[i].status);
			assert_int_equal(t.served.calls, texts[i].status == WIRE_OK);
		}
}

static void an_empty_key_is_refused(void **state)
{
	static const uint8_t ops[] = { OP_GET, OP_SET, OP_DELETE };
	static struct talk t;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(ops); k++) {
		talk_init(&t);
		put_keyed(t.msg, ops[k], 0, "", ops[k] == OP_DELETE ? NULL : "value");
		assert_int_equal(talk_send(&t), WIRE_INVALID);
		assert_int_equal(t.served.calls, 0);
	}
}

static void each_value_is_taken_or_refused(void **state)
{
	static struct talk t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		/* A field that is four times as large. */
		uint32_t size = texts[i].size == 513 ? 2049 : texts[i].size;

		talk_init(&t);
		put_keyed(t.msg, OP_SET, 0, "Key", "");
		put_le(t.msg + AT_VALUE_SIZE, 4, size);
		memcpy(t.msg + AT_VALUE, texts[i].bytes, texts[i].n);
		assert_int_equal(talk_send(&t), texts[i].status);
		assert_int_equal(t.served.calls, texts[i].status == WIRE_OK);
	}
	/* An empty text is one. */
	talk_init(&t);
	put_keyed(t.msg, OP_SET, 0, "Key", "");
	assert_int_equal(talk_send(&t), WIRE_OK);
	assert_string_equal(t.served.seen.value, "");
}

/* The driver knows types 1, 4 and 8; it leaves the size of another's value at 0. */
static void a_value_that_the_driver_has_lost_is_not_kept(void **state)
{
	static struct talk t;

	(void)state;
	talk_init(&t);
	put_keyed(t.msg, OP_SET, 0, "Key", NULL);
	assert_int_equal(talk_send(&t), WIRE_INVALID);
	assert_int_equal(t.result.error, -EINVAL);
	assert_int_equal(t.served.calls, 0);
}

static void fill(char *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (char)('a' + i % 26);
	to[n] = '\0';
}

/* "limit the size of the buffer ... to HV_KVP_EXCHANGE_MAX_*_SIZE -1" */
static void the_longest_texts_go_both_ways(void **state)
{
	static char key[KEY_FIELD], value[VALUE_FIELD];
	static struct talk t;

	(void)state;
	fill(key, KEY_FIELD - 1);
	fill(value, VALUE_FIELD - 1);
	talk_init(&t);
	put_keyed(t.msg, OP_SET, 0, key, value);
	assert_int_equal(talk_send(&t), WIRE_OK);
	assert_string_equal(t.served.seen.key, key);
	assert_string_equal(t.served.seen.value, value);

	talk_init(&t);
	put_keyed(t.msg, OP_DELETE, 0, key, NULL);
	assert_int_equal(talk_send(&t), WIRE_OK);
	assert_string_equal(t.served.seen.key, key);

	talk_init(&t);
	put_enumerate(t.msg, 0, 0);
	memcpy(t.served.reply.key, key, KEY_FIELD);
	memcpy(t.served.reply.value, value, VALUE_FIELD);
	assert_int_equal(talk_send(&t), WIRE_OK);
	assert_text(t.msg + AT_ENUMERATED_KEY, KEY_FIELD, key);
	assert_text(t.msg + AT_ENUMERATED_VALUE, VALUE_FIELD, value);
	assert_int_equal(get_le(t.msg + AT_ENUMERATED_KEY_SIZE, 4), KEY_FIELD);
	assert_int_equal(get_le(t.msg + AT_ENUMERATED_VALUE_SIZE, 4), VALUE_FIELD);

	/* No field is full without a NUL. */
	talk_init(&t);
	put_keyed(t.msg, OP_SET, 0, key, "value");
	memset(t.msg + AT_KEY, 'k', KEY_FIELD);
	put_le(t.msg + AT_KEY_SIZE, 4, KEY_FIELD);
	assert_int_equal(talk_send(&t), WIRE_INVALID);
	talk_init(&t);
	put_keyed(t.msg, OP_SET, 0, "key", value);
	memset(t.msg + AT_VALUE, 'v', VALUE_FIELD);
	put_le(t.msg + AT_VALUE_SIZE, 4, VALUE_FIELD);
	assert_int_equal(talk_send(&t), WIRE_INVALID);
	assert_int_equal(t.served.calls, 0);
}

/* Pool files hold what other programs wrote: full fields, bytes that are no UTF-8. */
static void what_the_driver_gets_is_always_text(void **state)
{
	static const uint8_t ops[] = { OP_GET, OP_ENUMERATE };
	static struct talk t;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(ops); k++)
		for (unsigned byte = 1; byte < 256; byte++) {
			const char *key, *value;

			talk_init(&t);
			memset(&t.served.reply, (int)byte, sizeof(t.served.reply));
			if (ops[k] == OP_GET)
				put_keyed(t.msg, OP_GET, 0, "Key", NULL);
			else
				put_enumerate(t.msg, 0, 0);
			assert_int_equal(talk_send(&t), WIRE_OK);
			key = (const char *)t.msg + AT_ENUMERATED_KEY;
			value = (const char *)t.msg + AT_ENUMERATED_VALUE;
			assert_true(strnlen(key, KEY_FIELD) < KEY_FIELD);
			assert_true(utf8_is_valid(key, strlen(key)));
			/* 2047 bytes, or 682 times the three of U+FFFD. */
			assert_int_equal(strnlen(value, VALUE_FIELD), byte < 0x80 ? 2047 : 2046);
			assert_true(utf8_is_valid(value, strlen(value)));
			assert_zero(t.msg + AT_ENUMERATED_VALUE + VALUE_FIELD,
				    MSG_SIZE - AT_ENUMERATED_VALUE - VALUE_FIELD);
		}
}

/* --- addresses --- */

static void fill_ip(struct kvp_ip *ip)
{
	*ip = (struct kvp_ip){
		.dhcp = true,
		.n_ipv4 = 2,
		.ipv4 = { { { 192, 0, 2, 1 }, 24, 1 }, { { 198, 51, 100, 7 }, 32, 2 } },
		.n_ipv6 = 1,
		.ipv6 = { { { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 }, 64, 0 } },
		.n_gateways4 = 1,
		.gateways4 = { { 192, 0, 2, 254 } },
		.n_dns4 = 1,
		.dns4 = { { 9, 9, 9, 9 } },
		.n_dns6 = 1,
		.dns6 = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x53 } },
	};
}

static void get_ip_answers_with_the_lists(void **state)
{
	static struct talk t;

	(void)state;
	talk_init(&t);
	memset(&t.kvp.ip, 0xee, sizeof(t.kvp.ip));
	fill_ip(&t.served.ip_reply);
	put_get_ip(t.msg, ADAPTER);
	t.msg[AT_FAMILY] = 3;
	memset(t.msg + AT_ADDRESSES, 0xee, MSG_SIZE - AT_ADDRESSES);
	assert_int_equal(talk_send(&t), WIRE_OK);
	assert_int_equal(t.served.op, 'i');
	assert_string_equal(t.served.ip_seen.adapter_id, ADAPTER);
	assert_int_equal(t.served.ip_seen.n_ipv4, 0);

	assert_text(t.msg + AT_ADAPTER, ADAPTER_FIELD, ADAPTER);
	assert_int_equal(t.msg[AT_FAMILY], 3);
	assert_int_equal(t.msg[AT_DHCP], 1);
	assert_text(t.msg + AT_ADDRESSES, LIST_FIELD, "192.0.2.1;198.51.100.7;2001:db8::1;");
	assert_text(t.msg + AT_SUBNETS, LIST_FIELD, "255.255.255.0;255.255.255.255;/64;");
	assert_text(t.msg + AT_GATEWAYS, GATEWAYS_FIELD, "192.0.2.254;");
	assert_text(t.msg + AT_DNS, LIST_FIELD, "9.9.9.9;2001:db8::53;");
	assert_zero(t.msg + AT_IP_END, MSG_SIZE - AT_IP_END);
}

static void set_ip_hands_the_numbers_over(void **state)
{
	static const struct lists lists = {
		"192.0.2.1;2001:db8::1", "255.255.255.0;64", "192.0.2.254;fe80::1", "9.9.9.9;",
	};
	static struct talk t;
	const struct kvp_ip *ip = &t.served.ip_seen;

	(void)state;
	talk_init(&t);
	put_set_ip(t.msg, &lists);
	t.msg[AT_POOL] = 77; /* of no meaning here, as on the wire */
	t.msg[AT_DHCP] = 2;
	assert_int_equal(talk_send(&t), WIRE_OK);
	assert_int_equal(t.served.op, 'I');
	assert_string_equal(ip->adapter_id, DEVICE);
	assert_int_equal(ip->family, 3);
	assert_int_equal(ip->dhcp, 1);
	assert_int_equal(ip->n_ipv4, 1);
	assert_memory_equal(ip->ipv4[0].address, "\xc0\x00\x02\x01", 4);
	assert_int_equal(ip->ipv4[0].prefix, 24);
	assert_int_equal(ip->n_ipv6, 1);
	assert_int_equal(ip->ipv6[0].prefix, 64);
	assert_int_equal(ip->n_gateways4, 1);
	assert_int_equal(ip->n_gateways6, 1);
	assert_int_equal(ip->gateways6[0][0], 0xfe);
	assert_int_equal(ip->n_dns4, 1);
	assert_int_equal(ip->n_dns6, 0);
}

/* Where a text stands, and how long one can be that the wire's field holds with its NUL. */
static const struct {
	size_t at, field, longest;
} ip_fields[] = {
	{ AT_ADAPTER, ADAPTER_FIELD, 255 }, { AT_ADDRESSES, LIST_FIELD, 1023 },
	{ AT_SUBNETS, LIST_FIELD, 1023 },   { AT_GATEWAYS, GATEWAYS_FIELD, 511 },
	{ AT_DNS, LIST_FIELD, 1023 },
};

static void addresses_that_are_no_text_are_refused(void **state)
{
	static const struct lists none = { "", "", "", "" };
	static struct talk t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ip_fields); i++) {
		talk_init(&t); /* to the last byte, without a NUL */
		put_set_ip(t.msg, &none);
		memset(t.msg + ip_fields[i].at, ';', ip_fields[i].field);
		assert_int_equal(talk_send(&t), WIRE_INVALID);

		talk_init(&t);
		put_set_ip(t.msg, &none);
		put_text(t.msg, ip_fields[i].at, "\xff");
		assert_int_equal(talk_send(&t), WIRE_INVALID);
		assert_int_equal(t.served.calls, 0);

		/* An empty list is one, however many separators there are. */
		talk_init(&t);
		put_set_ip(t.msg, &none);
		memset(t.msg + ip_fields[i].at, 0, ip_fields[i].field);
		memset(t.msg + ip_fields[i].at, ';', ip_fields[i].longest);
		assert_int_equal(talk_send(&t), WIRE_OK);
		assert_int_equal(t.served.calls, 1);
		if (ip_fields[i].longest + 1 == ip_fields[i].field)
			continue;
		talk_init(&t);
		put_set_ip(t.msg, &none);
		memset(t.msg + ip_fields[i].at, ';', ip_fields[i].longest + 1);
		assert_int_equal(talk_send(&t), WIRE_INVALID);
	}
	for (unsigned family = 4; family < 256; family++) {
		talk_init(&t);
		put_set_ip(t.msg, &none);
		t.msg[AT_FAMILY] = (uint8_t)family;
		assert_int_equal(talk_send(&t), WIRE_INVALID);
		assert_int_equal(t.served.calls, 0);
	}
	talk_init(&t);
	put_get_ip(t.msg, "");
	memset(t.msg + AT_ADAPTER, 'a', ADAPTER_FIELD);
	assert_int_equal(talk_send(&t), WIRE_INVALID);
	assert_int_equal(t.served.calls, 0);
}

/* --- all messages --- */

static void put_any(uint8_t *msg, uint8_t op)
{
	static const struct lists lists = { "192.0.2.1", "24", "", "" };

	switch (op) {
	case OP_GET:
	case OP_DELETE:
		put_keyed(msg, op, 1, "Key", NULL);
		break;
	case OP_SET:
		put_keyed(msg, op, 1, "Key", "value");
		break;
	case OP_ENUMERATE:
		put_enumerate(msg, 1, 0);
		break;
	case OP_GET_IP:
		put_get_ip(msg, ADAPTER);
		break;
	case OP_SET_IP:
		put_set_ip(msg, &lists);
		break;
	}
}

static void pools_from_4_to_255_are_refused(void **state)
{
	static struct talk t;

	(void)state;
	for (unsigned pool = 0; pool < 256; pool++)
		for (uint8_t op = OP_GET; op <= OP_SET_IP; op++) {
			bool taken = pool < 4 || op >= OP_GET_IP;

			talk_init(&t);
			put_any(t.msg, op);
			t.msg[AT_POOL] = (uint8_t)pool;
			assert_int_equal(talk_send(&t), taken ? WIRE_OK : WIRE_INVALID);
			assert_int_equal(t.served.calls, taken);
			if (taken && op < OP_GET_IP)
				assert_int_equal(t.served.pool, pool);
		}
}

/* An error, so that the driver does not take the rest for an item. */
static void unknown_operations_are_not_supported(void **state)
{
	static struct talk t;

	(void)state;
	for (unsigned op = 6; op < 256; op++) {
		talk_init(&t);
		put_any(t.msg, OP_ENUMERATE);
		t.msg[AT_OPERATION] = (uint8_t)op;
		assert_int_equal(talk_send(&t), WIRE_NOT_SUPPORTED);
		assert_int_equal(t.result.error, -EOPNOTSUPP);
		assert_non_null(t.result.why);
		assert_int_equal(t.served.calls, 0);
	}
}

static void what_has_another_size_is_no_request(void **state)
{
	static struct talk t;

	(void)state;
	for (uint8_t op = OP_GET; op <= OP_SET_IP; op++) {
		talk_init(&t);
		put_any(t.msg, op);
		for (size_t n = 0; n < MSG_SIZE; n++) {
			_cleanup_(guard_done) struct guard g = guard_copy(t.msg, n);
			struct ic_result r = kvp_msg_handle(&t.kvp, g.p, n, 0);

			assert_int_equal(r.verdict, IC_NOTHING);
			assert_int_equal(r.error, -EBADMSG);
			assert_memory_equal(g.p, t.msg, n);
		}
		assert_int_equal(kvp_msg_handle(&t.kvp, t.msg, MSG_SIZE + 1, 0).verdict, IC_NOTHING);
		assert_int_equal(t.served.calls, 0);
	}
}

static void an_errno_is_the_hosts_status(void **state)
{
	static const struct {
		int answer;
		uint32_t status;
	} rows[] = {
		{ -ENOENT, WIRE_NOT_FOUND }, { -ENOSPC, WIRE_DISK_FULL }, { -EACCES, WIRE_FAIL },
		{ -ENODATA, WIRE_NO_MORE_ITEMS }, { -EOPNOTSUPP, WIRE_NOT_SUPPORTED },
	};
	static struct talk t;

	(void)state;
	for (uint8_t op = OP_GET; op <= OP_SET_IP; op++)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			talk_init(&t);
			t.served.answer = rows[i].answer;
			put_any(t.msg, op);
			assert_int_equal(talk_send(&t), rows[i].status);
			assert_int_equal(t.result.error, rows[i].answer);
			assert_null(t.result.why);
		}
}

static void a_locked_pool_puts_the_request_off(void **state)
{
	static struct talk t;

	(void)state;
	for (uint8_t op = OP_GET; op <= OP_SET_IP; op++) {
		talk_init(&t);
		t.served.answer = -EAGAIN;
		put_any(t.msg, op);
		(void)talk_send(&t);
		assert_int_equal(t.result.verdict, IC_LATER);
		/* The same bytes, when it is not locked any more. */
		t.served.answer = 0;
		assert_int_equal(talk_send(&t), WIRE_OK);
		assert_int_equal(t.served.calls, 2);
	}
	put_any(t.msg, OP_SET);
	kvp_msg_refuse(t.msg, -EBUSY);
	assert_int_equal(status_of(t.msg), WIRE_FAIL);
}

/* --- the two routes --- */

/* What the driver writes for the host: its utf8s_to_utf16s into the host's own message, which is
 * zero there, and at most so many units. */
static void drivers_text(const uint8_t *text, uint8_t *field, size_t units)
{
	(void)utf16_from_utf8((const char *)text, strlen((const char *)text), field, units);
}

static void send_on_the_wire(struct talk *t, uint8_t *body, size_t n)
{
	static const struct ic_policy policy = { .framework = { .n = 0 } };
	struct ic ic = {
		.service = &ic_kvp,
		.policy = &policy,
		.user = &t->kvp,
		.answer = { .outcome = IC_AGREED, .pair = { { 3, 0 }, { 4, 0 } } },
	};
	static uint8_t msg[MESSAGE_MAX];
	size_t len = message_put(msg, &(struct message){ .type = 2, .framework = { 3, 0 },
							 .version = { 4, 0 }, .body = body, .n = n });

	assert_int_equal(ic_handle(&ic, msg, len, len, sizeof(msg)).error, 0);
	memcpy(body, msg + MESSAGE_BODY, n);
}

static void both_routes_tell_the_host_the_same_item(void **state)
{
	static const char *const values[] = { "", "Debian", "\xf0\x9f\x98\x80 \xc3\xa9", "\xff\x80" };
	uint8_t wire[2580] = { OP_ENUMERATE, 1 }, driver[2580] = { OP_ENUMERATE, 1 };
	static struct talk t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		talk_init(&t);
		strcpy(t.served.reply.key, "OSName");
		strcpy(t.served.reply.value, values[i]);
		memset(wire + 2, 0, sizeof(wire) - 2);
		send_on_the_wire(&t, wire, sizeof(wire));
		put_enumerate(t.msg, 1, 0);
		assert_int_equal(talk_send(&t), WIRE_OK);
		memset(driver, 0, sizeof(driver));
		drivers_text(t.msg + AT_ENUMERATED_KEY, driver + 20, 254);
		drivers_text(t.msg + AT_ENUMERATED_VALUE, driver + 532, 1022);
		assert_memory_equal(driver + 20, wire + 20, sizeof(wire) - 20);
	}
}

static void both_routes_tell_the_host_the_same_addresses(void **state)
{
	static uint8_t wire[7428], driver[7428];
	static struct talk t;

	(void)state;
	/* As many as there can be: the lists are cut alike. */
	for (unsigned n = 0; n <= 64; n += 16) {
		talk_init(&t);
		fill_ip(&t.served.ip_reply);
		t.served.ip_reply.n_ipv4 = t.served.ip_reply.n_ipv6 = n;
		t.served.ip_reply.n_dns6 = n;
		for (unsigned i = 0; i < n; i++)
			memset(&t.served.ip_reply.ipv6[i], 0x77, sizeof(t.served.ip_reply.ipv6[i]));

		memset(wire, 0, sizeof(wire));
		wire[0] = OP_GET_IP;
		(void)put_utf16(wire + 2, 256, ADAPTER);
		memcpy(driver, wire, sizeof(driver));
		send_on_the_wire(&t, wire, sizeof(wire));

		put_get_ip(t.msg, ADAPTER);
		assert_int_equal(talk_send(&t), WIRE_OK);
		drivers_text(t.msg + AT_ADDRESSES, driver + 260, 1024);
		drivers_text(t.msg + AT_SUBNETS, driver + 2308, 1024);
		drivers_text(t.msg + AT_GATEWAYS, driver + 4356, 512);
		drivers_text(t.msg + AT_DNS, driver + 5380, 1024);
		drivers_text(t.msg + AT_ADAPTER, driver + 2, 128);
		driver[258] = t.msg[AT_FAMILY];
		driver[259] = t.msg[AT_DHCP];
		assert_memory_equal(driver, wire, sizeof(wire));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_registration_is_an_operation_and_nothing_else),
		cmocka_unit_test(its_answer_is_known_from_any_request),
		cmocka_unit_test(set_hands_over_a_zero_padded_record),
		cmocka_unit_test(delete_names_its_key),
		cmocka_unit_test(enumerate_answers_with_the_item_at_the_index),
		cmocka_unit_test(get_answers_where_the_driver_looks),
		cmocka_unit_test(each_key_is_taken_or_refused),
		cmocka_unit_test(an_empty_key_is_refused),
		cmocka_unit_test(each_value_is_taken_or_refused),
		cmocka_unit_test(a_value_that_the_driver_has_lost_is_not_kept),
		cmocka_unit_test(the_longest_texts_go_both_ways),
		cmocka_unit_test(what_the_driver_gets_is_always_text),
		cmocka_unit_test(get_ip_answers_with_the_lists),
		cmocka_unit_test(set_ip_hands_the_numbers_over),
		cmocka_unit_test(addresses_that_are_no_text_are_refused),
		cmocka_unit_test(pools_from_4_to_255_are_refused),
		cmocka_unit_test(unknown_operations_are_not_supported),
		cmocka_unit_test(what_has_another_size_is_no_request),
		cmocka_unit_test(an_errno_is_the_hosts_status),
		cmocka_unit_test(a_locked_pool_puts_the_request_off),
		cmocka_unit_test(both_routes_tell_the_host_the_same_item),
		cmocka_unit_test(both_routes_tell_the_host_the_same_addresses),
	};

	return cmocka_run_group_tests_name("kvp_msg", tests, NULL, NULL);
}
