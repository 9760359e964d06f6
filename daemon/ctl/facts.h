/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that the daemon tells of itself, as one JSON object: the properties of its manager, and in
 * "Components" an object for each component, in the order of their titles. Besides its properties
 * it has "Id", what a component is called in arguments: "timesync".
 */
#pragma once

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/value.h"

/* 0, or an exit status, and it has been said why. */
_must_check_ int facts_read(struct ctl *c, json_t **ret);

/* The component of this id; NULL: there is none. */
json_t *facts_component(const json_t *facts, const char *id);

/* The part of an object path behind BUS_COMPONENT_PATH, or "". */
const char *facts_id(const char *path);

#define FACTS_AGREED_SIZE 64

/* What has been agreed on: "3.0/5.0", "forced 9.9/7.7", "nothing"; before the host has negotiated the
 * state of the channel, "(absent)". Returns ret. */
const char *facts_agreed(const json_t *component, char ret[static FACTS_AGREED_SIZE],
			 enum colour *ret_colour);

/* The same as a sentence has it: "agreed on " in front of it, or, where the configuration forces an answer,
 * "answered ", "9.9/7.7" and ", forced". */
struct facts_clause {
	const char *before, *behind;
	char text[FACTS_AGREED_SIZE];
	enum colour colour; /* of text */
};

struct facts_clause facts_clause(const json_t *component);
