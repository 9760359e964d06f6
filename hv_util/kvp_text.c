/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/kvp_text.h"

#include <errno.h>
#include <string.h>

int kvp_text_read(const uint8_t *field, size_t size, char *to, size_t cap)
{
	size_t n = 0;
	int r;

	if (size % 2 != 0)
		return -EINVAL;
	while (n < size / 2 && (field[2 * n] | field[2 * n + 1]) != 0)
		n++;
	if (n == size / 2)
		return -EINVAL;

	r = utf16_to_utf8(field, n, to, cap);
	return r == -ENOSPC ? -EINVAL : r;
}

size_t kvp_text_write(const char *text, size_t len, uint8_t *field, size_t size)
{
	size_t units = utf16_from_utf8(text, strnlen(text, len), field, size / 2 - 1);

	memset(field + 2 * units, 0, size - 2 * units);
	return 2 * units + 2;
}

int kvp_text_read_utf8(const uint8_t *field, size_t size, char *to, size_t cap)
{
	size_t len = strnlen((const char *)field, size);

	if (len == size || len >= cap)
		return -EINVAL;
	if (!utf8_is_valid((const char *)field, len))
		return -EILSEQ;
	memcpy(to, field, len + 1);
	return (int)len;
}

size_t kvp_text_write_utf8(const char *text, size_t len, uint8_t *field, size_t size)
{
	size_t used = utf8_repair(text, strnlen(text, len), (char *)field, size) + 1;

	memset(field + used, 0, size - used);
	return used;
}
