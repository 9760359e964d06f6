/* SPDX-License-Identifier: GPL-2.0-only */
/* Key-value pair exchange: the service, and what the daemon does for it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hv_util/ic.h"

/* One record of a pool file, byte for byte: UTF-8, NUL-terminated, zero padded. */
#define KVP_KEY_SIZE 512
#define KVP_VALUE_SIZE 2048

struct kvp_record {
	char key[KVP_KEY_SIZE];
	char value[KVP_VALUE_SIZE];
};

_Static_assert(sizeof(struct kvp_record) == 2560, "the pool files' record size");

enum kvp_pool {
	KVP_POOL_EXTERNAL = 0,      /* the host's administrator writes */
	KVP_POOL_GUEST = 1,         /* programs in the guest write */
	KVP_POOL_AUTO = 2,          /* made up on request: what the guest is */
	KVP_POOL_AUTO_EXTERNAL = 3, /* facts about the host */
	KVP_POOL_AUTO_INTERNAL = 4, /* never on the wire (OpenVMM) */
	KVP_POOLS
};

/* Address families, and where an address came from (OpenVMM; Windows' WMI documentation of
 * Msvm_GuestNetworkAdapterConfiguration). */
enum { KVP_FAMILY_IPV4 = 1, KVP_FAMILY_IPV6 = 2 };
enum kvp_origin { KVP_ORIGIN_UNKNOWN = 0, KVP_ORIGIN_DHCP = 1, KVP_ORIGIN_STATIC = 2 };

/* What the binary form has room for; the string form takes what fits in its text. */
#define KVP_ADDRESSES_MAX 64
#define KVP_GATEWAYS_MAX 5

struct kvp_ipv4 {
	uint8_t address[4]; /* network order */
	uint8_t prefix;     /* bits, 0 to 32 */
	uint8_t origin;     /* enum kvp_origin */
};

struct kvp_ipv6 {
	uint8_t address[16];
	uint8_t prefix; /* bits, 0 to 128 */
	uint8_t origin;
};

/* The addresses of one network adapter. */
struct kvp_ip {
	char adapter_id[3 * 128]; /* GET: the MAC address; SET: the VMBus device's {GUID} */
	uint8_t family;           /* KVP_FAMILY_* or-ed: what the host asks to set */
	bool dhcp;
	unsigned n_ipv4, n_ipv6;
	struct kvp_ipv4 ipv4[KVP_ADDRESSES_MAX];
	struct kvp_ipv6 ipv6[KVP_ADDRESSES_MAX];
	unsigned n_gateways4, n_gateways6;
	uint8_t gateways4[KVP_GATEWAYS_MAX][4];
	uint8_t gateways6[KVP_GATEWAYS_MAX][16];
	unsigned n_dns4, n_dns6;
	uint8_t dns4[KVP_ADDRESSES_MAX][4];
	uint8_t dns6[KVP_ADDRESSES_MAX][16];
};

/*
 * What the daemon does. Text is valid, terminated UTF-8; sizes and pool numbers are checked before.
 * All return 0 or a negative errno, which becomes the host's status (status.h); -EAGAIN asks to be
 * called again soon with the same request: a pool file is locked, or its disk takes long, and then what is
 * asked for may happen without a further call, too.
 */
struct kvp_ops {
	/* key is given, value is filled and zero padded. -ENOENT: no such key. */
	int (*get)(void *user, unsigned pool, struct kvp_record *record);
	int (*set)(void *user, unsigned pool, const struct kvp_record *record);
	/* -ENOENT: no such key. */
	int (*remove)(void *user, unsigned pool, const char *key);
	/* The record at index, counted from 0. -ENODATA: there are no more. */
	int (*enumerate)(void *user, unsigned pool, uint32_t index, struct kvp_record *ret);
	/* ip->adapter_id is given, the rest is zero and to be filled. -ENODEV: no such adapter. */
	int (*get_ip)(void *user, struct kvp_ip *ip);
	/* -ENOENT: no such adapter. */
	int (*set_ip)(void *user, const struct kvp_ip *ip);
	/* What was -EAGAIN last is not asked for again. May be NULL. */
	void (*forget)(void *user);
};

/* ic.user of this service. */
struct kvp {
	const struct kvp_ops *ops;
	void *user;
	/* Working space of one request, so that the stack and the heap are left alone. */
	struct kvp_record record;
	struct kvp_ip ip;
};

extern const struct ic_service ic_kvp;
