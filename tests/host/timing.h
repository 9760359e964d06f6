/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How fast a guest answers, and how often each side wakes the other, measured from the opening of a
 * channel to its close: who opens it next may be another driver, and gets figures of its own.
 */
#pragma once

#include <stdint.h>

#include "tests/host/facts.h"
#include "tests/host/histogram.h"

struct timing {
	uint32_t ring_size;
	unsigned packets, interrupts, signals;
	struct histogram round_trips; /* nanoseconds */
};

/* The channel was opened: begins anew, and makes room for this opening in the facts. */
void timing_begin(struct timing *t, struct component_facts *facts, uint32_t ring_size);

/* Writes what was measured so far into the facts, as their last opening. */
void timing_note(const struct timing *t, struct component_facts *facts);
