/* SPDX-License-Identifier: GPL-2.0-only */
/* The options that say how a report is printed: the same for every verb that prints one. */
#pragma once

#include "tests/host/option.h"
#include "tests/host/report.h"

struct report_choice {
	enum report_form form;
	bool timing;    /* the timing too; of REPORT_TABLE, as REPORT_JSON has it in any case */
	unsigned width; /* 0: as the terminal is */
};

/* One form was asked for; a second, other one is refused. */
int report_take_wmi(const struct option_info *option, const char *value, void *into);
int report_take_json(const struct option_info *option, const char *value, void *into);
int report_take_events(const struct option_info *option, const char *value, void *into);

/* The timing is shown behind the table; any other form is refused. */
int report_take_timing(const struct option_info *option, const char *value, void *into);

/* Rows for a table; field is the struct report_choice in the verb's structure. */
#define REPORT_OPTIONS(type, field)                                                           \
	{ "wmi", NULL, "as the Msvm_* instances", report_take_wmi, offsetof(type, field) },   \
	{ "json", NULL, "as JSON, with everything", report_take_json, offsetof(type, field) }, \
	{ "events", NULL, "the host's event log only", report_take_events,                    \
	  offsetof(type, field) },                                                            \
	{ "timing", NULL, "tell how fast the guest answered too", report_take_timing,         \
	  offsetof(type, field) },                                                            \
	{ "width", "N", "columns to print in; default: the terminal's", option_take_number,   \
	  offsetof(type, field.width) }

/* Prints to stdout. 0, or a negative errno after saying on stderr what failed. */
int report_choice_print(const struct report_choice *choice, const struct release *release,
			const struct guest_facts *facts);
