/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's side of VMBus against a guest that says anything. Input: u8 the host's newest version,
 * u8 processors, then steps: a byte below 32 is a message of this type, followed by u8 its length
 * in words and as many words' bytes; others offer, rescind, refuse to open, or take the guest away.
 */
#include <errno.h>
#include <stdbool.h>

#include "tests/fuzz/fuzz.h"
#include "tests/host/kvm/vmbus.h"
#include "tests/host/link.h"

/* An offer of each component, and their end: no message may make more. */
#define SENT_MAX (COMPONENT_MAX + 1)

struct host {
	struct vmbus vmbus;
	bool refuses, open[COMPONENT_MAX];
	unsigned sent, last_type;
};

static void on_send(void *user, const uint8_t *message, size_t len, int started)
{
	struct host *h = user;
	uint64_t type;

	fuzz_require(len >= 8 && len <= VMBUS_MESSAGE_MAX && len % 4 == 0);
	type = fuzz_le(message, 4);
	fuzz_require(type > 0 && type <= VMBUS_MODIFY_RESPONSE);
	fuzz_require(started == LINK_NO_COMPONENT ||
		     (type == VMBUS_OPEN_RESULT && h->open[started]));
	h->sent++;
	h->last_type = (unsigned)type;
	fuzz_require(h->sent <= SENT_MAX);
}

static void on_discard(void *user)
{
	(void)user;
}

static void on_joined(void *user)
{
	struct host *h = user;

	for (int c = 0; c < COMPONENT_MAX; c++)
		fuzz_require(vmbus_offer(&h->vmbus, (enum component)c) > 0);
	fuzz_require(vmbus_offers_done(&h->vmbus) == 0);
}

static void on_left(void *user)
{
	struct host *h = user;

	memset(h->open, 0, sizeof(h->open));
}

static int on_open(void *user, enum component c, const struct gpadl *rings, uint32_t processor,
		   const char **why)
{
	struct host *h = user;
	uint64_t sum = 0;

	fuzz_require(!h->open[c]);
	fuzz_require(rings->n >= 4 && rings->n % 2 == 0 && rings->have == rings->n);
	fuzz_require(processor == VMBUS_NO_PROCESSOR || processor < h->vmbus.n_processors);
	for (size_t i = 0; i < rings->n; i++)
		sum += rings->page[i]; /* each is there to be read */
	*why = "it is refused";
	if (h->refuses)
		return sum ? -EFAULT : -EPERM;
	h->open[c] = true;
	return 0;
}

static void on_target(void *user, enum component c, uint32_t processor)
{
	struct host *h = user;

	fuzz_require(h->open[c] && processor < h->vmbus.n_processors);
}

static void on_close(void *user, enum component c)
{
	struct host *h = user;

	fuzz_require(h->open[c]);
	h->open[c] = false;
}

static void on_released(void *user, enum component c)
{
	struct host *h = user;

	fuzz_require(!h->open[c]);
}

static void on_violated(void *user, int component, const char *sentence)
{
	(void)user;
	fuzz_require(component >= LINK_NO_COMPONENT && component < COMPONENT_MAX);
	fuzz_require(strlen(sentence) > 10);
}

static const struct vmbus_ops ops = {
	.send = on_send,
	.discard = on_discard,
	.joined = on_joined,
	.left = on_left,
	.open = on_open,
	.target = on_target,
	.close = on_close,
	.released = on_released,
	.violated = on_violated,
};

static void take_message(struct host *h, uint8_t type, struct fuzz_input *in)
{
	size_t had, n = 4u * (fuzz_u8(in) % 59);
	uint8_t *rest = fuzz_bytes(in, n, n, &had);
	uint8_t *message = malloc(8 + n);

	if (!message)
		abort();
	memset(message, 0, 8);
	message[0] = type;
	if (n > 0)
		memcpy(message + 8, rest, n);
	vmbus_take(&h->vmbus, message, 8 + n);
	/* What the guest waits for without an end comes, if it is connected at all. */
	if (h->vmbus.version && type == VMBUS_GPADL_TEARDOWN && n >= 8)
		fuzz_require(h->sent == 1 && h->last_type == VMBUS_GPADL_TORNDOWN);
	if (type == VMBUS_UNLOAD)
		fuzz_require(h->sent == 1 && !h->vmbus.version);
	free(rest);
	free(message);
}

static void step(struct host *h, struct fuzz_input *in)
{
	uint8_t op = fuzz_u8(in);
	enum component c = (enum component)(op / 8 % COMPONENT_MAX);

	h->sent = 0;
	if (op < 32) {
		take_message(h, op, in);
		return;
	}
	switch (op % 8) {
	case 0:
	case 1:
		fuzz_require(vmbus_offer(&h->vmbus, c) != 0); /* a relid or an error */
		break;
	case 2:
	case 3:
		if (vmbus_rescind(&h->vmbus, c) == 0)
			h->open[c] = false;
		break;
	case 4:
		vmbus_disconnect(&h->vmbus);
		break;
	default:
		h->refuses = op & 64;
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t newest[] = { VMBUS_VERSION(5, 3), VMBUS_VERSION(5, 2),
					   VMBUS_VERSION(4, 0), VMBUS_VERSION(3, 0) };
	struct fuzz_input in = { .p = data, .left = size };
	struct host h = { 0 };

	vmbus_init(&h.vmbus, newest[fuzz_u8(&in) % ARRAY_LEN(newest)], fuzz_u8(&in) % 4 + 1, &ops,
		   &h);
	while (in.left > 0)
		step(&h, &in);
	h.sent = 0;
	vmbus_disconnect(&h.vmbus);
	fuzz_require(h.sent == 0);
	for (int c = 0; c < COMPONENT_MAX; c++)
		fuzz_require(!h.open[c]);
	return 0;
}
