/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMBus devices that are integration components, as libudev and sysfs show them: found by class, not
 * by name or number, and followed as they come and go and change their driver.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "hv_util/guid.h"
#include "hv_util/ic.h"

#define DEVICE_NAME_SIZE 64
#define DEVICE_PATH_SIZE 512
/* uio_hv_generic's maps (Linux uio_hv_generic.c): both rings, the interrupt page, the monitor page,
 * and on kernels that make them for every device, a network card's two buffers. */
#define DEVICE_MAPS 5
enum { DEVICE_MAP_RINGS = 0, DEVICE_MAP_RECEIVE = 3, DEVICE_MAP_SEND = 4 };

/* The channel's state (Linux hyperv.h enum vmbus_channel_state). Open: somebody uses its rings, be it a
 * driver, or a program that has its uio node open or mapped. */
enum { DEVICE_STATE_UNKNOWN = -1, DEVICE_STATE_OPEN = 2, DEVICE_STATE_OPENED = 3 };

/* What a device was when it was read. Texts are "" where there is nothing. */
struct device {
	enum ic_component component;
	struct guid instance_id;
	uint32_t relid;
	char name[GUID_TEXT_SIZE];     /* of its directory in /sys/bus/vmbus/devices */
	char path[DEVICE_PATH_SIZE];   /* that directory itself, in /sys/devices */
	char driver[DEVICE_NAME_SIZE]; /* hv_utils, uio_hv_generic, ... */
	char override[DEVICE_NAME_SIZE]; /* only devices_read_override says it */
	int state;                     /* DEVICE_STATE_*, or another number of the kernel's */
	char node[DEVICE_NAME_SIZE];   /* /dev/uioN */
	uint64_t node_id;              /* no other node has it, not even a later one of that name */
	bool awaits_udev;              /* udev runs, and has yet to give the node its owner and mode */
	uint32_t events;               /* the node's, since the driver has it: 0 while it was never open */
	size_t map[DEVICE_MAPS];       /* bytes of the node's maps; 0: there is no such map */
	/* Its driver is known to have finished its probe. What devices_watch tells may say so, and nothing
	 * else does: in /sys it looks the same before. */
	bool probed;
};

struct devices;

/* 0; -ENODEV: there is no VMBus on this machine; another negative errno. */
_must_check_ int devices_new(struct devices **ret);
/* Takes NULL; returns NULL. Not while each or watch call back. */
struct devices *devices_free(struct devices *d);

/* Visits each integration component's device, in the order of their names, until visit returns
 * something other than 0, and returns that; or a negative errno. */
_must_check_ int devices_each(struct devices *d, int (*visit)(void *user, const struct device *device),
			      void *user);

/* Reads one anew. 0; -ENOENT: it is gone, or no integration component. */
_must_check_ int devices_read(struct devices *d, const char *name, struct device *ret);

/*
 * Adds the driver_override of one that has been read: "" where it has none, and while its driver is being
 * unbound. Not for whoever may not wait: Linux before 7 takes the device's lock to show it (vmbus_drv.c
 * driver_override_show), which a driver's probe and remove hold, a second and more where memory is short.
 */
void devices_read_override(struct devices *d, struct device *device);

/*
 * Tells from the loop when one has come, has got or lost a driver, or has gone: device is what it is
 * now, or NULL. What was there before the watch is not told, so watch first, then visit each.
 * Told after udev's rules, where udev runs; otherwise as the kernel tells it. 0 or a negative errno.
 */
_must_check_ int devices_watch(struct devices *d, sd_event *event,
			       void (*changed)(void *user, const char *name,
					       const struct device *device),
			       void *user);
