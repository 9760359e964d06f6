/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The transport over a /sys that libudev reads and nodes that are pseudo terminals: as with uio, four
 * bytes come for an interrupt and go for a signal, and when the other side has gone, reading fails with
 * EIO for ever. Their rings are memory of the test's.
 */
#include "daemon/uio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "daemon/channel.h"
#include "hv_util/heartbeat.h"
#include "hv_util/profile.h"
#include "hv_util/ring.h"
#include "tests/unit/daemon_harness.h"
#include "tests/unit/fake_store.h"
#include "tests/unit/fake_vmbus.h"

#define RINGS 0x4000 /* both */
#define RING (RINGS / 2)
#define MS (SECOND / 1000)
#define RETRY (50 * MS)   /* how often what cannot be opened yet is tried again */
#define SETTLE (250 * MS) /* how old a node must be of which nothing else is known */
#define PERMISSION (SECOND / 4) /* how often what is not permitted yet is tried again, for 10 s */
#define LOCK_PATH "/sys/" FAKE_PARENT "/" FAKE_HEARTBEAT

/* --- nodes --- */

/* What is behind the node that was opened last: the tests have one open at a time, or look at the
 * paths. */
static struct {
	unsigned opens, maps;
	char path[64];
	int fd;   /* the guest's end of the terminal */
	int peer; /* the other end; -1: none */
	void *memory;
	size_t size;
	int open_error, map_error;
	bool is_dead; /* it is no terminal: reading and writing four bytes fail with EINVAL */
	const char *denied; /* this node only */
	bool is_another;    /* than a descriptor that was left is of */
} node;

static void node_hang_up(void)
{
	if (node.peer >= 0)
		(void)close(node.peer);
	node.peer = -1;
}

static int fake_node_open(const char *path)
{
	struct termios raw;
	int fd;

	node.opens++;
	(void)snprintf(node.path, sizeof(node.path), "%s", path);
	if (node.open_error < 0)
		return node.open_error;
	if (node.denied && strcmp(path, node.denied) == 0)
		return -EACCES;
	node_hang_up();
	if (node.is_dead)
		return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(grantpt(fd), 0);
	assert_int_equal(unlockpt(fd), 0);
	/* Its name is in /dev/pts, which umockdev hides. */
	node.peer = ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	assert_true(node.peer >= 0);
	assert_int_equal(tcgetattr(node.peer, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(node.peer, TCSANOW, &raw), 0);
	node.fd = fd;
	return fd;
}

static void *fake_node_map(int fd, size_t size)
{
	(void)fd;
	node.maps++;
	if (node.map_error) {
		errno = node.map_error;
		return MAP_FAILED;
	}
	node.size = size;
	node.memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return node.memory;
}

static bool fake_node_is(int fd, const char *path)
{
	return !node.is_another && isatty(fd) && strcmp(node.path, path) == 0;
}

static const struct uio_node fake_node = { .open = fake_node_open, .map = fake_node_map, .is = fake_node_is };

/* A terminal passes bytes on in its own time. */
static void wait_for(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, 10000), 1);
}

static void interrupt(void)
{
	static const int32_t count = 7;

	assert_int_equal(write(node.peer, &count, sizeof(count)), sizeof(count));
	wait_for(node.fd);
}

/* How many signals have come, each of which is four bytes that say 1. What is behind the last of them
 * says that there are no more. */
static unsigned take_signals(void)
{
	static const int32_t end = 0x7e57;
	unsigned n = 0;
	int32_t value;

	assert_int_equal(write(node.fd, &end, sizeof(end)), sizeof(end));
	for (;; n++) {
		wait_for(node.peer);
		assert_int_equal(read(node.peer, &value, sizeof(value)), sizeof(value));
		if (value == end)
			return n;
		assert_int_equal(value, 1);
	}
}

/* All that are open but eventfds: threads of umockdev's have some, from whenever they get so far. */
static unsigned descriptors_of_ours(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		char target[512] = "";

		if (readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1) > 0)
			n += !strstr(target, "eventfd");
	}
	(void)closedir(d);
	return n;
}

/* Shared anonymous memory, which nothing else here uses. */
static unsigned mapped_rings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned n = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		n += strstr(line, "/dev/zero") != NULL;
	(void)fclose(maps);
	return n;
}

/* Whether somebody holds the lock that vmic-bind takes before it moves the device. */
static bool is_locked(void)
{
	int fd = open(LOCK_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool locked;

	assert_true(fd >= 0);
	locked = flock(fd, LOCK_EX | LOCK_NB) < 0;
	(void)close(fd);
	return locked;
}

static int take_lock(void)
{
	int fd = open(LOCK_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	return fd;
}

/* --- the transport and who listens to it --- */

struct fixture {
	struct fake_vmbus bus;
	sd_event *event;
	struct uio *uio;
	struct port *port[IC_COMPONENTS + 2]; /* as offered last; NULL: released */
	unsigned offered, opened, rescinded, settled, ended;
	int open_error, end_error;
	int answer;       /* to offers */
	bool keeps_quiet; /* opens nothing by itself */
	unsigned descriptors, mapped;
};

static int note_offered(void *user, struct port *port)
{
	struct fixture *f = user;

	f->offered++;
	if (f->answer < 0)
		return f->answer;
	for (size_t i = 0; i < ARRAY_LEN(f->port); i++)
		if (!f->port[i]) {
			f->port[i] = port;
			port->user = f;
			if (!f->keeps_quiet)
				f->open_error = port->ops->open(port);
			return 0;
		}
	fail_msg("too many ports");
	return 0;
}

static bool note_serves(void *user, const struct guid *class_id)
{
	(void)user;
	return memcmp(class_id, &ic_class_ids[IC_HEARTBEAT], sizeof(*class_id)) == 0 ||
	       memcmp(class_id, &ic_class_ids[IC_KVP], sizeof(*class_id)) == 0;
}

static void note_opened(void *user, struct port *port, int error)
{
	struct fixture *f = user;

	(void)port;
	f->opened++;
	f->open_error = error;
}

static void note_rescinded(void *user, struct port *port)
{
	struct fixture *f = user;

	f->rescinded++;
	for (size_t i = 0; i < ARRAY_LEN(f->port); i++)
		if (f->port[i] == port)
			f->port[i] = NULL;
	port->ops->release(port);
}

static void note_settled(void *user)
{
	struct fixture *f = user;

	f->settled++;
}

static void note_ended(void *user, int error)
{
	struct fixture *f = user;

	f->ended++;
	f->end_error = error;
}

static const struct transport_events noting = {
	.offered = note_offered,
	.serves = note_serves,
	.opened = note_opened,
	.rescinded = note_rescinded,
	.settled = note_settled,
	.ended = note_ended,
};

static struct fake_device heartbeat_uio(void)
{
	struct fake_device d = fake_heartbeat_uio;

	d.map[0] = RINGS;
	return d;
}

static const struct fake_device kvp_uio = {
	.class_id = "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6",
	.name = "242ff919-07db-4180-9c2e-b86cb68c8c55",
	.relid = 4,
	.driver = "uio_hv_generic",
	.state = 2,
	.uio = 4,
	.map = { RINGS },
};

static void node_reset(void)
{
	node_hang_up();
	memset(&node, 0, sizeof(node));
	node.peer = -1;
}

/* The bus; the transport is not there yet. */
static void fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	node_reset();
	time_reset();
	logged_clear();
	f->bus = fake_vmbus_new();
	f->descriptors = descriptors_of_ours();
	f->mapped = mapped_rings();
	assert_int_equal(sd_event_new(&f->event), 0);
}

static void start(struct fixture *f)
{
	assert_int_equal(uio_new(f->event, &recording_log, NULL, &fake_node, &noting, f, &f->uio), 0);
	assert_int_equal(f->offered, 0); /* offers come from the loop */
	run_loop(f->event);
	pass_time(f->event, SETTLE);
}

/* With one device that was there before, and is open now. */
static void fixture_init_open(struct fixture *f)
{
	const struct fake_device d = heartbeat_uio();

	fixture_init(f);
	fake_device_put(&f->bus, &d);
	start(f);
	assert_int_equal(f->opened, 1);
	assert_int_equal(f->open_error, 0);
	assert_non_null(f->port[0]);
}

static void fixture_done(struct fixture *f)
{
	f->uio = uio_free(f->uio);
	f->event = sd_event_unref(f->event);
	node_hang_up();
	assert_int_equal(descriptors_of_ours(), f->descriptors);
	assert_int_equal(mapped_rings(), f->mapped);
	fake_vmbus_done(&f->bus);
}

/* --- what is offered --- */

static void a_machine_without_vmbus_is_said_to_be_one(void **state)
{
	struct uio *untouched = (struct uio *)&node, *uio = untouched;
	struct fixture f;
	char path[FAKE_PATH_SIZE];

	(void)state;
	fixture_init(&f);
	fake_path(&f.bus, path, "sys/bus/vmbus");
	fake_remove_tree(path);
	assert_int_equal(uio_new(f.event, &recording_log, NULL, &fake_node, &noting, &f, &uio), -ENODEV);
	assert_ptr_equal(uio, untouched);
	fixture_done(&f);
}

static void a_device_is_offered_and_opened(void **state)
{
	static const size_t sizes[] = { 0x4000, 0xa000, 0x400000 };
	struct guid instance;

	(void)state;
	assert_int_equal(guid_parse(FAKE_HEARTBEAT, &instance), 0);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct fake_device d = heartbeat_uio();
		struct fixture f;
		struct port *p;

		fixture_init(&f);
		d.map[0] = sizes[i];
		d.relid = 17;
		fake_device_put(&f.bus, &d);
		start(&f);
		p = f.port[0];
		assert_int_equal(f.offered, 1);
		assert_int_equal(f.opened, 1);
		assert_int_equal(p->relid, 17);
		assert_memory_equal(&p->class_id, &ic_class_ids[IC_HEARTBEAT], sizeof(p->class_id));
		assert_memory_equal(&p->instance_id, &instance, sizeof(instance));
		assert_string_equal(node.path, "/dev/uio1");
		assert_int_equal(node.size, sizes[i]);
		assert_ptr_equal(p->memory, node.memory);
		assert_int_equal(p->ring_size, sizes[i] / 2);
		assert_string_equal(p->why, "");
		assert_true(p->look_usec > 0);
		fixture_done(&f);
	}
}

static void a_port_can_be_closed_and_opened_again(void **state)
{
	struct fixture f;
	struct port *p;

	(void)state;
	fixture_init_open(&f);
	p = f.port[0];
	for (unsigned i = 2; i < 10; i++) {
		p->ops->close(p);
		assert_null(p->memory);
		assert_int_equal(p->interrupt_fd, -1);
		assert_false(is_locked());
		assert_int_equal(mapped_rings(), f.mapped);
		p->ops->close(p); /* no harm */
		assert_int_equal(p->ops->open(p), 0);
		assert_int_equal(f.opened, i);
		assert_true(is_locked());
	}
	fixture_done(&f);
}

static void what_nobody_takes_is_not_opened(void **state)
{
	const struct fake_device d = heartbeat_uio();
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.answer = -ENOENT;
	fake_device_put(&f.bus, &d);
	start(&f);
	assert_int_equal(f.offered, 1);
	assert_int_equal(node.opens, 0);
	assert_false(is_locked());
	fake_device_remove(&f.bus, FAKE_HEARTBEAT);
	run_loop(f.event);
	assert_int_equal(f.rescinded, 0);
	fixture_done(&f);
}

static void sizes_that_cannot_be_are_refused(void **state)
{
	static const size_t bad[] = { 0, 0x1000, 0x2000, 0x3000, 0x4800, 0x4001, 0x5000, (64u << 20) + 0x2000,
				      SIZE_MAX, SIZE_MAX & ~(size_t)0x1fff };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct fake_device d = heartbeat_uio();
		struct fixture f;

		fixture_init(&f);
		d.map[0] = bad[i];
		fake_device_put(&f.bus, &d);
		start(&f);
		assert_int_equal(f.open_error, -EINVAL);
		assert_non_null(strstr(f.port[0]->why, "/dev/uio1 has rings of "));
		assert_int_equal(node.opens, 0);
		assert_false(is_locked());
		fixture_done(&f);
	}
}

/* --- what cannot be had --- */

static void who_has_a_device_is_said_once(void **state)
{
	struct fake_device with = fake_heartbeat, without = fake_heartbeat;
	struct fake_device d = heartbeat_uio();
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fake_device_put(&f.bus, &with);
	with.class_id = "0e0b6031-5213-4934-818b-38d90ced39db"; /* nobody wants it */
	with.name = "b6650ff7-33bc-4840-8048-e0676786f393";
	fake_device_put(&f.bus, &with);
	start(&f);
	assert_int_equal(f.offered, 0);
	(void)logged_one(LOG_INFO, "Heartbeat: its device belongs to hv_utils; 'vmic-bind take heartbeat' "
				   "hands it over, or says why it cannot");
	assert_int_equal(logged_count(LOG_INFO, "its device"), 1);
	assert_int_equal(logged_count(LOG_INFO, "Route=hv_utils"), 0); /* that is for key-value pairs */
	fake_device_change(&f.bus, &fake_heartbeat, "change");
	run_loop(f.event);
	assert_int_equal(logged_count(LOG_INFO, "Heartbeat"), 1);

	/* on its way it has no driver for a moment: no news; and then it is taken */
	without.driver = NULL;
	fake_device_change(&f.bus, &without, "unbind");
	run_loop(f.event);
	assert_int_equal(logged_count(LOG_INFO, "Heartbeat"), 1);
	fake_device_change(&f.bus, &d, "bind");
	run_loop(f.event);
	assert_int_equal(f.opened, 1);

	/* after which it is worth a line again */
	fake_device_change(&f.bus, &fake_heartbeat, "bind");
	run_loop(f.event);
	assert_int_equal(f.rescinded, 1);
	assert_int_equal(logged_count(LOG_INFO, "belongs to hv_utils"), 2);
	fixture_done(&f);
}

/* Where nothing is ours, and key-value pairs are wanted: not when they are served in another way. */
static void the_way_behind_the_driver_is_told(void **state)
{
	struct fake_device d = heartbeat_uio(), kvp = kvp_uio;

	(void)state;
	kvp.driver = "hv_utils";
	kvp.uio = FAKE_NO_UIO;
	for (int ours = 0; ours < 2; ours++) {
		struct fixture f;

		fixture_init(&f);
		fake_device_put(&f.bus, ours ? &d : &fake_heartbeat);
		fake_device_put(&f.bus, &kvp);
		start(&f);
		(void)logged_one(LOG_INFO, "KVP: its device belongs to hv_utils; 'vmic-bind take kvp' hands it over, or says "
					   "why it cannot; where it cannot, [KVP] Route=hv_utils serves");
		assert_int_equal(logged_count(LOG_NOTICE, "key-value pairs, behind that driver ([KVP] "
							  "Route=hv_utils)"), !ours);
		fixture_done(&f);
	}
}

/* Linux before 6.10: the driver's probe fails, and the override stays. */
static void a_device_that_uio_did_not_take_is_said_at_the_start(void **state)
{
	struct fake_device d = heartbeat_uio();
	struct fixture f;

	(void)state;
	fixture_init(&f);
	d.driver = NULL;
	d.uio = FAKE_NO_UIO;
	fake_device_put(&f.bus, &d);
	start(&f);
	(void)logged_one(LOG_INFO, "Heartbeat: no driver has its device; the kernel's log may say why, and "
				   "'vmic-bind give-back' returns it to hv_utils");
	(void)logged_one(LOG_DEBUG, "KVP: there is no device");
	assert_int_equal(f.offered, 0);
	assert_int_equal(f.ended, 0);
	fixture_done(&f);
}

/* The driver is there before its probe is over. */
static void a_device_without_a_node_is_waited_for(void **state)
{
	struct fake_device d = heartbeat_uio();
	struct fixture f;

	(void)state;
	fixture_init(&f);
	d.uio = FAKE_NO_UIO;
	fake_device_put(&f.bus, &d);
	start(&f);
	assert_int_equal(f.offered, 0);
	assert_int_equal(logged_count(LOG_INFO, ""), 0);
	d = heartbeat_uio();
	fake_device_change(&f.bus, &d, "bind");
	run_loop(f.event);
	assert_int_equal(f.opened, 1);
	fixture_done(&f);
}

static void a_node_that_another_program_has_open_is_left_alone(void **state)
{
	struct fake_device d = heartbeat_uio();
	struct fixture f;

	(void)state;
	fixture_init(&f);
	d.state = 3;
	fake_device_put(&f.bus, &d);
	start(&f);
	assert_int_equal(f.open_error, -EBUSY);
	assert_string_equal(f.port[0]->why, "another program has /dev/uio1 open");
	assert_int_equal(node.opens, 0);
	assert_false(is_locked());

	fake_attribute(&f.bus, FAKE_HEARTBEAT, "state", "2\n");
	assert_int_equal(f.port[0]->ops->open(f.port[0]), 0);
	assert_int_equal(f.opened, 1);
	fixture_done(&f);
}

/* Opened anew, the port is what the device is then: another number, another size. */
static void a_port_that_opens_looks_at_the_device_again(void **state)
{
	struct fake_device d = heartbeat_uio();
	struct fixture f;

	(void)state;
	fixture_init_open(&f);
	f.port[0]->ops->close(f.port[0]);
	d.relid = 40;
	d.uio = 9;
	d.map[0] = 2 * RINGS;
	fake_device_put(&f.bus, &d);
	assert_int_equal(f.port[0]->ops->open(f.port[0]), 0);
	pass_time(f.event, SETTLE);
	assert_int_equal(f.port[0]->relid, 40);
	assert_string_equal(node.path, "/dev/uio9");
	assert_int_equal(f.port[0]->ring_size, RINGS);

	f.port[0]->ops->close(f.port[0]);
	fake_device_put(&f.bus, &fake_heartbeat);
	assert_int_equal(f.port[0]->ops->open(f.port[0]), -ENODEV);
	assert_string_equal(f.port[0]->why, "its device is no longer with uio_hv_generic");
	fake_device_drop(&f.bus, FAKE_HEARTBEAT);
	assert_true(f.port[0]->ops->open(f.port[0]) < 0);
	assert_string_equal(f.port[0]->why, "its device has gone");
	fixture_done(&f);
}

static void what_the_system_refuses_is_said(void **state)
{
	struct fixture f;
	struct port *p;

	(void)state;
	fixture_init_open(&f);
	p = f.port[0];
	p->ops->close(p);
	node.open_error = -EIO;
	assert_int_equal(p->ops->open(p), -EIO);
	assert_string_equal(p->why, "cannot open /dev/uio1: Input/output error");
	assert_false(is_locked());
	node.open_error = 0;
	node.map_error = ENOMEM;
	assert_int_equal(p->ops->open(p), -ENOMEM);
	assert_string_equal(p->why, "cannot map /dev/uio1: Cannot allocate memory");
	assert_false(is_locked());
	assert_int_equal(p->interrupt_fd, -1);
	node.map_error = 0;
	assert_int_equal(p->ops->open(p), 0);
	assert_string_equal(p->why, "");
	fixture_done(&f);
}

static void without_permission_for_any_it_ends(void **state)
{
	static const int denials[] = { -EACCES, -EPERM };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(denials); i++) {
		const struct fake_device d = heartbeat_uio();
		struct fixture f;

		fixture_init(&f);
		node.open_error = denials[i];
		fake_device_put(&f.bus, &d);
		fake_device_put(&f.bus, &kvp_uio);
		start(&f);
		assert_int_equal(f.offered, 2);
		assert_int_equal(f.opened, 0);
		/* said at once */
		logged_one(LOG_WARNING, ": not permitted to open /dev/uio");
		for (unsigned passed = 0; passed < 39; passed++)
			pass_time(f.event, PERMISSION);
		assert_int_equal(f.opened + f.settled + f.ended, 0);
		pass_time(f.event, PERMISSION);
		assert_int_equal(f.opened, 2);
		assert_int_equal(f.open_error, denials[i]);
		assert_string_equal(f.port[1]->why,
				    "not permitted to open /dev/uio1 (be root, or give this user access to it)");
		assert_int_equal(logged_count(LOG_WARNING, "not permitted"), 1); /* the rest is its channel's */
		assert_int_equal(f.ended, 1);
		assert_int_equal(f.end_error, -EACCES);
		fixture_done(&f);
	}
}

/* udev sets modes in its own time, and tells of each device when it has. */
static void permission_that_comes_later_is_in_time(void **state)
{
	(void)state;
	for (int told = 0; told < 2; told++) {
		const struct fake_device d = heartbeat_uio();
		struct fixture f;

		fixture_init(&f);
		node.open_error = -EACCES;
		fake_device_put(&f.bus, &d);
		start(&f);
		for (unsigned passed = 0; passed < 30; passed++)
			pass_time(f.event, PERMISSION);
		assert_int_equal(f.opened + f.settled + f.ended, 0);
		node.open_error = 0;
		if (told) {
			fake_event(&f.bus, d.name, "bind");
			run_loop(f.event);
			pass_time(f.event, 1);
		} else {
			pass_time(f.event, PERMISSION);
		}
		assert_int_equal(f.opened, 1);
		assert_int_equal(f.open_error, 0);
		assert_int_equal(f.settled, 1);
		assert_int_equal(f.ended, 0);
		fixture_done(&f);
	}
}

static void without_permission_for_one_it_serves_the_other(void **state)
{
	const struct fake_device d = heartbeat_uio();
	struct fixture f;

	(void)state;
	fixture_init(&f);
	node.denied = "/dev/uio1";
	fake_device_put(&f.bus, &d);
	fake_device_put(&f.bus, &kvp_uio);
	start(&f);
	assert_int_equal(f.offered, 2);
	pass_time(f.event, PERMISSION); /* and nobody waits for long */
	assert_int_equal(f.opened, 2);
	assert_int_equal(f.settled, 1);
	assert_string_equal(f.port[0]->why, "");
	assert_non_null(f.port[0]->memory);
	assert_non_null(strstr(f.port[1]->why, "not permitted"));
	assert_int_equal(f.ended, 0);
	fixture_done(&f);
}

/* Nothing is said of permissions before all have been tried. */
static void one_that_is_waited_for_may_still_be_had(void **state)
{
	static const struct {
		bool comes, denied;
		unsigned ended;
	} ways[] = { { true, false, 0 }, { true, true, 1 }, { false, false, 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		const struct fake_device d = heartbeat_uio();
		struct fixture f;
		int lock;

		fixture_init(&f);
		node.denied = "/dev/uio4";
		fake_device_put(&f.bus, &d);
		fake_device_put(&f.bus, &kvp_uio);
		lock = take_lock();
		start(&f);
		assert_int_equal(f.opened, 0);
		assert_int_equal(f.ended, 0);
		if (ways[i].denied)
			node.open_error = -EACCES;
		if (!ways[i].comes)
			fake_device_remove(&f.bus, FAKE_HEARTBEAT);
		(void)close(lock);
		run_loop(f.event);
		if (!ways[i].comes) {
			fake_time.n = 0; /* its timer has gone with it; the other one is set anew */
			fake_event(&f.bus, kvp_uio.name, "bind");
			run_loop(f.event);
		}
		for (unsigned passed = 0; passed < 40; passed++)
			pass_time(f.event, PERMISSION);
		assert_int_equal(f.opened, ways[i].comes ? 2 : 1);
		assert_int_equal(f.ended, ways[i].ended);
		assert_int_equal(f.settled, !ways[i].ended);
		fixture_done(&f);
	}
}

/* What comes later is no reason to end. */
/* Told once, and not while something may still be opened. */
static void the_end_of_the_beginning_is_told(void **state)
{
	const struct fake_device d = heartbeat_uio();
	struct fixture f;
	int lock;

	(void)state;
	fixture_init(&f);
	assert_int_equal(uio_new(f.event, &recording_log, NULL, &fake_node, &noting, &f, &f.uio), 0);
	assert_int_equal(f.settled, 0);
	run_loop(f.event);
	assert_int_equal(f.settled, 1); /* there is nothing */
	fixture_done(&f);

	fixture_init(&f);
	fake_device_put(&f.bus, &d);
	assert_int_equal(uio_new(f.event, &recording_log, NULL, &fake_node, &noting, &f, &f.uio), 0);
	run_loop(f.event);
	assert_int_equal(f.settled, 0);
	pass_time(f.event, SETTLE);
	assert_int_equal(f.opened, 1);
	assert_int_equal(f.settled, 1);
	f.port[0]->ops->close(f.port[0]);
	assert_int_equal(f.port[0]->ops->open(f.port[0]), 0);
	fake_device_put(&f.bus, &kvp_uio);
	fake_event(&f.bus, kvp_uio.name, "bind");
	run_loop(f.event);
	pass_time(f.event, SETTLE);
	assert_int_equal(f.settled, 1);
	fixture_done(&f);

	fixture_init(&f);
	fake_device_put(&f.bus, &d);
	lock = take_lock();
	start(&f);
	for (unsigned i = 0; i < 50; i++)
		pass_time(f.event, RETRY);
	assert_int_equal(f.opened, 1);
	assert_int_equal(f.open_error, -EWOULDBLOCK);
	assert_int_equal(f.settled, 1);
	(void)close(lock);
	fixture_done(&f);
}

static void permissions_are_judged_in_the_beginning_only(void **state)
{
	const struct fake_device d = heartbeat_uio();
	struct fixture f;

	(void)state;
	for (int first = 0; first < 2; first++) {
		fixture_init(&f);
		if (first)
			fake_device_put(&f.bus, &kvp_uio);
		start(&f);
		if (first) /* it was opened, whatever has become of it */
			f.port[0]->ops->close(f.port[0]);
		node.open_error = -EACCES;
		fake_device_change(&f.bus, &d, "change");
		run_loop(f.event);
		pass_time(f.event, SETTLE);
		assert_int_equal(f.open_error, -EACCES);
		assert_int_equal(f.ended, 0);
		fixture_done(&f);
	}
}

/* --- nodes that have just appeared --- */

/* Lets so much time pass as the loop would: no timer is late. Nothing is opened meanwhile. */
static void pass_in_vain(struct fixture *f, uint64_t usec)
{
	unsigned opens = node.opens;

	for (uint64_t passed = 0; passed < usec; passed += RETRY)
		pass_time(f->event, RETRY);
	assert_int_equal(node.opens, opens);
}

/* The transport is there, and a device with a node comes. */
static void fixture_init_coming(struct fixture *f, const char *action)
{
	const struct fake_device d = heartbeat_uio();

	fixture_init(f);
	start(f);
	fake_device_change(&f->bus, &d, action);
}

static void what_was_there_before_is_given_time(void **state)
{
	const struct fake_device d = heartbeat_uio();
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fake_device_put(&f.bus, &d);
	assert_int_equal(uio_new(f.event, &recording_log, NULL, &fake_node, &noting, &f, &f.uio), 0);
	run_loop(f.event);
	assert_int_equal(f.offered, 1);
	assert_int_equal(f.open_error, 0);
	assert_int_equal(fake_time.timer[0].due, fake_time.now + SETTLE); /* and is not looked at before */
	pass_in_vain(&f, SETTLE - RETRY);
	assert_false(is_locked()); /* vmic-bind may want it back */
	pass_time(f.event, RETRY);
	assert_int_equal(f.opened, 1);
	assert_int_equal(f.open_error, 0);
	fixture_done(&f);
}

static void the_end_of_its_probe_is_enough(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init_coming(&f, "bind");
	run_loop(f.event);
	assert_int_equal(f.opened, 1);
	fixture_done(&f);

	/* while it is being given time */
	fixture_init_coming(&f, "add");
	run_loop(f.event);
	pass_in_vain(&f, 2 * RETRY);
	fake_event(&f.bus, FAKE_HEARTBEAT, "bind");
	run_loop(f.event);
	pass_time(f.event, 0);
	assert_int_equal(f.opened, 1);
	fixture_done(&f);
}

/* "udevadm trigger", and what else a device is told of. */
static void other_events_neither_help_nor_harm(void **state)
{
	static const char *const actions[] = { "add", "change", "online", "bind" };
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		fixture_init_coming(&f, "add");
		run_loop(f.event);
		for (uint64_t passed = RETRY; passed < SETTLE; passed += RETRY) {
			fake_event(&f.bus, FAKE_HEARTBEAT, actions[i]);
			fake_event_count(&f.bus, "999999\n"); /* an old one, therefore */
			run_loop(f.event);
			assert_int_equal(fake_time.timer[0].due, TIME_BEGINS + 2 * SETTLE);
			pass_in_vain(&f, RETRY);
		}
		pass_time(f.event, RETRY);
		assert_int_equal(f.opened, 1);
		fixture_done(&f);
	}
}

/* Whether its going and coming was told or not, and even if what is told last is the end of a probe: of
 * the one that was there before. */
static void each_node_has_its_own_time(void **state)
{
	static const char *const told[] = { "", "ra", "a", "b", "c" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		const struct fake_device d = heartbeat_uio();
		struct fixture f;

		fixture_init_coming(&f, "add");
		run_loop(f.event);
		pass_in_vain(&f, SETTLE - RETRY);
		fake_device_drop(&f.bus, FAKE_HEARTBEAT);
		fake_device_put(&f.bus, &d);
		for (const char *c = told[i]; *c; c++)
			fake_event(&f.bus, FAKE_HEARTBEAT, *c == 'r' ? "remove" : *c == 'a' ? "add" :
							   *c == 'b' ? "bind" : "change");
		fake_event_count(&f.bus, "999999\n");
		run_loop(f.event);
		if (told[i][0] == '\0') /* it shows when it is looked at */
			pass_in_vain(&f, RETRY);
		pass_in_vain(&f, SETTLE - RETRY);
		pass_time(f.event, RETRY);
		assert_int_equal(f.opened, 1);
		fixture_done(&f);
	}
}

/* The time for the lock passes for the node as well. */
static void a_node_gets_older_while_its_device_is_locked(void **state)
{
	struct fixture f;
	int lock;

	(void)state;
	fixture_init_coming(&f, "add");
	lock = take_lock();
	run_loop(f.event);
	pass_in_vain(&f, SECOND);
	(void)close(lock);
	pass_time(f.event, RETRY);
	assert_int_equal(f.opened, 1);
	fixture_done(&f);
}

/* --- the lock --- */

/* The event that vmic-bind has bound it comes before vmic-bind lets go. */
static void a_lock_that_is_held_shortly_is_waited_for(void **state)
{
	const struct fake_device d = heartbeat_uio();
	struct fixture f;
	int lock;

	(void)state;
	fixture_init(&f);
	fake_device_put(&f.bus, &d);
	lock = take_lock();
	start(&f);
	assert_int_equal(f.offered, 1);
	assert_int_equal(f.open_error, 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(fake_time.timer[0].due, fake_time.now + RETRY);
		pass_time(f.event, 100 * MS);
	}
	assert_int_equal(f.opened, 0);
	assert_int_equal(node.opens, 0);
	(void)close(lock);
	pass_time(f.event, 100 * MS);
	assert_int_equal(f.opened, 1);
	assert_int_equal(f.open_error, 0);
	assert_true(is_locked());
	fixture_done(&f);
}

static void a_second_daemon_is_refused(void **state)
{
	struct fixture f, second;

	(void)state;
	fixture_init_open(&f);
	memset(&second, 0, sizeof(second));
	assert_int_equal(uio_new(f.event, &recording_log, NULL, &fake_node, &noting, &second, &second.uio), 0);
	run_loop(f.event);
	assert_int_equal(second.offered, 1);
	for (int i = 0; i < 60; i++)
		pass_time(f.event, 50 * MS);
	assert_int_equal(second.opened, 1);
	assert_int_equal(second.open_error, -EAGAIN);
	assert_string_equal(second.port[0]->why, "vmic-bind is moving its device, or another vmicd has it");
	assert_int_equal(node.opens, 1);

	/* asked again later, it is told again, and has it when the first is gone */
	assert_int_equal(second.port[0]->ops->open(second.port[0]), 0);
	for (int i = 0; i < 60; i++)
		pass_time(f.event, 50 * MS);
	assert_int_equal(second.opened, 2);
	assert_int_equal(second.open_error, -EAGAIN);
	assert_int_equal(second.port[0]->ops->open(second.port[0]), 0);
	f.uio = uio_free(f.uio);
	pass_time(f.event, 100 * MS);
	assert_int_equal(second.opened, 3);
	assert_int_equal(second.open_error, 0);
	assert_int_equal(node.opens, 2);
	second.uio = uio_free(second.uio);
	fixture_done(&f);
}

static void a_wait_for_the_lock_ends_with_the_port(void **state)
{
	const struct fake_device d = heartbeat_uio();
	struct fixture f;
	int lock;

	(void)state;
	for (int how = 0; how < 3; how++) {
		fixture_init(&f);
		fake_device_put(&f.bus, &d);
		lock = take_lock();
		start(&f);
		if (how == 0)
			f.port[0]->ops->close(f.port[0]);
		else if (how == 1)
			fake_device_remove(&f.bus, FAKE_HEARTBEAT);
		else
			f.uio = uio_free(f.uio);
		run_loop(f.event);
		(void)close(lock);
		assert_int_equal(f.rescinded, how == 1);
		if (how == 0)
			pass_time(f.event, SECOND);
		assert_int_equal(f.opened, 0);
		assert_int_equal(node.opens, 0);
		fixture_done(&f);
	}
}

/* --- signals and interrupts --- */

static void signals_and_interrupts_are_four_bytes(void **state)
{
	struct fixture f;
	struct port *p;

	(void)state;
	fixture_init_open(&f);
	p = f.port[0];
	assert_int_equal(p->ops->acknowledge(p), 0); /* with nothing to take */
	for (int i = 0; i < 5; i++) {
		assert_int_equal(p->ops->signal(p), 0);
		assert_int_equal(take_signals(), 1);
		interrupt();
		assert_int_equal(p->ops->acknowledge(p), 0);
	}
	assert_int_equal(read(p->interrupt_fd, &(char){ 0 }, 1), -1);
	assert_int_equal(errno, EAGAIN);
	fixture_done(&f);
}

/* --- devices that go and come back --- */

static void a_device_that_is_gone_is_rescinded(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init_open(&f);
	node_hang_up();
	assert_int_equal(f.port[0]->ops->acknowledge(f.port[0]), 1);
	assert_int_equal(f.port[0]->ops->acknowledge(f.port[0]), 1);
	assert_int_equal(f.port[0]->ops->signal(f.port[0]), 1); /* nobody is there to be told */
	assert_int_equal(f.rescinded, 0); /* from the loop only */
	run_loop(f.event);
	assert_int_equal(f.rescinded, 1);
	assert_int_equal(mapped_rings(), f.mapped);
	assert_false(is_locked());
	/* The device is still there, about to go: it is not opened once more. */
	assert_int_equal(f.offered, 1);
	assert_int_equal(node.opens, 1);

	fake_device_remove(&f.bus, FAKE_HEARTBEAT);
	run_loop(f.event);
	assert_int_equal(f.rescinded, 1);
	fixture_done(&f);
}

/* Linux 6.12 and 7.3 refuse a signal to a device that has gone with EINVAL. */
static void a_signal_that_is_refused_says_so_too(void **state)
{
	const struct fake_device d = heartbeat_uio();
	struct fixture f;

	(void)state;
	fixture_init(&f);
	node.is_dead = true;
	fake_device_put(&f.bus, &d);
	start(&f);
	assert_int_equal(f.port[0]->ops->signal(f.port[0]), 1);
	assert_int_equal(f.port[0]->ops->acknowledge(f.port[0]), 1);
	assert_int_equal(f.rescinded, 0);
	run_loop(f.event);
	assert_int_equal(f.rescinded, 1);
	fixture_done(&f);
}

/* Reading four bytes has no reason to fail otherwise. */
static void an_interrupt_that_cannot_be_read_is_an_error(void **state)
{
	const struct fake_device d = heartbeat_uio();
	struct fixture f;

	(void)state;
	fixture_init(&f);
	node.is_dead = true;
	fake_device_put(&f.bus, &d);
	start(&f);
	assert_int_equal(f.port[0]->ops->acknowledge(f.port[0]), -EINVAL);
	run_loop(f.event);
	assert_int_equal(f.rescinded, 0);
	fixture_done(&f);
}

/* The order in which a rescind and the new offer become known: the node, the old device, the new one. */
static void a_device_that_is_offered_anew_is_taken_again(void **state)
{
	static const char *const orders[] = {
		"nrab", "rnab", "ranb", "rabn", "rab", /* nobody looked at the old node */
	};

	(void)state;
	for (size_t o = 0; o < ARRAY_LEN(orders); o++)
		for (int each = 0; each < 2; each++) {
			struct fake_device d = heartbeat_uio(), added = fake_heartbeat;
			struct port *old;
			struct fixture f;

			fixture_init_open(&f);
			old = f.port[0];
			node_hang_up();
			added.driver = NULL;
			added.state = 2;
			d.relid = 30;
			for (const char *c = orders[o]; *c; c++) {
				if (*c == 'n' && f.port[0] == old && f.rescinded == 0)
					assert_int_equal(old->ops->acknowledge(old), 1);
				else if (*c == 'r')
					fake_device_remove(&f.bus, FAKE_HEARTBEAT);
				else if (*c == 'a')
					fake_device_change(&f.bus, &added, "add");
				else if (*c == 'b')
					fake_device_change(&f.bus, &d, "bind");
				if (each)
					run_loop(f.event);
			}
			run_loop(f.event);
			pass_time(f.event, 0);
			assert_int_equal(f.rescinded, 1);
			assert_int_equal(f.opened, 2);
			assert_int_equal(f.open_error, 0);
			assert_int_equal(f.port[0]->relid, 30);
			assert_int_equal(node.opens, 2);
			assert_int_equal(f.port[0]->ops->acknowledge(f.port[0]), 0);
			fixture_done(&f);
		}
}

/* A host may offer what it likes under a name: another component, even. */
static void a_device_that_becomes_another_component_is_another(void **state)
{
	static const char *const told[] = { "", "remove", "add" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		struct fake_device d = heartbeat_uio();
		struct fixture f;

		fixture_init_open(&f);
		f.port[0]->ops->close(f.port[0]);
		fake_device_drop(&f.bus, FAKE_HEARTBEAT);
		d.class_id = kvp_uio.class_id;
		fake_device_put(&f.bus, &d);
		if (told[i][0])
			fake_event(&f.bus, FAKE_HEARTBEAT, told[i]);
		else
			assert_int_equal(f.port[0]->ops->open(f.port[0]), -ENODEV);
		run_loop(f.event);
		assert_int_equal(node.opens, 1);
		if (!told[i][0]) { /* then it is told after all */
			fake_event(&f.bus, FAKE_HEARTBEAT, "change");
			run_loop(f.event);
		}
		assert_int_equal(f.rescinded, 1);
		assert_int_equal(f.offered, 2);
		assert_memory_equal(&f.port[0]->class_id, &ic_class_ids[IC_KVP], sizeof(f.port[0]->class_id));
		fake_device_remove(&f.bus, FAKE_HEARTBEAT);
		run_loop(f.event);
		assert_int_equal(f.rescinded, 2);
		assert_null(f.port[0]);
		fixture_done(&f);
	}
}

static void a_second_device_of_a_component_waits_for_the_first(void **state)
{
	struct fake_device first = heartbeat_uio(), second = heartbeat_uio();
	struct fixture f;

	(void)state;
	fixture_init(&f);
	second.name = "ffffffff-82e0-4a7d-afa6-2a4166cbd7c0";
	second.relid = 60;
	second.uio = 6;
	fake_device_put(&f.bus, &first);
	fake_device_put(&f.bus, &second);
	fake_device_put(&f.bus, &kvp_uio);
	start(&f);
	assert_int_equal(f.offered, 2);
	assert_int_equal(node.opens, 2);
	assert_string_equal(node.path, "/dev/uio1");

	fake_device_change(&f.bus, &second, "change");
	run_loop(f.event);
	assert_int_equal(f.offered, 2);
	fake_device_remove(&f.bus, FAKE_HEARTBEAT);
	run_loop(f.event);
	assert_int_equal(f.rescinded, 1);
	assert_int_equal(f.offered, 3);
	pass_time(f.event, SETTLE);
	assert_int_equal(f.opened, 3);
	assert_string_equal(node.path, "/dev/uio6");

	/* the first comes back, and waits now in its turn */
	fake_device_change(&f.bus, &first, "bind");
	run_loop(f.event);
	assert_int_equal(f.offered, 3);
	fake_device_remove(&f.bus, second.name);
	run_loop(f.event);
	pass_time(f.event, SETTLE);
	assert_int_equal(f.opened, 4);
	assert_string_equal(node.path, "/dev/uio1");
	fixture_done(&f);
}

/* Nobody should; vmic-bind waits until the node is closed. */
static void a_device_that_is_unbound_is_let_go(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init_open(&f);
	fake_device_change(&f.bus, &fake_heartbeat, "unbind");
	run_loop(f.event);
	assert_int_equal(f.rescinded, 1);
	assert_int_equal(mapped_rings(), f.mapped);
	assert_false(is_locked());
	fixture_done(&f);
}

/* A closed port is no reason to do anything: its channel opens it again by itself. */
static void a_closed_port_stays_while_its_device_does(void **state)
{
	const struct fake_device d = heartbeat_uio();
	struct fixture f;

	(void)state;
	fixture_init_open(&f);
	f.port[0]->ops->close(f.port[0]);
	fake_device_change(&f.bus, &d, "change");
	fake_device_change(&f.bus, &d, "bind");
	run_loop(f.event);
	pass_time(f.event, 0);
	assert_int_equal(f.rescinded, 0);
	assert_int_equal(f.offered, 1);
	assert_int_equal(node.opens, 1);
	fake_device_remove(&f.bus, FAKE_HEARTBEAT);
	run_loop(f.event);
	assert_int_equal(f.rescinded, 1);
	fixture_done(&f);
}

static void nothing_is_left_of_two_hundred_devices(void **state)
{
	const struct fake_device d = heartbeat_uio();
	unsigned descriptors;
	struct fixture f;

	(void)state;
	fixture_init_open(&f);
	descriptors = descriptors_of_ours();
	for (unsigned i = 1; i <= 200; i++) {
		node_hang_up();
		if (i & 1) {
			assert_int_equal(f.port[0]->ops->acknowledge(f.port[0]), 1);
			run_loop(f.event);
		}
		fake_device_remove(&f.bus, FAKE_HEARTBEAT);
		if (i & 2)
			run_loop(f.event);
		fake_device_change(&f.bus, &d, "bind");
		run_loop(f.event);
		pass_time(f.event, 0);
		assert_int_equal(f.rescinded, i);
		assert_int_equal(f.opened, i + 1);
		assert_int_equal(descriptors_of_ours(), descriptors);
		assert_int_equal(mapped_rings(), f.mapped + 1);
	}
	/* "belongs to" is said for no other driver: nothing here was worth a line */
	assert_int_equal(logged_count(LOG_INFO, ""), 0);
	fixture_done(&f);
}

/* A descriptor that a child inherits keeps the channel open, and unbinding then panics the kernel. */
static void no_child_inherits_a_descriptor(void **state)
{
	struct fixture f;
	int fds = 0;
	DIR *d;

	(void)state;
	fixture_init_open(&f);
	d = opendir("/proc/self/fd");
	assert_non_null(d);
	for (struct dirent *e = readdir(d); e; e = readdir(d)) {
		char target[512] = "";

		if (readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1) < 0 ||
		    (atoi(e->d_name) != f.port[0]->interrupt_fd && !strstr(target, "VMBUS:00")))
			continue;
		assert_int_equal(fcntl(atoi(e->d_name), F_GETFD), FD_CLOEXEC);
		fds++;
	}
	(void)closedir(d);
	assert_int_equal(fds, 2); /* the node and the lock */
	fixture_done(&f);
}

/* --- what a predecessor left open --- */

#define NODE_NAME "1.uio"
#define LOCK_NAME "1.lock"

/* A process that had the heartbeat open has ended, and with it all that the service manager does not keep. */
static void fixture_init_left(struct fixture *f, struct store *store)
{
	const struct fake_device d = heartbeat_uio();

	memset(store, 0, sizeof(*store));
	fixture_init(f);
	fake_device_put(&f->bus, &d);
	assert_int_equal(uio_new(f->event, &recording_log, store, &fake_node, &noting, f, &f->uio), 0);
	run_loop(f->event);
	pass_time(f->event, SETTLE);
	assert_int_equal(f->opened, 1);
	assert_false(f->port[0]->taken_over);
	fake_number(&f->bus, FAKE_HEARTBEAT, "state", "3\n");
	f->uio = uio_free(f->uio);
	memset(f->port, 0, sizeof(f->port));
	f->offered = f->opened = f->rescinded = 0;
	time_reset();
	logged_clear();
	assert_int_equal(store->n, 2);
	assert_int_equal(mapped_rings(), f->mapped);
	fake_store_restart(store);
}

static void restart(struct fixture *f, struct store *store)
{
	assert_int_equal(uio_new(f->event, &recording_log, store, &fake_node, &noting, f, &f->uio), 0);
	run_loop(f->event);
}

static void fixture_done_left(struct fixture *f, struct store *store)
{
	f->uio = uio_free(f->uio);
	fake_store_done(store);
	fixture_done(f);
}

static void a_node_that_was_left_open_is_taken_over(void **state)
{
	struct store store;
	struct fixture f;

	(void)state;
	fixture_init_left(&f, &store);
	assert_true(is_locked());
	interrupt(); /* while nobody is there */
	for (unsigned life = 1; life <= 3; life++) {
		restart(&f, &store);
		assert_int_equal(f.opened, life);
		assert_int_equal(f.open_error, 0);
		assert_int_equal(f.settled, life + 1); /* at once */
		assert_true(f.port[0]->taken_over);
		assert_int_equal(f.port[0]->ring_size, RING);
		assert_non_null(f.port[0]->memory);
		assert_true(f.port[0]->identity != 0);
		assert_int_equal(f.port[0]->ops->acknowledge(f.port[0]), 0);
		assert_int_equal(f.port[0]->ops->signal(f.port[0]), 0);
		assert_int_equal(node.opens, 1);
		assert_int_equal(store.puts, 2);
		assert_int_equal(store.removals, 0);
		assert_true(is_locked());
		f.uio = uio_free(f.uio);
		assert_true(is_locked());
		memset(f.port, 0, sizeof(f.port));
		fake_store_restart(&store);
	}
	node.fd = fake_store_find(&store, NODE_NAME);
	assert_int_equal(take_signals(), 3);
	assert_int_equal(logged_count(LOG_INFO, ""), 0);
	fixture_done_left(&f, &store);
	assert_int_equal(store.n, 0);
}

static void lose_node(struct fixture *f, struct store *store)
{
	(void)f;
	fake_store_drop(store, NODE_NAME);
}

static void lose_lock(struct fixture *f, struct store *store)
{
	(void)f;
	fake_store_drop(store, LOCK_NAME);
}

static void make_it_another(struct fixture *f, struct store *store)
{
	(void)f;
	(void)store;
	node.is_another = true;
}

static void hang_up(struct fixture *f, struct store *store)
{
	(void)f;
	(void)store;
	node_hang_up();
}

/* The host took the device away and offered it again. */
static void offer_anew(struct fixture *f, struct store *store)
{
	struct fake_device d = heartbeat_uio();

	(void)store;
	fake_device_drop(&f->bus, FAKE_HEARTBEAT);
	d.state = 3;
	fake_device_put(&f->bus, &d);
}

static void close_it(struct fixture *f, struct store *store)
{
	(void)store;
	fake_number(&f->bus, FAKE_HEARTBEAT, "state", "2\n");
}

static void refuse_map(struct fixture *f, struct store *store)
{
	(void)f;
	(void)store;
	node.map_error = EPERM;
}

static void spoil_size(struct fixture *f, struct store *store)
{
	(void)store;
	fake_number(&f->bus, FAKE_HEARTBEAT, "uio/uio1/maps/map0/size", "0x1000\n");
}

static void replace_lock(struct fixture *f, struct store *store)
{
	(void)f;
	fake_store_drop(store, LOCK_NAME);
	fake_store_leave(store, LOCK_NAME, open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/* Somebody else has the lock, whose file was opened anew. */
static void steal_lock(struct fixture *f, struct store *store)
{
	(void)f;
	fake_store_drop(store, LOCK_NAME);
	fake_store_leave(store, LOCK_NAME, open(LOCK_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	fake_store_leave(store, "thief", open(LOCK_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	assert_int_equal(flock(fake_store_find(store, "thief"), LOCK_EX | LOCK_NB), 0);
}

static void duplicate_node(struct fixture *f, struct store *store)
{
	(void)f;
	fake_store_leave(store, NODE_NAME, fcntl(fake_store_find(store, NODE_NAME), F_DUPFD_CLOEXEC, 0));
}

/* Nothing of what was left is used, or stays in the store; the device is opened anew when it is closed. */
static void what_is_doubtful_is_dropped(void **state)
{
	static const struct {
		void (*spoil)(struct fixture *f, struct store *store);
		const char *why;
	} row[] = {
		{ lose_node, "is another now" },
		{ lose_lock, "the lock on its device is another's now" },
		{ make_it_another, "is another now" },
		{ hang_up, "is another now" },
		{ offer_anew, "the lock on its device is another's now" },
		{ close_it, "is not open" },
		{ refuse_map, "cannot map" },
		{ spoil_size, "rings of 4096 bytes" },
		{ replace_lock, "the lock on its device is another's now" },
		{ steal_lock, "the lock on its device is another's now" },
		{ duplicate_node, "is another now" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		const struct fake_device d = heartbeat_uio();
		struct store store;
		struct fixture f;

		fixture_init_left(&f, &store);
		row[i].spoil(&f, &store);
		restart(&f, &store);
		(void)logged_one(LOG_INFO, "the channel cannot be taken over from the process before");
		(void)logged_one(LOG_INFO, row[i].why);
		assert_int_equal(f.offered, 1);
		assert_int_equal(f.rescinded, 0);
		assert_int_equal(fake_store_find(&store, NODE_NAME), -1);
		assert_int_equal(fake_store_find(&store, LOCK_NAME), -1);
		assert_int_equal(fake_store_find(&store, "thief"), -1);

		/* the kernel closes it, and whoever else was there has gone */
		node.is_another = false;
		node.map_error = 0;
		fake_device_put(&f.bus, &d);
		pass_time(f.event, SETTLE);
		pass_time(f.event, RETRY);
		pass_time(f.event, 2 * SECOND);
		if (f.open_error < 0) /* its channel would try again */
			assert_int_equal(f.port[0]->ops->open(f.port[0]), 0);
		assert_false(f.port[0]->taken_over);
		assert_non_null(f.port[0]->memory);
		assert_int_equal(node.opens, 2);
		assert_int_equal(store.n, 2);
		fixture_done_left(&f, &store);
	}
}

/* What is dropped is open for as long as the service manager takes, and opening it once more would not open
 * the channel anew. */
static void a_slow_manager_is_waited_for(void **state)
{
	struct store store;
	struct fixture f;

	(void)state;
	fixture_init_left(&f, &store);
	restart(&f, &store);
	store.is_slow = true;
	f.port[0]->ops->close(f.port[0]);
	assert_int_equal(store.n, 0);
	assert_int_equal(f.port[0]->ops->open(f.port[0]), 0);
	pass_time(f.event, 5 * RETRY); /* the lock is in the way */
	assert_int_equal(node.opens, 1);
	fake_store_settle(&store);
	pass_time(f.event, RETRY); /* the channel is still open */
	pass_time(f.event, RETRY);
	assert_int_equal(node.opens, 1);
	assert_int_equal(f.opened, 1);
	fake_number(&f.bus, FAKE_HEARTBEAT, "state", "2\n");
	pass_time(f.event, SETTLE);
	assert_int_equal(node.opens, 2);
	assert_int_equal(f.opened, 2);
	assert_int_equal(f.open_error, 0);
	assert_false(f.port[0]->taken_over);
	assert_int_equal(store.n, 2);
	fixture_done_left(&f, &store);
}

static void what_is_closed_or_gone_is_not_kept(void **state)
{
	struct store store;
	struct fixture f;

	(void)state;
	fixture_init_left(&f, &store);
	restart(&f, &store);
	f.port[0]->ops->close(f.port[0]);
	assert_int_equal(store.n, 0);
	assert_false(is_locked());
	fixture_done_left(&f, &store);

	fixture_init_left(&f, &store);
	restart(&f, &store);
	fake_device_remove(&f.bus, FAKE_HEARTBEAT);
	run_loop(f.event);
	assert_int_equal(f.rescinded, 1);
	assert_int_equal(store.n, 0);
	fixture_done_left(&f, &store);
}

/* The component is switched off now, or its device is with another driver. */
static void what_nobody_takes_any_more_is_let_go(void **state)
{
	struct store store;
	struct fixture f;

	(void)state;
	fixture_init_left(&f, &store);
	f.answer = -ENOENT;
	restart(&f, &store);
	assert_int_equal(store.n, 0);
	assert_false(is_locked());
	assert_int_equal(f.opened, 0);
	fixture_done_left(&f, &store);

	fixture_init_left(&f, &store);
	fake_device_put(&f.bus, &fake_heartbeat);
	restart(&f, &store);
	assert_int_equal(store.n, 0);
	assert_int_equal(f.offered, 0);
	fixture_done_left(&f, &store);
}

/* --- with a channel --- */

struct served {
	struct fixture f; /* for the bus; its events are not used */
	struct channel *channel;
	struct conf_component conf;
	struct heartbeat heartbeat;
	struct ring_tx tx;
	struct ring_rx rx;
	unsigned answers;
};

static int serve_offered(void *user, struct port *port)
{
	return channel_offered(((struct served *)user)->channel, port);
}

/* The kernel zeroes the rings' headers when the node is opened, and the host sends at once. */
static void serve_opened(void *user, struct port *port, int error)
{
	struct served *s = user;

	assert_int_equal(error, 0);
	assert_int_equal(ring_rx_init(&s->rx, node.memory, RING), 0);
	assert_int_equal(ring_tx_init(&s->tx, (uint8_t *)node.memory + RING, RING), 0);
	channel_opened(port->user, error);
}

static void serve_rescinded(void *user, struct port *port)
{
	(void)user;
	channel_rescinded(port->user);
}

static const struct transport_events serving = {
	.offered = serve_offered,
	.serves = note_serves,
	.opened = serve_opened,
	.rescinded = serve_rescinded,
	.settled = note_settled,
	.ended = note_ended,
};

static void served_init(struct served *s)
{
	const struct fake_device d = heartbeat_uio();
	struct channel_options options = {
		.log = &recording_log,
		.service = &ic_heartbeat,
		.conf = &s->conf,
		.user = &s->heartbeat,
	};

	memset(s, 0, sizeof(*s));
	s->conf = (struct conf_component){
		.enabled = true,
		.policy = profile_find("newest")->component[IC_HEARTBEAT],
	};
	fixture_init(&s->f);
	options.event = s->f.event;
	fake_device_put(&s->f.bus, &d);
	assert_int_equal(channel_new(&options, &s->channel), 0);
	assert_int_equal(uio_new(s->f.event, &recording_log, NULL, &fake_node, &serving, s, &s->f.uio), 0);
	run_loop(s->f.event);
	pass_time(s->f.event, SETTLE);
}

static void served_done(struct served *s)
{
	s->channel = channel_free(s->channel);
	fixture_done(&s->f);
}

/* Puts a beat; 1: an honest host would interrupt. */
static int put_beat(struct served *s, uint64_t sequence)
{
	const struct ring_packet packet = { .type = RING_PACKET_INBAND, .trans_id = sequence };
	uint8_t body[16] = { 0 }, message[MESSAGE_BODY + sizeof(body)];
	size_t len;

	put_le(body, 8, sequence);
	len = message_put(message, &(struct message){
		.framework = { 3, 0 }, .type = 1, .version = { 3, 0 }, .body = body, .n = sizeof(body) });
	assert_int_equal(ring_tx_put(&s->tx, &packet, message, len), 0);
	return ring_tx_commit(&s->tx);
}

static unsigned take_answers(struct served *s)
{
	uint8_t message[256];
	struct ring_packet packet;
	unsigned n = 0;

	while (ring_rx_get(&s->rx, &packet, message, sizeof(message)) == 1) {
		assert_int_equal(ring_rx_commit(&s->rx), 0);
		n++;
	}
	return n;
}

/* write(1) always signals and costs a hypercall: only where the host would otherwise sleep. */
static void the_host_is_signalled_when_the_contract_says_so(void **state)
{
	struct served s;

	(void)state;
	served_init(&s);
	assert_int_equal(take_signals(), 0); /* opening and draining an empty ring is none of its business */

	assert_int_equal(put_beat(&s, 1), 1);
	interrupt();
	run_loop(s.f.event);
	assert_int_equal(take_signals(), 1);

	/* it has not read the first answer: it will come to the others by itself */
	for (uint64_t i = 2; i < 10; i++) {
		assert_int_equal(put_beat(&s, i), 1);
		interrupt();
		run_loop(s.f.event);
	}
	assert_int_equal(take_signals(), 0);
	assert_int_equal(take_answers(&s), 9);

	/* and when it polls, it does not want to be told */
	((struct ring_page *)node.memory)->interrupt_mask = 1;
	assert_int_equal(put_beat(&s, 10), 1);
	interrupt();
	run_loop(s.f.event);
	assert_int_equal(take_signals(), 0);
	assert_int_equal(take_answers(&s), 1);
	served_done(&s);
}

static void what_came_before_the_first_wait_is_served(void **state)
{
	struct served s;

	(void)state;
	served_init(&s);
	/* Opened once more, with a packet that nobody interrupts for. */
	node_hang_up();
	fake_device_remove(&s.f.bus, FAKE_HEARTBEAT);
	run_loop(s.f.event);
	{
		const struct fake_device d = heartbeat_uio();

		fake_device_change(&s.f.bus, &d, "bind");
		assert_true(sd_event_run(s.f.event, 0) > 0); /* the event: the channel has opened it */
	}
	assert_int_equal(node.opens, 2);
	(void)put_beat(&s, 5);
	run_loop(s.f.event);
	assert_int_equal(take_answers(&s), 1);
	served_done(&s);
}

static void a_packet_whose_interrupt_was_lost_is_found(void **state)
{
	struct served s;

	(void)state;
	served_init(&s);
	assert_int_equal(put_beat(&s, 1), 1); /* and no interrupt */
	run_loop(s.f.event);
	assert_int_equal(take_answers(&s), 0);
	pass_time(s.f.event, SECOND);
	assert_int_equal(take_answers(&s), 1);
	(void)logged_one(LOG_DEBUG, "Heartbeat: looked and found a packet that no interrupt has told of, 1 so far");
	served_done(&s);
}

/* By its interrupt, or by a look, for which nothing woke us. */
static void a_channel_outlives_its_devices(void **state)
{
	const struct fake_device d = heartbeat_uio();
	struct served s;

	(void)state;
	served_init(&s);
	for (unsigned i = 1; i <= 20; i++) {
		node_hang_up();
		if (i & 1)
			pass_time(s.f.event, SECOND);
		run_loop(s.f.event);
		assert_int_equal(mapped_rings(), s.f.mapped);
		fake_device_remove(&s.f.bus, FAKE_HEARTBEAT);
		fake_device_change(&s.f.bus, &d, "bind");
		run_loop(s.f.event);
		pass_time(s.f.event, 0);
		assert_int_equal(node.opens, i + 1);
		assert_int_equal(put_beat(&s, i), 1);
		interrupt();
		run_loop(s.f.event);
		assert_int_equal(take_answers(&s), 1);
	}
	assert_int_equal(logged_count(LOG_ERR, ""), 0);
	served_done(&s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_without_vmbus_is_said_to_be_one),
		cmocka_unit_test(a_device_is_offered_and_opened),
		cmocka_unit_test(a_port_can_be_closed_and_opened_again),
		cmocka_unit_test(what_nobody_takes_is_not_opened),
		cmocka_unit_test(sizes_that_cannot_be_are_refused),
		cmocka_unit_test(who_has_a_device_is_said_once),
		cmocka_unit_test(the_way_behind_the_driver_is_told),
		cmocka_unit_test(a_device_that_uio_did_not_take_is_said_at_the_start),
		cmocka_unit_test(a_device_without_a_node_is_waited_for),
		cmocka_unit_test(a_node_that_another_program_has_open_is_left_alone),
		cmocka_unit_test(a_port_that_opens_looks_at_the_device_again),
		cmocka_unit_test(what_the_system_refuses_is_said),
		cmocka_unit_test(without_permission_for_any_it_ends),
		cmocka_unit_test(permission_that_comes_later_is_in_time),
		cmocka_unit_test(without_permission_for_one_it_serves_the_other),
		cmocka_unit_test(one_that_is_waited_for_may_still_be_had),
		cmocka_unit_test(the_end_of_the_beginning_is_told),
		cmocka_unit_test(permissions_are_judged_in_the_beginning_only),
		cmocka_unit_test(what_was_there_before_is_given_time),
		cmocka_unit_test(the_end_of_its_probe_is_enough),
		cmocka_unit_test(other_events_neither_help_nor_harm),
		cmocka_unit_test(each_node_has_its_own_time),
		cmocka_unit_test(a_node_gets_older_while_its_device_is_locked),
		cmocka_unit_test(a_lock_that_is_held_shortly_is_waited_for),
		cmocka_unit_test(a_second_daemon_is_refused),
		cmocka_unit_test(a_wait_for_the_lock_ends_with_the_port),
		cmocka_unit_test(signals_and_interrupts_are_four_bytes),
		cmocka_unit_test(a_device_that_is_gone_is_rescinded),
		cmocka_unit_test(a_signal_that_is_refused_says_so_too),
		cmocka_unit_test(an_interrupt_that_cannot_be_read_is_an_error),
		cmocka_unit_test(a_device_that_is_offered_anew_is_taken_again),
		cmocka_unit_test(a_device_that_becomes_another_component_is_another),
		cmocka_unit_test(a_second_device_of_a_component_waits_for_the_first),
		cmocka_unit_test(a_device_that_is_unbound_is_let_go),
		cmocka_unit_test(a_closed_port_stays_while_its_device_does),
		cmocka_unit_test(nothing_is_left_of_two_hundred_devices),
		cmocka_unit_test(no_child_inherits_a_descriptor),
		cmocka_unit_test(a_node_that_was_left_open_is_taken_over),
		cmocka_unit_test(what_is_doubtful_is_dropped),
		cmocka_unit_test(a_slow_manager_is_waited_for),
		cmocka_unit_test(what_is_closed_or_gone_is_not_kept),
		cmocka_unit_test(what_nobody_takes_any_more_is_let_go),
		cmocka_unit_test(the_host_is_signalled_when_the_contract_says_so),
		cmocka_unit_test(what_came_before_the_first_wait_is_served),
		cmocka_unit_test(a_packet_whose_interrupt_was_lost_is_found),
		cmocka_unit_test(a_channel_outlives_its_devices),
	};

	(void)argc;
	if (!fake_vmbus_enter("test_uio", argv))
		return 0;
	return cmocka_run_group_tests_name("uio", tests, NULL, NULL);
}
