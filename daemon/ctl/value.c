/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/value.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

void value_freep(json_t **j)
{
	json_decref(*j);
}

const char *value_text(const json_t *value)
{
	const char *text = json_string_value(value);

	return text ? text : "";
}

const char *member_text(const json_t *object, const char *name)
{
	return value_text(json_object_get(object, name));
}

long long member_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static void print_line(FILE *to, const json_t *value)
{
	const char *name;
	size_t i;
	json_t *member;
	bool first = true;

	if (json_is_string(value))
		(void)fputs(json_string_value(value), to);
	else if (json_is_integer(value))
		(void)fprintf(to, "%lld", (long long)json_integer_value(value));
	else if (json_is_boolean(value))
		(void)fputs(json_is_true(value) ? "yes" : "no", to);
	json_array_foreach(value, i, member) {
		(void)fputs(i > 0 ? " " : "", to);
		print_line(to, member);
	}
	json_object_foreach((json_t *)value, name, member) {
		(void)fputs(first ? "" : "/", to);
		print_line(to, member);
		first = false;
	}
}

char *value_line(const json_t *value)
{
	char *line = NULL;
	size_t size;
	FILE *to = open_memstream(&line, &size);

	if (!to)
		return NULL;
	print_line(to, value);
	if (fclose(to) == 0)
		return line;
	free(line);
	return NULL;
}
