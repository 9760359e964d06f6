/* SPDX-License-Identifier: GPL-2.0-only */
/* What one process puts into the service manager's store the next one takes out: each in a process of its own. */
#include "daemon/store.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/fake_manager.h"
#include "tests/unit/harness.h"

static const struct log silent = { .max_level = -1 };

/* In a child a test cannot fail; the process can. */
#define REQUIRE(holds)                                                                              \
	do {                                                                                        \
		if (!(holds)) {                                                                     \
			(void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds);   \
			_exit(1);                                                                   \
		}                                                                                   \
	} while (0)

static void live(struct fake_manager *m, void (*life)(struct store *s))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct store *s = NULL;
		struct notify *notify = NULL;
		sd_event *event = NULL;

		REQUIRE(fake_manager_enter(m));
		REQUIRE(sd_event_new(&event) >= 0 && notify_new(event, &silent, &notify) == 0);
		REQUIRE(store_new(notify, &silent, &s) == 0 && s);
		life(s);
		REQUIRE(!store_free(s) && !notify_free(notify));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fake_manager_listen(m);
}

static struct fake_manager manager_new(void)
{
	struct fake_manager m;

	assert_true(fake_manager_init(&m));
	return m;
}

/* A file with this text, by its descriptor. */
static int memory(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	REQUIRE(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

static bool has_text(int fd, const char *text)
{
	char is[64] = "";

	return fd >= 0 && pread(fd, is, sizeof(is) - 1, 0) >= 0 && strcmp(is, text) == 0;
}

static unsigned descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* --- one life and the next --- */

static void put_two(struct store *s)
{
	int one = memory("one"), two = memory("two");

	REQUIRE(store_take(s, "test.one") == -ENOENT);
	store_put(s, "test.one", one);
	store_put(s, "test.two", two);
	REQUIRE(has_text(one, "one")); /* still ours */
}

static void take_two(struct store *s)
{
	int one = store_take(s, "test.one"), two = store_take(s, "test.two");

	REQUIRE(has_text(one, "one") && has_text(two, "two"));
	REQUIRE(fcntl(one, F_GETFD) & FD_CLOEXEC);
	REQUIRE(store_take(s, "test.one") == -ENOENT); /* taken */
	REQUIRE(store_take(s, "test.three") == -ENOENT);
	REQUIRE(!getenv("LISTEN_FDS") && !getenv("LISTEN_PID"));
	store_drop_rest(s);
}

static void what_was_put_is_taken_by_each_successor(void **state)
{
	struct fake_manager m = manager_new();

	(void)state;
	live(&m, put_two);
	assert_int_equal(m.n, 2);
	for (int i = 0; i < 3; i++) {
		live(&m, take_two);
		assert_int_equal(m.n, 2);
		assert_int_equal(m.removals, 0);
	}
	fake_manager_done(&m);
}

static void put_another_one(struct store *s)
{
	store_put(s, "test.one", memory("uno"));
}

static void take_another_one(struct store *s)
{
	REQUIRE(has_text(store_take(s, "test.one"), "uno"));
}

static void a_new_one_takes_the_place_of_what_was_left(void **state)
{
	struct fake_manager m = manager_new();

	(void)state;
	live(&m, put_two);
	live(&m, put_another_one);
	assert_int_equal(m.n, 2);
	live(&m, take_another_one);
	fake_manager_done(&m);
}

static void take_and_replace_one(struct store *s)
{
	REQUIRE(has_text(store_take(s, "test.one"), "one"));
	store_remove(s, "test.one");
	store_put(s, "test.one", memory("uno"));
}

static void what_was_taken_can_be_replaced(void **state)
{
	struct fake_manager m = manager_new();

	(void)state;
	live(&m, put_two);
	live(&m, take_and_replace_one);
	assert_int_equal(m.n, 2);
	live(&m, take_another_one);
	fake_manager_done(&m);
}

static void take_one_only(struct store *s)
{
	const unsigned before = descriptors();

	REQUIRE(store_take(s, "test.one") >= 0);
	store_drop_rest(s);
	REQUIRE(descriptors() == before - 1);
	REQUIRE(store_take(s, "test.two") == -ENOENT);
}

static void what_nobody_wants_is_dropped(void **state)
{
	struct fake_manager m = manager_new();

	(void)state;
	live(&m, put_two);
	live(&m, take_one_only);
	assert_int_equal(m.n, 1);
	assert_int_equal(m.removals, 1);
	assert_true(fake_manager_find(&m, "test.one") >= 0);
	fake_manager_done(&m);
}

static void take_none(struct store *s)
{
	REQUIRE(store_take(s, "test.one") == -ENOENT);
	store_drop_rest(s);
}

/* Which of them would be the right one? */
static void two_of_a_name_are_none(void **state)
{
	struct fake_manager m = manager_new();

	(void)state;
	live(&m, put_two);
	fake_manager_put(&m, "test.one", memory("eins"));
	live(&m, take_none);
	assert_int_equal(m.n, 0);
	fake_manager_done(&m);
}

static void leave(struct store *s)
{
	const unsigned before = descriptors();

	REQUIRE(store_take(s, "test.one") >= 0);
	REQUIRE(!store_free(s));
	REQUIRE(descriptors() == before - 1); /* two came, of which one was taken */
	_exit(0);
}

static void who_leaves_takes_nothing_with_him(void **state)
{
	struct fake_manager m = manager_new();

	(void)state;
	live(&m, put_two);
	live(&m, leave);
	assert_int_equal(m.n, 2);
	fake_manager_done(&m);
}

/* --- where there is no store --- */

static void without_a_manager_nothing_is_kept(void **state)
{
	struct store *untouched = (struct store *)&untouched, *s = untouched;

	(void)state;
	assert_int_equal(store_new(NULL, &silent, &s), 1);
	assert_ptr_equal(s, untouched);
	/* every function takes that */
	assert_int_equal(store_take(NULL, "test.one"), -ENOENT);
	store_put(NULL, "test.one", 1);
	store_remove(NULL, "test.one");
	store_drop_rest(NULL);
	assert_null(store_free(NULL));
}

static void talk_to_nobody(struct store *s)
{
	put_two(s);
	store_remove(s, "test.one");
	store_drop_rest(s);
}

static void a_manager_that_does_not_listen_is_no_failure(void **state)
{
	struct fake_manager m = manager_new();

	(void)state;
	assert_int_equal(unlink(m.path), 0);
	live(&m, talk_to_nobody);
	assert_int_equal(m.n, 0);
	fake_manager_done(&m);
}

/* Somebody else's descriptors: systemd names them for whom they are. */
static void what_is_for_another_process_is_left_alone(void **state)
{
	struct store *s = NULL;

	(void)state;
	(void)setenv("LISTEN_PID", "1", 1);
	(void)setenv("LISTEN_FDS", "1", 1);
	assert_int_equal(store_new(NULL, &silent, &s), 1);
	assert_null(s);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
}

static void names_say_whose_and_for_what(void **state)
{
	char name[STORE_NAME_SIZE];

	(void)state;
	store_name(IC_HEARTBEAT, "uio", name);
	assert_string_equal(name, "vmic.heartbeat.uio");
	store_name(IC_KVP, "lock", name);
	assert_string_equal(name, "vmic.kvp.lock");
	store_name(IC_TIMESYNC, "state", name);
	assert_string_equal(name, "vmic.timesync.state");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_taken_by_each_successor),
		cmocka_unit_test(a_new_one_takes_the_place_of_what_was_left),
		cmocka_unit_test(what_was_taken_can_be_replaced),
		cmocka_unit_test(what_nobody_wants_is_dropped),
		cmocka_unit_test(two_of_a_name_are_none),
		cmocka_unit_test(who_leaves_takes_nothing_with_him),
		cmocka_unit_test(without_a_manager_nothing_is_kept),
		cmocka_unit_test(a_manager_that_does_not_listen_is_no_failure),
		cmocka_unit_test(what_is_for_another_process_is_left_alone),
		cmocka_unit_test(names_say_whose_and_for_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
