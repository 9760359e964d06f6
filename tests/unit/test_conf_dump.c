/* SPDX-License-Identifier: GPL-2.0-only */
/* The configuration written as a file: complete, readable, and read back to the same. */
#include "daemon/conf_dump.h"

#include <errno.h>

#include "daemon/conf_check.h"
#include "tests/unit/temp_dir.h"

struct dumped {
	struct conf conf;
	char text[16384];
};

/* Reads the file "c" of the directory with its drop-ins, and dumps it. */
static void dump(const struct temp_dir *d, struct dumped *ret)
{
	struct conf_reading *reading;
	struct conf_error error;
	char path[128];
	FILE *to;

	temp_dir_path(d, "c", path, sizeof(path));
	if (conf_reading_new(path, &reading, &error) < 0)
		fail_msg("%s", error.text);
	memset(ret->text, 0, sizeof(ret->text));
	to = fmemopen(ret->text, sizeof(ret->text) - 1, "w");
	assert_non_null(to);
	conf_dump(reading, to);
	assert_int_equal(fclose(to), 0);
	ret->conf = reading->conf;
	(void)conf_reading_free(reading);
}

/* What is dumped is read, is the same, and is dumped again to the same values. */
static void must_read_back(const struct dumped *first)
{
	struct temp_dir d = temp_dir_new();
	static struct dumped second;

	temp_dir_put(&d, "c", first->text);
	dump(&d, &second);
	assert_memory_equal(&second.conf, &first->conf, sizeof(first->conf));
	temp_dir_done(&d);
}

static void assert_has(const struct dumped *dumped, const char *text)
{
	if (!strstr(dumped->text, text))
		fail_msg("'%s' is not in:\n%s", text, dumped->text);
}

/* --- what it looks like --- */

static void the_defaults_are_dumped(void **state)
{
	struct temp_dir d = temp_dir_new();
	static struct dumped dumped;

	(void)state;
	temp_dir_put(&d, "c", "");
	dump(&d, &dumped);
	assert_has(&dumped, "\n\n[Daemon]\nLogLevel=info\n");
	assert_has(&dumped, "\n\n[Negotiation]\nProfile=legacy\n");
	assert_has(&dumped, "\n\n[Heartbeat]\nApplicationState=unknown\nEnable=yes\n# as profile legacy\n"
			    "#Framework=3.0 1.0\n# as profile legacy\n#Versions=3.0 1.0\n");
	assert_has(&dumped, "\n# not set\n#AnswerRaw=\n");
	assert_has(&dumped, "\nPoolDirectory=/var/lib/hyperv\n");
	must_read_back(&dumped);
	temp_dir_done(&d);
}

static void what_a_file_says_is_dumped_with_its_place(void **state)
{
	struct temp_dir d = temp_dir_new();
	static struct dumped dumped;
	char expected[256];

	(void)state;
	temp_dir_put(&d, "c", "[TimeSync]\n\nVersions=4.0\nClock=step\n");
	temp_dir_put(&d, "c.d/10-a.conf", "[TimeSync]\nVersions=1.0 \t 3.0\n[Negotiation]\nProfile=newest\n");
	dump(&d, &dumped);
	(void)snprintf(expected, sizeof(expected), "#   %s/c\n#   %s/c.d/10-a.conf\n", d.path, d.path);
	assert_has(&dumped, expected);
	(void)snprintf(expected, sizeof(expected), "\n# %s/c:4\nClock=step\n", d.path);
	assert_has(&dumped, expected);
	(void)snprintf(expected, sizeof(expected), "\n# %s/c.d/10-a.conf:2\nVersions=1.0 3.0\n", d.path);
	assert_has(&dumped, expected);
	(void)snprintf(expected, sizeof(expected), "\n# %s/c.d/10-a.conf:4\nProfile=newest\n", d.path);
	assert_has(&dumped, expected);
	must_read_back(&dumped);
	temp_dir_done(&d);
}

/* Whoever edits the dump to another profile means the versions of that. */
static void another_profile_holds_in_an_edited_dump(void **state)
{
	struct temp_dir d = temp_dir_new();
	static struct dumped dumped;
	char *name;

	(void)state;
	temp_dir_put(&d, "c", "[Heartbeat]\nVersions=1.0\n");
	dump(&d, &dumped);
	name = strstr(dumped.text, "Profile=legacy");
	assert_non_null(name);
	memcpy(name, "Profile=newest", 14);
	temp_dir_put(&d, "c", dumped.text);
	dump(&d, &dumped);
	assert_int_equal(dumped.conf.component[IC_TIMESYNC].policy.message.v[0].major, 4);
	assert_int_equal(dumped.conf.component[IC_HEARTBEAT].policy.message.n, 1);
	temp_dir_done(&d);
}

/* A file may have any name; its line in the dump is a comment all the same, and not too long to be read. */
static void a_strange_file_name_stays_in_its_comment(void **state)
{
	static const char *const names[] = { "c.d/\nLogLevel=debug.conf", "c.d/\033[31m.conf" };
	struct temp_dir d = temp_dir_new();
	static struct dumped dumped;
	char long_name[256] = "c.d/";

	(void)state;
	memset(long_name + 4, 'x', 205);
	(void)strcpy(long_name + 209, ".conf");
	temp_dir_put(&d, "c", "");
	temp_dir_put(&d, long_name, "[Daemon]\nLogLevel=err\n");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		temp_dir_put(&d, names[i], "[KVP]\nPoolDirectory=/x\n");
	dump(&d, &dumped);
	must_read_back(&dumped);
	assert_null(strchr(dumped.text, '\033'));
	assert_int_equal(dumped.conf.log_level, LOG_ERR);
	temp_dir_done(&d);
}

/* --- any configuration --- */

/* Among these each key finds several values. */
static const char *const values[] = {
	"err", "warning", "notice", "debug", "journal", "stderr", "ws2008", "openbsd", "win10", "newest",
	"healthy", "critical", "/", "/srv/my pools", "/a=b:c;d#e", "/\xc3\xa4\xff", "hv_utils", "vmbus", "step",
	"none", "no", "yes", "1.0", "3.0", "3.0 1.0", "1.0 3.0", "4.0 3.0", "5.0 1.0 4.0", "silent", "own-newest",
	"version-zero", "9.9/7.7", "0.0/65535.65535", "2,0", "65535,1", "1", "30", "3600", "0",
	"", "kvp", "heartbeat kvp.set kvp.get-ip timesync", "kvp.get", "timesync.sync timesync.sample",
};

/* A value that this key takes. */
static const char *some_value(uint64_t *seed, const struct conf_row *row, enum ic_component c)
{
	static struct conf scratch;
	const char *value;

	scratch = conf_unsaid();
	do
		value = values[(next_random(seed) >> 8) % ARRAY_LEN(values)];
	while (row->set(row, &scratch, c, value) < 0);
	return value;
}

static size_t put_section(uint64_t *seed, const char *section, char *to, size_t size)
{
	enum ic_component c = conf_section_component(section);
	size_t n = (size_t)snprintf(to, size, "[%s]\n", section);

	for (size_t k = 0; k < conf_n_rows; k++)
		if (conf_row_is_in(&conf_rows[k], section) && next_random(seed) >> 8 & 1)
			n += (size_t)snprintf(to + n, size - n, "%s=%s\n", conf_rows[k].name,
					      some_value(seed, &conf_rows[k], c));
	return n;
}

static void any_configuration_is_read_back(void **state)
{
	uint64_t seed = 0x2545f4914f6cdd1d;
	static struct dumped dumped;

	(void)state;
	for (int i = 0; i < 500; i++) {
		struct temp_dir d = temp_dir_new();
		const char *section;
		char text[8192] = "";
		size_t n = 0;

		for (size_t s = 0; (section = conf_section_at(s)); s++)
			n += put_section(&seed, section, text + n, sizeof(text) - n);
		temp_dir_put(&d, "c", text);
		dump(&d, &dumped);
		must_read_back(&dumped);
		temp_dir_done(&d);
	}
}

/* Each value that a key takes is one that the key gives: what was set is dumped, in the same words but for
 * blanks, which mean nothing. */
static void each_key_gives_what_it_took(void **state)
{
	(void)state;
	for (size_t k = 0; k < conf_n_rows; k++) {
		const struct conf_row *row = &conf_rows[k];
		const char *section = row->section ? row->section : "TimeSync";
		unsigned taken = 0;

		for (size_t v = 0; v < ARRAY_LEN(values); v++) {
			static struct conf scratch;
			struct temp_dir d = temp_dir_new();
			static struct dumped dumped;
			char text[256];

			scratch = conf_unsaid();
			(void)snprintf(text, sizeof(text), "[%s]\n%s=%s\n", section, row->name, values[v]);
			if (row->set(row, &scratch, conf_section_component(section), values[v]) == 0) {
				temp_dir_put(&d, "c", text);
				dump(&d, &dumped);
				(void)snprintf(text, sizeof(text), "/c:2\n%s=%s\n", row->name, values[v]);
				assert_has(&dumped, text);
				taken++;
			}
			temp_dir_done(&d);
		}
		if (taken < 2)
			fail_msg("%s has %u values here: add some", row->name, taken);
	}
}

/* --- what surprises --- */

static struct {
	unsigned n;
	struct conf_warning w[32];
} warned;

static void on_warning(void *user, const struct conf_warning *warning)
{
	assert_ptr_equal(user, &warned);
	assert_true(warned.n < ARRAY_LEN(warned.w));
	warned.w[warned.n++] = *warning;
}

/* Reads this as "c" and checks it. */
static void check(const char *text)
{
	struct temp_dir d = temp_dir_new();
	struct conf_reading *reading;
	struct conf_error error;
	char path[128];

	warned.n = 0;
	temp_dir_put(&d, "c", text);
	temp_dir_path(&d, "c", path, sizeof(path));
	if (conf_reading_new(path, &reading, &error) < 0)
		fail_msg("%s", error.text);
	conf_check(reading, on_warning, &warned);
	/* "PATH:" becomes "c:", so that a test can state the whole sentence. */
	for (unsigned i = 0; i < warned.n; i++)
		if (strncmp(warned.w[i].text, path, strlen(path)) == 0)
			memmove(warned.w[i].text, warned.w[i].text + strlen(path) - 1,
				strlen(warned.w[i].text) + 2 - strlen(path));
	(void)conf_reading_free(reading);
	temp_dir_done(&d);
}

#define TESTING "this is for testing hosts, no guest should answer so"
#define IGNORED "hv_utils negotiates itself, what [KVP] says of versions and answers is ignored"

static const struct {
	const char *text, *sentence;
} odd[] = {
	{ "[Daemon]\nLogLevel=notice\n",
	  "c:2: [Daemon] LogLevel=notice: negotiations are logged at level info, and so are not logged" },
	{ "[Heartbeat]\nEnable=no\n[KVP]\nEnable=no\n[TimeSync]\nEnable=no\n",
	  "[Negotiation] Profile=legacy: no component is served" },
	{ "[TimeSync]\nClock=step\nEnable=no\n",
	  "c:2: [TimeSync] Clock=step: TimeSync is not served, the clock is never stepped" },
	{ "[TimeSync]\nClock=step\n[Policy]\nBlock=timesync.sync\n",
	  "c:2: [TimeSync] Clock=step: timesync.sync is blocked, the clock is never stepped" },
	{ "[TimeSync]\nClock=step\n[Policy]\nBlock=timesync\n",
	  "c:2: [TimeSync] Clock=step: TimeSync is not served, the clock is never stepped" },
	{ "[Policy]\nBlock=kvp.get kvp.set kvp.delete kvp.enumerate kvp.get-ip kvp.set-ip\n"
	  "[KVP]\nEnable=yes\n",
	  "c:4: [KVP] Enable=yes: all its operations are blocked, while its channel is open and negotiated" },
	{ "[Policy]\nAllow=kvp kvp.get\nBlock=kvp.get\n",
	  "c:3: [Policy] Block=kvp.get: what is in Allow as well is blocked" },
	{ "[KVP]\nRoute=hv_utils\nEnable=no\n", "c:2: [KVP] Route=hv_utils: KVP is not served" },
	{ "[KVP]\nRoute=hv_utils\nVersions=5.0\n", "c:2: [KVP] Route=hv_utils: " IGNORED },
	{ "[KVP]\nAnswerRaw=9.9/7.7\n", "c:2: [KVP] AnswerRaw=9.9/7.7: " TESTING },
	{ "[KVP]\nAnswerCounts=2,0\n", "c:2: [KVP] AnswerCounts=2,0: " TESTING },
	{ "[KVP]\nAnswerTruncate=30\n", "c:2: [KVP] AnswerTruncate=30: " TESTING },
	{ "[KVP]\nAnswerDelaySec=20\n", "c:2: [KVP] AnswerDelaySec=20: " TESTING },
	{ "[Negotiation]\nProfile=newest\n\n[Negotiation]\nProfile=legacy\n",
	  "c:2: [Negotiation] Profile: given again in line 5, which is the one that counts" },
};

static void what_surprises_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		check(odd[i].text);
		assert_int_equal(warned.n, 1);
		assert_string_equal(warned.w[0].text, odd[i].sentence);
	}
}

static const char *const ordinary[] = {
	"",
	"[Negotiation]\nProfile=newest\n[TimeSync]\nClock=step\nVersions=3.0 1.0\nAnswerDelaySec=0\n",
	"[KVP]\nRoute=hv_utils\n",
	"[Policy]\nAllow=kvp heartbeat\nAllow=timesync\nBlock=kvp.set\nBlock=kvp.set-ip\n",
	"[Heartbeat]\nEnable=no\n[Daemon]\nLogLevel=debug\nLogTarget=stderr\n",
};

static void what_does_not_surprise_is_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ordinary); i++) {
		check(ordinary[i]);
		if (warned.n > 0)
			fail_msg("'%s': %s", ordinary[i], warned.w[0].text);
	}
}

/* A drop-in that says it again is what drop-ins are for. */
static void a_drop_in_does_not_surprise(void **state)
{
	struct temp_dir d = temp_dir_new();
	struct conf_reading *reading;
	struct conf_error error;
	char path[128];

	(void)state;
	warned.n = 0;
	temp_dir_put(&d, "c", "[Negotiation]\nProfile=newest\n");
	temp_dir_put(&d, "c.d/a.conf", "[Negotiation]\nProfile=legacy\n");
	temp_dir_path(&d, "c", path, sizeof(path));
	assert_int_equal(conf_reading_new(path, &reading, &error), 0);
	conf_check(reading, on_warning, &warned);
	assert_int_equal(warned.n, 0);
	(void)conf_reading_free(reading);
	temp_dir_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_dumped),
		cmocka_unit_test(what_a_file_says_is_dumped_with_its_place),
		cmocka_unit_test(another_profile_holds_in_an_edited_dump),
		cmocka_unit_test(a_strange_file_name_stays_in_its_comment),
		cmocka_unit_test(any_configuration_is_read_back),
		cmocka_unit_test(each_key_gives_what_it_took),
		cmocka_unit_test(what_surprises_is_told),
		cmocka_unit_test(what_does_not_surprise_is_not),
		cmocka_unit_test(a_drop_in_does_not_surprise),
	};

	return cmocka_run_group_tests_name("conf_dump", tests, NULL, NULL);
}
