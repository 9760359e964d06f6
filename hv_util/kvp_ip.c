/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/kvp_ip.h"

#include "hv_util/kvp_ip_text.h"
#include "hv_util/kvp_text.h"

/* The next field of units UTF-16 units as UTF-8 text: 0, or why it is none. */
static int read_field(struct rd *body, size_t units, char *to, size_t size)
{
	const uint8_t *field = rd_bytes(body, 2 * units);
	int len = field ? kvp_text_read(field, 2 * units, to, size) : -EINVAL;

	return len < 0 ? len : 0;
}

/* --- the string form --- */

int kvp_ip_read_adapter_string(struct rd body, struct kvp_ip *ret)
{
	(void)rd_u16(&body);
	return read_field(&body, KVP_IP_ADAPTER_UNITS, ret->adapter_id, sizeof(ret->adapter_id));
}

int kvp_ip_read_string(struct rd body, struct kvp_ip *ret)
{
	struct kvp_ip_text text;
	int r;

	(void)rd_u16(&body);
	r = read_field(&body, KVP_IP_ADAPTER_UNITS, text.adapter_id, sizeof(text.adapter_id));
	text.family = rd_u8(&body);
	text.dhcp = rd_u8(&body) != 0;
	if (r == 0)
		r = read_field(&body, KVP_IP_TEXT_UNITS, text.addresses, sizeof(text.addresses));
	if (r == 0)
		r = read_field(&body, KVP_IP_TEXT_UNITS, text.subnets, sizeof(text.subnets));
	if (r == 0)
		r = read_field(&body, KVP_IP_GATEWAY_UNITS, text.gateways, sizeof(text.gateways));
	if (r == 0)
		r = read_field(&body, KVP_IP_TEXT_UNITS, text.dns, sizeof(text.dns));
	return r < 0 ? r : kvp_ip_from_text(&text, ret);
}

static void write_field(struct wr *w, size_t units, const char *text)
{
	uint8_t *field = wr_room(w, 2 * units);

	if (field)
		(void)kvp_text_write(text, units, field, 2 * units);
}

void kvp_ip_write_string(struct wr body, const struct kvp_ip *ip)
{
	struct kvp_ip_text text;

	kvp_ip_to_text(ip, &text);
	wr_keep(&body, 2 + 2 * KVP_IP_ADAPTER_UNITS);
	wr_u8(&body, text.family);
	wr_u8(&body, text.dhcp);
	write_field(&body, KVP_IP_TEXT_UNITS, text.addresses);
	write_field(&body, KVP_IP_TEXT_UNITS, text.subnets);
	write_field(&body, KVP_IP_GATEWAY_UNITS, text.gateways);
	write_field(&body, KVP_IP_TEXT_UNITS, text.dns);
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
		good &= kvp_prefix_from_mask(mask, 4, &ip->ipv4[i].prefix) || i >= ip->n_ipv4;
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
	good &= kvp_ip_family_is_known(ret->family);
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

		kvp_mask_from_prefix(ip->ipv4[i].prefix, mask);
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
	wr_u8(&body, kvp_ip_family(ip));
	wr_u8(&body, ip->dhcp);
	wr_u16(&body, 0);
	write_binary_addresses(&body, ip);
	wr_bytes(&body, ip->gateways4, sizeof(ip->gateways4));
	wr_bytes(&body, ip->gateways6, sizeof(ip->gateways6));
	wr_bytes(&body, ip->dns4, sizeof(ip->dns4));
	wr_bytes(&body, ip->dns6, sizeof(ip->dns6));
	write_origins(&body, ip);
}
