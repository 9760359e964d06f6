/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/verb.h"

#include <string.h>

#include "daemon/ctl/words.h"

#define TABLE (VERB_FULL | VERB_NO_LEGEND)

const struct verb verb_table[] = {
	{ "status", NULL, "", 0, 0, VERB_RELEASE | TABLE,
	  "the table that a host shows for this guest", NULL, verb_status },
	{ "versions", NULL, "", 0, 0, TABLE,
	  "what is offered, admitted to and answered", NULL, verb_versions },
	{ "profile", NULL, "[NAME]", 0, 1, TABLE | VERB_NO_BLOCK | VERB_CHANGES,
	  "list the kinds of guest, or be one of them", NULL, verb_profile },
	{ "renegotiate", NULL, "[COMPONENT]", 0, 1, VERB_NO_BLOCK | VERB_CHANGES,
	  "have the host negotiate anew, on all channels", check_component, verb_renegotiate },
	{ "kvp", "get", "KEY", 1, 1, VERB_POOL | VERB_ONE_POOL, "print a key's value", check_key, verb_kvp_get },
	{ "kvp", "set", "KEY VALUE", 2, 2, VERB_CHANGES, "give a key a value, for the host to read", check_key,
	  verb_kvp_set },
	{ "kvp", "delete", "KEY", 1, 1, VERB_CHANGES, "take a key away", check_key, verb_kvp_delete },
	{ "kvp", "list", "", 0, 0, VERB_POOL | TABLE, "print keys and values", NULL, verb_kvp_list },
	{ "kvp", "watch", "", 0, 0, VERB_POOL | VERB_FULL, "print what changes, as it changes", NULL,
	  verb_kvp_watch },
	{ "health", NULL, "[STATE]", 0, 1, VERB_CHANGES,
	  "what heartbeats say of the applications", check_health, verb_health },
	{ "events", NULL, "", 0, 0, VERB_FULL, "print what happens, as it happens", NULL, verb_events },
	{ "reload", NULL, "", 0, 0, VERB_NO_BLOCK | VERB_CHANGES, "read the configuration again", NULL,
	  verb_reload },
};

const size_t verb_count = ARRAY_LEN(verb_table);

static const struct verb *find(const char *name, const char *part)
{
	for (size_t i = 0; i < verb_count; i++)
		if (strcmp(verb_table[i].name, name) == 0 &&
		    (!verb_table[i].part || !part || strcmp(verb_table[i].part, part) == 0))
			return &verb_table[i];
	return NULL;
}

/* "get, set, ..." */
static int say_parts(const char *name)
{
	char parts[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < verb_count; i++)
		if (strcmp(verb_table[i].name, name) == 0)
			used += (size_t)snprintf(parts + used, sizeof(parts) - used, "%s%s",
						 used ? ", " : "", verb_table[i].part);
	return words_say(CTL_USAGE, "%s wants one of: %s", name, parts);
}

int verb_parse(char **words, const struct verb **ret, char ***ret_words)
{
	const struct verb *verb = words[0] ? find(words[0], NULL) : &verb_table[0];
	unsigned n = 0;

	if (!verb)
		return words_say(CTL_USAGE, "there is no verb '%s': 'vmicctl --help' lists them", words[0]);
	words += words[0] != NULL;
	if (verb->part) {
		verb = words[0] ? find(verb->name, words[0]) : NULL;
		if (!verb)
			return say_parts(words[-1]);
		words++;
	}
	while (words[n])
		n++;
	if (n < verb->least || n > verb->most)
		return words_say(CTL_USAGE, "expected: vmicctl %s%s%s%s%s", verb->name,
				 verb->part ? " " : "", verb->part ? verb->part : "",
				 *verb->arguments ? " " : "", verb->arguments);
	*ret = verb;
	*ret_words = words;
	return 0;
}

void verb_help(FILE *to)
{
	for (size_t i = 0; i < verb_count; i++) {
		const struct verb *v = &verb_table[i];
		char left[64];

		(void)snprintf(left, sizeof(left), "%s%s%s %s", v->name, v->part ? " " : "",
			       v->part ? v->part : "", v->arguments);
		(void)fprintf(to, "  %-26s %s\n", left, v->text);
	}
}
