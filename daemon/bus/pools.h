/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which pools have changed, whoever changed them: the host and callers on the bus do by way of the
 * daemon, all others write the files.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "daemon/bus/text.h"

struct bus;

struct pools {
	sd_event_source *watch;
	uint32_t changed; /* a bit for each pool */
	/* VirtualMachineName of pool 3: kept, so that whoever asks for it costs no file. */
	char vm_name[sizeof(struct text_shown)];
};

void pools_start(struct bus *b);
void pools_stop(struct bus *b);

/* Notes a change. */
void pools_changed(struct bus *b, unsigned pool);

/* Sends what was noted, if the bus is ready. Whether there is more to be done soon: a file was locked, or its
 * disk takes long. */
bool pools_send(struct bus *b);
