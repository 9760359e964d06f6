/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was set at run time, the profile and the state of the applications. It holds until the configuration is
 * read again, and so for a process that comes in this one's place, too: that one finds it in the service
 * manager's store. Would it come up with the configuration's profile, the channels that are kept would not be
 * of use to it, and the host would notice a crash.
 */
#pragma once

#include "daemon/conf.h"
#include "daemon/store.h"

struct runtime {
	const struct log *log;
	struct store *store; /* NULL: it ends with this process */
	int fd;              /* of the memory that the store has; -1: it has none */
};

/*
 * Puts into conf, which has just been read (conf_read), what a predecessor has left: all but that in whose place
 * the files say something else now than they did then. That, and what is doubtful, is dropped, which is logged.
 */
void runtime_restore(struct runtime *r, struct conf *conf);

/* Leaves to a successor what of conf is not as the files have it. To be called before conf is put in force: who
 * is killed in between then leaves what was asked for. */
void runtime_keep(struct runtime *r, const struct conf *conf);

/* What is kept stays. */
void runtime_done(struct runtime *r);
