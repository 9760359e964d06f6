/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The smallest guest: connects to vmichost, opens Heartbeat, agrees on 3.0/3.0 and beats. It shows
 * what tests/host/SOCKET.md describes and trusts the host, which a real guest must not.
 *
 *	vmichost run --release 2019 -- build/example_guest {socket}
 */
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/socket_wire.h"
#include "hv_util/bytes.h"
#include "hv_util/ring_wire.h"

static const uint8_t heartbeat_class[16] = { 0x39, 0x4f, 0x16, 0x57, 0x15, 0x91, 0x78, 0x4e,
					     0xab, 0x55, 0x38, 0x2f, 0x3b, 0xd5, 0x42, 0x2d };

struct guest {
	int socket, interrupt, signal;
	uint32_t relid, size, read_index, write_index; /* size: bytes of data of one ring */
	struct ring_page *tx, *rx;                     /* guest -> host, host -> guest */
};

static int tell(const struct guest *g, uint32_t type, uint32_t relid)
{
	uint8_t m[SOCKET_MESSAGE_SIZE] = { 0 };
	struct wr w = { .p = m, .left = sizeof(m) };

	wr_u32(&w, type);
	wr_u32(&w, relid);
	return send(g->socket, m, sizeof(m), MSG_NOSIGNAL) == sizeof(m) ? 0 : -1;
}

static void take_offer(struct guest *g, uint32_t relid, uint32_t ring_size, const int fds[3])
{
	char *p = mmap(NULL, 2 * (size_t)ring_size, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);

	if (p == MAP_FAILED)
		return;
	*g = (struct guest){ .socket = g->socket, .interrupt = fds[1], .signal = fds[2],
			     .relid = relid, .size = ring_size - RING_PAGE_SIZE,
			     .tx = (struct ring_page *)p,
			     .rx = (struct ring_page *)(p + ring_size) };
	(void)tell(g, SOCKET_OPEN, relid);
}

/* One message of the socket; -1 when the host is gone. */
static int on_socket(struct guest *g)
{
	uint8_t m[SOCKET_MESSAGE_SIZE];
	union { char bytes[CMSG_SPACE(3 * sizeof(int))]; struct cmsghdr align; } control;
	struct iovec iov = { m, sizeof(m) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = &control, .msg_controllen = sizeof(control) };
	struct rd r = { .p = m, .left = sizeof(m) };
	int fds[SOCKET_OFFER_FDS] = { -1, -1, -1 };
	uint32_t type, relid, ring_size;

	if (recvmsg(g->socket, &h, MSG_CMSG_CLOEXEC) != sizeof(m))
		return -1;
	if (CMSG_FIRSTHDR(&h) && CMSG_FIRSTHDR(&h)->cmsg_len == CMSG_LEN(sizeof(fds)))
		memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(fds));
	type = rd_u32(&r);
	relid = rd_u32(&r);
	ring_size = rd_u32(&r);
	if (type == SOCKET_OFFER && !g->relid && !memcmp(m + 16, heartbeat_class, 16)) {
		take_offer(g, relid, ring_size, fds);
	} else if (type == SOCKET_OFFER) {
		for (int i = 0; i < SOCKET_OFFER_FDS; i++)
			(void)close(fds[i]);
	} else if (type == SOCKET_RESCIND) {
		if (relid == g->relid)
			g->relid = 0; /* the mapping is left to the end of the process */
		return tell(g, SOCKET_RELEASED, relid);
	}
	return 0;
}

/* Copies between a message and a ring, around its end. Returns the index behind it. */
static uint32_t copy(const struct guest *g, struct ring_page *ring, uint32_t at, uint8_t *message,
		     uint32_t n, int to_ring)
{
	uint8_t *data = (uint8_t *)(ring + 1);

	for (uint32_t i = 0; i < n; i++, at = (at + 1) % g->size)
		*(to_ring ? data + at : message + i) = to_ring ? message[i] : data[at];
	return at;
}

/* The reply is the request with the answer written over it. Offsets: protocol, 16 + 8 + 20. */
static void answer(uint8_t *packet, uint32_t len)
{
	static const uint8_t agreed[16] = { 1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0 };

	packet[16 + 25] = 5;                         /* transaction, response */
	if (packet[16 + 12] == 0 && len >= 60) {     /* negotiate: 3.0 and 3.0 */
		memcpy(packet + 44, agreed, sizeof(agreed));
		packet[16 + 18] = sizeof(agreed);
	} else {                                     /* heartbeat: sequence + 1 */
		for (int i = 44; i < 52 && ++packet[i] == 0; i++)
			;
	}
}

static void reply(struct guest *g, uint8_t *packet, uint32_t len)
{
	uint8_t trailer[8] = { 0 };
	struct wr w = { .p = trailer + 4, .left = 4 };
	uint32_t start = g->write_index, one_signal[2] = { 1, 0 };

	wr_u32(&w, start);
	g->write_index = copy(g, g->tx, start, packet, len, 1);
	g->write_index = copy(g, g->tx, g->write_index, trailer, sizeof(trailer), 1);
	atomic_store(&g->tx->write_index, g->write_index);
	if (!atomic_load(&g->tx->interrupt_mask) && atomic_load(&g->tx->read_index) == start)
		(void)write(g->signal, one_signal, sizeof(one_signal));
}

static void on_interrupt(struct guest *g)
{
	uint8_t packet[16384], count[8];

	(void)read(g->interrupt, count, sizeof(count));
	/* The signal came for the first packet of an empty ring only: take all that are there. */
	while (g->relid && atomic_load(&g->rx->write_index) != g->read_index) {
		uint32_t len;

		(void)copy(g, g->rx, g->read_index, packet, 16, 0);
		len = 8u * (packet[4] | (uint32_t)packet[5] << 8);
		if (len < 44 || len > sizeof(packet))
			return;
		(void)copy(g, g->rx, g->read_index, packet, len, 0);
		g->read_index = (g->read_index + len + 8) % g->size;
		atomic_store(&g->rx->read_index, g->read_index);
		answer(packet, len);
		reply(g, packet, len);
	}
}

static void on_term(int number)
{
	_exit(number == SIGTERM ? 0 : 1);
}

int main(int argc, char **argv)
{
	struct guest g = { .socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0),
			   .interrupt = -1 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fprintf(stderr, "usage: example_guest SOCKET\n");
		return 2;
	}
	memcpy(address.sun_path, argv[1], strlen(argv[1]));
	if (connect(g.socket, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror(argv[1]);
		return 1;
	}
	(void)signal(SIGTERM, on_term);
	for (;;) {
		struct pollfd wait[2] = { { .fd = g.socket, .events = POLLIN },
					  { .fd = g.interrupt, .events = POLLIN } };

		if (poll(wait, 2, -1) < 0)
			return 1;
		if (wait[0].revents && on_socket(&g) < 0)
			return 0;
		if (wait[1].revents)
			on_interrupt(&g);
	}
}
