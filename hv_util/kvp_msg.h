/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Key-value pairs behind Linux's own driver: hv_utils speaks with the host and hands each request to
 * a daemon by /dev/vmbus/hv_kvp, as a struct hv_kvp_msg (Linux uapi hyperv.h, hv_kvp.c). The texts of
 * these are UTF-8, addresses are in the string form only, and which version the driver has agreed
 * with the host is not told.
 */
#pragma once

#include "hv_util/ic.h"
#include "hv_util/kvp.h"

/* Every message, in both directions: the driver takes no shorter one. */
#define KVP_MSG_SIZE 7432

/* What a daemon writes first: that it is one. */
void kvp_msg_register(uint8_t msg[static KVP_MSG_SIZE]);

/* Whether this is the driver's answer to that. It holds a version as well, which "has no meaning"
 * (hv_kvp.c). */
bool kvp_msg_is_registered(const uint8_t *msg, size_t len);

/*
 * Serves a request of the driver in place, as ic_handle does one of the host: len bytes at msg, which
 * has room for KVP_MSG_SIZE. blocked are bits of ic_kvp's operations (struct ic_policy). IC_NOTHING: it is
 * none, and there is nothing to answer with. IC_LATER leaves it as it was. IC_REPLY: all of msg is the
 * answer.
 */
struct ic_result kvp_msg_handle(struct kvp *kvp, uint8_t *msg, size_t len, uint32_t blocked);

/* Makes msg the refusal of itself, for a request that was put off for too long. */
void kvp_msg_refuse(uint8_t msg[static KVP_MSG_SIZE], int error);
