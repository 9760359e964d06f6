/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the driver's route share: messages as hv_kvp.c makes them, and what is asked in
 * the end. */
#pragma once

#include <errno.h>

#include "hv_util/kvp.h"
#include "tests/unit/harness.h"
#include "tests/unit/hv_kvp_layout.h"

#define ADAPTER "00:15:5d:01:02:03"
#define DEVICE "{ac2c1b72-1b5e-4d8e-8d0f-2f1d3c4b5a69}"

/* --- what serves --- */

struct served {
	unsigned calls;
	char op; /* 'g', 's', 'd', 'e', 'i', 'I' */
	int answer;
	unsigned pool;
	uint32_t index;
	struct kvp_record seen;	 /* what was asked */
	struct kvp_record reply; /* what is answered */
	struct kvp_ip ip_seen, ip_reply;
};

static inline int served_get(void *user, unsigned pool, struct kvp_record *record)
{
	struct served *s = user;

	s->calls++;
	s->op = 'g';
	s->pool = pool;
	s->seen = *record;
	if (s->answer == 0)
		memcpy(record->value, s->reply.value, sizeof(record->value));
	return s->answer;
}

static inline int served_set(void *user, unsigned pool, const struct kvp_record *record)
{
	struct served *s = user;

	s->calls++;
	s->op = 's';
	s->pool = pool;
	s->seen = *record;
	return s->answer;
}

static inline int served_remove(void *user, unsigned pool, const char *key)
{
	struct served *s = user;

	s->calls++;
	s->op = 'd';
	s->pool = pool;
	memset(&s->seen, 0, sizeof(s->seen));
	memcpy(s->seen.key, key, strlen(key));
	return s->answer;
}

static inline int served_enumerate(void *user, unsigned pool, uint32_t index, struct kvp_record *ret)
{
	struct served *s = user;

	s->calls++;
	s->op = 'e';
	s->pool = pool;
	s->index = index;
	if (s->answer == 0)
		*ret = s->reply;
	return s->answer;
}

static inline int served_get_ip(void *user, struct kvp_ip *ip)
{
	struct served *s = user;

	s->calls++;
	s->op = 'i';
	s->ip_seen = *ip;
	if (s->answer == 0) {
		*ip = s->ip_reply;
		memcpy(ip->adapter_id, s->ip_seen.adapter_id, sizeof(ip->adapter_id));
	}
	return s->answer;
}

static inline int served_set_ip(void *user, const struct kvp_ip *ip)
{
	struct served *s = user;

	s->calls++;
	s->op = 'I';
	s->ip_seen = *ip;
	return s->answer;
}

static const struct kvp_ops served_ops = {
	.get = served_get, .set = served_set, .remove = served_remove,
	.enumerate = served_enumerate, .get_ip = served_get_ip, .set_ip = served_set_ip,
};

/* --- what the driver sends (hv_kvp.c kvp_send_key: all that it does not set is zero) --- */

static inline void put_text(uint8_t *msg, size_t at, const char *text)
{
	memcpy(msg + at, text, strlen(text) + 1);
}

/* A key and, unless NULL, a value; sizes count the NUL. The type stays 0, also in a SET. */
static inline void put_keyed(uint8_t msg[static MSG_SIZE], uint8_t op, uint8_t pool, const char *key,
			     const char *value)
{
	memset(msg, 0, MSG_SIZE);
	msg[AT_OPERATION] = op;
	msg[AT_POOL] = pool;
	put_le(msg + (op == OP_DELETE ? AT_DELETE_KEY_SIZE : AT_KEY_SIZE), 4, strlen(key) + 1);
	put_text(msg, op == OP_DELETE ? AT_DELETE_KEY : AT_KEY, key);
	if (value) {
		put_le(msg + AT_VALUE_SIZE, 4, strlen(value) + 1);
		put_text(msg, AT_VALUE, value);
	}
}

static inline void put_enumerate(uint8_t msg[static MSG_SIZE], uint8_t pool, uint32_t index)
{
	memset(msg, 0, MSG_SIZE);
	msg[AT_OPERATION] = OP_ENUMERATE;
	msg[AT_POOL] = pool;
	put_le(msg + AT_INDEX, 4, index);
}

static inline void put_get_ip(uint8_t msg[static MSG_SIZE], const char *adapter)
{
	memset(msg, 0, MSG_SIZE);
	msg[AT_OPERATION] = OP_GET_IP;
	put_text(msg, AT_ADAPTER, adapter);
}

/* What follows a SET's adapter. */
struct lists {
	const char *addresses, *subnets, *gateways, *dns;
};

static inline void put_set_ip(uint8_t msg[static MSG_SIZE], const struct lists *l)
{
	memset(msg, 0, MSG_SIZE);
	msg[AT_OPERATION] = OP_SET_IP;
	put_text(msg, AT_ADAPTER, DEVICE);
	msg[AT_FAMILY] = 3;
	put_text(msg, AT_ADDRESSES, l->addresses);
	put_text(msg, AT_SUBNETS, l->subnets);
	put_text(msg, AT_GATEWAYS, l->gateways);
	put_text(msg, AT_DNS, l->dns);
}
