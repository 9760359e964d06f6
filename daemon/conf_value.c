/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/conf_value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int conf_value_parse_choice(const char *value, const char *const *names, size_t n, unsigned *ret)
{
	for (size_t i = 0; i < n; i++)
		if (names[i] && strcmp(names[i], value) == 0) {
			*ret = (unsigned)i;
			return 0;
		}
	return -EINVAL;
}

int conf_value_parse_yes_no(const char *value, bool *ret)
{
	static const char *const names[] = { "no", "yes" };
	unsigned v;

	if (conf_value_parse_choice(value, names, ARRAY_LEN(names), &v) < 0)
		return -EINVAL;
	*ret = v;
	return 0;
}

/* A decimal number of at most max behind *p, which then stands behind it. */
static int read_number(const char **p, unsigned max, unsigned *ret)
{
	unsigned long v = 0;

	if (**p < '0' || **p > '9')
		return -EINVAL;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		v = v * 10 + (unsigned long)(**p - '0');
		if (v > max)
			return -EINVAL;
	}
	*ret = (unsigned)v;
	return 0;
}

int conf_value_parse_number(const char *value, unsigned min, unsigned max, unsigned *ret)
{
	unsigned v;

	if (read_number(&value, max, &v) < 0 || *value || v < min)
		return -EINVAL;
	*ret = v;
	return 0;
}

/* Two numbers with a separator between them. */
static int read_two(const char **p, char separator, uint16_t *ret_a, uint16_t *ret_b)
{
	unsigned a, b;

	if (read_number(p, UINT16_MAX, &a) < 0 || *(*p)++ != separator ||
	    read_number(p, UINT16_MAX, &b) < 0)
		return -EINVAL;
	*ret_a = (uint16_t)a;
	*ret_b = (uint16_t)b;
	return 0;
}

static int read_version(const char **p, struct ic_version *ret)
{
	return read_two(p, '.', &ret->major, &ret->minor);
}

static bool admits(const struct ic_admitted *list, struct ic_version v)
{
	for (unsigned i = 0; i < list->n; i++)
		if (ic_version_equal(list->v[i], v))
			return true;
	return false;
}

int conf_value_parse_versions(const char *value, const struct ic_admitted *spoken,
			      struct ic_admitted *ret)
{
	struct ic_admitted list = { 0 };

	for (const char *p = value; *p;) {
		struct ic_version v;

		if (read_version(&p, &v) < 0 || (*p && *p != ' ' && *p != '\t') ||
		    !admits(spoken, v) || admits(&list, v))
			return -EINVAL;
		list.v[list.n++] = v;
		p += strspn(p, " \t");
	}
	if (list.n == 0)
		return -EINVAL;
	*ret = list;
	return 0;
}

void conf_value_format_versions(const struct ic_admitted *list, char to[static CONF_VALUE_SIZE])
{
	size_t used = 0;

	to[0] = '\0';
	for (unsigned i = 0; i < list->n; i++)
		used += (size_t)snprintf(to + used, CONF_VALUE_SIZE - used, "%s%u.%u", i ? " " : "",
					 list->v[i].major, list->v[i].minor);
}

int conf_value_parse_pair(const char *value, struct ic_pair *ret)
{
	struct ic_pair pair;

	if (read_version(&value, &pair.framework) < 0 || *value++ != '/' ||
	    read_version(&value, &pair.message) < 0 || *value)
		return -EINVAL;
	*ret = pair;
	return 0;
}

void conf_value_format_pair(struct ic_pair pair, char to[static CONF_VALUE_SIZE])
{
	(void)snprintf(to, CONF_VALUE_SIZE, "%u.%u/%u.%u", pair.framework.major, pair.framework.minor,
		       pair.message.major, pair.message.minor);
}

int conf_value_parse_counts(const char *value, uint16_t ret[static 2])
{
	uint16_t a, b;

	if (read_two(&value, ',', &a, &b) < 0 || *value)
		return -EINVAL;
	ret[0] = a;
	ret[1] = b;
	return 0;
}

void conf_value_format_counts(const uint16_t counts[static 2], char to[static CONF_VALUE_SIZE])
{
	(void)snprintf(to, CONF_VALUE_SIZE, "%u,%u", counts[0], counts[1]);
}
