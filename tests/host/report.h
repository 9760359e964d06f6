/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest as its host's administrator sees it. */
#pragma once

#include "hv_util/base.h"
#include "daemon/terminal/terminal.h"
#include "tests/host/judge.h"

enum report_form {
	REPORT_TABLE,  /* Get-VMIntegrationService, events, Get-VM */
	REPORT_EVENTS, /* the event log only */
	REPORT_WMI,    /* the Msvm_* instances */
	REPORT_JSON,
	REPORT_FORMS
};

/* 0, or -ENOMEM, or -EIO when the stream did not take it. */
_must_check_ int report_print(enum report_form form, const struct release *release,
			      const struct guest_facts *facts, const struct terminal *t);

/* How a result is coloured wherever it is shown. */
enum colour report_colour(enum result result);

/* "", "*" or "?": directly behind what is certain, inferred, unknown. */
const char *report_mark(enum certainty certainty);

/* Tells the marks that stand in what was printed; nothing when all is certain. */
void report_print_marks(const struct terminal *t, enum certainty weakest);
