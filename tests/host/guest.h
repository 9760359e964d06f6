/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's program as a child process, and the private directory that it works in. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "hv_util/base.h"

struct guest;

#define GUEST_NOT_RUN 127 /* the exit status of a program that could not be executed, as a shell has it */

struct guest_options {
	char *const *argv;         /* NULL-terminated; {socket}, {config}, {dir} are replaced */
	const char *const *extra;  /* further arguments, NULL-terminated, or NULL */
	const char *socket_path;
	const char *config_path;   /* or "" */
	const char *dir;
	const char *log;           /* file that takes stdout and stderr, or NULL: ours */
	bool keeps_clock;          /* it cannot set this machine's, whoever runs it */
};

/*
 * Starts the program. ended is called once with its wait status, from the loop. SIGCHLD is blocked
 * by this call, as sd-event needs it. A program that cannot be executed ends with GUEST_NOT_RUN.
 */
_must_check_ int guest_start(sd_event *event, const struct guest_options *options,
			     void (*ended)(void *user, bool signalled, int status), void *user,
			     struct guest **ret);

/* Asks it to end (SIGTERM). Does nothing when it has ended. */
void guest_stop(struct guest *g);

/*
 * Stops it where it is (SIGSTOP), and lets it run on (SIGCONT). After guest_pause it does not run any
 * more. 0; -ESRCH: it has ended; negative errno. Going on is nothing new to a guest that runs.
 */
_must_check_ int guest_pause(struct guest *g);
int guest_resume(struct guest *g);

/* Asks it to read its configuration again (SIGHUP). 0; -ESRCH: it has ended; negative errno. */
_must_check_ int guest_hang_up(struct guest *g);

/*
 * Whether it has ended. What has not been told yet is told first, in this call: sd-event has other things
 * to do before it looks.
 */
bool guest_has_ended(struct guest *g);

/* Kills it if it still runs, and waits for it. Takes NULL; returns NULL. */
struct guest *guest_free(struct guest *g);

/* Makes a private directory in $TMPDIR or /tmp: its path is in *ret, to be freed. */
_must_check_ int guest_dir_make(char **ret);

/* Removes the directory with all that is in it, and frees its path. Takes NULL; returns NULL. */
char *guest_dir_remove(char *dir);
