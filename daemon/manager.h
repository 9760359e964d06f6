/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon: owns the loop's objects and brings offers and channels together. */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/conf.h"
#include "daemon/sys.h"

struct manager;

struct manager_options {
	const struct conf *conf; /* must outlive the manager */
	const struct log *log;   /* likewise */
	const char *socket_path; /* where vmichost listens; NULL: the machine's VMBus */
	bool dry_run;
};

/* Makes everything and connects. 0, or a negative errno, which has been logged. */
_must_check_ int manager_new(sd_event *event, const struct manager_options *options,
			     struct manager **ret);

/* Closes the channels, hangs up. Returns NULL. */
struct manager *manager_free(struct manager *m);
