/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/listen.h"

#include <errno.h>
#include <time.h>

#include "daemon/bus/names.h"
#include "daemon/ctl/trouble.h"

uint64_t listen_now(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static int on_signal(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct listener *l = user;

	(void)error;
	if (l->handle)
		l->status = l->handle(l->user, m);
	return 0;
}

static int say(const struct listener *l, int error)
{
	const sd_bus_error none = SD_BUS_ERROR_NULL;

	return trouble_say(l->ctl, error, &none);
}

int listen_start(struct listener *l)
{
	int r = sd_bus_add_match(l->ctl->bus, &l->signals,
				 "type='signal',sender='" BUS_NAME "',path_namespace='" BUS_PATH "'",
				 on_signal, l);

	if (r >= 0)
		r = sd_bus_add_match(l->ctl->bus, &l->owner,
				     "type='signal',sender='org.freedesktop.DBus',"
				     "member='NameOwnerChanged',arg0='" BUS_NAME "'",
				     on_signal, l);
	return r < 0 ? say(l, r) : 0;
}

/* All that has come. 1: there was something; 0: there was not; or a negative errno. */
static int process(struct listener *l)
{
	int any = 0, r;

	while ((r = sd_bus_process(l->ctl->bus, NULL)) > 0 && l->status == 0)
		any = 1;
	return r < 0 ? r : any;
}

int listen_once(struct listener *l, uint64_t until_usec)
{
	int r;

	while ((r = process(l)) == 0 && l->status == 0) {
		uint64_t now = listen_now();

		if (now >= until_usec)
			return 0;
		r = sd_bus_wait(l->ctl->bus, until_usec == UINT64_MAX ? UINT64_MAX : until_usec - now);
		if (r < 0 && r != -EINTR)
			break;
	}
	return r < 0 ? say(l, r) : l->status;
}

int listen_on(struct listener *l)
{
	int status;

	do
		status = listen_once(l, UINT64_MAX);
	while (status == 0);
	return status;
}

void listen_stop(struct listener *l)
{
	l->signals = sd_bus_slot_unref(l->signals);
	l->owner = sd_bus_slot_unref(l->owner);
}
