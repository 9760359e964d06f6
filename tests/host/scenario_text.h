/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scenario files: what they say, before anything is run. tests/scenario/README.md is their manual.
 * A line is words; "double quotes" keep blanks, # begins a comment. First come header lines:
 *
 *	title TEXT                           what the line of the result says
 *	release KEY                          what is offered, 2019 if not said
 *	offer COMPONENT framework V... message V...
 *	disable COMPONENT                    not offered
 *	config LINE                          a line of the guest's configuration, {dir} replaced
 *	argument TEXT                        a further argument of the guest
 *	fault NAME[:COMPONENT][=NUMBER]      on from the start
 *	timeout MS                           a request unanswered for so long is lost
 *	ring-size BYTES                      of one ring, with its header page
 *	record POOL KEY VALUE                in the pool's file before the guest starts
 *	needs adapter                        skipped where no network adapter has an IPv4 address
 *
 * then steps, which scenario_step.c knows. A version in a list may be repeated: "3.0*100".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "hv_util/base.h"
#include "tests/host/fault.h"
#include "tests/host/release.h"

#define SCENARIO_WORDS_MAX 300

struct scenario_line {
	unsigned number;
	unsigned n;
	char **word; /* NULL-terminated */
};

struct scenario_record {
	unsigned pool;
	char *key, *value;
};

struct scenario {
	char *path, *title;
	struct release release;
	bool disabled[COMPONENT_MAX];
	struct fault_set faults;
	char *config;     /* "" if the file says nothing */
	char **arguments; /* NULL-terminated */
	size_t n_arguments;
	unsigned timeout_ms;
	uint32_t ring_size;
	bool needs_adapter;
	struct scenario_record *records;
	size_t n_records;
	struct scenario_line *steps;
	size_t n_steps;
};

/* Reads a file. 0, or negative errno and "FILE:LINE: what was expected" in error. */
_must_check_ int scenario_read(const char *path, struct scenario **ret, char *error, size_t error_size);
struct scenario *scenario_free(struct scenario *s);

/* Versions from words up to the end or a word that is none: how many words were taken, or -EINVAL. */
_must_check_ int scenario_take_versions(char *const *words, struct version_list *ret);

/* A number from 0 to most. 0 or -EINVAL. */
_must_check_ int scenario_take_number(const char *word, uint64_t most, uint64_t *ret);
