/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One KVP pool file: .kvp_pool_N in /var/lib/hyperv, shared with other programs.
 *
 * The format is theirs (hv_kvp_daemon): records of 2560 bytes, key[512] and value[2048], zero
 * padded, without header; removing shifts the later ones down. cloud-init, azure-init, the stock
 * daemon, provisioning scripts read and write it, some by record number, so path, mode and order
 * are kept.
 *
 * Locks: the stock daemon locks with fcntl, cloud-init with flock, and neither sees the other
 * (azure-init doc/kvp.md). Every operation here holds both, shared to read and exclusive to write,
 * and never waits for one: a locked file is -EAGAIN, and nothing has happened. The fcntl lock is an
 * open file description lock: it conflicts with the stock daemon's process lock, but is not dropped
 * when something else in this process closes the same file.
 *
 * The file is opened and read anew by each operation, since others write it; a file that was
 * replaced or deleted is noticed even between opening and locking. It is rewritten in place and
 * truncated last: a temporary file and rename would lose the update of a program that waits for its
 * lock on the old inode.
 *
 * Being killed at any point loses no record but the one being changed (pool.c says how). Removing
 * waits for the disk before it truncates; setting does not, so that the host's many small writes
 * cost no flush each. A power cut while the disk writes can still mix two neighbours: the format
 * leaves no room for better.
 *
 * What others wrote is taken as it is: keys and values without a NUL are cut at the field's end,
 * bytes behind the NUL are not shown, text need not be UTF-8, a partial record at the end is no
 * record and is overwritten by the next append.
 *
 * Duplicate keys (cloud-init appends without looking): get and set mean the first, as the stock
 * daemon does, so that set changes what get shows. remove takes all of them away: afterwards the
 * key is gone, as its caller was told, instead of showing an older value.
 *
 * A pool left over from another VM (a cloned image) is not cleared. Pool 3 heals by itself, the
 * host rewrites its records when it connects; pool 1 is the guest programs' own, and cloud-init
 * already clears it by its age; for pool 0 nothing in the file says whose it is, and a host does
 * not send its records again after a daemon's restart (libhvee issue 193), so clearing it at start
 * would lose good data.
 */
#pragma once

#include "hv_util/base.h"
#include "hv_util/kvp.h"

/* Records per pool by convention (azure-init doc/kvp.md): set lets no file grow beyond it. */
#define POOL_RECORDS_MAX 1024

/* A file larger than this many records is not a pool file any more: no operation reads for seconds
 * through what some runaway program appended. */
#define POOL_RECORDS_SANE (16 * POOL_RECORDS_MAX)

enum pool_mode {
	POOL_SHARED,  /* the file itself */
	POOL_PRIVATE, /* for a dry run: the first write goes to a copy in memory, and the disk is
		       * never changed; the file is followed until then */
};

struct pool;

/* An object for directory/.kvp_pool_number; touches nothing on disk. 0, -ENOMEM, -ENAMETOOLONG. */
_must_check_ int pool_new(const char *directory, unsigned number, enum pool_mode mode,
			  struct pool **ret);

/* Takes NULL; returns NULL. */
struct pool *pool_free(struct pool *p);

/* Makes the file, mode 0644 whatever the umask, if there is none; an existing one is left exactly
 * as it is. Makes nothing in a private pool. 0, or a negative errno as below. */
_must_check_ int pool_create(struct pool *p);

/*
 * The operations of struct kvp_ops, with its meanings of 0, -EAGAIN, -ENOENT and -ENODATA. Besides:
 * -ELOOP: a symbolic link is in the file's place; -EISDIR, -ENOTSUP: a directory, something else
 * that is no regular file; -ENOSPC: no room on the disk, or POOL_RECORDS_MAX reached; -EFBIG: more
 * than POOL_RECORDS_SANE records, or a resource limit; otherwise the errno of what failed. After a
 * failed write the file is put back as it was, as far as the same disk lets it.
 */
_must_check_ int pool_get(struct pool *p, struct kvp_record *record);
_must_check_ int pool_set(struct pool *p, const struct kvp_record *record);
_must_check_ int pool_remove(struct pool *p, const char *key);
_must_check_ int pool_enumerate(struct pool *p, uint32_t index, struct kvp_record *ret);

/*
 * Hands each record, in the file's order and terminated, to a function: all under one lock. What that
 * returns other than 0 ends it, and is returned. Otherwise 0, also where there is no file; -EAGAIN and
 * the errnos above, after some records perhaps.
 */
_must_check_ int pool_each(struct pool *p, int (*each)(void *user, const struct kvp_record *record),
			   void *user);
