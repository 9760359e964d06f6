/* SPDX-License-Identifier: GPL-2.0-only */
/* The verb `vmichost scenario FILE... -- GUEST ARGS`: see scenario_text.h for the files. */
#pragma once

#include <stddef.h>

struct machine_options;

struct scenario_options {
	char *const *files;
	size_t n_files;
	/* The guest's program and its arguments, in which "{socket}", "{config}" and "{dir}" are
	 * replaced. */
	char *const *guest;
	unsigned slow; /* how many times longer than said the guest may take; 0 is 1 */
	const struct machine_options *machine; /* played there, over a VMBus; NULL: here, over a socket */
	unsigned boot_seconds; /* that the machine has to be up */
};

/*
 * Runs each file against a fresh guest and prints a line for each and a total. 0 when all passed or
 * were skipped, 1 when one failed, or when there is no place to play at.
 */
int scenario_run_files(const struct scenario_options *options);
