/* SPDX-License-Identifier: GPL-2.0-only */
/* vmichost scenario: written conversations, each with a fresh guest. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/host/kvm/machine_option.h"
#include "tests/host/scenario.h"
#include "tests/host/verb.h"

#define SLOW_MAX 1000
#define BOOT_SECONDS 120 /* emulated, on a busy computer */

struct settings {
	struct scenario_options scenario;
	struct machine_choice choice;
	const char *console;
};

static int take_slow(const struct option_info *option, const char *value, void *into)
{
	struct settings *settings = into;
	int r = option_take_number(option, value, into);

	if (r == 0 && settings->scenario.slow > SLOW_MAX)
		return option_error(option, value, "1 to %u", SLOW_MAX);
	return r;
}

const struct option_info verb_scenario_options[] = {
	{ "slow", "FACTOR", "let the guest take so many times longer than said",
	  take_slow, offsetof(struct settings, scenario.slow) },
	{ "kernel", "FILE", "boot this, and play there over a VMBus; see below", option_take_text,
	  offsetof(struct settings, choice.kernel) },
	MACHINE_OPTIONS(struct settings, choice),
	{ "console", "FILE", "write the guest's console there; default: nowhere",
	  option_take_text, offsetof(struct settings, console) },
	{ .name = NULL },
};

void verb_scenario_more(FILE *to)
{
	(void)fputs("\nIn GUEST's arguments {socket} becomes the socket's path, {config} the\n"
		    "scenario's configuration, {dir} a private directory.\n"
		    "\nWith --kernel, GUEST is started in the virtual machine, by vmichost agent --on\n"
		    "/dev/ttyS1, which its init must have started; and uio_hv_generic must take the\n"
		    "devices of the components. The machine is booted once for all files.\n", to);
}

/* The words of the command line: files, "--", the guest's program. Whether they are there. */
static bool take_words(struct settings *settings, char **argv, int first, int argc)
{
	int end = first;

	while (end < argc && strcmp(argv[end], "--") != 0)
		end++;
	if (end == first || end + 1 >= argc || strcmp(argv[first - 1], "--") == 0)
		return false;
	settings->scenario.files = argv + first;
	settings->scenario.n_files = (size_t)(end - first);
	settings->scenario.guest = argv + end + 1;
	return true;
}

static int run_on_machine(struct settings *settings)
{
	/* Scenarios are of all releases; what is offered is theirs, the protocol is the newest. */
	struct machine_options machine = machine_of_choice(&settings->choice,
							   release_find("2025"));
	char sentence[400];
	int r;

	if (machine_check(sentence, sizeof(sentence)) < 0) {
		(void)fprintf(stderr, "vmichost scenario: %s\n", sentence);
		return EXIT_NO_MACHINE;
	}
	machine.console_fd = open(settings->console ? settings->console : "/dev/null",
				  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (machine.console_fd < 0) {
		(void)fprintf(stderr, "vmichost scenario: cannot write the console to %s: %s\n",
			      settings->console, strerror(errno));
		return EXIT_FAILURE;
	}
	settings->scenario.machine = &machine;
	settings->scenario.boot_seconds = BOOT_SECONDS;
	r = scenario_run_files(&settings->scenario);
	(void)close(machine.console_fd);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int verb_run_scenario(const struct verb *verb, int argc, char **argv)
{
	struct settings settings = { 0 };
	int status, first = verb_parse(verb, argc, argv, &settings, &status);

	if (first < 0)
		return status;
	if (!take_words(&settings, argv, first, argc)) {
		(void)fprintf(stderr, "vmichost scenario: expected %s\n", verb->arguments);
		return EXIT_USAGE;
	}
	if (settings.choice.kernel)
		return run_on_machine(&settings);
	if (settings.choice.initrd || settings.choice.append || settings.choice.memory_mib ||
	    settings.choice.processors || settings.console) {
		(void)fprintf(stderr, "vmichost scenario: what is booted is said by --kernel FILE\n");
		return EXIT_USAGE;
	}
	return scenario_run_files(&settings.scenario) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
