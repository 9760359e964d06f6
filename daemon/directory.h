/* SPDX-License-Identifier: GPL-2.0-only */
/* Directories to look through, opened below another. */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "hv_util/base.h"

/* NULL: it cannot be opened. */
static inline DIR *directory_open(int at_fd, const char *path)
{
	int fd = openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		(void)close(fd);
	return dir;
}

static inline void directory_closep(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}
