/* SPDX-License-Identifier: GPL-2.0-only */
/* A bzImage by its 64-bit entry. Source: Linux Documentation/arch/x86/boot.rst. */
#include <errno.h>
#include <string.h>

#include "hv_util/bytes.h"
#include "tests/host/kvm/acpi.h"
#include "tests/host/kvm/image.h"

#define PARAMS_SIZE 4096
#define SETUP_HEADER 0x1f1
#define ENTRY_64 0x200
#define LARGE_PAGE (UINT64_C(2) << 20)
#define PAGE_TABLES_MAPPED 4 /* GiB */

#define AT_E820_COUNT 0x1e8
#define AT_SETUP_SECTORS 0x1f1
#define AT_HEADER_END 0x201
#define AT_MAGIC 0x202
#define AT_VERSION 0x206
#define AT_LOADER 0x210
#define AT_LOAD_FLAGS 0x211
#define AT_RAMDISK 0x218
#define AT_COMMAND_LINE 0x228
#define AT_LOAD_FLAGS_64 0x236
#define AT_PREFERRED 0x258
#define AT_INIT_SIZE 0x260
#define AT_E820 0x2d0
#define AT_ACPI 0x70

#define VERSION_64 0x20c /* the first with the 64-bit entry */

static int fail(const char **why, const char *sentence, int error)
{
	*why = sentence;
	return error;
}

static uint64_t number_at(const struct image *image, size_t at, size_t bytes)
{
	uint8_t value[8] = { 0 };
	struct rd r = { .p = value, .left = sizeof(value) };

	memcpy(value, image->bytes + at, bytes);
	return rd_u64(&r);
}

static void put(uint8_t *params, size_t at, uint64_t value, size_t bytes)
{
	uint8_t number[8];
	struct wr w = { .p = number, .left = sizeof(number) };

	wr_u64(&w, value);
	memcpy(params + at, number, bytes);
}

/* Four GiB of large pages onto themselves, and segments where the protocol wants them: code at
 * selector 0x10, data at 0x18. */
static int write_tables(const struct guest_memory *m)
{
	static const uint64_t segments[] = { 0, 0, UINT64_C(0x00af9b000000ffff),
					     UINT64_C(0x00cf93000000ffff) };
	uint64_t pages = LAYOUT_PAGE_TABLES + 2 * GUEST_PAGE_SIZE;
	size_t size = (2 + PAGE_TABLES_MAPPED) * GUEST_PAGE_SIZE;
	struct wr w = { .p = guest_memory_at(m, LAYOUT_PAGE_TABLES, size), .left = size };
	uint8_t *gdt = guest_memory_at(m, LAYOUT_SEGMENTS, sizeof(segments));

	_Static_assert(sizeof(segments) == LOADER_SEGMENTS_SIZE, "gdtr's limit");
	if (!w.p || !gdt)
		return -EFAULT;
	memcpy(gdt, segments, sizeof(segments));
	wr_u64(&w, (LAYOUT_PAGE_TABLES + GUEST_PAGE_SIZE) | 3);
	wr_zero(&w, GUEST_PAGE_SIZE - 8);
	for (unsigned i = 0; i < PAGE_TABLES_MAPPED; i++)
		wr_u64(&w, (pages + i * (uint64_t)GUEST_PAGE_SIZE) | 3);
	wr_zero(&w, GUEST_PAGE_SIZE - 8 * PAGE_TABLES_MAPPED);
	for (uint64_t i = 0; i < PAGE_TABLES_MAPPED * 512; i++)
		wr_u64(&w, i * LARGE_PAGE | 0x83);
	return wr_result(&w) < 0 ? -EFAULT : 0;
}

int bzimage_load(const struct guest_memory *m, const struct image *image, struct boot_entry *ret,
		 uint64_t *ret_end, const char **why)
{
	uint64_t sectors, setup, at, init_size;
	uint8_t *to;

	if (image->size < 0x1000 || memcmp(image->bytes + AT_MAGIC, "HdrS", 4) != 0)
		return -ENOEXEC;
	if (number_at(image, AT_VERSION, 2) < VERSION_64 ||
	    !(number_at(image, AT_LOAD_FLAGS_64, 2) & 1))
		return fail(why, "it is a bzImage without a 64-bit entry", -EINVAL);
	sectors = number_at(image, AT_SETUP_SECTORS, 1);
	setup = ((sectors ? sectors : 4) + 1) * 512;
	at = number_at(image, AT_PREFERRED, 8);
	init_size = number_at(image, AT_INIT_SIZE, 4);
	if (setup >= image->size)
		return fail(why, "it is cut off", -EINVAL);
	if (init_size < image->size - setup)
		init_size = image->size - setup;
	to = at >= LAYOUT_HIGH ? guest_memory_at(m, at, init_size) : NULL;
	if (!to || write_tables(m) < 0)
		return fail(why, "it does not fit into the guest's memory", -EFBIG);
	memcpy(to, image->bytes + setup, image->size - setup);
	*ret = (struct boot_entry){ .mode = BOOT_LONG,
				    .address = at + ENTRY_64,
				    .info = LAYOUT_INFO,
				    .page_tables = LAYOUT_PAGE_TABLES,
				    .segments = LAYOUT_SEGMENTS };
	*ret_end = at + init_size;
	return 0;
}

int bzimage_write_info(const struct guest_memory *m, const struct image *image,
		       struct stretch initrd)
{
	struct memory_range range[MEMORY_RANGES];
	uint8_t *params = guest_memory_at(m, LAYOUT_INFO, PARAMS_SIZE);
	size_t header_end = AT_MAGIC + image->bytes[AT_HEADER_END];

	if (!params)
		return -EFAULT;
	memset(params, 0, PARAMS_SIZE);
	memcpy(params + SETUP_HEADER, image->bytes + SETUP_HEADER, header_end - SETUP_HEADER);
	params[AT_LOADER] = 0xff;  /* one without a number of its own */
	params[AT_LOAD_FLAGS] |= 1; /* loaded high */
	put(params, AT_RAMDISK, initrd.address, 4);
	put(params, AT_RAMDISK + 4, initrd.size, 4);
	put(params, AT_COMMAND_LINE, LAYOUT_COMMAND_LINE, 4);
	put(params, AT_ACPI, ACPI_ADDRESS, 8);
	memory_ranges(m, range);
	params[AT_E820_COUNT] = MEMORY_RANGES;
	for (size_t i = 0; i < MEMORY_RANGES; i++) {
		put(params, AT_E820 + 20 * i, range[i].address, 8);
		put(params, AT_E820 + 20 * i + 8, range[i].size, 8);
		put(params, AT_E820 + 20 * i + 16, range[i].type, 4);
	}
	return 0;
}
