/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is to be done with a device, and what speaks against it, decided from facts alone. A device is
 * looked at again after each step and the next one follows from what it is then, not from what was
 * done before: so a move that was cut short at any point is finished, or undone, by the next run.
 */
#pragma once

#include "daemon/bind/cost.h"
#include "daemon/bind/holder.h"
#include "daemon/device.h"

#define BIND_UIO "uio_hv_generic"
/* Its name today, and that of old kernels. */
#define BIND_UTILS "hv_utils"
#define BIND_UTILS_OLD "hv_util"

/* What a kernel older than 6.10 says when uio_hv_generic is to carry a channel without a monitor bit,
 * as each integration component's is (Linux uio_hv_generic.c hv_uio_probe; linux/errno.h ENOTSUPP, no
 * errno of the C library's). */
#define BIND_ENOTSUPP 524

enum bind_goal {
	BIND_TAKE,      /* to uio_hv_generic */
	BIND_GIVE_BACK, /* to the kernel's own driver */
	BIND_GOALS
};

enum bind_step {
	BIND_STEP_NONE = 0, /* it is where it belongs */
	BIND_STEP_SET_OVERRIDE,
	BIND_STEP_CLEAR_OVERRIDE,
	BIND_STEP_UNBIND, /* from the driver that it has */
	BIND_STEP_BIND_UIO,
	BIND_STEP_BIND_UTILS,
	BIND_STEP_PROBE,   /* let the kernel find a driver */
	BIND_STEP_FOREIGN, /* somebody else's driver or override: not ours to touch */
	BIND_STEPS
};

/* The next step on the way to the goal. */
enum bind_step bind_plan(enum bind_goal goal, const struct device *device);

bool bind_is_with_utils(const struct device *device);
bool bind_is_with_uio(const struct device *device);

/* Whether a run that was cut short has left it: with no driver, and kept for uio_hv_generic. */
bool bind_is_left_over(const struct device *device);

/* What the machine is like. */
struct bind_machine {
	bool has_uio, has_utils; /* the drivers are there */
	bool hibernates;         /* the host has told the guest that it may hibernate */
	uint64_t available;      /* bytes of memory that can be had without anybody's loss */
	uint64_t largest_block;  /* bytes: the largest free block of contiguous memory */
};

/* What speaks against taking a device. */
enum bind_refusal {
	BIND_REFUSE_NOTHING = 0,
	BIND_REFUSE_NO_UIO,      /* there is no uio_hv_generic */
	BIND_REFUSE_UNABLE,      /* the kernel has failed at another device for what has not changed */
	BIND_REFUSE_HIBERNATION, /* uio_hv_generic has no suspend: the guest could not hibernate */
	BIND_REFUSE_HELD,        /* a process has /dev/vmbus/hv_kvp or hv_vss open: unbinding would hang */
	BIND_REFUSE_MEMORY,      /* there is less than it costs */
	BIND_REFUSE_RESERVE,     /* ... than it costs and what must be left */
};

struct bind_facts {
	struct bind_machine machine;
	struct bind_cost cost;
	bool held;
	bool force;         /* over hibernation and the reserve */
	bool may_hibernate; /* over hibernation: somebody gives the devices back before it */
	int unable;         /* the errno of that failure, positive; 0: none */
};

/* How much memory must be left. With 60 MB available and 52 MB to pay, 8 MB were left and all was
 * well; at 45 MB the kernel killed processes (measured on Linux 6.12). This is twice that. */
#define BIND_RESERVE (UINT64_C(16) << 20)

enum bind_refusal bind_refuse(const struct bind_facts *facts);
