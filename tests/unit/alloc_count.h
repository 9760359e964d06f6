/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts heap allocations of the whole program, for tests that assert there are none. Included by
 * one file of a program: it defines malloc itself, or under a sanitizer, whose malloc must stay,
 * asks that to tell.
 */
#pragma once

#include "tests/unit/harness.h"

/* What this header is for; a test reads it before and after. Volatile, since a compiler knows that
 * malloc changes nothing of its caller's. */
static volatile size_t alloc_count;

#if defined(HARNESS_ASAN) || defined(HARNESS_TSAN)

/* sanitizer/allocator_interface.h, which gcc does not install. */
int __sanitizer_install_malloc_and_free_hooks(
	void (*malloc_hook)(const volatile void *, size_t),
	void (*free_hook)(const volatile void *));

static void alloc_seen(const volatile void *p, size_t size)
{
	(void)p;
	(void)size;
	alloc_count++;
}

static void free_seen(const volatile void *p)
{
	(void)p;
}

static inline void alloc_count_start(void)
{
	assert_true(__sanitizer_install_malloc_and_free_hooks(alloc_seen, free_seen) > 0);
}

#else

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

void *malloc(size_t size)
{
	alloc_count++;
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	alloc_count++;
	return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	alloc_count++;
	return __libc_realloc(p, size);
}

static inline void alloc_count_start(void)
{
}

#endif

/* A counter that counts nothing would let every test pass. */
static inline void alloc_count_check(void)
{
	size_t before;
	void *volatile p;

	alloc_count_start();
	before = alloc_count;
	p = malloc(1);
	free(p);
	assert_int_equal(alloc_count, before + 1);
}
