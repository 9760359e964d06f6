/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/connect.h"

#include <errno.h>
#include <string.h>

#include "daemon/ctl/listen.h"
#include "daemon/ctl/words.h"

static int say_machine(const char *name, int error)
{
	const char *at = strchr(name, '@'), *container = at ? at + 1 : name;

	if (error == -EHOSTDOWN)
		return words_say(CTL_NOT_RUNNING, "no container '%s' runs here: 'machinectl' lists those that do",
				 container);
	/* As that user it is systemd-run that goes there, which has said why it cannot, before we had said anything or
	 * after it. */
	if (at && (error == -ECONNRESET || error == -EPIPE))
		return words_say(CTL_NOT_RUNNING, "cannot reach the system bus of the container %s", name);
	return words_say(error == -EACCES || error == -EPERM ? CTL_NOT_PERMITTED : CTL_NOT_RUNNING,
			 "cannot reach the system bus of the container %s: %s", name, strerror(-error));
}

static int say(const struct ctl *c, int error)
{
	const struct ctl_options *o = c->options;

	/* Why is known to ssh, which has said it. */
	if (o->host)
		return words_say(CTL_NOT_RUNNING, "cannot reach the system bus of %s by ssh", o->host);
	if (o->machine)
		return say_machine(o->machine, error);
	(void)words_say(0, "cannot reach the system bus: %s%s", strerror(-error),
			error == -ENOENT || error == -ECONNREFUSED ? " (is dbus running?)" : "");
	return words_say(CTL_NOT_RUNNING, "vmicd itself needs no bus, see: systemctl status vmicd");
}

/* Until the bus has greeted us. ssh may ask for a password first: sd-bus gives it 90 s. */
static int wait_ready(const struct ctl *c)
{
	uint64_t deadline = c->options->host ? UINT64_MAX :
					       listen_now() + c->options->timeout_s * USEC_PER_SEC;

	while (sd_bus_is_ready(c->bus) == 0) {
		uint64_t now = listen_now();
		int r = sd_bus_process(c->bus, NULL);

		if (r < 0)
			return r;
		if (r > 0)
			continue;
		if (now >= deadline)
			return -ETIMEDOUT;
		r = sd_bus_wait(c->bus, c->options->host ? UINT64_MAX : deadline - now);
		if (r < 0 && r != -EINTR)
			return r;
	}
	return 0;
}

int connect_open(struct ctl *c)
{
	const struct ctl_options *o = c->options;
	int r;

	if (o->host)
		r = sd_bus_open_system_remote(&c->bus, o->host);
	else if (o->machine)
		r = sd_bus_open_system_machine(&c->bus, o->machine);
	else
		r = sd_bus_open_system(&c->bus);
	if (r >= 0)
		r = sd_bus_set_method_call_timeout(c->bus, o->timeout_s * USEC_PER_SEC);
	if (r >= 0)
		r = wait_ready(c);
	return r < 0 ? say(c, r) : 0;
}

void connect_close(struct ctl *c)
{
	c->bus = sd_bus_close_unref(c->bus);
}
