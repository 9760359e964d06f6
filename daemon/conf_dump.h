/* SPDX-License-Identifier: GPL-2.0-only */
/* The configuration in force as a file, which reads back to the same. */
#pragma once

#include <stdio.h>

#include "daemon/conf_reading.h"

/* Every key of every section with its value, and in comments where those come from that are no defaults.
 * What a profile says is a comment, so that another profile still holds where the file is edited. Whether
 * it could be written is for the caller to ask the stream. */
void conf_dump(const struct conf_reading *reading, FILE *to);
