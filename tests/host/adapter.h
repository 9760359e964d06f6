/* SPDX-License-Identifier: GPL-2.0-only */
/* The network adapters of this machine, by their addresses. */
#pragma once

#include <stdbool.h>

#include "hv_util/base.h"

#define ADAPTER_TEXT_SIZE sizeof("00:15:5D:00:00:01")

/*
 * The address of the first adapter, in the order of the system: one that is up, if there is any.
 * 0; -ENODEV when there is none (loopback is none), or another negative errno.
 */
_must_check_ int adapter_first(char ret[static ADAPTER_TEXT_SIZE]);

/* Whether the text is six bytes in hexadecimal, separated by ":" or by "-". */
bool adapter_text_is_good(const char *text);

/*
 * The address and the first IPv4 address of the first adapter that has one. ret_ipv4 is "" when
 * none has; then ret_mac is of the last adapter, or one that no adapter has.
 */
void adapter_with_ipv4(char ret_mac[static ADAPTER_TEXT_SIZE], char ret_ipv4[static 16]);
