/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keys of the configuration: one table, from which files are read and written and against which the
 * manual and the sample file are held.
 */
#pragma once

#include "daemon/conf.h"
#include "daemon/conf_value.h"

/* Where a value is that needs no more than its key to be read and written. Its offset is that in struct
 * conf, or for a key of every component in struct conf_component. */
struct conf_place {
	size_t offset;
	const char *const *names; /* a choice: an enum or an int */
	size_t n_names;
	unsigned min, max; /* a number */
};

struct conf_row {
	const char *section, *name; /* section NULL: each component's section has it */
	/* Reads a value. 0, or -EINVAL. component is that of the section, or IC_COMPONENTS. */
	int (*set)(const struct conf_row *row, struct conf *said, enum ic_component component,
		   const char *value);
	/* Writes the value that is in force as set takes it. False: there is none. */
	bool (*get)(const struct conf_row *row, const struct conf *conf, enum ic_component component,
		    char to[static CONF_VALUE_SIZE]);
	bool follows_profile; /* where it is not given, the profile says it */
	bool accumulates;     /* what is given again is added */
	struct conf_place place;
	const char *expected; /* what its value must be, as a clause */
};

#define CONF_ROWS_MAX 32

extern const struct conf_row conf_rows[];
extern const size_t conf_n_rows;

/* What nobody has said anything about yet: the defaults. */
struct conf conf_unsaid(void);

/* The component whose section this is, or IC_COMPONENTS. */
enum ic_component conf_section_component(const char *section);

bool conf_section_is_known(const char *section);

/* The name of the section of this number, from 0 on: first those that are no component's. NULL when there
 * are no more. */
const char *conf_section_at(size_t index);

/* Whether a section with this component's name, or another one of this name, has the row's key. */
bool conf_row_is_in(const struct conf_row *row, const char *section);

/* NULL: the section has no such key. */
const struct conf_row *conf_row_find(const char *section, const char *name);
