/* SPDX-License-Identifier: GPL-2.0-only */
/* vmicctl's options as a table. */
#pragma once

#include "daemon/ctl/verb.h"

struct option_row {
	char letter; /* 0: it has none */
	const char *name;
	const char *value;  /* "SEC": what it takes; NULL: nothing */
	unsigned verbs;     /* those that have one of these bits have it; 0: all */
	const char *text;   /* one line for --help */
	int (*take)(const struct option_row *row, const char *value, void *into);
	size_t offset; /* for take: where in struct ctl_options */
};

extern const struct option_row option_table[];
extern const size_t option_count;

/* What was asked for instead of a verb. */
enum option_other { OPTION_VERB, OPTION_HELP, OPTION_VERSION };

struct option_result {
	enum option_other other;
	unsigned given; /* the bits of verbs whose options were given */
	char **words;   /* what is left */
};

/* 0, or CTL_USAGE, and it has been said why. */
_must_check_ int option_parse(int argc, char **argv, struct ctl_options *ret,
			      struct option_result *ret_result);

/* Whether the verb has all the options that were given. 0, or CTL_USAGE, and it has been said. */
_must_check_ int option_check(const struct option_result *result, const struct verb *verb);

void option_help(FILE *to);
