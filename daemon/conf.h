/* SPDX-License-Identifier: GPL-2.0-only */
/* The configuration: INI files with drop-ins, read once, complete or not at all. */
#pragma once

#include "daemon/log.h"
#include "daemon/policy.h"
#include "hv_util/heartbeat.h"
#include "hv_util/ic.h"
#include "hv_util/profile.h"

enum conf_clock {
	CONF_CLOCK_NONE, /* measure only */
	CONF_CLOCK_STEP, /* set the clock when the host asks for it */
	CONF_CLOCKS
};

extern const char *const conf_clock_names[CONF_CLOCKS];

/* Who negotiates with the host for key-value pairs, and so how they are served. */
enum conf_route {
	CONF_ROUTE_VMBUS,    /* we, by the component's channel */
	CONF_ROUTE_HV_UTILS, /* the kernel's driver, behind which we answer */
	CONF_ROUTES
};

extern const char *const conf_route_names[CONF_ROUTES];

struct conf_component {
	bool enabled;
	bool blocked;             /* by [Policy], whatever enabled says */
	const char *profile;      /* its name: whose versions these are, but for what is overridden */
	struct ic_policy policy;  /* the profile's, with what the configuration says instead */
	bool overridden;          /* policy is not the profile's as it stands */
	unsigned answer_delay_s;  /* for testing hosts: how late a negotiation is answered */
};

/* What the components' sections say, kept apart from what comes of it, on one profile or another: the order of
 * the files and keys must not matter for that. */
struct conf_overrides {
	bool has_framework, has_versions, has_no_match;
	struct ic_admitted framework, versions;
	enum ic_no_match no_match;
	struct ic_raw raw;
};

struct conf {
	/* What can be set at run time, as the files have it; below is what holds. */
	struct {
		const struct profile *profile;
		enum heartbeat_state application_state;
	} configured;
	int log_level;
	enum log_target log_target;
	bool lock_memory;
	const struct profile *profile;
	enum heartbeat_state application_state;
	enum conf_clock clock;
	char pool_directory[4096];
	enum conf_route kvp_route;
	struct policy_list allow, block; /* with what comes of them in the components and their policies */
	struct conf_overrides overrides[IC_COMPONENTS];
	struct conf_component component[IC_COMPONENTS]; /* but for what each has of its own: conf_resolve */
};

/* Whether to open its channel: it is wanted, and the profile knows the component. */
static inline bool conf_component_is_served(const struct conf_component *c)
{
	return c->enabled && !c->blocked && c->policy.message.n > 0;
}

/* Whether the configuration says something of its negotiations that the profile does not. */
bool conf_component_has_own_answers(const struct conf_component *c);

/* Whether both admit to the same versions. */
bool conf_versions_equal(const struct ic_policy *a, const struct ic_policy *b);

/* Whether both make the same of every negotiation. Which operations are blocked has no say in that. */
bool conf_component_equal(const struct conf_component *a, const struct conf_component *b);

/* A number that says the same across processes: of two that are not equal it is another. */
uint64_t conf_component_fingerprint(const struct conf_component *c);

/* A sentence for the user: file, line, what was there, what was expected. */
struct conf_error {
	char text[512];
};

/*
 * Reads the configuration. path: the one file to read, with the drop-ins in "PATH.d"; NULL: the
 * system's, /etc/vmicd/vmicd.conf and the drop-ins of /usr/lib, /run and /etc, of which a file
 * hides those of the same name in the directories named before, all in the order of their names.
 * What none of them says has its default. 0; a negative errno, *error says why, *ret is untouched.
 */
_must_check_ int conf_read(const char *path, struct conf *ret, struct conf_error *error);

/* Makes the components and their policies what the profile, the overrides and [Policy] say: for who has changed
 * one of them. What was read stays as it is, the files are not looked at. */
void conf_resolve(struct conf *conf);
