/* SPDX-License-Identifier: GPL-2.0-only */
/* One virtual processor and the thread that runs it. What it does outside KVM goes to its
 * machine. */
#pragma once

#include <stdint.h>

#include "hv_util/base.h"
#include "tests/host/kvm/cpuid.h"
#include "tests/host/kvm/hypercall.h"
#include "tests/host/kvm/loader.h"

struct vcpu;

/* Called in the processor's thread. */
struct vcpu_ops {
	uint32_t (*read_port)(void *user, uint16_t port, unsigned size);
	void (*write_port)(void *user, uint16_t port, unsigned size, uint32_t value);
	void (*set_synic)(void *user, unsigned processor, uint64_t control, uint64_t events,
			  uint64_t messages);
	enum hypercall_status (*hypercall)(void *user, const struct hypercall *call);
	void (*reset)(void *user);
	/* The guest's kernel says that it has crashed, by five numbers. */
	void (*crashed)(void *user, const uint64_t number[5]);
	/* It cannot go on; the sentence says why. The thread ends. */
	void (*failed)(void *user, const char *sentence);
};

/* Creates processor number index of a machine; they must be created in order. 0 or negative
 * errno. */
_must_check_ int vcpu_new(int kvm_fd, int vm_fd, unsigned index, const struct cpuid_table *cpuid,
			  const struct vcpu_ops *ops, void *user, struct vcpu **ret);

/* Where the first processor starts. The others wait for it to wake them. */
_must_check_ int vcpu_set_entry(struct vcpu *v, const struct boot_entry *entry);

_must_check_ int vcpu_start(struct vcpu *v);
/* Ends the thread, if it runs, wherever it is, and for good. */
void vcpu_stop(struct vcpu *v);
/* Where a stopped processor was, in a sentence. */
void vcpu_describe(const struct vcpu *v, char *sentence, size_t size);
/* The same, and frees it. Takes NULL; returns NULL. */
struct vcpu *vcpu_free(struct vcpu *v);
