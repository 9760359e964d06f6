/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every effect that the daemon has on the machine, and the clocks by which it decides. The real one,
 * one that only says what it would do, and, in tests, one that records.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/log.h"
#include "hv_util/kvp.h"
#include "hv_util/shutdown.h"

/* The host causes the effects, and with them their lines in the log. */
struct sys_rates {
	struct log_rate steps, addresses, power;
};

struct sys {
	const struct sys_ops *ops;
	const struct log *log;
	struct sys_rates *rates;
	const char *requests; /* the directory of those to the service manager (request.h) */
	void *user;           /* a test's own */
};

struct sys_ops {
	/* CLOCK_REALTIME and CLOCK_MONOTONIC_RAW in ns. */
	uint64_t (*realtime_ns)(const struct sys *sys);
	uint64_t (*raw_ns)(const struct sys *sys);
	/* Whether the next can work at all. */
	bool (*may_step_clock)(const struct sys *sys);
	/* Moves CLOCK_REALTIME by so many ns, forward when positive, and logs that it did. 0 or a
	 * negative errno. */
	int (*step_clock)(const struct sys *sys, int64_t ns);
	/* Gives the interface these addresses. 0 or a negative errno. */
	int (*set_addresses)(const struct sys *sys, const char *interface, const struct kvp_ip *ip);
	/*
	 * Asks the service manager to power the machine off, to reboot it or to hibernate. 0 or a negative errno;
	 * -EOPNOTSUPP: this machine cannot. The others say whether what was asked for waits to be taken up, and
	 * take it back.
	 */
	int (*power)(const struct sys *sys, enum shutdown_action action);
	bool (*power_is_asked)(const struct sys *sys, enum shutdown_action action);
	bool (*withdraw_power)(const struct sys *sys, enum shutdown_action action);
};

extern const struct sys_ops sys_linux;
/* --dry-run: the clocks are real, the effects are log lines. */
extern const struct sys_ops sys_null;
