/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/kvp_msg.h"

#include "hv_util/kvp_ip_text.h"
#include "hv_util/kvp_text.h"
#include "hv_util/status.h"

/*
 * From the beginning: u8 operation, u8 pool, u16 padding; in an answer u32 status in place of these.
 * Behind them an item (u32 type, u32 key size, u32 value size, key[512], value[2048]), a key (u32
 * size, key[512]), u32 index and an item, or addresses (the fields of the wire's string form, with
 * the adapter's id first), each of these fields as large as on the wire. Sizes are bytes with the NUL.
 */
#define OP_REGISTER1 100 /* "supporting IP injection", and statuses; 4 is an older daemon's */
#define ADAPTER_SIZE (2 * KVP_IP_ADAPTER_UNITS)

_Static_assert(KVP_MSG_SIZE >= 2 + KVP_IP_STRING_SIZE, "addresses are the longest");

static void status_write(uint8_t *msg, int error)
{
	struct wr w = { .p = msg, .left = KVP_HEADER_SIZE };

	wr_u32(&w, hv_status(error));
}

static struct rd request_of(const uint8_t *msg)
{
	return (struct rd){ .p = msg + KVP_HEADER_SIZE, .left = KVP_MSG_SIZE - KVP_HEADER_SIZE };
}

/* Everything behind the status, empty: what a request held there must not go back as data. */
static struct wr answer_of(uint8_t *msg)
{
	memset(msg + KVP_HEADER_SIZE, 0, KVP_MSG_SIZE - KVP_HEADER_SIZE);
	return (struct wr){ .p = msg + KVP_HEADER_SIZE, .left = KVP_MSG_SIZE - KVP_HEADER_SIZE };
}

/* --- texts --- */

/* A text whose NUL stands within the stated size. 0, or -EINVAL or -EILSEQ. */
static int text_read(const uint8_t *field, uint32_t stated, size_t size, char *to)
{
	int r;

	if (stated > size)
		return -EINVAL;
	r = kvp_text_read_utf8(field, stated, to, size);
	return r < 0 ? r : 0;
}

/* An empty key names nothing and is refused, as on the wire. */
static int key_read(const uint8_t *field, uint32_t stated, struct kvp_record *rec)
{
	int r = text_read(field, stated, KVP_WIRE_KEY_SIZE, rec->key);

	return r == 0 && rec->key[0] == '\0' ? -EINVAL : r;
}

/* text is terminated; the rest of the field is zero. */
static void field_write(struct wr *w, size_t size, const char *text)
{
	uint8_t *field = wr_room(w, size);

	if (field)
		(void)kvp_text_write_utf8(text, strlen(text), field, size);
}

static void item_write(struct wr *w, const struct kvp_record *rec)
{
	uint8_t *sizes = wr_room(w, 12);
	uint8_t *key = wr_room(w, KVP_WIRE_KEY_SIZE);
	uint8_t *value = wr_room(w, KVP_WIRE_VALUE_SIZE);
	struct wr head = { .p = sizes, .left = 12 };

	wr_u32(&head, KVP_TYPE_STRING);
	wr_u32(&head, (uint32_t)kvp_text_write_utf8(rec->key, sizeof(rec->key), key,
						    KVP_WIRE_KEY_SIZE));
	wr_u32(&head, (uint32_t)kvp_text_write_utf8(rec->value, sizeof(rec->value), value,
						    KVP_WIRE_VALUE_SIZE));
}

/* --- operations: 0, or a negative errno for the host; -EAGAIN: nothing was done --- */

static struct kvp_record *fresh_record(struct kvp *kvp)
{
	memset(&kvp->record, 0, sizeof(kvp->record));
	return &kvp->record;
}

/* The value of an item is read by SET only. */
static int read_item(struct kvp *kvp, const uint8_t *msg, bool with_value)
{
	struct kvp_record *rec = fresh_record(kvp);
	struct rd r = request_of(msg);
	uint32_t key_size, value_size;
	const uint8_t *key;
	int e;

	(void)rd_u32(&r);
	key_size = rd_u32(&r);
	value_size = rd_u32(&r);
	key = rd_bytes(&r, KVP_WIRE_KEY_SIZE);
	e = key_read(key, key_size, rec);
	if (e < 0 || !with_value)
		return e;
	/* Also -EINVAL: a size of 0, which the driver leaves with the types that it does not know,
	 * expandable texts and Windows' 64-bit numbers. Their values are lost, and must not be kept as
	 * if they had been empty. */
	return text_read(rd_bytes(&r, KVP_WIRE_VALUE_SIZE), value_size, KVP_WIRE_VALUE_SIZE,
			 rec->value);
}

/*
 * The driver takes the value from where an enumeration has it, 4 bytes behind the place that a GET's
 * item has for it (hv_kvp.c kvp_respond_to_host: kvp_enum_data.data.value), and looks at nothing else:
 * the answer has to be an enumeration's.
 */
static int on_get(struct kvp *kvp, unsigned pool, uint8_t *msg)
{
	struct wr answer;
	int r = read_item(kvp, msg, false);

	if (r == 0)
		r = kvp->ops->get(kvp->user, pool, &kvp->record);
	if (r < 0)
		return r;
	answer = answer_of(msg);
	wr_u32(&answer, 0);
	item_write(&answer, &kvp->record);
	return 0;
}

static int on_set(struct kvp *kvp, unsigned pool, uint8_t *msg)
{
	int r = read_item(kvp, msg, true);

	return r < 0 ? r : kvp->ops->set(kvp->user, pool, &kvp->record);
}

static int on_delete(struct kvp *kvp, unsigned pool, uint8_t *msg)
{
	struct kvp_record *rec = fresh_record(kvp);
	struct rd body = request_of(msg);
	uint32_t size = rd_u32(&body);
	int r = key_read(rd_bytes(&body, KVP_WIRE_KEY_SIZE), size, rec);

	return r < 0 ? r : kvp->ops->remove(kvp->user, pool, rec->key);
}

static int on_enumerate(struct kvp *kvp, unsigned pool, uint8_t *msg)
{
	struct kvp_record *rec = fresh_record(kvp);
	struct rd body = request_of(msg);
	uint32_t index = rd_u32(&body);
	struct wr answer;
	int r = kvp->ops->enumerate(kvp->user, pool, index, rec);

	if (r < 0)
		return r;
	answer = answer_of(msg);
	wr_u32(&answer, index);
	item_write(&answer, rec);
	return 0;
}

/* A field of the addresses. A list that leaves its NUL no place on the wire is none. */
static int field_read(struct rd *r, size_t size, char *to, size_t cap)
{
	int len = kvp_text_read_utf8(rd_bytes(r, size), size, to, cap);

	return len < 0 ? len : 0;
}

static int on_get_ip(struct kvp *kvp, unsigned pool, uint8_t *msg)
{
	struct rd body = request_of(msg);
	struct kvp_ip_text text;
	struct wr answer;
	int r;

	(void)pool;
	memset(&kvp->ip, 0, sizeof(kvp->ip));
	r = field_read(&body, ADAPTER_SIZE, kvp->ip.adapter_id, sizeof(kvp->ip.adapter_id));
	if (r == 0)
		r = kvp->ops->get_ip(kvp->user, &kvp->ip);
	if (r < 0)
		return r;

	kvp_ip_to_text(&kvp->ip, &text);
	answer = answer_of(msg);
	field_write(&answer, ADAPTER_SIZE, kvp->ip.adapter_id);
	wr_u8(&answer, text.family);
	wr_u8(&answer, text.dhcp);
	field_write(&answer, 2 * KVP_IP_TEXT_UNITS, text.addresses);
	field_write(&answer, 2 * KVP_IP_TEXT_UNITS, text.subnets);
	field_write(&answer, 2 * KVP_IP_GATEWAY_UNITS, text.gateways);
	field_write(&answer, 2 * KVP_IP_TEXT_UNITS, text.dns);
	return 0;
}

static int on_set_ip(struct kvp *kvp, unsigned pool, uint8_t *msg)
{
	struct rd body = request_of(msg);
	struct kvp_ip_text text;
	int r;

	(void)pool;
	r = field_read(&body, ADAPTER_SIZE, text.adapter_id, sizeof(text.adapter_id));
	text.family = rd_u8(&body);
	text.dhcp = rd_u8(&body) != 0;
	if (r == 0)
		r = field_read(&body, 2 * KVP_IP_TEXT_UNITS, text.addresses, sizeof(text.addresses));
	if (r == 0)
		r = field_read(&body, 2 * KVP_IP_TEXT_UNITS, text.subnets, sizeof(text.subnets));
	if (r == 0)
		r = field_read(&body, 2 * KVP_IP_GATEWAY_UNITS, text.gateways, sizeof(text.gateways));
	if (r == 0)
		r = field_read(&body, 2 * KVP_IP_TEXT_UNITS, text.dns, sizeof(text.dns));
	if (r == 0)
		r = kvp_ip_from_text(&text, &kvp->ip);
	return r < 0 ? r : kvp->ops->set_ip(kvp->user, &kvp->ip);
}

/* --- messages --- */

static const struct {
	int (*handle)(struct kvp *kvp, unsigned pool, uint8_t *msg);
	bool has_pool;
} ops[] = {
	[KVP_GET] = { on_get, true },
	[KVP_SET] = { on_set, true },
	[KVP_DELETE] = { on_delete, true },
	[KVP_ENUMERATE] = { on_enumerate, true },
	[KVP_GET_IP] = { on_get_ip, false },
	[KVP_SET_IP] = { on_set_ip, false },
};

void kvp_msg_register(uint8_t msg[static KVP_MSG_SIZE])
{
	memset(msg, 0, KVP_MSG_SIZE);
	msg[0] = OP_REGISTER1;
}

bool kvp_msg_is_registered(const uint8_t *msg, size_t len)
{
	return len == KVP_MSG_SIZE && msg[0] == OP_REGISTER1;
}

/* The service's row that is blocked and has this code, or NULL. */
static const struct ic_op *blocked_op(uint32_t blocked, uint32_t code)
{
	for (size_t i = 0; i < ic_kvp.n_ops; i++)
		if (blocked >> i & 1 && ic_kvp.ops[i].code == code)
			return &ic_kvp.ops[i];
	return NULL;
}

struct ic_result kvp_msg_handle(struct kvp *kvp, uint8_t *msg, size_t len, uint32_t blocked)
{
	struct ic_result result = { .verdict = IC_REPLY, .len = KVP_MSG_SIZE, .type = IC_TYPE_KVP };
	unsigned pool;

	if (len != KVP_MSG_SIZE)
		return (struct ic_result){ .error = -EBADMSG, .why = "it has not the size of one" };

	result.op = msg[0];
	pool = msg[1];
	result.blocked = blocked_op(blocked, result.op);
	if (result.op >= ARRAY_LEN(ops)) {
		result.error = -EOPNOTSUPP;
		result.why = "the operation is unknown";
	} else if (result.blocked) {
		result.error = -EPERM;
		result.why = "the configuration blocks the operation";
	} else if (ops[result.op].has_pool && pool >= KVP_POOL_AUTO_INTERNAL) {
		result.error = -EINVAL; /* as on the wire */
	} else {
		result.error = ops[result.op].handle(kvp, pool, msg);
	}
	if (result.error == -EAGAIN)
		return (struct ic_result){ .verdict = IC_LATER, .op = result.op, .type = result.type };
	status_write(msg, result.error);
	return result;
}

void kvp_msg_refuse(uint8_t msg[static KVP_MSG_SIZE], int error)
{
	status_write(msg, error);
}
