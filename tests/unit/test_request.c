/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/request.h"

#include <errno.h>

#include "tests/unit/temp_dir.h"

static void assert_exists(const struct temp_dir *d, const char *name, bool expected)
{
	char path[256];
	struct stat st;

	temp_dir_path(d, name, path, sizeof(path));
	assert_int_equal(lstat(path, &st) == 0, expected);
}

/* A file that is all there is to it. */
static void a_request_is_a_file_of_its_name(void **state)
{
	_cleanup_(temp_dir_done) struct temp_dir d = temp_dir_new();
	char path[256];
	struct stat st;

	(void)state;
	assert_false(request_is_made(d.path, "poweroff"));
	assert_int_equal(request_make(d.path, "poweroff"), 0);
	assert_true(request_is_made(d.path, "poweroff"));
	assert_false(request_is_made(d.path, "reboot"));
	temp_dir_path(&d, "poweroff", path, sizeof(path));
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_size, 0);
}

static void it_is_taken_back_once(void **state)
{
	_cleanup_(temp_dir_done) struct temp_dir d = temp_dir_new();

	(void)state;
	assert_false(request_withdraw(d.path, "reboot"));
	assert_int_equal(request_make(d.path, "reboot"), 0);
	assert_true(request_withdraw(d.path, "reboot"));
	assert_false(request_is_made(d.path, "reboot"));
	assert_false(request_withdraw(d.path, "reboot"));
}

/* One that waits is left as it is. */
static void there_is_one_of_a_name(void **state)
{
	_cleanup_(temp_dir_done) struct temp_dir d = temp_dir_new();
	char first[8];
	size_t n;

	(void)state;
	temp_dir_write(&d, "poweroff", "first", 5);
	assert_int_equal(request_make(d.path, "poweroff"), -EEXIST);
	n = temp_dir_read(&d, "poweroff", first, sizeof(first));
	assert_int_equal(n, 5);
}

/* What a link points to is neither made nor emptied, and a directory behind one is none of ours. */
static void no_link_is_followed(void **state)
{
	_cleanup_(temp_dir_done) struct temp_dir d = temp_dir_new();
	char target[256], link[256], inside[256];

	(void)state;
	temp_dir_path(&d, "target", target, sizeof(target));
	temp_dir_path(&d, "reboot", link, sizeof(link));
	assert_int_equal(symlink(target, link), 0);
	assert_true(request_is_made(d.path, "reboot")); /* the name is taken */
	assert_int_equal(request_make(d.path, "reboot"), -EEXIST);
	assert_exists(&d, "target", false);

	assert_int_equal(mkdir(target, 0700), 0);
	temp_dir_path(&d, "directory", inside, sizeof(inside));
	assert_int_equal(symlink(target, inside), 0);
	assert_int_equal(request_make(inside, "poweroff"), -ENOTDIR);
	assert_false(request_is_made(inside, "poweroff"));
	assert_false(request_withdraw(inside, "poweroff"));
}

static void where_nothing_can_be_made_it_is_said(void **state)
{
	_cleanup_(temp_dir_done) struct temp_dir d = temp_dir_new();
	char path[256];

	(void)state;
	temp_dir_path(&d, "none", path, sizeof(path));
	assert_int_equal(request_make(path, "poweroff"), -ENOENT);
	assert_int_equal(request_make("/proc", "poweroff"), -ENOENT); /* no file can be made there */
	assert_false(request_is_made(path, "poweroff"));
}

static void the_directory_is_the_service_managers(void **state)
{
	(void)state;
	(void)unsetenv("RUNTIME_DIRECTORY");
	assert_string_equal(request_directory(), "/run/vmicd/request");
	(void)setenv("RUNTIME_DIRECTORY", "elsewhere", 1);
	assert_string_equal(request_directory(), "/run/vmicd/request");
	(void)setenv("RUNTIME_DIRECTORY", "/elsewhere", 1);
	assert_string_equal(request_directory(), "/elsewhere");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_a_file_of_its_name),
		cmocka_unit_test(it_is_taken_back_once),
		cmocka_unit_test(there_is_one_of_a_name),
		cmocka_unit_test(no_link_is_followed),
		cmocka_unit_test(where_nothing_can_be_made_it_is_said),
		cmocka_unit_test(the_directory_is_the_service_managers),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
