/* SPDX-License-Identifier: GPL-2.0-only */
/* Runs a fuzz target over saved inputs: every file, and every file below every directory, that the
 * arguments name. Fails when there is none, since then nothing was tried. */
#include <ftw.h>

#include "tests/fuzz/fuzz.h"

static unsigned long arg_inputs;

static int run_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	size_t size = (size_t)st->st_size;
	uint8_t *data;
	FILE *f;

	(void)ftw;
	if (type != FTW_F)
		return 0;
	/* Exactly as long as the input: a step beyond is seen. */
	data = malloc(size > 0 ? size : 1);
	f = fopen(path, "rb");
	if (!data || !f || fread(data, 1, size, f) != size) {
		perror(path);
		return -1;
	}
	(void)fclose(f);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
	arg_inputs++;
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (nftw(argv[i], run_file, 16, FTW_PHYS) != 0) {
			(void)fprintf(stderr, "%s: cannot be replayed\n", argv[i]);
			return 1;
		}
	if (arg_inputs == 0) {
		(void)fprintf(stderr, "usage: %s FILE|DIRECTORY...\n", argv[0]);
		return 1;
	}
	/* What a run counts: an input that is found wanting ends the program before. */
	(void)printf("%lu passed, 0 failed\n", arg_inputs);
	return 0;
}
