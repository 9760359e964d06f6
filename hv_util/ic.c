/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/ic.h"

#include "hv_util/status.h"

struct ic_header {
	uint32_t pipe_size;
	struct ic_version framework, message;
	uint16_t type, size;
	uint8_t flags;
};

static struct ic_header header_read(const uint8_t *msg)
{
	struct rd r = { .p = msg, .left = IC_BODY };
	struct ic_header h;

	(void)rd_u32(&r); /* pipe flags: echoed, as Linux does */
	h.pipe_size = rd_u32(&r);
	h.framework.major = rd_u16(&r);
	h.framework.minor = rd_u16(&r);
	h.type = rd_u16(&r);
	h.message.major = rd_u16(&r);
	h.message.minor = rd_u16(&r);
	h.size = rd_u16(&r);
	(void)rd_u32(&r); /* status: ours to write */
	(void)rd_u8(&r);  /* transaction id: echoed */
	h.flags = rd_u8(&r);
	return h;
}

static void put_u16(uint8_t *msg, size_t at, uint16_t v)
{
	struct wr w = { .p = msg + at, .left = 2 };

	wr_u16(&w, v);
}

static void put_u32(uint8_t *msg, size_t at, uint32_t v)
{
	struct wr w = { .p = msg + at, .left = 4 };

	wr_u32(&w, v);
}

/* Transaction and response: what Linux sends and OpenVMM's host demands. All else is echoed. */
static void make_reply(uint8_t *msg, int error)
{
	put_u32(msg, IC_AT_STATUS, hv_status(error));
	msg[IC_AT_FLAGS] = IC_FLAG_TRANSACTION | IC_FLAG_RESPONSE;
}

/* The sizes of a message that lied about them must not be repeated: the host checks ours. */
static void make_bodyless(uint8_t *msg)
{
	put_u32(msg, IC_AT_PIPE_SIZE, IC_HEADER_SIZE);
	put_u16(msg, IC_AT_SIZE, 0);
}

static bool sizes_hold(const struct ic_header *h, size_t received)
{
	return h->pipe_size >= IC_HEADER_SIZE && h->pipe_size <= received - IC_PIPE_SIZE &&
	       h->size <= h->pipe_size - IC_HEADER_SIZE;
}

/* After the negotiation OpenVMM's host repeats the agreed versions in each header; 0.0 is taken as
 * "not stated". That Windows does the same is inferred. */
static bool version_is_right(struct ic_version stated, struct ic_version agreed)
{
	return ic_version_equal(stated, agreed) ||
	       ic_version_equal(stated, (struct ic_version){ 0, 0 });
}

static bool versions_are_right(const struct ic *ic, const struct ic_header *h)
{
	if (ic->service->parses_by_size || ic->answer.outcome == IC_FORCED)
		return true;
	return version_is_right(h->framework, ic->answer.pair.framework) &&
	       version_is_right(h->message, ic->answer.pair.message);
}

static const struct ic_op *op_find(const struct ic_service *s, uint32_t code, struct ic_version v)
{
	static const struct ic_version open_end = { 0, 0 };

	for (size_t i = 0; i < s->n_ops; i++) {
		const struct ic_op *op = &s->ops[i];

		if (op->code == code && ic_version_reaches(v, op->since) &&
		    (ic_version_equal(op->until, open_end) || !ic_version_reaches(v, op->until)))
			return op;
	}
	return NULL;
}

/* A reply with this errno's status; with 0 it is no refusal. */
static struct ic_result reply(int error, const char *why)
{
	return (struct ic_result){ .verdict = IC_REPLY, .error = error, .why = why };
}

/* The whole of a reply but its status and flags: it is the only one whose length may differ. */
static struct ic_result negotiate(struct ic *ic, const struct ic_header *h, uint8_t *msg,
				  size_t len, size_t cap)
{
	struct rd body = { .p = msg + IC_BODY, .left = h->size };
	struct wr reply = { .p = msg + IC_BODY, .left = cap - IC_BODY };
	struct ic_result result = { .verdict = IC_REPLY, .len = len };
	struct ic_answer answer = { .outcome = IC_NO_COMMON };

	result.error = negotiate_parse(body, &ic->offer);
	if (result.error < 0) {
		result.why = result.error == -E2BIG ?
				     "it offers more than 100 versions" :
				     "its version lists are longer than the message";
	} else {
		answer = negotiate_decide(&ic->offer, ic->policy);
		ic->answer = answer;
		result.negotiated = true;
	}

	if (answer.silent)
		return (struct ic_result){ .verdict = IC_NOTHING, .negotiated = true };
	negotiate_write(&answer, &reply);

	/* As Linux: the reply is as long as the request, its body says 16. */
	put_u16(msg, IC_AT_SIZE, NEGOTIATE_ANSWER_SIZE);
	if (result.len < IC_BODY + NEGOTIATE_ANSWER_SIZE)
		result.len = IC_BODY + NEGOTIATE_ANSWER_SIZE;
	if (h->pipe_size < IC_HEADER_SIZE + NEGOTIATE_ANSWER_SIZE)
		put_u32(msg, IC_AT_PIPE_SIZE, IC_HEADER_SIZE + NEGOTIATE_ANSWER_SIZE);
	if (ic->policy->raw.has_truncate && ic->policy->raw.truncate < result.len)
		result.len = ic->policy->raw.truncate;
	return result;
}

static struct ic_result run_op(const struct ic *ic, uint32_t code, const struct ic_call *call)
{
	const struct ic_op *op = op_find(ic->service, code, call->message);
	struct ic_result blocked = reply(-EPERM, "the configuration blocks the operation");
	int r;

	if (!op)
		return reply(-EOPNOTSUPP, "the operation is unknown at this version");
	blocked.blocked = op;
	if (ic->policy->blocked & UINT32_C(1) << (op - ic->service->ops))
		return blocked;
	if (call->len < op->min_body)
		return reply(-EBADMSG, "it is too short for its operation");

	r = op->handle(call);
	if (r == -EAGAIN)
		return (struct ic_result){ .verdict = IC_LATER };
	return reply(r, NULL);
}

static struct ic_result dispatch(const struct ic *ic, const struct ic_header *h, uint8_t *msg)
{
	const struct ic_service *s = ic->service;
	const struct ic_call call = {
		.user = ic->user,
		.message = ic->answer.pair.message,
		.body = msg + IC_BODY,
		.len = h->size,
	};
	struct rd body = { .p = call.body, .left = call.len };
	uint32_t code = s->op_code ? s->op_code(&call) : s->op_size == 1 ? rd_u8(&body) : 0;
	struct ic_result result;

	result = rd_result(&body) < 0 ? reply(-EBADMSG, "it has no operation") :
					run_op(ic, code, &call);
	result.op = code;
	return result;
}

/* Why a request that is no negotiation cannot be dispatched, or one with error 0. */
static struct ic_result check_request(const struct ic *ic, const struct ic_header *h)
{
	if (h->type != ic->service->type)
		return reply(-EOPNOTSUPP, "its type is not this component's");
	if (ic->answer.outcome != IC_AGREED && ic->answer.outcome != IC_FORCED)
		return reply(-ENOTCONN, "no version is agreed");
	if (ic->busy)
		return reply(-EBUSY, "the request before is not answered yet");
	if (!versions_are_right(ic, h))
		return reply(-EINVAL, "its version is not the one agreed");
	return (struct ic_result){ .verdict = IC_REPLY };
}

struct ic_result ic_handle(struct ic *ic, uint8_t *msg, size_t len, size_t received, size_t cap)
{
	struct ic_result result;
	struct ic_header h;

	if (len < IC_BODY)
		return (struct ic_result){ .error = -EBADMSG, .why = "it is shorter than its header" };

	h = header_read(msg);
	if (h.flags & IC_FLAG_RESPONSE) {
		/* Answering an answer could go on for ever. */
		result = (struct ic_result){ .error = -EPROTO, .why = "it is no request" };
	} else if (received > len || !sizes_hold(&h, len)) {
		make_bodyless(msg);
		result = reply(-EBADMSG, received > len ? "it is longer than any message" :
							    "its sizes contradict each other");
	} else if (h.flags != (IC_FLAG_TRANSACTION | IC_FLAG_REQUEST)) {
		result = reply(-EINVAL, "its flags are not those of a request");
	} else if (h.type == IC_TYPE_NEGOTIATE) {
		result = negotiate(ic, &h, msg, len, cap);
		len = result.len;
	} else {
		result = check_request(ic, &h);
		if (result.error == 0)
			result = dispatch(ic, &h, msg);
	}

	result.type = h.type;
	result.len = len;
	if (result.verdict == IC_REPLY)
		make_reply(msg, result.error);
	return result;
}

uint32_t ic_operations_named(const struct ic_service *s, const char *name)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < s->n_ops; i++)
		if (s->ops[i].name && strcmp(s->ops[i].name, name) == 0)
			bits |= UINT32_C(1) << i;
	return bits;
}

struct ic_result ic_decline(uint8_t *msg, size_t len, size_t received, int error, const char *why)
{
	struct ic_result result = reply(error, why);
	struct ic_header h;

	if (len < IC_BODY)
		return (struct ic_result){ .error = error, .why = why };
	h = header_read(msg);
	if (h.flags & IC_FLAG_RESPONSE)
		return (struct ic_result){ .error = error, .why = why };
	if (received > len || !sizes_hold(&h, len))
		make_bodyless(msg);
	result.type = h.type;
	result.len = ic_refuse(msg, len, error);
	return result;
}

size_t ic_refuse(uint8_t *msg, size_t len, int error)
{
	make_reply(msg, error);
	return len;
}

void ic_reset(struct ic *ic)
{
	ic->offer = (struct ic_offer){ 0 };
	ic->answer = (struct ic_answer){ 0 };
}
