/* SPDX-License-Identifier: GPL-2.0-only */
/* What os-release(5) says about the system. */
#pragma once

#include "daemon/lines.h"

/* Fields that the file does not have are empty. */
struct os_release {
	char name[256];
	char version_id[128];
	char variant_id[128];
};

/* The file in force under root_fd: etc/os-release, else usr/lib/os-release; NULL: neither. */
const char *os_release_path(int root_fd);

/* Reads it. Lines that are not os-release(5) are left out; all is empty when it cannot be read. */
void os_release_read(int root_fd, const char *path, struct os_release *ret);
