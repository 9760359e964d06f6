/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Transport to a real VMBus: the devices of integration components that uio_hv_generic has (Linux
 * drivers/uio/uio_hv_generic.c). Opening a device's node opens its channel, the node's first map is the
 * channel's two rings, reading takes interrupts, writing 1 signals the host.
 */
#pragma once

#include <stddef.h>
#include <systemd/sd-event.h>

#include "daemon/log.h"
#include "daemon/store.h"
#include "daemon/transport.h"

struct uio;

/* How a node is reached. Tests have no such file: they bring another descriptor and other memory. */
struct uio_node {
	int (*open)(const char *path);     /* a descriptor to read, write and poll, or a negative errno */
	void *(*map)(int fd, size_t size); /* as mmap(2) of the first map */
	bool (*is)(int fd, const char *path); /* whether the descriptor is of this node */
};
extern const struct uio_node uio_node_linux;

/* Offers come from the loop. What is open is also in the store, from which nodes that a predecessor left open
 * are taken over. 0; -ENODEV: there is no VMBus on this machine; another negative errno. */
_must_check_ int uio_new(sd_event *event, const struct log *log, struct store *store,
			 const struct uio_node *node, const struct transport_events *events, void *user,
			 struct uio **ret);

/* Unmaps and closes what is open, and frees every port. That closes the channels which are not in the store,
 * or are in one that nobody keeps. Returns NULL. */
struct uio *uio_free(struct uio *u);
