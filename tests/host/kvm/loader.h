/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Puts a Linux kernel, its initramfs and its command line into the guest's memory, and says how its
 * first processor is to start. A vmlinux is entered by its PVH note (Xen's public headers elfnote.h
 * and start_info.h), a bzImage by its 64-bit entry (Linux Documentation/arch/x86/boot.rst).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "hv_util/base.h"
#include "tests/host/kvm/memory.h"

enum boot_mode {
	BOOT_PROTECTED, /* 32 bits, paging off; ebx names the start information */
	BOOT_LONG,      /* 64 bits, identity-mapped; rsi names the boot parameters */
};

struct boot_entry {
	enum boot_mode mode;
	uint64_t address;
	uint64_t info;
	uint64_t page_tables; /* BOOT_LONG only: for cr3 */
	uint64_t segments;    /* BOOT_LONG only: the table for gdtr, LOADER_SEGMENTS_SIZE bytes */
};

#define LOADER_SEGMENTS_SIZE 32

struct boot_files {
	const char *kernel, *initrd; /* paths; initrd may be NULL */
	const char *command_line;
};

/* 0, or negative errno after saying on stderr what is wrong with which file. */
_must_check_ int loader_load(const struct guest_memory *m, const struct boot_files *files,
			     struct boot_entry *ret);
