/* SPDX-License-Identifier: GPL-2.0-only */
/* The transport with a hostile host at the other end (daemon/socket_wire.h). */
#include "daemon/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/manager.h"
#include "hv_util/profile.h"
#include "tests/unit/daemon_harness.h"
#include "tests/unit/fake_manager.h"
#include "tests/unit/temp_dir.h"

/* socket_wire.h in numbers. */
#define MESSAGE_SIZE 48
enum { OFFER = 1, ALL_OFFERS, OPEN_RESULT, RESCIND, OPEN = 16, CLOSE, RELEASED };

#define RING 8192
#define PORTS 64 /* as many as a guest program takes */

/* --- the host's end, and what the daemon's end reported --- */

struct fixture {
	sd_event *event;
	struct temp_dir dir;
	char path[128];
	int listener, host;
	struct socket *socket;
	struct port *port[1024]; /* as offered; NULL: released */
	unsigned offered, opened, rescinded, settled, ended;
	int open_error, end_error;
	unsigned descriptors, mapped; /* before it all */
	int answer; /* to offers */
};

static int note_offered(void *user, struct port *port)
{
	struct fixture *f = user;

	assert_true(f->offered < ARRAY_LEN(f->port));
	port->user = f;
	f->port[f->offered++] = port;
	return f->answer;
}

static void note_opened(void *user, struct port *port, int error)
{
	struct fixture *f = user;

	assert_ptr_equal(port->user, f);
	f->opened++;
	f->open_error = error;
}

static void note_rescinded(void *user, struct port *port)
{
	struct fixture *f = user;

	f->rescinded++;
	for (unsigned i = 0; i < f->offered; i++)
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
	.opened = note_opened,
	.rescinded = note_rescinded,
	.settled = note_settled,
	.ended = note_ended,
};

static int listen_at(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static unsigned mapped_rings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned n = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		n += strstr(line, "memfd:ring") != NULL;
	(void)fclose(maps);
	return n;
}

/* Listens; nobody has connected yet. */
static void host_init(struct fixture *f)
{
	*f = (struct fixture){
		.host = -1, .descriptors = open_descriptors(), .mapped = mapped_rings(),
	};
	time_reset();
	logged_clear();
	f->dir = temp_dir_new();
	temp_dir_path(&f->dir, "host", f->path, sizeof(f->path));
	f->listener = listen_at(f->path, SOCK_SEQPACKET);
	assert_int_equal(sd_event_new(&f->event), 0);
}

static void host_accept(struct fixture *f)
{
	f->host = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(f->host >= 0);
}

static void fixture_init(struct fixture *f)
{
	host_init(f);
	assert_int_equal(socket_new(f->event, &recording_log, f->path, &noting, f, &f->socket), 0);
	host_accept(f);
}

static void hang_up(struct fixture *f)
{
	(void)close(f->host);
	f->host = -1;
}

/* Nothing of what was ours is left. */
static void host_done(struct fixture *f)
{
	f->event = sd_event_unref(f->event);
	hang_up(f);
	(void)close(f->listener);
	temp_dir_done(&f->dir);
	assert_int_equal(open_descriptors(), f->descriptors);
	assert_int_equal(mapped_rings(), f->mapped);
}

static void fixture_done(struct fixture *f)
{
	f->socket = socket_free(f->socket);
	assert_null(f->socket);
	host_done(f);
}

static void put_message(uint8_t *to, uint32_t type, uint32_t relid, uint32_t ring_size,
			uint32_t status)
{
	memset(to, 0, MESSAGE_SIZE);
	put_le(to, 4, type);
	put_le(to + 4, 4, relid);
	put_le(to + 8, 4, ring_size);
	put_le(to + 12, 4, status);
	for (uint8_t i = 0; i < 32; i++)
		to[16 + i] = i;
}

/* Sends len bytes with n descriptors. Whether the socket took it. */
static bool send_bytes(struct fixture *f, const void *bytes, size_t len, const int *fd, size_t n)
{
	char control[CMSG_SPACE(64 * sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec iov = { .iov_base = (void *)bytes, .iov_len = len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (n > 0) {
		struct cmsghdr *c;

		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fd, n * sizeof(int));
	}
	sent = sendmsg(f->host, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	return sent >= 0;
}

static void send_message(struct fixture *f, uint32_t type, uint32_t relid, uint32_t status)
{
	uint8_t bytes[MESSAGE_SIZE];

	put_message(bytes, type, relid, 0, status);
	assert_true(send_bytes(f, bytes, sizeof(bytes), NULL, 0));
	run_loop(f->event);
}

static int make_memory(size_t size, int seals)
{
	int fd = memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* An offer with these descriptors, which are closed here. */
static void send_offer(struct fixture *f, uint32_t relid, uint32_t ring_size, int *fd, size_t n)
{
	uint8_t bytes[MESSAGE_SIZE];

	put_message(bytes, OFFER, relid, ring_size, 0);
	assert_true(send_bytes(f, bytes, sizeof(bytes), fd, n));
	for (size_t i = 0; i < n; i++)
		(void)close(fd[i]);
	run_loop(f->event);
}

static void offer(struct fixture *f, uint32_t relid)
{
	int fd[] = { make_memory(2 * RING, F_SEAL_SHRINK), eventfd(0, EFD_CLOEXEC),
		     eventfd(0, EFD_CLOEXEC) };

	send_offer(f, relid, RING, fd, ARRAY_LEN(fd));
}

/* The next message of the guest is this one. */
static void hear(struct fixture *f, uint32_t type, uint32_t relid)
{
	uint8_t bytes[MESSAGE_SIZE + 1], expected[MESSAGE_SIZE] = { 0 };

	assert_int_equal(recv(f->host, bytes, sizeof(bytes), MSG_DONTWAIT), MESSAGE_SIZE);
	put_le(expected, 4, type);
	put_le(expected + 4, 4, relid);
	assert_memory_equal(bytes, expected, MESSAGE_SIZE);
}

static void hear_nothing(struct fixture *f)
{
	uint8_t byte;

	assert_int_equal(recv(f->host, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

/* Whatever was sent: a good channel can still be had. */
static void still_works(struct fixture *f)
{
	unsigned before = f->offered;

	assert_int_equal(f->ended, 0);
	offer(f, 0xfffffff0);
	assert_int_equal(f->offered, before + 1);
	send_message(f, RESCIND, 0xfffffff0, 0);
	hear(f, RELEASED, 0xfffffff0);
	f->offered = before;
}

/* --- what a host should do --- */

static void a_channel_is_used_from_offer_to_release(void **state)
{
	int memory, interrupt, signal_fd, fd[3];
	const uint64_t one = 1;
	struct fixture f;
	struct port *p;
	uint64_t count;
	uint8_t byte;

	(void)state;
	fixture_init(&f);
	fd[0] = dup(memory = make_memory(2 * RING, F_SEAL_SHRINK | F_SEAL_GROW));
	fd[1] = dup(interrupt = eventfd(0, EFD_CLOEXEC));
	fd[2] = dup(signal_fd = eventfd(0, EFD_CLOEXEC));
	send_offer(&f, 7, RING, fd, ARRAY_LEN(fd));
	assert_int_equal(f.offered, 1);
	p = f.port[0];
	assert_int_equal(p->relid, 7);
	assert_int_equal(p->ring_size, RING);
	for (uint8_t i = 0; i < 16; i++) {
		assert_int_equal(p->class_id.b[i], i);
		assert_int_equal(p->instance_id.b[i], 16 + i);
	}
	hear_nothing(&f); /* an offer is not an open */

	assert_int_equal(p->ops->open(p), 0);
	hear(&f, OPEN, 7);
	send_message(&f, OPEN_RESULT, 7, 0);
	assert_int_equal(f.opened, 1);
	assert_int_equal(f.open_error, 0);
	send_message(&f, OPEN_RESULT, 7, 99);
	assert_int_equal(f.opened, 2);
	assert_int_equal(f.open_error, -EIO);

	((uint8_t *)p->memory)[2 * RING - 1] = 42; /* all of it is there, and the host's */
	assert_int_equal(pread(memory, &byte, 1, 2 * RING - 1), 1);
	assert_int_equal(byte, 42);

	assert_int_equal(p->ops->signal(p), 0);
	assert_int_equal(p->ops->signal(p), 0);
	assert_int_equal(read(signal_fd, &count, sizeof(count)), sizeof(count));
	assert_int_equal(count, 2);
	assert_int_equal(write(interrupt, &one, sizeof(one)), sizeof(one));
	assert_int_equal(p->ops->acknowledge(p), 0);
	assert_int_equal(read(interrupt, &count, sizeof(count)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(p->ops->acknowledge(p), 0); /* with nothing to take */

	p->ops->close(p);
	hear(&f, CLOSE, 7);
	send_message(&f, RESCIND, 7, 0);
	assert_int_equal(f.rescinded, 1);
	hear(&f, RELEASED, 7);
	hear_nothing(&f);
	assert_int_equal(logged.n, 0);
	(void)close(memory);
	(void)close(interrupt);
	(void)close(signal_fd);
	fixture_done(&f);
}

static void a_relid_may_be_used_again(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (unsigned i = 0; i < 500; i++) {
		f.offered = 0;
		offer(&f, 3);
		assert_int_equal(f.offered, 1);
		send_message(&f, RESCIND, 3, 0);
		assert_int_equal(f.rescinded, i + 1);
		hear(&f, RELEASED, 3);
	}
	assert_int_equal(logged.n, 0);
	fixture_done(&f);
}

static void channels_are_told_apart(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (uint32_t i = 0; i < 6; i++)
		offer(&f, i); /* 0 is a relid like any other */
	assert_int_equal(f.offered, 6);
	send_message(&f, RESCIND, 2, 0);
	assert_null(f.port[2]);
	assert_non_null(f.port[1]);
	assert_non_null(f.port[3]);
	assert_int_equal(f.port[5]->ops->open(f.port[5]), 0);
	hear(&f, RELEASED, 2);
	hear(&f, OPEN, 5);
	fixture_done(&f);
}

/* --- what a host should not do --- */

static void a_message_of_another_length_is_ignored(void **state)
{
	uint8_t bytes[200];
	struct fixture f;

	(void)state;
	fixture_init(&f);
	offer(&f, 1);
	for (size_t n = 1; n < sizeof(bytes); n++) {
		if (n == MESSAGE_SIZE)
			continue;
		memset(bytes, 0, sizeof(bytes));
		put_message(bytes, RESCIND, 1, 0, 0);
		assert_true(send_bytes(&f, bytes, n, NULL, 0));
		run_loop(f.event);
	}
	assert_int_equal(f.rescinded, 0);
	still_works(&f);
	fixture_done(&f);
}

/* On this kind of socket both are read as nothing: the hang-up tells them apart. */
static void an_empty_message_is_not_the_end(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_true(send_bytes(&f, "", 0, NULL, 0));
	run_loop(f.event);
	still_works(&f);
	fixture_done(&f);
}

static void a_message_of_unknown_type_is_ignored(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	offer(&f, 1);
	for (uint32_t type = 0; type < 300; type++)
		if (type < OFFER || type > RESCIND)
			send_message(&f, type, 1, 0);
	send_message(&f, UINT32_MAX, 1, 0);
	send_message(&f, ALL_OFFERS, 0, 0); /* known */
	assert_int_equal(f.opened + f.rescinded, 0);
	assert_int_equal(logged.n, 5);
	assert_string_equal(logged.line[0].text, "the host sent a channel message that makes no sense "
						 "(type 0, channel 1): Invalid argument, ignoring it");
	still_works(&f);
	fixture_done(&f);
}

static void a_message_about_no_channel_is_ignored(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	send_message(&f, OPEN_RESULT, 1, 0);
	send_message(&f, RESCIND, 1, 0);
	offer(&f, 1);
	send_message(&f, OPEN_RESULT, 2, 0);
	send_message(&f, RESCIND, 2, 0);
	assert_int_equal(f.opened + f.rescinded, 0);
	send_message(&f, RESCIND, 1, 0);
	send_message(&f, RESCIND, 1, 0); /* twice */
	send_message(&f, OPEN_RESULT, 1, 0);
	assert_int_equal(f.rescinded, 1);
	assert_int_equal(f.opened, 0);
	hear(&f, RELEASED, 1);
	still_works(&f);
	fixture_done(&f);
}

static void the_end_of_the_beginning_is_told_once(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	offer(&f, 1);
	assert_int_equal(f.settled, 0);
	send_message(&f, ALL_OFFERS, 0, 0);
	assert_int_equal(f.settled, 1);
	offer(&f, 2);
	send_message(&f, ALL_OFFERS, 0, 0);
	assert_int_equal(f.settled, 1);
	fixture_done(&f);
}

static void descriptors_with_other_messages_are_closed(void **state)
{
	static const uint32_t types[] = { 0, ALL_OFFERS, OPEN_RESULT, RESCIND, OPEN, UINT32_MAX };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	offer(&f, 1);
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		for (size_t n = 1; n <= 8; n++) {
			unsigned before = open_descriptors();
			uint8_t bytes[MESSAGE_SIZE];
			int fd[8];

			for (size_t k = 0; k < n; k++)
				fd[k] = 0;
			put_message(bytes, types[i], 99, 0, 0);
			assert_true(send_bytes(&f, bytes, sizeof(bytes), fd, n));
			run_loop(f.event);
			assert_int_equal(open_descriptors(), before);
		}
	/* nor do they stay when the message itself is none */
	for (size_t n = 1; n <= 8; n++) {
		static const int fd[8] = { 0 };
		unsigned before = open_descriptors();

		assert_true(send_bytes(&f, "x", 1, fd, n));
		run_loop(f.event);
		assert_int_equal(open_descriptors(), before);
	}
	fixture_done(&f);
}

static void an_offer_has_three_descriptors(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (size_t n = 0; n <= 40; n++) {
		unsigned before = open_descriptors();
		int fd[40];

		if (n == 3)
			continue;
		for (size_t i = 0; i < n; i++)
			fd[i] = i == 0 ? make_memory(2 * RING, F_SEAL_SHRINK) : eventfd(0, EFD_CLOEXEC);
		send_offer(&f, 1, RING, fd, n);
		assert_int_equal(f.offered, 0);
		assert_int_equal(open_descriptors(), before);
	}
	still_works(&f);
	fixture_done(&f);
}

static const struct {
	uint32_t ring_size;
	uint64_t memory;
	int seals;
	bool good;
} rings[] = {
	{ RING, 2 * RING, F_SEAL_SHRINK, true },
	{ RING, 2 * RING, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, true },
	{ 64 << 20, 128 << 20, F_SEAL_SHRINK, true },
	/* the host could take the memory away: each access would be a SIGBUS */
	{ RING, 2 * RING, 0, false },
	{ RING, 2 * RING, F_SEAL_GROW, false },
	/* it could not be mapped */
	{ RING, 2 * RING, F_SEAL_SHRINK | F_SEAL_WRITE, false },
	/* sizes that are no ring's */
	{ 0, 0, F_SEAL_SHRINK, false },
	{ 8, 16, F_SEAL_SHRINK, false },
	{ 4096, 8192, F_SEAL_SHRINK, false }, /* a header and no data */
	{ RING + 8, 2 * RING + 16, F_SEAL_SHRINK, false },
	{ RING + 1, 2 * RING + 2, F_SEAL_SHRINK, false },
	{ (64 << 20) + 4096, (128 << 20) + 8192, F_SEAL_SHRINK, false },
	{ 0x80000000, UINT64_C(0x100000000), F_SEAL_SHRINK, false },
	{ 0xfffff000, UINT64_C(0x1ffffe000), F_SEAL_SHRINK, false },
	/* memory of another size */
	{ RING, 0, F_SEAL_SHRINK, false },
	{ RING, RING, F_SEAL_SHRINK, false },
	{ RING, 2 * RING - 1, F_SEAL_SHRINK, false },
	{ RING, 2 * RING + 1, F_SEAL_SHRINK, false },
	{ RING, 4 * RING, F_SEAL_SHRINK, false },
};

static void only_memory_that_stays_is_taken(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (size_t i = 0; i < ARRAY_LEN(rings); i++) {
		unsigned before = open_descriptors(), good = f.offered;
		int fd[] = { make_memory(rings[i].memory, rings[i].seals), eventfd(0, EFD_CLOEXEC),
			     eventfd(0, EFD_CLOEXEC) };

		send_offer(&f, (uint32_t)i, rings[i].ring_size, fd, ARRAY_LEN(fd));
		assert_int_equal(f.offered - good, rings[i].good);
		assert_int_equal(open_descriptors(), before + (rings[i].good ? 2 : 0));
	}
	still_works(&f);
	fixture_done(&f);
}

enum strange { REGULAR, PIPE_READ, PIPE_WRITE, SOCKET, DIRECTORY, DEV_NULL, ONLY_A_PATH, STRANGE };

/* A descriptor that is no eventfd; a second one that keeps a pipe from breaking is not kept. */
static int make_strange(enum strange what)
{
	int pair[2] = { -1, -1 }, fd;

	switch (what) {
	case REGULAR:
		return make_memory(8, 0);
	case PIPE_READ:
	case PIPE_WRITE:
		assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
		fd = pair[what == PIPE_WRITE];
		(void)close(pair[what != PIPE_WRITE]);
		return fd;
	case SOCKET:
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		(void)close(pair[1]);
		return pair[0];
	case DIRECTORY:
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case DEV_NULL:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	case ONLY_A_PATH:
		return open("/", O_PATH | O_CLOEXEC);
	case STRANGE:
		break;
	}
	return -1;
}

/* Writing into a pipe that nobody reads would be a SIGPIPE. */
static void only_eventfds_are_signals(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (enum strange what = 0; what < STRANGE; what++)
		for (int which = 0; which < 3; which++) {
			unsigned before = open_descriptors();
			int fd[] = { make_memory(2 * RING, F_SEAL_SHRINK), eventfd(0, EFD_CLOEXEC),
				     eventfd(0, EFD_CLOEXEC) };

			(void)close(fd[which]);
			fd[which] = make_strange(what);
			assert_true(fd[which] >= 0);
			send_offer(&f, 1, RING, fd, ARRAY_LEN(fd));
			assert_int_equal(f.offered, 0);
			assert_int_equal(open_descriptors(), before);
		}
	still_works(&f);
	fixture_done(&f);
}

static void an_offer_that_nobody_takes_keeps_nothing(void **state)
{
	unsigned descriptors, mapped;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.answer = -ENOENT;
	descriptors = open_descriptors();
	mapped = mapped_rings();
	offer(&f, 1);
	assert_int_equal(f.offered, 1);
	assert_int_equal(open_descriptors(), descriptors);
	assert_int_equal(mapped_rings(), mapped);

	/* The host may still take it away. */
	send_message(&f, RESCIND, 1, 0);
	assert_int_equal(f.rescinded, 1);
	hear(&f, RELEASED, 1);
	fixture_done(&f);
}

/* A host that resumes may offer a channel anew before it takes the old one away. */
static void an_offer_of_a_component_that_has_one_waits(void **state)
{
	struct port *second;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	offer(&f, 1);
	f.answer = -EBUSY;
	offer(&f, 2);
	assert_int_equal(f.offered, 2);
	second = f.port[1];

	/* still in use: what another rescind brings is no change */
	offer(&f, 3);
	send_message(&f, RESCIND, 3, 0);
	hear(&f, RELEASED, 3);
	assert_int_equal(f.offered, 4);
	assert_ptr_equal(f.port[3], second);

	f.answer = 0;
	send_message(&f, RESCIND, 1, 0);
	hear(&f, RELEASED, 1);
	assert_int_equal(f.offered, 5);
	assert_ptr_equal(f.port[4], second);
	assert_int_equal(second->relid, 2);
	assert_int_equal(second->ops->open(second), 0);
	hear(&f, OPEN, 2);
	send_message(&f, OPEN_RESULT, 2, 0);
	assert_int_equal(f.opened, 1);
	memset(second->memory, 0, 2 * second->ring_size);
	assert_int_equal(second->ops->signal(second), 0);

	/* it is taken now: not offered once more */
	offer(&f, 4);
	send_message(&f, RESCIND, 4, 0);
	hear(&f, RELEASED, 4);
	assert_int_equal(f.offered, 6);
	fixture_done(&f);
}

static void a_relid_in_use_is_not_offered_again(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	offer(&f, 1);
	offer(&f, 1);
	offer(&f, 1);
	assert_int_equal(f.offered, 1);
	assert_int_equal(logged_count(LOG_WARNING, "(type 1, channel 1): File exists, ignoring it"), 2);
	fixture_done(&f);
}

static void a_thousand_offers_are_not_all_taken(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (uint32_t i = 0; i < 1000; i++)
		offer(&f, i);
	assert_int_equal(f.offered, PORTS);
	assert_int_equal(logged.n, 5);
	/* where one goes, one may come */
	send_message(&f, RESCIND, 10, 0);
	hear(&f, RELEASED, 10);
	offer(&f, 5000);
	assert_int_equal(f.offered, PORTS + 1);
	fixture_done(&f);
}

/* What it was not told it would never learn: a relid that is not released, for one. */
static void a_host_that_does_not_listen_is_left(void **state)
{
	struct fixture f;
	struct port *p;
	int r = 0;

	(void)state;
	fixture_init(&f);
	offer(&f, 1);
	p = f.port[0];
	for (int i = 0; i < 100000 && r == 0; i++)
		r = p->ops->open(p);
	assert_int_equal(r, -ENOBUFS);
	assert_int_equal(f.ended, 1);
	assert_int_equal(f.end_error, -ENOBUFS);
	fixture_done(&f);
}

/* The host's descriptors are ours as well, also their flags. */
static void a_descriptor_that_the_host_makes_block_does_not_stop_us(void **state)
{
	const uint64_t full = UINT64_MAX - 1;
	int interrupt, signal_fd, fd[3];
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fd[0] = make_memory(2 * RING, F_SEAL_SHRINK);
	fd[1] = dup(interrupt = eventfd(0, EFD_CLOEXEC));
	fd[2] = dup(signal_fd = eventfd(0, EFD_CLOEXEC));
	send_offer(&f, 1, RING, fd, ARRAY_LEN(fd));
	assert_int_equal(write(signal_fd, &full, sizeof(full)), sizeof(full));
	assert_int_equal(fcntl(signal_fd, F_SETFL, 0), 0);
	assert_int_equal(fcntl(interrupt, F_SETFL, 0), 0);
	(void)alarm(10); /* ends the test where it would hang */
	assert_int_equal(f.port[0]->ops->signal(f.port[0]), -EPROTO);
	assert_int_equal(f.port[0]->ops->acknowledge(f.port[0]), 0);
	(void)alarm(0);
	(void)close(signal_fd);
	(void)close(interrupt);
	fixture_done(&f);
}

static void a_signal_that_is_not_taken_does_not_stop_us(void **state)
{
	const uint64_t full = UINT64_MAX - 1;
	int signal_fd, fd[3];
	struct fixture f;

	(void)state;
	fixture_init(&f);
	fd[0] = make_memory(2 * RING, F_SEAL_SHRINK);
	fd[1] = eventfd(0, EFD_CLOEXEC);
	fd[2] = dup(signal_fd = eventfd(0, EFD_CLOEXEC));
	send_offer(&f, 1, RING, fd, ARRAY_LEN(fd));
	assert_int_equal(write(signal_fd, &full, sizeof(full)), sizeof(full));
	assert_int_equal(f.port[0]->ops->signal(f.port[0]), 0);
	(void)close(signal_fd);
	fixture_done(&f);
}

/* --- the end --- */

static void offer_one(struct fixture *f)
{
	offer(f, 1);
}

static void offer_and_open(struct fixture *f)
{
	offer(f, 1);
	assert_int_equal(f->port[0]->ops->open(f->port[0]), 0);
}

static void offer_and_rescind(struct fixture *f)
{
	offer(f, 1);
	send_message(f, RESCIND, 1, 0);
}

/* A message that is in the socket when the host goes is still heard. */
static void offer_unheard(struct fixture *f)
{
	uint8_t bytes[MESSAGE_SIZE];

	put_message(bytes, RESCIND, 1, 0, 0);
	assert_true(send_bytes(f, bytes, sizeof(bytes), NULL, 0));
}

static void do_nothing(struct fixture *f)
{
	(void)f;
}

static void the_host_may_hang_up_at_any_time(void **state)
{
	static void (*const before[])(struct fixture *f) = {
		do_nothing, offer_one, offer_and_open, offer_and_rescind, offer_unheard,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		struct fixture f;

		fixture_init(&f);
		before[i](&f);
		hang_up(&f);
		run_loop(f.event);
		assert_int_equal(f.ended, 1);
		assert_int_equal(f.end_error, 0);
		/* and the ports that are left are no trap */
		for (unsigned k = 0; k < f.offered; k++) {
			struct port *p = f.port[k];

			if (!p)
				continue;
			assert_true(p->ops->open(p) < 0);
			assert_int_equal(p->ops->signal(p), 0);
			p->ops->close(p);
			p->ops->release(p);
		}
		run_loop(f.event);
		assert_int_equal(f.ended, 1);
		fixture_done(&f);
	}
}

static void a_host_that_never_accepts_is_hung_up_on(void **state)
{
	struct fixture f;

	(void)state;
	host_init(&f);
	assert_int_equal(socket_new(f.event, &recording_log, f.path, &noting, &f, &f.socket), 0);
	run_loop(f.event);
	(void)close(f.listener);
	f.listener = -1;
	run_loop(f.event);
	assert_int_equal(f.ended, 1);
	fixture_done(&f);
}

static void a_host_that_is_not_there_is_an_error(void **state)
{
	struct fixture f;
	char path[256];
	int stream;

	(void)state;
	host_init(&f);
	assert_int_equal(socket_new(f.event, &recording_log, "/nonexistent", &noting, &f, &f.socket),
			 -ENOENT);
	assert_int_equal(socket_new(f.event, &recording_log, f.dir.path, &noting, &f, &f.socket),
			 -ECONNREFUSED);
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(socket_new(f.event, &recording_log, path, &noting, &f, &f.socket),
			 -ENAMETOOLONG);
	temp_dir_path(&f.dir, "stream", path, sizeof(path));
	stream = listen_at(path, SOCK_STREAM);
	assert_int_equal(socket_new(f.event, &recording_log, path, &noting, &f, &f.socket), -EPROTOTYPE);
	(void)close(stream);
	assert_null(f.socket); /* untouched */
	assert_null(socket_free(NULL));
	host_done(&f);
}

/* --- the whole daemon --- */

struct daemon {
	struct fixture host; /* only its own end */
	struct conf conf;
	struct log log;
	struct manager *manager;
};

static void daemon_init_at(struct daemon *d, const char *conf_path)
{
	struct manager_options options = {
		.conf = &d->conf, .conf_path = conf_path, .log = &d->log, .dry_run = true,
	};

	memset(d, 0, sizeof(*d));
	d->log = terse_log;
	host_init(&d->host);
	d->conf.profile = d->conf.configured.profile = profile_find("newest");
	for (int c = 0; c < IC_COMPONENTS; c++)
		d->conf.component[c].enabled = true;
	conf_resolve(&d->conf);
	(void)snprintf(d->conf.pool_directory, sizeof(d->conf.pool_directory), "%s",
		       d->host.dir.path);
	options.socket_path = d->host.path;
	assert_int_equal(manager_new(d->host.event, &options, &d->manager), 0);
	host_accept(&d->host);
}

static void daemon_init(struct daemon *d)
{
	daemon_init_at(d, NULL);
}

static void daemon_done(struct daemon *d)
{
	sigset_t set;

	d->manager = manager_free(d->manager);
	assert_null(d->manager);
	log_out_close(d->log.out); /* a reload has opened it */
	host_done(&d->host);
	(void)sigemptyset(&set);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
}

/* The classes of heartbeat, key-value pairs and time (Linux include/linux/hyperv.h), in memory order. */
static const uint8_t classes[][16] = {
	{ 0x39, 0x4f, 0x16, 0x57, 0x15, 0x91, 0x78, 0x4e, 0xab, 0x55, 0x38, 0x2f, 0x3b, 0xd5, 0x42, 0x2d },
	{ 0xe7, 0xf4, 0xa0, 0xa9, 0x45, 0x5a, 0x96, 0x4d, 0xb8, 0x27, 0x8a, 0x84, 0x1e, 0x8c, 0x03, 0xe6 },
	{ 0x30, 0xe6, 0x27, 0x95, 0xae, 0xd0, 0x7b, 0x49, 0xad, 0xce, 0xe8, 0x0a, 0xb0, 0x17, 0x5c, 0xaf },
	{ 0 },
};

/* A host that rolls dice: the rings of the last offer of each of eight channels. */
struct dice {
	uint64_t seed;
	bool time_stands;
	uint8_t *rings[8];
};

static void rings_drop(struct dice *d, uint32_t relid)
{
	if (d->rings[relid])
		(void)munmap(d->rings[relid], 2 * RING);
	d->rings[relid] = NULL;
}

/* An offer that is good but for its relid, which may be in use. */
static void random_offer(struct daemon *d, struct dice *dice, uint8_t *bytes, uint32_t relid)
{
	int fd[] = { make_memory(2 * RING, F_SEAL_SHRINK), eventfd(1, EFD_CLOEXEC),
		     eventfd(0, EFD_CLOEXEC) };

	rings_drop(dice, relid);
	dice->rings[relid] = mmap(NULL, 2 * RING, PROT_READ | PROT_WRITE, MAP_SHARED, fd[0], 0);
	assert_ptr_not_equal(dice->rings[relid], MAP_FAILED);
	memcpy(bytes + 16, classes[next_random(&dice->seed) % ARRAY_LEN(classes)], 16);
	assert_true(send_bytes(&d->host, bytes, MESSAGE_SIZE, fd, ARRAY_LEN(fd)));
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		(void)close(fd[i]);
}

/* Bytes anywhere in the rings, and often an index with which they look like a packet. */
static void random_scribble(struct dice *dice, uint8_t *memory)
{
	for (uint64_t i = next_random(&dice->seed) % 16; i > 0; i--) {
		uint64_t at = next_random(&dice->seed) % (2 * RING);

		memory[at] = (uint8_t)next_random(&dice->seed);
	}
	if (next_random(&dice->seed) % 2)
		put_le(memory + RING, 4, next_random(&dice->seed) % 64 * 8);
}

static void random_message(struct daemon *d, struct dice *dice)
{
	uint32_t relid = next_random(&dice->seed) % ARRAY_LEN(dice->rings);
	uint32_t type = next_random(&dice->seed) % 6;
	uint8_t bytes[MESSAGE_SIZE];

	put_message(bytes, type, relid, RING, next_random(&dice->seed) % 4 == 0);
	if (type == OFFER)
		random_offer(d, dice, bytes, relid);
	else
		assert_true(send_bytes(&d->host, bytes, sizeof(bytes), NULL, 0));
	if (dice->rings[relid])
		random_scribble(dice, dice->rings[relid]);
	if (!dice->time_stands && next_random(&dice->seed) % 16 == 0)
		pass_time(d->host.event, 2 * SECOND);
	run_loop(d->host.event);
	while (recv(d->host.host, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

static void daemon_offer(struct daemon *d, uint32_t relid, const uint8_t *class_id)
{
	int fd[] = { make_memory(2 * RING, F_SEAL_SHRINK), eventfd(0, EFD_CLOEXEC),
		     eventfd(0, EFD_CLOEXEC) };
	uint8_t bytes[MESSAGE_SIZE];

	put_message(bytes, OFFER, relid, RING, 0);
	memcpy(bytes + 16, class_id, 16);
	assert_true(send_bytes(&d->host, bytes, sizeof(bytes), fd, ARRAY_LEN(fd)));
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		(void)close(fd[i]);
	run_loop(d->host.event);
}

/* A channel of each component that is served is opened, another is let be; each is given back. */
static void what_is_served_is_opened_and_all_is_given_back(void **state)
{
	static struct daemon d;

	(void)state;
	daemon_init(&d);
	for (uint32_t i = 0; i < ARRAY_LEN(classes); i++) {
		daemon_offer(&d, i, classes[i]);
		if (i < 3)
			hear(&d.host, OPEN, i);
		daemon_offer(&d, 10 + i, classes[i]); /* a second one of the class */
		hear_nothing(&d.host);
	}
	for (uint32_t i = 0; i < ARRAY_LEN(classes); i++) {
		send_message(&d.host, RESCIND, 10 + i, 0);
		hear(&d.host, RELEASED, 10 + i);
		send_message(&d.host, OPEN_RESULT, i, 0);
		send_message(&d.host, RESCIND, i, 0);
		hear(&d.host, RELEASED, i);
		hear_nothing(&d.host);
	}
	for (uint32_t i = 0; i < 20; i++) { /* and again */
		daemon_offer(&d, 5, classes[0]);
		hear(&d.host, OPEN, 5);
		send_message(&d.host, OPEN_RESULT, 5, 0);
		send_message(&d.host, RESCIND, 5, 0);
		hear(&d.host, RELEASED, 5);
	}
	daemon_done(&d);
}

static void daemon_open(struct daemon *d, uint32_t relid)
{
	hear(&d->host, OPEN, relid);
	send_message(&d->host, OPEN_RESULT, relid, 0);
	run_loop(d->host.event);
}

/* Only what another profile makes a difference to is closed and opened again. */
static void another_profile_opens_channels_again(void **state)
{
	struct channel_view view;
	static struct daemon d;

	(void)state;
	daemon_init(&d);
	for (uint32_t i = 0; i < 3; i++) {
		daemon_offer(&d, i, classes[i]);
		daemon_open(&d, i);
	}
	assert_int_equal(manager_set_profile(d.manager, "none such"), -ENOENT);
	hear_nothing(&d.host);
	/* heartbeat as newest, KVP too; time sync at most 3.0 */
	assert_int_equal(manager_set_profile(d.manager, "legacy"), 0);
	pass_time(d.host.event, 0);
	hear(&d.host, CLOSE, 2);
	daemon_open(&d, 2);
	hear_nothing(&d.host);
	assert_string_equal(manager_conf(d.manager)->profile->name, "legacy");
	assert_int_equal(manager_view(d.manager, IC_TIMESYNC, &view), 0);
	assert_string_equal(view.conf->profile, "legacy");
	assert_string_equal(view.state, "negotiating");
	assert_int_equal(manager_renegotiate(d.manager, IC_HEARTBEAT), 0);
	pass_time(d.host.event, 0);
	hear(&d.host, CLOSE, 0);
	daemon_open(&d, 0);
	assert_int_equal(manager_renegotiate(d.manager, IC_VSS), -ENODEV);
	assert_int_equal(manager_view(d.manager, IC_VSS, &view), -ENODEV);
	daemon_done(&d);
}

/* A simulated host knows its guest by the connection, which ends with the process, and sees each channel closed
 * before. */
static void no_channel_of_a_simulated_host_is_kept(void **state)
{
	struct fake_manager manager;
	static struct daemon d;

	(void)state;
	assert_true(fake_manager_init(&manager));
	(void)setenv("NOTIFY_SOCKET", manager.path, 1);
	daemon_init(&d);
	daemon_offer(&d, 0, classes[0]);
	daemon_open(&d, 0);
	assert_int_equal(manager.ready, 0);
	send_message(&d.host, ALL_OFFERS, 0, 0);
	fake_manager_listen(&manager);
	assert_int_equal(manager.ready, 1);
	d.manager = manager_free(d.manager);
	hear(&d.host, CLOSE, 0);
	daemon_done(&d);
	fake_manager_listen(&manager);
	assert_int_equal(manager.puts, 0);
	(void)unsetenv("NOTIFY_SOCKET");
	fake_manager_done(&manager);
}

/* A start that goes on is not said to be over by the end of a reload. */
static void a_reload_says_nothing_of_a_start_that_goes_on(void **state)
{
	struct fake_manager manager;
	static struct daemon d;

	(void)state;
	assert_true(fake_manager_init(&manager));
	(void)setenv("NOTIFY_SOCKET", manager.path, 1);
	daemon_init_at(&d, "/nonexistent/conf");
	for (unsigned settled = 0; settled < 2; settled++) {
		logged_clear();
		assert_int_equal(raise(SIGHUP), 0);
		run_loop(d.host.event);
		assert_int_equal(logged_count(LOG_ERR, "the configuration stays as it was"), 1);
		fake_manager_listen(&manager);
		assert_int_equal(manager.reloading, settled);
		assert_int_equal(manager.ready, settled ? 2 : 0);
		if (!settled)
			send_message(&d.host, ALL_OFFERS, 0, 0);
		fake_manager_listen(&manager);
		assert_int_equal(manager.ready, settled ? 2 : 1);
	}
	daemon_done(&d);
	(void)unsetenv("NOTIFY_SOCKET");
	fake_manager_done(&manager);
}

static void write_conf(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* SIGHUP with a file that is wrong: which line it is about is told, the reload ends all the same, and what
 * holds is what held before, also what was set at run time. */
static void a_reload_of_what_is_wrong_changes_nothing(void **state)
{
	static const struct {
		const char *text, *sentence;
	} files[] = {
		{ "[Daemon]\nLogLevel=debug\n[KVP]\nEnable=perhaps\n", ":4: [KVP] Enable=perhaps: expected yes or no" },
		{ "[Policy]\nBlock=heartbeat\n\n[Hartbeat]\n", ":4: no section is called 'Hartbeat'" },
		{ "[Negotiation]\nProfile=legacy\nhello\n", ":3: expected '[Section]' or 'Key=value'" },
	};
	struct temp_dir dir = temp_dir_new();
	struct fake_manager manager;
	static struct daemon d;
	static struct conf before;
	struct channel_view view;
	char path[256], told[512], id[64];

	(void)state;
	assert_true(fake_manager_init(&manager));
	(void)setenv("NOTIFY_SOCKET", manager.path, 1);
	temp_dir_path(&dir, "conf", path, sizeof(path));
	daemon_init_at(&d, path);
	for (uint32_t i = 0; i < 3; i++) {
		daemon_offer(&d, i, classes[i]);
		daemon_open(&d, i);
	}
	send_message(&d.host, ALL_OFFERS, 0, 0);
	assert_int_equal(manager_set_profile(d.manager, "ws2012"), 0);
	pass_time(d.host.event, 0);
	for (uint32_t i = 1; i < 3; i++) /* heartbeats are the same in both */
		hear(&d.host, CLOSE, i);
	for (uint32_t i = 1; i < 3; i++)
		daemon_open(&d, i);
	manager_set_application_state(d.manager, HEARTBEAT_CRITICAL);
	d.log = terse_log; /* which was opened anew */
	before = *manager_conf(d.manager);
	(void)snprintf(id, sizeof(id), "%s", message_id_fields[MESSAGE_MISCONFIGURED]);
	for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
		temp_dir_put(&dir, "conf", files[i].text);
		logged_clear();
		assert_int_equal(raise(SIGHUP), 0);
		run_loop(d.host.event);
		(void)snprintf(told, sizeof(told), "the configuration stays as it was: %s%s", path, files[i].sentence);
		assert_field(logged_one(LOG_ERR, told), id);
		assert_int_equal(logged.n, 1);
		fake_manager_listen(&manager);
		assert_int_equal(manager.reloading, i + 1);
		assert_int_equal(manager.ready, i + 2); /* the first is of the start */
		hear_nothing(&d.host);
		assert_memory_equal(manager_conf(d.manager), &before, sizeof(before));
		assert_int_equal(manager_view(d.manager, IC_KVP, &view), 0);
		assert_string_equal(view.state, "negotiating");
		assert_string_equal(view.conf->profile, "ws2012");
	}
	fake_manager_drop_all(&manager); /* what was set */
	daemon_done(&d);
	(void)unsetenv("NOTIFY_SOCKET");
	fake_manager_done(&manager);
	temp_dir_done(&dir);
}

/* SIGHUP: a file that is wrong changes nothing, one that is right what it says. */
static void a_reload_closes_and_opens_what_it_says(void **state)
{
	struct manager_options options = { .dry_run = true };
	struct conf_error error;
	static struct daemon d;
	char path[4096];

	(void)state;
	daemon_init(&d);
	d.manager = manager_free(d.manager);
	hang_up(&d.host);
	host_done(&d.host);
	host_init(&d.host);
	(void)snprintf(path, sizeof(path), "%s/conf", d.host.dir.path);
	write_conf(path, "[KVP]\nEnable=no\n");
	assert_int_equal(conf_read(path, &d.conf, &error), 0);
	(void)snprintf(d.conf.pool_directory, sizeof(d.conf.pool_directory), "%s", d.host.dir.path);
	options.conf = &d.conf;
	options.conf_path = path;
	options.log = &d.log;
	options.socket_path = d.host.path;
	assert_int_equal(manager_new(d.host.event, &options, &d.manager), 0);
	host_accept(&d.host);
	for (uint32_t i = 0; i < 3; i++) {
		daemon_offer(&d, i, classes[i]);
		if (i != 1)
			daemon_open(&d, i);
	}
	hear_nothing(&d.host);

	write_conf(path, "[KVP]\nEnable=perhaps\n");
	assert_int_equal(raise(SIGHUP), 0);
	run_loop(d.host.event);
	hear_nothing(&d.host);

	write_conf(path, "[TimeSync]\nEnable=no\n[Heartbeat]\nApplicationState=critical\n");
	assert_int_equal(raise(SIGHUP), 0);
	run_loop(d.host.event);
	hear(&d.host, OPEN, 1);
	hear(&d.host, CLOSE, 2);
	hear_nothing(&d.host);
	assert_int_equal(manager_conf(d.manager)->application_state, HEARTBEAT_CRITICAL);
	/* gone and come while it is not served */
	send_message(&d.host, RESCIND, 2, 0);
	hear(&d.host, RELEASED, 2);
	daemon_offer(&d, 2, classes[2]);
	hear_nothing(&d.host);
	daemon_done(&d);
}

static void no_host_brings_the_daemon_down(void **state)
{
	struct dice dice = { .seed = 0x1234567 };
	static struct daemon d;
	unsigned descriptors;
	int code = -1;

	(void)state;
	daemon_init(&d);
	descriptors = open_descriptors();
	for (int i = 0; i < 5000; i++)
		random_message(&d, &dice);
	/* In no time each kind of line comes five times: six of each of three channels, and two more. */
	logged_clear();
	dice.time_stands = true;
	for (int i = 0; i < 1000; i++)
		random_message(&d, &dice);
	assert_in_range(logged.n, 1, 5 * (3 * 6 + 2));
	/* a port has two descriptors: there are at most eight */
	assert_in_range(open_descriptors(), descriptors, descriptors + 16);
	hang_up(&d.host);
	while (sd_event_get_state(d.host.event) != SD_EVENT_FINISHED)
		assert_true(sd_event_run(d.host.event, 0) >= 0);
	assert_int_equal(sd_event_get_exit_code(d.host.event, &code), 0);
	assert_int_equal(code, 0);
	for (uint32_t i = 0; i < ARRAY_LEN(dice.rings); i++)
		rings_drop(&dice, i);
	daemon_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_channel_is_used_from_offer_to_release),
		cmocka_unit_test(a_relid_may_be_used_again),
		cmocka_unit_test(channels_are_told_apart),
		cmocka_unit_test(a_message_of_another_length_is_ignored),
		cmocka_unit_test(an_empty_message_is_not_the_end),
		cmocka_unit_test(a_message_of_unknown_type_is_ignored),
		cmocka_unit_test(a_message_about_no_channel_is_ignored),
		cmocka_unit_test(the_end_of_the_beginning_is_told_once),
		cmocka_unit_test(descriptors_with_other_messages_are_closed),
		cmocka_unit_test(an_offer_has_three_descriptors),
		cmocka_unit_test(only_memory_that_stays_is_taken),
		cmocka_unit_test(only_eventfds_are_signals),
		cmocka_unit_test(an_offer_that_nobody_takes_keeps_nothing),
		cmocka_unit_test(an_offer_of_a_component_that_has_one_waits),
		cmocka_unit_test(a_relid_in_use_is_not_offered_again),
		cmocka_unit_test(a_thousand_offers_are_not_all_taken),
		cmocka_unit_test(a_host_that_does_not_listen_is_left),
		cmocka_unit_test(a_descriptor_that_the_host_makes_block_does_not_stop_us),
		cmocka_unit_test(a_signal_that_is_not_taken_does_not_stop_us),
		cmocka_unit_test(the_host_may_hang_up_at_any_time),
		cmocka_unit_test(a_host_that_never_accepts_is_hung_up_on),
		cmocka_unit_test(a_host_that_is_not_there_is_an_error),
		cmocka_unit_test(what_is_served_is_opened_and_all_is_given_back),
		cmocka_unit_test(another_profile_opens_channels_again),
		cmocka_unit_test(no_channel_of_a_simulated_host_is_kept),
		cmocka_unit_test(a_reload_says_nothing_of_a_start_that_goes_on),
		cmocka_unit_test(a_reload_of_what_is_wrong_changes_nothing),
		cmocka_unit_test(a_reload_closes_and_opens_what_it_says),
		cmocka_unit_test(no_host_brings_the_daemon_down),
	};

	return cmocka_run_group_tests_name("socket", tests, NULL, NULL);
}
