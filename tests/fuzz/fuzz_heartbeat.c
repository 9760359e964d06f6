/* SPDX-License-Identifier: GPL-2.0-only */
/* One message to the heartbeat service. Input: u8 how (bit 0: version 1.0 instead of 3.0; bit 1: a
 * raw message; bits 2, 3: the state), then the message or its body. */
#include "hv_util/heartbeat.h"
#include "tests/fuzz/fuzz_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ic_policy policy = {
		.framework = { .n = 1, .v = { { 3, 0 } } },
		.message = { .n = 2, .v = { { 3, 0 }, { 1, 0 } } },
	};
	struct fuzz_input in = { .p = data, .left = size };
	uint8_t how = fuzz_u8(&in);
	struct heartbeat hb = { .state = (enum heartbeat_state)(how >> 2 & 3), .sequence = 77 };
	struct ic ic = {
		.service = &ic_heartbeat,
		.policy = &policy,
		.user = &hb,
		.answer = { .outcome = IC_AGREED, .pair = { { 3, 0 }, { how & 1 ? 1 : 3, 0 } } },
	};
	struct fuzz_message m = fuzz_message_new(&in, how & 2, 1);
	const uint8_t *before = m.before + FUZZ_BODY, *now = m.now + FUZZ_BODY;

	fuzz_message_handle(&m, &ic);
	fuzz_require(hb.beats == (m.result.verdict == IC_REPLY && m.result.error == 0 &&
				  !m.result.negotiated));
	if (hb.beats == 0) {
		fuzz_require(hb.sequence == 77);
	} else {
		size_t n = fuzz_le(m.before + 18, 2), keep = 8;

		fuzz_require(n >= 8 && fuzz_le(m.before + 12, 2) == 1);
		fuzz_require(fuzz_le(now, 8) == fuzz_le(before, 8) + 1);
		fuzz_require(hb.sequence == fuzz_le(now, 8));
		if (n >= 12 && !(how & 1)) {
			fuzz_require(fuzz_le(now + 8, 4) == (how >> 2 & 3));
			keep = 12;
		}
		fuzz_require(memcmp(now + keep, before + keep, m.len - FUZZ_BODY - keep) == 0);
	}
	fuzz_message_done(&m);
	return 0;
}
