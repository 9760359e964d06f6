/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmicctl's command line, and that its manual, its help and both completions tell of it: each verb,
 * option, exit status and word of one is in the others. Run in the top directory, or with that in the
 * variable SRCDIR; the variable VMICCTL names another program.
 */
#include <ctype.h>

#include "hv_util/heartbeat.h"
#include "hv_util/ic.h"
#include "hv_util/release.h"
#include "tests/unit/exit_status.h"
#include "tests/unit/program.h"
#include "tests/unit/temp_dir.h"

static char manual[65536], bash[16384], zsh[16384];
static struct program help;

static const char *top(void)
{
	return getenv("SRCDIR") ? getenv("SRCDIR") : ".";
}

static int read_text(const char *name, char *to, size_t size)
{
	char path[PATH_MAX];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", top(), name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	to[fread(to, 1, size - 1, file)] = '\0';
	(void)fclose(file);
	return to[0] ? 0 : -1;
}

static int read_all(void **state)
{
	(void)state;
	program_run(&help, program_path("vmicctl", "VMICCTL"), (const char *const[]){ "--help", NULL });
	return read_text("daemon/ctl/vmicctl.1", manual, sizeof(manual)) < 0 ||
			       read_text("systemd/vmicctl.bash", bash, sizeof(bash)) < 0 ||
			       read_text("systemd/_vmicctl", zsh, sizeof(zsh)) < 0 || help.status != 0 ?
		       -1 :
		       0;
}

static void assert_in(const char *what, const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("%s has no \"%s\"", what, part);
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		n++;
	return n;
}

/* The lines of one part of the help, each cut behind its left column; "Verbs" or "Options". */
struct lines {
	char text[32][64];
	unsigned n;
};

static struct lines help_lines(const char *title)
{
	struct lines l = { .n = 0 };
	const char *at = strstr(help.out, title);

	assert_non_null(at);
	for (at = strchr(at, '\n') + 1; strncmp(at, "  ", 2) == 0; at = strchr(at, '\n') + 1) {
		int len = (int)strcspn(at + 2, "\n");
		const char *gap = strstr(at + 5, "  ");

		assert_true(l.n < ARRAY_LEN(l.text));
		if (gap && gap < at + 2 + len)
			len = (int)(gap - at - 2);
		(void)snprintf(l.text[l.n++], sizeof(l.text[0]), "%.*s", len, at + 2);
	}
	assert_true(l.n > 0);
	return l;
}

/* What bash's completion offers behind these words, of which the last is begun, one a line. */
static const char *completions(const char *words)
{
	static struct program p;
	char script[PATH_MAX + 512];

	(void)snprintf(script, sizeof(script),
		       "PATH=/usr/bin:/bin; . %s/systemd/vmicctl.bash; COMP_WORDS=(vmicctl %s); "
		       "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _vmicctl; printf '%%s\\n' \"${COMPREPLY[@]}\"",
		       top(), words);
	program_run(&p, "/bin/bash", (const char *const[]){ "-c", script, NULL });
	assert_string_equal(p.err, "");
	return p.out;
}

static void assert_offered(const char *words, const char *const *expected, size_t n)
{
	const char *offered = completions(words);

	for (size_t i = 0; i < n; i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "%s\n", expected[i]);
		assert_in("bash's completion", offered, line);
	}
	if (count(offered, "\n") != n)
		fail_msg("bash's completion has more:\n%s", offered);
}

/* "kvp get KEY" of the help; ".It Cm kvp get Ar key" of the manual. */
static void each_verb_is_in_all(void **state)
{
	const struct lines verbs = help_lines("Verbs");
	const char *names[32];
	unsigned n = 0, parts = 0;
	char words[32][64];

	(void)state;
	for (unsigned i = 0; i < verbs.n; i++) {
		int len = (int)strspn(verbs.text[i], "abcdefghijklmnopqrstuvwxyz ");
		char item[128], *first = words[i];

		while (len > 0 && verbs.text[i][len - 1] == ' ')
			len--;
		(void)snprintf(first, sizeof(words[0]), "%.*s", len, verbs.text[i]);
		(void)snprintf(item, sizeof(item), "\n.It Cm %s", first);
		assert_in("the manual", manual, item);
		if (strchr(first, ' ')) {
			(void)snprintf(item, sizeof(item), "%s:", strchr(first, ' ') + 1);
			assert_in("zsh's completion", zsh, item);
			parts++;
			*strchr(first, ' ') = '\0';
		}
		(void)snprintf(item, sizeof(item), "'%s:", first);
		assert_in("zsh's completion", zsh, item);
		if (n == 0 || strcmp(names[n - 1], first) != 0)
			names[n++] = first;
	}
	assert_int_equal(parts, 5);
	assert_offered("''", names, n);
	assert_int_equal(count(manual, "\n.It Cm "), verbs.n + 8); /* the second list is of their JSON */
}

/* "-H --host=[USER@]HOST" of the help; ".It Fl H , Fl -host Ns = ..." of the manual. */
static void each_option_is_in_all(void **state)
{
	const struct lines options = help_lines("Options");
	char names[32][64], letters[64] = "";
	const char *offers[32];

	(void)state;
	for (unsigned i = 0; i < options.n; i++) {
		const char *line = options.text[i], *name = strstr(line, "--");
		int len = (int)strcspn(name, "=");
		char item[128], in_zsh[128];

		(void)snprintf(names[i], sizeof(names[0]), "%.*s%s", len, name, name[len] ? "=" : "");
		offers[i] = names[i];
		if (line[0] == '-') {
			(void)snprintf(item, sizeof(item), "\n.It Fl %c , Fl %.*s", line[1], len - 1, name + 1);
			(void)snprintf(in_zsh, sizeof(in_zsh), "{-%c%s,%s}", line[1], name[len] ? "+" : "", names[i]);
			(void)strncat(letters, &line[1], 1);
		} else {
			(void)snprintf(item, sizeof(item), "\n.It Fl %.*s", len - 1, name + 1);
			(void)snprintf(in_zsh, sizeof(in_zsh), "'%s[", names[i]);
		}
		assert_in("the manual", manual, item);
		assert_in("zsh's completion", zsh, in_zsh);
	}
	assert_int_equal(options.n, count(manual, "\n.It Fl "));
	assert_int_equal(options.n, count(zsh, " \\\n\t\t'") - 2); /* but for the two that are arguments */
	assert_offered("--", offers, options.n);
	for (char c = '0'; c <= 'z'; c++) {
		static struct program p;
		const char option[] = { '-', c, '\0' };

		if (!isalnum((unsigned char)c))
			continue;
		program_run(&p, program_path("vmicctl", "VMICCTL"), (const char *const[]){ option, "--help", NULL });
		assert_int_equal(strstr(p.err, "invalid option") == NULL, strchr(letters, c) != NULL);
	}
}

static void each_exit_status_is_in_both(void **state)
{
	uint32_t statuses = exit_statuses_read("daemon/ctl/ctl.h", "CTL_");
	const char *told = strstr(help.out, "Exit status:");

	(void)state;
	assert_non_null(told);
	assert_exit_statuses("daemon/ctl/vmicctl.1", statuses);
	for (unsigned n = 0; n < 10; n++) {
		const char text[] = { ' ', (char)('0' + n), ' ', '\0' };

		if ((strstr(told, text) != NULL) != !!(statuses & 1u << n))
			fail_msg("exit status %u: in ctl.h or in the help, and not in the other", n);
	}
}

/* A word as the manual has it, and as zsh's completion has it in a list. */
static void assert_word(const char *word)
{
	const char *const texts[] = { manual, zsh };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		bool found = false;

		for (const char *at = strstr(texts[i], word); at && !found; at = strstr(at + 1, word))
			found = !isalnum((unsigned char)at[-1]) && !isalnum((unsigned char)at[strlen(word)]);
		if (!found)
			fail_msg("%s: not in %s", word, i ? "zsh's completion" : "the manual");
	}
}

static void releases_pools_components_and_states_are_in_all(void **state)
{
	static const char *const pools[] = { "guest", "external", "auto", "auto-external", "all" };
	const char *keys[RELEASES], *states[HEARTBEAT_STATES], *components[IC_COMPONENTS];
	char ids[IC_COMPONENTS][32] = { "" };

	(void)state;
	for (size_t i = 0; i < RELEASES; i++) {
		keys[i] = releases[i].key;
		assert_word(keys[i]);
	}
	assert_offered("--release = ''", keys, RELEASES);
	assert_offered("-r ''", keys, RELEASES);
	for (size_t i = 0; i < HEARTBEAT_STATES; i++) {
		states[i] = heartbeat_state_names[i];
		assert_word(states[i]);
	}
	assert_offered("health ''", states, HEARTBEAT_STATES);
	for (size_t i = 0; i < ic_n_services; i++) {
		const char *name = ic_component_names[ic_services[i]->component];

		for (size_t at = 0; name[at]; at++)
			ids[i][at] = (char)tolower((unsigned char)name[at]);
		components[i] = ids[i];
		assert_word(ids[i]);
	}
	assert_offered("renegotiate ''", components, ic_n_services);
	for (size_t i = 0; i < ARRAY_LEN(pools); i++)
		assert_word(pools[i]);
	assert_offered("kvp list --pool = ''", pools, ARRAY_LEN(pools));
	assert_offered("kvp list --pool =", pools, ARRAY_LEN(pools));
	assert_offered("kvp -p a", (const char *const[]){ "auto", "auto-external", "all" }, 3);
}

static void completion_knows_where_it_is(void **state)
{
	(void)state;
	assert_offered("kvp ''", (const char *const[]){ "get", "set", "delete", "list", "watch" }, 5);
	assert_offered("-j -H web01 --timeout = 5 re",
		       (const char *const[]){ "renegotiate", "reload" }, 2);
	assert_offered("status --rel", (const char *const[]){ "--release=" }, 1);
	assert_offered("health c", (const char *const[]){ "critical" }, 1);
	assert_string_equal(completions("health critical ''"), "\n");
	assert_string_equal(completions("--timeout = ''"), "\n");
}

/* Keys come from hosts and other programs: offering one must not run what it holds. */
static void completion_does_not_run_what_keys_hold(void **state)
{
	struct temp_dir dir = temp_dir_new();
	char script[PATH_MAX + 1024], path[128];
	static struct program p;

	(void)state;
	(void)snprintf(script, sizeof(script), "#!/bin/sh\ncat <<'EOF'\n"
		       "      \"Key\": \"$(touch %s/ran)\",\n"
		       "      \"Key\": \"`touch %s/ran`\",\n"
		       "      \"Key\": \"two words\",\n"
		       "      \"Key\": \"*\",\n"
		       "      \"Key\": \"a\\u001b[31m\",\n"
		       "EOF\n", dir.path, dir.path);
	temp_dir_put(&dir, "vmicctl", script);
	temp_dir_path(&dir, "vmicctl", path, sizeof(path));
	assert_int_equal(chmod(path, 0755), 0);
	(void)snprintf(script, sizeof(script),
		       "PATH=%s:/usr/bin:/bin; . %s/systemd/vmicctl.bash; COMP_WORDS=(vmicctl kvp get ''); COMP_CWORD=3; "
		       "_vmicctl; printf '%%s\\n' \"${COMPREPLY[@]}\"", dir.path, top());
	program_run(&p, "/bin/bash", (const char *const[]){ "-c", script, NULL });
	assert_string_equal(p.err, "");
	(void)snprintf(script, sizeof(script), "\\$\\(touch\\ %s/ran\\)\n\\`touch\\ %s/ran\\`\ntwo\\ words\n\\*\n",
		       dir.path, dir.path);
	assert_string_equal(p.out, script);
	temp_dir_path(&dir, "ran", path, sizeof(path));
	assert_int_equal(access(path, F_OK), -1);
	temp_dir_done(&dir);
}

static const struct {
	const char *args[6], *err;
} wrong[] = {
	{ { "steal" }, "there is no verb 'steal'" },
	{ { "kvp" }, "kvp wants one of: get, set, delete, list, watch" },
	{ { "kvp", "clear" }, "kvp wants one of: get, set, delete, list, watch" },
	{ { "kvp", "get" }, "expected: vmicctl kvp get KEY" },
	{ { "kvp", "set", "a" }, "expected: vmicctl kvp set KEY VALUE" },
	{ { "kvp", "set", "a", "b", "c" }, "expected: vmicctl kvp set KEY VALUE" },
	{ { "status", "now" }, "expected: vmicctl status\n" },
	{ { "profile", "a", "b" }, "expected: vmicctl profile [NAME]" },
	{ { "status", "--pool=guest" }, "status has no option --pool" },
	{ { "kvp", "set", "a", "b", "-p1" }, "kvp set has no option --pool" },
	{ { "versions", "--release=2019" }, "versions has no option --release" },
	{ { "events", "--no-block" }, "events has no option --no-block" },
	{ { "health", "--full" }, "health has no option --full" },
	{ { "--release=" }, "--release wants RELEASE" },
	{ { "--host=", "status" }, "--host wants [USER@]HOST" },
	{ { "--timeout=soon" }, "--timeout wants seconds, 1 to 3600, not 'soon'" },
	{ { "--timeout=0" }, "--timeout wants seconds" },
	{ { "--timeout=3601" }, "--timeout wants seconds" },
	{ { "--timeout=-1" }, "--timeout wants seconds" },
	{ { "-H", "a", "-M", "b" }, "--host and --machine exclude each other" },
	{ { "--what" }, "'vmicctl --help' lists the options" },
	{ { "status", "\033[31m" }, "expected: vmicctl status" },
	{ { "\033[31m" }, "there is no verb '\\x1b[31m'" },
};

/* Before anything is connected to: there is no bus. */
static void wrong_usage_is_explained(void **state)
{
	static struct program p;

	(void)state;
	assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		program_run(&p, program_path("vmicctl", "VMICCTL"), wrong[i].args);
		assert_string_equal(p.out, "");
		if (p.status != 2 || !strstr(p.err, wrong[i].err))
			fail_msg("%d, '%s' and not '%s'", p.status, p.err, wrong[i].err);
	}
}

static void help_and_version_are_printed(void **state)
{
	static struct program p;

	(void)state;
	program_run(&p, program_path("vmicctl", "VMICCTL"), (const char *const[]){ "kvp", "--version", NULL });
	assert_int_equal(p.status, 0);
	assert_string_equal(p.out, "vmicctl " VMICD_VERSION "\n");
	for (const char *line = help.out; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
	program_run(&p, program_path("vmicctl", "VMICCTL"), (const char *const[]){ "-h", "nonsense", NULL });
	assert_string_equal(p.out, help.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_verb_is_in_all),
		cmocka_unit_test(each_option_is_in_all),
		cmocka_unit_test(each_exit_status_is_in_both),
		cmocka_unit_test(releases_pools_components_and_states_are_in_all),
		cmocka_unit_test(completion_knows_where_it_is),
		cmocka_unit_test(completion_does_not_run_what_keys_hold),
		cmocka_unit_test(wrong_usage_is_explained),
		cmocka_unit_test(help_and_version_are_printed),
	};

	return cmocka_run_group_tests(tests, read_all, NULL);
}
