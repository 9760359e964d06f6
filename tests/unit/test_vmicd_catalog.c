/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The journal's catalog: each MESSAGE_ID of the program is explained, and nothing else is; the fields that a text
 * shows are those of its lines (message_fields.h), and the journal's own program takes it. Run in the top directory, or with that in the
 * variable SRCDIR.
 */
#include "daemon/message_id.h"

#include "tests/unit/message_fields.h"
#include "tests/unit/program.h"
#include "tests/unit/temp_dir.h"

#define CATALOG "systemd/vmicd.catalog"

static char catalog[65536];

static const char *in_top(const char *name)
{
	static char path[PATH_MAX];
	const char *top = getenv("SRCDIR");

	(void)snprintf(path, sizeof(path), "%s/%s", top ? top : ".", name);
	return path;
}

static int catalog_read(void **state)
{
	FILE *f = fopen(in_top(CATALOG), "re");
	size_t n;

	(void)state;
	if (!f)
		return -1;
	n = fread(catalog, 1, sizeof(catalog) - 1, f);
	(void)fclose(f);
	catalog[n] = '\0';
	return n > 0 && n < sizeof(catalog) - 1 ? 0 : -1;
}

static const char *id_of(enum message_id id)
{
	return message_id_fields[id] + strlen("MESSAGE_ID=");
}

/* The entry of an identifier, up to the next, in a buffer of its own; NULL: there is none. */
static const char *entry_of(enum message_id id)
{
	static char entry[8192];
	char head[64];
	const char *begin, *end;

	(void)snprintf(head, sizeof(head), "\n-- %s\n", id_of(id));
	begin = strstr(catalog, head);
	if (!begin)
		return NULL;
	begin += strlen(head);
	end = strstr(begin, "\n-- ");
	(void)snprintf(entry, sizeof(entry), "%.*s", (int)(end ? end - begin : (long)strlen(begin)), begin);
	return entry;
}

static void each_identifier_is_one(void **state)
{
	(void)state;
	for (int i = 0; i < MESSAGE_IDS; i++) {
		assert_non_null(message_id_fields[i]);
		assert_memory_equal(message_id_fields[i], "MESSAGE_ID=", 11);
		assert_int_equal(strlen(id_of(i)), 32);
		assert_int_equal(strspn(id_of(i), "0123456789abcdef"), 32);
		assert_int_equal(id_of(i)[12], '4'); /* a random one, sd-id128(3) */
		for (int k = 0; k < i; k++)
			assert_string_not_equal(id_of(i), id_of(k));
	}
}

static void each_identifier_is_in_the_catalog(void **state)
{
	unsigned entries = 0;

	(void)state;
	for (int i = 0; i < MESSAGE_IDS; i++)
		if (!entry_of(i))
			fail_msg("%s is not in " CATALOG, message_id_fields[i]);
	for (const char *p = strstr(catalog, "\n-- "); p; p = strstr(p + 1, "\n-- "))
		entries++;
	assert_int_equal(entries, MESSAGE_IDS);
}

/* Each is used, or its text explains what never happens. */
static void each_identifier_is_logged(void **state)
{
	static const char *const names[MESSAGE_IDS] = {
#define NAME(id) [id] = #id
		NAME(MESSAGE_NEGOTIATED), NAME(MESSAGE_MISMATCH), NAME(MESSAGE_NO_COMMON), NAME(MESSAGE_FORCED),
		NAME(MESSAGE_TAKEN_OVER), NAME(MESSAGE_LOST), NAME(MESSAGE_UNUSABLE), NAME(MESSAGE_BLOCKED), NAME(MESSAGE_STEPPED),
		NAME(MESSAGE_NOT_STEPPED), NAME(MESSAGE_SHUTDOWN_REQUESTED), NAME(MESSAGE_NOT_SHUT_DOWN),
		NAME(MESSAGE_CONFIGURED), NAME(MESSAGE_MISCONFIGURED),
#undef NAME
	};
	static const char *const sources[] = {
		"daemon/channel_log.c", "daemon/sys_linux.c", "daemon/timekeeper.c", "daemon/manager.c", "daemon/power.c",
	};
	static char text[1 << 16];

	(void)state;
	for (int i = 0; i < MESSAGE_IDS; i++) {
		unsigned uses = 0;

		assert_non_null(names[i]);
		for (size_t k = 0; k < ARRAY_LEN(sources); k++) {
			FILE *f = fopen(in_top(sources[k]), "re");

			assert_non_null(f);
			text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
			(void)fclose(f);
			uses += strstr(text, names[i]) != NULL;
		}
		if (uses == 0)
			fail_msg("%s is nowhere used", names[i]);
	}
}

/* What is between two @ is replaced by the line's field of that name, and stays as it is where there is none. */
static void a_text_shows_fields_that_its_lines_have(void **state)
{
	unsigned shown = 0;

	(void)state;
	for (int i = 0; i < MESSAGE_IDS; i++)
		for (const char *p = strchr(entry_of(i), '@'); p; p = strchr(p, '@')) {
			size_t n = strcspn(p + 1, "@");

			if (!has_word(message_fields[i], p + 1, n))
				fail_msg("%s has no field %.*s", message_id_fields[i], (int)n, p + 1);
			p += n + 2;
			shown++;
		}
	assert_true(shown > 10);
}

static void each_text_can_be_read(void **state)
{
	(void)state;
	for (int i = 0; i < MESSAGE_IDS; i++) {
		const char *entry = entry_of(i), *body = strstr(entry, "\n\n");

		assert_memory_equal(entry, "Subject: ", 9);
		assert_non_null(strstr(entry, "\nDefined-By: vmicd\n"));
		assert_non_null(strstr(entry, "\nDocumentation: man:vmicd"));
		assert_non_null(body);
		assert_true(strlen(body) > 100);
		for (const char *line = entry; *line; line += strcspn(line, "\n"), line += *line == '\n')
			assert_true(strcspn(line, "\n") <= 90);
	}
}

/* journalctl --root=DIR reads DIR's catalogs and makes their database there. */
static void the_journal_takes_it(void **state)
{
	static struct program run;
	struct temp_dir d = temp_dir_new();
	char root[128];

	(void)state;
	if (access("/usr/bin/journalctl", X_OK) < 0)
		skip();
	temp_dir_put(&d, "usr/lib/systemd/catalog/vmicd.catalog", catalog);
	temp_dir_put(&d, "var/lib/systemd/catalog/database", "");
	(void)snprintf(root, sizeof(root), "--root=%s", d.path);
	program_run(&run, "/usr/bin/journalctl", (const char *const[]){ root, "--update-catalog", NULL });
	assert_string_equal(run.err, "");
	assert_int_equal(run.status, 0);
	for (int i = 0; i < MESSAGE_IDS; i++) {
		const char *subject;

		program_run(&run, "/usr/bin/journalctl",
			    (const char *const[]){ root, "--dump-catalog", id_of(i), NULL });
		assert_int_equal(run.status, 0);
		subject = strchr(entry_of(i), '\n');
		assert_non_null(strstr(run.out, id_of(i)));
		assert_true(subject - entry_of(i) > 9);
		if (!strstr(run.out, strndupa(entry_of(i), (size_t)(subject - entry_of(i)))))
			fail_msg("%s: %s", id_of(i), run.out);
	}
	temp_dir_done(&d);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_identifier_is_one),
		cmocka_unit_test(each_identifier_is_in_the_catalog),
		cmocka_unit_test(each_identifier_is_logged),
		cmocka_unit_test(a_text_shows_fields_that_its_lines_have),
		cmocka_unit_test(each_text_can_be_read),
		cmocka_unit_test(the_journal_takes_it),
	};

	return cmocka_run_group_tests_name("vmicd_catalog", tests, catalog_read, NULL);
}
