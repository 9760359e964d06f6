/* SPDX-License-Identifier: GPL-2.0-only */
/* GUIDs as VMBus carries them: the first three groups little-endian, the rest as written. */
#pragma once

#include <stdint.h>

#include "hv_util/base.h"

struct guid {
	uint8_t b[16];
};

/* Length of the text form with its NUL: no braces, lower case, as sysfs names instances. */
#define GUID_TEXT_SIZE 37

/* GUID(0x57164f39, 0x9115, 0x4e78, 0xab, 0x55, ...): the groups as they are written. */
#define GUID(a, b_, c, d0, d1, d2, d3, d4, d5, d6, d7)                                    \
	{ { (a) & 0xff, (a) >> 8 & 0xff, (a) >> 16 & 0xff, (a) >> 24 & 0xff, (b_) & 0xff, \
	    (b_) >> 8 & 0xff, (c) & 0xff, (c) >> 8 & 0xff, d0, d1, d2, d3, d4, d5, d6, d7 } }

/* Reads 36 characters, in either case, with or without braces around. 0, or -EINVAL and *ret is
 * untouched. */
_must_check_ int guid_parse(const char *text, struct guid *ret);

void guid_format(const struct guid *g, char out[static GUID_TEXT_SIZE]);
