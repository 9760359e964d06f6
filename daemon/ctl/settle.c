/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/settle.h"

#include <string.h>

#include "daemon/ctl/print.h"

int settle_begin(struct settle *s)
{
	int status;

	if (s->ctl->options->no_block)
		return 0;
	s->listener = (struct listener){ .ctl = s->ctl };
	status = listen_start(&s->listener);
	return status ? status : facts_read(s->ctl, &s->before);
}

void settle_done(struct settle *s)
{
	listen_stop(&s->listener);
	json_decref(s->before);
	s->before = NULL;
}

/* It will be negotiated, if the host does its part. */
static bool is_under_way(const json_t *component)
{
	static const char *const states[] = { "closed", "opening", "negotiating" };

	if (strcmp(member_text(component, "Outcome"), "none") != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (strcmp(member_text(component, "State"), states[i]) == 0)
			return true;
	return false;
}

static bool is_named(const json_t *component, const char *id)
{
	return id && strcmp(member_text(component, "Id"), id) == 0;
}

/* Those that nobody had negotiated before either may stay so: the change is not to blame. */
static bool is_awaited(const struct settle *s, const json_t *component, const char *named)
{
	const json_t *before = facts_component(s->before, member_text(component, "Id"));

	return is_under_way(component) && (is_named(component, named) || !is_under_way(before));
}

static bool has_changed(const struct settle *s, const json_t *component)
{
	const json_t *before = facts_component(s->before, member_text(component, "Id"));

	return member_number(json_object_get(component, "Counters"), "negotiations") !=
		       member_number(json_object_get(before, "Counters"), "negotiations") ||
	       strcmp(member_text(component, "State"), member_text(before, "State")) != 0;
}

static bool any_awaited(const struct settle *s, const json_t *facts, const char *named)
{
	json_t *component;
	size_t i;

	json_array_foreach(json_object_get(facts, "Components"), i, component)
		if (is_awaited(s, component, named))
			return true;
	return false;
}

/* Reads the facts after each of the daemon's signals, until nothing is awaited or time is up. */
static int await(struct settle *s, const char *named, json_t **ret)
{
	uint64_t deadline = listen_now() + s->ctl->options->timeout_s * USEC_PER_SEC;

	for (;;) {
		int status = facts_read(s->ctl, ret);

		if (status || !any_awaited(s, *ret, named) || listen_now() >= deadline)
			return status;
		json_decref(*ret);
		*ret = NULL;
		status = listen_once(&s->listener, deadline);
		if (status)
			return status;
	}
}

static bool concerns(const struct settle *s, const json_t *component, const char *named)
{
	return is_named(component, named) || has_changed(s, component);
}

static enum ctl_exit status_of(const struct settle *s, const json_t *component, const char *named)
{
	if (!concerns(s, component, named))
		return CTL_DONE;
	if (is_awaited(s, component, named))
		return CTL_TIMED_OUT;
	return strcmp(member_text(component, "State"), "broken") == 0 ? CTL_FAILED : CTL_DONE;
}

/* One line. */
static void tell(const struct ctl *c, const json_t *component, bool is_late)
{
	struct facts_clause clause = facts_clause(component);

	print_text(c, COLOUR_PLAIN, member_text(component, "Title"));
	(void)fputs(": ", c->out.to);
	if (is_late) {
		print_text(c, COLOUR_RED, "the host has not negotiated in time");
	} else if (clause.text[0] == '(') {
		print_text(c, clause.colour, member_text(component, "State"));
	} else {
		(void)fputs(clause.before, c->out.to);
		print_text(c, clause.colour, clause.text);
		(void)fputs(clause.behind, c->out.to);
	}
	(void)fputc('\n', c->out.to);
}

static int tell_all(const struct settle *s, const json_t *facts, const char *named)
{
	json_t *component;
	bool any = false;
	size_t i;

	json_array_foreach(json_object_get(facts, "Components"), i, component)
		if (concerns(s, component, named)) {
			tell(s->ctl, component, is_awaited(s, component, named));
			any = true;
		}
	if (!any)
		(void)fputs("nothing was negotiated anew\n", s->ctl->out.to);
	return print_end(s->ctl, CTL_DONE);
}

static int gravest(const struct settle *s, const json_t *facts, const char *named)
{
	enum ctl_exit most = CTL_DONE;
	json_t *component;
	size_t i;

	json_array_foreach(json_object_get(facts, "Components"), i, component) {
		enum ctl_exit status = status_of(s, component, named);

		most = status > most ? status : most;
	}
	return (int)most;
}

int settle_end(struct settle *s, const char *component)
{
	const struct ctl_options *o = s->ctl->options;
	_cleanup_(value_freep) json_t *facts = NULL;
	int status;

	if (o->no_block && !o->json)
		return CTL_DONE;
	status = o->no_block ? facts_read(s->ctl, &facts) : await(s, component, &facts);
	if (status)
		return status;
	status = o->json ? print_json(s->ctl, json_incref(facts)) : tell_all(s, facts, component);
	return status || o->no_block ? status : gravest(s, facts, component);
}
