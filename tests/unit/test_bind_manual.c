/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmic-bind's command line, and that its manual and its help tell of it: each option, verb, component
 * and exit status of one is in the other. Run in the top directory, or with that in the variable
 * SRCDIR. Nothing here moves a device: dry runs, wrong usage, and machines without a VMBus.
 */
#include <ctype.h>
#include <libgen.h>

#include "hv_util/ic.h"
#include "tests/unit/exit_status.h"
#include "tests/unit/program.h"

static char manual[65536], source[65536];

static int text_read(const char *name, char *to, size_t size)
{
	const char *top = getenv("SRCDIR");
	char path[PATH_MAX];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", top ? top : ".", name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	to[fread(to, 1, size - 1, file)] = '\0';
	(void)fclose(file);
	return to[0] ? 0 : -1;
}

static int texts_read(void **state)
{
	(void)state;
	return text_read("daemon/vmic-bind.8", manual, sizeof(manual)) < 0 ||
			       text_read("daemon/bind/main.c", source, sizeof(source)) < 0 ?
		       -1 :
		       0;
}

/* The program of this build, or the plain one where only that is built. */
static const char *bind_path(void)
{
	static char path[PATH_MAX];
	char self[PATH_MAX / 2];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = '\0';
	(void)snprintf(path, sizeof(path), "%s/vmic-bind", dirname(self));
	if (access(path, X_OK) < 0)
		(void)snprintf(path, sizeof(path), "%s/../plain/vmic-bind", self);
	return getenv("VMIC_BIND") || access(path, X_OK) < 0 ? program_path("vmic-bind", "VMIC_BIND") :
							       path;
}

static void run(struct program *p, const char *const *args)
{
	program_run(p, bind_path(), args);
}

static void assert_in_manual(const char *line)
{
	if (!strstr(manual, line))
		fail_msg("the manual has no line \"%s\"", line);
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;

	for (const char *p = strstr(text, word); p; p = strstr(p + 1, word))
		n++;
	return n;
}

/* "  -c --config=FILE" and "     --force" of the help; ".It Fl c , Fl -config Ns = ..." of the manual. */
static void each_option_is_in_the_manual(void **state)
{
	static struct program p;
	unsigned n = 0;

	(void)state;
	run(&p, (const char *const[]){ "--help", NULL });
	assert_int_equal(p.status, 0);
	for (char *line = strtok(p.out, "\n"); line; line = strtok(NULL, "\n")) {
		char item[64];
		int len;

		if ((strncmp(line, "  -", 3) != 0 && strncmp(line, "     --", 7) != 0) ||
		    strlen(line) < 8)
			continue;
		len = (int)strcspn(line + 7, "= ");
		if (line[2] == '-')
			(void)snprintf(item, sizeof(item), "\n.It Fl %c , Fl -%.*s", line[3], len, line + 7);
		else
			(void)snprintf(item, sizeof(item), "\n.It Fl -%.*s", len, line + 7);
		assert_in_manual(item);
		n++;
	}
	assert_int_equal(n, count(manual, "\n.It Fl "));
}

/* The rows of getopt's table: "{ "dry-run", no_argument, ...", and "--dry-run" of the help. */
static void help_tells_each_option(void **state)
{
	static struct program p;
	unsigned n = 0;

	(void)state;
	run(&p, (const char *const[]){ "--help", NULL });
	for (const char *at = strstr(source, "{ \""); at; at = strstr(at + 1, "{ \"")) {
		int len = (int)strcspn(at + 3, "\"");
		char option[64], with_value[64];

		if (strncmp(at + 3 + len, "\", no_argument", 14) != 0 &&
		    strncmp(at + 3 + len, "\", required_argument", 20) != 0)
			continue;
		(void)snprintf(option, sizeof(option), " --%.*s%s", len, at + 3, at[len + 6] == 'r' ? "=" : " ");
		(void)snprintf(with_value, sizeof(with_value), " --%.*s\n", len, at + 3);
		if (!strstr(p.out, option) && !strstr(p.out, with_value))
			fail_msg("the help does not have%s", option);
		n++;
	}
	assert_int_equal(n, count(p.out, " --"));
	assert_int_equal(n, count(manual, "\n.It Fl "));
}

static void each_verb_and_component_is_in_both(void **state)
{
	static const char *const verbs[] = { "take", "give-back", "list" };
	static struct program p;

	(void)state;
	run(&p, (const char *const[]){ "--help", NULL });
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "vmic-bind %s", verbs[i]);
		assert_non_null(strstr(p.out, text));
		(void)snprintf(text, sizeof(text), "\n.It Cm %s\n", verbs[i]);
		assert_in_manual(text);
	}
	assert_int_equal(count(manual, "\n.It Cm "), ARRAY_LEN(verbs));
	for (enum ic_component c = 0; c < IC_COMPONENTS; c++) {
		assert_non_null(strstr(p.out, ic_component_names[c]));
		assert_in_manual(ic_component_names[c]);
	}
}

static void each_exit_status_is_in_both(void **state)
{
	static struct program p;

	(void)state;
	run(&p, (const char *const[]){ "--help", NULL });
	assert_non_null(strstr(p.out, "Exit status: 0 done, 1 failure, 2 wrong option or configuration, "
				      "3 refused"));
	assert_exit_statuses("daemon/vmic-bind.8", exit_statuses_read("daemon/bind/main.c", "") |
							   exit_statuses_read("daemon/bind/bind.h", "BIND_"));
}

static void each_letter_is_an_option_or_is_refused(void **state)
{
	static struct program p;

	(void)state;
	for (char c = '0'; c <= 'z'; c++) {
		const char option[] = { '-', c, '\0' };

		if (!isalnum((unsigned char)c))
			continue;
		run(&p, (const char *const[]){ option, "--help", NULL });
		assert_int_equal(strstr(p.err, "invalid option") == NULL, strchr("cnhV", c) != NULL);
	}
}

static const struct {
	const char *args[5], *err;
} wrong[] = {
	{ { NULL }, "expected take, give-back or list" },
	{ { "steal", NULL }, "'steal': expected take, give-back or list" },
	{ { "take", NULL }, "take what? Expected components, or all" },
	{ { "take", "floppy", NULL }, "'floppy' is no component" },
	{ { "give-back", "floppy", NULL }, "'floppy' is no component" },
	{ { "list", "kvp", NULL }, "list takes no component" },
	{ { "take", "kvp", "--wait=soon", NULL }, "--wait=soon: expected seconds" },
	{ { "take", "kvp", "--wait=-1", NULL }, "--wait=-1: expected seconds" },
	{ { "take", "kvp", "--wait=3601", NULL }, "--wait=3601: expected seconds" },
	{ { "give-back", "--follow", NULL }, "--follow belongs to take" },
	{ { "take", "kvp", "--follow", "-n", NULL }, "--follow belongs to take" },
	{ { "take", "--what", NULL }, "'vmic-bind --help' lists the options" },
};

static void wrong_usage_is_explained(void **state)
{
	static struct program p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		run(&p, wrong[i].args);
		assert_int_equal(p.status, 2);
		assert_string_equal(p.out, "");
		if (!strstr(p.err, wrong[i].err))
			fail_msg("'%s' and not '%s'", p.err, wrong[i].err);
	}
}

/* Components in any case, options behind them. */
static void without_a_vmbus_it_says_so(void **state)
{
	static const char *const good[][5] = {
		{ "list", NULL },
		{ "take", "-n", "heartbeat", "TimeSync", NULL },
		{ "take", "ALL", "--dry-run", "--wait=0", NULL },
		{ "give-back", "-n", NULL },
		{ "give-back", "all", "-n", NULL },
		{ "give-back", "KVP", "--wait=3600", "-n", NULL },
	};
	static struct program p;

	(void)state;
	if (access("/sys/bus/vmbus", F_OK) == 0)
		skip(); /* this is a guest */
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		run(&p, good[i]);
		assert_int_equal(p.status, 1);
		assert_string_equal(p.err, "vmic-bind: there is no VMBus here: this is no Hyper-V guest\n");
	}
}

static void what_cannot_be_printed_is_a_failure(void **state)
{
	static struct program p;
	char command[PATH_MAX + 32];

	(void)state;
	(void)snprintf(command, sizeof(command), "exec %s --help >/dev/full", bind_path());
	program_run(&p, "/bin/sh", (const char *const[]){ "-c", command, NULL });
	assert_int_equal(p.status, 1);
	assert_non_null(strstr(p.err, "cannot write: No space left on device"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_option_is_in_the_manual),
		cmocka_unit_test(help_tells_each_option),
		cmocka_unit_test(each_verb_and_component_is_in_both),
		cmocka_unit_test(each_exit_status_is_in_both),
		cmocka_unit_test(each_letter_is_an_option_or_is_refused),
		cmocka_unit_test(wrong_usage_is_explained),
		cmocka_unit_test(without_a_vmbus_it_says_so),
		cmocka_unit_test(what_cannot_be_printed_is_a_failure),
	};

	return cmocka_run_group_tests(tests, texts_read, NULL);
}
