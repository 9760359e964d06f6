/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a scenario sees of its guest's machine beside the channels: the log that the guest writes
 * and the pool files that it shares with other programs. Both are in the private directory of a
 * guest that runs here.
 */
#pragma once

#include <stddef.h>

#include "hv_util/base.h"
#include "tests/host/home.h"

/* The lines of the guest's log that hold the text. */
size_t files_count_log(const char *dir, const char *text);

/* The last bytes of the log, at most so many, the caller's to free. 0 or negative errno. */
_must_check_ int files_read_log(const char *dir, size_t most, char **ret);

/*
 * The pool files, "pools/.kvp_pool_N". -EINVAL or -ENOBUFS when a key or value is none or does not
 * fit.
 */

/* Appends a record, as cloud-init does: without looking, under flock. 0 or negative errno. */
_must_check_ int files_append_record(const char *dir, const struct home_record *record);

/* Compares the record at the index, padding included. 0, or -EINVAL and what is there in why. */
_must_check_ int files_check_record(const char *dir, const struct home_record *record, size_t index,
				    char *why, size_t why_size);

/* The bytes in the file, or negative errno. */
_must_check_ long files_pool_size(const char *dir, unsigned pool);

/* Locks the file for writing, by "flock" or "fcntl". The descriptor whose closing unlocks it, or
 * negative errno. */
_must_check_ int files_lock_pool(const char *dir, unsigned pool, const char *how);
