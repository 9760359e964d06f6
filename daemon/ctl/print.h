/* SPDX-License-Identifier: GPL-2.0-only */
/* What verbs print, checked: a full disk is a failure, too. All return an exit status. */
#pragma once

#include <jansson.h>

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/grid.h"

/* A document of --json. Takes the reference; NULL: memory ran out. */
int print_json(const struct ctl *c, json_t *document);

/* The same on one line, for those who read as it comes. */
int print_json_line(const struct ctl *c, json_t *document);

/* What --full and --no-legend ask for, for grids. */
struct grid_look print_look(const struct ctl *c);

/* Prints the grid and frees its texts. */
int print_grid(const struct ctl *c, struct grid *g);

/* A text of the outside: what would steer the terminal is made visible. */
void print_text(const struct ctl *c, enum colour colour, const char *text);

/* lead and such a text, broken to the width of the terminal. Ends with a newline. */
void print_paragraph(const struct ctl *c, const char *lead, const char *text);

/* Such a text on a line of its own that arrives at once; cut to the width, but for --full. */
int print_line(const struct ctl *c, enum colour colour, const char *text);

/* What was printed until now has arrived. */
int print_end(const struct ctl *c, int status);

int print_no_memory(void);
