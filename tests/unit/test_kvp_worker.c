/* SPDX-License-Identifier: GPL-2.0-only */
/* Key-value pairs from a disk that answers, late, or never: here flock() is the disk. */
#include "daemon/kvp_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "daemon/pool.h"
#include "tests/unit/temp_dir.h"

struct fixture {
	struct temp_dir dir;
	pthread_t loop;
	bool elsewhere; /* something was told by another thread */
	unsigned changes[KVP_POOLS];
	unsigned failures;
	int error;
	int applied;
	struct kvp_data_options options;
	struct kvp_worker *w;
};

/* --- the disk --- */

static pthread_mutex_t disk_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t disk_news = PTHREAD_COND_INITIALIZER;
static bool frozen;
static unsigned waiting;
static atomic_uint asked; /* how often */
static atomic_bool by_loop;
static pthread_t loop;

/* Ours instead of the C library's. Each operation on a pool comes by here once. */
int flock(int fd, int operation)
{
	if (pthread_equal(pthread_self(), loop))
		by_loop = true;
	asked++;
	(void)pthread_mutex_lock(&disk_lock);
	waiting++;
	(void)pthread_cond_broadcast(&disk_news);
	while (frozen)
		(void)pthread_cond_wait(&disk_news, &disk_lock);
	waiting--;
	(void)pthread_mutex_unlock(&disk_lock);
	return (int)syscall(SYS_flock, fd, operation);
}

static void freeze(void)
{
	(void)pthread_mutex_lock(&disk_lock);
	frozen = true;
	(void)pthread_mutex_unlock(&disk_lock);
}

static void thaw(void)
{
	(void)pthread_mutex_lock(&disk_lock);
	frozen = false;
	(void)pthread_cond_broadcast(&disk_news);
	(void)pthread_mutex_unlock(&disk_lock);
}

/* What is frozen goes on, and nothing of it is on its way any more. */
static void thaw_and_wait(void)
{
	bool is_free = false;

	thaw();
	while (!is_free) {
		(void)usleep(1000);
		(void)pthread_mutex_lock(&disk_lock);
		is_free = waiting == 0;
		(void)pthread_mutex_unlock(&disk_lock);
	}
	(void)usleep(200000);
}

/* --- the time, which stands ahead of the machine's, or still --- */

static atomic_long ahead_s;
static atomic_bool stands_still;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	static struct timespec stood;

	if (stands_still) {
		*ts = stood;
		return 0;
	}
	(void)syscall(SYS_clock_gettime, id, ts);
	ts->tv_sec += ahead_s;
	if (pthread_equal(pthread_self(), loop))
		stood = *ts;
	return 0;
}

/* On a busy computer, what is asked of the thread may take longer than it is waited for. */
#define AT_LAST(call)                                                            \
	({                                                                       \
		int result_;                                                     \
		while ((result_ = (call)) == -EAGAIN && usleep(1000) == 0)       \
			;                                                        \
		result_;                                                         \
	})

/* --- --- */

static void note_thread(struct fixture *f)
{
	f->elsewhere |= !pthread_equal(pthread_self(), f->loop);
}

static void on_changed(void *user, unsigned pool)
{
	struct fixture *f = user;

	note_thread(f);
	f->changes[pool]++;
}

static void on_failed(void *user, enum kvp_data_part part, int error)
{
	struct fixture *f = user;

	note_thread(f);
	assert_int_equal(part, KVP_DATA_POOLS);
	f->failures++;
	f->error = error;
}

static int on_apply(void *user, const char *interface, const struct kvp_ip *ip)
{
	struct fixture *f = user;

	(void)interface, (void)ip;
	note_thread(f);
	return f->applied;
}

/* Until the thread is done, whatever it does. */
static void rest(struct fixture *f)
{
	struct kvp_record r;

	/* It comes to an end of its own at once, and of its predecessor before that. */
	assert_int_equal(AT_LAST(kvp_worker_ops.enumerate(f->w, 9, 0, &r)), -EINVAL);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->dir = temp_dir_new();
	f->loop = loop = pthread_self();
	f->options = (struct kvp_data_options){
		.pool_directory = f->dir.path,
		.root = f->dir.path,
		.services_version = "10.1",
		.apply_ip = on_apply,
		.changed = on_changed,
		.failed = on_failed,
		.user = f,
	};
	by_loop = false;
	asked = 0;
	ahead_s = 0;
	stands_still = false;
	assert_int_equal(kvp_worker_new(&f->options, &f->w), 0);
	rest(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	thaw();
	kvp_worker_free(f->w);
	assert_false(f->elsewhere);
	assert_false(by_loop);
	temp_dir_done(&f->dir);
	free(f);
	return 0;
}

static const struct kvp_ops *const ops = &kvp_worker_ops;

static int set(struct fixture *f, const char *key, const char *value)
{
	struct kvp_record r = { .key = "" };

	(void)snprintf(r.key, sizeof(r.key), "%s", key);
	(void)snprintf(r.value, sizeof(r.value), "%s", value);
	return ops->set(f->w, 1, &r);
}

/* What has come of it in the end. */
static int set_at_last(struct fixture *f, const char *key, const char *value)
{
	return AT_LAST(set(f, key, value));
}

static void assert_value(struct fixture *f, const char *key, const char *value)
{
	struct kvp_record r;
	int result;

	do {
		r = (struct kvp_record){ .key = "" };
		(void)snprintf(r.key, sizeof(r.key), "%s", key);
		result = ops->get(f->w, 1, &r);
	} while (result == -EAGAIN && usleep(1000) == 0);
	if (!value) {
		assert_int_equal(result, -ENOENT);
		return;
	}
	assert_int_equal(result, 0);
	assert_string_equal(r.value, value);
}

static int count_record(void *user, const struct kvp_record *record)
{
	(void)record;
	++*(unsigned *)user;
	return 0;
}

static int stop_at_second(void *user, const struct kvp_record *record)
{
	(void)record;
	return ++*(unsigned *)user == 2 ? -ECANCELED : 0;
}

/* --- a disk that answers --- */

static void all_is_as_without_a_thread(void **state)
{
	struct fixture *f = *state;
	struct kvp_record r = { .key = "" };
	struct kvp_ip ip = { .adapter_id = "00:11:22:33:44:55" };
	unsigned n = 0;

	assert_int_equal(f->failures, 0);
	assert_int_equal(set_at_last(f, "one", "1"), 0);
	assert_int_equal(f->changes[1], 1);
	assert_int_equal(set_at_last(f, "two", "2"), 0);
	assert_value(f, "one", "1");
	assert_value(f, "two", "2");
	assert_int_equal(AT_LAST(ops->enumerate(f->w, 1, 1, &r)), 0);
	assert_string_equal(r.key, "two");
	assert_string_equal(r.value, "2");
	assert_int_equal(AT_LAST(ops->enumerate(f->w, 1, 2, &r)), -ENODATA);
	assert_int_equal(AT_LAST(kvp_worker_each(f->w, 1, count_record, &n)), 0);
	assert_int_equal(n, 2);
	n = 0;
	assert_int_equal(AT_LAST(kvp_worker_each(f->w, 1, stop_at_second, &n)), -ECANCELED);
	assert_int_equal(AT_LAST(kvp_worker_each(f->w, 4, count_record, &n)), -EINVAL);
	assert_int_equal(AT_LAST(ops->remove(f->w, 1, "one")), 0);
	assert_int_equal(AT_LAST(ops->remove(f->w, 1, "one")), -ENOENT);
	assert_value(f, "one", NULL);
	assert_int_equal(f->changes[1], 3);
	assert_int_equal(AT_LAST(ops->set(f->w, 2, &r)), -EACCES);
	assert_int_equal(AT_LAST(ops->enumerate(f->w, 2, 0, &r)), 0);
	assert_string_equal(r.key, "FullyQualifiedDomainName");
	assert_int_equal(AT_LAST(ops->get_ip(f->w, &ip)), -ENODEV);
	assert_int_equal(f->changes[0] + f->changes[2] + f->changes[3], 0);
}

static void a_list_is_of_a_thousand_at_most(void **state)
{
	static const struct kvp_record r = { .key = "again" };
	struct fixture *f = *state;
	char path[128];
	unsigned n = 0;
	int fd;

	temp_dir_path(&f->dir, ".kvp_pool_1", path, sizeof(path));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (unsigned i = 0; i < POOL_RECORDS_MAX; i++)
		assert_int_equal(write(fd, &r, sizeof(r)), sizeof(r));
	assert_int_equal(AT_LAST(kvp_worker_each(f->w, 1, count_record, &n)), 0);
	assert_int_equal(n, POOL_RECORDS_MAX);
	assert_int_equal(write(fd, &r, sizeof(r)), sizeof(r));
	assert_int_equal(AT_LAST(kvp_worker_each(f->w, 1, count_record, &n)), -E2BIG);
	assert_int_equal(n, POOL_RECORDS_MAX);
	assert_int_equal(close(fd), 0);
}

static void what_cannot_be_made_is_told(void **state)
{
	struct fixture *f = *state;
	char path[128];

	temp_dir_write(&f->dir, "file", "", 0);
	temp_dir_path(&f->dir, "file/pools", path, sizeof(path));
	f->options.pool_directory = path;
	f->w = kvp_worker_free(f->w);
	assert_int_equal(kvp_worker_new(&f->options, &f->w), 0);
	rest(f);
	assert_int_equal(f->failures, 1);
	assert_int_equal(f->error, -ENOTDIR);
	assert_int_equal(AT_LAST(set(f, "one", "1")), -ENOTDIR);
	assert_int_equal(f->failures, 1);

	f->w = kvp_worker_free(f->w);
	f->options.root = "/nonexistent";
	assert_int_equal(kvp_worker_new(&f->options, &f->w), -ENOENT);
	assert_null(kvp_worker_free(NULL));
}

/* --- one that does not, for a while --- */

static void nobody_waits_for_a_frozen_disk(void **state)
{
	struct fixture *f = *state;
	struct kvp_record r = { .key = "one" };
	struct kvp_ip ip = { .adapter_id = "00:11:22:33:44:55" };
	unsigned n = 0, before;

	freeze();
	before = asked;
	assert_int_equal(set(f, "one", "1"), -EAGAIN);
	assert_int_equal(set(f, "one", "1"), -EAGAIN);
	/* Nobody else gets at it, not even at what lies on no disk. */
	assert_int_equal(ops->get(f->w, 1, &r), -EAGAIN);
	assert_int_equal(ops->remove(f->w, 1, "one"), -EAGAIN);
	assert_int_equal(ops->enumerate(f->w, 2, 0, &r), -EAGAIN);
	assert_int_equal(ops->get_ip(f->w, &ip), -EAGAIN);
	assert_int_equal(ops->set_ip(f->w, &ip), -EAGAIN);
	assert_int_equal(kvp_worker_each(f->w, 1, count_record, &n), -EAGAIN);
	assert_int_equal(f->changes[1], 0);

	thaw();
	assert_int_equal(set_at_last(f, "one", "1"), 0);
	assert_int_equal(asked - before, 1);
	assert_int_equal(f->changes[1], 1);
	assert_value(f, "one", "1");
}

static void what_nobody_waits_for_is_done_all_the_same(void **state)
{
	struct fixture *f = *state;

	freeze();
	assert_int_equal(set(f, "one", "1"), -EAGAIN);
	thaw();
	rest(f);
	assert_int_equal(f->changes[1], 1);
	assert_value(f, "one", "1");
}

static void an_answer_waits_for_who_has_asked(void **state)
{
	struct fixture *f = *state;
	unsigned before;

	freeze();
	before = asked;
	assert_int_equal(set(f, "one", "1"), -EAGAIN);
	stands_still = true;
	thaw_and_wait();
	/* The other one comes first, again and again, while there is nothing to be had but that answer. */
	assert_int_equal(set(f, "two", "2"), -EAGAIN);
	assert_int_equal(set(f, "two", "2"), -EAGAIN);
	assert_int_equal(set(f, "one", "1"), 0);
	assert_int_equal(asked - before, 1);
	stands_still = false;
	assert_int_equal(set_at_last(f, "two", "2"), 0);
	assert_int_equal(asked - before, 2);
}

static void an_old_answer_is_none(void **state)
{
	struct fixture *f = *state;
	struct kvp_record r = { .key = "one" };
	unsigned before;

	assert_int_equal(set_at_last(f, "one", "1"), 0);
	freeze();
	assert_int_equal(ops->get(f->w, 1, &r), -EAGAIN);
	thaw_and_wait();
	before = asked;
	ahead_s = 2;
	assert_int_equal(AT_LAST(ops->get(f->w, 1, &r)), 0);
	assert_string_equal(r.value, "1");
	assert_int_equal(asked - before, 1);
}

static void a_list_that_comes_late_is_whole(void **state)
{
	struct fixture *f = *state;
	unsigned n = 0;

	assert_int_equal(set_at_last(f, "one", "1"), 0);
	freeze();
	assert_int_equal(kvp_worker_each(f->w, 1, count_record, &n), -EAGAIN);
	thaw();
	assert_int_equal(AT_LAST(kvp_worker_each(f->w, 1, count_record, &n)), 0);
	assert_int_equal(n, 1);
}

static void a_start_does_not_wait_either(void **state)
{
	struct fixture *f = *state;
	char path[128];

	f->w = kvp_worker_free(f->w);
	/* So that making it looks at its lock. */
	freeze();
	assert_int_equal(kvp_worker_new(&f->options, &f->w), 0);
	assert_int_equal(set(f, "one", "1"), -EAGAIN);
	thaw();
	assert_int_equal(set_at_last(f, "one", "1"), 0);
	temp_dir_path(&f->dir, ".kvp_pool_4", path, sizeof(path));
	assert_int_equal(access(path, F_OK), 0);
}

static void nor_does_an_end(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct kvp_record r;
	int fd;

	freeze();
	assert_int_equal(set(f, "one", "1"), -EAGAIN);
	f->w = kvp_worker_free(f->w);
	thaw();
	/* It is left to itself, and does what it was about to. */
	temp_dir_path(&f->dir, ".kvp_pool_1", path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (int i = 0; i < 2000 && pread(fd, &r, sizeof(r), 0) != sizeof(r); i++)
		(void)usleep(1000);
	assert_int_equal(close(fd), 0);
	assert_string_equal(r.value, "1");
	/* For who looks for what is not given free. */
	(void)usleep(50000);
}

/* Sanitizers have heaps of their own. */
#if !defined(HARNESS_ASAN) && !defined(HARNESS_TSAN)
/* glibc would have mapped a heap for it, of 64 MiB, none of which may be read as yet. */
static void the_thread_has_no_heap(void **state)
{
	struct fixture *f = *state;
	unsigned long begin, end, most = 0;
	char line[512], rights[8];
	unsigned n = 0;
	FILE *maps;

	all_is_as_without_a_thread(state);
	assert_int_equal(AT_LAST(kvp_worker_each(f->w, 2, count_record, &n)), 0);
	maps = fopen("/proc/self/maps", "re");
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %7s", &begin, &end, rights) == 3 && strcmp(rights, "---p") == 0 &&
		    end - begin > most)
			most = end - begin;
	(void)fclose(maps);
	assert_true(most < 1024UL * 1024);
}
#endif

int main(void)
{
#define WORKER_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
#if !defined(HARNESS_ASAN) && !defined(HARNESS_TSAN)
		WORKER_TEST(the_thread_has_no_heap),
#endif
		WORKER_TEST(all_is_as_without_a_thread),
		WORKER_TEST(a_list_is_of_a_thousand_at_most),
		WORKER_TEST(what_cannot_be_made_is_told),
		WORKER_TEST(nobody_waits_for_a_frozen_disk),
		WORKER_TEST(what_nobody_waits_for_is_done_all_the_same),
		WORKER_TEST(an_answer_waits_for_who_has_asked),
		WORKER_TEST(an_old_answer_is_none),
		WORKER_TEST(a_list_that_comes_late_is_whole),
		WORKER_TEST(a_start_does_not_wait_either),
		WORKER_TEST(nor_does_an_end),
	};

	return cmocka_run_group_tests_name("kvp_worker", tests, NULL, NULL);
}
