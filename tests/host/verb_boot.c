/* SPDX-License-Identifier: GPL-2.0-only */
/* vmichost boot: a real guest kernel on KVM, its VMBus host, and what that host says about it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/host/kvm/link_vmbus.h"
#include "tests/host/kvm/machine_option.h"
#include "tests/host/run_option.h"
#include "tests/host/run_report.h"
#include "tests/host/verb.h"

/* A guest's drivers open their channels one after the other, on slow machines very slowly. */
#define QUIET_MS 3000

struct settings {
	struct run_options run;
	struct run_report report;
	struct machine_choice choice;
	struct machine_options machine;
	const char *console, *serial;
	unsigned seconds, shutdown_seconds;
};

const struct option_info verb_boot_options[] = {
	{ "kernel", "FILE", "boot this: a bzImage, or a vmlinux with a PVH entry", option_take_text,
	  offsetof(struct settings, choice.kernel) },
	MACHINE_OPTIONS(struct settings, choice),
	{ "console", "FILE", "write the guest's console there; default: see below",
	  option_take_text, offsetof(struct settings, console) },
	{ "serial", "FILE", "connect the second serial port to this terminal",
	  option_take_text, offsetof(struct settings, serial) },
	{ "release", "RELEASE", "be a host of this release; default: 2019", option_take_release,
	  offsetof(struct settings, run.release) },
	{ "components", "LIST", "offer these, with commas between; default: all",
	  option_take_other_components, offsetof(struct settings, run.disabled) },
	REPORT_OPTIONS(struct settings, report.choice),
	{ "save", "FILE", "write the JSON to FILE too", option_take_text,
	  offsetof(struct settings, report.save) },
	{ "fault", "FAULT", "break a rule on purpose, see below; again for more", option_add_fault,
	  offsetof(struct settings, run.faults) },
	{ "shutdown-after", "SEC", "ask for a shutdown so long after all else was tried",
	  option_take_number, offsetof(struct settings, shutdown_seconds) },
	{ "for", "SEC", "switch it off after so long, whatever it does", option_take_number,
	  offsetof(struct settings, seconds) },
	{ "timeout-ms", "MS", "an answer later than this is lost contact", option_take_number,
	  offsetof(struct settings, run.timeout_ms) },
	{ "heartbeat-ms", "MS", "from a heartbeat's answer to the next; default: 2000",
	  option_take_number, offsetof(struct settings, run.heartbeat_ms) },
	{ "heartbeat-burst", "N", "so many heartbeats for one signal; default: 1",
	  option_take_burst, offsetof(struct settings, run.heartbeat_burst) },
	{ "vm-name", "NAME", "the virtual machine's name; default: vmicd", option_take_text,
	  offsetof(struct settings, run.vm_name) },
	{ "mac", "MAC", "ask for the IP information of this adapter", option_take_mac,
	  offsetof(struct settings, run.mac) },
	{ .name = NULL },
};

void verb_boot_more(FILE *to)
{
	(void)fputs("\nThe console, the guest's first serial port, goes to the standard output, and\n"
		    "with --json, --wmi or --events to the standard error. The guest runs until it\n"
		    "switches itself off, and starts again when it wants to. FAULT is\n"
		    "NAME[:COMPONENT][=NUMBER]:\n", to);
	fault_list(to);
}

/* A descriptor of its own, so that closing it is right whatever it is. */
static int open_console(const struct settings *settings)
{
	int fd;

	if (settings->console)
		fd = open(settings->console, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	else
		fd = fcntl(settings->report.choice.form == REPORT_TABLE ? STDOUT_FILENO :
									  STDERR_FILENO,
			   F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : fd;
}

static int say(const char *what, const char *path, int r)
{
	(void)fprintf(stderr, "vmichost boot: cannot %s %s: %s\n", what, path, strerror(-r));
	return r;
}

static int open_ports(struct settings *settings)
{
	settings->machine.console_fd = open_console(settings);
	if (settings->machine.console_fd < 0)
		return say("write the console to", settings->console,
			   settings->machine.console_fd);
	if (!settings->serial)
		return 0;
	settings->machine.serial_fd = open(settings->serial,
					   O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return settings->machine.serial_fd < 0 ? say("use", settings->serial, -errno) : 0;
}

static void close_ports(const struct settings *settings)
{
	if (settings->machine.console_fd >= 0)
		(void)close(settings->machine.console_fd);
	if (settings->machine.serial_fd >= 0)
		(void)close(settings->machine.serial_fd);
}

/* What the options said, in the words of those who work with it. */
static void set_up(struct settings *settings)
{
	settings->machine = machine_of_choice(&settings->choice, settings->run.release);
	settings->run.open_link = link_vmbus_open;
	settings->run.address = &settings->machine;
	settings->run.limit_ms = settings->seconds * 1000;
	if (settings->shutdown_seconds)
		settings->run.shutdown_ms = settings->shutdown_seconds * 1000 + QUIET_MS;
	settings->run.user = &settings->report;
}

int verb_run_boot(const struct verb *verb, int argc, char **argv)
{
	struct settings settings = {
		.run = { .release = release_find("2019"),
			 .report = run_report_news,
			 .quiet_ms = QUIET_MS },
		.report = { .verb = verb->name, .choice = { .form = REPORT_TABLE } },
	};
	char sentence[400];
	int r, status, first = verb_parse(verb, argc, argv, &settings, &status);

	if (first < 0)
		return status;
	if (first < argc)
		return verb_surplus(verb, argv[first]);
	if (!settings.choice.kernel) {
		(void)fprintf(stderr, "vmichost boot: expected --kernel FILE\n");
		return EXIT_USAGE;
	}
	if (machine_check(sentence, sizeof(sentence)) < 0) {
		(void)fprintf(stderr, "vmichost boot: %s\n", sentence);
		return EXIT_NO_MACHINE;
	}
	set_up(&settings);
	r = open_ports(&settings);
	if (r >= 0)
		r = run_main(&settings.run);
	close_ports(&settings);
	return r == 0 && settings.report.error == 0 && !settings.report.ever_broke ? EXIT_SUCCESS :
										     EXIT_FAILURE;
}
