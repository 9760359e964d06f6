/* SPDX-License-Identifier: GPL-2.0-only */
/* An ELF kernel with a PVH entry. Sources: Xen public/elfnote.h,
 * public/arch-x86/hvm/start_info.h. */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "hv_util/bytes.h"
#include "tests/host/kvm/acpi.h"
#include "tests/host/kvm/image.h"

#define NOTE_PHYS32_ENTRY 18
#define START_INFO_MAGIC UINT32_C(0x336ec578)
#define START_INFO_SIZE 56
#define MODULE_SIZE 32
#define RANGE_SIZE 24

static int fail(const char **why, const char *sentence, int error)
{
	*why = sentence;
	return error;
}

static bool in_image(const struct image *image, uint64_t offset, uint64_t size)
{
	return offset <= image->size && size <= image->size - offset;
}

static int load_segment(const struct guest_memory *m, const struct image *image,
			const Elf64_Phdr *p, uint64_t *end)
{
	uint8_t *to = guest_memory_at(m, p->p_paddr, p->p_memsz);

	if (!to || p->p_filesz > p->p_memsz || p->p_paddr < LAYOUT_HIGH ||
	    !in_image(image, p->p_offset, p->p_filesz))
		return -EFBIG;
	memcpy(to, image->bytes + p->p_offset, p->p_filesz);
	if (p->p_paddr + p->p_memsz > *end)
		*end = p->p_paddr + p->p_memsz;
	return 0;
}

/* Name and descriptor of each note are padded to four bytes. The entry is a u32 or a u64. */
static uint64_t find_entry(const struct image *image, const Elf64_Phdr *p)
{
	struct rd r = { .p = image->bytes + p->p_offset, .left = p->p_filesz };

	while (r.left >= 12) {
		uint32_t name_len = rd_u32(&r), len = rd_u32(&r), type = rd_u32(&r);
		const uint8_t *name = rd_bytes(&r, ((size_t)name_len + 3) & ~(size_t)3);
		const uint8_t *value = rd_bytes(&r, ((size_t)len + 3) & ~(size_t)3);
		struct rd v = { .p = value, .left = len };

		if (!name || !value)
			return 0;
		if (type == NOTE_PHYS32_ENTRY && name_len == 4 && memcmp(name, "Xen", 4) == 0)
			return len == 8 ? rd_u64(&v) : rd_u32(&v);
	}
	return 0;
}

int vmlinux_load(const struct guest_memory *m, const struct image *image, struct boot_entry *ret,
		 uint64_t *ret_end, const char **why)
{
	Elf64_Ehdr e;
	uint64_t entry = 0, end = 0;

	if (image->size < sizeof(e) || memcmp(image->bytes, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	memcpy(&e, image->bytes, sizeof(e));
	if (e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_machine != EM_X86_64)
		return fail(why, "it is an ELF file, but not a 64-bit x86 one", -EINVAL);
	for (unsigned i = 0; i < e.e_phnum; i++) {
		uint64_t at = e.e_phoff + (uint64_t)i * e.e_phentsize;
		Elf64_Phdr p;

		if (e.e_phentsize < sizeof(p) || !in_image(image, at, sizeof(p)))
			return fail(why, "its program headers are cut off", -EINVAL);
		memcpy(&p, image->bytes + at, sizeof(p));
		if (p.p_type == PT_NOTE && !entry && in_image(image, p.p_offset, p.p_filesz))
			entry = find_entry(image, &p);
		if (p.p_type == PT_LOAD && load_segment(m, image, &p, &end) < 0)
			return fail(why, "it does not fit into the guest's memory", -EFBIG);
	}
	if (!entry || entry > UINT32_MAX)
		return fail(why, "it has no PVH entry (CONFIG_PVH)", -EINVAL);
	*ret = (struct boot_entry){ .mode = BOOT_PROTECTED, .address = entry, .info = LAYOUT_INFO };
	*ret_end = end;
	return 0;
}

/* The start information, behind it the module, behind that the memory's ranges. */
int vmlinux_write_info(const struct guest_memory *m, struct stretch initrd)
{
	struct memory_range range[MEMORY_RANGES];
	uint64_t module_at = LAYOUT_INFO + START_INFO_SIZE, ranges_at = module_at + MODULE_SIZE;
	size_t size = START_INFO_SIZE + MODULE_SIZE + RANGE_SIZE * MEMORY_RANGES;
	struct wr w = { .p = guest_memory_at(m, LAYOUT_INFO, size), .left = size };

	if (!w.p)
		return -EFAULT;
	memory_ranges(m, range);
	wr_u32(&w, START_INFO_MAGIC);
	wr_u32(&w, 1);
	wr_u32(&w, 0);
	wr_u32(&w, initrd.size ? 1 : 0);
	wr_u64(&w, module_at);
	wr_u64(&w, LAYOUT_COMMAND_LINE);
	wr_u64(&w, ACPI_ADDRESS);
	wr_u64(&w, ranges_at);
	wr_u32(&w, MEMORY_RANGES);
	wr_u32(&w, 0);
	wr_u64(&w, initrd.address);
	wr_u64(&w, initrd.size);
	wr_zero(&w, 16);
	for (size_t i = 0; i < MEMORY_RANGES; i++) {
		wr_u64(&w, range[i].address);
		wr_u64(&w, range[i].size);
		wr_u32(&w, range[i].type);
		wr_u32(&w, 0);
	}
	return wr_result(&w) < 0 ? -EFAULT : 0;
}
