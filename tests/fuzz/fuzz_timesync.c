/* SPDX-License-Identifier: GPL-2.0-only */
/* One message to the time sync service. Input: u8 how (bit 0: version 3.0 instead of 4.0; bit 1: a
 * raw message; bit 2: the daemon refuses), then the message or its body. */
#include "hv_util/timesync.h"
#include "tests/fuzz/fuzz_message.h"

struct clock {
	unsigned calls;
	int answer;
	struct timesync_sample sample;
};

static int on_sample(void *user, const struct timesync_sample *sample)
{
	struct clock *c = user;

	c->calls++;
	c->sample = *sample;
	return c->answer;
}

static void check_sample(const struct timesync_sample *s, const uint8_t *body, size_t n)
{
	fuzz_require(s->host_time == fuzz_le(body, 8));
	fuzz_require(s->host_time >= TIMESYNC_EPOCH_100NS);
	if (s->has_reference) {
		fuzz_require(n >= 19 && s->reference_time == fuzz_le(body + 8, 8));
		fuzz_require(body[16] >= 1 && body[16] <= 3 && s->sync == (body[16] & 1));
		fuzz_require(s->leap == body[17] && s->stratum == body[18]);
	} else {
		fuzz_require(n >= 25 && body[24] >= 1 && body[24] <= 3 && s->sync == (body[24] & 1));
		fuzz_require(s->reference_time == 0 && s->leap == 0 && s->stratum == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ic_policy policy = {
		.framework = { .n = 1, .v = { { 3, 0 } } },
		.message = { .n = 2, .v = { { 4, 0 }, { 3, 0 } } },
	};
	struct fuzz_input in = { .p = data, .left = size };
	uint8_t how = fuzz_u8(&in);
	struct clock clock = { .answer = how & 4 ? -EPERM : 0 };
	struct timesync ts = { .sample = on_sample, .user = &clock };
	struct ic ic = {
		.service = &ic_timesync,
		.policy = &policy,
		.user = &ts,
		.answer = { .outcome = IC_AGREED, .pair = { { 3, 0 }, { how & 1 ? 3 : 4, 0 } } },
	};
	struct fuzz_message m = fuzz_message_new(&in, how & 2, 4);

	fuzz_message_handle(&m, &ic);
	fuzz_require(clock.calls <= 1);
	if (clock.calls) {
		fuzz_require(m.result.error == clock.answer);
		check_sample(&clock.sample, m.before + FUZZ_BODY, fuzz_le(m.before + 18, 2));
	}
	/* The answer has no content of its own. */
	if (!m.result.negotiated && m.len > FUZZ_BODY && m.result.type != 0)
		fuzz_require(memcmp(m.now + FUZZ_BODY, m.before + FUZZ_BODY, m.len - FUZZ_BODY) == 0);
	fuzz_message_done(&m);
	return 0;
}
