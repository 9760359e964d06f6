/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon's signals as a table: what their arguments are called, and how they read. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "daemon/terminal/terminal.h"

#define EVENT_ARGUMENTS_MAX 4

struct event_form {
	const char *member;
	const char *arguments[EVENT_ARGUMENTS_MAX]; /* their names in JSON */
	enum colour colour;
	void (*print)(FILE *to, const json_t *event); /* what stands behind time and component */
	/* As that, where not all is to be printed; false: nothing is. NULL: print. */
	bool (*print_brief)(FILE *to, const json_t *event);
};

/* A member that is not in the table has a form, too: that of what a newer daemon tells. */
const struct event_form *event_form_of(const char *member);
