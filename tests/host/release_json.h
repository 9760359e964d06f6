/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of the table of releases as JSON. All return NULL when memory ran out. */
#pragma once

#include <jansson.h>

#include "tests/host/release.h"

/* Key, title and VMBus version. */
json_t *release_to_json(const struct release *release);

/* What plain OK takes and how good that knowledge is; null for what is not offered. */
json_t *release_expected_to_json(const struct release_offer *offer);

/* One list of versions, as texts. */
json_t *release_list_to_json(const struct version_list *list);

/* The whole row: as release_to_json, and "components" with the lists and what is expected. */
json_t *release_row_to_json(const struct release *release);
