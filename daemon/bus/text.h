/* SPDX-License-Identifier: GPL-2.0-only */
/* What a pool holds, as text for the bus, which hangs up on whoever sends it anything but UTF-8. */
#pragma once

#include <string.h>

#include "hv_util/kvp.h"
#include "hv_util/utf16.h"

/* A byte that is no UTF-8 becomes three, U+FFFD. */
struct text_shown {
	char text[3 * KVP_VALUE_SIZE];
};

static inline const char *text_show(const char *text, struct text_shown *room)
{
	(void)utf8_repair(text, strlen(text), room->text, sizeof(room->text));
	return room->text;
}
