/* SPDX-License-Identifier: GPL-2.0-only */
/* One message to the shutdown service. Input: u8 how (bits 0, 1: version 1.0, 3.0, 3.1 or 3.2; bit 2: a raw
 * message; bit 3: the daemon refuses), then the message or its body, of which zeros may be left off. */
#include "hv_util/shutdown.h"
#include "hv_util/utf16.h"
#include "tests/fuzz/fuzz_message.h"

#define BODY_SIZE 2060

struct guest {
	unsigned calls;
	int answer;
	struct shutdown_request request;
};

static int on_request(void *user, const struct shutdown_request *request)
{
	struct guest *g = user;

	g->calls++;
	g->request = *request;
	return g->answer;
}

static void check_text(const char *text)
{
	size_t len = strnlen(text, SHUTDOWN_TEXT_SIZE);

	fuzz_require(len < SHUTDOWN_TEXT_SIZE && utf8_is_valid(text, len));
	for (size_t i = 0; i < len; i++)
		fuzz_require((uint8_t)text[i] >= ' ' && text[i] != 0x7f);
}

static void check_request(const struct shutdown_request *r, const uint8_t *body, size_t n, unsigned version)
{
	/* the least version by the flags, without force */
	static const unsigned since[] = { 0, 2, 3 };
	uint32_t flags = (uint32_t)fuzz_le(body + 8, 4);

	fuzz_require(n >= BODY_SIZE && flags < 6 && version >= since[flags / 2]);
	fuzz_require(r->action == flags / 2 && r->forced == (flags & 1));
	fuzz_require(r->reason == fuzz_le(body, 4) && r->timeout_s == fuzz_le(body + 4, 4));
	check_text(r->text);
}

/* Long bodies out of short inputs: what is left off is the end of a text. */
static uint8_t *stretched(const uint8_t *data, size_t size, size_t *ret)
{
	bool short_body = size > 12 && !(data[0] & 4) && size <= BODY_SIZE;
	uint8_t *to;

	*ret = short_body ? 1 + BODY_SIZE : size;
	to = calloc(1, *ret + 1);
	if (!to)
		abort();
	memcpy(to, data, size);
	return to;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ic_version versions[] = { { 1, 0 }, { 3, 0 }, { 3, 1 }, { 3, 2 } };
	static const struct ic_policy policy = {
		.framework = { .n = 1, .v = { { 3, 0 } } },
		.message = { .n = 4, .v = { { 3, 2 }, { 3, 1 }, { 3, 0 }, { 1, 0 } } },
	};
	uint8_t *bytes = stretched(data, size, &size);
	struct fuzz_input in = { .p = bytes, .left = size };
	uint8_t how = fuzz_u8(&in);
	struct guest guest = { .answer = how & 8 ? -EIO : 0 };
	struct shutdown s = { .request = on_request, .user = &guest };
	struct ic ic = {
		.service = &ic_shutdown,
		.policy = &policy,
		.user = &s,
		.answer = { .outcome = IC_AGREED, .pair = { { 3, 0 }, versions[how & 3] } },
	};
	struct fuzz_message m = fuzz_message_new(&in, how & 4, 3);

	fuzz_message_handle(&m, &ic);
	fuzz_require(guest.calls <= 1);
	if (guest.calls) {
		fuzz_require(m.result.error == guest.answer);
		check_request(&guest.request, m.before + FUZZ_BODY, fuzz_le(m.before + 18, 2), how & 3);
	} else {
		fuzz_require(m.result.verdict != IC_REPLY || m.result.negotiated || m.result.error < 0);
	}
	/* The answer has no content of its own. */
	if (!m.result.negotiated && m.len > FUZZ_BODY && m.result.type != 0)
		fuzz_require(memcmp(m.now + FUZZ_BODY, m.before + FUZZ_BODY, m.len - FUZZ_BODY) == 0);
	fuzz_message_done(&m);
	free(bytes);
	return 0;
}
