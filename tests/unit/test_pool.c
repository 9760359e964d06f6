/* SPDX-License-Identifier: GPL-2.0-only */
/* The pool files, as the programs that share them see them. */
#include "daemon/pool.h"

#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/unit/alloc_count.h"
#include "tests/unit/temp_dir.h"

/* azure-init doc/kvp.md and Linux hv_kvp_daemon.c, not the library's numbers. */
#define KEY 512
#define VALUE 2048
#define RECORD 2560
#define FILE_NAME ".kvp_pool_1"

static uint8_t image[1100 * RECORD], before[1100 * RECORD];

/* --- what the tests make happen inside an operation --- */

static void (*before_flock)(void);

int flock(int fd, int operation)
{
	void (*hook)(void) = before_flock;

	before_flock = NULL;
	if (hook)
		hook();
	return (int)syscall(SYS_flock, fd, operation);
}

/* Counts down at each write; at the last one the process ends, `crash_part` bytes into it. */
static int crash_in = -1;
static size_t crash_part;

ssize_t pwrite(int fd, const void *from, size_t size, off_t offset)
{
	if (crash_in > 0 && --crash_in == 0) {
		/* A key is one 512-byte block: all or nothing. */
		size_t part = size <= KEY ? 0 : crash_part;

		if (part > 0)
			(void)!syscall(SYS_pwrite64, fd, from, part, offset);
		_exit(1);
	}
	return syscall(SYS_pwrite64, fd, from, size, offset);
}

/* --- helpers --- */

struct fixture {
	struct temp_dir dir;
	struct pool *pool;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->dir = temp_dir_new();
	assert_int_equal(pool_new(f->dir.path, 1, POOL_SHARED, &f->pool), 0);
	assert_int_equal(pool_create(f->pool), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	pool_free(f->pool);
	temp_dir_done(&f->dir);
	free(f);
	return 0;
}

static int set(struct pool *p, const char *key, const char *value)
{
	struct kvp_record r;

	memset(&r, 0xee, sizeof(r)); /* what is behind the NUL must not get into the file */
	strcpy(r.key, key);
	strcpy(r.value, value);
	return pool_set(p, &r);
}

static void assert_value(struct pool *p, const char *key, const char *value)
{
	struct kvp_record r;

	memset(&r, 0xee, sizeof(r));
	strcpy(r.key, key);
	assert_int_equal(pool_get(p, &r), 0);
	assert_string_equal(r.value, value);
	for (size_t i = strlen(value); i < sizeof(r.value); i++)
		assert_int_equal(r.value[i], 0);
}

static int get_result(struct pool *p, const char *key)
{
	struct kvp_record r;

	strcpy(r.key, key);
	return pool_get(p, &r);
}

/* One record of an image, as other programs write it. */
static void put_record(uint8_t *at, const char *key, const char *value)
{
	memset(at, 0, RECORD);
	memcpy(at, key, strlen(key));
	memcpy(at + KEY, value, strlen(value));
}

static void write_keys(const struct fixture *f, const char *const *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_record(image + i * RECORD, keys[i], keys[i]);
	temp_dir_write(&f->dir, FILE_NAME, image, n * RECORD);
}

/* The file holds exactly these keys, each with its own name as its value, zero padded. */
static void assert_keys(const struct fixture *f, const char *const *keys, size_t n)
{
	size_t size = temp_dir_read(&f->dir, FILE_NAME, image, sizeof(image));
	uint8_t expected[RECORD];

	assert_int_equal(size, n * RECORD);
	for (size_t i = 0; i < n; i++) {
		put_record(expected, keys[i], keys[i]);
		assert_memory_equal(image + i * RECORD, expected, RECORD);
	}
}

static int exit_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* --- the file --- */

static void a_new_file_is_0644_whatever_the_umask(void **state)
{
	struct fixture *f = *state;
	char path[256];
	struct stat st;
	mode_t old = umask(077);
	struct pool *p = NULL;

	assert_int_equal(pool_new(f->dir.path, 3, POOL_SHARED, &p), 0);
	assert_int_equal(pool_create(p), 0);
	(void)umask(old);
	temp_dir_path(&f->dir, ".kvp_pool_3", path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(st.st_size, 0);
	assert_null(pool_free(p));
}

static void an_existing_file_is_left_as_it_is(void **state)
{
	static const char *const keys[] = { "b", "a", "c" };
	struct fixture *f = *state;
	char path[256];
	struct stat was, is;

	write_keys(f, keys, ARRAY_LEN(keys));
	temp_dir_path(&f->dir, FILE_NAME, path, sizeof(path));
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(stat(path, &was), 0);
	assert_int_equal(pool_create(f->pool), 0);
	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_mode, S_IFREG | 0600);
	assert_int_equal(is.st_ino, was.st_ino);
	assert_memory_equal(&is.st_mtim, &was.st_mtim, sizeof(is.st_mtim));
	assert_keys(f, keys, ARRAY_LEN(keys));
	/* Nor does work on it change its mode or its place. */
	assert_int_equal(set(f->pool, "d", "d"), 0);
	assert_int_equal(pool_remove(f->pool, "b"), 0);
	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_mode, S_IFREG | 0600);
	assert_int_equal(is.st_ino, was.st_ino);
}

static void records_keep_their_order(void **state)
{
	static const char *const keys[] = { "z", "m", "a", "q" };
	static const char *const left[] = { "m", "a", "q" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_int_equal(set(f->pool, keys[i], "first"), 0);
	for (size_t i = ARRAY_LEN(keys); i-- > 0;)
		assert_int_equal(set(f->pool, keys[i], keys[i]), 0);
	assert_keys(f, keys, ARRAY_LEN(keys));
	assert_int_equal(pool_remove(f->pool, "z"), 0);
	assert_keys(f, left, ARRAY_LEN(left));
	assert_int_equal(pool_remove(f->pool, "z"), -ENOENT);
	assert_int_equal(pool_remove(f->pool, "q"), 0);
	assert_keys(f, left, 2);
	assert_int_equal(get_result(f->pool, "q"), -ENOENT);
}

static void two_hundred_and_fifty_records(void **state)
{
	struct fixture *f = *state;
	struct kvp_record r;
	char key[32], value[32];
	uint32_t index = 0;

	for (int i = 0; i < 250; i++) {
		(void)snprintf(key, sizeof(key), "key %d", i);
		(void)snprintf(value, sizeof(value), "value %d", i * i);
		assert_int_equal(set(f->pool, key, value), 0);
	}
	for (int i = 0; i < 250; i += 7) {
		(void)snprintf(key, sizeof(key), "key %d", i);
		assert_int_equal(pool_remove(f->pool, key), 0);
	}
	for (int i = 0; i < 250; i++) {
		(void)snprintf(key, sizeof(key), "key %d", i);
		(void)snprintf(value, sizeof(value), "value %d", i * i);
		if (i % 7 == 0) {
			assert_int_equal(get_result(f->pool, key), -ENOENT);
			continue;
		}
		assert_value(f->pool, key, value);
		assert_int_equal(pool_enumerate(f->pool, index++, &r), 0);
		assert_string_equal(r.key, key);
		assert_string_equal(r.value, value);
	}
	memset(&r, 0x11, sizeof(r));
	assert_int_equal(pool_enumerate(f->pool, index, &r), -ENODATA);
	assert_int_equal(pool_enumerate(f->pool, UINT32_MAX, &r), -ENODATA);
	assert_int_equal(r.key[0], 0x11);
}

static void the_first_of_duplicates_counts_and_remove_takes_all(void **state)
{
	static const char *const keys[] = { "dup", "a", "dup", "b", "dup", "dup" };
	static const char *const left[] = { "a", "b" };
	struct fixture *f = *state;

	write_keys(f, keys, ARRAY_LEN(keys));
	put_record(image, "dup", "one");
	put_record(image + 2 * RECORD, "dup", "two");
	temp_dir_write(&f->dir, FILE_NAME, image, ARRAY_LEN(keys) * RECORD);
	assert_value(f->pool, "dup", "one");
	assert_int_equal(set(f->pool, "dup", "new"), 0);
	assert_value(f->pool, "dup", "new");
	assert_int_equal(temp_dir_read(&f->dir, FILE_NAME, image, sizeof(image)), 6 * RECORD);
	assert_string_equal((char *)image + KEY, "new");
	assert_string_equal((char *)image + 2 * RECORD + KEY, "two");
	assert_int_equal(pool_remove(f->pool, "dup"), 0);
	assert_keys(f, left, ARRAY_LEN(left));
}

static void what_others_wrote_is_taken_bounded(void **state)
{
	struct fixture *f = *state;
	struct kvp_record r;
	char key[KEY];

	memset(image, 'k', KEY); /* no NUL in either */
	memset(image + KEY, 'v', VALUE);
	put_record(image + RECORD, "stale", "short");
	memset(image + RECORD + 6, 's', KEY - 6);
	memset(image + RECORD + KEY + 6, 't', VALUE - 6);
	put_record(image + 2 * RECORD, "\xff\xfe\x80", "\xc3");
	temp_dir_write(&f->dir, FILE_NAME, image, 3 * RECORD);

	memset(&r, 0x11, sizeof(r));
	assert_int_equal(pool_enumerate(f->pool, 0, &r), 0);
	assert_int_equal(strnlen(r.key, KEY), KEY - 1);
	assert_int_equal(strnlen(r.value, VALUE), VALUE - 1);
	memset(&r, 0x11, sizeof(r));
	assert_int_equal(pool_enumerate(f->pool, 1, &r), 0);
	put_record(before, "stale", "short");
	assert_memory_equal(&r, before, RECORD);
	assert_value(f->pool, "stale", "short");
	assert_value(f->pool, "\xff\xfe\x80", "\xc3");
	/* As it was enumerated, so it is found; and a change leaves nothing stale behind. */
	memset(key, 'k', sizeof(key));
	key[KEY - 1] = '\0';
	assert_int_equal(set(f->pool, "stale", "x"), 0);
	assert_int_equal(temp_dir_read(&f->dir, FILE_NAME, image, sizeof(image)), 3 * RECORD);
	put_record(before, "stale", "x");
	assert_memory_equal(image + RECORD, before, RECORD);
	assert_int_equal(pool_remove(f->pool, key), 0);
	assert_int_equal(pool_enumerate(f->pool, 0, &r), 0);
	assert_string_equal(r.key, "stale");
	/* A prefix of a key is not the key. */
	assert_int_equal(get_result(f->pool, "stal"), -ENOENT);
	assert_int_equal(get_result(f->pool, "stale "), -ENOENT);
}

static void a_torn_tail_is_no_record(void **state)
{
	static const char *const keys[] = { "a", "b", "c" };
	static const char *const left[] = { "b", "d" };
	struct fixture *f = *state;
	struct kvp_record r;

	for (size_t torn = 1; torn < RECORD; torn += 401) {
		write_keys(f, keys, ARRAY_LEN(keys));
		temp_dir_write(&f->dir, FILE_NAME, image, 2 * RECORD + torn);
		assert_int_equal(get_result(f->pool, "c"), -ENOENT);
		assert_int_equal(pool_enumerate(f->pool, 1, &r), 0);
		assert_int_equal(pool_enumerate(f->pool, 2, &r), -ENODATA);
		assert_int_equal(set(f->pool, "d", "d"), 0);
		assert_int_equal(pool_remove(f->pool, "a"), 0);
		assert_keys(f, left, ARRAY_LEN(left));
	}
}

static void a_pool_does_not_grow_beyond_its_limit(void **state)
{
	struct fixture *f = *state;
	struct kvp_record r;
	char path[256];

	for (size_t i = 0; i < 1024; i++) {
		char key[32];

		(void)snprintf(key, sizeof(key), "%zu", i);
		put_record(image + i * RECORD, key, "x");
	}
	temp_dir_write(&f->dir, FILE_NAME, image, 1023 * RECORD);
	assert_int_equal(set(f->pool, "1023", "x"), 0);
	assert_int_equal(set(f->pool, "one more", "x"), -ENOSPC);
	assert_int_equal(temp_dir_read(&f->dir, FILE_NAME, before, sizeof(before)), 1024 * RECORD);
	assert_memory_equal(image, before, 1024 * RECORD);
	assert_int_equal(set(f->pool, "1023", "y"), 0);
	assert_value(f->pool, "1023", "y");
	/* Others may have gone beyond: their records are served, and can be removed. */
	put_record(image + 1024 * RECORD, "theirs", "x");
	temp_dir_write(&f->dir, FILE_NAME, image, 1025 * RECORD);
	assert_value(f->pool, "theirs", "x");
	assert_int_equal(pool_remove(f->pool, "0"), 0);
	assert_value(f->pool, "theirs", "x");
	/* But nobody reads through a terabyte. */
	temp_dir_path(&f->dir, FILE_NAME, path, sizeof(path));
	assert_int_equal(truncate(path, (off_t)1 << 40), 0);
	assert_int_equal(get_result(f->pool, "none"), -EFBIG);
	assert_int_equal(pool_enumerate(f->pool, 1, &r), -EFBIG);
	assert_int_equal(set(f->pool, "a", "a"), -EFBIG);
}

/* --- locks --- */

/* --- all at once --- */

struct listing {
	unsigned n, stop_at;
	char keys[1024];
	const struct fixture *held_by; /* whose file must be locked meanwhile */
};

static int list_one(void *user, const struct kvp_record *record)
{
	struct listing *l = user;

	if (l->held_by) {
		char path[256];
		int fd;

		temp_dir_path(&l->held_by->dir, FILE_NAME, path, sizeof(path));
		fd = open(path, O_RDWR | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
		assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
		assert_int_equal(close(fd), 0);
	}
	if (l->n < 40)
		memcpy(l->keys + strlen(l->keys), record->key, strnlen(record->key, 8));
	return ++l->n == l->stop_at ? 77 : 0;
}

static void all_records_are_handed_on_in_order_under_one_lock(void **state)
{
	static const char *const keys[] = { "a", "b", "c", "b" };
	struct fixture *f = *state;
	struct listing all = { .held_by = f }, none = { 0 }, two = { .stop_at = 2 };

	assert_int_equal(pool_each(f->pool, list_one, &none), 0);
	assert_int_equal(none.n, 0);
	write_keys(f, keys, ARRAY_LEN(keys));
	assert_int_equal(pool_each(f->pool, list_one, &all), 0);
	assert_string_equal(all.keys, "abcb");
	assert_int_equal(pool_each(f->pool, list_one, &two), 77);
	assert_int_equal(two.n, 2);
}

/* More than are read at once, the last block not full, and a torn record at the end. */
static void a_long_pool_is_handed_on_whole(void **state)
{
	struct fixture *f = *state;
	struct listing all = { 0 }, some = { .stop_at = 17 };

	for (unsigned i = 0; i < 100; i++)
		put_record(image + (size_t)i * RECORD, (const char[]){ (char)('0' + i % 10), '\0' }, "v");
	temp_dir_write(&f->dir, FILE_NAME, image, 100 * RECORD + 7);
	assert_int_equal(pool_each(f->pool, list_one, &all), 0);
	assert_int_equal(all.n, 100);
	assert_string_equal(all.keys, "0123456789012345678901234567890123456789");
	assert_int_equal(pool_each(f->pool, list_one, &some), 77);
	assert_int_equal(some.n, 17);
}

static void what_is_handed_on_ends_within_its_field(void **state)
{
	struct fixture *f = *state;
	struct listing all = { 0 };

	memset(image, 'x', RECORD);
	temp_dir_write(&f->dir, FILE_NAME, image, RECORD);
	assert_int_equal(pool_each(f->pool, list_one, &all), 0);
	assert_int_equal(all.n, 1);
	assert_string_equal(all.keys, "xxxxxxxx");
}

static void assert_all(struct pool *p, int read, int write)
{
	struct kvp_record r;

	assert_int_equal(get_result(p, "a"), read);
	assert_int_equal(pool_enumerate(p, 0, &r), read);
	assert_int_equal(pool_each(p, list_one, &(struct listing){ 0 }), read);
	assert_int_equal(set(p, "a", "a"), write);
	assert_int_equal(pool_remove(p, "gone"), write == 0 ? -ENOENT : write);
}

static void a_flock_is_respected(void **state)
{
	static const char *const keys[] = { "a", "b" };
	struct fixture *f = *state;
	char path[256];
	int fd;

	write_keys(f, keys, ARRAY_LEN(keys));
	temp_dir_path(&f->dir, FILE_NAME, path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_all(f->pool, -EAGAIN, -EAGAIN);
	assert_int_equal(pool_create(f->pool), 0); /* it is there */
	assert_int_equal(flock(fd, LOCK_SH), 0);
	assert_all(f->pool, 0, -EAGAIN);
	assert_keys(f, keys, ARRAY_LEN(keys));
	assert_int_equal(close(fd), 0);
	assert_all(f->pool, 0, 0);
}

/* The stock daemon's lock belongs to its process, so it takes another process to hold it. */
static void a_posix_lock_is_respected(void **state)
{
	static const short types[] = { F_WRLCK, F_RDLCK };
	static const char *const keys[] = { "a", "b" };
	struct fixture *f = *state;
	char path[256], byte;

	write_keys(f, keys, ARRAY_LEN(keys));
	temp_dir_path(&f->dir, FILE_NAME, path, sizeof(path));
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		int locked[2], done[2];
		pid_t pid;

		assert_int_equal(pipe(locked), 0);
		assert_int_equal(pipe(done), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			struct flock l = { .l_type = types[i] };
			int fd = open(path, O_RDWR);

			close(done[1]);
			if (fd < 0 || fcntl(fd, F_SETLK, &l) < 0)
				_exit(2);
			(void)!write(locked[1], "x", 1);
			(void)!read(done[0], &byte, 1);
			_exit(0);
		}
		assert_int_equal(read(locked[0], &byte, 1), 1);
		assert_all(f->pool, i == 0 ? -EAGAIN : 0, -EAGAIN);
		close(done[1]);
		assert_int_equal(exit_status(pid), 0);
		assert_all(f->pool, 0, 0);
		close(locked[0]);
		close(locked[1]);
		close(done[0]);
	}
}

static void lock_whole(int fd, bool with_flock)
{
	struct flock l = { .l_type = F_WRLCK };
	int r;

	do
		r = with_flock ? flock(fd, LOCK_EX) : fcntl(fd, F_SETLKW, &l);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		_exit(2);
}

#define WRITER_RECORDS 60

/* Rewrites the whole file with one record more, as the stock daemon does: truncated first, under
 * its lock, and slowly. */
static void append_rewriting(const char *path, char name, bool with_flock)
{
	for (int i = 0; i < WRITER_RECORDS; i++) {
		int fd = open(path, O_RDWR | O_CLOEXEC);
		char key[32];
		ssize_t n;

		if (fd < 0)
			_exit(3);
		lock_whole(fd, with_flock);
		n = pread(fd, image, sizeof(image), 0);
		if (n < 0 || n % RECORD != 0)
			_exit(4);
		(void)snprintf(key, sizeof(key), "%c %d", name, i);
		put_record(image + n, key, "x");
		if (ftruncate(fd, 0) < 0)
			_exit(5);
		usleep(300);
		if (write(fd, image, (size_t)n + RECORD) != n + RECORD)
			_exit(6);
		close(fd);
		usleep(300);
	}
	_exit(0);
}

/* Works against one kind of writer at a time: writers that use different locks do not exclude each
 * other, and would lose records without our help. */
static void write_beside(struct fixture *f, bool with_flock)
{
	char path[256], key[32];
	int status = 0, waiting = 1, n_ours = 0;
	pid_t pid;

	temp_dir_write(&f->dir, FILE_NAME, "", 0);
	temp_dir_path(&f->dir, FILE_NAME, path, sizeof(path));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		append_rewriting(path, 'w', with_flock);
	while (waiting) {
		int r;

		(void)snprintf(key, sizeof(key), "ours %d", n_ours);
		r = set(f->pool, key, "x");
		assert_true(r == 0 || r == -EAGAIN);
		if (r == 0) {
			/* Take every third away again, from the middle of the file. */
			while (n_ours % 3 == 2 && (r = pool_remove(f->pool, key)) == -EAGAIN)
				;
			assert_int_equal(r, 0);
			n_ours++;
		}
		if (n_ours > 800)
			usleep(1000);
		usleep(100);
		waiting = waitpid(pid, &status, WNOHANG) == 0;
		n_ours -= n_ours > 800;
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	for (int i = 0; i < WRITER_RECORDS; i++) {
		(void)snprintf(key, sizeof(key), "w %d", i);
		assert_value(f->pool, key, "x");
	}
	assert_true(n_ours > 2);
	for (int i = 0; i < n_ours; i++) {
		(void)snprintf(key, sizeof(key), "ours %d", i);
		assert_int_equal(get_result(f->pool, key), i % 3 == 2 ? -ENOENT : 0);
	}
}

static void no_record_is_lost_beside_a_writer_with_flock(void **state)
{
	write_beside(*state, true);
}

static void no_record_is_lost_beside_a_writer_with_fcntl(void **state)
{
	write_beside(*state, false);
}

/* --- replaced, deleted, not a file --- */

static const struct fixture *replaced;

static void replace_file(void)
{
	static const char *const keys[] = { "new" };
	char from[256], to[256];

	put_record(image, keys[0], keys[0]);
	temp_dir_write(&replaced->dir, "other", image, RECORD);
	temp_dir_path(&replaced->dir, "other", from, sizeof(from));
	temp_dir_path(&replaced->dir, FILE_NAME, to, sizeof(to));
	assert_int_equal(rename(from, to), 0);
}

static void a_replaced_file_is_noticed(void **state)
{
	static const char *const both[] = { "new", "ours" };
	struct fixture *f = *state;

	assert_int_equal(set(f->pool, "old", "old"), 0);
	replaced = f;
	replace_file();
	assert_value(f->pool, "new", "new");
	assert_int_equal(get_result(f->pool, "old"), -ENOENT);

	/* Between opening and locking. */
	before_flock = replace_file;
	assert_int_equal(set(f->pool, "ours", "ours"), 0);
	assert_null(before_flock);
	assert_keys(f, both, ARRAY_LEN(both));
}

static void append_theirs(void)
{
	char path[256];
	int fd;

	put_record(image, "theirs", "theirs");
	temp_dir_path(&replaced->dir, FILE_NAME, path, sizeof(path));
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, image, RECORD), RECORD);
	assert_int_equal(close(fd), 0);
}

static void what_came_before_the_lock_is_seen(void **state)
{
	static const char *const keys[] = { "theirs", "ours" };
	struct fixture *f = *state;

	replaced = f;
	before_flock = append_theirs;
	assert_int_equal(set(f->pool, "ours", "ours"), 0);
	assert_keys(f, keys, ARRAY_LEN(keys));
}

static void replace_again(void)
{
	replace_file();
	before_flock = replace_again;
}

static void a_file_that_is_always_replaced_is_for_later(void **state)
{
	struct fixture *f = *state;

	replaced = f;
	before_flock = replace_again;
	assert_int_equal(set(f->pool, "ours", "ours"), -EAGAIN);
	before_flock = NULL;
}

static void delete_file(void)
{
	char path[256];

	temp_dir_path(&replaced->dir, FILE_NAME, path, sizeof(path));
	assert_int_equal(unlink(path), 0);
}

static void a_deleted_file_is_made_again_by_a_write(void **state)
{
	static const char *const keys[] = { "a" };
	struct fixture *f = *state;
	struct kvp_record r;
	struct stat st;
	char path[256];

	assert_int_equal(set(f->pool, "old", "old"), 0);
	replaced = f;
	delete_file();
	assert_int_equal(get_result(f->pool, "old"), -ENOENT);
	assert_int_equal(pool_enumerate(f->pool, 0, &r), -ENODATA);
	assert_int_equal(pool_remove(f->pool, "old"), -ENOENT);
	temp_dir_path(&f->dir, FILE_NAME, path, sizeof(path));
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(set(f->pool, "b", "b"), 0);
	before_flock = delete_file;
	assert_int_equal(set(f->pool, "a", "a"), 0);
	assert_keys(f, keys, ARRAY_LEN(keys));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
}

static void what_is_no_regular_file_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[256], target[256];

	temp_dir_path(&f->dir, FILE_NAME, path, sizeof(path));
	temp_dir_path(&f->dir, "target", target, sizeof(target));
	temp_dir_put(&f->dir, "target", "precious");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("target", path), 0);
	assert_all(f->pool, -ELOOP, -ELOOP);
	assert_int_equal(pool_create(f->pool), -ELOOP);
	assert_int_equal(temp_dir_read(&f->dir, "target", image, sizeof(image)), 8);

	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("nowhere", path), 0);
	assert_all(f->pool, -ELOOP, -ELOOP);
	assert_int_equal(pool_create(f->pool), -ELOOP);

	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_all(f->pool, -EISDIR, -EISDIR);

	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_all(f->pool, -ENOTSUP, -ENOTSUP);
}

/* --- trouble --- */

static void assert_unchanged(const struct fixture *f, size_t size)
{
	assert_int_equal(temp_dir_read(&f->dir, FILE_NAME, image, sizeof(image)), size);
	assert_memory_equal(image, before, size);
}

/* Seven records and a torn tail in `before` and in the file. */
static size_t write_seven(const struct fixture *f)
{
	static const char *const keys[] = { "0", "1", "2", "3", "4", "5", "6", "torn" };
	size_t size = 7 * RECORD + 1000;

	write_keys(f, keys, ARRAY_LEN(keys));
	memset(image + 7 * RECORD + 600, 't', 400);
	memcpy(before, image, size);
	temp_dir_write(&f->dir, FILE_NAME, before, size);
	return size;
}

static void limit_size(rlim_t bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };

	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_write_that_fails_leaves_the_file_as_it_was(void **state)
{
	struct fixture *f = *state;
	size_t size = write_seven(f);
	int set_old, set_new, removed;

	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	/* The writes end in the torn tail; in a record; in the middle of moving records. */
	limit_size(7 * RECORD + 1500);
	set_new = set(f->pool, "new", "value");
	limit_size(4 * RECORD + 700);
	set_old = set(f->pool, "4", "value");
	removed = pool_remove(f->pool, "1");
	limit_size(RLIM_INFINITY);
	assert_int_equal(set_new, -EFBIG);
	assert_int_equal(set_old, -EFBIG);
	assert_int_equal(removed, -EFBIG);
	assert_unchanged(f, size);
}

static bool put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* As root, or as a user who may make namespaces: it is root there, or could make no file. */
static bool enter_mount_namespace(void)
{
	char uids[32], gids[32];

	(void)snprintf(uids, sizeof(uids), "0 %u 1", (unsigned)getuid());
	(void)snprintf(gids, sizeof(gids), "0 %u 1", (unsigned)getgid());
	if (unshare(CLONE_NEWNS) < 0 &&
	    (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
	     !put_file("/proc/self/uid_map", uids) || !put_file("/proc/self/setgroups", "deny") ||
	     !put_file("/proc/self/gid_map", gids)))
		return false;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* In a mount namespace of its own, on a file system of two pages. 0, or the line that failed. */
static int on_a_full_disk(const struct fixture *f)
{
	if (mount("none", f->dir.path, "tmpfs", 0, "size=8192") < 0)
		return 77;
	if (set(f->pool, "0", "a") != 0 || set(f->pool, "1", "b") != 0 ||
	    set(f->pool, "2", "c") != 0)
		return __LINE__ & 0xff;
	if (set(f->pool, "3", "d") != -ENOSPC)
		return __LINE__ & 0xff;
	if (temp_dir_read(&f->dir, FILE_NAME, image, sizeof(image)) != 3 * RECORD)
		return __LINE__ & 0xff;
	if (get_result(f->pool, "2") != 0 || set(f->pool, "1", "bb") != 0)
		return __LINE__ & 0xff;
	if (mount(NULL, f->dir.path, NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		return 77;
	if (get_result(f->pool, "1") != 0 || set(f->pool, "1", "x") != -EROFS ||
	    pool_remove(f->pool, "1") != -EROFS)
		return __LINE__ & 0xff;
	return 0;
}

static void a_full_and_a_read_only_disk(void **state)
{
	struct fixture *f = *state;
	pid_t pid = fork();
	int r;

	assert_true(pid >= 0);
	if (pid == 0) {
		_exit(enter_mount_namespace() ? on_a_full_disk(f) : 77);
	}
	r = exit_status(pid);
	if (r == 77) {
		print_message("SKIPPED: no mount namespace here\n");
		skip();
	}
	assert_int_equal(r, 0);
}

/* Ends a removal at each of its writes, and within them: every other record must be whole. */
static void a_crash_while_removing_loses_no_other_record(void **state)
{
	static const size_t parts[] = { 0, 1, 512, 1000, 2047 };
	struct fixture *f = *state;
	int crashes = 0;

	for (int at = 1;; at++) {
		int crashed = 0;

		for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
			pid_t pid;

			(void)write_seven(f);
			pid = fork();
			assert_true(pid >= 0);
			if (pid == 0) {
				crash_in = at;
				crash_part = parts[i];
				_exit(pool_remove(f->pool, "2") == 0 ? 0 : 2);
			}
			crashed = exit_status(pid);
			assert_true(crashed <= 1);
			for (const char *key = "013456"; *key != '\0'; key++)
				assert_value(f->pool, (char[]){ *key, 0 }, (char[]){ *key, 0 });
		}
		if (!crashed)
			break;
		crashes++;
	}
	assert_int_equal(crashes, 8); /* four records moved, two writes each */
	assert_int_equal(get_result(f->pool, "2"), -ENOENT);
}

/* --- dry run, memory --- */

static void a_private_pool_leaves_the_disk_alone(void **state)
{
	static const char *const keys[] = { "a", "b", "later" };
	struct fixture *f = *state;
	struct pool *p = NULL, *missing = NULL;
	struct stat st;
	char path[256];

	write_keys(f, keys, 2);
	assert_int_equal(pool_new(f->dir.path, 1, POOL_PRIVATE, &p), 0);
	assert_int_equal(pool_create(p), 0);
	assert_value(p, "a", "a");
	write_keys(f, keys, 3);
	assert_value(p, "later", "later"); /* the file is followed until the first write */
	assert_int_equal(set(p, "a", "changed"), 0);
	assert_int_equal(set(p, "c", "c"), 0);
	assert_int_equal(pool_remove(p, "b"), 0);
	assert_value(p, "a", "changed");
	assert_value(p, "c", "c");
	assert_int_equal(get_result(p, "b"), -ENOENT);
	assert_keys(f, keys, 3);
	pool_free(p);

	assert_int_equal(pool_new(f->dir.path, 4, POOL_PRIVATE, &missing), 0);
	assert_int_equal(pool_create(missing), 0);
	assert_int_equal(get_result(missing, "a"), -ENOENT);
	assert_int_equal(set(missing, "a", "b"), 0);
	assert_value(missing, "a", "b");
	pool_free(missing);
	temp_dir_path(&f->dir, ".kvp_pool_4", path, sizeof(path));
	assert_int_equal(stat(path, &st), -1);
}

static void no_operation_allocates(void **state)
{
	struct fixture *f = *state;
	struct kvp_record r;
	size_t allocated;
	int failed = 0;

	alloc_count_check();
	allocated = alloc_count;
	for (int i = 0; i < 40; i++) {
		r = (struct kvp_record){ .key = { (char)('A' + i) }, .value = "x" };
		failed |= pool_set(f->pool, &r);
		failed |= pool_get(f->pool, &r);
		failed |= pool_enumerate(f->pool, (uint32_t)i / 2, &r);
		if (i % 2)
			failed |= pool_remove(f->pool, r.key);
	}
	assert_int_equal(alloc_count, allocated);
	assert_int_equal(failed, 0);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
	static char path[5000];
	struct pool *p = NULL;

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	assert_int_equal(pool_new(path, 0, POOL_SHARED, &p), -ENAMETOOLONG);
	assert_null(p);
	assert_null(pool_free(NULL));
}

int main(void)
{
#define POOL_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		POOL_TEST(a_new_file_is_0644_whatever_the_umask),
		POOL_TEST(an_existing_file_is_left_as_it_is),
		POOL_TEST(records_keep_their_order),
		POOL_TEST(two_hundred_and_fifty_records),
		POOL_TEST(the_first_of_duplicates_counts_and_remove_takes_all),
		POOL_TEST(what_others_wrote_is_taken_bounded),
		POOL_TEST(a_torn_tail_is_no_record),
		POOL_TEST(a_pool_does_not_grow_beyond_its_limit),
		POOL_TEST(all_records_are_handed_on_in_order_under_one_lock),
		POOL_TEST(a_long_pool_is_handed_on_whole),
		POOL_TEST(what_is_handed_on_ends_within_its_field),
		POOL_TEST(a_flock_is_respected),
		POOL_TEST(a_posix_lock_is_respected),
		POOL_TEST(no_record_is_lost_beside_a_writer_with_flock),
		POOL_TEST(no_record_is_lost_beside_a_writer_with_fcntl),
		POOL_TEST(a_replaced_file_is_noticed),
		POOL_TEST(what_came_before_the_lock_is_seen),
		POOL_TEST(a_file_that_is_always_replaced_is_for_later),
		POOL_TEST(a_deleted_file_is_made_again_by_a_write),
		POOL_TEST(what_is_no_regular_file_is_refused),
		POOL_TEST(a_write_that_fails_leaves_the_file_as_it_was),
		POOL_TEST(a_full_and_a_read_only_disk),
		POOL_TEST(a_crash_while_removing_loses_no_other_record),
		POOL_TEST(a_private_pool_leaves_the_disk_alone),
		POOL_TEST(no_operation_allocates),
		cmocka_unit_test(a_path_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
