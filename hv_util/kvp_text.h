/* SPDX-License-Identifier: GPL-2.0-only */
/* Texts in the fields of KVP messages. Private to the KVP service and its tests. */
#pragma once

#include "hv_util/utf16.h"

/*
 * Reads the text in a field of size bytes of UTF-16LE, up to its NUL, as UTF-8. Returns its bytes
 * without the NUL; -EINVAL when size is odd, when no NUL stands in it, or when the text does not fit
 * in cap bytes; -EILSEQ when it is not UTF-16. to is undefined on failure.
 */
_must_check_ int kvp_text_read(const uint8_t *field, size_t size, char *to, size_t cap);

/*
 * Writes text, at most len bytes up to its NUL, into a field of size bytes and fills it up with
 * zeros. What does not fit is cut between characters. Returns the bytes used with the NUL.
 */
size_t kvp_text_write(const char *text, size_t len, uint8_t *field, size_t size);

/*
 * The same for UTF-8, which is what Linux's driver makes of a field for its daemon. To that driver
 * goes valid text only: it gives up an enumeration at the first text that is not (hv_kvp.c,
 * utf8s_to_utf16s).
 */
_must_check_ int kvp_text_read_utf8(const uint8_t *field, size_t size, char *to, size_t cap);
size_t kvp_text_write_utf8(const char *text, size_t len, uint8_t *field, size_t size);
