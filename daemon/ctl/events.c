/* SPDX-License-Identifier: GPL-2.0-only */
/* vmicctl events: what happens, as it happens. */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/event_form.h"
#include "daemon/ctl/facts.h"
#include "daemon/ctl/from_bus.h"
#include "daemon/ctl/listen.h"
#include "daemon/ctl/moment.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/verb.h"

struct events {
	struct ctl *ctl;
	json_t *known; /* by what it is of, "" or a component: the properties as they were last told */
};

/* --- which properties differ from what is known --- */

static int learn(struct events *e)
{
	_cleanup_(value_freep) json_t *facts = NULL;
	int status = facts_read(e->ctl, &facts);
	json_t *component;
	size_t i;

	if (status)
		return status;
	(void)json_object_clear(e->known);
	json_array_foreach(json_object_get(facts, "Components"), i, component)
		(void)json_object_set(e->known, member_text(component, "Id"), component);
	(void)json_object_set(e->known, "", facts);
	return 0;
}

/* The daemon tells of all properties that may have changed; those that have are left. */
static void drop_known(const struct events *e, const char *component, json_t *event)
{
	json_t *known = json_object_get(e->known, component), *value;
	json_t *changed = json_object_get(event, "Changed");
	const char *name;
	void *next;

	json_object_foreach_safe(changed, next, name, value) {
		if (json_equal(value, json_object_get(known, name)))
			(void)json_object_del(changed, name);
		else
			(void)json_object_set(known, name, value);
	}
}

/* --- a signal as an object: Time, Event, Component where it is of one, and the arguments --- */

static int read_arguments(sd_bus_message *m, const struct event_form *form, json_t *event)
{
	json_t *rest = json_array();

	for (size_t i = 0; sd_bus_message_at_end(m, true) == 0; i++) {
		json_t *value = NULL;
		int r = from_bus_value(m, "", &value);

		if (r < 0) {
			json_decref(rest);
			return r;
		}
		if (i < EVENT_ARGUMENTS_MAX && form->arguments[i])
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
	const char *component = member_text(event, "Component");
	_cleanup_(freep) char *line = NULL;
	char when[MOMENT_SIZE];
	bool any = true;
	size_t size;
	FILE *to = open_memstream(&line, &size);

	if (!to)
		return print_no_memory();
	(void)fprintf(to, "%s %s%s", moment_local(now, when), component, *component ? ": " : "");
	if (form->print_brief && !c->options->full)
		any = form->print_brief(to, event);
	else
		form->print(to, event);
	if (fclose(to) != 0)
		return print_no_memory();
	return any ? print_line(c, form->colour, line) : 0;
}

/* Whether it says anything. */
static bool is_news(const struct events *e, const char *component, json_t *event)
{
	if (strcmp(member_text(event, "Event"), "PropertiesChanged") != 0)
		return true;
	drop_known(e, component, event);
	return json_object_size(json_object_get(event, "Changed")) > 0 ||
	       json_array_size(json_object_get(event, "Invalidated")) > 0;
}

/* m: its arguments are read; NULL: it has none. */
static int on_event(const struct events *e, const char *member, const char *component, sd_bus_message *m)
{
	const struct event_form *form = event_form_of(member);
	uint64_t now = moment_now();
	char when[MOMENT_SIZE];
	_cleanup_(value_freep) json_t *event = json_pack("{s:s, s:s}", "Time", moment_utc(now, when),
							"Event", member);

	if (!event)
		return print_no_memory();
	if (*component)
		(void)json_object_set_new(event, "Component", json_string(component));
	if (m && read_arguments(m, form, event) < 0)
		return 0; /* whatever it is, it is not the daemon's */
	if (!is_news(e, component, event))
		return 0;
	if (e->ctl->options->json)
		return print_json_line(e->ctl, json_incref(event));
	return print_event(e->ctl, form, event, now);
}

static int on_owner(struct events *e, sd_bus_message *m)
{
	const char *name, *old, *new;
	int status;

	if (sd_bus_message_read(m, "sss", &name, &old, &new) < 0)
		return 0;
	status = on_event(e, *new ? "Started" : "Stopped", "", NULL);
	if (status == 0 && *new)
		(void)learn(e); /* one that goes at once is told of, too */
	return status;
}

static int on_signal(void *user, sd_bus_message *m)
{
	struct events *e = user;

	if (sd_bus_message_is_signal(m, "org.freedesktop.DBus", "NameOwnerChanged"))
		return on_owner(e, m);
	return on_event(e, sd_bus_message_get_member(m), facts_id(sd_bus_message_get_path(m)), m);
}

static void events_done(struct events *e)
{
	json_decref(e->known);
}

int verb_events(struct ctl *c, char **arguments)
{
	_cleanup_(events_done) struct events e = { .ctl = c, .known = json_object() };
	_cleanup_(listen_stop) struct listener l = { .ctl = c, .handle = on_signal, .user = &e };
	int status = e.known ? listen_start(&l) : print_no_memory();

	(void)arguments;
	if (status == 0)
		status = learn(&e);
	return status ? status : listen_on(&l);
}
