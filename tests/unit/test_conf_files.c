/* SPDX-License-Identifier: GPL-2.0-only */
/* Drop-ins: which are read, in which order, and which hide which (systemd.unit(5)). */
#include "daemon/conf_files.h"

#include <errno.h>

#include "tests/unit/temp_dir.h"

/* The list as text, paths relative to the directory, one after another. */
static const char *listed(const struct conf_files *f, const struct temp_dir *d)
{
	static char text[4096];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < f->n; i++) {
		assert_memory_equal(f->path[i], d->path, strlen(d->path));
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "",
				      f->path[i] + strlen(d->path) + 1);
	}
	return text;
}

static int list_single(const struct temp_dir *d, struct conf_files *ret)
{
	char path[256];

	temp_dir_path(d, "v.conf", path, sizeof(path));
	return conf_files_single(path, ret);
}

static int list_system(const struct temp_dir *d, struct conf_files *ret)
{
	return conf_files_system(d->path, ret);
}

struct row {
	const char *files[8]; /* made in this order */
	const char *expected;
};

static void make(const struct temp_dir *d, const struct row *row)
{
	for (size_t i = 0; i < ARRAY_LEN(row->files) && row->files[i]; i++)
		temp_dir_put(d, row->files[i], "");
}

static const struct row single[] = {
	/* The file stands first whether it is there or not: opening it says so. */
	{ { NULL }, "v.conf" },
	{ { "v.conf" }, "v.conf" },
	{ { "v.conf.d/b.conf", "v.conf.d/a.conf", "v.conf.d/c.conf" },
	  "v.conf v.conf.d/a.conf v.conf.d/b.conf v.conf.d/c.conf" },
	/* by bytes, as systemd sorts: not by number, not by language */
	{ { "v.conf.d/9.conf", "v.conf.d/10.conf", "v.conf.d/a.conf", "v.conf.d/Z.conf" },
	  "v.conf v.conf.d/10.conf v.conf.d/9.conf v.conf.d/Z.conf v.conf.d/a.conf" },
	/* what does not end in .conf, and what is hidden */
	{ { "v.conf.d/a", "v.conf.d/b.conf~", "v.conf.d/.c.conf", "v.conf.d/.conf", "v.conf.d/d.CONF",
	    "v.conf.d/econf" },
	  "v.conf" },
	{ { "v.conf.d/a.conf.conf" }, "v.conf v.conf.d/a.conf.conf" },
	/* only below PATH.d */
	{ { "a.conf", "v.d/a.conf", "v.conf.d/sub/a.conf" }, "v.conf" },
};

static void a_file_of_ones_own_has_its_drop_ins_beside_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(single); i++) {
		_cleanup_(conf_files_done) struct conf_files f = { 0 };
		struct temp_dir d = temp_dir_new();

		make(&d, &single[i]);
		assert_int_equal(list_single(&d, &f), 0);
		assert_string_equal(listed(&f, &d), single[i].expected);
		temp_dir_done(&d);
	}
}

#define FILE_ "etc/vmicd/vmicd.conf"
#define ETC "etc/vmicd/vmicd.conf.d/"
#define RUN "run/vmicd/vmicd.conf.d/"
#define LOCAL "usr/local/lib/vmicd/vmicd.conf.d/"
#define USR "usr/lib/vmicd/vmicd.conf.d/"

static const struct row system_wide[] = {
	{ { NULL }, "" },
	{ { FILE_ }, FILE_ },
	{ { ETC "a.conf" }, ETC "a.conf" },
	/* by name across the directories, the file before all of them */
	{ { FILE_, ETC "10.conf", RUN "20.conf", USR "30.conf", USR "05.conf", LOCAL "25.conf" },
	  FILE_ " " USR "05.conf " ETC "10.conf " RUN "20.conf " LOCAL "25.conf " USR "30.conf" },
	/* /etc hides /run, /run hides /usr/local/lib, /usr/local/lib hides /usr/lib */
	{ { USR "a.conf", LOCAL "a.conf", RUN "a.conf", ETC "a.conf" }, ETC "a.conf" },
	{ { ETC "a.conf", RUN "a.conf", LOCAL "a.conf", USR "a.conf" }, ETC "a.conf" },
	{ { USR "a.conf", LOCAL "a.conf", RUN "a.conf" }, RUN "a.conf" },
	{ { USR "a.conf", LOCAL "a.conf" }, LOCAL "a.conf" },
	{ { USR "a.conf", RUN "a.conf" }, RUN "a.conf" },
	{ { USR "a.conf", ETC "a.conf", USR "b.conf", RUN "b.conf", LOCAL "c.conf" },
	  ETC "a.conf " RUN "b.conf " LOCAL "c.conf" },
	/* the file itself is hidden by nothing */
	{ { FILE_, ETC "vmicd.conf" }, FILE_ " " ETC "vmicd.conf" },
};

static void of_one_name_the_most_local_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(system_wide); i++) {
		_cleanup_(conf_files_done) struct conf_files f = { 0 };
		struct temp_dir d = temp_dir_new();

		make(&d, &system_wide[i]);
		assert_int_equal(list_system(&d, &f), 0);
		assert_string_equal(listed(&f, &d), system_wide[i].expected);
		temp_dir_done(&d);
	}
}

/* "a symlink to /dev/null ... masks" (systemd.unit(5)): it hides, and reads as empty. */
static void a_link_to_nothing_hides(void **state)
{
	_cleanup_(conf_files_done) struct conf_files f = { 0 };
	struct temp_dir d = temp_dir_new();
	char path[256];

	(void)state;
	temp_dir_put(&d, USR "a.conf", "");
	temp_dir_put(&d, ETC "b.conf", "");
	temp_dir_path(&d, ETC "a.conf", path, sizeof(path));
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(list_system(&d, &f), 0);
	assert_string_equal(listed(&f, &d), ETC "a.conf " ETC "b.conf");
	temp_dir_done(&d);
}

static void a_file_in_a_directorys_place_has_no_drop_ins(void **state)
{
	_cleanup_(conf_files_done) struct conf_files f = { 0 };
	struct temp_dir d = temp_dir_new();

	(void)state;
	temp_dir_put(&d, "v.conf.d", "");
	assert_int_equal(list_single(&d, &f), 0);
	assert_string_equal(listed(&f, &d), "v.conf");
	temp_dir_done(&d);
}

/* Not to be able to look is not the same as "there is none". A link to itself stands for all
 * reasons: root may look at everything else. */
static void a_directory_that_cannot_be_listed_is_an_error(void **state)
{
	struct conf_files f, before;
	struct temp_dir d = temp_dir_new();
	char path[256];

	(void)state;
	memset(&f, 0x5a, sizeof(f));
	before = f;
	temp_dir_path(&d, "v.conf.d", path, sizeof(path));
	assert_int_equal(symlink(path, path), 0);
	assert_int_equal(list_single(&d, &f), -ELOOP);
	assert_memory_equal(&f, &before, sizeof(f));

	temp_dir_put(&d, FILE_, "");
	temp_dir_put(&d, USR "a.conf", "");
	temp_dir_path(&d, "etc/vmicd/vmicd.conf.d", path, sizeof(path));
	assert_int_equal(symlink(path, path), 0);
	assert_int_equal(list_system(&d, &f), -ELOOP);
	assert_memory_equal(&f, &before, sizeof(f));
	temp_dir_done(&d);
}

/* It is listed, and reading it says what is wrong. */
static void a_system_file_that_cannot_be_looked_at_is_not_left_out(void **state)
{
	_cleanup_(conf_files_done) struct conf_files f = { 0 };
	struct temp_dir d = temp_dir_new();
	char path[256];

	(void)state;
	temp_dir_put(&d, ETC "a.conf", "");
	temp_dir_path(&d, FILE_, path, sizeof(path));
	assert_int_equal(symlink(path, path), 0);
	assert_int_equal(list_system(&d, &f), 0);
	assert_string_equal(listed(&f, &d), FILE_ " " ETC "a.conf");
	temp_dir_done(&d);
}

static void many_drop_ins_are_all_there(void **state)
{
	_cleanup_(conf_files_done) struct conf_files f = { 0 };
	struct temp_dir d = temp_dir_new();
	char name[64];

	(void)state;
	for (int i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "v.conf.d/%03d.conf", (i * 77) % 200);
		temp_dir_put(&d, name, "");
	}
	assert_int_equal(list_single(&d, &f), 0);
	assert_int_equal(f.n, 201);
	for (int i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "/v.conf.d/%03d.conf", i);
		assert_string_equal(f.path[i + 1] + strlen(d.path), name);
	}
	temp_dir_done(&d);
}

static void done_may_be_called_on_nothing(void **state)
{
	struct conf_files f = { 0 };

	(void)state;
	conf_files_done(&f);
	conf_files_done(&f);
	assert_null(f.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_of_ones_own_has_its_drop_ins_beside_it),
		cmocka_unit_test(of_one_name_the_most_local_counts),
		cmocka_unit_test(a_link_to_nothing_hides),
		cmocka_unit_test(a_file_in_a_directorys_place_has_no_drop_ins),
		cmocka_unit_test(a_directory_that_cannot_be_listed_is_an_error),
		cmocka_unit_test(a_system_file_that_cannot_be_looked_at_is_not_left_out),
		cmocka_unit_test(many_drop_ins_are_all_there),
		cmocka_unit_test(done_may_be_called_on_nothing),
	};

	return cmocka_run_group_tests_name("conf_files", tests, NULL, NULL);
}
