/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a predecessor has left, whatever it is. Input: u8 how (bit 0: the sums are made right; bit 1: so is
 * which record holds), then the memory from its beginning, as far as it goes; what is not given is that of a
 * channel in the middle of its work. Then the indices that were found, over rings that agree with them or not.
 */
#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "daemon/keep.h"
#include "hv_util/ring.h"
#include "tests/fuzz/fuzz.h"

/* Where things are in the memory, see keep.c; what comes behind them is messages. */
enum { HOLDS = 0, HEADER = 8, RECORDS = 112, NEGOTIATED = 304, HEAD = 1984 };
enum { HEADER_SIZE = 104, RECORD_SIZE = 96, NEGOTIATED_SIZE = 840 };

#define RING 8192

static const struct keep_owner owner = { .component = IC_HEARTBEAT, .relid = 7, .ring_size = RING };

/* In the middle of its work. */
static struct keep *keep_of_channel(void)
{
	static const struct keep_state state = {
		.stage = KEEP_DUE, .read = 64, .write = 128, .unsent = 1, .in = { .len = 40, .buffer = 0 },
		.held = { .buffer = 1 },
	};
	static const struct ic_offer offer = { { 1, { { 3, 0 } } }, { 2, { { 1, 0 }, { 3, 0 } } } };
	static const struct ic_answer answer = { .outcome = IC_AGREED, .counts = { 1, 1 } };
	struct keep *k;

	if (keep_new(true, &k) < 0 || keep_fd(k) < 0)
		abort();
	keep_begin(k, &owner, 0, 0);
	keep_note_negotiated(k, &state, &offer, &answer);
	return k;
}

static void mend(uint8_t *part, size_t size)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325), word;

	for (size_t i = 8; i < size; i += 8) {
		memcpy(&word, part + i, 8);
		sum = (sum ^ word) * UINT64_C(0x100000001b3);
	}
	memcpy(part, &sum, 8);
}

static void put(struct keep *k, const uint8_t *data, size_t size, uint8_t how)
{
	uint8_t head[HEAD];

	if (pread(keep_fd(k), head, sizeof(head), 0) != sizeof(head))
		abort();
	memcpy(head, data, size < sizeof(head) ? size : sizeof(head));
	if (how & 1) {
		mend(head + HEADER, HEADER_SIZE);
		for (int i = 0; i < 2; i++) {
			mend(head + RECORDS + i * RECORD_SIZE, RECORD_SIZE);
			mend(head + NEGOTIATED + i * NEGOTIATED_SIZE, NEGOTIATED_SIZE);
		}
	}
	if (how & 2) {
		memset(head, 0, HEADER);
		head[HOLDS] = (uint8_t)(1 + (how >> 2 & 1));
	}
	if (pwrite(keep_fd(k), head, sizeof(head), 0) != sizeof(head))
		abort();
}

static void check(const struct keep_found *found)
{
	const struct keep_state *s = &found->state;

	fuzz_require(s->stage < KEEP_STAGES && s->hold < KEEP_HOLDS);
	fuzz_require(s->in.buffer < KEEP_BUFFERS && s->held.buffer < KEEP_BUFFERS);
	fuzz_require(s->in.buffer != s->held.buffer);
	fuzz_require(s->in.len <= IC_PAYLOAD_MAX && s->held.len <= IC_PAYLOAD_MAX);
	fuzz_require(found->offer.framework.n <= IC_OFFERED_MAX && found->offer.message.n <= IC_OFFERED_MAX);
	fuzz_require(found->answer.outcome <= IC_FORCED);
	fuzz_require(memchr(found->program, '\0', sizeof(found->program)));
}

static bool is_index(uint32_t index)
{
	return index < RING - RING_PAGE_SIZE && index % 8 == 0;
}

/* The page says what the state says, or something else. */
static void resume(const struct keep_state *s, uint8_t how)
{
	static _Alignas(4096) uint8_t rings[2 * RING];
	struct ring_page *ours = (struct ring_page *)rings, *theirs = (struct ring_page *)(rings + RING);
	const size_t len = s->in.len;
	struct ring_tx tx;
	struct ring_rx rx;
	int r;

	ours->write_index = how & 8 ? s->write : s->write + (uint32_t)RING_SPACE(len);
	ours->read_index = how & 16 ? s->write : 0;
	theirs->read_index = how & 32 ? s->read : 0;
	theirs->write_index = how & 64 ? s->read : 0;
	r = ring_tx_resume(&tx, rings, RING, s->write, s->unsent ? &len : NULL);
	fuzz_require(r == -EBADMSG || (r >= 0 && is_index(tx.write) && is_index(tx.read)));
	r = ring_rx_resume(&rx, rings + RING, RING, s->read, s->stage != KEEP_DUE);
	fuzz_require(r == -EBADMSG || (r >= 0 && rx.read == s->read && is_index(rx.read) && is_index(rx.write)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { .p = data, .left = size };
	uint8_t how = fuzz_u8(&in);
	struct keep *k = keep_of_channel();
	struct keep_found found, before;
	const char *why;
	int r;

	put(k, in.p, in.left, how);
	memset(&found, 0x5a, sizeof(found));
	memcpy(&before, &found, sizeof(found));
	r = keep_read(k, &owner, &found, &why);
	fuzz_require(r == 0 || r == -ESTALE);
	if (r == 0) {
		fuzz_require(!why);
		check(&found);
		resume(&found.state, how);
		/* and it can be gone on with */
		keep_note(k, &found.state);
		fuzz_require(keep_read(k, &owner, &found, &why) == 0);
	} else {
		fuzz_require(why && memcmp(&found, &before, sizeof(found)) == 0);
	}
	(void)keep_free(k);
	return 0;
}
