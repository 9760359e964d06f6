/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a report is printed: how wide, in colour or not; tables and paragraphs for it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum colour {
	COLOUR_PLAIN,
	COLOUR_GREEN,
	COLOUR_YELLOW,
	COLOUR_RED,
	COLOUR_DIM,
	COLOUR_BOLD,
};

struct terminal {
	FILE *to;
	unsigned width; /* columns; 0: as wide as it takes, nothing is broken */
	bool colour;
};

/*
 * What is known about this stream. On a terminal: its size, else $COLUMNS, else 100, and colour
 * unless $NO_COLOR is set (no-color.org) or the terminal is dumb. Elsewhere: no width, no colour.
 */
struct terminal terminal_of(FILE *to);

/* What follows is in this colour, until COLOUR_PLAIN. */
void terminal_colour(const struct terminal *t, enum colour colour);

/* The text in this colour. */
void terminal_text(const struct terminal *t, enum colour colour, const char *text);

struct table_cell {
	const char *text;
	enum colour colour;
};

/*
 * A table as Format-Table -Wrap prints it: titles underlined, columns as wide as their widest
 * cell, the last one broken to what the terminal leaves. Cells are row by row. titles may be NULL.
 */
void terminal_table(const struct terminal *t, const char *const *titles, size_t columns,
		    const struct table_cell *cells, size_t rows);

/* The same with n_below texts below each row, those of them that are not empty, each broken behind
 * lead. */
void terminal_table_below(const struct terminal *t, const char *const *titles, size_t columns,
			  const struct table_cell *cells, size_t rows,
			  const struct table_cell *below, size_t n_below, const char *lead);

/* lead, then the text, broken to the width, each further line indented so far as lead is wide. */
void terminal_paragraph(const struct terminal *t, enum colour colour, const char *lead,
			const char *text);
