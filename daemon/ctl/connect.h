/* SPDX-License-Identifier: GPL-2.0-only */
/* The way to the daemon's bus: this machine's, another's by ssh, a container's. */
#pragma once

#include "daemon/ctl/ctl.h"

/* Connects, within the time that the options give but for what ssh asks its user. 0, or an exit
 * status, and it has been said why. */
_must_check_ int connect_open(struct ctl *c);

void connect_close(struct ctl *c);
