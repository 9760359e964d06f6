/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this machine has to say and to keep for key-value pair exchange: the pool files, the facts
 * of pool 2, the network interfaces; as the struct kvp_ops of the service.
 *
 * Pools 0, 1 and 3 are files. Pool 2 is made up: it is read only, -EACCES. Pool 4 has a file,
 * because programs look for five, but is never exchanged: -EINVAL like every other number. Nothing
 * is allocated while a request is answered, and nothing here logs.
 */
#pragma once

#include <stdbool.h>

#include "hv_util/base.h"
#include "hv_util/kvp.h"

enum kvp_data_part {
	KVP_DATA_POOLS,   /* a pool file cannot be made */
	KVP_DATA_NETWORK, /* the kernel does not tell addresses: their lists are empty */
	KVP_DATA_PARTS
};

struct kvp_data_options {
	const char *pool_directory;
	const char *root;             /* NULL: "/" */
	const char *services_version; /* IntegrationServicesVersion; must live as long */
	bool dry_run;                 /* pools are changed in memory only */
	/* Makes ip the configuration of an interface. 0 or a negative errno for the host; it must not
	 * block. NULL: SET_IP is -EOPNOTSUPP. */
	int (*apply_ip)(void *user, const char *interface, const struct kvp_ip *ip);
	/* Told of each change that was made here. May be NULL. */
	void (*changed)(void *user, unsigned pool);
	/* Told of a failure that no request's errno tells, once until it changes. May be NULL. */
	void (*failed)(void *user, enum kvp_data_part part, int error);
	void *user;
};

struct kvp_data;

/* user of each of these is the struct kvp_data. */
extern const struct kvp_ops kvp_data_ops;

/* Asks no disk for anything. 0, -ENOMEM, -ENAMETOOLONG, or the errno of opening root. */
_must_check_ int kvp_data_new(const struct kvp_data_options *options, struct kvp_data **ret);

/*
 * Makes the pool directory (mode 0755) and its five files, unless they are there or dry_run. That a
 * pool cannot be used is no failure of this function: failed is told, its operations fail, and each
 * tries anew.
 */
void kvp_data_make_pools(struct kvp_data *d);

/*
 * Hands each record of a pool, in order, to a function, at one moment of the pool's life. What that
 * returns other than 0 ends it, and is returned. Otherwise as enumerate; an empty pool is no failure.
 */
_must_check_ int kvp_data_each(struct kvp_data *d, unsigned pool,
			       int (*each)(void *user, const struct kvp_record *record), void *user);

/* Takes NULL; returns NULL. */
struct kvp_data *kvp_data_free(struct kvp_data *d);
