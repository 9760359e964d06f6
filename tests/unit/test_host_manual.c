/* SPDX-License-Identifier: GPL-2.0-only */
/* vmichost(1) and the tables of verbs, options and faults: each names what the other has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/fault.h"
#include "tests/host/verb.h"
#include "tests/unit/exit_status.h"

#define LINES_MAX 600

struct manual {
	char line[LINES_MAX][256];
	size_t n;
};

static struct manual manual;

static int manual_read(void **state)
{
	const char *top = getenv("SRCDIR");
	char path[512];
	FILE *file;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/tests/host/vmichost.1", top ? top : ".");
	file = fopen(path, "re");
	if (!file)
		return -1;
	while (manual.n < LINES_MAX && fgets(manual.line[manual.n], 256, file)) {
		manual.line[manual.n][strcspn(manual.line[manual.n], "\n")] = '\0';
		manual.n++;
	}
	(void)fclose(file);
	return manual.n > 100 && manual.n < LINES_MAX ? 0 : -1;
}

static size_t find_line(const char *text, size_t from)
{
	for (size_t i = from; i < manual.n; i++)
		if (strcmp(manual.line[i], text) == 0)
			return i;
	return manual.n;
}

/* ".It Cm name", and what may follow the name. */
static bool line_is_item(const char *line, const char *name)
{
	static const char item[] = ".It Cm ";
	size_t len = strlen(name);

	return strncmp(line, item, sizeof(item) - 1) == 0 &&
	       strncmp(line + sizeof(item) - 1, name, len) == 0 &&
	       (line[sizeof(item) - 1 + len] == '\0' || line[sizeof(item) - 1 + len] == ' ');
}

static size_t find_item(const char *name, size_t from, size_t to)
{
	size_t i = from;

	while (i < to && !line_is_item(manual.line[i], name))
		i++;
	return i;
}

/* The lines from *from to before *to are what the manual says of this verb. */
static void find_verb(const struct verb *verb, size_t *from, size_t *to)
{
	size_t verbs = find_line(".Sh VERBS", 0), end = find_line(".Sh FAULTS", 0);

	*from = find_item(verb->name, verbs, end);
	if (*from == end)
		fail_msg("the manual does not have the verb %s", verb->name);
	for (*to = *from + 1; *to < end && strncmp(manual.line[*to], ".It Cm ", 7) != 0; (*to)++)
		;
}

/* The next "-name" of an item line; NULL when there is none. */
static const char *next_option(const char **at)
{
	static char name[64];
	const char *dash = strstr(*at, " -");
	size_t len;

	if (!dash)
		return NULL;
	len = strcspn(dash + 2, " ");
	assert_true(len > 0 && len < sizeof(name));
	memcpy(name, dash + 2, len);
	name[len] = '\0';
	*at = dash + 2 + len;
	return name;
}

static bool manual_has_option(const char *name, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const char *at = manual.line[i], *found;

		if (strncmp(at, ".It Fl ", 7) != 0)
			continue;
		while ((found = next_option(&at)))
			if (strcmp(found, name) == 0)
				return true;
	}
	return false;
}

static bool table_has_option(const struct option_info *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return true;
	return false;
}

static void test_options_are_in_the_manual(void **state)
{
	(void)state;
	for (size_t v = 0; v < verb_count; v++) {
		const struct option_info *option = verb_table[v].options;
		size_t from, to;

		find_verb(&verb_table[v], &from, &to);
		for (; option->name; option++)
			if (!manual_has_option(option->name, from, to))
				fail_msg("the manual does not have %s --%s", verb_table[v].name,
					 option->name);
	}
}

static void test_the_manual_invents_no_options(void **state)
{
	(void)state;
	for (size_t v = 0; v < verb_count; v++) {
		size_t from, to;

		find_verb(&verb_table[v], &from, &to);
		for (size_t i = from; i < to; i++) {
			const char *at = manual.line[i], *name;

			if (strncmp(at, ".It Fl ", 7) != 0)
				continue;
			while ((name = next_option(&at)))
				if (!table_has_option(verb_table[v].options, name))
					fail_msg("%s has no --%s", verb_table[v].name, name);
		}
	}
}

/* help is main's own. */
static void test_the_manual_invents_no_verbs(void **state)
{
	size_t end = find_line(".Sh FAULTS", 0);

	(void)state;
	for (size_t i = find_line(".Sh VERBS", 0); i < end; i++) {
		char name[64];

		if (sscanf(manual.line[i], ".It Cm %63s", name) == 1 && strcmp(name, "help") != 0 &&
		    !verb_find(name))
			fail_msg("there is no verb %s", name);
	}
}

static void test_faults(void **state)
{
	size_t from = find_line(".Sh FAULTS", 0), to = find_line(".Sh ENVIRONMENT", from), n = 0;

	(void)state;
	for (size_t f = 0; f < FAULT_MAX; f++)
		if (find_item(fault_table[f].name, from, to) == to)
			fail_msg("the manual does not have the fault %s", fault_table[f].name);
	for (size_t i = from; i < to; i++)
		n += strncmp(manual.line[i], ".It Cm ", 7) == 0;
	assert_int_equal(n, FAULT_MAX);
}

static void test_exit_statuses(void **state)
{
	(void)state;
	assert_exit_statuses("tests/host/vmichost.1", exit_statuses_read("tests/host/verb.h", "") | 1u << EXIT_SUCCESS |
							      1u << EXIT_FAILURE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_are_in_the_manual),
		cmocka_unit_test(test_the_manual_invents_no_options),
		cmocka_unit_test(test_the_manual_invents_no_verbs),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_exit_statuses),
	};

	return cmocka_run_group_tests(tests, manual_read, NULL);
}
