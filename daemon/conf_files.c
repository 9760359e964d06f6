/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/conf_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".conf"

static void freep(void *p)
{
	free(*(void **)p);
}

static void closedirp(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Takes the path over, also when it fails. */
static int add(struct conf_files *files, char *path)
{
	_cleanup_(freep) char *owned = path;
	char **more;

	if (!owned)
		return -ENOMEM;
	more = reallocarray(files->path, files->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	files->path = more;
	files->path[files->n++] = TAKE_PTR(owned);
	return 0;
}

static char *join(const char *directory, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

/* Adds a drop-in, in the place of one of the same name if there is one from index first on. */
static int add_drop_in(struct conf_files *files, size_t first, const char *directory,
		       const char *name)
{
	for (size_t i = first; i < files->n; i++) {
		char *path;

		if (strcmp(base_name(files->path[i]), name) != 0)
			continue;
		path = join(directory, name);
		if (!path)
			return -ENOMEM;
		free(files->path[i]);
		files->path[i] = path;
		return 0;
	}
	return add(files, join(directory, name));
}

static int add_directory(struct conf_files *files, size_t first, const char *directory)
{
	_cleanup_(closedirp) DIR *d = opendir(directory);
	struct dirent *e;

	if (!d)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	while ((errno = 0, e = readdir(d))) {
		size_t len = strlen(e->d_name);
		int r;

		if (e->d_name[0] == '.' || len <= strlen(SUFFIX) ||
		    strcmp(e->d_name + len - strlen(SUFFIX), SUFFIX) != 0)
			continue;
		r = add_drop_in(files, first, directory, e->d_name);
		if (r < 0)
			return r;
	}
	return -errno;
}

static int compare(const void *a, const void *b)
{
	return strcmp(base_name(*(char *const *)a), base_name(*(char *const *)b));
}

static int add_drop_ins(struct conf_files *files, const char *const *directories, size_t n)
{
	size_t first = files->n;

	for (size_t i = 0; i < n; i++) {
		int r = add_directory(files, first, directories[i]);

		if (r < 0)
			return r;
	}
	if (files->n > first)
		qsort(files->path + first, files->n - first, sizeof(*files->path), compare);
	return 0;
}

int conf_files_single(const char *path, struct conf_files *ret)
{
	_cleanup_(conf_files_done) struct conf_files files = { 0 };
	_cleanup_(freep) char *directory = NULL;
	int r;

	r = add(&files, strdup(path));
	if (r < 0)
		return r;
	if (asprintf(&directory, "%s.d", path) < 0)
		return -ENOMEM;
	r = add_drop_ins(&files, (const char *const *)&directory, 1);
	if (r < 0)
		return r;
	*ret = files;
	files = (struct conf_files){ 0 };
	return 0;
}

int conf_files_system(const char *path, const char *const *directories, size_t n,
		      struct conf_files *ret)
{
	_cleanup_(conf_files_done) struct conf_files files = { 0 };
	int r = 0;

	/* A file that cannot be looked at is listed: who opens it is told why. */
	if (access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))
		r = add(&files, strdup(path));
	if (r < 0)
		return r;
	r = add_drop_ins(&files, directories, n);
	if (r < 0)
		return r;
	*ret = files;
	files = (struct conf_files){ 0 };
	return 0;
}

void conf_files_done(struct conf_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->path[i]);
	free(files->path);
	*files = (struct conf_files){ 0 };
}
