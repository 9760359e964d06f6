/* SPDX-License-Identifier: GPL-2.0-only */
/* vmicctl versions: what is offered, admitted to and answered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/facts.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/verb.h"

/* "1.0 3.0", or "-". */
static void add_list(struct grid *g, const json_t *list)
{
	_cleanup_(freep) char *line = value_line(list);

	grid_add(g, COLOUR_PLAIN, line && *line ? line : "-");
}

/* One half of what was answered; where nothing was, what facts_agreed has instead. */
static void add_answer(struct grid *g, const json_t *component, const char *part)
{
	const char *version = member_text(json_object_get(component, "Answer"), part);
	const char *outcome = member_text(component, "Outcome");
	char agreed[FACTS_AGREED_SIZE], text[2 * FACTS_AGREED_SIZE];
	enum colour colour;

	(void)facts_agreed(component, agreed, &colour);
	if (strcmp(outcome, "agreed") == 0)
		(void)snprintf(text, sizeof(text), "%s", version);
	else if (strcmp(outcome, "forced") == 0)
		(void)snprintf(text, sizeof(text), "forced %s", version);
	else
		(void)snprintf(text, sizeof(text), "%s", agreed);
	grid_add(g, colour, text);
}

static void add_part(struct grid *g, const json_t *component, const char *part)
{
	char admitted[32], offered[32];

	(void)snprintf(admitted, sizeof(admitted), "Admitted%s", part);
	(void)snprintf(offered, sizeof(offered), "Offered%s", part);
	grid_add(g, COLOUR_PLAIN, member_text(component, "Id"));
	grid_add(g, COLOUR_PLAIN, part);
	add_answer(g, component, part);
	add_list(g, json_object_get(component, admitted));
	add_list(g, json_object_get(component, offered));
}

static int print_table(const struct ctl *c, const json_t *facts)
{
	static const struct grid_column columns[] = {
		{ .title = "Component" },
		{ .title = "Part" },
		{ .title = "Answered" },
		{ .title = "Admitted", .least = 12 },
		{ .title = "Offered", .least = 20 },
	};
	struct grid g = { .columns = columns, .n_columns = ARRAY_LEN(columns) };
	json_t *component;
	size_t i;

	json_array_foreach(json_object_get(facts, "Components"), i, component) {
		add_part(&g, component, "Framework");
		add_part(&g, component, "Message");
	}
	return print_grid(c, &g);
}

/* Of each component, what is about versions. */
static json_t *versions_json(const json_t *facts)
{
	static const char *const names[] = { "Id", "Name", "Title", "Served", "State", "Profile",
					     "Overridden", "AdmittedFramework", "AdmittedMessage",
					     "OfferedFramework", "OfferedMessage", "Outcome", "Answer" };
	json_t *all = json_array(), *component;
	size_t i;

	json_array_foreach(json_object_get(facts, "Components"), i, component) {
		json_t *one = json_object();

		for (size_t n = 0; n < ARRAY_LEN(names); n++) {
			json_t *value = json_object_get(component, names[n]);

			if (value)
				(void)json_object_set(one, names[n], value);
		}
		(void)json_array_append_new(all, one);
	}
	return json_pack("{s:o}", "Components", all);
}

int verb_versions(struct ctl *c, char **arguments)
{
	_cleanup_(value_freep) json_t *facts = NULL;
	int status = facts_read(c, &facts);

	(void)arguments;
	if (status)
		return status;
	return c->options->json ? print_json(c, versions_json(facts)) : print_table(c, facts);
}
