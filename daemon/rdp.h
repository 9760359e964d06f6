/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where this machine can be reached by RDP: the addresses on which something (xrdp,
 * gnome-remote-desktop) listens on TCP port 3389, from /proc/self/net/tcp and tcp6.
 */
#pragma once

#include "daemon/net.h"

/*
 * The addresses of a family (AF_INET, AF_INET6) as net_list_addresses gives them; empty when
 * nothing listens, or only for this machine itself. A listener on [::] counts for IPv4 too, which
 * is how Linux opens it unless told otherwise (inferred: /proc does not tell). 0, or what net said.
 */
_must_check_ int rdp_list_addresses(int root_fd, struct net *n, int family, char *text,
				    size_t size);
