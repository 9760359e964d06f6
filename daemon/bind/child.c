/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bind/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/lines.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define STACK_SIZE (64 * 1024)
/* What is killed ends within that, or hangs in the kernel. */
#define KILL_NS NS_PER_S

uint64_t bind_now_ns(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* --- the child's own part: system calls only, it is a copy of a process in the middle of something --- */

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	(void)close(fd);
	return r;
}

/* It may outlive its parent: who waits for the end of the parent's output must not wait for it. */
static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3; fd++)
		(void)dup2(null, fd);
}

struct write_call {
	const struct bind_job *job;
	int listen_fd; /* the parent's end... */
	int report_fd; /* ...and the child's */
};

static int child_write(void *arg)
{
	const struct write_call *call = arg;
	const struct bind_job *job = call->job;
	int result, r = 0;

	/* Only then does this process notice that its parent is no more. */
	(void)close(call->listen_fd);
	leave_terminal();
	if (job->costly) {
		r = write_text("/proc/self/oom_score_adj", "1000");
		(void)r; /* then the kernel chooses by size */
	}
	result = write_text(job->path, job->text);
	if (send(call->report_fd, &result, sizeof(result), MSG_NOSIGNAL) == sizeof(result))
		return 0;

	/* Nobody listens: it is left to this process that the device has a driver in the end. */
	r = write_text(job->override_path, "\n");
	r = write_text(job->probe_path, job->name);
	return r < 0;
}

struct load_call {
	char *program, *module;
};

static int child_load(void *arg)
{
	const struct load_call *call = arg;
	char quiet[] = "-q", path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *const argv[] = { call->program, quiet, call->module, NULL };
	char *const environment[] = { path, NULL };

	leave_terminal();
	(void)execve(call->program, argv, environment);
	return 127;
}

/* --- the parent's --- */

struct child {
	pid_t pid;
	int pidfd;
};

/*
 * clone and not vfork: memory that two processes share is nobody's to give back, so that the kernel's
 * killer would take both. What the function returns is the child's exit status.
 */
static int child_start(int (*run)(void *arg), void *arg, struct child *ret)
{
	char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	int r = 0;

	if (stack == MAP_FAILED)
		return -errno;
	ret->pid = clone(run, stack + STACK_SIZE, CLONE_PIDFD | SIGCHLD, arg, &ret->pidfd);
	if (ret->pid < 0)
		r = -errno;
	(void)munmap(stack, STACK_SIZE); /* the child has a copy */
	return r;
}

static int milliseconds_until(uint64_t deadline_ns)
{
	uint64_t now = bind_now_ns();
	uint64_t ms = deadline_ns <= now ? 0 : (deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS;

	return ms > 3600000 ? 3600000 : (int)ms;
}

/* Whether it has ended in time. */
static bool child_wait(const struct child *child, uint64_t deadline_ns, int stop_fd)
{
	struct pollfd fds[] = {
		{ .fd = child->pidfd, .events = POLLIN },
		{ .fd = stop_fd, .events = POLLIN },
	};
	int r;

	do
		r = poll(fds, ARRAY_LEN(fds), milliseconds_until(deadline_ns));
	while (r < 0 && errno == EINTR);
	return fds[0].revents != 0;
}

/* The exit status; -1: a signal ended it. */
static int child_reap(const struct child *child)
{
	int status = 0;

	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Children that were left behind and have ended since. */
static void reap_others(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* From the shutdown on the child is told that nobody listens; what it had said before is here. */
static int take_report(int fd, bool ended, const struct child *child)
{
	int result;
	bool reported;

	(void)shutdown(fd, SHUT_RD);
	reported = recv(fd, &result, sizeof(result), MSG_DONTWAIT) == sizeof(result);
	if (!reported && !ended)
		return BIND_CHILD_BLOCKED;
	(void)child_reap(child);
	return reported ? result : BIND_CHILD_KILLED;
}

int bind_child_write(const struct bind_job *job, uint64_t deadline_ns, int stop_fd)
{
	struct write_call call = { .job = job };
	struct child child;
	int fds[2], r;

	reap_others();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	call.listen_fd = fds[0];
	call.report_fd = fds[1];
	r = child_start(child_write, &call, &child);
	(void)close(fds[1]);
	if (r == 0) {
		r = take_report(fds[0], child_wait(&child, deadline_ns, stop_fd), &child);
		(void)close(child.pidfd);
	}
	(void)close(fds[0]);
	return r;
}

/* Whether it has gone then: what hangs in the kernel does not. */
static bool child_kill(const struct child *child)
{
	(void)kill(child->pid, SIGKILL);
	return child_wait(child, bind_now_ns() + KILL_NS, -1);
}

int bind_child_load(const char *module, uint64_t deadline_ns)
{
	char name[64] = "";
	struct load_call call = { .module = name };
	struct lines lines;
	struct child child;
	int r;

	r = lines_open(&lines, AT_FDCWD, "/proc/sys/kernel/modprobe");
	if (r < 0)
		return r;
	call.program = lines_next(&lines);
	(void)strncat(name, module, sizeof(name) - 1);
	r = call.program ? child_start(child_load, &call, &child) : -ENOENT;
	lines_close(&lines);
	if (r < 0)
		return r;
	if (child_wait(&child, deadline_ns, -1) || child_kill(&child))
		r = child_reap(&child) == 0 ? 0 : -ENOENT;
	else
		r = -ETIMEDOUT; /* it hangs in the kernel, and is left there */
	(void)close(child.pidfd);
	return r;
}
