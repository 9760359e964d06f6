/* SPDX-License-Identifier: GPL-2.0-only */
/* vmicctl events: what happens, as it happens. */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/facts.h"
#include "daemon/ctl/listen.h"
#include "daemon/ctl/moment.h"
#include "daemon/ctl/pool.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/trouble.h"
#include "daemon/ctl/verb.h"

/* --- a signal as an object: Time, Event, Component where it is of one, and the arguments --- */

#define ARGUMENTS_MAX 3

struct event_form {
	const char *member;
	const char *arguments[ARGUMENTS_MAX]; /* their names in JSON */
	enum colour colour;
	void (*print)(FILE *to, const json_t *event); /* what stands behind the time and the component */
};

static void print_negotiated(FILE *to, const json_t *event)
{
	char agreed[FACTS_AGREED_SIZE];
	enum colour colour;

	(void)fprintf(to, "negotiated, agreed on %s", facts_agreed(event, agreed, &colour));
}

static void print_lost(FILE *to, const json_t *event)
{
	(void)event;
	(void)fputs("lost, what was agreed on does not hold any more", to);
}

static void print_stepped(FILE *to, const json_t *event)
{
	(void)fprintf(to, "the clock was stepped by %+.6f s", (double)json_number(event, "Nanoseconds") / 1e9);
}

static void print_pool(FILE *to, const json_t *event)
{
	long long pool = json_number(event, "Pool");

	if (pool >= 0 && pool < POOLS)
		(void)fprintf(to, "pool %lld, %s, has changed", pool, pool_name((unsigned)pool));
	else
		(void)fprintf(to, "pool %lld has changed", pool);
}

static void print_configuration(FILE *to, const json_t *event)
{
	(void)event;
	(void)fputs("the configuration has changed", to);
}

static void print_started(FILE *to, const json_t *event)
{
	(void)event;
	(void)fputs("vmicd is on the bus", to);
}

static void print_stopped(FILE *to, const json_t *event)
{
	(void)event;
	(void)fputs("vmicd is not on the bus any more", to);
}

/* "State running, Answer 3.0/5.0" */
static void print_properties(FILE *to, const json_t *event)
{
	const char *name, *between = "";
	json_t *value;
	size_t i;

	json_object_foreach(json_object_get(event, "Changed"), name, value) {
		_cleanup_(freep) char *line = json_line(value);

		(void)fprintf(to, "%s%s is %s", between, name, line && *line ? line : "empty");
		between = ", ";
	}
	json_array_foreach(json_object_get(event, "Invalidated"), i, value) {
		(void)fprintf(to, "%s%s has changed", between, json_string_text(value));
		between = ", ";
	}
}

/* What a newer daemon tells. */
static void print_other(FILE *to, const json_t *event)
{
	_cleanup_(freep) char *line = json_line(json_object_get(event, "Arguments"));

	(void)fprintf(to, "%s %s", json_text(event, "Event"), line ? line : "");
}

static const struct event_form forms[] = {
	{ "Negotiated", { "Outcome", "Answer" }, COLOUR_GREEN, print_negotiated },
	{ "Lost", { NULL }, COLOUR_YELLOW, print_lost },
	{ "ClockStepped", { "Nanoseconds" }, COLOUR_YELLOW, print_stepped },
	{ "PoolChanged", { "Pool" }, COLOUR_PLAIN, print_pool },
	{ "ConfigurationChanged", { NULL }, COLOUR_PLAIN, print_configuration },
	{ "PropertiesChanged", { "Interface", "Changed", "Invalidated" }, COLOUR_DIM, print_properties },
	{ "Started", { NULL }, COLOUR_GREEN, print_started },
	{ "Stopped", { NULL }, COLOUR_RED, print_stopped },
};

static const struct event_form other = { .colour = COLOUR_PLAIN, .print = print_other };

static const struct event_form *form_of(const char *member)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (strcmp(forms[i].member, member) == 0)
			return &forms[i];
	return &other;
}

static int read_arguments(sd_bus_message *m, const struct event_form *form, json_t *event)
{
	json_t *rest = json_array();

	for (size_t i = 0; sd_bus_message_at_end(m, true) == 0; i++) {
		json_t *value = NULL;
		int r = json_from_bus(m, "", &value);

		if (r < 0) {
			json_decref(rest);
			return r;
		}
		if (i < ARGUMENTS_MAX && form->arguments[i])
			(void)json_object_set_new(event, form->arguments[i], value);
		else
			(void)json_array_append_new(rest, value);
	}
	if (json_array_size(rest) > 0)
		(void)json_object_set(event, "Arguments", rest);
	json_decref(rest);
	return 0;
}

/* --- printing one --- */

static int print_event(const struct ctl *c, const struct event_form *form, const json_t *event,
		       uint64_t now)
{
	const char *component = json_text(event, "Component");
	_cleanup_(freep) char *line = NULL;
	char when[MOMENT_SIZE];
	size_t size;
	FILE *to = open_memstream(&line, &size);

	if (!to)
		return print_no_memory();
	(void)fprintf(to, "%s %s%s", moment_local(now, when), component, *component ? ": " : "");
	form->print(to, event);
	if (fclose(to) != 0)
		return print_no_memory();
	return print_line(c, form->colour, line);
}

/* m: its arguments are read; NULL: it has none. */
static int on_event(const struct ctl *c, const char *member, const char *component, sd_bus_message *m)
{
	const struct event_form *form = form_of(member);
	uint64_t now = moment_now();
	char when[MOMENT_SIZE];
	_cleanup_(json_freep) json_t *event = json_pack("{s:s, s:s}", "Time", moment_utc(now, when),
							"Event", member);

	if (!event)
		return print_no_memory();
	if (*component)
		(void)json_object_set_new(event, "Component", json_string(component));
	if (m && read_arguments(m, form, event) < 0)
		return 0; /* whatever it is, it is not ours */
	if (c->options->json)
		return print_json_line(c, json_incref(event));
	return print_event(c, form, event, now);
}

static int on_signal(void *user, sd_bus_message *m)
{
	const struct ctl *c = user;
	const char *name, *old, *new;

	if (!sd_bus_message_is_signal(m, "org.freedesktop.DBus", "NameOwnerChanged"))
		return on_event(c, sd_bus_message_get_member(m), facts_id(sd_bus_message_get_path(m)), m);
	if (sd_bus_message_read(m, "sss", &name, &old, &new) < 0)
		return 0;
	return on_event(c, *new ? "Started" : "Stopped", "", NULL);
}

int verb_events(struct ctl *c, char **arguments)
{
	_cleanup_(listen_stop) struct listener l = { .ctl = c, .handle = on_signal, .user = c };
	_cleanup_(json_freep) json_t *facts = NULL;
	int status = listen_start(&l);

	(void)arguments;
	/* That nobody is there to tell anything is better said at once. */
	if (status == 0)
		status = facts_read(c, &facts);
	return status ? status : listen_on(&l);
}
