/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What may hang in the kernel is done by a child. Writing to a driver's unbind returns when the last
 * process has closed /dev/vmbus/hv_kvp or hv_vss, maybe never, and until then not even SIGKILL ends
 * the writer.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hv_util/base.h"

struct bind_job {
	const char *path, *text; /* the file, and what is written into it */
	/*
	 * This write makes the kernel allocate memory without limit: where there is not enough, it
	 * chooses a process and kills it. The child asks to be the one: its death fails the
	 * allocation that is at fault, and nobody else's database dies for it.
	 */
	bool costly;
	/* After it the device may have no driver, and nobody may be there any more to go on: the child then
	 * lets the kernel find one. The override is emptied, the name is written to the bus's drivers_probe;
	 * one that has a driver keeps it. */
	const char *override_path, *probe_path, *name;
};

/* Positive results: as in bind.h BIND_WRITE_BLOCKED and BIND_WRITE_KILLED. */
enum { BIND_CHILD_BLOCKED = 1, BIND_CHILD_KILLED };

/*
 * Writes. 0; the negative errno of opening or writing; BIND_CHILD_KILLED; BIND_CHILD_BLOCKED: not
 * done at deadline_ns (CLOCK_MONOTONIC), or stop_fd, if there is one, has become readable. The child
 * then goes on, and keeps what descriptors this process has, a lock among them, until it has ended.
 */
_must_check_ int bind_child_write(const struct bind_job *job, uint64_t deadline_ns, int stop_fd);

/* Loads a kernel module with the program that the kernel itself uses for that. 0; -ENOENT: it did not
 * work; -ETIMEDOUT: it hangs in the kernel, and is left there; another negative errno. */
_must_check_ int bind_child_load(const char *module, uint64_t deadline_ns);

/* CLOCK_MONOTONIC in ns. */
uint64_t bind_now_ns(void);
