/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Serves the home of a guest's program to a host elsewhere: JSON over a descriptor, a value a line. The
 * agent greets first:
 *
 *	{"hello": "vmichost 1.0", "mac": "02:...", "ipv4": "192.0.2.10"}
 *
 * Then each request has one answer, in order. A request is the name of an operation of home.h and its
 * arguments, short because it may go over a serial line, byte by byte:
 *
 *	["prepare", "CONFIG", [[0, "key", "value"], ...]]	{"dir": "/tmp/...", "clock": N}
 *	["start", ["vmicd", "--config={config}"]]		{}
 *	["stop"]  ["pause"]  ["resume"]				{}
 *	["reload", "DROP-IN"]					{}
 *	["count", "TEXT"]					{"n": N}
 *	["log"]							{"text": "..."}
 *	["append", [0, "key", "value"]]				{}
 *	["check", [0, "key", "value"], 7]			{}
 *	["size", 0]						{"n": N}
 *	["lock", 0, "flock"]  ["unlock"]			{}
 *	["clean"]						{}
 *
 * clock is that of the agent's machine, in 100 ns since 1970. What failed is answered with {"error":
 * ERRNO}, check also with "why". When the program has ended the agent says so, whenever that is:
 *
 *	{"ended": "status", "number": 0}, or "signal" and its number
 */
#pragma once

#include <systemd/sd-event.h>

#include "hv_util/base.h"
#include "tests/host/home.h"

struct agent;

/*
 * Serves a home, which must outlive it, over a descriptor that does not block. ended is called when
 * nobody is there any more: 0, or negative errno. 0 or negative errno.
 */
_must_check_ int agent_new(sd_event *event, int fd, struct home *home,
			   void (*ended)(void *user, int error), void *user, struct agent **ret);
/* Takes NULL; returns NULL. */
struct agent *agent_free(struct agent *a);
