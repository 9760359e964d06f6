/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/timesync.h"

/*
 * A host that was answered 3.0 may go on sending 4.0 messages, and the body does not say which it
 * is: 22 or 24 bytes are 4.0, 25 or 28 bytes are 1.0 and 3.0, and any other length is what was
 * agreed (inferred from Linux's 22 and 25 and OpenVMM's 24 and 28).
 */
static bool is_form_4(size_t len, struct ic_version agreed)
{
	if (len <= TIMESYNC4_MAX_SIZE)
		return true;
	if (len == TIMESYNC3_SIZE || len == TIMESYNC3_PADDED_SIZE)
		return false;
	return ic_version_reaches(agreed, (struct ic_version){ 4, 0 });
}

static uint8_t read_form_4(struct rd *r, struct timesync_sample *s)
{
	uint8_t flags;

	s->host_time = rd_u64(r);
	s->has_reference = true;
	s->reference_time = rd_u64(r);
	flags = rd_u8(r);
	s->leap = rd_u8(r);
	s->stratum = rd_u8(r);
	return flags;
}

static uint8_t read_form_3(struct rd *r, struct timesync_sample *s)
{
	s->host_time = rd_u64(r);
	(void)rd_u64(r); /* guest time: unused */
	(void)rd_u64(r); /* round trip: unused */
	return rd_u8(r);
}

static int on_time(const struct ic_call *call)
{
	const struct timesync *ts = call->user;
	struct rd r = { .p = call->body, .left = call->len };
	struct timesync_sample sample = { 0 };
	uint8_t flags = is_form_4(call->len, call->message) ? read_form_4(&r, &sample) :
							      read_form_3(&r, &sample);
	int error = rd_result(&r);

	if (error < 0)
		return error;
	if (flags & ~(TIMESYNC_FLAG_SYNC | TIMESYNC_FLAG_SAMPLE))
		return -EINVAL;
	if (flags == 0)
		return 0; /* a probe: the host wants to see an answer, no more */
	if (sample.host_time < TIMESYNC_EPOCH_100NS)
		return -EINVAL;

	sample.sync = flags & TIMESYNC_FLAG_SYNC;
	return ts->sample(ts->user, &sample);
}

/* The flags are the operation: what sets the clock, what is measured, and a probe, which is neither. */
static uint32_t op_code(const struct ic_call *call)
{
	struct rd r = { .p = call->body, .left = call->len };
	struct timesync_sample sample;
	uint8_t flags = is_form_4(call->len, call->message) ? read_form_4(&r, &sample) :
							      read_form_3(&r, &sample);

	return flags & TIMESYNC_FLAG_SYNC ? TIMESYNC_FLAG_SYNC : flags & TIMESYNC_FLAG_SAMPLE;
}

static const struct ic_op ops[] = {
	{ .min_body = TIMESYNC4_MIN_SIZE, .handle = on_time },
	{ .name = "sync", .code = TIMESYNC_FLAG_SYNC, .min_body = TIMESYNC4_MIN_SIZE, .handle = on_time },
	{ .name = "sample", .code = TIMESYNC_FLAG_SAMPLE, .min_body = TIMESYNC4_MIN_SIZE, .handle = on_time },
};

const struct ic_service ic_timesync = {
	.component = IC_TIMESYNC,
	.name = "TimeSync",
	.title = "Time Synchronization",
	.type = IC_TYPE_TIMESYNC,
	.op_code = op_code,
	.parses_by_size = true,
	.ops = ops,
	.n_ops = ARRAY_LEN(ops),
};
