/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/timing.h"

#include <assert.h>
#include <string.h>

void timing_begin(struct timing *t, struct component_facts *facts, uint32_t ring_size)
{
	struct opening_list *list = &facts->openings;

	*t = (struct timing){ .ring_size = ring_size };
	facts->opened_times++;
	if (list->n == FACTS_OPENINGS_MAX)
		memmove(&list->o[0], &list->o[1], sizeof(list->o) - sizeof(list->o[0]));
	else
		list->n++;
	timing_note(t, facts);
}

void timing_note(const struct timing *t, struct component_facts *facts)
{
	struct opening_list *list = &facts->openings;

	assert(list->n > 0);
	list->o[list->n - 1] = (struct opening_facts){
		.ring_size = t->ring_size,
		.answers = t->round_trips.n,
		.p50_ns = histogram_quantile(&t->round_trips, 500),
		.p99_ns = histogram_quantile(&t->round_trips, 990),
		.max_ns = t->round_trips.max,
		.packets = t->packets,
		.interrupts = t->interrupts,
		.signals = t->signals,
	};
}
