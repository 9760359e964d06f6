/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/conf.h"

#include <errno.h>

#include "hv_util/kvp.h"

#include "tests/unit/temp_dir.h"

/* Reads these bytes as a configuration file "f" without drop-ins. */
static int read_bytes(const void *bytes, size_t n, struct conf *ret, struct conf_error *error)
{
	struct temp_dir d = temp_dir_new();
	char path[256];
	int r;

	temp_dir_write(&d, "f", bytes, n);
	temp_dir_path(&d, "f", path, sizeof(path));
	r = conf_read(path, ret, error);
	if (r < 0) {
		/* "PATH:" becomes "f:", so that a test can state the whole sentence. */
		assert_memory_equal(error->text, path, strlen(path));
		memmove(error->text, error->text + strlen(path) - 1,
			strlen(error->text) + 2 - strlen(path));
	}
	temp_dir_done(&d);
	return r;
}

static void must_read(const char *text, struct conf *ret)
{
	struct conf_error error;

	if (read_bytes(text, strlen(text), ret, &error) < 0)
		fail_msg("'%s' was refused: %s", text, error.text);
	assert_string_equal(error.text, "");
}

/* It must be refused with this sentence, and what was given for the result stay as it was. */
static void must_refuse_bytes(const void *bytes, size_t n, const char *sentence)
{
	struct conf conf, before;
	struct conf_error error;

	memset(&conf, 0x5a, sizeof(conf));
	before = conf;
	assert_int_equal(read_bytes(bytes, n, &conf, &error), -EINVAL);
	assert_string_equal(error.text, sentence);
	assert_memory_equal(&conf, &before, sizeof(conf));
}

static void must_refuse(const char *text, const char *sentence)
{
	must_refuse_bytes(text, strlen(text), sentence);
}

static void assert_versions(const struct ic_admitted *l, const char *expected)
{
	char text[128] = "";

	for (unsigned i = 0; i < l->n; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u.%u", i ? " " : "",
			       l->v[i].major, l->v[i].minor);
	assert_string_equal(text, expected);
}

/* --- what is there when nothing is said --- */

static void an_empty_file_gives_the_defaults(void **state)
{
	struct conf c;

	(void)state;
	must_read("", &c);
	assert_int_equal(c.log_level, LOG_INFO);
	assert_int_equal(c.log_target, LOG_TARGET_AUTO);
	assert_true(c.lock_memory);
	assert_string_equal(c.profile->name, "legacy");
	assert_int_equal(c.application_state, HEARTBEAT_UNKNOWN);
	assert_int_equal(c.clock, CONF_CLOCK_NONE);
	assert_string_equal(c.pool_directory, "/var/lib/hyperv");
	assert_int_equal(c.kvp_route, CONF_ROUTE_VMBUS);
	for (int i = 0; i < IC_COMPONENTS; i++) {
		assert_int_equal(c.component[i].enabled, i != IC_SHUTDOWN);
		assert_int_equal(c.component[i].answer_delay_s, 0);
		assert_false(c.component[i].policy.raw.has_answer);
		assert_false(c.component[i].policy.raw.has_counts);
		assert_false(c.component[i].policy.raw.has_truncate);
		assert_int_equal(c.component[i].policy.no_match, IC_NO_MATCH_COUNTS_ZERO);
	}
	assert_versions(&c.component[IC_TIMESYNC].policy.message, "3.0 1.0");
	assert_versions(&c.component[IC_TIMESYNC].policy.framework, "3.0 1.0");
	assert_versions(&c.component[IC_KVP].policy.message, "5.0 4.0 3.0 1.0");
}

static void a_missing_file_is_an_error(void **state)
{
	struct conf conf, before;
	struct conf_error error;

	(void)state;
	memset(&conf, 0x5a, sizeof(conf));
	before = conf;
	assert_int_equal(conf_read("/nonexistent/vmicd.conf", &conf, &error), -ENOENT);
	assert_string_equal(error.text, "/nonexistent/vmicd.conf: No such file or directory");
	assert_memory_equal(&conf, &before, sizeof(conf));
}

/* --- each key: what it takes --- */

static char seen[512];

static const char *see_log_level(const struct conf *c)
{
	(void)snprintf(seen, sizeof(seen), "%d", c->log_level);
	return seen;
}

static const char *see_log_target(const struct conf *c)
{
	(void)snprintf(seen, sizeof(seen), "%d", (int)c->log_target);
	return seen;
}

static const char *see_profile(const struct conf *c)
{
	return c->profile->name;
}

static const char *see_state(const struct conf *c)
{
	(void)snprintf(seen, sizeof(seen), "%d", (int)c->application_state);
	return seen;
}

static const char *see_pools(const struct conf *c)
{
	return c->pool_directory;
}

static const char *see_route(const struct conf *c)
{
	return conf_route_names[c->kvp_route];
}

static const char *see_clock(const struct conf *c)
{
	return conf_clock_names[c->clock];
}

/* All that a component's section sets, of TimeSync. */
static const char *see_timesync(const struct conf *c)
{
	const struct conf_component *t = &c->component[IC_TIMESYNC];
	const struct ic_raw *raw = &t->policy.raw;
	size_t n = 0;

	n += (size_t)snprintf(seen + n, sizeof(seen) - n, "%s", t->enabled ? "on" : "off");
	n += (size_t)snprintf(seen + n, sizeof(seen) - n, " framework");
	for (unsigned i = 0; i < t->policy.framework.n; i++)
		n += (size_t)snprintf(seen + n, sizeof(seen) - n, " %u.%u", t->policy.framework.v[i].major,
				      t->policy.framework.v[i].minor);
	n += (size_t)snprintf(seen + n, sizeof(seen) - n, " message");
	for (unsigned i = 0; i < t->policy.message.n; i++)
		n += (size_t)snprintf(seen + n, sizeof(seen) - n, " %u.%u", t->policy.message.v[i].major,
				      t->policy.message.v[i].minor);
	n += (size_t)snprintf(seen + n, sizeof(seen) - n, " %s", ic_no_match_names[t->policy.no_match]);
	if (raw->has_answer)
		n += (size_t)snprintf(seen + n, sizeof(seen) - n, " raw %u.%u/%u.%u",
				      raw->answer.framework.major, raw->answer.framework.minor,
				      raw->answer.message.major, raw->answer.message.minor);
	if (raw->has_counts)
		n += (size_t)snprintf(seen + n, sizeof(seen) - n, " counts %u,%u", raw->counts[0],
				      raw->counts[1]);
	if (raw->has_truncate)
		n += (size_t)snprintf(seen + n, sizeof(seen) - n, " truncate %u", raw->truncate);
	if (t->answer_delay_s)
		(void)snprintf(seen + n, sizeof(seen) - n, " delay %u", t->answer_delay_s);
	return seen;
}

#define AS_LEGACY "on framework 3.0 1.0 message 3.0 1.0 counts-zero"

static const struct {
	const char *section, *key, *value;
	const char *(*see)(const struct conf *c);
	const char *expected;
} good[] = {
	{ "Daemon", "LogLevel", "err", see_log_level, "3" },
	{ "Daemon", "LogLevel", "warning", see_log_level, "4" },
	{ "Daemon", "LogLevel", "notice", see_log_level, "5" },
	{ "Daemon", "LogLevel", "info", see_log_level, "6" },
	{ "Daemon", "LogLevel", "debug", see_log_level, "7" },
	{ "Daemon", "LogTarget", "auto", see_log_target, "0" },
	{ "Daemon", "LogTarget", "journal", see_log_target, "1" },
	{ "Daemon", "LogTarget", "stderr", see_log_target, "2" },
	{ "Negotiation", "Profile", "legacy", see_profile, "legacy" },
	{ "Negotiation", "Profile", "ws2008", see_profile, "ws2008" },
	{ "Negotiation", "Profile", "newest", see_profile, "newest" },
	{ "Heartbeat", "ApplicationState", "unknown", see_state, "0" },
	{ "Heartbeat", "ApplicationState", "healthy", see_state, "1" },
	{ "Heartbeat", "ApplicationState", "critical", see_state, "2" },
	{ "Heartbeat", "ApplicationState", "stopped", see_state, "3" },
	{ "KVP", "PoolDirectory", "/", see_pools, "/" },
	{ "KVP", "PoolDirectory", "/srv/my pools", see_pools, "/srv/my pools" },
	{ "KVP", "Route", "vmbus", see_route, "vmbus" },
	{ "KVP", "Route", "hv_utils", see_route, "hv_utils" },
	{ "TimeSync", "Clock", "none", see_clock, "none" },
	{ "TimeSync", "Clock", "step", see_clock, "step" },
	{ "TimeSync", "Enable", "yes", see_timesync, AS_LEGACY },
	{ "TimeSync", "Enable", "no", see_timesync,
	  "off framework 3.0 1.0 message 3.0 1.0 counts-zero" },
	{ "TimeSync", "Framework", "1.0", see_timesync,
	  "on framework 1.0 message 3.0 1.0 counts-zero" },
	{ "TimeSync", "Framework", "1.0 3.0", see_timesync,
	  "on framework 1.0 3.0 message 3.0 1.0 counts-zero" },
	{ "TimeSync", "Versions", "4.0", see_timesync,
	  "on framework 3.0 1.0 message 4.0 counts-zero" },
	{ "TimeSync", "Versions", "1.0 \t 4.0  3.0", see_timesync,
	  "on framework 3.0 1.0 message 1.0 4.0 3.0 counts-zero" },
	{ "TimeSync", "NoMatch", "counts-zero", see_timesync, AS_LEGACY },
	{ "TimeSync", "NoMatch", "silent", see_timesync,
	  "on framework 3.0 1.0 message 3.0 1.0 silent" },
	{ "TimeSync", "NoMatch", "own-newest", see_timesync,
	  "on framework 3.0 1.0 message 3.0 1.0 own-newest" },
	{ "TimeSync", "NoMatch", "version-zero", see_timesync,
	  "on framework 3.0 1.0 message 3.0 1.0 version-zero" },
	{ "TimeSync", "AnswerRaw", "9.9/7.7", see_timesync, AS_LEGACY " raw 9.9/7.7" },
	{ "TimeSync", "AnswerRaw", "0.0/65535.65535", see_timesync, AS_LEGACY " raw 0.0/65535.65535" },
	{ "TimeSync", "AnswerCounts", "2,0", see_timesync, AS_LEGACY " counts 2,0" },
	{ "TimeSync", "AnswerCounts", "65535,65535", see_timesync, AS_LEGACY " counts 65535,65535" },
	{ "TimeSync", "AnswerTruncate", "1", see_timesync, AS_LEGACY " truncate 1" },
	{ "TimeSync", "AnswerTruncate", "16384", see_timesync, AS_LEGACY " truncate 16384" },
	{ "TimeSync", "AnswerDelaySec", "0", see_timesync, AS_LEGACY },
	{ "TimeSync", "AnswerDelaySec", "3600", see_timesync, AS_LEGACY " delay 3600" },
};

static void each_key_takes_its_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		char text[256];
		struct conf c;

		(void)snprintf(text, sizeof(text), "[%s]\n%s=%s\n", good[i].section, good[i].key,
			       good[i].value);
		must_read(text, &c);
		assert_string_equal(good[i].see(&c), good[i].expected);
	}
}

static void a_components_key_sets_that_component_only(void **state)
{
	static const char *const names[] = { [IC_HEARTBEAT] = "Heartbeat", [IC_KVP] = "KVP",
					     [IC_SHUTDOWN] = "Shutdown", [IC_TIMESYNC] = "TimeSync" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		bool other = i == IC_SHUTDOWN; /* than by default */
		char text[64];
		struct conf c;

		if (!names[i])
			continue;
		(void)snprintf(text, sizeof(text), "[%s]\nEnable=%s\nAnswerDelaySec=7\n", names[i],
			       other ? "yes" : "no");
		must_read(text, &c);
		for (unsigned k = 0; k < IC_COMPONENTS; k++) {
			assert_int_equal(c.component[k].enabled, k == i ? other : k != IC_SHUTDOWN);
			assert_int_equal(c.component[k].answer_delay_s, k == i ? 7 : 0);
		}
	}
}

/* --- each key: what it refuses, and how it says so --- */

#define VERSIONS \
	"versions that vmicd speaks, best first, each once, separated by spaces, such as \"3.0 1.0\""
#define NO_MATCH "counts-zero, silent, own-newest or version-zero"
#define PAIR "framework/message, such as 9.9/7.7"
#define COUNTS "two numbers, such as 2,0"
#define BYTES "a number of bytes from 1 to 16384"
#define NAMES "names that 'vmicd --list-operations' prints, separated by spaces"
#define SECONDS "a number of seconds from 0 to 3600"

static const struct {
	const char *section, *key, *value, *expected;
} bad[] = {
	{ "Daemon", "LogLevel", "", "err, warning, notice, info or debug" },
	{ "Daemon", "LogLevel", "Info", "err, warning, notice, info or debug" },
	{ "Daemon", "LogLevel", "6", "err, warning, notice, info or debug" },
	{ "Daemon", "LogLevel", "emerg", "err, warning, notice, info or debug" },
	{ "Daemon", "LogTarget", "syslog", "auto, journal or stderr" },
	{ "Daemon", "LogTarget", "journal stderr", "auto, journal or stderr" },
	{ "Negotiation", "Profile", "", "a name that 'vmicd --list-profiles' prints" },
	{ "Negotiation", "Profile", "Legacy", "a name that 'vmicd --list-profiles' prints" },
	{ "Negotiation", "Profile", "ws2038", "a name that 'vmicd --list-profiles' prints" },
	{ "Policy", "Allow", "all", NAMES },
	{ "Policy", "Allow", "KVP", NAMES },
	{ "Policy", "Allow", "kvp,heartbeat", NAMES },
	{ "Policy", "Block", "kvp.", NAMES },
	{ "Policy", "Block", "kvp.Set", NAMES },
	{ "Policy", "Block", "kvp.set vss", NAMES },
	{ "Policy", "Block", "heartbeat.", NAMES },
	{ "Policy", "Block", "shutdown.force", NAMES },
	{ "Policy", "Block", "timesync.probe", NAMES },
	{ "Heartbeat", "ApplicationState", "fine", "unknown, healthy, critical or stopped" },
	{ "Heartbeat", "ApplicationState", "1", "unknown, healthy, critical or stopped" },
	{ "KVP", "PoolDirectory", "", "an absolute path" },
	{ "KVP", "PoolDirectory", "var/lib/hyperv", "an absolute path" },
	{ "KVP", "Route", "", "vmbus or hv_utils" },
	{ "KVP", "Route", "hv_util", "vmbus or hv_utils" },
	{ "KVP", "Route", "uio", "vmbus or hv_utils" },
	{ "TimeSync", "Clock", "slew", "none or step" },
	{ "TimeSync", "Enable", "", "yes or no" },
	{ "TimeSync", "Enable", "true", "yes or no" },
	{ "TimeSync", "Enable", "1", "yes or no" },
	{ "TimeSync", "Framework", "", VERSIONS },
	{ "TimeSync", "Framework", "2.0", VERSIONS },
	{ "TimeSync", "Versions", "", VERSIONS },
	{ "TimeSync", "Versions", "5.0", VERSIONS },
	{ "TimeSync", "Versions", "3", VERSIONS },
	{ "TimeSync", "Versions", "3.", VERSIONS },
	{ "TimeSync", "Versions", ".0", VERSIONS },
	{ "TimeSync", "Versions", "3.0.1", VERSIONS },
	{ "TimeSync", "Versions", "3,0", VERSIONS },
	{ "TimeSync", "Versions", "+3.0", VERSIONS },
	{ "TimeSync", "Versions", "-1.0", VERSIONS },
	{ "TimeSync", "Versions", "0x3.0", VERSIONS },
	{ "TimeSync", "Versions", "3.0,1.0", VERSIONS },
	{ "TimeSync", "Versions", "3.01.0", VERSIONS },
	{ "TimeSync", "Versions", "3.0 3.0", VERSIONS },
	{ "TimeSync", "Versions", "3.0 1.0 9.9", VERSIONS },
	{ "TimeSync", "Versions", "65539.0", VERSIONS }, /* 3.0, were it cut to 16 bits */
	{ "TimeSync", "Versions", "18446744073709551619.0", VERSIONS },
	{ "TimeSync", "Versions", "3.18446744073709551616", VERSIONS },
	{ "TimeSync", "NoMatch", "", NO_MATCH },
	{ "TimeSync", "NoMatch", "zero", NO_MATCH },
	{ "TimeSync", "AnswerRaw", "", PAIR },
	{ "TimeSync", "AnswerRaw", "9.9", PAIR },
	{ "TimeSync", "AnswerRaw", "9.9/", PAIR },
	{ "TimeSync", "AnswerRaw", "9.9/7", PAIR },
	{ "TimeSync", "AnswerRaw", "9.9/7.7/1.1", PAIR },
	{ "TimeSync", "AnswerRaw", "9.9 /7.7", PAIR },
	{ "TimeSync", "AnswerRaw", "65536.0/7.7", PAIR },
	{ "TimeSync", "AnswerCounts", "2", COUNTS },
	{ "TimeSync", "AnswerCounts", "2,", COUNTS },
	{ "TimeSync", "AnswerCounts", "2,0,0", COUNTS },
	{ "TimeSync", "AnswerCounts", "2, 0", COUNTS },
	{ "TimeSync", "AnswerCounts", "-1,0", COUNTS },
	{ "TimeSync", "AnswerCounts", "65536,0", COUNTS },
	{ "TimeSync", "AnswerTruncate", "", BYTES },
	{ "TimeSync", "AnswerTruncate", "0", BYTES },
	{ "TimeSync", "AnswerTruncate", "16385", BYTES },
	{ "TimeSync", "AnswerTruncate", "10k", BYTES },
	{ "TimeSync", "AnswerDelaySec", "3601", SECONDS },
	{ "TimeSync", "AnswerDelaySec", "1.5", SECONDS },
	{ "TimeSync", "AnswerDelaySec", "20s", SECONDS },
	{ "TimeSync", "AnswerDelaySec", "4294967297", SECONDS },
};

static void each_key_says_where_what_and_what_was_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char text[256], sentence[512];

		(void)snprintf(text, sizeof(text), "# one\n[%s]\n%s=%s\n\n", bad[i].section, bad[i].key,
			       bad[i].value);
		(void)snprintf(sentence, sizeof(sentence), "f:3: [%s] %s=%s: expected %s", bad[i].section,
			       bad[i].key, bad[i].value, bad[i].expected);
		must_refuse(text, sentence);
	}
}

static void each_component_takes_the_versions_of_its_own(void **state)
{
	struct conf c;

	(void)state;
	must_read("[KVP]\nVersions=5.0\n[Heartbeat]\nVersions=1.0\n", &c);
	assert_versions(&c.component[IC_KVP].policy.message, "5.0");
	assert_versions(&c.component[IC_HEARTBEAT].policy.message, "1.0");
	must_refuse("[Heartbeat]\nVersions=4.0\n", "f:2: [Heartbeat] Versions=4.0: expected " VERSIONS);
}

/* --- sections and keys that do not exist --- */

#define SECTIONS "expected one of Daemon, Negotiation, Policy, Heartbeat, KVP, Shutdown, TimeSync"

static const struct {
	const char *text, *sentence;
} unknown[] = {
	{ "[Demon]\nLogLevel=info\n", "f:1: no section is called 'Demon': " SECTIONS },
	{ "[daemon]\nLogLevel=info\n", "f:1: no section is called 'daemon': " SECTIONS },
	{ "[VSS]\nEnable=no\n", "f:1: no section is called 'VSS': " SECTIONS },
	/* nor does it need a key */
	{ "[Hartbeat]\n# ApplicationState=healthy\n", "f:1: no section is called 'Hartbeat': " SECTIONS },
	{ "[Daemon]\nLogLevel=info\n\n  [Clock] ; ours", "f:4: no section is called 'Clock': " SECTIONS },
	{ "\xef\xbb\xbf[Demon]\n", "f:1: no section is called 'Demon': " SECTIONS },
	{ "\xef\xbb\xbf \t[Demon]\n", "f:1: no section is called 'Demon': " SECTIONS },
	{ "[]\nLogLevel=info\n", "f:1: no section is called '': " SECTIONS },
	{ "[ Daemon ]\n", "f:1: no section is called ' Daemon ': " SECTIONS },
	{ "[Daemon and a name that is longer than all that inih keeps of one]\n",
	  "f:1: no section is called 'Daemon and a name that is longer than all that inih keeps of on': " SECTIONS },
	{ "[\033[31m]\n", "f:1: no section is called '?[31m': " SECTIONS },
	{ "LogLevel=info\n", "f:1: 'LogLevel' stands before the first [Section]" },
	{ "[Daemon]\nLogLevel=\033[31m\n", "f:2: [Daemon] LogLevel=?[31m: expected err, warning, notice, info or "
	  "debug" }, /* a terminal is not steered */
	{ "[Daemon]\nLoglevel=info\n", "f:2: [Daemon] has no key 'Loglevel': expected one of LogLevel, LogTarget, LockMemory" },
	{ "[Daemon]\n=info\n", "f:2: [Daemon] has no key '': expected one of LogLevel, LogTarget, LockMemory" },
	{ "[Daemon]\nProfile=legacy\n", "f:2: [Daemon] has no key 'Profile': expected one of LogLevel, LogTarget, LockMemory" },
	{ "[Daemon]\nEnable=yes\n", "f:2: [Daemon] has no key 'Enable': expected one of LogLevel, LogTarget, LockMemory" },
	{ "[Heartbeat]\nClock=step\n", "f:2: [Heartbeat] has no key 'Clock': expected one of ApplicationState, Enable, Framework, "
	  "Versions, NoMatch, AnswerRaw, AnswerCounts, AnswerTruncate, AnswerDelaySec" },
	{ "[Daemon]\nLogLevel=info\n[TimeSync]\n\nClok=step\n", "f:5: [TimeSync] has no key 'Clok': expected one of Clock, Enable, Framework, "
	  "Versions, NoMatch, AnswerRaw, AnswerCounts, AnswerTruncate, AnswerDelaySec" },
};

static void what_does_not_exist_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		must_refuse(unknown[i].text, unknown[i].sentence);
}

static void only_the_first_mistake_is_told(void **state)
{
	(void)state;
	must_refuse("[Daemon]\nLogLevel=a\nLogLevel=b\n[Nowhere]\nx=y\n",
		    "f:2: [Daemon] LogLevel=a: expected err, warning, notice, info or debug");
}

/* It is shown to people, as is what stands in a file name. */
static void a_path_has_no_control_characters(void **state)
{
	(void)state;
	must_refuse("[KVP]\nPoolDirectory=/a\033[31m\n",
		    "f:2: [KVP] PoolDirectory=/a?[31m: expected an absolute path");
	must_refuse("[KVP]\nPoolDirectory=/a\177\n", "f:2: [KVP] PoolDirectory=/a?: expected an absolute path");
}

/* --- lines --- */

static void what_is_no_line_of_a_configuration_is_refused(void **state)
{
	(void)state;
	must_refuse("[Daemon\nLogLevel=info\n", "f:1: expected '[Section]' or 'Key=value'");
	must_refuse("hello\n[Nowhere]\n", "f:1: expected '[Section]' or 'Key=value'");
	must_refuse("[Daemon]\nLogLevel\n", "f:2: expected '[Section]' or 'Key=value'");
	must_refuse("[Daemon]\nLogLevel=info\nhello\n", "f:3: expected '[Section]' or 'Key=value'");
}

static void comments_blank_lines_and_spaces_mean_nothing(void **state)
{
	struct conf c;

	(void)state;
	must_read("\n# a\n; b\n \t\n[Negotiation]\n\n# Profile=ws2008\n"
		  "Profile =  newest  \n# last\n", &c);
	assert_string_equal(c.profile->name, "newest");
	must_read("[Negotiation]\r\nProfile=newest\r\n", &c);
	assert_string_equal(c.profile->name, "newest");
	must_read("[Negotiation]\nProfile=newest ; not ws2008\n", &c);
	assert_string_equal(c.profile->name, "newest");
	must_read("\xef\xbb\xbf[Negotiation] # of what\nProfile=newest\n[Heartbeat]\n", &c);
	assert_string_equal(c.profile->name, "newest");
}

static void the_last_of_a_keys_lines_counts(void **state)
{
	struct conf c;

	(void)state;
	must_read("[Negotiation]\nProfile=newest\nProfile=ws2012\n[TimeSync]\nVersions=4.0\n"
		  "[Negotiation]\n[TimeSync]\nVersions=1.0\n", &c);
	assert_string_equal(c.profile->name, "ws2012");
	assert_versions(&c.component[IC_TIMESYNC].policy.message, "1.0");
}

static void a_last_line_without_newline_counts(void **state)
{
	struct conf c;

	(void)state;
	must_read("[Negotiation]\nProfile=newest", &c);
	assert_string_equal(c.profile->name, "newest");
	must_refuse("[Negotiation]\nProfile=nowest",
		    "f:2: [Negotiation] Profile=nowest: expected a name that 'vmicd --list-profiles' prints");
}

/* inih takes an indented line for more of the value before, and calls back with the rest alone:
 * the list would silently be its last part. */
static void an_indented_line_is_never_more_of_a_value(void **state)
{
	struct conf c;

	(void)state;
	must_refuse("[TimeSync]\nVersions=3.0\n  1.0\n", "f:3: expected '[Section]' or 'Key=value'");
	must_refuse("[KVP]\nPoolDirectory=/a\n\t/b\n", "f:3: expected '[Section]' or 'Key=value'");
	for (const char *space = " \t\v\f\r"; *space; space++) { /* all that isspace() says */
		char text[64];

		(void)snprintf(text, sizeof(text), "[TimeSync]\nVersions=3.0\n%c1.0\n", *space);
		must_refuse(text, "f:3: expected '[Section]' or 'Key=value'");
	}
	must_read("  [TimeSync]\n  Versions=4.0\n\tClock=step\n  # more\n", &c);
	assert_versions(&c.component[IC_TIMESYNC].policy.message, "4.0");
	assert_int_equal(c.clock, CONF_CLOCK_STEP);
}

/* "PoolDirectory=/aaa...", n characters long. */
static size_t put_long_line(char *to, size_t n, const char *end)
{
	size_t head = (size_t)sprintf(to, "[KVP]\nPoolDirectory=/") - strlen("[KVP]\n");

	memset(to + strlen("[KVP]\n") + head, 'a', n - head);
	strcpy(to + strlen("[KVP]\n") + n, end);
	return strlen("[KVP]\n") + n + strlen(end);
}

#define LONGEST 198 /* inih's INI_MAX_LINE of 200, less newline and NUL */

static void a_line_is_read_whole_or_refused(void **state)
{
	static const char *const ends[] = { "\n", "", "\n[Daemon]\nLogLevel=debug\n" };
	char text[1024];
	struct conf c;

	(void)state;
	for (size_t e = 0; e < ARRAY_LEN(ends); e++)
		for (size_t n = LONGEST - 3; n <= 3 * LONGEST; n++) {
			size_t len = put_long_line(text, n, ends[e]);

			if (n > LONGEST) {
				must_refuse_bytes(text, len, "f:2: the line is too long: expected at most 198 "
							     "characters");
				continue;
			}
			must_read(text, &c);
			assert_int_equal(strlen(c.pool_directory), n - strlen("PoolDirectory="));
		}
}

static void a_long_comment_is_refused_as_well(void **state)
{
	char text[512];

	(void)state;
	memset(text, '#', sizeof(text));
	text[300] = '\n';
	must_refuse_bytes(text, 301, "f:1: the line is too long: expected at most 198 characters");
}

static const struct {
	const char *bytes;
	size_t n;
	unsigned line;
} nul[] = {
#define NUL(text, line_) { text, sizeof(text) - 1, line_ }
	NUL("\0", 1),
	NUL("[Negotiation]\nProfile=newest\0\n", 2),
	NUL("[Negotiation]\nProfile=newest\0ws2008\n", 2),
	NUL("[Negotiation]\nProfile=newest\0ws2008", 2),
	NUL("[Negotiation]\n\0Profile=newest\n", 2),
	NUL("# comment \0\n", 1),
	NUL("[Negotiation]\nProfile=newest\n\n\0\0\0", 4),
#undef NUL
};

/* To a C string the line ends there: the rest would silently not count. */
static void a_nul_byte_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(nul); i++) {
		char sentence[64];

		(void)snprintf(sentence, sizeof(sentence), "f:%u: a NUL byte: expected text", nul[i].line);
		must_refuse_bytes(nul[i].bytes, nul[i].n, sentence);
	}
}

static void garbage_is_refused_or_says_nothing(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15;
	struct conf expected, c;

	(void)state;
	must_read("", &expected);
	for (int i = 0; i < 2000; i++) {
		uint8_t bytes[300];
		struct conf_error error;
		size_t n = next_random(&seed) % sizeof(bytes);

		for (size_t k = 0; k < n; k++)
			bytes[k] = (uint8_t)(next_random(&seed) >> 11);
		if (read_bytes(bytes, n, &c, &error) < 0)
			assert_true(strlen(error.text) > strlen("f:1: "));
		else
			assert_memory_equal(&c, &expected, sizeof(c));
	}
}

static void a_directory_is_no_configuration(void **state)
{
	struct temp_dir d = temp_dir_new();
	struct conf conf, before;
	struct conf_error error;
	char sentence[128];

	(void)state;
	memset(&conf, 0x5a, sizeof(conf));
	before = conf;
	assert_int_equal(conf_read(d.path, &conf, &error), -EISDIR);
	(void)snprintf(sentence, sizeof(sentence), "%s: Is a directory", d.path);
	assert_string_equal(error.text, sentence);
	assert_memory_equal(&conf, &before, sizeof(conf));
	temp_dir_done(&d);
}

/* --- several files --- */

static int read_dir(struct temp_dir *d, struct conf *ret, struct conf_error *error)
{
	char path[256];

	temp_dir_path(d, "vmicd.conf", path, sizeof(path));
	return conf_read(path, ret, error);
}

static void a_drop_in_is_read_after_the_file(void **state)
{
	struct temp_dir d = temp_dir_new();
	struct conf_error error;
	struct conf c;

	(void)state;
	temp_dir_put(&d, "vmicd.conf", "[Negotiation]\nProfile=newest\n[Daemon]\nLogLevel=debug\n");
	temp_dir_put(&d, "vmicd.conf.d/10-a.conf", "[Negotiation]\nProfile=ws2008\n");
	temp_dir_put(&d, "vmicd.conf.d/20-b.conf", "[Negotiation]\nProfile=ws2012\n");
	temp_dir_put(&d, "vmicd.conf.d/30-c.conf.bak", "[Negotiation]\nProfile=freebsd\n");
	assert_int_equal(read_dir(&d, &c, &error), 0);
	assert_string_equal(c.profile->name, "ws2012");
	assert_int_equal(c.log_level, LOG_DEBUG);
	temp_dir_done(&d);
}

static void a_mistake_in_a_drop_in_names_the_drop_in(void **state)
{
	struct temp_dir d = temp_dir_new();
	char sentence[256];
	struct conf_error error;
	struct conf c;

	(void)state;
	temp_dir_put(&d, "vmicd.conf", "\n\n\n");
	temp_dir_put(&d, "vmicd.conf.d/10-a.conf", "[TimeSync]\nClock=slew\n");
	assert_int_equal(read_dir(&d, &c, &error), -EINVAL);
	(void)snprintf(sentence, sizeof(sentence),
		       "%s/vmicd.conf.d/10-a.conf:2: [TimeSync] Clock=slew: expected none or step", d.path);
	assert_string_equal(error.text, sentence);
	temp_dir_done(&d);
}

static void a_section_ends_with_its_file(void **state)
{
	struct temp_dir d = temp_dir_new();
	struct conf_error error;
	struct conf c;

	(void)state;
	temp_dir_put(&d, "vmicd.conf", "[Daemon]\n");
	temp_dir_put(&d, "vmicd.conf.d/10-a.conf", "LogLevel=debug\n");
	assert_int_equal(read_dir(&d, &c, &error), -EINVAL);
	assert_non_null(strstr(error.text, "10-a.conf:1: 'LogLevel' stands before the first [Section]"));
	temp_dir_done(&d);
}

/* What a component's section says stands, whether the profile is named before or after it. */
static void overrides_stand_whatever_the_order(void **state)
{
	static const char profile[] = "[Negotiation]\nProfile=freebsd\n";
	static const char override[] = "[TimeSync]\nVersions=1.0\nNoMatch=own-newest\nAnswerCounts=2,0\n";
	static const char *const both[][3] = {
		/* file, first drop-in, second drop-in */
		{ profile, override, "" },
		{ override, profile, "" },
		{ "", override, profile },
		{ "", profile, override },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		struct temp_dir d = temp_dir_new();
		struct conf_error error;
		struct conf c;

		temp_dir_put(&d, "vmicd.conf", both[i][0]);
		temp_dir_put(&d, "vmicd.conf.d/1.conf", both[i][1]);
		temp_dir_put(&d, "vmicd.conf.d/2.conf", both[i][2]);
		assert_int_equal(read_dir(&d, &c, &error), 0);
		assert_string_equal(c.profile->name, "freebsd");
		assert_string_equal(see_timesync(&c),
				    "on framework 3.0 1.0 message 1.0 own-newest counts 2,0");
		/* and what it does not say is the profile's */
		assert_int_equal(c.component[IC_KVP].policy.no_match, IC_NO_MATCH_SILENT);
		assert_versions(&c.component[IC_KVP].policy.message, "4.0 3.0 1.0");
		temp_dir_done(&d);
	}
}

/* --- policy: what the lists come to --- */

static uint32_t kvp_blocked(const char *names)
{
	uint32_t bits = 0;
	char copy[128];

	(void)snprintf(copy, sizeof(copy), "%s", names);
	for (char *name = strtok(copy, " "); name; name = strtok(NULL, " ")) {
		assert_true(ic_operations_named(&ic_kvp, name));
		bits |= ic_operations_named(&ic_kvp, name);
	}
	return bits;
}

static const struct {
	const char *file, *drop_in;
	const char *components; /* that are blocked, of h, k and t */
	const char *operations; /* of KVP that are */
} policies[] = {
	{ "", "", "", "" },
	{ "Allow=heartbeat", "", "kt", "get set delete enumerate get-ip set-ip" },
	{ "Allow=kvp", "", "ht", "" },
	{ "Allow=kvp.get kvp.set-ip", "", "ht", "set delete enumerate get-ip" },
	{ "Block=kvp", "", "k", "" },
	{ "Block=kvp.set-ip kvp.get", "", "", "get set-ip" },
	/* Both: nothing, then what is allowed, then not what is blocked. */
	{ "Allow=kvp heartbeat\nBlock=kvp.set", "", "t", "set" },
	{ "Block=kvp.set\nAllow=kvp heartbeat", "", "t", "set" },
	{ "Allow=kvp.get\nBlock=kvp", "", "hkt", "set delete enumerate get-ip set-ip" },
	{ "Allow=kvp\nBlock=kvp", "", "hkt", "" },
	{ "Allow=kvp.get\nBlock=kvp.get", "", "ht", "get set delete enumerate get-ip set-ip" },
	/* They accumulate, over lines and files. */
	{ "Allow=kvp.get\nAllow=kvp.set kvp.get", "", "ht", "delete enumerate get-ip set-ip" },
	{ "Allow=kvp.get", "Allow=heartbeat", "t", "set delete enumerate get-ip set-ip" },
	{ "Block=kvp.get", "Block=kvp.set", "", "get set" },
	{ "Allow=heartbeat", "Block=heartbeat", "hkt", "get set delete enumerate get-ip set-ip" },
	{ "Allow=kvp.get", "Allow=kvp", "ht", "" },
	/* Nothing takes back what was said before. */
	{ "Allow=heartbeat\nAllow=", "", "", "" },
	{ "Allow=heartbeat", "Allow=\nAllow=kvp", "ht", "" },
	{ "Block=kvp heartbeat", "Block=", "", "" },
	{ "Allow=kvp\nBlock=kvp.set", "Block=", "ht", "" },
};

static void both_lists_come_to_a_policy(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
		struct temp_dir d = temp_dir_new();
		struct conf_error error;
		char text[256], blocked[4] = "";
		struct conf c;

		(void)snprintf(text, sizeof(text), "[Policy]\n%s\n", policies[i].file);
		temp_dir_put(&d, "vmicd.conf", text);
		(void)snprintf(text, sizeof(text), "[Policy]\n%s\n", policies[i].drop_in);
		temp_dir_put(&d, "vmicd.conf.d/1.conf", text);
		assert_int_equal(read_dir(&d, &c, &error), 0);
		(void)snprintf(blocked, sizeof(blocked), "%s%s%s", c.component[IC_HEARTBEAT].blocked ? "h" : "",
			       c.component[IC_KVP].blocked ? "k" : "", c.component[IC_TIMESYNC].blocked ? "t" : "");
		assert_string_equal(blocked, policies[i].components);
		assert_int_equal(c.component[IC_KVP].policy.blocked, kvp_blocked(policies[i].operations));
		assert_int_equal(conf_component_is_served(&c.component[IC_KVP]), !c.component[IC_KVP].blocked);
		temp_dir_done(&d);
	}
}

static void operations_are_no_matter_of_negotiations(void **state)
{
	struct conf a, b;

	(void)state;
	must_read("", &a);
	must_read("[Policy]\nBlock=kvp.set timesync\n", &b);
	assert_true(conf_component_equal(&a.component[IC_KVP], &b.component[IC_KVP]));
	assert_true(conf_component_equal(&a.component[IC_HEARTBEAT], &b.component[IC_HEARTBEAT]));
	assert_false(conf_component_equal(&a.component[IC_TIMESYNC], &b.component[IC_TIMESYNC]));
	assert_false(b.component[IC_KVP].overridden);
}

/* --list-operations prints them; each component is there, and each of its operations once. */
static void each_thing_has_one_name(void **state)
{
	static const char *const expected[] = {
		"heartbeat", "kvp", "kvp.get", "kvp.set", "kvp.delete", "kvp.enumerate", "kvp.get-ip",
		"kvp.set-ip", "shutdown", "shutdown.poweroff", "shutdown.reboot", "shutdown.hibernate", "timesync", "timesync.sync", "timesync.sample",
	};
	struct policy_name name;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_int_equal(policy_name_at(i, &name), 0);
		assert_string_equal(name.text, expected[i]);
	}
	assert_int_equal(policy_name_at(ARRAY_LEN(expected), &name), -ENOENT);
	for (size_t i = 0; i < ic_n_services; i++)
		assert_true(ic_services[i]->n_ops <= IC_OPS_MAX);
}

/* Each of these makes something else of a negotiation; the same text twice, in another process even, does not. */
static void a_fingerprint_is_of_what_is_answered(void **state)
{
	static const char *const texts[] = {
		"",
		"[TimeSync]\nVersions=1.0\n",
		"[TimeSync]\nVersions=3.0\n",
		"[TimeSync]\nVersions=1.0 3.0\n",
		"[TimeSync]\nFramework=1.0\n",
		"[TimeSync]\nFramework=1.0\nVersions=1.0\n",
		"[TimeSync]\nNoMatch=silent\n",
		"[TimeSync]\nNoMatch=own-newest\n",
		"[TimeSync]\nAnswerRaw=9.9/7.7\n",
		"[TimeSync]\nAnswerRaw=7.7/9.9\n",
		"[TimeSync]\nAnswerRaw=0.0/0.0\n",
		"[TimeSync]\nAnswerCounts=2,0\n",
		"[TimeSync]\nAnswerCounts=0,2\n",
		"[TimeSync]\nAnswerCounts=0,0\n",
		"[TimeSync]\nAnswerTruncate=20\n",
		"[TimeSync]\nAnswerTruncate=21\n",
		"[TimeSync]\nAnswerDelaySec=20\n",
		"[TimeSync]\nEnable=no\n",
		"[Negotiation]\nProfile=newest\n",
		"[Policy]\nBlock=timesync\n",
	};
	struct conf_component c[ARRAY_LEN(texts)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (int again = 0; again < 2; again++) {
			struct temp_dir d = temp_dir_new();
			struct conf_error error;
			struct conf conf;

			temp_dir_put(&d, "vmicd.conf", texts[i]);
			if (read_dir(&d, &conf, &error) < 0)
				fail_msg("%s", error.text);
			if (again)
				assert_true(conf_component_fingerprint(&c[i]) ==
					    conf_component_fingerprint(&conf.component[IC_TIMESYNC]));
			c[i] = conf.component[IC_TIMESYNC];
			temp_dir_done(&d);
		}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		for (size_t j = 0; j < ARRAY_LEN(texts); j++)
			if ((conf_component_fingerprint(&c[i]) == conf_component_fingerprint(&c[j])) !=
			    conf_component_equal(&c[i], &c[j]))
				fail_msg("\n%s\nand\n%s", texts[i], texts[j]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_gives_the_defaults),
		cmocka_unit_test(a_missing_file_is_an_error),
		cmocka_unit_test(each_key_takes_its_values),
		cmocka_unit_test(a_components_key_sets_that_component_only),
		cmocka_unit_test(each_key_says_where_what_and_what_was_expected),
		cmocka_unit_test(each_component_takes_the_versions_of_its_own),
		cmocka_unit_test(what_does_not_exist_is_named),
		cmocka_unit_test(only_the_first_mistake_is_told),
		cmocka_unit_test(a_path_has_no_control_characters),
		cmocka_unit_test(what_is_no_line_of_a_configuration_is_refused),
		cmocka_unit_test(comments_blank_lines_and_spaces_mean_nothing),
		cmocka_unit_test(the_last_of_a_keys_lines_counts),
		cmocka_unit_test(a_last_line_without_newline_counts),
		cmocka_unit_test(an_indented_line_is_never_more_of_a_value),
		cmocka_unit_test(a_line_is_read_whole_or_refused),
		cmocka_unit_test(a_long_comment_is_refused_as_well),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(garbage_is_refused_or_says_nothing),
		cmocka_unit_test(a_directory_is_no_configuration),
		cmocka_unit_test(a_drop_in_is_read_after_the_file),
		cmocka_unit_test(a_mistake_in_a_drop_in_names_the_drop_in),
		cmocka_unit_test(a_section_ends_with_its_file),
		cmocka_unit_test(overrides_stand_whatever_the_order),
		cmocka_unit_test(both_lists_come_to_a_policy),
		cmocka_unit_test(operations_are_no_matter_of_negotiations),
		cmocka_unit_test(each_thing_has_one_name),
		cmocka_unit_test(a_fingerprint_is_of_what_is_answered),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
