/* SPDX-License-Identifier: GPL-2.0-only */
/* The report in all its forms, and what a hostile guest or a damaged file makes of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hv_util/base.h"
#include "daemon/terminal/text.h"
#include "tests/host/fault.h"
#include "tests/host/report.h"
#include "tests/host/report_json.h"
#include "tests/host/report_option.h"

static struct guest_facts guest, again; /* large */
static const struct release *release;

#define SENTENCE                                                                       \
	"The protocol version of the component installed in the virtual machine does " \
	"not match the version expected by the hosting system."

static void agree(enum component c, uint16_t message)
{
	guest.component[c].opened = true;
	guest.component[c].contact = CONTACT_AGREED;
	guest.component[c].answered_counts[0] = guest.component[c].answered_counts[1] = 1;
	guest.component[c].answered.framework = (struct version){ 3, 0 };
	guest.component[c].answered.message = (struct version){ message, 0 };
}

/* A guest of 2012 R2's time on Windows Server 2019. */
static int legacy_guest(void **state)
{
	(void)state;
	release = release_find("2019");
	memset(&guest, 0, sizeof(guest));
	(void)strcpy(guest.vm_name, "vmicd");
	(void)strcpy(guest.vm_id, "9fc171e7-b2c6-4bd2-9ff0-253209b2a69d");
	guest.running = true;
	for (enum component c = 0; c < COMPONENT_MAX; c++) {
		guest.component[c].enabled = true;
		guest.component[c].offered_framework = release->component[c].framework;
		guest.component[c].offered_message = release->component[c].message;
	}
	agree(COMPONENT_HEARTBEAT, 3);
	agree(COMPONENT_KVP, 5);
	agree(COMPONENT_TIMESYNC, 3);
	return 0;
}

/* What is printed into these columns, to be freed. */
static char *printed(enum report_form form, unsigned width, bool colour)
{
	char *text = NULL;
	size_t size;
	struct terminal t = { .width = width, .colour = colour };

	t.to = open_memstream(&text, &size);
	assert_non_null(t.to);
	assert_int_equal(report_print(form, release, &guest, &t), 0);
	(void)fclose(t.to);
	return text;
}

static size_t widest_line(const char *text)
{
	size_t widest = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");

		widest = len > widest ? len : widest;
		text += len + (text[len] == '\n');
	}
	return widest;
}

static unsigned occurrences(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

/* A search finds the whole row: nothing is broken where no terminal is. */
static void test_table_on_one_line(void **state)
{
	char *text = printed(REPORT_TABLE, 0, false);

	(void)state;
	assert_non_null(strstr(text,
		"VMName Name                    Enabled PrimaryStatusDescription "
		"SecondaryStatusDescription\n"));
	assert_non_null(strstr(text,
		"vmicd  Time Synchronization    True    OK                       " SENTENCE "\n"));
	assert_int_equal(occurrences(text, SENTENCE), 1);
	assert_non_null(strstr(text, "vmicd  Shutdown                True    No Contact\n"));
	assert_non_null(strstr(text, "Heartbeat                  : OkApplicationsUnknown"));
	assert_int_equal(occurrences(text, "\033"), 0);
	free(text);
}

static void test_event_on_one_line(void **state)
{
	char *text = printed(REPORT_EVENTS, 0, false);

	(void)state;
	assert_non_null(strstr(text,
		"4010  Microsoft-Windows-Hyper-V-Integration-TimeSync*  "
		"Hyper-V Time Synchronization connected to virtual machine 'vmicd', but"));
	assert_non_null(strstr(text,
		"Framework version: Negotiated (3.0) - Expected (3.0); "
		"Message version: Negotiated (3.0) - Expected (4.0). "));
	assert_int_equal(occurrences(text, "4010"), 1);
	free(text);
}

static void test_table_fits(void **state)
{
	static const unsigned widths[] = { 90, 100, 132 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(widths); i++) {
		char *text = printed(REPORT_TABLE, widths[i], false);

		assert_true(widest_line(text) <= widths[i]);
		assert_null(strstr(text, " \n"));
		free(text);
	}
}

/* Who was the host, what was agreed, what was broken on purpose. */
static void test_first_lines(void **state)
{
	static const char agreed[] = "Windows Server 2019; agreed: Heartbeat 3.0/3.0, KVP 3.0/5.0, "
				     "TimeSync 3.0/3.0 (expects 3.0/4.0)\n";
	char *text = printed(REPORT_TABLE, 0, false);

	(void)state;
	assert_true(strncmp(text, agreed, sizeof(agreed) - 1) == 0);
	assert_null(strstr(text, "Faults:"));
	free(text);

	(void)strcpy(guest.faults, "drop:kvp=2 duplicate");
	for (enum component c = 0; c < COMPONENT_MAX; c++)
		guest.component[c].contact = CONTACT_NONE;
	text = printed(REPORT_TABLE, 0, false);
	assert_true(strncmp(text, "Windows Server 2019; agreed: nothing\n"
				  "Faults: drop:kvp=2 duplicate\n\n", 66) == 0);
	free(text);
}

static void test_table_in_80_columns(void **state)
{
	char *text = printed(REPORT_TABLE, 80, false);

	(void)state;
	assert_true(widest_line(text) <= 80);
	assert_null(strstr(text, "SecondaryStatusDescription"));
	assert_non_null(strstr(text,
		"vmicd  Time Synchronization    True    OK\n"
		"    The protocol version of the component installed in the virtual machine does\n"
		"    not match the version expected by the hosting system.\n"
		"vmicd  VSS                     True    No Contact\n"));
	free(text);
}

static void test_faults_as_text(void **state)
{
	static const char *const rows[] = { "", "storm=50", "drop=2 duplicate",
					    "drop:kvp=2 drop:vss=3 corrupt-index:heartbeat=1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fault_set set = { .on = { { false } } };
		char copy[128], error[256], text[256];

		(void)strcpy(copy, rows[i]);
		for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
			assert_int_equal(fault_set_add(&set, word, error, sizeof(error)), 0);
		assert_string_equal(fault_set_format(&set, text, sizeof(text)), rows[i]);
		(void)fault_set_format(&set, text, 7); /* is cut, and no further */
		assert_true(strlen(text) < 7);
	}
}

/* Too narrow to be broken readably: whole lines run over, nothing is lost. */
static void test_table_in_ten_columns(void **state)
{
	char *text = printed(REPORT_TABLE, 10, false);

	(void)state;
	assert_non_null(strstr(text, SENTENCE));
	free(text);
}

static void test_colours(void **state)
{
	char *text;

	(void)state;
	guest.component[COMPONENT_KVP].contact = CONTACT_NO_COMMON;
	text = printed(REPORT_TABLE, 0, true);
	assert_non_null(strstr(text, "\033[32mOK*\033[0m"));
	assert_non_null(strstr(text, "\033[33m" SENTENCE "\033[0m"));
	assert_non_null(strstr(text, "\033[31;1mNon-Recoverable Error"));
	assert_non_null(strstr(text, "\033[2mNo Contact\033[0m"));
	free(text);
}

static void test_no_common_version_is_explained(void **state)
{
	char *text;

	(void)state;
	guest.component[COMPONENT_KVP].contact = CONTACT_NO_COMMON;
	guest.component[COMPONENT_KVP].answered_counts[0] = 0;
	guest.component[COMPONENT_KVP].answered_counts[1] = 0;
	text = printed(REPORT_TABLE, 0, false);
	assert_non_null(strstr(text, "Hyper-V Data Exchange failed to connect to virtual machine"));
	assert_non_null(strstr(text,
		"Key-Value Pair Exchange: Offered framework 1.0 3.0 and message 3.0 4.0 5.0; "
		"it answered counts 0,0"));
	free(text);
}

static void test_violations(void **state)
{
	char *text;

	(void)state;
	guest.component[COMPONENT_KVP].violations = 3;
	(void)strcpy(guest.component[COMPONENT_KVP].violation, "a length of 9\033[2J");
	text = printed(REPORT_TABLE, 0, false);
	assert_non_null(strstr(text,
		"\nThe guest broke the contract\n"
		"Key-Value Pair Exchange, 3 times, last: a length of 9\\x1b[2J\n"));
	assert_null(strchr(text, '\033'));
	free(text);

	guest.violations = 1; /* of no component */
	(void)strcpy(guest.violation, "an unknown type\033[2J");
	text = printed(REPORT_TABLE, 0, false);
	assert_non_null(strstr(text,
		"\nThe guest broke the contract\n"
		"Link, 1 time: an unknown type\\x1b[2J\n"
		"Key-Value Pair Exchange, 3 times"));
	free(text);

	guest.component[COMPONENT_KVP].violations = 0;
	text = printed(REPORT_TABLE, 0, false);
	assert_non_null(strstr(text, "\nThe guest broke the contract\nLink, 1 time: an"));
	assert_int_equal(occurrences(text, "1 time"), 1);
	free(text);

	guest.violations = 0;
	text = printed(REPORT_TABLE, 0, false);
	assert_null(strstr(text, "broke"));
	free(text);
}

static void test_shutdown_is_told(void **state)
{
	static const struct {
		enum shutdown_request shutdown;
		uint32_t status;
		const char *line;
	} rows[] = {
		{ SHUTDOWN_NOT_AGREED, 0,
		  "\nShutdown request           : not sent, the guest has not agreed on the component\n" },
		{ SHUTDOWN_UNANSWERED, 0, "\nShutdown request           : not answered\n" },
		{ SHUTDOWN_ANSWERED, 0,
		  "\nShutdown request           : answered, status ok (0x00000000)\n" },
		{ SHUTDOWN_ANSWERED, 0x80004005,
		  "\nShutdown request           : answered, status fail (0x80004005)\n" },
		{ SHUTDOWN_ANSWERED, 7,
		  "\nShutdown request           : answered, status unknown (0x00000007)\n" },
	};
	char *text = printed(REPORT_TABLE, 0, false);

	(void)state;
	assert_null(strstr(text, "Shutdown request"));
	free(text);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		guest.shutdown = rows[i].shutdown;
		guest.shutdown_status = rows[i].status;
		text = printed(REPORT_TABLE, 0, false);
		assert_non_null(strstr(text, rows[i].line));
		free(text);
	}
}

static void test_absent_components_are_named(void **state)
{
	char *text;

	(void)state;
	release = release_find("openvmm");
	text = printed(REPORT_TABLE, 0, false);
	assert_null(strstr(text, "vmicd  Heartbeat"));
	assert_non_null(strstr(text,
		"OpenVMM does not have: Guest Service Interface, Heartbeat, VSS\n"));
	assert_non_null(strstr(text, release->remark));
	free(text);
}

static void test_vm_off(void **state)
{
	char *text;

	(void)state;
	guest.running = false;
	text = printed(REPORT_TABLE, 0, false);
	assert_non_null(strstr(text, "vmicd  Time Synchronization    True\n"));
	assert_null(strstr(text, SENTENCE));
	free(text);
}

static void test_wmi(void **state)
{
	char *text = printed(REPORT_WMI, 0, false);
	const char *at = strstr(text, "Msvm_TimeSyncComponent\n");

	(void)state;
	assert_non_null(at);
	assert_non_null(strstr(at, "DeviceID                        : "
				   "Microsoft:9FC171E7-B2C6-4BD2-9FF0-253209B2A69D\\"
				   "2497F4DE-E9FA-4204-80E4-4B75C46419C0\n"));
	assert_non_null(strstr(at, "OperationalStatus               : {2, 32775}\n"));
	assert_non_null(strstr(at, "StatusDescriptions              : {OK, " SENTENCE "}\n"));
	assert_int_equal(occurrences(text, "32775"), 1);
	free(text);
}

/* A guest's text reaches the terminal as text. */
static void test_hostile_texts(void **state)
{
	static const enum report_form forms[] = { REPORT_TABLE, REPORT_EVENTS, REPORT_WMI,
						  REPORT_JSON };

	(void)state;
	(void)strcpy(guest.vm_name, "\033]0;x\007\nfake\xff\xe2\x80\xae");
	guest.n_intrinsic = 1;
	(void)strcpy(guest.intrinsic[0].key, "IntegrationServicesVersion");
	(void)strcpy(guest.intrinsic[0].value, "6\r\033[31m\xc2\x9b\x80");
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		char *text = printed(forms[i], 0, false);

		for (const char *p = text; *p; p++)
			assert_true((*p >= ' ' && *p != 0x7f) || *p == '\n' || (*p & 0x80));
		if (forms[i] != REPORT_JSON) {
			assert_null(strstr(text, "\xc2\x9b"));
			assert_null(strstr(text, "\xe2\x80\xae"));
			assert_null(strchr(text, '\xff'));
		}
		free(text);
	}
}

static FILE *memory_file(char *text)
{
	FILE *file = fmemopen(text, strlen(text), "r");

	assert_non_null(file);
	return file;
}

static int read_back(char *text, char error[static 512])
{
	const struct release *found = NULL;
	FILE *file = memory_file(text);
	int r = report_read_json(file, "x.json", &found, &again, error, 512);

	(void)fclose(file);
	if (r == 0)
		release = found;
	return r;
}

static void test_json_round_trip(void **state)
{
	static const struct opening_list openings = {
		.n = 2,
		.o = { { 16384, 1, 2, 3, 4, 5, 6, 7 }, { 2097152, 8, 9, INT64_MAX, 11, 12, 13, 14 } },
	};
	char error[512] = "", *text, *second;

	(void)state;
	guest.n_intrinsic = 1;
	(void)strcpy(guest.intrinsic[0].key, "OSName");
	(void)strcpy(guest.intrinsic[0].value, "caf\xc3\xa9 \xf0\x9f\x90\xa7 \"quoted\"\n");
	guest.component[COMPONENT_KVP].requests = 4294967295u;
	guest.component[COMPONENT_KVP].opened_times = 12;
	guest.component[COMPONENT_KVP].openings = openings;
	guest.component[COMPONENT_VSS].enabled = false;
	guest.component[COMPONENT_HEARTBEAT].application_state = 2;
	guest.clock_answered = true;
	guest.shutdown = SHUTDOWN_ANSWERED;
	guest.shutdown_status = 0x80004005;
	(void)strcpy(guest.faults, "storm=50");
	guest.violations = 7;
	(void)strcpy(guest.violation, "a second guest tried to connect");
	text = printed(REPORT_JSON, 0, false);
	memset(&again, 0x55, sizeof(again));
	if (read_back(text, error) < 0)
		fail_msg("%s", error);
	assert_string_equal(release->key, "2019");
	guest = again;
	second = printed(REPORT_JSON, 0, false);
	assert_string_equal(text, second);
	assert_int_equal(guest.shutdown, SHUTDOWN_ANSWERED);
	assert_int_equal(guest.shutdown_status, 0x80004005);
	assert_int_equal(guest.component[COMPONENT_KVP].opened_times, 12);
	assert_memory_equal(&guest.component[COMPONENT_KVP].openings, &openings, sizeof(openings));
	assert_int_equal(guest.violations, 7);
	assert_string_equal(guest.faults, "storm=50");
	assert_string_equal(guest.violation, "a second guest tried to connect");
	assert_string_equal(guest.intrinsic[0].value, "caf\xc3\xa9 \xf0\x9f\x90\xa7 \"quoted\"\n");
	free(second);
	free(text);
}

/* Bytes that are no UTF-8 fill a field to the brim: U+FFFD is longer and still fits. */
static void test_json_of_full_fields(void **state)
{
	char error[512] = "", *text;

	(void)state;
	guest.n_intrinsic = FACTS_INTRINSIC_MAX;
	for (unsigned i = 0; i < FACTS_INTRINSIC_MAX; i++) {
		memset(guest.intrinsic[i].key, 0xff, sizeof(guest.intrinsic[i].key) - 1);
		memset(guest.intrinsic[i].value, 0xff, sizeof(guest.intrinsic[i].value) - 1);
	}
	text = printed(REPORT_JSON, 0, false);
	if (read_back(text, error) < 0)
		fail_msg("%s", error);
	free(text);
}

/* Each: what is replaced in a good document by what, and what the error has to say. */
static const struct {
	const char *from, *to, *error;
} damages[] = {
	{ "vmichost-report-1", "vmichost-report-9", "x.json: is not a report" },
	{ "\"key\": \"2019\"", "\"key\": \"2003\"", "release.key: expected a release" },
	{ "\"running\": true", "\"running\": 1", "vm.running: expected true or false" },
	{ "\"running\": true,", "", "vm.running: is missing" },
	{ "\"running\": true", "\"walking\": true", "vm: unknown member \"walking\"" },
	{ "\"get_vm\"", "\"got_vm\"", "unknown member \"got_vm\"" },
	{ "\"enabled\": true", "\"enabled\": null", "components[0].enabled: expected" },
	{ "\"contact\": \"agreed\"", "\"contact\": \"dreamt\"",
	  "components[1].contact: expected none, agreed" },
	{ "\"3.0\"", "\"3\"", "offered_framework[1]: expected a version such as \"3.0\"" },
	{ "\"3.0\"", "\"3.70000\"", "expected a version" },
	{ "\"requests\": 0", "\"requests\": -1", "components[0].requests: expected a number" },
	{ "\"requests\": 0", "\"requests\": 4294967296", "components[0].requests: expected a" },
	{ "\"requests\": 0", "\"requests\": 0.5", "components[0].requests: expected a number" },
	{ "\"answered_framework_count\": 1", "\"answered_framework_count\": 65536",
	  "answered_framework_count: expected a number from 0 to 65535" },
	{ "\"component\": \"vss\"", "\"component\": \"kvp\"",
	  "components[5]: is kvp for the second time" },
	{ "\"component\": \"vss\"", "\"component\": \"\\u001b[2J\"",
	  "components[5]: has no member \"component\"" },
	{ "\"name\": \"vmicd\"",
	  "\"name\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"",
	  "vm.name: expected a text of at most 63 bytes" },
	{ "\"name\": \"vmicd\"", "\"name\": \"\\u0000\"", "x.json:" },
	{ "\"shutdown\": \"not-asked\"", "\"shutdown\": \"maybe\"",
	  "vm.shutdown: expected not-asked, not-agreed" },
	{ "\"violations\": 0", "\"violations\": -1", "vm.violations: expected a number" },
	{ "\"openings\": []", "\"openings\": {}", "openings: expected a list of at most 16 openings" },
	{ "\"openings\": []", "\"openings\": [0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6]", "openings: expected a list of at" },
	{ "\"openings\": []", "\"openings\": [{}]", "components[0].openings[0].ring_size: is missing" },
	{ "\"openings\": []", "\"openings\": [7]", "openings[0]: expected an object" },
	{ "\"openings\": []", "\"openings\": [{ \"p50\": 1 }]", "unknown member \"p50\"" },
	{ "\"openings\": []", "\"openings\": [{ \"ring_size\": 1, \"answers\": 1, \"p50_ns\": -1 }]",
	  "openings[0].p50_ns: expected a number of nanoseconds" },
	{ "\"openings\": []", "\"openings\": [{ \"ring_size\": 1, \"answers\": 1, \"p50_ns\": 0.5 }]",
	  "openings[0].p50_ns: expected a number of nanoseconds" },
	{ "\"running\": true", "\"running\": true, \"running\": true", "x.json:" },
	{ "\"intrinsic\": []", "\"intrinsic\": {}", "intrinsic: expected a list of at most 32" },
	{ "\"components\": [", "\"components\": [ {},", "components: expected a list of the 6" },
	{ "\"format\"", "format", "x.json:2:" },
};

static char *replace_first(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *out = NULL;

	assert_non_null(at);
	assert_true(asprintf(&out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
	return out;
}

static void test_damaged_documents(void **state)
{
	char *text = printed(REPORT_JSON, 0, false);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		char *bad = replace_first(text, damages[i].from, damages[i].to);
		char error[512] = "";

		memset(&again, 0x55, sizeof(again));
		assert_int_equal(read_back(bad, error), -EINVAL);
		if (!strstr(error, damages[i].error))
			fail_msg("damage %zu: %s", i, error);
		assert_null(strchr(error, '\033'));
		assert_int_equal(again.vm_name[0], 0x55); /* untouched on failure */
		assert_int_equal(again.n_intrinsic, 0x55555555);
		free(bad);
	}
	free(text);
}

static void test_every_prefix_is_refused(void **state)
{
	char *text = printed(REPORT_JSON, 0, false), error[512];
	size_t len = strlen(text) - 2; /* without the last } and the newline */

	(void)state;
	for (; len > 0; len -= len > 64 ? 37 : 1) {
		text[len] = '\0';
		assert_int_equal(read_back(text, error), -EINVAL);
	}
	free(text);
}

static void test_escape(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "plain", "plain" },
		{ "a\nb\tc", "a\\nb\\x09c" },
		{ "\033[31m", "\\x1b[31m" },
		{ "\x7f", "\\x7f" },
		{ "C:\\x", "C:\\\\x" },
		{ "\xc2\x9b" "31m", "\\u009b31m" },       /* C1 control sequence introducer */
		{ "\xe2\x80\xaegnp", "\\u202egnp" },      /* right-to-left override */
		{ "\xe2\x81\xa6", "\\u2066" },
		{ "\xc3\xa9\xf0\x9f\x90\xa7", "\xc3\xa9\xf0\x9f\x90\xa7" },
		{ "\xff\xfe", "\\xff\\xfe" },
		{ "\xc0\x80", "\\xc0\\x80" },             /* overlong */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },    /* surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
		{ "a\xe2\x82", "a\\xe2\\x82" },           /* cut short */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[64];

		assert_string_equal(text_escape(rows[i].in, out, sizeof(out)), rows[i].out);
	}
}

/* Never half a character, never half an escape. */
static void test_escape_is_cut_between_characters(void **state)
{
	char out[8];

	(void)state;
	for (size_t size = 1; size <= 4; size++)
		assert_string_equal(text_escape("\033", out, size), "");
	assert_string_equal(text_escape("\033", out, 5), "\\x1b");
	assert_string_equal(text_escape("a\xc3\xa9", out, 3), "a");
	assert_string_equal(text_escape("a\xc3\xa9", out, 4), "a\xc3\xa9");
}

static void test_break(void **state)
{
	const char *next;

	(void)state;
	assert_int_equal(text_break("one two three", 7, &next), 7);
	assert_string_equal(next, "three");
	assert_int_equal(text_break("one two three", 6, &next), 3);
	assert_string_equal(next, "two three");
	assert_int_equal(text_break("onetwothree", 4, &next), 4); /* a word longer than the line */
	assert_string_equal(next, "wothree");
	assert_int_equal(text_break("short", 9, &next), 5);
	assert_string_equal(next, "");
	assert_int_equal(text_break("", 9, &next), 0);
	assert_int_equal(text_break("\xc3\xa9\xc3\xa9", 1, &next), 2);
}

/* JSON has it always, the other forms never. */
static void test_timing_goes_with_the_table(void **state)
{
	static int (*const forms[])(const struct option_info *, const char *, void *) = {
		report_take_json, report_take_wmi, report_take_events
	};
	const struct option_info option = { .name = "timing" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct report_choice before = { .form = REPORT_TABLE }, behind = before;

		assert_int_equal(report_take_timing(&option, NULL, &before), 0);
		assert_true(before.timing);
		assert_int_equal(forms[i](&option, NULL, &before), -EINVAL);
		assert_int_equal(forms[i](&option, NULL, &behind), 0);
		assert_int_equal(report_take_timing(&option, NULL, &behind), -EINVAL);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_table_on_one_line, legacy_guest),
		cmocka_unit_test_setup(test_event_on_one_line, legacy_guest),
		cmocka_unit_test_setup(test_table_fits, legacy_guest),
		cmocka_unit_test_setup(test_table_in_ten_columns, legacy_guest),
		cmocka_unit_test_setup(test_first_lines, legacy_guest),
		cmocka_unit_test_setup(test_table_in_80_columns, legacy_guest),
		cmocka_unit_test(test_faults_as_text),
		cmocka_unit_test_setup(test_colours, legacy_guest),
		cmocka_unit_test_setup(test_no_common_version_is_explained, legacy_guest),
		cmocka_unit_test_setup(test_violations, legacy_guest),
		cmocka_unit_test_setup(test_shutdown_is_told, legacy_guest),
		cmocka_unit_test_setup(test_absent_components_are_named, legacy_guest),
		cmocka_unit_test_setup(test_vm_off, legacy_guest),
		cmocka_unit_test_setup(test_wmi, legacy_guest),
		cmocka_unit_test_setup(test_hostile_texts, legacy_guest),
		cmocka_unit_test_setup(test_json_round_trip, legacy_guest),
		cmocka_unit_test_setup(test_json_of_full_fields, legacy_guest),
		cmocka_unit_test_setup(test_damaged_documents, legacy_guest),
		cmocka_unit_test_setup(test_every_prefix_is_refused, legacy_guest),
		cmocka_unit_test(test_timing_goes_with_the_table),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_escape_is_cut_between_characters),
		cmocka_unit_test(test_break),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
