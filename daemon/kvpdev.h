/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Key-value pairs behind the kernel's own driver: registers with hv_utils as the daemon that it asks,
 * by /dev/vmbus/hv_kvp, and answers each request with what the service of the VMBus channel would
 * (kvp.h). For kernels whose uio cannot carry the channel: there the driver negotiates, and no profile
 * has a say in the version.
 */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/log.h"
#include "hv_util/kvp.h"

#define KVPDEV_PATH "/dev/vmbus/hv_kvp"

struct kvpdev;

struct kvpdev_options {
	sd_event *event;
	const struct log *log;
	struct kvp *kvp;  /* its ops and user serve; must live as long */
	const struct ic_policy *policy; /* what of it is blocked, asked for each request; must live as long */
	const char *path; /* NULL: KVPDEV_PATH */
};

/*
 * Opens the device and registers. That it cannot be had (it is not there, or another daemon has it) is
 * no failure: it is logged, and tried again until it works, now and whenever the device has been lost.
 * 0 or a negative errno.
 */
_must_check_ int kvpdev_new(const struct kvpdev_options *options, struct kvpdev **ret);

/* Closes the device: the driver fails a request that is not answered. Takes NULL; returns NULL. */
struct kvpdev *kvpdev_free(struct kvpdev *d);
