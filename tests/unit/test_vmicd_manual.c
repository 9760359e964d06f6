/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The manual, the sample configuration and the program say the same: each option, key, profile and
 * journal field of one is in the other, and nothing else is. Run in the top directory, or with that
 * in the variable SRCDIR.
 */
#include <ctype.h>
#include <errno.h>
#include <glob.h>

#include "daemon/conf_files.h"
#include "daemon/conf_key.h"
#include "daemon/message_id.h"
#include "hv_util/profile.h"
#include "tests/unit/exit_status.h"
#include "tests/unit/program.h"
#include "tests/unit/temp_dir.h"

#define NAMES_MAX 64

/* A set of short texts. */
struct names {
	size_t n;
	char name[NAMES_MAX][64];
};

static void names_add(struct names *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->n; i++)
		if (strlen(s->name[i]) == len && memcmp(s->name[i], name, len) == 0)
			return;
	assert_true(s->n < NAMES_MAX && len < sizeof(s->name[0]));
	memcpy(s->name[s->n], name, len);
	s->name[s->n++][len] = '\0';
}

static bool names_has(const struct names *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->name[i], name) == 0)
			return true;
	return false;
}

/* Both ways; and there must be some, or nothing was compared. */
static void assert_same(const struct names *a, const char *of_a, const struct names *b,
			const char *of_b)
{
	assert_true(a->n > 0 && b->n > 0);
	for (size_t i = 0; i < a->n; i++)
		if (!names_has(b, a->name[i]))
			fail_msg("%s has '%s', %s has not", of_a, a->name[i], of_b);
	for (size_t i = 0; i < b->n; i++)
		if (!names_has(a, b->name[i]))
			fail_msg("%s has '%s', %s has not", of_b, b->name[i], of_a);
}

/* --- files --- */

struct text {
	size_t n;
	char *line[1200];
	char bytes[65536];
};

static struct text manual_8, manual_5, sample;

static const char *in_top(const char *name)
{
	static char path[PATH_MAX];
	const char *top = getenv("SRCDIR");

	(void)snprintf(path, sizeof(path), "%s/%s", top ? top : ".", name);
	return path;
}

static int text_read(struct text *t, const char *name)
{
	FILE *file = fopen(in_top(name), "re");
	size_t n;

	if (!file)
		return -1;
	n = fread(t->bytes, 1, sizeof(t->bytes) - 1, file);
	(void)fclose(file);
	t->bytes[n] = '\0';
	for (char *line = t->bytes, *end; *line && t->n < ARRAY_LEN(t->line); line = end + 1) {
		end = strchr(line, '\n');
		if (!end)
			return -1;
		*end = '\0';
		t->line[t->n++] = line;
	}
	return t->n > 0 && t->n < ARRAY_LEN(t->line) ? 0 : -1;
}

static int texts_read(void **state)
{
	(void)state;
	return text_read(&manual_8, "daemon/vmicd.8") < 0 || text_read(&manual_5, "daemon/vmicd.conf.5") < 0 ||
	       text_read(&sample, "daemon/vmicd.conf") < 0 ? -1 : 0;
}

/* What stands behind "prefix" in the lines of a section, up to what no name has. */
static void collect(const struct text *t, const char *section, const char *prefix, struct names *ret)
{
	bool inside = false;

	for (size_t i = 0; i < t->n; i++) {
		const char *line = t->line[i];

		if (strncmp(line, ".Sh ", 4) == 0)
			inside = strcmp(line + 4, section) == 0;
		if (!inside || strncmp(line, prefix, strlen(prefix)) != 0)
			continue;
		line += strlen(prefix);
		names_add(ret, line, strcspn(line, " ,"));
	}
}

/* --- vmicd(8) --- */

static void help_run(struct program *p)
{
	program_run(p, program_path("vmicd", "VMICD"), (const char *const[]){ "--help", NULL });
	assert_int_equal(p->status, 0);
}

/* "  -t --transport=..." and "     --list-profiles": "t" or nothing, and "transport". */
static void options_of_help(struct names *ret)
{
	static struct program p;

	help_run(&p);
	for (const char *line = strtok(p.out, "\n"); line; line = strtok(NULL, "\n")) {
		const char *option = strstr(line, " --");
		char name[64];

		if (!option || strncmp(line, "  ", 2) != 0)
			continue;
		(void)snprintf(name, sizeof(name), "%c %.*s", line[2] == '-' ? line[3] : '-',
			       (int)strcspn(option + 3, "= "), option + 3);
		names_add(ret, name, strlen(name));
	}
}

/* ".It Fl t , Fl -transport Ns = ..." and ".It Fl -list-profiles". */
static void options_of_manual(struct names *ret)
{
	for (size_t i = 0; i < manual_8.n; i++) {
		const char *line = manual_8.line[i], *option;
		char name[64];

		if (strncmp(line, ".It Fl ", 7) != 0)
			continue;
		option = strstr(line, "Fl -");
		assert_non_null(option);
		(void)snprintf(name, sizeof(name), "%c %.*s", line[7], (int)strcspn(option + 4, " "),
			       option + 4);
		names_add(ret, name, strlen(name));
	}
}

static void each_option_is_in_the_manual(void **state)
{
	struct names help = { 0 }, manual = { 0 };

	(void)state;
	options_of_help(&help);
	options_of_manual(&manual);
	assert_same(&help, "--help", &manual, "vmicd(8)");
}

/* The rows of getopt's table: "{ "dry-run", no_argument, ...". */
static void options_of_source(struct names *ret)
{
	static struct text source;

	assert_int_equal(text_read(&source, "daemon/main.c"), 0);
	for (size_t i = 0; i < source.n; i++)
		for (const char *p = strstr(source.line[i], "{ \""); p; p = strstr(p + 1, "{ \"")) {
			size_t n = strcspn(p + 3, "\"");

			if (strncmp(p + 3 + n, "\", no_argument", 14) == 0 ||
			    strncmp(p + 3 + n, "\", required_argument", 20) == 0)
				names_add(ret, p + 3, n);
		}
}

static void help_tells_each_option(void **state)
{
	struct names help = { 0 }, long_names = { 0 }, source = { 0 };

	(void)state;
	options_of_help(&help);
	for (size_t i = 0; i < help.n; i++)
		names_add(&long_names, help.name[i] + 2, strlen(help.name[i] + 2));
	options_of_source(&source);
	assert_same(&source, "main.c", &long_names, "--help");
}

static void each_letter_is_an_option_or_is_refused(void **state)
{
	struct names help = { 0 };
	static struct program p;

	(void)state;
	options_of_help(&help);
	for (char c = '0'; c <= 'z'; c++) {
		const char option[] = { '-', c, '\0' };
		bool known = false;

		if (!isalnum((unsigned char)c))
			continue;
		for (size_t i = 0; i < help.n; i++)
			known |= help.name[i][0] == c;
		program_run(&p, program_path("vmicd", "VMICD"), (const char *const[]){ option, NULL });
		assert_int_equal(strstr(p.err, "invalid option") == NULL, known);
	}
}

static void each_profile_is_in_the_manual(void **state)
{
	struct names table = { 0 }, manual = { 0 };

	(void)state;
	for (size_t i = 0; i < n_profiles; i++)
		names_add(&table, profiles[i].name, strlen(profiles[i].name));
	collect(&manual_8, "PROFILES", ".It Cm ", &manual);
	assert_same(&table, "the table of profiles", &manual, "vmicd(8)");
}

/* Each "VMIC_..." that the daemon's sources spell. */
static void fields_of_sources(struct names *ret)
{
	static char bytes[1 << 17];
	glob_t all;

	assert_int_equal(glob(in_top("daemon/*.c"), 0, NULL, &all), 0);
	for (size_t i = 0; i < all.gl_pathc; i++) {
		FILE *file = fopen(all.gl_pathv[i], "re");
		size_t n;

		assert_non_null(file);
		n = fread(bytes, 1, sizeof(bytes) - 1, file);
		(void)fclose(file);
		bytes[n] = '\0';
		for (const char *p = strstr(bytes, "VMIC_"); p; p = strstr(p + 1, "VMIC_"))
			names_add(ret, p, strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"));
		if (strstr(bytes, "\"ERRNO="))
			names_add(ret, "ERRNO", 5);
		if (strstr(bytes, "\"MESSAGE_ID="))
			names_add(ret, "MESSAGE_ID", 10);
	}
	globfree(&all);
}

static void each_journal_field_is_in_the_manual(void **state)
{
	struct names sources = { 0 }, manual = { 0 };

	(void)state;
	fields_of_sources(&sources);
	collect(&manual_8, "JOURNAL FIELDS", ".It Va ", &manual);
	assert_same(&sources, "the daemon", &manual, "vmicd(8)");
}

static void each_message_is_in_the_manual(void **state)
{
	struct names program = { 0 }, manual = { 0 };

	(void)state;
	for (int i = 0; i < MESSAGE_IDS; i++)
		names_add(&program, message_id_fields[i] + 11, strlen(message_id_fields[i] + 11));
	collect(&manual_8, "MESSAGES", ".It Li ", &manual);
	assert_same(&program, "the program", &manual, "vmicd(8)");
}

static void each_exit_status_is_in_the_manual(void **state)
{
	(void)state;
	assert_exit_statuses("daemon/vmicd.8", exit_statuses_read("daemon/main.c", ""));
}

/* --- vmicd.conf(5) and the sample --- */

/* In both manuals, those first that count more. */
static void each_directory_of_drop_ins_is_in_the_manuals(void **state)
{
	const struct {
		const struct text *text;
		const char *section;
	} lists[] = { { &manual_5, "SYNOPSIS" }, { &manual_8, "FILES" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct names paths = { 0 };
		size_t n = 0;

		collect(lists[i].text, lists[i].section, ".It Pa ", &paths);
		assert_string_equal(paths.name[0], CONF_FILES_SYSTEM);
		for (size_t at = 1; at < paths.n && strstr(paths.name[at], ".d/*.conf"); at++)
			n++;
		assert_int_equal(n, CONF_FILES_DIRECTORIES);
		for (size_t at = 1; at <= n; at++) {
			char expected[64];

			(void)snprintf(expected, sizeof(expected), "%s/*.conf",
				       conf_files_directories[CONF_FILES_DIRECTORIES - at]);
			assert_string_equal(paths.name[at], expected);
		}
	}
}

static void each_operation_is_in_the_manual(void **state)
{
	struct names program = { 0 }, manual = { 0 };
	struct policy_name name;

	(void)state;
	for (size_t i = 0; policy_name_at(i, &name) == 0; i++)
		names_add(&program, name.text, strlen(name.text));
	collect(&manual_5, "SECTIONS", ".It Li ", &manual);
	assert_same(&program, "the program", &manual, "vmicd.conf(5)");
}

static const char *const components[] = { "Heartbeat", "KVP", "Shutdown", "TimeSync" };

/* "Section.Key" of all keys; a component's key once for each component. */
static void keys_of_program(struct names *ret)
{
	for (size_t i = 0; i < conf_n_rows; i++)
		for (size_t c = 0; c < (conf_rows[i].section ? 1 : ARRAY_LEN(components)); c++) {
			char name[64];

			(void)snprintf(name, sizeof(name), "%s.%s",
				       conf_rows[i].section ? conf_rows[i].section : components[c],
				       conf_rows[i].name);
			names_add(ret, name, strlen(name));
		}
}

/* The manual's key: ".It Cm Key Ns = Ns ..." under ".Ss Section", or under what is about all. */
static void add_manual_key(const char *section, const char *key, struct names *ret)
{
	bool all = strcmp(section, "Heartbeat, KVP, Shutdown and TimeSync") == 0 ||
		   strcmp(section, "For testing hosts only") == 0;

	for (size_t c = 0; c < (all ? ARRAY_LEN(components) : 1); c++) {
		char name[96];

		(void)snprintf(name, sizeof(name), "%s.%.*s", all ? components[c] : section,
			       (int)strcspn(key, " "), key);
		names_add(ret, name, strlen(name));
	}
}

static bool line_is_key(const char *line)
{
	return strncmp(line, ".It Cm ", 7) == 0 && strstr(line, " Ns = Ns Ar ");
}

static void keys_of_manual(struct names *ret)
{
	const char *section = NULL;

	for (size_t i = 0; i < manual_5.n; i++) {
		const char *line = manual_5.line[i];

		if (strncmp(line, ".Ss ", 4) == 0)
			section = line + 4;
		if (line_is_key(line)) {
			assert_non_null(section);
			add_manual_key(section, line + 7, ret);
		}
	}
}

static void each_key_is_in_the_manual(void **state)
{
	struct names program = { 0 }, manual = { 0 };

	(void)state;
	keys_of_program(&program);
	keys_of_manual(&manual);
	assert_same(&program, "the program", &manual, "vmicd.conf(5)");
}

/* Under each key: its default, and an example that names it. */
static void each_key_has_a_default_and_an_example(void **state)
{
	unsigned keys = 0;

	(void)state;
	for (size_t i = 0; i < manual_5.n; i++) {
		bool has_default = false, has_example = false;
		char example[80];

		if (!line_is_key(manual_5.line[i]))
			continue;
		keys++;
		(void)snprintf(example, sizeof(example), ".Ql %.*s=", (int)strcspn(manual_5.line[i] + 7, " "),
			       manual_5.line[i] + 7);
		for (size_t k = i + 1; k < manual_5.n && !line_is_key(manual_5.line[k]); k++) {
			has_default |= strncmp(manual_5.line[k], "Default:", 8) == 0;
			has_example |= strncmp(manual_5.line[k], example, strlen(example)) == 0;
		}
		if (!has_default || !has_example)
			fail_msg("'%s' has no %s", manual_5.line[i], has_default ? "example" : "default");
	}
	assert_true(keys > 10);
}

/* The examples of the manual are all accepted, each in its section. */
static void each_example_is_accepted(void **state)
{
	struct temp_dir d = temp_dir_new();
	const char *section = "";
	char path[128];

	(void)state;
	temp_dir_path(&d, "c", path, sizeof(path));
	for (size_t i = 0; i < manual_5.n; i++) {
		const char *line = manual_5.line[i];
		struct conf_error error;
		struct conf conf;
		char text[256];

		if (strncmp(line, ".Ss ", 4) == 0)
			section = strchr(line, ',') || strstr(line, "testing") ? "TimeSync" : line + 4;
		if (strncmp(line, ".Ql ", 4) != 0 || !strchr(line, '='))
			continue;
		(void)snprintf(text, sizeof(text), "[%s]\n%s\n", section, line + 4);
		temp_dir_put(&d, "c", text);
		if (conf_read(path, &conf, &error) < 0)
			fail_msg("'%s' is refused: %s", line, error.text);
	}
	temp_dir_done(&d);
}

/* "#Key=value" under "[Section]". */
static void keys_of_sample(struct names *ret)
{
	char section[32] = "";

	for (size_t i = 0; i < sample.n; i++) {
		const char *line = sample.line[i];
		char name[64];

		if (sscanf(line, "[%31[^]]]", section) == 1)
			continue;
		if (line[0] != '#' || line[1] == ' ')
			continue;
		(void)snprintf(name, sizeof(name), "%s.%.*s", section, (int)strcspn(line + 1, "="), line + 1);
		assert_false(names_has(ret, name)); /* once */
		names_add(ret, name, strlen(name));
		/* with a line above that explains it */
		assert_true(i > 0 && strncmp(sample.line[i - 1], "# ", 2) == 0);
	}
}

static void each_key_is_in_the_sample(void **state)
{
	struct names program = { 0 }, in_sample = { 0 };

	(void)state;
	keys_of_program(&program);
	keys_of_sample(&in_sample);
	assert_same(&program, "the program", &in_sample, "the sample");
}

/* The text with or without what is commented out; keys without a default stay so. */
static void sample_read(bool with_keys, struct conf *ret)
{
	struct temp_dir d = temp_dir_new();
	static char text[65536];
	struct conf_error error;
	char path[128];
	size_t n = 0;

	for (size_t i = 0; i < sample.n; i++) {
		const char *line = sample.line[i];
		bool key = line[0] == '#' && line[1] != ' ' && line[strlen(line) - 1] != '=';

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\n", line + (key && with_keys));
		assert_true(strlen(line) <= 100);
	}
	temp_dir_put(&d, "c", text);
	temp_dir_path(&d, "c", path, sizeof(path));
	if (conf_read(path, ret, &error) < 0)
		fail_msg("the sample is refused: %s", error.text);
	temp_dir_done(&d);
}

static void the_sample_is_the_defaults(void **state)
{
	static struct conf commented, set;

	(void)state;
	sample_read(false, &commented);
	sample_read(true, &set);
	/* Who says what the profile says has said so: it makes no difference until there is another profile. */
	memset(commented.overrides, 0, sizeof(commented.overrides));
	memset(set.overrides, 0, sizeof(set.overrides));
	assert_memory_equal(&commented, &set, sizeof(set));
	assert_string_equal(set.pool_directory, "/var/lib/hyperv");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_option_is_in_the_manual),
		cmocka_unit_test(help_tells_each_option),
		cmocka_unit_test(each_letter_is_an_option_or_is_refused),
		cmocka_unit_test(each_profile_is_in_the_manual),
		cmocka_unit_test(each_journal_field_is_in_the_manual),
		cmocka_unit_test(each_message_is_in_the_manual),
		cmocka_unit_test(each_exit_status_is_in_the_manual),
		cmocka_unit_test(each_directory_of_drop_ins_is_in_the_manuals),
		cmocka_unit_test(each_operation_is_in_the_manual),
		cmocka_unit_test(each_key_is_in_the_manual),
		cmocka_unit_test(each_key_has_a_default_and_an_example),
		cmocka_unit_test(each_example_is_accepted),
		cmocka_unit_test(each_key_is_in_the_sample),
		cmocka_unit_test(the_sample_is_the_defaults),
	};

	return cmocka_run_group_tests_name("vmicd_manual", tests, texts_read, NULL);
}
