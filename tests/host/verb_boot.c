/* SPDX-License-Identifier: GPL-2.0-only */
/* vmichost boot: a real guest kernel on KVM, its VMBus host, and what that host says about it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/host/kvm/link_vmbus.h"
#include "tests/host/run_option.h"
#include "tests/host/run_report.h"
#include "tests/host/verb.h"

/* A guest's drivers open their channels one after the other, on slow machines very slowly. */
#define QUIET_MS 3000
#define MEMORY_MIB 256

struct settings {
	struct run_options run;
	struct run_report report;
	struct machine_options machine;
	const char *console;
	unsigned memory_mib, processors, seconds, shutdown_seconds;
};

/* "256M", "1G", "256". */
static int take_memory(const struct option_info *option, const char *value, void *into)
{
	struct settings *settings = into;
	char *end = NULL;
	unsigned long n = strtoul(value, &end, 10);
	bool gib = strcmp(end, "G") == 0;

	if (end == value || (*end && strcmp(end, "M") != 0 && !gib) || n > 4096 ||
	    (n <<= gib ? 10 : 0) < MACHINE_MEMORY_MIN >> 20 || n > GUEST_MEMORY_MAX >> 20)
		return option_error(option, value, "%uM to %uM",
				    (unsigned)(MACHINE_MEMORY_MIN >> 20),
				    (unsigned)(GUEST_MEMORY_MAX >> 20));
	settings->memory_mib = (unsigned)n;
	return 0;
}

static int take_processors(const struct option_info *option, const char *value, void *into)
{
	struct settings *settings = into;
	int r = option_take_number(option, value, into);

	if (r == 0 && settings->processors > MACHINE_PROCESSORS_MAX)
		return option_error(option, value, "1 to %u", MACHINE_PROCESSORS_MAX);
	return r;
}

const struct option_info verb_boot_options[] = {
	{ "kernel", "FILE", "boot this: a bzImage, or a vmlinux with a PVH entry", option_take_text,
	  offsetof(struct settings, machine.kernel) },
	{ "initrd", "FILE", "with this initramfs", option_take_text,
	  offsetof(struct settings, machine.initrd) },
	{ "append", "TEXT", "and this at the end of the kernel's command line", option_take_text,
	  offsetof(struct settings, machine.append) },
	{ "memory", "SIZE", "the guest's memory; default: 256M", take_memory, 0 },
	{ "cpus", "N", "the guest's processors; default: 1", take_processors,
	  offsetof(struct settings, processors) },
	{ "console", "FILE", "write the guest's console there; default: see below",
	  option_take_text, offsetof(struct settings, console) },
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

/* What the options said, in the words of those who work with it. */
static void set_up(struct settings *settings)
{
	const struct version *vmbus = &settings->run.release->vmbus;

	settings->machine.memory = (uint64_t)settings->memory_mib << 20;
	settings->machine.n_processors = settings->processors;
	settings->machine.vmbus_version = VMBUS_VERSION(vmbus->major, vmbus->minor);
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
		.memory_mib = MEMORY_MIB,
		.processors = 1,
	};
	char sentence[400];
	int r, status, first = verb_parse(verb, argc, argv, &settings, &status);

	if (first < 0)
		return status;
	if (first < argc)
		return verb_surplus(verb, argv[first]);
	if (!settings.machine.kernel) {
		(void)fprintf(stderr, "vmichost boot: expected --kernel FILE\n");
		return EXIT_USAGE;
	}
	if (machine_check(sentence, sizeof(sentence)) < 0) {
		(void)fprintf(stderr, "vmichost boot: %s\n", sentence);
		return EXIT_NO_MACHINE;
	}
	set_up(&settings);
	settings.machine.console_fd = open_console(&settings);
	if (settings.machine.console_fd < 0) {
		(void)fprintf(stderr, "vmichost boot: cannot write the console to %s: %s\n",
			      settings.console, strerror(-settings.machine.console_fd));
		return EXIT_FAILURE;
	}
	r = run_main(&settings.run);
	(void)close(settings.machine.console_fd);
	return r == 0 && settings.report.error == 0 && !settings.report.ever_broke ? EXIT_SUCCESS :
										     EXIT_FAILURE;
}
