/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/heartbeat.h"

const char *const heartbeat_state_names[HEARTBEAT_STATES] = {
	[HEARTBEAT_UNKNOWN] = "unknown",
	[HEARTBEAT_HEALTHY] = "healthy",
	[HEARTBEAT_CRITICAL] = "critical",
	[HEARTBEAT_STOPPED] = "stopped",
};

/* The application state came with the integration components of Windows 8 (documentation of
 * IVmApplicationHealthMonitor): a host that agreed to 1.0 gets back what it sent. */
static const struct ic_version state_since = { 3, 0 };

static int on_beat(const struct ic_call *call)
{
	struct heartbeat *hb = call->user;
	struct rd r = { .p = call->body, .left = call->len };
	struct wr w = { .p = call->body, .left = call->len };
	uint64_t sequence = rd_u64(&r);
	int error = rd_result(&r);

	if (error < 0)
		return error;

	hb->sequence = sequence + 1;
	hb->beats++;
	wr_u64(&w, hb->sequence);
	if (call->len >= HEARTBEAT_STATE_SIZE && ic_version_reaches(call->message, state_since))
		wr_u32(&w, hb->state);
	return wr_result(&w);
}

static const struct ic_op ops[] = {
	{ .min_body = HEARTBEAT_MIN_SIZE, .handle = on_beat },
};

const struct ic_service ic_heartbeat = {
	.component = IC_HEARTBEAT,
	.name = "Heartbeat",
	.title = "Heartbeat",
	.type = IC_TYPE_HEARTBEAT,
	.ops = ops,
	.n_ops = ARRAY_LEN(ops),
};
