/* SPDX-License-Identifier: GPL-2.0-only */
/* The link over a real VMBus: to the kernel of a guest that the host boots itself. */
#pragma once

#include "tests/host/kvm/machine.h"
#include "tests/host/link.h"

/*
 * Boots the machine that the address, a const struct machine_options, describes, again and again
 * when it asks for that. The rings are the guest's, as large as it makes them. A link_open; when it
 * fails it has said why on stderr.
 */
int link_vmbus_open(sd_event *event, const void *options, uint32_t ring_size,
		    const struct link_events *events, void *user, struct link **ret);
