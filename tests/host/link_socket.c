/* SPDX-License-Identifier: GPL-2.0-only */
/* The link over a Unix socket: daemon/socket_wire.h has the messages, SOCKET.md the conversation. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/socket_wire.h"
#include "hv_util/bytes.h"
#include "tests/host/link.h"

enum slot_state {
	SLOT_EMPTY = 0, /* not offered */
	SLOT_OFFERED,
	SLOT_OPEN,
	SLOT_RESCINDED, /* the guest has not released it yet */
	SLOT_STATES
};

struct slot {
	struct link_socket *link;
	enum component component;
	enum slot_state state;
	uint32_t relid;
	void *memory;
	int memory_fd, interrupt_fd, signal_fd;
	sd_event_source *source;
};

struct link_socket {
	struct link link;
	sd_event *event;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	uint32_t ring_size;
	const struct link_events *events;
	void *user;
	int listen_fd, guest_fd;
	sd_event_source *listen_source, *guest_source;
	uint32_t last_relid;
	struct slot slot[COMPONENT_MAX];
};

static int close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* --- one offered channel --- */

static void slot_clear(struct slot *s)
{
	s->source = sd_event_source_disable_unref(s->source);
	if (s->memory)
		(void)munmap(s->memory, 2 * (size_t)s->link->ring_size);
	s->memory = NULL;
	s->memory_fd = close_fd(s->memory_fd);
	s->interrupt_fd = close_fd(s->interrupt_fd);
	s->signal_fd = close_fd(s->signal_fd);
	s->state = SLOT_EMPTY;
}

/*
 * How often the guest signalled since the last look. The guest shares the eventfd and can make it
 * blocking, so O_NONBLOCK is not relied on.
 */
static uint64_t take_signals(const struct slot *s)
{
	uint64_t times = 0;
	struct iovec iov = { .iov_base = &times, .iov_len = sizeof(times) };

	return preadv2(s->signal_fd, &iov, 1, -1, RWF_NOWAIT) == sizeof(times) ? times : 0;
}

static int on_signal(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct slot *s = user;
	uint64_t times = take_signals(s);

	(void)source;
	(void)fd;
	(void)revents;
	if (!times)
		return 0;
	if (s->state == SLOT_OPEN)
		s->link->events->signalled(s->link->user, s->component, times);
	else if (s->state == SLOT_OFFERED)
		s->link->events->violated(s->link->user, (int)s->component,
					  "the guest signalled a channel that is not open");
	return 0;
}

/* A guest must not be able to resize what we have mapped. */
static int make_memory(struct slot *s)
{
	off_t size = 2 * (off_t)s->link->ring_size;

	s->memory_fd = memfd_create("vmichost-rings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (s->memory_fd < 0)
		return -errno;
	if (ftruncate(s->memory_fd, size) < 0 ||
	    fcntl(s->memory_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	s->memory = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, s->memory_fd, 0);
	if (s->memory == MAP_FAILED) {
		s->memory = NULL;
		return -errno;
	}
	return 0;
}

static int slot_fill(struct slot *s)
{
	int r;

	r = make_memory(s);
	if (r < 0)
		return r;
	s->interrupt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->interrupt_fd < 0)
		return -errno;
	s->signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->signal_fd < 0)
		return -errno;
	r = sd_event_add_io(s->link->event, &s->source, s->signal_fd, EPOLLIN, on_signal, s);
	if (r < 0)
		return r;
	(void)sd_event_source_set_description(s->source, "guest-signal");
	s->relid = ++s->link->last_relid;
	s->state = SLOT_OFFERED;
	return 0;
}

/* --- sending --- */

static void guest_gone(struct link_socket *l)
{
	if (l->guest_fd < 0)
		return;
	l->guest_source = sd_event_source_disable_unref(l->guest_source);
	l->guest_fd = close_fd(l->guest_fd);
	l->events->left(l->user);
	for (int c = 0; c < COMPONENT_MAX; c++)
		slot_clear(&l->slot[c]);
}

struct socket_message {
	enum socket_type type;
	uint32_t relid, ring_size, status;
	const struct component_info *info;
};

static int send_message(struct link_socket *l, const struct socket_message *m, const int *fds,
			size_t n_fds)
{
	uint8_t bytes[SOCKET_MESSAGE_SIZE] = { 0 };
	struct wr w = { .p = bytes, .left = sizeof(bytes) };
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	union {
		char bytes[CMSG_SPACE(SOCKET_OFFER_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };

	wr_u32(&w, m->type);
	wr_u32(&w, m->relid);
	wr_u32(&w, m->ring_size);
	wr_u32(&w, m->status);
	if (m->info) {
		wr_bytes(&w, m->info->class_id, 16);
		wr_bytes(&w, m->info->instance_id, 16);
	}
	if (n_fds) {
		struct cmsghdr *c;

		header.msg_control = control.bytes;
		header.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	if (l->guest_fd < 0)
		return -ENOTCONN;
	/* A guest that does not read its socket is as good as gone: the reader side will see it. */
	return sendmsg(l->guest_fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static struct link_socket *of_link(struct link *l)
{
	return (struct link_socket *)l;
}

static int socket_offer(struct link *link, enum component c)
{
	struct link_socket *l = of_link(link);
	struct slot *s = &l->slot[c];
	int r;

	if (s->state != SLOT_EMPTY)
		return -EBUSY;
	r = slot_fill(s);
	if (r >= 0) {
		const int fds[SOCKET_OFFER_FDS] = { s->memory_fd, s->interrupt_fd, s->signal_fd };
		const struct socket_message m = { .type = SOCKET_OFFER,
						  .relid = s->relid,
						  .ring_size = l->ring_size,
						  .info = &component_table[c] };

		r = send_message(l, &m, fds, ARRAY_LEN(fds));
	}
	if (r < 0)
		slot_clear(s);
	return r;
}

static int socket_offers_done(struct link *link)
{
	return send_message(of_link(link),
			    &(struct socket_message){ .type = SOCKET_ALL_OFFERS }, NULL, 0);
}

static int socket_rescind(struct link *link, enum component c)
{
	struct slot *s = &of_link(link)->slot[c];
	const struct socket_message m = { .type = SOCKET_RESCIND, .relid = s->relid };

	if (s->state != SLOT_OFFERED && s->state != SLOT_OPEN)
		return -ENOENT;
	s->state = SLOT_RESCINDED;
	return send_message(of_link(link), &m, NULL, 0);
}

static int socket_signal(struct link *link, enum component c)
{
	struct slot *s = &of_link(link)->slot[c];
	struct pollfd full = { .fd = s->interrupt_fd, .events = POLLOUT };
	uint64_t one = 1;

	if (s->state != SLOT_OPEN)
		return -ENOTCONN;
	/* The guest shares the eventfd: it can make it blocking and count it up to its end. */
	if (poll(&full, 1, 0) != 1 || !(full.revents & POLLOUT))
		return 0;
	if (write(s->interrupt_fd, &one, sizeof(one)) < 0)
		return errno == EAGAIN ? 0 : -errno;
	s->link->events->interrupted(s->link->user, c);
	return 0;
}

static struct link *socket_free(struct link *link)
{
	struct link_socket *l;

	if (!link)
		return NULL;
	l = of_link(link);
	for (int c = 0; c < COMPONENT_MAX; c++)
		slot_clear(&l->slot[c]);
	l->guest_source = sd_event_source_disable_unref(l->guest_source);
	l->listen_source = sd_event_source_disable_unref(l->listen_source);
	close_fd(l->guest_fd);
	close_fd(l->listen_fd);
	if (l->path[0])
		(void)unlink(l->path);
	sd_event_unref(l->event);
	free(l);
	return NULL;
}

static const struct link_ops socket_ops = {
	.offer = socket_offer,
	.offers_done = socket_offers_done,
	.rescind = socket_rescind,
	.signal = socket_signal,
	.free = socket_free,
};

/* --- receiving --- */

static void guest_opens(struct link_socket *l, struct slot *s)
{
	struct socket_message m = { .type = SOCKET_OPEN_RESULT, .relid = s->relid };
	int r;

	/* A signal from before the channel was closed is no signal of the new opening. */
	(void)take_signals(s);
	s->state = SLOT_OPEN;
	r = l->events->opened(l->user, s->component, s->memory, l->ring_size);
	if (r < 0) {
		s->state = SLOT_OFFERED;
		m.status = (uint32_t)-r;
	}
	(void)send_message(l, &m, NULL, 0);
	if (r >= 0)
		l->events->started(l->user, s->component);
}

static void guest_closes(struct link_socket *l, struct slot *s)
{
	uint64_t times = take_signals(s);

	if (times)
		l->events->signalled(l->user, s->component, times);
	s->state = SLOT_OFFERED;
	l->events->closed(l->user, s->component);
}

static void guest_releases(struct link_socket *l, struct slot *s)
{
	enum component c = s->component;

	slot_clear(s);
	l->events->released(l->user, c);
}

static void crosses_rescind(struct link_socket *l, struct slot *s)
{
	/* Sent before the guest saw that the channel is gone: neither wrong nor answered. */
	(void)l;
	(void)s;
}

/* What the guest may say in which state; a cell left out is a violation. */
static const struct {
	enum socket_type type;
	const char *name;
	void (*act[SLOT_STATES])(struct link_socket *l, struct slot *s);
} guest_messages[] = {
	{ SOCKET_OPEN, "OPEN", { [SLOT_OFFERED] = guest_opens, [SLOT_RESCINDED] = crosses_rescind } },
	{ SOCKET_CLOSE, "CLOSE", { [SLOT_OPEN] = guest_closes, [SLOT_RESCINDED] = crosses_rescind } },
	{ SOCKET_RELEASED, "RELEASED", { [SLOT_RESCINDED] = guest_releases } },
};

static struct slot *slot_of_relid(struct link_socket *l, uint32_t relid)
{
	for (int c = 0; c < COMPONENT_MAX; c++)
		if (l->slot[c].state != SLOT_EMPTY && l->slot[c].relid == relid)
			return &l->slot[c];
	return NULL;
}

static void on_message(struct link_socket *l, const uint8_t *bytes)
{
	static const char *const state_text[SLOT_STATES] = { "not offered", "closed", "open",
							     "rescinded" };
	struct rd r = { .p = bytes, .left = SOCKET_MESSAGE_SIZE };
	uint32_t type = rd_u32(&r), relid = rd_u32(&r);
	struct slot *s = slot_of_relid(l, relid);
	char sentence[160];

	for (size_t i = 0; i < ARRAY_LEN(guest_messages); i++) {
		if (guest_messages[i].type != type)
			continue;
		if (s && guest_messages[i].act[s->state]) {
			guest_messages[i].act[s->state](l, s);
			return;
		}
		snprintf(sentence, sizeof(sentence), "the guest sent %s for channel %u, which is %s",
			 guest_messages[i].name, relid, state_text[s ? s->state : SLOT_EMPTY]);
		l->events->violated(l->user, s ? (int)s->component : LINK_NO_COMPONENT, sentence);
		return;
	}
	snprintf(sentence, sizeof(sentence), "the guest sent a socket message of unknown type %u", type);
	l->events->violated(l->user, LINK_NO_COMPONENT, sentence);
}

static int on_guest(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct link_socket *l = user;
	uint8_t bytes[SOCKET_MESSAGE_SIZE + 1];
	ssize_t n;

	(void)source;
	(void)revents;
	n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		guest_gone(l);
	else if (n != SOCKET_MESSAGE_SIZE)
		l->events->violated(l->user, LINK_NO_COMPONENT,
				    "the guest sent a socket message of a wrong size");
	else
		on_message(l, bytes);
	return 0;
}

static int on_connection(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct link_socket *l = user;
	int guest, r;

	(void)source;
	(void)revents;
	guest = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (guest < 0)
		return 0;
	if (l->guest_fd >= 0) {
		close_fd(guest);
		l->events->violated(l->user, LINK_NO_COMPONENT, "a second guest tried to connect and was turned away");
		return 0;
	}
	l->guest_fd = guest;
	r = sd_event_add_io(l->event, &l->guest_source, guest, EPOLLIN, on_guest, l);
	if (r < 0) {
		l->guest_fd = close_fd(guest);
		return 0;
	}
	(void)sd_event_source_set_description(l->guest_source, "guest-socket");
	l->events->joined(l->user);
	return 0;
}

/* Removes the socket of a host that is no more: nobody listens there. Other files are refused by
 * connect in the same way, and are not ours to remove. */
static bool remove_dead_socket(const struct sockaddr_un *address)
{
	struct stat st;
	int fd;
	bool dead;

	if (lstat(address->sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	dead = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
	       errno == ECONNREFUSED;

	close_fd(fd);
	return dead && unlink(address->sun_path) == 0;
}

static int bind_at(int fd, const struct sockaddr_un *address)
{
	const struct sockaddr *a = (const struct sockaddr *)address;

	if (bind(fd, a, sizeof(*address)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (!remove_dead_socket(address))
		return -EADDRINUSE;
	return bind(fd, a, sizeof(*address)) < 0 ? -errno : 0;
}

static int listen_at(struct link_socket *l, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	l->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->listen_fd < 0)
		return -errno;
	r = bind_at(l->listen_fd, &address);
	if (r < 0)
		return r;
	memcpy(l->path, path, strlen(path)); /* it is ours from here on */
	return listen(l->listen_fd, 4) < 0 ? -errno : 0;
}

static void socket_freep(struct link_socket **l)
{
	if (*l)
		(void)socket_free(&(*l)->link);
}

int link_socket_open(sd_event *event, const void *path, uint32_t ring_size,
		     const struct link_events *events, void *user, struct link **ret)
{
	_cleanup_(socket_freep) struct link_socket *l = NULL;
	int r;

	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->link.ops = &socket_ops;
	l->event = sd_event_ref(event);
	l->ring_size = ring_size;
	l->events = events;
	l->user = user;
	l->listen_fd = l->guest_fd = -1;
	for (int c = 0; c < COMPONENT_MAX; c++)
		l->slot[c] = (struct slot){ .link = l,
					    .component = (enum component)c,
					    .memory_fd = -1,
					    .interrupt_fd = -1,
					    .signal_fd = -1 };
	r = listen_at(l, path);
	if (r < 0)
		return r;
	r = sd_event_add_io(event, &l->listen_source, l->listen_fd, EPOLLIN, on_connection, l);
	if (r < 0)
		return r;
	(void)sd_event_source_set_description(l->listen_source, "guest-listen");
	/* That one guest has left is seen before that the next one has come. */
	(void)sd_event_source_set_priority(l->listen_source, SD_EVENT_PRIORITY_NORMAL + 1);
	*ret = &l->link;
	(void)TAKE_PTR(l);
	return 0;
}
