/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/clock.h"

#include <errno.h>
#include <stdio.h>

#include "tests/unit/harness.h"

/* 100 ns units, as on the wire; the clocks of this machine are in ns. */
#define S INT64_C(10000000)
#define MS (S / 1000)
#define EPOCH INT64_C(116444736000000000)
#define NS_PER_S INT64_C(1000000000)

/* 2024-01-01 00:00:00 UTC, in seconds since 1970. */
#define NOW INT64_C(1704067200)

/* The host's clock says so many seconds since 1970. */
static struct timesync_sample old_sample(int64_t seconds)
{
	return (struct timesync_sample){ .host_time = (uint64_t)(EPOCH + seconds * S) };
}

static struct timesync_sample new_sample(int64_t seconds, uint64_t reference)
{
	struct timesync_sample s = old_sample(seconds);

	s.has_reference = true;
	s.reference_time = reference;
	return s;
}

/* The guest's clock stands at NOW; its raw clock at so many 100 ns. */
static int take(struct clock *c, struct timesync_sample s, uint64_t raw, int64_t *ret)
{
	return clock_take(c, &s, (uint64_t)(NOW * NS_PER_S), raw * 100, ret);
}

static int64_t offset(struct clock *c, struct timesync_sample s, uint64_t raw)
{
	int64_t ret;

	assert_int_equal(take(c, s, raw, &ret), 0);
	return ret;
}

static void an_old_sample_is_as_far_off_as_it_says(void **state)
{
	static const int64_t off[] = { 0, 1, -1, 7200, -2 * 86400, 20 * 365 * 86400LL };
	struct clock c = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(off); i++)
		assert_int_equal(offset(&c, old_sample(NOW + off[i]), 12345), off[i] * NS_PER_S);
	assert_int_equal(c.n, 0); /* it says nothing about the counter */
}

static void less_than_a_second_is_not_lost(void **state)
{
	struct timesync_sample s = old_sample(NOW);
	struct clock c = { 0 };

	(void)state;
	s.host_time += 1234567;
	assert_int_equal(offset(&c, s, 0), 123456700);
	s.host_time -= 2 * 1234567;
	assert_int_equal(offset(&c, s, 0), -123456700);
}

/* Where the counter stands against the raw clock is unknown and must not matter. */
static void the_first_sample_counts_as_on_time(void **state)
{
	static const uint64_t reference[] = { 0, 1, 5000 * S, UINT64_MAX, UINT64_C(1) << 63 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(reference); i++) {
		struct clock c = { 0 };

		assert_int_equal(offset(&c, new_sample(NOW + 3, reference[i]), 777 * S), 3 * NS_PER_S);
	}
}

/* A sample that took longer than the fastest so far shows an older time of the host. */
static void a_delay_beyond_the_smallest_is_added(void **state)
{
	struct clock c = { 0 };

	(void)state;
	assert_int_equal(offset(&c, new_sample(NOW, 100 * S), 500 * S), 0);
	/* 5 s later by the counter, 5.25 s by the raw clock */
	assert_int_equal(offset(&c, new_sample(NOW, 105 * S), 505 * S + 250 * MS), NS_PER_S / 4);
	assert_int_equal(offset(&c, new_sample(NOW, 110 * S), 510 * S + 1), 100);
	/* the fastest so far: everything is measured from it */
	assert_int_equal(offset(&c, new_sample(NOW, 115 * S), 515 * S - 50 * MS), 0);
	assert_int_equal(offset(&c, new_sample(NOW, 120 * S), 520 * S), NS_PER_S / 20);
}

/* The clocks drift: what was learned long ago must not count for ever. */
static void the_smallest_of_the_last_32_counts(void **state)
{
	struct clock c = { 0 };

	(void)state;
	assert_int_equal(CLOCK_WINDOW, 32);
	assert_int_equal(offset(&c, new_sample(NOW, 0), 100 * S), 0);
	/* 31 that are 10 ms slower: the first is still in the window */
	for (uint64_t i = 1; i <= 31; i++)
		assert_int_equal(offset(&c, new_sample(NOW, i * S), (100 + i) * S + 10 * MS),
				 NS_PER_S / 100);
	/* the 32nd pushes it out */
	assert_int_equal(offset(&c, new_sample(NOW, 32 * S), 132 * S + 10 * MS), 0);
	assert_int_equal(offset(&c, new_sample(NOW, 33 * S), 133 * S + 15 * MS), NS_PER_S / 200);
}

static void a_sync_begins_anew(void **state)
{
	struct clock c = { 0 };
	struct timesync_sample sync = new_sample(NOW, 110 * S);

	(void)state;
	sync.sync = true;
	assert_int_equal(offset(&c, new_sample(NOW, 100 * S), 500 * S), 0);
	/* 400 ms more, and yet on time: the host may just have been restored */
	assert_int_equal(offset(&c, sync, 510 * S + 400 * MS), 0);
	assert_int_equal(c.n, 1);
	assert_int_equal(offset(&c, new_sample(NOW, 120 * S), 520 * S + 500 * MS), NS_PER_S / 10);
}

/* A counter that is ahead by more than a delay can vary was re-based. */
static void a_counter_that_jumped_ahead_begins_anew(void **state)
{
	struct clock c = { 0 };

	(void)state;
	assert_int_equal(offset(&c, new_sample(NOW, 100 * S), 500 * S), 0);
	assert_int_equal(offset(&c, new_sample(NOW, 105 * S), 505 * S + 500 * MS), NS_PER_S / 2);
	/* by exactly a second it is a better sample, */
	assert_int_equal(offset(&c, new_sample(NOW, 111 * S), 510 * S), 0);
	assert_int_equal(c.n, 3);
	/* by more it is another counter */
	assert_int_equal(offset(&c, new_sample(NOW, 117 * S + 1), 515 * S), 0);
	assert_int_equal(c.n, 1);
}

/* A counter that fell back looks like a delay until the window has forgotten the time before. */
static void a_counter_that_fell_back_is_believed_after_a_window(void **state)
{
	struct clock c = { 0 };
	int64_t ret = 42;

	(void)state;
	assert_int_equal(offset(&c, new_sample(NOW, 10000 * S), 10000 * S), 0);
	for (uint64_t i = 1; i < CLOCK_WINDOW; i++)
		assert_int_equal(take(&c, new_sample(NOW, i * 5 * S), (10000 + i * 5) * S, &ret), -ESTALE);
	assert_int_equal(ret, 42); /* untouched */
	assert_int_equal(offset(&c, new_sample(NOW, 160 * S), 10160 * S), 0);
}

static void a_sample_of_more_than_600_s_is_stale(void **state)
{
	struct clock c = { 0 };
	int64_t ret = 42;

	(void)state;
	assert_int_equal(offset(&c, new_sample(NOW, 100 * S), 500 * S), 0);
	assert_int_equal(take(&c, new_sample(NOW, 100 * S), 1100 * S + 1, &ret), -ESTALE);
	assert_int_equal(ret, 42);
	assert_int_equal(offset(&c, new_sample(NOW, 100 * S), 1100 * S), 600 * NS_PER_S);
}

/* The last time of the host that is accepted, in 100 ns since 1970: a clock of 64 bits in ns still
 * holds it when the longest delay is added. */
#define LAST ((INT64_MAX - 600 * S) / 100 - 600 * S)

static const struct {
	uint64_t host_time;
	int expected;
} edges[] = {
	{ 0, -EINVAL },
	{ 1, -EINVAL },
	{ EPOCH - 1, -EINVAL },
	{ EPOCH, 0 },
	{ EPOCH + 1, 0 },
	{ (uint64_t)(EPOCH + LAST), 0 },
	{ (uint64_t)(EPOCH + LAST) + 1, -EINVAL },
	{ INT64_MAX, -EINVAL },
	{ (uint64_t)INT64_MAX + 1, -EINVAL },
	{ UINT64_MAX - 1, -EINVAL },
	{ UINT64_MAX, -EINVAL },
};

static void a_time_that_no_clock_can_hold_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(edges); i++)
		for (int form = 0; form < 4; form++) {
			struct timesync_sample s = {
				.host_time = edges[i].host_time,
				.has_reference = form & 1,
				.sync = form & 2,
			};
			struct clock c = { 0 }, before;
			int64_t ret = 42;

			assert_int_equal(offset(&c, new_sample(NOW, 100 * S), 500 * S), 0);
			before = c;
			assert_int_equal(take(&c, s, 400 * S, &ret), edges[i].expected);
			if (edges[i].expected < 0) {
				/* not even a SYNC may make us forget what is known */
				assert_memory_equal(&c, &before, sizeof(c));
				assert_int_equal(ret, 42);
			} else {
				int64_t host = (int64_t)(edges[i].host_time - EPOCH);

				assert_int_equal(ret, host * 100 - NOW * NS_PER_S);
			}
		}
}

/* The latest time and the longest delay at once must not overflow. */
static void the_latest_time_may_also_be_late(void **state)
{
	struct timesync_sample s = { .host_time = (uint64_t)(EPOCH + LAST), .has_reference = true };
	struct clock c = { 0 };

	(void)state;
	s.reference_time = 100 * S;
	assert_int_equal(offset(&c, new_sample(NOW, 100 * S), 500 * S), 0);
	assert_int_equal(offset(&c, s, 1100 * S), (LAST + 600 * S) * 100 - NOW * NS_PER_S);
}

/* Nothing can be said of such counters but that no sum of them overflows (UBSan looks on) and that
 * the result is in bounds. */
static void any_counter_is_survived(void **state)
{
	static const uint64_t wild[] = {
		0, 1, 99, 100, INT64_MAX, (uint64_t)INT64_MAX + 1, (uint64_t)INT64_MAX + 2,
		UINT64_MAX / 100, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX,
		(uint64_t)INT64_MAX - 5000000, (uint64_t)INT64_MAX + 10000002,
	};
	struct clock c = { 0 };

	(void)state;
	for (size_t a = 0; a < ARRAY_LEN(wild); a++)
		for (size_t b = 0; b < ARRAY_LEN(wild); b++)
			for (size_t raw = 0; raw < ARRAY_LEN(wild); raw++)
				for (int sync = 0; sync < 2; sync++) {
					struct timesync_sample first = new_sample(NOW, wild[a]);
					struct timesync_sample second = new_sample(NOW, wild[b]);
					int64_t ret;
					int r;

					first.sync = sync;
					r = clock_take(&c, &first, NOW * NS_PER_S, wild[raw], &ret);
					if (r == 0)
						assert_in_range(ret, 0, 600 * NS_PER_S);
					r = clock_take(&c, &second, NOW * NS_PER_S, wild[raw], &ret);
					if (r == 0)
						assert_in_range(ret, 0, 600 * NS_PER_S);
					else
						assert_int_equal(r, -ESTALE);
					assert_true(c.n >= 1 && c.n <= CLOCK_WINDOW);
				}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_old_sample_is_as_far_off_as_it_says),
		cmocka_unit_test(less_than_a_second_is_not_lost),
		cmocka_unit_test(the_first_sample_counts_as_on_time),
		cmocka_unit_test(a_delay_beyond_the_smallest_is_added),
		cmocka_unit_test(the_smallest_of_the_last_32_counts),
		cmocka_unit_test(a_sync_begins_anew),
		cmocka_unit_test(a_counter_that_jumped_ahead_begins_anew),
		cmocka_unit_test(a_counter_that_fell_back_is_believed_after_a_window),
		cmocka_unit_test(a_sample_of_more_than_600_s_is_stale),
		cmocka_unit_test(a_time_that_no_clock_can_hold_is_refused),
		cmocka_unit_test(the_latest_time_may_also_be_late),
		cmocka_unit_test(any_counter_is_survived),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
