/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/kvp_data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/net.h"
#include "daemon/osinfo.h"
#include "daemon/pool.h"

struct kvp_data {
	struct pool *pools[KVP_POOLS];
	char *pool_directory;
	bool dry_run;
	struct net *net;
	struct osinfo *osinfo;
	int network_error; /* as last told */
	int (*apply_ip)(void *user, const char *interface, const struct kvp_ip *ip);
	void (*failed)(void *user, enum kvp_data_part part, int error);
	void (*changed)(void *user, unsigned pool);
	void *user;
};

static void tell(const struct kvp_data *d, enum kvp_data_part part, int error)
{
	if (error < 0 && d->failed)
		d->failed(d->user, part, error);
}

static int note_change(const struct kvp_data *d, unsigned pool, int r)
{
	if (r == 0 && d->changed)
		d->changed(d->user, pool);
	return r;
}

/* Addresses that the kernel does not tell make an empty list, and the request succeeds. */
static int note_facts(struct kvp_data *d, int r)
{
	int network = osinfo_network(d->osinfo);

	if (network > 0 || network == d->network_error)
		return r;
	d->network_error = network;
	tell(d, KVP_DATA_NETWORK, network);
	return r;
}

/* The file behind a pool number from the host; NULL: not a file that is exchanged. */
static struct pool *pool_of(struct kvp_data *d, unsigned pool)
{
	return pool < KVP_POOL_AUTO_INTERNAL && pool != KVP_POOL_AUTO ? d->pools[pool] : NULL;
}

static int data_get(void *user, unsigned pool, struct kvp_record *record)
{
	struct kvp_data *d = user;
	struct pool *p = pool_of(d, pool);

	if (p)
		return pool_get(p, record);
	return pool == KVP_POOL_AUTO ? note_facts(d, osinfo_get(d->osinfo, record)) : -EINVAL;
}

static int data_enumerate(void *user, unsigned pool, uint32_t index, struct kvp_record *ret)
{
	struct kvp_data *d = user;
	struct pool *p = pool_of(d, pool);

	if (p)
		return pool_enumerate(p, index, ret);
	return pool == KVP_POOL_AUTO ? note_facts(d, osinfo_enumerate(d->osinfo, index, ret)) :
				       -EINVAL;
}

static int data_set(void *user, unsigned pool, const struct kvp_record *record)
{
	struct kvp_data *d = user;
	struct pool *p = pool_of(d, pool);
	int r;

	if (!p)
		return pool == KVP_POOL_AUTO ? -EACCES : -EINVAL;
	r = pool_set(p, record);
	/* It is the directory that is missing: "no such key" would be the wrong thing to tell. */
	return r == -ENOENT ? -ENOTDIR : note_change(d, pool, r);
}

static int data_remove(void *user, unsigned pool, const char *key)
{
	struct kvp_data *d = user;
	struct pool *p = pool_of(d, pool);

	if (p)
		return note_change(d, pool, pool_remove(p, key));
	return pool == KVP_POOL_AUTO ? -EACCES : -EINVAL;
}

static int data_get_ip(void *user, struct kvp_ip *ip)
{
	struct kvp_data *d = user;

	return net_get_ip(d->net, ip);
}

static int data_set_ip(void *user, const struct kvp_ip *ip)
{
	struct kvp_data *d = user;
	char name[IF_NAMESIZE];
	int r;

	r = net_find_device(d->net, ip->adapter_id, name);
	if (r < 0)
		return r;
	return d->apply_ip ? d->apply_ip(d->user, name, ip) : -EOPNOTSUPP;
}

const struct kvp_ops kvp_data_ops = {
	.get = data_get,
	.set = data_set,
	.remove = data_remove,
	.enumerate = data_enumerate,
	.get_ip = data_get_ip,
	.set_ip = data_set_ip,
};

static int each_fact(struct kvp_data *d, int (*each)(void *user, const struct kvp_record *record),
		     void *user)
{
	struct kvp_record record;

	for (uint32_t i = 0;; i++) {
		int r = data_enumerate(d, KVP_POOL_AUTO, i, &record);

		if (r == -ENODATA)
			return 0;
		if (r == 0)
			r = each(user, &record);
		if (r != 0)
			return r;
	}
}

int kvp_data_each(struct kvp_data *d, unsigned pool,
		  int (*each)(void *user, const struct kvp_record *record), void *user)
{
	struct pool *p = pool_of(d, pool);

	if (p)
		return pool_each(p, each, user);
	return pool == KVP_POOL_AUTO ? each_fact(d, each, user) : -EINVAL;
}

/* As the stock daemon does, for a first start; the umask must not hide it from other programs. */
static void make_directory(const char *path)
{
	if (mkdir(path, 0755) == 0)
		(void)chmod(path, 0755);
}

void kvp_data_make_pools(struct kvp_data *d)
{
	int first = 0;

	if (!d->dry_run)
		make_directory(d->pool_directory);
	for (unsigned i = 0; i < KVP_POOLS; i++) {
		int r = pool_create(d->pools[i]);

		if (r < 0 && first == 0)
			first = r;
	}
	tell(d, KVP_DATA_POOLS, first);
}

static int new_pools(struct kvp_data *d)
{
	const enum pool_mode mode = d->dry_run ? POOL_PRIVATE : POOL_SHARED;
	int r = 0;

	for (unsigned i = 0; i < KVP_POOLS && r == 0; i++)
		r = pool_new(d->pool_directory, i, mode, &d->pools[i]);
	return r;
}

int kvp_data_new(const struct kvp_data_options *options, struct kvp_data **ret)
{
	const char *root = options->root ? options->root : "/";
	struct kvp_data *d;
	int r;

	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->pool_directory = strdup(options->pool_directory);
	d->dry_run = options->dry_run;
	d->apply_ip = options->apply_ip;
	d->failed = options->failed;
	d->changed = options->changed;
	d->user = options->user;
	r = d->pool_directory ? new_pools(d) : -ENOMEM;
	if (r == 0)
		r = net_new(root, &d->net);
	if (r == 0)
		r = osinfo_new(root, options->services_version, d->net, &d->osinfo);
	if (r < 0) {
		kvp_data_free(d);
		return r;
	}

	*ret = d;
	return 0;
}

struct kvp_data *kvp_data_free(struct kvp_data *d)
{
	if (!d)
		return NULL;
	osinfo_free(d->osinfo);
	net_free(d->net);
	for (size_t i = 0; i < KVP_POOLS; i++)
		pool_free(d->pools[i]);
	free(d->pool_directory);
	free(d);
	return NULL;
}
