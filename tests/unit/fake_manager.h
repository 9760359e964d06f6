/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A service manager as far as a daemon sees it: it hears sd_notify(3), keeps descriptors, and hands them to
 * the next process. As systemd 252 has it: src/core/service.c of its sources, sd_notify(3), sd_listen_fds(3).
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MANAGER_KEEPS 32
#define MANAGER_NAME 64

struct fake_manager {
	int fd;
	char directory[64], path[80];
	unsigned n;
	struct {
		int fd;
		char name[MANAGER_NAME];
	} kept[MANAGER_KEEPS];
	unsigned puts, removals; /* so many messages asked for that */
	unsigned ready, reloading, stopping, alive;
};

/* Whether it could be made. */
static inline bool fake_manager_init(struct fake_manager *m)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*m = (struct fake_manager){ .fd = -1, .directory = "/tmp/vmicd-manager-XXXXXX" };
	if (!mkdtemp(m->directory))
		return false;
	(void)snprintf(m->path, sizeof(m->path), "%s/notify", m->directory);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", m->path);
	m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return m->fd >= 0 && bind(m->fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

/* Until there is no room for one message more. */
static inline void fake_manager_fill(const struct fake_manager *m)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", m->path);
	while (sendto(fd, "FILL=1", 6, 0, (const struct sockaddr *)&address, sizeof(address)) > 0)
		;
	(void)close(fd);
}

static inline void fake_manager_forget(struct fake_manager *m, unsigned i)
{
	(void)close(m->kept[i].fd);
	m->kept[i] = m->kept[--m->n];
}

/* The service is stopped for good. */
static inline void fake_manager_drop_all(struct fake_manager *m)
{
	while (m->n > 0)
		fake_manager_forget(m, 0);
}

static inline void fake_manager_done(struct fake_manager *m)
{
	fake_manager_drop_all(m);
	if (m->fd >= 0)
		(void)close(m->fd);
	(void)unlink(m->path);
	(void)rmdir(m->directory);
}

/* The descriptor that has this name; -1: none, or more than one. */
static inline int fake_manager_find(const struct fake_manager *m, const char *name)
{
	int fd = -1;

	for (unsigned i = 0; i < m->n; i++)
		if (strcmp(m->kept[i].name, name) == 0) {
			if (fd >= 0)
				return -1;
			fd = m->kept[i].fd;
		}
	return fd;
}

/* The line "KEY=value", of which value goes to ret; "" when there is none. */
static inline bool fake_manager_line(const char *message, const char *key, char *ret, size_t size)
{
	const size_t n = strlen(key);

	for (const char *line = message; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, key, n) == 0 && line[n] == '=') {
			(void)snprintf(ret, size, "%.*s", (int)strcspn(line + n + 1, "\n"), line + n + 1);
			return true;
		}
	ret[0] = '\0';
	return false;
}

static inline void fake_manager_put(struct fake_manager *m, const char *name, int fd)
{
	if (m->n == MANAGER_KEEPS) {
		(void)close(fd);
		return;
	}
	m->kept[m->n].fd = fd;
	(void)snprintf(m->kept[m->n++].name, MANAGER_NAME, "%s", name[0] ? name : "stored");
}

static inline void fake_manager_heard(struct fake_manager *m, const char *message, int fd)
{
	char name[MANAGER_NAME], value[16];

	m->ready += fake_manager_line(message, "READY", value, sizeof(value));
	m->reloading += fake_manager_line(message, "RELOADING", value, sizeof(value));
	m->stopping += fake_manager_line(message, "STOPPING", value, sizeof(value));
	m->alive += fake_manager_line(message, "WATCHDOG", value, sizeof(value));
	(void)fake_manager_line(message, "FDNAME", name, sizeof(name));
	if (fake_manager_line(message, "FDSTOREREMOVE", value, sizeof(value))) {
		m->removals++;
		for (unsigned i = m->n; i-- > 0;)
			if (strcmp(m->kept[i].name, name) == 0)
				fake_manager_forget(m, i);
	}
	if (fd >= 0 && fake_manager_line(message, "FDSTORE", value, sizeof(value))) {
		m->puts++;
		fake_manager_put(m, name, fd);
	} else if (fd >= 0) {
		(void)close(fd);
	}
}

/* Whether there was a message. */
static inline bool fake_manager_hear(struct fake_manager *m)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char message[512];
	struct iovec iov = { .iov_base = message, .iov_len = sizeof(message) - 1 };
	struct msghdr header = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(m->fd, &header, MSG_CMSG_CLOEXEC);
	int fd = -1;

	if (n < 0)
		return false;
	message[n] = '\0';
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	fake_manager_heard(m, message, fd);
	return true;
}

/* It drops what hangs up; memory and directories cannot (on_fd_store_io). */
static inline void fake_manager_poll_kept(struct fake_manager *m)
{
	for (unsigned i = m->n; i-- > 0;) {
		struct pollfd p = { .fd = m->kept[i].fd };

		if (poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR))
			fake_manager_forget(m, i);
	}
}

/* All that has been said so far. */
static inline void fake_manager_listen(struct fake_manager *m)
{
	while (fake_manager_hear(m))
		;
	fake_manager_poll_kept(m);
}

/*
 * In a child, before it is the service: what is kept becomes its descriptors from 3 on, in no order that it
 * could rely on. Whether that could be done.
 */
static inline bool fake_manager_enter(struct fake_manager *m)
{
	char names[MANAGER_KEEPS * (MANAGER_NAME + 1)] = "", number[32];
	int fd[MANAGER_KEEPS];

	/* Out of the way first. */
	for (unsigned i = 0; i < m->n; i++) {
		fd[i] = fcntl(m->kept[m->n - 1 - i].fd, F_DUPFD_CLOEXEC, 100);
		if (fd[i] < 0)
			return false;
	}
	for (unsigned i = 0; i < m->n; i++) {
		if (dup2(fd[i], 3 + (int)i) < 0)
			return false;
		(void)close(fd[i]);
		(void)strcat(names, i > 0 ? ":" : "");
		(void)strcat(names, m->kept[m->n - 1 - i].name);
	}
	(void)setenv("NOTIFY_SOCKET", m->path, 1);
	(void)unsetenv("LISTEN_FDS");
	if (m->n == 0)
		return true;
	(void)snprintf(number, sizeof(number), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", number, 1);
	(void)snprintf(number, sizeof(number), "%u", m->n);
	(void)setenv("LISTEN_FDS", number, 1);
	(void)setenv("LISTEN_FDNAMES", names, 1);
	return true;
}
