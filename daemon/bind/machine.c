/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bind/machine.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/directory.h"
#include "daemon/lines.h"

#define DRIVERS "sys/bus/vmbus/drivers/"

static bool exists(int root_fd, const char *path)
{
	struct stat st;

	return fstatat(root_fd, path, &st, 0) == 0;
}

/* --- memory --- */

/* "MemAvailable:     143580 kB" (proc_meminfo(5)). */
static uint64_t read_available(int root_fd)
{
	unsigned long long kib = 0;
	struct lines lines;

	if (lines_open(&lines, root_fd, "proc/meminfo") < 0)
		return 0;
	for (char *line; (line = lines_next(&lines)) && sscanf(line, "MemAvailable: %llu kB", &kib) != 1;)
		;
	lines_close(&lines);
	return (uint64_t)kib * 1024;
}

/* "Node 0, zone    DMA32   4027  2541 ...": how many blocks are free of 1, 2, 4, ... pages
 * (proc_buddyinfo(5)). */
static uint64_t largest_in_zone(char *line)
{
	uint64_t size = (uint64_t)sysconf(_SC_PAGESIZE), largest = 0;
	unsigned column = 0;

	for (char *word; (word = lines_word(&line)); column++) {
		if (column < 4)
			continue;
		if (strtoull(word, NULL, 10) > 0)
			largest = size;
		size *= 2;
	}
	return largest;
}

static uint64_t read_largest_block(int root_fd)
{
	uint64_t largest = 0;
	struct lines lines;

	if (lines_open(&lines, root_fd, "proc/buddyinfo") < 0)
		return 0;
	for (char *line; (line = lines_next(&lines));) {
		uint64_t size = largest_in_zone(line);

		if (size > largest)
			largest = size;
	}
	lines_close(&lines);
	return largest;
}

static bool read_hibernates(int root_fd)
{
	struct lines lines;
	const char *line;
	bool on;

	if (lines_open(&lines, root_fd, "sys/bus/vmbus/hibernation") < 0)
		return false;
	line = lines_next(&lines);
	on = line && strcmp(line, "1") == 0;
	lines_close(&lines);
	return on;
}

void bind_machine_read(int root_fd, struct bind_machine *ret)
{
	*ret = (struct bind_machine){
		.has_uio = exists(root_fd, DRIVERS BIND_UIO),
		.has_utils = exists(root_fd, DRIVERS BIND_UTILS) ||
			     exists(root_fd, DRIVERS BIND_UTILS_OLD),
		.hibernates = read_hibernates(root_fd),
		.available = read_available(root_fd),
		.largest_block = read_largest_block(root_fd),
	};
}

/* --- the host's clock --- */

/* Linux hv_util.c ptp_hyperv_info.name */
static bool is_hosts_clock(int ptp_fd, const char *name)
{
	struct lines lines;
	char path[280];
	const char *line;
	bool is;

	(void)snprintf(path, sizeof(path), "%s/clock_name", name);
	if (strncmp(name, "ptp", 3) != 0 || lines_open(&lines, ptp_fd, path) < 0)
		return false;
	line = lines_next(&lines);
	is = line && strcmp(line, "hyperv") == 0;
	lines_close(&lines);
	return is;
}

static void find_clock(int root_fd, struct bind_clock *ret)
{
	_cleanup_(directory_closep) DIR *dir = directory_open(root_fd, "sys/class/ptp");
	struct dirent *entry;

	while (dir && ret->node[0] == '\0' && (entry = readdir(dir)))
		if (is_hosts_clock(dirfd(dir), entry->d_name))
			(void)snprintf(ret->node, sizeof(ret->node), "/dev/%.50s", entry->d_name);
}

/* chrony.conf(5): a line that begins with one of these is a comment. */
static bool names(const char *line, const char *node)
{
	const char *found;

	line += strspn(line, " \t");
	if (*line == '\0' || strchr("!;#%", *line))
		return false;
	if (strstr(line, "/dev/ptp_hyperv"))
		return true;
	found = node[0] == '\0' ? NULL : strstr(line, node);
	return found && !isdigit((unsigned char)found[strlen(node)]);
}

static bool file_names_clock(int root_fd, const char *path, struct bind_clock *clock)
{
	struct lines lines;
	bool found = false;

	if (lines_open(&lines, root_fd, path) < 0)
		return false;
	for (const char *line; !found && (line = lines_next(&lines));)
		found = names(line, clock->node);
	lines_close(&lines);
	if (found)
		(void)snprintf(clock->configuration, sizeof(clock->configuration), "/%s", path);
	return found;
}

static bool directory_names_clock(int root_fd, const char *path, struct bind_clock *clock)
{
	_cleanup_(directory_closep) DIR *dir = directory_open(root_fd, path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char file[280];

		(void)snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.' && file_names_clock(root_fd, file, clock))
			return true;
	}
	return false;
}

void bind_clock_read(int root_fd, struct bind_clock *ret)
{
	/* Of Fedora and its kin, and of Debian and its. */
	static const char *const files[] = { "etc/chrony.conf", "etc/chrony/chrony.conf" };
	static const char *const directories[] = { "etc/chrony.d", "etc/chrony/conf.d" };
	bool found = false;

	*ret = (struct bind_clock){ 0 };
	find_clock(root_fd, ret);
	for (size_t i = 0; !found && i < ARRAY_LEN(files); i++)
		found = file_names_clock(root_fd, files[i], ret);
	for (size_t i = 0; !found && i < ARRAY_LEN(directories); i++)
		found = directory_names_clock(root_fd, directories[i], ret);
}
