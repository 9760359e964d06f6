/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guest's processors say of themselves: the real one's features, as far as KVM has them,
 * and Hyper-V's leaves instead of KVM's. Source: Microsoft's TLFS, Feature and Interface Discovery.
 */
#pragma once

#include <linux/kvm.h>

#include "hv_util/base.h"

#define CPUID_ENTRIES_MAX 256

struct cpuid_table {
	__u32 nent, padding;
	struct kvm_cpuid_entry2 entry[CPUID_ENTRIES_MAX];
};
_Static_assert(sizeof(struct kvm_cpuid2) == 8, "the table begins like struct kvm_cpuid2");

/* Fills in what KVM supports on this machine, with Hyper-V's leaves. 0 or negative errno. */
_must_check_ int cpuid_read(int kvm_fd, struct cpuid_table *ret);

/* Makes it that of one of n processors. */
void cpuid_set_processor(struct cpuid_table *t, unsigned index, unsigned n);
