/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values as they stand in a configuration file. Each parser returns 0, or -EINVAL for what is not its
 * kind, and then *ret is untouched; what a formatter writes, the parser of that kind takes.
 */
#pragma once

#include <stdbool.h>

#include "hv_util/negotiate.h"

/* The longest value with its NUL: that of a path. */
#define CONF_VALUE_SIZE 4096

/* The number of a name; names may have gaps. */
_must_check_ int conf_value_parse_choice(const char *value, const char *const *names, size_t n,
					 unsigned *ret);

/* "yes" or "no". */
_must_check_ int conf_value_parse_yes_no(const char *value, bool *ret);

/* A decimal number from min to max. */
_must_check_ int conf_value_parse_number(const char *value, unsigned min, unsigned max, unsigned *ret);

/* A list of versions that are among those spoken, each at most once: "3.0 1.0". */
_must_check_ int conf_value_parse_versions(const char *value, const struct ic_admitted *spoken,
					   struct ic_admitted *ret);
void conf_value_format_versions(const struct ic_admitted *list, char to[static CONF_VALUE_SIZE]);

/* Framework and message: "9.9/7.7". */
_must_check_ int conf_value_parse_pair(const char *value, struct ic_pair *ret);
void conf_value_format_pair(struct ic_pair pair, char to[static CONF_VALUE_SIZE]);

/* Two numbers: "2,0". */
_must_check_ int conf_value_parse_counts(const char *value, uint16_t ret[static 2]);
void conf_value_format_counts(const uint16_t counts[static 2], char to[static CONF_VALUE_SIZE]);
