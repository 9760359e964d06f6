/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmic-bind take --follow, over a /sys that libudev reads and a kernel that binds the heartbeat as it is
 * told. Whenever the program would sleep, the next step of a test is played, until that has it end.
 */
#include "daemon/bind/follow.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "daemon/bind/linux.h"
#include "tests/unit/daemon_harness.h"
#include "tests/unit/fake_vmbus.h"

#define MIB (UINT64_C(1) << 20)
#define HOUR (3600 * SECOND)
#define HEARTBEAT (1u << IC_HEARTBEAT)

static struct {
	struct bind_linux l; /* the user of the functions below; it sees the devices */
	struct fake_vmbus bus;
	struct fake_device d;
	uint64_t available;
	unsigned looks, writes; /* tries to take it, and effects */
	unsigned n_said;
	char said[64][256];
	/* What happens when the program would sleep for the nth time. */
	void (*step)(sd_event *e, unsigned n);
	unsigned steps;
	bool gone_when_read;
} world;

/* --- the kernel --- */

static int world_read(void *user, const char *name, struct device *ret)
{
	return world.gone_when_read ? -ENOENT : bind_linux_ops.read(user, name, ret);
}

static int world_each(void *user, int (*visit)(void *arg, const struct device *device), void *arg)
{
	return bind_linux_ops.each(user, visit, arg);
}

static void world_machine(void *user, struct bind_machine *ret)
{
	(void)user;
	world.looks++;
	*ret = (struct bind_machine){ .has_uio = true, .has_utils = true, .available = world.available,
				      .largest_block = 4 * MIB };
}

static void world_clock(void *user, struct bind_clock *ret)
{
	(void)user;
	*ret = (struct bind_clock){ 0 };
}

static bool world_holder(void *user, const char *path, struct bind_holder *ret)
{
	(void)user;
	(void)path;
	(void)ret;
	return false;
}

static int world_lock(void *user, const struct device *device)
{
	(void)user;
	(void)device;
	return 0;
}

static void world_unlock(void *user)
{
	(void)user;
}

static int world_write(void *user, enum bind_step step, const struct device *device, uint64_t deadline_ns)
{
	const char *action = "change";

	(void)user;
	(void)device;
	(void)deadline_ns;
	world.writes++;
	switch (step) {
	case BIND_STEP_SET_OVERRIDE:
		world.d.override = BIND_UIO;
		break;
	case BIND_STEP_CLEAR_OVERRIDE:
		world.d.override = NULL;
		break;
	case BIND_STEP_UNBIND:
		world.d.driver = NULL;
		world.d.state = 2;
		world.d.uio = FAKE_NO_UIO;
		action = "unbind";
		break;
	case BIND_STEP_BIND_UIO:
		world.d.driver = BIND_UIO;
		world.d.uio = 1;
		action = "bind";
		break;
	case BIND_STEP_BIND_UTILS:
		world.d.driver = BIND_UTILS;
		world.d.state = 3;
		action = "bind";
		break;
	case BIND_STEP_NONE:
	case BIND_STEP_PROBE:
	case BIND_STEP_FOREIGN:
	case BIND_STEPS:
		fail_msg("%d is no step to be done", step);
	}
	fake_device_change(&world.bus, &world.d, action);
	return 0;
}

static int world_load(void *user, const char *module)
{
	(void)user;
	(void)module;
	return -ENOENT;
}

static int world_pause(void *user, unsigned ms)
{
	return bind_linux_ops.pause(user, 0 * ms);
}

static uint64_t world_now(void *user)
{
	(void)user;
	return fake_time.now * 1000;
}

static void world_say(void *user, enum bind_say kind, const char *text)
{
	(void)user;
	(void)kind;
	assert_true(world.n_said < ARRAY_LEN(world.said));
	(void)snprintf(world.said[world.n_said++], sizeof(world.said[0]), "%s", text);
}

static const struct bind_ops ops = {
	.each = world_each,
	.read = world_read,
	.machine = world_machine,
	.clock = world_clock,
	.holder = world_holder,
	.lock = world_lock,
	.unlock = world_unlock,
	.write = world_write,
	.load = world_load,
	.pause = world_pause,
	.now_ns = world_now,
	.say = world_say,
};

static unsigned said(const char *text)
{
	unsigned n = 0;

	for (unsigned i = 0; i < world.n_said; i++)
		n += strstr(world.said[i], text) != NULL;
	return n;
}

/* The host takes the heartbeat away and offers it anew; hv_utils is asked first. */
static void offer_anew(void)
{
	fake_device_remove(&world.bus, FAKE_HEARTBEAT);
	world.d = fake_heartbeat;
	fake_device_change(&world.bus, &world.d, "add");
}

static bool is_with(const char *driver)
{
	return strcmp(world.d.driver ? world.d.driver : "", driver) == 0;
}

/* --- sleep --- */

/* When a timer wakes the program; 0: none does. */
static uint64_t wakes_in(void)
{
	uint64_t due = UINT64_MAX;

	for (unsigned i = 0; i < fake_time.n; i++)
		if (sd_event_source_get_enabled(fake_time.timer[i].source, NULL) > 0 &&
		    fake_time.timer[i].due < due)
			due = fake_time.timer[i].due;
	return due == UINT64_MAX ? 0 : due - fake_time.now;
}

int sd_event_run(sd_event *e, uint64_t timeout)
{
	int (*really)(sd_event *, uint64_t), r;

	*(void **)&really = dlsym(RTLD_NEXT, "sd_event_run");
	assert_non_null(really);
	r = really(e, 0);
	if (r != 0 || timeout == 0)
		return r;
	assert_true(world.steps < 1000);
	world.step(e, world.steps++);
	return 0;
}

static void end(void)
{
	assert_int_equal(eventfd_write(world.l.stop_fd, 1), 0);
}

static void begin(void (*step)(sd_event *e, unsigned n))
{
	memset(&world, 0, sizeof(world));
	time_reset();
	world.bus = fake_vmbus_new();
	world.d = fake_heartbeat;
	world.available = 1024 * MIB;
	world.step = step;
	world.l.lock_fd = -1;
	world.l.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fake_device_put(&world.bus, &world.d);
	assert_int_equal(devices_new(&world.l.devices), 0);
}

static enum bind_result run(unsigned components)
{
	struct bind b = { .ops = &ops, .user = &world.l, .may_be_missing = true };

	return bind_follow(&b, world.l.devices, components, world.l.stop_fd);
}

static void done(void)
{
	world.l.devices = devices_free(world.l.devices);
	(void)close(world.l.stop_fd);
	fake_vmbus_done(&world.bus);
}

/* --- tests --- */

static void offer_three_times(sd_event *e, unsigned n)
{
	(void)e;
	assert_true(is_with(BIND_UIO));
	assert_int_equal(world.looks, 1 + n);
	assert_int_equal(wakes_in(), 0);
	if (n == 3)
		end();
	else
		offer_anew();
}

static void what_is_offered_anew_is_taken_again(void **state)
{
	(void)state;
	begin(offer_three_times);
	assert_int_equal(run(HEARTBEAT), BIND_DONE);
	assert_true(is_with(BIND_UIO));
	assert_int_equal(world.steps, 4);
	assert_int_equal(said("taken to uio_hv_generic"), 4);
	done();
}

static void offer_another(sd_event *e, unsigned n)
{
	struct fake_device kvp = fake_heartbeat;

	(void)e;
	if (n == 1) {
		end();
		return;
	}
	kvp.class_id = "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6";
	kvp.name = "242ff919-07db-4180-9c2e-b86cb68c8c55";
	fake_device_change(&world.bus, &kvp, "add");
}

static void what_nobody_asked_for_is_not(void **state)
{
	(void)state;
	begin(offer_another);
	assert_int_equal(run(HEARTBEAT), BIND_DONE);
	assert_int_equal(world.steps, 2);
	assert_int_equal(world.looks, 1);
	assert_int_equal(said("KVP"), 0);
	done();
}

/* Seconds between the tries, the last for ever. */
static const unsigned waits[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };

static void offer_without_memory(sd_event *e, unsigned n)
{
	if (n == 0) {
		world.available = 0;
		offer_anew();
		return;
	}
	if (n <= ARRAY_LEN(waits)) {
		assert_true(is_with(BIND_UTILS));
		assert_int_equal(world.looks, 1 + n);
		assert_int_equal(wakes_in(), waits[n - 1] * SECOND);
		if (n == ARRAY_LEN(waits))
			world.available = 1024 * MIB;
		pass_time(e, wakes_in());
		return;
	}
	/* it is taken, and there is nothing left to wake up for */
	assert_true(is_with(BIND_UIO));
	assert_int_equal(world.looks, 2 + ARRAY_LEN(waits));
	assert_int_equal(wakes_in(), 0);
	end();
}

static void what_cannot_be_taken_is_tried_again(void **state)
{
	(void)state;
	begin(offer_without_memory);
	assert_int_equal(run(HEARTBEAT), BIND_DONE);
	assert_true(is_with(BIND_UIO));
	/* the refusal, that it is tried again, and the end of it: once each */
	assert_int_equal(said("Heartbeat: refused: it costs"), 1);
	assert_int_equal(said("Heartbeat: is tried again in 1 s, then less and less often, every 60 s at last"), 1);
	assert_int_equal(said("Heartbeat: taken to uio_hv_generic, /dev/uio1"), 2);
	assert_int_equal(world.n_said, 2 + 2 + 1);
	done();
}

/* A failure that would be the same with the next device is not the same a minute later. */
static int fail_to_bind(void *user, enum bind_step step, const struct device *device, uint64_t deadline_ns)
{
	if (step == BIND_STEP_BIND_UIO && world.available == 0) {
		world.writes++;
		return -ENOMEM;
	}
	return world_write(user, step, device, deadline_ns);
}

static void machine_with_enough(void *user, struct bind_machine *ret)
{
	world_machine(user, ret);
	ret->available = 1024 * MIB;
}

static void offer_fragmented(sd_event *e, unsigned n)
{
	if (n == 0) {
		world.available = 0; /* of blocks that are large enough */
		offer_anew();
	} else if (n < 3) {
		assert_true(is_with(BIND_UTILS));
		pass_time(e, wakes_in());
	} else if (n == 3) {
		world.available = 1;
		pass_time(e, wakes_in());
	} else {
		assert_true(is_with(BIND_UIO));
		end();
	}
}

static void what_has_failed_once_may_do_later(void **state)
{
	struct bind_ops fails = ops;
	struct bind b = { .ops = &fails, .user = &world.l };

	(void)state;
	fails.write = fail_to_bind;
	fails.machine = machine_with_enough;
	begin(offer_fragmented);
	assert_int_equal(bind_follow(&b, world.l.devices, HEARTBEAT, world.l.stop_fd), BIND_DONE);
	assert_true(is_with(BIND_UIO));
	assert_int_equal(said("cannot be taken: the kernel found no contiguous memory"), 1);
	done();
}

static void take_away(sd_event *e, unsigned n)
{
	if (n == 0) {
		world.available = 0;
		offer_anew();
	} else if (n < 4) {
		pass_time(e, wakes_in());
	} else if (n == 4) {
		fake_device_remove(&world.bus, FAKE_HEARTBEAT);
	} else if (n == 5) {
		assert_int_equal(wakes_in(), 0);
		world.d = fake_heartbeat;
		fake_device_change(&world.bus, &world.d, "add");
	} else {
		/* another one, from the beginning */
		assert_int_equal(wakes_in(), SECOND);
		assert_int_equal(said("is tried again"), 2);
		end();
	}
}

static void what_has_gone_is_not_waited_for(void **state)
{
	(void)state;
	begin(take_away);
	assert_int_equal(run(HEARTBEAT), BIND_DONE);
	assert_int_equal(world.steps, 7);
	done();
}

static void give_to_another(sd_event *e, unsigned n)
{
	if (n == 0) {
		world.available = 0;
		offer_anew();
	} else if (n == 1) {
		world.available = 1024 * MIB;
		world.d.override = "hv_mine";
		fake_device_put(&world.bus, &world.d);
		world.writes = 0;
		pass_time(e, wakes_in());
	} else {
		assert_int_equal(wakes_in(), 0);
		assert_int_equal(world.writes, 0);
		end();
	}
}

static void what_is_given_to_another_is_left_to_him(void **state)
{
	(void)state;
	begin(give_to_another);
	assert_int_equal(run(HEARTBEAT), BIND_DONE);
	assert_int_equal(world.steps, 3);
	done();
}

static void become_another(sd_event *e, unsigned n)
{
	if (n == 0) {
		world.available = 0;
		offer_anew();
	} else if (n == 1) {
		world.available = 1024 * MIB;
		fake_device_drop(&world.bus, FAKE_HEARTBEAT);
		world.d.class_id = "0e0b6031-5213-4934-818b-38d90ced39db";
		fake_device_put(&world.bus, &world.d);
		world.writes = 0;
		pass_time(e, wakes_in());
	} else {
		assert_int_equal(wakes_in(), 0);
		assert_int_equal(world.writes, 0);
		end();
	}
}

static void what_becomes_another_component_is_left(void **state)
{
	(void)state;
	begin(become_another);
	assert_int_equal(run(HEARTBEAT), BIND_DONE);
	assert_int_equal(world.steps, 3);
	done();
}

static void hide(sd_event *e, unsigned n)
{
	if (n == 0) {
		world.gone_when_read = true;
		offer_anew();
	} else if (n == 1) {
		assert_true(is_with(BIND_UTILS));
		world.gone_when_read = false;
		pass_time(e, wakes_in());
	} else {
		assert_true(is_with(BIND_UIO));
		assert_int_equal(wakes_in(), 0);
		end();
	}
}

static void what_cannot_be_read_is_not_forgotten(void **state)
{
	(void)state;
	begin(hide);
	assert_int_equal(run(HEARTBEAT), BIND_DONE);
	assert_int_equal(world.steps, 3);
	done();
}

static void give_it_back(sd_event *e, unsigned n)
{
	(void)e;
	if (n == 0) {
		world.d = fake_heartbeat;
		fake_device_change(&world.bus, &world.d, "bind");
	} else {
		assert_true(is_with(BIND_UTILS));
		assert_int_equal(wakes_in(), 0);
		end();
	}
}

static void what_somebody_gives_back_is_left_to_him(void **state)
{
	(void)state;
	begin(give_it_back);
	assert_int_equal(run(HEARTBEAT), BIND_DONE);
	assert_int_equal(world.steps, 2);
	done();
}

static void end_and_offer(sd_event *e, unsigned n)
{
	assert_int_equal(n, 0);
	offer_anew();
	run_loop(e);
	world.writes = 0;
	end();
}

static void told_to_end_it_begins_nothing(void **state)
{
	(void)state;
	begin(end_and_offer);
	assert_int_equal(run(HEARTBEAT), BIND_DONE);
	assert_int_equal(world.writes, 0);
	assert_true(is_with(BIND_UTILS));
	done();
}

/* Also when uio_hv_generic has another component's device. */
static void with_nothing_to_follow_it_ends(void **state)
{
	struct fake_device fcopy = fake_heartbeat_uio;

	(void)state;
	for (int other = 0; other < 2; other++) {
		begin(NULL);
		fcopy.class_id = "34d14be3-dee4-41c8-9ae7-6b174977c192";
		fcopy.name = "eb765408-105f-49b6-b4aa-c123b64d17d4";
		fcopy.uio = 0;
		if (other)
			fake_device_put(&world.bus, &fcopy);
		world.available = 0;
		assert_int_equal(run(HEARTBEAT), BIND_REFUSED);
		assert_int_equal(world.steps, 0);
		done();
	}
}

static void offer_without_end(sd_event *e, unsigned n)
{
	if (n < 100) {
		world.available = n & 1 ? 0 : 1024 * MIB;
		offer_anew();
		return;
	}
	if (n == 100) {
		pass_time(e, HOUR);
		world.available = 1024 * MIB;
		offer_anew();
		return;
	}
	end();
}

static void only_a_part_is_told(void **state)
{
	(void)state;
	begin(offer_without_end);
	assert_int_equal(run(HEARTBEAT), BIND_DONE);
	assert_true(is_with(BIND_UIO));
	assert_true(world.n_said < 30);
	assert_int_equal(said("devices more were offered again"), 1);
	done();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_offered_anew_is_taken_again),
		cmocka_unit_test(what_nobody_asked_for_is_not),
		cmocka_unit_test(what_cannot_be_taken_is_tried_again),
		cmocka_unit_test(what_has_failed_once_may_do_later),
		cmocka_unit_test(what_has_gone_is_not_waited_for),
		cmocka_unit_test(what_is_given_to_another_is_left_to_him),
		cmocka_unit_test(what_becomes_another_component_is_left),
		cmocka_unit_test(what_cannot_be_read_is_not_forgotten),
		cmocka_unit_test(what_somebody_gives_back_is_left_to_him),
		cmocka_unit_test(told_to_end_it_begins_nothing),
		cmocka_unit_test(with_nothing_to_follow_it_ends),
		cmocka_unit_test(only_a_part_is_told),
	};

	(void)argc;
	if (!fake_vmbus_enter("test_bind_follow", argv))
		return 0;
	return cmocka_run_group_tests_name("bind_follow", tests, NULL, NULL);
}
