/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The manual, what the daemon says of itself on the bus, its sources and polkit's file have the same
 * members, errors and rights. Run in the top directory, or with that in the variable SRCDIR.
 */
#include <glob.h>

#include "tests/unit/bus_harness.h"

#define LINES_MAX 128

/* A set of lines. */
struct lines {
	unsigned n;
	char line[LINES_MAX][160];
};

static void lines_add(struct lines *s, const char *line)
{
	for (unsigned i = 0; i < s->n; i++)
		if (strcmp(s->line[i], line) == 0)
			return;
	assert_true(s->n < LINES_MAX && strlen(line) < sizeof(s->line[0]));
	(void)strcpy(s->line[s->n++], line);
}

static bool lines_have(const struct lines *s, const char *line)
{
	for (unsigned i = 0; i < s->n; i++)
		if (strcmp(s->line[i], line) == 0)
			return true;
	return false;
}

static void assert_same(const struct lines *a, const char *of_a, const struct lines *b, const char *of_b)
{
	assert_true(a->n > 0 && b->n > 0);
	for (unsigned i = 0; i < a->n; i++)
		if (!lines_have(b, a->line[i]))
			fail_msg("%s has '%s', %s has not", of_a, a->line[i], of_b);
	for (unsigned i = 0; i < b->n; i++)
		if (!lines_have(a, b->line[i]))
			fail_msg("%s has '%s', %s has not", of_b, b->line[i], of_a);
}

/* --- files --- */

static const char *file_text(const char *path)
{
	static char text[65536];
	FILE *file = fopen(path, "re");
	size_t n;

	if (!file)
		fail_msg("there is no %s", path);
	n = fread(text, 1, sizeof(text) - 1, file);
	(void)fclose(file);
	assert_true(n > 0 && n < sizeof(text) - 1);
	text[n] = '\0';
	return text;
}

static const char *in_top(const char *name)
{
	static char path[PATH_MAX];
	const char *top = getenv("SRCDIR");

	(void)snprintf(path, sizeof(path), "%s/%s", top ? top : ".", name);
	return path;
}

#define MANUAL "daemon/bus/org.vmicd1.5"

/* The lines of one section, or of one part of it, that begin so. */
static void collect(const char *section, const char *part, const char *beginning, struct lines *ret)
{
	char *text = strdup(file_text(in_top(MANUAL)));
	bool in_section = false, in_part = part == NULL;

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (strncmp(line, ".Sh ", 4) == 0) {
			in_section = strcmp(line + 4, section) == 0;
			in_part = part == NULL;
		}
		if (part && strncmp(line, ".Ss ", 4) == 0)
			in_part = strcmp(line + 4, part) == 0;
		if (in_section && in_part && strncmp(line, beginning, strlen(beginning)) == 0)
			lines_add(ret, line);
	}
	free(text);
}

/* --- what the daemon says of itself --- */

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

static void attribute(const char *element, const char *name, char *to, size_t size)
{
	char wanted[32];
	const char *end = strchr(element, '>'), *p;

	(void)snprintf(wanted, sizeof(wanted), " %s=\"", name);
	p = strstr(element, wanted);
	assert_true(p && end && p < end);
	p += strlen(wanted);
	(void)snprintf(to, size, "%.*s", (int)strcspn(p, "\""), p);
}

/* One member as the manual has it. element: where it begins, end: the next member's begin. */
static void describe(const char *element, const char *end, bool is_property, char *to, size_t size)
{
	char name[64], type[32], argument[32], direction[8] = "in";
	const char *no_news = strstr(element, "EmitsChangedSignal"), *p = element;
	size_t n;

	attribute(element, "name", name, sizeof(name));
	if (is_property) {
		attribute(element, "type", type, sizeof(type));
		(void)snprintf(to, size, ".It Va %s Li %s%s", name, type,
			       no_news && no_news < end ? "" : " , told");
		return;
	}
	n = (size_t)snprintf(to, size, ".It Fn %s", name);
	while ((p = strstr(p, "<arg ")) != NULL && p < end) {
		attribute(p, "type", type, sizeof(type));
		attribute(p, "name", argument, sizeof(argument));
		if (strstr(p, " direction=") && strstr(p, " direction=") < strchr(p, '>'))
			attribute(p, "direction", direction, sizeof(direction));
		n += (size_t)snprintf(to + n, size - n, " %s\"%s %s\"",
				      strcmp(direction, "out") == 0 ? "No \\(-> Fa " : "", type, argument);
		p++;
	}
	assert_true(n < size);
}

static void members(const char *path, const char *interface, const char *kind, struct lines *ret)
{
	struct answer *a = ask(&f, path, "org.freedesktop.DBus.Introspectable", "Introspect", "");
	char wanted[64], closing[32], line[160];
	const char *begin, *end;

	assert_string_equal(a->error, "");
	(void)snprintf(wanted, sizeof(wanted), "<interface name=\"%s\">", interface);
	begin = strstr(a->text, wanted);
	assert_non_null(begin);
	end = strstr(begin, "</interface>");
	assert_non_null(end);
	(void)snprintf(wanted, sizeof(wanted), "<%s ", kind);
	(void)snprintf(closing, sizeof(closing), "</%s>", kind);
	while ((begin = strstr(begin, wanted)) != NULL && begin < end) {
		const char *next = strstr(begin + 1, wanted), *close = strstr(begin, closing);
		const char *until = close && (!next || close < next) && close < end ? close :
				    next && next < end                              ? next :
										      end;

		describe(begin, until, strcmp(kind, "property") == 0, line, sizeof(line));
		lines_add(ret, line);
		begin++;
	}
}

static const struct {
	const char *path, *interface, *section;
} interfaces[] = {
	{ "/org/vmicd1", "org.vmicd1.Manager", "THE MANAGER" },
	{ "/org/vmicd1/component/kvp", "org.vmicd1.Component", "COMPONENTS" },
};

static const struct {
	const char *kind, *part, *beginning;
} kinds[] = {
	{ "property", "Properties", ".It Va " },
	{ "method", "Methods", ".It Fn " },
	{ "signal", "Signals", ".It Fn " },
};

static void each_member_is_in_the_manual(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(interfaces); i++)
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
			struct lines said = { 0 }, written = { 0 };

			members(interfaces[i].path, interfaces[i].interface, kinds[k].kind, &said);
			collect(interfaces[i].section, kinds[k].part, kinds[k].beginning, &written);
			assert_same(&said, "the daemon", &written, "the manual");
		}
}

static void each_component_has_the_same_members(void **state)
{
	static const char *const others[] = { "/org/vmicd1/component/heartbeat",
					      "/org/vmicd1/component/shutdown",
					      "/org/vmicd1/component/timesync" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
			struct lines one = { 0 }, other = { 0 };

			members("/org/vmicd1/component/kvp", "org.vmicd1.Component", kinds[k].kind, &one);
			members(others[i], "org.vmicd1.Component", kinds[k].kind, &other);
			assert_same(&one, "kvp", &other, others[i]);
		}
}

static void each_counter_is_in_the_manual(void **state)
{
	char *said = strdup(property(&f, COMPONENT("kvp"), "Counters"));
	const char *manual = file_text(in_top(MANUAL));
	unsigned n = 0;

	(void)state;
	for (char *name = strtok(said, "'"); name; name = strtok(NULL, "'")) {
		char line[64];

		if (name[0] < 'a' || name[0] > 'z')
			continue;
		(void)snprintf(line, sizeof(line), "\n.Ql %s", name);
		if (!strstr(manual, line))
			fail_msg("the manual has no counter '%s'", name);
		n++;
	}
	assert_int_equal(n, 6);
	free(said);
}

/* --- errors and rights --- */

/* What stands in quotation marks and begins so, in the sources of the bus. */
static void quoted_in_sources(const char *beginning, struct lines *ret)
{
	glob_t found;
	char quoted[64];

	assert_int_equal(glob(in_top("daemon/bus/*.[ch]"), 0, NULL, &found), 0);
	(void)snprintf(quoted, sizeof(quoted), "\"%s", beginning);
	for (size_t i = 0; i < found.gl_pathc; i++)
		for (const char *p = file_text(found.gl_pathv[i]); (p = strstr(p, quoted)) != NULL; p++) {
			char line[160];

			(void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(p + 1, "\""), p + 1);
			lines_add(ret, line);
		}
	globfree(&found);
}

static void in_manual(const char *section, const char *beginning, struct lines *ret)
{
	struct lines items = { 0 };
	char item[64];

	(void)snprintf(item, sizeof(item), ".It Li %s", beginning);
	collect(section, NULL, item, &items);
	for (unsigned i = 0; i < items.n; i++)
		lines_add(ret, items.line[i] + strlen(".It Li "));
}

static void each_error_is_in_the_manual(void **state)
{
	struct lines used = { 0 }, written = { 0 };

	(void)state;
	quoted_in_sources("org.vmicd1.Error.", &used);
	in_manual("FAILURES", "org.vmicd1.Error.", &written);
	assert_same(&used, "the source", &written, "the manual");
}

/* Rights are in small letters, which nothing else is. */
static void rights_only(struct lines *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n; i++)
		if (s->line[i][strlen("org.vmicd1.")] >= 'a')
			memmove(s->line[n++], s->line[i], sizeof(s->line[0]));
	s->n = n;
}

static void each_right_is_in_the_manual_and_at_polkit(void **state)
{
	struct lines used = { 0 }, written = { 0 }, installed = { 0 };

	(void)state;
	quoted_in_sources("org.vmicd1.", &used);
	rights_only(&used);
	in_manual("AUTHORIZATION", "org.vmicd1.", &written);
	for (const char *p = file_text(in_top("systemd/org.vmicd1.policy")); (p = strstr(p, "<action id=\"")); p++) {
		char line[160];

		attribute(p, "id", line, sizeof(line));
		lines_add(&installed, line);
	}
	assert_same(&used, "the source", &written, "the manual");
	assert_same(&used, "the source", &installed, "polkit's file");
}

/* Without the owner, polkit does not answer a daemon that is not root. */
static void each_right_is_vmicds(void **state)
{
	const char *policy = file_text(in_top("systemd/org.vmicd1.policy"));
	unsigned actions = 0, owners = 0, defaults = 0;

	(void)state;
	for (const char *p = policy; (p = strstr(p, "</action>")); p++)
		actions++;
	for (const char *p = policy; (p = strstr(p, "key=\"org.freedesktop.policykit.owner\">unix-user:vmicd<")); p++)
		owners++;
	for (const char *p = policy; (p = strstr(p, ">auth_admin_keep<")); p++)
		defaults++;
	assert_int_equal(actions, 5);
	assert_int_equal(owners, actions);
	assert_int_equal(defaults, 3 * actions);
}

#define WITH_DAEMON(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DAEMON(each_member_is_in_the_manual),
		WITH_DAEMON(each_component_has_the_same_members),
		WITH_DAEMON(each_counter_is_in_the_manual),
		cmocka_unit_test(each_error_is_in_the_manual),
		cmocka_unit_test(each_right_is_in_the_manual_and_at_polkit),
		cmocka_unit_test(each_right_is_vmicds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
