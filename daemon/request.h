/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests to the service manager: empty files, each the name of what is wanted, in a directory that it has made
 * for us and watches (systemd.path(5)). It takes a request by removing the file.
 */
#pragma once

#include <stdbool.h>

#include "hv_util/base.h"

/* "$RUNTIME_DIRECTORY ... an absolute path to the directory defined with ... RuntimeDirectory=" (systemd.exec(5)),
 * and where there is none what the service's would be. */
const char *request_directory(void);

/* 0 or a negative errno; -EEXIST: there is one already. */
_must_check_ int request_make(const char *directory, const char *name);

/* Whether it is there: made, and not taken yet. */
bool request_is_made(const char *directory, const char *name);

/* Takes it back. Whether it was there. */
bool request_withdraw(const char *directory, const char *name);
