/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/kvm/cpuid.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>

#define HYPERVISOR_FIRST 0x40000000u
#define HYPERVISOR_LAST 0x4fffffffu

/*
 * 0x40000003 EAX: reference counter, SynIC, timers, EOI registers, hypercalls, processor index,
 * reference TSC page, frequencies. EDX: frequencies are there, crash registers, timers with a
 * vector of their own: others would be posted by KVM into the message slot that VMBus uses.
 */
#define FEATURES_LOW (1u << 1 | 1u << 2 | 1u << 3 | 1u << 5 | 1u << 6 | 1u << 9 | 1u << 11)
#define FEATURES_MISC (1u << 8 | 1u << 10 | 1u << 19)
/* EBX: may post messages and signal events. Nothing else: bit 12 would make Linux a root partition,
 * bit 1 makes it ask for its partition's number and stop when it gets none. */
#define PRIVILEGES_HIGH (1u << 4 | 1u << 5)
/* 0x40000004 EAX: relaxed timing, no automatic end of interrupt; EBX: never report a spinning
 * lock. */
#define HINTS (1u << 5 | 1u << 9)
#define NEVER_NOTIFY UINT32_MAX

/* Server 2022's. Printed by the guest, used by nobody. */
#define BUILD 20348u
#define BUILD_VERSION (10u << 16)

/* "Microsoft Hv": with KVM's own signature beside it Linux would be a guest of KVM. */
static const struct kvm_cpuid_entry2 hyperv[] = {
	{ .function = 0x40000000, .eax = 0x40000005, .ebx = 0x7263694d, .ecx = 0x666f736f,
	  .edx = 0x76482074 },
	{ .function = 0x40000001, .eax = 0x31237648 /* "Hv#1" */ },
	{ .function = 0x40000002, .eax = BUILD, .ebx = BUILD_VERSION },
	{ .function = 0x40000003, .eax = FEATURES_LOW, .ebx = PRIVILEGES_HIGH,
	  .edx = FEATURES_MISC },
	{ .function = 0x40000004, .eax = HINTS, .ebx = NEVER_NOTIFY },
	{ .function = 0x40000005, .eax = 64, .ebx = 64 },
};

/* The leaves of the topology as it is outside: of ours the guest learns by leaf 1 and ACPI. */
static bool is_left_out(__u32 function)
{
	return (function >= HYPERVISOR_FIRST && function <= HYPERVISOR_LAST) || function == 0xb ||
	       function == 0x1f || function == 0x80000026;
}

int cpuid_read(int kvm_fd, struct cpuid_table *ret)
{
	__u32 n = 0;

	ret->nent = CPUID_ENTRIES_MAX - ARRAY_LEN(hyperv);
	ret->padding = 0;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, ret) < 0)
		return -errno;
	for (__u32 i = 0; i < ret->nent; i++)
		if (!is_left_out(ret->entry[i].function))
			ret->entry[n++] = ret->entry[i];
	for (size_t i = 0; i < ARRAY_LEN(hyperv); i++)
		ret->entry[n++] = hyperv[i];
	ret->nent = n;
	return 0;
}

void cpuid_set_processor(struct cpuid_table *t, unsigned index, unsigned n)
{
	for (__u32 i = 0; i < t->nent; i++) {
		struct kvm_cpuid_entry2 *e = &t->entry[i];

		if (e->function != 1)
			continue;
		e->ebx = (e->ebx & 0xffff) | (n & 0xff) << 16 | index << 24;
		e->ecx |= 1u << 31; /* there is a hypervisor */
		if (n > 1)
			e->edx |= 1u << 28; /* there are n processors in the package */
	}
}
