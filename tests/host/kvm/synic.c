/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/kvm/synic.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "tests/host/kvm/vmbus_wire.h"

/* Both pages have 256 bytes for each of 16 sources. */
#define SINT_SIZE 256u
#define FLAGS_MAX (SINT_SIZE * 8)

#define ENABLED UINT64_C(1)
#define PAGE_BITS (~(uint64_t)(GUEST_PAGE_SIZE - 1))

#define MESSAGE_VMBUS 1u
#define MESSAGE_PENDING 1u

struct message_slot {
	_Atomic uint32_t type; /* 0: free */
	uint8_t size;
	_Atomic uint8_t flags;
	uint16_t reserved;
	uint64_t sender;
	uint8_t payload[VMBUS_MESSAGE_MAX];
};
_Static_assert(sizeof(struct message_slot) == SINT_SIZE, "TLFS: HV_MESSAGE has 256 bytes");
_Static_assert(offsetof(struct message_slot, flags) == 5, "TLFS: MessageFlags behind PayloadSize");

static uint8_t *page_of(const struct guest_memory *m, uint64_t value)
{
	return value & ENABLED ? guest_memory_at(m, value & PAGE_BITS, GUEST_PAGE_SIZE) : NULL;
}

static void empty_new_page(const struct guest_memory *m, uint64_t before, uint64_t now)
{
	uint8_t *page = page_of(m, now);

	if (page && !(before & ENABLED))
		memset(page, 0, GUEST_PAGE_SIZE);
}

void synic_set(struct synic *s, const struct guest_memory *m, uint64_t control, uint64_t events,
	       uint64_t messages)
{
	empty_new_page(m, s->events, events);
	empty_new_page(m, s->messages, messages);
	*s = (struct synic){ .control = control, .events = events, .messages = messages };
}

static void *area_of(const struct synic *s, const struct guest_memory *m, uint64_t page)
{
	uint8_t *bytes = s->control & ENABLED ? page_of(m, page) : NULL;

	return bytes ? bytes + (size_t)SYNIC_VMBUS_SINT * SINT_SIZE : NULL;
}

/*
 * Whether the slot is free. If not, the guest is asked to say when it is; and because it may have
 * emptied the slot just before it could see that, the slot is looked at again.
 */
static bool slot_is_free(struct message_slot *slot)
{
	/* Pairs with the guest's exchange of the type for 0, after it has copied the message. */
	if (atomic_load_explicit(&slot->type, memory_order_acquire) == 0)
		return true;
	atomic_fetch_or(&slot->flags, MESSAGE_PENDING);
	return atomic_load(&slot->type) == 0;
}

int synic_post(const struct synic *s, const struct guest_memory *m, const uint8_t *message,
	       size_t len)
{
	struct message_slot *slot = area_of(s, m, s->messages);

	if (!slot)
		return -ENOTCONN;
	if (len > sizeof(slot->payload))
		return -EMSGSIZE;
	if (!slot_is_free(slot))
		return 0;
	memset(slot->payload, 0, sizeof(slot->payload));
	memcpy(slot->payload, message, len);
	/* Linux refuses a message that is shorter than the type's structure with its padding. */
	slot->size = (uint8_t)((len + 7) & ~(size_t)7);
	slot->reserved = 0;
	slot->sender = 0;
	atomic_store(&slot->flags, 0);
	/* Pairs with the guest's load of the type before it copies the message. */
	atomic_store_explicit(&slot->type, MESSAGE_VMBUS, memory_order_release);
	return 1;
}

int synic_flag(const struct synic *s, const struct guest_memory *m, uint32_t flag)
{
	uint8_t *flags = area_of(s, m, s->events);
	_Atomic uint32_t *word;
	uint32_t bit = UINT32_C(1) << flag % 32;

	if (!flags)
		return -ENOTCONN;
	if (flag >= FLAGS_MAX)
		return -EINVAL;
	word = (_Atomic uint32_t *)flags + flag / 32;
	return atomic_fetch_or(word, bit) & bit ? 0 : 1;
}
