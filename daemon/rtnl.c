/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/rtnl.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The kernel answers while it is being read, so these are reached only when something is wrong. */
#define WAIT_MS 250
#define DUMP_MS 1000

void rtnl_init(struct rtnl *r, int fd)
{
	r->fd = fd;
	r->seq = 0;
}

void rtnl_done(struct rtnl *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

int rtnl_open(struct rtnl *r)
{
	static const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	const struct timeval wait = { .tv_usec = WAIT_MS * 1000 };
	const int on = 1;
	int fd, error;

	if (r->fd >= 0)
		return 0;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0) {
		error = errno;
		close(fd);
		return -error;
	}
	/* Lets the kernel leave out routes of other tables and interfaces (Linux 4.20); without it
	 * they come and are left out here. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	r->fd = fd;
	return 0;
}

struct nlmsghdr *rtnl_request(struct rtnl *r, uint16_t type)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(r->buf);

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = ++r->seq;
	return request;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Bytes in r->buf, or a negative errno. Anybody on this machine may send to our socket: what does
 * not come from the kernel, port 0, is dropped (CVE-2012-2669 of the stock daemon). */
static ssize_t receive(struct rtnl *r, int64_t deadline)
{
	for (;;) {
		struct sockaddr_nl from = { 0 };
		struct iovec iov = { .iov_base = r->buf, .iov_len = sizeof(r->buf) };
		struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof(from),
				    .msg_iov = &iov, .msg_iovlen = 1 };
		ssize_t n;

		if (now_ms() > deadline)
			return -ETIMEDOUT;
		n = recvmsg(r->fd, &m, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (m.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		if (n == 0)
			return -EBADMSG;
		if (from.nl_pid == 0)
			return n;
	}
}

/* The errno that ends a dump: in NLMSG_ERROR, or in NLMSG_DONE when it failed on the way. */
static int result_of(const struct nlmsghdr *message)
{
	int result = 0;

	if (mnl_nlmsg_get_payload_len(message) >= sizeof(result))
		memcpy(&result, mnl_nlmsg_get_payload(message), sizeof(result));
	return result < 0 ? result : 0;
}

/* State of one dump. */
struct dump {
	rtnl_message_fn message;
	void *user;
	bool done, interrupted;
	int result;
};

static void take_message(struct dump *d, const struct nlmsghdr *message)
{
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		d->interrupted = true;
	if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) {
		d->done = true;
		d->result = result_of(message);
	} else if (message->nlmsg_type >= NLMSG_MIN_TYPE) {
		d->message(message, d->user);
	}
}

static int read_answers(struct rtnl *r, struct dump *d)
{
	int64_t deadline = now_ms() + DUMP_MS;

	while (!d->done) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)r->buf;
		ssize_t n = receive(r, deadline);
		int left = (int)n;

		if (n < 0)
			return (int)n;
		for (; !d->done && mnl_nlmsg_ok(message, left);
		     message = mnl_nlmsg_next(message, &left))
			if (mnl_nlmsg_seq_ok(message, r->seq))
				take_message(d, message);
		if (!d->done && left > 0)
			return -EBADMSG;
	}
	return 0;
}

int rtnl_dump(struct rtnl *r, rtnl_message_fn message, void *user)
{
	const struct nlmsghdr *request = (const struct nlmsghdr *)r->buf;
	struct dump d = { .message = message, .user = user };
	int result;

	result = rtnl_open(r);
	if (result < 0)
		return result;
	if (send(r->fd, request, request->nlmsg_len, MSG_NOSIGNAL) < 0)
		result = -errno;
	else
		result = read_answers(r, &d);
	if (result < 0) {
		rtnl_done(r);
		return result;
	}
	if (d.result < 0)
		return d.result;
	return d.interrupted ? 1 : 0;
}
