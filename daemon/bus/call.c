/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bus/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/bus/authority.h"
#include "daemon/bus/object.h"
#include "daemon/monotonic.h"

#define USEC_PER_MSEC UINT64_C(1000)

/* A file that is locked is tried again this often, as is one whose disk takes long, and given up after this time: less
 * than the 25 s that callers wait. The host's own requests are served meanwhile, before any of these. */
#define RETRY_USEC (50 * USEC_PER_MSEC)
#define RETRY_LIMIT_USEC (10000 * USEC_PER_MSEC)
/* All that wait are tried for so long at a time: heartbeats have their turn. */
#define TURN_USEC (20 * USEC_PER_MSEC)

enum call_state {
	CALL_IDENTIFIED = 0, /* nothing is asked, and it is about to run */
	CALL_ASKS_BUS,       /* who the caller is */
	CALL_ASKS_POLKIT,
	CALL_WAITS,          /* for a file, or for who else waits for one */
};

struct call {
	struct call *next;
	struct bus *b;
	const struct call_method *method;
	struct call_arguments arguments;
	sd_bus_message *message; /* stands for the one that came: see stand_in */
	sd_bus_slot *gone;       /* the caller's leaving */
	sd_bus_slot *asked;
	enum call_state state;
	bool interactive;
	uid_t uid;
	uint64_t id;
	uint64_t limit_usec; /* CALL_WAITS: when to give up */
};

static uint64_t now_usec(const struct bus *b)
{
	uint64_t now = 0;

	(void)sd_event_now(b->event, CLOCK_MONOTONIC, &now);
	return now;
}

static struct call *call_free(struct call *c)
{
	if (!c)
		return NULL;
	sd_bus_slot_unref(c->gone);
	sd_bus_slot_unref(c->asked);
	sd_bus_message_unref(c->message);
	free(c);
	return NULL;
}

static void call_freep(struct call **c)
{
	*c = call_free(*c);
}

/*
 * What is needed of a call to answer it later. The message itself may be as long as the bus allows,
 * 32 MiB, even where its arguments are short: a header may hold fields that nobody knows.
 */
static int stand_in(sd_bus_message *m, sd_bus_message **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *s = NULL;
	uint64_t cookie;
	int r;

	r = sd_bus_message_get_cookie(m, &cookie);
	if (r < 0)
		return r;
	r = sd_bus_message_new_method_call(sd_bus_message_get_bus(m), &s, NULL, BUS_PATH, BUS_MANAGER,
					   "StandIn");
	if (r < 0)
		return r;
	r = sd_bus_message_set_sender(s, sd_bus_message_get_sender(m));
	if (r < 0)
		return r;
	r = sd_bus_message_set_expect_reply(s, sd_bus_message_get_expect_reply(m));
	if (r < 0)
		return r;
	r = sd_bus_message_seal(s, cookie, 0);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

/* --- the list --- */

static void list_add(struct bus *b, struct call *c)
{
	c->next = b->calls.first;
	b->calls.first = c;
	b->calls.n++;
}

static void list_remove(struct bus *b, struct call *c)
{
	struct call **p = &b->calls.first;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	b->calls.n--;
}

static struct kvp_client *client_of(const struct bus *b)
{
	return manager_kvp_client(b->manager, KVP_CLIENT_CALL);
}

/* Out of the list, and away. */
static void finish(struct call *c)
{
	list_remove(c->b, c);
	if (c->b->calls.turn == c) {
		c->b->calls.turn = NULL;
		kvp_client_ops.forget(client_of(c->b));
	}
	call_free(c);
}

static const char *caller_of(const struct call *c)
{
	return sd_bus_message_get_sender(c->message);
}

static bool has_room_for(const struct bus *b, const char *caller, bool needs_right)
{
	unsigned of_caller = 0, without_right = 0;

	for (const struct call *c = b->calls.first; c; c = c->next) {
		of_caller += strcmp(caller_of(c), caller) == 0;
		without_right += !c->method->action;
	}
	return b->calls.n < CALLS_MAX && of_caller < CALLS_OF_CALLER &&
	       (needs_right || without_right < CALLS_WITHOUT_RIGHT);
}

static unsigned count_asked_for(const struct bus *b, uid_t uid)
{
	unsigned n = 0;

	for (const struct call *c = b->calls.first; c; c = c->next)
		n += c->state == CALL_ASKS_POLKIT && c->uid == uid;
	return n;
}

/* --- running --- */

static int set_too_many(sd_bus_error *error)
{
	(void)sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
			       "Too many calls wait for their answers already.");
	return -EBUSY;
}

/* Runs it and answers. -EAGAIN: it is to wait, nothing was answered. Other failures of the method
 * are answers, too. */
static int run(struct bus *b, sd_bus_message *message, const struct call_method *method,
	       const struct call_arguments *arguments)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = sd_bus_message_new_method_return(message, &reply);

	if (r < 0)
		return r;
	r = method->run(b, arguments, reply, &error);
	if (r == -EAGAIN)
		return r;
	if (r >= 0)
		r = sd_bus_send(b->bus, reply, NULL);
	else if (sd_bus_error_is_set(&error))
		r = sd_bus_reply_method_error(message, &error);
	else
		r = sd_bus_reply_method_errno(message, r, NULL);
	return r < 0 && r != -EAGAIN ? r : 0;
}

static void answer_error(struct call *c, const sd_bus_error *error)
{
	(void)sd_bus_reply_method_error(c->message, error);
	finish(c);
}

static void retry_later(struct bus *b)
{
	if (sd_event_source_get_enabled(b->calls.retry, NULL) > 0)
		return;
	(void)sd_event_source_set_time(b->calls.retry, now_usec(b) + RETRY_USEC);
	(void)sd_event_source_set_enabled(b->calls.retry, SD_EVENT_ONESHOT);
}

static void wait_for_file(struct call *c)
{
	if (c->state != CALL_WAITS) {
		c->state = CALL_WAITS;
		c->limit_usec = now_usec(c->b) + RETRY_LIMIT_USEC;
	}
	retry_later(c->b);
}

static bool is_anothers_turn(const struct bus *b, const struct call *c, const struct call_method *method)
{
	return method->asks_pools && b->calls.turn && b->calls.turn != c;
}

/* It has run, and is to wait. What was begun for it goes on, and it has the turn until that has ended; who waits for a lock
 * has begun nothing. */
static void take_turn(struct call *c)
{
	struct calls *calls = &c->b->calls;

	if (c->method->asks_pools && (!calls->turn || calls->turn == c))
		calls->turn = kvp_client_waits(client_of(c->b)) ? c : NULL;
}

/* The caller may: runs it, or has it wait for a file. */
static void run_or_wait(struct call *c)
{
	int r = is_anothers_turn(c->b, c, c->method) ? -EAGAIN : run(c->b, c->message, c->method, &c->arguments);

	if (r != -EAGAIN) {
		finish(c);
		return;
	}
	take_turn(c);
	wait_for_file(c);
}

static void give_up_late(struct bus *b)
{
	const sd_bus_error locked = SD_BUS_ERROR_MAKE_CONST(
		BUS_ERROR_LOCKED, "Another program has the pool file locked, or its disk does not answer.");

	for (struct call *c = b->calls.first, *next; c; c = next) {
		next = c->next;
		if (c->state == CALL_WAITS && now_usec(b) >= c->limit_usec)
			answer_error(c, &locked);
	}
}

/* The one that has waited longest, of those that came after that one; 0: of all. */
static struct call *next_waiting(const struct bus *b, uint64_t after_id)
{
	struct call *found = NULL;

	for (struct call *c = b->calls.first; c; c = c->next)
		if (c->state == CALL_WAITS && c->id > after_id)
			found = c; /* the list begins with the last one */
	return found;
}

/* One after the other in the order in which they came, and not all of them at a time if that takes long: the next time it
 * goes on behind the last one. When one of them has begun to wait for the disk, the others need not be tried. */
static int on_retry(sd_event_source *source, uint64_t usec, void *user)
{
	const uint64_t until = monotonic_usec() + TURN_USEC;
	struct bus *b = user;
	struct call *c;

	(void)source;
	(void)usec;
	if (b->calls.turn)
		run_or_wait(b->calls.turn);
	while (!b->calls.turn && monotonic_usec() < until) {
		c = next_waiting(b, b->calls.tried_id);
		b->calls.tried_id = c ? c->id : 0;
		if (!c)
			break;
		run_or_wait(c);
	}
	give_up_late(b);
	if (next_waiting(b, 0))
		retry_later(b);
	return 0;
}

/* --- asking --- */

static int on_gone(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct call *c = user;
	const char *name, *before, *after;

	(void)error;
	if (sd_bus_message_read(m, "sss", &name, &before, &after) < 0 || after[0] != '\0')
		return 0;
	if (c->state == CALL_ASKS_POLKIT)
		authority_cancel(c->b->bus, c->id);
	finish(c);
	return 0;
}

/* Without a match the call waits until polkit gives up; that is no reason to refuse it. */
static int on_matched(sd_bus_message *m, void *user, sd_bus_error *error)
{
	(void)m, (void)user, (void)error;
	return 0;
}

static int on_authority(sd_bus_message *m, void *user, sd_bus_error *unused)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	struct call *c = user;

	(void)unused;
	c->asked = sd_bus_slot_unref(c->asked);
	c->state = CALL_IDENTIFIED;
	if (authority_read_answer(m, &error) < 0)
		answer_error(c, &error);
	else
		run_or_wait(c);
	return 0;
}

static void ask_polkit(struct call *c)
{
	const struct authority_question question = {
		.name = caller_of(c),
		.action = c->method->action,
		.interactive = c->interactive,
		.id = c->id,
	};
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r;

	if (count_asked_for(c->b, c->uid) >= CALLS_OF_USER) {
		(void)set_too_many(&error);
		answer_error(c, &error);
		return;
	}
	r = authority_ask(c->b->bus, &c->asked, &question, on_authority, c);
	if (r < 0) {
		(void)sd_bus_error_set_errno(&error, r);
		answer_error(c, &error);
		return;
	}
	c->state = CALL_ASKS_POLKIT;
}

static int on_user(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct call *c = user;

	(void)error;
	c->asked = sd_bus_slot_unref(c->asked);
	c->state = CALL_IDENTIFIED;
	if (authority_read_user(m, &c->uid) < 0)
		finish(c);
	/* As sd_bus_query_sender_privilege has it, which would wait for the bus. */
	else if (c->uid == 0 || c->uid == geteuid())
		run_or_wait(c);
	else
		ask_polkit(c);
	return 0;
}

static int watch_caller(struct call *c)
{
	char match[384];
	int n = snprintf(match, sizeof(match),
			 "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
			 "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='%s'",
			 caller_of(c));

	if (n < 0 || (size_t)n >= sizeof(match))
		return -ENAMETOOLONG;
	return sd_bus_add_match_async(c->b->bus, &c->gone, match, on_gone, on_matched, c);
}

/* First the caller's leaving is watched, then it is asked for: if it is there then, it is not missed
 * later. */
static int identify(struct call *c)
{
	int r = watch_caller(c);

	if (r < 0)
		return r;
	c->state = CALL_ASKS_BUS;
	return authority_identify(c->b->bus, &c->asked, caller_of(c), on_user, c);
}

/* --- the outside --- */

static int call_new(struct bus *b, sd_bus_message *m, const struct call_method *method,
		    const struct call_arguments *arguments, struct call **ret)
{
	_cleanup_(call_freep) struct call *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->b = b;
	c->method = method;
	c->arguments = *arguments;
	c->interactive = sd_bus_message_get_allow_interactive_authorization(m) > 0;
	c->id = ++b->calls.last_id;
	r = stand_in(m, &c->message);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

int call_take(struct bus *b, sd_bus_message *m, const struct call_method *method,
	      const struct call_arguments *arguments, sd_bus_error *error)
{
	const bool has_room = has_room_for(b, sd_bus_message_get_sender(m), method->action != NULL);
	struct call *c;
	int r;

	/* What may have to wait is begun only for who can. */
	if (!method->action && (has_room || !method->asks_pools) && !is_anothers_turn(b, NULL, method)) {
		r = run(b, m, method, arguments);
		if (r != -EAGAIN)
			return r < 0 ? r : 1;
	}
	if (!has_room)
		return set_too_many(error);
	r = call_new(b, m, method, arguments, &c);
	if (r < 0 && !b->calls.turn)
		kvp_client_ops.forget(client_of(b));
	if (r < 0)
		return r;
	list_add(b, c);
	if (!method->action) {
		take_turn(c);
		wait_for_file(c);
		return 1;
	}
	r = identify(c);
	if (r < 0)
		finish(c);
	return r < 0 ? r : 1;
}

int calls_start(struct bus *b)
{
	int r = sd_event_add_time(b->event, &b->calls.retry, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_retry, b);

	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(b->calls.retry, SD_EVENT_OFF);
	(void)sd_event_source_set_description(b->calls.retry, "bus retry");
	return 0;
}

void calls_drop(struct bus *b)
{
	while (b->calls.first)
		finish(b->calls.first);
}

void calls_stop(struct bus *b)
{
	calls_drop(b);
	b->calls.retry = sd_event_source_disable_unref(b->calls.retry);
}
