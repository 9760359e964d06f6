/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/text16.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hv_util/bytes.h"

static bool is_high(uint32_t unit)
{
	return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(uint32_t unit)
{
	return unit >= 0xdc00 && unit < 0xe000;
}

/* --- from text --- */

/* "{1F600}" at *text. */
static int take_braced(const char **text, uint32_t most, uint32_t *ret)
{
	char *end = NULL;
	unsigned long v;

	if ((*text)[0] != '{' || !isxdigit((unsigned char)(*text)[1]))
		return -EINVAL;
	v = strtoul(*text + 1, &end, 16);
	if (*end != '}' || v > most)
		return -EINVAL;
	*ret = (uint32_t)v;
	*text = end + 1;
	return 0;
}

static int take_utf8(const char **text, uint32_t *ret)
{
	static const struct {
		uint8_t mask, lead;
		int more;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 0, 0 },
		{ 0xe0, 0xc0, 1, 0x80 },
		{ 0xf0, 0xe0, 2, 0x800 },
		{ 0xf8, 0xf0, 3, 0x10000 },
	};
	const uint8_t *p = (const uint8_t *)*text;

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		uint32_t v = p[0] & (uint8_t)~forms[i].mask;

		if ((p[0] & forms[i].mask) != forms[i].lead)
			continue;
		for (int k = 1; k <= forms[i].more; k++) {
			if ((p[k] & 0xc0) != 0x80)
				return -EINVAL;
			v = v << 6 | (p[k] & 0x3f);
		}
		if (v < forms[i].least || v > 0x10ffff || is_high(v) || is_low(v))
			return -EINVAL;
		*text += forms[i].more + 1;
		*ret = v;
		return 0;
	}
	return -EINVAL;
}

/* One character or escape. *ret_unit: it is a single unit and stays as it is. */
static int take_escaped(const char **text, uint32_t *ret, bool *ret_unit)
{
	*ret_unit = false;
	if (**text != '\\')
		return take_utf8(text, ret);
	*text += 2;
	switch ((*text)[-1]) {
	case '\\':
		*ret = '\\';
		return 0;
	case 'u':
		return take_braced(text, 0x10ffff, ret);
	case 'w':
		*ret_unit = true;
		return take_braced(text, 0xffff, ret);
	default:
		return -EINVAL;
	}
}

int text16_from_escaped(const char *text, uint8_t *ret, size_t size)
{
	struct wr w = { .p = ret, .left = size };

	while (*text) {
		uint32_t v = 0;
		bool unit;
		int r = take_escaped(&text, &v, &unit);

		if (r < 0)
			return r;
		if (!unit && v > 0xffff) {
			wr_u16(&w, (uint16_t)(0xd800 + ((v - 0x10000) >> 10)));
			wr_u16(&w, (uint16_t)(0xdc00 + ((v - 0x10000) & 0x3ff)));
		} else {
			wr_u16(&w, (uint16_t)v);
		}
	}
	wr_u16(&w, 0);
	return wr_result(&w) < 0 ? -ENOBUFS : (int)(size - w.left);
}

/* --- to text --- */

static size_t put_utf8(char *to, uint32_t v)
{
	if (v < 0x80) {
		to[0] = (char)v;
		return 1;
	}
	if (v < 0x800) {
		to[0] = (char)(0xc0 | v >> 6);
		to[1] = (char)(0x80 | (v & 0x3f));
		return 2;
	}
	if (v < 0x10000) {
		to[0] = (char)(0xe0 | v >> 12);
		to[1] = (char)(0x80 | (v >> 6 & 0x3f));
		to[2] = (char)(0x80 | (v & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | v >> 18);
	to[1] = (char)(0x80 | (v >> 12 & 0x3f));
	to[2] = (char)(0x80 | (v >> 6 & 0x3f));
	to[3] = (char)(0x80 | (v & 0x3f));
	return 4;
}

/* The next character; false at the NUL or the end. *ret_unit: a surrogate without its partner. */
static bool take_units(struct rd *rd, uint32_t *ret, bool *ret_unit)
{
	uint32_t low;

	*ret = rd_u16(rd);
	*ret_unit = false;
	if (rd->bad || !*ret)
		return false;
	if (is_high(*ret) && rd->left >= 2) {
		low = (uint32_t)(rd->p[0] | rd->p[1] << 8);
		if (is_low(low)) {
			(void)rd_u16(rd);
			*ret = 0x10000 + ((*ret - 0xd800) << 10) + (low - 0xdc00);
			return true;
		}
	}
	*ret_unit = is_high(*ret) || is_low(*ret);
	return true;
}

void text16_to_escaped(const uint8_t *units, size_t bytes, char *ret, size_t size)
{
	struct rd rd = { .p = units, .left = bytes };
	size_t at = 0;
	uint32_t v;
	bool unit;

	while (take_units(&rd, &v, &unit)) {
		char piece[16];
		size_t n;

		if (unit)
			n = (size_t)snprintf(piece, sizeof(piece), "\\w{%X}", v);
		else if (v < 0x20)
			n = (size_t)snprintf(piece, sizeof(piece), "\\u{%X}", v);
		else if (v == '\\')
			n = (size_t)snprintf(piece, sizeof(piece), "\\\\");
		else
			n = put_utf8(piece, v);
		if (at + n >= size)
			break;
		memcpy(ret + at, piece, n);
		at += n;
	}
	ret[at] = 0;
}

bool text16_has_end(const uint8_t *units, size_t bytes)
{
	for (size_t i = 0; i + 1 < bytes; i += 2)
		if (!units[i] && !units[i + 1])
			return true;
	return false;
}

bool text16_is_valid(const uint8_t *units, size_t bytes)
{
	struct rd rd = { .p = units, .left = bytes };
	uint32_t v;
	bool unit = false;

	while (!unit && take_units(&rd, &v, &unit))
		;
	return !unit;
}
