/* SPDX-License-Identifier: GPL-2.0-only */
/* The child that writes: what it reports, what it does when nobody listens. A FIFO that nobody reads
 * stands for a file of the kernel's in which a writer hangs. */
#include "daemon/bind/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/harness.h"
#include "tests/unit/temp_dir.h"

#define MS UINT64_C(1000000)
#define LONG (30000 * MS)

struct fixture {
	struct temp_dir dir;
	char target[128], override[128], probe[128];
	struct bind_job job;
};

static void fixture_init(struct fixture *f)
{
	f->dir = temp_dir_new();
	temp_dir_put(&f->dir, "override", "as it was");
	temp_dir_put(&f->dir, "probe", "as it was");
	temp_dir_path(&f->dir, "target", f->target, sizeof(f->target));
	temp_dir_path(&f->dir, "override", f->override, sizeof(f->override));
	temp_dir_path(&f->dir, "probe", f->probe, sizeof(f->probe));
	f->job = (struct bind_job){
		.path = f->target,
		.text = "what is written",
		.override_path = f->override,
		.probe_path = f->probe,
		.name = "THE-NAME",
	};
}

static void fixture_done(struct fixture *f)
{
	temp_dir_done(&f->dir);
}

static void assert_holds(struct fixture *f, const char *name, const char *expected)
{
	char text[64] = "";
	size_t n = temp_dir_read(&f->dir, name, text, sizeof(text) - 1);

	assert_int_equal(n, strlen(expected));
	assert_memory_equal(text, expected, n);
}

static void assert_no_children(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static unsigned open_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void it_writes_and_reports(void **state)
{
	unsigned descriptors = open_descriptors();
	struct fixture f;

	(void)state;
	fixture_init(&f);
	temp_dir_put(&f.dir, "target", "");
	assert_int_equal(bind_child_write(&f.job, bind_now_ns() + LONG, -1), 0);
	assert_holds(&f, "target", "what is written");
	assert_holds(&f, "override", "as it was");
	assert_holds(&f, "probe", "as it was");
	assert_no_children();
	assert_int_equal(open_descriptors(), descriptors);
	fixture_done(&f);
}

/* The kernel's own error, however large: /dev/full is the file that always says ENOSPC. */
static void it_reports_what_the_kernel_says(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_int_equal(bind_child_write(&f.job, bind_now_ns() + LONG, -1), -ENOENT);
	f.job.path = "/dev/full";
	assert_int_equal(bind_child_write(&f.job, bind_now_ns() + LONG, -1), -ENOSPC);
	assert_holds(&f, "override", "as it was");
	assert_no_children();
	fixture_done(&f);
}

/* 0: it has none. */
static pid_t child_of(pid_t parent)
{
	char path[64];
	FILE *children;
	int child = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
	children = fopen(path, "re");
	assert_non_null(children);
	if (fscanf(children, "%d", &child) != 1)
		child = 0;
	(void)fclose(children);
	return child;
}

/* The one child that was left. */
static pid_t child_left(void)
{
	pid_t child = child_of(getpid());

	assert_true(child > 0);
	return child;
}

static void child_kill(pid_t child)
{
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static int score_of(pid_t pid)
{
	char path[64];
	FILE *file;
	int score = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &score), 1);
	(void)fclose(file);
	return score;
}

/* It is the one that the kernel is to kill, and only where that is asked for. */
static void it_offers_itself_to_the_kernels_killer(void **state)
{
	(void)state;
	for (unsigned costly = 0; costly < 2; costly++) {
		int expected = costly ? 1000 : score_of(getpid());
		struct fixture f;
		pid_t child;

		fixture_init(&f);
		assert_int_equal(mkfifo(f.target, 0600), 0);
		f.job.costly = costly;
		assert_int_equal(bind_child_write(&f.job, bind_now_ns() + 100 * MS, -1),
				 BIND_CHILD_BLOCKED);
		child = child_left();
		for (unsigned i = 0; i < 1000 && score_of(child) != expected; i++)
			(void)usleep(10000);
		assert_int_equal(score_of(child), expected);
		child_kill(child);
		fixture_done(&f);
	}
}

/* Who waits for the end of this program's output must not wait for what it has left behind. */
static void it_lets_go_of_the_output(void **state)
{
	char path[64], target[64] = "";
	struct fixture f;
	pid_t child;

	(void)state;
	fixture_init(&f);
	assert_int_equal(mkfifo(f.target, 0600), 0);
	assert_int_equal(bind_child_write(&f.job, bind_now_ns() + 100 * MS, -1), BIND_CHILD_BLOCKED);
	child = child_left();
	for (int fd = 2; fd >= 0; fd--) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)child, fd);
		for (unsigned i = 0; i < 1000 && strcmp(target, "/dev/null") != 0; i++) {
			ssize_t n = readlink(path, target, sizeof(target) - 1);

			target[n > 0 ? n : 0] = '\0';
			(void)usleep(strcmp(target, "/dev/null") ? 10000 : 0);
		}
		assert_string_equal(target, "/dev/null");
		target[0] = '\0';
	}
	child_kill(child);
	fixture_done(&f);
}

/* One that hangs is left after the time, goes on by itself, keeps the lock until then, and then brings
 * the device home. */
static void one_that_hangs_is_left_and_cleans_up(void **state)
{
	struct fixture f;
	uint64_t began;
	int lock, other, reader, status;
	char text[64] = "";

	(void)state;
	fixture_init(&f);
	assert_int_equal(mkfifo(f.target, 0600), 0);
	lock = open(f.dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	other = open(f.dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);

	began = bind_now_ns();
	assert_int_equal(bind_child_write(&f.job, began + 100 * MS, -1), BIND_CHILD_BLOCKED);
	assert_true(bind_now_ns() - began >= 100 * MS);
	(void)close(lock);
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), -1);

	reader = open(f.target, O_RDONLY | O_CLOEXEC);
	assert_true(reader >= 0);
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	assert_true(read(reader, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "what is written");
	assert_holds(&f, "override", "\ns it was");
	assert_holds(&f, "probe", "THE-NAMEs");
	assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
	(void)close(reader);
	(void)close(other);
	fixture_done(&f);
}

/* One whose parent was killed has nobody who listens, either. */
static void one_that_is_alone_cleans_up(void **state)
{
	struct fixture f;
	int reader, status;
	pid_t parent;

	(void)state;
	fixture_init(&f);
	assert_int_equal(mkfifo(f.target, 0600), 0);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	parent = fork();
	assert_true(parent >= 0);
	if (parent == 0)
		_exit(bind_child_write(&f.job, bind_now_ns() + LONG, -1) == 0);
	for (unsigned i = 0; i < 1000 && child_of(parent) == 0; i++)
		(void)usleep(10000);
	assert_true(child_of(parent) > 0);
	assert_int_equal(kill(parent, SIGKILL), 0);
	assert_int_equal(waitpid(parent, NULL, 0), parent);

	reader = open(f.target, O_RDONLY | O_CLOEXEC);
	assert_true(reader >= 0);
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	assert_holds(&f, "override", "\ns it was");
	assert_holds(&f, "probe", "THE-NAMEs");
	(void)close(reader);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	fixture_done(&f);
}

static void told_to_end_it_is_left_at_once(void **state)
{
	struct fixture f;
	int stop = eventfd(1, EFD_CLOEXEC), reader;
	uint64_t began = bind_now_ns();

	(void)state;
	fixture_init(&f);
	assert_int_equal(mkfifo(f.target, 0600), 0);
	assert_int_equal(bind_child_write(&f.job, began + LONG, stop), BIND_CHILD_BLOCKED);
	assert_true(bind_now_ns() - began < LONG / 2);
	reader = open(f.target, O_RDONLY | O_CLOEXEC);
	assert_true(wait(NULL) > 0);
	(void)close(reader);
	(void)close(stop);
	fixture_done(&f);
}

/* A signal ends it in the middle of its write, as the kernel's killer would: its limit for files is 0. */
static void a_killed_child_is_told(void **state)
{
	struct rlimit saved, none;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	temp_dir_put(&f.dir, "target", "");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = saved.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(bind_child_write(&f.job, bind_now_ns() + LONG, -1), BIND_CHILD_KILLED);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
	assert_no_children();
	fixture_done(&f);
}

/* What was left behind and has ended is not left a zombie for ever. */
static void what_was_left_is_reaped_by_the_next(void **state)
{
	struct fixture f;
	int reader;

	(void)state;
	fixture_init(&f);
	assert_int_equal(mkfifo(f.target, 0600), 0);
	assert_int_equal(bind_child_write(&f.job, bind_now_ns() + 50 * MS, -1), BIND_CHILD_BLOCKED);
	reader = open(f.target, O_RDONLY | O_CLOEXEC);
	assert_int_equal(waitid(P_ALL, 0, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	f.job.path = "/dev/null";
	assert_int_equal(bind_child_write(&f.job, bind_now_ns() + LONG, -1), 0);
	assert_no_children();
	(void)close(reader);
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_writes_and_reports),
		cmocka_unit_test(it_reports_what_the_kernel_says),
		cmocka_unit_test(it_offers_itself_to_the_kernels_killer),
		cmocka_unit_test(it_lets_go_of_the_output),
		cmocka_unit_test(one_that_hangs_is_left_and_cleans_up),
		cmocka_unit_test(one_that_is_alone_cleans_up),
		cmocka_unit_test(told_to_end_it_is_left_at_once),
		cmocka_unit_test(a_killed_child_is_told),
		cmocka_unit_test(what_was_left_is_reaped_by_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
