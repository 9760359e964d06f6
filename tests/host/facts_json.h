/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct guest_facts as JSON, both ways, by one table a structure: what is written is what is read.
 * A saved report may come from anyone, so reading checks every name, type and range.
 */
#pragma once

#include <jansson.h>

#include "hv_util/base.h"
#include "tests/host/facts.h"

/* Why a document was refused: where, and what was expected. */
struct json_refusal {
	char path[128]; /* "components[4].answered.framework" */
	char text[256]; /* a sentence */
};

/*
 * Refuses with -EINVAL at the path that has been built so far. The text says what was expected.
 */
__attribute__((format(printf, 2, 3))) int json_refuse(struct json_refusal *refusal,
						       const char *format, ...);

/* The members "vm", "components" and "intrinsic" of the document. 0 or -ENOMEM. */
_must_check_ int facts_to_json(const struct guest_facts *facts, json_t *document);

/*
 * Reads these three members again; a component may also have the members named in derived (ended
 * by NULL), which are not looked at. 0; -EINVAL with *refusal filled, and *ret is untouched.
 */
_must_check_ int facts_from_json(const json_t *document, const char *const *derived,
				 struct guest_facts *ret, struct json_refusal *refusal);
