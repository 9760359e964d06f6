/* SPDX-License-Identifier: GPL-2.0-only */
/* What the host reads in a reply's status word (Linux hyperv.h, OpenVMM hyperv_ic_protocol). */
#pragma once

#include <stdint.h>

enum hv_status {
	HV_STATUS_OK = 0,
	HV_STATUS_FAIL = 0x80004005,
	/* [MS-ERREF] E_ACCESSDENIED, which hosts print as "General access denied error"; that they do so
	 * for a component's answer as well is inferred. */
	HV_STATUS_DENIED = 0x80070005,
	HV_STATUS_NOT_FOUND = 0x80041002,      /* no such key, no such adapter */
	HV_STATUS_NOT_SUPPORTED = 0x80070032,
	HV_STATUS_EXISTS = 0x80070050,
	HV_STATUS_INVALID = 0x80070057,
	HV_STATUS_DISK_FULL = 0x80070070,
	HV_STATUS_NO_MORE_ITEMS = 0x80070103,  /* ends an enumeration */
	HV_STATUS_NOT_CONNECTED = 0x8007048f,
};

/* The status for a negative errno, or for 0. An errno that has no row is HV_STATUS_FAIL. */
uint32_t hv_status(int r);
