/* SPDX-License-Identifier: GPL-2.0-only */
/* A service manager is told what it must know, and is waited for by nobody. */
#include "daemon/notify.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/daemon_harness.h"
#include "tests/unit/fake_manager.h"

#define RETRY (SECOND / 10)
#define READS_AGAIN "reads again what it is told"
#define DOES_NOT_READ "does not read what it is told"

struct fixture {
	struct fake_manager manager;
	sd_event *event;
	struct notify *notify;
	unsigned descriptors;
	char text[128]; /* the last message... */
	int fd;         /* ...and what came with it */
};

static void start(struct fixture *f)
{
	assert_int_equal(setenv("NOTIFY_SOCKET", f->manager.path, 1), 0);
	assert_int_equal(notify_new(f->event, &recording_log, &f->notify), 0);
	f->descriptors = open_descriptors() - 1; /* its socket; the loop keeps its timer */
}

static void fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->fd = -1;
	assert_true(fake_manager_init(&f->manager));
	time_reset();
	logged_clear();
	assert_int_equal(sd_event_new(&f->event), 0);
	(void)alarm(60); /* who waits after all does not for ever */
}

static void stop(struct fixture *f)
{
	f->notify = notify_free(f->notify);
	assert_int_equal(open_descriptors(), f->descriptors);
}

static void fixture_done(struct fixture *f)
{
	(void)alarm(0);
	f->event = sd_event_unref(f->event);
	fake_manager_done(&f->manager);
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
}

/* The next message that is no filling. "": there is none. */
static const char *hear(struct fixture *f)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = f->text, .iov_len = sizeof(f->text) - 1 };
	ssize_t n;

	if (f->fd >= 0)
		(void)close(f->fd);
	do {
		struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
					 .msg_controllen = sizeof(control) };

		n = recvmsg(f->manager.fd, &header, MSG_CMSG_CLOEXEC);
		f->text[n < 0 ? 0 : n] = '\0';
		f->fd = -1;
		if (n >= 0 && CMSG_FIRSTHDR(&header))
			memcpy(&f->fd, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof(f->fd));
	} while (strcmp(f->text, "FILL=1") == 0);
	return f->text;
}

static void expect_nothing(struct fixture *f)
{
	assert_string_equal(hear(f), "");
}

/* A file with this text, by its descriptor. */
static int memory(const char *text)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void expect_put(struct fixture *f, const char *name, const char *text)
{
	char message[64], is[64] = "";

	(void)snprintf(message, sizeof(message), "FDSTORE=1\nFDNAME=%s", name);
	assert_string_equal(hear(f), message);
	assert_true(pread(f->fd, is, sizeof(is) - 1, 0) >= 0);
	assert_string_equal(is, text);
}

/* What is not ours any more is open where it waits, and nowhere else. */
static void put(struct fixture *f, const char *name, const char *text)
{
	int fd = memory(text);

	notify_put(f->notify, name, fd);
	(void)close(fd);
}

static void say_all(struct fixture *f)
{
	notify_ready(f->notify);
	put(f, "one", "eins");
	notify_remove(f->notify, "two");
	notify_reloading(f->notify);
	put(f, "two", "zwei");
	notify_stopping(f->notify);
}

static void expect_all(struct fixture *f)
{
	assert_string_equal(hear(f), "READY=1");
	assert_int_equal(f->fd, -1);
	expect_put(f, "one", "eins");
	assert_string_equal(hear(f), "FDSTOREREMOVE=1\nFDNAME=two");
	assert_int_equal(f->fd, -1);
	assert_string_equal(hear(f), "RELOADING=1");
	expect_put(f, "two", "zwei");
	assert_string_equal(hear(f), "STOPPING=1");
	expect_nothing(f);
}

/* --- with one who reads --- */

static void what_is_told_is_heard_at_once(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	start(&f);
	say_all(&f);
	expect_all(&f);
	notify_reloading(f.notify);
	notify_ready(f.notify);
	assert_string_equal(hear(&f), "RELOADING=1");
	assert_string_equal(hear(&f), "READY=1");
	stop(&f);
	assert_int_equal(logged.n, 0);
	fixture_done(&f);
}

static void an_abstract_address_is_one(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct fixture f;
	socklen_t n = sizeof(sa_family_t);

	(void)state;
	fixture_init(&f);
	(void)close(f.manager.fd);
	f.manager.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(f.manager.fd, (const struct sockaddr *)&address, n), 0); /* the kernel gives it a name */
	n = sizeof(address);
	assert_int_equal(getsockname(f.manager.fd, (struct sockaddr *)&address, &n), 0);
	(void)unlink(f.manager.path);
	(void)snprintf(f.manager.path, sizeof(f.manager.path), "@%.*s",
		       (int)(n - offsetof(struct sockaddr_un, sun_path) - 1), address.sun_path + 1);
	start(&f);
	say_all(&f);
	expect_all(&f);
	stop(&f);
	fixture_done(&f);
}

/* --- with one who does not --- */

static void what_finds_no_room_waits_in_its_order(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	start(&f);
	for (int turn = 0; turn < 2; turn++) {
		logged_clear();
		fake_manager_fill(&f.manager);
		say_all(&f);
		pass_time(f.event, RETRY);
		assert_int_equal(logged_count(LOG_WARNING, DOES_NOT_READ), 1);
		pass_time(f.event, RETRY);
		expect_nothing(&f); /* reads what was there */
		pass_time(f.event, RETRY - 1);
		expect_nothing(&f);
		pass_time(f.event, 1);
		expect_all(&f);
		assert_int_equal(logged_count(LOG_INFO, READS_AGAIN), 1);
		assert_int_equal(logged.n, 2);
	}
	stop(&f);
	fixture_done(&f);
}

/* Nothing overtakes what waits. */
static void what_is_told_next_comes_next(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	start(&f);
	fake_manager_fill(&f.manager);
	put(&f, "one", "eins");
	expect_nothing(&f);
	notify_ready(f.notify);
	expect_put(&f, "one", "eins");
	assert_string_equal(hear(&f), "READY=1");
	expect_nothing(&f);
	stop(&f);
	fixture_done(&f);
}

/* A node that is dropped must not be kept open by being about to be kept. */
static void what_is_dropped_before_it_was_kept_is_closed(void **state)
{
	unsigned open;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	start(&f);
	fake_manager_fill(&f.manager);
	open = open_descriptors();
	put(&f, "one", "eins");
	put(&f, "two", "zwei");
	assert_int_equal(open_descriptors(), open + 2);
	notify_remove(f.notify, "one");
	assert_int_equal(open_descriptors(), open + 1);
	put(&f, "one", "uno");
	expect_nothing(&f);
	pass_time(f.event, RETRY);
	expect_put(&f, "two", "zwei");
	assert_string_equal(hear(&f), "FDSTOREREMOVE=1\nFDNAME=one"); /* an older one of that name may be there */
	expect_put(&f, "one", "uno");
	expect_nothing(&f);
	stop(&f);
	fixture_done(&f);
}

/* However long nobody reads, and whatever happens then. */
static void what_waits_does_not_grow(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	start(&f);
	fake_manager_fill(&f.manager);
	notify_ready(f.notify);
	for (int i = 0; i < 1000; i++) {
		notify_remove(f.notify, "one");
		put(&f, "one", "eins");
		notify_reloading(f.notify);
		notify_ready(f.notify);
	}
	pass_time(f.event, 100 * SECOND);
	assert_int_equal(logged_count(LOG_WARNING, "is lost"), 0);
	expect_nothing(&f);
	pass_time(f.event, RETRY);
	assert_string_equal(hear(&f), "READY=1");
	assert_string_equal(hear(&f), "FDSTOREREMOVE=1\nFDNAME=one");
	expect_put(&f, "one", "eins");
	expect_nothing(&f);
	stop(&f);
	fixture_done(&f);
}

static void there_is_an_end_to_what_may_wait(void **state)
{
	char name[16];
	unsigned open;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	start(&f);
	fake_manager_fill(&f.manager);
	open = open_descriptors();
	for (int i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		put(&f, name, name);
	}
	assert_int_equal(open_descriptors(), open + 32);
	assert_int_equal(logged_count(LOG_WARNING, "'FDSTORE=1' is lost"), 8);
	expect_nothing(&f);
	pass_time(f.event, RETRY);
	for (int i = 0; i < 32; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		/* the kernel's queue may be shorter than ours */
		if (hear(&f)[0] == '\0') {
			pass_time(f.event, RETRY);
			(void)hear(&f);
		}
		assert_string_equal(strchr(f.text, '\n') + 1 + strlen("FDNAME="), name);
	}
	expect_nothing(&f);
	stop(&f);
	fixture_done(&f);
}

static void one_that_has_gone_is_no_failure(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	start(&f);
	(void)close(f.manager.fd);
	f.manager.fd = -1;
	f.descriptors--;
	notify_ready(f.notify);
	logged_one(LOG_WARNING, "the service manager cannot be told 'READY=1': Connection refused");
	(void)unlink(f.manager.path);
	put(&f, "one", "eins");
	logged_one(LOG_WARNING, "the service manager cannot be told 'FDSTORE=1': No such file or directory");
	assert_int_equal(logged.n, 2);
	stop(&f);
	fixture_done(&f);
}

/* --- that we are alive --- */

static unsigned beats(struct fixture *f)
{
	unsigned n = 0;

	while (hear(f)[0] != '\0') {
		assert_string_equal(f->text, "WATCHDOG=1");
		n++;
	}
	return n;
}

static void it_is_told_in_time_that_we_are_alive(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	(void)setenv("WATCHDOG_USEC", "20000000", 1);
	start(&f);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(beats(&f), 0);
		pass_time(f.event, 10 * SECOND);
		assert_in_range(beats(&f), 1, 2);
	}
	/* One that is lost is followed by another in time. */
	fake_manager_fill(&f.manager);
	for (int i = 0; i < 100; i++)
		pass_time(f.event, 5 * SECOND);
	assert_int_equal(logged_count(LOG_WARNING, DOES_NOT_READ), 1);
	expect_nothing(&f);
	pass_time(f.event, 5 * SECOND);
	assert_int_equal(beats(&f), 1);
	assert_int_equal(logged_count(LOG_INFO, READS_AGAIN), 1);
	stop(&f);
	/* not for whom it is not */
	(void)setenv("WATCHDOG_PID", "1", 1);
	time_reset();
	start(&f);
	pass_time(f.event, 20 * SECOND);
	assert_int_equal(beats(&f), 0);
	stop(&f);
	(void)unsetenv("WATCHDOG_PID");
	fixture_done(&f);
}

/* --- the end --- */

static double seconds_now(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void the_end_is_told_but_not_waited_for_long(void **state)
{
	struct fixture f;
	double before;

	(void)state;
	fixture_init(&f);
	start(&f);
	fake_manager_fill(&f.manager);
	say_all(&f);
	before = seconds_now();
	stop(&f);
	assert_true(seconds_now() - before < 5);
	logged_one(LOG_WARNING, "has not read what it was told, 6 messages are lost");
	expect_nothing(&f);

	start(&f);
	fake_manager_fill(&f.manager);
	say_all(&f);
	if (fork() == 0) {
		(void)usleep(200000);
		while (fake_manager_hear(&f.manager) && f.manager.puts < 1)
			;
		_exit(0);
	}
	stop(&f);
	(void)wait(NULL);
	assert_int_equal(logged_count(LOG_WARNING, "are lost"), 1); /* as before */
	fixture_done(&f);
}

/* --- where there is none --- */

static void who_cannot_be_reached_is_nobody(void **state)
{
	char longest[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	const char *const nobody[] = { "", "/", "@", "notify", "vsock:2:1234", longest };
	struct notify *untouched = (struct notify *)&untouched, *n = untouched;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	(void)setenv("WATCHDOG_USEC", "20000000", 1);
	for (size_t i = 0; i < ARRAY_LEN(nobody); i++) {
		(void)setenv("NOTIFY_SOCKET", nobody[i], 1);
		assert_int_equal(notify_new(f.event, &recording_log, &n), 1);
		assert_int_equal(logged.n, i + 1);
	}
	logged_one(LOG_WARNING, "the service manager at 'vsock:2:1234' is told nothing: ");
	logged_clear();
	(void)unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_new(f.event, &recording_log, &n), 1);
	assert_int_equal(logged.n, 0);
	assert_ptr_equal(n, untouched);
	/* every function takes that */
	notify_ready(NULL);
	notify_reloading(NULL);
	notify_stopping(NULL);
	notify_put(NULL, "one", 0);
	notify_remove(NULL, "one");
	assert_null(notify_free(NULL));
	fixture_done(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_told_is_heard_at_once),
		cmocka_unit_test(an_abstract_address_is_one),
		cmocka_unit_test(what_finds_no_room_waits_in_its_order),
		cmocka_unit_test(what_is_told_next_comes_next),
		cmocka_unit_test(what_is_dropped_before_it_was_kept_is_closed),
		cmocka_unit_test(what_waits_does_not_grow),
		cmocka_unit_test(there_is_an_end_to_what_may_wait),
		cmocka_unit_test(one_that_has_gone_is_no_failure),
		cmocka_unit_test(it_is_told_in_time_that_we_are_alive),
		cmocka_unit_test(the_end_is_told_but_not_waited_for_long),
		cmocka_unit_test(who_cannot_be_reached_is_nobody),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
