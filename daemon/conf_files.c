/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/conf_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".conf"

const char *const conf_files_directories[CONF_FILES_DIRECTORIES] = {
	"/usr/lib/vmicd/vmicd.conf.d",
	"/usr/local/lib/vmicd/vmicd.conf.d",
	"/run/vmicd/vmicd.conf.d",
	"/etc/vmicd/vmicd.conf.d",
};

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

static void sort(struct conf_files *files, size_t first)
{
	if (files->n > first)
		qsort(files->path + first, files->n - first, sizeof(*files->path), compare);
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
	r = add_directory(&files, 1, directory);
	if (r < 0)
		return r;
	sort(&files, 1);
	*ret = files;
	files = (struct conf_files){ 0 };
	return 0;
}

/* ROOT/PATH: unless it is not there. One that cannot be looked at is added: who opens it is told why. */
static int add_file(struct conf_files *files, const char *root, const char *path)
{
	_cleanup_(freep) char *full = NULL;

	if (asprintf(&full, "%s%s", root, path) < 0)
		return -ENOMEM;
	if (access(full, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	return add(files, TAKE_PTR(full));
}

static int add_drop_ins(struct conf_files *files, size_t first, const char *root)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(conf_files_directories); i++) {
		_cleanup_(freep) char *directory = NULL;

		if (asprintf(&directory, "%s%s", root, conf_files_directories[i]) < 0)
			return -ENOMEM;
		r = add_directory(files, first, directory);
	}
	return r;
}

int conf_files_system(const char *root, struct conf_files *ret)
{
	_cleanup_(conf_files_done) struct conf_files files = { 0 };
	size_t first;
	int r = add_file(&files, root, CONF_FILES_SYSTEM);

	if (r < 0)
		return r;
	first = files.n;
	r = add_drop_ins(&files, first, root);
	if (r < 0)
		return r;
	sort(&files, first);
	*ret = files;
	files = (struct conf_files){ 0 };
	return 0;
}

bool conf_file_is_masked(const char *path)
{
	struct stat null, link, target;

	return stat("/dev/null", &null) == 0 && lstat(path, &link) == 0 && S_ISLNK(link.st_mode) &&
	       stat(path, &target) == 0 && S_ISCHR(target.st_mode) && target.st_rdev == null.st_rdev;
}

void conf_files_done(struct conf_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->path[i]);
	free(files->path);
	*files = (struct conf_files){ 0 };
}
