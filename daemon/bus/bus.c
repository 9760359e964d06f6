/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bus/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/object.h"

#define USEC_PER_SEC UINT64_C(1000000)

/* Where the D-Bus specification has the system bus, but for the directory, which systemd's libraries
 * and packages write without /var. */
#define SYSTEM_BUS "unix:path=/run/dbus/system_bus_socket"

/* How long to wait before a bus that was lost or does not answer is tried again; twice as long each
 * time, up to a minute, until it has let us have the name. One that is not there at all is not tried
 * but waited for. */
#define RETRY_MIN_USEC USEC_PER_SEC
#define RETRY_MAX_USEC (60 * USEC_PER_SEC)

/* How long a bus may leave unread what is sent to it, and how often it is asked, while there are calls. */
#define STUCK_USEC (5 * USEC_PER_SEC)
#define PING_USEC USEC_PER_SEC

static void disconnect(struct bus *b)
{
	calls_drop(b);
	if (!b->bus)
		return;
	b->ping = sd_bus_slot_unref(b->ping);
	(void)sd_bus_detach_event(b->bus);
	/* Without a flush, which would wait. */
	b->bus = sd_bus_close_unref(b->bus);
}

static void retry_later(struct bus *b)
{
	uint64_t now = 0;

	if (sd_event_source_get_enabled(b->reconnect, NULL) > 0)
		return;
	(void)sd_event_now(b->event, CLOCK_MONOTONIC, &now);
	(void)sd_event_source_set_time(b->reconnect, now + b->retry_usec);
	(void)sd_event_source_set_enabled(b->reconnect, SD_EVENT_ONESHOT);
	b->retry_usec = 2 * b->retry_usec < RETRY_MAX_USEC ? 2 * b->retry_usec : RETRY_MAX_USEC;
}

/* Only of a real host's guest is it expected that it can be seen there. */
static int trouble_level(const struct bus *b)
{
	return strcmp(b->transport, "uio") == 0 ? LOG_WARNING : LOG_DEBUG;
}

static int on_name(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct bus *b = user;
	uint32_t outcome;

	(void)error;
	b->retry_usec = RETRY_MIN_USEC;
	if (sd_bus_message_is_method_error(m, NULL)) {
		if (!b->name_trouble)
			log_line(b->log, trouble_level(b), NULL, "D-Bus: cannot have the name %s: %s",
				 BUS_NAME, sd_bus_message_get_error(m)->message);
		b->name_trouble = true;
		return 0;
	}
	b->name_trouble = false;
	/* "DBUS_REQUEST_NAME_REPLY_IN_QUEUE (2): The name already had an owner" (D-Bus specification). */
	if (sd_bus_message_read(m, "u", &outcome) > 0 && outcome == 2)
		log_line(b->log, trouble_level(b), NULL,
			 "D-Bus: another program has the name %s, waiting for it", BUS_NAME);
	else
		log_line(b->log, LOG_DEBUG, NULL, "D-Bus: serving as %s", BUS_NAME);
	return 0;
}

/* --- a bus that does not read --- */

static int on_pong(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct bus *b = user;

	(void)error;
	b->ping = sd_bus_slot_unref(b->ping);
	if (sd_bus_message_is_method_error(m, NULL)) {
		log_line(b->log, LOG_DEBUG, NULL, "D-Bus: the bus does not read what is sent to it, joining anew");
		retry_later(b);
	}
	return 0;
}

/* An answer says that the bus has read all that was sent before. */
static void ping(struct bus *b)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	uint64_t now = 0;

	(void)sd_event_now(b->event, CLOCK_MONOTONIC, &now);
	if (b->ping || now - b->ping_usec < PING_USEC)
		return;
	b->ping_usec = now;
	if (sd_bus_message_new_method_call(b->bus, &m, "org.freedesktop.DBus", "/org/freedesktop/DBus",
					   "org.freedesktop.DBus", "GetId") >= 0)
		(void)sd_bus_call_async(b->bus, &b->ping, m, on_pong, b, STUCK_USEC);
}

/*
 * Every message comes by here first. A bus reads no more from one whose messages pile up at receivers
 * that do not read them (dbus-daemon's max_incoming_bytes), and so one bad client could have the daemon
 * all to itself. When that lasts, the bus is left and joined anew, which begins with an empty account;
 * and meanwhile nothing is done that would need an answer, once many wait.
 */
static int on_message(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct bus *b = user;

	(void)error;
	if (sd_bus_message_is_method_call(m, NULL, NULL) <= 0)
		return 0;
	ping(b);
	return bus_queued(b) >= BUS_QUEUE_MAX;
}

/* --- a bus that comes and goes --- */

static int on_disconnected(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct bus *b = user;

	(void)m;
	(void)error;
	log_line(b->log, LOG_DEBUG, NULL, "D-Bus: lost the bus, trying again");
	calls_drop(b);
	retry_later(b);
	return 0;
}

static int set_up(struct bus *b)
{
	const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
	int r;

	r = sd_bus_set_address(b->bus, address ? address : SYSTEM_BUS);
	if (r < 0)
		return r;
	r = sd_bus_set_bus_client(b->bus, true);
	if (r < 0)
		return r;
	/* No call here takes a descriptor, and none is to be kept for one that waits. */
	r = sd_bus_negotiate_fds(b->bus, false);
	if (r < 0)
		return r;
	r = sd_bus_set_watch_bind(b->bus, true);
	if (r < 0)
		return r;
	r = sd_bus_add_filter(b->bus, NULL, on_message, b);
	if (r < 0)
		return r;
	r = manager_object_add(b);
	if (r < 0)
		return r;
	r = component_objects_add(b);
	if (r < 0)
		return r;
	r = sd_bus_match_signal_async(b->bus, NULL, "org.freedesktop.DBus.Local", NULL,
				      "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, NULL, b);
	if (r < 0)
		return r;
	r = sd_bus_start(b->bus);
	if (r < 0)
		return r;
	r = sd_bus_attach_event(b->bus, b->event, SD_EVENT_PRIORITY_NORMAL);
	if (r < 0)
		return r;
	/* In the queue, where another has it: the daemon that is being replaced. */
	return sd_bus_request_name_async(b->bus, NULL, BUS_NAME, SD_BUS_NAME_QUEUE, on_name, b);
}

static void connect_bus(struct bus *b)
{
	int r = sd_bus_new(&b->bus);

	if (r >= 0)
		r = set_up(b);
	if (r >= 0)
		return;
	log_line(b->log, LOG_DEBUG, NULL, "D-Bus: cannot reach the bus: %s, trying again", strerror(-r));
	disconnect(b);
	retry_later(b);
}

static int on_reconnect(sd_event_source *source, uint64_t usec, void *user)
{
	struct bus *b = user;

	(void)source;
	(void)usec;
	disconnect(b);
	connect_bus(b);
	return 0;
}

static void bus_freep(struct bus **b)
{
	*b = bus_free(*b);
}

int bus_new(const struct bus_options *options, struct bus **ret)
{
	_cleanup_(bus_freep) struct bus *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->event = sd_event_ref(options->event);
	b->log = options->log;
	b->manager = options->manager;
	b->transport = options->transport;
	b->dry_run = options->dry_run;
	b->retry_usec = RETRY_MIN_USEC;
	component_objects_init(b);

	r = sd_event_add_time(b->event, &b->reconnect, CLOCK_MONOTONIC, 0, 0, on_reconnect, b);
	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(b->reconnect, SD_EVENT_OFF);
	(void)sd_event_source_set_description(b->reconnect, "bus reconnect");
	r = calls_start(b);
	if (r < 0)
		return r;
	r = news_start(b);
	if (r < 0)
		return r;
	connect_bus(b);
	*ret = TAKE_PTR(b);
	return 0;
}

struct bus *bus_free(struct bus *b)
{
	if (!b)
		return NULL;
	news_stop(b);
	calls_stop(b);
	disconnect(b);
	b->reconnect = sd_event_source_disable_unref(b->reconnect);
	b->event = sd_event_unref(b->event);
	free(b);
	return NULL;
}
