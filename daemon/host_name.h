/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fully qualified name of this machine, without ever asking DNS.
 *
 * The stock daemon resolves its name when it starts, and is known to hold up the boot for it. Here
 * the host name is taken, and if it has no dot, the canonical (first) name of the line of
 * /etc/hosts that has it, as getaddrinfo would answer from that file. A name that only DNS knows is
 * therefore given without its domain.
 */
#pragma once

#include <limits.h>

#include "daemon/lines.h"

struct host_name {
	struct file_stamp hosts; /* the answer holds while these two stay as they are */
	char host[HOST_NAME_MAX + 1];
	char full[256];
};

/* The name now; /etc/hosts is read only when it or the host name has changed. */
const char *host_name_full(struct host_name *h, int root_fd);

/* The same for a host name that is given. */
const char *host_name_look_up(struct host_name *h, int root_fd, const char *host);
