/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* It registers itself in some milliseconds, or not at all. */
#define READY_MS 5000
#define NOTIFY_FD 3

static bool is_wanted(const struct ctl_options *o)
{
	return !o->no_ask_password && !o->host && !o->machine && geteuid() != 0 &&
	       isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* pkttyagent closes this descriptor when it is ready. */
static pid_t spawn(int notify_fd)
{
	char *const argv[] = { "pkttyagent", "--notify-fd", "3", "--fallback", NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid = 0;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return 0;
	if (posix_spawn_file_actions_adddup2(&actions, notify_fd, NOTIFY_FD) != 0 ||
	    posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ) != 0)
		pid = 0;
	(void)posix_spawn_file_actions_destroy(&actions);
	return pid;
}

struct agent agent_start(const struct ctl_options *options)
{
	struct agent a = { 0 };
	struct pollfd ready;
	int fds[2];

	if (!is_wanted(options) || pipe2(fds, O_CLOEXEC) < 0)
		return a;
	a.pid = spawn(fds[1]);
	(void)close(fds[1]);
	ready = (struct pollfd){ .fd = fds[0], .events = POLLIN };
	if (a.pid > 0)
		while (poll(&ready, 1, READY_MS) < 0 && errno == EINTR)
			;
	(void)close(fds[0]);
	return a;
}

void agent_stop(struct agent *a)
{
	if (a->pid == 0)
		return;
	/* It puts the terminal back as it was. */
	(void)kill(a->pid, SIGTERM);
	(void)kill(a->pid, SIGCONT);
	(void)waitpid(a->pid, NULL, 0);
	a->pid = 0;
}
