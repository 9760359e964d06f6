/* SPDX-License-Identifier: GPL-2.0-only */
/* What every verb of vmicctl works with. */
#pragma once

#include <stdbool.h>
#include <stdlib.h>
#include <systemd/sd-bus.h>

#include "hv_util/base.h"
#include "daemon/terminal/terminal.h"

/* vmicctl's exit statuses. Scripts know them: they never change their meaning. */
enum ctl_exit {
	CTL_DONE = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,       /* the command line, or a value in it */
	CTL_NOT_RUNNING = 3, /* nobody is there who could be asked */
	CTL_NOT_PERMITTED = 4,
	CTL_NO_SUCH_THING = 5, /* profile, component, key, release */
	CTL_NOT_OPEN = 6,      /* the component has no open channel */
	CTL_TIMED_OUT = 7,
};

struct ctl_options {
	const char *host;    /* -H */
	const char *machine; /* -M; NULL both: this machine */
	const char *release;
	const char *pool; /* as it was written; NULL: not at all */
	unsigned timeout_s;
	bool json, full, no_legend, no_block, no_ask_password;
};

struct ctl {
	const struct ctl_options *options;
	struct terminal out;
	sd_bus *bus;
};

#define BUS_PROPERTIES "org.freedesktop.DBus.Properties"

#define USEC_PER_SEC UINT64_C(1000000)

/* For _cleanup_. */
static inline void freep(char **p)
{
	free(*p);
}
