/* SPDX-License-Identifier: GPL-2.0-only */
/* Devices as vmic-bind sees and locks them, over a /sys that libudev reads. */
#include "daemon/bind/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "tests/unit/fake_vmbus.h"

#define KVP "242ff919-07db-4180-9c2e-b86cb68c8c55"

struct fixture {
	struct fake_vmbus bus;
	struct bind_linux l;
	unsigned visits;
	struct device visited[4];
};

static void fixture_init(struct fixture *f)
{
	struct fake_device kvp = fake_heartbeat;

	memset(f, 0, sizeof(*f));
	f->bus = fake_vmbus_new();
	f->l = (struct bind_linux){ .root_fd = -1, .lock_fd = -1, .stop_fd = -1 };
	assert_int_equal(devices_new(&f->l.devices), 0);
	fake_device_put(&f->bus, &fake_heartbeat_uio);
	kvp.class_id = "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6";
	kvp.name = KVP;
	fake_device_put(&f->bus, &kvp);
}

static void fixture_done(struct fixture *f)
{
	f->l.devices = devices_free(f->l.devices);
	fake_vmbus_done(&f->bus);
}

static int on_visit(void *arg, const struct device *device)
{
	struct fixture *f = arg;

	assert_true(f->visits < ARRAY_LEN(f->visited));
	f->visited[f->visits++] = *device;
	return f->visits == 2 ? 77 : 0;
}

/* What is to be done with a device follows from that. */
static void a_device_is_seen_with_its_override(void **state)
{
	struct device d = { .relid = 99 };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_int_equal(bind_linux_ops.read(&f.l, FAKE_HEARTBEAT, &d), 0);
	assert_string_equal(d.driver, "uio_hv_generic");
	assert_string_equal(d.override, "uio_hv_generic");
	assert_int_equal(bind_linux_ops.read(&f.l, KVP, &d), 0);
	assert_string_equal(d.override, "");
	d.relid = 99;
	assert_int_equal(bind_linux_ops.read(&f.l, "nobody", &d), -ENOENT);
	assert_int_equal(d.relid, 99); /* untouched */

	assert_int_equal(bind_linux_ops.each(&f.l, on_visit, &f), 77);
	assert_int_equal(f.visits, 2);
	assert_string_equal(f.visited[0].name, KVP);
	assert_string_equal(f.visited[0].override, "");
	assert_string_equal(f.visited[1].override, "uio_hv_generic");
	fixture_done(&f);
}

/* The lock is that of vmicd: on the device's directory, and the one that is there now. */
static void the_lock_is_on_the_devices_directory(void **state)
{
	struct device d;
	struct fixture f;
	int fd;

	(void)state;
	fixture_init(&f);
	assert_int_equal(bind_linux_ops.read(&f.l, FAKE_HEARTBEAT, &d), 0);
	fd = open(d.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
	assert_int_equal(bind_linux_ops.lock(&f.l, &d), -EWOULDBLOCK);
	assert_int_equal(f.l.lock_fd, -1);

	assert_int_equal(flock(fd, LOCK_UN), 0);
	assert_int_equal(bind_linux_ops.lock(&f.l, &d), 0);
	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), -1);
	assert_int_equal(fcntl(f.l.lock_fd, F_GETFD), FD_CLOEXEC);
	bind_linux_ops.unlock(&f.l);
	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
	(void)close(fd);

	/* what has its name afterwards is not locked */
	assert_int_equal(bind_linux_ops.lock(&f.l, &d), 0);
	assert_int_equal(bind_linux_ops.read(&f.l, FAKE_HEARTBEAT, &d), 0);
	fake_device_drop(&f.bus, FAKE_HEARTBEAT);
	fake_device_put(&f.bus, &fake_heartbeat);
	assert_int_equal(bind_linux_ops.read(&f.l, FAKE_HEARTBEAT, &d), -ENOENT);
	assert_string_equal(d.driver, "uio_hv_generic"); /* untouched */
	bind_linux_ops.unlock(&f.l);
	assert_int_equal(bind_linux_ops.read(&f.l, FAKE_HEARTBEAT, &d), 0);
	assert_string_equal(d.driver, "hv_utils");

	fake_device_drop(&f.bus, FAKE_HEARTBEAT);
	assert_int_equal(bind_linux_ops.lock(&f.l, &d), -ENOENT);
	fixture_done(&f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_is_seen_with_its_override),
		cmocka_unit_test(the_lock_is_on_the_devices_directory),
	};

	(void)argc;
	if (!fake_vmbus_enter("test_bind_linux", argv))
		return 0;
	return cmocka_run_group_tests_name("bind_linux", tests, NULL, NULL);
}
