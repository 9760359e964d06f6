/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Both ends of a ring whose other side writes what it likes between any two steps. Input: u8 size
 * (64 + 8 n), u16 write index, u16 read index, u8 n, n * 8 bytes that fill the ring's data, then
 * steps: a byte's low 3 bits say what, its upper 5 and further bytes how much.
 */
#include <errno.h>
#include <stdbool.h>

#include "hv_util/ring.h"
#include "tests/fuzz/fuzz.h"

#define CAP 96
#define FILL 0xee

struct pair {
	uint8_t *mem, *buf, *payload;
	uint32_t size;
	struct ring_tx tx;
	struct ring_rx rx;
};

static bool possible(const struct pair *p, uint32_t index)
{
	return index < p->size && index % 8 == 0;
}

static void put_word(struct pair *p, size_t at, uint32_t v)
{
	memcpy(p->mem + at, &v, sizeof(v));
}

static void step_get(struct pair *p)
{
	struct ring_packet packet = { .len = 0x5a5a };
	uint32_t before = p->rx.read, moved;
	size_t copied;
	int r;

	memset(p->buf, FILL, CAP);
	r = ring_rx_get(&p->rx, &packet, p->buf, CAP);
	fuzz_require(r == 0 || r == 1 || r == -EMSGSIZE || r == -EBADMSG);
	fuzz_require(possible(p, p->rx.read));
	if (r != 1 && r != -EMSGSIZE) {
		fuzz_require(p->rx.read == before && packet.len == 0x5a5a && p->buf[0] == FILL);
		return;
	}
	moved = (p->rx.read + p->size - before) % p->size;
	fuzz_require(packet.len % 8 == 0 && packet.len + 24 <= moved);
	fuzz_require((r == 1) == (packet.len <= CAP));
	copied = packet.len < CAP ? packet.len : CAP;
	for (size_t i = copied; i < CAP; i++)
		fuzz_require(p->buf[i] == FILL);
}

static void step_put(struct pair *p, size_t len)
{
	const struct ring_packet packet = { .type = RING_PACKET_INBAND };
	size_t space = (16 + len + 7) / 8 * 8 + 8;
	uint32_t before = p->tx.write;
	int r = ring_tx_put(&p->tx, &packet, p->payload, len);

	fuzz_require(r == 0 || r == -EAGAIN || r == -EMSGSIZE || r == -EBADMSG);
	fuzz_require(possible(p, p->tx.write));
	fuzz_require((r == -EMSGSIZE) == (space >= p->size));
	fuzz_require((p->tx.write + p->size - before) % p->size == (r == 0 ? space : 0));
}

static void step_signals(struct pair *p, unsigned which, size_t len)
{
	int r = 0;

	switch (which % 5) {
	case 0:
		r = ring_tx_commit(&p->tx);
		break;
	case 1:
		r = ring_rx_commit(&p->rx);
		fuzz_require(r >= 0);
		break;
	case 2:
		ring_rx_mask(&p->rx);
		break;
	case 3:
		r = ring_rx_unmask(&p->rx);
		fuzz_require(r >= 0);
		break;
	case 4:
		r = ring_tx_wait_for_room(&p->tx, len);
		break;
	}
	fuzz_require(r == 0 || r == 1 || r == -EBADMSG || (which % 5 == 4 && r == -EMSGSIZE));
}

static void step(struct pair *p, struct fuzz_input *in)
{
	static const size_t words[] = { 0, 4, 8, 12, 64 };
	uint8_t op = fuzz_u8(in);

	switch (op & 7) {
	case 0:
	case 1:
		step_get(p);
		break;
	case 2:
		step_put(p, (size_t)(op >> 3) * 9);
		break;
	case 3:
	case 4:
		step_signals(p, op >> 3, fuzz_u8(in));
		break;
	case 5: /* an index or a flag, possible or not */
		put_word(p, words[(op >> 3) % 5], fuzz_u16(in));
		break;
	case 6: /* four bytes of the data */
		put_word(p, RING_PAGE_SIZE + fuzz_u16(in) % (p->size / 4) * 4,
			 fuzz_u16(in) | (uint32_t)fuzz_u16(in) << 16);
		break;
	case 7: /* opened again */
		if (ring_tx_init(&p->tx, p->mem, RING_PAGE_SIZE + p->size) < 0 ||
		    ring_rx_init(&p->rx, p->mem, RING_PAGE_SIZE + p->size) < 0)
			put_word(p, 0, 0);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { .p = data, .left = size };
	struct pair p = { .size = 64 + 8u * fuzz_u8(&in) };
	uint16_t write = fuzz_u16(&in), read = fuzz_u16(&in);
	size_t n = 8u * fuzz_u8(&in), had;
	uint8_t *fill = fuzz_bytes(&in, n < p.size ? n : p.size, 0, &had);
	int r;

	/* Each exactly as long as it is said to be. */
	p.mem = calloc(1, RING_PAGE_SIZE + p.size);
	p.buf = malloc(CAP);
	p.payload = calloc(1, 31 * 9);
	if (!p.mem || !p.buf || !p.payload)
		abort();
	memcpy(p.mem + RING_PAGE_SIZE, fill, had);
	put_word(&p, 0, write);
	put_word(&p, 4, read);
	put_word(&p, 64, 1);

	r = ring_tx_init(&p.tx, p.mem, RING_PAGE_SIZE + p.size);
	fuzz_require(r == (possible(&p, write) && possible(&p, read) ? 0 : -EBADMSG));
	fuzz_require(ring_rx_init(&p.rx, p.mem, RING_PAGE_SIZE + p.size) == r);
	while (r == 0 && in.left > 0)
		step(&p, &in);
	free(fill);
	free(p.mem);
	free(p.buf);
	free(p.payload);
	return 0;
}
