/* SPDX-License-Identifier: GPL-2.0-only */
/* The exit statuses that a source names, and those that a manual has: each is to be in both. */
#pragma once

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A bit for each number. "EXIT_SUCCESS", "#define EXIT_X 2", and the rows of enums that are named in
 * prefixes: "CTL_X = 3". */
static inline uint32_t exit_statuses_of_line(const char *line, const char *prefix)
{
	size_t len = strlen(prefix);
	uint32_t found = 0;
	unsigned n;

	if (sscanf(line, "#define EXIT_%*[A-Z_] %u", &n) == 1)
		found |= 1u << n;
	if (strstr(line, "EXIT_SUCCESS"))
		found |= 1u << EXIT_SUCCESS;
	if (strstr(line, "EXIT_FAILURE"))
		found |= 1u << EXIT_FAILURE;
	for (const char *at = len ? strstr(line, prefix) : NULL; at; at = strstr(at + 1, prefix))
		if (sscanf(at + len, "%*[A-Z_] = %u", &n) == 1)
			found |= 1u << n;
	return found;
}

/* Of ".It 3" in the section of that name, which every manual has. */
static inline uint32_t exit_statuses_of_item(const char *line, int *inside)
{
	unsigned n;

	if (strncmp(line, ".Sh ", 4) == 0)
		*inside = strcmp(line, ".Sh EXIT STATUS\n") == 0;
	return *inside && sscanf(line, ".It %u\n", &n) == 1 ? 1u << n : 0;
}

/* A file below the top directory, or that in the variable SRCDIR. prefix NULL: it is a manual. */
static inline uint32_t exit_statuses_read(const char *name, const char *prefix)
{
	const char *top = getenv("SRCDIR");
	char path[PATH_MAX], line[1024];
	uint32_t found = 0;
	int inside = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", top ? top : ".", name);
	file = fopen(path, "re");
	if (!file)
		fail_msg("cannot open %s", path);
	while (fgets(line, sizeof(line), file))
		found |= prefix ? exit_statuses_of_line(line, prefix) : exit_statuses_of_item(line, &inside);
	(void)fclose(file);
	return found;
}

static inline void assert_exit_statuses(const char *manual, uint32_t expected)
{
	uint32_t told = exit_statuses_read(manual, NULL);

	for (unsigned n = 0; n < 32; n++)
		if ((told ^ expected) & 1u << n)
			fail_msg("exit status %u: %s %s, the program %s", n, manual,
				 told & 1u << n ? "has it" : "has it not", told & 1u << n ? "has not" : "has");
	assert_true(told & 1u);
}
