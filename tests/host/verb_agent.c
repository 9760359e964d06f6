/* SPDX-License-Identifier: GPL-2.0-only */
/* vmichost agent: keeps the guest's program of scenarios that a host elsewhere plays. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tests/host/agent.h"
#include "tests/host/home_here.h"
#include "tests/host/verb.h"

struct settings {
	const char *on;
};

const struct option_info verb_agent_options[] = {
	{ "on", "FILE", "talk to the host over this terminal",
	  option_take_text, offsetof(struct settings, on) },
	{ .name = NULL },
};

/* Bytes as they are, both ways, whoever is at the other end; a socket has no such state. */
static int make_raw(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t) < 0)
		return errno == ENOTTY ? 0 : -errno;
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL | CREAD;
	(void)cfsetspeed(&t, B115200);
	return tcsetattr(fd, TCSANOW, &t) < 0 ? -errno : 0;
}

struct serving {
	sd_event *event;
	struct home *home;
	struct agent *agent;
	int fd;
	int error;
};

static void on_ended(void *user, int error)
{
	struct serving *s = user;

	s->error = error;
	(void)sd_event_exit(s->event, 0);
}

static void serving_done(struct serving *s)
{
	s->agent = agent_free(s->agent);
	if (s->home)
		s->home = s->home->ops->free(s->home);
	s->event = sd_event_unref(s->event);
	if (s->fd >= 0)
		(void)close(s->fd);
}

static int serve(const char *path)
{
	_cleanup_(serving_done) struct serving s = { .fd = -1 };
	int r;

	s.fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (s.fd < 0)
		return -errno;
	r = make_raw(s.fd);
	if (r >= 0)
		r = sd_event_new(&s.event);
	if (r >= 0)
		r = home_here_new(s.event, &s.home);
	if (r >= 0)
		r = agent_new(s.event, s.fd, s.home, on_ended, &s, &s.agent);
	if (r >= 0)
		r = sd_event_loop(s.event);
	return r < 0 ? r : s.error;
}

int verb_run_agent(const struct verb *verb, int argc, char **argv)
{
	struct settings settings = { 0 };
	int r, status, first = verb_parse(verb, argc, argv, &settings, &status);

	if (first < 0)
		return status;
	if (first < argc)
		return verb_surplus(verb, argv[first]);
	if (!settings.on) {
		(void)fprintf(stderr, "vmichost agent: expected --on FILE\n");
		return EXIT_USAGE;
	}
	r = serve(settings.on);
	if (r < 0)
		(void)fprintf(stderr, "vmichost agent: %s: %s\n", settings.on, strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
