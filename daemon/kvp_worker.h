/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Key-value pair exchange, done by a thread of its own. The pool files lie on a disk, and so does what tells which
 * system this is; a disk may not answer for long: it is frozen for a backup, busy, or gone. Heartbeats are answered
 * by the loop meanwhile.
 *
 * The thread does one thing at a time, and the loop waits for it as long as nobody notices, KVP_WORKER_WAIT_USEC. What
 * takes longer is -EAGAIN, as it is where a file is locked: who then asks the same again, as struct kvp_ops wants it,
 * gets what has come of it. Who does not, because he has given up, has it done all the same: of a key that could not be
 * set in time a host must expect that it will be.
 */
#pragma once

#include "daemon/kvp_data.h"

/* Together with other work of the loop's less than a host's heartbeat notices; a pool on a disk that is well takes a
 * hundredth of it. */
#define KVP_WORKER_WAIT_USEC 20000

struct kvp_worker;

/* user of each of these is the struct kvp_worker. All belong to the loop's thread. */
extern const struct kvp_ops kvp_worker_ops;

/*
 * As kvp_data_new, and then the pools are made, unless that takes too long: then they are when the disk answers. What the
 * options name is called by the caller's thread, while he waits in a function of this file. 0, the errno of
 * pthread_create, or as kvp_data_new.
 */
_must_check_ int kvp_worker_new(const struct kvp_data_options *options, struct kvp_worker **ret);

/* As kvp_data_each, and -EAGAIN as above. A pool of more than POOL_RECORDS_MAX records is -E2BIG. */
_must_check_ int kvp_worker_each(struct kvp_worker *w, unsigned pool,
				 int (*each)(void *user, const struct kvp_record *record), void *user);

/*
 * Takes NULL; returns NULL. A thread that the disk does not let go for a second is left behind with all that it needs,
 * and ends by itself when it can.
 */
struct kvp_worker *kvp_worker_free(struct kvp_worker *w);
