/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's own UTF-16: from the text of a scenario to the bytes of a message and back. In the
 * text \u{1F600} is a code point, \w{D83D} one unit as it is, \\ a backslash; the rest is UTF-8.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv_util/base.h"

/* Little-endian units and a NUL. The bytes with the NUL, -EINVAL, or -ENOBUFS. */
_must_check_ int text16_from_escaped(const char *text, uint8_t *ret, size_t size);

/* Up to the NUL or the end; what is not valid becomes \w{}. Cut to size. */
void text16_to_escaped(const uint8_t *units, size_t bytes, char *ret, size_t size);

bool text16_has_end(const uint8_t *units, size_t bytes);

/* Whether every surrogate has its partner, up to the NUL. */
bool text16_is_valid(const uint8_t *units, size_t bytes);
