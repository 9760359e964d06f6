/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/kvp_ip_text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* Ends a list's entries in every field (hv_kvp_daemon writes it behind the last one too). */
#define SEPARATOR ';'

bool kvp_prefix_from_mask(const uint8_t *mask, size_t len, uint8_t *ret)
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

void kvp_mask_from_prefix(unsigned bits, uint8_t mask[static 4])
{
	memset(mask, 0, 4);
	for (unsigned i = 0; i < bits; i++)
		mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

uint8_t kvp_ip_family(const struct kvp_ip *ip)
{
	return (uint8_t)((ip->n_ipv4 > 0 ? KVP_FAMILY_IPV4 : 0) |
			 (ip->n_ipv6 > 0 ? KVP_FAMILY_IPV6 : 0));
}

bool kvp_ip_family_is_known(uint8_t family)
{
	return (family & ~(KVP_FAMILY_IPV4 | KVP_FAMILY_IPV6)) == 0;
}

/* --- reading --- */

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
		return kvp_prefix_from_mask(mask, len, ret) ? 0 : -EINVAL;
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

int kvp_ip_from_text(const struct kvp_ip_text *text, struct kvp_ip *ret)
{
	int r;

	*ret = (struct kvp_ip){ .family = text->family, .dhcp = text->dhcp };
	if (!kvp_ip_family_is_known(ret->family))
		return -EINVAL;
	memcpy(ret->adapter_id, text->adapter_id, strlen(text->adapter_id));
	r = read_addresses(ret, text->addresses, text->subnets);
	if (r < 0)
		return r;
	r = read_servers(text->gateways, KVP_GATEWAYS_MAX, ret->gateways4, &ret->n_gateways4,
			 ret->gateways6, &ret->n_gateways6);
	if (r < 0)
		return r;
	return read_servers(text->dns, KVP_ADDRESSES_MAX, ret->dns4, &ret->n_dns4, ret->dns6,
			    &ret->n_dns6);
}

/* --- writing --- */

/* A list as it grows. */
struct list {
	char *text;
	size_t used, size;
};

/* Appends entry and a separator; false, and the list is as it was, when both do not fit. */
static bool list_add(struct list *l, const char *entry)
{
	size_t len = strlen(entry);

	if (l->size - l->used < len + 2)
		return false;
	memcpy(l->text + l->used, entry, len);
	l->used += len;
	l->text[l->used++] = SEPARATOR;
	l->text[l->used] = '\0';
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

static void write_servers(struct list l, const uint8_t (*v4)[4], unsigned n_v4,
			  const uint8_t (*v6)[16], unsigned n_v6)
{
	for (unsigned i = 0; i < n_v4; i++)
		(void)list_add_address(&l, AF_INET, v4[i]);
	for (unsigned i = 0; i < n_v6; i++)
		(void)list_add_address(&l, AF_INET6, v6[i]);
}

static void write_addresses(struct list addresses, struct list subnets, const struct kvp_ip *ip)
{
	/* An entry and its subnet stand at the same place: no address goes without. A subnet's text
	 * is never longer than 16 units and so fits 64 times. */
	for (unsigned i = 0; i < ip->n_ipv4; i++) {
		uint8_t mask[4];

		kvp_mask_from_prefix(ip->ipv4[i].prefix, mask);
		if (list_add_address(&addresses, AF_INET, ip->ipv4[i].address))
			(void)list_add_address(&subnets, AF_INET, mask);
	}
	for (unsigned i = 0; i < ip->n_ipv6; i++)
		if (list_add_address(&addresses, AF_INET6, ip->ipv6[i].address))
			(void)list_add_prefix(&subnets, ip->ipv6[i].prefix);
}

#define LIST_OF(field) ((struct list){ .text = (field), .size = sizeof(field) })

void kvp_ip_to_text(const struct kvp_ip *ip, struct kvp_ip_text *ret)
{
	*ret = (struct kvp_ip_text){ .family = kvp_ip_family(ip), .dhcp = ip->dhcp };
	write_addresses(LIST_OF(ret->addresses), LIST_OF(ret->subnets), ip);
	write_servers(LIST_OF(ret->gateways), ip->gateways4, ip->n_gateways4, ip->gateways6,
		      ip->n_gateways6);
	write_servers(LIST_OF(ret->dns), ip->dns4, ip->n_dns4, ip->dns6, ip->n_dns6);
}
