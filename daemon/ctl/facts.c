/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/names.h"
#include "daemon/ctl/from_bus.h"
#include "daemon/ctl/trouble.h"

const char *facts_id(const char *path)
{
	size_t n = strlen(BUS_COMPONENT_PATH);

	return strncmp(path, BUS_COMPONENT_PATH, n) == 0 ? path + n : "";
}

/* a{sa{sv}}: the object at this path, of which one interface says more than that it is one. */
static int read_component(sd_bus_message *m, const char *path, json_t *components)
{
	_cleanup_(value_freep) json_t *component = json_pack("{s:s}", "Id", facts_id(path));
	int r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{sa{sv}}");

	if (r < 0 || !component)
		return r < 0 ? r : -ENOMEM;
	while ((r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "sa{sv}")) > 0) {
		const char *interface;

		r = sd_bus_message_read(m, "s", &interface);
		if (r >= 0 && strcmp(interface, BUS_COMPONENT) == 0)
			r = from_bus_properties(m, component);
		else if (r >= 0)
			r = sd_bus_message_skip(m, "a{sv}");
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	if (*facts_id(path) && json_array_append(components, component) < 0)
		return -ENOMEM;
	return sd_bus_message_exit_container(m);
}

/* a{oa{sa{sv}}} */
static int read_components(sd_bus_message *m, json_t *components)
{
	int r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{oa{sa{sv}}}");

	if (r < 0)
		return r;
	while ((r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "oa{sa{sv}}")) > 0) {
		const char *path;

		r = sd_bus_message_read(m, "o", &path);
		if (r >= 0)
			r = read_component(m, path, components);
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int by_title(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	int order = strcmp(member_text(x, "Title"), member_text(y, "Title"));

	return order != 0 ? order : strcmp(member_text(x, "Id"), member_text(y, "Id"));
}

/* The bus gives them in no order; Get-VMIntegrationService in that of their names. */
static int sort(const json_t *components, json_t *sorted)
{
	size_t n = json_array_size(components);
	json_t **order = calloc(n + 1, sizeof(*order));
	int r = order ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		order[i] = json_array_get(components, i);
	if (r == 0)
		qsort(order, n, sizeof(*order), by_title);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = json_array_append(sorted, order[i]) < 0 ? -ENOMEM : 0;
	free(order);
	return r;
}

static int call(struct ctl *c, const char *interface, const char *member, const char *argument,
		sd_bus_message **ret, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(c->bus, &m, BUS_NAME, BUS_PATH, interface, member);

	if (r >= 0)
		r = sd_bus_message_set_auto_start(m, false);
	if (r >= 0 && argument)
		r = sd_bus_message_append(m, "s", argument);
	return r < 0 ? r : sd_bus_call(c->bus, m, 0, error, ret);
}

static int read_all(struct ctl *c, json_t *facts, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *manager = NULL, *objects = NULL;
	_cleanup_(value_freep) json_t *components = json_array(), *sorted = json_array();
	int r;

	if (!facts || !components || !sorted)
		return -ENOMEM;
	r = call(c, BUS_PROPERTIES, "GetAll", BUS_MANAGER, &manager, error);
	if (r >= 0)
		r = from_bus_properties(manager, facts);
	if (r >= 0)
		r = call(c, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL, &objects,
			 error);
	if (r >= 0)
		r = read_components(objects, components);
	if (r >= 0)
		r = sort(components, sorted);
	if (r < 0)
		return r;
	return json_object_set(facts, "Components", sorted) < 0 ? -ENOMEM : 0;
}

int facts_read(struct ctl *c, json_t **ret)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(value_freep) json_t *facts = json_object();
	int r = read_all(c, facts, &error);

	if (r < 0)
		return trouble_say(c, r, &error);
	*ret = TAKE_PTR(facts);
	return 0;
}

json_t *facts_component(const json_t *facts, const char *id)
{
	json_t *component;
	size_t i;

	json_array_foreach(json_object_get(facts, "Components"), i, component)
		if (strcmp(member_text(component, "Id"), id) == 0)
			return component;
	return NULL;
}

const char *facts_agreed(const json_t *component, char ret[static FACTS_AGREED_SIZE],
			 enum colour *ret_colour)
{
	static const struct {
		const char *outcome, *before;
		bool has_answer;
		enum colour colour;
	} outcomes[] = {
		{ "agreed", "", true, COLOUR_GREEN },
		{ "forced", "forced ", true, COLOUR_RED },
		{ "no-common-version", "nothing", false, COLOUR_RED },
	};
	const json_t *answer = json_object_get(component, "Answer");
	const char *outcome = member_text(component, "Outcome"), *state = member_text(component, "State");

	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
		if (strcmp(outcomes[i].outcome, outcome) != 0)
			continue;
		(void)snprintf(ret, FACTS_AGREED_SIZE, "%s%s%s%s", outcomes[i].before,
			       outcomes[i].has_answer ? member_text(answer, "Framework") : "",
			       outcomes[i].has_answer ? "/" : "",
			       outcomes[i].has_answer ? member_text(answer, "Message") : "");
		*ret_colour = outcomes[i].colour;
		return ret;
	}
	(void)snprintf(ret, FACTS_AGREED_SIZE, "(%s)", state);
	*ret_colour = strcmp(state, "broken") == 0 ? COLOUR_RED : COLOUR_DIM;
	return ret;
}

struct facts_clause facts_clause(const json_t *component)
{
	static const char forced[] = "forced ";
	struct facts_clause clause = { .before = "agreed on ", .behind = "" };

	(void)facts_agreed(component, clause.text, &clause.colour);
	if (strncmp(clause.text, forced, strlen(forced)) == 0) {
		memmove(clause.text, clause.text + strlen(forced), strlen(clause.text + strlen(forced)) + 1);
		clause.before = "answered ";
		clause.behind = ", forced";
	}
	return clause;
}
