/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bind/cost.h"

#include <stdio.h>
#include <string.h>

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)

/* Linux uio_hv_generic.c HV_RING_SIZE, both ways; it asks for whole pages of physically contiguous
 * memory. File copy has a size of its own: channel_mgmt.c vmbus_devs[]. */
#define RING (4 * MIB)
#define RING_FCOPY (40 * KIB)
/* Linux uio_hv_generic.c RECV_BUFFER_SIZE and SEND_BUFFER_SIZE: what a network card's device has, and
 * on some kernels each device (6.12 yes, 7.3 no). */
#define BUFFERS ((31 + 16) * MIB)

void bind_cost_learn(struct bind_evidence *evidence, const struct device *device)
{
	uint64_t buffers = device->map[DEVICE_MAP_RECEIVE] + device->map[DEVICE_MAP_SEND];

	/* Without its rings nothing was to be seen of it at all. */
	if (device->map[DEVICE_MAP_RINGS] == 0)
		return;
	if (!evidence->seen || buffers > evidence->buffers)
		evidence->buffers = buffers;
	evidence->seen = true;
}

struct bind_cost bind_cost_of(enum ic_component component, const struct bind_evidence *evidence)
{
	return (struct bind_cost){
		.ring = component == IC_FCOPY ? RING_FCOPY : RING,
		.buffers = evidence->seen ? evidence->buffers : BUFFERS,
		.assumed = !evidence->seen,
	};
}

struct bind_cost bind_cost_paid(const struct device *device)
{
	return (struct bind_cost){
		.ring = device->map[DEVICE_MAP_RINGS],
		.buffers = device->map[DEVICE_MAP_RECEIVE] + device->map[DEVICE_MAP_SEND],
	};
}

void bind_size_format(uint64_t bytes, char out[static BIND_SIZE_TEXT_SIZE])
{
	bool small = bytes < MIB;
	uint64_t unit = small ? KIB : MIB;

	(void)snprintf(out, BIND_SIZE_TEXT_SIZE, "%llu %s",
		       (unsigned long long)(bytes / unit + (bytes % unit != 0)), small ? "KiB" : "MiB");
}

void bind_cost_format(const struct bind_cost *cost, char out[static BIND_COST_TEXT_SIZE])
{
	char all[BIND_SIZE_TEXT_SIZE], ring[BIND_SIZE_TEXT_SIZE], buffers[BIND_SIZE_TEXT_SIZE];

	bind_size_format(cost->ring + cost->buffers, all);
	bind_size_format(cost->ring, ring);
	bind_size_format(cost->buffers, buffers);
	if (cost->buffers == 0)
		(void)snprintf(out, BIND_COST_TEXT_SIZE, "%s in one block", ring);
	else
		(void)snprintf(out, BIND_COST_TEXT_SIZE, "%s%s: %s in one block%s %s of network buffers",
			       cost->assumed ? "up to " : "", all, ring,
			       cost->assumed ? ", on some kernels also" : " and", buffers);
}
