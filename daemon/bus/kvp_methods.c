/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bus/kvp_methods.h"

#include <errno.h>
#include <string.h>

#include "daemon/bus/object.h"
#include "daemon/bus/text.h"
#include "daemon/pool.h"

/* Pool 1 is the guest's own programs'. */
#define OWN_POOL KVP_POOL_GUEST

/* What a message to the host has room for, in units of UTF-16 (Linux hyperv.h: 512 and 2048 bytes,
 * with a NUL). What would be cut on its way is not taken. */
#define KEY_UNITS 255
#define VALUE_UNITS 1023

/* --- arguments --- */

static int set_no_such_key(sd_bus_error *error)
{
	(void)sd_bus_error_set(error, BUS_ERROR_NO_SUCH_KEY, "The pool has no such key.");
	return -ENOENT;
}

/* Into record's field of size bytes, which is zero. Whether it fits there and to the host. */
static bool take_text(const char *text, size_t max_units, char *field, size_t size)
{
	uint8_t units[2 * (VALUE_UNITS + 1)];
	size_t len = strnlen(text, size);

	if (len >= size || utf16_from_utf8(text, len, units, max_units + 1) > max_units)
		return false;
	memcpy(field, text, len);
	return true;
}

static int take_key(const char *key, struct call_arguments *arguments, sd_bus_error *error)
{
	if (key[0] != '\0' && take_text(key, KEY_UNITS, arguments->record.key, KVP_KEY_SIZE))
		return 0;
	return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
				"A key has 1 to 511 bytes, and at most 255 units of UTF-16.");
}

/* --- methods --- */

static int run_get(struct bus *b, const struct call_arguments *arguments, sd_bus_message *reply,
		   sd_bus_error *error)
{
	struct kvp_record record = arguments->record;
	struct text_shown value;
	int r = kvp_client_ops.get(manager_kvp_client(b->manager, KVP_CLIENT_CALL), OWN_POOL, &record);

	if (r == -ENOENT)
		return set_no_such_key(error);
	return r < 0 ? r : sd_bus_message_append(reply, "s", text_show(record.value, &value));
}

int kvp_on_get(sd_bus_message *m, void *user, sd_bus_error *error)
{
	static const struct call_method method = { .asks_pools = true, .run = run_get };
	struct call_arguments arguments = { 0 };
	const char *key;
	int r = sd_bus_message_read(m, "s", &key);

	if (r >= 0)
		r = take_key(key, &arguments, error);
	return r < 0 ? r : call_take(user, m, &method, &arguments, error);
}

static int run_set(struct bus *b, const struct call_arguments *arguments, sd_bus_message *reply,
		   sd_bus_error *error)
{
	(void)reply, (void)error;
	return kvp_client_ops.set(manager_kvp_client(b->manager, KVP_CLIENT_CALL), OWN_POOL, &arguments->record);
}

#define WRITE_ACTION "org.vmicd1.kvp-write"

int kvp_on_set(sd_bus_message *m, void *user, sd_bus_error *error)
{
	static const struct call_method method = { .action = WRITE_ACTION, .asks_pools = true, .run = run_set };
	struct call_arguments arguments = { 0 };
	const char *key, *value;
	int r = sd_bus_message_read(m, "ss", &key, &value);

	if (r >= 0)
		r = take_key(key, &arguments, error);
	if (r < 0)
		return r;
	if (!take_text(value, VALUE_UNITS, arguments.record.value, KVP_VALUE_SIZE))
		return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
					"A value has at most 2047 bytes, and at most 1023 units of UTF-16.");
	return call_take(user, m, &method, &arguments, error);
}

static int run_delete(struct bus *b, const struct call_arguments *arguments, sd_bus_message *reply,
		      sd_bus_error *error)
{
	int r = kvp_client_ops.remove(manager_kvp_client(b->manager, KVP_CLIENT_CALL), OWN_POOL, arguments->record.key);

	(void)reply;
	return r == -ENOENT ? set_no_such_key(error) : r;
}

int kvp_on_delete(sd_bus_message *m, void *user, sd_bus_error *error)
{
	static const struct call_method method = { .action = WRITE_ACTION, .asks_pools = true, .run = run_delete };
	struct call_arguments arguments = { 0 };
	const char *key;
	int r = sd_bus_message_read(m, "s", &key);

	if (r >= 0)
		r = take_key(key, &arguments, error);
	return r < 0 ? r : call_take(user, m, &method, &arguments, error);
}

/* --- the list --- */

/* Lists are long: so many messages that the bus has not taken, and there is no room for one. */
#define LIST_QUEUE_MAX 4

static int list_record(void *user, const struct kvp_record *record)
{
	sd_bus_message *reply = user;
	struct text_shown key, value;
	int r = sd_bus_message_append(reply, "(ss)", text_show(record->key, &key),
				      text_show(record->value, &value));

	return r < 0 ? r : 0;
}

static int run_list(struct bus *b, const struct call_arguments *arguments, sd_bus_message *reply,
		    sd_bus_error *error)
{
	int r;

	if (bus_queued(b) >= LIST_QUEUE_MAX) {
		(void)sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
				       "The bus has not taken the answers before this one.");
		return -EBUSY;
	}
	r = sd_bus_message_open_container(reply, 'a', "(ss)");
	if (r >= 0)
		r = kvp_client_each(manager_kvp_client(b->manager, KVP_CLIENT_CALL), arguments->pool, list_record, reply);
	if (r == -E2BIG)
		(void)sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
					"The pool has more than %d pairs.", POOL_RECORDS_MAX);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

int kvp_on_list(sd_bus_message *m, void *user, sd_bus_error *error)
{
	static const struct call_method method = { .asks_pools = true, .run = run_list };
	struct call_arguments arguments = { 0 };
	int r = sd_bus_message_read(m, "u", &arguments.pool);

	if (r < 0)
		return r;
	if (arguments.pool >= KVP_POOL_AUTO_INTERNAL)
		return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, "A pool is a number from 0 to 3.");
	return call_take(user, m, &method, &arguments, error);
}
