/* SPDX-License-Identifier: GPL-2.0-only */
/* Which fields of ours a line of each MESSAGE_ID has: for the catalog, which shows them, and for each test that keeps
 * lines. */
#pragma once

#include <stdbool.h>

#include "daemon/message_id.h"
#include "tests/unit/harness.h"

static const char *const message_fields[MESSAGE_IDS] = {
	[MESSAGE_NEGOTIATED] = "VMIC_COMPONENT VMIC_OFFERED_FRAMEWORK VMIC_OFFERED_MESSAGE VMIC_ANSWER VMIC_OUTCOME "
			       "VMIC_PROFILE",
	[MESSAGE_MISMATCH] = "VMIC_COMPONENT VMIC_OFFERED_FRAMEWORK VMIC_OFFERED_MESSAGE VMIC_ANSWER VMIC_OUTCOME "
			     "VMIC_PROFILE",
	[MESSAGE_NO_COMMON] = "VMIC_COMPONENT VMIC_OFFERED_FRAMEWORK VMIC_OFFERED_MESSAGE VMIC_ANSWER VMIC_OUTCOME "
			      "VMIC_PROFILE",
	[MESSAGE_FORCED] = "VMIC_COMPONENT VMIC_OFFERED_FRAMEWORK VMIC_OFFERED_MESSAGE VMIC_ANSWER VMIC_OUTCOME "
			   "VMIC_PROFILE",
	[MESSAGE_TAKEN_OVER] = "VMIC_COMPONENT VMIC_ANSWER",
	[MESSAGE_LOST] = "VMIC_COMPONENT",
	[MESSAGE_UNUSABLE] = "VMIC_COMPONENT",
	[MESSAGE_BLOCKED] = "VMIC_COMPONENT VMIC_OPERATION",
	[MESSAGE_STEPPED] = "VMIC_COMPONENT VMIC_OFFSET_NS",
	[MESSAGE_NOT_STEPPED] = "VMIC_COMPONENT",
	[MESSAGE_SHUTDOWN_REQUESTED] = "VMIC_COMPONENT VMIC_ACTION",
	[MESSAGE_NOT_SHUT_DOWN] = "VMIC_COMPONENT VMIC_ACTION",
	[MESSAGE_CONFIGURED] = "VMIC_PROFILE",
	[MESSAGE_MISCONFIGURED] = "",
};

static inline bool has_word(const char *words, const char *word, size_t n)
{
	for (const char *p = words; *p; p += strcspn(p, " "), p += strspn(p, " "))
		if (strcspn(p, " ") == n && memcmp(p, word, n) == 0)
			return true;
	return false;
}

/* The identifier of a line with these fields, or MESSAGE_IDS. */
static inline enum message_id message_of(const char *const *fields)
{
	for (; fields && *fields; fields++)
		for (enum message_id id = 0; id < MESSAGE_IDS; id++)
			if (strcmp(*fields, message_id_fields[id]) == 0)
				return id;
	return MESSAGE_IDS;
}

/* A line of an identifier has its fields, all of them and no others of ours. */
static inline void message_fields_check(const char *const *fields)
{
	enum message_id id = message_of(fields);
	unsigned n = 0, expected = 0;

	if (id == MESSAGE_IDS)
		return;
	for (const char *p = message_fields[id]; *p; p += strcspn(p, " "), p += strspn(p, " "))
		expected++;
	for (; *fields; fields++) {
		if (strncmp(*fields, "VMIC_", 5) != 0)
			continue;
		if (!has_word(message_fields[id], *fields, strcspn(*fields, "=")))
			fail_msg("a line with %s has '%s'", message_id_fields[id], *fields);
		n++;
	}
	assert_int_equal(n, expected);
}
