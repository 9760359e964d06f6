/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * UTF-16LE on the wire, UTF-8 in the guest. From the host only valid text is taken; to the host
 * something valid always goes, since pool files hold whatever other programs wrote.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hv_util/base.h"

/*
 * Converts n UTF-16LE units at from (2 * n bytes, any alignment) and ends the text with a NUL.
 * n units can need 3 * n + 1 bytes. Returns the bytes written without the NUL, -EILSEQ for a
 * surrogate that has no partner, -ENOSPC when it does not fit in size bytes; to is then undefined.
 */
_must_check_ int utf16_to_utf8(const uint8_t *from, size_t n, char *to, size_t size);

/*
 * The same without failing: a surrogate that has no partner becomes U+FFFD, and what does not fit in size bytes, at
 * least 1, is left off between two characters. Returns the bytes written without the NUL.
 */
size_t utf16_repair(const uint8_t *from, size_t n, char *to, size_t size);

/*
 * Converts len bytes of UTF-8 into at most max UTF-16LE units (no NUL is added). Bytes that are not
 * UTF-8 become U+FFFD, one each; what does not fit is left off between two characters.
 * Returns the units written.
 */
size_t utf16_from_utf8(const char *from, size_t len, uint8_t *to, size_t max);

bool utf8_is_valid(const char *from, size_t len);

/*
 * Copies len bytes into at most size, at least 1, and ends them with a NUL. Bytes that are not UTF-8
 * become U+FFFD, one each; what does not fit is left off between two characters. Returns the bytes
 * written without the NUL.
 */
size_t utf8_repair(const char *from, size_t len, char *to, size_t size);

/* Makes valid UTF-8 a line that a terminal only prints: of what it does not print, or what turns and hides text
 * (Unicode TR 36), white space becomes a space and the rest a question mark. */
void utf8_make_printable(char *text);
