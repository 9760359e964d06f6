/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls of the daemon's methods. */
#pragma once

#include <stdarg.h>

#include "daemon/ctl/ctl.h"

/*
 * Calls a method of the manager, with arguments as sd_bus_message_append has them. Those that change
 * something may ask for a password first. 0, or an exit status, and it has been said why; then
 * *ret_reply is untouched. ret_reply may be NULL.
 */
_must_check_ int call_read(struct ctl *c, const char *member, sd_bus_message **ret_reply,
			   const char *types, ...);
_must_check_ int call_change(struct ctl *c, const char *member, const char *types, ...);
