/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A host's end of one channel, in the same process: rings in memory, a transport that takes notes,
 * and the same ring code from the other side. What it sends is built from numbers (harness.h).
 */
#pragma once

#include <sys/eventfd.h>

#include "daemon/channel.h"
#include "hv_util/ring.h"
#include "tests/unit/daemon_harness.h"

struct fake_host {
	struct port port;
	struct ring_tx tx;
	struct ring_rx rx;
	/* What the guest asked the transport for. */
	unsigned opens, closes, signals, acknowledged, releases;
	int open_result, signal_result, acknowledge_result;
	/* Not 0: how long signalling takes at most, in turns of a loop; so that what a host does next
	 * falls into any moment of what the guest does next. */
	unsigned signal_turns;
	uint64_t seed;
	/* The last packet taken. */
	struct ring_packet packet;
	uint8_t buf[MESSAGE_MAX];
};

static inline struct fake_host *fake_host_of(struct port *port)
{
	return (struct fake_host *)((char *)port - offsetof(struct fake_host, port));
}

static inline int fake_open(struct port *port)
{
	fake_host_of(port)->opens++;
	return fake_host_of(port)->open_result;
}

static inline void fake_close(struct port *port)
{
	fake_host_of(port)->closes++;
}

static inline int fake_signal(struct port *port)
{
	struct fake_host *h = fake_host_of(port);

	h->signals++;
	if (h->signal_turns > 0)
		for (volatile uint64_t i = next_random(&h->seed) % h->signal_turns; i > 0; i--)
			;
	return h->signal_result;
}

static inline int fake_acknowledge(struct port *port)
{
	uint64_t count;

	fake_host_of(port)->acknowledged++;
	if (fake_host_of(port)->acknowledge_result != 0)
		return fake_host_of(port)->acknowledge_result;
	return read(port->interrupt_fd, &count, sizeof(count)) < 0 && errno != EAGAIN ? -errno : 0;
}

static inline void fake_release(struct port *port)
{
	fake_host_of(port)->releases++;
}

static const struct transport_ops fake_ops = {
	.open = fake_open,
	.close = fake_close,
	.signal = fake_signal,
	.acknowledge = fake_acknowledge,
	.release = fake_release,
};

static inline void fake_host_init(struct fake_host *h, const struct guid *class_id, size_t ring_size)
{
	*h = (struct fake_host){
		.port = {
			.ops = &fake_ops,
			.relid = 1,
			.class_id = *class_id,
			.ring_size = ring_size,
			.interrupt_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
		},
	};
	assert_true(h->port.interrupt_fd >= 0);
	h->port.memory = mmap(NULL, 2 * ring_size, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(h->port.memory, MAP_FAILED);
}

static inline void fake_host_done(struct fake_host *h)
{
	(void)munmap(h->port.memory, 2 * h->port.ring_size);
	(void)close(h->port.interrupt_fd);
}

static inline struct ring_page *guests_page(struct fake_host *h)
{
	return h->port.memory;
}

static inline struct ring_page *hosts_page(struct fake_host *h)
{
	return (struct ring_page *)((uint8_t *)h->port.memory + h->port.ring_size);
}

/* Empties both rings, as a host does before it says that the channel is open. */
static inline void fake_host_open(struct fake_host *h)
{
	memset(guests_page(h), 0, RING_PAGE_SIZE);
	memset(hosts_page(h), 0, RING_PAGE_SIZE);
	guests_page(h)->feature_bits = hosts_page(h)->feature_bits = RING_FEATURE_PENDING_SEND_SIZE;
	assert_int_equal(ring_rx_init(&h->rx, guests_page(h), h->port.ring_size), 0);
	assert_int_equal(ring_tx_init(&h->tx, hosts_page(h), h->port.ring_size), 0);
}

static inline void fake_host_interrupt(struct fake_host *h)
{
	const uint64_t one = 1;

	assert_int_equal(write(h->port.interrupt_fd, &one, sizeof(one)), sizeof(one));
}

/* Puts a packet; the guest is not told before fake_host_flush. */
static inline void fake_host_put_packet(struct fake_host *h, uint16_t type, uint64_t trans_id,
					const void *msg, size_t len)
{
	const struct ring_packet p = { .type = type, .trans_id = trans_id };

	assert_int_equal(ring_tx_put(&h->tx, &p, msg, len), 0);
}

/* Shows the guest what was put, and signals if the contract says so. */
static inline void fake_host_flush(struct fake_host *h)
{
	int r = ring_tx_commit(&h->tx);

	assert_true(r >= 0);
	if (r > 0)
		fake_host_interrupt(h);
}

static inline void fake_host_send(struct fake_host *h, uint64_t trans_id, const void *msg, size_t len)
{
	fake_host_put_packet(h, 6, trans_id, msg, len);
	fake_host_flush(h);
}

/* Takes the guest's next packet into h->packet and h->buf. Whether there was one. */
static inline bool fake_host_take(struct fake_host *h)
{
	int r = ring_rx_get(&h->rx, &h->packet, h->buf, sizeof(h->buf));

	assert_true(r == 0 || r == 1);
	if (r == 0)
		return false;
	assert_int_equal(h->packet.type, 6);
	if (ring_rx_commit(&h->rx) > 0)
		fake_host_interrupt(h);
	return true;
}

/* --- what it says --- */

/* A negotiation that offers n_framework framework versions, then the message versions; each is
 * major << 16 | minor. */
static inline size_t put_negotiation(uint8_t *to, unsigned n_framework, unsigned n_message,
				     const uint32_t *versions)
{
	uint8_t body[8 + 4 * 200] = { 0 };
	unsigned n = n_framework + n_message;

	put_le(body, 2, n_framework);
	put_le(body + 2, 2, n_message);
	for (unsigned i = 0; i < n; i++) {
		put_le(body + 8 + 4 * i, 2, versions[i] >> 16);
		put_le(body + 10 + 4 * i, 2, versions[i] & 0xffff);
	}
	return message_put(to, &(struct message){ .body = body, .n = 8 + 4 * n });
}

/* A heartbeat of 16 bytes of body, as 3.0 has it. */
static inline size_t put_beat(uint8_t *to, uint64_t sequence)
{
	uint8_t body[16] = { 0 };

	put_le(body, 8, sequence);
	return message_put(to, &(struct message){
		.framework = { 3, 0 }, .type = 1, .version = { 3, 0 }, .body = body, .n = sizeof(body) });
}
