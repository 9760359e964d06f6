/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "hv_util/bytes.h"

static void violate(struct host_ring *r, const char *format, uint32_t value)
{
	char sentence[160];

	/* Each format is a literal of this file that takes one number. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(sentence, sizeof(sentence), format, value);
#pragma GCC diagnostic pop
	if (r->violated)
		r->violated(r->user, sentence);
}

void host_ring_init(struct host_ring *r, void *memory, uint32_t ring_size,
		    void (*violated)(void *user, const char *sentence), void *user)
{
	uint8_t *bytes = memory;

	*r = (struct host_ring){
		.in = (struct ring_page *)bytes,
		.out = (struct ring_page *)(bytes + ring_size),
		.in_data = bytes + RING_PAGE_SIZE,
		.out_data = bytes + ring_size + RING_PAGE_SIZE,
		.size = ring_size - RING_PAGE_SIZE,
		.signals_allowed = 1, /* the packet that will start at 0 */
		.violated = violated,
		.user = user,
	};
	memset(r->in, 0, sizeof(*r->in));
	memset(r->out, 0, sizeof(*r->out));
	atomic_store(&r->in->feature_bits, RING_FEATURE_PENDING_SEND_SIZE);
	atomic_store(&r->out->feature_bits, RING_FEATURE_PENDING_SEND_SIZE);
}

static bool index_is_sane(const struct host_ring *r, uint32_t index)
{
	return index < r->size && index % 8 == 0;
}

static int index_is_wild(struct host_ring *r, const char *format, uint32_t index)
{
	if (!r->dead)
		violate(r, format, index);
	r->dead = true;
	return -EBADMSG;
}

static uint32_t distance(const struct host_ring *r, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : r->size - from + to;
}

static void copy_in(const struct host_ring *r, uint32_t from, void *to, size_t n)
{
	size_t first = n < r->size - from ? n : r->size - from;

	memcpy(to, r->in_data + from, first);
	memcpy((uint8_t *)to + first, r->in_data, n - first);
}

static uint32_t copy_out(struct host_ring *r, uint32_t at, const void *from, size_t n)
{
	size_t first = n < r->size - at ? n : r->size - at;

	memcpy(r->out_data + at, from, first);
	memcpy(r->out_data, (const uint8_t *)from + first, n - first);
	return (uint32_t)((at + n) % r->size);
}

/* Free bytes for the host's packets, from one load of the guest's index. Negative: it is wild. */
static int64_t free_space(struct host_ring *r)
{
	/* Pairs with the guest's release of read_index after it has copied a packet out. */
	uint32_t read = atomic_load_explicit(&r->out->read_index, memory_order_acquire);

	if (!index_is_sane(r, read))
		return index_is_wild(r, "the guest's read index is %u, outside the ring", read);
	return r->size - distance(r, read, r->write_index);
}

bool host_ring_has_room(struct host_ring *r, size_t len)
{
	bool room = free_space(r) > (int64_t)RING_SPACE(len);

	if (room) {
		atomic_store(&r->out->pending_send_size, 0);
		r->waits_for_space = false;
	}
	return room;
}

/* "I wait for more than so many bytes": asked for first, looked at again after. */
static bool wait_for_room(struct host_ring *r, size_t len)
{
	r->signals_allowed++; /* one crossing of the mark, one signal */
	r->waits_for_space = true;
	atomic_store(&r->out->pending_send_size, (uint32_t)RING_SPACE(len));
	atomic_thread_fence(memory_order_seq_cst); /* the guest: store read_index, fence, load this */
	return host_ring_has_room(r, len);
}

static void write_packet(struct host_ring *r, const void *payload, size_t len, uint64_t trans_id)
{
	uint8_t desc[RING_DESC_SIZE], tail[7 + RING_TRAILER_SIZE];
	size_t padding = (8 - len % 8) % 8;
	struct wr d = { .p = desc, .left = sizeof(desc) };
	struct wr t = { .p = tail, .left = sizeof(tail) };
	uint32_t at = r->write_index;

	wr_u16(&d, RING_PACKET_INBAND);
	wr_u16(&d, RING_DESC_SIZE / 8);
	wr_u16(&d, (uint16_t)((RING_DESC_SIZE + len + padding) / 8));
	wr_u16(&d, 0);
	wr_u64(&d, trans_id);
	wr_zero(&t, padding + 4);
	wr_u32(&t, r->write_index);

	at = copy_out(r, at, desc, sizeof(desc));
	at = copy_out(r, at, payload, len);
	r->write_index = copy_out(r, at, tail, padding + RING_TRAILER_SIZE);
}

int host_ring_put(struct host_ring *r, const void *payload, size_t len, uint64_t trans_id)
{
	uint32_t old = r->write_index;

	if (RING_SPACE(len) >= r->size)
		return -EMSGSIZE;
	if (!host_ring_has_room(r, len) && (r->dead || !wait_for_room(r, len)))
		return r->dead ? -EBADMSG : -EAGAIN;
	write_packet(r, payload, len, trans_id);
	/* Pairs with the guest's acquire of write_index before it reads the packet. */
	if (!r->corrupted)
		atomic_store_explicit(&r->out->write_index, r->write_index, memory_order_release);
	/* The guest: store interrupt_mask or read_index, fence, load write_index. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load(&r->out->interrupt_mask))
		return 0;
	return atomic_load(&r->out->read_index) == old ? HOST_RING_SIGNAL : 0;
}

struct descriptor {
	uint16_t type, offset8, len8, flags;
	uint64_t trans_id;
};

static int read_descriptor(struct host_ring *r, uint32_t available, struct descriptor *ret)
{
	uint8_t bytes[RING_DESC_SIZE];
	struct rd rd = { .p = bytes, .left = sizeof(bytes) };

	if (available < RING_DESC_SIZE + RING_TRAILER_SIZE)
		return index_is_wild(r, "the guest's ring holds %u bytes, less than a packet",
				     available);
	copy_in(r, r->read_index, bytes, sizeof(bytes));
	ret->type = rd_u16(&rd);
	ret->offset8 = rd_u16(&rd);
	ret->len8 = rd_u16(&rd);
	ret->flags = rd_u16(&rd);
	ret->trans_id = rd_u64(&rd);
	if (ret->offset8 < RING_DESC_SIZE / 8 || ret->offset8 > ret->len8)
		return index_is_wild(r, "a packet's payload starts at %u, before or behind itself",
				     ret->offset8 * 8u);
	if (ret->len8 * 8u + RING_TRAILER_SIZE > available)
		return index_is_wild(r, "a packet claims %u bytes, more than the ring holds",
				     ret->len8 * 8u);
	return 0;
}

/* The padding behind the message must be zero. The pipe header in front says how long that is. */
static void check_padding(struct host_ring *r, const struct host_packet *p)
{
	struct rd rd = { .p = p->payload, .left = p->len };
	size_t message;

	(void)rd_u32(&rd);
	message = (size_t)rd_u32(&rd) + 8;
	if (rd_result(&rd) < 0 || message > p->len || p->len - message > 7)
		return;
	for (size_t i = message; i < p->len; i++)
		if (p->payload[i]) {
			violate(r, "a packet's padding is not zero (byte %u)", (uint32_t)i);
			return;
		}
}

static void check_trailer(struct host_ring *r, const struct descriptor *d)
{
	uint8_t bytes[RING_TRAILER_SIZE];
	struct rd rd = { .p = bytes, .left = sizeof(bytes) };
	uint32_t zero, start;

	copy_in(r, (r->read_index + d->len8 * 8u) % r->size, bytes, sizeof(bytes));
	zero = rd_u32(&rd);
	start = rd_u32(&rd);
	if (zero || start != r->read_index)
		violate(r, "a packet's trailer does not name its own start (it says %u)", start);
}

/* 1: the packet is in ret, 0: it was left out. */
static int take_packet(struct host_ring *r, const struct descriptor *d, struct host_packet *ret)
{
	size_t len = (d->len8 - d->offset8) * (size_t)8;
	uint32_t at = (r->read_index + d->offset8 * 8u) % r->size;

	check_trailer(r, d);
	if (d->flags & ~RING_PACKET_WANTS_COMPLETION)
		violate(r, "a packet's descriptor has unknown flags 0x%x", d->flags);
	if (d->type != RING_PACKET_INBAND) {
		violate(r, "a packet is of type %u, not in-band data", d->type);
		return 0;
	}
	if (len > sizeof(ret->payload)) {
		violate(r, "a packet carries %u bytes, more than a pipe message", (uint32_t)len);
		return 0;
	}
	ret->trans_id = d->trans_id;
	ret->start = r->read_index;
	ret->len = len;
	copy_in(r, at, ret->payload, len);
	check_padding(r, ret);
	return 1;
}

int host_ring_get(struct host_ring *r, struct host_packet *ret)
{
	int taken = 0;

	while (!taken && !r->dead) {
		/* Pairs with the guest's release of write_index after it has stored the packet. */
		uint32_t write = atomic_load_explicit(&r->in->write_index, memory_order_acquire);
		struct descriptor d;

		if (!index_is_sane(r, write))
			return index_is_wild(r, "the guest's write index is %u, outside the ring",
					     write);
		if (write == r->read_index)
			return 0;
		if (read_descriptor(r, distance(r, r->read_index, write), &d) < 0)
			return -EBADMSG;
		taken = take_packet(r, &d, ret);
		r->read_index = (r->read_index + d.len8 * 8u + RING_TRAILER_SIZE) % r->size;
	}
	return r->dead ? -EBADMSG : 1;
}

int host_ring_commit(struct host_ring *r)
{
	uint32_t write = atomic_load(&r->in->write_index);
	uint32_t waits, before, now;

	if (r->read_index == r->read_published || r->dead || !index_is_sane(r, write))
		return 0;
	before = r->size - distance(r, r->read_published, write);
	now = r->size - distance(r, r->read_index, write);
	/* Pairs with the guest's acquire of read_index before it fills the space. */
	atomic_store_explicit(&r->in->read_index, r->read_index, memory_order_release);
	r->read_published = r->read_index;
	r->signals_allowed++;
	if (!(atomic_load(&r->in->feature_bits) & RING_FEATURE_PENDING_SEND_SIZE))
		return 0;
	/* The guest: store pending_send_size, fence, load read_index. */
	atomic_thread_fence(memory_order_seq_cst);
	waits = atomic_load(&r->in->pending_send_size);
	return waits && before <= waits && now > waits ? HOST_RING_SIGNAL : 0;
}

void host_ring_mask(struct host_ring *r)
{
	atomic_store(&r->in->interrupt_mask, 1);
}

void host_ring_never_read(struct host_ring *r)
{
	host_ring_mask(r);
	r->signals_allowed = 0;
}

void host_ring_corrupt(struct host_ring *r, uint32_t write_index)
{
	r->corrupted = true;
	atomic_store(&r->out->write_index, write_index);
}

bool host_ring_unmask(struct host_ring *r)
{
	atomic_store(&r->in->interrupt_mask, 0);
	/* The guest: store write_index, fence, load interrupt_mask. */
	atomic_thread_fence(memory_order_seq_cst);
	return !r->dead && host_ring_has_packet(r);
}

bool host_ring_has_packet(const struct host_ring *r)
{
	return atomic_load(&r->in->write_index) != r->read_index;
}

void host_ring_signalled(struct host_ring *r, uint64_t times)
{
	r->signals += times;
	if (r->signals <= r->signals_allowed)
		return;
	violate(r, "the guest signalled %u times without need",
		(uint32_t)(r->signals - r->signals_allowed));
	r->signals = r->signals_allowed; /* each is told of once */
}
