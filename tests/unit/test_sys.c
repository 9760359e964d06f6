/* SPDX-License-Identifier: GPL-2.0-only */
/* What is done to the machine, and what a dry run says instead. */
#include "daemon/sys.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>

#include "daemon/capability.h"
#include "daemon/request.h"
#include "tests/unit/daemon_harness.h"
#include "tests/unit/temp_dir.h"

#define NS_PER_S INT64_C(1000000000)

static struct {
	unsigned calls;
	clockid_t id;
	struct timex tx;
	int result;
} asked;

/* Ours instead of the C library's: a test must not set the clock. */
int clock_adjtime(clockid_t id, struct timex *tx)
{
	asked.calls++;
	asked.id = id;
	asked.tx = *tx;
	errno = asked.result < 0 ? EPERM : 0;
	return asked.result;
}

/* What the kernel says of this process, in the words of proc(5). */
static bool has_effective_capability(unsigned capability)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long set = 0;
	char line[256];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		(void)sscanf(line, "CapEff: %llx", &set);
	(void)fclose(f);
	return set >> capability & 1;
}

struct fixture {
	struct sys_rates rates;
	struct sys sys;
};

static void fixture_init(struct fixture *f, const struct sys_ops *ops)
{
	*f = (struct fixture){ .sys = { .ops = ops, .log = &terse_log, .rates = &f->rates } };
	memset(&asked, 0, sizeof(asked));
	logged_clear();
}

static const struct {
	int64_t ns;
	int64_t s, rest; /* "tv_usec must be non-negative" (adjtimex(2)) */
} steps[] = {
	{ 0, 0, 0 },
	{ 1, 0, 1 },
	{ -1, -1, 999999999 },
	{ 1500000000, 1, 500000000 },
	{ -1500000000, -2, 500000000 },
	{ -2 * NS_PER_S, -2, 0 },
	{ 40000 * NS_PER_S, 40000, 0 },
	{ INT64_MAX, 9223372036, 854775807 },
	{ INT64_MIN, -9223372037, 145224192 },
};

static void the_kernel_is_asked_to_add_the_offset(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct fixture f;

		fixture_init(&f, &sys_linux);
		assert_int_equal(sys_linux.step_clock(&f.sys, steps[i].ns), 0);
		assert_int_equal(asked.calls, 1);
		assert_int_equal(asked.id, CLOCK_REALTIME);
		assert_int_equal(asked.tx.modes, ADJ_SETOFFSET | ADJ_NANO);
		assert_int_equal(asked.tx.time.tv_sec, steps[i].s);
		assert_int_equal(asked.tx.time.tv_usec, steps[i].rest);
	}
}

static void a_step_is_told(void **state)
{
	const struct logged_line *line;
	struct fixture f;

	(void)state;
	fixture_init(&f, &sys_linux);
	assert_int_equal(sys_linux.step_clock(&f.sys, -1500000000), 0);
	line = logged_one(LOG_INFO, "TimeSync: stepped the clock by -1.500000 s, as the host asked");
	assert_field(line, message_id_fields[MESSAGE_STEPPED]);
	assert_field(line, "VMIC_OFFSET_NS=-1500000000");
}

/* The errno of the call; who asked for it says so. */
static void a_step_that_fails_is_returned(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, &sys_linux);
	asked.result = -1;
	assert_int_equal(sys_linux.step_clock(&f.sys, 1), -EPERM);
	assert_int_equal(logged.n, 0);
}

static void addresses_are_not_set(void **state)
{
	static const struct kvp_ip ip = { .n_ipv4 = 2, .n_ipv6 = 1 };
	struct fixture f;

	(void)state;
	fixture_init(&f, &sys_linux);
	assert_int_equal(sys_linux.set_addresses(&f.sys, "eth0", &ip), -EOPNOTSUPP);
	(void)logged_one(LOG_WARNING, "KVP: the host wants to set the addresses of eth0, refused: vmicd does "
				      "not configure networks");
}

/* By a request to the service manager. */
static void power_is_asked_for(void **state)
{
	_cleanup_(temp_dir_done) struct temp_dir d = temp_dir_new();
	struct fixture f;

	(void)state;
	fixture_init(&f, &sys_linux);
	f.sys.requests = d.path;
	for (enum shutdown_action a = SHUTDOWN_POWEROFF; a <= SHUTDOWN_REBOOT; a++) {
		const char *name = shutdown_action_names[a];

		assert_false(sys_linux.power_is_asked(&f.sys, a));
		assert_int_equal(sys_linux.power(&f.sys, a), 0);
		assert_true(sys_linux.power_is_asked(&f.sys, a));
		assert_true(request_is_made(d.path, name));
		assert_true(sys_linux.withdraw_power(&f.sys, a));
		assert_false(request_is_made(d.path, name));
	}
	f.sys.requests = "/proc";
	assert_int_equal(sys_linux.power(&f.sys, SHUTDOWN_POWEROFF), -ENOENT);
}

static void who_may_not_hibernate_is_not_asked_to(void **state)
{
	_cleanup_(temp_dir_done) struct temp_dir d = temp_dir_new();
	FILE *leave = fopen("/sys/bus/vmbus/hibernation", "re");
	bool may = leave && fgetc(leave) == '1';
	struct fixture f;

	(void)state;
	if (leave)
		(void)fclose(leave);
	fixture_init(&f, &sys_linux);
	f.sys.requests = d.path;
	assert_int_equal(sys_linux.power(&f.sys, SHUTDOWN_HIBERNATE), may ? 0 : -EOPNOTSUPP);
	assert_int_equal(sys_linux.power_is_asked(&f.sys, SHUTDOWN_HIBERNATE), may);
}

static void a_dry_run_says_what_it_would_do(void **state)
{
	static const struct kvp_ip ip = { .n_ipv4 = 2, .n_ipv6 = 1, .dhcp = true };
	struct fixture f;

	(void)state;
	fixture_init(&f, &sys_null);
	assert_int_equal(sys_null.step_clock(&f.sys, 90 * NS_PER_S), 0);
	assert_int_equal(asked.calls, 0);
	(void)logged_one(LOG_INFO, "TimeSync: dry run: would step the clock by +90.000000 s");

	f.sys.requests = "/proc";
	assert_int_equal(sys_null.power(&f.sys, SHUTDOWN_HIBERNATE), 0);
	assert_false(sys_null.power_is_asked(&f.sys, SHUTDOWN_HIBERNATE));
	assert_false(sys_null.withdraw_power(&f.sys, SHUTDOWN_HIBERNATE));
	(void)logged_one(LOG_INFO, "Shutdown: dry run: would ask the service manager for hibernate");

	/* What is never done is not promised either. */
	assert_int_equal(sys_null.set_addresses(&f.sys, "eth0", &ip), -EOPNOTSUPP);
	(void)logged_one(LOG_WARNING, "KVP: the host wants to set the addresses of eth0, refused");
}

/* The host causes these lines, as often as it likes. */
static void a_flood_fills_no_log(void **state)
{
	static const struct sys_ops *const both[] = { &sys_linux, &sys_null };
	static const struct kvp_ip ip = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		struct fixture f;

		fixture_init(&f, both[i]);
		for (int k = 0; k < 300; k++) {
			assert_int_equal(both[i]->step_clock(&f.sys, 1), 0);
			(void)both[i]->set_addresses(&f.sys, "eth0", &ip);
		}
		assert_in_range(logged.n, 2, 10);
	}
}

static void the_clocks_are_the_machines(void **state)
{
	static const struct sys_ops *const both[] = { &sys_linux, &sys_null };
	struct fixture f;

	(void)state;
	fixture_init(&f, &sys_linux);
	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		struct timespec real, raw;

		assert_int_equal(clock_gettime(CLOCK_REALTIME, &real), 0);
		assert_int_equal(clock_gettime(CLOCK_MONOTONIC_RAW, &raw), 0);
		/* within a minute, whatever the machine is doing */
		assert_in_range(both[i]->realtime_ns(&f.sys) / NS_PER_S - (uint64_t)real.tv_sec, 0, 60);
		assert_in_range(both[i]->raw_ns(&f.sys) / NS_PER_S - (uint64_t)raw.tv_sec, 0, 60);
	}
}

/* Without the capability, or with one that is only this user name space's. */
static void who_may_step_the_clock_is_known(void **state)
{
	struct fixture f;
	int status;
	pid_t pid;

	(void)state;
	fixture_init(&f, &sys_null);
	assert_true(f.sys.ops->may_step_clock(&f.sys)); /* it only says that it would */
	fixture_init(&f, &sys_linux);
	if (!f.sys.ops->may_step_clock(&f.sys) && has_effective_capability(CAP_SYS_TIME))
		print_message("this is not the machine's first user name space\n");
	else
		assert_int_equal(f.sys.ops->may_step_clock(&f.sys), has_effective_capability(CAP_SYS_TIME));

	pid = fork();
	if (pid == 0) {
		struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
		struct __user_cap_data_struct none[2] = { { 0 } };

		_exit(syscall(SYS_capset, &header, none) < 0 || f.sys.ops->may_step_clock(&f.sys));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(asked.calls, 0); /* nobody tried */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_step_the_clock_is_known),
		cmocka_unit_test(the_kernel_is_asked_to_add_the_offset),
		cmocka_unit_test(a_step_is_told),
		cmocka_unit_test(a_step_that_fails_is_returned),
		cmocka_unit_test(addresses_are_not_set),
		cmocka_unit_test(power_is_asked_for),
		cmocka_unit_test(who_may_not_hibernate_is_not_asked_to),
		cmocka_unit_test(a_dry_run_says_what_it_would_do),
		cmocka_unit_test(a_flood_fills_no_log),
		cmocka_unit_test(the_clocks_are_the_machines),
	};

	return cmocka_run_group_tests_name("sys", tests, NULL, NULL);
}
