/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What hosts of each release are known to offer and to expect, as data, and what they will therefore
 * report of a guest with a given policy. Much of it is concluded from public logs and sources; each
 * row says from what, and how well it is known: a real host may correct it.
 */
#pragma once

#include "hv_util/heartbeat.h"

/* How well something is known, best first: of two the weaker one holds. */
enum release_mark {
	RELEASE_CERTAIN,  /* read in a named source */
	RELEASE_INFERRED, /* concluded from such */
	RELEASE_UNKNOWN,  /* the likeliest that there is */
	RELEASE_MARKS
};

extern const char *const release_mark_names[RELEASE_MARKS];

enum release_id {
	RELEASE_2008,
	RELEASE_2008R2,
	RELEASE_2012,
	RELEASE_2012R2,
	RELEASE_WIN10_1511,
	RELEASE_2016,
	RELEASE_2019,
	RELEASE_2022,
	RELEASE_2025,
	RELEASE_OPENVMM,
	RELEASES
};

struct release {
	const char *key;   /* "2019": as in vmichost's --release */
	const char *title;
	/* What becomes of PrimaryStatusDescription on a mismatch: Degraded, or it stays OK. */
	bool degrades;
	enum release_mark degrades_mark;
	enum release_mark words_mark; /* that it tells a status in these words at all */
};

extern const struct release releases[RELEASES];

#define RELEASE_OFFERED_MAX 4

/* As sent: lowest first, so that the last one is the expected one. n == 0: not offered. */
struct release_list {
	unsigned n;
	struct ic_version v[RELEASE_OFFERED_MAX];
};

struct release_offer {
	struct release_list framework, message;
	enum release_mark mark; /* of the newest message version; the lists' lower ends are never seen */
	const char *source;
};

/* What a release offers of a component. */
const struct release_offer *release_offer(enum release_id release, enum ic_component component);

/* Whether a host that offers these lists may be one of this release: they are the very same. */
bool release_offers(enum release_id release, enum ic_component component, const struct ic_offer *offer);

/* The columns of Get-VMIntegrationService; "" for nothing, and "(32782)" for a status of which only the
 * number was ever published. */
struct release_report {
	const char *primary, *secondary;
	enum release_mark mark; /* of both */
};

/*
 * What a host of this release reports of a guest with this policy, once it has negotiated. policy
 * NULL: the guest does not open the channel. state is what the heartbeat says of the applications.
 */
struct release_report release_report(enum release_id release, enum ic_component component,
				     const struct ic_policy *policy, enum heartbeat_state state);
