/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small text files of the system, read line by line through a fixed buffer, and a way to see
 * whether a file has changed. Paths are taken relative to a directory, the root, which tests
 * replace.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "hv_util/base.h"

/* The longest line that is read; longer ones are left out. */
#define LINE_SIZE 2048

struct lines {
	int fd;
	size_t start, end; /* what is read and not yet given away */
	char buf[LINE_SIZE];
};

/* path without a leading slash, under root_fd. 0, or the negative errno of opening. */
_must_check_ int lines_open(struct lines *l, int root_fd, const char *path);

/* The next line, without its newline; good until the next call. NULL at the end or at an error. */
char *lines_next(struct lines *l);

void lines_close(struct lines *l);

/* Cuts the next word off *text. Returns NULL when there is none; *text is moved behind it. */
char *lines_word(char **text);

/* Which file is at a path, and in which state; all zero stands for "none". */
struct file_stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec modified, changed;
};

/* All zero if there is no such file. */
void file_stamp_read(int root_fd, const char *path, struct file_stamp *ret);

bool file_stamp_equal(const struct file_stamp *a, const struct file_stamp *b);
