/* SPDX-License-Identifier: GPL-2.0-only */
/* The home of a guest's program on this machine: in private directories under $TMPDIR or /tmp. */
#pragma once

#include <systemd/sd-event.h>

#include "hv_util/base.h"
#include "tests/host/home.h"

#define HOME_SOCKET "socket" /* in the home's directory: what {socket} is */

/* 0 or negative errno. */
_must_check_ int home_here_new(sd_event *event, struct home **ret);
