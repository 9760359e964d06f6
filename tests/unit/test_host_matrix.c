/* SPDX-License-Identifier: GPL-2.0-only */
/* The grid of the matrix; that it is filled by really running guests is for the scenarios. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/matrix_print.h"

static struct matrix matrix;

/* Every release, ten profiles with the longest names there are, all well but one cell. */
static int matrix_setup(void **state)
{
	static const char *const profiles[] = { "legacy",   "ws2008", "ws2008r2", "ws2012",
						"ws2012r2", "win10",  "linux",    "freebsd",
						"openbsd",  "newest" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(profiles); i++)
		if (matrix_add_profile(&matrix, profiles[i]) < 0)
			return -1;
	release_choice_complete(&matrix.releases);
	matrix.cells = calloc(matrix.releases.n * matrix.n_profiles, sizeof(*matrix.cells));
	for (size_t i = 0; i < matrix.releases.n * matrix.n_profiles; i++)
		matrix.cells[i].ran = true;
	matrix.cells[0].result[COMPONENT_GUEST_SERVICE] = RESULT_ABSENT;
	matrix.cells[0].result[COMPONENT_KVP] = RESULT_NO_COMMON;
	matrix.cells[0].result[COMPONENT_SHUTDOWN] = RESULT_NO_CONTACT;
	matrix.cells[0].result[COMPONENT_TIMESYNC] = RESULT_MISMATCH;
	matrix.cells[0].result[COMPONENT_VSS] = RESULT_LOST;
	matrix.cells[1].ran = false;
	return 0;
}

static int matrix_teardown(void **state)
{
	(void)state;
	matrix_done(&matrix);
	return 0;
}

static char *printed(unsigned width, bool colour)
{
	char *text = NULL;
	size_t size;
	struct terminal t = { .width = width, .colour = colour };

	t.to = open_memstream(&text, &size);
	assert_non_null(t.to);
	matrix_print(&matrix, &t);
	(void)fclose(t.to);
	return text;
}

static void lines_fit(const char *text, size_t width)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		assert_true(len <= width);
		text += len + (text[len] == '\n');
	}
}

static void test_one_grid_in_100_columns(void **state)
{
	char *text = printed(100, false);

	(void)state;
	lines_fit(text, 100);
	assert_non_null(strstr(text,
		"           legacy ws2008 ws2008r2 ws2012 ws2012r2 "
		"win10  linux  freebsd openbsd newest\n"
		"           GHKSTV GHKSTV GHKSTV   GHKSTV GHKSTV   "
		"GHKSTV GHKSTV GHKSTV  GHKSTV  GHKSTV\n"
		"2008       .oX-ML failed oooooo   oooooo"));
	assert_non_null(strstr(text, "openvmm    oooooo"));
	assert_non_null(strstr(text, "o ok, M mismatch, X no common version, - no contact, "
				     "L lost contact, . not offered\n"));
	assert_null(strstr(text, "disabled")); /* the legend has what occurs */
	free(text);
}

static void test_narrow_terminals(void **state)
{
	static const unsigned widths[] = { 30, 40, 64, 80 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
		char *text = printed(widths[i], false);
		char *legend = strstr(text, "\n\nG Guest");

		assert_non_null(legend);
		assert_non_null(strstr(text, "newest"));
		*legend = '\0';
		lines_fit(text, widths[i]);
		free(text);
	}
}

static void test_colours(void **state)
{
	char *text = printed(0, true);

	(void)state;
	assert_non_null(strstr(text, "\033[33mM\033[0m"));
	assert_non_null(strstr(text, "\033[31;1mX\033[0m"));
	assert_non_null(strstr(text, "\033[32mo\033[0m"));
	free(text);
}

static void test_json(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	json_t *document, *cell;

	(void)state;
	assert_int_equal(matrix_print_json(&matrix, to), 0);
	(void)fclose(to);
	document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_array_size(json_object_get(document, "cells")),
			 matrix.releases.n * matrix.n_profiles);
	cell = json_array_get(json_object_get(document, "cells"), 0);
	assert_string_equal(json_string_value(json_object_get(cell, "release")), "2008");
	assert_string_equal(json_string_value(json_object_get(cell, "profile")), "legacy");
	assert_string_equal(json_string_value(json_object_get(json_object_get(cell, "results"),
							      "kvp")), "no-common-version");
	cell = json_array_get(json_object_get(document, "cells"), 1);
	assert_true(json_is_false(json_object_get(cell, "ran")));
	assert_int_equal(json_object_size(json_object_get(cell, "results")), 0);
	json_decref(document);
	free(text);
}

/* A profile's name becomes a line of a configuration file. */
static void test_profile_names(void **state)
{
	static const char *const bad[] = { "", "a b", "a\n[KVP]", "../x", "a/b", "x;y",
					   "0123456789012345678901234567890123456789" };
	size_t n = matrix.n_profiles;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(matrix_add_profile(&matrix, bad[i]), -EINVAL);
	assert_int_equal(matrix.n_profiles, n);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_grid_in_100_columns),
		cmocka_unit_test(test_narrow_terminals),
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_profile_names),
	};

	return cmocka_run_group_tests(tests, matrix_setup, matrix_teardown);
}
