/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY "/run/vmicd/request"

const char *request_directory(void)
{
	const char *given = getenv("RUNTIME_DIRECTORY");

	return given && given[0] == '/' ? given : DIRECTORY;
}

static void closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static int open_directory(const char *directory)
{
	int fd = open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* What is watched for has another name. */
struct ready_name {
	char text[32];
};

static struct ready_name ready_name_of(const char *name)
{
	struct ready_name r;

	(void)snprintf(r.text, sizeof(r.text), ".%s", name);
	return r;
}

int request_prepare(const char *directory, const char *name)
{
	const struct ready_name ready = ready_name_of(name);
	_cleanup_(closep) int dir = open_directory(directory), fd = -1;

	if (dir < 0)
		return dir;
	/* One that a process before us was about to make. */
	(void)unlinkat(dir, ready.text, 0);
	fd = openat(dir, ready.text, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : 0;
}

int request_make(const char *directory, const char *name)
{
	const struct ready_name ready = ready_name_of(name);
	_cleanup_(closep) int dir = open_directory(directory);
	int r = 0;

	if (dir < 0)
		return dir;
	if (renameat2(dir, ready.text, dir, name, RENAME_NOREPLACE) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(dir, ready.text, 0);
	return r;
}

bool request_is_made(const char *directory, const char *name)
{
	_cleanup_(closep) int dir = open_directory(directory);
	struct stat st;

	return dir >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

bool request_withdraw(const char *directory, const char *name)
{
	_cleanup_(closep) int dir = open_directory(directory);

	return dir >= 0 && unlinkat(dir, name, 0) == 0;
}
