/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One message of the kernel's driver. Input: u8 how (bit 0: the rest is the message as it stands, of
 * whatever size; bits 4 to 6: the daemon's answer), u8 n, n * 8 bytes that fill what the daemon
 * answers, then the message: pieces of u16 offset, u8 length and so many bytes in a zeroed one.
 */
#include "hv_util/kvp_msg.h"
#include "hv_util/status.h"
#include "tests/fuzz/fuzz_kvp.h"

/* Offsets of Linux' struct hv_kvp_msg (uapi hyperv.h), where hv_kvp.c looks for an answer's parts. */
#define SIZE 7432
#define AT_KEY 20
#define AT_VALUE 532

/* As the driver's utf8s_to_utf16s takes a text: it ends in its field and is UTF-8. */
static void require_driver_text(const uint8_t *field, size_t size)
{
	size_t len = strnlen((const char *)field, size), i = 0;

	fuzz_require(len < size);
	while (i < len) {
		uint32_t lead = field[i], c;
		size_t n = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 :
			   lead >> 3 == 30 ? 4 : 0;

		fuzz_require(n > 0 && i + n <= len);
		c = n == 1 ? lead : lead & (0x7fu >> n);
		for (size_t k = 1; k < n; k++) {
			fuzz_require(field[i + k] >> 6 == 2);
			c = c << 6 | (field[i + k] & 0x3f);
		}
		fuzz_require(c >= (n == 4 ? 0x10000u : n == 3 ? 0x800u : n == 2 ? 0x80u : 0));
		fuzz_require(c <= 0x10ffff && (c < 0xd800 || c >= 0xe000));
		i += n;
	}
}

static void require_zero(const uint8_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fuzz_require(from[i] == 0);
}

/* What of an answer with status 0 goes to the host. */
static void check_answer(const uint8_t *msg, uint8_t operation)
{
	switch (operation) {
	case 0:
	case 3:
		require_driver_text(msg + AT_KEY, 512);
		require_driver_text(msg + AT_VALUE, 2048);
		require_zero(msg + AT_VALUE + 2048, SIZE - AT_VALUE - 2048);
		break;
	case 4:
		require_driver_text(msg + 4, 256);
		fuzz_require(msg[260] <= 3 && msg[261] <= 1);
		/* With its NUL each list fits the host's field, which has a unit for each byte. */
		require_driver_text(msg + 262, 1024);
		require_driver_text(msg + 2310, 1024);
		require_driver_text(msg + 4358, 512);
		require_driver_text(msg + 5382, 1024);
		break;
	}
}

/* The message in memory of its own that is exactly so long. */
static uint8_t *message_new(struct fuzz_input *in, bool raw, size_t *ret_n)
{
	uint8_t *msg;

	if (raw)
		return fuzz_bytes(in, 2 * SIZE, 0, ret_n);
	msg = calloc(1, SIZE);
	if (!msg)
		abort();
	while (in->left > 0) {
		size_t at = fuzz_u16(in) % SIZE, n = fuzz_u8(in);

		for (size_t i = at; i < at + n && i < SIZE; i++)
			msg[i] = fuzz_u8(in);
	}
	*ret_n = SIZE;
	return msg;
}

static void check(const struct ic_result *r, const struct backend *b, const uint8_t *msg,
		  const uint8_t *before, size_t n)
{
	fuzz_require(b->calls <= 1);
	fuzz_require(r->error <= 0);
	if (r->verdict != IC_REPLY) {
		fuzz_require(memcmp(msg, before, n) == 0);
		fuzz_require(r->verdict == IC_LATER ? b->calls == 1 && b->answer == -EAGAIN :
						      b->calls == 0 && n != SIZE);
		return;
	}
	fuzz_require(n == SIZE && r->len == SIZE);
	fuzz_require((uint32_t)fuzz_le(msg, 4) == hv_status(r->error));
	fuzz_require(b->calls == 1 ? r->error == b->answer : r->error < 0);
	if (r->error == 0)
		check_answer(msg, before[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kvp kvp;
	struct fuzz_input in = { .p = data, .left = size };
	uint8_t how = fuzz_u8(&in);
	size_t n_fill = fuzz_u8(&in) * 8u, n;
	struct backend b = { .answer = backend_answers[how >> 4 & 7] };
	uint8_t *fill = fuzz_bytes(&in, n_fill, 0, &b.n_fill);
	uint8_t *msg = message_new(&in, how & 1, &n), *before = malloc(n + 1);
	struct ic_result r;

	if (!before)
		abort();
	memcpy(before, msg, n);
	b.fill = fill;
	kvp.ops = &backend_ops;
	kvp.user = &b;
	fuzz_require(kvp_msg_is_registered(msg, n) == (n == SIZE && before[0] == 100));
	r = kvp_msg_handle(&kvp, msg, n, 0);
	check(&r, &b, msg, before, n);
	free(before);
	free(msg);
	free(fill);
	return 0;
}
