/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bind/follow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "daemon/bind/words.h"
#include "daemon/log.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_USEC UINT64_C(1000)
#define ACCURACY_USEC UINT64_C(1000)
/* What could not be taken is tried again after the first, then after twice as long each time. */
#define AGAIN_FIRST_S 1
#define AGAIN_MAX_S 60

struct follow {
	struct bind *b;
	sd_event *event;
	struct devices *devices;
	unsigned components;
	struct bind_seen seen;
	sd_event_source *timer; /* for the next that is to be tried again; off where there is none */
	struct log_rate told;   /* a host can offer without end */
};

struct bind_seen_one *bind_seen_note(struct bind_seen *seen, const char *name, uint64_t identity)
{
	struct bind_seen_one *one = seen->one, *end = seen->one + seen->n;

	while (one < end && strcmp(one->name, name) != 0)
		one++;
	if (identity == 0) { /* it has gone; the host has any number of names */
		if (one < end)
			*one = seen->one[--seen->n];
		return NULL;
	}
	if (one == seen->one + ARRAY_LEN(seen->one) || (one < end && one->identity == identity))
		return NULL;
	seen->n += one == end;
	*one = (struct bind_seen_one){ .identity = identity };
	(void)snprintf(one->name, sizeof(one->name), "%s", name);
	return one;
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
	struct bind_seen_one *one = bind_seen_note(&f->seen, name, identity_of(device));

	/* Not to be taken here: that may wait for somebody. */
	if (one)
		one->wanted = f->components & 1u << device->component;
}

static int note_present(void *arg, const struct device *device)
{
	struct follow *f = arg;

	(void)bind_seen_note(&f->seen, device->name, identity_of(device));
	return 0;
}

static int find_taken(void *arg, const struct device *device)
{
	const struct follow *f = arg;

	return (f->components & 1u << device->component) && bind_is_with_uio(device);
}

static uint64_t now(const struct follow *f)
{
	return f->b->ops->now_ns(f->b->user);
}

/* Some of them are told, until a time has passed; then, how many were not. */
static void tell_some(struct follow *f)
{
	unsigned suppressed = 0;
	char text[64];

	f->b->quiet = !log_rate_allows(&f->told, now(f), &suppressed);
	if (suppressed == 0)
		return;
	(void)snprintf(text, sizeof(text), "%u devices more were offered again", suppressed);
	f->b->ops->say(f->b->user, BIND_SAY_DONE, text);
}

static void put_off(struct follow *f, struct bind_seen_one *one)
{
	one->wait_s = one->wait_s == 0 ? AGAIN_FIRST_S : 2 * one->wait_s;
	if (one->wait_s > AGAIN_MAX_S)
		one->wait_s = AGAIN_MAX_S;
	one->due_ns = now(f) + one->wait_s * NS_PER_S;
	one->wanted = true;
}

static void tell_taken(struct follow *f, const char *name)
{
	struct device device;

	if (f->b->ops->read(f->b->user, name, &device) < 0 || !bind_is_with_uio(&device))
		return;
	tell_some(f);
	bind_say(f->b, BIND_SAY_DONE, device.component, "taken to uio_hv_generic, %s", device.node);
}

/*
 * Why it cannot be taken is told the first time. What somebody has given to another driver is left to him.
 * One that cannot be read has gone, which will be told, or can be read in a while.
 */
static void try_to_take(struct follow *f, struct bind_seen_one *one)
{
	bool again = one->wait_s > 0;
	enum bind_result result;
	struct device device;

	one->wanted = false;
	if (f->b->ops->read(f->b->user, one->name, &device) < 0) {
		put_off(f, one);
		return;
	}
	if (!(f->components & 1u << device.component))
		return; /* another has its name now, which will be told */
	if (again)
		f->b->quiet = true;
	else
		tell_some(f);
	f->b->unable = 0; /* of memory there may be more now */
	result = bind_take_one(f->b, &device);
	if (result == BIND_DONE && again)
		tell_taken(f, one->name);
	if (result == BIND_DONE || bind_plan(BIND_TAKE, &device) == BIND_STEP_FOREIGN)
		return;
	put_off(f, one);
	bind_say(f->b, BIND_SAY_DONE, device.component,
		 "is tried again in %d s, then less and less often, every %d s at last", AGAIN_FIRST_S,
		 AGAIN_MAX_S);
}

static void take_wanted(struct follow *f)
{
	uint64_t next_ns = UINT64_MAX;

	for (size_t i = 0; i < f->seen.n; i++) {
		struct bind_seen_one *one = &f->seen.one[i];

		if (one->wanted && one->due_ns <= now(f) && f->b->ops->pause(f->b->user, 0) == 0)
			try_to_take(f, one);
		if (one->wanted && one->due_ns < next_ns)
			next_ns = one->due_ns;
	}
	(void)sd_event_source_set_time(f->timer, next_ns / NS_PER_USEC);
	(void)sd_event_source_set_enabled(f->timer, next_ns == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

/* It was to wake the loop, no more. */
static int on_time(sd_event_source *source, uint64_t usec, void *user)
{
	(void)source;
	(void)usec;
	(void)user;
	return 0;
}

static int on_stop(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	(void)fd;
	(void)revents;
	(void)user;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int follow(struct follow *f)
{
	int r;

	(void)sd_notify(0, "READY=1");
	do {
		r = sd_event_run(f->event, UINT64_MAX);
		take_wanted(f);
	} while (r >= 0 && sd_event_get_state(f->event) != SD_EVENT_FINISHED);
	(void)sd_notify(0, "STOPPING=1");
	return r;
}

/* The watch comes first: what is offered between the look and the watch would be missed. */
static int watch(struct follow *f, int stop_fd)
{
	int r = sd_event_new(&f->event);

	if (r >= 0)
		r = devices_watch(f->devices, f->event, on_changed, f);
	if (r >= 0)
		r = sd_event_add_io(f->event, NULL, stop_fd, EPOLLIN, on_stop, NULL);
	if (r >= 0)
		r = sd_event_add_time(f->event, &f->timer, CLOCK_MONOTONIC, UINT64_MAX, ACCURACY_USEC, on_time,
				      NULL);
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

static void follow_done(struct follow *f)
{
	f->timer = sd_event_source_disable_unref(f->timer);
	f->event = sd_event_unref(f->event);
}

enum bind_result bind_follow(struct bind *b, struct devices *devices, unsigned components,
			     int stop_fd)
{
	_cleanup_(follow_done) struct follow f = { .b = b, .devices = devices, .components = components };
	enum bind_result result;
	int r;

	r = watch(&f, stop_fd);
	if (r < 0)
		return fail(b, r);
	result = bind_take(b, components);
	r = devices_each(devices, find_taken, &f);
	if (r < 0 || (r == 0 && result != BIND_DONE))
		return result;
	r = follow(&f);
	return r < 0 ? fail(b, r) : BIND_DONE;
}
