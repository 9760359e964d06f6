/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/conf_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hv_util/timesync.h"

/* --- what surprises, judged on what is in force --- */

static bool is_served(const struct conf *conf, enum ic_component c)
{
	return conf_component_is_served(&conf->component[c]);
}

static bool is_quiet(const struct conf *conf, enum ic_component c)
{
	(void)c;
	return conf->log_level < LOG_INFO;
}

static bool serves_nothing(const struct conf *conf, enum ic_component c)
{
	(void)c;
	for (size_t i = 0; i < ic_n_services; i++)
		if (is_served(conf, ic_services[i]->component))
			return false;
	return true;
}

static bool steps_unserved(const struct conf *conf, enum ic_component c)
{
	return conf->clock == CONF_CLOCK_STEP && !is_served(conf, c);
}

static bool is_behind_driver(const struct conf *conf)
{
	return conf->kvp_route == CONF_ROUTE_HV_UTILS;
}

static bool routes_unserved(const struct conf *conf, enum ic_component c)
{
	return is_behind_driver(conf) && !is_served(conf, c);
}

static bool routes_answers(const struct conf *conf, enum ic_component c)
{
	return is_behind_driver(conf) && is_served(conf, c) &&
	       conf_component_has_own_answers(&conf->component[c]);
}

static bool answers_raw(const struct conf *conf, enum ic_component c)
{
	return conf->component[c].policy.raw.has_answer;
}

static bool answers_counts(const struct conf *conf, enum ic_component c)
{
	return conf->component[c].policy.raw.has_counts;
}

static bool answers_truncated(const struct conf *conf, enum ic_component c)
{
	return conf->component[c].policy.raw.has_truncate;
}

static bool answers_late(const struct conf *conf, enum ic_component c)
{
	return conf->component[c].answer_delay_s > 0;
}

static bool lists_overlap(const struct conf *conf, enum ic_component c)
{
	(void)c;
	return policy_lists_overlap(&conf->allow, &conf->block);
}

static bool steps_blocked(const struct conf *conf, enum ic_component c)
{
	return conf->clock == CONF_CLOCK_STEP && is_served(conf, c) &&
	       conf->component[c].policy.blocked & ic_operations_named(&ic_timesync, "sync");
}

static bool blocks_all(const struct conf *conf, enum ic_component c)
{
	uint32_t blocked = conf->component[c].policy.blocked;

	return is_served(conf, c) && blocked && blocked == policy_operations(c);
}

#define FOR_TESTING "this is for testing hosts, no guest should answer so"

/* key is what the sentence is about; no two sections' keys have the same name but for the components'. */
static const struct {
	const char *key;
	bool (*holds)(const struct conf *conf, enum ic_component c);
	const char *text;
} findings[] = {
	{ "LogLevel", is_quiet, "negotiations are logged at level info, and so are not logged" },
	{ "Profile", serves_nothing, "no component is served" },
	{ "Clock", steps_unserved, "TimeSync is not served, the clock is never stepped" },
	{ "Clock", steps_blocked, "timesync.sync is blocked, the clock is never stepped" },
	{ "Block", lists_overlap, "what is in Allow as well is blocked" },
	{ "Enable", blocks_all, "all its operations are blocked, while its channel is open and negotiated" },
	{ "Route", routes_unserved, "KVP is not served" },
	{ "Route", routes_answers,
	  "hv_utils negotiates itself, what [KVP] says of versions and answers is ignored" },
	{ "AnswerRaw", answers_raw, FOR_TESTING },
	{ "AnswerCounts", answers_counts, FOR_TESTING },
	{ "AnswerTruncate", answers_truncated, FOR_TESTING },
	{ "AnswerDelaySec", answers_late, FOR_TESTING },
};

/* --- where it is said --- */

struct checking {
	const struct conf_reading *reading;
	void (*warn)(void *user, const struct conf_warning *warning);
	void *user;
};

__attribute__((format(printf, 4, 5))) static void warn(const struct checking *to, unsigned file, unsigned line,
							const char *format, ...)
{
	struct conf_warning w;
	int n = 0;
	va_list ap;

	if (file > 0)
		n = snprintf(w.text, sizeof(w.text), "%.250s:%u: ", to->reading->files.path[file - 1], line);
	va_start(ap, format);
	(void)vsnprintf(w.text + n, sizeof(w.text) - (size_t)n, format, ap);
	va_end(ap);
	to->warn(to->user, &w);
}

/* Of a key that is given twice in a file, one is not meant. */
static void check_hidden(const struct checking *to, const char *section, const struct conf_row *row)
{
	const struct conf_origin *o = conf_origin_of(to->reading, row, conf_section_component(section));

	if (o->hidden_line > 0)
		warn(to, o->file, o->hidden_line, "[%s] %s: given again in line %u, which is the one that counts",
		     section, row->name, o->line);
}

static void check_key(const struct checking *to, const char *section, const struct conf_row *row)
{
	const struct conf *conf = &to->reading->conf;
	enum ic_component c = conf_section_component(section);
	const struct conf_origin *o = conf_origin_of(to->reading, row, c);
	char value[CONF_VALUE_SIZE];

	check_hidden(to, section, row);
	for (size_t i = 0; i < ARRAY_LEN(findings); i++)
		if (strcmp(findings[i].key, row->name) == 0 && findings[i].holds(conf, c) &&
		    row->get(row, conf, c, value))
			warn(to, o->file, o->line, "[%s] %s=%.120s: %s", section, row->name, value,
			     findings[i].text);
}

void conf_check(const struct conf_reading *reading,
		void (*tell)(void *user, const struct conf_warning *warning), void *user)
{
	const struct checking to = { .reading = reading, .warn = tell, .user = user };
	const char *section;

	for (size_t i = 0; (section = conf_section_at(i)); i++)
		for (size_t k = 0; k < conf_n_rows; k++)
			if (conf_row_is_in(&conf_rows[k], section))
				check_key(&to, section, &conf_rows[k]);
}
