/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmic-bind killed after each of its effects: the next run finishes or undoes what was begun, and every
 * device has its right driver. With the child that it had do the last write, or without, as a service
 * manager kills all of a service's processes.
 */
#include "tests/unit/fake_kernel.h"

#define SOME (1u << IC_HEARTBEAT | 1u << IC_KVP | 1u << IC_TIMESYNC)

static struct fake_kernel k;

enum verb { TAKE, GIVE_BACK, VERBS };

static enum bind_result run(enum verb verb)
{
	struct bind b = fake_bind(&k);

	return verb == TAKE ? bind_take(&b, SOME) : bind_give_back(&b, BIND_ALL);
}

/* How the kernel is before the first run. */
static void begin(enum fake_version version, bool taken)
{
	fake_init(&k, version);
	if (taken)
		assert_int_equal(run(TAKE), BIND_DONE);
	k.effects = 0;
	k.n_said = 0;
}

/* Whether it was killed after so many effects; otherwise it came to its end. */
static bool run_killed(enum verb verb, unsigned after, bool child_survives)
{
	k.kill_after = after;
	k.child_survives = child_survives;
	if (setjmp(k.killed))
		return true;
	(void)run(verb);
	return false;
}

/* One that was to be given back may be with uio_hv_generic without an override: it is still there. */
static void assert_owned(enum ic_component c, const char *driver)
{
	assert_string_equal(fake_of(&k, c)->d.driver, driver);
	assert_true(!fake_has_override(&k, c) || bind_is_with_uio(&fake_of(&k, c)->d));
}

static void assert_right(enum verb verb)
{
	for (enum ic_component c = 0; c < IC_COMPONENTS; c++) {
		if (c == IC_FCOPY)
			continue; /* whatever the kernel does with it */
		if (verb == TAKE && (SOME & 1u << c))
			assert_owned(c, BIND_UIO);
		else
			assert_owned(c, BIND_UTILS);
	}
	assert_false(k.panicked);
	assert_int_equal(k.locked, -1);
}

/* Killed in the first, finished by the second. Returns after how many effects the first was done. */
static unsigned kill_at_each_effect(enum fake_version version, bool taken, enum verb first,
				    enum verb second, bool child_survives)
{
	for (unsigned n = 1;; n++) {
		begin(version, taken);
		if (!run_killed(first, n, child_survives))
			return n - 1;
		k.kill_after = 0;
		k.effects = 0;
		k.n_said = 0;
		assert_int_equal(run(second), BIND_DONE);
		assert_right(second);
	}
}

static void a_second_run_repairs_what_a_killed_one_left(void **state)
{
	(void)state;
	for (enum fake_version v = FAKE_6_12; v < FAKE_VERSIONS; v++)
		for (enum verb second = 0; second < VERBS; second++)
			for (unsigned child = 0; child < 2; child++) {
				/* 3 effects each: override, unbind, bind; on 6.12 file copy's probe besides */
				assert_int_equal(kill_at_each_effect(v, false, TAKE, second, child), 9);
				assert_int_equal(kill_at_each_effect(v, true, GIVE_BACK, second, child),
						 v == FAKE_6_12 ? 10 : 9);
			}
}

/* Any number of killed runs, then one that is not. */
static void it_need_not_be_the_second(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 512; n++) {
		begin(FAKE_7_3, n & 1);
		for (unsigned bit = 0; bit < 9; bit += 3) {
			k.effects = 0;
			(void)run_killed(n >> (bit + 2) & 1 ? TAKE : GIVE_BACK, 1 + (n >> bit & 3), n & 2);
		}
		k.kill_after = 0;
		k.n_said = 0;
		assert_int_equal(run(n & 1 ? TAKE : GIVE_BACK), BIND_DONE);
		assert_right(n & 1 ? TAKE : GIVE_BACK);
	}
}

/* The program alone is killed while a child works: the child sees to it that nothing is left without a
 * driver, with no second run. */
static void the_child_leaves_no_device_without_a_driver(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 9; n++) {
		begin(FAKE_7_3, n & 1);
		assert_true(run_killed(n & 1 ? GIVE_BACK : TAKE, n, true));
		for (enum ic_component c = 0; c < IC_COMPONENTS; c++)
			assert_true(fake_of(&k, c)->d.driver[0] != '\0');
	}
}

/* Nor on the way back, nor one that had none before; and what has one keeps no override. */
static void the_child_goes_the_rest_of_the_way_back(void **state)
{
	(void)state;
	for (unsigned fragmented = 0; fragmented < 2; fragmented++)
		for (unsigned n = 1; n <= 5; n++) {
			begin(fragmented ? FAKE_7_3 : FAKE_6_1, false);
			if (fragmented)
				k.machine.largest_block = MIB;
			assert_true(run_killed(TAKE, n, true));
			for (enum ic_component c = 0; c < IC_COMPONENTS; c++)
				assert_owned(c, c == IC_FCOPY && fragmented ? BIND_UIO : BIND_UTILS);
		}
	for (enum verb verb = 0; verb < VERBS; verb++) {
		begin(FAKE_7_3, false);
		fake_of(&k, IC_HEARTBEAT)->d.driver[0] = '\0';
		fake_of(&k, IC_HEARTBEAT)->d.state = DEVICE_STATE_OPEN;
		if (verb == GIVE_BACK)
			fake_set(fake_of(&k, IC_HEARTBEAT)->d.override, BIND_UIO);
		assert_true(run_killed(verb, 1, true));
		assert_owned(IC_HEARTBEAT, BIND_UTILS);
	}
}

/* Rolling back is killed, too: a kernel that cannot, and one that has no memory. */
static void a_killed_way_back_is_repaired(void **state)
{
	(void)state;
	for (unsigned fragmented = 0; fragmented < 2; fragmented++)
		for (unsigned n = 1; n <= 5; n++)
			for (enum verb second = 0; second < VERBS; second++) {
				begin(fragmented ? FAKE_7_3 : FAKE_6_1, false);
				if (fragmented)
					k.machine.largest_block = MIB;
				assert_true(run_killed(TAKE, n, false));
				k.kill_after = 0;
				k.n_said = 0;
				(void)run(second);
				assert_right(GIVE_BACK); /* it cannot be taken */
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_run_repairs_what_a_killed_one_left),
		cmocka_unit_test(it_need_not_be_the_second),
		cmocka_unit_test(the_child_leaves_no_device_without_a_driver),
		cmocka_unit_test(the_child_goes_the_rest_of_the_way_back),
		cmocka_unit_test(a_killed_way_back_is_repaired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
