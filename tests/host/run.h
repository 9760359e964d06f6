/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One host and one guest from beginning to end: listen, start the guest's program if there is one,
 * serve it, notice when everything has been tried, end the guest, clean up. run_main does it with a
 * loop of its own; run_start puts it into a given loop, so that many can run side by side.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "tests/host/facts.h"
#include "tests/host/fault.h"
#include "tests/host/link.h"
#include "tests/host/release.h"

#define RUN_TIMEOUT_MS 10000  /* a request unanswered for so long: contact lost. Inferred: real hosts' value is not known */
#define RUN_HEARTBEAT_MS 2000 /* Linux hv_util.c: "every 2 seconds" */
#define RUN_BURST_MAX 100     /* so many heartbeats fit even hv_utils' rings, three pages of data */
#define RUN_QUIET_MS 250      /* nothing new for so long, and all asked: settled */
#define RUN_END_MS 30000      /* a program that was asked to end is killed: a busy disk may keep it that long */
#define RUN_LIMIT_MS 30000    /* the end of a run with a guest's program, settled or not */

/* Why run tells something. */
enum run_news {
	RUN_SETTLED, /* every open component has been exercised, and nothing is new */
	RUN_LEFT,    /* the guest went away; the facts are of before it closed what it had open */
	RUN_LIMIT,   /* the time is over */
	RUN_STOPPED, /* SIGINT or SIGTERM */
};

struct run_options {
	const struct release *release;
	/* The way to the guest and its address; NULL: a socket, by the next three. */
	link_open open_link;
	const void *address;
	const char *socket_path; /* where to listen; NULL, with a guest only: in a private directory */
	/* The guest's program, NULL-terminated, or NULL: it comes by itself. In each argument
	 * "{socket}" becomes the path of the socket, "{dir}" a private directory. */
	char *const *guest;
	/* File that gets the guest's output, and nothing else; NULL: it shares ours. */
	const char *guest_log;
	struct fault_set faults;
	bool disabled[COMPONENT_MAX]; /* switched off in the VM's settings: not offered */
	const char *vm_name;          /* NULL: "vmicd" */
	/* Asks for the IP information of this adapter; NULL: of this machine's first, if it has any. */
	const char *mac;
	unsigned timeout_ms;          /* these: 0 takes the default above */
	unsigned heartbeat_ms;
	unsigned heartbeat_burst;     /* as exercise_options' */
	unsigned quiet_ms;
	unsigned shutdown_ms; /* asks for a shutdown so long after all else was tried; 0: never */
	unsigned end_ms;
	unsigned limit_ms; /* 0 without a guest's program: no limit */
	uint32_t ring_size; /* bytes of one ring with its header page; 0: 16 KiB, as hv_utils has */

	/* Called at each piece of news; the facts are good during the call. May be NULL. */
	void (*report)(const struct run_options *options, const struct guest_facts *facts,
		       enum run_news news);
	void *user; /* for report */
};

/*
 * Serves a guest until it settles (with a guest's program), leaves (with one), says that it will
 * not come again, or the process is interrupted. 0; 1 when the guest's program could not be run,
 * never connected or ended with a failure of its own accord; negative errno when the host could not
 * do its part, and then it has said why on stderr.
 */
int run_main(const struct run_options *options);

struct run;

/*
 * The same in the caller's loop. done is called once, when the guest's program has ended, with what
 * run_main would return; it may free the run. The options must live as long as the run.
 */
int run_start(sd_event *event, const struct run_options *options,
	      void (*done)(struct run *run, int result, void *user), void *user, struct run **ret);
const struct guest_facts *run_facts(const struct run *run);
/* Ends the guest at once, removes everything. Takes NULL; returns NULL. */
struct run *run_free(struct run *run);
