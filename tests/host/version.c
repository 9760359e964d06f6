/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/version.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int version_compare(struct version a, struct version b)
{
	if (a.major != b.major)
		return a.major < b.major ? -1 : 1;
	return (a.minor > b.minor) - (a.minor < b.minor);
}

bool version_pair_equal(struct version_pair a, struct version_pair b)
{
	return version_compare(a.framework, b.framework) == 0 &&
	       version_compare(a.message, b.message) == 0;
}

bool version_list_has(const struct version_list *list, struct version v)
{
	for (unsigned i = 0; i < list->n; i++)
		if (version_compare(list->v[i], v) == 0)
			return true;
	return false;
}

const char *version_format(struct version v, char text[static VERSION_TEXT_SIZE])
{
	(void)snprintf(text, VERSION_TEXT_SIZE, "%u.%u", v.major, v.minor);
	return text;
}

const char *version_list_format(const struct version_list *list, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < list->n && used < size; i++) {
		char one[VERSION_TEXT_SIZE];

		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? " " : "",
					 version_format(list->v[i], one));
	}
	if (used >= size && size > sizeof("..."))
		memcpy(text + size - sizeof("..."), "...", sizeof("..."));
	return text;
}

/* The number at *at, which moves behind it; -EINVAL if there is none or it is too large. */
static int number_parse(const char **at, uint16_t *ret)
{
	const char *p = *at;
	uint32_t n = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (uint32_t)(*p - '0');
		if (n > UINT16_MAX)
			return -EINVAL;
	}
	if (p == *at)
		return -EINVAL;
	*at = p;
	*ret = (uint16_t)n;
	return 0;
}

int version_parse(const char *text, struct version *ret)
{
	struct version v;

	if (number_parse(&text, &v.major) < 0 || *text++ != '.' ||
	    number_parse(&text, &v.minor) < 0 || *text != '\0')
		return -EINVAL;
	*ret = v;
	return 0;
}
