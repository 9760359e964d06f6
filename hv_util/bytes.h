/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bounded little-endian reader and writer: the only way at received bytes, and the only way
 * an answer is written. Both are sticky: after the first step beyond the end every read gives 0,
 * every write does nothing, and rd_result/wr_result say so. A parser is a straight line with one
 * check at its end. Lengths are bytes.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "hv_util/base.h"

struct rd {
	const uint8_t *p;
	size_t left;
	bool bad; /* something was read that is not there */
};

/* The next n bytes, or NULL when fewer are left. The pointer is good as long as the buffer is. */
static inline const uint8_t *rd_bytes(struct rd *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || r->left < n) {
		r->bad = true;
		return NULL;
	}
	r->p += n;
	r->left -= n;
	return p;
}

static inline uint8_t rd_u8(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 1);

	return p ? p[0] : 0;
}

static inline uint16_t rd_u16(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 2);

	return p ? (uint16_t)(p[0] | p[1] << 8) : 0;
}

static inline uint32_t rd_u32(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 4);

	return p ? p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24 : 0;
}

static inline uint64_t rd_u64(struct rd *r)
{
	const uint8_t *p = rd_bytes(r, 8);
	struct rd half = { .p = p, .left = p ? 8 : 0 };
	uint32_t low = rd_u32(&half);

	return low | (uint64_t)rd_u32(&half) << 32;
}

/* 0 when everything that was read was there, -EBADMSG otherwise. */
_must_check_ static inline int rd_result(const struct rd *r)
{
	return r->bad ? -EBADMSG : 0;
}

struct wr {
	uint8_t *p;
	size_t left;
	bool bad; /* something was written that did not fit, and was not written */
};

/* Room for n bytes that the caller fills, or NULL when there is less. */
static inline uint8_t *wr_room(struct wr *w, size_t n)
{
	uint8_t *p = w->p;

	if (w->bad || w->left < n) {
		w->bad = true;
		return NULL;
	}
	w->p += n;
	w->left -= n;
	return p;
}

/* Goes past n bytes and leaves them as they are. */
static inline void wr_keep(struct wr *w, size_t n)
{
	(void)wr_room(w, n);
}

static inline void wr_bytes(struct wr *w, const void *from, size_t n)
{
	uint8_t *p = wr_room(w, n);

	if (p)
		memcpy(p, from, n);
}

static inline void wr_zero(struct wr *w, size_t n)
{
	uint8_t *p = wr_room(w, n);

	if (p)
		memset(p, 0, n);
}

static inline void wr_u8(struct wr *w, uint8_t v)
{
	wr_bytes(w, &v, 1);
}

static inline void wr_u16(struct wr *w, uint16_t v)
{
	uint8_t b[2] = { (uint8_t)v, (uint8_t)(v >> 8) };

	wr_bytes(w, b, sizeof(b));
}

static inline void wr_u32(struct wr *w, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	wr_bytes(w, b, sizeof(b));
}

static inline void wr_u64(struct wr *w, uint64_t v)
{
	uint8_t b[8];

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(v >> 8 * i);
	wr_bytes(w, b, sizeof(b));
}

/* 0 when everything fitted, -ENOBUFS otherwise. */
_must_check_ static inline int wr_result(const struct wr *w)
{
	return w->bad ? -ENOBUFS : 0;
}
