/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table that owns its texts: what comes from the daemon, the host or a pool file is made harmless
 * when it is put in, and cut to what the terminal has room for when it is printed.
 */
#pragma once

#include "hv_util/base.h"
#include "daemon/terminal/terminal.h"

#define GRID_COLUMNS_MAX 8

struct grid_column {
	const char *title;
	unsigned least; /* it may be cut to so many columns, but for --full; 0: not cut */
	bool is_broken; /* the last one only: broken into lines, at least so wide, instead */
};

struct grid {
	const struct grid_column *columns;
	size_t n_columns;
	size_t n_below; /* texts below each row */
	struct table_cell *cells, *below;
	size_t n_cells, n_texts_below;
	bool failed; /* memory ran out: printing says so */
};

/* The next cell, from left to right, row by row. */
void grid_add(struct grid *g, enum colour colour, const char *text);

/* The next text below: n_below for each row. */
void grid_add_below(struct grid *g, enum colour colour, const char *text);

struct grid_look {
	bool full;   /* cut nothing */
	bool titles;
	const char *lead; /* before each text below */
};

/* Whether the table, cut as far as it may be, has room on this terminal. */
bool grid_fits(const struct grid *g, const struct terminal *t, const struct grid_look *look);

/* 0, or -ENOMEM. */
_must_check_ int grid_print(struct grid *g, const struct terminal *t, const struct grid_look *look);

void grid_done(struct grid *g);
