/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/verb.h"

#include <stdlib.h>
#include <string.h>

const struct verb verb_table[] = {
	{ "run", "[-- GUEST ARG...]", "serve one guest, and report it", verb_run_options,
	  verb_run_run, verb_run_more },
	{ "boot", "", "boot a kernel on KVM, and report it", verb_boot_options,
	  verb_run_boot, verb_boot_more },
	{ "matrix", "[-- GUEST ARG...]", "each release with each profile",
	  verb_matrix_options, verb_run_matrix, verb_matrix_more },
	{ "scenario", "FILE... -- GUEST ARG...", "play written conversations with the guest",
	  verb_scenario_options, verb_run_scenario, verb_scenario_more },
	{ "agent", "", "keep the guest of a host elsewhere",
	  verb_agent_options, verb_run_agent, NULL },
	{ "report", "FILE", "print what run --json or run --save wrote", verb_report_options,
	  verb_run_report, NULL },
	{ "releases", "", "what each release offers and expects", verb_releases_options,
	  verb_run_releases, NULL },
};

const size_t verb_count = ARRAY_LEN(verb_table);

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < verb_count; i++)
		if (strcmp(verb_table[i].name, name) == 0)
			return &verb_table[i];
	return NULL;
}

void verb_help(FILE *to, const struct verb *verb)
{
	(void)fprintf(to, "usage: vmichost %s [OPTION]... %s\n%s\n\n", verb->name, verb->arguments,
		      verb->text);
	option_list(to, verb->options);
	if (verb->more)
		verb->more(to);
}

void verb_help_all(FILE *to)
{
	(void)fprintf(to, "usage: vmichost VERB [OPTION]... [ARGUMENT]...\n"
			  "A Hyper-V host, as far as the integration components of a guest see "
			  "it.\n\n");
	for (size_t i = 0; i < verb_count; i++)
		(void)fprintf(to, "  %-9s %-24s %s\n", verb_table[i].name, verb_table[i].arguments,
			      verb_table[i].text);
	(void)fprintf(to, "  %-9s %-24s %s\n", "help", "[VERB]", "print this, or a verb's options");
	(void)fprintf(to, "\n  --help, --version\n");
}

int verb_parse(const struct verb *verb, int argc, char **argv, void *into, int *ret_status)
{
	int r = option_parse(verb->options, verb->name, argc, argv, into);

	if (r >= 0)
		return r;
	if (r == OPTION_HELP)
		verb_help(stdout, verb);
	*ret_status = r == OPTION_HELP ? EXIT_SUCCESS : EXIT_USAGE;
	return r;
}

int verb_surplus(const struct verb *verb, const char *argument)
{
	(void)fprintf(stderr, "vmichost %s: unexpected argument \"%s\", expected: %s\n", verb->name,
		      argument, *verb->arguments ? verb->arguments : "options only");
	return EXIT_USAGE;
}
