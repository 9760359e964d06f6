/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bind/follow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "daemon/log.h"

struct follow {
	struct bind *b;
	struct devices *devices;
	unsigned components;
	struct bind_seen seen;
	/* Those to be taken. Not by the callback itself: that may wait for somebody. */
	struct bind_seen wanted;
	struct log_rate told; /* a host can offer without end */
};

bool bind_seen_note(struct bind_seen *seen, const char *name, uint64_t identity)
{
	size_t i = 0;
	bool is_another;

	while (i < seen->n && strcmp(seen->one[i].name, name) != 0)
		i++;
	if (i == ARRAY_LEN(seen->one))
		return false;
	is_another = i == seen->n || seen->one[i].identity != identity;
	if (identity == 0) { /* it has gone; the host has any number of names */
		if (i < seen->n)
			seen->one[i] = seen->one[--seen->n];
		return false;
	}
	if (i == seen->n)
		(void)snprintf(seen->one[seen->n++].name, DEVICE_NAME_SIZE, "%s", name);
	seen->one[i].identity = identity;
	return is_another;
}

/* The kernel makes a directory of its own for each device that is offered, even under an old name. */
static uint64_t identity_of(const struct device *device)
{
	struct stat st;

	return device && stat(device->path, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

static void on_changed(void *user, const char *name, const struct device *device)
{
	struct follow *f = user;
	uint64_t identity = identity_of(device);

	if (bind_seen_note(&f->seen, name, identity) && (f->components & 1u << device->component))
		(void)bind_seen_note(&f->wanted, name, identity);
}

static int note_present(void *arg, const struct device *device)
{
	struct follow *f = arg;

	(void)bind_seen_note(&f->seen, device->name, identity_of(device));
	return 0;
}

static int count_taken(void *arg, const struct device *device)
{
	unsigned *n = arg;

	*n += bind_is_with_uio(device);
	return 0;
}

/* Some of them are told, until a time has passed; then, how many were not. */
static void tell_some(struct follow *f)
{
	uint64_t now = f->b->ops->now_ns(f->b->user);
	unsigned suppressed = 0;
	char text[64];

	f->b->quiet = !log_rate_allows(&f->told, now, &suppressed);
	if (suppressed == 0)
		return;
	(void)snprintf(text, sizeof(text), "%u devices more were offered again", suppressed);
	f->b->ops->say(f->b->user, BIND_SAY_DONE, text);
}

static void take_wanted(struct follow *f)
{
	for (size_t i = 0; i < f->wanted.n; i++) {
		struct device device;

		if (f->b->ops->read(f->b->user, f->wanted.one[i].name, &device) < 0)
			continue;
		tell_some(f);
		(void)bind_take_one(f->b, &device);
	}
	f->wanted.n = 0;
}

static int on_stop(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	(void)fd;
	(void)revents;
	(void)user;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int follow(struct follow *f, sd_event *event)
{
	int r;

	(void)sd_notify(0, "READY=1");
	do {
		r = sd_event_run(event, UINT64_MAX);
		take_wanted(f);
	} while (r >= 0 && sd_event_get_state(event) != SD_EVENT_FINISHED);
	(void)sd_notify(0, "STOPPING=1");
	return r;
}

/* The watch comes first: what is offered between the look and the watch would be missed. */
static int watch(struct follow *f, sd_event *event, int stop_fd)
{
	int r = devices_watch(f->devices, event, on_changed, f);

	if (r >= 0)
		r = sd_event_add_io(event, NULL, stop_fd, EPOLLIN, on_stop, NULL);
	if (r >= 0)
		r = devices_each(f->devices, note_present, f);
	return r;
}

static enum bind_result fail(const struct bind *b, int error)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "cannot wait for devices: %s", strerror(-error));
	b->ops->say(b->user, BIND_SAY_FAILED, text);
	return BIND_FAILED;
}

static void event_unrefp(sd_event **e)
{
	*e = sd_event_unref(*e);
}

enum bind_result bind_follow(struct bind *b, struct devices *devices, unsigned components,
			     int stop_fd)
{
	_cleanup_(event_unrefp) sd_event *event = NULL;
	struct follow f = { .b = b, .devices = devices, .components = components };
	enum bind_result result;
	unsigned taken = 0;
	int r;

	r = sd_event_new(&event);
	if (r >= 0)
		r = watch(&f, event, stop_fd);
	if (r < 0)
		return fail(b, r);
	result = bind_take(b, components);
	if (devices_each(devices, count_taken, &taken) < 0 || (taken == 0 && result != BIND_DONE))
		return result;
	r = follow(&f, event);
	return r < 0 ? fail(b, r) : BIND_DONE;
}
