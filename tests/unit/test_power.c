/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/power.h"

#include <errno.h>

#include "tests/unit/daemon_harness.h"

#define NONE SHUTDOWN_ACTIONS

/* --- a machine that only takes notes --- */

struct notes {
	unsigned asked, withdrawn;
	enum shutdown_action last; /* asked for */
	enum shutdown_action waiting; /* for the service manager; NONE: nothing */
	int cannot;

	unsigned told;
	struct shutdown_request request;
};

static uint64_t noted_raw(const struct sys *sys)
{
	(void)sys;
	return fake_time.now * 1000;
}

static int note_power(const struct sys *sys, enum shutdown_action action)
{
	struct notes *n = sys->user;

	if (n->cannot < 0)
		return n->cannot;
	n->asked++;
	n->last = n->waiting = action;
	return 0;
}

static bool is_noted(const struct sys *sys, enum shutdown_action action)
{
	return ((struct notes *)sys->user)->waiting == action;
}

static bool note_withdraw(const struct sys *sys, enum shutdown_action action)
{
	struct notes *n = sys->user;

	if (n->waiting != action)
		return false;
	n->withdrawn++;
	n->waiting = NONE;
	return true;
}

static const struct sys_ops noting = {
	.raw_ns = noted_raw,
	.power = note_power,
	.power_is_asked = is_noted,
	.withdraw_power = note_withdraw,
};

static void on_requested(void *user, const struct shutdown_request *request)
{
	struct notes *n = user;

	n->told++;
	n->request = *request;
}

struct fixture {
	sd_event *event;
	struct notes notes;
	struct sys sys;
	struct power power;
};

static int fixture_new(void **state)
{
	static struct fixture f;

	f = (struct fixture){
		.notes = { .waiting = NONE },
		.sys = { .ops = &noting, .log = &terse_log, .user = &f.notes },
		.power = { .sys = &f.sys, .requested = on_requested, .user = &f.notes },
	};
	time_reset();
	logged_clear();
	*state = &f;
	return sd_event_new(&f.event) < 0 ? -1 : power_init(&f.power, f.event);
}

static int fixture_done(void **state)
{
	struct fixture *f = *state;

	power_done(&f->power);
	f->event = sd_event_unref(f->event);
	return 0;
}

static int ask(struct fixture *f, enum shutdown_action action)
{
	const struct shutdown_request request = {
		.action = action,
		.forced = true,
		.reason = 0x80000000,
		.timeout_s = 300,
		.text = "bye",
	};

	return power_take(&f->power, &request);
}

/* --- */

/* Who is killed behind it has promised nothing that is not under way. */
static void it_is_asked_for_before_the_host_is_told_so(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, SHUTDOWN_REBOOT), 0);
	assert_int_equal(f->notes.asked, 1);
	assert_int_equal(f->notes.last, SHUTDOWN_REBOOT);
	pass_time(f->event, SECOND);
	assert_int_equal(f->notes.asked, 1);
}

static void who_watches_is_told_with_all_that_was_said(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, SHUTDOWN_HIBERNATE), 0);
	assert_int_equal(f->notes.told, 1);
	assert_int_equal(f->notes.request.action, SHUTDOWN_HIBERNATE);
	assert_true(f->notes.request.forced);
	assert_int_equal(f->notes.request.timeout_s, 300);
	assert_string_equal(f->notes.request.text, "bye");

	f->power.requested = NULL;
	f->notes.waiting = NONE;
	assert_int_equal(ask(f, SHUTDOWN_HIBERNATE), 0);
}

static void the_log_tells_it(void **state)
{
	static const char *const lines[] = {
		"Shutdown: the host asks to power off (forced, in 300 s, reason 0x80000000): bye",
		"Shutdown: the host asks to reboot (forced, in 300 s, reason 0x80000000): bye",
		"Shutdown: the host asks to hibernate (forced, in 300 s, reason 0x80000000): bye",
	};
	struct fixture *f = *state;

	for (enum shutdown_action a = 0; a < SHUTDOWN_ACTIONS; a++) {
		const struct logged_line *line;
		char field[64];

		assert_int_equal(ask(f, a), 0);
		f->notes.waiting = NONE;
		line = logged_one(LOG_NOTICE, lines[a]);
		(void)snprintf(field, sizeof(field), "VMIC_ACTION=%s", shutdown_action_names[a]);
		assert_field(line, field);
		assert_field(line, message_id_fields[MESSAGE_SHUTDOWN_REQUESTED]);
	}
}

/* A line has 1 KiB; no character is cut. */
static void a_long_text_is_cut_in_the_log(void **state)
{
	struct shutdown_request request = { .action = SHUTDOWN_POWEROFF };
	struct fixture *f = *state;
	const struct logged_line *line;

	for (size_t i = 0; i + 3 < sizeof(request.text); i += 3)
		memcpy(request.text + i, "\xe4\xb8\xad", 3);
	assert_int_equal(power_take(&f->power, &request), 0);
	line = logged_one(LOG_NOTICE, "Shutdown: the host asks to power off (in 0 s, reason 0x00000000): \xe4");
	assert_int_equal(strlen(strstr(line->text, "\xe4")), 255);
	assert_string_equal(f->notes.request.text, request.text);

	f->notes.waiting = NONE;
	request.text[0] = '\0';
	logged_clear();
	assert_int_equal(power_take(&f->power, &request), 0);
	line = logged_one(LOG_NOTICE, "reason 0x00000000)");
	assert_string_equal(strchr(line->text, ')'), ")");
}

/* The host is told what it can do about it: nothing, or try again. */
static void what_cannot_be_asked_for_is_answered_with_failure(void **state)
{
	static const struct {
		int error, answer;
	} rows[] = {
		{ -ENOENT, -EIO }, { -ENOSPC, -EIO }, { -EACCES, -EIO }, { -EEXIST, -EIO },
		{ -EAGAIN, -EIO }, /* which would put the request off */
		{ -EOPNOTSUPP, -EOPNOTSUPP },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct logged_line *line;

		logged_clear();
		f->power.refused = (struct log_rate){ 0 };
		f->notes.cannot = rows[i].error;
		assert_int_equal(ask(f, SHUTDOWN_POWEROFF), rows[i].answer);
		line = logged_one(LOG_ERR, "Shutdown: the host asks to power off, which fails: ");
		assert_field(line, message_id_fields[MESSAGE_NOT_SHUT_DOWN]);
		pass_time(f->event, 60 * SECOND);
		assert_int_equal(f->notes.asked, 0);
		assert_int_equal(f->notes.told, 0);
	}
	f->notes.cannot = 0;
	assert_int_equal(ask(f, SHUTDOWN_POWEROFF), 0);
	assert_int_equal(f->notes.asked, 1);
}

/* As long as nobody has come for it, whatever it is that is asked for again. */
static void a_second_request_changes_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, SHUTDOWN_POWEROFF), 0);
	assert_int_equal(ask(f, SHUTDOWN_REBOOT), 0);
	pass_time(f->event, SECOND);
	assert_int_equal(ask(f, SHUTDOWN_POWEROFF), 0);
	assert_int_equal(ask(f, SHUTDOWN_HIBERNATE), 0);
	pass_time(f->event, SECOND);
	assert_int_equal(f->notes.asked, 1);
	assert_int_equal(f->notes.told, 1);
	assert_int_equal(f->notes.last, SHUTDOWN_POWEROFF);
	assert_int_equal(logged_count(LOG_INFO, "the request before is still pending"), 3);
}

/* One of a process before this one, too. */
static void a_request_that_is_found_counts(void **state)
{
	struct fixture *f = *state;

	f->notes.waiting = SHUTDOWN_HIBERNATE;
	assert_int_equal(ask(f, SHUTDOWN_POWEROFF), 0);
	assert_int_equal(f->notes.asked, 0);
}

/* After a machine has woken up again, or when somebody has called the other one off. */
static void when_it_was_taken_the_next_may_come(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, SHUTDOWN_HIBERNATE), 0);
	f->notes.waiting = NONE;
	assert_int_equal(ask(f, SHUTDOWN_REBOOT), 0);
	assert_int_equal(f->notes.asked, 2);
	assert_int_equal(f->notes.last, SHUTDOWN_REBOOT);
	/* the first one's time is over then, the second one's is not */
	pass_time(f->event, 29 * SECOND);
	assert_int_equal(f->notes.withdrawn, 0);
}

static void what_nobody_takes_is_taken_back(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, SHUTDOWN_POWEROFF), 0);
	pass_time(f->event, 29 * SECOND);
	assert_int_equal(f->notes.withdrawn, 0);
	pass_time(f->event, SECOND);
	assert_int_equal(f->notes.withdrawn, 1);
	(void)logged_one(LOG_ERR, "has done nothing for 30 s");
	assert_int_equal(ask(f, SHUTDOWN_POWEROFF), 0);
	assert_int_equal(f->notes.asked, 2);
}

/* The process that made it has died; nobody must find it in a month, and no request be lost to it until then. */
static void what_an_earlier_process_asked_for_is_taken_back_too(void **state)
{
	struct fixture *f = *state;

	power_done(&f->power);
	f->notes.waiting = SHUTDOWN_REBOOT;
	assert_int_equal(power_init(&f->power, f->event), 0);
	assert_int_equal(ask(f, SHUTDOWN_POWEROFF), 0);
	pass_time(f->event, 29 * SECOND);
	assert_int_equal(f->notes.withdrawn, 0);
	assert_int_equal(f->notes.asked, 0);
	pass_time(f->event, SECOND);
	assert_int_equal(f->notes.withdrawn, 1);
	assert_int_equal(f->notes.waiting, NONE);
	(void)logged_one(LOG_ERR, "asks to reboot, which fails");
	assert_int_equal(ask(f, SHUTDOWN_POWEROFF), 0);
	assert_int_equal(f->notes.asked, 1);
}

static void what_was_taken_is_not_complained_of(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, SHUTDOWN_POWEROFF), 0);
	f->notes.waiting = NONE;
	pass_time(f->event, 60 * SECOND);
	assert_int_equal(logged_count(LOG_WARNING, ""), 0);
}

static void a_flood_fills_no_log(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 300; i++) {
		assert_int_equal(ask(f, SHUTDOWN_POWEROFF), 0);
		if (i % 2)
			f->notes.waiting = NONE;
	}
	f->notes.cannot = -EIO;
	for (int i = 0; i < 300; i++)
		assert_int_equal(ask(f, SHUTDOWN_POWEROFF), -EIO);
	assert_in_range(logged.n, 3, 15);
}

static void one_that_is_done_lets_go_of_the_loop(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, SHUTDOWN_POWEROFF), 0);
	assert_int_equal(really_set_time(f->power.timer, 0), 0); /* its time has come */
	power_done(&f->power);
	run_loop(f->event);
	assert_int_equal(f->notes.withdrawn, 0);
	power_done(&f->power);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_new, fixture_done)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(it_is_asked_for_before_the_host_is_told_so),
		TEST(who_watches_is_told_with_all_that_was_said),
		TEST(the_log_tells_it),
		TEST(a_long_text_is_cut_in_the_log),
		TEST(what_cannot_be_asked_for_is_answered_with_failure),
		TEST(a_second_request_changes_nothing),
		TEST(a_request_that_is_found_counts),
		TEST(when_it_was_taken_the_next_may_come),
		TEST(what_nobody_takes_is_taken_back),
		TEST(what_an_earlier_process_asked_for_is_taken_back_too),
		TEST(what_was_taken_is_not_complained_of),
		TEST(a_flood_fills_no_log),
		TEST(one_that_is_done_lets_go_of_the_loop),
	};

	return cmocka_run_group_tests_name("power", tests, NULL, NULL);
}
