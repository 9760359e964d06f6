/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/utf16.h"

#include <errno.h>
#include <string.h>

#define REPLACEMENT 0xfffd

static uint32_t unit_at(const uint8_t *from, size_t i)
{
	return (uint32_t)from[2 * i] | (uint32_t)from[2 * i + 1] << 8;
}

static bool is_high_surrogate(uint32_t u)
{
	return u >= 0xd800 && u < 0xdc00;
}

static bool is_low_surrogate(uint32_t u)
{
	return u >= 0xdc00 && u < 0xe000;
}

/* Returns the number of bytes put at out. */
static size_t utf8_encode(uint32_t c, char out[static 4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Returns how many units the next character takes; 1 and *ret negative: it is a surrogate without its partner. */
static size_t utf16_decode(const uint8_t *from, size_t n, int32_t *ret)
{
	uint32_t high = unit_at(from, 0);

	*ret = (int32_t)high;
	if (!is_high_surrogate(high) && !is_low_surrogate(high))
		return 1;
	*ret = -EILSEQ;
	if (is_low_surrogate(high) || n < 2 || !is_low_surrogate(unit_at(from, 1)))
		return 1;
	*ret = (int32_t)(0x10000 + ((high - 0xd800) << 10) + (unit_at(from, 1) - 0xdc00));
	return 2;
}

/* Whether the character fits, with a NUL behind it. */
static bool put_char(uint32_t c, char *to, size_t size, size_t *used)
{
	char bytes[4];
	size_t len = utf8_encode(c, bytes);

	if (size - *used <= len)
		return false;
	for (size_t k = 0; k < len; k++)
		to[(*used)++] = bytes[k];
	return true;
}

int utf16_to_utf8(const uint8_t *from, size_t n, char *to, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < n;) {
		int32_t c;

		i += utf16_decode(from + 2 * i, n - i, &c);
		if (c < 0)
			return -EILSEQ;
		if (!put_char((uint32_t)c, to, size, &used))
			return -ENOSPC;
	}
	if (size == used)
		return -ENOSPC;
	to[used] = '\0';
	return (int)used;
}

size_t utf16_repair(const uint8_t *from, size_t n, char *to, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < n;) {
		int32_t c;

		i += utf16_decode(from + 2 * i, n - i, &c);
		if (!put_char(c < 0 ? REPLACEMENT : (uint32_t)c, to, size, &used))
			break;
	}
	to[used] = '\0';
	return used;
}

/* A sequence by its first byte, and the smallest value it may encode: a longer form of the same
 * character is not UTF-8 (RFC 3629). */
static const struct sequence {
	uint8_t mask, lead, len;
	uint32_t smallest;
} sequences[] = {
	{ 0x80, 0x00, 1, 0 },
	{ 0xe0, 0xc0, 2, 0x80 },
	{ 0xf0, 0xe0, 3, 0x800 },
	{ 0xf8, 0xf0, 4, 0x10000 },
};

static const struct sequence *sequence_find(uint8_t lead)
{
	for (size_t i = 0; i < ARRAY_LEN(sequences); i++)
		if ((lead & sequences[i].mask) == sequences[i].lead)
			return &sequences[i];
	return NULL;
}

/* Returns the bytes that the first character of from takes; 1 and REPLACEMENT for what is none. */
static size_t utf8_decode(const char *from, size_t len, uint32_t *ret)
{
	const struct sequence *seq = sequence_find((uint8_t)from[0]);
	uint32_t c;

	*ret = REPLACEMENT;
	if (!seq || seq->len > len)
		return 1;

	c = (uint8_t)from[0] & (uint8_t)~seq->mask;
	for (size_t i = 1; i < seq->len; i++) {
		if (((uint8_t)from[i] & 0xc0) != 0x80)
			return 1;
		c = c << 6 | ((uint8_t)from[i] & 0x3f);
	}
	if (c < seq->smallest || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 1;
	*ret = c;
	return seq->len;
}

static void put_unit(uint8_t *to, uint32_t unit)
{
	to[0] = (uint8_t)unit;
	to[1] = (uint8_t)(unit >> 8);
}

size_t utf16_from_utf8(const char *from, size_t len, uint8_t *to, size_t max)
{
	size_t n = 0;

	while (len > 0) {
		uint32_t c;
		size_t took = utf8_decode(from, len, &c);

		if (max - n < (c >= 0x10000 ? 2 : 1))
			break;
		if (c >= 0x10000) {
			put_unit(to + 2 * n++, 0xd800 + ((c - 0x10000) >> 10));
			put_unit(to + 2 * n++, 0xdc00 + ((c - 0x10000) & 0x3ff));
		} else {
			put_unit(to + 2 * n++, c);
		}
		from += took;
		len -= took;
	}
	return n;
}

bool utf8_is_valid(const char *from, size_t len)
{
	while (len > 0) {
		uint32_t c;
		size_t took = utf8_decode(from, len, &c);

		if (took == 1 && c == REPLACEMENT)
			return false;
		from += took;
		len -= took;
	}
	return true;
}

size_t utf8_repair(const char *from, size_t len, char *to, size_t size)
{
	size_t used = 0;

	while (len > 0) {
		uint32_t c;
		size_t took = utf8_decode(from, len, &c);

		if (!put_char(c, to, size, &used))
			break;
		from += took;
		len -= took;
	}
	to[used] = '\0';
	return used;
}

/* Control characters, separators of lines, the marks that turn or hide text, and what is no character at all: D-Bus
 * libraries refuse that. */
static bool is_hidden(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{ 0x00, 0x1f },     { 0x7f, 0x9f },     { 0x061c, 0x061c }, { 0x200b, 0x200f },
		{ 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
		{ 0xfdd0, 0xfdef }, { 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return true;
	return (c & 0xfffe) == 0xfffe;
}

static bool is_white(uint32_t c)
{
	return (c >= '\t' && c <= '\r') || c == 0x2028 || c == 0x2029;
}

/* What takes its place is never longer. */
void utf8_make_printable(char *text)
{
	size_t len = strlen(text), used = 0;

	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t took = utf8_decode(text + i, len - i, &c);

		if (is_hidden(c))
			text[used++] = is_white(c) ? ' ' : '?';
		else
			for (size_t k = 0; k < took; k++)
				text[used++] = text[i + k];
		i += took;
	}
	text[used] = '\0';
}
