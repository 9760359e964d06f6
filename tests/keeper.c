/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A service manager in systemd's place, for tests where there is none: it runs one service, keeps the
 * descriptors that it is given, and ends the service and starts it again as often as it is told, in its time or
 * at each SIGUSR1. Ended itself, by SIGTERM, it ends the service for good, and drops what it has kept. With --deaf it is
 * stuck when it first starts the service: for so long, or until it is ended, its queue is full and it reads nothing.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/fake_manager.h"

/* A service that is not ready, or has not ended, after so long will never be. */
#define PATIENCE_MS 60000

static unsigned arg_times, arg_every_ms = 1000, arg_first_ms, arg_deaf_ms;
static enum { KILL = 0, TERMINATE, BOTH } arg_how = BOTH;
static char *const *arg_service;
static volatile sig_atomic_t told_to_end, told_to_go_on;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		told_to_go_on = 1;
	else
		told_to_end = 1;
}

static uint64_t now_ms(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int usage(void)
{
	(void)fprintf(stderr, "usage: keeper [--times N] [--every MS] [--first MS] [--how kill|terminate|both] "
			      "[--deaf MS] -- SERVICE ARG...\n");
	return 2;
}

static int parse_how(const char *value)
{
	static const char *const names[] = { [KILL] = "kill", [TERMINATE] = "terminate", [BOTH] = "both" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], value) == 0)
			return (int)i;
	return -1;
}

static int parse_arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{ "times", required_argument, NULL, 't' },
		{ "every", required_argument, NULL, 'e' },
		{ "first", required_argument, NULL, 'f' },
		{ "how", required_argument, NULL, 'h' },
		{ "deaf", required_argument, NULL, 'd' },
		{ 0 },
	};
	int c, how = BOTH;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) >= 0)
		switch (c) {
		case 't':
			arg_times = (unsigned)atoi(optarg);
			break;
		case 'e':
			arg_every_ms = (unsigned)atoi(optarg);
			break;
		case 'f':
			arg_first_ms = (unsigned)atoi(optarg);
			break;
		case 'd':
			arg_deaf_ms = (unsigned)atoi(optarg);
			break;
		case 'h':
			how = parse_how(optarg);
			break;
		default:
			return -EINVAL;
		}
	if (optind == argc || how < 0)
		return -EINVAL;
	arg_how = how;
	arg_service = argv + optind;
	return 0;
}

static pid_t start(struct fake_manager *m)
{
	sigset_t none;
	pid_t pid;

	m->ready = 0;
	pid = fork();
	if (pid != 0)
		return pid;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (fake_manager_enter(m))
		(void)execvp(arg_service[0], arg_service);
	_exit(127);
}

/* Listens for so long, or until somebody says something, or the service has ended, or is ready, if that is waited
 * for. 1: that; 0: the time is over; -1: it has ended, *status says how. */
static int attend(struct fake_manager *m, pid_t pid, unsigned ms, bool until_ready, int *status)
{
	const uint64_t end = now_ms() + ms;
	struct pollfd p = { .fd = m->fd, .events = POLLIN };

	for (;;) {
		uint64_t now = now_ms();

		fake_manager_listen(m);
		if (until_ready && m->ready > 0)
			return 1;
		if (waitpid(pid, status, WNOHANG) == pid) {
			fake_manager_listen(m); /* what it said last */
			return -1;
		}
		if (now >= end || ((told_to_end || told_to_go_on) && !until_ready)) {
			told_to_go_on = 0;
			return 0;
		}
		(void)poll(&p, 1, end - now < 20 ? (int)(end - now) : 20);
	}
}

/* Whether it ended, and well if it was asked to. */
static bool stop(struct fake_manager *m, pid_t pid, int number)
{
	const uint64_t end = now_ms() + PATIENCE_MS;
	int status = 0;

	(void)kill(pid, number);
	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (now_ms() > end) {
			(void)fprintf(stderr, "keeper: the service does not end\n");
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, &status, 0);
			return false;
		}
		fake_manager_listen(m);
		(void)usleep(1000);
	}
	fake_manager_listen(m);
	if (number == SIGKILL ? WIFSIGNALED(status) : status == 0)
		return true;
	(void)fprintf(stderr, "keeper: the service ended with %#x\n", (unsigned)status);
	return false;
}

static unsigned life_of(unsigned turn)
{
	if (turn == arg_times)
		return 1000;
	return turn == 0 && arg_first_ms > 0 ? arg_first_ms : arg_every_ms;
}

static int signal_for(unsigned turn)
{
	return arg_how == KILL || (arg_how == BOTH && turn % 2 == 0) ? SIGKILL : SIGTERM;
}

static void be_deaf(void)
{
	const uint64_t end = now_ms() + arg_deaf_ms;

	while (now_ms() < end && !told_to_end)
		(void)usleep(1000);
}

/* One life. 0: it was ended, and another is to follow; 1: we have been told to end; -1: it went wrong. */
static int live(struct fake_manager *m, unsigned turn)
{
	const bool is_last = turn == arg_times, is_deaf = arg_deaf_ms > 0 && turn == 0;
	int status = 0, r = -1;
	pid_t pid;

	if (is_deaf)
		fake_manager_fill(m);
	pid = start(m);
	if (pid > 0) {
		if (is_deaf)
			be_deaf();
		r = attend(m, pid, PATIENCE_MS, true, &status);
	}
	if (r == 1)
		r = attend(m, pid, life_of(turn), false, &status);
	else if (r == 0)
		(void)fprintf(stderr, "keeper: the service does not become ready\n");
	if (r == 0 && is_last && m->ready > 0) {
		(void)printf("keeper: started %u times, %u descriptors kept\n", turn + 1, m->n);
		(void)fflush(stdout);
		while (r == 0 && !told_to_end)
			r = attend(m, pid, 1000, false, &status);
	}
	if (r < 0) {
		(void)fprintf(stderr, "keeper: the service ended by itself with %#x\n", (unsigned)status);
		return status == 0 && told_to_end ? 1 : -1;
	}
	if (!stop(m, pid, is_last || told_to_end ? SIGTERM : signal_for(turn)))
		return -1;
	return is_last || told_to_end || m->ready == 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_signal };
	struct fake_manager m;
	int r = 0;

	if (parse_arguments(argc, argv) < 0)
		return usage();
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGUSR1, &action, NULL);
	if (!fake_manager_init(&m)) {
		(void)fprintf(stderr, "keeper: cannot listen: %s\n", strerror(errno));
		return 1;
	}
	for (unsigned turn = 0; r == 0; turn++)
		r = live(&m, turn);
	(void)printf("keeper: %u kept at the end, %u put, %u removed, %u times alive\n", m.n, m.puts, m.removals, m.alive);
	fake_manager_done(&m);
	return r > 0 ? 0 : 1;
}
