/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon/socket_wire.h"
#include "hv_util/bytes.h"
#include "hv_util/ring_wire.h"

/* Integration components: six, and room for what a host tries. */
#define PORTS_MAX 64
#define RING_SIZE_MAX (64u << 20)

struct socket_port {
	struct port port; /* first: ops get its address */
	struct socket *socket;
	int signal_fd;
	bool waiting; /* its component has another port */
};

struct socket {
	sd_event *event;
	sd_event_source *source;
	const struct log *log;
	struct log_rate nonsense;
	const struct transport_events *events;
	void *user;
	int fd;
	bool has_all; /* of the offers of the start */
	struct socket_port *ports[PORTS_MAX];
};

struct message {
	uint32_t type, relid, ring_size, status;
	struct guid class_id, instance_id;
	int fd[SOCKET_OFFER_FDS];
	int n_fds;
};

static void message_done(struct message *m)
{
	for (int i = 0; i < m->n_fds; i++)
		if (m->fd[i] >= 0)
			(void)close(m->fd[i]);
	m->n_fds = 0;
}

static int close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* Gives back what came with the offer. The port stays known: it can still be rescinded. */
static void port_let_go(struct socket_port *p)
{
	if (p->port.memory)
		(void)munmap(p->port.memory, 2 * p->port.ring_size);
	p->port.memory = NULL;
	p->port.interrupt_fd = close_fd(p->port.interrupt_fd);
	p->signal_fd = close_fd(p->signal_fd);
}

static struct socket_port *port_free(struct socket_port *p)
{
	if (!p)
		return NULL;
	port_let_go(p);
	free(p);
	return NULL;
}

static void port_freep(struct socket_port **p)
{
	*p = port_free(*p);
}

/* --- what we say --- */

static int send_message(struct socket *s, enum socket_type type, uint32_t relid)
{
	uint8_t bytes[SOCKET_MESSAGE_SIZE] = { 0 };
	struct wr w = { .p = bytes, .left = sizeof(bytes) };

	wr_u32(&w, type);
	wr_u32(&w, relid);
	if (send(s->fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return 0;
	if (errno != EAGAIN)
		return -errno;
	/* The host reads nothing of what we say: what it does not learn now it never will. */
	s->events->ended(s->user, -ENOBUFS);
	return -ENOBUFS;
}

static struct socket_port *of(struct port *port)
{
	return (struct socket_port *)port;
}

static int op_open(struct port *port)
{
	return send_message(of(port)->socket, SOCKET_OPEN, port->relid);
}

static void op_close(struct port *port)
{
	/* When it fails the host is gone, and with it the channel. */
	(void)send_message(of(port)->socket, SOCKET_CLOSE, port->relid);
}

static int op_signal(struct port *port)
{
	static const uint64_t one = 1;
	int flags = fcntl(of(port)->signal_fd, F_GETFL);

	/* The host has this descriptor too and can make it block, then fill its counter. */
	if (flags < 0 || !(flags & O_NONBLOCK))
		return -EPROTO;
	/* EAGAIN: the counter is full, so the host has enough to wake up for. */
	if (write(of(port)->signal_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		return -errno;
	return 0;
}

static int op_acknowledge(struct port *port)
{
	uint64_t count;
	struct iovec iov = { .iov_base = &count, .iov_len = sizeof(count) };

	/* Not a read: the host has this descriptor too and can make it block. */
	if (preadv2(port->interrupt_fd, &iov, 1, -1, RWF_NOWAIT) < 0 && errno != EAGAIN)
		return -errno;
	return 0;
}

static void op_release(struct port *port)
{
	struct socket *s = of(port)->socket;
	uint32_t relid = port->relid;

	for (size_t i = 0; i < PORTS_MAX; i++)
		if (s->ports[i] == of(port))
			s->ports[i] = port_free(s->ports[i]);
	(void)send_message(s, SOCKET_RELEASED, relid);
}

static const struct transport_ops socket_ops = {
	.open = op_open,
	.close = op_close,
	.signal = op_signal,
	.acknowledge = op_acknowledge,
	.release = op_release,
};

/* --- what we hear --- */

/* The host may not take the memory away under our feet: that would be a SIGBUS. */
static int memory_check(int fd, size_t size)
{
	struct stat st;
	int seals;

	if (fstat(fd, &st) < 0)
		return -errno;
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0)
		return -errno;
	return st.st_size >= 0 && (size_t)st.st_size == size && seals & F_SEAL_SHRINK ? 0 : -EINVAL;
}

/* An eventfd is an anonymous inode, which has no file type (anon_inode_getattr in the kernel keeps
 * that for all who look). A pipe in its place could break: that would be a SIGPIPE. */
static int eventfd_check(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_mode & S_IFMT ? -EINVAL : 0;
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

static int port_new(struct socket *s, struct message *m, struct socket_port **ret)
{
	_cleanup_(port_freep) struct socket_port *p = NULL;
	int r;

	if (m->n_fds != SOCKET_OFFER_FDS || m->ring_size <= RING_PAGE_SIZE ||
	    m->ring_size > RING_SIZE_MAX || m->ring_size % RING_PAGE_SIZE != 0)
		return -EINVAL;
	r = memory_check(m->fd[0], 2 * (size_t)m->ring_size);
	for (int i = 1; r == 0 && i < SOCKET_OFFER_FDS; i++)
		r = eventfd_check(m->fd[i]);
	if (r < 0)
		return r;

	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = (struct socket_port){
		.port = {
			.ops = &socket_ops,
			.relid = m->relid,
			.class_id = m->class_id,
			.instance_id = m->instance_id,
			.ring_size = m->ring_size,
			.interrupt_fd = TAKE_FD(m->fd[1]),
		},
		.socket = s,
		.signal_fd = TAKE_FD(m->fd[2]),
	};
	r = set_nonblocking(p->port.interrupt_fd);
	if (r < 0)
		return r;
	r = set_nonblocking(p->signal_fd);
	if (r < 0)
		return r;

	p->port.memory = mmap(NULL, 2 * p->port.ring_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			      m->fd[0], 0);
	if (p->port.memory == MAP_FAILED) {
		p->port.memory = NULL;
		return -errno;
	}
	*ret = TAKE_PTR(p);
	return 0;
}

static struct socket_port *port_find(struct socket *s, uint32_t relid)
{
	for (size_t i = 0; i < PORTS_MAX; i++)
		if (s->ports[i] && s->ports[i]->port.relid == relid)
			return s->ports[i];
	return NULL;
}

static void offer(struct socket *s, struct socket_port *p)
{
	int r = s->events->offered(s->user, &p->port);

	p->waiting = r == -EBUSY;
	if (r < 0 && !p->waiting)
		port_let_go(p);
}

/* A host may offer a channel anew before it takes the old one away. */
static void offer_waiting(struct socket *s)
{
	for (size_t i = 0; i < PORTS_MAX; i++)
		if (s->ports[i] && s->ports[i]->waiting)
			offer(s, s->ports[i]);
}

static int on_offer(struct socket *s, struct message *m)
{
	int r;

	if (port_find(s, m->relid))
		return -EEXIST;
	for (size_t i = 0; i < PORTS_MAX; i++) {
		if (s->ports[i])
			continue;
		r = port_new(s, m, &s->ports[i]);
		if (r < 0)
			return r;
		offer(s, s->ports[i]);
		return 0;
	}
	return -ENOSPC;
}

static int on_message(struct socket *s, struct message *m)
{
	struct socket_port *p = port_find(s, m->relid);

	switch (m->type) {
	case SOCKET_OFFER:
		return on_offer(s, m);
	case SOCKET_ALL_OFFERS:
		if (!s->has_all)
			s->events->settled(s->user);
		s->has_all = true;
		return 0;
	case SOCKET_OPEN_RESULT:
		if (!p)
			return -ENOENT;
		(void)snprintf(p->port.why, sizeof(p->port.why), "%s",
			       m->status == 0 ? "" : "the host did not open it");
		s->events->opened(s->user, &p->port, m->status == 0 ? 0 : -EIO);
		return 0;
	case SOCKET_RESCIND:
		if (!p)
			return -ENOENT;
		s->events->rescinded(s->user, &p->port);
		offer_waiting(s);
		return 0;
	default:
		return -EINVAL;
	}
}

static void parse_message(const uint8_t *bytes, struct message *m)
{
	struct rd r = { .p = bytes, .left = SOCKET_MESSAGE_SIZE };

	m->type = rd_u32(&r);
	m->relid = rd_u32(&r);
	m->ring_size = rd_u32(&r);
	m->status = rd_u32(&r);
	memcpy(m->class_id.b, rd_bytes(&r, 16), 16);
	memcpy(m->instance_id.b, rd_bytes(&r, 16), 16);
}

static void take_fds(struct msghdr *header, struct message *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n && m->n_fds < SOCKET_OFFER_FDS; i++)
			memcpy(&m->fd[m->n_fds++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
}

/* 1: a message; 0: the host hung up; -EBADMSG: no message of ours; another negative errno. */
static int receive(struct socket *s, struct message *m)
{
	uint8_t bytes[SOCKET_MESSAGE_SIZE];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(SOCKET_OFFER_FDS * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		/* Exactly the descriptors of an offer, without the padding in which another would fit:
		 * the kernel keeps what is sent beyond. */
		.msg_controllen = CMSG_LEN(SOCKET_OFFER_FDS * sizeof(int)),
	};
	ssize_t n = recvmsg(s->fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	take_fds(&header, m);
	if (n == 0)
		return 0;
	if (n != SOCKET_MESSAGE_SIZE || header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return -EBADMSG;
	parse_message(bytes, m);
	return 1;
}

static void log_nonsense(struct socket *s, const struct message *m, int error)
{
	uint64_t now = 0;

	(void)sd_event_now(s->event, CLOCK_MONOTONIC, &now);
	log_limited(s->log, &s->nonsense, now * 1000, LOG_WARNING, NULL,
		    "the host sent a channel message that makes no sense (type %u, channel %u): %s, "
		    "ignoring it", m->type, m->relid, strerror(-error));
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	_cleanup_(message_done) struct message m = { 0 };
	struct socket *s = user;
	int r = receive(s, &m);

	(void)source;
	(void)fd;
	/* An empty message looks like the end: only with a hang-up it is. */
	if (r == 0 && !(revents & EPOLLHUP))
		r = -EBADMSG;
	if (r == -EAGAIN || r == -EINTR)
		return 0;
	if (r == 0 || (r < 0 && r != -EBADMSG)) {
		(void)sd_event_source_set_enabled(s->source, SD_EVENT_OFF);
		s->events->ended(s->user, r == -ECONNRESET ? 0 : r);
		return 0;
	}
	if (r > 0)
		r = on_message(s, &m);
	if (r < 0)
		log_nonsense(s, &m, r);
	return 0;
}

static int connect_to(const char *path, int *ret)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	(void)strcpy(address.sun_path, path);
	/* Non-blocking: a host whose queue is full is one that cannot be reached. */
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	*ret = fd;
	return 0;
}

static void socket_freep(struct socket **s)
{
	*s = socket_free(*s);
}

int socket_new(sd_event *event, const struct log *log, const char *path,
	       const struct transport_events *events, void *user, struct socket **ret)
{
	_cleanup_(socket_freep) struct socket *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct socket){ .event = event, .log = log, .events = events, .user = user, .fd = -1 };
	r = connect_to(path, &s->fd);
	if (r < 0)
		return r;
	r = sd_event_add_io(event, &s->source, s->fd, EPOLLIN, on_readable, s);
	if (r < 0)
		return r;
	(void)sd_event_source_set_description(s->source, "socket");
	*ret = TAKE_PTR(s);
	return 0;
}

struct socket *socket_free(struct socket *s)
{
	if (!s)
		return NULL;
	s->source = sd_event_source_disable_unref(s->source);
	for (size_t i = 0; i < PORTS_MAX; i++)
		s->ports[i] = port_free(s->ports[i]);
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s);
	return NULL;
}
