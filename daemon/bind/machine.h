/* SPDX-License-Identifier: GPL-2.0-only */
/* What speaks for and against moving devices on this machine, read from its files. Paths are taken
 * under a directory, the root, which tests replace. */
#pragma once

#include "daemon/bind/plan.h"

/* What cannot be read counts as not there: no driver, no memory. */
void bind_machine_read(int root_fd, struct bind_machine *ret);

/* The host's clock that hv_utils' time synchronization offers, and chrony's file that uses it. */
struct bind_clock {
	char node[64];           /* /dev/ptp0; "": there is none */
	char configuration[128]; /* the file; "": none names it */
};

void bind_clock_read(int root_fd, struct bind_clock *ret);
