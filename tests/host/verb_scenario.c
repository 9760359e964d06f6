/* SPDX-License-Identifier: GPL-2.0-only */
/* vmichost scenario: written conversations, each with a fresh guest. */
#include <stdlib.h>
#include <string.h>

#include "tests/host/scenario.h"
#include "tests/host/verb.h"

const struct option_info verb_scenario_options[] = { { .name = NULL } };

void verb_scenario_more(FILE *to)
{
	(void)fputs("\nIn GUEST's arguments {socket} becomes the socket's path, {config} the\n"
		    "scenario's configuration, {dir} a private directory.\n", to);
}

int verb_run_scenario(const struct verb *verb, int argc, char **argv)
{
	int status, first = verb_parse(verb, argc, argv, NULL, &status), end;

	if (first < 0)
		return status;
	for (end = first; end < argc && strcmp(argv[end], "--") != 0; end++)
		;
	if (end == first || end + 1 >= argc || strcmp(argv[first - 1], "--") == 0) {
		(void)fprintf(stderr, "vmichost scenario: expected %s\n", verb->arguments);
		return EXIT_USAGE;
	}
	return scenario_run_files(argv + first, (size_t)(end - first), argv + end + 1) == 0 ?
		       EXIT_SUCCESS : EXIT_FAILURE;
}
