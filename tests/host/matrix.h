/* SPDX-License-Identifier: GPL-2.0-only */
/* Every release with every profile of a guest, by really running it: many runs in one loop. */
#pragma once

#include <jansson.h>

#include "daemon/terminal/terminal.h"
#include "tests/host/judge.h"
#include "tests/host/option.h"

#define MATRIX_PROFILE_SIZE 32

struct matrix_cell {
	bool ran; /* false: the guest could not be run, or ended with a failure */
	enum result result[COMPONENT_MAX];
	json_t *report; /* the whole report, if wanted */
};

struct matrix {
	struct release_choice releases;
	size_t n_profiles;
	char (*profiles)[MATRIX_PROFILE_SIZE];
	/* The guest's program, NULL-terminated. In each argument "{config}" becomes a configuration
	 * with the profile, "{profile}" its name, "{socket}" and "{dir}" what run.h says. */
	char *const *guest;
	bool want_reports;
	struct matrix_cell *cells; /* row by row, a row a release; filled by matrix_run */
};

/* Asks the guest's program for its profiles (--list-profiles: the first word of each line). 0, or a
 * negative errno after saying on stderr what failed. */
_must_check_ int matrix_list_profiles(struct matrix *m);

/*
 * Whether the program lists each of the profiles that were added: 0, also when it lists none at
 * all; -ENOENT after saying on stderr which it does not know.
 */
_must_check_ int matrix_check_profiles(const struct matrix *m);

/* -EINVAL: the name is too long, or has characters that no file name should. -ENOMEM. */
_must_check_ int matrix_add_profile(struct matrix *m, const char *name);

/* 0; 1 when a guest failed, which was said on stderr; -EINTR after SIGINT or SIGTERM; other
 * negative errno, said on stderr. */
_must_check_ int matrix_run(struct matrix *m);

/* Frees what the matrix holds. */
void matrix_done(struct matrix *m);
