/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/kvp_ip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "tests/unit/harness.h"

/* The string form, from the operation byte (Linux hyperv.h, hv_kvp_ipaddr_value). */
#define STRING_SIZE 7428
#define S_ADAPTER 2
#define S_FAMILY 258
#define S_DHCP 259
#define S_ADDRESSES 260
#define S_SUBNETS 2308
#define S_GATEWAYS 4356
#define S_DNS 5380

/* The binary form: what the same section says of the structure, which begins at 4. */
#define BINARY_SIZE (4 + 3712)
enum { COUNT_IPV4, COUNT_IPV6, COUNT_GATEWAYS4, COUNT_GATEWAYS6, COUNT_DNS4, COUNT_DNS6, COUNTS };
#define B_COUNTS (4 + 0)
#define B_ADAPTER (4 + 24)
#define B_FAMILY (4 + 280)
#define B_DHCP (4 + 281)
#define B_IPV4 (4 + 284)
#define B_IPV6 (4 + 540)
#define B_MASKS (4 + 1564)
#define B_PREFIXES (4 + 1820)
#define B_GATEWAYS4 (4 + 2076)
#define B_GATEWAYS6 (4 + 2096)
#define B_DNS4 (4 + 2176)
#define B_DNS6 (4 + 2432)
#define B_ORIGINS (4 + 3456)

#define MAC "00:15:5d:01:02:03"
#define DEVICE "{ac2c1b72-1b5e-4d8e-8d0f-2f1d3c4b5a69}"

/* --- samples --- */

/* Every place of every array is taken and different from all others. */
static void fill_ip(struct kvp_ip *ip)
{
	uint64_t seed = 42;

	memset(ip, 0, sizeof(*ip));
	(void)snprintf(ip->adapter_id, sizeof(ip->adapter_id), "%s", MAC);
	ip->family = 3;
	ip->dhcp = true;
	ip->n_ipv4 = ip->n_ipv6 = ip->n_dns4 = ip->n_dns6 = 64;
	ip->n_gateways4 = ip->n_gateways6 = 5;
	for (unsigned i = 0; i < 64; i++) {
		put_le(ip->ipv4[i].address, 4, next_random(&seed));
		put_le(ip->ipv6[i].address, 8, next_random(&seed));
		put_le(ip->ipv6[i].address + 8, 8, next_random(&seed));
		ip->ipv4[i].prefix = (uint8_t)(i % 33);
		ip->ipv6[i].prefix = (uint8_t)(i * 2 + 2);
		ip->ipv4[i].origin = (uint8_t)(i % 3);
		ip->ipv6[i].origin = (uint8_t)((i + 1) % 3);
		put_le(ip->dns4[i], 4, next_random(&seed));
		put_le(ip->dns6[i], 8, next_random(&seed));
		put_le(ip->dns6[i] + 8, 8, next_random(&seed));
	}
	for (unsigned i = 0; i < 5; i++) {
		put_le(ip->gateways4[i], 4, next_random(&seed));
		put_le(ip->gateways6[i], 8, next_random(&seed));
		put_le(ip->gateways6[i] + 8, 8, next_random(&seed));
	}
}

/* The same as the bytes of a message, made from the table above alone. */
static void put_binary(uint8_t body[static BINARY_SIZE], const struct kvp_ip *ip)
{
	const unsigned counts[COUNTS] = { ip->n_ipv4,	   ip->n_ipv6, ip->n_gateways4,
					  ip->n_gateways6, ip->n_dns4, ip->n_dns6 };

	memset(body, 0, BINARY_SIZE);
	for (unsigned i = 0; i < COUNTS; i++)
		put_le(body + B_COUNTS + 4 * i, 4, counts[i]);
	(void)put_utf16(body + B_ADAPTER, 256, ip->adapter_id);
	body[B_FAMILY] = ip->family;
	body[B_DHCP] = ip->dhcp;
	for (unsigned i = 0; i < ip->n_ipv4; i++) {
		uint32_t mask = ip->ipv4[i].prefix ? 0xffffffffu << (32 - ip->ipv4[i].prefix) : 0;

		memcpy(body + B_IPV4 + 4 * i, ip->ipv4[i].address, 4);
		mask = htonl(mask);
		memcpy(body + B_MASKS + 4 * i, &mask, 4);
		put_le(body + B_ORIGINS + 2 * i, 2, ip->ipv4[i].origin);
	}
	for (unsigned i = 0; i < ip->n_ipv6; i++) {
		memcpy(body + B_IPV6 + 16 * i, ip->ipv6[i].address, 16);
		put_le(body + B_PREFIXES + 4 * i, 4, ip->ipv6[i].prefix);
		put_le(body + B_ORIGINS + 2 * (ip->n_ipv4 + i), 2, ip->ipv6[i].origin);
	}
	memcpy(body + B_GATEWAYS4, ip->gateways4, 4 * ip->n_gateways4);
	memcpy(body + B_GATEWAYS6, ip->gateways6, 16 * ip->n_gateways6);
	memcpy(body + B_DNS4, ip->dns4, 4 * ip->n_dns4);
	memcpy(body + B_DNS6, ip->dns6, 16 * ip->n_dns6);
}

/* A SET in string form. */
struct text {
	const char *addresses, *subnets, *gateways, *dns;
};

static void put_string(uint8_t body[static STRING_SIZE], const struct text *t)
{
	memset(body, 0, STRING_SIZE);
	body[0] = 5;
	(void)put_utf16(body + S_ADAPTER, 256, DEVICE);
	body[S_FAMILY] = 3;
	(void)put_utf16(body + S_ADDRESSES, 2048, t->addresses);
	(void)put_utf16(body + S_SUBNETS, 2048, t->subnets);
	(void)put_utf16(body + S_GATEWAYS, 1024, t->gateways);
	(void)put_utf16(body + S_DNS, 2048, t->dns);
}

static int read_string(const uint8_t *body, struct kvp_ip *ret)
{
	_cleanup_(guard_done) struct guard g = guard_copy(body, STRING_SIZE);

	return kvp_ip_read_string((struct rd){ .p = g.p, .left = g.len }, ret);
}

static int read_binary(const uint8_t *body, struct kvp_ip *ret)
{
	_cleanup_(guard_done) struct guard g = guard_copy(body, BINARY_SIZE);

	return kvp_ip_read_binary((struct rd){ .p = g.p, .left = g.len }, ret);
}

static void assert_ip_equal(const struct kvp_ip *a, const struct kvp_ip *b)
{
	assert_string_equal(a->adapter_id, b->adapter_id);
	assert_int_equal(a->family, b->family);
	assert_int_equal(a->dhcp, b->dhcp);
	assert_int_equal(a->n_ipv4, b->n_ipv4);
	assert_int_equal(a->n_ipv6, b->n_ipv6);
	assert_int_equal(a->n_gateways4, b->n_gateways4);
	assert_int_equal(a->n_gateways6, b->n_gateways6);
	assert_int_equal(a->n_dns4, b->n_dns4);
	assert_int_equal(a->n_dns6, b->n_dns6);
	assert_memory_equal(a->ipv4, b->ipv4, a->n_ipv4 * sizeof(a->ipv4[0]));
	assert_memory_equal(a->ipv6, b->ipv6, a->n_ipv6 * sizeof(a->ipv6[0]));
	assert_memory_equal(a->gateways4, b->gateways4, 4 * a->n_gateways4);
	assert_memory_equal(a->gateways6, b->gateways6, 16 * a->n_gateways6);
	assert_memory_equal(a->dns4, b->dns4, 4 * a->n_dns4);
	assert_memory_equal(a->dns6, b->dns6, 16 * a->n_dns6);
}

/* --- the binary form --- */

static void the_binary_form_is_written_byte_for_byte(void **state)
{
	static const unsigned shares[][2] = { { 64, 64 }, { 0, 0 }, { 1, 0 }, { 0, 1 }, { 3, 2 }, { 63, 64 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
		_cleanup_(guard_done) struct guard g = guard_new(BINARY_SIZE);
		struct kvp_ip full, ip;
		uint8_t expected[BINARY_SIZE];

		/* What is not in use is zero, as kvp.h asks of the daemon. */
		fill_ip(&full);
		ip = (struct kvp_ip){ .dhcp = true, .n_ipv4 = shares[i][0], .n_ipv6 = shares[i][1] };
		(void)snprintf(ip.adapter_id, sizeof(ip.adapter_id), "%s", MAC);
		ip.n_dns4 = ip.n_ipv4;
		ip.n_dns6 = ip.n_ipv6;
		ip.n_gateways4 = ip.n_ipv4 < 5 ? ip.n_ipv4 : 5;
		ip.n_gateways6 = ip.n_ipv6 < 5 ? ip.n_ipv6 : 5;
		memcpy(ip.ipv4, full.ipv4, ip.n_ipv4 * sizeof(ip.ipv4[0]));
		memcpy(ip.ipv6, full.ipv6, ip.n_ipv6 * sizeof(ip.ipv6[0]));
		memcpy(ip.dns4, full.dns4, 4 * ip.n_dns4);
		memcpy(ip.dns6, full.dns6, 16 * ip.n_dns6);
		memcpy(ip.gateways4, full.gateways4, 4 * ip.n_gateways4);
		memcpy(ip.gateways6, full.gateways6, 16 * ip.n_gateways6);
		/* The family is what the addresses are; of a request it is what the host asked. */
		ip.family = (uint8_t)((ip.n_ipv4 ? 1 : 0) | (ip.n_ipv6 ? 2 : 0));

		put_binary(expected, &ip);
		expected[0] = 4;
		expected[1] = 9;
		expected[2] = expected[3] = 0x77;
		memset(g.p, 0xee, g.len);
		memcpy(g.p, expected, 4);
		memcpy(g.p + B_ADAPTER, expected + B_ADAPTER, 256);
		ip.family = 0;
		kvp_ip_write_binary((struct wr){ .p = g.p, .left = g.len }, &ip);
		for (size_t k = 0; k < BINARY_SIZE; k++)
			if (g.p[k] != expected[k])
				fail_msg("byte %zu: %#x instead of %#x", k, g.p[k], expected[k]);
	}
}

static void the_binary_form_is_read_byte_for_byte(void **state)
{
	struct kvp_ip ip, read;
	uint8_t body[BINARY_SIZE];

	(void)state;
	fill_ip(&ip);
	put_binary(body, &ip);
	memset(&read, 0xee, sizeof(read));
	assert_int_equal(read_binary(body, &read), 0);
	assert_ip_equal(&read, &ip);

	ip.n_ipv4 = 3; /* the origins of IPv6 now begin behind the third */
	ip.n_ipv6 = 2;
	ip.n_dns4 = ip.n_gateways6 = 0;
	ip.family = 1;
	ip.dhcp = false;
	put_binary(body, &ip);
	assert_int_equal(read_binary(body, &read), 0);
	assert_ip_equal(&read, &ip);
}

/* What is not counted means nothing: whatever stands there. */
static void places_beyond_the_counts_are_not_looked_at(void **state)
{
	struct kvp_ip read;
	uint8_t body[BINARY_SIZE];

	(void)state;
	memset(body, 0xaa, sizeof(body)); /* no mask, no prefix length */
	memset(body + B_COUNTS, 0, 24);
	(void)put_utf16(body + B_ADAPTER, 256, DEVICE);
	body[B_FAMILY] = 0;
	assert_int_equal(read_binary(body, &read), 0);
	assert_string_equal(read.adapter_id, DEVICE);
	assert_int_equal(read.n_ipv4 + read.n_ipv6 + read.n_gateways4 + read.n_gateways6 + read.n_dns4 +
				 read.n_dns6,
			 0);
	assert_true(read.dhcp);
}

static void counts_beyond_the_arrays_are_refused(void **state)
{
	static const unsigned most[COUNTS] = { 64, 64, 5, 5, 64, 64 };
	static const uint32_t wild[] = { 255, 256, 0x10000, 0x80000000, 0xffffffff };
	struct kvp_ip ip, read;
	uint8_t body[BINARY_SIZE];

	(void)state;
	fill_ip(&ip);
	for (unsigned i = 0; i < COUNTS; i++) {
		put_binary(body, &ip);
		put_le(body + B_COUNTS + 4 * i, 4, most[i] + 1);
		assert_int_equal(read_binary(body, &read), -EINVAL);
		for (size_t k = 0; k < ARRAY_LEN(wild); k++) {
			put_le(body + B_COUNTS + 4 * i, 4, wild[k]);
			assert_int_equal(read_binary(body, &read), -EINVAL);
		}
	}
}

/* IPv4 masks must be a run of ones and then zeros, IPv6 prefixes at most 128: in every place. */
static void impossible_subnets_are_refused(void **state)
{
	static const uint8_t masks[][4] = {
		{ 255, 0, 255, 0 }, { 0, 0, 0, 1 },	{ 127, 255, 255, 255 }, { 255, 255, 255, 253 },
		{ 0, 255, 0, 0 },   { 255, 255, 254, 1 },
	};
	struct kvp_ip ip, read;
	uint8_t body[BINARY_SIZE];

	(void)state;
	fill_ip(&ip);
	for (unsigned i = 0; i < 64; i++) {
		for (size_t k = 0; k < ARRAY_LEN(masks); k++) {
			put_binary(body, &ip);
			memcpy(body + B_MASKS + 4 * i, masks[k], 4);
			assert_int_equal(read_binary(body, &read), -EINVAL);
		}
		put_binary(body, &ip);
		put_le(body + B_PREFIXES + 4 * i, 4, 128);
		assert_int_equal(read_binary(body, &read), 0);
		assert_int_equal(read.ipv6[i].prefix, 128);
		put_le(body + B_PREFIXES + 4 * i, 4, 129);
		assert_int_equal(read_binary(body, &read), -EINVAL);
		put_le(body + B_PREFIXES + 4 * i, 4, 0x10040);
		assert_int_equal(read_binary(body, &read), -EINVAL);
	}
}

/* An origin that is none of the three is unknown; it must not become another by losing bits. */
static void strange_origins_are_unknown(void **state)
{
	static const struct {
		uint16_t sent;
		enum kvp_origin read;
	} rows[] = {
		{ 0, KVP_ORIGIN_UNKNOWN }, { 1, KVP_ORIGIN_DHCP },      { 2, KVP_ORIGIN_STATIC },
		{ 3, KVP_ORIGIN_UNKNOWN }, { 0x102, KVP_ORIGIN_UNKNOWN }, { 0xffff, KVP_ORIGIN_UNKNOWN },
	};
	struct kvp_ip ip, read;
	uint8_t body[BINARY_SIZE];

	(void)state;
	fill_ip(&ip);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		put_binary(body, &ip);
		put_le(body + B_ORIGINS + 2 * 63, 2, rows[i].sent);
		put_le(body + B_ORIGINS + 2 * 127, 2, rows[i].sent);
		assert_int_equal(read_binary(body, &read), 0);
		assert_int_equal(read.ipv4[63].origin, rows[i].read);
		assert_int_equal(read.ipv6[63].origin, rows[i].read);
	}
}

/* --- both forms --- */

static void odd_families_are_refused(void **state)
{
	static const struct text none = { "", "", "", "" };
	struct kvp_ip ip, read;
	uint8_t binary[BINARY_SIZE], string[STRING_SIZE];

	(void)state;
	fill_ip(&ip);
	put_binary(binary, &ip);
	put_string(string, &none);
	for (unsigned family = 0; family <= 255; family++) {
		int expected = family <= 3 ? 0 : -EINVAL;

		binary[B_FAMILY] = string[S_FAMILY] = (uint8_t)family;
		assert_int_equal(read_binary(binary, &read), expected);
		assert_int_equal(read_string(string, &read), expected);
		if (family <= 3)
			assert_int_equal(read.family, family);
	}
}

static void dhcp_is_any_number_but_0(void **state)
{
	static const struct text none = { "", "", "", "" };
	struct kvp_ip ip, read;
	uint8_t binary[BINARY_SIZE], string[STRING_SIZE];

	(void)state;
	fill_ip(&ip);
	put_binary(binary, &ip);
	put_string(string, &none);
	for (unsigned dhcp = 0; dhcp <= 255; dhcp++) {
		binary[B_DHCP] = string[S_DHCP] = (uint8_t)dhcp;
		assert_int_equal(read_binary(binary, &read), 0);
		assert_int_equal(read.dhcp, dhcp != 0);
		assert_int_equal(read_string(string, &read), 0);
		assert_int_equal(read.dhcp, dhcp != 0);
	}
}

static void the_adapter_is_read_or_refused(void **state)
{
	static const struct text none = { "", "", "", "" };
	uint8_t binary[BINARY_SIZE], string[STRING_SIZE];
	struct kvp_ip ip, read = { .n_ipv4 = 0 };

	(void)state;
	fill_ip(&ip);
	put_binary(binary, &ip);
	put_string(string, &none);
	assert_int_equal(kvp_ip_read_adapter_binary((struct rd){ .p = binary, .left = BINARY_SIZE }, &read),
			 0);
	assert_string_equal(read.adapter_id, MAC);
	assert_int_equal(kvp_ip_read_adapter_string((struct rd){ .p = string, .left = STRING_SIZE }, &read),
			 0);
	assert_string_equal(read.adapter_id, DEVICE);

	/* No NUL among its 128 units; then not UTF-16. */
	for (size_t i = 0; i < 256; i += 2) {
		put_le(binary + B_ADAPTER + i, 2, 'x');
		put_le(string + S_ADAPTER + i, 2, 'x');
	}
	assert_int_equal(kvp_ip_read_adapter_binary((struct rd){ .p = binary, .left = BINARY_SIZE }, &read),
			 -EINVAL);
	assert_int_equal(kvp_ip_read_adapter_string((struct rd){ .p = string, .left = STRING_SIZE }, &read),
			 -EINVAL);
	assert_int_equal(read_binary(binary, &read), -EINVAL);
	assert_int_equal(read_string(string, &read), -EINVAL);
	put_le(binary + B_ADAPTER + 8, 4, 0xd800);
	put_le(string + S_ADAPTER + 8, 4, 0xd800);
	assert_int_equal(kvp_ip_read_adapter_binary((struct rd){ .p = binary, .left = BINARY_SIZE }, &read),
			 -EILSEQ);
	assert_int_equal(kvp_ip_read_adapter_string((struct rd){ .p = string, .left = STRING_SIZE }, &read),
			 -EILSEQ);
	assert_int_equal(read_binary(binary, &read), -EILSEQ);
	assert_int_equal(read_string(string, &read), -EILSEQ);

	/* The longest that has room, of units that take three bytes each. */
	for (size_t i = 0; i < 254; i += 2)
		put_le(string + S_ADAPTER + i, 2, 0x20ac);
	put_le(string + S_ADAPTER + 254, 2, 0);
	assert_int_equal(kvp_ip_read_adapter_string((struct rd){ .p = string, .left = STRING_SIZE }, &read),
			 0);
	assert_int_equal(strlen(read.adapter_id), 3 * 127);
}

/* --- the string form: reading --- */

static const struct {
	struct text text;
	int expected;
	unsigned n_ipv4, n_ipv6, n_gateways4, n_gateways6, n_dns4, n_dns6;
	unsigned prefix4, prefix6; /* of the first of each */
} sets[] = {
	{ { "", "", "", "" }, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "192.168.1.5", "255.255.255.0", "192.168.1.1", "192.168.1.2" }, 0, 1, 0, 1, 0, 1, 0, 24, 0 },
	{ { "192.168.1.5;", "255.255.255.0;", "192.168.1.1;", "192.168.1.2;" }, 0, 1, 0, 1, 0, 1, 0, 24, 0 },
	{ { ";;192.168.1.5;;", ";255.255.255.0", ";", ";;" }, 0, 1, 0, 0, 0, 0, 0, 24, 0 },
	{ { "10.0.0.1;fe80::1;10.0.0.2", "255.0.0.0;64;24", "10.0.0.9;fe80::9", "::1;1.1.1.1;::2" }, 0, 2, 1,
	  1, 1, 1, 2, 8, 64 },
	{ { "10.0.0.1", "8", "", "" }, 0, 1, 0, 0, 0, 0, 0, 8, 0 },
	{ { "10.0.0.1", "/8", "", "" }, 0, 1, 0, 0, 0, 0, 0, 8, 0 },
	{ { "10.0.0.1", "0", "", "" }, 0, 1, 0, 0, 0, 0, 0, 0, 0 },
	{ { "10.0.0.1", "0.0.0.0", "", "" }, 0, 1, 0, 0, 0, 0, 0, 0, 0 },
	{ { "10.0.0.1", "32", "", "" }, 0, 1, 0, 0, 0, 0, 0, 32, 0 },
	{ { "10.0.0.1", "255.255.255.255", "", "" }, 0, 1, 0, 0, 0, 0, 0, 32, 0 },
	{ { "fe80::1", "/64", "", "" }, 0, 0, 1, 0, 0, 0, 0, 0, 64 },
	{ { "fe80::1", "128", "", "" }, 0, 0, 1, 0, 0, 0, 0, 0, 128 },
	{ { "fe80::1", "ffff:ffff::", "", "" }, 0, 0, 1, 0, 0, 0, 0, 0, 32 },
	{ { "::ffff:10.0.0.1", "128", "", "" }, 0, 0, 1, 0, 0, 0, 0, 0, 128 },
	{ { "10.0.0.1", "", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 }, /* no subnet at its place */
	{ { "10.0.0.1;10.0.0.2", "8", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "10.0.0.1", "33", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "10.0.0.1", "4294967304", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 }, /* 8 + 2^32 */
	{ { "10.0.0.1", "/", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "10.0.0.1", "//8", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "10.0.0.1", "-8", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "10.0.0.1", "8x", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "10.0.0.1", "8 ", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "10.0.0.1", "255.0.255.0", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "10.0.0.1", "ffff::", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 }, /* of the other family */
	{ { "fe80::1", "255.0.0.0", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "fe80::1", "129", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "fe80::1", "ffff:0:ffff::", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "10.0.0", "8", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "10.0.0.256", "8", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "10.0.0.1/8", "8", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { " 10.0.0.1", "8", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "10.0.0.1,10.0.0.2", "8;8", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "10.0.0.1\nroot", "8", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 }, /* a line of an ifcfg file */
	{ { "fe80::1%eth0", "64", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "", "", "gateway", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "", "", "", "1.1.1.1;x" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "", "", "1.1.1.1;1.1.1.2;1.1.1.3;1.1.1.4;1.1.1.5", "" }, 0, 0, 0, 5, 0, 0, 0, 0, 0 },
	{ { "", "", "1.1.1.1;1.1.1.2;1.1.1.3;1.1.1.4;1.1.1.5;1.1.1.6", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "", "", "::1;::2;::3;::4;::5;1.1.1.1", "" }, 0, 0, 0, 1, 5, 0, 0, 0, 0 },
	{ { "", "", "::1;::2;::3;::4;::5;::6", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "111111111111111111111111111111111111111111111", "8", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "1111111111111111111111111111111111111111111111", "8", "", "" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ { "", "", "", "1111111111111111111111111111111111111111111111" }, -EINVAL, 0, 0, 0, 0, 0, 0, 0, 0 },
};

static void each_set_in_string_form_is_read_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		uint8_t body[STRING_SIZE];
		struct kvp_ip ip;
		int r;

		memset(&ip, 0xee, sizeof(ip));
		put_string(body, &sets[i].text);
		r = read_string(body, &ip);
		if (r != sets[i].expected)
			fail_msg("set %zu, \"%s\" \"%s\": %d", i, sets[i].text.addresses,
				 sets[i].text.subnets, r);
		if (r < 0)
			continue;
		assert_string_equal(ip.adapter_id, DEVICE);
		if (ip.n_ipv4 != sets[i].n_ipv4 || ip.n_ipv6 != sets[i].n_ipv6 ||
		    ip.n_gateways4 != sets[i].n_gateways4 || ip.n_gateways6 != sets[i].n_gateways6 ||
		    ip.n_dns4 != sets[i].n_dns4 || ip.n_dns6 != sets[i].n_dns6)
			fail_msg("set %zu: %u+%u addresses, %u+%u gateways, %u+%u servers", i, ip.n_ipv4,
				 ip.n_ipv6, ip.n_gateways4, ip.n_gateways6, ip.n_dns4, ip.n_dns6);
		assert_int_equal(ip.ipv4[0].prefix, sets[i].prefix4);
		assert_int_equal(ip.ipv6[0].prefix, sets[i].prefix6);
		assert_int_equal(ip.ipv4[0].origin, 0);
	}
}

static void addresses_keep_their_order_and_bytes(void **state)
{
	static const struct text text = { "10.1.2.3;2001:db8::a:b;11.12.13.14", "8;64;16", "9.8.7.6;fe80::fe",
					  "::5;8.8.4.4" };
	static const uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [13] = 0x0a, [15] = 0x0b };
	uint8_t body[STRING_SIZE];
	struct kvp_ip ip;

	(void)state;
	put_string(body, &text);
	assert_int_equal(read_string(body, &ip), 0);
	assert_memory_equal(ip.ipv4[0].address, "\x0a\x01\x02\x03", 4);
	assert_memory_equal(ip.ipv4[1].address, "\x0b\x0c\x0d\x0e", 4);
	assert_int_equal(ip.ipv4[1].prefix, 16);
	assert_memory_equal(ip.ipv6[0].address, v6, 16);
	assert_memory_equal(ip.gateways4[0], "\x09\x08\x07\x06", 4);
	assert_memory_equal(ip.gateways6[0], "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\xfe", 16);
	assert_memory_equal(ip.dns4[0], "\x08\x08\x04\x04", 4);
	assert_memory_equal(ip.dns6[0], "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05", 16);
}

/* 64 addresses of each family are what the other form has room for: one more is too many. */
static void sixty_four_addresses_are_read_and_no_more(void **state)
{
	(void)state;
	for (int family = 4; family <= 6; family += 2)
		for (unsigned n = 64; n <= 65; n++) {
			char addresses[1024] = "", subnets[1024] = "";
			struct text text = { addresses, subnets, "", addresses };
			uint8_t body[STRING_SIZE];
			struct kvp_ip ip;
			size_t used = 0;

			for (unsigned i = 0; i < n; i++) {
				used += (size_t)snprintf(addresses + used, sizeof(addresses) - used,
							 family == 4 ? "1.2.3.%u;" : "::%x;", i);
				(void)strcat(subnets, "9;");
			}
			put_string(body, &text);
			assert_int_equal(read_string(body, &ip), n == 64 ? 0 : -EINVAL);
			if (n == 64) {
				assert_int_equal(family == 4 ? ip.n_ipv4 : ip.n_ipv6, 64);
				assert_int_equal(family == 4 ? ip.n_dns4 : ip.n_dns6, 64);
				assert_int_equal(family == 4 ? ip.ipv4[63].address[3] :
							       ip.ipv6[63].address[15],
						 63);
			}
			/* The servers alone. */
			text.addresses = text.subnets = "";
			put_string(body, &text);
			assert_int_equal(read_string(body, &ip), n == 64 ? 0 : -EINVAL);
		}
}

/* Each of the four texts: no NUL in it, not UTF-16, not ASCII. */
static void fields_that_are_no_text_are_refused(void **state)
{
	static const struct text none = { "", "", "", "" };
	static const struct {
		size_t at, units;
	} fields[] = {
		{ S_ADAPTER, 128 }, { S_ADDRESSES, 1024 }, { S_SUBNETS, 1024 }, { S_GATEWAYS, 512 },
		{ S_DNS, 1024 },
	};
	uint8_t body[STRING_SIZE];
	struct kvp_ip ip;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		put_string(body, &none);
		for (size_t k = 0; k < fields[i].units; k++)
			put_le(body + fields[i].at + 2 * k, 2, ';');
		assert_int_equal(read_string(body, &ip), -EINVAL);
		/* With a NUL in the last place it is text again, and the field's end is where we think. */
		put_le(body + fields[i].at + 2 * (fields[i].units - 1), 2, 0);
		assert_int_equal(read_string(body, &ip), 0);

		put_string(body, &none);
		put_le(body + fields[i].at, 2, 0xdfff);
		put_le(body + fields[i].at + 2, 2, 0);
		assert_int_equal(read_string(body, &ip), -EILSEQ);
	}
	put_string(body, &none);
	put_le(body + S_ADDRESSES, 2, 0x0661); /* a digit, but not ours */
	assert_int_equal(read_string(body, &ip), -EINVAL);
}

/* --- the string form: writing --- */

static void the_string_form_is_written_byte_for_byte(void **state)
{
	_cleanup_(guard_done) struct guard g = guard_new(STRING_SIZE);
	uint8_t expected[STRING_SIZE];
	struct kvp_ip ip = {
		.dhcp = true,
		.n_ipv4 = 2, .n_ipv6 = 1, .n_gateways4 = 1, .n_gateways6 = 1, .n_dns4 = 1, .n_dns6 = 1,
		.ipv4 = { { { 192, 168, 1, 5 }, 24, 1 }, { { 10, 0, 0, 7 }, 9, 2 } },
		.ipv6 = { { { 0xfe, 0x80, [15] = 1 }, 64, 2 } },
		.gateways4 = { { 192, 168, 1, 1 } },
		.gateways6 = { { 0xfe, 0x80, [15] = 0xff } },
		.dns4 = { { 8, 8, 8, 8 } },
		.dns6 = { { 0x20, 0x01, 0x48, 0x60, [14] = 0x88, [15] = 0x88 } },
	};

	(void)state;
	memset(expected, 0, sizeof(expected));
	expected[0] = 4;
	expected[1] = 2;
	(void)put_utf16(expected + S_ADAPTER, 256, MAC);
	expected[S_FAMILY] = 3;
	expected[S_DHCP] = 1;
	(void)put_utf16(expected + S_ADDRESSES, 2048, "192.168.1.5;10.0.0.7;fe80::1;");
	(void)put_utf16(expected + S_SUBNETS, 2048, "255.255.255.0;255.128.0.0;/64;");
	(void)put_utf16(expected + S_GATEWAYS, 1024, "192.168.1.1;fe80::ff;");
	(void)put_utf16(expected + S_DNS, 2048, "8.8.8.8;2001:4860::8888;");

	memset(g.p, 0xee, g.len);
	memcpy(g.p, expected, S_FAMILY); /* of the request, and kept */
	kvp_ip_write_string((struct wr){ .p = g.p, .left = g.len }, &ip);
	for (size_t i = 0; i < STRING_SIZE; i++)
		if (g.p[i] != expected[i])
			fail_msg("byte %zu: %#x instead of %#x", i, g.p[i], expected[i]);
}

static unsigned count_entries(const uint8_t *field)
{
	unsigned n = 0;

	for (; get_le(field, 2) != 0; field += 2)
		n += get_le(field, 2) == ';';
	return n;
}

/* 64 addresses of 39 characters need 2560 units: whole ones are left off, subnets with them. */
static void addresses_without_room_are_left_off_whole(void **state)
{
	_cleanup_(guard_done) struct guard g = guard_new(STRING_SIZE);
	static const char longest[] = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
	struct kvp_ip ip = { .n_ipv6 = 64, .n_dns6 = 64, .n_gateways6 = 5 }, read;

	(void)state;
	memset(ip.dns6, 0xff, sizeof(ip.dns6));
	memset(ip.gateways6, 0xff, sizeof(ip.gateways6));
	for (unsigned i = 0; i < 64; i++) {
		memset(ip.ipv6[i].address, 0xff, 16);
		ip.ipv6[i].prefix = 128;
	}
	memset(g.p, 0, g.len);
	(void)put_utf16(g.p + S_ADAPTER, 256, MAC);
	kvp_ip_write_string((struct wr){ .p = g.p, .left = g.len }, &ip);
	assert_int_equal(count_entries(g.p + S_ADDRESSES), 1023 / sizeof(longest));
	assert_int_equal(count_entries(g.p + S_SUBNETS), 1023 / sizeof(longest));
	assert_int_equal(count_entries(g.p + S_GATEWAYS), 5);
	assert_int_equal(count_entries(g.p + S_DNS), 1023 / sizeof(longest));
	assert_int_equal(get_le(g.p + S_GATEWAYS - 2, 2), 0);
	assert_int_equal(kvp_ip_read_string((struct rd){ .p = g.p, .left = g.len }, &read), 0);
	assert_int_equal(read.n_ipv6, 25);
	assert_memory_equal(read.ipv6[24].address, ip.ipv6[24].address, 16);

	/* A short one behind them still fits: 1023 - 25 * 40 = 23 units. */
	memset(ip.ipv6[63].address, 0, 16);
	ip.ipv6[63].prefix = 7;
	kvp_ip_write_string((struct wr){ .p = g.p, .left = g.len }, &ip);
	assert_int_equal(kvp_ip_read_string((struct rd){ .p = g.p, .left = g.len }, &read), 0);
	assert_int_equal(read.n_ipv6, 26);
	assert_int_equal(read.ipv6[25].prefix, 7);
}

/* 64 addresses of 15 characters make 1024 units with their separators; the field has 1023. The one
 * without room is left off whole, and so is its subnet, which would fit. */
static void the_last_unit_of_a_field_is_for_its_nul(void **state)
{
	_cleanup_(guard_done) struct guard g = guard_new(STRING_SIZE);
	struct kvp_ip ip = { .n_ipv4 = 64 };

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		memset(ip.ipv4[i].address, 111, 4);
	memset(g.p, 0xee, g.len);
	kvp_ip_write_string((struct wr){ .p = g.p, .left = g.len }, &ip);
	assert_int_equal(count_entries(g.p + S_ADDRESSES), 63);
	assert_int_equal(get_le(g.p + S_ADDRESSES + 2 * (63 * 16 - 1), 2), ';');
	assert_int_equal(get_le(g.p + S_ADDRESSES + 2 * (63 * 16), 2), 0);
	assert_int_equal(count_entries(g.p + S_SUBNETS), 63);

	memset(ip.ipv4[0].address, 1, 4); /* "1.1.1.1": now they fit */
	kvp_ip_write_string((struct wr){ .p = g.p, .left = g.len }, &ip);
	assert_int_equal(count_entries(g.p + S_ADDRESSES), 64);
	assert_int_equal(count_entries(g.p + S_SUBNETS), 64);
}

/* --- both ways --- */

static void every_prefix_length_survives_both_forms(void **state)
{
	uint8_t string[STRING_SIZE] = { 0 }, binary[BINARY_SIZE] = { 0 };

	(void)state;
	for (unsigned bits = 0; bits <= 128; bits++) {
		struct kvp_ip ip = { .family = 3, .n_ipv4 = 1, .n_ipv6 = 1 }, read;

		ip.ipv4[0].prefix = (uint8_t)(bits % 33);
		ip.ipv6[0].prefix = (uint8_t)bits;
		kvp_ip_write_string((struct wr){ .p = string, .left = STRING_SIZE }, &ip);
		assert_int_equal(read_string(string, &read), 0);
		assert_ip_equal(&read, &ip);
		kvp_ip_write_binary((struct wr){ .p = binary, .left = BINARY_SIZE }, &ip);
		assert_int_equal(read_binary(binary, &read), 0);
		assert_ip_equal(&read, &ip);
	}
}

/* A set of one form can be read back from the other: only origins are the binary form's own. */
static void what_one_form_says_the_other_says_too(void **state)
{
	uint8_t string[STRING_SIZE] = { 0 }, binary[BINARY_SIZE] = { 0 };
	struct kvp_ip ip, from_string, from_binary;

	(void)state;
	fill_ip(&ip);
	ip.n_ipv4 = ip.n_ipv6 = 10; /* so many have room in a text */
	ip.n_dns4 = ip.n_dns6 = 10;
	for (unsigned i = 0; i < 10; i++)
		ip.ipv4[i].origin = ip.ipv6[i].origin = 0;
	(void)put_utf16(string + S_ADAPTER, 256, MAC);
	kvp_ip_write_string((struct wr){ .p = string, .left = STRING_SIZE }, &ip);
	assert_int_equal(read_string(string, &from_string), 0);
	assert_ip_equal(&from_string, &ip);

	(void)put_utf16(binary + B_ADAPTER, 256, MAC);
	kvp_ip_write_binary((struct wr){ .p = binary, .left = BINARY_SIZE }, &from_string);
	assert_int_equal(read_binary(binary, &from_binary), 0);
	assert_ip_equal(&from_binary, &ip);
}

/* --- through the engine --- */

struct backend {
	unsigned gets, sets;
	int answer;
	struct kvp_ip asked, reply;
};

static int on_get_ip(void *user, struct kvp_ip *ip)
{
	struct backend *b = user;

	b->gets++;
	b->asked = *ip;
	if (b->answer == 0) {
		struct kvp_ip reply = b->reply;

		memcpy(reply.adapter_id, ip->adapter_id, sizeof(reply.adapter_id));
		*ip = reply;
	}
	return b->answer;
}

static int on_set_ip(void *user, const struct kvp_ip *ip)
{
	struct backend *b = user;

	b->sets++;
	b->asked = *ip;
	return b->answer;
}

static const struct kvp_ops backend_ops = { .get_ip = on_get_ip, .set_ip = on_set_ip };
static const struct ic_policy policy = { .framework = { .n = 0 } };

struct talk {
	struct backend backend;
	struct kvp kvp;
	struct ic ic;
};

static void talk_init(struct talk *t, uint16_t major, uint16_t minor)
{
	memset(t, 0, sizeof(*t));
	memset(&t->kvp.ip, 0xee, sizeof(t->kvp.ip)); /* of an earlier request */
	t->kvp.ops = &backend_ops;
	t->kvp.user = &t->backend;
	t->ic = (struct ic){
		.service = &ic_kvp,
		.policy = &policy,
		.user = &t->kvp,
		.answer = { .outcome = IC_AGREED, .pair = { { 3, 0 }, { major, minor } } },
	};
}

/* Sends n bytes of body, which become the answer's; a refusal must leave them as they were. */
static uint32_t talk_send(struct talk *t, uint8_t *body, size_t n)
{
	_cleanup_(guard_done) struct guard g = guard_new(MESSAGE_BODY + (n < 16 ? 16 : n));
	size_t len = message_put(g.p, &(struct message){ .type = 2, .body = body, .n = n });
	struct ic_result r = ic_handle(&t->ic, g.p, len, len, g.len);

	assert_int_equal(r.verdict, IC_REPLY);
	assert_int_equal(r.len, len);
	if (r.error < 0)
		assert_memory_equal(g.p + MESSAGE_BODY, body, n);
	memcpy(body, g.p + MESSAGE_BODY, n);
	return message_status(g.p);
}

static void the_version_decides_the_form(void **state)
{
	static const struct text text = { "10.0.0.1", "8", "", "" };
	static const uint16_t versions[][2] = {
		{ 1, 0 }, { 3, 0 }, { 4, 0 }, { 4, 9 }, { 5, 0 }, { 5, 1 }, { 6, 0 },
	};
	static struct talk t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		bool binary = versions[i][0] >= 5;
		uint8_t body[STRING_SIZE];

		talk_init(&t, versions[i][0], versions[i][1]);
		fill_ip(&t.backend.reply);
		put_string(body, &text);
		if (binary) {
			memset(body, 0, sizeof(body));
			put_binary(body, &t.backend.reply);
		}
		body[0] = 5;
		assert_int_equal(talk_send(&t, body, binary ? BINARY_SIZE : STRING_SIZE), WIRE_OK);
		assert_int_equal(t.backend.sets, 1);
		assert_int_equal(t.backend.asked.n_ipv4, binary ? 64 : 1);
		assert_string_equal(t.backend.asked.adapter_id, binary ? MAC : DEVICE);
		assert_int_equal(t.backend.asked.n_dns6, binary ? 64 : 0); /* nothing left of 0xee */

		body[0] = 4;
		assert_int_equal(talk_send(&t, body, binary ? BINARY_SIZE : STRING_SIZE), WIRE_OK);
		assert_int_equal(t.backend.gets, 1);
		assert_string_equal(t.backend.asked.adapter_id, binary ? MAC : DEVICE);
		assert_int_equal(t.backend.asked.n_ipv4, 0);
		assert_int_equal(t.backend.asked.family, 0);
		assert_int_equal(body[0], 4);
		if (binary) {
			assert_int_equal(get_le(body + B_COUNTS + 4 * COUNT_DNS6, 4), 64);
			assert_utf16(body + B_ADAPTER, MAC);
		} else {
			assert_utf16(body + S_ADAPTER, DEVICE);
			assert_true(count_entries(body + S_ADDRESSES) > 40);
		}
	}
}

/* OpenVMM sends either in 7428 bytes; what is behind the binary form stays. */
static void the_binary_form_may_lie_in_a_larger_message(void **state)
{
	static struct talk t;
	uint8_t body[STRING_SIZE];

	(void)state;
	talk_init(&t, 5, 0);
	fill_ip(&t.backend.reply);
	memset(body, 0xbb, sizeof(body));
	put_binary(body, &t.backend.reply);
	body[0] = 4;
	assert_int_equal(talk_send(&t, body, STRING_SIZE), WIRE_OK);
	for (size_t i = BINARY_SIZE; i < STRING_SIZE; i++)
		assert_int_equal(body[i], 0xbb);
}

static void every_shorter_message_is_refused(void **state)
{
	static const struct text text = { "10.0.0.1", "8", "", "" };
	static struct talk t;
	uint8_t body[STRING_SIZE];

	(void)state;
	for (uint16_t major = 4; major <= 5; major++)
		for (uint8_t op = 4; op <= 5; op++) {
			size_t whole = major == 4 ? STRING_SIZE : BINARY_SIZE;

			for (size_t n = 1; n < whole; n += n + 40 > whole ? 1 : 61) {
				talk_init(&t, major, 0);
				put_string(body, &text);
				body[0] = op;
				assert_int_equal(talk_send(&t, body, n), WIRE_INVALID);
				assert_int_equal(t.backend.gets + t.backend.sets, 0);
			}
		}
}

/* Linux's answers: E_FAIL when the MAC is not found, "GUID not found" for a SET (hv_kvp_daemon.c). */
static void an_adapter_that_is_not_there_has_its_status(void **state)
{
	static const struct text text = { "10.0.0.1", "8", "", "" };
	static struct talk t;
	uint8_t body[STRING_SIZE];

	(void)state;
	for (uint16_t major = 4; major <= 5; major++) {
		struct kvp_ip ip;

		talk_init(&t, major, 0);
		fill_ip(&ip);
		put_string(body, &text);
		if (major == 5)
			put_binary(body, &ip);
		body[0] = 4;
		t.backend.answer = -ENODEV;
		assert_int_equal(talk_send(&t, body, STRING_SIZE), WIRE_FAIL);
		body[0] = 5;
		t.backend.answer = -ENOENT;
		assert_int_equal(talk_send(&t, body, STRING_SIZE), WIRE_NOT_FOUND);
		assert_int_equal(t.backend.gets + t.backend.sets, 2);
	}
}

static void a_bad_set_does_not_reach_the_daemon(void **state)
{
	static const struct text text = { "10.0.0.1", "99", "", "" };
	static struct talk t;
	struct kvp_ip ip;
	uint8_t body[STRING_SIZE];

	(void)state;
	talk_init(&t, 4, 0);
	put_string(body, &text);
	assert_int_equal(talk_send(&t, body, STRING_SIZE), WIRE_INVALID);
	assert_int_equal(t.backend.sets, 0);

	put_string(body, &text);
	body[0] = 4;
	memset(body + S_ADAPTER, 0xdd, 256);
	assert_int_equal(talk_send(&t, body, STRING_SIZE), WIRE_INVALID);
	assert_int_equal(t.backend.gets, 0);

	talk_init(&t, 5, 0);
	fill_ip(&ip);
	put_binary(body, &ip);
	body[0] = 5;
	put_le(body + B_COUNTS, 4, 65);
	assert_int_equal(talk_send(&t, body, BINARY_SIZE), WIRE_INVALID);
	assert_int_equal(t.backend.sets, 0);

	body[0] = 4; /* of a GET, only the adapter is looked at */
	assert_int_equal(talk_send(&t, body, BINARY_SIZE), WIRE_OK);
	memset(body + B_ADAPTER, 0xdd, 256);
	assert_int_equal(talk_send(&t, body, BINARY_SIZE), WIRE_INVALID);
	assert_int_equal(t.backend.gets, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_binary_form_is_written_byte_for_byte),
		cmocka_unit_test(the_binary_form_is_read_byte_for_byte),
		cmocka_unit_test(places_beyond_the_counts_are_not_looked_at),
		cmocka_unit_test(counts_beyond_the_arrays_are_refused),
		cmocka_unit_test(impossible_subnets_are_refused),
		cmocka_unit_test(strange_origins_are_unknown),
		cmocka_unit_test(odd_families_are_refused),
		cmocka_unit_test(dhcp_is_any_number_but_0),
		cmocka_unit_test(the_adapter_is_read_or_refused),
		cmocka_unit_test(each_set_in_string_form_is_read_or_refused),
		cmocka_unit_test(addresses_keep_their_order_and_bytes),
		cmocka_unit_test(sixty_four_addresses_are_read_and_no_more),
		cmocka_unit_test(fields_that_are_no_text_are_refused),
		cmocka_unit_test(the_string_form_is_written_byte_for_byte),
		cmocka_unit_test(addresses_without_room_are_left_off_whole),
		cmocka_unit_test(the_last_unit_of_a_field_is_for_its_nul),
		cmocka_unit_test(every_prefix_length_survives_both_forms),
		cmocka_unit_test(what_one_form_says_the_other_says_too),
		cmocka_unit_test(the_version_decides_the_form),
		cmocka_unit_test(the_binary_form_may_lie_in_a_larger_message),
		cmocka_unit_test(every_shorter_message_is_refused),
		cmocka_unit_test(an_adapter_that_is_not_there_has_its_status),
		cmocka_unit_test(a_bad_set_does_not_reach_the_daemon),
	};

	return cmocka_run_group_tests_name("kvp_ip", tests, NULL, NULL);
}
