/* SPDX-License-Identifier: GPL-2.0-only */
/* What stands in for the daemon's data behind the key-value service: it checks all that it is handed,
 * and answers with whatever bytes the input has. */
#pragma once

#include <errno.h>

#include "hv_util/kvp.h"
#include "tests/fuzz/fuzz.h"

struct backend {
	unsigned calls;
	int answer;
	const uint8_t *fill;
	size_t n_fill;
};

static void fill_from(const struct backend *b, void *to, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)to)[i] = b->n_fill ? b->fill[i % b->n_fill] : 0;
}

/* A record that came from a message: texts with their NULs, zero behind, the key not empty. */
static void require_text(const char *field, size_t size, bool may_be_empty)
{
	size_t len = strnlen(field, size);

	fuzz_require(len < size && (len > 0 || may_be_empty));
	for (size_t i = len; i < size; i++)
		fuzz_require(field[i] == '\0');
}

static int on_get(void *user, unsigned pool, struct kvp_record *record)
{
	struct backend *b = user;

	b->calls++;
	fuzz_require(pool < 4);
	require_text(record->key, sizeof(record->key), false);
	require_text(record->value, sizeof(record->value), true);
	if (b->answer == 0)
		fill_from(b, record->value, sizeof(record->value));
	return b->answer;
}

static int on_set(void *user, unsigned pool, const struct kvp_record *record)
{
	struct backend *b = user;

	b->calls++;
	fuzz_require(pool < 4);
	require_text(record->key, sizeof(record->key), false);
	require_text(record->value, sizeof(record->value), true);
	return b->answer;
}

static int on_remove(void *user, unsigned pool, const char *key)
{
	struct backend *b = user;

	b->calls++;
	fuzz_require(pool < 4);
	require_text(key, KVP_KEY_SIZE, false);
	return b->answer;
}

static int on_enumerate(void *user, unsigned pool, uint32_t index, struct kvp_record *ret)
{
	struct backend *b = user;

	(void)index;
	b->calls++;
	fuzz_require(pool < 4);
	if (b->answer == 0)
		fill_from(b, ret, sizeof(*ret));
	return b->answer;
}

static int on_get_ip(void *user, struct kvp_ip *ip)
{
	struct backend *b = user;

	b->calls++;
	fuzz_require(strnlen(ip->adapter_id, sizeof(ip->adapter_id)) < sizeof(ip->adapter_id));
	fuzz_require(ip->n_ipv4 + ip->n_ipv6 + ip->n_dns4 + ip->n_gateways6 == 0);
	if (b->answer < 0)
		return b->answer;
	fill_from(b, &ip->ipv4, sizeof(ip->ipv4));
	fill_from(b, &ip->ipv6, sizeof(ip->ipv6));
	fill_from(b, &ip->dns6, sizeof(ip->dns6));
	fill_from(b, &ip->gateways6, sizeof(ip->gateways6));
	ip->n_ipv4 = b->n_fill ? b->fill[0] % 65 : 0;
	ip->n_ipv6 = b->n_fill ? b->fill[1] % 65 : 0;
	ip->n_dns6 = b->n_fill ? b->fill[2] % 65 : 0;
	ip->n_gateways6 = b->n_fill ? b->fill[3] % 6 : 0;
	for (unsigned i = 0; i < KVP_ADDRESSES_MAX; i++) {
		ip->ipv4[i].prefix %= 33;
		ip->ipv6[i].prefix %= 129;
	}
	return 0;
}

static int on_set_ip(void *user, const struct kvp_ip *ip)
{
	struct backend *b = user;

	b->calls++;
	fuzz_require(strnlen(ip->adapter_id, sizeof(ip->adapter_id)) < sizeof(ip->adapter_id));
	fuzz_require(ip->family <= 3);
	fuzz_require(ip->n_ipv4 <= 64 && ip->n_ipv6 <= 64 && ip->n_dns4 <= 64 && ip->n_dns6 <= 64);
	fuzz_require(ip->n_gateways4 <= 5 && ip->n_gateways6 <= 5);
	for (unsigned i = 0; i < ip->n_ipv4; i++)
		fuzz_require(ip->ipv4[i].prefix <= 32 && ip->ipv4[i].origin <= KVP_ORIGIN_STATIC);
	for (unsigned i = 0; i < ip->n_ipv6; i++)
		fuzz_require(ip->ipv6[i].prefix <= 128 && ip->ipv6[i].origin <= KVP_ORIGIN_STATIC);
	return b->answer;
}

static const struct kvp_ops backend_ops = {
	.get = on_get, .set = on_set, .remove = on_remove, .enumerate = on_enumerate,
	.get_ip = on_get_ip, .set_ip = on_set_ip,
};

/* What the daemon says, by three bits of the input. */
static const int backend_answers[8] = { 0, 0, 0, 0, -ENOENT, -ENODATA, -EAGAIN, -EIO };
