/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/timekeeper.h"

#include <errno.h>

#include "tests/unit/daemon_harness.h"

#define EPOCH UINT64_C(116444736000000000)
#define NS_PER_S UINT64_C(1000000000)
#define NOW UINT64_C(1704067200) /* 2024-01-01, seconds since 1970 */

/* --- a machine that only takes notes --- */

struct notes {
	uint64_t realtime, raw; /* ns */
	unsigned steps;
	int64_t stepped; /* ns, as last asked for */
	int result;
	bool may_not;
};

static uint64_t noted_realtime(const struct sys *sys)
{
	return ((struct notes *)sys->user)->realtime;
}

static uint64_t noted_raw(const struct sys *sys)
{
	return ((struct notes *)sys->user)->raw;
}

static int note_step(const struct sys *sys, int64_t ns)
{
	struct notes *n = sys->user;

	n->steps++;
	n->stepped = ns;
	return n->result;
}

static bool noted_may(const struct sys *sys)
{
	return !((struct notes *)sys->user)->may_not;
}

static const struct sys_ops noting = {
	.may_step_clock = noted_may,
	.realtime_ns = noted_realtime,
	.raw_ns = noted_raw,
	.step_clock = note_step,
};

struct fixture {
	struct notes notes;
	struct sys sys;
	struct timekeeper tk;
};

static void fixture_init(struct fixture *f, enum conf_clock mode)
{
	*f = (struct fixture){
		.notes = { .realtime = NOW * NS_PER_S, .raw = 500 * NS_PER_S },
		.sys = { .ops = &noting, .log = &recording_log, .user = &f->notes },
		.tk = { .sys = &f->sys, .mode = mode },
	};
	logged_clear();
}

static struct timesync_sample sample(uint64_t seconds, bool sync)
{
	return (struct timesync_sample){
		.host_time = EPOCH + seconds * 10000000,
		.sync = sync,
		.leap = 1,
		.stratum = 4,
	};
}

/* --- */

static const struct {
	enum conf_clock mode;
	bool sync;
	unsigned steps;
} when[] = {
	{ CONF_CLOCK_NONE, false, 0 },
	{ CONF_CLOCK_NONE, true, 0 },
	{ CONF_CLOCK_STEP, false, 0 },
	{ CONF_CLOCK_STEP, true, 1 },
};

static void the_clock_is_set_only_when_both_ask_for_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(when); i++) {
		struct timesync_sample s = sample(NOW + 7, when[i].sync);
		struct fixture f;

		fixture_init(&f, when[i].mode);
		assert_int_equal(timekeeper_take(&f.tk, &s), 0);
		assert_int_equal(f.notes.steps, when[i].steps);
		assert_int_equal(f.notes.stepped, when[i].steps ? 7 * NS_PER_S : 0);
		assert_int_equal(f.tk.offset_ns, 7 * NS_PER_S);
	}
}

static void it_is_set_back_as_well(void **state)
{
	struct timesync_sample s = sample(NOW - 2 * 86400, true);
	struct fixture f;

	(void)state;
	fixture_init(&f, CONF_CLOCK_STEP);
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(timekeeper_take(&f.tk, &s), 0);
		assert_int_equal(f.notes.steps, i);
		assert_int_equal(f.notes.stepped, -2 * 86400 * (int64_t)NS_PER_S);
	}
}

static void the_delay_of_a_sample_is_made_up_for(void **state)
{
	struct timesync_sample s = sample(NOW, false);
	struct fixture f;

	(void)state;
	fixture_init(&f, CONF_CLOCK_NONE);
	s.has_reference = true;
	s.reference_time = 1000;
	assert_int_equal(timekeeper_take(&f.tk, &s), 0);
	assert_int_equal(f.tk.offset_ns, 0);
	f.notes.raw += NS_PER_S / 2;
	f.notes.realtime += NS_PER_S / 2;
	assert_int_equal(timekeeper_take(&f.tk, &s), 0); /* the same bytes, half a second later */
	assert_int_equal(f.tk.offset_ns, 0);
}

static void a_step_that_fails_is_told_to_the_host_and_logged(void **state)
{
	struct timesync_sample s = sample(NOW + 60, true);
	struct fixture f;

	(void)state;
	fixture_init(&f, CONF_CLOCK_STEP);
	f.notes.result = -EPERM;
	assert_int_equal(timekeeper_take(&f.tk, &s), -EPERM);
	(void)logged_one(LOG_ERR, "TimeSync: cannot step the clock by +60.000000 s: Operation not permitted");
}

static void note_told(void *user, int64_t ns)
{
	struct notes *told = user;

	told->steps++;
	told->stepped = ns;
}

static void a_step_is_told_when_it_was_done(void **state)
{
	struct timesync_sample s = sample(NOW - 60, true);
	struct notes told = { 0 };
	struct fixture f;

	(void)state;
	fixture_init(&f, CONF_CLOCK_STEP);
	f.tk.stepped = note_told;
	f.tk.user = &told;
	f.notes.result = -EPERM;
	assert_int_equal(timekeeper_take(&f.tk, &s), -EPERM);
	assert_int_equal(told.steps, 0);
	f.notes.result = 0;
	assert_int_equal(timekeeper_take(&f.tk, &s), 0);
	assert_int_equal(told.steps, 1);
	assert_int_equal(told.stepped, -60 * (int64_t)NS_PER_S);
	s.sync = false;
	assert_int_equal(timekeeper_take(&f.tk, &s), 0);
	assert_int_equal(told.steps, 1);
}

/* What was done is said by who did it: a dry run must not read as if the clock had been set. */
static void the_keeper_does_not_claim_a_step(void **state)
{
	struct timesync_sample s = sample(NOW + 60, true);
	struct fixture f;

	(void)state;
	fixture_init(&f, CONF_CLOCK_STEP);
	assert_int_equal(timekeeper_take(&f.tk, &s), 0);
	assert_int_equal(f.notes.steps, 1);
	assert_int_equal(logged_count(LOG_DEBUG, "stepped"), 0);
}

static void the_first_offset_is_shown_the_others_at_debug(void **state)
{
	struct timesync_sample s = sample(NOW - 3, false);
	const struct logged_line *l;
	struct fixture f;

	(void)state;
	fixture_init(&f, CONF_CLOCK_NONE);
	assert_int_equal(timekeeper_take(&f.tk, &s), 0);
	l = logged_one(LOG_INFO, "TimeSync: the host's clock is 3.000000 s behind ours (sample)");
	assert_field(l, "VMIC_COMPONENT=TimeSync");
	assert_field(l, "VMIC_OFFSET_NS=-3000000000");
	for (int i = 0; i < 10; i++)
		assert_int_equal(timekeeper_take(&f.tk, &s), 0);
	assert_int_equal(logged_count(LOG_INFO, "behind ours"), 1);
	assert_int_equal(logged_count(LOG_DEBUG, "behind ours"), 11);
}

static void a_sample_of_4_0_says_what_the_hosts_clock_is_worth(void **state)
{
	struct timesync_sample s = sample(NOW + 2, false);
	struct fixture f;

	(void)state;
	s.has_reference = true;
	fixture_init(&f, CONF_CLOCK_NONE);
	assert_int_equal(timekeeper_take(&f.tk, &s), 0);
	(void)logged_one(LOG_INFO, "TimeSync: the host's clock is 2.000000 s ahead of ours (sample, leap 1, "
				   "stratum 4)");
}

static void a_time_that_is_unusable_changes_nothing(void **state)
{
	static const uint64_t hostile[] = { 0, EPOCH - 1, UINT64_MAX, INT64_MAX };
	struct timesync_sample good = sample(NOW + 5, false);
	struct fixture f;

	(void)state;
	fixture_init(&f, CONF_CLOCK_STEP);
	assert_int_equal(timekeeper_take(&f.tk, &good), 0);
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		struct timesync_sample s = { .host_time = hostile[i], .sync = true };

		assert_int_equal(timekeeper_take(&f.tk, &s), -EINVAL);
	}
	assert_int_equal(f.notes.steps, 0);
	assert_int_equal(f.tk.offset_ns, 5 * NS_PER_S);
	assert_int_equal(logged_count(LOG_WARNING, "TimeSync: the host's time is unusable: Invalid argument"),
			 ARRAY_LEN(hostile));
}

/* Each of these is caused by the host, a thousand times a second if it likes. */
static void a_flood_fills_no_log(void **state)
{
	static const struct {
		uint64_t seconds;
		int result, expected;
		const char *line;
	} floods[] = {
		{ 0, 0, 0, "behind ours" },
		{ NOW + 9, -EPERM, -EPERM, "cannot step the clock" },
		{ UINT64_MAX / 10000000, 0, -EINVAL, "unusable" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(floods); i++) {
		struct timesync_sample s = sample(floods[i].seconds, true);
		struct fixture f;

		fixture_init(&f, CONF_CLOCK_STEP);
		f.notes.result = floods[i].result;
		f.sys.log = &terse_log;
		for (int k = 0; k < 1000; k++)
			assert_int_equal(timekeeper_take(&f.tk, &s), floods[i].expected);
		assert_in_range(logged_count(LOG_INFO, floods[i].line), 1, 5);
		assert_true(logged.n <= 6);
	}
}

static void what_it_may_not_do_is_told_before(void **state)
{
	struct fixture f;

	(void)state;
	for (int mode = 0; mode < CONF_CLOCKS; mode++)
		for (int may_not = 0; may_not <= 1; may_not++) {
			fixture_init(&f, mode);
			f.notes.may_not = may_not;
			timekeeper_check(&f.tk);
			assert_int_equal(logged_count(LOG_WARNING, "it has not the capability CAP_SYS_TIME"),
					 mode == CONF_CLOCK_STEP && may_not);
			assert_int_equal(f.notes.steps, 0);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_may_not_do_is_told_before),
		cmocka_unit_test(the_clock_is_set_only_when_both_ask_for_it),
		cmocka_unit_test(it_is_set_back_as_well),
		cmocka_unit_test(the_delay_of_a_sample_is_made_up_for),
		cmocka_unit_test(a_step_that_fails_is_told_to_the_host_and_logged),
		cmocka_unit_test(a_step_is_told_when_it_was_done),
		cmocka_unit_test(the_keeper_does_not_claim_a_step),
		cmocka_unit_test(the_first_offset_is_shown_the_others_at_debug),
		cmocka_unit_test(a_sample_of_4_0_says_what_the_hosts_clock_is_worth),
		cmocka_unit_test(a_time_that_is_unusable_changes_nothing),
		cmocka_unit_test(a_flood_fills_no_log),
	};

	return cmocka_run_group_tests_name("timekeeper", tests, NULL, NULL);
}
