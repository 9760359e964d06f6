/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/conf.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf_files.h"

#define SYSTEM_FILE "/etc/vmicd/vmicd.conf"
static const char *const system_drop_ins[] = {
	"/usr/lib/vmicd/vmicd.conf.d",
	"/run/vmicd/vmicd.conf.d",
	"/etc/vmicd/vmicd.conf.d",
};

/* What the components' sections say, kept apart until the profile is known: the order of the
 * files and keys must not matter for that. */
struct overrides {
	bool has_framework, has_versions, has_no_match;
	struct ic_admitted framework, versions;
	enum ic_no_match no_match;
	struct ic_raw raw;
};

/* The reading of one file. */
struct reading {
	struct conf conf;
	struct overrides overrides[IC_COMPONENTS];
	const char *path;
	FILE *file;
	unsigned line;
	int failure;              /* a negative errno: the file cannot be read on */
	struct conf_error *error; /* text[0] == 0: none so far; otherwise it is about line */
};

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

__attribute__((format(printf, 2, 3))) static void complain(struct conf_error *error,
							   const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, ap);
	va_end(ap);

	/* What a file holds must not steer the terminal on which it is complained of. */
	for (char *c = error->text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

/* A list of names for a message, as it grows. */
struct names {
	char text[256];
	size_t used;
};

static void names_add(struct names *n, const char *name)
{
	int len = snprintf(n->text + n->used, sizeof(n->text) - n->used, "%s%s", n->used ? ", " : "",
			   name);

	if (len > 0 && (size_t)len < sizeof(n->text) - n->used)
		n->used += (size_t)len;
}

/* --- values: each parser returns 0, or -EINVAL for what is not its kind --- */

static int parse_name(const char *value, const char *const *names, size_t n, unsigned *ret)
{
	for (size_t i = 0; i < n; i++)
		if (names[i] && strcmp(names[i], value) == 0) {
			*ret = (unsigned)i;
			return 0;
		}
	return -EINVAL;
}

/* A decimal number of at most max behind *p, which then stands behind it. */
static int parse_number(const char **p, unsigned max, unsigned *ret)
{
	unsigned long v = 0;

	if (**p < '0' || **p > '9')
		return -EINVAL;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		v = v * 10 + (unsigned long)(**p - '0');
		if (v > max)
			return -EINVAL;
	}
	*ret = (unsigned)v;
	return 0;
}

static int parse_whole_number(const char *value, unsigned min, unsigned max, unsigned *ret)
{
	int r = parse_number(&value, max, ret);

	return r < 0 || *value || *ret < min ? -EINVAL : 0;
}

/* Two numbers with a separator between them. */
static int parse_two(const char **p, char separator, unsigned max, uint16_t *ret_a, uint16_t *ret_b)
{
	unsigned a, b;

	if (parse_number(p, max, &a) < 0 || *(*p)++ != separator || parse_number(p, max, &b) < 0)
		return -EINVAL;
	*ret_a = (uint16_t)a;
	*ret_b = (uint16_t)b;
	return 0;
}

static int parse_version(const char **p, struct ic_version *ret)
{
	return parse_two(p, '.', UINT16_MAX, &ret->major, &ret->minor);
}

static bool admits(const struct ic_admitted *list, struct ic_version v)
{
	for (unsigned i = 0; i < list->n; i++)
		if (ic_version_equal(list->v[i], v))
			return true;
	return false;
}

/* A list of versions that are among those that vmicd can speak; each at most once. */
static int parse_versions(const char *value, const struct ic_admitted *spoken,
			  struct ic_admitted *ret)
{
	struct ic_admitted list = { 0 };

	for (const char *p = value; *p;) {
		struct ic_version v;

		if (parse_version(&p, &v) < 0 || (*p && *p != ' ' && *p != '\t') ||
		    !admits(spoken, v) || admits(&list, v))
			return -EINVAL;
		list.v[list.n++] = v;
		p += strspn(p, " \t");
	}
	if (list.n == 0)
		return -EINVAL;
	*ret = list;
	return 0;
}

/* --- keys --- */

static int set_log_level(struct reading *r, enum ic_component c, const char *value)
{
	unsigned v;

	(void)c;
	if (parse_name(value, log_level_names, ARRAY_LEN(log_level_names), &v) < 0)
		return -EINVAL;
	r->conf.log_level = (int)v;
	return 0;
}

static int set_log_target(struct reading *r, enum ic_component c, const char *value)
{
	(void)c;
	return parse_name(value, log_target_names, LOG_TARGETS, &r->conf.log_target);
}

static int set_profile(struct reading *r, enum ic_component c, const char *value)
{
	const struct profile *p = profile_find(value);

	(void)c;
	if (!p)
		return -EINVAL;
	r->conf.profile = p;
	return 0;
}

static int set_state(struct reading *r, enum ic_component c, const char *value)
{
	(void)c;
	return parse_name(value, heartbeat_state_names, HEARTBEAT_STATES,
			  &r->conf.application_state);
}

static int set_clock(struct reading *r, enum ic_component c, const char *value)
{
	(void)c;
	return parse_name(value, conf_clock_names, CONF_CLOCKS, &r->conf.clock);
}

static int set_pool_directory(struct reading *r, enum ic_component c, const char *value)
{
	(void)c;
	if (value[0] != '/' || strlen(value) >= sizeof(r->conf.pool_directory))
		return -EINVAL;
	(void)strcpy(r->conf.pool_directory, value);
	return 0;
}

static int set_route(struct reading *r, enum ic_component c, const char *value)
{
	(void)c;
	return parse_name(value, conf_route_names, CONF_ROUTES, &r->conf.kvp_route);
}

static int set_enable(struct reading *r, enum ic_component c, const char *value)
{
	static const char *const names[] = { "no", "yes" };
	unsigned v;

	if (parse_name(value, names, ARRAY_LEN(names), &v) < 0)
		return -EINVAL;
	r->conf.component[c].enabled = v;
	return 0;
}

static const struct ic_policy *spoken(enum ic_component c)
{
	return &profile_find("newest")->component[c];
}

static int set_framework(struct reading *r, enum ic_component c, const char *value)
{
	r->overrides[c].has_framework = true;
	return parse_versions(value, &spoken(c)->framework, &r->overrides[c].framework);
}

static int set_versions(struct reading *r, enum ic_component c, const char *value)
{
	r->overrides[c].has_versions = true;
	return parse_versions(value, &spoken(c)->message, &r->overrides[c].versions);
}

static int set_no_match(struct reading *r, enum ic_component c, const char *value)
{
	r->overrides[c].has_no_match = true;
	return parse_name(value, ic_no_match_names, IC_NO_MATCHES, &r->overrides[c].no_match);
}

static int set_answer_raw(struct reading *r, enum ic_component c, const char *value)
{
	struct ic_raw *raw = &r->overrides[c].raw;

	raw->has_answer = true;
	if (parse_version(&value, &raw->answer.framework) < 0 || *value++ != '/' ||
	    parse_version(&value, &raw->answer.message) < 0)
		return -EINVAL;
	return *value ? -EINVAL : 0;
}

static int set_answer_counts(struct reading *r, enum ic_component c, const char *value)
{
	struct ic_raw *raw = &r->overrides[c].raw;

	raw->has_counts = true;
	if (parse_two(&value, ',', UINT16_MAX, &raw->counts[0], &raw->counts[1]) < 0)
		return -EINVAL;
	return *value ? -EINVAL : 0;
}

static int set_answer_truncate(struct reading *r, enum ic_component c, const char *value)
{
	struct ic_raw *raw = &r->overrides[c].raw;
	unsigned v;

	raw->has_truncate = true;
	if (parse_whole_number(value, 1, IC_PAYLOAD_MAX, &v) < 0)
		return -EINVAL;
	raw->truncate = (uint16_t)v;
	return 0;
}

static int set_answer_delay(struct reading *r, enum ic_component c, const char *value)
{
	return parse_whole_number(value, 0, 3600, &r->conf.component[c].answer_delay_s);
}

#define VERSIONS_EXPECTED \
	"versions that vmicd speaks, best first, each once, separated by spaces, such as \"3.0 1.0\""

/* section NULL: every component's */
static const struct key {
	const char *section, *key;
	int (*set)(struct reading *r, enum ic_component c, const char *value);
	const char *expected;
} keys[] = {
	{ "Daemon", "LogLevel", set_log_level, "err, warning, notice, info or debug" },
	{ "Daemon", "LogTarget", set_log_target, "auto, journal or stderr" },
	{ "Negotiation", "Profile", set_profile, "a name that 'vmicd --list-profiles' prints" },
	{ "Heartbeat", "ApplicationState", set_state, "unknown, healthy, critical or stopped" },
	{ "KVP", "PoolDirectory", set_pool_directory, "an absolute path" },
	{ "KVP", "Route", set_route, "vmbus or hv_utils" },
	{ "TimeSync", "Clock", set_clock, "none or step" },
	{ NULL, "Enable", set_enable, "yes or no" },
	{ NULL, "Framework", set_framework, VERSIONS_EXPECTED },
	{ NULL, "Versions", set_versions, VERSIONS_EXPECTED },
	{ NULL, "NoMatch", set_no_match, "counts-zero, silent, own-newest or version-zero" },
	{ NULL, "AnswerRaw", set_answer_raw, "framework/message, such as 9.9/7.7" },
	{ NULL, "AnswerCounts", set_answer_counts, "two numbers, such as 2,0" },
	{ NULL, "AnswerTruncate", set_answer_truncate, "a number of bytes from 1 to 16384" },
	{ NULL, "AnswerDelaySec", set_answer_delay, "a number of seconds from 0 to 3600" },
};

int conf_key_at(size_t index, struct conf_key *ret)
{
	if (index >= ARRAY_LEN(keys))
		return -ENOENT;
	*ret = (struct conf_key){
		.section = keys[index].section,
		.name = keys[index].key,
		.expected = keys[index].expected,
	};
	return 0;
}

/* The component whose section this is, or IC_COMPONENTS. */
static enum ic_component section_component(const char *section)
{
	for (size_t i = 0; i < ic_n_services; i++)
		if (strcmp(ic_services[i]->name, section) == 0)
			return ic_services[i]->component;
	return IC_COMPONENTS;
}

static bool section_is_known(const char *section)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].section && strcmp(keys[i].section, section) == 0)
			return true;
	return section_component(section) != IC_COMPONENTS;
}

static const struct key *key_find(const char *section, const char *name)
{
	bool of_component = section_component(section) != IC_COMPONENTS;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i].key, name) == 0 &&
		    (keys[i].section ? strcmp(keys[i].section, section) == 0 : of_component))
			return &keys[i];
	return NULL;
}

static struct names keys_of(const char *section)
{
	struct names n = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (key_find(section, keys[i].key) == &keys[i])
			names_add(&n, keys[i].key);
	return n;
}

static struct names sections(void)
{
	struct names n = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].section && section_component(keys[i].section) == IC_COMPONENTS &&
		    (i == 0 || !keys[i - 1].section || strcmp(keys[i - 1].section, keys[i].section) != 0))
			names_add(&n, keys[i].section);
	for (size_t i = 0; i < ic_n_services; i++)
		names_add(&n, ic_services[i]->name);
	return n;
}

/* --- files --- */

/* inih's callback: 1 to go on, 0 to count this line as an error. */
static int on_key(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;
	const struct key *key = key_find(section, name);

	if (key && key->set(r, section_component(section), value) == 0)
		return 1;

	if (key)
		complain(r->error, "%s:%u: [%s] %s=%s: expected %s", r->path, r->line, section,
			 name, value, key->expected);
	else if (section[0] == '\0')
		complain(r->error, "%s:%u: '%s' stands before the first [Section]", r->path, r->line,
			 name);
	else if (section_is_known(section))
		complain(r->error, "%s:%u: [%s] has no key '%s': expected one of %s", r->path, r->line,
			 section, name, keys_of(section).text);
	else
		complain(r->error, "%s:%u: no section is called '%s': expected one of %s", r->path,
			 r->line, section, sections().text);
	return 0;
}

/* What ended a line, '\n' or EOF; -EINVAL: *error says why it is none. Indentation is left out: to
 * inih an indented line is more of the value before, and we would be told of that rest alone. */
static int get_line(struct reading *r, char *to, size_t size)
{
	size_t n = 0;
	int ch;

	for (ch = getc(r->file); ch != EOF && ch != '\n'; ch = getc(r->file)) {
		if (ch == '\0') {
			complain(r->error, "%s:%u: a NUL byte: expected text", r->path, r->line);
			return -EINVAL;
		}
		if (n == 0 && isspace(ch))
			continue;
		if (n + 2 == size) {
			complain(r->error, "%s:%u: the line is too long: expected at most %zu characters",
				 r->path, r->line, n);
			return -EINVAL;
		}
		to[n++] = (char)ch;
	}
	to[n] = '\0';
	return n > 0 || ch == '\n' ? '\n' : EOF;
}

/* inih's reader: stops at the first mistake, and counts the lines for our messages. */
static char *read_line(char *to, int size, void *user)
{
	struct reading *r = user;
	int end;

	if (r->error->text[0])
		return NULL;
	r->line++;
	end = get_line(r, to, (size_t)size);
	if (end == EOF && ferror(r->file)) {
		r->failure = -errno;
		complain(r->error, "%s: %s", r->path, strerror(errno));
	}
	return end == '\n' ? to : NULL;
}

static int read_file(struct reading *r, const char *path)
{
	int bad_line;

	r->path = path;
	r->line = 0;
	r->failure = 0;
	r->file = fopen(path, "re");
	if (!r->file) {
		int error = errno;

		complain(r->error, "%s: %s", path, strerror(error));
		return -error;
	}
	bad_line = ini_parse_stream(read_line, r, on_key, r);
	(void)fclose(r->file);
	r->file = NULL;

	/* inih reads on behind a line that is none: what we complained of may be its consequence. */
	if (bad_line > 0 && (!r->error->text[0] || (unsigned)bad_line < r->line))
		complain(r->error, "%s:%d: expected '[Section]' or 'Key=value'", path, bad_line);
	else if (bad_line < 0)
		complain(r->error, "%s: out of memory", path);
	if (!r->error->text[0])
		return 0;
	return r->failure < 0 ? r->failure : -EINVAL;
}

static int read_files(struct reading *r, const char *path)
{
	_cleanup_(conf_files_done) struct conf_files files = { 0 };
	int error = path ? conf_files_single(path, &files) :
			   conf_files_system(SYSTEM_FILE, system_drop_ins,
					     ARRAY_LEN(system_drop_ins), &files);

	if (error < 0) {
		complain(r->error, "cannot list the configuration's drop-ins: %s", strerror(-error));
		return error;
	}
	for (size_t i = 0; i < files.n; i++) {
		error = read_file(r, files.path[i]);
		if (error < 0)
			return error;
	}
	return 0;
}

static bool policies_equal(const struct ic_policy *a, const struct ic_policy *b)
{
	return memcmp(&a->framework, &b->framework, sizeof(a->framework)) == 0 &&
	       memcmp(&a->message, &b->message, sizeof(a->message)) == 0 &&
	       a->no_match == b->no_match;
}

static bool pairs_equal(struct ic_pair a, struct ic_pair b)
{
	return ic_version_equal(a.framework, b.framework) && ic_version_equal(a.message, b.message);
}

static bool raws_equal(const struct ic_raw *a, const struct ic_raw *b)
{
	return a->has_answer == b->has_answer && a->has_counts == b->has_counts &&
	       a->has_truncate == b->has_truncate && pairs_equal(a->answer, b->answer) &&
	       memcmp(a->counts, b->counts, sizeof(a->counts)) == 0 && a->truncate == b->truncate;
}

bool conf_component_equal(const struct conf_component *a, const struct conf_component *b)
{
	return a->enabled == b->enabled && policies_equal(&a->policy, &b->policy) &&
	       raws_equal(&a->policy.raw, &b->policy.raw) && a->answer_delay_s == b->answer_delay_s;
}

static void resolve(struct reading *r)
{
	for (int c = 0; c < IC_COMPONENTS; c++) {
		const struct overrides *o = &r->overrides[c];
		struct ic_policy *policy = &r->conf.component[c].policy;

		*policy = r->conf.profile->component[c];
		if (o->has_framework)
			policy->framework = o->framework;
		if (o->has_versions)
			policy->message = o->versions;
		if (o->has_no_match)
			policy->no_match = o->no_match;
		policy->raw = o->raw;
		r->conf.component[c].profile = r->conf.profile->name;
		r->conf.component[c].overridden =
			!policies_equal(policy, &r->conf.profile->component[c]);
	}
}

int conf_read_as(const char *path, const struct profile *profile, struct conf *ret,
		 struct conf_error *error)
{
	struct reading r = {
		.conf = {
			.log_level = LOG_INFO,
			.log_target = LOG_TARGET_AUTO,
			.profile = &profiles[0],
			.application_state = HEARTBEAT_UNKNOWN,
			.clock = CONF_CLOCK_NONE,
			.pool_directory = "/var/lib/hyperv",
			.kvp_route = CONF_ROUTE_VMBUS,
		},
		.error = error,
	};
	int e;

	*error = (struct conf_error){ 0 };
	for (int c = 0; c < IC_COMPONENTS; c++)
		r.conf.component[c].enabled = true;
	e = read_files(&r, path);
	if (e < 0)
		return e;
	if (profile)
		r.conf.profile = profile;
	resolve(&r);
	*ret = r.conf;
	return 0;
}

int conf_read(const char *path, struct conf *ret, struct conf_error *error)
{
	return conf_read_as(path, NULL, ret, error);
}
