/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/device.h"

#include <errno.h>
#include <libudev.h>

#include "tests/unit/fake_vmbus.h"

#define NETWORK_CARD "f8615163-df3e-46c5-913f-f2d2f965ed0e"

/* --- functions of libraries, with a test's finger on them --- */

static bool udevd_runs;
static int udev_has_seen; /* what udev_device_get_is_initialized says */
static char origin[16]; /* whose events were asked for */
static bool events_are_lost;
static unsigned override_reads;

/* umockdev leaves /run as the machine has it. */
int access(const char *path, int mode)
{
	int (*really)(const char *, int);

	*(void **)&really = dlsym(RTLD_NEXT, "access");
	assert_non_null(really);
	if (strcmp(path, "/run/udev/control") != 0)
		return really(path, mode);
	errno = udevd_runs ? 0 : ENOENT;
	return udevd_runs ? 0 : -1;
}

int udev_device_get_is_initialized(struct udev_device *device)
{
	(void)device;
	return udev_has_seen;
}

struct udev_monitor *udev_monitor_new_from_netlink(struct udev *udev, const char *name)
{
	struct udev_monitor *(*really)(struct udev *, const char *);

	*(void **)&really = dlsym(RTLD_NEXT, "udev_monitor_new_from_netlink");
	assert_non_null(really);
	(void)snprintf(origin, sizeof(origin), "%s", name);
	return really(udev, name);
}

const char *udev_device_get_sysattr_value(struct udev_device *device, const char *attribute)
{
	const char *(*really)(struct udev_device *, const char *);

	*(void **)&really = dlsym(RTLD_NEXT, "udev_device_get_sysattr_value");
	assert_non_null(really);
	override_reads += strcmp(attribute, "driver_override") == 0;
	return really(device, attribute);
}

/* When the socket's buffer was full the kernel says so once. */
struct udev_device *udev_monitor_receive_device(struct udev_monitor *monitor)
{
	struct udev_device *(*really)(struct udev_monitor *);

	*(void **)&really = dlsym(RTLD_NEXT, "udev_monitor_receive_device");
	assert_non_null(really);
	if (!events_are_lost)
		return really(monitor);
	events_are_lost = false;
	(void)udev_device_unref(really(monitor));
	errno = ENOBUFS;
	return NULL;
}

/* --- what is told --- */

struct told {
	unsigned n; /* since the last look */
	char name[8][GUID_TEXT_SIZE];
	bool gone[8];
	struct device device[8];
};

struct fixture {
	struct fake_vmbus bus;
	sd_event *event;
	struct devices *devices;
	struct told told;
	int visits, stop_at;
	struct device visited[16];
};

static void on_changed(void *user, const char *name, const struct device *device)
{
	struct told *t = user;

	assert_true(t->n < ARRAY_LEN(t->name));
	(void)snprintf(t->name[t->n], sizeof(t->name[0]), "%s", name);
	t->gone[t->n] = !device;
	if (device)
		t->device[t->n] = *device;
	t->n++;
}

static int on_visit(void *user, const struct device *device)
{
	struct fixture *f = user;

	assert_true(f->visits < (int)ARRAY_LEN(f->visited));
	f->visited[f->visits++] = *device;
	return f->visits == f->stop_at ? 77 : 0;
}

static int visit_all(struct fixture *f)
{
	f->visits = 0;
	return devices_each(f->devices, on_visit, f);
}

static void fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	udevd_runs = false;
	override_reads = 0;
	f->bus = fake_vmbus_new();
	assert_int_equal(sd_event_new(&f->event), 0);
	assert_int_equal(devices_new(&f->devices), 0);
}

static void fixture_done(struct fixture *f)
{
	f->devices = devices_free(f->devices);
	f->event = sd_event_unref(f->event);
	fake_vmbus_done(&f->bus);
}

static void watch(struct fixture *f)
{
	assert_int_equal(devices_watch(f->devices, f->event, on_changed, &f->told), 0);
}

static void run_loop(struct fixture *f)
{
	int r;

	f->told.n = 0;
	while ((r = sd_event_run(f->event, 0)) > 0)
		;
	assert_int_equal(r, 0);
}

/* --- one look --- */

static void a_machine_without_vmbus_has_none(void **state)
{
	struct fake_vmbus bus = fake_vmbus_new();
	struct devices *untouched = (struct devices *)&bus, *devices = untouched;
	char path[FAKE_PATH_SIZE];

	(void)state;
	fake_path(&bus, path, "sys/bus/vmbus");
	fake_remove_tree(path);
	assert_int_equal(devices_new(&devices), -ENODEV);
	assert_ptr_equal(devices, untouched);
	assert_null(devices_free(NULL));
	fake_vmbus_done(&bus);
}

static void a_device_is_read_whole(void **state)
{
	struct fixture f;
	struct device d;
	struct guid instance;

	(void)state;
	fixture_init(&f);
	fake_device_put(&f.bus, &fake_heartbeat_uio);
	fake_attribute(&f.bus, FAKE_HEARTBEAT, "uio/uio1/event", "17\n");
	assert_int_equal(devices_read(f.devices, FAKE_HEARTBEAT, &d), 0);
	assert_int_equal(d.component, IC_HEARTBEAT);
	assert_int_equal(d.events, 17);
	assert_int_equal(guid_parse(FAKE_HEARTBEAT, &instance), 0);
	assert_memory_equal(&d.instance_id, &instance, sizeof(instance));
	assert_int_equal(d.relid, 1);
	assert_string_equal(d.name, FAKE_HEARTBEAT);
	assert_string_equal(d.path, "/sys/" FAKE_PARENT "/" FAKE_HEARTBEAT);
	assert_string_equal(d.driver, "uio_hv_generic");
	assert_int_equal(d.state, DEVICE_STATE_OPEN);
	assert_string_equal(d.node, "/dev/uio1");
	assert_int_equal(d.map[DEVICE_MAP_RINGS], 4 << 20);
	assert_int_equal(d.map[1], 4096);
	assert_int_equal(d.map[2], 4096);
	assert_int_equal(d.map[DEVICE_MAP_RECEIVE], 0);
	assert_int_equal(d.map[DEVICE_MAP_SEND], 0);
	fixture_done(&f);
}

/* Reading it may wait for somebody: vmicd does not do that, whatever happens. */
static void the_override_is_read_where_that_is_asked_for_only(void **state)
{
	struct fixture f;
	struct device d;

	(void)state;
	fixture_init(&f);
	fake_device_put(&f.bus, &fake_heartbeat_uio);
	watch(&f);
	assert_int_equal(visit_all(&f), 0);
	fake_event(&f.bus, FAKE_HEARTBEAT, "bind");
	run_loop(&f);
	assert_int_equal(f.told.n, 1);
	assert_string_equal(f.told.device[0].override, "");
	events_are_lost = true;
	fake_event(&f.bus, FAKE_HEARTBEAT, "bind");
	run_loop(&f);
	assert_int_equal(f.told.n, 1);
	assert_int_equal(devices_read(f.devices, FAKE_HEARTBEAT, &d), 0);
	assert_string_equal(d.override, "");
	assert_int_equal(override_reads, 0);

	devices_read_override(f.devices, &d);
	assert_int_equal(override_reads, 1);
	assert_string_equal(d.override, "uio_hv_generic");
	fake_device_put(&f.bus, &fake_heartbeat);
	devices_read_override(f.devices, &d);
	assert_string_equal(d.override, "");
	fake_device_drop(&f.bus, FAKE_HEARTBEAT);
	devices_read_override(f.devices, &d);
	assert_string_equal(d.override, "");
	fixture_done(&f);
}

/* It would hang, in a kernel: here the file would say what it says. */
static void the_override_of_one_that_is_being_unbound_is_not_read(void **state)
{
	struct fake_device fake = fake_heartbeat_uio;
	struct fixture f;
	struct device d;

	(void)state;
	fixture_init(&f);
	fake.driver = NULL;
	for (fake.state = DEVICE_STATE_OPEN; fake.state <= DEVICE_STATE_OPENED; fake.state++) {
		fake_device_put(&f.bus, &fake);
		assert_int_equal(devices_read(f.devices, FAKE_HEARTBEAT, &d), 0);
		assert_string_equal(d.driver, "");
		devices_read_override(f.devices, &d);
		assert_string_equal(d.override, fake.state == DEVICE_STATE_OPENED ? "" : "uio_hv_generic");
	}
	assert_int_equal(override_reads, 1);
	fixture_done(&f);
}

static void each_device_has_a_node_of_its_own(void **state)
{
	struct fake_device other = fake_heartbeat_uio;
	struct fixture f;
	struct device d;

	(void)state;
	fixture_init(&f);
	other.name = "242ff919-07db-4180-9c2e-b86cb68c8c55";
	for (int uio = 0; uio < 3; uio += 2) {
		other.uio = uio;
		fake_device_put(&f.bus, &other);
		fake_device_put(&f.bus, &fake_heartbeat_uio);
		assert_int_equal(devices_read(f.devices, FAKE_HEARTBEAT, &d), 0);
		assert_string_equal(d.node, "/dev/uio1");
		assert_int_equal(devices_read(f.devices, other.name, &d), 0);
		assert_string_equal(d.node, uio ? "/dev/uio2" : "/dev/uio0");
	}
	fixture_done(&f);
}

/* A device that is offered anew gets a node of the same name, as a rule. */
static void a_node_is_told_from_another_of_its_name(void **state)
{
	struct fake_device without = fake_heartbeat_uio;
	uint64_t before = 0;
	struct fixture f;
	struct device d;

	(void)state;
	fixture_init(&f);
	without.uio = FAKE_NO_UIO;
	for (unsigned i = 0; i < 20; i++) {
		fake_device_put(&f.bus, &fake_heartbeat_uio);
		assert_int_equal(devices_read(f.devices, FAKE_HEARTBEAT, &d), 0);
		assert_string_equal(d.node, "/dev/uio1");
		assert_true(d.node_id != 0 && d.node_id != before);
		before = d.node_id;
		fake_device_put(&f.bus, &fake_heartbeat_uio);
		assert_int_equal(devices_read(f.devices, FAKE_HEARTBEAT, &d), 0);
		assert_int_equal(d.node_id, before);
		if (i & 1) {
			fake_device_drop(&f.bus, FAKE_HEARTBEAT);
			continue;
		}
		fake_device_put(&f.bus, &without);
		assert_int_equal(devices_read(f.devices, FAKE_HEARTBEAT, &d), 0);
		assert_int_equal(d.node_id, 0);
	}
	fixture_done(&f);
}

/* Linux 6.12 gives each device a network card's buffers; file copy has small rings. */
static void sizes_are_those_of_the_kernel(void **state)
{
	struct fake_device fake = fake_heartbeat_uio;
	struct fixture f;
	struct device d;

	(void)state;
	fixture_init(&f);
	fake.uio = 12;
	memcpy(fake.map, (const size_t[]){ 0xa000, 0x1000, 0x1000, 0x1f00000, 0x1000000 }, sizeof(fake.map));
	fake_device_put(&f.bus, &fake);
	assert_int_equal(devices_read(f.devices, FAKE_HEARTBEAT, &d), 0);
	assert_string_equal(d.node, "/dev/uio12");
	assert_int_equal(d.map[DEVICE_MAP_RINGS], 0xa000);
	assert_int_equal(d.map[DEVICE_MAP_RECEIVE], 31 << 20);
	assert_int_equal(d.map[DEVICE_MAP_SEND], 16 << 20);
	fixture_done(&f);
}

static void what_is_not_there_is_empty(void **state)
{
	struct fake_device fake = fake_heartbeat;
	struct fixture f;
	struct device d;
	char path[FAKE_PATH_SIZE];

	(void)state;
	fixture_init(&f);
	fake_device_put(&f.bus, &fake);
	assert_int_equal(devices_read(f.devices, FAKE_HEARTBEAT, &d), 0);
	assert_string_equal(d.driver, "hv_utils");
	assert_string_equal(d.node, "");
	assert_int_equal(d.state, DEVICE_STATE_OPENED);
	assert_int_equal(d.map[0], 0);

	fake.driver = NULL;
	fake_device_put(&f.bus, &fake);
	fake_path(&f.bus, path, "sys/" FAKE_PARENT "/" FAKE_HEARTBEAT "/state");
	assert_int_equal(unlink(path), 0);
	fake_path(&f.bus, path, "sys/" FAKE_PARENT "/" FAKE_HEARTBEAT "/driver_override");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(devices_read(f.devices, FAKE_HEARTBEAT, &d), 0);
	devices_read_override(f.devices, &d);
	assert_string_equal(d.driver, "");
	assert_string_equal(d.override, "");
	assert_int_equal(d.state, DEVICE_STATE_UNKNOWN);
	fixture_done(&f);
}

static void numbers_that_are_none_are_not_guessed(void **state)
{
	static const char *const bad[] = { "\n", "three\n", "2 \n", "0x\n", "99999999999999999999999\n" };
	struct fixture f;
	struct device d;

	(void)state;
	fixture_init(&f);
	fake_device_put(&f.bus, &fake_heartbeat_uio);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		fake_attribute(&f.bus, FAKE_HEARTBEAT, "state", bad[i]);
		fake_attribute(&f.bus, FAKE_HEARTBEAT, "uio/uio1/maps/map0/size", bad[i]);
		assert_int_equal(devices_read(f.devices, FAKE_HEARTBEAT, &d), 0);
		assert_int_equal(d.state, DEVICE_STATE_UNKNOWN);
		assert_int_equal(d.map[DEVICE_MAP_RINGS], 0);
	}
	fixture_done(&f);
}

static void what_is_no_component_is_not_read(void **state)
{
	static const char *const classes[] = {
		"{" NETWORK_CARD "}\n", "57164f39\n", "", "{57164f39-9115-4e78-ab55-382f3bd5422d\n",
	};
	struct fixture f;
	struct device d = { .relid = 99 };

	(void)state;
	fixture_init(&f);
	assert_int_equal(devices_read(f.devices, FAKE_HEARTBEAT, &d), -ENOENT);
	fake_device_put(&f.bus, &fake_heartbeat);
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		fake_attribute(&f.bus, FAKE_HEARTBEAT, "class_id", classes[i]);
		assert_int_equal(devices_read(f.devices, FAKE_HEARTBEAT, &d), -ENOENT);
	}
	assert_int_equal(devices_read(f.devices, "..", &d), -ENOENT);
	assert_int_equal(devices_read(f.devices, "", &d), -ENOENT);
	assert_int_equal(d.relid, 99); /* untouched */
	fixture_done(&f);
}

/* The classes of every component, from the VMBus offers of a Windows host. */
static const struct {
	enum ic_component component;
	const char *class_id, *name;
} components[] = {
	{ IC_KVP, "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6", "242ff919-07db-4180-9c2e-b86cb68c8c55" },
	{ IC_VSS, "35fa2e29-ea23-4236-96ae-3a6ebacba440", "2450ee40-33bf-4fbd-892e-9fb06e9214cf" },
	{ IC_TIMESYNC, "9527e630-d0ae-497b-adce-e80ab0175caf", "2dd1ce17-079e-403c-b352-a1921ee207ee" },
	{ IC_SHUTDOWN, "0e0b6031-5213-4934-818b-38d90ced39db", "b6650ff7-33bc-4840-8048-e0676786f393" },
	{ IC_FCOPY, "34d14be3-dee4-41c8-9ae7-6b174977c192", "eb765408-105f-49b6-b4aa-c123b64d17d4" },
	{ IC_HEARTBEAT, "57164f39-9115-4e78-ab55-382f3bd5422d", FAKE_HEARTBEAT },
};

static void put_all(struct fixture *f)
{
	struct fake_device fake = fake_heartbeat;

	for (size_t i = 0; i < ARRAY_LEN(components); i++) {
		fake.class_id = components[i].class_id;
		fake.name = components[i].name;
		fake_device_put(&f->bus, &fake);
	}
	fake.class_id = NETWORK_CARD;
	fake.name = "00000000-1111-2222-3333-444444444444";
	fake_device_put(&f->bus, &fake);
}

static void all_are_visited_in_the_order_of_names(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_int_equal(visit_all(&f), 0);
	assert_int_equal(f.visits, 0);

	put_all(&f);
	assert_int_equal(visit_all(&f), 0);
	assert_int_equal(f.visits, ARRAY_LEN(components));
	for (size_t i = 0; i < ARRAY_LEN(components); i++) {
		assert_int_equal(f.visited[i].component, components[i].component);
		assert_string_equal(f.visited[i].name, components[i].name);
	}
	f.stop_at = 2;
	assert_int_equal(visit_all(&f), 77);
	assert_int_equal(f.visits, 2);
	fixture_done(&f);
}

/* --- as they come and go --- */

static const struct fake_device between = {
	.class_id = "57164f39-9115-4e78-ab55-382f3bd5422d",
	.name = FAKE_HEARTBEAT,
	.relid = 1,
	.override = "uio_hv_generic",
	.state = 2,
	.uio = FAKE_NO_UIO,
};

/* What vmic-bind take does, as the kernel tells it; then the host takes the device away. */
static void take_and_rescind(struct fixture *f)
{
	run_loop(f);
	assert_int_equal(f->told.n, 0); /* what was there before is not told */

	fake_device_change(&f->bus, &between, "unbind");
	run_loop(f);
	assert_int_equal(f->told.n, 1);
	assert_string_equal(f->told.name[0], FAKE_HEARTBEAT);
	assert_string_equal(f->told.device[0].driver, "");

	fake_device_change(&f->bus, &fake_heartbeat_uio, "bind");
	run_loop(f);
	assert_int_equal(f->told.n, 1);
	assert_string_equal(f->told.device[0].driver, "uio_hv_generic");
	assert_string_equal(f->told.device[0].node, "/dev/uio1");

	fake_device_remove(&f->bus, FAKE_HEARTBEAT);
	run_loop(f);
	assert_int_equal(f->told.n, 1);
	assert_true(f->told.gone[0]);

	fake_device_change(&f->bus, &fake_heartbeat, "add");
	run_loop(f);
	assert_int_equal(f->told.n, 1);
	assert_false(f->told.gone[0]);
	assert_string_equal(f->told.device[0].driver, "hv_utils");
}

static void changes_are_told_as_the_kernel_has_them(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fake_device_put(&f.bus, &fake_heartbeat);
	watch(&f);
	assert_string_equal(origin, "kernel");
	assert_int_equal(visit_all(&f), 0);
	take_and_rescind(&f);
	fixture_done(&f);
}

/* Where udevd runs, its events come after its rules, which give the node its permissions. */
static void changes_are_told_as_udevd_has_them(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	udevd_runs = true;
	fake_device_put(&f.bus, &fake_heartbeat);
	watch(&f);
	assert_string_equal(origin, "udev");
	assert_int_equal(visit_all(&f), 0);
	take_and_rescind(&f);
	fixture_done(&f);
}

/* Until udev has written down what it knows of a node, its rules have not been applied. */
static void a_node_that_udev_has_not_seen_says_so(void **state)
{
	struct fixture f;
	struct device is;

	(void)state;
	for (int runs = 0; runs < 2; runs++)
		for (int seen = 0; seen < 2; seen++) {
			fixture_init(&f);
			udevd_runs = runs;
			udev_has_seen = seen;
			fake_device_put(&f.bus, &fake_heartbeat_uio);
			assert_int_equal(devices_read(f.devices, FAKE_HEARTBEAT, &is), 0);
			assert_int_equal(is.awaits_udev, runs && !seen);
			fixture_done(&f);
		}
}

static void others_are_not_told_of(void **state)
{
	struct fake_device card = fake_heartbeat;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	watch(&f);
	card.class_id = NETWORK_CARD;
	card.name = "00000000-1111-2222-3333-444444444444";
	fake_device_change(&f.bus, &card, "add");
	fake_device_change(&f.bus, &card, "bind");
	fake_device_remove(&f.bus, card.name);
	run_loop(&f);
	assert_int_equal(f.told.n, 0);
	fixture_done(&f);
}

/* An event is told late; what it says of the device may be long over. */
static void an_old_event_tells_what_is_now(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fake_device_put(&f.bus, &fake_heartbeat);
	watch(&f);
	assert_int_equal(visit_all(&f), 0);
	fake_device_remove(&f.bus, FAKE_HEARTBEAT);
	fake_device_change(&f.bus, &fake_heartbeat_uio, "add");
	run_loop(&f);
	assert_int_equal(f.told.n, 2);
	for (int i = 0; i < 2; i++) {
		assert_false(f.told.gone[i]);
		assert_string_equal(f.told.device[i].node, "/dev/uio1");
	}
	/* and a going is told once */
	fake_device_remove(&f.bus, FAKE_HEARTBEAT);
	run_loop(&f);
	assert_int_equal(f.told.n, 1);
	fake_device_put(&f.bus, &fake_heartbeat);
	fake_device_remove(&f.bus, FAKE_HEARTBEAT);
	run_loop(&f);
	assert_int_equal(f.told.n, 0);
	fixture_done(&f);
}

/* --- the end of a probe --- */

static bool is_told_probed(struct fixture *f)
{
	run_loop(f);
	assert_int_equal(f->told.n, 1);
	return f->told.device[0].probed;
}

static void bind_says_that_a_probe_is_complete(void **state)
{
	static const char *const others[] = { "add", "change", "move", "online", "unbind" };
	struct fixture f;

	(void)state;
	for (int udev = 0; udev < 2; udev++) {
		fixture_init(&f);
		udevd_runs = udev;
		fake_device_put(&f.bus, &fake_heartbeat_uio);
		watch(&f);
		assert_int_equal(visit_all(&f), 0);
		assert_false(f.visited[0].probed); /* it may be, which nothing shows */
		for (size_t i = 0; i < ARRAY_LEN(others); i++) {
			fake_event(&f.bus, FAKE_HEARTBEAT, others[i]);
			assert_false(is_told_probed(&f));
		}
		fake_event(&f.bus, FAKE_HEARTBEAT, "bind");
		assert_true(is_told_probed(&f));
		events_are_lost = true;
		fake_event(&f.bus, FAKE_HEARTBEAT, "bind");
		assert_false(is_told_probed(&f));
		fixture_done(&f);
	}
}

/* The device that is seen may be another than the event was about. */
static void an_event_that_is_not_the_last_says_nothing(void **state)
{
	static const char *const counts[] = { "999999\n", "0\n", "", "\n", "many\n" };
	char path[FAKE_PATH_SIZE];
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fake_device_put(&f.bus, &fake_heartbeat_uio);
	watch(&f);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		fake_event(&f.bus, FAKE_HEARTBEAT, "bind");
		fake_event_count(&f.bus, counts[i]);
		assert_false(is_told_probed(&f));
	}
	fake_event(&f.bus, FAKE_HEARTBEAT, "bind");
	fake_path(&f.bus, path, "sys/kernel/uevent_seqnum");
	assert_int_equal(unlink(path), 0);
	assert_false(is_told_probed(&f));

	/* two that wait: only the second can be the last */
	fake_event(&f.bus, FAKE_HEARTBEAT, "bind");
	fake_event(&f.bus, FAKE_HEARTBEAT, "bind");
	run_loop(&f);
	assert_int_equal(f.told.n, 2);
	assert_false(f.told.device[0].probed);
	assert_true(f.told.device[1].probed);
	fixture_done(&f);
}

/* "udevadm trigger --action=bind" */
static void an_event_that_a_user_made_says_nothing(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fake_device_put(&f.bus, &fake_heartbeat_uio);
	watch(&f);
	fake_attribute(&f.bus, FAKE_HEARTBEAT, "uevent", "DRIVER=uio_hv_generic\nSYNTH_UUID=0\n");
	fake_event(&f.bus, FAKE_HEARTBEAT, "bind");
	assert_false(is_told_probed(&f));
	fixture_done(&f);
}

/* --- lost events --- */

static void lost_events_are_made_up_for(void **state)
{
	struct fake_device kvp = fake_heartbeat;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	put_all(&f);
	watch(&f);
	assert_int_equal(visit_all(&f), 0);

	/* two go, one gets another driver; the only event that wakes us is lost too */
	fake_device_drop(&f.bus, components[1].name);
	fake_device_drop(&f.bus, components[3].name);
	fake_device_put(&f.bus, &fake_heartbeat_uio);
	kvp.class_id = components[0].class_id;
	kvp.name = components[0].name;
	events_are_lost = true;
	fake_device_change(&f.bus, &kvp, "change");
	run_loop(&f);
	assert_false(events_are_lost);
	assert_int_equal(f.told.n, 6);
	for (unsigned i = 0; i < f.told.n; i++) {
		bool gone = strcmp(f.told.name[i], components[1].name) == 0 ||
			    strcmp(f.told.name[i], components[3].name) == 0;

		assert_int_equal(f.told.gone[i], gone);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(f.told.name[i], f.told.name[k]);
		if (strcmp(f.told.name[i], FAKE_HEARTBEAT) == 0)
			assert_string_equal(f.told.device[i].driver, "uio_hv_generic");
	}
	fixture_done(&f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_without_vmbus_has_none),
		cmocka_unit_test(a_device_is_read_whole),
		cmocka_unit_test(the_override_is_read_where_that_is_asked_for_only),
		cmocka_unit_test(the_override_of_one_that_is_being_unbound_is_not_read),
		cmocka_unit_test(each_device_has_a_node_of_its_own),
		cmocka_unit_test(a_node_is_told_from_another_of_its_name),
		cmocka_unit_test(sizes_are_those_of_the_kernel),
		cmocka_unit_test(what_is_not_there_is_empty),
		cmocka_unit_test(numbers_that_are_none_are_not_guessed),
		cmocka_unit_test(what_is_no_component_is_not_read),
		cmocka_unit_test(all_are_visited_in_the_order_of_names),
		cmocka_unit_test(changes_are_told_as_the_kernel_has_them),
		cmocka_unit_test(changes_are_told_as_udevd_has_them),
		cmocka_unit_test(a_node_that_udev_has_not_seen_says_so),
		cmocka_unit_test(others_are_not_told_of),
		cmocka_unit_test(an_old_event_tells_what_is_now),
		cmocka_unit_test(bind_says_that_a_probe_is_complete),
		cmocka_unit_test(an_event_that_is_not_the_last_says_nothing),
		cmocka_unit_test(an_event_that_a_user_made_says_nothing),
		cmocka_unit_test(lost_events_are_made_up_for),
	};

	(void)argc;
	if (!fake_vmbus_enter("test_device", argv))
		return 0;
	return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
