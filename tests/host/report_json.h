/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The report as JSON: the facts, and beside them what follows from them. A saved report can be
 * read back; what follows is concluded anew then, so it cannot contradict the facts.
 */
#pragma once

#include <stddef.h>

#include "hv_util/base.h"
#include "daemon/terminal/terminal.h"
#include "tests/host/facts_json.h"
#include "tests/host/judge.h"

/* The document, or NULL when memory ran out. */
json_t *report_to_json(const struct release *release, const struct guest_facts *facts);

/* 0, -ENOMEM or -EIO. */
_must_check_ int report_print_json(const struct release *release, const struct guest_facts *facts,
				   const struct terminal *t);

/*
 * Reads a document that report_to_json made. 0; -EINVAL with a sentence in error that says where
 * in the file (called name) what was expected, and nothing else is changed.
 */
_must_check_ int report_read_json(FILE *from, const char *name, const struct release **ret_release,
				  struct guest_facts *ret_facts, char *error, size_t error_size);
