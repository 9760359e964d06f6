/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules that the host breaks on purpose: each fault has a name, can be limited to a component
 * and may carry a number. What a fault does is written where it is done (channel.c, session.c);
 * here is only which are asked for.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tests/host/component.h"

enum fault {
	FAULT_DROP,
	FAULT_DELAY,
	FAULT_TRUNCATE,
	FAULT_DUPLICATE,
	FAULT_REORDER_VERSIONS,
	FAULT_UNEQUAL_COUNTS,
	FAULT_LYING_COUNTS,
	FAULT_RENEGOTIATE,
	FAULT_STORM,
	FAULT_RESCIND,
	FAULT_FILL_RING,
	FAULT_CORRUPT_INDEX,
	FAULT_CHANGE_AFTER_SIGNAL,
	FAULT_NEVER_READ,
	FAULT_MAX
};

struct fault_info {
	const char *name;     /* "lying-counts" */
	const char *value;    /* what the number means, "" if it takes none */
	uint64_t preset;      /* the number when none is given */
	const char *text;     /* one line for --help */
	/* A fault of the conversation's course is done by exercise.c, so by `run` only. What a
	 * scenario, which writes its course down, has instead; NULL: the fault acts there too. */
	const char *steps;
};

extern const struct fault_info fault_table[FAULT_MAX];

/* Which faults are on, a component at a time. All zero: a host that breaks nothing. */
struct fault_set {
	bool on[COMPONENT_MAX][FAULT_MAX];
	uint64_t value[COMPONENT_MAX][FAULT_MAX];
};

/*
 * Switches a fault on from "NAME[:COMPONENT][=NUMBER]". 0, or -EINVAL and a sentence in error that
 * says what is wrong and, for an unknown name, which there are; the set is untouched then.
 */
int fault_set_add(struct fault_set *set, const char *text, char *error, size_t error_size);

/* Switches a fault off again: the same text, a number in it is ignored. Returns as fault_set_add. */
int fault_set_remove(struct fault_set *set, const char *text, char *error, size_t error_size);

/* Which fault the text names. Returns as fault_set_add. */
int fault_parse_name(const char *text, enum fault *ret, char *error, size_t error_size);

/* Prints the table for --help, a line a fault. */
void fault_list(FILE *to);
