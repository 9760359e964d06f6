/* SPDX-License-Identifier: GPL-2.0-only */
/* What every file of the project may use. Nothing here knows Hyper-V. */
#pragma once

#include <stddef.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Runs f on the address of the variable when it goes out of scope. */
#define _cleanup_(f) __attribute__((cleanup(f)))

/* The caller must look at the result: it says whether the work was done. */
#define _must_check_ __attribute__((warn_unused_result))

/* Hands the owner's value over and leaves "nothing" behind. */
#define TAKE_PTR(p)                     \
	({                              \
		__typeof__(p) take = p; \
		(p) = NULL;             \
		take;                   \
	})
#define TAKE_FD(fd)           \
	({                    \
		int take = fd; \
		(fd) = -1;    \
		take;         \
	})
