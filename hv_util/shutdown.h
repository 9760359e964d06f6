/* SPDX-License-Identifier: GPL-2.0-only */
/* Shutdown: the service. It says what the host asks for; to do it is not its. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hv_util/ic.h"
#include "hv_util/ic_wire.h"

enum shutdown_action {
	SHUTDOWN_POWEROFF,
	SHUTDOWN_REBOOT,    /* from 3.1 on */
	SHUTDOWN_HIBERNATE, /* from 3.2 on */
	SHUTDOWN_ACTIONS
};

/* As a policy and systemd's targets name them. */
extern const char *const shutdown_action_names[SHUTDOWN_ACTIONS];

/* Three bytes for each UTF-16 unit, and a NUL. */
#define SHUTDOWN_TEXT_SIZE (3 * (SHUTDOWN_WIRE_TEXT_SIZE / 2) + 1)

struct shutdown_request {
	enum shutdown_action action;
	bool forced;        /* whatever programs have not saved yet */
	uint32_t reason;    /* as sent: Windows' SHTDN_REASON, 0x80000000 is "planned" */
	uint32_t timeout_s; /* in which the host expects it to be done */
	char text[SHUTDOWN_TEXT_SIZE]; /* for who is logged in: UTF-8 on one line that a terminal only prints */
};

/* ic.user of this service. */
struct shutdown {
	/* Returns 0 or a negative errno, which becomes the host's status. The answer is sent when it has
	 * returned: what would keep it from being sent must not happen before. */
	int (*request)(void *user, const struct shutdown_request *request);
	void *user;
};

extern const struct ic_service ic_shutdown;
