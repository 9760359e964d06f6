/* SPDX-License-Identifier: GPL-2.0-only */
/* vmic-bind's moves, refusals and ways back, on a kernel that behaves as Linux was seen to. */
#include "tests/unit/fake_kernel.h"

#define HEARTBEAT (1u << IC_HEARTBEAT)
#define KVP (1u << IC_KVP)
#define TIMESYNC (1u << IC_TIMESYNC)

static const struct bind_holder kvp_daemon = { .pid = 123, .name = "hv_kvp_daemon",
					       .unit = "hv-kvp-daemon.service" };

static struct fake_kernel k;

static enum bind_result take(unsigned components)
{
	struct bind b = fake_bind(&k);

	return bind_take(&b, components);
}

static enum bind_result take_forced(unsigned components)
{
	struct bind b = fake_bind(&k);

	b.force = true;
	return bind_take(&b, components);
}

static enum bind_result take_may_hibernate(unsigned components)
{
	struct bind b = fake_bind(&k);

	b.may_hibernate = true;
	return bind_take(&b, components);
}

static enum bind_result give_back(unsigned components)
{
	struct bind b = fake_bind(&k);

	return bind_give_back(&b, components);
}

static void assert_with_utils(enum ic_component c)
{
	assert_string_equal(fake_of(&k, c)->d.driver, BIND_UTILS);
	assert_string_equal(fake_of(&k, c)->d.override, "");
	assert_int_equal(fake_of(&k, c)->d.state, DEVICE_STATE_OPENED);
}

static void assert_with_uio(enum ic_component c)
{
	assert_string_equal(fake_of(&k, c)->d.driver, BIND_UIO);
	assert_string_equal(fake_of(&k, c)->d.override, BIND_UIO);
	assert_int_equal(fake_of(&k, c)->d.state, DEVICE_STATE_OPEN);
}

/* A refusal: the machine is as it was. */
static void assert_untouched(enum bind_result result, const char *reason)
{
	assert_int_equal(result, BIND_REFUSED);
	assert_int_equal(k.effects, 0);
	assert_int_equal(k.locked, -1);
	fake_assert_said(&k, BIND_SAY_FAILED, reason);
}

/* --- the plan --- */

static void each_plan_comes_to_its_end(void **state)
{
	static const char *const drivers[] = { "", BIND_UTILS, BIND_UTILS_OLD, BIND_UIO };
	static const char *const overrides[] = { "", BIND_UIO };

	(void)state;
	for (size_t d = 0; d < ARRAY_LEN(drivers); d++)
		for (size_t o = 0; o < ARRAY_LEN(overrides); o++)
			for (enum bind_goal goal = 0; goal < BIND_GOALS; goal++) {
				struct device *device = &fake_of(&k, IC_HEARTBEAT)->d;
				enum bind_step step;
				unsigned n = 0;

				fake_init(&k, FAKE_6_12);
				fake_set(device->driver, drivers[d]);
				fake_set(device->override, overrides[o]);
				device->state = d == 1 || d == 2 ? DEVICE_STATE_OPENED : DEVICE_STATE_OPEN;
				k.locked = IC_HEARTBEAT;
				while ((step = bind_plan(goal, device)) != BIND_STEP_NONE) {
					assert_true(n++ < 4);
					assert_int_equal(fake_write(&k, step, device, UINT64_MAX), 0);
				}
				assert_true(goal == BIND_TAKE ? bind_is_with_uio(device) :
								bind_is_with_utils(device));
				assert_true(goal == BIND_TAKE || device->override[0] == '\0');
			}
}

static void what_is_somebody_elses_is_left_to_him(void **state)
{
	struct device device = { .component = IC_HEARTBEAT };

	(void)state;
	fake_set(device.driver, "hv_mine");
	assert_int_equal(bind_plan(BIND_TAKE, &device), BIND_STEP_FOREIGN);
	assert_int_equal(bind_plan(BIND_GIVE_BACK, &device), BIND_STEP_FOREIGN);

	fake_init(&k, FAKE_6_12);
	fake_set(fake_of(&k, IC_HEARTBEAT)->d.driver, "hv_mine");
	assert_untouched(take(HEARTBEAT), "somebody has given it to hv_mine (its driver)");
	assert_int_equal(give_back(HEARTBEAT), BIND_REFUSED);

	fake_init(&k, FAKE_6_12);
	fake_set(fake_of(&k, IC_HEARTBEAT)->d.override, "hv_mine");
	assert_untouched(take(HEARTBEAT), "somebody has given it to hv_mine (its driver_override)");
	assert_int_equal(give_back(HEARTBEAT), BIND_DONE); /* it is where it belongs */
	assert_int_equal(k.effects, 0);
}

/* --- there and back --- */

static void a_component_is_taken_and_given_back(void **state)
{
	(void)state;
	for (enum fake_version v = FAKE_6_12; v < FAKE_VERSIONS; v++) {
		fake_init(&k, v);
		assert_int_equal(take(HEARTBEAT | KVP), BIND_DONE);
		assert_with_uio(IC_HEARTBEAT);
		assert_with_uio(IC_KVP);
		assert_with_utils(IC_TIMESYNC);
		fake_assert_said(&k, BIND_SAY_DONE, "Heartbeat: taken to uio_hv_generic, /dev/uio");

		assert_int_equal(give_back(BIND_ALL), BIND_DONE);
		for (enum ic_component c = 0; c < IC_COMPONENTS; c++)
			if (c != IC_FCOPY)
				assert_with_utils(c);
		fake_assert_said(&k, BIND_SAY_DONE, "Heartbeat: given back to hv_utils");
		fake_assert_said(&k, BIND_SAY_DONE, "TimeSync: stays with hv_utils");
		assert_false(k.panicked);
		assert_int_equal(k.locked, -1);
	}
}

/* So that whoever is started next may open them. */
static void a_node_is_waited_for_until_it_has_its_owner(void **state)
{
	static const struct {
		uint64_t busy, waits;
		bool says;
	} ways[] = { { 0, 0, false }, { 2 * SECOND, 2 * SECOND, false }, { 60 * SECOND, 5 * SECOND, true } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct bind b = fake_bind(&k);
		uint64_t began;

		fake_init(&k, FAKE_7_3); /* where file copy's node is there already */
		began = k.now;
		k.udev_busy_until = ways[i].busy > 0 ? began + ways[i].busy : 0;
		assert_int_equal(bind_take(&b, HEARTBEAT | TIMESYNC), BIND_DONE);
		assert_in_range(k.now - began, ways[i].waits, ways[i].waits + SECOND / 2);
		assert_int_equal(fake_find_said(&k, BIND_SAY_WARNING, "udev has not yet given /dev/uio") != NULL,
				 ways[i].says);
		/* what was not asked for is waited for by nobody */
		fake_of(&k, IC_HEARTBEAT)->d.awaits_udev = false;
		fake_of(&k, IC_FCOPY)->d.awaits_udev = true;
		k.udev_busy_until = k.now + 60 * SECOND;
		began = k.now;
		assert_int_equal(take(HEARTBEAT), BIND_DONE);
		assert_in_range(k.now - began, 0, SECOND / 2);
	}
	/* It ends when it is told to. */
	fake_init(&k, FAKE_7_3);
	k.udev_busy_until = k.now + 60 * SECOND;
	k.stop_at = k.now + SECOND;
	assert_int_equal(take(HEARTBEAT), BIND_DONE);
	assert_in_range(k.now, k.stop_at, k.stop_at + SECOND / 2);
	assert_with_uio(IC_HEARTBEAT);
}

static void what_is_there_already_is_not_touched(void **state)
{
	unsigned effects;

	(void)state;
	fake_init(&k, FAKE_7_3);
	assert_int_equal(take(HEARTBEAT), BIND_DONE);
	effects = k.effects;
	fake_of(&k, IC_HEARTBEAT)->d.state = DEVICE_STATE_OPENED; /* and in use, by whom it was taken for */
	fake_of(&k, IC_HEARTBEAT)->locked = true;
	assert_int_equal(take(HEARTBEAT), BIND_DONE);
	assert_int_equal(k.effects, effects);
	fake_assert_said(&k, BIND_SAY_DONE, "Heartbeat: is with uio_hv_generic already, /dev/uio1");
}

static void file_copy_stays_where_the_kernel_has_it(void **state)
{
	(void)state;
	fake_init(&k, FAKE_7_3);
	assert_true(fake_is_with(&k, IC_FCOPY, BIND_UIO));
	assert_int_equal(give_back(BIND_ALL), BIND_DONE);
	assert_true(fake_is_with(&k, IC_FCOPY, BIND_UIO));
	assert_int_equal(k.effects, 0);

	/* Left over, it goes to whom the kernel gives it, on a kernel that has nobody to nobody. */
	for (enum fake_version v = 0; v < FAKE_VERSIONS; v++) {
		static const char *const owners[] = { BIND_UTILS, "", BIND_UIO };

		fake_init(&k, v);
		fake_of(&k, IC_FCOPY)->d.state = DEVICE_STATE_OPEN;
		fake_of(&k, IC_FCOPY)->d.driver[0] = '\0';
		fake_set(fake_of(&k, IC_FCOPY)->d.override, BIND_UIO);
		assert_int_equal(give_back(BIND_ALL), BIND_DONE);
		assert_true(fake_is_with(&k, IC_FCOPY, owners[v]));
		assert_false(fake_has_override(&k, IC_FCOPY));
	}
}

static void what_the_host_does_not_offer_is_refused(void **state)
{
	struct bind b = fake_bind(&k);

	(void)state;
	fake_init(&k, FAKE_7_3);
	fake_of(&k, IC_HEARTBEAT)->gone = true;
	assert_untouched(take(HEARTBEAT), "Heartbeat: refused: the host does not offer it");
	b.may_be_missing = true;
	assert_int_equal(bind_take(&b, HEARTBEAT), BIND_DONE);
	assert_int_equal(give_back(HEARTBEAT), BIND_DONE);
}

static void go_away(struct fake_kernel *kernel, unsigned effects)
{
	if (effects == 2)
		kernel->device[IC_HEARTBEAT].gone = true;
}

static void a_device_that_goes_meanwhile_is_told(void **state)
{
	struct bind b = fake_bind(&k);

	(void)state;
	fake_init(&k, FAKE_7_3);
	k.meanwhile = go_away;
	assert_int_equal(take(HEARTBEAT), BIND_FAILED);
	fake_assert_said(&k, BIND_SAY_FAILED, "Heartbeat: the host has taken it away");
	assert_int_equal(k.locked, -1);

	fake_init(&k, FAKE_7_3);
	k.meanwhile = go_away;
	b.may_be_missing = true;
	assert_int_equal(bind_take(&b, HEARTBEAT), BIND_DONE);
	assert_int_equal(k.effects, 2);

	fake_init(&k, FAKE_7_3);
	assert_int_equal(take(HEARTBEAT), BIND_DONE);
	k.effects = 0;
	k.meanwhile = go_away;
	assert_int_equal(give_back(HEARTBEAT), BIND_DONE);
}

static void come_as_another(struct fake_kernel *kernel, unsigned effects)
{
	if (effects == 1)
		kernel->device[IC_HEARTBEAT].d.component = IC_SHUTDOWN;
}

/* Only what was asked for is touched. */
static void a_device_that_becomes_another_component_is_left_alone(void **state)
{
	(void)state;
	fake_init(&k, FAKE_7_3);
	k.meanwhile = come_as_another;
	assert_int_equal(take(HEARTBEAT), BIND_FAILED);
	assert_int_equal(k.effects, 1);
	fake_assert_said(&k, BIND_SAY_FAILED, "Heartbeat: the host has taken it away");
}

static void the_gravest_result_counts(void **state)
{
	(void)state;
	assert_int_equal(bind_gravest(BIND_DONE, BIND_REFUSED), BIND_REFUSED);
	assert_int_equal(bind_gravest(BIND_REFUSED, BIND_DONE), BIND_REFUSED);
	assert_int_equal(bind_gravest(BIND_REFUSED, BIND_FAILED), BIND_FAILED);
	assert_int_equal(bind_gravest(BIND_FAILED, BIND_REFUSED), BIND_FAILED);
	assert_int_equal(bind_gravest(BIND_DONE, BIND_DONE), BIND_DONE);
}

/* --- refusals --- */

static void without_uio_nothing_is_touched(void **state)
{
	(void)state;
	fake_init(&k, FAKE_7_3);
	k.machine.has_uio = false;
	assert_int_equal(take(HEARTBEAT), BIND_REFUSED);
	fake_assert_said(&k, BIND_SAY_FAILED, "'modprobe uio_hv_generic' says why; hv_utils keeps it");
	assert_int_equal(k.effects, 1); /* that it was tried to load */
	assert_with_utils(IC_HEARTBEAT);

	fake_init(&k, FAKE_7_3);
	k.machine.has_uio = false;
	k.uio_loads = true;
	assert_int_equal(take(HEARTBEAT), BIND_DONE);
	assert_with_uio(IC_HEARTBEAT);
}

static void a_guest_that_may_hibernate_is_refused(void **state)
{
	(void)state;
	fake_init(&k, FAKE_7_3);
	k.machine.hibernates = true;
	assert_untouched(take(HEARTBEAT), "this guest may hibernate");
	assert_int_equal(take_forced(HEARTBEAT), BIND_DONE);
	assert_with_uio(IC_HEARTBEAT);
}

/* What the units say: it is warned of, where there is something to warn of. */
static void somebody_may_give_back_before_hibernation(void **state)
{
	(void)state;
	fake_init(&k, FAKE_7_3);
	assert_int_equal(take_may_hibernate(HEARTBEAT), BIND_DONE);
	assert_null(fake_find_said(&k, BIND_SAY_WARNING, "hibernate"));

	k.machine.hibernates = true;
	assert_int_equal(take_may_hibernate(TIMESYNC), BIND_DONE);
	assert_with_uio(IC_TIMESYNC);
	fake_assert_said(&k, BIND_SAY_WARNING, "TimeSync: this guest may hibernate");

	/* Nothing else is overruled. */
	fake_init(&k, FAKE_7_3);
	k.machine.hibernates = true;
	k.transport[IC_KVP] = kvp_daemon;
	assert_untouched(take_may_hibernate(KVP), "hv_kvp_daemon");
	k.machine.available = 19 * MIB;
	assert_untouched(take_may_hibernate(HEARTBEAT), "of available memory less than");
}

static void a_daemon_that_holds_hv_utils_is_named(void **state)
{
	(void)state;
	fake_init(&k, FAKE_7_3);
	k.transport[IC_KVP] = kvp_daemon;
	assert_untouched(take(KVP), "KVP: refused: hv_kvp_daemon (pid 123) has /dev/vmbus/hv_kvp open");
	fake_assert_said(&k, BIND_SAY_FAILED, "stop it first: systemctl stop hv-kvp-daemon.service; "
					      "hv_utils keeps it");
	/* By force neither, and it is nobody's business but this component's. */
	assert_untouched(take_forced(KVP), "hv_kvp_daemon");
	assert_int_equal(take(HEARTBEAT), BIND_DONE);

	k.transport[IC_KVP].unit[0] = '\0';
	assert_int_equal(take(KVP), BIND_REFUSED);
	fake_assert_said(&k, BIND_SAY_FAILED, "stop it first; hv_utils keeps it");

	k.transport[IC_VSS] = kvp_daemon;
	assert_int_equal(take(1u << IC_VSS), BIND_REFUSED);
	fake_assert_said(&k, BIND_SAY_FAILED, "VSS: refused: hv_kvp_daemon (pid 123) has /dev/vmbus/hv_vss");
}

/* --- memory --- */

static const struct {
	enum fake_version version;
	uint64_t available;
	enum bind_result plain, forced;
} memories[] = {
	/* 51 MiB and 16 of reserve; file copy is not there to tell that */
	{ FAKE_6_12, 67, BIND_DONE, BIND_DONE },
	{ FAKE_6_12, 66, BIND_REFUSED, BIND_DONE },
	{ FAKE_6_12, 51, BIND_REFUSED, BIND_DONE },
	{ FAKE_6_12, 50, BIND_REFUSED, BIND_REFUSED },
	{ FAKE_6_12, 0, BIND_REFUSED, BIND_REFUSED },
	/* 4 MiB: file copy, which is there, shows that there are no buffers */
	{ FAKE_7_3, 20, BIND_DONE, BIND_DONE },
	{ FAKE_7_3, 19, BIND_REFUSED, BIND_DONE },
	{ FAKE_7_3, 4, BIND_REFUSED, BIND_DONE },
	{ FAKE_7_3, 3, BIND_REFUSED, BIND_REFUSED },
};

static void memory_is_counted_before_it_is_paid(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(memories); i++)
		for (unsigned force = 0; force < 2; force++) {
			enum bind_result result = force ? memories[i].forced : memories[i].plain;

			fake_init(&k, memories[i].version);
			k.machine.available = memories[i].available * MIB;
			assert_int_equal((force ? take_forced : take)(HEARTBEAT), result);
			if (result == BIND_DONE)
				assert_with_uio(IC_HEARTBEAT);
			else
				assert_with_utils(IC_HEARTBEAT);
			assert_true(result == BIND_DONE || k.effects == 0);
		}
}

static void memory_is_counted_again_for_each(void **state)
{
	(void)state;
	fake_init(&k, FAKE_6_12);
	k.machine.available = 100 * MIB;
	assert_int_equal(take(HEARTBEAT | TIMESYNC), BIND_REFUSED);
	assert_with_uio(IC_HEARTBEAT);
	assert_with_utils(IC_TIMESYNC);
	fake_assert_said(&k, BIND_SAY_FAILED, "TimeSync: refused: it costs 51 MiB: 4 MiB in one block "
		"and 47 MiB of network buffers, and 49 MiB of memory are available");
}

/* Said before anything is done; what the first one shows is known for the second. */
static void costs_are_told_before_they_are_paid(void **state)
{
	(void)state;
	fake_init(&k, FAKE_6_12);
	assert_int_equal(take(HEARTBEAT | TIMESYNC), BIND_DONE);
	assert_string_equal(k.said[0].text, "Heartbeat: costs up to 51 MiB: 4 MiB in one block, on some "
		"kernels also 47 MiB of network buffers; 1024 MiB of memory are available");
	assert_int_equal(k.said[0].effects, 0);
	assert_string_equal(k.said[2].text, "TimeSync: costs 51 MiB: 4 MiB in one block and 47 MiB of "
		"network buffers; 973 MiB of memory are available");
	assert_int_equal(k.said[2].effects, 3);

	fake_init(&k, FAKE_7_3);
	assert_int_equal(take(HEARTBEAT), BIND_DONE);
	fake_assert_said(&k, BIND_SAY_DONE, "Heartbeat: costs 4 MiB in one block; 10");
}

static void fragmented_memory_is_told_and_survived(void **state)
{
	(void)state;
	fake_init(&k, FAKE_7_3);
	k.machine.largest_block = MIB;
	assert_int_equal(take(HEARTBEAT | TIMESYNC | KVP), BIND_FAILED);
	fake_assert_said(&k, BIND_SAY_WARNING, "the largest free block of memory is 1 MiB now");
	fake_assert_said(&k, BIND_SAY_FAILED, "Heartbeat: cannot be taken: the kernel found no contiguous "
		"memory for the ring");
	fake_assert_said(&k, BIND_SAY_FAILED, "hv_utils has it again");
	/* The others are not tried in vain. */
	fake_assert_said(&k, BIND_SAY_FAILED, "KVP: refused, as the one before: the kernel found no");
	assert_int_equal(k.effects, 5);
	for (enum ic_component c = 0; c < IC_COMPONENTS; c++)
		if (c != IC_FCOPY)
			assert_with_utils(c);
}

/* The memory goes between the look and the bind. */
static void eat_memory(struct fake_kernel *kernel, unsigned effects)
{
	if (effects == 2)
		kernel->machine.available = 45 * MIB;
}

static void the_kernels_killer_takes_the_child(void **state)
{
	(void)state;
	fake_init(&k, FAKE_6_12);
	k.meanwhile = eat_memory;
	assert_int_equal(take(HEARTBEAT | TIMESYNC), BIND_FAILED);
	fake_assert_said(&k, BIND_SAY_FAILED, "killed the process that bound the device");
	fake_assert_said(&k, BIND_SAY_FAILED, "TimeSync: refused, as the one before");
	assert_with_utils(IC_HEARTBEAT);
	assert_with_utils(IC_TIMESYNC);
}

/* --- a kernel that cannot --- */

static void a_kernel_that_is_too_old_says_so(void **state)
{
	(void)state;
	for (unsigned silent = 0; silent < 2; silent++) {
		fake_init(&k, FAKE_6_1);
		k.silent_bind = silent;
		assert_int_equal(take(KVP | HEARTBEAT | TIMESYNC), BIND_FAILED);
		if (!silent) {
			fake_assert_said(&k, BIND_SAY_FAILED, "Heartbeat: cannot be taken: this kernel's "
				"uio_hv_generic cannot carry integration components: Linux 6.10 or later is "
				"needed; hv_utils has it again");
			/* KVP loses its daemon for good when it changes hands: it must not be touched. */
			fake_assert_said(&k, BIND_SAY_FAILED, "KVP: refused, as the one before");
			assert_int_equal(k.effects, 5);
		}
		for (enum ic_component c = 0; c < IC_COMPONENTS; c++)
			assert_with_utils(c);
	}
}

/* --- a trap of the kernel's --- */

static void what_was_in_use_is_told_to_be_a_risk(void **state)
{
	(void)state;
	for (unsigned opened = 0; opened < 2; opened++) {
		fake_init(&k, FAKE_6_12);
		assert_int_equal(take(HEARTBEAT | KVP | TIMESYNC), BIND_DONE);
		fake_of(&k, IC_HEARTBEAT)->d.events = opened;
		fake_of(&k, IC_KVP)->d.events = opened * 1000;
		assert_int_equal(give_back(BIND_ALL), BIND_DONE);
		if (opened)
			fake_assert_said(&k, BIND_SAY_WARNING, "Heartbeat, KVP: do not switch this off on the host");
		else
			assert_null(fake_find_said(&k, BIND_SAY_WARNING, "switch"));
	}
	fake_init(&k, FAKE_7_3);
	assert_int_equal(take(HEARTBEAT), BIND_DONE);
	fake_of(&k, IC_HEARTBEAT)->d.events = 1;
	fake_of(&k, IC_HEARTBEAT)->used = true;
	fake_of(&k, IC_HEARTBEAT)->d.state = DEVICE_STATE_OPENED;
	assert_int_equal(give_back(HEARTBEAT), BIND_REFUSED);
	assert_null(fake_find_said(&k, BIND_SAY_WARNING, "switch"));
}

/* --- somebody holds it --- */

static void taken(void)
{
	fake_init(&k, FAKE_6_12);
	assert_int_equal(take(HEARTBEAT), BIND_DONE);
	k.effects = 0;
	k.n_said = 0;
}

static void in_use(uint64_t for_ns)
{
	fake_of(&k, IC_HEARTBEAT)->used = true;
	fake_of(&k, IC_HEARTBEAT)->used_until = for_ns ? k.now + for_ns : 0;
	fake_of(&k, IC_HEARTBEAT)->d.state = DEVICE_STATE_OPENED;
	k.node_holder = (struct bind_holder){ .pid = 77, .name = "vmicd" };
}

static void a_device_in_use_is_not_given_back(void **state)
{
	uint64_t began;

	(void)state;
	taken();
	in_use(0);
	began = k.now;
	assert_untouched(give_back(HEARTBEAT | KVP), "Heartbeat: refused: vmicd (pid 77) uses /dev/uio0 and did "
		"not let go in 10 s");
	assert_with_utils(IC_KVP);
	assert_true(k.now - began >= 10 * SECOND && k.now - began < 11 * SECOND);
	assert_string_equal(fake_of(&k, IC_HEARTBEAT)->d.override, BIND_UIO);
	assert_false(k.panicked);
}

/* To stop the process alone does not help, nor can systemd be stopped. */
static void the_service_that_uses_it_is_to_be_stopped(void **state)
{
	struct bind b = fake_bind(&k);

	(void)state;
	taken();
	in_use(0);
	(void)snprintf(k.node_holder.unit, sizeof(k.node_holder.unit), "vmicd.service");
	assert_untouched(give_back(HEARTBEAT), "Heartbeat: refused: vmicd (pid 77) uses /dev/uio0 and did not let go "
		"in 10 s: stop it first: systemctl stop vmicd.service, since ");
	taken();
	in_use(0);
	k.node_holder = (struct bind_holder){ .pid = 1, .name = "systemd" };
	assert_untouched(give_back(HEARTBEAT), "Heartbeat: refused: vmicd.service uses /dev/uio0 (systemd keeps it "
		"open over restarts): systemctl stop vmicd, since ");
	k.n_said = 0;
	assert_int_equal(bind_list(&b), BIND_DONE);
	fake_assert_said(&k, BIND_SAY_DONE, "open   /dev/uio0  51 MiB          vmicd.service (in systemd)");
}

static void it_is_when_it_is_let_go_of(void **state)
{
	(void)state;
	taken();
	in_use(9 * SECOND);
	assert_int_equal(give_back(HEARTBEAT), BIND_DONE);
	assert_with_utils(IC_HEARTBEAT);
	assert_false(k.panicked);
}

static void a_lock_counts_as_use(void **state)
{
	(void)state;
	taken();
	fake_of(&k, IC_HEARTBEAT)->locked = true;
	assert_untouched(give_back(HEARTBEAT), "did not let go in 10 s");

	fake_of(&k, IC_HEARTBEAT)->locked_until = k.now + 3 * SECOND;
	assert_int_equal(give_back(HEARTBEAT), BIND_DONE);
	assert_with_utils(IC_HEARTBEAT);
}

static void told_to_end_it_stops_waiting(void **state)
{
	(void)state;
	taken();
	in_use(0);
	k.stop_at = k.now + SECOND;
	assert_int_equal(give_back(BIND_ALL), BIND_FAILED);
	assert_true(k.now < k.stop_at + SECOND);
	assert_int_equal(k.effects, 0);
	fake_assert_said(&k, BIND_SAY_FAILED, "told to end while waiting for vmicd (pid 77); "
					      "uio_hv_generic keeps it");
}

/* After the look, without the lock. */
static void open_it(struct fake_kernel *kernel, unsigned effects)
{
	(void)kernel;
	if (effects == 1)
		in_use(0);
}

static void a_device_that_is_opened_in_between_is_left_alone(void **state)
{
	(void)state;
	taken();
	k.meanwhile = open_it;
	assert_int_equal(give_back(HEARTBEAT), BIND_FAILED);
	assert_false(k.panicked);
	assert_true(fake_is_with(&k, IC_HEARTBEAT, BIND_UIO));
	assert_int_equal(k.locked, -1);

	/* The next run finishes it. */
	k.meanwhile = NULL;
	in_use(SECOND);
	assert_int_equal(give_back(HEARTBEAT), BIND_DONE);
	assert_with_utils(IC_HEARTBEAT);
}

static void a_channel_that_was_never_closed_is_told(void **state)
{
	(void)state;
	for (unsigned goal = 0; goal < 2; goal++) {
		fake_init(&k, FAKE_6_12);
		fake_of(&k, IC_HEARTBEAT)->d.driver[0] = '\0'; /* its state stays that of an open one */
		assert_int_equal((goal ? take : give_back)(HEARTBEAT), BIND_FAILED);
		fake_assert_said(&k, BIND_SAY_FAILED, "only a restart of the guest repairs that");
		assert_int_equal(k.effects, 0);
	}
}

/* --- hv_utils does not let go --- */

static void open_kvp(struct fake_kernel *kernel, unsigned effects)
{
	if (effects == 1)
		kernel->transport[IC_KVP] = kvp_daemon;
}

static void an_unbinding_that_hangs_is_given_up(void **state)
{
	uint64_t began;

	(void)state;
	fake_init(&k, FAKE_6_12);
	k.meanwhile = open_kvp; /* after the look */
	began = k.now;
	assert_int_equal(take(KVP), BIND_FAILED);
	assert_true(k.now - began >= 10 * SECOND && k.now - began < 12 * SECOND);
	fake_assert_said(&k, BIND_SAY_FAILED, "KVP: hv_utils has not let go of it: that takes until "
		"hv_kvp_daemon (pid 123) closes /dev/vmbus/hv_kvp");
	assert_true(fake_is_with(&k, IC_KVP, ""));

	/* A second run does not hang either, and says what it waits for. */
	k.meanwhile = NULL;
	k.n_said = 0;
	assert_int_equal(give_back(KVP), BIND_FAILED);
	fake_assert_said(&k, BIND_SAY_FAILED, "hv_utils is still about to let go of it: that takes until "
		"hv_kvp_daemon (pid 123) closes /dev/vmbus/hv_kvp");

	/* When the holder closes it, the child that was left gives the device back. */
	k.transport_until = k.now + SECOND;
	fake_pass(&k, SECOND);
	assert_with_utils(IC_KVP);
	assert_int_equal(take(KVP), BIND_DONE);
	assert_with_uio(IC_KVP);
}

static void an_unbinding_that_ends_in_time_is_waited_for(void **state)
{
	(void)state;
	fake_init(&k, FAKE_6_12);
	k.meanwhile = open_kvp;
	k.transport_until = k.now + 5 * SECOND;
	assert_int_equal(take(KVP), BIND_DONE);
	assert_with_uio(IC_KVP);
}

/* --- hv_utils is not there --- */

static void hv_utils_is_loaded_to_give_back(void **state)
{
	(void)state;
	for (unsigned loads = 0; loads < 2; loads++) {
		taken();
		k.machine.has_utils = false;
		k.utils_loads = loads;
		assert_int_equal(give_back(HEARTBEAT), loads ? BIND_DONE : BIND_FAILED);
		if (loads)
			continue;
		fake_assert_said(&k, BIND_SAY_FAILED, "hv_utils is not loaded, and modprobe cannot load it");
		/* It is free to be taken as soon as hv_utils comes. */
		assert_true(fake_is_with(&k, IC_HEARTBEAT, ""));
		assert_false(fake_has_override(&k, IC_HEARTBEAT));
		assert_int_equal(k.effects, 3); /* the override, the unbinding, one try to load */
		k.utils_loads = true;
		assert_int_equal(fake_load(&k, BIND_UTILS), 0);
		assert_with_utils(IC_HEARTBEAT);
	}
}

/* What gives a device its driver back is not given up at the first refusal. */
static void giving_back_is_tried_again(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 3; n += 2) {
		taken();
		k.utils_fail = n;
		assert_int_equal(give_back(HEARTBEAT), n == 1 ? BIND_DONE : BIND_FAILED);
		assert_true(fake_is_with(&k, IC_HEARTBEAT, n == 1 ? BIND_UTILS : ""));
	}
	fake_assert_said(&k, BIND_SAY_FAILED, "it has no driver: run 'vmic-bind give-back' again");
}

/* --- others bind, too --- */

/* hv_utils' probe of a device that has just been offered is under way. */
static void hv_utils_comes(struct fake_kernel *kernel, unsigned effects)
{
	struct device *d = &kernel->device[IC_HEARTBEAT].d;

	if (effects == 1)
		assert_int_equal(fake_probe_utils(d), 0);
}

static void a_device_that_is_just_being_bound_is_taken(void **state)
{
	(void)state;
	fake_init(&k, FAKE_6_12);
	fake_of(&k, IC_HEARTBEAT)->d.driver[0] = '\0';
	fake_of(&k, IC_HEARTBEAT)->d.state = DEVICE_STATE_OPEN;
	k.meanwhile = hv_utils_comes;
	assert_int_equal(take(HEARTBEAT), BIND_DONE);
	assert_with_uio(IC_HEARTBEAT);

	/* After the look: the bind is refused. */
	fake_init(&k, FAKE_6_12);
	fake_of(&k, IC_HEARTBEAT)->d.driver[0] = '\0';
	fake_of(&k, IC_HEARTBEAT)->d.state = DEVICE_STATE_OPEN;
	k.before = hv_utils_comes;
	assert_int_equal(take(HEARTBEAT), BIND_DONE);
	assert_with_uio(IC_HEARTBEAT);
}

/* While the lock was waited for. */
static void what_another_has_taken_meanwhile_is_taken(void **state)
{
	struct bind b = fake_bind(&k);
	struct device seen;

	(void)state;
	fake_init(&k, FAKE_6_12);
	seen = fake_of(&k, IC_HEARTBEAT)->d;
	assert_int_equal(take(HEARTBEAT), BIND_DONE);
	k.machine.available = 0;
	k.effects = 0;
	assert_int_equal(bind_take_one(&b, &seen), BIND_DONE);
	assert_int_equal(k.effects, 0);
	fake_assert_said(&k, BIND_SAY_DONE, "Heartbeat: is with uio_hv_generic already");
}

static void another_comes(struct fake_kernel *kernel, unsigned effects)
{
	if (effects == 1)
		fake_set(kernel->device[IC_HEARTBEAT].d.override, "hv_mine");
}

static void what_another_wants_in_between_is_left_to_him(void **state)
{
	(void)state;
	fake_init(&k, FAKE_6_12);
	k.meanwhile = another_comes;
	assert_int_equal(take(HEARTBEAT), BIND_FAILED);
	fake_assert_said(&k, BIND_SAY_FAILED, "Heartbeat: somebody else moves it at the same time");

	taken();
	k.meanwhile = another_comes;
	assert_int_equal(give_back(HEARTBEAT), BIND_FAILED);
	fake_assert_said(&k, BIND_SAY_FAILED, "Heartbeat: somebody else moves it at the same time");
}

/* Somebody gives it back whenever it is unbound: it must come to an end. */
static void fight(struct fake_kernel *kernel, unsigned effects)
{
	struct device *d = &kernel->device[IC_HEARTBEAT].d;

	(void)effects;
	if (d->driver[0] == '\0' && d->state == DEVICE_STATE_OPEN)
		assert_int_equal(fake_probe_utils(d), 0);
}

static void a_fight_is_given_up(void **state)
{
	(void)state;
	fake_init(&k, FAKE_6_12);
	k.meanwhile = fight;
	assert_int_equal(take(HEARTBEAT), BIND_FAILED);
	assert_true(k.effects < 20);
	assert_with_utils(IC_HEARTBEAT);
}

/* --- what others have left --- */

static void left_over(enum ic_component c)
{
	fake_of(&k, c)->d.driver[0] = '\0';
	fake_of(&k, c)->d.state = DEVICE_STATE_OPEN;
	fake_set(fake_of(&k, c)->d.override, BIND_UIO);
}

static void take_repairs_what_it_does_not_take(void **state)
{
	(void)state;
	fake_init(&k, FAKE_6_12);
	left_over(IC_VSS);
	assert_int_equal(take(HEARTBEAT), BIND_DONE);
	assert_with_uio(IC_HEARTBEAT);
	assert_with_utils(IC_VSS);
}

static void what_is_refused_gets_its_driver_back(void **state)
{
	(void)state;
	fake_init(&k, FAKE_6_12);
	left_over(IC_HEARTBEAT);
	k.machine.available = 20 * MIB;
	assert_int_equal(take(HEARTBEAT), BIND_REFUSED);
	assert_with_utils(IC_HEARTBEAT);
}

/* --- the host's clock --- */

static void the_loss_of_the_clock_is_told_before(void **state)
{
	(void)state;
	fake_init(&k, FAKE_7_3);
	k.clock = (struct bind_clock){ .node = "/dev/ptp0", .configuration = "/etc/chrony/chrony.conf" };
	k.clock_holder = (struct bind_holder){ .pid = 9, .name = "chronyd" };
	assert_int_equal(take(HEARTBEAT), BIND_DONE);
	assert_null(fake_find_said(&k, BIND_SAY_WARNING, "ptp"));

	k.effects = 0;
	k.n_said = 0;
	assert_int_equal(take(TIMESYNC), BIND_DONE);
	fake_assert_said(&k, BIND_SAY_WARNING, "TimeSync: with hv_utils' time synchronization the host's "
		"clock goes away: /dev/ptp0");
	fake_assert_said(&k, BIND_SAY_WARNING, "TimeSync: chronyd (pid 9) reads that clock");
	fake_assert_said(&k, BIND_SAY_WARNING, "TimeSync: /etc/chrony/chrony.conf has chrony read that clock");
	for (unsigned i = 0; i < k.n_said; i++)
		assert_true(k.said[i].kind != BIND_SAY_WARNING || k.said[i].effects == 0);
}

static void a_quiet_one_does_the_same(void **state)
{
	struct bind b = fake_bind(&k);

	(void)state;
	fake_init(&k, FAKE_7_3);
	b.quiet = true;
	assert_int_equal(bind_take(&b, HEARTBEAT | TIMESYNC), BIND_DONE);
	assert_with_uio(IC_HEARTBEAT);
	assert_int_equal(k.n_said, 0);
}

/* --- a dry run --- */

static void a_dry_run_changes_nothing(void **state)
{
	struct bind b = fake_bind(&k);

	(void)state;
	b.dry_run = true;
	fake_init(&k, FAKE_6_12);
	k.machine.has_uio = false;
	k.transport[IC_KVP] = kvp_daemon;
	left_over(IC_VSS);
	assert_int_equal(bind_take(&b, HEARTBEAT | KVP), BIND_REFUSED);
	fake_assert_said(&k, BIND_SAY_DONE, "Heartbeat: costs");
	fake_assert_said(&k, BIND_SAY_DONE, "Heartbeat: would be taken");
	fake_assert_said(&k, BIND_SAY_FAILED, "KVP: refused: hv_kvp_daemon (pid 123)");
	assert_int_equal(k.effects, 0);

	taken();
	in_use(0);
	assert_int_equal(bind_give_back(&b, BIND_ALL), BIND_DONE);
	fake_assert_said(&k, BIND_SAY_WARNING, "Heartbeat: vmicd (pid 77) uses /dev/uio0");
	fake_assert_said(&k, BIND_SAY_DONE, "Heartbeat: would be given back to hv_utils");
	assert_int_equal(k.effects, 0);
}

/* --- the list --- */

static void the_list_shows_each(void **state)
{
	struct bind b = fake_bind(&k);

	(void)state;
	taken();
	in_use(0);
	k.transport[IC_KVP] = kvp_daemon;
	assert_int_equal(bind_list(&b), BIND_DONE);
	assert_int_equal(k.n_said, 1 + IC_COMPONENTS);
	fake_assert_said(&k, BIND_SAY_DONE, "Heartbeat 00000000-0000-0000-0000-000000000001 uio_hv_generic "
		"uio_hv_generic open   /dev/uio0  51 MiB          vmicd (pid 77)");
	fake_assert_said(&k, BIND_SAY_DONE, "KVP       00000000-0000-0000-0000-000000000002 hv_utils       "
		"-              open   -          (51 MiB)        hv_kvp_daemon (pid 123)");
	fake_assert_said(&k, BIND_SAY_DONE, "FileCopy  00000000-0000-0000-0000-000000000000 -              "
		"-              closed -          (48 MiB)        -");

	/* The kernel says that it is in use, /proc does not show by whom. */
	k.n_said = 0;
	k.node_holder.pid = 0;
	assert_int_equal(bind_list(&b), BIND_DONE);
	fake_assert_said(&k, BIND_SAY_DONE, "open   /dev/uio0  51 MiB          somebody");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_plan_comes_to_its_end),
		cmocka_unit_test(what_is_somebody_elses_is_left_to_him),
		cmocka_unit_test(a_component_is_taken_and_given_back),
		cmocka_unit_test(a_node_is_waited_for_until_it_has_its_owner),
		cmocka_unit_test(what_is_there_already_is_not_touched),
		cmocka_unit_test(file_copy_stays_where_the_kernel_has_it),
		cmocka_unit_test(what_the_host_does_not_offer_is_refused),
		cmocka_unit_test(a_device_that_goes_meanwhile_is_told),
		cmocka_unit_test(a_device_that_becomes_another_component_is_left_alone),
		cmocka_unit_test(the_gravest_result_counts),
		cmocka_unit_test(without_uio_nothing_is_touched),
		cmocka_unit_test(a_guest_that_may_hibernate_is_refused),
		cmocka_unit_test(somebody_may_give_back_before_hibernation),
		cmocka_unit_test(a_daemon_that_holds_hv_utils_is_named),
		cmocka_unit_test(memory_is_counted_before_it_is_paid),
		cmocka_unit_test(memory_is_counted_again_for_each),
		cmocka_unit_test(costs_are_told_before_they_are_paid),
		cmocka_unit_test(fragmented_memory_is_told_and_survived),
		cmocka_unit_test(the_kernels_killer_takes_the_child),
		cmocka_unit_test(a_kernel_that_is_too_old_says_so),
		cmocka_unit_test(what_was_in_use_is_told_to_be_a_risk),
		cmocka_unit_test(a_device_in_use_is_not_given_back),
		cmocka_unit_test(the_service_that_uses_it_is_to_be_stopped),
		cmocka_unit_test(it_is_when_it_is_let_go_of),
		cmocka_unit_test(a_lock_counts_as_use),
		cmocka_unit_test(told_to_end_it_stops_waiting),
		cmocka_unit_test(a_device_that_is_opened_in_between_is_left_alone),
		cmocka_unit_test(a_channel_that_was_never_closed_is_told),
		cmocka_unit_test(an_unbinding_that_hangs_is_given_up),
		cmocka_unit_test(an_unbinding_that_ends_in_time_is_waited_for),
		cmocka_unit_test(hv_utils_is_loaded_to_give_back),
		cmocka_unit_test(giving_back_is_tried_again),
		cmocka_unit_test(a_device_that_is_just_being_bound_is_taken),
		cmocka_unit_test(what_another_has_taken_meanwhile_is_taken),
		cmocka_unit_test(what_another_wants_in_between_is_left_to_him),
		cmocka_unit_test(a_fight_is_given_up),
		cmocka_unit_test(take_repairs_what_it_does_not_take),
		cmocka_unit_test(what_is_refused_gets_its_driver_back),
		cmocka_unit_test(the_loss_of_the_clock_is_told_before),
		cmocka_unit_test(a_quiet_one_does_the_same),
		cmocka_unit_test(a_dry_run_changes_nothing),
		cmocka_unit_test(the_list_shows_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
