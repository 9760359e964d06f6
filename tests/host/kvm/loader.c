/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/kvm/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/host/kvm/acpi.h"
#include "tests/host/kvm/image.h"

/* A PC's memory below 1 MiB ends here; the tables of ACPI are behind it. */
#define LOW_END UINT64_C(0xa0000)
/* PVH's first page tables, and the older kernels' field for it, end below. */
#define INITRD_END (UINT64_C(1) << 30)

void memory_ranges(const struct guest_memory *m, struct memory_range ret[static MEMORY_RANGES])
{
	const struct memory_range ranges[MEMORY_RANGES] = {
		{ 0, LOW_END, 1 },
		{ ACPI_ADDRESS, ACPI_SIZE, 3 },
		{ LAYOUT_HIGH, m->size - LAYOUT_HIGH, 1 },
	};

	memcpy(ret, ranges, sizeof(ranges));
}

static void image_unmap(struct image *image)
{
	if (image->size)
		(void)munmap((void *)(uintptr_t)image->bytes, image->size);
}

static int image_map(const char *path, struct image *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = -EINVAL;
	struct stat st;
	void *at;

	*ret = (struct image){ 0 };
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
		(void)close(fd);
		return r;
	}
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	r = -errno;
	(void)close(fd);
	if (at == MAP_FAILED)
		return r;
	*ret = (struct image){ .bytes = at, .size = (size_t)st.st_size };
	return 0;
}

static int complain(const char *path, const char *why, int error)
{
	(void)fprintf(stderr, "vmichost: cannot boot %s: %s\n", path, why);
	return error;
}

/* At the memory's end, where the kernel does not come while it unpacks itself. */
static int place_initrd(const struct guest_memory *m, const char *path, uint64_t kernel_end,
			struct stretch *ret)
{
	_cleanup_(image_unmap) struct image initrd = { 0 };
	uint64_t end = m->size < INITRD_END ? m->size : INITRD_END, at;
	int r;

	*ret = (struct stretch){ 0 };
	if (!path)
		return 0;
	r = image_map(path, &initrd);
	if (r < 0)
		return complain(path, strerror(-r), r);
	if (initrd.size > end || end - initrd.size < kernel_end)
		return complain(path, "kernel and initramfs do not fit into the guest's memory",
				-EFBIG);
	at = (end - initrd.size) & ~(uint64_t)(GUEST_PAGE_SIZE - 1);
	if (at < kernel_end)
		return complain(path, "kernel and initramfs do not fit into the guest's memory",
				-EFBIG);
	memcpy(guest_memory_at(m, at, initrd.size), initrd.bytes, initrd.size);
	*ret = (struct stretch){ .address = at, .size = initrd.size };
	return 0;
}

static int write_command_line(const struct guest_memory *m, const char *text)
{
	size_t size = strlen(text) + 1;
	void *to = guest_memory_at(m, LAYOUT_COMMAND_LINE, LAYOUT_COMMAND_LINE_SIZE);

	if (!to || size > LAYOUT_COMMAND_LINE_SIZE) {
		(void)fprintf(stderr, "vmichost: the kernel's command line has %zu bytes, not %u\n",
			      size, (unsigned)LAYOUT_COMMAND_LINE_SIZE);
		return -E2BIG;
	}
	memcpy(to, text, size);
	return 0;
}

int loader_load(const struct guest_memory *m, const struct boot_files *files,
		struct boot_entry *ret)
{
	_cleanup_(image_unmap) struct image kernel = { 0 };
	const char *why = "it is neither a vmlinux nor a bzImage";
	uint64_t end = 0;
	struct stretch initrd;
	int r;

	r = image_map(files->kernel, &kernel);
	if (r < 0)
		return complain(files->kernel, strerror(-r), r);
	r = vmlinux_load(m, &kernel, ret, &end, &why);
	if (r == -ENOEXEC)
		r = bzimage_load(m, &kernel, ret, &end, &why);
	if (r < 0)
		return complain(files->kernel, why, r);
	r = write_command_line(m, files->command_line);
	if (r < 0)
		return r;
	r = place_initrd(m, files->initrd, end, &initrd);
	if (r < 0)
		return r;
	return ret->mode == BOOT_LONG ? bzimage_write_info(m, &kernel, initrd) :
					vmlinux_write_info(m, initrd);
}
