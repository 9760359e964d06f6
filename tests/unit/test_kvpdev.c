/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's end of /dev/vmbus/hv_kvp. The driver's end is here: a socket that keeps messages apart
 * is opened in the device's place, and fails as the driver does (Linux drivers/hv/
 * hv_utils_transport.c, hv_kvp.c kvp_on_msg).
 */
#include "daemon/kvpdev.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/unit/alloc_count.h"
#include "tests/unit/daemon_harness.h"
#include "tests/unit/hv_kvp.h"

#define DEVICE_PATH "/dev/vmbus/hv_kvp"
#define MSEC UINT64_C(1000)

/* The driver. */
static struct {
	int open_error;	 /* what opening fails with, 0: it does not */
	int write_error; /* likewise */
	int read_error;
	size_t write_less; /* takes so many bytes less */
	int flags; /* of the last opening */
	unsigned opened;
	int fd;	       /* our end, -1: there has been none */
	int device_fd; /* the daemon's */
} driver = { .fd = -1, .device_fd = -1 };

/* Ours instead of the C library's, for these three: the rest goes where it would. */
int open(const char *path, int flags, ...)
{
	int pair[2];
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (strcmp(path, DEVICE_PATH) != 0)
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);

	driver.opened++;
	driver.flags = flags;
	if (driver.open_error) {
		errno = driver.open_error;
		return -1;
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	if (driver.fd >= 0)
		(void)close(driver.fd);
	driver.fd = pair[0];
	driver.device_fd = pair[1];
	return pair[1];
}

ssize_t write(int fd, const void *from, size_t n)
{
	if (fd == driver.device_fd && driver.write_error) {
		errno = driver.write_error;
		return -1;
	}
	if (fd == driver.device_fd && driver.write_less)
		return (ssize_t)(n - driver.write_less);
	return syscall(SYS_write, fd, from, n);
}

ssize_t read(int fd, void *to, size_t n)
{
	if (fd == driver.device_fd && driver.read_error) {
		errno = driver.read_error;
		return -1;
	}
	return syscall(SYS_read, fd, to, n);
}

struct fixture {
	sd_event *event;
	struct served served;
	struct kvp kvp;
	struct ic_policy policy;
	struct kvpdev *dev;
	unsigned descriptors;
	uint8_t msg[MSG_SIZE];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	time_reset();
	logged_clear();
	memset(&driver, 0, sizeof(driver));
	driver.fd = driver.device_fd = -1;
	f->descriptors = open_descriptors();
	assert_true(sd_event_new(&f->event) >= 0);
	f->kvp = (struct kvp){ .ops = &served_ops, .user = &f->served };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	f->dev = kvpdev_free(f->dev);
	if (driver.fd >= 0)
		(void)close(driver.fd);
	sd_event_unref(f->event);
	assert_int_equal(open_descriptors(), f->descriptors);
	free(f);
	return 0;
}

static void start(struct fixture *f)
{
	const struct kvpdev_options options = {
		.event = f->event, .log = &recording_log, .kvp = &f->kvp, .policy = &f->policy,
	};

	assert_int_equal(kvpdev_new(&options, &f->dev), 0);
	run_loop(f->event);
}

/* --- what the driver does --- */

/* The next message of the daemon, which must be whole; false: there is none. */
static bool driver_takes(struct fixture *f)
{
	ssize_t n = recv(driver.fd, f->msg, sizeof(f->msg), MSG_DONTWAIT | MSG_TRUNC);

	if (n <= 0)
		return false;
	assert_int_equal(n, MSG_SIZE);
	return true;
}

static bool daemon_has_closed(void)
{
	char byte;

	return recv(driver.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

static void driver_sends_bytes(struct fixture *f, const void *from, size_t n)
{
	assert_int_equal(send(driver.fd, from, n, 0), n);
	run_loop(f->event);
}

static void driver_sends(struct fixture *f)
{
	driver_sends_bytes(f, f->msg, MSG_SIZE);
}

/* Takes the registration and answers it. */
static void driver_registers(struct fixture *f)
{
	assert_true(driver_takes(f));
	assert_int_equal(f->msg[0], OP_REGISTER);
	for (size_t i = 1; i < MSG_SIZE; i++)
		assert_int_equal(f->msg[i], 0);
	put_text(f->msg, AT_VERSION, "3.1");
	driver_sends(f);
	assert_false(driver_takes(f));
}

static void start_registered(struct fixture *f)
{
	start(f);
	driver_registers(f);
	assert_int_equal(logged_count(LOG_WARNING, ""), 0);
	logged_clear();
}

/* The channel is rescinded, or the driver unbound: poll says POLLERR|POLLHUP, read EBADF. */
static void driver_goes(struct fixture *f)
{
	assert_int_equal(shutdown(driver.fd, SHUT_RDWR), 0);
	driver.open_error = ENOENT;
	run_loop(f->event);
}

static uint32_t answered_status(struct fixture *f)
{
	assert_true(driver_takes(f));
	return (uint32_t)get_le(f->msg + AT_STATUS, 4);
}

/* Asks for a record and has it answered. */
static void assert_serves(struct fixture *f)
{
	unsigned calls = f->served.calls;

	strcpy(f->served.reply.key, "OSName");
	strcpy(f->served.reply.value, "Debian");
	put_enumerate(f->msg, 2, 5);
	driver_sends(f);
	assert_int_equal(answered_status(f), WIRE_OK);
	assert_string_equal((const char *)f->msg + AT_ENUMERATED_VALUE, "Debian");
	assert_int_equal(f->served.calls, calls + 1);
	assert_int_equal(f->served.index, 5);
}

/* --- registration --- */

static void it_registers_and_serves(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(driver.opened, 1);
	assert_int_equal(driver.flags, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(logged_count(LOG_INFO, ""), 0); /* nothing is known yet */
	driver_registers(f);
	assert_field(logged_one(LOG_INFO, "serving behind the kernel's driver hv_utils"),
		     "VMIC_COMPONENT=KVP");
	for (int i = 0; i < 100; i++)
		assert_serves(f);
	/* Nothing is due: neither the registration's answer nor a retry. */
	pass_time(f->event, 100 * SECOND);
	assert_false(daemon_has_closed());
	assert_int_equal(driver.opened, 1);
	assert_int_equal(logged.n, 1);
}

static void each_operation_is_answered(void **state)
{
	static const struct lists lists = { "192.0.2.1", "24", "", "" };
	struct fixture *f = *state;

	start_registered(f);
	put_keyed(f->msg, OP_SET, 0, "Key", "value");
	driver_sends(f);
	assert_int_equal(answered_status(f), WIRE_OK);
	assert_string_equal(f->served.seen.value, "value");

	strcpy(f->served.reply.value, "kept");
	put_keyed(f->msg, OP_GET, 0, "Key", NULL);
	driver_sends(f);
	assert_int_equal(answered_status(f), WIRE_OK);
	assert_string_equal((const char *)f->msg + AT_ENUMERATED_VALUE, "kept");

	put_keyed(f->msg, OP_DELETE, 0, "Key", NULL);
	driver_sends(f);
	assert_int_equal(answered_status(f), WIRE_OK);
	assert_int_equal(f->served.op, 'd');

	f->served.ip_reply = (struct kvp_ip){ .n_ipv4 = 1, .ipv4 = { { { 192, 0, 2, 1 }, 24, 0 } } };
	put_get_ip(f->msg, ADAPTER);
	driver_sends(f);
	assert_int_equal(answered_status(f), WIRE_OK);
	assert_string_equal((const char *)f->msg + AT_ADDRESSES, "192.0.2.1;");

	put_set_ip(f->msg, &lists);
	driver_sends(f);
	assert_int_equal(answered_status(f), WIRE_OK);
	assert_int_equal(f->served.ip_seen.ipv4[0].prefix, 24);

	f->served.answer = -ENODATA;
	put_enumerate(f->msg, 2, 99);
	driver_sends(f);
	assert_int_equal(answered_status(f), WIRE_NO_MORE_ITEMS);
	assert_int_equal(logged.n, 0); /* what a host hears every day */
}

/* Each reason is said once, and looked for again every 2 s until there is a device. */
static void a_device_that_cannot_be_had_is_waited_for(void **state)
{
	static const struct {
		int error;
		const char *why;
	} reasons[] = {
		{ ENOENT, "it is not there: the kernel's driver hv_utils is not loaded" },
		{ EBUSY, "another daemon has it, such as hv_kvp_daemon" },
		{ EACCES, "its owner and mode" },
		{ EPERM, "the service's sandbox does not let it" },
		{ EBADF, "the driver is giving the channel up" },
		{ EMFILE, "Too many open files" },
	};
	struct fixture *f = *state;
	unsigned opened = 1;

	driver.open_error = reasons[0].error;
	start(f);
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		driver.open_error = reasons[i].error;
		if (i > 0)
			pass_time(f->event, 2 * SECOND);
		for (int k = 0; k < 10; k++) {
			assert_int_equal(driver.opened, opened++);
			pass_time(f->event, 2 * SECOND - 1);
			assert_int_equal(driver.opened, opened - 1);
			pass_time(f->event, 1);
		}
		assert_int_equal(driver.opened, opened++);
		assert_field(logged_one(LOG_WARNING, reasons[i].why), "VMIC_COMPONENT=KVP");
		assert_int_equal(logged.n, i + 1);
	}
	driver.open_error = 0;
	pass_time(f->event, 2 * SECOND);
	driver_registers(f);
	assert_serves(f);
	assert_int_equal(logged.n, ARRAY_LEN(reasons) + 1);
}

static void a_refused_registration_is_tried_again(void **state)
{
	struct fixture *f = *state;

	driver.write_error = EINVAL;
	start(f);
	(void)logged_one(LOG_WARNING, "did not register us: Invalid argument");
	assert_true(daemon_has_closed());
	driver.write_error = 0;
	pass_time(f->event, 2 * SECOND - 1);
	assert_int_equal(driver.opened, 1);
	pass_time(f->event, 1);
	assert_int_equal(driver.opened, 2);
	driver_registers(f);
	assert_serves(f);
}

static void a_registration_without_an_answer_is_tried_again(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_true(driver_takes(f));
	pass_time(f->event, 2 * SECOND - 1);
	assert_false(daemon_has_closed());
	pass_time(f->event, 1);
	assert_true(daemon_has_closed());
	(void)logged_one(LOG_WARNING, "did not answer the registration");
	pass_time(f->event, 2 * SECOND);
	driver_registers(f);
	assert_serves(f);
}

static void another_answer_to_the_registration_is_none(void **state)
{
	struct fixture *f = *state;
	static const size_t sizes[] = { MSG_SIZE, MSG_SIZE - 1, 4, MSG_SIZE };

	start(f);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		assert_true(driver_takes(f));
		f->msg[0] = i == 0 ? OP_ENUMERATE : OP_REGISTER;
		driver_sends_bytes(f, f->msg, sizes[i]);
		if (i + 1 == ARRAY_LEN(sizes))
			break;
		assert_true(daemon_has_closed());
		assert_int_equal(logged_count(LOG_WARNING, "with something else"), i + 1);
		pass_time(f->event, 2 * SECOND);
	}
	assert_int_equal(f->served.calls, 0);
	assert_serves(f);
}

/* --- the device goes and comes --- */

static void a_device_that_goes_is_taken_again_when_it_is_back(void **state)
{
	struct fixture *f = *state;

	start_registered(f);
	for (int i = 0; i < 5; i++) {
		unsigned opened = driver.opened;

		assert_serves(f);
		driver_goes(f);
		/* At once: the driver's unbinding waits until it is closed. */
		assert_true(daemon_has_closed());
		assert_int_equal(logged_count(LOG_INFO, "the device is gone"), 1);
		assert_int_equal(logged_count(LOG_WARNING, ""), 0);
		pass_time(f->event, 2 * SECOND);
		(void)logged_one(LOG_WARNING, "it is not there");
		pass_time(f->event, 2 * SECOND);
		driver.open_error = 0;
		pass_time(f->event, 2 * SECOND);
		assert_int_equal(driver.opened, opened + 3);
		driver_registers(f);
		(void)logged_one(LOG_INFO, "serving behind");
		logged_clear();
		pass_time(f->event, 20 * SECOND);
	}
	assert_serves(f);
}

static void a_read_that_fails_closes_the_device(void **state)
{
	static const int errors[] = { EBADF, EIO };
	struct fixture *f = *state;

	start_registered(f);
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		driver.read_error = errors[i];
		put_enumerate(f->msg, 2, 0);
		driver_sends(f);
		assert_int_equal(f->served.calls, i);
		(void)logged_one(LOG_INFO, "cannot be read");
		logged_clear();
		driver.read_error = 0;
		pass_time(f->event, 2 * SECOND);
		driver_registers(f);
		assert_serves(f);
	}
}

static void a_read_that_only_came_too_early_does_not(void **state)
{
	static const int errors[] = { EAGAIN, EINTR };
	struct fixture *f = *state;

	start_registered(f);
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		driver.read_error = errors[i];
		put_enumerate(f->msg, 2, 0);
		assert_int_equal(send(driver.fd, f->msg, MSG_SIZE, 0), MSG_SIZE);
		assert_true(sd_event_run(f->event, 0) > 0);
		assert_false(driver_takes(f));
		driver.read_error = 0;
		run_loop(f->event);
		assert_int_equal(answered_status(f), WIRE_OK);
	}
	assert_int_equal(logged.n, 0);
}

/* The driver gave the request up: it was suspended, or we were stopped for too long. */
static void a_refused_answer_makes_it_register_again(void **state)
{
	static const struct {
		int error;
		size_t less;
		const char *why;
	} rows[] = { { EINVAL, 0, "Invalid argument" }, { 0, 1, "Input/output error" } };
	struct fixture *f = *state;

	start_registered(f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char line[64];

		driver.write_error = rows[i].error;
		driver.write_less = rows[i].less;
		put_enumerate(f->msg, 2, 0);
		driver_sends(f);
		(void)snprintf(line, sizeof(line), "did not take an answer: %s", rows[i].why);
		(void)logged_one(LOG_WARNING, line);
		assert_true(daemon_has_closed());
		driver.write_error = 0;
		driver.write_less = 0;
		pass_time(f->event, 2 * SECOND);
		driver_registers(f);
		assert_serves(f);
	}
}

static void a_message_of_another_size_is_no_request(void **state)
{
	static const size_t sizes[] = { 1, 4, MSG_SIZE - 1, MSG_SIZE + 1, 2 * MSG_SIZE };
	static uint8_t bytes[2 * MSG_SIZE];
	struct fixture *f = *state;

	start_registered(f);
	put_enumerate(bytes, 2, 0);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		driver_sends_bytes(f, bytes, sizes[i]);
		assert_true(daemon_has_closed());
		assert_int_equal(f->served.calls, 0);
		(void)logged_one(LOG_WARNING, "what is no request");
		logged_clear();
		pass_time(f->event, 2 * SECOND);
		driver_registers(f);
		pass_time(f->event, 20 * SECOND);
	}
	assert_serves(f);
}

/* --- a locked pool --- */

static void a_locked_pool_is_tried_again_every_5_ms(void **state)
{
	struct fixture *f = *state;

	start_registered(f);
	f->served.answer = -EAGAIN;
	put_keyed(f->msg, OP_SET, 0, "Key", "value");
	driver_sends(f);
	assert_int_equal(f->served.calls, 1);
	for (unsigned i = 2; i < 100; i++) {
		pass_time(f->event, 5 * MSEC - 1);
		assert_int_equal(f->served.calls, i - 1);
		pass_time(f->event, 1);
		assert_int_equal(f->served.calls, i);
		assert_false(driver_takes(f));
	}
	f->served.answer = 0;
	pass_time(f->event, 5 * MSEC);
	assert_int_equal(answered_status(f), WIRE_OK);
	assert_string_equal(f->served.seen.key, "Key");
	assert_string_equal(f->served.seen.value, "value");
	assert_int_equal(logged.n, 0);
	pass_time(f->event, 20 * SECOND);
	assert_int_equal(f->served.calls, 100);
	assert_serves(f);
}

/* hv_kvp.c gives up after 30 s, HV_UTIL_TIMEOUT. */
static void after_10_s_it_is_refused(void **state)
{
	struct fixture *f = *state;

	start_registered(f);
	for (int round = 0; round < 2; round++) {
		logged_clear();
		f->served.answer = -EAGAIN;
		put_keyed(f->msg, OP_SET, 0, "Key", "value");
		driver_sends(f);
		for (unsigned i = 0; i < 2000 - 1; i++)
			pass_time(f->event, 5 * MSEC);
		assert_false(driver_takes(f));
		pass_time(f->event, 5 * MSEC);
		assert_int_equal(answered_status(f), WIRE_FAIL);
		(void)logged_one(LOG_WARNING, "could not be served for 10 s: a file is locked, or its disk does not answer");
		f->served.answer = 0;
		assert_serves(f);
	}
	pass_time(f->event, 20 * SECOND);
	assert_false(driver_takes(f));
}

static void what_is_held_goes_with_the_device(void **state)
{
	struct fixture *f = *state;

	start_registered(f);
	f->served.answer = -EAGAIN;
	put_keyed(f->msg, OP_SET, 0, "Key", "value");
	driver_sends(f);
	pass_time(f->event, 5 * MSEC);
	assert_int_equal(f->served.calls, 2);
	driver_goes(f);
	f->served.answer = 0;
	driver.open_error = 0;
	pass_time(f->event, 5 * MSEC);
	assert_int_equal(f->served.calls, 2);
	pass_time(f->event, 2 * SECOND);
	driver_registers(f);
	assert_int_equal(f->served.calls, 2);
	assert_serves(f);
}

static void a_new_request_takes_the_place_of_the_one_that_is_held(void **state)
{
	struct fixture *f = *state;

	start_registered(f);
	f->served.answer = -EAGAIN;
	put_keyed(f->msg, OP_SET, 0, "Old", "value");
	driver_sends(f);
	for (int i = 0; i < 1999; i++)
		pass_time(f->event, 5 * MSEC);
	put_keyed(f->msg, OP_SET, 0, "New", "value");
	driver_sends(f);
	/* It has 10 s of its own. */
	for (int i = 0; i < 1999; i++)
		pass_time(f->event, 5 * MSEC);
	assert_false(driver_takes(f));
	f->served.answer = 0;
	pass_time(f->event, 5 * MSEC);
	assert_int_equal(answered_status(f), WIRE_OK);
	assert_string_equal(f->served.seen.key, "New");
	assert_false(driver_takes(f));
}

/* --- hostile --- */

static void bad_requests_are_refused_and_logged_at_a_limited_rate(void **state)
{
	struct fixture *f = *state;

	start_registered(f);
	for (unsigned i = 0; i < 1000; i++) {
		put_keyed(f->msg, OP_SET, 0, "Key", "value");
		f->msg[AT_OPERATION] = (uint8_t)(6 + i % 250);
		driver_sends(f);
		assert_int_equal(answered_status(f), WIRE_NOT_SUPPORTED);
		put_keyed(f->msg, OP_SET, 200, "Key", "value");
		driver_sends(f);
		assert_int_equal(answered_status(f), WIRE_INVALID);
		memset(f->msg, 0xff, MSG_SIZE);
		f->msg[AT_OPERATION] = (uint8_t)(i % 6);
		driver_sends(f);
		assert_int_not_equal(answered_status(f), WIRE_OK);
	}
	assert_int_equal(f->served.calls, 0);
	assert_int_equal(logged_count(LOG_WARNING, "the operation is unknown, refusing it"), 5);
	assert_int_equal(logged_count(LOG_WARNING, "a request of the host failed"), 5);
	assert_int_equal(logged.n, 10);
	assert_serves(f);
}

static void a_device_that_comes_and_goes_is_logged_at_a_limited_rate(void **state)
{
	struct fixture *f = *state;

	start(f);
	for (int i = 0; i < 1000; i++) {
		driver_registers(f);
		assert_int_equal(shutdown(driver.fd, SHUT_RDWR), 0);
		run_loop(f->event);
		pass_time(f->event, 2 * SECOND);
	}
	/* 2000 s: 200 times 10 s with at most five lines of each kind. */
	assert_int_equal(driver.opened, 1001);
	assert_true(logged.n <= 200 * 10 + 10);
}

static void nothing_is_allocated_while_it_serves(void **state)
{
	struct fixture *f = *state;
	size_t before;

	alloc_count_check();
	start_registered(f);
	assert_serves(f); /* what the loop makes at its first turn is there */
	before = alloc_count;
	for (int i = 0; i < 100; i++)
		assert_serves(f);
	f->served.answer = -EAGAIN;
	put_keyed(f->msg, OP_SET, 0, "Key", "value");
	driver_sends(f);
	pass_time(f->event, 5 * MSEC);
	f->served.answer = 0;
	pass_time(f->event, 5 * MSEC);
	assert_int_equal(answered_status(f), WIRE_OK);
	assert_int_equal(alloc_count, before);
}

static void it_ends_in_every_state(void **state)
{
	struct fixture *f = *state;

	assert_null(kvpdev_free(NULL));
	driver.open_error = ENOENT;
	start(f); /* waiting */
	f->dev = kvpdev_free(f->dev);
	logged_clear();
	driver.open_error = 0;
	start(f); /* registering */
	f->dev = kvpdev_free(f->dev);
	assert_true(driver_takes(f));
	assert_true(daemon_has_closed());
	start_registered(f); /* serving */
	f->dev = kvpdev_free(f->dev);
	assert_true(daemon_has_closed());
	start_registered(f); /* holding */
	f->served.answer = -EAGAIN;
	put_enumerate(f->msg, 2, 0);
	driver_sends(f);
	f->dev = kvpdev_free(f->dev);
	assert_true(daemon_has_closed());
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* --- policy --- */

static void what_is_blocked_is_denied(void **state)
{
	struct fixture *f = *state;
	const struct logged_line *line;

	start_registered(f);
	f->policy.blocked = ic_operations_named(&ic_kvp, "set");
	put_keyed(f->msg, OP_SET, 0, "Key", "value");
	driver_sends(f);
	assert_int_equal(answered_status(f), WIRE_DENIED);
	assert_int_equal(f->served.calls, 0);
	line = logged_one(LOG_NOTICE, "KVP: the host asked for kvp.set, which the configuration blocks, refusing it");
	assert_field(line, "VMIC_OPERATION=kvp.set");
	assert_serves(f);

	/* It is asked each time: a reload changes it in place. */
	f->policy.blocked = ic_operations_named(&ic_kvp, "enumerate");
	put_enumerate(f->msg, 2, 5);
	driver_sends(f);
	assert_int_equal(answered_status(f), WIRE_DENIED);
	put_keyed(f->msg, OP_SET, 0, "Key", "value");
	driver_sends(f);
	assert_int_equal(answered_status(f), WIRE_OK);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(it_registers_and_serves),
		TEST(each_operation_is_answered),
		TEST(what_is_blocked_is_denied),
		TEST(a_device_that_cannot_be_had_is_waited_for),
		TEST(a_refused_registration_is_tried_again),
		TEST(a_registration_without_an_answer_is_tried_again),
		TEST(another_answer_to_the_registration_is_none),
		TEST(a_device_that_goes_is_taken_again_when_it_is_back),
		TEST(a_read_that_fails_closes_the_device),
		TEST(a_read_that_only_came_too_early_does_not),
		TEST(a_refused_answer_makes_it_register_again),
		TEST(a_message_of_another_size_is_no_request),
		TEST(a_locked_pool_is_tried_again_every_5_ms),
		TEST(after_10_s_it_is_refused),
		TEST(what_is_held_goes_with_the_device),
		TEST(a_new_request_takes_the_place_of_the_one_that_is_held),
		TEST(bad_requests_are_refused_and_logged_at_a_limited_rate),
		TEST(a_device_that_comes_and_goes_is_logged_at_a_limited_rate),
		TEST(nothing_is_allocated_while_it_serves),
		TEST(it_ends_in_every_state),
	};

	return cmocka_run_group_tests_name("kvpdev", tests, NULL, NULL);
}
