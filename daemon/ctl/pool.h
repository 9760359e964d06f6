/* SPDX-License-Identifier: GPL-2.0-only */
/* The pools of key-value pair exchange, as an argument names them and as the daemon lists them. */
#pragma once

#include <jansson.h>

#include "daemon/ctl/ctl.h"

#define POOLS 4
#define POOL_GUEST 1
#define POOL_ALL ((1u << POOLS) - 1)

/* What --pool means: a bit for each pool. 0, or CTL_USAGE, and it has been said why. */
_must_check_ int pool_parse(const struct ctl *c, unsigned *ret);

const char *pool_name(unsigned pool);

/* Its pairs, an array of objects with Key and Value. 0, or an exit status, and it has been said. */
_must_check_ int pool_read(struct ctl *c, unsigned pool, json_t **ret);

struct pool_pairs {
	json_t *of[POOLS]; /* NULL: not asked for */
};

/* The same of several pools. */
_must_check_ int pool_read_all(struct ctl *c, unsigned pools, struct pool_pairs *ret);

void pool_pairs_done(struct pool_pairs *p);
