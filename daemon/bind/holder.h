/* SPDX-License-Identifier: GPL-2.0-only */
/* Which process has a file open or mapped, as /proc shows it. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct bind_holder {
	pid_t pid;
	char name[17]; /* of its program: what the process says, without what could steer a terminal */
	char unit[64]; /* the service that it is part of, as systemd's control group says; or "" */
};

/* The service manager, which keeps a service's descriptors while it restarts. */
bool bind_holder_is_manager(const struct bind_holder *holder);

/* The first process but this one that has the file, directory or device node open, or mapped; the service
 * manager only where nobody else has. False: none is to be seen, *ret is untouched; without root, others' are
 * not to be seen. One that has it open with O_PATH, as anybody may, has only its name. */
bool bind_holder_find(const char *path, struct bind_holder *ret);
