/* SPDX-License-Identifier: GPL-2.0-only */
/* How fast a guest was, for each opening of each channel. */
#pragma once

#include "daemon/terminal/terminal.h"
#include "tests/host/facts.h"

/* A table behind a report's other ones; one sentence, when no channel was ever opened. */
void report_print_timing(const struct guest_facts *facts, const struct terminal *t);
