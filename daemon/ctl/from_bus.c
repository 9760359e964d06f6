/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/from_bus.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/value.h"

#define MEMBERS_MAX 4
/* As the bus has it. */
#define SIGNATURE_MAX 255

static const struct {
	const char *of;
	const char *members[MEMBERS_MAX];
} structures[] = {
	{ "Profiles", { "Name", "Title" } },
	{ "Reports",
	  { "Release", "PrimaryStatusDescription", "SecondaryStatusDescription", "Certainty" } },
	{ "KvpList", { "Key", "Value" } },
};

static const char *member_name(const char *of, size_t member)
{
	for (size_t i = 0; member < MEMBERS_MAX && i < ARRAY_LEN(structures); i++)
		if (strcmp(structures[i].of, of) == 0)
			return structures[i].members[member];
	return NULL;
}

static json_t *version_json(const uint16_t v[static 2])
{
	return json_sprintf("%u.%u", v[0], v[1]);
}

static int read_basic(sd_bus_message *m, char type, json_t **ret)
{
	union {
		const char *s;
		uint64_t t;
		int64_t x;
		uint32_t u;
		int32_t i;
		uint16_t q;
		int16_t n;
		uint8_t y;
		double d;
	} v = { 0 };
	int r = sd_bus_message_read_basic(m, type, &v);

	if (r < 0)
		return r;
	switch (type) {
	case SD_BUS_TYPE_STRING:
	case SD_BUS_TYPE_OBJECT_PATH:
	case SD_BUS_TYPE_SIGNATURE:
		*ret = json_string(v.s);
		break;
	case SD_BUS_TYPE_BOOLEAN:
		*ret = json_boolean(v.i);
		break;
	case SD_BUS_TYPE_BYTE:
		*ret = json_integer(v.y);
		break;
	case SD_BUS_TYPE_INT16:
		*ret = json_integer(v.n);
		break;
	case SD_BUS_TYPE_UINT16:
		*ret = json_integer(v.q);
		break;
	case SD_BUS_TYPE_INT32:
		*ret = json_integer(v.i);
		break;
	case SD_BUS_TYPE_UINT32:
		*ret = json_integer(v.u);
		break;
	case SD_BUS_TYPE_INT64:
	case SD_BUS_TYPE_UINT64:
		*ret = json_integer(v.x);
		break;
	case SD_BUS_TYPE_DOUBLE:
		*ret = json_real(v.d);
		break;
	default:
		return -ENOTSUP;
	}
	return *ret ? 0 : -ENOMEM;
}

static int read_versions(sd_bus_message *m, const char *contents, json_t **ret)
{
	uint16_t v[4];
	int r;

	if (strcmp(contents, "qq") == 0) {
		r = sd_bus_message_read(m, "(qq)", &v[0], &v[1]);
		if (r >= 0)
			*ret = version_json(v);
	} else {
		r = sd_bus_message_read(m, "(qqqq)", &v[0], &v[1], &v[2], &v[3]);
		if (r >= 0)
			*ret = json_pack("{s:o, s:o}", "Framework", version_json(v), "Message",
					 version_json(v + 2));
	}
	if (r < 0)
		return r;
	return *ret ? 0 : -ENOMEM;
}

/* The values up to the end of the container; named: what its first member is called, if they are. */
static int read_all(sd_bus_message *m, const char *of, bool named, json_t *into)
{
	for (size_t i = 0;; i++) {
		json_t *value = NULL;
		int r = sd_bus_message_at_end(m, false);

		if (r != 0)
			return r < 0 ? r : 0;
		r = from_bus_value(m, of, &value);
		if (r < 0)
			return r;
		if (named && !member_name(of, i))
			json_decref(value); /* a newer daemon's */
		else if (named ? json_object_set_new(into, member_name(of, i), value) < 0 :
				 json_array_append_new(into, value) < 0)
			return -ENOMEM;
	}
}

static int read_container(sd_bus_message *m, char type, const char *contents, const char *of,
			  json_t **ret)
{
	bool named = type == SD_BUS_TYPE_STRUCT && member_name(of, 0);
	_cleanup_(value_freep) json_t *into = named ? json_object() : json_array();
	int r = sd_bus_message_enter_container(m, type, contents);

	if (r < 0)
		return r;
	if (!into)
		return -ENOMEM;
	r = read_all(m, of, named, into);
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(m);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(into);
	return 0;
}

static int read_variant(sd_bus_message *m, const char *contents, const char *of, json_t **ret)
{
	int r = sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, contents);

	if (r < 0)
		return r;
	r = from_bus_value(m, of, ret);
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* contents: "{st}"; the keys are texts. */
static int read_dictionary(sd_bus_message *m, const char *contents, const char *of, json_t **ret)
{
	_cleanup_(value_freep) json_t *object = json_object();
	char entry[SIGNATURE_MAX + 1];
	int r;

	/* Copied: contents is the message's, and goes when it is read on. Without the braces. */
	(void)snprintf(entry, sizeof(entry), "%.*s", (int)strlen(contents) - 2, contents + 1);
	r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, contents);
	if (r < 0 || !object)
		return r < 0 ? r : -ENOMEM;
	while ((r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, entry)) > 0) {
		json_t *value = NULL;
		const char *key;

		r = sd_bus_message_read(m, "s", &key);
		if (r >= 0)
			r = from_bus_value(m, of && *of ? of : key, &value);
		if (r >= 0 && json_object_set_new(object, key, value) < 0)
			r = -ENOMEM;
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(m);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(object);
	return 0;
}

int from_bus_value(sd_bus_message *m, const char *of, json_t **ret)
{
	const char *contents;
	char type;
	int r = sd_bus_message_peek_type(m, &type, &contents);

	if (r <= 0)
		return r < 0 ? r : -ENXIO;
	if (type == SD_BUS_TYPE_VARIANT)
		return read_variant(m, contents, of, ret);
	if (type == SD_BUS_TYPE_ARRAY && strncmp(contents, "{s", 2) == 0)
		return read_dictionary(m, contents, of, ret);
	if (type == SD_BUS_TYPE_STRUCT &&
	    (strcmp(contents, "qq") == 0 || strcmp(contents, "qqqq") == 0))
		return read_versions(m, contents, ret);
	if (type == SD_BUS_TYPE_ARRAY || type == SD_BUS_TYPE_STRUCT)
		return read_container(m, type, contents, of, ret);
	return read_basic(m, type, ret);
}

int from_bus_properties(sd_bus_message *m, json_t *object)
{
	_cleanup_(value_freep) json_t *properties = NULL;
	int r = read_dictionary(m, "{sv}", "", &properties);

	if (r < 0)
		return r;
	return json_object_update(object, properties) < 0 ? -ENOMEM : 0;
}
