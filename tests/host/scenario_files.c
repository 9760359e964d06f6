/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/scenario_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/host/wire.h"

#define KEY_SIZE 512
#define VALUE_SIZE 2048

struct record {
	uint8_t key[KEY_SIZE], value[VALUE_SIZE];
};

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

size_t files_count_log(const char *dir, const char *text)
{
	char path[4096], *line = NULL;
	size_t size = 0, n = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/guest.log", dir);
	f = fopen(path, "re");
	while (f && getline(&line, &size, f) >= 0)
		n += strstr(line, text) != NULL;
	free(line);
	if (f)
		(void)fclose(f);
	return n;
}

static void file_closep(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

int files_read_log(const char *dir, size_t most, char **ret)
{
	_cleanup_(file_closep) FILE *f = NULL;
	char path[4096], *text;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/guest.log", dir);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	text = malloc(most + 1);
	if (!text)
		return -ENOMEM;
	/* A log that is shorter cannot be sought so far back: it is read from its beginning. */
	(void)fseek(f, -(long)most, SEEK_END);
	n = fread(text, 1, most, f);
	text[n] = 0;
	*ret = text;
	return 0;
}

/* --- pools --- */

static int open_pool(const char *dir, unsigned pool, int flags)
{
	char path[4096];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/pools/.kvp_pool_%u", dir, pool);
	fd = open(path, flags | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : fd;
}

static int fill_field(uint8_t *field, size_t size, const char *text)
{
	size_t len = strlen(text);
	int n;

	if (strncmp(text, "hex:", 4) == 0) {
		n = wire_parse_hex(text + 4, field, size);
		return n < 0 ? n : 0;
	}
	if (len > size)
		return -ENOBUFS;
	memcpy(field, text, len);
	return 0;
}

static int make_record(const struct home_record *from, struct record *ret)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	r = fill_field(ret->key, sizeof(ret->key), from->key);
	return r < 0 ? r : fill_field(ret->value, sizeof(ret->value), from->value);
}

int files_append_record(const char *dir, const struct home_record *from)
{
	_cleanup_(close_fd) int fd = -1;
	struct record record;
	int r;

	r = make_record(from, &record);
	if (r < 0)
		return r;
	fd = open_pool(dir, from->pool, O_WRONLY | O_APPEND | O_CREAT);
	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX) < 0)
		return -errno;
	return write(fd, &record, sizeof(record)) == (ssize_t)sizeof(record) ? 0 : -EIO;
}

int files_check_record(const char *dir, const struct home_record *record, size_t index, char *why,
		       size_t why_size)
{
	_cleanup_(close_fd) int fd = -1;
	struct record wanted, there;
	int r;

	r = make_record(record, &wanted);
	if (r < 0) {
		(void)snprintf(why, why_size, "no key or value of a pool: %s", strerror(-r));
		return r;
	}
	fd = open_pool(dir, record->pool, O_RDONLY);
	if (fd < 0 || pread(fd, &there, sizeof(there), (off_t)(index * sizeof(there))) !=
			      (ssize_t)sizeof(there)) {
		(void)snprintf(why, why_size, "pool %u has no record %zu", record->pool,
			       index);
		return -EINVAL;
	}
	if (memcmp(&wanted, &there, sizeof(there)) == 0)
		return 0;
	(void)snprintf(why, why_size, "record %zu of pool %u is %.512s=%.2048s", index,
		       record->pool, (const char *)there.key, (const char *)there.value);
	return -EINVAL;
}

long files_pool_size(const char *dir, unsigned pool)
{
	_cleanup_(close_fd) int fd = open_pool(dir, pool, O_RDONLY);
	struct stat st;

	if (fd < 0)
		return fd;
	return fstat(fd, &st) < 0 ? -errno : (long)st.st_size;
}

int files_lock_pool(const char *dir, unsigned pool, const char *how)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd, r;

	fd = open_pool(dir, pool, O_RDWR | O_CREAT);
	if (fd < 0)
		return fd;
	r = strcmp(how, "fcntl") == 0 ? fcntl(fd, F_SETLKW, &whole) : flock(fd, LOCK_EX);
	if (r < 0) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	return fd;
}
