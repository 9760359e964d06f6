/* SPDX-License-Identifier: GPL-2.0-only */
/* What a configuration says that is allowed and may surprise whoever wrote it. */
#pragma once

#include "daemon/conf_reading.h"

/* A sentence that begins with file and line. */
struct conf_warning {
	char text[512];
};

/* Calls back for each such thing, in no order that matters. */
void conf_check(const struct conf_reading *reading, void (*warn)(void *user, const struct conf_warning *warning),
		void *user);
