/* SPDX-License-Identifier: GPL-2.0-only */
/* What the benches share: time and medians. A bench prints what it measured and never fails on it. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t bench_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts values and gives the one in the middle. */
static inline double bench_median(double *values, size_t n)
{
	qsort(values, n, sizeof(values[0]), bench_compare);
	return values[n / 2];
}

/* Keeps the compiler from leaving out what makes *p. */
static inline void bench_use(const void *p)
{
	__asm__ volatile("" : : "r"(p) : "memory");
}
