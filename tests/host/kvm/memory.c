/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/kvm/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int guest_memory_new(struct guest_memory *m, uint64_t size)
{
	int r;

	*m = (struct guest_memory){ .fd = -1 };
	if (size == 0 || size % GUEST_PAGE_SIZE || size > GUEST_MEMORY_MAX)
		return -EINVAL;
	m->fd = memfd_create("vmichost-guest", MFD_CLOEXEC);
	if (m->fd < 0)
		return -errno;
	if (ftruncate(m->fd, (off_t)size) == 0)
		m->base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			       m->fd, 0);
	if (!m->base || m->base == MAP_FAILED) {
		r = -errno;
		m->base = NULL;
		guest_memory_done(m);
		return r;
	}
	m->size = size;
	return 0;
}

void guest_memory_done(struct guest_memory *m)
{
	if (m->base)
		(void)munmap(m->base, m->size);
	if (m->fd >= 0)
		(void)close(m->fd);
	*m = (struct guest_memory){ .fd = -1 };
}

void *guest_memory_at(const struct guest_memory *m, uint64_t address, uint64_t len)
{
	if (address > m->size || len > m->size - address)
		return NULL;
	return m->base + address;
}

/* How many of the pages, from the first on, lie one behind the other in the guest as well. */
static size_t run_length(const uint64_t *pages, size_t n)
{
	size_t len = 1;

	while (len < n && pages[len] == pages[0] + len)
		len++;
	return len;
}

static int map_run(const struct guest_memory *m, uint64_t page, size_t n, uint8_t *at)
{
	/* The page number is the guest's: compared before anything is multiplied. */
	if (page >= m->size / GUEST_PAGE_SIZE || n > m->size / GUEST_PAGE_SIZE - page)
		return -EFAULT;
	if (mmap(at, n * GUEST_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, m->fd,
		 (off_t)(page * GUEST_PAGE_SIZE)) == MAP_FAILED)
		return -errno;
	return 0;
}

int guest_memory_map_pages(const struct guest_memory *m, const uint64_t *pages, size_t n,
			   void **ret)
{
	uint8_t *at;
	int r;

	if (n == 0)
		return -EINVAL;
	at = mmap(NULL, n * GUEST_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		  -1, 0);
	if (at == MAP_FAILED)
		return -errno;
	for (size_t i = 0, len; i < n; i += len) {
		len = run_length(pages + i, n - i);
		r = map_run(m, pages[i], len, at + i * GUEST_PAGE_SIZE);
		if (r < 0) {
			guest_memory_unmap_pages(at, n);
			return r;
		}
	}
	*ret = at;
	return 0;
}

void guest_memory_unmap_pages(void *mapped, size_t n)
{
	if (mapped)
		(void)munmap(mapped, n * GUEST_PAGE_SIZE);
}
