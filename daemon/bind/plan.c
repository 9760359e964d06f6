/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bind/plan.h"

#include <string.h>

enum owner { OWNER_NONE, OWNER_UTILS, OWNER_UIO, OWNER_OTHER, OWNERS };
enum keeper { KEPT_NOT, KEPT_FOR_UIO, KEPT_FOR_OTHER, KEEPERS };

static enum owner owner_of(const struct device *device)
{
	if (device->driver[0] == '\0')
		return OWNER_NONE;
	if (strcmp(device->driver, BIND_UIO) == 0)
		return OWNER_UIO;
	if (strcmp(device->driver, BIND_UTILS) == 0 || strcmp(device->driver, BIND_UTILS_OLD) == 0)
		return OWNER_UTILS;
	return OWNER_OTHER;
}

static enum keeper keeper_of(const struct device *device)
{
	if (device->override[0] == '\0')
		return KEPT_NOT;
	return strcmp(device->override, BIND_UIO) == 0 ? KEPT_FOR_UIO : KEPT_FOR_OTHER;
}

/*
 * The override is set before and cleared before a device loses its driver, so that whoever binds
 * devices meanwhile, a module that is loaded or a written drivers_probe, binds it as intended. hv_utils
 * refuses a device whose override names another driver, uio_hv_generic one that has none (ENODEV).
 */
static const enum bind_step steps[BIND_GOALS][OWNERS][KEEPERS] = {
	[BIND_TAKE] = {
		/*                 no override             ours                      another's */
		[OWNER_NONE]  = { BIND_STEP_SET_OVERRIDE, BIND_STEP_BIND_UIO,       BIND_STEP_FOREIGN },
		[OWNER_UTILS] = { BIND_STEP_SET_OVERRIDE, BIND_STEP_UNBIND,         BIND_STEP_FOREIGN },
		[OWNER_UIO]   = { BIND_STEP_NONE,         BIND_STEP_NONE,           BIND_STEP_NONE },
		[OWNER_OTHER] = { BIND_STEP_FOREIGN,      BIND_STEP_FOREIGN,        BIND_STEP_FOREIGN },
	},
	[BIND_GIVE_BACK] = {
		[OWNER_NONE]  = { BIND_STEP_BIND_UTILS,   BIND_STEP_CLEAR_OVERRIDE, BIND_STEP_FOREIGN },
		[OWNER_UTILS] = { BIND_STEP_NONE,         BIND_STEP_CLEAR_OVERRIDE, BIND_STEP_NONE },
		[OWNER_UIO]   = { BIND_STEP_UNBIND,       BIND_STEP_CLEAR_OVERRIDE, BIND_STEP_FOREIGN },
		[OWNER_OTHER] = { BIND_STEP_FOREIGN,      BIND_STEP_FOREIGN,        BIND_STEP_FOREIGN },
	},
};

/* File copy is uio_hv_generic's own where hv_utils has dropped it, and hv_utils' where it has not: the
 * kernel knows which. */
static enum bind_step give_back_fcopy(enum owner owner, enum bind_step step)
{
	if (owner == OWNER_UIO)
		return BIND_STEP_NONE;
	return step == BIND_STEP_BIND_UTILS ? BIND_STEP_PROBE : step;
}

enum bind_step bind_plan(enum bind_goal goal, const struct device *device)
{
	enum owner owner = owner_of(device);
	enum bind_step step = steps[goal][owner][keeper_of(device)];

	if (goal == BIND_GIVE_BACK && device->component == IC_FCOPY)
		return give_back_fcopy(owner, step);
	return step;
}

bool bind_is_with_utils(const struct device *device)
{
	return owner_of(device) == OWNER_UTILS;
}

bool bind_is_with_uio(const struct device *device)
{
	return owner_of(device) == OWNER_UIO;
}

bool bind_is_left_over(const struct device *device)
{
	return owner_of(device) == OWNER_NONE && keeper_of(device) == KEPT_FOR_UIO;
}

enum bind_refusal bind_refuse(const struct bind_facts *facts)
{
	uint64_t cost = facts->cost.ring + facts->cost.buffers;

	if (!facts->machine.has_uio)
		return BIND_REFUSE_NO_UIO;
	if (facts->unable != 0)
		return BIND_REFUSE_UNABLE;
	if (facts->machine.hibernates && !facts->force && !facts->may_hibernate)
		return BIND_REFUSE_HIBERNATION;
	if (facts->held)
		return BIND_REFUSE_HELD;
	if (facts->machine.available < cost)
		return BIND_REFUSE_MEMORY;
	if (facts->machine.available - cost < BIND_RESERVE && !facts->force)
		return BIND_REFUSE_RESERVE;
	return BIND_REFUSE_NOTHING;
}
