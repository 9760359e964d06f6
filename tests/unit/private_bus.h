/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A message bus of a test's own: a dbus-daemon with the policy of nobody's machine, and connections to
 * it on the test's event loop. The variable DBUS_SYSTEM_BUS_ADDRESS names it, so that what is under
 * test finds it there.
 */
#pragma once

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "tests/unit/harness.h"
#include "tests/unit/temp_dir.h"

/* Nothing that a test waits for takes longer on the slowest machine. */
#define PATIENCE_USEC UINT64_C(20000000)

struct private_bus {
	struct temp_dir dir;
	char socket[100], address[120];
	pid_t pid; /* 0: it does not run */
};

static inline uint64_t usec_now(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* limits: <limit> elements, or "". */
static inline void private_bus_write_config(const struct private_bus *b, const char *limits)
{
	char text[2048];

	assert_true((size_t)snprintf(text, sizeof(text),
		"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
		" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
		"<busconfig>\n<type>session</type>\n<listen>%s</listen>\n<auth>EXTERNAL</auth>\n"
		"<policy context=\"default\">\n<allow user=\"*\"/>\n<allow own=\"*\"/>\n"
		"<allow send_destination=\"*\" eavesdrop=\"true\"/>\n<allow eavesdrop=\"true\"/>\n</policy>\n"
		"%s\n</busconfig>\n", b->address, limits) < sizeof(text));
	temp_dir_put(&b->dir, "bus.conf", text);
}

static inline void private_bus_wait(const struct private_bus *b)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	uint64_t until = usec_now() + PATIENCE_USEC;

	assert_true(strlen(b->socket) < sizeof(name.sun_path));
	(void)strcpy(name.sun_path, b->socket);
	for (;;) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int r = connect(fd, (const struct sockaddr *)&name, sizeof(name));

		(void)close(fd);
		if (r == 0)
			return;
		if (usec_now() > until)
			fail_msg("dbus-daemon does not listen at %s: is it installed?", b->socket);
		(void)usleep(5000);
	}
}

static inline void private_bus_run(struct private_bus *b)
{
	char config[128], log[128];

	temp_dir_path(&b->dir, "bus.conf", config, sizeof(config));
	temp_dir_path(&b->dir, "bus.log", log, sizeof(log));
	(void)snprintf(config, sizeof(config), "--config-file=%s/bus.conf", b->dir.path);
	b->pid = fork();
	assert_true(b->pid >= 0);
	if (b->pid == 0) {
		sigset_t none;
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

		(void)dup2(fd, 1);
		(void)dup2(fd, 2);
		/* What a test blocks for itself, as the manager does, is inherited. */
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)execlp("dbus-daemon", "dbus-daemon", config, "--nofork", "--nopidfile", NULL);
		_exit(127);
	}
	private_bus_wait(b);
}

/* Without running it. */
static inline void private_bus_init(struct private_bus *b, const char *limits)
{
	*b = (struct private_bus){ .dir = temp_dir_new() };
	assert_int_equal(chmod(b->dir.path, 0755), 0);
	temp_dir_path(&b->dir, "bus", b->socket, sizeof(b->socket));
	(void)snprintf(b->address, sizeof(b->address), "unix:path=%s", b->socket);
	private_bus_write_config(b, limits);
	assert_int_equal(setenv("DBUS_SYSTEM_BUS_ADDRESS", b->address, 1), 0);
}

static inline void private_bus_stop(struct private_bus *b)
{
	if (b->pid == 0)
		return;
	assert_int_equal(kill(b->pid, SIGTERM), 0);
	assert_int_equal(waitpid(b->pid, NULL, 0), b->pid);
	b->pid = 0;
}

static inline void private_bus_done(struct private_bus *b)
{
	private_bus_stop(b);
	temp_dir_done(&b->dir);
}

static inline sd_bus *private_bus_connect(const struct private_bus *b, sd_event *event)
{
	sd_bus *bus = NULL;

	assert_true(sd_bus_new(&bus) >= 0);
	assert_true(sd_bus_set_address(bus, b->address) >= 0);
	assert_true(sd_bus_set_bus_client(bus, true) >= 0);
	assert_true(sd_bus_start(bus) >= 0);
	assert_true(sd_bus_attach_event(bus, event, 0) >= 0);
	return bus;
}

/* --- a message's contents as text: what busctl would print, without the signature --- */

struct shown {
	char text[65536];
	size_t n;
};

__attribute__((format(printf, 2, 3))) static inline void show_add(struct shown *s, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(s->text + s->n, sizeof(s->text) - s->n, format, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof(s->text) - s->n);
	s->n += (size_t)n;
}

static inline void show_basic(sd_bus_message *m, char type, struct shown *s)
{
	union {
		const char *text;
		uint16_t u16;
		uint32_t u32;
		int32_t i32;
		int64_t i64;
		uint64_t u64;
		int truth;
	} v = { 0 };

	assert_true(sd_bus_message_read_basic(m, type, &v) > 0);
	switch (type) {
	case 's':
	case 'o':
	case 'g':
		show_add(s, "'%s'", v.text);
		break;
	case 'q':
		show_add(s, "%u", v.u16);
		break;
	case 'u':
		show_add(s, "%u", v.u32);
		break;
	case 'i':
		show_add(s, "%d", v.i32);
		break;
	case 'x':
		show_add(s, "%lld", (long long)v.i64);
		break;
	case 't':
		show_add(s, "%llu", (unsigned long long)v.u64);
		break;
	case 'b':
		show_add(s, "%s", v.truth ? "true" : "false");
		break;
	default:
		fail_msg("a value of type '%c'", type);
	}
}

static inline void show_rest(sd_bus_message *m, struct shown *s)
{
	const char *contents, *between = "";
	char type;

	while (sd_bus_message_peek_type(m, &type, &contents) > 0) {
		show_add(s, "%s", between);
		between = " ";
		if (!strchr("arve", type)) {
			show_basic(m, type, s);
			continue;
		}
		assert_true(sd_bus_message_enter_container(m, type, contents) > 0);
		show_add(s, "%s", type == 'a' ? "[" : type == 'v' ? "<" : "(");
		show_rest(m, s);
		show_add(s, "%s", type == 'a' ? "]" : type == 'v' ? ">" : ")");
		assert_true(sd_bus_message_exit_container(m) >= 0);
	}
}

static inline const char *show_message(sd_bus_message *m)
{
	static struct shown s;

	s.n = 0;
	s.text[0] = '\0';
	assert_true(sd_bus_message_rewind(m, true) >= 0);
	show_rest(m, &s);
	return s.text;
}
