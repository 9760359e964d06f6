/* SPDX-License-Identifier: GPL-2.0-only */
/* vmichost's verbs: one table, from which it is run, helped and compared with its manual. */
#pragma once

#include <stdio.h>

#include "tests/host/option.h"

#define EXIT_USAGE 2 /* the command line is wrong; 1 is for all that failed afterwards */
#define EXIT_NO_MACHINE 3 /* this computer cannot run a virtual machine */

struct verb {
	const char *name;
	const char *arguments; /* behind the options, for --help: "FILE" */
	const char *text;      /* one line for --help */
	const struct option_info *options;
	int (*run)(const struct verb *verb, int argc, char **argv); /* returns the exit status */
	void (*more)(FILE *to); /* what --help has to add, or NULL */
};

extern const struct verb verb_table[];
extern const size_t verb_count;

const struct verb *verb_find(const char *name);

/* Usage and options of one verb, or of all. */
void verb_help(FILE *to, const struct verb *verb);
void verb_help_all(FILE *to);

/*
 * option_parse for a verb: the place of its first argument, or a negative value when the verb is
 * over; then *ret_status is its exit status (help was printed, or an error).
 */
int verb_parse(const struct verb *verb, int argc, char **argv, void *into, int *ret_status);

/* An argument where none belongs: says so, returns EXIT_USAGE. */
int verb_surplus(const struct verb *verb, const char *argument);

int verb_run_releases(const struct verb *verb, int argc, char **argv);
int verb_run_run(const struct verb *verb, int argc, char **argv);
int verb_run_boot(const struct verb *verb, int argc, char **argv);
int verb_run_matrix(const struct verb *verb, int argc, char **argv);
int verb_run_scenario(const struct verb *verb, int argc, char **argv);
int verb_run_agent(const struct verb *verb, int argc, char **argv);
int verb_run_report(const struct verb *verb, int argc, char **argv);

void verb_run_more(FILE *to);
void verb_boot_more(FILE *to);
void verb_matrix_more(FILE *to);
void verb_scenario_more(FILE *to);

extern const struct option_info verb_releases_options[], verb_run_options[], verb_boot_options[],
	verb_matrix_options[], verb_scenario_options[], verb_agent_options[],
	verb_report_options[];
