/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/kvm/vmbus.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hv_util/bytes.h"
#include "tests/host/link.h"

#define TYPE_SIZE 8 /* type and padding, in front of each message */

void vmbus_init(struct vmbus *v, uint32_t newest, uint32_t n_processors,
		const struct vmbus_ops *ops, void *user)
{
	*v = (struct vmbus){
		.ops = ops,
		.user = user,
		.newest = newest,
		.n_processors = n_processors,
	};
}

static int component_of_relid(const struct vmbus *v, uint32_t relid)
{
	for (int c = 0; c < COMPONENT_MAX; c++)
		if (v->channel[c].state != VMBUS_NOT_OFFERED && v->channel[c].relid == relid)
			return c;
	return LINK_NO_COMPONENT;
}

static enum vmbus_state state_of(const struct vmbus *v, int component)
{
	return component == LINK_NO_COMPONENT ? VMBUS_NOT_OFFERED : v->channel[component].state;
}

static const char *state_text(const struct vmbus *v, int component)
{
	static const char *const text[VMBUS_STATES] = { "not offered", "closed", "open",
							"rescinded" };

	return text[state_of(v, component)];
}

__attribute__((format(printf, 3, 4))) static void violated(struct vmbus *v, int component,
							    const char *format, ...)
{
	char sentence[160];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	v->ops->violated(v->user, component, sentence);
}

/* --- to the guest --- */

/* A message of up to four numbers behind its type. */
static void send_numbers(struct vmbus *v, enum vmbus_type type, const uint32_t *number, size_t n,
			 int started)
{
	uint8_t bytes[TYPE_SIZE + 4 * sizeof(uint32_t)];
	struct wr w = { .p = bytes, .left = sizeof(bytes) };

	wr_u32(&w, type);
	wr_u32(&w, 0);
	for (size_t i = 0; i < n; i++)
		wr_u32(&w, number[i]);
	v->ops->send(v->user, bytes, sizeof(bytes) - w.left, started);
}

#define SEND(v, type, ...)                                                           \
	send_numbers(v, type, (const uint32_t[]){ __VA_ARGS__ },                     \
		     sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t), \
		     LINK_NO_COMPONENT)

static uint32_t next_relid(struct vmbus *v)
{
	do
		v->last_relid = v->last_relid % VMBUS_RELID_MAX + 1;
	while (component_of_relid(v, v->last_relid) != LINK_NO_COMPONENT);
	return v->last_relid;
}

static void send_offer(struct vmbus *v, enum component c)
{
	const struct component_info *info = &component_table[c];
	uint32_t relid = v->channel[c].relid;
	uint8_t bytes[196];
	struct wr w = { .p = bytes, .left = sizeof(bytes) };

	wr_u32(&w, VMBUS_OFFER);
	wr_u32(&w, 0);
	wr_bytes(&w, info->class_id, 16);
	wr_bytes(&w, info->instance_id, 16);
	wr_zero(&w, 16);
	wr_u16(&w, VMBUS_OFFER_ENUMERATE | VMBUS_OFFER_NAMED_PIPE);
	wr_u16(&w, 0); /* megabytes of MMIO */
	wr_u32(&w, VMBUS_PIPE_MESSAGES);
	wr_zero(&w, 116); /* the rest of the user-defined bytes */
	wr_u16(&w, 0);    /* not a sub-channel */
	wr_u16(&w, 0);
	wr_u32(&w, relid);
	/* No monitor page: then the guest signals by hypercall. An interrupt of its own: then it
	 * does so without the shared page of old protocols. */
	wr_u8(&w, 0);
	wr_u8(&w, 0);
	wr_u16(&w, 1);
	wr_u32(&w, VMBUS_SIGNAL_CONNECTION(relid));
	v->ops->send(v->user, bytes, sizeof(bytes) - w.left, LINK_NO_COMPONENT);
}

int vmbus_offer(struct vmbus *v, enum component c)
{
	if (!v->joined)
		return -ENOTCONN;
	if (v->channel[c].state != VMBUS_NOT_OFFERED)
		return -EBUSY;
	v->channel[c].relid = next_relid(v);
	v->channel[c].state = VMBUS_OFFERED;
	send_offer(v, c);
	return (int)v->channel[c].relid;
}

int vmbus_offers_done(struct vmbus *v)
{
	if (!v->joined)
		return -ENOTCONN;
	send_numbers(v, VMBUS_ALL_OFFERS, NULL, 0, LINK_NO_COMPONENT);
	return 0;
}

int vmbus_rescind(struct vmbus *v, enum component c)
{
	if (v->channel[c].state != VMBUS_OFFERED && v->channel[c].state != VMBUS_OPENED)
		return -ENOENT;
	v->channel[c].state = VMBUS_RESCINDED;
	SEND(v, VMBUS_RESCIND, v->channel[c].relid);
	return 0;
}

void vmbus_disconnect(struct vmbus *v)
{
	bool joined = v->joined;

	v->version = 0;
	v->joined = false;
	if (joined)
		v->ops->left(v->user);
	memset(v->channel, 0, sizeof(v->channel));
	gpadl_forget_all(&v->gpadls);
}

/* --- from the guest: the connection --- */

/* Every version that a Windows has spoken and that is spoken here. */
static bool version_is_known(uint32_t version)
{
	static const uint32_t known[] = {
		VMBUS_VERSION(0, 13), VMBUS_VERSION(1, 1), VMBUS_VERSION(2, 4),
		VMBUS_VERSION(3, 0),  VMBUS_VERSION(4, 0), VMBUS_VERSION(4, 1),
		VMBUS_VERSION(5, 0),  VMBUS_VERSION(5, 1), VMBUS_VERSION(5, 2),
		VMBUS_VERSION(5, 3),
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i] == version)
			return true;
	return false;
}

/* A guest that crashed or was taken over says nothing first: each contact begins anew. */
static void on_initiate_contact(struct vmbus *v, struct rd *r)
{
	uint32_t version = rd_u32(r), processor = rd_u32(r);
	bool supported = version_is_known(version) && version <= v->newest;

	v->ops->discard(v->user);
	vmbus_disconnect(v);
	if (processor >= v->n_processors) {
		violated(v, LINK_NO_COMPONENT,
			 "the guest wants its messages at processor %u, which is not there",
			 processor);
		return; /* there is no place for an answer */
	}
	v->processor = processor;
	if (supported)
		v->version = version;
	/* From 5.0 on: where messages go from now on; before, a number that nobody reads. */
	SEND(v, VMBUS_VERSION_RESPONSE, supported, VMBUS_CONNECTION);
}

static void on_request_offers(struct vmbus *v, struct rd *r)
{
	(void)r;
	if (v->joined) {
		violated(v, LINK_NO_COMPONENT, "the guest asked for the offers twice");
		(void)vmbus_offers_done(v);
		return;
	}
	v->joined = true;
	v->ops->joined(v->user);
}

static void on_unload(struct vmbus *v, struct rd *r)
{
	(void)r;
	v->ops->discard(v->user);
	vmbus_disconnect(v);
	send_numbers(v, VMBUS_UNLOAD_RESPONSE, NULL, 0, LINK_NO_COMPONENT);
}

static void on_nothing(struct vmbus *v, struct rd *r)
{
	(void)v;
	(void)r;
}

/* --- from the guest: pages --- */

static void answer_gpadl(struct vmbus *v, uint32_t relid, uint32_t id, int result, const char *why)
{
	if (result == 0)
		return;
	if (result < 0)
		violated(v, component_of_relid(v, relid),
			 "the guest announced a list of pages that is wrong: %s", why);
	SEND(v, VMBUS_GPADL_CREATED, relid, id, result > 0 ? 0 : VMBUS_STATUS_UNSUCCESSFUL);
}

static void on_gpadl_header(struct vmbus *v, struct rd *r)
{
	uint32_t relid = rd_u32(r), id = rd_u32(r);
	const char *why = "its channel is not offered";
	int result = -ENOENT;

	if (component_of_relid(v, relid) != LINK_NO_COMPONENT)
		result = gpadl_begin(&v->gpadls, relid, id, r->p, r->left, &why);
	answer_gpadl(v, relid, id, result, why);
}

static void on_gpadl_body(struct vmbus *v, struct rd *r)
{
	const char *why = "";
	uint32_t id, relid;
	int result;

	(void)rd_u32(r); /* the message's number, which Linux leaves 0 */
	id = rd_u32(r);
	relid = gpadl_relid(&v->gpadls, id);
	result = gpadl_continue(&v->gpadls, id, r->p, r->left, &why);
	answer_gpadl(v, relid, id, result, why);
}

static void close_channel(struct vmbus *v, int component)
{
	v->channel[component].state = VMBUS_OFFERED;
	v->ops->close(v->user, (enum component)component);
}

/* Always answered: the guest waits for it without an end. */
static void on_gpadl_teardown(struct vmbus *v, struct rd *r)
{
	uint32_t relid = rd_u32(r), id = rd_u32(r);
	int component = component_of_relid(v, gpadl_relid(&v->gpadls, id));

	(void)relid;
	if (state_of(v, component) == VMBUS_OPENED && v->channel[component].rings == id) {
		violated(v, component, "the guest took back the pages of an open channel");
		close_channel(v, component);
	}
	gpadl_forget(&v->gpadls, id);
	SEND(v, VMBUS_GPADL_TORNDOWN, id);
}

/* --- from the guest: channels --- */

static int try_open(struct vmbus *v, int component, uint32_t id, uint32_t processor,
		    uint32_t downstream, const char **why)
{
	const struct gpadl *g = gpadl_find(&v->gpadls, id);

	*why = "no list of its pages is known";
	if (!g || g->relid != v->channel[component].relid)
		return -ENOENT;
	/* A header page and a page of data at least; the host's rings of a channel are alike. */
	*why = "its two rings are not of one size";
	if (downstream < 2 || g->n != 2 * (size_t)downstream)
		return -EINVAL;
	*why = "its interrupts go to a processor that is not there";
	if (processor != VMBUS_NO_PROCESSOR && processor >= v->n_processors)
		return -EINVAL;
	return v->ops->open(v->user, (enum component)component, g, processor, why);
}

static void on_open(struct vmbus *v, struct rd *r)
{
	uint32_t relid = rd_u32(r), open_id = rd_u32(r), rings = rd_u32(r);
	uint32_t processor = rd_u32(r), downstream = rd_u32(r), status = 0;
	int component = component_of_relid(v, relid);
	const char *why = state_text(v, component);
	int result = -EBUSY;

	if (state_of(v, component) == VMBUS_RESCINDED)
		return; /* sent before the guest saw the rescind, and no longer waited for */
	if (state_of(v, component) == VMBUS_OFFERED)
		result = try_open(v, component, rings, processor, downstream, &why);
	if (result < 0) {
		violated(v, component, "the guest cannot open channel %u: %s", relid, why);
		status = VMBUS_STATUS_UNSUCCESSFUL;
	} else {
		v->channel[component].state = VMBUS_OPENED;
		v->channel[component].rings = rings;
	}
	send_numbers(v, VMBUS_OPEN_RESULT, (const uint32_t[]){ relid, open_id, status }, 3,
		     result < 0 ? LINK_NO_COMPONENT : component);
}

static void on_close(struct vmbus *v, struct rd *r)
{
	uint32_t relid = rd_u32(r);
	int component = component_of_relid(v, relid);

	if (state_of(v, component) == VMBUS_OPENED)
		close_channel(v, component);
	else if (state_of(v, component) != VMBUS_RESCINDED)
		violated(v, component, "the guest closed channel %u, which is %s", relid,
			 state_text(v, component));
}

static void on_released(struct vmbus *v, struct rd *r)
{
	uint32_t relid = rd_u32(r);
	int component = component_of_relid(v, relid);

	if (!v->joined)
		return; /* the rest of an unload */
	if (state_of(v, component) != VMBUS_RESCINDED) {
		violated(v, component, "the guest released channel %u, which is %s", relid,
			 state_text(v, component));
		return;
	}
	gpadl_forget_relid(&v->gpadls, relid);
	v->channel[component].state = VMBUS_NOT_OFFERED;
	v->ops->released(v->user, (enum component)component);
}

static void on_modify(struct vmbus *v, struct rd *r)
{
	uint32_t relid = rd_u32(r), processor = rd_u32(r);
	int component = component_of_relid(v, relid);
	bool good = state_of(v, component) == VMBUS_OPENED && processor < v->n_processors;

	if (good)
		v->ops->target(v->user, (enum component)component, processor);
	else if (state_of(v, component) != VMBUS_RESCINDED)
		violated(v, component, "the guest moved channel %u, which is %s, to processor %u",
			 relid, state_text(v, component), processor);
	if (v->version >= VMBUS_VERSION(5, 3))
		SEND(v, VMBUS_MODIFY_RESPONSE, relid, good ? 0 : VMBUS_STATUS_UNSUCCESSFUL);
}

/* --- from the guest: all --- */

static const struct {
	enum vmbus_type type;
	size_t size; /* at least */
	bool unconnected; /* may come before a contact, or after its end */
	void (*take)(struct vmbus *v, struct rd *r);
} guest_messages[] = {
	{ VMBUS_INITIATE_CONTACT, 40, true, on_initiate_contact },
	{ VMBUS_REQUEST_OFFERS, 8, false, on_request_offers },
	{ VMBUS_GPADL_HEADER, 28, false, on_gpadl_header },
	{ VMBUS_GPADL_BODY, 16, false, on_gpadl_body },
	{ VMBUS_GPADL_TEARDOWN, 16, false, on_gpadl_teardown },
	{ VMBUS_OPEN, 28, false, on_open },
	{ VMBUS_CLOSE, 12, false, on_close },
	{ VMBUS_RELID_RELEASED, 12, true, on_released },
	{ VMBUS_MODIFY, 16, false, on_modify },
	{ VMBUS_UNLOAD, 8, true, on_unload },
	{ VMBUS_TL_CONNECT, 8, false, on_nothing },
};

void vmbus_take(struct vmbus *v, const uint8_t *message, size_t len)
{
	struct rd r = { .p = message, .left = len };
	uint32_t type = rd_u32(&r);

	(void)rd_u32(&r);
	for (size_t i = 0; i < ARRAY_LEN(guest_messages); i++) {
		if (guest_messages[i].type != type)
			continue;
		if (len < guest_messages[i].size)
			violated(v, LINK_NO_COMPONENT,
				 "the guest's VMBus message of type %u has %zu bytes, not %zu",
				 type, len, guest_messages[i].size);
		else if (!v->version && !guest_messages[i].unconnected)
			violated(v, LINK_NO_COMPONENT,
				 "the guest sent VMBus message %u without a connection", type);
		else
			guest_messages[i].take(v, &r);
		return;
	}
	violated(v, LINK_NO_COMPONENT, "the guest sent a VMBus message of unknown type %u", type);
}
