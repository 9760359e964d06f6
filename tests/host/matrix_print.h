/* SPDX-License-Identifier: GPL-2.0-only */
/* A matrix that has been run, for people and for programs. */
#pragma once

#include "tests/host/matrix.h"

/* One grid, or several below each other where the terminal is too narrow for all profiles. */
void matrix_print(const struct matrix *m, const struct terminal *t);

/* 0, -ENOMEM or -EIO. */
_must_check_ int matrix_print_json(const struct matrix *m, FILE *to);
