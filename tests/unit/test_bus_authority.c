/* SPDX-License-Identifier: GPL-2.0-only */
/* Who may: polkit is asked when it must be, as it must be, and is never waited for. */
#include "tests/unit/bus_harness.h"

static struct bus_fixture f;

static int set_up(void **state)
{
	(void)state;
	fixture_start(&f);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_done(&f);
	return 0;
}

/* --- each method takes its right --- */

static sd_bus_message *call_of(sd_bus *bus, const char *path, const char *interface, const char *member,
			       const char *first, const char *second)
{
	sd_bus_message *m = new_call(bus, path, interface, member);

	if (first)
		assert_true(sd_bus_message_append(m, "s", first) >= 0);
	if (second)
		assert_true(sd_bus_message_append(m, "s", second) >= 0);
	return m;
}

static const struct {
	const char *path, *interface, *member, *first, *second, *action;
} changing[] = {
	{ MANAGER, "SetProfile", "linux", NULL, "org.vmicd1.set-profile" },
	{ MANAGER, "Renegotiate", "", NULL, "org.vmicd1.renegotiate" },
	{ COMPONENT("heartbeat"), "Renegotiate", NULL, NULL, "org.vmicd1.renegotiate" },
	{ MANAGER, "SetApplicationState", "healthy", NULL, "org.vmicd1.set-application-state" },
	{ MANAGER, "Reload", NULL, NULL, "org.vmicd1.reload" },
	{ MANAGER, "KvpSet", "one", "1", "org.vmicd1.kvp-write" },
	{ MANAGER, "KvpDelete", "one", NULL, "org.vmicd1.kvp-write" },
};

static void try_change(size_t i, bool interactive, struct answer *a)
{
	sd_bus_message *m = call_of(f.asker, changing[i].path, changing[i].interface, changing[i].member,
				    changing[i].first, changing[i].second);

	assert_true(comes_true(&f, all_run)); /* again, after the change before */
	assert_true(sd_bus_message_set_allow_interactive_authorization(m, interactive) >= 0);
	send_call(f.asker, m, a, NULL);
	await(&f, a);
}

static void each_change_takes_its_right(void **state)
{
	static struct answer a;
	const char *name;

	(void)state;
	assert_true(sd_bus_get_unique_name(f.asker, &name) >= 0);
	for (size_t i = 0; i < ARRAY_LEN(changing); i++) {
		authority.verdict = VERDICT_YES;
		authority.asked = 0;
		try_change(i, false, &a);
		assert_string_equal(a.error, "");
		assert_int_equal(authority.asked, 1);
		assert_string_equal(authority.action, changing[i].action);
		assert_string_equal(authority.name, name);
		assert_int_equal(authority.flags, 0);
	}
	answer_clear(&a);
}

static void no_change_is_made_without_it(void **state)
{
	static struct answer a;

	(void)state;
	authority.caller = 0;
	assert_answer(&f, "", MANAGER, "KvpSet", "ss", "one", "0");
	authority.caller = SOMEBODY;
	authority.verdict = VERDICT_NO;
	for (size_t i = 0; i < ARRAY_LEN(changing); i++) {
		try_change(i, true, &a);
		assert_string_equal(a.error, "org.freedesktop.DBus.Error.AccessDenied");
	}
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'legacy'>");
	assert_string_equal(property(&f, MANAGER, "ApplicationState"), "<'unknown'>");
	assert_begins(property(&f, COMPONENT("heartbeat"), "Counters"), "<[('negotiations' 1) ");
	assert_answer(&f, "'0'", MANAGER, "KvpGet", "s", "one");
	answer_clear(&a);
}

static void a_dialogue_needs_the_callers_leave(void **state)
{
	static struct answer a;

	(void)state;
	authority.verdict = VERDICT_CHALLENGE;
	try_change(0, false, &a);
	assert_string_equal(a.error, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired");
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'legacy'>");
	try_change(0, true, &a);
	assert_string_equal(a.error, "");
	assert_int_equal(authority.flags, 1);
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'linux'>");
	answer_clear(&a);
}

static void root_and_the_daemons_own_user_are_not_asked_about(void **state)
{
	const uid_t users[] = { 0, geteuid() };
	static struct answer a;

	(void)state;
	authority.verdict = VERDICT_NO;
	for (size_t u = 0; u < ARRAY_LEN(users); u++) {
		authority.caller = users[u];
		for (size_t i = 0; i < ARRAY_LEN(changing); i++) {
			try_change(i, false, &a);
			assert_string_equal(a.error, "");
		}
	}
	assert_int_equal(authority.asked, 0);
	assert_int_equal(authority.users_asked, 2 * ARRAY_LEN(changing));
	answer_clear(&a);
}

static void who_only_looks_is_not_asked_about(void **state)
{
	(void)state;
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'legacy'>");
	assert_answer(&f, "[]", MANAGER, "KvpList", "u", 1u);
	assert_error(&f, "org.vmicd1.Error.NoSuchKey", MANAGER, "KvpGet", "s", "one");
	assert_int_equal(authority.users_asked, 0);
}

static void nonsense_is_refused_before(void **state)
{
	(void)state;
	assert_error(&f, "org.vmicd1.Error.NoSuchProfile", MANAGER, "SetProfile", "s", "x");
	assert_error(&f, "org.vmicd1.Error.NoSuchComponent", MANAGER, "Renegotiate", "s", "x");
	assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "SetApplicationState", "s", "x");
	assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "KvpSet", "ss", "", "x");
	assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "SetProfile", "u", 1u);
	assert_int_equal(authority.users_asked, 0);
}

/* --- polkit is not well --- */

static void without_polkit_it_is_roots(void **state)
{
	static struct answer a;

	(void)state;
	assert_true(sd_bus_release_name(f.authorities, "org.freedesktop.PolicyKit1") >= 0);
	try_change(0, true, &a);
	assert_string_equal(a.error, "org.freedesktop.DBus.Error.AccessDenied");
	authority.caller = 0;
	try_change(0, true, &a);
	assert_string_equal(a.error, "");
	answer_clear(&a);
}

static void an_error_of_polkits_is_a_no(void **state)
{
	static struct answer a;

	(void)state;
	authority.verdict = VERDICT_ERROR;
	try_change(0, false, &a);
	assert_string_equal(a.error, "org.freedesktop.DBus.Error.AccessDenied");
	assert_non_null(strstr(a.text, "no idea"));
	answer_clear(&a);
}

/* sd-bus' usual 25 s are shorter here. */
static void silence_of_polkits_is_a_no_in_the_end(void **state)
{
	static struct answer a;

	(void)state;
	assert_int_equal(setenv("SYSTEMD_BUS_TIMEOUT", "1s", 1), 0);
	fixture_start(&f);
	authority.verdict = VERDICT_NEVER;
	try_change(0, false, &a);
	assert_string_equal(a.error, "org.freedesktop.DBus.Error.AccessDenied");
	assert_int_equal(unsetenv("SYSTEMD_BUS_TIMEOUT"), 0);
	answer_clear(&a);
	fixture_done(&f);
}

static bool polkit_is_asked(struct bus_fixture *unused)
{
	(void)unused;
	return authority.asked > 0;
}

static void a_polkit_that_dies_is_a_no(void **state)
{
	static struct answer a;

	(void)state;
	authority.verdict = VERDICT_NEVER;
	send_call(f.asker, call_of(f.asker, MANAGER, "SetProfile", "linux", NULL), &a, NULL);
	assert_true(comes_true(&f, polkit_is_asked));
	f.authorities = sd_bus_close_unref(f.authorities);
	await(&f, &a);
	assert_string_equal(a.error, "org.freedesktop.DBus.Error.AccessDenied");
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'legacy'>");
	answer_clear(&a);
}

/* --- many, and those who leave --- */

#define FLOOD 24

static struct answer answers[FLOOD];

static unsigned answered(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < FLOOD; i++)
		n += answers[i].m != NULL;
	return n;
}

static void answers_clear(void)
{
	for (size_t i = 0; i < FLOOD; i++)
		answer_clear(&answers[i]);
}

static void flood(sd_bus *bus, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		send_call(bus, call_of(bus, MANAGER, "SetProfile", "linux", NULL), &answers[i], NULL);
}

/* Lets n be answered, all of them that there are too many. */
static void assert_too_many(unsigned n)
{
	for (uint64_t until = usec_now() + PATIENCE_USEC; answered() < n && usec_now() < until;)
		run_for(&f, 5000);
	run_for(&f, 100000);
	assert_int_equal(answered(), n);
	for (size_t i = 0; i < FLOOD; i++)
		if (answers[i].m)
			assert_string_equal(answers[i].error, "org.freedesktop.DBus.Error.LimitsExceeded");
}

static void one_caller_has_eight_questions_at_a_time(void **state)
{
	sd_bus *other = private_bus_connect(&f.bus, f.event);

	(void)state;
	authority.verdict = VERDICT_NEVER;
	flood(f.asker, FLOOD);
	assert_too_many(FLOOD - 8);
	assert_int_equal(authority.asked, 8);
	/* Others are not kept waiting by that, and he himself may look. */
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'legacy'>");
	authority.caller = 0;
	authority.verdict = VERDICT_YES;
	answers_clear();
	flood(other, 1);
	await(&f, &answers[0]);
	assert_string_equal(answers[0].error, "");
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'linux'>");
	(void)sd_bus_close_unref(other);
	answers_clear();
}

static void one_user_has_sixteen(void **state)
{
	sd_bus *others[3];

	(void)state;
	authority.verdict = VERDICT_NEVER;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		others[i] = private_bus_connect(&f.bus, f.event);
		answers_clear();
		flood(others[i], 8);
		assert_too_many(i < 2 ? 0 : 8);
	}
	assert_int_equal(authority.asked, 16);
	/* Another user has sixteen of his own. */
	authority.caller = SOMEBODY + 1;
	answers_clear();
	flood(others[2], 8);
	assert_too_many(0);
	assert_int_equal(authority.asked, 24);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		(void)sd_bus_close_unref(others[i]);
	answers_clear();
}

static bool all_are_cancelled(struct bus_fixture *unused)
{
	(void)unused;
	return authority.cancelled == 8;
}

static void who_leaves_takes_his_questions_back(void **state)
{
	sd_bus *other = private_bus_connect(&f.bus, f.event);

	(void)state;
	authority.verdict = VERDICT_NEVER;
	for (unsigned round = 0; round < 3; round++) {
		authority.asked = authority.cancelled = 0;
		authority.ids = authority.cancelled_ids = 0;
		flood(other, 8);
		while (authority.asked < 8)
			run_for(&f, 5000);
		(void)sd_bus_close_unref(other);
		answers_clear();
		assert_true(comes_true(&f, all_are_cancelled));
		assert_int_equal(authority.cancelled_ids, authority.ids);
		other = private_bus_connect(&f.bus, f.event);
	}
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'legacy'>");
	(void)sd_bus_close_unref(other);
}

static void each_question_has_a_name_of_its_own(void **state)
{
	static struct answer a;

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		try_change(0, false, &a);
	assert_int_equal(__builtin_popcountll(authority.ids), 5);
	answer_clear(&a);
}

static bool bus_is_asked(struct bus_fixture *unused)
{
	(void)unused;
	return authority.users_asked > 0;
}

static void nothing_is_done_while_the_bus_does_not_say_who_it_is(void **state)
{
	sd_bus *other = private_bus_connect(&f.bus, f.event);

	(void)state;
	authority.bus_never_answers = true;
	authority.verdict = VERDICT_YES;
	flood(other, 8);
	assert_true(comes_true(&f, bus_is_asked));
	assert_too_many(0);
	assert_int_equal(authority.asked, 0);
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'legacy'>");
	(void)sd_bus_close_unref(other);
	answers_clear();
	run_for(&f, 100000);
	authority.bus_never_answers = false;
	assert_answer(&f, "", MANAGER, "SetProfile", "s", "linux");
}

static void a_bus_that_goes_takes_all_questions_along(void **state)
{
	(void)state;
	authority.verdict = VERDICT_NEVER;
	flood(f.asker, 8);
	while (authority.asked < 8)
		run_for(&f, 5000);
	f.asker = sd_bus_close_unref(f.asker);
	f.authorities = sd_bus_close_unref(f.authorities);
	answers_clear();
	private_bus_stop(&f.bus);
	run_for(&f, 300000);
	assert_true(all_run(&f));
	private_bus_run(&f.bus);
	f.asker = private_bus_connect(&f.bus, f.event);
	authorities_start(&f);
	assert_true(comes_true(&f, daemon_is_there));
	assert_answer(&f, "", MANAGER, "SetProfile", "s", "linux");
}

/* The daemon ends with questions open: what they hold is given back (a sanitizer looks). */
static void a_daemon_may_end_at_any_time(void **state)
{
	(void)state;
	authority.verdict = VERDICT_NEVER;
	flood(f.asker, 8);
	while (authority.asked < 8)
		run_for(&f, 5000);
	f.daemon = bus_free(f.daemon);
	run_for(&f, 50000);
	assert_int_equal(answered(), 8);
	for (size_t i = 0; i < 8; i++)
		assert_string_equal(answers[i].error, "org.freedesktop.DBus.Error.NoReply");
	answers_clear();
}

#define WITH_DAEMON(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DAEMON(each_change_takes_its_right),
		WITH_DAEMON(no_change_is_made_without_it),
		WITH_DAEMON(a_dialogue_needs_the_callers_leave),
		WITH_DAEMON(root_and_the_daemons_own_user_are_not_asked_about),
		WITH_DAEMON(who_only_looks_is_not_asked_about),
		WITH_DAEMON(nonsense_is_refused_before),
		WITH_DAEMON(without_polkit_it_is_roots),
		WITH_DAEMON(an_error_of_polkits_is_a_no),
		cmocka_unit_test(silence_of_polkits_is_a_no_in_the_end),
		WITH_DAEMON(a_polkit_that_dies_is_a_no),
		WITH_DAEMON(one_caller_has_eight_questions_at_a_time),
		WITH_DAEMON(one_user_has_sixteen),
		WITH_DAEMON(who_leaves_takes_his_questions_back),
		WITH_DAEMON(each_question_has_a_name_of_its_own),
		WITH_DAEMON(nothing_is_done_while_the_bus_does_not_say_who_it_is),
		WITH_DAEMON(a_bus_that_goes_takes_all_questions_along),
		WITH_DAEMON(a_daemon_may_end_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
