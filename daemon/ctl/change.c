/* SPDX-License-Identifier: GPL-2.0-only */
/* The verbs that change what the daemon does, but for its key-value pairs. */
#include <ctype.h>
#include <string.h>

#include "daemon/ctl/call.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/settle.h"
#include "daemon/ctl/verb.h"
#include "daemon/ctl/words.h"

/* --- arguments that there are few of --- */

static bool is_one_of(const char *const *words, size_t n, const char *word,
		      int (*compare)(const char *a, const char *b))
{
	for (size_t i = 0; i < n; i++)
		if (compare(words[i], word) == 0)
			return true;
	return false;
}

/* It may be of another version than we are, and know more. */
static bool is_asked_elsewhere(const struct ctl *c)
{
	return c->options->host || c->options->machine;
}

/* What the daemon would say of a wrong one as well. */
int check_component(const struct ctl *c, char **arguments)
{
	static const char *const components[] = { "heartbeat", "kvp", "shutdown", "timesync" };

	if (!arguments[0] || is_asked_elsewhere(c) ||
	    is_one_of(components, ARRAY_LEN(components), arguments[0], strcasecmp))
		return 0;
	return words_say(CTL_NO_SUCH_THING, "there is no component '%s', but: heartbeat, kvp, shutdown, timesync",
			 arguments[0]);
}

int check_health(const struct ctl *c, char **arguments)
{
	static const char *const states[] = { "healthy", "critical", "unknown", "stopped" };

	if (!arguments[0] || is_asked_elsewhere(c) || is_one_of(states, ARRAY_LEN(states), arguments[0], strcmp))
		return 0;
	return words_say(CTL_USAGE, "health wants one of: healthy, critical, unknown, stopped");
}

/* --- profile --- */

static int list_profiles(const struct ctl *c, const json_t *facts)
{
	static const struct grid_column columns[] = {
		{ .title = "" }, { .title = "Name" }, { .title = "Title", .least = 20 }
	};
	struct grid g = { .columns = columns, .n_columns = ARRAY_LEN(columns) };
	const char *in_force = member_text(facts, "Profile");
	json_t *profile;
	size_t i;

	json_array_foreach(json_object_get(facts, "Profiles"), i, profile) {
		bool is_it = strcmp(member_text(profile, "Name"), in_force) == 0;
		enum colour colour = is_it ? COLOUR_GREEN : COLOUR_PLAIN;

		grid_add(&g, colour, is_it ? "*" : " ");
		grid_add(&g, colour, member_text(profile, "Name"));
		grid_add(&g, COLOUR_PLAIN, member_text(profile, "Title"));
	}
	return print_grid(c, &g);
}

static int show_profiles(struct ctl *c)
{
	_cleanup_(value_freep) json_t *facts = NULL;
	int status = facts_read(c, &facts);

	if (status)
		return status;
	if (!c->options->json)
		return list_profiles(c, facts);
	return print_json(c, json_pack("{s:O, s:O}", "Profile", json_object_get(facts, "Profile"),
				       "Profiles", json_object_get(facts, "Profiles")));
}

int verb_profile(struct ctl *c, char **arguments)
{
	_cleanup_(settle_done) struct settle s = { .ctl = c };
	int status;

	if (!arguments[0])
		return show_profiles(c);
	status = settle_begin(&s);
	if (status == 0)
		status = call_change(c, "SetProfile", "s", arguments[0]);
	return status ? status : settle_end(&s, NULL);
}

/* --- renegotiate, reload --- */

int verb_renegotiate(struct ctl *c, char **arguments)
{
	_cleanup_(settle_done) struct settle s = { .ctl = c };
	char *id = arguments[0];
	int status = settle_begin(&s);

	/* They are written in any case: "TimeSync". */
	for (char *p = id; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (status == 0)
		status = call_change(c, "Renegotiate", "s", id ? id : "");
	return status ? status : settle_end(&s, id);
}

int verb_reload(struct ctl *c, char **arguments)
{
	_cleanup_(settle_done) struct settle s = { .ctl = c };
	int status = settle_begin(&s);

	(void)arguments;
	if (status == 0)
		status = call_change(c, "Reload", "");
	return status ? status : settle_end(&s, NULL);
}

/* --- health --- */

static int show_health(struct ctl *c)
{
	_cleanup_(value_freep) json_t *facts = NULL;
	int status = facts_read(c, &facts);

	if (status)
		return status;
	if (c->options->json)
		return print_json(c, json_pack("{s:O}", "ApplicationState",
					       json_object_get(facts, "ApplicationState")));
	return print_line(c, COLOUR_PLAIN, member_text(facts, "ApplicationState"));
}

int verb_health(struct ctl *c, char **arguments)
{
	int status;

	if (!arguments[0])
		return show_health(c);
	status = call_change(c, "SetApplicationState", "s", arguments[0]);
	if (status || !c->options->json)
		return status;
	return print_json(c, json_pack("{s:s}", "ApplicationState", arguments[0]));
}
