/* SPDX-License-Identifier: GPL-2.0-only */
/* How fast a guest is, as the host measures it: the histogram, a channel's openings, the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hv_util/base.h"
#include "tests/host/channel.h"
#include "tests/host/histogram.h"
#include "tests/host/report_timing.h"
#include "tests/host/run_report.h"
#include "tests/host/timing.h"

/* --- the histogram --- */

static struct histogram h;

static int empty(void **state)
{
	(void)state;
	memset(&h, 0, sizeof(h));
	return 0;
}

static void test_nothing_was_added(void **state)
{
	(void)state;
	assert_int_equal(histogram_quantile(&h, 0), 0);
	assert_int_equal(histogram_quantile(&h, 500), 0);
	assert_int_equal(histogram_quantile(&h, 1000), 0);
}

/* Of 1 to 100 the nearest rank: 50, 99, 100. Small values are exact. */
static void test_small_values_are_exact(void **state)
{
	(void)state;
	for (uint64_t v = 100; v > 0; v--)
		histogram_add(&h, v);
	assert_int_equal(histogram_quantile(&h, 500), 50);
	assert_int_equal(histogram_quantile(&h, 501), 51);
	assert_int_equal(histogram_quantile(&h, 990), 99);
	assert_int_equal(histogram_quantile(&h, 1000), 100);
	assert_int_equal(histogram_quantile(&h, 0), 1);
	assert_int_equal(h.n, 100);
	assert_int_equal(h.max, 100);
}

/* Each edge of each power of two, alone, and with a larger one so that max does not help. */
static void test_any_value_is_off_by_less_than_a_hundredth(void **state)
{
	(void)state;
	for (unsigned log = 0; log < HISTOGRAM_MAX_LOG; log++)
		for (int step = -1; step <= 1; step++) {
			uint64_t v = (UINT64_C(1) << log) + (uint64_t)step, got;

			if (log == 0 && step < 0)
				v = 0;
			memset(&h, 0, sizeof(h));
			histogram_add(&h, v);
			histogram_add(&h, UINT64_MAX);
			got = histogram_quantile(&h, 500);
			assert_true((got > v ? got - v : v - got) * 100 <= v);
		}
}

static void test_what_is_too_large_counts(void **state)
{
	(void)state;
	for (unsigned log = HISTOGRAM_MAX_LOG; log < 64; log++)
		histogram_add(&h, UINT64_C(1) << log);
	histogram_add(&h, UINT64_MAX);
	assert_int_equal(h.n, 64 - HISTOGRAM_MAX_LOG + 1);
	assert_int_equal(h.max, UINT64_MAX);
	assert_true(histogram_quantile(&h, 500) > UINT64_C(1) << (HISTOGRAM_MAX_LOG - 1));
}

/* Never more than the largest, though the middle of its bucket may be. */
static void test_no_quantile_is_above_the_largest(void **state)
{
	(void)state;
	for (uint64_t v = 1; v < 100000; v = v * 3 / 2 + 1) {
		memset(&h, 0, sizeof(h));
		histogram_add(&h, v);
		assert_true(histogram_quantile(&h, 500) <= v);
		assert_int_equal(h.max, v);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Beside a sorted list of the same values, spread over many powers of two. */
static void test_quantiles_of_many(void **state)
{
	static uint64_t values[5000];
	uint64_t random = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		values[i] = random >> (24 + random % 37);
		histogram_add(&h, values[i]);
	}
	qsort(values, ARRAY_LEN(values), sizeof(values[0]), compare);
	for (unsigned q = 1; q <= 1000; q++) {
		uint64_t is = histogram_quantile(&h, q), want = values[q * 5 - 1];

		assert_true((is > want ? is - want : want - is) * 100 <= want);
	}
}

/* --- the openings of a channel --- */

static void test_the_last_openings_are_kept(void **state)
{
	static struct timing t;
	static struct component_facts facts;
	const struct opening_list *list = &facts.openings;

	(void)state;
	for (unsigned i = 1; i <= FACTS_OPENINGS_MAX + 3; i++) {
		timing_begin(&t, &facts, 4096 * i);
		histogram_add(&t.round_trips, 10 * i);
		t.packets = i;
		timing_note(&t, &facts);
		assert_int_equal(facts.opened_times, i);
		assert_int_equal(list->n, i < FACTS_OPENINGS_MAX ? i : FACTS_OPENINGS_MAX);
		for (unsigned k = 0; k < list->n; k++) {
			unsigned number = i - list->n + k + 1;

			assert_int_equal(list->o[k].ring_size, 4096 * number);
			assert_int_equal(list->o[k].packets, number);
			assert_int_equal(list->o[k].answers, 1);
			assert_int_equal(list->o[k].max_ns, 10 * number);
			assert_int_equal(list->o[k].p50_ns, 10 * number);
		}
	}
}

static void test_middle_tail_and_largest(void **state)
{
	static struct timing t;
	static struct component_facts facts;
	const struct opening_facts *o = &facts.openings.o[0];

	(void)state;
	timing_begin(&t, &facts, 4096);
	for (unsigned i = 0; i < 98; i++)
		histogram_add(&t.round_trips, 10);
	histogram_add(&t.round_trips, 20);
	histogram_add(&t.round_trips, 30);
	timing_note(&t, &facts);
	assert_int_equal(o->answers, 100);
	assert_int_equal(o->p50_ns, 10);
	assert_int_equal(o->p99_ns, 20);
	assert_int_equal(o->max_ns, 30);
}

#define RING 16384
#define SLOW_US 20000

/* A channel of the host's, and the guest's end of its rings: the host's code, exchanged. */
struct talk {
	sd_event *event;
	struct component_facts facts;
	struct fault_set faults;
	struct channel channel;
	struct host_ring guest;
	_Alignas(4096) uint8_t memory[2 * RING];
	unsigned signals;
	uint32_t written; /* by the host, when it signalled last */
};

static struct talk *talk;

static void on_answered(void *user, struct channel *c, const struct answer *a)
{
	(void)user;
	(void)c;
	(void)a;
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
	struct talk *k = user;

	k->signals++;
	k->written = k->channel.ring.write_index;
	channel_interrupted(c);
	return 0;
}

static const struct channel_handler handler = {
	.answered = on_answered,
	.timed_out = on_timed_out,
	.violated = on_violated,
	.signal = on_signal,
};

static void open_channel(void)
{
	channel_opened(&talk->channel, talk->memory, RING);
	talk->guest = (struct host_ring){ .in = (struct ring_page *)(talk->memory + RING),
					  .out = (struct ring_page *)talk->memory,
					  .in_data = talk->memory + RING + 4096,
					  .out_data = talk->memory + 4096,
					  .size = RING - 4096,
					  .signals_allowed = UINT64_MAX };
}

static int talk_begin(void **state)
{
	(void)state;
	talk = aligned_alloc(4096, (sizeof(*talk) + 4095) / 4096 * 4096);
	if (!talk)
		return -1;
	memset(talk, 0, sizeof(*talk));
	assert_true(sd_event_new(&talk->event) >= 0);
	channel_init(&talk->channel, COMPONENT_HEARTBEAT, talk->event, &talk->facts, &talk->faults,
		     10000, &handler, talk);
	open_channel();
	return 0;
}

static int talk_end(void **state)
{
	(void)state;
	channel_done(&talk->channel);
	sd_event_unref(talk->event);
	free(talk);
	return 0;
}

static void ask(void)
{
	static const struct version_pair three = { { 3, 0 }, { 3, 0 } };
	const struct wire_operation *op = wire_operation_find(COMPONENT_HEARTBEAT, "beat", 3);
	static struct message m;

	wire_request(&m, op, three);
	assert_int_equal(channel_request(&talk->channel, &m, op), 0);
}

static void negotiate(void)
{
	static const struct version_list three = { .n = 1, .v = { { 3, 0 } } };

	assert_int_equal(channel_negotiate(&talk->channel, &three, &three, NULL), 0);
}

/* The guest answers all that it has, with one signal. Returns how many. */
static unsigned answer_all(void)
{
	static struct host_packet q;
	unsigned n = 0;

	while (host_ring_get(&talk->guest, &q) == 1) {
		n++;
		q.payload[25] = WIRE_TRANSACTION | WIRE_RESPONSE;
		if (q.payload[12] == WIRE_TYPE_NEGOTIATE)
			q.payload[28] = q.payload[30] = 1;
		else
			q.payload[28]++;
		assert_true(host_ring_put(&talk->guest, q.payload, q.len, q.trans_id) >= 0);
	}
	assert_int_equal(host_ring_commit(&talk->guest), 0);
	channel_signalled(&talk->channel, 1);
	return n;
}

static const struct opening_facts *last_opening(void)
{
	channel_note_timing(&talk->channel);
	return &talk->facts.openings.o[talk->facts.openings.n - 1];
}

static void test_a_round_trip_is_measured(void **state)
{
	const struct opening_facts *o;

	(void)state;
	ask();
	(void)usleep(SLOW_US);
	assert_int_equal(answer_all(), 1);
	o = last_opening();
	assert_int_equal(o->answers, 1);
	assert_true(o->max_ns >= SLOW_US * 1000 && o->max_ns < SLOW_US * 1000 * UINT64_C(100));
	assert_true(o->p50_ns <= o->max_ns && o->p50_ns >= o->max_ns - o->max_ns / 50);
	assert_true(o->p99_ns == o->p50_ns);
	assert_int_equal(o->ring_size, RING);
	assert_int_equal(o->packets, 1);
	assert_int_equal(o->interrupts, 1);
	assert_int_equal(o->signals, 1);
}

/* It waits for the guest to be ready: that is no round trip. */
static void test_a_negotiation_is_no_round_trip(void **state)
{
	const struct opening_facts *o;

	(void)state;
	negotiate();
	assert_int_equal(answer_all(), 1);
	o = last_opening();
	assert_int_equal(o->answers, 0);
	assert_int_equal(o->max_ns, 0);
	assert_int_equal(o->packets, 1);
	assert_int_equal(o->signals, 1);
}

/* Each is measured from when it was put, not from when the guest was told. */
static void test_a_burst_is_signalled_once_behind_its_last_packet(void **state)
{
	const struct opening_facts *o;

	(void)state;
	channel_hold_signal(&talk->channel);
	for (unsigned i = 0; i < 5; i++)
		ask();
	assert_int_equal(talk->signals, 0);
	(void)usleep(SLOW_US);
	channel_release_signal(&talk->channel);
	assert_int_equal(talk->signals, 1);
	assert_int_equal(talk->written, talk->channel.ring.write_index);
	assert_int_equal(answer_all(), 5);
	o = last_opening();
	assert_int_equal(o->answers, 5);
	assert_int_equal(o->packets, 5);
	assert_int_equal(o->interrupts, 1);
	assert_true(o->p50_ns >= SLOW_US * 1000);

	ask(); /* held no more */
	assert_int_equal(talk->signals, 2);
}

static void test_a_guest_that_masks_is_not_signalled_by_a_burst(void **state)
{
	(void)state;
	host_ring_mask(&talk->guest);
	channel_hold_signal(&talk->channel);
	ask();
	ask();
	channel_release_signal(&talk->channel);
	assert_int_equal(talk->signals, 0);
	assert_int_equal(last_opening()->interrupts, 0);
	assert_int_equal(last_opening()->packets, 2);
}

static void test_each_opening_has_its_own_figures(void **state)
{
	const struct opening_facts *o = talk->facts.openings.o;

	(void)state;
	ask();
	(void)usleep(SLOW_US);
	assert_int_equal(answer_all(), 1);
	channel_closed(&talk->channel); /* brings them up to date by itself */
	assert_int_equal(o[0].answers, 1);

	open_channel();
	ask();
	ask();
	assert_int_equal(answer_all(), 2);
	channel_closed(&talk->channel);
	assert_int_equal(talk->facts.opened_times, 2);
	assert_int_equal(talk->facts.openings.n, 2);
	assert_int_equal(o[0].answers, 1);
	assert_true(o[0].max_ns >= SLOW_US * 1000);
	assert_int_equal(o[1].answers, 2);
	assert_true(o[1].max_ns > 0 && o[1].max_ns < SLOW_US * 1000);
	assert_int_equal(o[1].signals, 1);
}

/* --- the table --- */

static char *printed(const struct guest_facts *facts)
{
	char *text = NULL;
	size_t size;
	struct terminal t = { .width = 0 };

	t.to = open_memstream(&text, &size);
	assert_non_null(t.to);
	report_print_timing(facts, &t);
	(void)fclose(t.to);
	return text;
}

static void test_the_table(void **state)
{
	static struct guest_facts facts;
	struct component_facts *f = &facts.component[COMPONENT_HEARTBEAT];
	char *text = printed(&facts);

	(void)state;
	assert_string_equal(text, "\nTiming\nThe guest has opened no channel.\n");
	free(text);

	f->opened_times = 11;
	f->openings.n = 2;
	f->openings.o[0] = (struct opening_facts){ .ring_size = 16384, .packets = 1 };
	f->openings.o[1] = (struct opening_facts){ .ring_size = 2097152, .answers = 40,
						   .p50_ns = 123456, .p99_ns = 999, .max_ns = 7000000,
						   .packets = 41, .interrupts = 16, .signals = 12 };
	text = printed(&facts);
	assert_string_equal(text,
		"\nTiming\n"
		"Component Opening Ring KiB Answers p50 us p99 us Max us Packets Interrupts Packets/Interrupt Signals\n"
		"--------- ------- -------- ------- ------ ------ ------ ------- ---------- ----------------- -------\n"
		"heartbeat 10      16       0       -      -      -      1       0          -                 0\n"
		"heartbeat 11      2048     40      123.4  0.9    7000.0 41      16         2.56              12\n");
	free(text);
}

/* --- when it is printed --- */

/* How often the news make run print the table, and with timing. */
static unsigned prints(const enum run_news *news, size_t n, bool timing)
{
	static struct guest_facts facts;
	struct run_report report = { .verb = "run", .choice = { .timing = timing } };
	const struct run_options options = { .release = release_find("2019"), .user = &report };
	FILE *file = tmpfile();
	int out = dup(STDOUT_FILENO);
	unsigned tables = 0;
	char line[512];

	assert_non_null(file);
	facts.component[COMPONENT_HEARTBEAT].opened = true;
	(void)fflush(stdout);
	(void)dup2(fileno(file), STDOUT_FILENO);
	for (size_t i = 0; i < n; i++)
		run_report_news(&options, &facts, news[i]);
	(void)fflush(stdout);
	(void)dup2(out, STDOUT_FILENO);
	(void)close(out);
	rewind(file);
	while (fgets(line, sizeof(line), file))
		tables += strncmp(line, timing ? "Timing" : "VMName", 6) == 0;
	(void)fclose(file);
	return tables;
}

/* A guest that has settled is told of once, and its timing once more when it ends. */
static void test_timing_is_told_at_the_end(void **state)
{
	static const enum run_news ends[] = { RUN_LEFT, RUN_LIMIT, RUN_STOPPED };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		const enum run_news news[] = { RUN_SETTLED, RUN_SETTLED, ends[i] };

		assert_int_equal(prints(news, ARRAY_LEN(news), false), 1);
		assert_int_equal(prints(news, ARRAY_LEN(news), true), 2);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing_was_added, empty),
		cmocka_unit_test_setup(test_small_values_are_exact, empty),
		cmocka_unit_test_setup(test_any_value_is_off_by_less_than_a_hundredth, empty),
		cmocka_unit_test_setup(test_what_is_too_large_counts, empty),
		cmocka_unit_test_setup(test_no_quantile_is_above_the_largest, empty),
		cmocka_unit_test_setup(test_quantiles_of_many, empty),
		cmocka_unit_test(test_the_last_openings_are_kept),
		cmocka_unit_test(test_middle_tail_and_largest),
		cmocka_unit_test_setup_teardown(test_a_round_trip_is_measured, talk_begin, talk_end),
		cmocka_unit_test_setup_teardown(test_a_negotiation_is_no_round_trip, talk_begin,
						talk_end),
		cmocka_unit_test_setup_teardown(
			test_a_burst_is_signalled_once_behind_its_last_packet, talk_begin,
			talk_end),
		cmocka_unit_test_setup_teardown(test_a_guest_that_masks_is_not_signalled_by_a_burst,
						talk_begin, talk_end),
		cmocka_unit_test_setup_teardown(test_each_opening_has_its_own_figures, talk_begin,
						talk_end),
		cmocka_unit_test(test_the_table),
		cmocka_unit_test(test_timing_is_told_at_the_end),
	};

	return cmocka_run_group_tests_name("host_timing", tests, NULL, NULL);
}
