/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a scenario sees of its guest's machine beside the channels: the log that the guest writes
 * and the pool files that it shares with other programs. Both are in the scenario's directory, so
 * these need a guest that runs here.
 */
#pragma once

#include <stddef.h>

#include "hv_util/base.h"

/* The lines of the guest's log that hold the text. */
size_t files_count_log(const char *dir, const char *text);

/*
 * The pool files, "pools/.kvp_pool_N": records of 512 bytes of key and 2048 of value, zero padded
 * (hv_kvp_daemon). A key or value is text, or "hex:" and its bytes; -EINVAL or -ENOBUFS when it is
 * neither or does not fit.
 */

/* Appends a record, as cloud-init does: without looking, under flock. 0 or negative errno. */
_must_check_ int files_append_record(const char *dir, unsigned pool, const char *key,
				     const char *value);

/* Compares record index, padding included. 0, or -EINVAL and what is there in why. */
_must_check_ int files_check_record(const char *dir, unsigned pool, size_t index, const char *key,
				    const char *value, char *why, size_t why_size);

/* The bytes in the file, or negative errno. */
_must_check_ long files_pool_size(const char *dir, unsigned pool);

/* Locks the file for writing, by "flock" or "fcntl". The descriptor whose closing unlocks it, or
 * negative errno. */
_must_check_ int files_lock_pool(const char *dir, unsigned pool, const char *how);
