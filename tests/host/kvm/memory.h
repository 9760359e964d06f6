/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's memory: one memfd, mapped once, guest physical address 0 at its start. Every way to
 * it is checked here; an address that the guest names is never added to a pointer elsewhere.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "hv_util/base.h"

#define GUEST_PAGE_SIZE 4096u
/* Above are the devices of a PC's chipset, first of all the I/O APIC. */
#define GUEST_MEMORY_MAX (UINT64_C(3) << 30)

struct guest_memory {
	int fd;
	uint8_t *base;
	uint64_t size;
};

/* Zeroed memory of a multiple of the page size, at most GUEST_MEMORY_MAX. 0 or negative errno. */
_must_check_ int guest_memory_new(struct guest_memory *m, uint64_t size);
void guest_memory_done(struct guest_memory *m);

/* The len bytes at an address of the guest, or NULL when not all of them are in its memory. */
void *guest_memory_at(const struct guest_memory *m, uint64_t address, uint64_t len);

/*
 * Maps n pages of the guest, in this order, one behind the other: a ring that the guest describes
 * by page numbers becomes memory that ring code can use. 0; -EFAULT: a page is outside the memory;
 * another negative errno. Undone with guest_memory_unmap_pages.
 */
_must_check_ int guest_memory_map_pages(const struct guest_memory *m, const uint64_t *pages,
					size_t n, void **ret);
void guest_memory_unmap_pages(void *mapped, size_t n);
