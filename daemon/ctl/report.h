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

struct report_mark {
	const char *certainty, *mark, *meaning;
};

#define REPORT_MARKS 3

/* From certain on to unknown. */
extern const struct report_mark report_marks[REPORT_MARKS];

struct report_row {
	const char *primary, *secondary;
	const char *mark; /* of the least certain of the releases */
	enum colour colour;
};

/* What a host of the first of these releases reports. *weakest becomes the number of the mark, if that
 * is higher. */
struct report_row report_row_of(const json_t *component, const json_t *releases, size_t *weakest);
