/* SPDX-License-Identifier: GPL-2.0-only */
/* The report as the Msvm_* instances that a program on the host reads. */
#pragma once

#include "daemon/terminal/terminal.h"
#include "tests/host/judge.h"

/* 0. Each instance is a block of "Property : value", as Format-List prints it. */
int report_print_wmi(const struct release *release, const struct guest_facts *facts,
		     const struct terminal *t);
