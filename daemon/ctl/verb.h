/* SPDX-License-Identifier: GPL-2.0-only */
/* vmicctl's verbs and options: two tables, from which it is run, helped, and compared with its manual
 * and completions. */
#pragma once

#include <stdio.h>

#include "daemon/ctl/ctl.h"

/* Options that not every verb has. */
enum {
	VERB_RELEASE = 1 << 0,
	VERB_FULL = 1 << 1,
	VERB_NO_LEGEND = 1 << 2,
	VERB_POOL = 1 << 3,
	VERB_NO_BLOCK = 1 << 4,
	VERB_CHANGES = 1 << 5, /* and so asks for passwords */
	VERB_ONE_POOL = 1 << 6, /* no option, but what --pool may say */
};

struct verb {
	const char *name;
	const char *part;      /* "get" of kvp; NULL: it has none */
	const char *arguments; /* "KEY VALUE" */
	unsigned least, most;  /* so many arguments, without name and part */
	unsigned options;
	const char *text; /* one line for --help */
	/* Whether the arguments can be right at all, before a daemon is looked for: 0, or an exit status, and it has
	 * been said why. NULL: that is the daemon's to know. */
	int (*check)(const struct ctl *c, char **arguments);
	int (*run)(struct ctl *c, char **arguments); /* ending with NULL; returns an exit status */
};

extern const struct verb verb_table[];
extern const size_t verb_count;

/*
 * The verb that these words, ending with NULL, begin with; no words: the first of the table.
 * *ret_words are those that follow it. 0, or CTL_USAGE, and it has been said why.
 */
_must_check_ int verb_parse(char **words, const struct verb **ret, char ***ret_words);

void verb_help(FILE *to);

int check_component(const struct ctl *c, char **arguments);
int check_health(const struct ctl *c, char **arguments);
int check_key(const struct ctl *c, char **arguments);

int verb_status(struct ctl *c, char **arguments);
int verb_versions(struct ctl *c, char **arguments);
int verb_profile(struct ctl *c, char **arguments);
int verb_renegotiate(struct ctl *c, char **arguments);
int verb_kvp_get(struct ctl *c, char **arguments);
int verb_kvp_set(struct ctl *c, char **arguments);
int verb_kvp_delete(struct ctl *c, char **arguments);
int verb_kvp_list(struct ctl *c, char **arguments);
int verb_kvp_watch(struct ctl *c, char **arguments);
int verb_health(struct ctl *c, char **arguments);
int verb_events(struct ctl *c, char **arguments);
int verb_reload(struct ctl *c, char **arguments);
