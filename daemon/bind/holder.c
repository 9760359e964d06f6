/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bind/holder.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "daemon/directory.h"
#include "daemon/lines.h"
#include "hv_util/base.h"

/* DONT_SYNC: somebody's file may lie on a file server that does not answer. */
static int look_at(int at_fd, const char *path, struct statx *ret)
{
	return statx(at_fd, path, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, ret);
}

static dev_t file_system_of(const struct statx *file)
{
	return makedev(file->stx_dev_major, file->stx_dev_minor);
}

/* A device is the same by any name, and in any container's /dev. */
static bool is_same(const struct statx *a, const struct statx *b)
{
	if (S_ISCHR(a->stx_mode) && S_ISCHR(b->stx_mode))
		return a->stx_rdev_major == b->stx_rdev_major && a->stx_rdev_minor == b->stx_rdev_minor;
	return file_system_of(a) == file_system_of(b) && a->stx_ino == b->stx_ino;
}

/*
 * "flags:\t012000002" (proc_pid_fdinfo(5)). O_PATH needs no right to the file and gives none: anybody may have a node
 * open like that. What cannot be read counts as open.
 */
static bool is_path_only(int process_fd, const char *name)
{
	struct lines lines;
	char path[64];
	unsigned flags = 0;

	(void)snprintf(path, sizeof(path), "fdinfo/%.32s", name);
	if (lines_open(&lines, process_fd, path) < 0)
		return false;
	for (char *line; flags == 0 && (line = lines_next(&lines));)
		(void)sscanf(line, "flags: %o", &flags);
	lines_close(&lines);
	return flags & O_PATH;
}

static bool has_open(int process_fd, const struct statx *file)
{
	_cleanup_(directory_closep) DIR *dir = directory_open(process_fd, "fd");
	struct dirent *entry;
	struct statx other;

	while (dir && (entry = readdir(dir)))
		if (look_at(dirfd(dir), entry->d_name, &other) == 0 && is_same(&other, file) &&
		    !is_path_only(process_fd, entry->d_name))
			return true;
	return false;
}

/* "7f0000000000-7f0000400000 rw-s 00000000 00:05 234  /dev/uio1" (proc_pid_maps(5)) */
static bool has_mapped(int process_fd, const struct statx *file)
{
	struct lines lines;
	unsigned major, minor;
	unsigned long long inode;
	bool found = false;

	if (lines_open(&lines, process_fd, "maps") < 0)
		return false;
	for (char *line; !found && (line = lines_next(&lines));)
		found = sscanf(line, "%*s %*s %*s %x:%x %llu", &major, &minor, &inode) == 3 &&
			makedev(major, minor) == file_system_of(file) && inode == file->stx_ino;
	lines_close(&lines);
	return found;
}

/* Whoever named it may have wanted to paint on root's terminal. */
static void copy_printable(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; from[n] && n + 1 < size; n++)
		to[n] = isprint((unsigned char)from[n]) ? from[n] : '?';
	to[n] = '\0';
}

static void read_name(int process_fd, char *to, size_t size)
{
	struct lines lines;
	const char *line;

	if (lines_open(&lines, process_fd, "comm") < 0)
		return;
	line = lines_next(&lines);
	copy_printable(to, size, line ? line : "");
	lines_close(&lines);
}

/* "0::/system.slice/chrony.service" (cgroups(7)). */
static void read_unit(int process_fd, char *to, size_t size)
{
	static const char suffix[] = ".service";
	struct lines lines;

	if (lines_open(&lines, process_fd, "cgroup") < 0)
		return;
	for (char *line; (line = lines_next(&lines));) {
		const char *last = strrchr(line, '/');
		size_t len = last ? strlen(++last) : 0;

		if (len < size && len >= sizeof(suffix) &&
		    strcmp(last + len - strlen(suffix), suffix) == 0)
			copy_printable(to, size, last);
	}
	lines_close(&lines);
}

static bool process_holds(int process_fd, const struct statx *file)
{
	return has_open(process_fd, file) || has_mapped(process_fd, file);
}

bool bind_holder_is_manager(const struct bind_holder *holder)
{
	return holder->pid == 1 && strcmp(holder->name, "systemd") == 0;
}

/* False: this process, none at all, or one that does not have it. */
static bool look_into(int proc_fd, const char *name, const struct statx *file, struct bind_holder *ret)
{
	struct bind_holder holder = { .pid = (pid_t)strtol(name, NULL, 10) };
	bool holds;
	int fd;

	if (holder.pid <= 0 || holder.pid == getpid())
		return false;
	fd = openat(proc_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	holds = process_holds(fd, file);
	if (holds) {
		read_name(fd, holder.name, sizeof(holder.name));
		read_unit(fd, holder.unit, sizeof(holder.unit));
		*ret = holder;
	}
	(void)close(fd);
	return holds;
}

bool bind_holder_find(const char *path, struct bind_holder *ret)
{
	_cleanup_(directory_closep) DIR *proc = directory_open(AT_FDCWD, "/proc");
	struct bind_holder holder;
	struct dirent *entry;
	struct statx file;
	bool found = false;

	if (look_at(AT_FDCWD, path, &file) < 0)
		return false;
	while (proc && (entry = readdir(proc)))
		if (look_into(dirfd(proc), entry->d_name, &file, &holder) &&
		    (!found || bind_holder_is_manager(ret))) {
			*ret = holder;
			found = true;
			if (!bind_holder_is_manager(ret))
				break;
		}
	return found;
}
