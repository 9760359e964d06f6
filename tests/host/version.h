/* SPDX-License-Identifier: GPL-2.0-only */
/* Versions as people write them: "3.0". */
#pragma once

#include <stdbool.h>

#include "hv_util/base.h"
#include "tests/host/facts.h"

#define VERSION_TEXT_SIZE sizeof("65535.65535")

/* Less than, equal to or greater than 0, as a is to b. */
int version_compare(struct version a, struct version b);

bool version_pair_equal(struct version_pair a, struct version_pair b);

bool version_list_has(const struct version_list *list, struct version v);

/* Writes "major.minor" and returns text. */
const char *version_format(struct version v, char text[static VERSION_TEXT_SIZE]);

/* Writes the list as "1.0 3.0", with "..." at its end if it does not fit, and returns text. */
const char *version_list_format(const struct version_list *list, char *text, size_t size);

/* 0 and *ret, or -EINVAL when the text is not two numbers up to 65535 with a dot between. */
_must_check_ int version_parse(const char *text, struct version *ret);
