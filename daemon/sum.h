/* SPDX-License-Identifier: GPL-2.0-only */
/* A sum by which memory that a predecessor has left, and that a stray write has hit, is known. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The Fowler-Noll-Vo hash, variant 1a, of words: all of part but its first, where the sum stands. size is a
 * multiple of 8. */
static inline uint64_t sum_of(const void *part, size_t size)
{
	const uint8_t *p = part;
	uint64_t s = UINT64_C(0xcbf29ce484222325), word;

	for (size_t i = sizeof(uint64_t); i < size; i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		s = (s ^ word) * UINT64_C(0x100000001b3);
	}
	return s;
}
