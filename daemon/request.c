/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/request.h"

#include <errno.h>
#include <fcntl.h>
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

int request_make(const char *directory, const char *name)
{
	_cleanup_(closep) int dir = open_directory(directory), fd = -1;

	if (dir < 0)
		return dir;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : 0;
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
