/* SPDX-License-Identifier: GPL-2.0-only */
/* Which files a configuration consists of, in the order in which they are read. */
#pragma once

#include <stdbool.h>

#include "hv_util/base.h"

struct conf_files {
	char **path;
	size_t n;
};

/* PATH, then PATH.d/(name).conf in the order of the names. The file must be there, its drop-ins
 * need not. 0 or a negative errno. */
_must_check_ int conf_files_single(const char *path, struct conf_files *ret);

/* The system's configuration, and where its drop-ins are, as systemd.unit(5) has them: the later counts. */
#define CONF_FILES_SYSTEM "/etc/vmicd/vmicd.conf"
#define CONF_FILES_DIRECTORIES 4
extern const char *const conf_files_directories[CONF_FILES_DIRECTORIES];

/*
 * The system's file unless it is not there, then the drop-ins of all directories in the order of their
 * names; of several of one name the one in the last directory counts. ROOT is put before all paths. 0 or a
 * negative errno.
 */
_must_check_ int conf_files_system(const char *root, struct conf_files *ret);

/* Whether this is a link to /dev/null, which hides what it is named for. */
bool conf_file_is_masked(const char *path);

void conf_files_done(struct conf_files *files);
