/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * filtered REPORT NAME... -- PROGRAM [ARGUMENT]...: runs PROGRAM as systemd does with these names as its
 * SystemCallFilter= and EPERM as its SystemCallErrorNumber=, and adds the name of each other call that it tries
 * to the file REPORT. Exit status 77: this kernel cannot do that.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hv_util/base.h"

#define EXIT_UNABLE 77
#define NAMES_MAX 400

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#endif

static const struct {
	const char *name;
	int number;
} calls[] = {
#include "syscalls.h"
};

/* -1: no call of this machine's, such as open on arm64. */
static int call_number(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	return -1;
}

static const char *call_name(int number)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (calls[i].number == number)
			return calls[i].name;
	return "a call without a name";
}

/* A descriptor that tells of calls that are not among the names; -1: not with this kernel. */
static int install(char **names)
{
	struct sock_filter code[2 * NAMES_MAX + 8];
	struct sock_fprog program = { .filter = code };
	size_t n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (; *names && n < 2 * NAMES_MAX; names++) {
		int number = call_number(*names);

		if (number < 0)
			continue;
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	program.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

/* Until the last process with the filter has gone. */
static void watch(int listener, int report)
{
	struct pollfd fd = { .fd = listener, .events = POLLIN };

	while (poll(&fd, 1, -1) > 0 && !(fd.revents & (POLLHUP | POLLERR))) {
		struct seccomp_notif call = { 0 };
		struct seccomp_notif_resp answer = { .error = -EPERM };

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
			continue;
		(void)dprintf(report, "%s\n", call_name(call.data.nr));
		answer.id = call.id;
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

static int send_fd(int socket, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .align = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
				 .cmsg_type = SCM_RIGHTS } };
	struct iovec one = { .iov_base = (char[]){ 0 }, .iov_len = 1 };
	struct msghdr m = { .msg_iov = &one, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	return sendmsg(socket, &m, 0) < 0 ? -errno : 0;
}

static int receive_fd(int socket)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec one = { .iov_base = (char[]){ 0 }, .iov_len = 1 };
	struct msghdr m = { .msg_iov = &one, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(socket, &m, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(&control.align), sizeof(fd));
	return fd;
}

/* The one who watches is the child, so that whoever started this has the program's pid. */
static int run(int report, char **names, char **program)
{
	int pair[2], listener;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return EXIT_UNABLE;
	pid = fork();
	if (pid < 0)
		return EXIT_UNABLE;
	if (pid == 0) {
		(void)close(pair[0]);
		(void)setsid();
		listener = receive_fd(pair[1]);
		if (listener >= 0)
			watch(listener, report);
		return EXIT_SUCCESS;
	}
	listener = install(names);
	if (listener < 0 || send_fd(pair[0], listener) < 0) {
		perror("filtered: the system call filter");
		return EXIT_UNABLE;
	}
	(void)close(listener);
	(void)execvp(program[0], program);
	perror("filtered: the program");
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	int report, i = 2;

	while (i < argc && strcmp(argv[i], "--") != 0)
		i++;
	if (i < 3 || i + 1 >= argc) {
		(void)fprintf(stderr, "filtered REPORT NAME... -- PROGRAM [ARGUMENT]...\n");
		return EXIT_FAILURE;
	}
	argv[i] = NULL;
	report = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (report < 0) {
		perror(argv[1]);
		return EXIT_FAILURE;
	}
	return run(report, argv + 2, argv + i + 1);
}
