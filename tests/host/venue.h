/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where scenarios are played: a home for the guest's program, and a link to what it opens there. On
 * this machine over a socket (venue_here.c), or in a guest that is booted, over a real VMBus
 * (venue_vm.c).
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "hv_util/base.h"
#include "tests/host/home.h"
#include "tests/host/link.h"
#include "tests/host/scenario_text.h"

struct machine_options;
struct venue;

struct venue_ops {
	/* Why the scenario cannot be played here, or NULL. */
	const char *(*obstacle)(struct venue *v, const struct scenario *s);
	/* After the home has been prepared: *ret is the address for open_link. 0, or negative errno:
	 * what was before has left something, or the venue is no more. */
	int (*settle)(struct venue *v, const struct scenario *s, const void **ret);
	struct venue *(*free)(struct venue *v);
};

/* The first member of every kind of venue. */
struct venue {
	const struct venue_ops *ops;
	struct home *home;
	link_open open_link;
};

_must_check_ int venue_here_new(sd_event *event, struct venue **ret);

/*
 * Boots the machine, with the agent on its second serial port (the options' serial_fd is not looked
 * at), and waits so many seconds for it at most, or until interrupted. 0, or negative errno after
 * saying on stderr why.
 */
_must_check_ int venue_vm_new(sd_event *event, const struct machine_options *machine,
			      unsigned seconds, const bool *interrupted, struct venue **ret);
