/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/guid.h"

#include <errno.h>
#include <string.h>

/* Which byte each pair of digits of the text form is; -1 stands for a dash. */
static const int8_t text_order[] = {
	3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15,
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int guid_parse(const char *text, struct guid *ret)
{
	size_t len = strlen(text);
	struct guid g;

	if (len == GUID_TEXT_SIZE + 1 && text[0] == '{' && text[len - 1] == '}') {
		text++;
		len -= 2;
	}
	if (len != GUID_TEXT_SIZE - 1)
		return -EINVAL;

	for (size_t i = 0; i < ARRAY_LEN(text_order); i++) {
		int high, low;

		if (text_order[i] < 0) {
			if (*text++ != '-')
				return -EINVAL;
			continue;
		}
		high = hex_digit(*text++);
		low = hex_digit(*text++);
		if (high < 0 || low < 0)
			return -EINVAL;
		g.b[text_order[i]] = (uint8_t)(high << 4 | low);
	}
	*ret = g;
	return 0;
}

void guid_format(const struct guid *g, char out[static GUID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < ARRAY_LEN(text_order); i++) {
		if (text_order[i] < 0) {
			*out++ = '-';
			continue;
		}
		*out++ = digits[g->b[text_order[i]] >> 4];
		*out++ = digits[g->b[text_order[i]] & 15];
	}
	*out = '\0';
}
