/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon on the system bus, as org.vmicd1 (org.vmicd1(5)): what there is to see and to steer
 * while it runs.
 *
 * The bus is never waited for. Where there is none the daemon runs as well; one that appears, or comes
 * back, is used. Nothing here calls the bus and waits for the answer: a bus that stands still must not
 * keep a heartbeat from being answered.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "daemon/log.h"
#include "daemon/manager.h"

struct bus;

struct bus_options {
	sd_event *event;
	const struct log *log;
	struct manager *manager; /* must outlive the bus, which watches it */
	const char *transport;   /* "uio" or "socket:PATH"; must live as long */
	bool dry_run;
};

/* 0, or a negative errno when this process lacks something that every bus would need: out of memory. */
_must_check_ int bus_new(const struct bus_options *options, struct bus **ret);

/* Leaves the bus; calls that wait for an answer get none. Takes NULL; returns NULL. */
struct bus *bus_free(struct bus *b);
