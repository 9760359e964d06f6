/* SPDX-License-Identifier: GPL-2.0-only */
/* The reading of the configuration's files: what they say, where they say it, and what comes of it. */
#pragma once

#include "daemon/conf.h"
#include "daemon/conf_files.h"
#include "daemon/conf_key.h"

/* Where a key was given last. */
struct conf_origin {
	unsigned file; /* its number among the files, from 1 on; 0: nowhere, it is the default */
	unsigned line;
	unsigned hidden_line; /* where the same file gave it before that, to no effect; 0: nowhere */
};

struct conf_reading {
	struct conf_files files;
	struct conf conf; /* what they say, and once all are read what comes of it */
	struct conf_origin origin[CONF_ROWS_MAX][IC_COMPONENTS];
};

/* As conf_read. 0, and *ret is the caller's; a negative errno, and *ret is untouched. */
_must_check_ int conf_reading_new(const char *path, struct conf_reading **ret, struct conf_error *error);

/* Takes NULL. Returns NULL. */
struct conf_reading *conf_reading_free(struct conf_reading *r);

/* component says nothing for a key that is not every component's. */
const struct conf_origin *conf_origin_of(const struct conf_reading *r, const struct conf_row *row,
					 enum ic_component component);
