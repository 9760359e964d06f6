/* SPDX-License-Identifier: GPL-2.0-only */
/* What is locked, at which limit. Each case is a process of its own. */
#include "daemon/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/capability.h"
#include "tests/unit/harness.h"

#define MIB (1024UL * 1024)

/* A log that keeps the last line: this program must be small, for the limit that it may not raise. */
static struct {
	int level;
	char text[256];
} said = { .level = -1 };

static int keep(const struct log *log, int level, const char *const *fields, const char *line)
{
	(void)log;
	(void)fields;
	said.level = level;
	(void)snprintf(said.text, sizeof(said.text), "%s", line);
	return 0;
}

static const struct log_way keeping = { keep };
static struct log_out out = LOG_OUT_CLOSED;
static const struct log said_log = { LOG_DEBUG, &keeping, &out };

static bool has_said(int level, const char *text)
{
	return said.level == level && strstr(said.text, text);
}

/* A line of /proc/self/status in bytes. */
static unsigned long status_bytes(const char *name)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long kib = 0;
	char line[256];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0)
			(void)sscanf(line + strlen(name), ": %lu", &kib);
	(void)fclose(f);
	return kib * 1024;
}

/* Without it the limit holds. */
static int give_up_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	return (int)syscall(SYS_capset, &header, none);
}

static int set_limit(unsigned long bytes)
{
	const struct rlimit limit = { .rlim_cur = bytes, .rlim_max = bytes };

	return setrlimit(RLIMIT_MEMLOCK, &limit) < 0 ? -1 : give_up_capabilities();
}

/* How much more is locked when that much is mapped; -1: it cannot be mapped. */
static long locked_by_mapping(unsigned long bytes)
{
	unsigned long before = status_bytes("VmLck");
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : (long)(status_bytes("VmLck") - before);
}

/* --- the cases: 0, or a number that says what was wrong --- */

static int all_is_locked(void)
{
	unsigned long mapped = status_bytes("VmSize");

	memory_lock(&said_log);
	if (status_bytes("VmLck") < mapped / 2)
		return 1;
	if (locked_by_mapping(2 * MIB) < (long)(2 * MIB))
		return 2;
	/* The stack that is not used yet is there. */
	if (status_bytes("VmStk") < 256 * 1024)
		return 3;
	return has_said(LOG_DEBUG, "memory is locked") && !strstr(said.text, "but") ? 0 : 4;
}

static int without_a_limit(void)
{
	const struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return 77;
	return give_up_capabilities() < 0 ? 5 : all_is_locked();
}

static int with_room_for_as_much_again(void)
{
	unsigned long mapped = status_bytes("VmSize");

	/* What touches the stack, and the 2 MiB that are mapped below, come on top. */
	if (set_limit(2 * mapped + mapped / 4) < 0)
		return 77;
	return all_is_locked();
}

static int with_the_capability(void)
{
	const struct rlimit limit = { 64 * 1024, 64 * 1024 };

	if (!capability_is_effective(CAP_IPC_LOCK))
		return 77;
	return setrlimit(RLIMIT_MEMLOCK, &limit) < 0 ? 5 : all_is_locked();
}

/* What comes later would soon not be mapped at all. */
static int with_a_limit_that_is_near(void)
{
	unsigned long mapped = status_bytes("VmSize");

	if (set_limit(mapped + mapped / 2) < 0)
		return 77;
	memory_lock(&said_log);
	if (status_bytes("VmLck") < mapped / 2)
		return 1;
	if (locked_by_mapping(2 * mapped) != 0)
		return 2;
	return has_said(LOG_DEBUG, "memory is locked, but for what is mapped from now on") ? 0 : 3;
}

static int with_too_low_a_limit(void)
{
	if (set_limit(64 * 1024) < 0)
		return 77;
	memory_lock(&said_log);
	if (status_bytes("VmLck") != 0)
		return 1;
	if (locked_by_mapping(64 * MIB) != 0)
		return 2;
	return has_said(LOG_INFO, "memory cannot be locked: ") ? 0 : 3;
}

/* As a message that somebody sends over the bus is: longer than all before, and then another. */
static int what_is_free_goes_back(void)
{
	unsigned long before;

	memory_lock(&said_log);
	before = status_bytes("VmSize");
	for (unsigned i = 0; i < 2; i++) {
		char *volatile p = malloc(2 * MIB);

		if (!p)
			return 1;
		free(p);
	}
	return status_bytes("VmSize") < before + MIB ? 0 : 2;
}

static void each_limit_is_respected(void **state)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} cases[] = {
		{ "without a limit", without_a_limit },
		{ "with the capability", with_the_capability },
		{ "with room for as much again", with_room_for_as_much_again },
		{ "with a limit that is near", with_a_limit_that_is_near },
		{ "with too low a limit", with_too_low_a_limit },
		{ "what is free", what_is_free_goes_back },
	};

	(void)state;
#if defined(HARNESS_ASAN) || defined(HARNESS_TSAN)
	skip(); /* they leave mlockall out: their own mappings are as large as the address space */
#endif
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(cases[i].run());
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			print_message("%s: not for this user to set\n", cases[i].name);
		else if (status != 0)
			fail_msg("%s: %d", cases[i].name, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_limit_is_respected),
	};

	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
