/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/event_form.h"

#include <string.h>

#include "daemon/ctl/facts.h"
#include "daemon/ctl/pool.h"

static void print_negotiated(FILE *to, const json_t *event)
{
	struct facts_clause clause = facts_clause(event);

	(void)fprintf(to, "negotiated, %s%s%s", clause.before, clause.text, clause.behind);
}

static void print_lost(FILE *to, const json_t *event)
{
	(void)event;
	(void)fputs("lost, what was agreed on does not hold any more", to);
}

static void print_stepped(FILE *to, const json_t *event)
{
	(void)fprintf(to, "the clock was stepped by %+.6f s", (double)member_number(event, "Nanoseconds") / 1e9);
}

/* "the host asks for poweroff, forced, in 300 s: maintenance". */
static void print_shutdown(FILE *to, const json_t *event)
{
	const char *message = member_text(event, "Message");

	(void)fprintf(to, "the host asks for %s%s, in %lld s%s%s", member_text(event, "Action"),
		      json_is_true(json_object_get(event, "Forced")) ? ", forced" : "",
		      member_number(event, "TimeoutUsec") / 1000000, *message ? ": " : "", message);
}

static void print_pool(FILE *to, const json_t *event)
{
	long long pool = member_number(event, "Pool");

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

/* "State is running, Answer is 3.0/5.0". Points of time are those of the line. */
static void print_properties(FILE *to, const json_t *event)
{
	const char *name, *between = "";
	json_t *value;
	size_t i;

	json_object_foreach(json_object_get(event, "Changed"), name, value) {
		_cleanup_(freep) char *line = value_line(value);

		if (strstr(name, "Timestamp"))
			continue;
		(void)fprintf(to, "%s%s is %s", between, name, line && *line ? line : "empty");
		between = ", ";
	}
	json_array_foreach(json_object_get(event, "Invalidated"), i, value) {
		(void)fprintf(to, "%s%s has changed", between, value_text(value));
		between = ", ";
	}
}

/* "broken: its ring is of another size"; other events tell the rest. */
static bool print_state(FILE *to, const json_t *event)
{
	const json_t *changed = json_object_get(event, "Changed");
	const char *state = member_text(changed, "State"), *error = member_text(changed, "LastError");

	(void)fprintf(to, "%s%s%s", state, *state && *error ? ": " : "", error);
	return *state || *error;
}

/* What a newer daemon tells. */
static void print_other(FILE *to, const json_t *event)
{
	_cleanup_(freep) char *line = value_line(json_object_get(event, "Arguments"));

	(void)fprintf(to, "%s %s", member_text(event, "Event"), line ? line : "");
}

static const struct event_form forms[] = {
	{ "Negotiated", { "Outcome", "Answer" }, COLOUR_GREEN, print_negotiated, NULL },
	{ "Lost", { NULL }, COLOUR_YELLOW, print_lost, NULL },
	{ "ClockStepped", { "Nanoseconds" }, COLOUR_YELLOW, print_stepped, NULL },
	{ "ShutdownRequested", { "Action", "Forced", "TimeoutUsec", "Message" }, COLOUR_RED, print_shutdown, NULL },
	{ "PoolChanged", { "Pool" }, COLOUR_PLAIN, print_pool, NULL },
	{ "ConfigurationChanged", { NULL }, COLOUR_PLAIN, print_configuration, NULL },
	{ "PropertiesChanged", { "Interface", "Changed", "Invalidated" }, COLOUR_DIM, print_properties,
	  print_state },
	{ "Started", { NULL }, COLOUR_GREEN, print_started, NULL },
	{ "Stopped", { NULL }, COLOUR_RED, print_stopped, NULL },
};

static const struct event_form other = { .colour = COLOUR_PLAIN, .print = print_other };

const struct event_form *event_form_of(const char *member)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (strcmp(forms[i].member, member) == 0)
			return &forms[i];
	return &other;
}
