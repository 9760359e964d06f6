/* SPDX-License-Identifier: GPL-2.0-only */
/* A fuzz target under AFL++: persistent, inputs through shared memory. Build it with
 * afl-clang-fast, which defines the macros. */
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

__AFL_FUZZ_INIT();

int main(void)
{
	const uint8_t *data;

	__AFL_INIT();
	data = __AFL_FUZZ_TESTCASE_BUF;
	while (__AFL_LOOP(10000)) {
		size_t size = (size_t)__AFL_FUZZ_TESTCASE_LEN;
		/* A copy that is exactly as long as the input: a step beyond is seen. */
		uint8_t *copy = malloc(size > 0 ? size : 1);

		if (!copy)
			return 1;
		memcpy(copy, data, size);
		(void)LLVMFuzzerTestOneInput(copy, size);
		free(copy);
	}
	return 0;
}
