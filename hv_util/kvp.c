/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/kvp.h"

#include "hv_util/kvp_ip.h"
#include "hv_util/kvp_text.h"

/* An item of a request, with the sizes that the host states still to be checked. */
struct item {
	uint32_t type, key_size, value_size;
	const uint8_t *key, *value;
};

static struct item item_read(struct rd *r)
{
	struct item it;

	it.type = rd_u32(r);
	it.key_size = rd_u32(r);
	it.value_size = rd_u32(r);
	it.key = rd_bytes(r, KVP_WIRE_KEY_SIZE);
	it.value = rd_bytes(r, KVP_WIRE_VALUE_SIZE);
	return it;
}

/* A key of the stated size; an empty one names nothing and is refused. */
static int key_read(const uint8_t *field, uint32_t size, struct kvp_record *rec)
{
	int r;

	if (size > KVP_WIRE_KEY_SIZE)
		return -EINVAL;
	r = kvp_text_read(field, size, rec->key, sizeof(rec->key));
	if (r < 0)
		return r;
	return r == 0 ? -EINVAL : 0;
}

static void decimal(uint64_t v, char *to)
{
	char digits[20];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n > 0)
		*to++ = digits[--n];
	*to = '\0';
}

/* Numbers become text, as in the pool files of Linux's own daemon. */
static int value_read(const struct item *it, struct kvp_record *rec)
{
	struct rd r = { .p = it->value, .left = KVP_WIRE_VALUE_SIZE };

	if (it->value_size > KVP_WIRE_VALUE_SIZE)
		return -EINVAL;

	switch (it->type) {
	case KVP_TYPE_STRING:
	case KVP_TYPE_EXPAND_STRING: {
		int len = kvp_text_read(it->value, it->value_size, rec->value, sizeof(rec->value));

		return len < 0 ? len : 0;
	}
	case KVP_TYPE_U32:
		decimal(rd_u32(&r), rec->value);
		return it->value_size == 4 ? 0 : -EINVAL;
	case KVP_TYPE_U64:
		decimal(rd_u64(&r), rec->value);
		return it->value_size == 8 ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

/* The answer's item; everything that goes to the host is text. */
static void item_write(struct wr *w, const struct kvp_record *rec)
{
	uint8_t *sizes = wr_room(w, 12);
	uint8_t *key = wr_room(w, KVP_WIRE_KEY_SIZE);
	uint8_t *value = wr_room(w, KVP_WIRE_VALUE_SIZE);
	struct wr head = { .p = sizes, .left = 12 };

	if (!value)
		return;
	wr_u32(&head, KVP_TYPE_STRING);
	wr_u32(&head, (uint32_t)kvp_text_write(rec->key, sizeof(rec->key), key,
					       KVP_WIRE_KEY_SIZE));
	wr_u32(&head, (uint32_t)kvp_text_write(rec->value, sizeof(rec->value), value,
					       KVP_WIRE_VALUE_SIZE));
}

static struct rd body_of(const struct ic_call *call)
{
	return (struct rd){ .p = call->body, .left = call->len };
}

static struct wr answer_of(const struct ic_call *call)
{
	return (struct wr){ .p = call->body, .left = call->len };
}

/* Goes past the operation and gives the pool. OpenVMM: pool 4 "is never on the wire". */
static int pool_read(struct rd *r, unsigned *ret)
{
	(void)rd_u8(r);
	*ret = rd_u8(r);
	(void)rd_u16(r);
	return *ret < KVP_POOL_AUTO_INTERNAL ? rd_result(r) : -EINVAL;
}

/* The record to work in, empty: what is not written into a pool file must be zero. */
static struct kvp_record *fresh_record(struct kvp *kvp)
{
	memset(&kvp->record, 0, sizeof(kvp->record));
	return &kvp->record;
}

/* What GET and SET begin with: the pool, an item, and its key in the empty record. */
static int read_keyed(const struct ic_call *call, unsigned *ret_pool, struct item *ret_item)
{
	struct kvp *kvp = call->user;
	struct kvp_record *rec = fresh_record(kvp);
	struct rd body = body_of(call);
	int r;

	r = pool_read(&body, ret_pool);
	if (r < 0)
		return r;
	*ret_item = item_read(&body);
	r = rd_result(&body);
	if (r < 0)
		return r;
	return key_read(ret_item->key, ret_item->key_size, rec);
}

static int on_get(const struct ic_call *call)
{
	struct kvp *kvp = call->user;
	struct wr answer = answer_of(call);
	struct item it;
	unsigned pool;
	int r;

	r = read_keyed(call, &pool, &it);
	if (r < 0)
		return r;
	r = kvp->ops->get(kvp->user, pool, &kvp->record);
	if (r < 0)
		return r;

	wr_keep(&answer, KVP_HEADER_SIZE);
	item_write(&answer, &kvp->record);
	return wr_result(&answer);
}

static int on_set(const struct ic_call *call)
{
	struct kvp *kvp = call->user;
	struct item it;
	unsigned pool;
	int r;

	r = read_keyed(call, &pool, &it);
	if (r < 0)
		return r;
	r = value_read(&it, &kvp->record);
	if (r < 0)
		return r;
	return kvp->ops->set(kvp->user, pool, &kvp->record);
}

static int on_delete(const struct ic_call *call)
{
	struct kvp *kvp = call->user;
	struct kvp_record *rec = fresh_record(kvp);
	struct rd body = body_of(call);
	const uint8_t *key;
	uint32_t size;
	unsigned pool;
	int r;

	r = pool_read(&body, &pool);
	if (r < 0)
		return r;
	size = rd_u32(&body);
	key = rd_bytes(&body, KVP_WIRE_KEY_SIZE);
	r = rd_result(&body);
	if (r < 0)
		return r;
	r = key_read(key, size, rec);
	if (r < 0)
		return r;
	return kvp->ops->remove(kvp->user, pool, rec->key);
}

static int on_enumerate(const struct ic_call *call)
{
	struct kvp *kvp = call->user;
	struct kvp_record *rec = fresh_record(kvp);
	struct rd body = body_of(call);
	struct wr answer = answer_of(call);
	uint32_t index;
	unsigned pool;
	int r;

	r = pool_read(&body, &pool);
	if (r < 0)
		return r;
	index = rd_u32(&body);
	r = rd_result(&body);
	if (r < 0)
		return r;
	r = kvp->ops->enumerate(kvp->user, pool, index, rec);
	if (r < 0)
		return r;

	wr_keep(&answer, KVP_HEADER_SIZE + 4);
	item_write(&answer, rec);
	return wr_result(&answer);
}

static struct kvp_ip *fresh_ip(struct kvp *kvp)
{
	memset(&kvp->ip, 0, sizeof(kvp->ip));
	return &kvp->ip;
}

static int on_get_ip_string(const struct ic_call *call)
{
	struct kvp *kvp = call->user;
	int r = kvp_ip_read_adapter_string(body_of(call), fresh_ip(kvp));

	if (r >= 0)
		r = kvp->ops->get_ip(kvp->user, &kvp->ip);
	if (r >= 0)
		kvp_ip_write_string(answer_of(call), &kvp->ip);
	return r;
}

static int on_get_ip_binary(const struct ic_call *call)
{
	struct kvp *kvp = call->user;
	int r = kvp_ip_read_adapter_binary(body_of(call), fresh_ip(kvp));

	if (r >= 0)
		r = kvp->ops->get_ip(kvp->user, &kvp->ip);
	if (r >= 0)
		kvp_ip_write_binary(answer_of(call), &kvp->ip);
	return r;
}

static int on_set_ip_string(const struct ic_call *call)
{
	struct kvp *kvp = call->user;
	int r = kvp_ip_read_string(body_of(call), &kvp->ip);

	return r < 0 ? r : kvp->ops->set_ip(kvp->user, &kvp->ip);
}

static int on_set_ip_binary(const struct ic_call *call)
{
	struct kvp *kvp = call->user;
	int r = kvp_ip_read_binary(body_of(call), &kvp->ip);

	return r < 0 ? r : kvp->ops->set_ip(kvp->user, &kvp->ip);
}

static void forget(void *user)
{
	struct kvp *kvp = user;

	if (kvp->ops->forget)
		kvp->ops->forget(kvp->user);
}

/* Where the addresses turn from texts into numbers. */
#define BINARY_SINCE { 5, 0 }

static const struct ic_op ops[] = {
	{ .name = "get", .code = KVP_GET, .min_body = KVP_GET_SIZE, .handle = on_get },
	{ .name = "set", .code = KVP_SET, .min_body = KVP_GET_SIZE, .handle = on_set },
	{ .name = "delete", .code = KVP_DELETE, .min_body = KVP_DELETE_SIZE, .handle = on_delete },
	{ .name = "enumerate", .code = KVP_ENUMERATE, .min_body = KVP_ENUMERATE_SIZE,
	  .handle = on_enumerate },
	{ .name = "get-ip", .code = KVP_GET_IP, .until = BINARY_SINCE,
	  .min_body = KVP_IP_STRING_SIZE, .handle = on_get_ip_string },
	{ .name = "set-ip", .code = KVP_SET_IP, .until = BINARY_SINCE,
	  .min_body = KVP_IP_STRING_SIZE, .handle = on_set_ip_string },
	{ .name = "get-ip", .code = KVP_GET_IP, .since = BINARY_SINCE,
	  .min_body = KVP_IP_BINARY_SIZE, .handle = on_get_ip_binary },
	{ .name = "set-ip", .code = KVP_SET_IP, .since = BINARY_SINCE,
	  .min_body = KVP_IP_BINARY_SIZE, .handle = on_set_ip_binary },
};

const struct ic_service ic_kvp = {
	.component = IC_KVP,
	.name = "KVP",
	.title = "Key-Value Pair Exchange",
	.type = IC_TYPE_KVP,
	.op_size = 1,
	.forget = forget,
	.ops = ops,
	.n_ops = ARRAY_LEN(ops),
};
