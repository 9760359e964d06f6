/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's messages: golden bytes, checks of replies, hostile replies. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "tests/host/text16.h"
#include "tests/host/wire.h"

static const struct version_pair agreed = { { 3, 0 }, { 4, 0 } };

/* A copy that ends where an unreadable page begins; one at a time. */
static const uint8_t *guarded(const uint8_t *from, size_t n)
{
	static uint8_t *page; /* a test's own, never freed: the process ends soon */

	if (!page) {
		page = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
		assert_ptr_not_equal(page, MAP_FAILED);
		assert_int_equal(mprotect(page + 4 * 4096, 4096, PROT_NONE), 0);
	}
	memcpy(page + 4 * 4096 - n, from, n);
	return page + 4 * 4096 - n;
}

static struct message *message_new(void)
{
	struct message *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	return m;
}

static void request(struct message *m, enum component c, const char *name, uint16_t major)
{
	const struct wire_operation *op = wire_operation_find(c, name, major);

	assert_non_null(op);
	wire_request(m, op, agreed);
}

/* --- golden bytes --- */

static void test_negotiation_is_golden(void **state)
{
	/* KVP with two framework and three message versions takes 72 bytes with
	 * the descriptor, so 56 without. */
	static const uint8_t golden[] = {
		1, 0, 0, 0, 48, 0, 0, 0,                             /* pipe */
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 0, 0, 0, 3, 0, 0, /* header */
		2, 0, 3, 0, 0, 0, 0, 0,                              /* counts */
		1, 0, 0, 0, 3, 0, 0, 0,                              /* framework */
		3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0,                  /* message */
	};
	static const struct version_list framework = { 2, { { 1, 0 }, { 3, 0 } } };
	static const struct version_list message = { 3, { { 3, 0 }, { 4, 0 }, { 5, 0 } } };
	static const uint16_t lie[2] = { 0x1234, 0xffff };
	struct message *m = message_new();

	(void)state;
	wire_negotiate(m, &framework, &message, NULL);
	assert_int_equal(m->len, sizeof(golden));
	assert_memory_equal(m->bytes, golden, sizeof(golden));
	wire_negotiate(m, &framework, &message, lie);
	assert_int_equal(m->len, sizeof(golden));
	assert_int_equal(m->bytes[28], 0x34);
	assert_int_equal(m->bytes[31], 0xff);
	free(m);
}

static void test_sizes_are_those_of_openvmm(void **state)
{
	static const struct {
		enum component c;
		const char *name;
		uint16_t major;
		size_t body;
		uint16_t at; /* of the byte that makes it this operation */
		uint8_t value;
	} rows[] = {
		{ COMPONENT_HEARTBEAT, "beat", 3, 16, 0, 0 },
		{ COMPONENT_TIMESYNC, "sync", 1, 28, 24, 1 },
		{ COMPONENT_TIMESYNC, "sample", 3, 28, 24, 2 },
		{ COMPONENT_TIMESYNC, "sync", 4, 24, 16, 1 },
		{ COMPONENT_TIMESYNC, "sample", 4, 24, 16, 2 },
		{ COMPONENT_KVP, "get", 5, 2580, 0, 0 },
		{ COMPONENT_KVP, "set", 3, 2580, 0, 1 },
		{ COMPONENT_KVP, "delete", 3, 2580, 0, 2 },
		{ COMPONENT_KVP, "enumerate", 3, 2580, 0, 3 },
		{ COMPONENT_KVP, "get-ip", 4, 7428, 0, 4 },
		{ COMPONENT_KVP, "set-ip", 5, 7428, 0, 5 },
		{ COMPONENT_SHUTDOWN, "request", 3, 2060, 3, 0x80 },
	};
	struct message *m = message_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		request(m, rows[i].c, rows[i].name, rows[i].major);
		assert_int_equal(m->len, 28 + rows[i].body);
		assert_int_equal(m->bytes[18] | m->bytes[19] << 8, rows[i].body);
		assert_int_equal(m->bytes[4] | m->bytes[5] << 8, 20 + rows[i].body);
		assert_int_equal(m->bytes[12], component_table[rows[i].c].message_type);
		assert_int_equal(m->bytes[28 + rows[i].at], rows[i].value);
	}
	assert_null(wire_operation_find(COMPONENT_KVP, "beat", 3));
	free(m);
}

/* Field by field at the absolute offsets of Linux hyperv.h and OpenVMM hyperv_ic_protocol. */
static void test_fields_are_where_they_belong(void **state)
{
	static const struct {
		enum component c;
		const char *operation;
		uint16_t major;
		const char *field, *value;
		uint16_t at; /* in the body */
		const char *bytes;
	} rows[] = {
		{ COMPONENT_HEARTBEAT, "beat", 3, "sequence", "0x1122334455667788", 0,
		  "8877665544332211" },
		{ COMPONENT_HEARTBEAT, "beat", 3, "state", "2", 8, "02000000" },
		{ COMPONENT_TIMESYNC, "sync", 3, "parent", "1", 0, "0100000000000000" },
		{ COMPONENT_TIMESYNC, "sync", 3, "flags", "255", 24, "ff" },
		{ COMPONENT_TIMESYNC, "sync", 4, "reference", "3", 8, "0300000000000000" },
		{ COMPONENT_TIMESYNC, "sync", 4, "leap", "3", 17, "03" },
		{ COMPONENT_SHUTDOWN, "request", 3, "reason", "0x80000000", 0, "00000080" },
		{ COMPONENT_SHUTDOWN, "request", 3, "timeout", "300", 4, "2c010000" },
		{ COMPONENT_SHUTDOWN, "request", 3, "flags", "6", 8, "06000000" },
		{ COMPONENT_SHUTDOWN, "request", 3, "message", "bye", 12, "6200790065000000" },
		{ COMPONENT_TIMESYNC, "sync", 4, "stratum", "15", 18, "0f" },
		{ COMPONENT_KVP, "set", 3, "pool", "255", 1, "ff" },
		{ COMPONENT_KVP, "set", 3, "key", "A", 16, "41000000" },
		{ COMPONENT_KVP, "set", 3, "key", "A", 8, "04000000" },
		{ COMPONENT_KVP, "set", 3, "value", "AB", 528, "410042000000" },
		{ COMPONENT_KVP, "set", 3, "value", "AB", 12, "06000000" },
		{ COMPONENT_KVP, "set", 3, "value", "AB", 4, "01000000" },
		{ COMPONENT_KVP, "set", 3, "expand", "A", 4, "02000000" },
		{ COMPONENT_KVP, "set", 3, "dword", "7", 4, "04000000" },
		{ COMPONENT_KVP, "set", 3, "dword", "7", 12, "04000000" },
		{ COMPONENT_KVP, "set", 3, "qword", "7", 4, "0b000000" },
		{ COMPONENT_KVP, "set", 3, "qword", "7", 528, "0700000000000000" },
		{ COMPONENT_KVP, "set", 3, "key", "\\u{1F600}", 16, "3dd800de0000" },
		{ COMPONENT_KVP, "set", 3, "key", "\\w{D800}x", 16, "00d878000000" },
		{ COMPONENT_KVP, "set", 3, "key", "hex:414243", 16, "41424300" },
		{ COMPONENT_KVP, "set", 3, "key", "hex:414243", 8, "03000000" },
		{ COMPONENT_KVP, "enumerate", 3, "index", "9", 4, "09000000" },
		{ COMPONENT_KVP, "enumerate", 3, "key", "A", 20, "41000000" },
		{ COMPONENT_KVP, "enumerate", 3, "value", "A", 532, "41000000" },
		{ COMPONENT_KVP, "delete", 3, "key", "A", 4, "04000000" },
		{ COMPONENT_KVP, "delete", 3, "key", "A", 8, "41000000" },
		{ COMPONENT_KVP, "get-ip", 4, "adapter", "A", 2, "41000000" },
		{ COMPONENT_KVP, "get-ip", 4, "family", "3", 258, "03" },
		{ COMPONENT_KVP, "set-ip", 4, "dhcp", "1", 259, "01" },
		{ COMPONENT_KVP, "set-ip", 4, "addresses", "A", 260, "41000000" },
		{ COMPONENT_KVP, "set-ip", 4, "subnets", "A", 2308, "41000000" },
		{ COMPONENT_KVP, "set-ip", 4, "gateways", "A", 4356, "41000000" },
		{ COMPONENT_KVP, "set-ip", 4, "dns", "A", 5380, "41000000" },
		{ COMPONENT_KVP, "get-ip", 5, "adapter", "A", 4 + 24, "41000000" },
		{ COMPONENT_KVP, "get-ip", 5, "family", "1", 4 + 280, "01" },
		{ COMPONENT_KVP, "set-ip", 5, "ipv4", "10.0.0.1,10.0.0.2", 4 + 284,
		  "0a0000010a000002" },
		{ COMPONENT_KVP, "set-ip", 5, "ipv4", "10.0.0.1,10.0.0.2", 4, "02000000" },
		{ COMPONENT_KVP, "set-ip", 5, "ipv6", "fe80::1", 4 + 540,
		  "fe800000000000000000000000000001" },
		{ COMPONENT_KVP, "set-ip", 5, "mask4", "255.0.0.0", 4 + 1564, "ff000000" },
		{ COMPONENT_KVP, "set-ip", 5, "prefix6", "64", 4 + 1820, "40000000" },
		{ COMPONENT_KVP, "set-ip", 5, "gateway4", "1.2.3.4", 4 + 2076, "01020304" },
		{ COMPONENT_KVP, "set-ip", 5, "gateway6", "::1", 4 + 2096 + 12, "00000001" },
		{ COMPONENT_KVP, "set-ip", 5, "dns4", "1.2.3.4", 4 + 2176, "01020304" },
		{ COMPONENT_KVP, "set-ip", 5, "dns6", "::1", 4 + 2432 + 12, "00000001" },
		{ COMPONENT_KVP, "set-ip", 5, "origins", "1,2", 4 + 3456, "01000200" },
	};
	struct message *m = message_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct wire_operation *op =
			wire_operation_find(rows[i].c, rows[i].operation, rows[i].major);
		uint8_t bytes[32];
		int n = wire_parse_hex(rows[i].bytes, bytes, sizeof(bytes));

		assert_true(n > 0);
		wire_request(m, op, agreed);
		assert_int_equal(wire_set(m, op, rows[i].field, rows[i].value), 0);
		assert_memory_equal(m->bytes + 28 + rows[i].at, bytes, (size_t)n);
	}
	free(m);
}

static void test_header_fields(void **state)
{
	static const struct {
		const char *field, *value;
		uint16_t at;
		const char *bytes;
	} rows[] = {
		{ "pipe-flags", "2", 0, "02000000" },    { "pipe-size", "9", 4, "09000000" },
		{ "header-framework", "3.1", 8, "03000100" }, { "type", "9", 12, "0900" },
		{ "header-message", "9.8", 14, "09000800" },  { "icmsgsize", "9999", 18, "0f27" },
		{ "status", "0x80004005", 20, "05400080" },   { "transaction", "7", 24, "07" },
		{ "icflags", "7", 25, "07" },            { "reserved", "1", 26, "0100" },
	};
	struct message *m = message_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t bytes[8];
		int n = wire_parse_hex(rows[i].bytes, bytes, sizeof(bytes));

		request(m, COMPONENT_HEARTBEAT, "beat", 3);
		assert_int_equal(wire_set(m, NULL, rows[i].field, rows[i].value), 0);
		assert_memory_equal(m->bytes + rows[i].at, bytes, (size_t)n);
	}
	free(m);
}

static void test_wrong_values_change_nothing(void **state)
{
	static const struct {
		const char *field, *value;
		int r;
	} rows[] = {
		{ "no-such", "1", -ENOENT },        { "pool", "256", -EINVAL },
		{ "pool", "-1", -EINVAL },          { "pool", "", -EINVAL },
		{ "pool", "1x", -EINVAL },          { "key", "\\q", -EINVAL },
		{ "key", "\\u{110000}", -EINVAL },  { "key", "\\u{41", -EINVAL },
		{ "key", "\\u", -EINVAL },          { "key", "a\\", -EINVAL },
		{ "key", "\xff", -EINVAL },         { "key", "\xc0\x80", -EINVAL },
		{ "key", "\xed\xa0\x80", -EINVAL }, { "key", "hex:4", -EINVAL },
		{ "key", "hex:zz", -EINVAL },       { "header-message", "3", -EINVAL },
		{ "dword", "4294967296", -EINVAL },
	};
	const struct wire_operation *op = wire_operation_find(COMPONENT_KVP, "set", 4);
	struct message *m = message_new(), *before = message_new();

	(void)state;
	wire_request(m, op, agreed);
	*before = *m;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(wire_set(m, op, rows[i].field, rows[i].value), rows[i].r);
		assert_memory_equal(m, before, sizeof(*m));
	}
	assert_int_equal(wire_resize(m, 100), 0);
	assert_int_equal(wire_set(m, op, "value", "x"), -ENOBUFS); /* the body ends before it */
	free(before);
	free(m);
}

static void test_lengths(void **state)
{
	struct message *m = message_new();

	(void)state;
	request(m, COMPONENT_TIMESYNC, "sync", 3);
	assert_int_equal(wire_resize(m, 25), 0);
	assert_int_equal(m->len, 53);
	assert_int_equal(m->bytes[4], 45);
	assert_int_equal(m->bytes[18], 25);
	assert_int_equal(wire_set_length(m, 10), 0);
	assert_int_equal(m->len, 10);
	assert_int_equal(m->bytes[4], 45); /* the lie stays */
	assert_int_equal(wire_set_length(m, WIRE_MESSAGE_MAX), 0);
	assert_int_equal(wire_set_length(m, WIRE_MESSAGE_MAX + 1), -EMSGSIZE);
	assert_int_equal(wire_resize(m, WIRE_MESSAGE_MAX - 27), -EMSGSIZE);
	free(m);
}

/* --- replies --- */

static void test_reply_checks(void **state)
{
	static const struct {
		const char *field, *value; /* done to the reply */
		const char *why;           /* NULL: it passes */
	} rows[] = {
		{ "status", "0x80004005", NULL },
		{ "pipe-flags", "9", NULL },
		{ "icflags", "3", "flags are 3" },
		{ "icflags", "7", "flags are 7" },
		{ "icflags", "4", "flags are 4" },
		{ "transaction", "1", "transaction id is 1" },
		{ "type", "0", "type is 0" },
		{ "icmsgsize", "21", "claims a body of 21" },
		{ "icmsgsize", "20", NULL }, /* with the ring's padding */
		{ "pipe-size", "41", "pipe header claims 41" },
	};
	struct message *q = message_new(), *a = message_new();
	char why[160];

	(void)state;
	request(q, COMPONENT_HEARTBEAT, "beat", 3);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		*a = *q;
		assert_int_equal(wire_set_length(a, 48), 0);
		assert_int_equal(wire_set(a, NULL, "icflags", "5"), 0);
		assert_int_equal(wire_check_reply(q, a->bytes, a->len, why, sizeof(why)), 0);
		assert_int_equal(wire_set(a, NULL, rows[i].field, rows[i].value), 0);
		assert_int_equal(wire_check_reply(q, a->bytes, a->len, why, sizeof(why)),
				 rows[i].why ? -EBADMSG : 0);
		if (rows[i].why)
			assert_non_null(strstr(why, rows[i].why));
	}
	*a = *q;
	assert_int_equal(wire_set(a, NULL, "icflags", "5"), 0);
	for (size_t n = 0; n <= 64; n++) /* of one length only */
		assert_int_equal(wire_check_reply(q, a->bytes, n, why, sizeof(why)),
				 n == 48 ? 0 : -EBADMSG);
	free(a);
	free(q);
}

/* The size in the reply is the guest's lie only when it was not the request's. */
static void test_echoed_lie_passes(void **state)
{
	struct message *q = message_new(), *a = message_new();
	char why[160];

	(void)state;
	request(q, COMPONENT_HEARTBEAT, "beat", 3);
	assert_int_equal(wire_set(q, NULL, "icmsgsize", "9999"), 0);
	*a = *q;
	assert_int_equal(wire_set_length(a, 48), 0);
	assert_int_equal(wire_set(a, NULL, "icflags", "5"), 0);
	assert_int_equal(wire_check_reply(q, a->bytes, a->len, why, sizeof(why)), 0);
	assert_int_equal(wire_set(a, NULL, "icmsgsize", "9998"), 0);
	assert_int_equal(wire_check_reply(q, a->bytes, a->len, why, sizeof(why)), -EBADMSG);
	free(a);
	free(q);
}

static void test_negotiation_replies(void **state)
{
	uint8_t bytes[44] = { [28] = 1, [30] = 1, [36] = 3, [40] = 4, [42] = 2 };
	struct version_pair pair = { { 9, 9 }, { 9, 9 } };
	uint16_t counts[2] = { 9, 9 };

	(void)state;
	for (size_t n = 0; n < sizeof(bytes); n++)
		assert_int_equal(wire_parse_negotiate(guarded(bytes, n), n, counts, &pair), -EBADMSG);
	assert_int_equal(counts[0], 9); /* untouched on failure */
	assert_int_equal(pair.message.major, 9);
	assert_int_equal(wire_parse_negotiate(bytes, sizeof(bytes), counts, &pair), 0);
	assert_int_equal(counts[0], 1);
	assert_int_equal(counts[1], 1);
	assert_int_equal(pair.framework.major, 3);
	assert_int_equal(pair.message.major, 4);
	assert_int_equal(pair.message.minor, 2);
}

static void test_value_checks(void **state)
{
	static const struct {
		const char *field, *value;
		const char *why; /* NULL: it passes */
	} rows[] = {
		{ "value", "ok", NULL },
		{ "dword", "5", NULL },
		{ "qword", "5", NULL },
		{ "expand", "%x%", NULL },
		{ "value", "\\u{1F600}", NULL },
		{ "value-size", "3", "impossible size" },
		{ "value-size", "0", "impossible size" },
		{ "value-size", "2050", "impossible size" },
		{ "value-size", "0xfffffffe", "impossible size" },
		{ "value-size", "4", "no NUL" },
		{ "value", "\\w{DC00}", "not valid UTF-16" },
		{ "value", "\\w{D800}", "not valid UTF-16" },
		{ "value-type", "8", "unknown type 8" },
		{ "value-type", "4", "type 4 has" },
		{ "value-type", "11", "type 11 has" },
		{ "key-size", "514", "key of a reply" },
		{ "key", "\\w{D800}\\w{D800}", "key of a reply" },
	};
	const struct wire_operation *op = wire_operation_find(COMPONENT_KVP, "enumerate", 4);
	struct message *m = message_new();
	char why[160];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		wire_request(m, op, agreed);
		assert_int_equal(wire_set(m, op, "key", "name"), 0);
		assert_int_equal(wire_set(m, op, "value", "text"), 0);
		assert_int_equal(wire_set(m, op, rows[i].field, rows[i].value), 0);
		assert_int_equal(wire_check_value(op, m->bytes, m->len, why, sizeof(why)),
				 rows[i].why ? -EBADMSG : 0);
		if (rows[i].why)
			assert_non_null(strstr(why, rows[i].why));
		assert_int_equal(wire_set(m, NULL, "status", "0x80070103"), 0);
		assert_int_equal(wire_check_value(op, m->bytes, m->len, why, sizeof(why)), 0);
	}
	free(m);
}

static void test_sequence(void **state)
{
	struct message *q = message_new(), *a = message_new();
	const struct wire_operation *op = wire_operation_find(COMPONENT_HEARTBEAT, "beat", 3);
	char why[160];

	(void)state;
	wire_request(q, op, agreed);
	assert_int_equal(wire_set(q, op, "sequence", "0xffffffffffffffff"), 0);
	*a = *q;
	assert_int_equal(wire_check_sequence(q, a->bytes, a->len, why, sizeof(why)), -EBADMSG);
	assert_int_equal(wire_set(a, op, "sequence", "0"), 0);
	assert_int_equal(wire_check_sequence(q, a->bytes, a->len, why, sizeof(why)), 0);
	free(a);
	free(q);
}

/* Every prefix of every reply, at the edge of what can be read. */
static void test_short_replies_are_not_overrun(void **state)
{
	static const char *const fields[] = { "key",   "value", "addresses", "ipv6",
					      "origins", "state", "status",    "stratum" };
	static const struct {
		enum component c;
		const char *name;
		uint16_t major;
	} ops[] = { { COMPONENT_KVP, "enumerate", 4 }, { COMPONENT_KVP, "get-ip", 4 },
		    { COMPONENT_KVP, "get-ip", 5 },    { COMPONENT_TIMESYNC, "sync", 4 },
		    { COMPONENT_HEARTBEAT, "beat", 3 } };
	struct message *m = message_new();
	char text[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		const struct wire_operation *op =
			wire_operation_find(ops[i].c, ops[i].name, ops[i].major);

		wire_request(m, op, agreed);
		memset(m->bytes + 28, 0xdc, m->len - 28);
		for (size_t n = 0; n <= m->len; n += n < 64 ? 1 : 61) {
			const uint8_t *p = guarded(m->bytes, n);

			(void)!wire_check_reply(m, p, n, text, sizeof(text));
			(void)!wire_check_value(op, p, n, text, sizeof(text));
			(void)!wire_check_sequence(m, p, n, text, sizeof(text));
			for (size_t k = 0; k < ARRAY_LEN(fields); k++)
				(void)!wire_get(op, p, n, fields[k], 100000, text, sizeof(text));
		}
	}
	free(m);
}

static void test_get_is_the_inverse_of_set(void **state)
{
	static const struct {
		const char *operation, *field, *value;
	} rows[] = {
		{ "get-ip", "ipv4", "10.0.0.1,192.0.2.7" },
		{ "get-ip", "ipv6", "fe80::1,2001:db8::2" },
		{ "get-ip", "origins", "1,2,0" },
		{ "get-ip", "prefix6", "64,128" },
		{ "get-ip", "adapter", "{\xc3\xa9}" },
		{ "set", "key", "\xf0\x9f\x98\x80 \\w{D800} \\\\ \\u{1}" },
		{ "set", "qword", "18446744073709551615" },
		{ "set", "header-message", "65535.1" },
	};
	struct message *m = message_new();
	char text[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct wire_operation *op =
			wire_operation_find(COMPONENT_KVP, rows[i].operation, 5);
		size_t n = 1;

		for (const char *p = rows[i].value; *p; p++)
			n += *p == ',';
		wire_request(m, op, agreed);
		assert_int_equal(wire_set(m, op, rows[i].field, rows[i].value), 0);
		assert_int_equal(wire_get(op, m->bytes, m->len, rows[i].field, n, text,
					  sizeof(text)), 0);
		assert_string_equal(text, rows[i].value);
	}
	assert_int_equal(wire_get(NULL, m->bytes, m->len, "key", 0, text, sizeof(text)), -ENOENT);
	free(m);
}

static void test_statuses(void **state)
{
	uint32_t status = 7;

	(void)state;
	assert_int_equal(wire_status_parse("no-more", &status), 0);
	assert_int_equal(status, 0x80070103);
	assert_int_equal(wire_status_parse("0x80041002", &status), 0);
	assert_string_equal(wire_status_name(status), "not-found");
	assert_int_equal(wire_status_parse("nonsense", &status), -EINVAL);
	assert_int_equal(wire_status_parse("", &status), -EINVAL);
	assert_int_equal(status, 0x80041002);
	assert_null(wire_status_name(1));
}

static void test_text_is_cut_not_overrun(void **state)
{
	uint8_t units[8];
	char text[8];

	(void)state;
	assert_int_equal(text16_from_escaped("abcd", units, sizeof(units)), -ENOBUFS);
	assert_int_equal(text16_from_escaped("abc", units, sizeof(units)), 8);
	for (size_t size = 1; size <= sizeof(text); size++) {
		memset(text, 'z', sizeof(text));
		text16_to_escaped(units, sizeof(units), text, size);
		assert_int_equal(strlen(text), size - 1 < 3 ? size - 1 : 3);
		assert_true(size == sizeof(text) || text[size] == 'z');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_negotiation_is_golden),
		cmocka_unit_test(test_sizes_are_those_of_openvmm),
		cmocka_unit_test(test_fields_are_where_they_belong),
		cmocka_unit_test(test_header_fields),
		cmocka_unit_test(test_wrong_values_change_nothing),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_reply_checks),
		cmocka_unit_test(test_echoed_lie_passes),
		cmocka_unit_test(test_negotiation_replies),
		cmocka_unit_test(test_value_checks),
		cmocka_unit_test(test_sequence),
		cmocka_unit_test(test_short_replies_are_not_overrun),
		cmocka_unit_test(test_get_is_the_inverse_of_set),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_text_is_cut_not_overrun),
	};

	return cmocka_run_group_tests_name("host_wire", tests, NULL, NULL);
}
