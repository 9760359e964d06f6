/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the unit tests share: memory that ends at an unreadable page, and messages that are built
 * from the numbers of the protocol's description, not from hv_util's constants, so that a wrong
 * offset there cannot agree with itself.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "hv_util/base.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HARNESS_TSAN 1
#endif
#if __has_feature(address_sanitizer)
#define HARNESS_ASAN 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define HARNESS_TSAN 1
#endif
#ifdef __SANITIZE_ADDRESS__
#define HARNESS_ASAN 1
#endif

/* --- memory that must not be left --- */

#define GUARD_PAGE 4096
#define GUARD_FILL 0xa5

/* len bytes at p: an unreadable page begins where they end, and one stands before the page in
 * which they begin. What is between that one and p holds GUARD_FILL. */
struct guard {
	uint8_t *map, *p;
	size_t map_len, len;
};

static inline struct guard guard_new(size_t len)
{
	size_t room = (len + GUARD_PAGE - 1) / GUARD_PAGE * GUARD_PAGE;
	struct guard g = { .map_len = room + 2 * GUARD_PAGE, .len = len };

	g.map = mmap(NULL, g.map_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(g.map, MAP_FAILED);
	if (room > 0)
		assert_int_equal(mprotect(g.map + GUARD_PAGE, room, PROT_READ | PROT_WRITE), 0);
	g.p = g.map + GUARD_PAGE + room - len;
	memset(g.map + GUARD_PAGE, GUARD_FILL, room - len);
	return g;
}

static inline struct guard guard_copy(const void *from, size_t len)
{
	struct guard g = guard_new(len);

	if (len > 0)
		memcpy(g.p, from, len);
	return g;
}

static inline void guard_done(struct guard *g)
{
	for (uint8_t *p = g->map + GUARD_PAGE; p < g->p; p++)
		assert_int_equal(*p, GUARD_FILL);
	(void)munmap(g->map, g->map_len);
}

/* --- numbers in messages --- */

static inline void put_le(uint8_t *to, size_t bytes, uint64_t v)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(v >> 8 * i);
}

static inline uint64_t get_le(const uint8_t *from, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v |= (uint64_t)from[i] << 8 * i;
	return v;
}

/* Same numbers every time: a failure can be repeated. (xorshift64) */
static inline uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* --- messages (Linux hyperv.h: vmbuspipe_hdr, icmsg_hdr) --- */

#define MESSAGE_BODY 28
#define MESSAGE_MAX 16384

struct message {
	uint16_t framework[2], type, version[2];
	uint8_t trans_id, flags;
	const void *body;
	size_t n;
};

/* Writes the message with sizes that hold; returns its length. A flags of 0 stands for 3, what a
 * host's request has; put 0 into byte 25 afterwards to have 0. */
static inline size_t message_put(uint8_t *to, const struct message *m)
{
	memset(to, 0, MESSAGE_BODY);
	put_le(to + 0, 4, 1); /* pipe: data */
	put_le(to + 4, 4, 20 + m->n);
	put_le(to + 8, 2, m->framework[0]);
	put_le(to + 10, 2, m->framework[1]);
	put_le(to + 12, 2, m->type);
	put_le(to + 14, 2, m->version[0]);
	put_le(to + 16, 2, m->version[1]);
	put_le(to + 18, 2, m->n);
	to[24] = m->trans_id;
	to[25] = m->flags ? m->flags : 3;
	if (m->n > 0)
		memcpy(to + MESSAGE_BODY, m->body, m->n);
	return MESSAGE_BODY + m->n;
}

/* The fields of a reply. */
static inline uint32_t message_status(const uint8_t *msg)
{
	return (uint32_t)get_le(msg + 20, 4);
}

static inline uint8_t message_flags(const uint8_t *msg)
{
	return msg[25];
}

/* The status words that hosts know (Linux hyperv.h: HV_S_OK, HV_E_FAIL and so on). */
#define WIRE_OK 0u
#define WIRE_FAIL 0x80004005u
#define WIRE_NO_MORE_ITEMS 0x80070103u
#define WIRE_NOT_SUPPORTED 0x80070032u
#define WIRE_NOT_CONNECTED 0x8007048fu
#define WIRE_INVALID 0x80070057u
#define WIRE_DENIED 0x80070005u
#define WIRE_NOT_FOUND 0x80041002u
#define WIRE_EXISTS 0x80070050u
#define WIRE_DISK_FULL 0x80070070u

/* --- text in messages --- */

/* ASCII as UTF-16LE into a field of size bytes, the rest zero. Returns the bytes with the NUL. */
static inline size_t put_utf16(uint8_t *field, size_t size, const char *text)
{
	size_t n = strlen(text);

	assert_true(2 * n + 2 <= size);
	memset(field, 0, size);
	for (size_t i = 0; i < n; i++)
		field[2 * i] = (uint8_t)text[i];
	return 2 * n + 2;
}

static inline void assert_utf16(const uint8_t *field, const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i <= n; i++)
		assert_int_equal(get_le(field + 2 * i, 2), (uint8_t)text[i]);
}
