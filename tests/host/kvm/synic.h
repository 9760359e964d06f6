/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One virtual processor's synthetic interrupt controller, as far as it lies in the guest's memory:
 * the message slot and the event flags of the interrupt source that VMBus uses. Raising the
 * interrupt is KVM's part. Sources: Microsoft's TLFS (Inter-Partition Communication), QEMU
 * hw/hyperv/hyperv.c, OpenVMM hv1_emulator synic.rs.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "hv_util/base.h"
#include "tests/host/kvm/memory.h"

#define SYNIC_VMBUS_SINT 2

/* As the guest wrote its model-specific registers SCONTROL, SIEFP and SIMP. */
struct synic {
	uint64_t control, events, messages;
};

/*
 * Takes the registers' new values. A page that is switched on by this is emptied, as the contract
 * of the overlay pages says: what an earlier owner left there would look like a message.
 */
void synic_set(struct synic *s, const struct guest_memory *m, uint64_t control, uint64_t events,
	       uint64_t messages);

/* 1: the message is in the slot, raise the interrupt; 0: the slot is taken, come again; -ENOTCONN:
 * the guest has no slot. */
_must_check_ int synic_post(const struct synic *s, const struct guest_memory *m,
			    const uint8_t *message, size_t len);

/* Sets a channel's event flag. 1: raise the interrupt; 0: it was set already; -ENOTCONN. */
_must_check_ int synic_flag(const struct synic *s, const struct guest_memory *m, uint32_t flag);
