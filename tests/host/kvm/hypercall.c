/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/kvm/hypercall.h"

#include <stdbool.h>
#include <string.h>

#include "hv_util/bytes.h"
#include "tests/host/kvm/vmbus_wire.h"

#define CODE(input) ((uint32_t)(input) & 0xffff)
#define IS_FAST(input) ((input) >> 16 & 1)
/* Variable header, repetitions and reserved bits: neither call has them. */
#define REST(input) ((input) >> 17)

#define CODE_POST_MESSAGE 0x5cu
#define CODE_SIGNAL_EVENT 0x5du

#define POST_HEADER 16u
#define MESSAGE_TYPE_VMBUS 1u

/* Parameters may not cross a page. */
static const uint8_t *input_at(const struct guest_memory *m, uint64_t address, size_t len)
{
	if (address % GUEST_PAGE_SIZE + len > GUEST_PAGE_SIZE)
		return NULL;
	return guest_memory_at(m, address, len);
}

static enum hypercall_status post_message(const struct hypercall *call,
					  const struct guest_memory *m,
					  const struct hypercall_ops *ops, void *user)
{
	const uint8_t *input = input_at(m, call->parameter[0], POST_HEADER);
	uint8_t copy[POST_HEADER], message[VMBUS_MESSAGE_MAX];
	struct rd r = { .p = copy, .left = sizeof(copy) };
	uint32_t connection, type, len;

	if (IS_FAST(call->input))
		return HYPERCALL_INVALID_INPUT;
	if (call->parameter[0] % 8)
		return HYPERCALL_INVALID_ALIGNMENT;
	if (!input)
		return HYPERCALL_INVALID_PARAMETER;
	/* Another processor of the guest may be writing there: what is looked at is our copy. */
	memcpy(copy, input, sizeof(copy));
	connection = rd_u32(&r);
	(void)rd_u32(&r);
	type = rd_u32(&r);
	len = rd_u32(&r);
	if (type != MESSAGE_TYPE_VMBUS || len > sizeof(message))
		return HYPERCALL_INVALID_PARAMETER;
	input = input_at(m, call->parameter[0], POST_HEADER + len);
	if (!input)
		return HYPERCALL_INVALID_PARAMETER;
	memcpy(message, input + POST_HEADER, len);
	return ops->post(user, connection, message, len);
}

static enum hypercall_status signal_event(const struct hypercall *call,
					  const struct guest_memory *m,
					  const struct hypercall_ops *ops, void *user)
{
	uint64_t value = call->parameter[0];

	if (!IS_FAST(call->input)) {
		const uint8_t *input = input_at(m, call->parameter[0], sizeof(value));
		struct rd r = { .p = input, .left = input ? sizeof(value) : 0 };

		if (call->parameter[0] % 8)
			return HYPERCALL_INVALID_ALIGNMENT;
		if (!input)
			return HYPERCALL_INVALID_PARAMETER;
		value = rd_u64(&r);
	}
	if (value >> 32) /* each of our connections has one flag, number 0 */
		return HYPERCALL_INVALID_PARAMETER;
	return ops->signal(user, (uint32_t)value);
}

static const struct {
	uint32_t code;
	enum hypercall_status (*run)(const struct hypercall *call, const struct guest_memory *m,
				     const struct hypercall_ops *ops, void *user);
} calls[] = {
	{ CODE_POST_MESSAGE, post_message },
	{ CODE_SIGNAL_EVENT, signal_event },
};

enum hypercall_status hypercall_do(const struct hypercall *call, const struct guest_memory *m,
				   const struct hypercall_ops *ops, void *user)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (calls[i].code != CODE(call->input))
			continue;
		if (REST(call->input))
			return HYPERCALL_INVALID_INPUT;
		return calls[i].run(call, m, ops, user);
	}
	return HYPERCALL_INVALID_CODE;
}
