/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Plays the steps of one scenario against one guest. It knows sessions and channels, not what
 * carries them: the link is opened by the caller's choice.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "hv_util/base.h"
#include "tests/host/home.h"
#include "tests/host/link.h"
#include "tests/host/scenario_text.h"

struct play;

/*
 * Checks every step's words without a guest. 0, or -EINVAL and "FILE:LINE: what was expected" in
 * why. What only running can tell (a value that does not fit) is not found here.
 */
_must_check_ int play_check(const struct scenario *s, char *why, size_t why_size);

struct play_options {
	const struct scenario *scenario;
	link_open open_link;
	const void *address;
	struct home *home; /* of the guest's program; NULL: it has none, and no step is about it */
	unsigned slow;     /* how many times longer than said the guest may take; 0 is 1 */
};

/* Makes the host ready at the address. All that the options point to must outlive the play. 0 or
 * negative errno. */
_must_check_ int play_new(sd_event *event, const struct play_options *options, struct play **ret);
struct play *play_free(struct play *p);

/* Runs all steps. 0, or -EPROTO and "FILE:LINE: what came" in why. */
_must_check_ int play_run(struct play *p, char *why, size_t why_size);

/* After the guest has ended: nothing may be left that no step has looked at. As play_run. */
_must_check_ int play_finish(struct play *p, char *why, size_t why_size);

/* Makes the step that is running fail: the guest's program has ended, somebody interrupts. */
void play_stop(struct play *p, const char *reason);

/* Milliseconds of the monotonic clock. */
uint64_t play_now_ms(void);
