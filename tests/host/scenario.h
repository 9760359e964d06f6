/* SPDX-License-Identifier: GPL-2.0-only */
/* The verb `vmichost scenario FILE... -- GUEST ARGS`: see scenario_text.h for the files. */
#pragma once

#include <stddef.h>

/*
 * Runs each file against a fresh guest and prints a line for each and a total. In the guest's
 * arguments "{socket}", "{config}" and "{dir}" are replaced. 0 when all passed, 1 when one failed.
 */
int scenario_run_files(char *const *files, size_t n_files, char *const *guest);
