/* SPDX-License-Identifier: GPL-2.0-only */
/* What vmic-bind reads of the machine: memory, drivers, the host's clock, who holds what, and which
 * device is another than before. */
#include "daemon/bind/machine.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "daemon/bind/follow.h"
#include "daemon/bind/holder.h"
#include "tests/unit/temp_dir.h"

#define KIB UINT64_C(1024)

struct fixture {
	struct temp_dir dir;
	int root_fd;
};

static void fixture_init(struct fixture *f)
{
	f->dir = temp_dir_new();
	f->root_fd = open(f->dir.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->root_fd >= 0);
}

static void fixture_done(struct fixture *f)
{
	(void)close(f->root_fd);
	temp_dir_done(&f->dir);
}

/* --- the machine --- */

static void an_empty_machine_has_nothing(void **state)
{
	struct bind_machine machine;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	memset(&machine, 0xff, sizeof(machine));
	bind_machine_read(f.root_fd, &machine);
	assert_false(machine.has_uio || machine.has_utils || machine.hibernates);
	assert_int_equal(machine.available, 0);
	assert_int_equal(machine.largest_block, 0);
	fixture_done(&f);
}

/* Lines of a guest of 256 MB. */
static void the_machine_is_read(void **state)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct bind_machine machine;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	temp_dir_put(&f.dir, "proc/meminfo", "MemTotal:         218328 kB\nMemFree:          146756 kB\n"
					     "MemAvailable:     143580 kB\nBuffers:               0 kB\n");
	temp_dir_put(&f.dir, "proc/buddyinfo",
		     "Node 0, zone      DMA      1      0      0      0      0      0      0      1      0      0      0 \n"
		     "Node 0, zone    DMA32   4027   2541      7      9      2      1      1      1      1      0      0 \n");
	temp_dir_put(&f.dir, "sys/bus/vmbus/hibernation", "1\n");
	temp_dir_put(&f.dir, "sys/bus/vmbus/drivers/uio_hv_generic/bind", "");
	temp_dir_put(&f.dir, "sys/bus/vmbus/drivers/hv_util/bind", "");
	bind_machine_read(f.root_fd, &machine);
	assert_true(machine.has_uio && machine.has_utils && machine.hibernates);
	assert_int_equal(machine.available, 143580 * KIB);
	assert_int_equal(machine.largest_block, page << 8);

	temp_dir_put(&f.dir, "sys/bus/vmbus/hibernation", "0\n");
	temp_dir_put(&f.dir, "proc/buddyinfo",
		     "Node 0, zone   Normal      0      0      0      0      0      0      0      0      0      0      3 \n");
	bind_machine_read(f.root_fd, &machine);
	assert_false(machine.hibernates);
	assert_int_equal(machine.largest_block, page << 10);
	fixture_done(&f);
}

/* --- the host's clock --- */

static const struct {
	const char *path, *text;
	bool found;
} configurations[] = {
	{ "etc/chrony/chrony.conf", "pool a\nrefclock PHC /dev/ptp_hyperv poll 3 dpoll -2 offset 0\n", true },
	{ "etc/chrony.conf", "  refclock PHC /dev/ptp_hyperv\n", true },
	{ "etc/chrony/conf.d/azure.conf", "refclock PHC /dev/ptp1\n", true },
	{ "etc/chrony.d/azure.conf", "refclock PHC /dev/ptp_hyperv\n", true },
	{ "etc/chrony.conf", "# refclock PHC /dev/ptp_hyperv\n", false },
	{ "etc/chrony.conf", "!refclock PHC /dev/ptp_hyperv\n", false },
	{ "etc/chrony.conf", "refclock PHC /dev/ptp0\nrefclock PHC /dev/ptp12\n", false },
	{ "etc/chrony/conf.d/.hidden", "refclock PHC /dev/ptp_hyperv\n", false },
};

static void chronys_configuration_is_looked_through(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(configurations); i++) {
		char expected[64];
		struct bind_clock clock;
		struct fixture f;

		fixture_init(&f);
		temp_dir_put(&f.dir, "sys/class/ptp/ptp0/clock_name", "KVM virtual PTP\n");
		temp_dir_put(&f.dir, "sys/class/ptp/ptp1/clock_name", "hyperv\n");
		temp_dir_put(&f.dir, configurations[i].path, configurations[i].text);
		bind_clock_read(f.root_fd, &clock);
		assert_string_equal(clock.node, "/dev/ptp1");
		(void)snprintf(expected, sizeof(expected), "/%s", configurations[i].path);
		assert_string_equal(clock.configuration, configurations[i].found ? expected : "");
		fixture_done(&f);
	}
}

static void there_may_be_no_clock(void **state)
{
	struct bind_clock clock;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	temp_dir_put(&f.dir, "sys/class/ptp/ptp0/clock_name", "KVM virtual PTP\n");
	temp_dir_put(&f.dir, "etc/chrony.conf", "refclock PHC /dev/ptp0\n");
	bind_clock_read(f.root_fd, &clock);
	assert_string_equal(clock.node, "");
	assert_string_equal(clock.configuration, "");
	fixture_done(&f);
}

/* --- who holds a file --- */

enum way { OPENED, MAPPED, MAPPED_ONLY, WAYS, NAMED_ONLY };

static pid_t hold(const char *path, enum way way, const char *name)
{
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open(path, (way == NAMED_ONLY ? O_PATH : O_RDONLY) | O_CLOEXEC);

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* when a test fails, too */
		(void)prctl(PR_SET_NAME, name);
		if ((way == MAPPED || way == MAPPED_ONLY) &&
		    mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
			_exit(1);
		if (way == MAPPED_ONLY)
			(void)close(fd);
		(void)!write(ready[1], "r", 1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	(void)close(ready[0]);
	return pid;
}

static void let_go(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_holder_is_found(void **state)
{
	struct temp_dir d = temp_dir_new();
	char path[128];

	(void)state;
	temp_dir_put(&d, "file", "something");
	temp_dir_path(&d, "file", path, sizeof(path));
	for (enum way way = 0; way < WAYS; way++) {
		struct bind_holder holder = { .pid = 7 };
		pid_t pid;

		assert_false(bind_holder_find(path, &holder));
		assert_int_equal(holder.pid, 7); /* untouched */
		pid = hold(path, way, "a \033[31mname");
		assert_true(bind_holder_find(path, &holder));
		assert_int_equal(holder.pid, pid);
		assert_string_equal(holder.name, "a ?[31mname");
		let_go(pid);
	}
	assert_false(bind_holder_find("/nonexistent", &(struct bind_holder){ 0 }));
	temp_dir_done(&d);
}

/* Whoever may not open a node can have it open like this, and would keep its device from being moved. */
static void who_has_but_the_name_is_no_holder(void **state)
{
	struct temp_dir d = temp_dir_new();
	struct bind_holder holder;
	char path[128];
	pid_t pid;

	(void)state;
	temp_dir_put(&d, "file", "something");
	temp_dir_path(&d, "file", path, sizeof(path));
	pid = hold(path, NAMED_ONLY, "no holder");
	assert_false(bind_holder_find(path, &holder));
	let_go(pid);
	temp_dir_done(&d);
}

/* As is the lock on a device's directory; this program's own does not count. */
static void a_directory_is_held_too(void **state)
{
	struct temp_dir d = temp_dir_new();
	int own = open(d.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct bind_holder holder;
	pid_t pid;

	(void)state;
	assert_false(bind_holder_find(d.path, &holder));
	(void)close(own);
	pid = hold(d.path, OPENED, "holder");
	assert_true(bind_holder_find(d.path, &holder));
	assert_int_equal(holder.pid, pid);
	let_go(pid);
	temp_dir_done(&d);
}

enum { FOUND_RIGHT = 0, FOUND_WRONG = 1, NO_NAMESPACE = 77 };

/* As a child of the manager, whose descriptor is ours, too. */
static int look_beside_the_manager(const char *path)
{
	struct bind_holder holder = { 0 };
	pid_t pid;

	if (!bind_holder_find(path, &holder) || !bind_holder_is_manager(&holder))
		return FOUND_WRONG;
	pid = hold(path, OPENED, "systemd"); /* anybody can have the name */
	if (!bind_holder_find(path, &holder) || holder.pid != pid || bind_holder_is_manager(&holder))
		return FOUND_WRONG;
	let_go(pid);
	return FOUND_RIGHT;
}

/* As process 1 of a namespace of its own. */
static int be_the_manager(const char *path)
{
	int status, fd = open(path, O_RDONLY | O_CLOEXEC);
	pid_t pid;

	if (fd < 0 || getpid() != 1 || mount("proc", "/proc", "proc", 0, NULL) < 0)
		return NO_NAMESPACE;
	(void)prctl(PR_SET_NAME, "systemd");
	pid = fork();
	if (pid == 0)
		_exit(look_beside_the_manager(path));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return FOUND_WRONG;
	return WEXITSTATUS(status);
}

static int fork_and(int (*run)(const char *path), const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(run(path));
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : FOUND_WRONG;
}

static int enter_namespace(const char *path)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS) < 0)
		return NO_NAMESPACE;
	return fork_and(be_the_manager, path);
}

/* systemd keeps what a service has open over its restart: the service is to be named where it runs. */
static void the_service_manager_is_the_last_to_be_named(void **state)
{
	struct temp_dir d = temp_dir_new();
	char path[128];
	int result;

	(void)state;
	temp_dir_put(&d, "file", "something");
	temp_dir_path(&d, "file", path, sizeof(path));
	result = fork_and(enter_namespace, path);
	temp_dir_done(&d);
	if (result == NO_NAMESPACE)
		skip();
	assert_int_equal(result, FOUND_RIGHT);
}

/* --- another device under an old name --- */

static void one_that_is_offered_again_is_another(void **state)
{
	struct bind_seen seen = { 0 };

	(void)state;
	assert_non_null(bind_seen_note(&seen, "a", 10));
	assert_non_null(bind_seen_note(&seen, "b", 11));
	assert_null(bind_seen_note(&seen, "a", 10)); /* it has got or lost a driver */
	assert_null(bind_seen_note(&seen, "a", 0));  /* it has gone */
	assert_non_null(bind_seen_note(&seen, "a", 12));
	assert_null(bind_seen_note(&seen, "a", 12));
	seen.one[0].wanted = true;
	assert_ptr_equal(bind_seen_note(&seen, "b", 13), seen.one); /* so quickly that its going was not seen */
	assert_false(seen.one[0].wanted);
	assert_int_equal(seen.n, 2);

	for (unsigned i = 0; i < 100; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "more-%u", i);
		(void)bind_seen_note(&seen, name, 1);
	}
	assert_int_equal(seen.n, ARRAY_LEN(seen.one));
	assert_null(bind_seen_note(&seen, "yet another", 1));
}

/* --- texts --- */

static void sizes_are_rounded_up(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {
		{ 0, "0 KiB" },
		{ 1, "1 KiB" },
		{ 40 * KIB, "40 KiB" },
		{ KIB * KIB, "1 MiB" },
		{ KIB * KIB + 1, "2 MiB" },
		{ 51 * KIB * KIB, "51 MiB" },
		{ UINT64_MAX, "17592186044416 MiB" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		char text[BIND_SIZE_TEXT_SIZE];

		bind_size_format(sizes[i].bytes, text);
		assert_string_equal(text, sizes[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_machine_has_nothing),
		cmocka_unit_test(the_machine_is_read),
		cmocka_unit_test(chronys_configuration_is_looked_through),
		cmocka_unit_test(there_may_be_no_clock),
		cmocka_unit_test(a_holder_is_found),
		cmocka_unit_test(who_has_but_the_name_is_no_holder),
		cmocka_unit_test(the_service_manager_is_the_last_to_be_named),
		cmocka_unit_test(a_directory_is_held_too),
		cmocka_unit_test(one_that_is_offered_again_is_another),
		cmocka_unit_test(sizes_are_rounded_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
