/* SPDX-License-Identifier: GPL-2.0-only */
/* Text for people: what a guest sent made harmless, measured and broken into lines. UTF-8. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The character at *text, which moves behind it: 0 at the end, -EILSEQ when the byte there begins
 * no character (overlong, surrogate, cut short), and then *text moves by this one byte.
 */
int32_t text_next(const char **text);

/*
 * Writes text so that a terminal only prints it: control characters, invisible characters that
 * turn the direction of writing, and bytes that are not UTF-8 become \n, \x1b, \u202e; a backslash
 * is doubled. Cut at size at the border of a character. Returns out.
 */
const char *text_escape(const char *text, char *out, size_t size);

/* Bytes that one byte becomes at most: "\xff". */
#define TEXT_ESCAPED_MOST 4

/* The same text with U+FFFD for each byte that is not UTF-8, as JSON wants it. Returns out. */
const char *text_repair(const char *text, char *out, size_t size);

/* Columns that the text takes on a terminal. */
size_t text_width(const char *text);

/*
 * Bytes of the first line when the text is broken to at most width columns at a space, or, where
 * a word is longer than the line, inside it. *ret_next is where the next line begins: at the
 * terminating 0 after the last.
 */
size_t text_break(const char *text, size_t width, const char **ret_next);

/* The text in at most width columns (3 or more): what is too much becomes "...". Cut at size, too,
 * at the border of a character. Returns out. */
const char *text_cut(const char *text, size_t width, char *out, size_t size);
