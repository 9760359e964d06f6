/* SPDX-License-Identifier: GPL-2.0-only */
/* What hosts report of this guest, as the daemon knows it of each release. */
#pragma once

#include <stdbool.h>

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/value.h"

/*
 * The releases that a table is true of: the one that --release names, or those that fit what this host
 * has offered, which may be none. 0, or an exit status, and it has been said why.
 */
_must_check_ int report_choose(const struct ctl *c, const json_t *facts, json_t **ret);

/* "2016, 2019". The caller frees it; NULL: out of memory. */
char *report_join(const json_t *releases);

/* Whether hosts of these releases report something else of the component. */
bool report_is_other(const json_t *component, const char *release, const char *than);

/* How well it is known, best first. */
enum report_certainty {
	REPORT_CERTAIN,
	REPORT_INFERRED,
	REPORT_UNKNOWN,
	REPORT_MARKS
};

struct report_mark {
	const char *certainty, *mark, *meaning;
};

extern const struct report_mark report_marks[REPORT_MARKS];

/* What a host shows of one component. */
struct report {
	bool is_known; /* false: vmicd cannot say, or the host has nothing to show */
	const char *primary, *secondary;
	enum report_certainty mark;
};

/*
 * What the host of these releases shows now: of a component that vmicd has no channel for it is not
 * known, and it is of no answer where there is none. is_asked: what a host of the release would show of
 * a guest that had negotiated all that is served, whatever the channels do.
 */
struct report report_of_component(const json_t *component, const json_t *releases, bool is_asked);

/* Whether vmicd serves or sees it: somebody else may serve the rest, and what the host sees of that it cannot
 * say, nor what another would. */
bool report_may_be_known(const json_t *component);

/* Whether that follows from what was answered, or would be. */
bool report_is_of_answer(const json_t *component, bool is_asked);

enum colour report_colour(const struct report *report);

/* Whether the second word is that of an older version, and not of the applications. */
bool report_is_mismatch(const struct report *report);

/* Gives each component of the facts its report, "Reported", null where it is not known. 0 or -ENOMEM. */
_must_check_ int report_add_all(const json_t *facts, const json_t *releases, bool is_asked);
