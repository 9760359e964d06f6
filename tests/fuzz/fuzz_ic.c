/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A conversation of several messages with the engine and a service that writes down what reaches
 * it. Input: u8 knobs, u8 truncation, then for each message u8 how, u16 length, bytes. how: bit 0:
 * raw, otherwise a right header is put before; bit 1: negotiation; bit 2: the packet was longer.
 */
#include "tests/fuzz/fuzz_message.h"

#define TYPE 2

struct witness {
	unsigned calls;
	int answer;
	const struct fuzz_message *message;
	const struct ic *ic;
};

static int on_call(const struct ic_call *call)
{
	struct witness *w = call->user;
	const struct fuzz_message *m = w->message;

	w->calls++;
	fuzz_require(w->ic->answer.outcome == IC_AGREED || w->ic->answer.outcome == IC_FORCED);
	fuzz_require(ic_version_equal(call->message, w->ic->answer.pair.message));
	fuzz_require(call->body == m->now + FUZZ_BODY);
	fuzz_require(FUZZ_BODY + call->len <= m->len);
	fuzz_require(call->len >= 4);
	fuzz_require(fuzz_le(m->before + 12, 2) == TYPE && m->before[25] == 3);
	if (w->answer == 0)
		memset(call->body, 0x77, call->len);
	return w->answer;
}

static const struct ic_op ops[] = {
	{ .code = 0, .min_body = 4, .handle = on_call },
	{ .code = 1, .since = { 3, 1 }, .until = { 5, 0 }, .min_body = 8, .handle = on_call },
	{ .code = 2, .since = { 5, 0 }, .min_body = 12, .handle = on_call },
};

static const struct ic_service services[] = {
	{ .type = TYPE, .op_size = 1, .ops = ops, .n_ops = ARRAY_LEN(ops) },
	{ .type = TYPE, .ops = ops, .n_ops = 1, .parses_by_size = true },
};

/* The packet was longer than the buffer: refused, whatever it is, unless it wants no answer. */
static void handle_too_long(struct fuzz_message *m, struct ic *ic)
{
	struct ic_result r = ic_handle(ic, m->now, m->len, m->len + 8, m->cap);

	fuzz_require(r.error < 0 && !r.negotiated && r.verdict != IC_LATER);
	if (r.verdict == IC_REPLY)
		fuzz_require(fuzz_status(m) != 0 && fuzz_le(m->now + 18, 2) == 0 && r.len == m->len);
}

static void one_message(struct fuzz_input *in, struct ic *ic, struct witness *w)
{
	static const int answers[] = { 0, -ENOENT, -EAGAIN, -EIO };
	uint8_t how = fuzz_u8(in);
	size_t n = fuzz_u16(in);
	struct fuzz_input part = { .p = in->p, .left = n < in->left ? n : in->left };
	struct fuzz_message m = fuzz_message_new(&part, how & 1, how & 2 ? 0 : TYPE);
	unsigned calls = w->calls;

	in->p += n < in->left ? n : in->left;
	in->left -= n < in->left ? n : in->left;
	w->answer = answers[how >> 4 & 3];
	w->message = &m;
	if (how & 4) {
		handle_too_long(&m, ic);
		fuzz_require(w->calls == calls);
	} else {
		fuzz_message_handle(&m, ic);
		fuzz_require(w->calls <= calls + 1);
		if (w->calls > calls)
			fuzz_require(w->answer == -EAGAIN ? m.result.verdict == IC_LATER :
							    m.result.error == w->answer);
		else
			fuzz_require(m.result.error < 0 || m.result.negotiated);
		if (m.result.verdict == IC_LATER)
			fuzz_require(ic_refuse(m.now, m.len, -ETIMEDOUT) == m.len &&
				     fuzz_status(&m) != 0);
	}
	fuzz_message_done(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { .p = data, .left = size };
	uint8_t knobs = fuzz_u8(&in);
	const struct ic_policy policy = {
		.framework = { .n = 2, .v = { { 3, 0 }, { 1, 0 } } },
		.message = { .n = 4, .v = { { 5, 0 }, { 4, 0 }, { 3, 1 }, { 3, 0 } } },
		.no_match = (enum ic_no_match)(knobs % IC_NO_MATCHES),
		.raw = { .has_answer = knobs & 0x10, .has_counts = knobs & 0x20,
			 .has_truncate = knobs & 0x40, .answer = { { 9, 9 }, { 4, 0 } },
			 .counts = { 2, 0 }, .truncate = fuzz_u8(&in) },
	};
	struct witness w = { .calls = 0 };
	struct ic ic = { .service = &services[knobs >> 7], .policy = &policy, .user = &w };

	w.ic = &ic;
	while (in.left > 0)
		one_message(&in, &ic, &w);
	return 0;
}
