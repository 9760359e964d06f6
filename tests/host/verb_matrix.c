/* SPDX-License-Identifier: GPL-2.0-only */
/* vmichost matrix: what each release says to each profile of a guest. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/host/matrix_print.h"
#include "tests/host/verb.h"

struct settings {
	struct matrix matrix;
	bool json;
	unsigned width;
};

static int take_profile(const struct option_info *option, const char *value, void *into)
{
	struct settings *settings = into;

	if (matrix_add_profile(&settings->matrix, value) == 0)
		return 0;
	return option_error(option, value, "a profile's name (letters, digits, - _ +)");
}

const struct option_info verb_matrix_options[] = {
	{ "release", "RELEASE", "this one only; again for more", option_add_release,
	  offsetof(struct settings, matrix.releases) },
	{ "profile", "PROFILE", "this one only; again for more", take_profile, 0 },
	{ "json", NULL, "as JSON, with the whole report of each run", option_take_flag,
	  offsetof(struct settings, json) },
	{ "width", "N", "columns to print in; default: the terminal's", option_take_number,
	  offsetof(struct settings, width) },
	{ .name = NULL },
};

void verb_matrix_more(FILE *to)
{
	(void)fputs("\nGUEST is vmicd from the directory of vmichost unless it is given. In its\n"
		    "arguments {socket} becomes the socket's path, {config} a configuration with\n"
		    "the profile, {profile} the profile, {dir} a private directory.\n"
		    "Without --profile it is asked for its profiles with --list-profiles.\n", to);
}

static void done(struct settings *settings)
{
	matrix_done(&settings->matrix);
}

/* The program of this name beside our own. */
static int program_beside(const char *name, char *ret, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", ret, size - 1);
	char *slash;

	if (n < 0)
		return -errno;
	ret[n] = '\0';
	slash = strrchr(ret, '/');
	if (!slash || (size_t)(slash + 1 - ret) + strlen(name) >= size)
		return -ENAMETOOLONG;
	(void)strcpy(slash + 1, name);
	return 0;
}

static int show(const struct settings *settings)
{
	struct terminal t = terminal_of(stdout);

	if (settings->width)
		t.width = settings->width;
	if (settings->json)
		return matrix_print_json(&settings->matrix, stdout);
	matrix_print(&settings->matrix, &t);
	return fflush(stdout) == 0 ? 0 : -EIO;
}

static int run(struct settings *settings)
{
	int r, failed;

	settings->matrix.want_reports = settings->json;
	release_choice_complete(&settings->matrix.releases);
	r = settings->matrix.n_profiles ? matrix_check_profiles(&settings->matrix) :
					  matrix_list_profiles(&settings->matrix);
	if (r < 0)
		return r;
	failed = matrix_run(&settings->matrix);
	if (failed < 0)
		return failed;
	r = show(settings);
	return r < 0 ? r : failed;
}

int verb_run_matrix(const struct verb *verb, int argc, char **argv)
{
	_cleanup_(done) struct settings settings = { .json = false };
	int status, first = verb_parse(verb, argc, argv, &settings, &status);
	char vmicd[4096];
	char *const guest[] = { vmicd, (char *)"--transport=socket:{socket}",
				(char *)"--config={config}", NULL };

	if (first < 0)
		return status;
	if (first < argc && strcmp(argv[first - 1], "--") != 0)
		return verb_surplus(verb, argv[first]);
	if (program_beside("vmicd", vmicd, sizeof(vmicd)) < 0) {
		(void)fprintf(stderr, "vmichost matrix: expected -- GUEST\n");
		return EXIT_USAGE;
	}
	settings.matrix.guest = first < argc ? argv + first : guest;
	return run(&settings) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
