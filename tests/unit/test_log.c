/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/unit/alloc_count.h"
#include "tests/unit/daemon_harness.h"
#include "tests/unit/temp_dir.h"

#define NS_PER_S UINT64_C(1000000000)

static const char *const two_fields[] = { "VMIC_COMPONENT=KVP", "ERRNO=5", NULL };

/* --- standard error --- */

/* Standard error is this descriptor, which is closed, between the two. */
struct diverted {
	int real;
	struct log_out out;
	struct log log;
};

static struct diverted divert(int fd, int max_level)
{
	struct diverted d = { .real = dup(2), .out = LOG_OUT_CLOSED };

	assert_true(d.real >= 0 && fd >= 0);
	assert_true(dup2(fd, 2) == 2);
	(void)close(fd);
	d.log = log_open(LOG_TARGET_STDERR, max_level, &d.out);
	return d;
}

/* The log's own pointer, since a struct that is returned moves. */
static const struct log *log_of(struct diverted *d)
{
	d->log.out = &d->out;
	return &d->log;
}

static void revert(struct diverted *d)
{
	log_out_close(&d->out);
	(void)dup2(d->real, 2);
	(void)close(d->real);
}

/* What was written to a file of ours. */
static const char *text_of(int fd)
{
	static char text[8192];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void standard_error_shows_the_line(void **state)
{
	int file = memfd_create("stderr", 0);
	struct diverted d = divert(dup(file), LOG_INFO);
	const struct log *log = log_of(&d);

	(void)state;
	log_error(log, "%s: %d", "a", 1);
	log_warning(log, "b");
	log_info(log, "c");
	log_line(log, LOG_INFO, two_fields, "d");
	log_line(log, LOG_DEBUG, NULL, "e");
	revert(&d);
	assert_string_equal(text_of(file), "vmicd: a: 1\nvmicd: b\nvmicd: c\nvmicd: d\n");
	(void)close(file);
}

static void only_debug_shows_the_fields(void **state)
{
	int file = memfd_create("stderr", 0);
	struct diverted d = divert(dup(file), LOG_DEBUG);

	(void)state;
	log_line(log_of(&d), LOG_WARNING, two_fields, "d");
	revert(&d);
	assert_string_equal(text_of(file), "vmicd: d\nvmicd:     VMIC_COMPONENT=KVP\nvmicd:     ERRNO=5\n");
	(void)close(file);
}

static void less_urgent_lines_are_left_out(void **state)
{
	static const int levels[] = { LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

	(void)state;
	for (size_t max = 0; max < ARRAY_LEN(levels); max++) {
		const struct log log = { levels[max], &recording_way, &recording_out };

		logged_clear();
		for (size_t i = 0; i < ARRAY_LEN(levels); i++)
			log_line(&log, levels[i], NULL, "x");
		assert_int_equal(logged.n, max + 1);
		for (size_t i = 0; i <= max; i++)
			assert_int_equal(logged.line[i].level, levels[i]);
	}
}

/* A line is one line, whatever is in it, and steers no terminal. */
static void control_characters_are_not_written(void **state)
{
	(void)state;
	logged_clear();
	log_info(&recording_log, "a%cb%cc%cd%s", '\n', '\033', 0x7f, "\xc3\xa4");
	assert_string_equal(logged.line[0].text, "a?b?c?d\xc3\xa4");
}

/* --- a reader that is stuck --- */

struct pipe_ends {
	int reader, writer;
};

/* What a log may be connected to: who writes waits when it is full. */
static struct pipe_ends open_pipe(void)
{
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	return (struct pipe_ends){ fd[0], fd[1] };
}

static struct pipe_ends open_stream(void)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	return (struct pipe_ends){ fd[0], fd[1] };
}

static struct pipe_ends open_terminal(void)
{
	int ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), theirs;

	assert_true(ours >= 0 && grantpt(ours) == 0 && unlockpt(ours) == 0);
	theirs = open(ptsname(ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(theirs >= 0);
	return (struct pipe_ends){ ours, theirs };
}

/* All that can be read now. Returns its bytes; the last are in text. */
static size_t drain(int fd, char *text, size_t size)
{
	size_t all = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, 0) != 1 || !(p.revents & POLLIN))
			return all;
		n = read(fd, text, size - 1);
		if (n <= 0)
			return all;
		text[n] = '\0';
		all += (size_t)n;
	}
}

/* Writes until a thousand lines in a row are lost: a terminal moves what it has, and finds more room. A writer
 * that waits would wait for ever, and is ended by the alarm. Whether it came to that. */
static bool overfill(const struct log *log)
{
	(void)alarm(60);
	for (unsigned i = 0; log->out->lost < 1000 && i < 1000000; i++)
		log_info(log, "a line that nobody reads");
	(void)alarm(0);
	return log->out->lost == 1000;
}

/* The reader is back. Says something until it arrives; what was read last is in text. */
static void read_again(const struct log *log, int fd, char *text, size_t size)
{
	size_t n = 0;

	(void)alarm(60);
	do {
		(void)drain(fd, text, size);
		log_info(log, "at last");
		(void)usleep(1000);
		n = drain(fd, text, size);
	} while (log->out->lost > 0 || n == 0 || !strstr(text, "at last"));
	(void)alarm(0);
}

static void must_not_wait(struct pipe_ends (*open_ends)(void), enum log_how how, bool same_how)
{
	struct pipe_ends ends = open_ends();
	struct diverted d = divert(ends.writer, LOG_INFO);
	const struct log *log = log_of(&d);
	size_t before = alloc_count, after;
	char text[65536];
	bool was_full;
	int flags;

	if (!same_how) { /* as where /proc is not mounted */
		log_out_close(&d.out);
		d.out = (struct log_out){ .fd = 2, .how = how };
	}
	was_full = overfill(log);
	after = alloc_count;
	flags = fcntl(2, F_GETFL);
	read_again(log, ends.reader, text, sizeof(text));
	revert(&d); /* what fails from here on can be told */

	assert_int_equal(d.out.how, how);
	assert_true(was_full);
	assert_int_equal(after, before);
	/* Whose standard error it is besides is not surprised by writes that fail. */
	assert_int_equal(flags & O_NONBLOCK, 0);
	assert_non_null(strstr(text, "lines of this log were lost: nobody read them"));
	assert_true(strstr(text, "were lost") < strstr(text, "at last"));
	(void)close(ends.reader);
}

static void nobody_waits_for_a_stuck_reader(void **state)
{
	(void)state;
	alloc_count_check();
	must_not_wait(open_pipe, LOG_HOW_WRITE, true);
	must_not_wait(open_pipe, LOG_HOW_POLL, false);
	must_not_wait(open_stream, LOG_HOW_SEND, true);
	must_not_wait(open_terminal, LOG_HOW_WRITE, true);
}

static void a_reader_that_has_gone_is_no_failure(void **state)
{
	struct pipe_ends (*const kinds[])(void) = { open_pipe, open_stream };

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct pipe_ends ends = kinds[i]();
		struct diverted d = divert(ends.writer, LOG_INFO);

		(void)close(ends.reader);
		log_info(log_of(&d), "x");
		assert_int_equal(d.out.lost, 1);
		revert(&d);
	}
	(void)signal(SIGPIPE, SIG_DFL);
}

static void a_full_disk_is_no_failure(void **state)
{
	struct diverted d = divert(open("/dev/full", O_WRONLY | O_CLOEXEC), LOG_INFO);

	(void)state;
	log_info(log_of(&d), "x");
	assert_int_equal(d.out.lost, 1);
	revert(&d);
}

/* --- the journal --- */

struct journal {
	struct temp_dir dir;
	char path[108];
	int fd;
	struct log_out out;
	struct log log;
};

static void journal_listen(struct journal *j)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)unlink(j->path);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", j->path);
	j->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(j->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
}

static void journal_init(struct journal *j)
{
	*j = (struct journal){ .dir = temp_dir_new(), .out = LOG_OUT_CLOSED };
	temp_dir_path(&j->dir, "socket", j->path, sizeof(j->path));
	journal_listen(j);
	j->out.journal_path = j->path;
	j->log = log_open(LOG_TARGET_JOURNAL, LOG_INFO, &j->out);
}

static void journal_done(struct journal *j)
{
	log_out_close(&j->out);
	(void)close(j->fd);
	temp_dir_done(&j->dir);
}

/* The next datagram, or NULL. */
static const char *journal_take(struct journal *j)
{
	static char text[65536];
	ssize_t n = recv(j->fd, text, sizeof(text) - 1, MSG_TRUNC);

	if (n < 0)
		return NULL;
	assert_true((size_t)n < sizeof(text));
	text[n] = '\0';
	return text;
}

static void the_journal_gets_text_level_and_fields(void **state)
{
	struct journal j;

	(void)state;
	journal_init(&j);
	log_line(&j.log, LOG_WARNING, two_fields, "hello %d\n", 42);
	assert_string_equal(journal_take(&j), "MESSAGE=hello 42?\nPRIORITY=4\nSYSLOG_IDENTIFIER=vmicd\n"
					      "VMIC_COMPONENT=KVP\nERRNO=5\n");
	log_line(&j.log, LOG_DEBUG, NULL, "x");
	assert_null(journal_take(&j));
	journal_done(&j);
}

/* As the journal's own restart: systemd keeps its socket, but whoever stops that makes another. */
static void a_journal_that_comes_back_is_found(void **state)
{
	struct journal j;

	(void)state;
	journal_init(&j);
	(void)close(j.fd);
	log_info(&j.log, "to nobody");
	(void)unlink(j.path);
	log_info(&j.log, "to nobody");
	assert_int_equal(j.out.lost, 2);
	journal_listen(&j);
	log_info(&j.log, "to you");
	assert_non_null(strstr(journal_take(&j), "MESSAGE=2 lines of this log were lost: nobody read them\n"
						 "PRIORITY=4\n"));
	assert_non_null(strstr(journal_take(&j), "MESSAGE=to you\n"));
	assert_int_equal(j.out.lost, 0);
	journal_done(&j);
}

/* It is stopped, or in trouble as all of the machine. */
static void nobody_waits_for_a_stuck_journal(void **state)
{
	struct journal j;
	size_t before;

	(void)state;
	journal_init(&j);
	before = alloc_count;
	assert_true(overfill(&j.log));
	assert_int_equal(alloc_count, before);
	while (journal_take(&j))
		;
	log_info(&j.log, "at last");
	assert_non_null(strstr(journal_take(&j), "MESSAGE=1000 lines of this log were lost: nobody read them\n"));
	assert_non_null(strstr(journal_take(&j), "MESSAGE=at last\n"));
	journal_done(&j);
}

static void a_long_line_is_cut_and_its_fields_are_not(void **state)
{
	static const char *const fields[] = { "KEY=value", NULL };
	struct journal j;
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	journal_init(&j);
	log_line(&j.log, LOG_INFO, fields, "%s", text);
	text[1023] = '\0';
	assert_memory_equal(journal_take(&j) + strlen("MESSAGE="), text, 1023);
	log_line(&j.log, LOG_INFO, fields, "%.1023s", text);
	assert_non_null(strstr(journal_take(&j), "x\nPRIORITY=6\nSYSLOG_IDENTIFIER=vmicd\nKEY=value\n"));
	journal_done(&j);
}

static void more_fields_than_there_is_room_for_are_left_out(void **state)
{
	const char *fields[40];
	struct journal j;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fields) - 1; i++)
		fields[i] = "KEY=value";
	fields[ARRAY_LEN(fields) - 1] = NULL;
	journal_init(&j);
	log_line(&j.log, LOG_INFO, fields, "x"); /* ASan looks on */
	assert_non_null(journal_take(&j));
	journal_done(&j);
}

/* --- which of the two --- */

static const struct log_way *way(enum log_target target)
{
	struct log_out out = LOG_OUT_CLOSED;
	const struct log_way *w = log_open(target, LOG_INFO, &out).way;

	log_out_close(&out);
	return w;
}

static void the_target_is_found_out(void **state)
{
	struct stat st;
	char stream[64];

	(void)state;
	assert_int_equal(fstat(2, &st), 0);
	(void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino);

	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	assert_ptr_equal(way(LOG_TARGET_AUTO), &log_way_stderr);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	assert_ptr_equal(way(LOG_TARGET_AUTO), &log_way_journal);
	assert_ptr_equal(way(LOG_TARGET_STDERR), &log_way_stderr);

	/* standard error was redirected since */
	(void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino + 1);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	assert_ptr_equal(way(LOG_TARGET_AUTO), &log_way_stderr);
	assert_int_equal(setenv("JOURNAL_STREAM", "nonsense", 1), 0);
	assert_ptr_equal(way(LOG_TARGET_AUTO), &log_way_stderr);
	assert_ptr_equal(way(LOG_TARGET_JOURNAL), &log_way_journal);
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

/* A reload opens the log anew, again and again. */
static void opening_again_leaves_nothing_open(void **state)
{
	static const enum log_target targets[] = { LOG_TARGET_JOURNAL, LOG_TARGET_STDERR, LOG_TARGET_AUTO };
	unsigned before = open_descriptors();
	struct log_out out = LOG_OUT_CLOSED;

	(void)state;
	out.lost = 7;
	for (int i = 0; i < 30; i++)
		(void)log_open(targets[i % 3], LOG_INFO, &out);
	assert_in_range(open_descriptors(), before, before + 1);
	assert_int_equal(out.lost, 7); /* still to be told */
	log_out_close(&out);
	assert_int_equal(open_descriptors(), before);
	log_out_close(&out);
}

/* --- the rate --- */

static void five_lines_in_ten_seconds_are_allowed(void **state)
{
	static const uint64_t starts[] = { 0, 1, 1000 * NS_PER_S, UINT64_MAX - 5 * NS_PER_S };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		struct log_rate rate = { 0 };
		uint64_t now = starts[i];
		unsigned suppressed = 42;

		for (int k = 0; k < 5; k++) {
			assert_true(log_rate_allows(&rate, now, &suppressed));
			assert_int_equal(suppressed, 0);
		}
		for (int k = 0; k < 1000; k++)
			assert_false(log_rate_allows(&rate, now, &suppressed));
		now += 10 * NS_PER_S;
		assert_false(log_rate_allows(&rate, now, &suppressed));
		now += 1;
		assert_true(log_rate_allows(&rate, now, &suppressed));
		assert_int_equal(suppressed, 1001);
		assert_true(log_rate_allows(&rate, now, &suppressed));
		assert_int_equal(suppressed, 0); /* told once */
	}
}

static void a_limited_line_tells_what_was_left_out(void **state)
{
	struct log_rate rate = { 0 };

	(void)state;
	logged_clear();
	for (int i = 0; i < 100; i++)
		log_limited(&recording_log, &rate, NS_PER_S, LOG_WARNING, two_fields, "bad %d", i);
	assert_int_equal(logged.n, 5);
	assert_string_equal(logged.line[4].text, "bad 4");
	assert_int_equal(logged.line[4].level, LOG_WARNING);
	assert_field(&logged.line[4], "ERRNO=5");

	logged_clear();
	log_limited(&recording_log, &rate, 12 * NS_PER_S, LOG_WARNING, two_fields, "bad again");
	assert_int_equal(logged.n, 1);
	assert_string_equal(logged.line[0].text, "bad again (95 lines like this were left out before)");
}

/* What is not shown anyway must not use up what may be shown. */
static void a_limited_line_below_the_level_is_not_counted(void **state)
{
	const struct log log = { LOG_INFO, &recording_way, &recording_out };
	struct log_rate rate = { 0 };

	(void)state;
	logged_clear();
	for (int i = 0; i < 100; i++)
		log_limited(&log, &rate, NS_PER_S, LOG_DEBUG, NULL, "x");
	log_limited(&log, &rate, NS_PER_S, LOG_INFO, NULL, "y");
	assert_int_equal(logged.n, 1);
	assert_string_equal(logged.line[0].text, "y");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standard_error_shows_the_line),
		cmocka_unit_test(only_debug_shows_the_fields),
		cmocka_unit_test(less_urgent_lines_are_left_out),
		cmocka_unit_test(control_characters_are_not_written),
		cmocka_unit_test(nobody_waits_for_a_stuck_reader),
		cmocka_unit_test(a_reader_that_has_gone_is_no_failure),
		cmocka_unit_test(a_full_disk_is_no_failure),
		cmocka_unit_test(the_journal_gets_text_level_and_fields),
		cmocka_unit_test(a_journal_that_comes_back_is_found),
		cmocka_unit_test(nobody_waits_for_a_stuck_journal),
		cmocka_unit_test(a_long_line_is_cut_and_its_fields_are_not),
		cmocka_unit_test(more_fields_than_there_is_room_for_are_left_out),
		cmocka_unit_test(the_target_is_found_out),
		cmocka_unit_test(opening_again_leaves_nothing_open),
		cmocka_unit_test(five_lines_in_ten_seconds_are_allowed),
		cmocka_unit_test(a_limited_line_tells_what_was_left_out),
		cmocka_unit_test(a_limited_line_below_the_level_is_not_counted),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
