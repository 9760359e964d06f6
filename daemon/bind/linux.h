/* SPDX-License-Identifier: GPL-2.0-only */
/* The real machine behind struct bind_ops. */
#pragma once

#include "daemon/bind/bind.h"

struct bind_linux {
	struct devices *devices;
	int root_fd;
	int lock_fd; /* the device's directory in /sys, locked; -1: none */
	int stop_fd; /* readable when this program is to end */
};

/* The user of these is a struct bind_linux. */
extern const struct bind_ops bind_linux_ops;

/* Whether this process may move devices: 0, or the negative errno of what would be refused. */
_must_check_ int bind_linux_may_write(void);
