/* SPDX-License-Identifier: GPL-2.0-only */
/* vmichost run: one guest, and what its host says about it. */
#include <stdlib.h>
#include <string.h>

#include "tests/host/run_option.h"
#include "tests/host/run_report.h"
#include "tests/host/verb.h"

/* So long nothing new: it never settles, the time ends it. */
#define NEVER_QUIET_MS (24 * 3600 * 1000u)

struct settings {
	struct run_options run;
	struct run_report report;
	unsigned seconds, shutdown_after;
};

const struct option_info verb_run_options[] = {
	{ "release", "RELEASE", "be a host of this release; default: 2019", option_take_release,
	  offsetof(struct settings, run.release) },
	{ "socket", "PATH", "listen there; needed without GUEST", option_take_text,
	  offsetof(struct settings, run.socket_path) },
	REPORT_OPTIONS(struct settings, report.choice),
	{ "save", "FILE", "write the JSON to FILE too", option_take_text,
	  offsetof(struct settings, report.save) },
	{ "fault", "FAULT", "break a rule on purpose, see below; again for more",
	  option_add_fault, offsetof(struct settings, run.faults) },
	{ "disable", "COMPONENT", "switch it off in the VM's settings; again for more",
	  option_add_component, offsetof(struct settings, run.disabled) },
	{ "for", "SEC", "serve so long; default: until all has been tried", option_take_number,
	  offsetof(struct settings, seconds) },
	{ "shutdown-after", "SEC", "ask for a shutdown so long after all else was tried",
	  option_take_number, offsetof(struct settings, shutdown_after) },
	{ "timeout-ms", "MS", "an answer later than this is lost contact", option_take_number,
	  offsetof(struct settings, run.timeout_ms) },
	{ "heartbeat-ms", "MS", "from a heartbeat's answer to the next; default: 2000",
	  option_take_number, offsetof(struct settings, run.heartbeat_ms) },
	{ "heartbeat-burst", "N", "so many heartbeats for one signal; default: 1",
	  option_take_burst, offsetof(struct settings, run.heartbeat_burst) },
	{ "vm-name", "NAME", "the virtual machine's name; default: vmicd", option_take_text,
	  offsetof(struct settings, run.vm_name) },
	{ "mac", "MAC", "ask for this adapter's addresses; default: the first", option_take_mac,
	  offsetof(struct settings, run.mac) },
	{ "guest-log", "FILE", "write what the guest prints there", option_take_text,
	  offsetof(struct settings, run.guest_log) },
	{ .name = NULL },
};

void verb_run_more(FILE *to)
{
	(void)fputs("\nIn GUEST's arguments {socket} becomes the socket's path, {dir} a private\n"
		    "directory. FAULT is NAME[:COMPONENT][=NUMBER]:\n", to);
	fault_list(to);
}

int verb_run_run(const struct verb *verb, int argc, char **argv)
{
	struct settings settings = {
		.run = { .release = release_find("2019"), .report = run_report_news },
		.report = { .verb = verb->name, .choice = { .form = REPORT_TABLE } },
	};
	int r, status, first = verb_parse(verb, argc, argv, &settings, &status);

	if (first < 0)
		return status;
	if (first < argc && strcmp(argv[first - 1], "--") != 0)
		return verb_surplus(verb, argv[first]);
	settings.run.guest = first < argc ? argv + first : NULL;
	if (!settings.run.guest && !settings.run.socket_path) {
		(void)fprintf(stderr, "vmichost run: expected --socket PATH or -- GUEST\n");
		return EXIT_USAGE;
	}
	settings.run.guest = first < argc ? argv + first : NULL;
	settings.run.user = &settings.report;
	settings.run.shutdown_ms = settings.shutdown_after * 1000;
	if (settings.seconds) {
		settings.run.limit_ms = settings.seconds * 1000;
		settings.run.quiet_ms = NEVER_QUIET_MS;
	}
	r = run_main(&settings.run);
	return r == 0 && settings.report.error == 0 && !settings.report.ever_broke ? EXIT_SUCCESS : EXIT_FAILURE;
}
