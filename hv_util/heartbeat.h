/* SPDX-License-Identifier: GPL-2.0-only */
/* Heartbeat: the service. */
#pragma once

#include <stdint.h>

#include "hv_util/ic.h"

/* What Get-VM's Heartbeat shows of the applications (OpenVMM hyperv_ic_protocol; Windows
 * headers know the first three). */
enum heartbeat_state {
	HEARTBEAT_UNKNOWN = 0,
	HEARTBEAT_HEALTHY = 1,
	HEARTBEAT_CRITICAL = 2,
	HEARTBEAT_STOPPED = 3,
	HEARTBEAT_STATES
};

extern const char *const heartbeat_state_names[HEARTBEAT_STATES];

/* ic.user of this service. */
struct heartbeat {
	enum heartbeat_state state; /* what to answer from version 3.0 on */
	uint64_t sequence;          /* as last answered */
	uint64_t beats;             /* answered so far */
};

extern const struct ic_service ic_heartbeat;
