/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all fuzz targets share. A target is one file with one entry point, which libFuzzer, AFL++
 * (afl.c) and the ordinary test run (replay.c) call alike. It checks what must hold for every
 * input, since "it did not crash" is little.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that does not hold ends the program as a crash does, and so is kept as one. */
#define fuzz_require(holds)                                                          \
	do {                                                                         \
		if (!(holds)) {                                                      \
			(void)fprintf(stderr, "%s:%d: it does not hold that %s\n",   \
				      __FILE__, __LINE__, #holds);                   \
			abort();                                                     \
		}                                                                    \
	} while (0)

/* The input, taken apart from its beginning; 0 and nothing when it is used up. */
struct fuzz_input {
	const uint8_t *p;
	size_t left;
};

static inline uint8_t fuzz_u8(struct fuzz_input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->p++;
}

static inline uint16_t fuzz_u16(struct fuzz_input *in)
{
	uint16_t low = fuzz_u8(in);

	return (uint16_t)(low | fuzz_u8(in) << 8);
}

/* Up to n bytes in memory of their own that is exactly so long (at least room): a sanitizer sees
 * every step beyond. *ret_n is how many the input had. The caller frees. */
static inline uint8_t *fuzz_bytes(struct fuzz_input *in, size_t n, size_t room, size_t *ret_n)
{
	uint8_t *p;

	if (n > in->left)
		n = in->left;
	if (room < n)
		room = n;
	p = calloc(1, room > 0 ? room : 1);
	if (!p)
		abort();
	if (n > 0)
		memcpy(p, in->p, n);
	in->p += n;
	in->left -= n;
	*ret_n = n;
	return p;
}

static inline uint64_t fuzz_le(const uint8_t *p, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}
