/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int lines_open(struct lines *l, int root_fd, const char *path)
{
	/* O_NONBLOCK: nothing that somebody puts in the file's place may hold the daemon up. */
	int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	l->fd = fd;
	l->start = 0;
	l->end = 0;
	return 0;
}

/* Moves what is left to the front and reads on. False: nothing more came. */
static bool fill(struct lines *l)
{
	ssize_t n;

	memmove(l->buf, l->buf + l->start, l->end - l->start);
	l->end -= l->start;
	l->start = 0;
	do
		n = read(l->fd, l->buf + l->end, sizeof(l->buf) - 1 - l->end);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	l->end += (size_t)n;
	return true;
}

/* The next newline in what is read, reading on as needed. NULL: the file ends without one, or the
 * buffer is full. */
static char *find_newline(struct lines *l)
{
	char *newline;

	do
		newline = memchr(l->buf + l->start, '\n', l->end - l->start);
	while (!newline && l->end - l->start < sizeof(l->buf) - 1 && fill(l));
	return newline;
}

/* Drops a line that does not fit, up to its newline or the end of the file. */
static void skip_long(struct lines *l)
{
	char *newline;

	do {
		l->start = l->end;
		newline = find_newline(l);
	} while (!newline && l->end - l->start == sizeof(l->buf) - 1);
	l->start = newline ? (size_t)(newline + 1 - l->buf) : l->end;
}

char *lines_next(struct lines *l)
{
	for (;;) {
		char *newline = find_newline(l);
		char *line = l->buf + l->start;

		if (newline) {
			*newline = '\0';
			l->start = (size_t)(newline + 1 - l->buf);
			return line;
		}
		if (l->end == l->start)
			return NULL;
		if (l->end - l->start < sizeof(l->buf) - 1) {
			l->buf[l->end] = '\0';
			l->start = l->end;
			return line;
		}
		skip_long(l);
	}
}

void lines_close(struct lines *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

char *lines_word(char **text)
{
	static const char space[] = " \t\r";
	char *word = *text + strspn(*text, space);
	char *end = word + strcspn(word, space);

	if (*word == '\0')
		return NULL;
	*text = *end == '\0' ? end : end + 1;
	*end = '\0';
	return word;
}

void file_stamp_read(int root_fd, const char *path, struct file_stamp *ret)
{
	struct stat st;

	memset(ret, 0, sizeof(*ret));
	if (fstatat(root_fd, path, &st, 0) < 0)
		return;
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
	ret->size = st.st_size;
	ret->modified = st.st_mtim;
	ret->changed = st.st_ctim;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed);
}
