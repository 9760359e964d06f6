/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs a program of this project and keeps what it prints. */
#pragma once

#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/harness.h"

/* A program that does not end by itself is ended after so many seconds, and the test fails. */
#ifndef PROGRAM_SECONDS
#define PROGRAM_SECONDS 60
#endif

struct program {
	pid_t pid;
	int out_fd, err_fd;
	int status; /* its exit status; -1: a signal ended it */
	char out[32768], err[32768];
};

/* The program beside this test; the variable names another one. */
static inline const char *program_path(const char *name, const char *variable)
{
	static char path[PATH_MAX];
	const char *other = getenv(variable);
	char self[PATH_MAX];
	ssize_t n;

	if (other)
		return other;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	assert_true(n > 0);
	self[n] = '\0';
	n = snprintf(path, sizeof(path), "%s/%s", dirname(self), name);
	assert_true(n > 0 && (size_t)n < sizeof(path));
	if (access(path, X_OK) < 0)
		fail_msg("%s is not built, and %s is not set", path, variable);
	return path;
}

/* args end with NULL and do not have the program's name. */
static inline void program_start(struct program *p, const char *path, const char *const *args)
{
	const char *argv[32] = { path };

	for (size_t i = 0; args[i]; i++) {
		assert_true(i + 2 < ARRAY_LEN(argv));
		argv[i + 1] = args[i];
	}
	p->out_fd = memfd_create("stdout", MFD_CLOEXEC);
	p->err_fd = memfd_create("stderr", MFD_CLOEXEC);
	assert_true(p->out_fd >= 0 && p->err_fd >= 0);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		(void)dup2(p->out_fd, 1);
		(void)dup2(p->err_fd, 2);
		(void)alarm(PROGRAM_SECONDS);
		(void)execv(path, (char *const *)argv);
		_exit(127);
	}
}

static inline void program_read(int fd, char *to, size_t size)
{
	ssize_t n = pread(fd, to, size - 1, 0);

	assert_true(n >= 0);
	to[n] = '\0';
	(void)close(fd);
}

static inline void program_wait(struct program *p)
{
	int status;

	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	p->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	program_read(p->out_fd, p->out, sizeof(p->out));
	program_read(p->err_fd, p->err, sizeof(p->err));
}

static inline void program_run(struct program *p, const char *path, const char *const *args)
{
	program_start(p, path, args);
	program_wait(p);
}
