/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptors that outlive the process: the service manager's store (systemd's FileDescriptorStoreMax=,
 * "FDSTORE=1" in sd_notify(3), sd_listen_fds_with_names(3)). What is put stays open there until it is removed
 * or the service is stopped for good, and comes with the next start.
 *
 * Every function takes NULL for a store that keeps nothing. None of them fails: a manager that does not keep
 * what it is given, or does not listen, says nothing, and its next start brings nothing. What one that is stuck is to
 * keep is kept here until it reads that (daemon/notify.h), and what it is to drop stays open so long.
 */
#pragma once

#include "daemon/log.h"
#include "daemon/notify.h"
#include "hv_util/ic.h"

#define STORE_NAME_SIZE NOTIFY_NAME_SIZE

struct store;

/* Takes what came with this process' start. The manager is told by notify, which must outlive the store; NULL: there
 * is none. 0; 1: there is none and nothing came, so what this process opens ends with it; or a negative errno. */
_must_check_ int store_new(struct notify *notify, const struct log *log, struct store **ret);

/* Closes what was not taken; the manager keeps its own. Takes NULL; returns NULL. */
struct store *store_free(struct store *s);

/* "vmic.heartbeat.uio": the component's descriptor for this purpose. */
void store_name(enum ic_component component, const char *purpose, char name[STORE_NAME_SIZE]);

/* What a predecessor put: the descriptor is the caller's. -ENOENT: nothing has that name, or more than one
 * thing. */
_must_check_ int store_take(struct store *s, const char *name);

/* Gives the manager a copy, in place of all that has this name. */
void store_put(struct store *s, const char *name, int fd);

void store_remove(struct store *s, const char *name);

/* Removes all that has not been taken: nobody wants it any more. */
void store_drop_rest(struct store *s);
