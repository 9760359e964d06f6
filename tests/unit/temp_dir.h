/* SPDX-License-Identifier: GPL-2.0-only */
/* A directory of a test's own, and files in it. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/harness.h"

struct temp_dir {
	char path[64];
};

static inline struct temp_dir temp_dir_new(void)
{
	struct temp_dir d = { "/tmp/vmicd-test-XXXXXX" };

	assert_non_null(mkdtemp(d.path));
	return d;
}

static inline int temp_dir_remove_entry(const char *path, const struct stat *st, int type,
					struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void temp_dir_done(struct temp_dir *d)
{
	assert_int_equal(nftw(d->path, temp_dir_remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void temp_dir_path(const struct temp_dir *d, const char *name, char *to, size_t size)
{
	int n = snprintf(to, size, "%s/%s", d->path, name);

	assert_true(n > 0 && (size_t)n < size);
}

/* Writes a file anew, with the directories it needs. */
static inline void temp_dir_write(const struct temp_dir *d, const char *name, const void *from,
				  size_t size)
{
	char path[256];
	int fd;

	temp_dir_path(d, name, path, sizeof(path));
	for (char *slash = strchr(path + strlen(d->path) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, from, size), size);
	assert_int_equal(close(fd), 0);
}

static inline void temp_dir_put(const struct temp_dir *d, const char *name, const char *text)
{
	temp_dir_write(d, name, text, strlen(text));
}

/* The bytes of a file, at most size. */
static inline size_t temp_dir_read(const struct temp_dir *d, const char *name, void *to,
				   size_t size)
{
	char path[256];
	ssize_t n;
	int fd;

	temp_dir_path(d, name, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = read(fd, to, size);
	assert_true(n >= 0);
	assert_int_equal(close(fd), 0);
	return (size_t)n;
}
