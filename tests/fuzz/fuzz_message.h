/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages for the services' fuzz targets, and what must hold for every reply. The offsets are
 * Linux hyperv.h's, not hv_util's. */
#pragma once

#include "hv_util/ic.h"
#include "hv_util/status.h"
#include "tests/fuzz/fuzz.h"

#define FUZZ_BODY 28

/* A message and its copy from before it was handled. */
struct fuzz_message {
	uint8_t *now, *before;
	size_t len, cap;
	struct ic_result result;
};

/* The rest of the input as a message: a whole one when raw, else the body of a request of this type
 * with a right header. */
static inline struct fuzz_message fuzz_message_new(struct fuzz_input *in, bool raw, uint16_t type)
{
	struct fuzz_message m = { .now = NULL };
	size_t n, head = raw ? 0 : FUZZ_BODY;
	uint8_t *bytes = fuzz_bytes(in, 16384, 0, &n);

	m.len = head + n;
	m.cap = m.len < FUZZ_BODY + 16 ? FUZZ_BODY + 16 : m.len;
	m.now = calloc(1, m.cap);
	m.before = calloc(1, m.cap);
	if (!m.now || !m.before)
		abort();
	memcpy(m.now + head, bytes, n);
	free(bytes);
	if (!raw) {
		m.now[0] = 1;
		m.now[4] = (uint8_t)(20 + n);
		m.now[5] = (uint8_t)((20 + n) >> 8);
		m.now[12] = (uint8_t)type;
		m.now[18] = (uint8_t)n;
		m.now[19] = (uint8_t)(n >> 8);
		m.now[25] = 3;
	}
	memcpy(m.before, m.now, m.len);
	return m;
}

static inline void fuzz_message_done(struct fuzz_message *m)
{
	free(m->now);
	free(m->before);
}

static inline uint32_t fuzz_status(const struct fuzz_message *m)
{
	return (uint32_t)fuzz_le(m->now + 20, 4);
}

/* Hands it in and checks what holds for every message, whatever the service. */
static inline void fuzz_message_handle(struct fuzz_message *m, struct ic *ic)
{
	const struct ic_result *r = &m->result;
	bool negotiation = m->len >= FUZZ_BODY && m->before[12] == 0 && m->before[13] == 0;
	struct ic before = *ic;

	m->result = ic_handle(ic, m->now, m->len, m->len, m->cap);
	fuzz_require(r->verdict == IC_NOTHING || r->verdict == IC_REPLY || r->verdict == IC_LATER);
	fuzz_require(r->len <= m->cap);
	fuzz_require(r->error <= 0);
	fuzz_require(!r->negotiated || (negotiation && r->error == 0));
	if (!r->negotiated)
		fuzz_require(memcmp(&before, ic, sizeof(before)) == 0);
	if (r->verdict != IC_REPLY) {
		fuzz_require(memcmp(m->now, m->before, m->len) == 0);
		return;
	}

	/* A reply: its status is its error's, its sizes hold, the host's own fields come back. */
	fuzz_require(fuzz_status(m) == hv_status(r->error));
	fuzz_require((fuzz_status(m) == 0) == (r->error == 0));
	fuzz_require(m->now[25] == 5);
	fuzz_require(memcmp(m->now, m->before, 4) == 0);
	fuzz_require(memcmp(m->now + 8, m->before + 8, 10) == 0);
	fuzz_require(m->now[24] == m->before[24]);
	if (negotiation && ic->policy->raw.has_truncate)
		return;
	fuzz_require(r->len >= m->len);
	fuzz_require(fuzz_le(m->now + 4, 4) + 8 <= r->len);
	fuzz_require(fuzz_le(m->now + 18, 2) + 20 <= fuzz_le(m->now + 4, 4));
	if (!negotiation) {
		fuzz_require(r->len == m->len);
		if (r->error < 0)
			fuzz_require(memcmp(m->now + 28, m->before + 28, m->len - 28) == 0);
	}
}
