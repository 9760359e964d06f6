/* SPDX-License-Identifier: GPL-2.0-only */
/* Filling rings of every size: in the end no more goes in, and no message is longer than one can be. */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "tests/host/channel.h"
/* It has a struct message of its own. */
#define message harness_message
#include "tests/unit/harness.h"
#undef message

struct fixture {
	sd_event *event;
	struct component_facts facts;
	struct fault_set faults;
	struct channel channel;
	uint8_t *memory;
	unsigned signals;
};

static void on_answered(void *user, struct channel *c, const struct answer *a)
{
	(void)user;
	(void)c;
	(void)a;
	fail();
}

static void on_timed_out(void *user, struct channel *c)
{
	(void)user;
	(void)c;
}

static void on_violated(void *user, struct channel *c, const char *sentence)
{
	(void)user;
	(void)c;
	fail_msg("%s", sentence);
}

static int on_signal(void *user, struct channel *c)
{
	(void)c;
	((struct fixture *)user)->signals++;
	return 0;
}

static const struct channel_handler handler = {
	.answered = on_answered,
	.timed_out = on_timed_out,
	.violated = on_violated,
	.signal = on_signal,
};

static void open_channel(struct fixture *f, uint32_t ring_size)
{
	*f = (struct fixture){ .memory = aligned_alloc(4096, 2 * (size_t)ring_size) };
	assert_non_null(f->memory);
	assert_int_equal(sd_event_new(&f->event), 0);
	channel_init(&f->channel, COMPONENT_HEARTBEAT, f->event, &f->facts, &f->faults, 1000,
		     &handler, f);
	channel_opened(&f->channel, f->memory, ring_size);
}

static void close_channel(struct fixture *f)
{
	channel_done(&f->channel);
	assert_null(sd_event_unref(f->event));
	free(f->memory);
}

static void beat(struct message *m, const struct wire_operation **ret_op)
{
	*ret_op = wire_operation_find(COMPONENT_HEARTBEAT, "beat", 3);
	assert_non_null(*ret_op);
	wire_request(m, *ret_op, (struct version_pair){ { 3, 0 }, { 3, 0 } });
}

/* The length of the first packet's payload, its padding included. */
static size_t first_length(const struct fixture *f)
{
	const uint8_t *packet = f->channel.ring.out_data;

	return (get_le(packet + 4, 2) - get_le(packet + 2, 2)) * 8;
}

static void a_ring_of_any_size_is_filled(void **state)
{
	static const struct {
		uint32_t ring_size;
		size_t least, most; /* bytes of a message */
	} rows[] = {
		{ 8192, 48, 48 }, /* as the beat is: 28, 16 and the padding */
		{ 16384, 48, 48 },
		{ 65536, 57, 1000 },
		{ 2 << 20, 8192, WIRE_MESSAGE_MAX }, /* Linux' uio_hv_generic */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct wire_operation *op;
		struct fixture f;
		struct message m;

		open_channel(&f, rows[i].ring_size);
		beat(&m, &op);
		assert_int_equal(channel_fill(&f.channel, &m, op), 0);
		assert_true(f.channel.ring.waits_for_space);
		assert_in_range(first_length(&f), rows[i].least, rows[i].most);
		assert_int_equal(f.signals, 1); /* it was empty once */
		close_channel(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_of_any_size_is_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
