/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/kvp_ip.h"

#include <arpa/inet.h>

#include "hv_util/kvp_text.h"

/* Ends a list's entries in every field (hv_kvp_daemon writes it behind the last one too). */
#define SEPARATOR ';'

static bool prefix_from_mask(const uint8_t *mask, size_t len, uint8_t *ret)
{
	unsigned bits = 0;

	while (bits < 8 * len && mask[bits / 8] & 0x80 >> bits % 8)
		bits++;
	for (unsigned i = bits; i < 8 * len; i++)
		if (mask[i / 8] & 0x80 >> i % 8)
			return false;
	*ret = (uint8_t)bits;
	return true;
}

static void mask_from_prefix(unsigned bits, uint8_t mask[static 4])
{
	memset(mask, 0, 4);
	for (unsigned i = 0; i < bits; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

static uint8_t family_of(const struct kvp_ip *ip)
{
	return (uint8_t)((ip->n_ipv4 > 0 ? KVP_FAMILY_IPV4 : 0) |
			 (ip->n_ipv6 > 0 ? KVP_FAMILY_IPV6 : 0));
}

static bool family_is_known(uint8_t family)
{
	return (family & ~(KVP_FAMILY_IPV4 | KVP_FAMILY_IPV6)) == 0;
}

/* --- the string form: reading --- */

/* Takes the next entry off *list into entry. 1 taken, 0 no more, -EINVAL too long for any address. */
static int entry_next(const char **list, char entry[static INET6_ADDRSTRLEN])
{
	const char *from = *list;
	size_t len;

	while (*from == SEPARATOR)
		from++;
	len = strcspn(from, ";");
	if (len == 0)
		return 0;
	if (len >= INET6_ADDRSTRLEN)
		return -EINVAL;
	memcpy(entry, from, len);
	entry[len] = '\0';
	*list = from + len;
	return 1;
}

/* "64" or "/64"; -EINVAL for anything else. */
static int prefix_from_digits(const char *text, unsigned max, uint8_t *ret)
{
	unsigned bits = 0;

	if (*text == '/')
		text++;
	if (*text == '\0')
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		bits = bits * 10 + (unsigned)(*text - '0');
		if (bits > max)
			return -EINVAL;
	}
	*ret = (uint8_t)bits;
	return 0;
}

/* A subnet as a prefix length or as a mask of the address's family. */
static int prefix_from_text(const char *text, int family, uint8_t *ret)
{
	size_t len = family == AF_INET ? 4 : 16;
	uint8_t mask[16];

	if (inet_pton(family, text, mask) == 1)
		return prefix_from_mask(mask, len, ret) ? 0 : -EINVAL;
	return prefix_from_digits(text, (unsigned)(8 * len), ret);
}

/* One address and the subnet that stands at the same place of the other list. */
static int add_address(struct kvp_ip *ip, const char *address, const char *subnet)
{
	struct kvp_ipv4 *v4 = &ip->ipv4[ip->n_ipv4];
	struct kvp_ipv6 *v6 = &ip->ipv6[ip->n_ipv6];

	if (ip->n_ipv4 < KVP_ADDRESSES_MAX && inet_pton(AF_INET, address, v4->address) == 1) {
		ip->n_ipv4++;
		return prefix_from_text(subnet, AF_INET, &v4->prefix);
	}
	if (ip->n_ipv6 < KVP_ADDRESSES_MAX && inet_pton(AF_INET6, address, v6->address) == 1) {
		ip->n_ipv6++;
		return prefix_from_text(subnet, AF_INET6, &v6->prefix);
	}
	return -EINVAL;
}

static int read_addresses(struct kvp_ip *ip, const char *addresses, const char *subnets)
{
	char address[INET6_ADDRSTRLEN], subnet[INET6_ADDRSTRLEN];
	int r;

	while ((r = entry_next(&addresses, address)) > 0) {
		if (entry_next(&subnets, subnet) <= 0)
			return -EINVAL;
		r = add_address(ip, address, subnet);
		if (r < 0)
			return r;
	}
	return r;
}

/* A list of plain addresses of both families. */
static int read_servers(const char *list, size_t max, uint8_t (*v4)[4], unsigned *n_v4,
			uint8_t (*v6)[16], unsigned *n_v6)
{
	char entry[INET6_ADDRSTRLEN];
	int r;

	while ((r = entry_next(&list, entry)) > 0) {
		if (*n_v4 < max && inet_pton(AF_INET, entry, v4[*n_v4]) == 1)
			(*n_v4)++;
		else if (*n_v6 < max && inet_pton(AF_INET6, entry, v6[*n_v6]) == 1)
			(*n_v6)++;
		else
			return -EINVAL;
	}
	return r;
}

/* The next field of units UTF-16 units as UTF-8 text: 0, or why it is none. */
static int read_field(struct rd *body, size_t units, char *to, size_t size)
{
	const uint8_t *field = rd_bytes(body, 2 * units);
	int len = field ? kvp_text_read(field, 2 * units, to, size) : -EINVAL;

	return len < 0 ? len : 0;
}

int kvp_ip_read_adapter_string(struct rd body, struct kvp_ip *ret)
{
	(void)rd_u16(&body);
	return read_field(&body, KVP_IP_ADAPTER_UNITS, ret->adapter_id, sizeof(ret->adapter_id));
}

int kvp_ip_read_string(struct rd body, struct kvp_ip *ret)
{
	char text[3 * KVP_IP_TEXT_UNITS], subnets[3 * KVP_IP_TEXT_UNITS];
	int r;

	*ret = (struct kvp_ip){ 0 };
	(void)rd_u16(&body);
	r = read_field(&body, KVP_IP_ADAPTER_UNITS, ret->adapter_id, sizeof(ret->adapter_id));
	if (r < 0)
		return r;
	ret->family = rd_u8(&body);
	ret->dhcp = rd_u8(&body) != 0;
	if (!family_is_known(ret->family))
		return -EINVAL;

	r = read_field(&body, KVP_IP_TEXT_UNITS, text, sizeof(text));
	if (r < 0)
		return r;
	r = read_field(&body, KVP_IP_TEXT_UNITS, subnets, sizeof(subnets));
	if (r < 0)
		return r;
	r = read_addresses(ret, text, subnets);
	if (r < 0)
		return r;

	r = read_field(&body, KVP_IP_GATEWAY_UNITS, text, sizeof(text));
	if (r < 0)
		return r;
	r = read_servers(text, KVP_GATEWAYS_MAX, ret->gateways4, &ret->n_gateways4, ret->gateways6,
			 &ret->n_gateways6);
	if (r < 0)
		return r;

	r = read_field(&body, KVP_IP_TEXT_UNITS, text, sizeof(text));
	if (r < 0)
		return r;
	return read_servers(text, KVP_ADDRESSES_MAX, ret->dns4, &ret->n_dns4, ret->dns6,
			    &ret->n_dns6);
}

/* --- the string form: writing --- */

/* A list as it grows: ASCII, so that a byte becomes a unit. */
struct list {
	char text[KVP_IP_TEXT_UNITS];
	size_t used, max; /* max: units without the NUL */
};

/* Appends entry and a separator; false, and the list is as it was, when both do not fit. */
static bool list_add(struct list *l, const char *entry)
{
	size_t len = strlen(entry);

	if (l->max - l->used < len + 1)
		return false;
	memcpy(l->text + l->used, entry, len);
	l->used += len;
	l->text[l->used++] = SEPARATOR;
	return true;
}

static bool list_add_address(struct list *l, int family, const uint8_t *address)
{
	char text[INET6_ADDRSTRLEN];

	return inet_ntop(family, address, text, sizeof(text)) && list_add(l, text);
}

/* "/64", as hv_kvp_daemon writes the subnet of an IPv6 address. */
static bool list_add_prefix(struct list *l, unsigned bits)
{
	char text[8], *p = text + sizeof(text);

	*--p = '\0';
	do
		*--p = (char)('0' + bits % 10);
	while (bits /= 10);
	*--p = '/';
	return list_add(l, p);
}

static void write_list(struct wr *w, const struct list *l, size_t units)
{
	uint8_t *field = wr_room(w, 2 * units);

	if (!field)
		return;
	memset(field, 0, 2 * units);
	(void)utf16_from_utf8(l->text, l->used, field, units - 1);
}

static void write_servers(struct wr *w, size_t units, const uint8_t (*v4)[4], unsigned n_v4,
			  const uint8_t (*v6)[16], unsigned n_v6)
{
	struct list l = { .max = units - 1 };

	for (unsigned i = 0; i < n_v4; i++)
		(void)list_add_address(&l, AF_INET, v4[i]);
	for (unsigned i = 0; i < n_v6; i++)
		(void)list_add_address(&l, AF_INET6, v6[i]);
	write_list(w, &l, units);
}

static void write_addresses(struct wr *w, const struct kvp_ip *ip)
{
	struct list addresses = { .max = KVP_IP_TEXT_UNITS - 1 };
	struct list subnets = { .max = KVP_IP_TEXT_UNITS - 1 };

	/* An entry and its subnet stand at the same place: no address goes without. A subnet's text
	 * is never longer than 16 units and so fits 64 times. */
	for (unsigned i = 0; i < ip->n_ipv4; i++) {
		uint8_t mask[4];

		mask_from_prefix(ip->ipv4[i].prefix, mask);
		if (list_add_address(&addresses, AF_INET, ip->ipv4[i].address))
			(void)list_add_address(&subnets, AF_INET, mask);
	}
	for (unsigned i = 0; i < ip->n_ipv6; i++)
		if (list_add_address(&addresses, AF_INET6, ip->ipv6[i].address))
			(void)list_add_prefix(&subnets, ip->ipv6[i].prefix);

	write_list(w, &addresses, KVP_IP_TEXT_UNITS);
	write_list(w, &subnets, KVP_IP_TEXT_UNITS);
}

void kvp_ip_write_string(struct wr body, const struct kvp_ip *ip)
{
	wr_keep(&body, 2 + 2 * KVP_IP_ADAPTER_UNITS);
	wr_u8(&body, family_of(ip));
	wr_u8(&body, ip->dhcp);
	write_addresses(&body, ip);
	write_servers(&body, KVP_IP_GATEWAY_UNITS, ip->gateways4, ip->n_gateways4, ip->gateways6,
		      ip->n_gateways6);
	write_servers(&body, KVP_IP_TEXT_UNITS, ip->dns4, ip->n_dns4, ip->dns6, ip->n_dns6);
}

/* --- the binary form --- */

static unsigned read_count(struct rd *r, unsigned max, bool *bad)
{
	uint32_t n = rd_u32(r);

	*bad |= n > max;
	return n > max ? 0 : n;
}

static bool read_counts(struct rd *r, struct kvp_ip *ip)
{
	bool bad = false;

	ip->n_ipv4 = read_count(r, KVP_ADDRESSES_MAX, &bad);
	ip->n_ipv6 = read_count(r, KVP_ADDRESSES_MAX, &bad);
	ip->n_gateways4 = read_count(r, KVP_GATEWAYS_MAX, &bad);
	ip->n_gateways6 = read_count(r, KVP_GATEWAYS_MAX, &bad);
	ip->n_dns4 = read_count(r, KVP_ADDRESSES_MAX, &bad);
	ip->n_dns6 = read_count(r, KVP_ADDRESSES_MAX, &bad);
	return !bad;
}

/* All places of an array are on the wire; those beyond n mean nothing. */
static void read_array(struct rd *r, void *to, size_t size)
{
	const uint8_t *p = rd_bytes(r, size);

	if (p)
		memcpy(to, p, size);
}

/* Addresses, masks and prefix lengths; false when one of those in use is impossible. */
static bool read_binary_addresses(struct rd *r, struct kvp_ip *ip)
{
	bool good = true;

	for (unsigned i = 0; i < KVP_ADDRESSES_MAX; i++)
		read_array(r, ip->ipv4[i].address, 4);
	for (unsigned i = 0; i < KVP_ADDRESSES_MAX; i++)
		read_array(r, ip->ipv6[i].address, 16);
	for (unsigned i = 0; i < KVP_ADDRESSES_MAX; i++) {
		uint8_t mask[4] = { 0 };

		read_array(r, mask, sizeof(mask));
		good &= prefix_from_mask(mask, 4, &ip->ipv4[i].prefix) || i >= ip->n_ipv4;
	}
	for (unsigned i = 0; i < KVP_ADDRESSES_MAX; i++) {
		uint32_t prefix = rd_u32(r);

		ip->ipv6[i].prefix = (uint8_t)prefix;
		good &= prefix <= 128 || i >= ip->n_ipv6;
	}
	return good;
}

/* A number without a meaning must not become one with a meaning when it is cut to a byte. */
static uint8_t read_origin(struct rd *r)
{
	uint16_t origin = rd_u16(r);

	return origin <= KVP_ORIGIN_STATIC ? (uint8_t)origin : KVP_ORIGIN_UNKNOWN;
}

static void read_origins(struct rd *r, struct kvp_ip *ip)
{
	for (unsigned i = 0; i < ip->n_ipv4; i++)
		ip->ipv4[i].origin = read_origin(r);
	for (unsigned i = 0; i < ip->n_ipv6; i++)
		ip->ipv6[i].origin = read_origin(r);
}

int kvp_ip_read_adapter_binary(struct rd body, struct kvp_ip *ret)
{
	(void)rd_bytes(&body, KVP_HEADER_SIZE + 6 * 4);
	return read_field(&body, KVP_IP_ADAPTER_UNITS, ret->adapter_id, sizeof(ret->adapter_id));
}

int kvp_ip_read_binary(struct rd body, struct kvp_ip *ret)
{
	bool good;
	int r;

	*ret = (struct kvp_ip){ 0 };
	(void)rd_u32(&body);
	good = read_counts(&body, ret);
	r = read_field(&body, KVP_IP_ADAPTER_UNITS, ret->adapter_id, sizeof(ret->adapter_id));
	if (r < 0)
		return r;
	ret->family = rd_u8(&body);
	ret->dhcp = rd_u8(&body) != 0;
	(void)rd_u16(&body);
	good &= family_is_known(ret->family);
	good &= read_binary_addresses(&body, ret);

	read_array(&body, ret->gateways4, sizeof(ret->gateways4));
	read_array(&body, ret->gateways6, sizeof(ret->gateways6));
	read_array(&body, ret->dns4, sizeof(ret->dns4));
	read_array(&body, ret->dns6, sizeof(ret->dns6));
	read_origins(&body, ret);
	return good ? rd_result(&body) : -EINVAL;
}

static void write_counts(struct wr *w, const struct kvp_ip *ip)
{
	wr_u32(w, ip->n_ipv4);
	wr_u32(w, ip->n_ipv6);
	wr_u32(w, ip->n_gateways4);
	wr_u32(w, ip->n_gateways6);
	wr_u32(w, ip->n_dns4);
	wr_u32(w, ip->n_dns6);
}

static void write_binary_addresses(struct wr *w, const struct kvp_ip *ip)
{
	for (unsigned i = 0; i < KVP_ADDRESSES_MAX; i++)
		wr_bytes(w, ip->ipv4[i].address, 4);
	for (unsigned i = 0; i < KVP_ADDRESSES_MAX; i++)
		wr_bytes(w, ip->ipv6[i].address, 16);
	for (unsigned i = 0; i < KVP_ADDRESSES_MAX; i++) {
		uint8_t mask[4];

		mask_from_prefix(ip->ipv4[i].prefix, mask);
		wr_bytes(w, mask, sizeof(mask));
	}
	for (unsigned i = 0; i < KVP_ADDRESSES_MAX; i++)
		wr_u32(w, ip->ipv6[i].prefix);
}

static void write_origins(struct wr *w, const struct kvp_ip *ip)
{
	for (unsigned i = 0; i < ip->n_ipv4; i++)
		wr_u16(w, ip->ipv4[i].origin);
	for (unsigned i = 0; i < ip->n_ipv6; i++)
		wr_u16(w, ip->ipv6[i].origin);
	wr_zero(w, 2 * (2 * KVP_ADDRESSES_MAX - ip->n_ipv4 - ip->n_ipv6));
}

void kvp_ip_write_binary(struct wr body, const struct kvp_ip *ip)
{
	wr_keep(&body, KVP_HEADER_SIZE);
	write_counts(&body, ip);
	wr_keep(&body, 2 * KVP_IP_ADAPTER_UNITS);
	wr_u8(&body, family_of(ip));
	wr_u8(&body, ip->dhcp);
	wr_u16(&body, 0);
	write_binary_addresses(&body, ip);
	wr_bytes(&body, ip->gateways4, sizeof(ip->gateways4));
	wr_bytes(&body, ip->gateways6, sizeof(ip->gateways6));
	wr_bytes(&body, ip->dns4, sizeof(ip->dns4));
	wr_bytes(&body, ip->dns6, sizeof(ip->dns6));
	write_origins(&body, ip);
}
