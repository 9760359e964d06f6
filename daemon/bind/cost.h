/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What it costs to bind a device to uio_hv_generic, known before it is paid. Where memory for it is
 * short the kernel does not fail: it kills processes.
 */
#pragma once

#include "daemon/device.h"

struct bind_cost {
	uint64_t ring;    /* bytes, in one contiguous block */
	uint64_t buffers; /* bytes of network buffers, on kernels that make them for every device */
	bool assumed;     /* nothing shows which kernel this is: the worst of both */
};

/* What the devices that uio_hv_generic has already show of the others. Zero: nothing yet. */
struct bind_evidence {
	bool seen;
	uint64_t buffers;
};

/* Looks at one device; one that says nothing changes nothing. */
void bind_cost_learn(struct bind_evidence *evidence, const struct device *device);

struct bind_cost bind_cost_of(enum ic_component component, const struct bind_evidence *evidence);

/* What it does cost, of one that uio_hv_generic has. */
struct bind_cost bind_cost_paid(const struct device *device);

#define BIND_COST_TEXT_SIZE 192

/* "4 MiB in one block", "51 MiB: 4 MiB in one block, 47 MiB ...". */
void bind_cost_format(const struct bind_cost *cost, char out[static BIND_COST_TEXT_SIZE]);

#define BIND_SIZE_TEXT_SIZE 32

/* "4 MiB": rounded up; less than one in KiB. */
void bind_size_format(uint64_t bytes, char out[static BIND_SIZE_TEXT_SIZE]);
