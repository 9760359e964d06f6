/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/terminal/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "hv_util/base.h"

/* By lead byte: how many bytes follow, which bits count, the least value that needs so many. */
static const struct {
	uint8_t mask, lead, follow;
	int32_t least;
} utf8_forms[] = {
	{ 0x80, 0x00, 0, 0 },
	{ 0xe0, 0xc0, 1, 0x80 },
	{ 0xf0, 0xe0, 2, 0x800 },
	{ 0xf8, 0xf0, 3, 0x10000 },
};

static int32_t utf8_decode(const uint8_t *p, size_t form)
{
	int32_t c = p[0] & (uint8_t)~utf8_forms[form].mask;

	for (size_t i = 1; i <= utf8_forms[form].follow; i++) {
		if ((p[i] & 0xc0) != 0x80) /* the terminating 0 too */
			return -EILSEQ;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < utf8_forms[form].least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return -EILSEQ;
	return c;
}

int32_t text_next(const char **text)
{
	const uint8_t *p = (const uint8_t *)*text;

	if (p[0] == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(utf8_forms); i++) {
		int32_t c;

		if ((p[0] & utf8_forms[i].mask) != utf8_forms[i].lead)
			continue;
		c = utf8_decode(p, i);
		*text += c < 0 ? 1 : 1 + utf8_forms[i].follow;
		return c;
	}
	*text += 1;
	return -EILSEQ;
}

/* C0, DEL, C1, line separators, and the marks that turn or hide text (Unicode TR 36). */
static bool char_is_hidden(int32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xe0000 && c <= 0xe0fff);
}

struct piece {
	char text[16];
};

static struct piece char_escape(int32_t c, const char *at, size_t len)
{
	struct piece p;

	if (c == '\n')
		(void)snprintf(p.text, sizeof(p.text), "\\n");
	else if (c == '\\')
		(void)snprintf(p.text, sizeof(p.text), "\\\\");
	else if (c < 0)
		(void)snprintf(p.text, sizeof(p.text), "\\x%02x", (uint8_t)*at);
	else if (c < 0x80 && char_is_hidden(c))
		(void)snprintf(p.text, sizeof(p.text), "\\x%02x", (unsigned)c);
	else if (char_is_hidden(c))
		(void)snprintf(p.text, sizeof(p.text), "\\u%04x", (unsigned)c);
	else
		(void)snprintf(p.text, sizeof(p.text), "%.*s", (int)len, at);
	return p;
}

static struct piece char_repair(int32_t c, const char *at, size_t len)
{
	struct piece p;

	if (c < 0)
		(void)snprintf(p.text, sizeof(p.text), "\xef\xbf\xbd");
	else
		(void)snprintf(p.text, sizeof(p.text), "%.*s", (int)len, at);
	return p;
}

static const char *text_map(const char *text, char *out, size_t size,
			    struct piece (*map)(int32_t c, const char *at, size_t len))
{
	size_t used = 0;

	out[0] = '\0';
	for (;;) {
		const char *at = text;
		int32_t c = text_next(&text);
		struct piece p;
		size_t len;

		if (c == 0)
			return out;
		p = map(c, at, (size_t)(text - at));
		len = strlen(p.text);
		if (len >= size - used)
			return out;
		memcpy(out + used, p.text, len + 1);
		used += len;
	}
}

const char *text_escape(const char *text, char *out, size_t size)
{
	return text_map(text, out, size, char_escape);
}

const char *text_repair(const char *text, char *out, size_t size)
{
	return text_map(text, out, size, char_repair);
}

/* wcwidth knows only what the locale knows; what it does not is taken as one column. */
static size_t char_width(int32_t c)
{
	int width = c < 0 ? 1 : wcwidth((wchar_t)c);

	return width < 0 ? 1 : (size_t)width;
}

size_t text_width(const char *text)
{
	size_t width = 0;
	int32_t c;

	while ((c = text_next(&text)) != 0)
		width += char_width(c);
	return width;
}

size_t text_break(const char *text, size_t width, const char **ret_next)
{
	const char *at = text, *space = NULL;
	size_t used = 0;

	for (;;) {
		const char *next = at;
		int32_t c = text_next(&next);

		if (c == 0) {
			*ret_next = at;
			return (size_t)(at - text);
		}
		if (c == ' ')
			space = at;
		used += char_width(c);
		if (used > width && at > text)
			break;
		at = next;
	}
	if (!space || space == text) {
		*ret_next = at;
		return (size_t)(at - text);
	}
	*ret_next = space + strspn(space, " ");
	return (size_t)(space - text);
}

#define DOTS "..."

const char *text_cut(const char *text, size_t width, char *out, size_t size)
{
	const char *at = text, *end = text;
	size_t used = 0;

	if (text_width(text) <= width && strlen(text) < size)
		return strcpy(out, text);
	for (;;) {
		int32_t c = text_next(&at);

		used += char_width(c);
		if (c == 0 || used + strlen(DOTS) > width || (size_t)(at - text) + sizeof(DOTS) > size)
			break;
		end = at;
	}
	(void)snprintf(out, size, "%.*s%s", (int)(end - text), text, DOTS);
	return out;
}
