/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/power.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/message_id.h"
#include "hv_util/utf16.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)

/* A service manager that is alive takes a request in milliseconds. One that nobody has come for must not be found in a
 * month, by who starts the unit that was missing. */
#define TAKE_USEC (30 * USEC_PER_SEC)

/* Of the host's text: a line has 1 KiB. */
#define TEXT_SHOWN 256

static const char *const verbs[SHUTDOWN_ACTIONS] = {
	[SHUTDOWN_POWEROFF] = "power off",
	[SHUTDOWN_REBOOT] = "reboot",
	[SHUTDOWN_HIBERNATE] = "hibernate",
};

static uint64_t now_usec(const struct power *p)
{
	uint64_t now = 0;

	(void)sd_event_now(sd_event_source_get_event(p->timer), CLOCK_MONOTONIC, &now);
	return now;
}

static void wait_for_taking(struct power *p, enum shutdown_action action)
{
	p->action = action;
	(void)sd_event_source_set_time(p->timer, now_usec(p) + TAKE_USEC);
	(void)sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
}

static bool is_pending(const struct power *p)
{
	for (enum shutdown_action a = 0; a < SHUTDOWN_ACTIONS; a++)
		if (p->sys->ops->power_is_asked(p->sys, a))
			return true;
	return false;
}

/* --- what is said of it --- */

__attribute__((format(printf, 6, 7)))
static void say(const struct power *p, struct log_rate *rate, int level, enum message_id id, enum shutdown_action action,
		const char *format, ...)
{
	char f_action[64], text[512];
	const char *const fields[] = { message_id_fields[id], "VMIC_COMPONENT=Shutdown", f_action, NULL };
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	(void)snprintf(f_action, sizeof(f_action), "VMIC_ACTION=%s", shutdown_action_names[action]);
	log_limited(p->sys->log, rate, p->sys->ops->raw_ns(p->sys), level, fields, "Shutdown: %s", text);
}

static void say_granted(struct power *p, const struct shutdown_request *request)
{
	char text[TEXT_SHOWN];

	(void)utf8_repair(request->text, strlen(request->text), text, sizeof(text));
	say(p, &p->granted, LOG_NOTICE, MESSAGE_SHUTDOWN_REQUESTED, request->action,
	    "the host asks to %s (%sin %u s, reason 0x%08x)%s%s", verbs[request->action],
	    request->forced ? "forced, " : "", request->timeout_s, request->reason, text[0] ? ": " : "", text);
}

static void say_failed(struct power *p, enum shutdown_action action, const char *why)
{
	say(p, &p->refused, LOG_ERR, MESSAGE_NOT_SHUT_DOWN, action, "the host asks to %s, which fails: %s", verbs[action],
	    why);
}

/* --- what is done --- */

/* Nobody has come for it. */
static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct power *p = user;

	(void)source;
	(void)usec;
	if (p->sys->ops->withdraw_power(p->sys, p->action))
		say_failed(p, p->action, "the service manager was asked, and has done nothing for 30 s; is the "
					 "unit that waits for it active?");
	return 0;
}

/* The host tells apart what cannot be done here and what has failed now, no more. */
static int status_of(int r)
{
	return r == 0 || r == -EOPNOTSUPP ? r : -EIO;
}

int power_take(void *user, const struct shutdown_request *request)
{
	struct power *p = user;
	int r;

	if (is_pending(p)) {
		log_limited(p->sys->log, &p->repeated, p->sys->ops->raw_ns(p->sys), LOG_INFO, NULL,
			    "Shutdown: the host asks to %s, and the request before is still pending: doing nothing "
			    "more", verbs[request->action]);
		return 0;
	}
	/* Before the answer, as power.h says. */
	r = p->sys->ops->power(p->sys, request->action);
	if (r < 0) {
		say_failed(p, request->action, strerror(-r));
		return status_of(r);
	}
	say_granted(p, request);
	wait_for_taking(p, request->action);
	if (p->requested)
		p->requested(p->user, request);
	return 0;
}

/* What a process before this one has asked for is waited for as its own: it outlives that process. */
static void wait_for_earlier(struct power *p)
{
	for (enum shutdown_action a = 0; a < SHUTDOWN_ACTIONS; a++)
		if (p->sys->ops->power_is_asked(p->sys, a)) {
			wait_for_taking(p, a);
			return;
		}
}

int power_init(struct power *p, sd_event *event)
{
	int r = sd_event_add_time(event, &p->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_timer, p);

	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
	(void)sd_event_source_set_description(p->timer, "power");
	wait_for_earlier(p);
	return 0;
}

void power_done(struct power *p)
{
	p->timer = sd_event_source_disable_unref(p->timer);
}
