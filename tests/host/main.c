/* SPDX-License-Identifier: GPL-2.0-only */
/* vmichost: a Hyper-V host, as far as the integration components of a guest see it. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/verb.h"

static int help(const char *name)
{
	const struct verb *verb = name ? verb_find(name) : NULL;

	if (name && !verb) {
		(void)fprintf(stderr, "vmichost: there is no verb \"%s\"\n", name);
		verb_help_all(stderr);
		return EXIT_USAGE;
	}
	if (verb)
		verb_help(stdout, verb);
	else
		verb_help_all(stdout);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const struct verb *verb;

	/* only for the width of characters; numbers stay as JSON wants them */
	(void)setlocale(LC_CTYPE, "");
	if (argc < 2) {
		verb_help_all(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		(void)printf("vmichost %s\n", VMICD_VERSION);
		return EXIT_SUCCESS;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return help(NULL);
	if (strcmp(argv[1], "help") == 0)
		return help(argv[2]);
	verb = verb_find(argv[1]);
	if (!verb) {
		(void)fprintf(stderr, "vmichost: there is no %s \"%s\"\n",
			      argv[1][0] == '-' ? "option" : "verb", argv[1]);
		verb_help_all(stderr);
		return EXIT_USAGE;
	}
	return verb->run(verb, argc - 1, argv + 1);
}
