/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/log.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/unit/daemon_harness.h"

#define NS_PER_S UINT64_C(1000000000)

/* --- standard error --- */

/* What is written to standard error between the two. */
struct captured {
	int real, file;
	char text[8192];
};

static struct captured capture_start(void)
{
	struct captured c = { .real = dup(2), .file = memfd_create("stderr", 0) };

	assert_true(c.real >= 0 && c.file >= 0);
	assert_true(dup2(c.file, 2) == 2);
	return c;
}

static const char *capture_end(struct captured *c)
{
	ssize_t n = pread(c->file, c->text, sizeof(c->text) - 1, 0);

	(void)dup2(c->real, 2);
	(void)close(c->real);
	(void)close(c->file);
	assert_true(n >= 0);
	c->text[n] = '\0';
	return c->text;
}

static const char *const two_fields[] = { "VMIC_COMPONENT=KVP", "ERRNO=5", NULL };

static void standard_error_shows_the_line(void **state)
{
	const struct log log = { .max_level = LOG_INFO };
	struct captured c = capture_start();

	(void)state;
	log_error(&log, "%s: %d", "a", 1);
	log_warning(&log, "b");
	log_info(&log, "c");
	log_line(&log, LOG_INFO, two_fields, "d");
	log_line(&log, LOG_DEBUG, NULL, "e");
	assert_string_equal(capture_end(&c), "vmicd: a: 1\nvmicd: b\nvmicd: c\nvmicd: d\n");
}

static void only_debug_shows_the_fields(void **state)
{
	const struct log log = { .max_level = LOG_DEBUG };
	struct captured c = capture_start();

	(void)state;
	log_line(&log, LOG_WARNING, two_fields, "d");
	assert_string_equal(capture_end(&c),
			    "vmicd: d\nvmicd:     VMIC_COMPONENT=KVP\nvmicd:     ERRNO=5\n");
}

static void less_urgent_lines_are_left_out(void **state)
{
	static const int levels[] = { LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

	(void)state;
	for (size_t max = 0; max < ARRAY_LEN(levels); max++) {
		const struct log log = { .max_level = levels[max], .journal = true };

		logged_clear();
		for (size_t i = 0; i < ARRAY_LEN(levels); i++)
			log_line(&log, levels[i], NULL, "x");
		assert_int_equal(logged.n, max + 1);
		for (size_t i = 0; i <= max; i++)
			assert_int_equal(logged.line[i].level, levels[i]);
	}
}

/* --- the journal --- */

static void the_journal_gets_text_level_and_fields(void **state)
{
	const struct logged_line *l;

	(void)state;
	logged_clear();
	log_line(&recording_log, LOG_WARNING, two_fields, "hello %d", 42);
	l = logged_one(LOG_WARNING, "hello 42");
	assert_string_equal(l->text, "hello 42");
	assert_int_equal(l->n_fields, 2);
	assert_field(l, "VMIC_COMPONENT=KVP");
	assert_field(l, "ERRNO=5");
}

static void a_long_line_is_cut_and_its_fields_are_not(void **state)
{
	static const char *const fields[] = { "KEY=value", NULL };
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	logged_clear();
	log_line(&recording_log, LOG_INFO, fields, "%s", text);
	assert_int_equal(logged.n, 1);
	assert_int_equal(strlen(logged.line[0].text), 1023);
	assert_field(&logged.line[0], "KEY=value");
}

static void more_fields_than_there_is_room_for_are_left_out(void **state)
{
	const char *fields[40];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fields) - 1; i++)
		fields[i] = "KEY=value";
	fields[ARRAY_LEN(fields) - 1] = NULL;
	logged_clear();
	log_line(&recording_log, LOG_INFO, fields, "x"); /* ASan looks on */
	assert_int_equal(logged.n, 1);
}

/* --- which of the two --- */

static void the_target_is_found_out(void **state)
{
	struct stat st;
	char stream[64];

	(void)state;
	assert_int_equal(fstat(2, &st), 0);
	(void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino);

	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	assert_false(log_open(LOG_TARGET_AUTO, LOG_INFO).journal);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	assert_true(log_open(LOG_TARGET_AUTO, LOG_INFO).journal);
	assert_false(log_open(LOG_TARGET_STDERR, LOG_INFO).journal);

	/* standard error was redirected since */
	(void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino + 1);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	assert_false(log_open(LOG_TARGET_AUTO, LOG_INFO).journal);
	assert_int_equal(setenv("JOURNAL_STREAM", "nonsense", 1), 0);
	assert_false(log_open(LOG_TARGET_AUTO, LOG_INFO).journal);
	assert_true(log_open(LOG_TARGET_JOURNAL, LOG_INFO).journal);
	assert_int_equal(log_open(LOG_TARGET_AUTO, LOG_NOTICE).max_level, LOG_NOTICE);
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
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
	const struct log log = { .max_level = LOG_INFO, .journal = true };
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
		cmocka_unit_test(the_journal_gets_text_level_and_fields),
		cmocka_unit_test(a_long_line_is_cut_and_its_fields_are_not),
		cmocka_unit_test(more_fields_than_there_is_room_for_are_left_out),
		cmocka_unit_test(the_target_is_found_out),
		cmocka_unit_test(five_lines_in_ten_seconds_are_allowed),
		cmocka_unit_test(a_limited_line_tells_what_was_left_out),
		cmocka_unit_test(a_limited_line_below_the_level_is_not_counted),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
