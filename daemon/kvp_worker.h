/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Key-value pair exchange, done by a thread of its own. The pool files lie on a disk, and so does what tells which
 * system this is; a disk may not answer for long: it is frozen for a backup, busy, or gone. Heartbeats are answered
 * by the loop meanwhile.
 *
 * Several clients have something to ask, each one thing at a time. Nobody gets another one's answer, and the thread,
 * which does one thing at a time as well, takes the host's first. Whoever asks waits for it as long as nobody notices,
 * KVP_WORKER_WAIT_USEC. What takes longer is -EAGAIN, as it is where a file is locked: the client asks the same again
 * until it is another result, or says that he does not want to know any more (forget). Then it may be done all the
 * same: of a key that could not be set in time a host must expect that it will be.
 */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/kvp_data.h"

/* A pool on a disk that is well takes a hundredth of it, also in a virtual machine that has to share its processors. The
 * host notices no heartbeat that is late by that; but of what it asks for without waiting for answers, the next thing is
 * refused as long as one is put off. */
#define KVP_WORKER_WAIT_USEC 50000

/* In the order in which they are served. */
enum kvp_client_id {
	KVP_CLIENT_HOST,
	KVP_CLIENT_CALL, /* who calls over the bus */
	KVP_CLIENT_NAME, /* who wants to show the virtual machine's name */
	KVP_CLIENTS
};

struct kvp_worker;
struct kvp_client;

/* user of each of these is a struct kvp_client. All belong to the loop's thread. */
extern const struct kvp_ops kvp_client_ops;

/*
 * As kvp_data_new, and then the pools are made, unless that takes too long: then they are when the disk answers. What the
 * options name is called by the loop's thread. 0; 1: there may be no second thread (*error is why), and the loop
 * does the work itself; or a negative errno as kvp_data_new, or of the loop.
 */
_must_check_ int kvp_worker_new(sd_event *event, const struct kvp_data_options *options, struct kvp_worker **ret,
				int *error);

/* Good as long as the worker. */
struct kvp_client *kvp_worker_client(struct kvp_worker *w, enum kvp_client_id id);

/* As kvp_data_each, and -EAGAIN as above. A pool of more than POOL_RECORDS_MAX records is -E2BIG. */
_must_check_ int kvp_client_each(struct kvp_client *c, unsigned pool,
				 int (*each)(void *user, const struct kvp_record *record), void *user);

/* Whether something that he has asked for is not finished, or its answer not taken. */
bool kvp_client_waits(const struct kvp_client *c);

/*
 * Takes NULL; returns NULL. Waits a second at most for what the thread is about; when the disk does not let it go, it is
 * left behind with all that it needs. Such a process cannot end before it, whatever it is sent.
 */
struct kvp_worker *kvp_worker_free(struct kvp_worker *w);
