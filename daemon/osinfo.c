/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/osinfo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "daemon/host_name.h"
#include "daemon/os_release.h"
#include "daemon/rdp.h"

/* The value goes to the host as 2048 bytes of UTF-16 with a NUL. A list is cut to that
 * here, between two addresses, rather than there in the middle of one. */
#define LIST_SIZE (KVP_VALUE_SIZE / 2)

struct osinfo {
	int root_fd;
	struct net *net;
	const char *services_version;
	const char *release_path;
	struct file_stamp release_stamp;
	struct os_release release;
	struct host_name host_name;
	struct utsname uts;
	int network; /* see osinfo_network */
};

static void put(char *value, const char *text)
{
	(void)snprintf(value, KVP_VALUE_SIZE, "%s", text);
}

static const struct os_release *release_now(struct osinfo *o)
{
	const char *path = os_release_path(o->root_fd);
	struct file_stamp stamp = { 0 };

	if (path)
		file_stamp_read(o->root_fd, path, &stamp);
	if (path != o->release_path || !file_stamp_equal(&stamp, &o->release_stamp)) {
		os_release_read(o->root_fd, path, &o->release);
		o->release_path = path;
		o->release_stamp = stamp;
	}
	return &o->release;
}

static const struct utsname *uname_now(struct osinfo *o)
{
	(void)uname(&o->uts); /* fails for a bad pointer only */
	return &o->uts;
}

static void fill_host_name(struct osinfo *o, char *value)
{
	put(value, host_name_full(&o->host_name, o->root_fd));
}

static void fill_services_version(struct osinfo *o, char *value)
{
	put(value, o->services_version);
}

static void fill_ipv4(struct osinfo *o, char *value)
{
	o->network = net_list_addresses(o->net, AF_INET, value, LIST_SIZE);
}

static void fill_ipv6(struct osinfo *o, char *value)
{
	o->network = net_list_addresses(o->net, AF_INET6, value, LIST_SIZE);
}

static void fill_build(struct osinfo *o, char *value)
{
	put(value, uname_now(o)->release);
}

static void fill_name(struct osinfo *o, char *value)
{
	const char *name = release_now(o)->name;

	put(value, *name != '\0' ? name : uname_now(o)->sysname);
}

static void fill_major(struct osinfo *o, char *value)
{
	put(value, release_now(o)->version_id);
}

/* Always empty on Linux: OSMajorVersion has the whole version. */
static void fill_minor(struct osinfo *o, char *value)
{
	(void)o;
	put(value, "");
}

/* "A Win7 host expects x.y.z" (hv_kvp_daemon). */
static void fill_version(struct osinfo *o, char *value)
{
	put(value, uname_now(o)->release);
	value[strcspn(value, "-")] = '\0';
}

static void fill_architecture(struct osinfo *o, char *value)
{
	const char *machine = uname_now(o)->machine;
	bool ix86 = strlen(machine) == 4 && machine[0] == 'i' && strcmp(machine + 2, "86") == 0;

	put(value, ix86 ? "x86" : machine);
}

static void fill_edition(struct osinfo *o, char *value)
{
	put(value, release_now(o)->variant_id);
}

static void fill_product_type(struct osinfo *o, char *value)
{
	static const struct {
		const char *variant, *type;
	} types[] = {
		{ "workstation", "1" },
		{ "desktop", "1" },
		{ "server", "3" },
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(release_now(o)->variant_id, types[i].variant) == 0)
			put(value, types[i].type);
}

static void list_rdp(struct osinfo *o, int family, char *value)
{
	int r = rdp_list_addresses(o->root_fd, o->net, family, value, LIST_SIZE);

	/* Mostly nothing listens, and the network was not asked. */
	if (r < 0)
		o->network = r;
}

static void fill_rdp_ipv4(struct osinfo *o, char *value)
{
	list_rdp(o, AF_INET, value);
}

static void fill_rdp_ipv6(struct osinfo *o, char *value)
{
	list_rdp(o, AF_INET6, value);
}

/* value is KVP_VALUE_SIZE zero bytes. */
struct item {
	const char *key;
	void (*fill)(struct osinfo *o, char *value);
	bool optional; /* left out while its value is empty */
};

static const struct item items[] = {
	{ "FullyQualifiedDomainName", fill_host_name, false },
	{ "IntegrationServicesVersion", fill_services_version, false },
	{ "NetworkAddressIPv4", fill_ipv4, false },
	{ "NetworkAddressIPv6", fill_ipv6, false },
	{ "OSBuildNumber", fill_build, false },
	{ "OSName", fill_name, false },
	{ "OSMajorVersion", fill_major, false },
	{ "OSMinorVersion", fill_minor, false },
	{ "OSVersion", fill_version, false },
	{ "ProcessorArchitecture", fill_architecture, false },
	{ "OSEditionId", fill_edition, true },
	{ "ProductType", fill_product_type, true },
	{ "RDPAddressIPv4", fill_rdp_ipv4, true },
	{ "RDPAddressIPv6", fill_rdp_ipv6, true },
};

/* False: the item has nothing to say now. */
static bool fill_record(struct osinfo *o, const struct item *item, struct kvp_record *record)
{
	size_t len;

	memset(record->value, 0, sizeof(record->value));
	item->fill(o, record->value);
	/* What was written and then cut must not stay behind the NUL. */
	len = strlen(record->value);
	memset(record->value + len, 0, sizeof(record->value) - len);
	return !item->optional || len > 0;
}

int osinfo_enumerate(struct osinfo *o, uint32_t index, struct kvp_record *ret)
{
	uint32_t at = 0;

	o->network = 1;
	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		/* An optional item counts only when it is there; the others need not be made. */
		if (!items[i].optional && at != index) {
			at++;
			continue;
		}
		if (!fill_record(o, &items[i], ret))
			continue;
		if (at++ == index) {
			memset(ret->key, 0, sizeof(ret->key));
			(void)snprintf(ret->key, sizeof(ret->key), "%s", items[i].key);
			return 0;
		}
	}
	return -ENODATA;
}

int osinfo_get(struct osinfo *o, struct kvp_record *record)
{
	o->network = 1;
	for (size_t i = 0; i < ARRAY_LEN(items); i++)
		if (strcmp(items[i].key, record->key) == 0)
			return fill_record(o, &items[i], record) ? 0 : -ENOENT;
	return -ENOENT;
}

int osinfo_network(const struct osinfo *o)
{
	return o->network;
}

int osinfo_new(const char *root, const char *services_version, struct net *net,
	       struct osinfo **ret)
{
	struct osinfo *o;
	int r;

	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->net = net;
	o->services_version = services_version;
	o->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (o->root_fd < 0) {
		r = -errno;
		osinfo_free(o);
		return r;
	}

	*ret = o;
	return 0;
}

struct osinfo *osinfo_free(struct osinfo *o)
{
	if (!o)
		return NULL;
	if (o->root_fd >= 0)
		close(o->root_fd);
	free(o);
	return NULL;
}
