/* SPDX-License-Identifier: GPL-2.0-only */
/* Texts cut, tables with several texts below a row, and the grids that vmicctl makes of them. */
#include <stdio.h>

#include "daemon/ctl/grid.h"
#include "daemon/terminal/text.h"
#include "tests/unit/harness.h"

/* --- cutting --- */

static const struct {
	const char *text;
	size_t width;
	const char *cut;
} cuts[] = {
	{ "", 3, "" },
	{ "abc", 3, "abc" },
	{ "abcd", 4, "abcd" },
	{ "abcde", 4, "a..." },
	{ "abcde", 3, "..." },
	{ "abcdefgh", 7, "abcd..." },
	{ "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 5, "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc" },
	{ "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 4, "\xc3\xbc..." },
	{ "\xff\xff\xff\xff\xff", 4, "\xff..." },
};

static void texts_are_cut_at_the_border_of_a_character(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
		char out[64];

		assert_string_equal(text_cut(cuts[i].text, cuts[i].width, out, sizeof(out)), cuts[i].cut);
	}
}

/* Never beyond the buffer, whatever its size, and with all of the text where that has room. */
static void what_has_no_room_is_cut_as_well(void **state)
{
	static const char text[] = "a\xc3\xbc" "bcdef";

	(void)state;
	for (size_t size = 4; size <= sizeof(text); size++) {
		struct guard g = guard_new(size);
		char *out = (char *)g.p;

		assert_ptr_equal(text_cut(text, 100, out, size), out);
		assert_true(strlen(out) < size);
		if (size == sizeof(text))
			assert_string_equal(out, text);
		else
			assert_string_equal(out + strlen(out) - 3, "...");
		guard_done(&g);
	}
}

/* --- tables --- */

static char printed[4096];

static struct terminal open_screen(unsigned width)
{
	memset(printed, 0, sizeof(printed));
	return (struct terminal){ .to = fmemopen(printed, sizeof(printed) - 1, "w"), .width = width };
}

static void assert_printed(struct terminal *t, const char *expected)
{
	assert_int_equal(fclose(t->to), 0);
	assert_string_equal(printed, expected);
}

static void rows_have_texts_below(void **state)
{
	static const char *const titles[] = { "A", "Bee" };
	static const struct table_cell cells[] = { { "1", 0 }, { "x", 0 }, { "2", 0 }, { "", 0 } };
	static const struct table_cell below[] = { { "", 0 }, { "one", 0 }, { "", 0 }, { "many words in two lines", 0 } };
	struct terminal t = open_screen(24);

	(void)state;
	terminal_table_below(&t, titles, 2, cells, 2, below, 2, "  ");
	assert_printed(&t, "A Bee\n- ---\n1 x\n  one\n2\n  many words in two\n  lines\n");
	t = open_screen(0);
	terminal_table(&t, NULL, 2, cells, 2);
	assert_printed(&t, "1 x\n2\n");
}

/* --- grids --- */

static const struct grid_column columns[] = {
	{ .title = "Name", .least = 6 }, { .title = "Fixed" }, { .title = "Long", .least = 8 }
};

static struct grid grid_of(const char *name, const char *text)
{
	struct grid g = { .columns = columns, .n_columns = ARRAY_LEN(columns) };

	grid_add(&g, COLOUR_PLAIN, name);
	grid_add(&g, COLOUR_PLAIN, "12345");
	grid_add(&g, COLOUR_PLAIN, text);
	return g;
}

static void assert_grid(struct grid *g, unsigned width, bool full, const char *expected)
{
	const struct grid_look look = { .full = full };
	struct terminal t = open_screen(width);

	assert_int_equal(grid_print(g, &t, &look), 0);
	assert_printed(&t, expected);
	grid_done(g);
}

static void the_last_column_gives_first(void **state)
{
	struct grid g = grid_of("a long name", "a text that is long");

	(void)state;
	assert_grid(&g, 37, false, "a long name 12345 a text that is long\n");
	g = grid_of("a long name", "a text that is long");
	assert_grid(&g, 36, false, "a long name 12345 a text that is ...\n");
	g = grid_of("a long name", "a text that is long");
	assert_grid(&g, 25, false, "a long ... 12345 a tex...\n"); /* 8 at least, then the name */
	g = grid_of("a long name", "a text that is long");
	assert_grid(&g, 5, false, "a l... 12345 a tex...\n"); /* no further */
	g = grid_of("a long name", "a text that is long");
	assert_grid(&g, 25, true, "a long name 12345 a text that is long\n");
	g = grid_of("a long name", "a text that is long");
	assert_grid(&g, 0, false, "a long name 12345 a text that is long\n");
}

static void a_column_that_is_broken_is_not_cut(void **state)
{
	static const struct grid_column broken[] = {
		{ .title = "Name", .least = 6 }, { .title = "Text", .least = 22, .is_broken = true }
	};
	struct grid g = { .columns = broken, .n_columns = ARRAY_LEN(broken) };

	(void)state;
	grid_add(&g, COLOUR_PLAIN, "a long name");
	grid_add(&g, COLOUR_PLAIN, "a text of more than one line");
	assert_grid(&g, 30, false, "a lo... a text of more than\n        one line\n");
}

static void a_grid_knows_whether_it_fits(void **state)
{
	const struct grid_look look = { 0 }, full = { .full = true };
	struct grid g = grid_of("a long name", "a text that is long");
	struct terminal t = { .width = 21 };

	(void)state;
	assert_true(grid_fits(&g, &t, &look));
	t.width = 20;
	assert_false(grid_fits(&g, &t, &look));
	t.width = 37;
	assert_true(grid_fits(&g, &t, &full));
	t.width = 36;
	assert_false(grid_fits(&g, &t, &full));
	t.width = 0;
	assert_true(grid_fits(&g, &t, &full));
	grid_done(&g);
}

static void what_steers_is_shown(void **state)
{
	struct grid g = grid_of("\033[2J", "a\nb\\c\xe2\x80\xae\xff");

	(void)state;
	assert_grid(&g, 0, false, "\\x1b[2J 12345 a\\nb\\\\c\\u202e\\xff\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_cut_at_the_border_of_a_character),
		cmocka_unit_test(what_has_no_room_is_cut_as_well),
		cmocka_unit_test(rows_have_texts_below),
		cmocka_unit_test(the_last_column_gives_first),
		cmocka_unit_test(a_column_that_is_broken_is_not_cut),
		cmocka_unit_test(a_grid_knows_whether_it_fits),
		cmocka_unit_test(what_steers_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
