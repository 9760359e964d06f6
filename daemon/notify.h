/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the service manager is told, as sd_notify(3) has it: states, descriptors to keep and to drop, and that the
 * loop is alive. Not by that function, which waits while the manager's queue is full: as long as a manager is stuck,
 * such as one whose root file system is frozen, nobody would answer the host. Nobody is waited for here. What finds
 * no room waits in this process, in its order, and is tried again ten times a second. Nothing is allocated.
 *
 * A message needs no answer to be acted on before its sender ends (sd_notify_barrier): systemd reads what has been
 * sent before it looks at who has ended (src/core/manager.c, the priorities of its sources).
 */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/log.h"

#define NOTIFY_NAME_SIZE 64

struct notify;

/* From now on tells that the loop is alive, if the manager wants that (WATCHDOG_USEC). 0; 1: there is no manager, or
 * one that cannot be reached by a socket of this machine (NOTIFY_SOCKET=vsock:...), which is logged; or a negative
 * errno. */
_must_check_ int notify_new(sd_event *event, const struct log *log, struct notify **ret);

/* Waits a second at most for what still waits. Takes NULL; returns NULL. */
struct notify *notify_free(struct notify *n);

/* Every function below takes NULL for a manager that there is not. None of them fails: what a manager that is not
 * there any more was to be told is lost, which is logged. */

void notify_ready(struct notify *n);     /* "READY=1" */
void notify_reloading(struct notify *n); /* "RELOADING=1"; notify_ready is the end of that */
void notify_stopping(struct notify *n);  /* "STOPPING=1" */

/* Has the manager keep a copy of fd under this name. Until it has one, one is kept here. */
void notify_put(struct notify *n, const char *name, int fd);

/* Has it drop all that it has under this name. */
void notify_remove(struct notify *n, const char *name);
