/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon as vmicctl sees it: a process of its own that plays org.vmicd1 on a test's private bus,
 * and systemd, as far as vmicctl asks that. What it does is a plan, as data.
 */
#pragma once

#include <stdbool.h>

#include "daemon/bus/names.h"
#include "tests/unit/private_bus.h"

#define SETTLE_USEC 50000

/* In the daemon's process, where cmocka would go on with the other tests. */
#define must(what)                                                                             \
	do {                                                                                   \
		if (!(what)) {                                                                 \
			(void)fprintf(stderr, "fake vmicd, line %d: %s\n", __LINE__, #what);  \
			_exit(99);                                                             \
		}                                                                              \
	} while (0)

#define FAKE_PAIRS_MAX 8

/* A unit as systemd tells of it. */
struct fake_unit {
	const char *load_state, *active_state, *result, *virtualization;
	bool no_device;   /* udev has seen no VMBus */
	bool was_skipped; /* its conditions did not hold when it was started last */
};

/* Where a channel stands that is not running. */
struct fake_stand {
	const char *id, *state;
	uint64_t negotiations, rescinds;
};

struct fake_plan {
	const char *releases[4]; /* HostReleases */
	bool offers_nothing;
	struct fake_stand stands[3]; /* of those that have not been negotiated, or not again */
	const char *unserved; /* a component that the configuration leaves alone */
	enum { FAKE_SETTLES, FAKE_NEVER, FAKE_BREAKS } after; /* what a renegotiation comes to */
	const char *outcome;       /* of time synchronization; NULL: agreed */
	const char *vm_name, *last_error;
	const char *second;        /* what hosts report of the applications; NULL: nothing */
	const char *error;         /* what all methods answer */
	bool hangs;                /* no method is answered */
	bool wants_password;       /* those who cannot be asked for one are refused */
	bool means_no_good;        /* no property has the type that it should have */
	const struct fake_unit *unit;
	bool is_not_there;         /* but for systemd, if there is a unit */
};

struct fake_component {
	struct fake *owner;
	const char *id, *name, *title;
	uint16_t offered[4], admitted[4]; /* message versions, .0; 0: the end */
	const char *state, *outcome;
	uint64_t negotiations;
	uint16_t answer;
	uint64_t rescinds;
};

struct fake {
	const struct fake_plan *plan;
	sd_event *event;
	sd_bus *bus;
	sd_event_source *settle;
	const char *profile, *application_state;
	struct fake_component components[3];
	struct {
		char key[64], value[64];
	} pairs[FAKE_PAIRS_MAX];
	unsigned n_pairs;
};

/* --- properties of the components --- */

#define FAKE_GETTER(name)                                                                      \
	static inline int name(sd_bus *bus, const char *path, const char *interface,           \
			       const char *property, sd_bus_message *reply, void *user,        \
			       sd_bus_error *error)

#define FAKE_UNUSED (void)bus, (void)path, (void)interface, (void)property, (void)user, (void)error

static inline int fake_put_versions(sd_bus_message *reply, const uint16_t *v, size_t n)
{
	must(sd_bus_message_open_container(reply, 'a', "(qq)") >= 0);
	for (size_t i = 0; i < n && v[i]; i++)
		must(sd_bus_message_append(reply, "(qq)", v[i], 0) >= 0);
	return sd_bus_message_close_container(reply);
}

FAKE_GETTER(fake_get_text)
{
	const struct fake_component *c = user;
	const struct fake_plan *plan = c->owner->plan;
	bool failed = plan->last_error && (plan->after != FAKE_BREAKS || strcmp(c->state, "broken") == 0);
	const struct {
		const char *name, *text;
	} texts[] = {
		{ "Name", c->name }, { "Title", c->title }, { "State", c->state },
		{ "Outcome", c->outcome }, { "Profile", c->owner->profile },
		{ "LastError", failed ? plan->last_error : "" },
	};

	FAKE_UNUSED;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(texts[i].name, property) == 0)
			return sd_bus_message_append(reply, "s", texts[i].text);
	return -ENOENT;
}

FAKE_GETTER(fake_get_truth)
{
	const struct fake_component *c = user;
	bool served = !c->owner->plan->unserved || strcmp(c->owner->plan->unserved, c->id) != 0;

	FAKE_UNUSED;
	return sd_bus_message_append(reply, "b", served && strcmp(property, "Served") == 0);
}

FAKE_GETTER(fake_get_list)
{
	const struct fake_component *c = user;
	static const uint16_t offered[] = { 1, 3 }, admitted[] = { 3, 1 };
	bool nothing = strcmp(c->outcome, "none") == 0;

	FAKE_UNUSED;
	if (strcmp(property, "OfferedFramework") == 0)
		return fake_put_versions(reply, offered, nothing ? 0 : 2);
	if (strcmp(property, "AdmittedFramework") == 0)
		return fake_put_versions(reply, admitted, 2);
	if (strcmp(property, "OfferedMessage") == 0)
		return fake_put_versions(reply, c->offered, nothing ? 0 : ARRAY_LEN(c->offered));
	return fake_put_versions(reply, c->admitted, ARRAY_LEN(c->admitted));
}

FAKE_GETTER(fake_get_answer)
{
	const struct fake_component *c = user;
	uint16_t framework = c->answer ? 3 : 0;

	FAKE_UNUSED;
	return sd_bus_message_append(reply, "(qqqq)", framework, 0, c->answer, 0);
}

FAKE_GETTER(fake_get_counters)
{
	const struct fake_component *c = user;

	FAKE_UNUSED;
	return sd_bus_message_append(reply, "a{st}", 3, "negotiations", c->negotiations, "requests",
				     UINT64_C(7), "rescinds", c->rescinds);
}

FAKE_GETTER(fake_get_timestamp)
{
	FAKE_UNUSED;
	return sd_bus_message_append(reply, "t", UINT64_C(1700000000123456));
}

#define FAKE_MISMATCH \
	"The protocol version of the component installed in the virtual machine does not match the " \
	"version expected by the hosting system."

/* Hosts of 2016 and 2019 expect 4.0 of time synchronization, one of 2012 does not; one of 2016 says
 * so of the rest in no known words. */
FAKE_GETTER(fake_get_reports)
{
	const struct fake_component *c = user;
	const char *second = strcmp(c->id, "heartbeat") == 0 && c->owner->plan->second ? c->owner->plan->second : "";
	bool is_old = strcmp(c->id, "timesync") == 0 && strcmp(c->owner->profile, "legacy") == 0;

	FAKE_UNUSED;
	return sd_bus_message_append(reply, "a(ssss)", 3,
				     "2012", "OK", second, "inferred",
				     "2016", "OK", is_old ? FAKE_MISMATCH : second, is_old ? "certain" : "unknown",
				     "2019", "OK", is_old ? FAKE_MISMATCH : second, is_old ? "certain" : "inferred");
}

static const sd_bus_vtable fake_component_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Name", "s", fake_get_text, 0, 0),
	SD_BUS_PROPERTY("Title", "s", fake_get_text, 0, 0),
	SD_BUS_PROPERTY("Served", "b", fake_get_truth, 0, 0),
	SD_BUS_PROPERTY("State", "s", fake_get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Profile", "s", fake_get_text, 0, 0),
	SD_BUS_PROPERTY("Overridden", "b", fake_get_truth, 0, 0),
	SD_BUS_PROPERTY("AdmittedFramework", "a(qq)", fake_get_list, 0, 0),
	SD_BUS_PROPERTY("AdmittedMessage", "a(qq)", fake_get_list, 0, 0),
	SD_BUS_PROPERTY("OfferedFramework", "a(qq)", fake_get_list, 0, 0),
	SD_BUS_PROPERTY("OfferedMessage", "a(qq)", fake_get_list, 0, 0),
	SD_BUS_PROPERTY("Outcome", "s", fake_get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Answer", "(qqqq)", fake_get_answer, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Counters", "a{st}", fake_get_counters, 0, 0),
	SD_BUS_PROPERTY("LastError", "s", fake_get_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("LastErrorTimestamp", "t", fake_get_timestamp, 0, 0),
	SD_BUS_PROPERTY("Reports", "a(ssss)", fake_get_reports, 0, 0),
	SD_BUS_SIGNAL("Negotiated", "s(qqqq)", 0),
	SD_BUS_SIGNAL("Lost", "", 0),
	SD_BUS_VTABLE_END,
};

/* --- properties of the manager --- */

FAKE_GETTER(fake_get_manager)
{
	const struct fake *f = user;
	const struct {
		const char *name, *text;
	} texts[] = {
		{ "Version", "1.2.3" }, { "Profile", f->profile }, { "Transport", "uio" },
		{ "ApplicationState", f->application_state },
		{ "VirtualMachineName", f->plan->vm_name ? f->plan->vm_name : "" },
	};

	FAKE_UNUSED;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(texts[i].name, property) == 0)
			return sd_bus_message_append(reply, "s", texts[i].text);
	return -ENOENT;
}

FAKE_GETTER(fake_get_dry_run)
{
	FAKE_UNUSED;
	return sd_bus_message_append(reply, "b", false);
}

FAKE_GETTER(fake_get_profiles)
{
	FAKE_UNUSED;
	return sd_bus_message_append(reply, "a(ss)", 2, "legacy", "an old guest", "newest", "a new guest");
}

FAKE_GETTER(fake_get_releases)
{
	const struct fake *f = user;

	FAKE_UNUSED;
	return sd_bus_message_append_strv(reply, (char **)f->plan->releases);
}

/* --- methods --- */

/* What the plan has instead of an answer: 0, nothing. */
static inline int fake_instead(const struct fake *f, sd_bus_message *m, sd_bus_error *error)
{
	must(sd_bus_message_get_auto_start(m) == 0); /* asking starts nobody */
	if (f->plan->hangs)
		return 1;
	if (f->plan->wants_password && sd_bus_message_get_allow_interactive_authorization(m) == 0)
		return sd_bus_error_set(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, "A password.");
	return f->plan->error ? sd_bus_error_set(error, f->plan->error, "It was\033[31m planned.") : 0;
}

static inline void fake_tell(struct fake_component *c)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s%s", BUS_COMPONENT_PATH, c->id);
	must(sd_bus_emit_properties_changed(c->owner->bus, path, BUS_COMPONENT, "State", "Outcome",
						   "Answer", "LastError", NULL) >= 0);
	if (strcmp(c->outcome, "none") != 0)
		must(sd_bus_emit_signal(c->owner->bus, path, BUS_COMPONENT, "Negotiated", "s(qqqq)",
					       c->outcome, c->answer ? 3 : 0, 0, c->answer, 0) >= 0);
}

static inline void fake_set(struct fake_component *c, const char *state, const char *outcome, uint16_t answer)
{
	c->state = state;
	c->outcome = outcome;
	c->answer = answer;
	fake_tell(c);
}

static inline int fake_on_settle(sd_event_source *source, uint64_t usec, void *user)
{
	struct fake *f = user;

	(void)source;
	(void)usec;
	for (size_t i = 0; i < ARRAY_LEN(f->components); i++) {
		struct fake_component *c = &f->components[i];

		if (strcmp(c->state, "closed") != 0)
			continue;
		if (f->plan->after == FAKE_BREAKS) {
			fake_set(c, "broken", "none", 0);
			continue;
		}
		c->negotiations++;
		fake_set(c, "running", strcmp(c->id, "timesync") == 0 && f->plan->outcome ? f->plan->outcome : "agreed",
			 strcmp(c->id, "timesync") == 0 && strcmp(f->profile, "newest") == 0 ? 4 :
			 strcmp(c->id, "kvp") == 0 ? 5 : 3);
	}
	return 0;
}

static inline void fake_renegotiate(struct fake_component *c)
{
	struct fake *f = c->owner;
	uint64_t now;

	fake_set(c, "closed", "none", 0);
	if (f->plan->after == FAKE_NEVER)
		return;
	must(sd_event_now(f->event, CLOCK_MONOTONIC, &now) >= 0);
	must(sd_event_source_set_time(f->settle, now + SETTLE_USEC) >= 0);
	must(sd_event_source_set_enabled(f->settle, SD_EVENT_ONESHOT) >= 0);
}

static inline int fake_on_set_profile(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct fake *f = user;
	const char *name;
	int r = fake_instead(f, m, error);

	must(sd_bus_message_read(m, "s", &name) > 0);
	if (r != 0)
		return r;
	if (strcmp(name, "legacy") != 0 && strcmp(name, "newest") != 0)
		return sd_bus_error_set(error, BUS_ERROR_NO_SUCH_PROFILE, "There is no such profile.");
	f->profile = name[0] == 'l' ? "legacy" : "newest";
	fake_renegotiate(&f->components[2]);
	return sd_bus_reply_method_return(m, "");
}

static inline int fake_on_renegotiate(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct fake *f = user;
	const char *name;
	bool any = false;
	int r = fake_instead(f, m, error);

	must(sd_bus_message_read(m, "s", &name) > 0);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(f->components); i++)
		if (!*name || strcmp(f->components[i].id, name) == 0) {
			fake_renegotiate(&f->components[i]);
			any = true;
		}
	if (r != 0)
		return r;
	return any ? sd_bus_reply_method_return(m, "") :
		     sd_bus_error_set(error, BUS_ERROR_NO_SUCH_COMPONENT, "There is no such component.");
}

static inline int fake_on_set_state(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct fake *f = user;
	const char *state;
	int r = fake_instead(f, m, error);

	must(sd_bus_message_read(m, "s", &state) > 0);
	if (r != 0)
		return r;
	if (strcmp(state, "critical") != 0)
		return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "Expected another word.");
	f->application_state = "critical";
	return sd_bus_reply_method_return(m, "");
}

static inline int fake_on_reload(sd_bus_message *m, void *user, sd_bus_error *error)
{
	int r = fake_instead(user, m, error);

	return r != 0 ? r : sd_bus_reply_method_return(m, "");
}

static inline int fake_find(const struct fake *f, const char *key)
{
	for (unsigned i = 0; i < f->n_pairs; i++)
		if (strcmp(f->pairs[i].key, key) == 0)
			return (int)i;
	return -1;
}

static inline void fake_tell_pool(struct fake *f)
{
	must(sd_bus_emit_signal(f->bus, BUS_PATH, BUS_MANAGER, "PoolChanged", "u", 1) >= 0);
}

static inline int fake_on_kvp_get(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct fake *f = user;
	const char *key;
	int i, r = fake_instead(f, m, error);

	must(sd_bus_message_read(m, "s", &key) > 0);
	i = fake_find(f, key);
	if (r != 0)
		return r;
	return i < 0 ? sd_bus_error_set(error, BUS_ERROR_NO_SUCH_KEY, "There is no such key.") :
		       sd_bus_reply_method_return(m, "s", f->pairs[i].value);
}

static inline int fake_on_kvp_set(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct fake *f = user;
	const char *key, *value;
	int i, r = fake_instead(f, m, error);

	must(sd_bus_message_read(m, "ss", &key, &value) > 0);
	if (r != 0)
		return r;
	/* "+..." stands for a program that appends without looking */
	i = key[0] == '+' ? -1 : fake_find(f, key);
	i = i < 0 ? (int)f->n_pairs++ : i;
	must(f->n_pairs <= FAKE_PAIRS_MAX);
	(void)snprintf(f->pairs[i].key, sizeof(f->pairs[i].key), "%s", key);
	(void)snprintf(f->pairs[i].value, sizeof(f->pairs[i].value), "%s", value);
	fake_tell_pool(f);
	return sd_bus_reply_method_return(m, "");
}

static inline int fake_on_kvp_delete(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct fake *f = user;
	const char *key;
	int i, r = fake_instead(f, m, error);

	must(sd_bus_message_read(m, "s", &key) > 0);
	i = fake_find(f, key);
	if (r != 0)
		return r;
	if (i < 0)
		return sd_bus_error_set(error, BUS_ERROR_NO_SUCH_KEY, "There is no such key.");
	f->pairs[i] = f->pairs[--f->n_pairs];
	fake_tell_pool(f);
	return sd_bus_reply_method_return(m, "");
}

/* Pool 1 is what was set; each other has one key, which names it. */
static inline int fake_on_kvp_list(sd_bus_message *m, void *user, sd_bus_error *error)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	struct fake *f = user;
	uint32_t pool;
	int r = fake_instead(f, m, error);

	must(sd_bus_message_read(m, "u", &pool) > 0);
	if (r != 0)
		return r;
	must(sd_bus_message_new_method_return(m, &reply) >= 0);
	must(sd_bus_message_open_container(reply, 'a', "(ss)") >= 0);
	for (unsigned i = 0; pool == 1 && i < f->n_pairs; i++)
		must(sd_bus_message_append(reply, "(ss)", f->pairs[i].key, f->pairs[i].value) >= 0);
	if (pool != 1)
		must(sd_bus_message_append(reply, "(ss)", "PoolOfThisNumber",
						  (const char[]){ (char)('0' + pool), '\0' }) >= 0);
	must(sd_bus_message_close_container(reply) >= 0);
	return sd_bus_send(f->bus, reply, NULL);
}

static const sd_bus_vtable fake_manager_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Version", "s", fake_get_manager, 0, 0),
	SD_BUS_PROPERTY("Profile", "s", fake_get_manager, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Profiles", "a(ss)", fake_get_profiles, 0, 0),
	SD_BUS_PROPERTY("Transport", "s", fake_get_manager, 0, 0),
	SD_BUS_PROPERTY("DryRun", "b", fake_get_dry_run, 0, 0),
	SD_BUS_PROPERTY("ApplicationState", "s", fake_get_manager, 0, 0),
	SD_BUS_PROPERTY("HostReleases", "as", fake_get_releases, 0, 0),
	SD_BUS_PROPERTY("VirtualMachineName", "s", fake_get_manager, 0, 0),
	SD_BUS_METHOD("SetProfile", "s", "", fake_on_set_profile, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Renegotiate", "s", "", fake_on_renegotiate, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("SetApplicationState", "s", "", fake_on_set_state, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Reload", "", "", fake_on_reload, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("KvpGet", "s", "s", fake_on_kvp_get, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("KvpSet", "ss", "", fake_on_kvp_set, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("KvpDelete", "s", "", fake_on_kvp_delete, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("KvpList", "u", "a(ss)", fake_on_kvp_list, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL("ClockStepped", "x", 0),
	SD_BUS_SIGNAL("PoolChanged", "u", 0),
	SD_BUS_SIGNAL("ConfigurationChanged", "", 0),
	SD_BUS_VTABLE_END,
};

/* --- a daemon that means no good: texts that steer, and nothing of the type that it should have --- */

#define FAKE_EVIL "\033]0;evil\007\033[2J\xc2\x9b" "31m\xe2\x80\xae"

FAKE_GETTER(fake_get_evil)
{
	const char *type = NULL;

	static const struct {
		const char *name, *type;
	} types[] = {
		{ "Version", "s" },	{ "Profile", "as" },	  { "Profiles", "s" },
		{ "Transport", "s" },	{ "DryRun", "d" },	  { "ApplicationState", "s" },
		{ "HostReleases", "au" }, { "VirtualMachineName", "s" }, { "Name", "s" },
		{ "Title", "s" },	{ "Served", "s" },	  { "State", "s" },
		{ "Overridden", "ay" }, { "AdmittedFramework", "s" }, { "AdmittedMessage", "as" },
		{ "OfferedFramework", "u" }, { "OfferedMessage", "as" }, { "Outcome", "s" },
		{ "Answer", "s" },	{ "Counters", "s" },	  { "LastError", "s" },
		{ "LastErrorTimestamp", "s" }, { "Reports", "as" },
	};

	FAKE_UNUSED;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i].name, property) == 0)
			type = types[i].type;
	if (strcmp(type, "s") == 0)
		return sd_bus_message_append(reply, "s", FAKE_EVIL);
	if (strcmp(type, "as") == 0)
		return sd_bus_message_append(reply, "as", 2, FAKE_EVIL, "");
	if (strcmp(type, "au") == 0)
		return sd_bus_message_append(reply, "au", 2, 1, 2);
	if (strcmp(type, "ay") == 0)
		return sd_bus_message_append(reply, "ay", 1, 255);
	if (strcmp(type, "d") == 0)
		return sd_bus_message_append(reply, "d", 0.5);
	return sd_bus_message_append(reply, "u", 4000000000u);
}

/* Evil answers are lists of what is no pair. */
static inline int fake_on_evil_list(sd_bus_message *m, void *user, sd_bus_error *error)
{
	(void)user;
	(void)error;
	return sd_bus_reply_method_return(m, "a(ss)", 2, FAKE_EVIL, FAKE_EVIL, "", "");
}

static const sd_bus_vtable fake_evil_manager_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Version", "s", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("Profile", "as", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("Profiles", "s", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("Transport", "s", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("DryRun", "d", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("ApplicationState", "s", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("HostReleases", "au", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("VirtualMachineName", "s", fake_get_evil, 0, 0),
	SD_BUS_METHOD("KvpList", "u", "a(ss)", fake_on_evil_list, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable fake_evil_component_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Name", "s", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("Title", "s", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("Served", "s", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("State", "s", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("Overridden", "ay", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("AdmittedFramework", "s", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("AdmittedMessage", "as", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("OfferedFramework", "u", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("OfferedMessage", "as", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("Outcome", "s", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("Answer", "s", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("Counters", "s", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("LastError", "s", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("LastErrorTimestamp", "s", fake_get_evil, 0, 0),
	SD_BUS_PROPERTY("Reports", "as", fake_get_evil, 0, 0),
	SD_BUS_VTABLE_END,
};

/* --- systemd --- */

#define FAKE_SYSTEMD "org.freedesktop.systemd1"
#define FAKE_UNIT_PATH "/org/freedesktop/systemd1/unit/vmicd_2eservice"
#define FAKE_DEVICE_PATH "/org/freedesktop/systemd1/unit/sys_2dbus_2dvmbus_2edevice"

static inline int fake_on_load_unit(sd_bus_message *m, void *user, sd_bus_error *error)
{
	const char *name;

	(void)user;
	(void)error;
	must(sd_bus_message_read(m, "s", &name) > 0);
	must(strcmp(name, "vmicd.service") == 0 || strcmp(name, "sys-bus-vmbus.device") == 0);
	return sd_bus_reply_method_return(m, "o", name[0] == 'v' ? FAKE_UNIT_PATH : FAKE_DEVICE_PATH);
}

FAKE_GETTER(fake_get_device)
{
	const struct fake_unit *u = user;

	FAKE_UNUSED;
	return sd_bus_message_append(reply, "s", u->no_device ? "inactive" : "active");
}

FAKE_GETTER(fake_get_condition)
{
	const struct fake_unit *u = user;

	FAKE_UNUSED;
	if (strcmp(property, "ConditionResult") == 0)
		return sd_bus_message_append(reply, "b", false);
	return sd_bus_message_append(reply, "t", u->was_skipped ? UINT64_C(1700000000123456) : UINT64_C(0));
}

FAKE_GETTER(fake_get_unit)
{
	const struct fake_unit *u = user;
	const struct {
		const char *name, *text;
	} texts[] = {
		{ "LoadState", u->load_state }, { "ActiveState", u->active_state },
		{ "Result", u->result }, { "Virtualization", u->virtualization },
	};

	FAKE_UNUSED;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(texts[i].name, property) == 0)
			return sd_bus_message_append(reply, "s", texts[i].text);
	return -ENOENT;
}

static const sd_bus_vtable fake_systemd_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("LoadUnit", "s", "o", fake_on_load_unit, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_PROPERTY("Virtualization", "s", fake_get_unit, 0, 0),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable fake_device_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("ActiveState", "s", fake_get_device, 0, 0),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable fake_unit_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("LoadState", "s", fake_get_unit, 0, 0),
	SD_BUS_PROPERTY("ActiveState", "s", fake_get_unit, 0, 0),
	SD_BUS_PROPERTY("ConditionResult", "b", fake_get_condition, 0, 0),
	SD_BUS_PROPERTY("ConditionTimestamp", "t", fake_get_condition, 0, 0),
	SD_BUS_VTABLE_END,
};

static const sd_bus_vtable fake_service_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Result", "s", fake_get_unit, 0, 0),
	SD_BUS_VTABLE_END,
};

static inline void fake_add(sd_bus *bus, const char *path, const char *interface,
			    const sd_bus_vtable *vtable, const void *user)
{
	must(sd_bus_add_object_vtable(bus, NULL, path, interface, vtable, (void *)user) >= 0);
}

static inline void fake_add_systemd(struct fake *f)
{
	fake_add(f->bus, "/org/freedesktop/systemd1", FAKE_SYSTEMD ".Manager", fake_systemd_vtable,
		 f->plan->unit);
	fake_add(f->bus, FAKE_UNIT_PATH, FAKE_SYSTEMD ".Unit", fake_unit_vtable, f->plan->unit);
	fake_add(f->bus, FAKE_UNIT_PATH, FAKE_SYSTEMD ".Service", fake_service_vtable, f->plan->unit);
	fake_add(f->bus, FAKE_DEVICE_PATH, FAKE_SYSTEMD ".Unit", fake_device_vtable, f->plan->unit);
	must(sd_bus_request_name(f->bus, FAKE_SYSTEMD, 0) >= 0);
}

/* --- the process --- */

/* SIGUSR1: one of each signal that nothing else sets off. */
static inline int fake_on_usr1(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
	struct fake *f = user;

	(void)source;
	(void)info;
	must(sd_bus_emit_signal(f->bus, BUS_PATH, BUS_MANAGER, "ClockStepped", "x",
				       INT64_C(-7136000)) >= 0);
	must(sd_bus_emit_signal(f->bus, BUS_PATH, BUS_MANAGER, "PoolChanged", "u", 3) >= 0);
	must(sd_bus_emit_signal(f->bus, BUS_PATH, BUS_MANAGER, "PoolChanged", "u", 4000000000u) >= 0);
	must(sd_bus_emit_signal(f->bus, BUS_PATH, BUS_MANAGER, "ConfigurationChanged", "") >= 0);
	must(sd_bus_emit_signal(f->bus, BUS_COMPONENT_PATH "kvp", BUS_COMPONENT, "Lost", "") >= 0);
	must(sd_bus_emit_signal(f->bus, BUS_PATH, BUS_MANAGER, "ShutdownRequested", "sbts", "reboot", true,
				       UINT64_C(300000000), FAKE_EVIL) >= 0);
	must(sd_bus_emit_signal(f->bus, BUS_PATH, BUS_MANAGER, "ShutdownRequested", "sbts", "poweroff", false,
				       UINT64_C(0), "") >= 0);
	must(sd_bus_emit_signal(f->bus, BUS_PATH, BUS_MANAGER, "MigrationRequested", "sb", FAKE_EVIL,
				       true) >= 0);
	must(sd_bus_emit_properties_changed(f->bus, BUS_PATH, BUS_MANAGER, "Profile", NULL) >= 0);
	return 0;
}

static inline void fake_place(struct fake_component *c)
{
	const struct fake_plan *plan = c->owner->plan;
	const struct fake_stand absent = { .id = c->id, .state = "absent" };

	for (size_t i = 0; i < ARRAY_LEN(plan->stands) + 1; i++) {
		const struct fake_stand *s = i < ARRAY_LEN(plan->stands) ? &plan->stands[i] :
					     plan->offers_nothing ? &absent : NULL;

		if (!s || !s->id || strcmp(s->id, c->id) != 0)
			continue;
		c->state = s->state;
		c->outcome = "none";
		c->answer = 0;
		c->negotiations = s->negotiations;
		c->rescinds = s->rescinds;
		return;
	}
}

static inline void fake_add_vmicd(struct fake *f)
{
	bool evil = f->plan->means_no_good;

	must(sd_bus_add_object_manager(f->bus, NULL, BUS_PATH) >= 0);
	fake_add(f->bus, BUS_PATH, BUS_MANAGER, evil ? fake_evil_manager_vtable : fake_manager_vtable, f);
	for (size_t i = 0; i < ARRAY_LEN(f->components); i++) {
		char path[64];

		f->components[i].owner = f;
		fake_place(&f->components[i]);
		(void)snprintf(path, sizeof(path), "%s%s", BUS_COMPONENT_PATH, f->components[i].id);
		fake_add(f->bus, path, BUS_COMPONENT,
			 evil ? fake_evil_component_vtable : fake_component_vtable, &f->components[i]);
	}
	if (f->plan->outcome)
		f->components[2].outcome = f->plan->outcome;
	must(sd_bus_request_name(f->bus, BUS_NAME, 0) >= 0);
}

static inline void fake_run(const struct private_bus *b, const struct fake_plan *plan, int ready_fd)
{
	struct fake f = {
		.plan = plan,
		.profile = "legacy",
		.application_state = "healthy",
		.components = {
			{ NULL, "heartbeat", "Heartbeat", "Heartbeat", { 1, 3 }, { 3, 1 },
			  "running", "agreed", 1, 3 },
			{ NULL, "kvp", "KVP", "Key-Value Pair Exchange", { 3, 4, 5 }, { 5, 4, 3, 1 },
			  "running", "agreed", 1, 5 },
			{ NULL, "timesync", "TimeSync", "Time Synchronization", { 1, 3, 4 }, { 3, 1 },
			  "running", "agreed", 1, 3 },
		},
	};
	sigset_t usr1;

	(void)sigemptyset(&usr1);
	(void)sigaddset(&usr1, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &usr1, NULL);
	must(sd_event_new(&f.event) >= 0);
	f.bus = private_bus_connect(b, f.event);
	must(sd_event_add_signal(f.event, NULL, SIGUSR1, fake_on_usr1, &f) >= 0);
	must(sd_event_add_time(f.event, &f.settle, CLOCK_MONOTONIC, 0, 1000, fake_on_settle, &f) >= 0);
	must(sd_event_source_set_enabled(f.settle, SD_EVENT_OFF) >= 0);
	if (plan->unit)
		fake_add_systemd(&f);
	if (!plan->is_not_there)
		fake_add_vmicd(&f);
	must(write(ready_fd, "", 1) == 1);
	(void)sd_event_loop(f.event);
}

/* Returns its process when it is on the bus. */
static inline pid_t fake_start(const struct private_bus *b, const struct fake_plan *plan)
{
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)alarm(600);
		fake_run(b, plan, ready[1]);
		_exit(1);
	}
	(void)close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		fail_msg("the fake daemon did not come up");
	(void)close(ready[0]);
	return pid;
}

static inline void fake_stop(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}
