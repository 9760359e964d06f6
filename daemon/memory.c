/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/memory.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/capability.h"

/* More than any call of the daemon goes deep; the deepest hold a message of 16 KiB, or lists of versions. */
#define STACK_BYTES (256 * 1024)

/* Blocks as long as this are mapped by themselves, and gone when they are free: glibc's own number to begin with. */
#define MAPPED_BYTES (128 * 1024)

/* Touches each page of the stack below: the kernel then has given them, and locks them as well. */
__attribute__((noinline)) static void touch_stack(void)
{
	volatile char below[STACK_BYTES];

	for (size_t i = 0; i < sizeof(below); i += 1024)
		below[i] = 0;
}

/* The bytes that are mapped; 0: nobody knows. */
static unsigned long long mapped_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long long pages = 0;

	if (!f || fscanf(f, "%llu", &pages) != 1)
		pages = 0;
	if (f)
		(void)fclose(f);
	return pages * (unsigned long long)sysconf(_SC_PAGESIZE);
}

/* "CAP_IPC_LOCK ... no limits are placed on the amount of memory" (mlock(2)). */
static bool has_room_for_more(void)
{
	struct rlimit limit = { 0 };
	unsigned long long mapped = mapped_bytes();

	(void)getrlimit(RLIMIT_MEMLOCK, &limit);
	if (limit.rlim_cur == RLIM_INFINITY || capability_is_effective(CAP_IPC_LOCK))
		return true;
	return mapped > 0 && mapped <= limit.rlim_cur / 2;
}

/*
 * glibc learns from a long block that is given free to keep as much from then on, up to 64 MiB (mallopt(3), "dynamic
 * mmap threshold"). Anybody may send such a block over D-Bus, and what is kept here is locked.
 */
static void keep_nothing_that_is_free(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
}

void memory_lock(const struct log *log)
{
	int flags = MCL_CURRENT | (has_room_for_more() ? MCL_FUTURE : 0);

	keep_nothing_that_is_free();
	touch_stack();
	if (mlockall(flags) < 0)
		log_info(log, "memory cannot be locked: %s (the limit is RLIMIT_MEMLOCK); where memory is short, "
			 "heartbeats may be late", strerror(errno));
	else
		log_line(log, LOG_DEBUG, NULL, "memory is locked%s",
			 flags & MCL_FUTURE ? "" : ", but for what is mapped from now on");
}
