/* SPDX-License-Identifier: GPL-2.0-only */
/* The options of a verb as a table, and their values checked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "hv_util/base.h"
#include "tests/host/component.h"
#include "tests/host/release.h"

struct option_info {
	const char *name;  /* "release"; NULL ends a table */
	const char *value; /* "RELEASE": what it takes; NULL: nothing */
	const char *text;  /* one line for --help */
	/* Takes the value into the verb's own structure. 0, or -EINVAL and it has said on stderr,
	 * by option_error, what it wants instead. */
	int (*take)(const struct option_info *option, const char *value, void *into);
	size_t offset; /* for the takers below: where in the structure */
};

/*
 * Takes options up to the first other argument or "--", whose place in argv is returned (argc if
 * there is none). -EINVAL: what is wrong stands on stderr. Every table knows --help: that is
 * OPTION_HELP, and nothing else was looked at.
 */
#define OPTION_HELP (-1000)
int option_parse(const struct option_info *table, const char *verb, int argc, char **argv,
		 void *into);

/* Prints the table for --help. */
void option_list(FILE *to, const struct option_info *table);

/* "vmichost: --release wants ..., not "2003"." on stderr; returns -EINVAL. */
__attribute__((format(printf, 3, 4))) int option_error(const struct option_info *option,
							const char *value, const char *wanted, ...);

/* Takers for table rows: a bool that becomes true; a text; a number of 32 bits, not 0. */
int option_take_flag(const struct option_info *option, const char *value, void *into);
int option_take_text(const struct option_info *option, const char *value, void *into);
int option_take_number(const struct option_info *option, const char *value, void *into);
/* A const struct release *. */
int option_take_release(const struct option_info *option, const char *value, void *into);

/* Releases in the order in which they were asked for. */
struct release_choice {
	const struct release *release[32];
	size_t n;
};

/* One more release into a struct release_choice; the same one twice counts once. */
int option_add_release(const struct option_info *option, const char *value, void *into);

/* Nothing chosen: every release. */
void release_choice_complete(struct release_choice *choice);
