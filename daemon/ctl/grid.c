/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/grid.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/terminal/text.h"

static char *escape_copy(const char *text)
{
	size_t size = TEXT_ESCAPED_MOST * strlen(text) + 1;
	char *copy = malloc(size);

	if (copy)
		(void)text_escape(text, copy, size);
	return copy;
}

static void add(struct grid *g, struct table_cell **cells, size_t *n, enum colour colour,
		const char *text)
{
	struct table_cell *more;
	char *copy;

	if (g->failed)
		return;
	copy = escape_copy(text);
	more = copy ? reallocarray(*cells, *n + 1, sizeof(*more)) : NULL;
	if (!more) {
		free(copy);
		g->failed = true;
		return;
	}
	more[(*n)++] = (struct table_cell){ copy, colour };
	*cells = more;
}

void grid_add(struct grid *g, enum colour colour, const char *text)
{
	add(g, &g->cells, &g->n_cells, colour, text);
}

void grid_add_below(struct grid *g, enum colour colour, const char *text)
{
	add(g, &g->below, &g->n_texts_below, colour, text);
}

static size_t column_width(const struct grid *g, size_t column)
{
	size_t widest = strlen(g->columns[column].title);

	for (size_t i = column; i < g->n_cells; i += g->n_columns) {
		size_t width = text_width(g->cells[i].text);

		widest = width > widest ? width : widest;
	}
	return widest;
}

/* What the column takes when it takes as little as it may. */
static size_t least_width(const struct grid *g, size_t column)
{
	size_t width = column_width(g, column), least = g->columns[column].least;

	return least > 0 && least < width ? least : width;
}

/* What is taken as things are; a column that is broken into lines takes what is left. */
static size_t width_now(const struct grid *g)
{
	size_t width = g->n_columns - 1;

	for (size_t i = 0; i < g->n_columns; i++)
		width += g->columns[i].is_broken ? least_width(g, i) : column_width(g, i);
	return width;
}

static size_t width_cut(const struct grid *g)
{
	size_t width = g->n_columns - 1;

	for (size_t i = 0; i < g->n_columns; i++)
		width += least_width(g, i);
	return width;
}

bool grid_fits(const struct grid *g, const struct terminal *t, const struct grid_look *look)
{
	return t->width == 0 || t->width >= (look->full ? width_now(g) : width_cut(g));
}

static void cut_column(struct grid *g, size_t column, size_t width)
{
	for (size_t i = column; i < g->n_cells; i += g->n_columns) {
		char *text = (char *)g->cells[i].text; /* ours, from escape_copy */
		char *cut;

		if (text_width(text) <= width)
			continue;
		cut = malloc(strlen(text) + 1);
		if (!cut) {
			g->failed = true;
			return;
		}
		g->cells[i].text = text_cut(text, width, cut, strlen(text) + 1);
		free(text);
	}
}

/* The last one that may be cut gives first, as long as there is too much. */
static void cut(struct grid *g, size_t room)
{
	for (size_t i = g->n_columns; i-- > 0;) {
		size_t now = width_now(g), width = column_width(g, i), least = least_width(g, i);
		size_t excess = now > room ? now - room : 0;

		if (g->columns[i].is_broken || excess == 0 || width == least)
			continue;
		cut_column(g, i, width - least < excess ? least : width - excess);
	}
}

int grid_print(struct grid *g, const struct terminal *t, const struct grid_look *look)
{
	const char *titles[GRID_COLUMNS_MAX];
	size_t rows = g->n_cells / g->n_columns;

	if (t->width && !look->full)
		cut(g, t->width);
	if (g->failed)
		return -ENOMEM;
	assert(g->n_columns <= GRID_COLUMNS_MAX);
	assert(g->n_cells == rows * g->n_columns);
	assert(g->n_texts_below == rows * g->n_below);
	for (size_t i = 0; i < g->n_columns; i++)
		titles[i] = g->columns[i].title;
	terminal_table_below(t, look->titles ? titles : NULL, g->n_columns, g->cells, rows, g->below,
			     g->n_below, look->lead ? look->lead : "");
	return 0;
}

static void cells_free(struct table_cell *cells, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((char *)cells[i].text);
	free(cells);
}

void grid_done(struct grid *g)
{
	cells_free(g->cells, g->n_cells);
	cells_free(g->below, g->n_texts_below);
	*g = (struct grid){ 0 };
}
