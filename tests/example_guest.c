/* SPDX-License-Identifier: GPL-2.0-only */
/* A whole guest in a hundred lines: what tests/host/SOCKET.md describes, for one component, on the
 * library's rings. It opens heartbeat, agrees on 3.0/3.0 and beats:
 *	vmichost run --release 2019 -- build/example_guest {socket} */
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/socket_wire.h"
#include "hv_util/bytes.h"
#include "hv_util/ic_wire.h"
#include "hv_util/ring.h"

static const uint8_t heartbeat[16] = { 0x39, 0x4f, 0x16, 0x57, 0x15, 0x91, 0x78, 0x4e,
				       0xab, 0x55, 0x38, 0x2f, 0x3b, 0xd5, 0x42, 0x2d };

struct guest {
	int socket, interrupt, signal;
	uint32_t relid, ring_size;
	uint8_t *rings; /* guest -> host, host -> guest */
	struct ring_tx tx;
	struct ring_rx rx;
};

static int tell(const struct guest *g, uint32_t type, uint32_t relid)
{
	uint8_t m[SOCKET_MESSAGE_SIZE] = { 0 };
	struct wr w = { .p = m, .left = sizeof(m) };

	wr_u32(&w, type);
	wr_u32(&w, relid);
	return send(g->socket, m, sizeof(m), MSG_NOSIGNAL) == sizeof(m) ? 0 : -1;
}

/* One message of the socket; -1 when the host is gone. */
static int on_socket(struct guest *g)
{
	uint8_t m[SOCKET_MESSAGE_SIZE], control[CMSG_SPACE(SOCKET_OFFER_FDS * sizeof(int))];
	struct iovec iov = { m, sizeof(m) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = control, .msg_controllen = CMSG_LEN(sizeof(int[3])) };
	struct rd r = { .p = m, .left = sizeof(m) };
	int fds[SOCKET_OFFER_FDS] = { -1, -1, -1 };
	uint32_t type, relid, ring_size;

	if (recvmsg(g->socket, &h, MSG_CMSG_CLOEXEC) != sizeof(m))
		return -1;
	if (CMSG_FIRSTHDR(&h))
		memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&h)), CMSG_FIRSTHDR(&h)->cmsg_len - CMSG_LEN(0));
	type = rd_u32(&r);
	relid = rd_u32(&r);
	ring_size = rd_u32(&r);
	if (type == SOCKET_OFFER && memcmp(m + 16, heartbeat, sizeof(heartbeat)) == 0) {
		void *p = mmap(NULL, 2 * (size_t)ring_size, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);

		*g = (struct guest){ g->socket, fds[1], fds[2], relid, ring_size, .rings = p };
		return p == MAP_FAILED ? -1 : tell(g, SOCKET_OPEN, relid);
	}
	for (int i = 0; i < SOCKET_OFFER_FDS; i++)
		(void)close(fds[i]); /* of an offer that is not for us */
	if (type == SOCKET_OPEN_RESULT && relid == g->relid)
		return ring_tx_init(&g->tx, g->rings, ring_size = g->ring_size) < 0 ||
				       ring_rx_init(&g->rx, g->rings + ring_size, ring_size) < 0 ? -1 : 0;
	return type == SOCKET_RESCIND ? tell(g, SOCKET_RELEASED, relid) : 0;
}

/* The reply is the request with the answer written over it. */
static void answer(uint8_t *message)
{
	static const uint8_t agreed[] = { 1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0 };

	message[IC_AT_FLAGS] = IC_FLAG_TRANSACTION | IC_FLAG_RESPONSE;
	if (message[IC_AT_TYPE] == IC_TYPE_NEGOTIATE) {
		memcpy(message + IC_BODY, agreed, sizeof(agreed));
		message[IC_AT_SIZE] = sizeof(agreed);
	} else {
		for (int i = IC_BODY; i < IC_BODY + 8 && ++message[i] == 0; i++)
			; /* the sequence number, one up */
	}
}

static void on_interrupt(struct guest *g)
{
	uint8_t message[IC_PAYLOAD_MAX] = { 0 };
	uint64_t one = 1, count;
	struct ring_packet p;

	(void)!read(g->interrupt, &count, sizeof(count));
	while (ring_rx_get(&g->rx, &p, message, sizeof(message)) == 1) {
		int room_made = ring_rx_commit(&g->rx);

		answer(message);
		if (ring_tx_put(&g->tx, &p, message, p.len) < 0)
			return;
		if (ring_tx_commit(&g->tx) > 0 || room_made > 0)
			(void)!write(g->signal, &one, sizeof(one));
	}
}

int main(int argc, char **argv)
{
	struct guest g = { .socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), .interrupt = -1 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		return fprintf(stderr, "usage: example_guest SOCKET\n"), 2;
	memcpy(address.sun_path, argv[1], strlen(argv[1]));
	if (connect(g.socket, (struct sockaddr *)&address, sizeof(address)) < 0)
		return perror(argv[1]), 1;
	for (;;) {
		struct pollfd wait[] = { { g.socket, POLLIN, 0 }, { g.interrupt, POLLIN, 0 } };

		if (poll(wait, 2, -1) < 0 || (wait[0].revents && on_socket(&g) < 0))
			return 0;
		if (wait[1].revents && g.rx.page) /* or else it comes before OPEN_RESULT, and stays */
			on_interrupt(&g);
	}
}
