/* SPDX-License-Identifier: GPL-2.0-only */
/* What a verb prints of the guest that it serves, and when. */
#pragma once

#include <stdbool.h>

#include "tests/host/judge.h"
#include "tests/host/report_option.h"
#include "tests/host/run.h"

struct run_report {
	const char *verb; /* its name, for stderr */
	struct report_choice choice;
	const char *save; /* file for the JSON, or NULL */

	bool printed;  /* something was, ever */
	bool reported; /* the guest that is there has been */
	struct verdict last[COMPONENT_MAX];
	bool broke; /* a rule, as last told */
	bool ever_broke;
	int error; /* the first failure to print or save */
};

/* A struct run_options' report; its user must be a struct run_report. */
void run_report_news(const struct run_options *options, const struct guest_facts *facts,
		     enum run_news news);
