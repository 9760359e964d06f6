/* SPDX-License-Identifier: GPL-2.0-only */
/* Key-value pairs from a disk that answers, late, or never: here flock() is the disk. Several want them. */
#include "daemon/kvp_worker.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/syscall.h>
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
	sd_event *event;
	struct kvp_worker *w;
	struct kvp_client *host, *call, *name;
};

/* --- the disk --- */

static pthread_mutex_t disk_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t disk_news = PTHREAD_COND_INITIALIZER;
static bool frozen;
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
	while (frozen)
		(void)pthread_cond_wait(&disk_news, &disk_lock);
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

/* --- the thread --- */

static bool no_threads;

/* Ours as well: there may be none. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *user)
{
	static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (no_threads)
		return EPERM;
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(thread, attr, run, user);
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

/* Until the thread has nothing to do, and what it has said is told. */
static void rest(struct fixture *f)
{
	while (kvp_client_waits(f->host) || kvp_client_waits(f->call) || kvp_client_waits(f->name))
		(void)usleep(1000);
	while (sd_event_run(f->event, 0) > 0)
		;
}

static void worker_start(struct fixture *f)
{
	int error = 0;

	assert_int_equal(kvp_worker_new(f->event, &f->options, &f->w, &error), no_threads ? 1 : 0);
	assert_int_equal(error, no_threads ? -EPERM : 0);
	f->host = kvp_worker_client(f->w, KVP_CLIENT_HOST);
	f->call = kvp_worker_client(f->w, KVP_CLIENT_CALL);
	f->name = kvp_worker_client(f->w, KVP_CLIENT_NAME);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct kvp_record r;

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
	assert_int_equal(sd_event_new(&f->event), 0);
	by_loop = false;
	asked = 0;
	worker_start(f);
	/* The pools are there. */
	assert_int_equal(AT_LAST(kvp_client_ops.enumerate(f->host, 9, 0, &r)), -EINVAL);
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
	sd_event_unref(f->event);
	temp_dir_done(&f->dir);
	free(f);
	return 0;
}

static const struct kvp_ops *const ops = &kvp_client_ops;

static int set_in(struct kvp_client *c, unsigned pool, const char *key, const char *value)
{
	struct kvp_record r = { .key = "" };

	(void)snprintf(r.key, sizeof(r.key), "%s", key);
	(void)snprintf(r.value, sizeof(r.value), "%s", value);
	return ops->set(c, pool, &r);
}

static int set(struct kvp_client *c, const char *key, const char *value)
{
	return set_in(c, 1, key, value);
}

/* *ret is cut. */
static int get(struct kvp_client *c, const char *key, char ret[static 16])
{
	struct kvp_record r = { .key = "" };
	int result;

	(void)snprintf(r.key, sizeof(r.key), "%s", key);
	result = ops->get(c, 1, &r);
	(void)snprintf(ret, 16, "%.15s", result == 0 ? r.value : "");
	return result;
}

static void assert_value(struct fixture *f, const char *key, const char *value)
{
	char is[16];

	assert_int_equal(AT_LAST(get(f->name, key, is)), value ? 0 : -ENOENT);
	assert_string_equal(is, value ? value : "");
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
	struct kvp_client *c = f->host;
	struct kvp_record r = { .key = "" };
	struct kvp_ip ip = { .adapter_id = "00:11:22:33:44:55" };
	unsigned n = 0;

	assert_int_equal(f->failures, 0);
	assert_int_equal(AT_LAST(set(c, "one", "1")), 0);
	assert_int_equal(f->changes[1], 1);
	assert_int_equal(AT_LAST(set(c, "two", "2")), 0);
	assert_value(f, "one", "1");
	assert_value(f, "two", "2");
	assert_int_equal(AT_LAST(ops->enumerate(c, 1, 1, &r)), 0);
	assert_string_equal(r.key, "two");
	assert_string_equal(r.value, "2");
	assert_int_equal(AT_LAST(ops->enumerate(c, 1, 2, &r)), -ENODATA);
	assert_int_equal(AT_LAST(kvp_client_each(c, 1, count_record, &n)), 0);
	assert_int_equal(n, 2);
	n = 0;
	assert_int_equal(AT_LAST(kvp_client_each(c, 1, stop_at_second, &n)), -ECANCELED);
	assert_int_equal(AT_LAST(kvp_client_each(c, 4, count_record, &n)), -EINVAL);
	assert_int_equal(AT_LAST(ops->remove(c, 1, "one")), 0);
	assert_int_equal(AT_LAST(ops->remove(c, 1, "one")), -ENOENT);
	assert_value(f, "one", NULL);
	assert_int_equal(f->changes[1], 3);
	assert_int_equal(AT_LAST(ops->set(c, 2, &r)), -EACCES);
	assert_int_equal(AT_LAST(ops->enumerate(c, 2, 0, &r)), 0);
	assert_string_equal(r.key, "FullyQualifiedDomainName");
	assert_int_equal(AT_LAST(ops->get_ip(c, &ip)), -ENODEV);
	assert_int_equal(AT_LAST(ops->set_ip(c, &ip)), -ENOENT);
	assert_int_equal(f->changes[0] + f->changes[2] + f->changes[3], 0);
	assert_false(kvp_client_waits(c));
}

static void where_there_may_be_no_thread_the_loop_does_it(void **state)
{
	struct fixture *f = *state;

	f->w = kvp_worker_free(f->w);
	no_threads = true;
	worker_start(f);
	all_is_as_without_a_thread(state);
	no_threads = false;
	assert_true(by_loop);
	by_loop = false;
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
	assert_int_equal(AT_LAST(kvp_client_each(f->call, 1, count_record, &n)), 0);
	assert_int_equal(n, POOL_RECORDS_MAX);
	assert_int_equal(write(fd, &r, sizeof(r)), sizeof(r));
	assert_int_equal(AT_LAST(kvp_client_each(f->call, 1, count_record, &n)), -E2BIG);
	assert_int_equal(n, POOL_RECORDS_MAX);
	assert_int_equal(close(fd), 0);
}

static void what_cannot_be_made_is_told(void **state)
{
	struct fixture *f = *state;
	char path[128];
	int error;

	temp_dir_write(&f->dir, "file", "", 0);
	temp_dir_path(&f->dir, "file/pools", path, sizeof(path));
	f->options.pool_directory = path;
	f->w = kvp_worker_free(f->w);
	worker_start(f);
	/* By itself: nobody asks for anything. */
	for (int i = 0; i < 10000 && f->failures == 0; i++) {
		(void)usleep(1000);
		(void)sd_event_run(f->event, 0);
	}
	assert_int_equal(f->failures, 1);
	assert_int_equal(f->error, -ENOTDIR);
	assert_int_equal(AT_LAST(set(f->host, "one", "1")), -ENOTDIR);
	assert_int_equal(f->failures, 1);

	f->w = kvp_worker_free(f->w);
	f->options.root = "/nonexistent";
	assert_int_equal(kvp_worker_new(f->event, &f->options, &f->w, &error), -ENOENT);
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
	assert_int_equal(set(f->call, "one", "1"), -EAGAIN);
	assert_int_equal(set(f->call, "one", "1"), -EAGAIN);
	assert_true(kvp_client_waits(f->call));
	/* Nobody else gets at it, not even at what lies on no disk. */
	assert_int_equal(ops->get(f->host, 1, &r), -EAGAIN);
	assert_int_equal(ops->remove(f->host, 1, "one"), -EAGAIN);
	assert_int_equal(ops->enumerate(f->host, 2, 0, &r), -EAGAIN);
	assert_int_equal(ops->get_ip(f->host, &ip), -EAGAIN);
	assert_int_equal(ops->set_ip(f->host, &ip), -EAGAIN);
	assert_int_equal(kvp_client_each(f->name, 1, count_record, &n), -EAGAIN);
	assert_int_equal(f->changes[1], 0);
	ops->forget(f->host);
	ops->forget(f->name);
	assert_false(kvp_client_waits(f->host));

	thaw();
	assert_int_equal(AT_LAST(set(f->call, "one", "1")), 0);
	assert_int_equal(asked - before, 1);
	assert_int_equal(f->changes[1], 1);
	assert_value(f, "one", "1");
}

static void what_nobody_waits_for_is_done_all_the_same(void **state)
{
	struct fixture *f = *state;

	freeze();
	assert_int_equal(set(f->call, "one", "1"), -EAGAIN);
	ops->forget(f->call);
	thaw();
	/* It is told without a question. */
	rest(f);
	for (int i = 0; i < 10000 && f->changes[1] == 0; i++) {
		(void)usleep(1000);
		(void)sd_event_run(f->event, 0);
	}
	assert_int_equal(f->changes[1], 1);
	assert_value(f, "one", "1");
}

/* What has been given up is nobody's answer, and neither is another one's. */
static void everybody_has_his_own_answer(void **state)
{
	struct fixture *f = *state;
	char is[16];

	assert_int_equal(AT_LAST(set(f->host, "one", "old")), 0);
	freeze();
	assert_int_equal(get(f->call, "one", is), -EAGAIN);
	ops->forget(f->call);
	thaw();
	rest(f);
	assert_int_equal(AT_LAST(set(f->host, "one", "new")), 0);
	assert_int_equal(AT_LAST(get(f->call, "one", is)), 0);
	assert_string_equal(is, "new");

	/* Two who remove the same: the one that came first has done it. */
	freeze();
	assert_int_equal(ops->remove(f->host, 1, "one"), -EAGAIN);
	assert_int_equal(ops->remove(f->call, 1, "one"), -EAGAIN);
	thaw();
	assert_int_equal(AT_LAST(ops->remove(f->call, 1, "one")), -ENOENT);
	assert_int_equal(AT_LAST(ops->remove(f->host, 1, "one")), 0);

	/* And who changes his mind has the answer to the second question. */
	freeze();
	assert_int_equal(set(f->host, "one", "1"), -EAGAIN);
	assert_int_equal(set(f->host, "two", "2"), -EAGAIN);
	thaw();
	assert_int_equal(AT_LAST(set(f->host, "two", "2")), 0);
	assert_value(f, "one", "1");
	assert_value(f, "two", "2");
}

/* Who asks and asks, and takes no answer, keeps the host from nothing; and the host comes before him. */
static void the_host_comes_first(void **state)
{
	struct fixture *f = *state;
	char key[16], is[16];
	unsigned before;

	freeze();
	assert_int_equal(set(f->name, "zero", "0"), -EAGAIN);
	assert_int_equal(set(f->call, "one", "call"), -EAGAIN);
	assert_int_equal(set(f->host, "one", "host"), -EAGAIN);
	thaw();
	assert_int_equal(AT_LAST(set(f->call, "one", "call")), 0);
	/* He was served before. */
	assert_int_equal(set(f->host, "one", "host"), 0);
	assert_value(f, "one", "call");
	assert_int_equal(AT_LAST(set(f->name, "zero", "0")), 0);

	for (unsigned i = 0; i < 50; i++) {
		freeze();
		(void)snprintf(key, sizeof(key), "%u", i);
		assert_int_equal(get(f->call, key, is), -EAGAIN);
		before = asked;
		assert_int_equal(get(f->host, "one", is), -EAGAIN);
		thaw();
		/* It takes one question of his at most, however many he asks meanwhile. */
		while (get(f->host, "one", is) == -EAGAIN) {
			(void)snprintf(key, sizeof(key), "%u", asked);
			(void)get(f->call, key, is);
		}
		assert_in_range(asked - before, 1, 3);
		ops->forget(f->call);
		rest(f);
	}
}

static void a_list_that_comes_late_is_whole(void **state)
{
	struct fixture *f = *state;
	unsigned n = 0;

	assert_int_equal(AT_LAST(set(f->host, "one", "1")), 0);
	freeze();
	assert_int_equal(kvp_client_each(f->call, 1, count_record, &n), -EAGAIN);
	thaw();
	assert_int_equal(AT_LAST(kvp_client_each(f->call, 1, count_record, &n)), 0);
	assert_int_equal(n, 1);
}

static void a_start_does_not_wait_either(void **state)
{
	struct fixture *f = *state;
	char path[128];

	f->w = kvp_worker_free(f->w);
	/* So that making it looks at its lock. */
	freeze();
	worker_start(f);
	assert_int_equal(set(f->host, "one", "1"), -EAGAIN);
	thaw();
	assert_int_equal(AT_LAST(set(f->host, "one", "1")), 0);
	temp_dir_path(&f->dir, ".kvp_pool_4", path, sizeof(path));
	assert_int_equal(access(path, F_OK), 0);
}

/* What went wrong then is told when it is known, whoever asks for something. */
static void a_late_start_tells_what_went_wrong(void **state)
{
	struct fixture *f = *state;
	char path[128];

	temp_dir_path(&f->dir, ".kvp_pool_4", path, sizeof(path));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	f->w = kvp_worker_free(f->w);
	freeze();
	worker_start(f);
	assert_int_equal(f->failures, 0);
	thaw();
	for (int i = 0; i < 10000 && f->failures == 0; i++) {
		(void)usleep(1000);
		(void)sd_event_run(f->event, 0);
	}
	assert_int_equal(f->failures, 1);
	assert_int_equal(f->error, -EISDIR);
}

/* What is left behind is safe, whatever it does later. */
static void who_is_left_behind_does_no_harm(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct kvp_record r;
	int fd;

	freeze();
	assert_int_equal(set(f->host, "one", "1"), -EAGAIN);
	f->w = kvp_worker_free(f->w);
	thaw();
	temp_dir_path(&f->dir, ".kvp_pool_1", path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (int i = 0; i < 10000 && pread(fd, &r, sizeof(r), 0) != sizeof(r); i++)
		(void)usleep(1000);
	assert_int_equal(close(fd), 0);
	assert_string_equal(r.value, "1");
	/* For who looks for what is not given free. */
	(void)usleep(100000);
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
	assert_int_equal(AT_LAST(kvp_client_each(f->call, 2, count_record, &n)), 0);
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
		WORKER_TEST(where_there_may_be_no_thread_the_loop_does_it),
		WORKER_TEST(a_list_is_of_a_thousand_at_most),
		WORKER_TEST(what_cannot_be_made_is_told),
		WORKER_TEST(nobody_waits_for_a_frozen_disk),
		WORKER_TEST(what_nobody_waits_for_is_done_all_the_same),
		WORKER_TEST(everybody_has_his_own_answer),
		WORKER_TEST(the_host_comes_first),
		WORKER_TEST(a_list_that_comes_late_is_whole),
		WORKER_TEST(a_start_does_not_wait_either),
		WORKER_TEST(a_late_start_tells_what_went_wrong),
		WORKER_TEST(who_is_left_behind_does_no_harm),
	};

	return cmocka_run_group_tests_name("kvp_worker", tests, NULL, NULL);
}
