/* SPDX-License-Identifier: GPL-2.0-only */
/* What is in a JSON value that came from outside: whatever its type turns out to be, these take it. */
#pragma once

#include <jansson.h>

/* "": it is no text. */
const char *value_text(const json_t *value);

/* Of a member; "": it is not there, or no text. */
const char *member_text(const json_t *object, const char *name);

/* Likewise; 0: it is not there, or no whole number. */
long long member_number(const json_t *object, const char *name);

/* Any value as a line of text: "3.0 5.0", "3.0/5.0". The caller frees it; NULL: out of memory. */
char *value_line(const json_t *value);

/* For _cleanup_. */
void value_freep(json_t **j);
