/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The addresses of an adapter as texts: what the string form of GET_IP and SET_IP says, in whatever
 * encoding it is carried. Private to the KVP service and its tests.
 */
#pragma once

#include "hv_util/ic_wire.h"
#include "hv_util/kvp.h"

/* Lists whose entries end with ";". A good one is ASCII, so that it takes a byte for each of the
 * wire's units. */
struct kvp_ip_text {
	char adapter_id[3 * KVP_IP_ADAPTER_UNITS];
	uint8_t family;
	bool dhcp;
	char addresses[KVP_IP_TEXT_UNITS];
	char subnets[KVP_IP_TEXT_UNITS];
	char gateways[KVP_IP_GATEWAY_UNITS];
	char dns[KVP_IP_TEXT_UNITS];
};

/* 0, or -EINVAL; *ret is undefined on failure. */
_must_check_ int kvp_ip_from_text(const struct kvp_ip_text *text, struct kvp_ip *ret);

/* All but the adapter's id. What has no room is left off, whole addresses at a time. */
void kvp_ip_to_text(const struct kvp_ip *ip, struct kvp_ip_text *ret);

/* The families of the addresses that there are. */
uint8_t kvp_ip_family(const struct kvp_ip *ip);
bool kvp_ip_family_is_known(uint8_t family);

/* A mask of so many bytes as a number of bits; false when its bits have a gap. */
bool kvp_prefix_from_mask(const uint8_t *mask, size_t len, uint8_t *ret);
void kvp_mask_from_prefix(unsigned bits, uint8_t mask[static 4]);
