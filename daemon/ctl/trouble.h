/* SPDX-License-Identifier: GPL-2.0-only */
/* What a call that failed means: an exit status, and words that help. */
#pragma once

#include "daemon/ctl/ctl.h"

/* error: what the bus said; r: the errno where it said nothing. Returns an exit status. */
int trouble_say(const struct ctl *c, int r, const sd_bus_error *error);

/* vmicd does not have its name on the bus: says why, as far as systemd knows. CTL_NOT_RUNNING. */
int trouble_say_not_running(const struct ctl *c);

/* As trouble_say, of a call that was about this profile. */
int trouble_say_profile(const struct ctl *c, int r, const sd_bus_error *error, const char *profile);
