/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One message to the key-value service. Input: u8 how (bits 0, 1: version 5.0, 4.0, 3.0, 1.0; bit 2:
 * a raw message; bits 4 to 6: the daemon's answer), u8 n, n * 8 bytes that fill what the daemon
 * answers, then the message or its body.
 */
#include "hv_util/utf16.h"
#include "tests/fuzz/fuzz_kvp.h"
#include "tests/fuzz/fuzz_message.h"

/* OpenVMM's rules for a text in a reply: an even size inside the field, its NUL at the end of that
 * size and not before, valid UTF-16. A reply that breaks them fails the whole channel. */
static void require_utf16(const uint8_t *field, size_t field_size, uint64_t size)
{
	char text[3 * 1024 + 1];

	fuzz_require(size >= 2 && size % 2 == 0 && size <= field_size);
	for (uint64_t i = 0; i + 2 < size; i += 2)
		fuzz_require(field[i] != 0 || field[i + 1] != 0);
	fuzz_require(field[size - 2] == 0 && field[size - 1] == 0);
	fuzz_require(utf16_to_utf8(field, size / 2 - 1, text, sizeof(text)) >= 0);
}

/* A field that is text up to its NUL, of whatever length. */
static void require_terminated(const uint8_t *field, size_t units)
{
	size_t n = 0;

	while (n < units && (field[2 * n] || field[2 * n + 1]))
		n++;
	fuzz_require(n < units);
}

/* What the host finds in a reply with status 0: offsets of Linux hyperv.h. */
static void check_reply(const uint8_t *body, uint16_t major)
{
	size_t behind_index = body[0] == 3 ? 4 : 0;
	const uint8_t *item = body + 4 + behind_index;

	switch (body[0]) {
	case 0:
	case 3:
		fuzz_require(fuzz_le(item, 4) == 1);
		require_utf16(item + 12, 512, fuzz_le(item + 4, 4));
		require_utf16(item + 524, 2048, fuzz_le(item + 8, 4));
		break;
	case 4:
		if (major >= 5) {
			for (unsigned i = 0; i < 6; i++)
				fuzz_require(fuzz_le(body + 4 + 4 * i, 4) <= (i == 2 || i == 3 ? 5 : 64));
			fuzz_require(body[284] <= 3 && body[285] <= 1);
			break;
		}
		fuzz_require(body[258] <= 3 && body[259] <= 1);
		require_terminated(body + 260, 1024);
		require_terminated(body + 2308, 1024);
		require_terminated(body + 4356, 512);
		require_terminated(body + 5380, 1024);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ic_policy policy = {
		.framework = { .n = 1, .v = { { 3, 0 } } },
		.message = { .n = 4, .v = { { 5, 0 }, { 4, 0 }, { 3, 0 }, { 1, 0 } } },
	};
	static struct kvp kvp;
	struct fuzz_input in = { .p = data, .left = size };
	uint8_t how = fuzz_u8(&in);
	size_t n_fill = fuzz_u8(&in) * 8u;
	struct backend b = { .answer = backend_answers[how >> 4 & 7] };
	uint16_t major = policy.message.v[how & 3].major;
	struct ic ic = {
		.service = &ic_kvp,
		.policy = &policy,
		.user = &kvp,
		.answer = { .outcome = IC_AGREED, .pair = { { 3, 0 }, { major, 0 } } },
	};
	uint8_t *fill = fuzz_bytes(&in, n_fill, 0, &b.n_fill);
	struct fuzz_message m = fuzz_message_new(&in, how & 4, 2);

	b.fill = fill;
	kvp.ops = &backend_ops;
	kvp.user = &b;
	fuzz_message_handle(&m, &ic);
	fuzz_require(b.calls <= 1);
	if (b.calls) {
		fuzz_require(b.answer == -EAGAIN ? m.result.verdict == IC_LATER :
						   m.result.error == b.answer);
		if (m.result.verdict == IC_REPLY && m.result.error == 0)
			check_reply(m.now + FUZZ_BODY, major);
	} else {
		fuzz_require(m.result.error < 0 || m.result.negotiated);
	}
	fuzz_message_done(&m);
	free(fill);
	return 0;
}
