/* SPDX-License-Identifier: GPL-2.0-only */
/* The Windows releases as data: what each offers, what it expects, how it names the result. */
#pragma once

#include "tests/host/facts.h"

enum certainty {
	CERTAIN,  /* read in a named source */
	INFERRED, /* concluded; a real host may correct it */
	UNKNOWN,  /* a guess that had to be made */
};

struct release_offer {
	bool offered; /* the release has this component at all */
	struct version_list framework, message; /* as sent: lowest first */
	struct version_pair expected;           /* what plain OK takes */
	enum certainty certainty;               /* of the expected pair */
	enum certainty list_certainty;          /* of the lists: their lower ends are never seen */
	const char *source; /* why these values: names the evidence */
};

struct release {
	const char *key;   /* "2019" */
	const char *title; /* "Windows Server 2019" */
	struct version vmbus;
	enum certainty vmbus_certainty;
	/* A mismatch is Degraded (3) up to 2012 R2, OK (2) from 2016 on. */
	bool mismatch_degrades;
	enum certainty mismatch_certainty;
	bool event_names_versions; /* the event of a mismatch holds both pairs */
	enum certainty status_certainty; /* that it tells a status in these words at all */
	const char *remark;              /* a sentence for below its report, or NULL */
	struct release_offer component[COMPONENT_MAX];
};

extern const struct release release_table[];
extern const size_t release_count;

/* "certain", "inferred", "unknown": as JSON has it. */
const char *certainty_name(enum certainty c);

/* The weaker of two marks: a conclusion is as good as its weakest ground. */
enum certainty certainty_weaker(enum certainty a, enum certainty b);

/* The release of this key, or NULL. */
const struct release *release_find(const char *key);
