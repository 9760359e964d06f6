/* SPDX-License-Identifier: GPL-2.0-only */
/* The two shapes of a kernel image, each behind the same function; what loader.c gives and gets. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "hv_util/base.h"
#include "tests/host/kvm/loader.h"

/* A stretch of the guest's memory; size 0: there is none. */
struct stretch {
	uint64_t address, size;
};

/* Low memory that the loader uses itself; the kernel's image lies above. */
#define LAYOUT_INFO UINT64_C(0x6000)
#define LAYOUT_SEGMENTS UINT64_C(0x7000)
#define LAYOUT_PAGE_TABLES UINT64_C(0x9000) /* one, one, four pages */
#define LAYOUT_COMMAND_LINE UINT64_C(0x20000)
#define LAYOUT_COMMAND_LINE_SIZE UINT64_C(0x1000)
#define LAYOUT_HIGH UINT64_C(0x100000)

struct image {
	const uint8_t *bytes;
	size_t size;
};

/* The guest's memory as every boot protocol lists it. */
struct memory_range {
	uint64_t address, size;
	uint32_t type; /* as in E820: 1 memory, 3 ACPI tables */
};
#define MEMORY_RANGES 3
void memory_ranges(const struct guest_memory *m, struct memory_range ret[static MEMORY_RANGES]);

/*
 * Each: -ENOEXEC when it is not this shape; another negative errno with *why, when it is and cannot
 * be loaded; 0, and *ret_end is the first address that the kernel leaves free.
 */
_must_check_ int vmlinux_load(const struct guest_memory *m, const struct image *image,
			      struct boot_entry *ret, uint64_t *ret_end, const char **why);
_must_check_ int bzimage_load(const struct guest_memory *m, const struct image *image,
			      struct boot_entry *ret, uint64_t *ret_end, const char **why);

/* After the initramfs is placed: what the kernel reads first. 0 or -EFAULT. */
_must_check_ int vmlinux_write_info(const struct guest_memory *m, struct stretch initrd);
_must_check_ int bzimage_write_info(const struct guest_memory *m, const struct image *image,
				    struct stretch initrd);
