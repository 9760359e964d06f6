/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The addresses of an adapter in the bodies of GET_IP and SET_IP: as texts up to message version
 * 4.0, as numbers from 5.0 on. Private to the KVP service and its tests. A body is the bytes from
 * the operation on; the engine has checked that it has KVP_IP_STRING_SIZE or KVP_IP_BINARY_SIZE.
 */
#pragma once

#include "hv_util/bytes.h"
#include "hv_util/kvp.h"

/* A GET has nothing but the adapter's id in it. 0, or -EINVAL or -EILSEQ when it is not text. */
_must_check_ int kvp_ip_read_adapter_string(struct rd body, struct kvp_ip *ret);
_must_check_ int kvp_ip_read_adapter_binary(struct rd body, struct kvp_ip *ret);

/* The whole of a SET. 0, or -EINVAL or -EILSEQ; *ret is undefined on failure. */
_must_check_ int kvp_ip_read_string(struct rd body, struct kvp_ip *ret);
_must_check_ int kvp_ip_read_binary(struct rd body, struct kvp_ip *ret);

/* Writes the answer to a GET over its request; the adapter's id stays. What has no room is left
 * off, whole addresses at a time. */
void kvp_ip_write_string(struct wr body, const struct kvp_ip *ip);
void kvp_ip_write_binary(struct wr body, const struct kvp_ip *ip);
