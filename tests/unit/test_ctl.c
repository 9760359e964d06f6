/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmicctl, run against a daemon that is played on a private bus: what it prints, what it says when
 * something is wrong, and its exit statuses. The program beside this test is run, or the variable
 * VMICCTL names it.
 */
#include <ctype.h>
#include <jansson.h>
#include <poll.h>
#include <pty.h>

#include "hv_util/heartbeat.h"
#include "hv_util/ic.h"
#include "tests/unit/fake_vmicd.h"
#include "tests/unit/program.h"

static struct private_bus bus;
static pid_t fake;
static char search_path[4096]; /* the variable PATH, as it was */

static const struct fake_plan usual = { .releases = { "2016", "2019" }, .vm_name = "web01" };

static void start(const struct fake_plan *plan)
{
	fake = fake_start(&bus, plan);
}

static void stop(void)
{
	if (fake)
		fake_stop(fake);
	fake = 0;
}

static void find_bus_at(const char *address)
{
	assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1), 0);
}

static void find_programs_in(const char *directory)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%s:/usr/bin:/bin", directory);
	assert_int_equal(setenv("PATH", text, 1), 0);
}

static int after_each(void **state)
{
	(void)state;
	stop();
	return setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address, 1) + setenv("PATH", search_path, 1) +
	       setenv("TERM", "xterm", 1) + unsetenv("NO_COLOR");
}

static const char *ctl_path(void)
{
	return program_path("vmicctl", "VMICCTL");
}

static struct program p; /* large */

/* vmicctl with these words, up to NULL. */
static void run_words(const char *const *words)
{
	program_run(&p, ctl_path(), words);
}

#define run(...) run_words((const char *const[]){ __VA_ARGS__, NULL })

static void assert_said(int status, const char *out, const char *err)
{
	assert_string_equal(p.err, err);
	assert_string_equal(p.out, out);
	assert_int_equal(p.status, status);
}

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!json)
		fail_msg("%s in:\n%s", error.text, text);
	return json;
}

/* --- status --- */

#define HEAD \
	"  vmicd: 1.2.3, uio\n" \
	"Profile: legacy: an old guest\n" \
	" Health: healthy\n"
#define TITLES \
	"VMName Name                    Enabled PrimaryStatusDescription Agreed  Offered               " \
	"SecondaryStatusDescription\n" \
	"------ ----                    ------- ------------------------ ------  -------               " \
	"--------------------------\n"

static void status_is_the_table_of_the_host(void **state)
{
	static const char expected[] =
		HEAD "   Host: offers what a host of release 2016, 2019 offers\n\n" TITLES
		"web01  Heartbeat               True    OK?                      3.0/3.0 1.0 3.0 / 1.0 3.0\n"
		"web01  Key-Value Pair Exchange True    OK?                      3.0/5.0 1.0 3.0 / 3.0 4.0 5.0\n"
		"web01  Time Synchronization    True    OK                       3.0/3.0 1.0 3.0 / 1.0 3.0 4.0 "
		FAKE_MISMATCH "\n\n"
		"* inferred from public evidence; a real host may correct it\n"
		"? no public evidence; the likeliest value was taken\n"
		"The mismatch is by design and safe to ignore (KB4014894): the profile answers an older "
		"version. 'vmicctl profile newest' does not.\n";

	(void)state;
	start(&usual);
	run("status");
	assert_said(0, expected, "");
	run_words((const char *const[]){ NULL });
	assert_said(0, expected, "");
}

static void status_of_a_chosen_release(void **state)
{
	(void)state;
	start(&usual);
	run("status", "--release=2012");
	assert_said(0, HEAD "   Host: of release 2012, as was asked\n\n"
		    "VMName Name                    Enabled PrimaryStatusDescription Agreed  Offered               "
		    "SecondaryStatusDescription\n"
		    "------ ----                    ------- ------------------------ ------  -------               "
		    "--------------------------\n"
		    "web01  Heartbeat               True    OK*                      3.0/3.0 1.0 3.0 / 1.0 3.0\n"
		    "web01  Key-Value Pair Exchange True    OK*                      3.0/5.0 1.0 3.0 / 3.0 4.0 5.0\n"
		    "web01  Time Synchronization    True    OK*                      3.0/3.0 1.0 3.0 / 1.0 3.0 4.0\n\n"
		    "* inferred from public evidence; a real host may correct it\n", "");
	run("-r", "2003");
	assert_said(5, "", "vmicctl: there is no release '2003', but: 2012, 2016, 2019\n");
}

static void releases_that_would_report_something_else_are_named(void **state)
{
	static const struct fake_plan plan = { .releases = { "2012", "2016" } };

	(void)state;
	start(&plan);
	run("status");
	assert_int_equal(p.status, 0);
	assert_non_null(strstr(p.out, "\nA host of release 2016 reports something else of Time Synchronization: "
				      "--release=2016 shows it.\n"));
	assert_null(strstr(p.out, "something else of Heartbeat"));
	assert_non_null(strstr(p.out, "\n-      Heartbeat ")); /* the host has not told its name for us */
}

/* Of several that may be the host, the least certain counts; here it is not the first. */
static void a_mark_is_that_of_the_weakest(void **state)
{
	static const struct fake_plan plan = { .releases = { "2019", "2016" } };

	(void)state;
	start(&plan);
	run("status");
	assert_non_null(strstr(p.out, "Heartbeat               True    OK? "));
}

static void before_there_is_an_offer_nothing_is_claimed(void **state)
{
	static const struct fake_plan plan = { .offers_nothing = true };

	(void)state;
	start(&plan);
	run("status");
	assert_said(0, HEAD "   Host: has offered nothing yet; --release=2019 shows what one would report\n\n"
		    "VMName Name                    Enabled PrimaryStatusDescription Agreed   Offered "
		    "SecondaryStatusDescription\n"
		    "------ ----                    ------- ------------------------ ------   ------- "
		    "--------------------------\n"
		    "-      Heartbeat               -       -                        (absent) -\n"
		    "-      Key-Value Pair Exchange -       -                        (absent) -\n"
		    "-      Time Synchronization    -       -                        (absent) -\n", "");
}

/* Of a component that is neither served nor seen somebody else may serve the host: nothing is said of it. */
static void what_somebody_else_may_serve_is_not_in_the_table(void **state)
{
	static const struct fake_plan elsewhere = { .offers_nothing = true, .unserved = "kvp" };
	static const struct fake_plan seen = { .releases = { "2019" }, .unserved = "kvp" };
	json_t *json, *components;

	(void)state;
	start(&elsewhere);
	run("status");
	assert_null(strstr(p.out, "Key-Value"));
	assert_non_null(strstr(p.out, "Heartbeat "));
	run("status", "--json");
	assert_non_null(strstr(p.out, "Key-Value"));
	run("status", "--json", "--release=2019");
	json = parse(p.out);
	components = json_object_get(json, "Components");
	assert_true(json_is_null(json_object_get(json_array_get(components, 1), "Reported")));
	assert_true(json_is_object(json_object_get(json_array_get(components, 0), "Reported")));
	json_decref(json);
	stop();
	start(&seen);
	run("status");
	assert_non_null(strstr(p.out, "Key-Value"));
}

/* What our profile would be told is told of nothing but an answer; with --release it is. */
static void without_an_answer_the_table_shows_what_a_host_shows(void **state)
{
	static const struct {
		struct fake_stand stand;
		const char *report, *certainty; /* NULL: vmicd does not know */
	} rows[] = {
		{ { "timesync", "absent", 0, 0 }, "-       -  ", NULL },
		{ { "timesync", "absent", 1, 1 }, "-       -  ", NULL },
		{ { "timesync", "opening", 0, 0 }, "True    No Contact  ", "certain" },
		{ { "timesync", "negotiating", 0, 0 }, "True    No Contact  ", "certain" },
		{ { "timesync", "broken", 0, 0 }, "True    No Contact  ", "certain" },
		{ { "timesync", "closed", 0, 0 }, "True    No Contact  ", "certain" },
		{ { "timesync", "idle", 0, 0 }, "True    No Contact  ", "certain" },
		{ { "timesync", "idle", 1, 1 }, "True    No Contact  ", "certain" },
		{ { "timesync", "broken", 1, 0 }, "True    Lost Communication*  ", "inferred" },
		{ { "timesync", "negotiating", 2, 0 }, "True    Lost Communication*  ", "inferred" },
		{ { "timesync", "idle", 1, 0 }, "True    Lost Communication*  ", "inferred" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct fake_plan plan = { .releases = { "2012", "2019" }, .stands = { rows[i].stand } };
		char line[128], in_brackets[32];
		json_t *json, *reported;

		start(&plan);
		run("status");
		(void)snprintf(line, sizeof(line), "\n-      Time Synchronization    %s", rows[i].report);
		(void)snprintf(in_brackets, sizeof(in_brackets), " (%s) ", rows[i].stand.state);
		if (!strstr(p.out, line) || !strstr(p.out, in_brackets))
			fail_msg("no '%s' in:\n%s", line, p.out);
		assert_null(strstr(p.out, FAKE_MISMATCH));
		assert_null(strstr(p.out, "by design"));
		assert_null(strstr(p.out, "reports something else"));

		run("status", "--json");
		json = parse(p.out);
		reported = json_object_get(json_array_get(json_object_get(json, "Components"), 2), "Reported");
		assert_int_equal(json_is_null(reported), !rows[i].certainty);
		if (rows[i].certainty)
			assert_string_equal(json_string_value(json_object_get(reported, "Certainty")),
					    rows[i].certainty);
		json_decref(json);

		run("status", "--release=2019");
		assert_non_null(strstr(p.out, FAKE_MISMATCH));
		stop();
	}
}

static void an_unknown_host_is_told_of(void **state)
{
	static const struct fake_plan plan = { .outcome = "forced", .last_error = "its ring\033[31m broke" };

	(void)state;
	start(&plan);
	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	run("status");
	assert_int_equal(p.status, 0);
	assert_non_null(strstr(p.out, "   Host: offers what no known release offers, so that nothing is known of its "
				      "report; --release=2019 shows that of another\n"));
	assert_non_null(strstr(p.out, " forced 3.0/3.0 "));
	assert_non_null(strstr(p.out, "\nTime Synchronization: the configuration forces an answer, for testing hosts "
				      "only.\n"));
	assert_non_null(strstr(p.out, "\nHeartbeat, 2023-11-14 22:13:20.123: its ring\\x1b[31m broke\n"));
}

static void what_is_forced_is_not_by_design_of_a_profile(void **state)
{
	static const struct fake_plan plan = { .outcome = "forced", .releases = { "2019" } };

	(void)state;
	start(&plan);
	run("status");
	assert_non_null(strstr(p.out, FAKE_MISMATCH));
	assert_null(strstr(p.out, "by design"));
}

/* A second word need not be that of a mismatch. */
static void the_applications_are_no_mismatch(void **state)
{
	static const char *const words[] = { "OK", "(32782)" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const struct fake_plan plan = { .releases = { "2019" }, .second = words[i] };
		char cell[32];

		start(&plan);
		run("profile", "newest");
		run("status");
		(void)snprintf(cell, sizeof(cell), " 1.0 3.0 / 1.0 3.0     %s*\n", words[i]);
		if (!strstr(p.out, cell))
			fail_msg("no '%s' in:\n%s", cell, p.out);
		assert_null(strstr(p.out, "by design"));
		run("status", "--json");
		(void)snprintf(cell, sizeof(cell), "\"%s\",\n", words[i]);
		assert_non_null(strstr(strstr(p.out, "\"Reported\": {"), cell));
		stop();
	}
}

static void no_common_version_is_nothing(void **state)
{
	static const struct fake_plan plan = { .outcome = "no-common-version" };

	(void)state;
	start(&plan);
	run("--no-legend");
	assert_non_null(strstr(p.out, "- Time Synchronization    True - nothing 1.0 3.0 / 1.0 3.0 4.0\n"));
	run("versions");
	assert_non_null(strstr(p.out, "\ntimesync  Message   nothing  3.0 1.0         1.0 3.0 4.0\n"));
}

static void status_as_json_has_all(void **state)
{
	const char *id, *agreed, *release, *reported, *secondary;
	json_t *json;
	int negotiations;

	(void)state;
	start(&usual);
	run("status", "--json");
	assert_int_equal(p.status, 0);
	json = parse(p.out);
	assert_int_equal(json_unpack(json, "{s:[s,s], s:[{},{},{s:s, s:{s:s}, s:{s:i}, s:[{},{s:s, s:s}]}]}",
				     "ReportedBy", &reported, &release,
				     "Components", "Id", &id, "Answer", "Message", &agreed,
				     "Counters", "negotiations", &negotiations,
				     "Reports", "Release", &release, "SecondaryStatusDescription", &secondary),
			 0);
	assert_string_equal(reported, "2016");
	assert_string_equal(id, "timesync");
	assert_string_equal(agreed, "3.0");
	assert_int_equal(negotiations, 1);
	assert_string_equal(release, "2016");
	assert_string_equal(secondary, FAKE_MISMATCH);
	json_decref(json);
	run("-j", "-r", "2012");
	assert_non_null(strstr(p.out, "\"ReportedBy\": [\n    \"2012\"\n  ]"));
	json = parse(p.out);
	assert_int_equal(json_unpack(json, "{s:[{},{},{s:{s:s, s:s, s:s !}}]}", "Components", "Reported",
				     "PrimaryStatusDescription", &agreed, "SecondaryStatusDescription", &secondary,
				     "Certainty", &reported), 0);
	assert_string_equal(agreed, "OK");
	assert_string_equal(secondary, "");
	assert_string_equal(reported, "inferred");
	json_decref(json);
}

/* --- versions --- */

static void versions_are_complete(void **state)
{
	(void)state;
	start(&usual);
	run("versions");
	assert_said(0,
		    "Component Part      Answered Admitted        Offered\n"
		    "--------- ----      -------- --------        -------\n"
		    "heartbeat Framework 3.0      3.0 1.0         1.0 3.0\n"
		    "heartbeat Message   3.0      3.0 1.0         1.0 3.0\n"
		    "kvp       Framework 3.0      3.0 1.0         1.0 3.0\n"
		    "kvp       Message   5.0      5.0 4.0 3.0 1.0 3.0 4.0 5.0\n"
		    "timesync  Framework 3.0      3.0 1.0         1.0 3.0\n"
		    "timesync  Message   3.0      3.0 1.0         1.0 3.0 4.0\n", "");
	run("versions", "--no-legend");
	assert_int_equal(strncmp(p.out, "heartbeat Framework 3.0 3.0 1.0         1.0 3.0\n", 48), 0);
}

static void versions_as_json(void **state)
{
	const char *first, *last;
	json_t *json;

	(void)state;
	start(&usual);
	run("--json", "versions");
	json = parse(p.out);
	assert_int_equal(json_unpack(json, "{s:[{},{s:[s,s,s!]},{s:[s*]}]}", "Components",
				     "OfferedMessage", &first, &last, &last, "AdmittedMessage", &first), 0);
	assert_string_equal(first, "3.0");
	assert_string_equal(last, "5.0");
	assert_null(json_object_get(json_array_get(json_object_get(json, "Components"), 0), "Reports"));
	json_decref(json);
}

/* --- profile, renegotiate, reload --- */

static void profiles_are_listed_with_a_mark(void **state)
{
	(void)state;
	start(&usual);
	run("profile");
	assert_said(0, "  Name   Title\n  ----   -----\n* legacy an old guest\n  newest a new guest\n", "");
	run("profile", "--json");
	assert_int_equal(strncmp(p.out, "{\n  \"Profile\": \"legacy\",\n  \"Profiles\": [\n", 40), 0);
}

static void a_profile_is_awaited(void **state)
{
	json_t *json;
	const char *answer;

	(void)state;
	start(&usual);
	run("profile", "newest");
	assert_said(0, "Time Synchronization: agreed on 3.0/4.0\n", "");
	run("profile", "legacy", "--json");
	assert_int_equal(p.status, 0);
	json = parse(p.out);
	assert_int_equal(json_unpack(json, "{s:[{},{},{s:{s:s}}]}", "Components", "Answer", "Message", &answer), 0);
	assert_string_equal(answer, "3.0");
	json_decref(json);
	run("profile", "nonsense");
	assert_said(5, "", "vmicctl: there is no profile 'nonsense': 'vmicctl profile' lists them\n");
}

static void one_component_or_all_are_renegotiated(void **state)
{
	(void)state;
	start(&usual);
	run("renegotiate", "TimeSync");
	assert_said(0, "Time Synchronization: agreed on 3.0/3.0\n", "");
	run("renegotiate");
	assert_said(0, "Heartbeat: agreed on 3.0/3.0\nKey-Value Pair Exchange: agreed on 3.0/5.0\n"
		    "Time Synchronization: agreed on 3.0/3.0\n", "");
	run("renegotiate", "floppy");
	assert_said(5, "", "vmicctl: there is no component 'floppy', but: heartbeat, kvp, shutdown, timesync\n");
	run("reload");
	assert_said(0, "nothing was negotiated anew\n", "");
	run("reload", "--no-block");
	assert_said(0, "", "");
}

static void a_host_that_does_not_negotiate_is_not_waited_for_long(void **state)
{
	static const struct fake_plan plan = { .after = FAKE_NEVER };
	uint64_t began = usec_now();

	(void)state;
	start(&plan);
	run("profile", "newest", "--timeout=1");
	assert_said(7, "Time Synchronization: the host has not negotiated in time\n", "");
	assert_true(usec_now() - began >= 1000000);
	run("renegotiate", "kvp", "--no-block");
	assert_said(0, "", "");
	/* Two that were waited for in vain before are not again; the third is named. */
	run("--timeout=1", "renegotiate", "kvp", "--json");
	assert_int_equal(p.status, 7);
	json_decref(parse(p.out));
	began = usec_now();
	run("--timeout=60", "profile", "legacy");
	assert_said(0, "nothing was negotiated anew\n", "");
	assert_true(usec_now() - began < 30 * UINT64_C(1000000));
}

static void a_channel_that_breaks_is_a_failure(void **state)
{
	static const struct fake_plan plan = { .after = FAKE_BREAKS };

	(void)state;
	start(&plan);
	run("renegotiate", "heartbeat");
	assert_said(1, "Heartbeat: broken\n", "");
	run("renegotiate", "kvp", "-j");
	assert_int_equal(p.status, 1);
}

/* --- kvp --- */

static void keys_are_set_read_and_deleted(void **state)
{
	(void)state;
	start(&usual);
	run("kvp", "set", "colour", "dark red");
	assert_said(0, "", "");
	run("kvp", "get", "colour");
	assert_said(0, "dark red\n", "");
	run("kvp", "set", "--json", "--", "-n", "1");
	assert_said(0, "{\n  \"Pool\": 1,\n  \"Key\": \"-n\",\n  \"Value\": \"1\"\n}\n", "");
	run("kvp", "list");
	assert_said(0, "Key    Value\n---    -----\ncolour dark red\n-n     1\n", "");
	run("kvp", "get", "-j", "colour");
	assert_said(0, "{\n  \"Pool\": 1,\n  \"Key\": \"colour\",\n  \"Value\": \"dark red\"\n}\n", "");
	run("kvp", "delete", "colour", "-j");
	assert_said(0, "{\n  \"Pool\": 1,\n  \"Key\": \"colour\",\n  \"Value\": null\n}\n", "");
	run("kvp", "get", "colour");
	assert_said(5, "", "vmicctl: There is no such key.\n");
	run("kvp", "delete", "colour");
	assert_said(5, "", "vmicctl: There is no such key.\n");
}

static void a_value_is_exact_in_a_pipe_and_harmless_in_a_table(void **state)
{
	static const char value[] = "a\033[2Jb\\\n\xc2\x9b" "c\xc3\xbc";

	(void)state;
	start(&usual);
	run("kvp", "set", "k\033[m", value);
	run("kvp", "get", "k\033[m");
	assert_int_equal(strncmp(p.out, value, strlen(value)), 0);
	run("kvp", "list", "--no-legend");
	assert_said(0, "k\\x1b[m a\\x1b[2Jb\\\\\\n\\u009bc\xc3\xbc\n", "");
	run("kvp", "list", "--json");
	assert_non_null(strstr(p.out, "\"Value\": \"a\\u001B[2Jb\\\\\\n\\u009Bc\\u00FC\""));
}

static void pools_have_names_and_numbers(void **state)
{
	(void)state;
	start(&usual);
	run("kvp", "list", "--pool=auto-external");
	assert_said(0, "Key              Value\n---              -----\nPoolOfThisNumber 3\n", "");
	run("kvp", "get", "-p", "0", "PoolOfThisNumber");
	assert_said(0, "0\n", "");
	run("kvp", "get", "--pool=external", "nothing");
	assert_said(5, "", "vmicctl: there is no key 'nothing' in this pool\n");
	run("kvp", "set", "a", "b");
	run("kvp", "list", "--pool=all", "--no-legend");
	assert_said(0, "external      PoolOfThisNumber 0\nguest         a                b\n"
		    "auto          PoolOfThisNumber 2\nauto-external PoolOfThisNumber 3\n", "");
	run("kvp", "list", "--pool=4");
	assert_int_equal(p.status, 2);
	run("kvp", "get", "--pool=all", "a");
	assert_said(2, "", "vmicctl: kvp get wants one pool\n");
}

/* Until the running program has printed this. */
static void await_output(const char *text)
{
	uint64_t until = usec_now() + PATIENCE_USEC;
	static char out[sizeof(p.out)];

	do {
		ssize_t n = pread(p.out_fd, out, sizeof(out) - 1, 0);

		assert_true(n >= 0);
		out[n] = '\0';
		if (strstr(out, text))
			return;
		(void)usleep(10000);
	} while (usec_now() < until);
	fail_msg("\"%s\" did not come, but:\n%s", text, out);
}

/* A vmicctl beside the one that p is about. */
static void aside(const char *const *words)
{
	static struct program other;

	program_run(&other, ctl_path(), words);
	assert_string_equal(other.err, "");
	assert_int_equal(other.status, 0);
}

#define also(...) aside((const char *const[]){ __VA_ARGS__, NULL })

static void end_program(void)
{
	assert_int_equal(kill(p.pid, SIGTERM), 0);
	program_wait(&p);
	assert_int_equal(p.status, -1);
}

/* The lines without their first two words, date and time. */
static const char *without_times(const char *text)
{
	static char out[sizeof(p.out)];
	size_t n = 0;

	while (*text) {
		const char *end = strchrnul(text, '\n');

		for (int word = 0; word < 2; word++)
			text += strcspn(text, " \n") + 1;
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%.*s\n", (int)(end - text), text);
		text = *end ? end + 1 : end;
	}
	out[n] = '\0';
	return out;
}

/* It has read what there was when its match is there: then it tells of every change. */
static void await_watch(void)
{
	for (unsigned i = 0;; i++) {
		char value[16], line[64];
		struct pollfd none = { .fd = -1 };
		ssize_t got;

		(void)snprintf(value, sizeof(value), "%u", i);
		also("kvp", "set", "try", value);
		(void)snprintf(line, sizeof(line), "%s", value);
		(void)poll(&none, 1, 100);
		got = lseek(p.out_fd, 0, SEEK_END);
		if (got > 0)
			return;
		assert_true(i < 200);
	}
}

static void watch_tells_of_changes(void **state)
{
	(void)state;
	start(&usual);
	also("kvp", "set", "old", "1");
	program_start(&p, ctl_path(), (const char *const[]){ "kvp", "watch", NULL });
	await_watch();
	assert_int_equal(kill(fake, SIGUSR1), 0); /* another pool's change, and that of one that is none */
	also("kvp", "set", "a", "1\033[m");
	await_output("guest: a = 1\\x1b[m\n");
	also("kvp", "set", "old", "2");
	await_output("guest: old = 2\n");
	also("kvp", "delete", "a");
	await_output("guest: a is deleted\n");
	also("kvp", "set", "+b", "1");
	also("kvp", "set", "+b", "2"); /* the first is the one that counts */
	also("kvp", "set", "c", "3");
	await_output("guest: c = 3\n");
	end_program();
	assert_null(strstr(p.out, "old = 1"));
	assert_non_null(strstr(p.out, "+b = 1\n"));
	assert_null(strstr(p.out, "+b = 2\n"));
}

static void watch_outlives_the_daemon(void **state)
{
	(void)state;
	start(&usual);
	program_start(&p, ctl_path(), (const char *const[]){ "kvp", "watch", NULL });
	await_watch();
	stop();
	start(&usual); /* which has no pairs */
	await_output("guest: try is deleted\n");
	also("kvp", "set", "b", "1");
	await_output("guest: b = 1\n");
	end_program();
}

static void watch_as_json_is_an_object_a_line(void **state)
{
	const char *when, *key, *value;
	char *line;
	json_t *json;
	int pool;

	(void)state;
	start(&usual);
	program_start(&p, ctl_path(), (const char *const[]){ "kvp", "watch", "-j", "-p", "all", NULL });
	await_watch();
	also("kvp", "delete", "try");
	await_output("null");
	end_program();
	line = strrchr(p.out, '{');
	assert_non_null(line);
	json = parse(line);
	assert_int_equal(json_unpack(json, "{s:s, s:i, s:s, s:n}", "Time", &when, "Pool", &pool, "Key", &key,
				     "Value"), 0);
	assert_int_equal(strlen(when), strlen("2026-11-23T23:14:05.123456Z"));
	assert_int_equal(pool, 1);
	assert_string_equal(key, "try");
	json_decref(json);
	*line = '\0';
	json = parse(strrchr(p.out, '{'));
	assert_int_equal(json_unpack(json, "{s:s}", "Value", &value), 0);
	json_decref(json);
}

/* --- health, events --- */

static void health_is_shown_and_set(void **state)
{
	(void)state;
	start(&usual);
	run("health");
	assert_said(0, "healthy\n", "");
	run("health", "critical");
	assert_said(0, "", "");
	run("health", "-j");
	assert_said(0, "{\n  \"ApplicationState\": \"critical\"\n}\n", "");
	run("health", "critical", "-j");
	assert_said(0, "{\n  \"ApplicationState\": \"critical\"\n}\n", "");
	run("health", "excellent");
	assert_said(2, "", "vmicctl: health wants one of: healthy, critical, unknown, stopped\n");
}

/* One more burst when it is certain to hear all of it. */
static void start_events(const char *const *words)
{
	program_start(&p, ctl_path(), words);
	for (unsigned i = 0; lseek(p.out_fd, 0, SEEK_END) == 0; i++) {
		struct pollfd none = { .fd = -1 };

		assert_true(i < 200);
		assert_int_equal(kill(fake, SIGUSR1), 0);
		(void)poll(&none, 1, 100);
	}
	assert_int_equal(kill(fake, SIGUSR1), 0);
}

static void events_are_told_as_they_happen(void **state)
{
	static const char burst[] =
		"the clock was stepped by -0.007136 s\n"
		"pool 3, auto-external, has changed\n"
		"pool 4000000000 has changed\n"
		"the configuration has changed\n"
		"kvp: lost, what was agreed on does not hold any more\n"
		"the host asks for reboot, forced, in 300 s: \\x1b]0;evil\\x07\\x1b[2J\\u009b31m\\u202e\n"
		"the host asks for poweroff, in 0 s\n"
		"MigrationRequested \\x1b]0;evil\\x07\\x1b[2J\\u009b31m\\u202e yes\n";

	(void)state;
	start(&usual);
	start_events((const char *const[]){ "events", "--full", NULL });
	also("renegotiate", "timesync");
	await_output("timesync: negotiated, agreed on 3.0/3.0\n");
	also("profile", "newest");
	assert_int_equal(kill(fake, SIGUSR1), 0);
	await_output("Profile is newest\n");
	stop();
	await_output("vmicd is not on the bus any more\n");
	start(&usual);
	await_output("vmicd is on the bus\n");
	assert_int_equal(kill(fake, SIGUSR1), 0);
	also("renegotiate", "heartbeat");
	await_output("heartbeat: negotiated, agreed on 3.0/3.0\n");
	end_program();
	assert_non_null(strstr(without_times(p.out), burst));
	assert_non_null(strstr(p.out, " timesync: State is closed, Outcome is none, Answer is 0.0/0.0\n"));
	assert_non_null(strstr(p.out, " timesync: State is running, Outcome is agreed, Answer is 3.0/3.0\n"));
	assert_null(strstr(p.out, "Profile is legacy")); /* the burst tells of one that is as it was */
}

/* What else changes with a state is told by the negotiation. */
static void of_properties_the_states_are_told(void **state)
{
	static const struct fake_plan broken = { .after = FAKE_BREAKS, .last_error = "its ring\033[31m broke" };

	(void)state;
	start(&usual);
	start_events((const char *const[]){ "events", NULL });
	also("renegotiate", "timesync");
	await_output("timesync: negotiated, agreed on 3.0/3.0\n");
	also("profile", "newest");
	await_output("timesync: negotiated, agreed on 3.0/4.0\n");
	stop();
	await_output("vmicd is not on the bus any more\n");
	start(&broken);
	await_output("vmicd is on the bus\n");
	also("renegotiate", "timesync", "--no-block");
	await_output("timesync: broken: its ring\\x1b[31m broke\n");
	end_program();
	assert_non_null(strstr(without_times(p.out), "timesync: closed\ntimesync: running\n"
						    "timesync: negotiated, agreed on 3.0/3.0\n"));
	assert_null(strstr(p.out, "State is"));
	assert_null(strstr(p.out, "Profile is"));
}

static void events_as_json_are_objects(void **state)
{
	const char *event, *component, *outcome, *framework;
	char *line;
	json_t *json;

	(void)state;
	start(&usual);
	start_events((const char *const[]){ "events", "--json", NULL });
	also("renegotiate", "kvp");
	await_output("Negotiated");
	end_program();
	assert_non_null(strstr(p.out, "\"Event\":\"ClockStepped\",\"Nanoseconds\":-7136000}\n"));
	assert_non_null(strstr(p.out, "\"Event\":\"PoolChanged\",\"Pool\":3}\n"));
	assert_non_null(strstr(p.out, "\"Event\":\"Lost\",\"Component\":\"kvp\"}\n"));
	assert_non_null(strstr(p.out, "\"Event\":\"ShutdownRequested\",\"Action\":\"reboot\",\"Forced\":true,"
				      "\"TimeoutUsec\":300000000,\"Message\":\""));
	assert_non_null(strstr(p.out, "\"Event\":\"MigrationRequested\",\"Arguments\":["));
	assert_non_null(strstr(p.out, "\"Changed\":{\"State\":\"closed\",\"Outcome\":\"none\","));
	line = strstr(p.out, "\"Event\":\"Negotiated\"");
	while (line[-1] != '\n')
		line--;
	*strchr(line, '\n') = '\0';
	json = parse(line);
	assert_int_equal(json_unpack(json, "{s:s, s:s, s:s, s:{s:s}}", "Event", &event, "Component", &component,
				     "Outcome", &outcome, "Answer", "Framework", &framework), 0);
	assert_string_equal(component, "kvp");
	assert_string_equal(outcome, "agreed");
	assert_string_equal(framework, "3.0");
	json_decref(json);
}

/* A host need not agree to it. */
static void a_forced_answer_is_not_agreed_on(void **state)
{
	static const struct fake_plan forced = { .outcome = "forced" }, nothing = { .outcome = "no-common-version" };

	(void)state;
	start(&forced);
	start_events((const char *const[]){ "events", NULL });
	also("renegotiate", "timesync");
	await_output("timesync: negotiated, answered 3.0/3.0, forced\n");
	end_program();
	run("renegotiate", "timesync");
	assert_said(0, "Time Synchronization: answered 3.0/3.0, forced\n", "");
	stop();
	start(&nothing);
	run("renegotiate", "timesync");
	assert_said(0, "Time Synchronization: agreed on nothing\n", "");
}

/* --- when it does not work --- */

static void every_error_has_its_status(void **state)
{
	static const struct {
		const char *error;
		int status;
	} errors[] = {
		{ "org.freedesktop.DBus.Error.AccessDenied", 4 },
		{ "org.freedesktop.DBus.Error.InvalidArgs", 2 },
		{ BUS_ERROR_NO_SUCH_PROFILE, 5 },
		{ BUS_ERROR_NO_SUCH_COMPONENT, 5 },
		{ BUS_ERROR_NO_SUCH_KEY, 5 },
		{ BUS_ERROR_NOT_OPEN, 6 },
		{ BUS_ERROR_LOCKED, 7 },
		{ BUS_ERROR_INVALID_CONFIGURATION, 1 },
		{ "org.freedesktop.DBus.Error.LimitsExceeded", 1 },
		{ "org.example.NobodyKnows", 1 },
	};
	static const char *const verbs[][5] = {
		{ "profile", "newest" }, { "renegotiate" }, { "reload" }, { "health", "critical" },
		{ "kvp", "get", "a" }, { "kvp", "set", "a", "b" }, { "kvp", "delete", "a" }, { "kvp", "list" },
		{ "kvp", "watch" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		const struct fake_plan plan = { .error = errors[i].error };

		start(&plan);
		for (size_t v = 0; v < ARRAY_LEN(verbs); v++) {
			bool is_profile = v == 0 && strcmp(errors[i].error, BUS_ERROR_NO_SUCH_PROFILE) == 0;

			run_words(verbs[v]);
			assert_said(errors[i].status, "", is_profile ?
				    "vmicctl: there is no profile 'newest': 'vmicctl profile' lists them\n" :
				    "vmicctl: It was\\x1b[31m planned.\n");
		}
		stop();
	}
}

static void authorization_that_nobody_can_give_is_told(void **state)
{
	static const struct fake_plan plan = { .wants_password = true };

	(void)state;
	start(&plan);
	run("health", "critical", "--no-ask-password");
	assert_said(4, "", "vmicctl: this needs an administrator's authorization\n");
	run("health", "critical");
	assert_said(0, "", "");
}

static void a_daemon_that_hangs_is_not_waited_for_long(void **state)
{
	static const struct fake_plan plan = { .hangs = true };
	uint64_t began = usec_now();

	(void)state;
	start(&plan);
	run("reload", "--timeout=1", "--no-ask-password");
	assert_said(7, "", "vmicctl: vmicd did not answer in time\n");
	assert_true(usec_now() - began < 15 * UINT64_C(1000000));
}

static void a_bus_that_goes_is_told_of(void **state)
{
	(void)state;
	start(&usual);
	start_events((const char *const[]){ "events", NULL });
	stop();
	private_bus_stop(&bus);
	program_wait(&p);
	private_bus_run(&bus);
	assert_string_equal(p.err, "vmicctl: the connection to the bus is lost\n");
	assert_int_equal(p.status, 3);
}

static void why_it_does_not_run_is_told_as_far_as_systemd_knows(void **state)
{
	static const struct {
		struct fake_unit unit;
		const char *words;
	} units[] = {
		{ { "not-found", "inactive", "success", "microsoft", false, false },
		  "systemd knows no vmicd.service: is the package installed?" },
		{ { "masked", "inactive", "success", "microsoft", false, false },
		  "vmicd.service is masked: systemctl unmask vmicd" },
		{ { "loaded", "failed", "watchdog", "microsoft", false, false },
		  "vmicd.service has failed (watchdog), see: systemctl status vmicd" },
		{ { "loaded", "active", "success", "microsoft", false, false },
		  "vmicd.service is active, but not on the bus, see: systemctl status vmicd" },
		{ { "loaded", "activating", "success", "microsoft", false, false },
		  "vmicd.service is activating, see: systemctl status vmicd" },
		{ { "loaded", "inactive", "success", "kvm", true, false },
		  "there is no VMBus here: this is no guest of Hyper-V (virtualization: kvm)" },
		{ { "loaded", "inactive", "success", "", true, false },
		  "there is no VMBus here: this is no guest of Hyper-V (no virtual machine)" },
		{ { "loaded", "inactive", "success", "microsoft", true, false },
		  "there is no VMBus here: hv_vmbus is not loaded, or this is no guest of Hyper-V" },
		{ { "loaded", "inactive", "success", "microsoft", false, true },
		  "there is no VMBus here: hv_vmbus is not loaded, or this is no guest of Hyper-V" },
		{ { "loaded", "inactive", "success", "microsoft", false, false },
		  "vmicd.service is stopped: systemctl start vmicd" },
	};
	static const char *const verbs[][3] = { { "status" }, { "events" }, { "kvp", "list" }, { "reload" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		const struct fake_plan plan = { .is_not_there = true, .unit = &units[i].unit };
		char words[256];

		(void)snprintf(words, sizeof(words), "vmicctl: vmicd is not running\nvmicctl: %s\n", units[i].words);
		start(&plan);
		for (size_t v = 0; v < ARRAY_LEN(verbs); v++) {
			run_words(verbs[v]);
			assert_said(3, "", words);
		}
		stop();
	}
	run("status");
	assert_said(3, "", "vmicctl: vmicd is not running\n");
}

#define NEEDS_NO_BUS "vmicctl: vmicd itself needs no bus, see: systemctl status vmicd\n"

static const char *const all_verbs[][5] = {
	{ NULL }, { "status" }, { "versions" }, { "profile" }, { "profile", "newest" }, { "renegotiate" },
	{ "renegotiate", "kvp" }, { "kvp", "get", "a" }, { "kvp", "set", "a", "b" }, { "kvp", "delete", "a" },
	{ "kvp", "list" }, { "kvp", "watch" }, { "health" }, { "health", "critical" }, { "events" }, { "reload" },
};

/* The verbs of the help are those that are tried. */
static void no_verb_is_forgotten(void **state)
{
	unsigned n = 0;

	(void)state;
	run("--help");
	for (char *line = strtok(strstr(p.out, "Verbs"), "\n"); line; line = strtok(NULL, "\n")) {
		bool found = false;

		if (strncmp(line, "Options", 7) == 0)
			break;
		if (strncmp(line, "  ", 2) != 0)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(all_verbs) && !found; i++) {
			const char *const *v = all_verbs[i];
			char words[64];

			if (!v[0])
				continue;
			(void)snprintf(words, sizeof(words), "  %s %s", v[0],
				       strcmp(v[0], "kvp") == 0 ? v[1] : "");
			found = strncmp(line, words, strlen(words)) == 0;
		}
		if (!found)
			fail_msg("not tried: %s", line);
		n++;
	}
	assert_true(n >= 12);
}

/* All of them: words, the status of a daemon that cannot be asked, and nothing that a program would read. */
static void without_a_bus_it_says_so(void **state)
{
	(void)state;
	find_bus_at("unix:path=/nonexistent/bus");
	for (size_t i = 0; i < 2 * ARRAY_LEN(all_verbs); i++) {
		const char *words[7] = { i < ARRAY_LEN(all_verbs) ? "--timeout=9" : "--json" };

		memcpy(words + 1, all_verbs[i % ARRAY_LEN(all_verbs)], sizeof(all_verbs[0]));
		run_words(words);
		assert_said(3, "", "vmicctl: cannot reach the system bus: No such file or directory (is dbus "
			    "running?)\n" NEEDS_NO_BUS);
	}
}

/* One that the daemon would refuse has the same status without one; what it alone can know needs it. */
static void what_is_wrong_in_any_case_needs_no_daemon(void **state)
{
	static const struct {
		const char *words[6];
		int status;
		const char *err;
	} rows[] = {
		{ { "kvp", "get", "--pool=all", "a" }, 2, "kvp get wants one pool\n" },
		{ { "kvp", "get", "--pool=4", "a" }, 2, "--pool wants external" },
		{ { "kvp", "list", "--pool=4" }, 2, "--pool wants external" },
		{ { "kvp", "watch", "--pool=4" }, 2, "--pool wants external" },
		{ { "kvp", "get", "" }, 2, "KEY must not be empty" },
		{ { "kvp", "set", "", "b" }, 2, "KEY must not be empty" },
		{ { "kvp", "delete", "" }, 2, "KEY must not be empty" },
		{ { "kvp", "set", "a", "\xff" }, 2, "'\\xff' is no UTF-8" },
		{ { "profile", "\xc3" }, 2, "'\\xc3' is no UTF-8" },
		{ { "renegotiate", "NOTHING" }, 5, "there is no component 'NOTHING', but: heartbeat, kvp, shutdown" },
		{ { "renegotiate", "" }, 5, "there is no component ''" },
		{ { "health", "excellent" }, 2, "health wants one of: healthy, critical, unknown, stopped" },
		{ { "health", "Healthy" }, 2, "health wants one of" },
		{ { "health", "" }, 2, "health wants one of" },
		{ { "renegotiate", "TimeSync" }, 3, "cannot reach" },
		{ { "kvp", "get", "--pool=external", "" }, 3, "cannot reach" },
		{ { "kvp", "set", "\xc3\xa4", "" }, 3, "cannot reach" },
		{ { "profile", "nothing" }, 3, "cannot reach" },
		{ { "status", "--release=nothing" }, 3, "cannot reach" },
		{ { "renegotiate", "NOTHING", "-H", "web01" }, 3, "cannot reach" },
		{ { "renegotiate", "NOTHING", "-M", "nobody" }, 3, "no container 'nobody' runs" },
		{ { "health", "excellent", "-H", "web01" }, 3, "cannot reach" },
	};

	(void)state;
	find_bus_at("unix:path=/nonexistent/bus");
	assert_int_equal(setenv("PATH", "/nonexistent", 1), 0); /* no ssh */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		run_words(rows[i].words);
		if (p.status != rows[i].status || !strstr(p.err, rows[i].err))
			fail_msg("%s %s: %d, '%s'", rows[i].words[0], rows[i].words[1], p.status, p.err);
		assert_string_equal(p.out, "");
	}
	for (size_t i = 0; i < ic_n_services; i++) {
		run("renegotiate", ic_component_names[ic_services[i]->component]);
		assert_int_equal(p.status, 3);
	}
	for (size_t i = 0; i < HEARTBEAT_STATES; i++) {
		run("health", heartbeat_state_names[i]);
		assert_int_equal(p.status, 3);
	}
}

/* A bus that takes the connection and says nothing. */
static void a_bus_that_hangs_is_not_waited_for_long(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char address[160];

	(void)state;
	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s/mute", bus.dir.path);
	(void)snprintf(address, sizeof(address), "unix:path=%s", name.sun_path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fd, 1), 0);
	find_bus_at(address);
	run("status", "--timeout=1");
	assert_said(3, "", "vmicctl: cannot reach the system bus: Connection timed out\n" NEEDS_NO_BUS);
	(void)close(fd);
	(void)unlink(name.sun_path);
}

static void what_cannot_be_printed_is_a_failure(void **state)
{
	static const char *const verbs[] = { "--help", "--version", "status", "--json", "versions", "health",
					     "profile", "kvp list", "renegotiate" };
	char command[PATH_MAX + 32];

	(void)state;
	start(&usual);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		(void)snprintf(command, sizeof(command), "exec %s %s >/dev/full", ctl_path(), verbs[i]);
		program_run(&p, "/bin/sh", (const char *const[]){ "-c", command, NULL });
		assert_said(1, "", "vmicctl: cannot write: No space left on device\n");
	}
}

/* --- elsewhere --- */

/* ssh, as sd-bus calls it: says what it was called with, and connects to the test's bus. */
static void another_machine_is_reached_by_ssh(void **state)
{
	char script[PATH_MAX + 512], path[256];
	struct temp_dir dir = temp_dir_new();

	(void)state;
	start(&usual);
	(void)snprintf(script, sizeof(script), "#!/bin/sh\necho \"$@\" >%s/called\nexec %s --bridge %s\n", dir.path,
		       program_path("test_ctl", "TEST_CTL"), bus.socket);
	temp_dir_put(&dir, "ssh", script);
	temp_dir_path(&dir, "ssh", path, sizeof(path));
	assert_int_equal(chmod(path, 0755), 0);
	find_programs_in(dir.path);
	find_bus_at("unix:path=/nonexistent/bus");
	run("-H", "root@web01", "health");
	assert_said(0, "healthy\n", "");
	script[temp_dir_read(&dir, "called", script, sizeof(script) - 1)] = '\0';
	assert_non_null(strstr(script, "root@web01"));
	run("-H", "root@web01", "health", "excellent");
	assert_said(2, "", "vmicctl: Expected another word.\n");
	run("-H", "root@web01", "renegotiate", "floppy");
	assert_said(5, "", "vmicctl: There is no such component.\n");

	stop();
	run("--host=root@web01", "status");
	assert_said(3, "", "vmicctl: vmicd is not running\n");
	temp_dir_put(&dir, "ssh", "#!/bin/sh\nexit 255\n");
	run("-H", "web01", "status");
	assert_said(3, "", "vmicctl: cannot reach the system bus of web01 by ssh\n");
	temp_dir_done(&dir);
}

static void a_container_that_is_not_there_is_told_of(void **state)
{
	struct temp_dir dir = temp_dir_new();
	char path[256];

	(void)state;
	run("-M", "nosuchcontainer", "status");
	assert_said(3, "", "vmicctl: no container 'nosuchcontainer' runs here: 'machinectl' lists those that do\n");
	run("-M", "no/such", "status");
	assert_said(3, "", "vmicctl: cannot reach the system bus of the container no/such: Invalid argument\n");
	/* systemd-run, as sd-bus calls it to be another user there */
	temp_dir_put(&dir, "systemd-run", "#!/bin/sh\necho \"$@\" >&2\nexit 1\n");
	temp_dir_path(&dir, "systemd-run", path, sizeof(path));
	assert_int_equal(chmod(path, 0755), 0);
	find_programs_in(dir.path);
	run("-M", "web@nosuchcontainer", "status");
	assert_int_equal(p.status, 3);
	assert_non_null(strstr(p.err, "-Mnosuchcontainer"));
	assert_non_null(strstr(p.err, "vmicctl: cannot reach the system bus of the container web@nosuchcontainer\n"));
	temp_dir_done(&dir);
	run("-M", "a", "-H", "b");
	assert_said(2, "", "vmicctl: --host and --machine exclude each other\n");
}

/* Between stdin and stdout, and a socket. */
static int bridge(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd in[2] = { { .fd = 0, .events = POLLIN }, { .fd = fd, .events = POLLIN } };

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	if (connect(fd, (const struct sockaddr *)&name, sizeof(name)) < 0)
		return 1;
	while (poll(in, 2, -1) > 0)
		for (int i = 0; i < 2; i++) {
			char buf[4096];
			ssize_t n = in[i].revents ? read(in[i].fd, buf, sizeof(buf)) : -1;

			if (in[i].revents && (n <= 0 || write(i ? 1 : fd, buf, (size_t)n) != n))
				return 0;
		}
	return 1;
}

/* --- on a terminal --- */

static char screen[65536];

/* What a program writes to a terminal so wide. */
static void run_program_on_terminal(const char *path, uid_t uid, unsigned short columns,
				    const char *const *words)
{
	const struct winsize size = { .ws_row = 24, .ws_col = columns };
	const char *argv[16] = { path };
	size_t used = 0;
	ssize_t n;
	int fd, status;
	pid_t pid;

	for (size_t i = 0; words[i]; i++)
		argv[i + 1] = words[i];
	pid = forkpty(&fd, NULL, NULL, &size);
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)alarm(PROGRAM_SECONDS);
		if (setuid(uid) == 0)
			(void)execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	while ((n = read(fd, screen + used, sizeof(screen) - 1 - used)) > 0)
		used += (size_t)n;
	screen[used] = '\0';
	(void)close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void run_on_terminal(unsigned short columns, const char *const *words)
{
	run_program_on_terminal(ctl_path(), geteuid(), columns, words);
}

#define show(columns, ...) run_on_terminal(columns, (const char *const[]){ __VA_ARGS__, NULL })

/* Takes the colours out; nothing else may steer. Returns how many there were. */
static unsigned drop_colours(void)
{
	char *to = screen;
	unsigned n = 0;

	for (const char *from = screen; *from; from++) {
		if (*from == '\033') {
			size_t code = strspn(from + 2, "0123456789;");

			assert_int_equal(from[1], '[');
			assert_int_equal(from[2 + code], 'm');
			from += 2 + code;
			n++;
		} else if (*from != '\r') {
			assert_true(*from == '\n' || (unsigned char)*from >= 0x20);
			assert_true(*from != 0x7f);
			*to++ = *from;
		}
	}
	*to = '\0';
	return n;
}

static void assert_fits(size_t columns)
{
	for (const char *line = screen; *line;) {
		size_t len = strcspn(line, "\n");

		if (len > columns)
			fail_msg("more than %zu columns: %.*s", columns, (int)len, line);
		line += len + (line[len] == '\n');
	}
}

static void tables_fit_the_terminal(void **state)
{
	static const unsigned short widths[] = { 80, 81, 90, 99, 100, 120, 132, 140, 160, 200, 400 };
	static const struct fake_plan plan = {
		.releases = { "2016", "2019" },
		.vm_name = "a virtual machine with a very long name that would not fit anywhere",
		.last_error = "a sentence that is longer than the terminal is wide, as sentences about what went "
			      "wrong tend to be when nobody stops them from going on and on",
	};

	(void)state;
	start(&plan);
	also("kvp", "set", "a key that is quite long, but not the longest", "and its value, which is as long as that");
	for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
		show(widths[i], "status");
		assert_true(drop_colours() > 0);
		assert_fits(widths[i]);
		assert_non_null(strstr(screen, "Time Synchronization"));
		assert_non_null(strstr(screen, "The protocol version of"));
		assert_non_null(strstr(screen, "1.0 3.0 / 1.0 3.0 4.0"));
		show(widths[i], "versions");
		(void)drop_colours();
		assert_fits(widths[i]);
		show(widths[i], "kvp", "list", "--pool=all");
		(void)drop_colours();
		assert_fits(widths[i]);
		show(widths[i], "profile");
		(void)drop_colours();
		assert_fits(widths[i]);
	}
	show(80, "status");
	(void)drop_colours();
	assert_non_null(strstr(screen, "\na virtual ma... Heartbeat"));
	show(80, "kvp", "list");
	assert_non_null(strstr(screen, "..."));
	show(80, "status", "--full");
	assert_non_null(strstr(screen, plan.vm_name));
	show(80, "kvp", "list", "-l");
	assert_null(strstr(screen, "..."));
}

static void colours_are_for_terminals_that_want_them(void **state)
{
	(void)state;
	start(&usual);
	show(200, "status");
	assert_non_null(strstr(screen, "\033[33mThe protocol version"));
	assert_non_null(strstr(screen, "\033[32m3.0/3.0\033[0m"));
	assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
	show(200, "status");
	assert_int_equal(drop_colours(), 0);
	assert_int_equal(unsetenv("NO_COLOR"), 0);
	assert_int_equal(setenv("TERM", "dumb", 1), 0);
	show(200, "status");
	assert_int_equal(drop_colours(), 0);
}

static void nothing_steers_the_terminal(void **state)
{
	(void)state;
	start(&usual);
	also("kvp", "set", FAKE_EVIL, FAKE_EVIL);
	show(80, "kvp", "list");
	(void)drop_colours();
	assert_non_null(strstr(screen, "\\x1b]0;evil\\x07"));
	show(80, "kvp", "get", FAKE_EVIL);
	(void)drop_colours();
	show(80, "--json", "kvp", "list");
	assert_int_equal(drop_colours(), 0);
	assert_null(strchr(screen, '\xc2'));
}

/* --- passwords --- */

#define NOBODY 65534

static void copy_program(const struct temp_dir *dir)
{
	static char binary[32 << 20];
	char path[128];
	FILE *from = fopen(ctl_path(), "re");
	size_t n;

	assert_non_null(from);
	n = fread(binary, 1, sizeof(binary), from);
	assert_true(n > 0 && n < sizeof(binary));
	(void)fclose(from);
	temp_dir_write(dir, "vmicctl", binary, n);
	temp_dir_path(dir, "vmicctl", path, sizeof(path));
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(chmod(dir->path, 0777), 0);
}

/* pkttyagent, as far as vmicctl sees it: says that it is ready, and stays. */
static void put_agent(const struct temp_dir *dir)
{
	char script[512], path[128];

	(void)snprintf(script, sizeof(script),
		       "#!/bin/sh\ntrap 'echo ended >>%s/agent; exit 0' TERM\necho \"$@\" >>%s/agent\n"
		       "exec 3>&-\nwhile :; do sleep 0.05; done\n", dir->path, dir->path);
	temp_dir_put(dir, "pkttyagent", script);
	temp_dir_path(dir, "pkttyagent", path, sizeof(path));
	assert_int_equal(chmod(path, 0755), 0);
}

static void a_password_is_asked_for_where_one_may_be_needed(void **state)
{
	static const char *const silent[][4] = {
		{ "status" }, { "kvp", "list" }, { "profile", "newest", "--no-ask-password" },
	};
	struct temp_dir dir = temp_dir_new();
	const uid_t uid = geteuid() == 0 ? NOBODY : geteuid();
	char program[128], agent[128], text[256] = "";

	(void)state;
	start(&usual);
	copy_program(&dir);
	put_agent(&dir);
	temp_dir_path(&dir, "vmicctl", program, sizeof(program));
	temp_dir_path(&dir, "agent", agent, sizeof(agent));
	find_programs_in(dir.path);
	for (size_t i = 0; i < ARRAY_LEN(silent); i++)
		run_program_on_terminal(program, uid, 80, silent[i]);
	if (geteuid() == 0)
		run_program_on_terminal(program, 0, 80, (const char *const[]){ "reload", NULL });
	assert_int_equal(access(agent, F_OK), -1);
	run_program_on_terminal(program, uid, 80, (const char *const[]){ "profile", "legacy", NULL });
	text[temp_dir_read(&dir, "agent", text, sizeof(text) - 1)] = '\0';
	assert_string_equal(text, "--notify-fd 3 --fallback\nended\n");
	assert_non_null(strstr(screen, "agreed on"));
	temp_dir_done(&dir);
}

/* --- */

/* Types that no property has, texts that steer: it says what it can, and neither crashes nor hangs. */
static void a_daemon_that_means_no_good_is_survived(void **state)
{
	static const struct fake_plan plan = { .means_no_good = true };
	static const char *const verbs[][4] = {
		{ "status" }, { "status", "--json" }, { "versions" }, { "versions", "-j" }, { "profile" },
		{ "profile", "-j" }, { "health" }, { "kvp", "list", "--pool=all" }, { "kvp", "list", "-j" },
	};

	(void)state;
	start(&plan);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		run_words(verbs[i]);
		assert_true(p.status == 0 || p.status == 1);
		assert_null(strchr(p.out, '\033'));
		assert_null(strchr(p.err, '\033'));
		assert_null(strstr(p.out, "\xe2\x80\xae"));
		assert_null(strstr(p.err, "Sanitizer"));
	}
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i][0], "status") != 0 && strcmp(verbs[i][0], "versions") != 0)
			continue;
		run_on_terminal(80, verbs[i]);
		(void)drop_colours();
	}
	show(20, "health");
	(void)drop_colours();
	assert_fits(20);
	run("status", "--release=2019");
	assert_int_equal(p.status, 5);
}

static int setup(void **state)
{
	(void)state;
	(void)snprintf(search_path, sizeof(search_path), "%s", getenv("PATH"));
	(void)setenv("TERM", "xterm", 1);
	(void)setenv("LC_ALL", "C.UTF-8", 1);
	(void)unsetenv("NO_COLOR");
	(void)unsetenv("COLUMNS");
	private_bus_init(&bus, "");
	private_bus_run(&bus);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	private_bus_done(&bus);
	return 0;
}

#define test(f) cmocka_unit_test_teardown(f, after_each)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		test(status_is_the_table_of_the_host),
		test(status_of_a_chosen_release),
		test(releases_that_would_report_something_else_are_named),
		test(a_mark_is_that_of_the_weakest),
		test(before_there_is_an_offer_nothing_is_claimed),
		test(what_somebody_else_may_serve_is_not_in_the_table),
		test(without_an_answer_the_table_shows_what_a_host_shows),
		test(an_unknown_host_is_told_of),
		test(what_is_forced_is_not_by_design_of_a_profile),
		test(the_applications_are_no_mismatch),
		test(no_common_version_is_nothing),
		test(status_as_json_has_all),
		test(versions_are_complete),
		test(versions_as_json),
		test(profiles_are_listed_with_a_mark),
		test(a_profile_is_awaited),
		test(one_component_or_all_are_renegotiated),
		test(a_host_that_does_not_negotiate_is_not_waited_for_long),
		test(a_channel_that_breaks_is_a_failure),
		test(keys_are_set_read_and_deleted),
		test(a_value_is_exact_in_a_pipe_and_harmless_in_a_table),
		test(pools_have_names_and_numbers),
		test(watch_tells_of_changes),
		test(watch_outlives_the_daemon),
		test(watch_as_json_is_an_object_a_line),
		test(health_is_shown_and_set),
		test(events_are_told_as_they_happen),
		test(of_properties_the_states_are_told),
		test(events_as_json_are_objects),
		test(a_forced_answer_is_not_agreed_on),
		test(every_error_has_its_status),
		test(authorization_that_nobody_can_give_is_told),
		test(a_daemon_that_hangs_is_not_waited_for_long),
		test(a_bus_that_goes_is_told_of),
		test(why_it_does_not_run_is_told_as_far_as_systemd_knows),
		test(no_verb_is_forgotten),
		test(without_a_bus_it_says_so),
		test(what_is_wrong_in_any_case_needs_no_daemon),
		test(a_bus_that_hangs_is_not_waited_for_long),
		test(what_cannot_be_printed_is_a_failure),
		test(another_machine_is_reached_by_ssh),
		test(a_container_that_is_not_there_is_told_of),
		test(tables_fit_the_terminal),
		test(colours_are_for_terminals_that_want_them),
		test(nothing_steers_the_terminal),
		test(a_password_is_asked_for_where_one_may_be_needed),
		test(a_daemon_that_means_no_good_is_survived),
	};

	if (argc == 3 && strcmp(argv[1], "--bridge") == 0)
		return bridge(argv[2]);
	return cmocka_run_group_tests(tests, setup, teardown);
}
