/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/conf_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const conf_clock_names[CONF_CLOCKS] = {
	[CONF_CLOCK_NONE] = "none",
	[CONF_CLOCK_STEP] = "step",
};

const char *const conf_route_names[CONF_ROUTES] = {
	[CONF_ROUTE_VMBUS] = "vmbus",
	[CONF_ROUTE_HV_UTILS] = "hv_utils",
};

static const char *const log_target_names[LOG_TARGETS] = {
	[LOG_TARGET_AUTO] = "auto",
	[LOG_TARGET_JOURNAL] = "journal",
	[LOG_TARGET_STDERR] = "stderr",
};

/* Indexed by syslog's number; what is more urgent than an error does not occur. */
static const char *const log_level_names[] = {
	[LOG_ERR] = "err",       [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
	[LOG_INFO] = "info",     [LOG_DEBUG] = "debug",
};

struct conf conf_unsaid(void)
{
	struct conf conf = {
		.log_level = LOG_INFO,
		.log_target = LOG_TARGET_AUTO,
		.lock_memory = true,
		.profile = &profiles[0],
		.application_state = HEARTBEAT_UNKNOWN,
		.clock = CONF_CLOCK_NONE,
		.pool_directory = "/var/lib/hyperv",
		.kvp_route = CONF_ROUTE_VMBUS,
	};

	for (int c = 0; c < IC_COMPONENTS; c++)
		conf.component[c].enabled = true;
	/* hv_utils serves it without a user of its own that has to be let do it. */
	conf.component[IC_SHUTDOWN].enabled = false;
	return conf;
}

/* --- kinds of values that are read and written alike --- */

static const void *place_of(const struct conf_row *row, const struct conf *conf, enum ic_component c)
{
	return (const char *)(row->section ? (const void *)conf : &conf->component[c]) + row->place.offset;
}

static void *place_in(const struct conf_row *row, struct conf *said, enum ic_component c)
{
	return (void *)place_of(row, said, c);
}

static int set_choice(const struct conf_row *row, struct conf *said, enum ic_component c,
		      const char *value)
{
	return conf_value_parse_choice(value, row->place.names, row->place.n_names, place_in(row, said, c));
}

static bool get_choice(const struct conf_row *row, const struct conf *conf, enum ic_component c,
		       char to[static CONF_VALUE_SIZE])
{
	const unsigned *v = place_of(row, conf, c);

	(void)snprintf(to, CONF_VALUE_SIZE, "%s", row->place.names[*v]);
	return true;
}

static int set_yes_no(const struct conf_row *row, struct conf *said, enum ic_component c,
		      const char *value)
{
	return conf_value_parse_yes_no(value, place_in(row, said, c));
}

static bool get_yes_no(const struct conf_row *row, const struct conf *conf, enum ic_component c,
		       char to[static CONF_VALUE_SIZE])
{
	const bool *v = place_of(row, conf, c);

	(void)snprintf(to, CONF_VALUE_SIZE, "%s", *v ? "yes" : "no");
	return true;
}

static int set_number(const struct conf_row *row, struct conf *said, enum ic_component c,
		      const char *value)
{
	return conf_value_parse_number(value, row->place.min, row->place.max, place_in(row, said, c));
}

static bool get_number(const struct conf_row *row, const struct conf *conf, enum ic_component c,
		       char to[static CONF_VALUE_SIZE])
{
	const unsigned *v = place_of(row, conf, c);

	(void)snprintf(to, CONF_VALUE_SIZE, "%u", *v);
	return true;
}

/* --- the others --- */

static int set_profile(const struct conf_row *row, struct conf *said, enum ic_component c,
		       const char *value)
{
	const struct profile *p = profile_find(value);

	(void)row;
	(void)c;
	if (!p)
		return -EINVAL;
	said->profile = p;
	return 0;
}

static bool get_profile(const struct conf_row *row, const struct conf *conf, enum ic_component c,
			char to[static CONF_VALUE_SIZE])
{
	(void)row;
	(void)c;
	(void)snprintf(to, CONF_VALUE_SIZE, "%s", conf->profile->name);
	return true;
}

/* What would steer a terminal on which it is shown. */
static bool has_control_characters(const char *value)
{
	for (; *value; value++)
		if ((unsigned char)*value < ' ' || *value == 0x7f)
			return true;
	return false;
}

static int set_pool_directory(const struct conf_row *row, struct conf *said, enum ic_component c,
			      const char *value)
{
	(void)row;
	(void)c;
	if (value[0] != '/' || strlen(value) >= sizeof(said->pool_directory) ||
	    has_control_characters(value))
		return -EINVAL;
	/* All of it: two configurations that say the same are the same bytes. */
	(void)strncpy(said->pool_directory, value, sizeof(said->pool_directory) - 1);
	return 0;
}

static bool get_pool_directory(const struct conf_row *row, const struct conf *conf, enum ic_component c,
			       char to[static CONF_VALUE_SIZE])
{
	(void)row;
	(void)c;
	(void)snprintf(to, CONF_VALUE_SIZE, "%s", conf->pool_directory);
	return true;
}

static const struct ic_policy *spoken(enum ic_component c)
{
	return &profile_find("newest")->component[c];
}

static int set_framework(const struct conf_row *row, struct conf *said, enum ic_component c,
			 const char *value)
{
	(void)row;
	said->overrides[c].has_framework = true;
	return conf_value_parse_versions(value, &spoken(c)->framework, &said->overrides[c].framework);
}

static bool get_framework(const struct conf_row *row, const struct conf *conf, enum ic_component c,
			  char to[static CONF_VALUE_SIZE])
{
	(void)row;
	conf_value_format_versions(&conf->component[c].policy.framework, to);
	return true;
}

static int set_versions(const struct conf_row *row, struct conf *said, enum ic_component c,
			const char *value)
{
	(void)row;
	said->overrides[c].has_versions = true;
	return conf_value_parse_versions(value, &spoken(c)->message, &said->overrides[c].versions);
}

static bool get_versions(const struct conf_row *row, const struct conf *conf, enum ic_component c,
			 char to[static CONF_VALUE_SIZE])
{
	(void)row;
	conf_value_format_versions(&conf->component[c].policy.message, to);
	return true;
}

static int set_no_match(const struct conf_row *row, struct conf *said, enum ic_component c,
			const char *value)
{
	(void)row;
	said->overrides[c].has_no_match = true;
	return conf_value_parse_choice(value, ic_no_match_names, IC_NO_MATCHES,
				       &said->overrides[c].no_match);
}

static bool get_no_match(const struct conf_row *row, const struct conf *conf, enum ic_component c,
			 char to[static CONF_VALUE_SIZE])
{
	(void)row;
	(void)snprintf(to, CONF_VALUE_SIZE, "%s", ic_no_match_names[conf->component[c].policy.no_match]);
	return true;
}

static int set_answer_raw(const struct conf_row *row, struct conf *said, enum ic_component c,
			  const char *value)
{
	struct ic_raw *raw = &said->overrides[c].raw;

	(void)row;
	raw->has_answer = true;
	return conf_value_parse_pair(value, &raw->answer);
}

static bool get_answer_raw(const struct conf_row *row, const struct conf *conf, enum ic_component c,
			   char to[static CONF_VALUE_SIZE])
{
	const struct ic_raw *raw = &conf->component[c].policy.raw;

	(void)row;
	conf_value_format_pair(raw->answer, to);
	return raw->has_answer;
}

static int set_answer_counts(const struct conf_row *row, struct conf *said, enum ic_component c,
			     const char *value)
{
	struct ic_raw *raw = &said->overrides[c].raw;

	(void)row;
	raw->has_counts = true;
	return conf_value_parse_counts(value, raw->counts);
}

static bool get_answer_counts(const struct conf_row *row, const struct conf *conf, enum ic_component c,
			      char to[static CONF_VALUE_SIZE])
{
	const struct ic_raw *raw = &conf->component[c].policy.raw;

	(void)row;
	conf_value_format_counts(raw->counts, to);
	return raw->has_counts;
}

static int set_answer_truncate(const struct conf_row *row, struct conf *said, enum ic_component c,
			       const char *value)
{
	struct ic_raw *raw = &said->overrides[c].raw;
	unsigned v;

	if (conf_value_parse_number(value, row->place.min, row->place.max, &v) < 0)
		return -EINVAL;
	raw->has_truncate = true;
	raw->truncate = (uint16_t)v;
	return 0;
}

static bool get_answer_truncate(const struct conf_row *row, const struct conf *conf, enum ic_component c,
				char to[static CONF_VALUE_SIZE])
{
	const struct ic_raw *raw = &conf->component[c].policy.raw;

	(void)row;
	(void)snprintf(to, CONF_VALUE_SIZE, "%u", raw->truncate);
	return raw->has_truncate;
}

static int set_list(const struct conf_row *row, struct conf *said, enum ic_component c, const char *value)
{
	return policy_list_add(place_in(row, said, c), value);
}

static bool get_list(const struct conf_row *row, const struct conf *conf, enum ic_component c,
		     char to[static CONF_VALUE_SIZE])
{
	policy_list_format(place_of(row, conf, c), to, CONF_VALUE_SIZE);
	return true;
}

/* --- the table --- */

#define CHOICE(table, n, member)                                            \
	.set = set_choice, .get = get_choice,                               \
	.place = { .offset = offsetof(struct conf, member), .names = table, .n_names = n }

/* A choice is kept in what has the size of an unsigned. */
_Static_assert(sizeof(enum conf_clock) == sizeof(unsigned) && sizeof(int) == sizeof(unsigned), "");

#define VERSIONS_EXPECTED \
	"versions that vmicd speaks, best first, each once, separated by spaces, such as \"3.0 1.0\""

#define NAMES_EXPECTED "names that 'vmicd --list-operations' prints, separated by spaces"

const struct conf_row conf_rows[] = {
	{ "Daemon", "LogLevel", CHOICE(log_level_names, ARRAY_LEN(log_level_names), log_level),
	  .expected = "err, warning, notice, info or debug" },
	{ "Daemon", "LogTarget", CHOICE(log_target_names, LOG_TARGETS, log_target),
	  .expected = "auto, journal or stderr" },
	{ "Daemon", "LockMemory", set_yes_no, get_yes_no,
	  .place = { .offset = offsetof(struct conf, lock_memory) }, .expected = "yes or no" },
	{ "Negotiation", "Profile", set_profile, get_profile,
	  .expected = "a name that 'vmicd --list-profiles' prints" },
	{ "Policy", "Allow", set_list, get_list, .accumulates = true,
	  .place = { .offset = offsetof(struct conf, allow) }, .expected = NAMES_EXPECTED },
	{ "Policy", "Block", set_list, get_list, .accumulates = true,
	  .place = { .offset = offsetof(struct conf, block) }, .expected = NAMES_EXPECTED },
	{ "Heartbeat", "ApplicationState",
	  CHOICE(heartbeat_state_names, HEARTBEAT_STATES, application_state),
	  .expected = "unknown, healthy, critical or stopped" },
	{ "KVP", "PoolDirectory", set_pool_directory, get_pool_directory,
	  .expected = "an absolute path" },
	{ "KVP", "Route", CHOICE(conf_route_names, CONF_ROUTES, kvp_route),
	  .expected = "vmbus or hv_utils" },
	{ "TimeSync", "Clock", CHOICE(conf_clock_names, CONF_CLOCKS, clock),
	  .expected = "none or step" },
	{ NULL, "Enable", set_yes_no, get_yes_no,
	  .place = { .offset = offsetof(struct conf_component, enabled) }, .expected = "yes or no" },
	{ NULL, "Framework", set_framework, get_framework, .follows_profile = true,
	  .expected = VERSIONS_EXPECTED },
	{ NULL, "Versions", set_versions, get_versions, .follows_profile = true,
	  .expected = VERSIONS_EXPECTED },
	{ NULL, "NoMatch", set_no_match, get_no_match, .follows_profile = true,
	  .expected = "counts-zero, silent, own-newest or version-zero" },
	{ NULL, "AnswerRaw", set_answer_raw, get_answer_raw,
	  .expected = "framework/message, such as 9.9/7.7" },
	{ NULL, "AnswerCounts", set_answer_counts, get_answer_counts,
	  .expected = "two numbers, such as 2,0" },
	{ NULL, "AnswerTruncate", set_answer_truncate, get_answer_truncate,
	  .place = { .min = 1, .max = IC_PAYLOAD_MAX }, .expected = "a number of bytes from 1 to 16384" },
	{ NULL, "AnswerDelaySec", set_number, get_number,
	  .place = { .offset = offsetof(struct conf_component, answer_delay_s), .max = 3600 },
	  .expected = "a number of seconds from 0 to 3600" },
};

const size_t conf_n_rows = ARRAY_LEN(conf_rows);

_Static_assert(ARRAY_LEN(conf_rows) <= CONF_ROWS_MAX, "");

/* --- looking things up --- */

enum ic_component conf_section_component(const char *section)
{
	for (size_t i = 0; i < ic_n_services; i++)
		if (strcmp(ic_services[i]->name, section) == 0)
			return ic_services[i]->component;
	return IC_COMPONENTS;
}

bool conf_section_is_known(const char *section)
{
	const char *s;

	for (size_t i = 0; (s = conf_section_at(i)); i++)
		if (strcmp(s, section) == 0)
			return true;
	return false;
}

/* Whether a row is the first of a section that is no component's. The rows of one stand together. */
static bool begins_section(size_t row)
{
	const char *section = conf_rows[row].section;

	if (!section || conf_section_component(section) != IC_COMPONENTS)
		return false;
	return row == 0 || !conf_rows[row - 1].section || strcmp(conf_rows[row - 1].section, section) != 0;
}

const char *conf_section_at(size_t index)
{
	for (size_t i = 0; i < ARRAY_LEN(conf_rows); i++)
		if (begins_section(i) && index-- == 0)
			return conf_rows[i].section;
	return index < ic_n_services ? ic_services[index]->name : NULL;
}

bool conf_row_is_in(const struct conf_row *row, const char *section)
{
	return row->section ? strcmp(row->section, section) == 0 :
			      conf_section_component(section) != IC_COMPONENTS;
}

const struct conf_row *conf_row_find(const char *section, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(conf_rows); i++)
		if (strcmp(conf_rows[i].name, name) == 0 && conf_row_is_in(&conf_rows[i], section))
			return &conf_rows[i];
	return NULL;
}
