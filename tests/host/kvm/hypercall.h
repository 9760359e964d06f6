/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two hypercalls that a VMBus guest makes, checked and taken apart. Source: Microsoft's TLFS
 * (Hypercall Interface; HvCallPostMessage, HvCallSignalEvent).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "hv_util/base.h"
#include "tests/host/kvm/memory.h"

enum hypercall_status {
	HYPERCALL_SUCCESS = 0,
	HYPERCALL_INVALID_CODE = 2,
	HYPERCALL_INVALID_INPUT = 3,
	HYPERCALL_INVALID_ALIGNMENT = 4,
	HYPERCALL_INVALID_PARAMETER = 5,
	HYPERCALL_INVALID_CONNECTION = 18,
	HYPERCALL_INSUFFICIENT_BUFFERS = 19, /* Linux tries again, later and later */
};

struct hypercall {
	uint64_t input, parameter[2]; /* as KVM hands them out */
};

struct hypercall_ops {
	/* The message is private memory. */
	enum hypercall_status (*post)(void *user, uint32_t connection, const uint8_t *message,
				      size_t len);
	enum hypercall_status (*signal)(void *user, uint32_t connection);
};

enum hypercall_status hypercall_do(const struct hypercall *call, const struct guest_memory *m,
				   const struct hypercall_ops *ops, void *user);
