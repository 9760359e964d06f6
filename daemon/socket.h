/* SPDX-License-Identifier: GPL-2.0-only */
/* Transport to vmichost: channels come over a Unix socket (socket_wire.h, tests/host/SOCKET.md). */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/log.h"
#include "daemon/transport.h"

struct socket;

/* Connects to the host that listens at path; offers come from the loop. 0 or a negative errno. */
_must_check_ int socket_new(sd_event *event, const struct log *log, const char *path,
			    const struct transport_events *events, void *user, struct socket **ret);

/* Hangs up and frees every port. Returns NULL. */
struct socket *socket_free(struct socket *s);
