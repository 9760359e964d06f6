/* SPDX-License-Identifier: GPL-2.0-only */
/* vmichost report: a saved report in any form. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/host/report_json.h"
#include "tests/host/report_option.h"
#include "tests/host/verb.h"

struct settings {
	struct report_choice report;
};

const struct option_info verb_report_options[] = {
	REPORT_OPTIONS(struct settings, report),
	{ .name = NULL },
};

static void close_file(FILE **file)
{
	if (*file && *file != stdin)
		(void)fclose(*file);
}

static void free_facts(struct guest_facts **facts)
{
	free(*facts);
}

static int report_file(const char *path, const struct report_choice *choice)
{
	_cleanup_(free_facts) struct guest_facts *facts = malloc(sizeof(*facts));
	_cleanup_(close_file) FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	const struct release *release;
	char error[512];
	struct stat st;

	if (file && fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode)) {
		(void)fprintf(stderr, "vmichost report: %s is a directory, expected a report that "
			      "run --save wrote\n", path);
		return EXIT_FAILURE;
	}
	if (!file || !facts) {
		(void)fprintf(stderr, "vmichost report: %s: %s\n", path, strerror(errno));
		return EXIT_FAILURE;
	}
	if (report_read_json(file, path, &release, facts, error, sizeof(error)) < 0) {
		(void)fprintf(stderr, "vmichost report: %s\n", error);
		return EXIT_FAILURE;
	}
	return report_choice_print(choice, release, facts) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int verb_run_report(const struct verb *verb, int argc, char **argv)
{
	struct settings settings = { .report = { .form = REPORT_TABLE } };
	int status, first = verb_parse(verb, argc, argv, &settings, &status);

	if (first < 0)
		return status;
	if (first == argc) {
		(void)fprintf(stderr, "vmichost report: which FILE? (- is standard input)\n");
		return EXIT_USAGE;
	}
	if (first + 1 < argc)
		return verb_surplus(verb, argv[first + 1]);
	return report_file(argv[first], &settings.report);
}
