/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/facts_json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/terminal/text.h"
#include "tests/host/version.h"

/* Reads one value into its field; the refusal's path already names it. */
typedef int (*field_read)(const json_t *json, void *field, size_t size,
			  struct json_refusal *refusal);
typedef json_t *(*field_write)(const void *field, size_t size);

struct member {
	const char *name;
	size_t offset, size;
	field_read read;
	field_write write;
};

#define MEMBER(type, field, json_name, kind)                                                \
	{ .name = json_name, .offset = offsetof(type, field),                               \
	  .size = sizeof(((type *)NULL)->field), .read = kind##_read, .write = kind##_write }

int json_refuse(struct json_refusal *refusal, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(refusal->text, sizeof(refusal->text), format, args);
	va_end(args);
	return -EINVAL;
}

/* The path is a stack: a step appends, and what came before is put back when the value was good. */
static size_t path_enter(struct json_refusal *refusal, const char *name)
{
	size_t len = strlen(refusal->path);

	(void)snprintf(refusal->path + len, sizeof(refusal->path) - len, "%s%s", len ? "." : "",
		       name);
	return len;
}

static size_t path_enter_index(struct json_refusal *refusal, size_t index)
{
	size_t len = strlen(refusal->path);

	(void)snprintf(refusal->path + len, sizeof(refusal->path) - len, "[%zu]", index);
	return len;
}

static int flag_read(const json_t *json, void *field, size_t size, struct json_refusal *refusal)
{
	bool value = json_is_true(json);

	(void)size;
	if (!json_is_boolean(json))
		return json_refuse(refusal, "expected true or false");
	memcpy(field, &value, sizeof(value));
	return 0;
}

static json_t *flag_write(const void *field, size_t size)
{
	bool value;

	(void)size;
	memcpy(&value, field, sizeof(value));
	return json_boolean(value);
}

static int u32_read(const json_t *json, void *field, size_t size, struct json_refusal *refusal)
{
	uint32_t value;

	(void)size;
	if (!json_is_integer(json) || json_integer_value(json) < 0 ||
	    json_integer_value(json) > UINT32_MAX)
		return json_refuse(refusal, "expected a number from 0 to 4294967295");
	value = (uint32_t)json_integer_value(json);
	memcpy(field, &value, sizeof(value));
	return 0;
}

static json_t *u32_write(const void *field, size_t size)
{
	uint32_t value;

	(void)size;
	memcpy(&value, field, sizeof(value));
	return json_integer(value);
}

_Static_assert(sizeof(unsigned) == sizeof(uint32_t), "the counters are read as u32");

static int ns_read(const json_t *json, void *field, size_t size, struct json_refusal *refusal)
{
	uint64_t value;

	(void)size;
	if (!json_is_integer(json) || json_integer_value(json) < 0)
		return json_refuse(refusal, "expected a number of nanoseconds");
	value = (uint64_t)json_integer_value(json);
	memcpy(field, &value, sizeof(value));
	return 0;
}

static json_t *ns_write(const void *field, size_t size)
{
	uint64_t value;

	(void)size;
	memcpy(&value, field, sizeof(value));
	return json_integer((json_int_t)value);
}

static int text_read(const json_t *json, void *field, size_t size, struct json_refusal *refusal)
{
	size_t len = json_string_length(json);

	if (!json_is_string(json) || len >= size)
		return json_refuse(refusal, "expected a text of at most %zu bytes", size - 1);
	memcpy(field, json_string_value(json), len + 1);
	return 0;
}

/* The guest's bytes need not be UTF-8; JSON's must. U+FFFD takes three bytes for one, and the
 * result must fit the field again when it is read. */
static json_t *text_write(const void *field, size_t size)
{
	char repaired[4096];

	if (size > sizeof(repaired))
		size = sizeof(repaired);
	return json_string(text_repair(field, repaired, size));
}

static int version_read(const json_t *json, void *field, size_t size, struct json_refusal *refusal)
{
	(void)size;
	if (!json_is_string(json) || version_parse(json_string_value(json), field) < 0)
		return json_refuse(refusal, "expected a version such as \"3.0\"");
	return 0;
}

static json_t *version_write(const void *field, size_t size)
{
	char text[VERSION_TEXT_SIZE];
	struct version v;

	(void)size;
	memcpy(&v, field, sizeof(v));
	return json_string(version_format(v, text));
}

static int list_read(const json_t *json, void *field, size_t size, struct json_refusal *refusal)
{
	struct version_list *list = field;

	(void)size;
	if (!json_is_array(json) || json_array_size(json) > VERSION_LIST_MAX)
		return json_refuse(refusal, "expected a list of at most %d versions",
				   VERSION_LIST_MAX);
	list->n = (unsigned)json_array_size(json);
	for (unsigned i = 0; i < list->n; i++) {
		size_t path = path_enter_index(refusal, i);
		int r = version_read(json_array_get(json, i), &list->v[i], 0, refusal);

		if (r < 0)
			return r;
		refusal->path[path] = '\0';
	}
	return 0;
}

static json_t *list_write(const void *field, size_t size)
{
	const struct version_list *list = field;
	json_t *array = json_array();

	(void)size;
	for (unsigned i = 0; i < list->n; i++)
		if (json_array_append_new(array, version_write(&list->v[i], 0)) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static int count_read(const json_t *json, void *field, size_t size, struct json_refusal *refusal)
{
	uint16_t value;

	(void)size;
	if (!json_is_integer(json) || json_integer_value(json) < 0 ||
	    json_integer_value(json) > UINT16_MAX)
		return json_refuse(refusal, "expected a number from 0 to 65535");
	value = (uint16_t)json_integer_value(json);
	memcpy(field, &value, sizeof(value));
	return 0;
}

static json_t *count_write(const void *field, size_t size)
{
	uint16_t value;

	(void)size;
	memcpy(&value, field, sizeof(value));
	return json_integer(value);
}

static const char *const contact_names[] = {
	[CONTACT_NONE] = "none",
	[CONTACT_AGREED] = "agreed",
	[CONTACT_NO_COMMON] = "no-common-version",
	[CONTACT_LOST] = "lost",
};

static const char *const shutdown_names[] = {
	[SHUTDOWN_NOT_ASKED] = "not-asked",
	[SHUTDOWN_NOT_AGREED] = "not-agreed",
	[SHUTDOWN_UNANSWERED] = "unanswered",
	[SHUTDOWN_ANSWERED] = "answered",
};

static int shutdown_read(const json_t *json, void *field, size_t size,
			 struct json_refusal *refusal)
{
	(void)size;
	for (enum shutdown_request s = 0; json_is_string(json) && s <= SHUTDOWN_ANSWERED; s++)
		if (strcmp(json_string_value(json), shutdown_names[s]) == 0) {
			memcpy(field, &s, sizeof(s));
			return 0;
		}
	return json_refuse(refusal, "expected not-asked, not-agreed, unanswered or answered");
}

static json_t *shutdown_write(const void *field, size_t size)
{
	enum shutdown_request shutdown;

	(void)size;
	memcpy(&shutdown, field, sizeof(shutdown));
	return json_string(shutdown_names[shutdown]);
}

static int contact_read(const json_t *json, void *field, size_t size, struct json_refusal *refusal)
{
	(void)size;
	for (enum contact c = 0; json_is_string(json) && c < ARRAY_LEN(contact_names); c++)
		if (strcmp(json_string_value(json), contact_names[c]) == 0) {
			memcpy(field, &c, sizeof(c));
			return 0;
		}
	return json_refuse(refusal, "expected none, agreed, no-common-version or lost");
}

static json_t *contact_write(const void *field, size_t size)
{
	enum contact contact;

	(void)size;
	memcpy(&contact, field, sizeof(contact));
	return json_string(contact_names[contact]);
}

static int openings_read(const json_t *json, void *field, size_t size,
			 struct json_refusal *refusal);
static json_t *openings_write(const void *field, size_t size);

#define COMPONENT(field, name, kind) MEMBER(struct component_facts, field, name, kind)

static const struct member component_members[] = {
	COMPONENT(enabled, "enabled", flag),
	COMPONENT(opened, "opened", flag),
	COMPONENT(contact, "contact", contact),
	COMPONENT(offered_framework, "offered_framework", list),
	COMPONENT(offered_message, "offered_message", list),
	COMPONENT(answered_counts[0], "answered_framework_count", count),
	COMPONENT(answered_counts[1], "answered_message_count", count),
	COMPONENT(answered.framework, "answered_framework", version),
	COMPONENT(answered.message, "answered_message", version),
	COMPONENT(answered_unoffered, "answered_unoffered", flag),
	COMPONENT(application_state, "application_state", u32),
	COMPONENT(negotiations, "negotiations", u32),
	COMPONENT(requests, "requests", u32),
	COMPONENT(answers, "answers", u32),
	COMPONENT(failures, "failures", u32),
	COMPONENT(violations, "violations", u32),
	COMPONENT(violation, "violation", text),
	COMPONENT(opened_times, "opened_times", u32),
	COMPONENT(openings, "openings", openings),
};

#define OPENING(field, kind) MEMBER(struct opening_facts, field, #field, kind)

static const struct member opening_members[] = {
	OPENING(ring_size, u32), OPENING(answers, u32),	   OPENING(p50_ns, ns),
	OPENING(p99_ns, ns),     OPENING(max_ns, ns),	   OPENING(packets, u32),
	OPENING(signals, u32),   OPENING(interrupts, u32),
};

#define GUEST(field, name, kind) MEMBER(struct guest_facts, field, name, kind)

static const struct member vm_members[] = {
	GUEST(vm_name, "name", text),
	GUEST(vm_id, "id", text),
	GUEST(running, "running", flag),
	GUEST(faults, "faults", text),
	GUEST(clock_answered, "clock_answered", flag),
	GUEST(shutdown, "shutdown", shutdown),
	GUEST(shutdown_status, "shutdown_status", u32),
	GUEST(violations, "violations", u32),
	GUEST(violation, "violation", text),
};

#define INTRINSIC(field, json_name)                                          \
	{ .name = json_name,                                                 \
	  .size = sizeof(((struct guest_facts *)NULL)->intrinsic[0].field), \
	  .offset = offsetof(struct guest_facts, intrinsic[0].field) -       \
		    offsetof(struct guest_facts, intrinsic[0]),              \
	  .read = text_read, .write = text_write }

static const struct member intrinsic_members[] = {
	INTRINSIC(key, "key"),
	INTRINSIC(value, "value"),
};

/* Takes the object that holds the fields, which may be NULL when memory ran out. */
static int members_write(json_t *object, const struct member *members, size_t n, const void *from)
{
	for (size_t i = 0; i < n; i++) {
		const void *field = (const char *)from + members[i].offset;

		if (json_object_set_new(object, members[i].name,
					members[i].write(field, members[i].size)) < 0)
			return -ENOMEM;
	}
	return 0;
}

static bool name_is_known(const char *name, const struct member *members, size_t n,
			  const char *const *others)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(members[i].name, name) == 0)
			return true;
	for (; others && *others; others++)
		if (strcmp(*others, name) == 0)
			return true;
	return false;
}

static int members_read(const json_t *object, const struct member *members, size_t n,
			const char *const *others, void *into, struct json_refusal *refusal)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object))
		return json_refuse(refusal, "expected an object");
	json_object_foreach((json_t *)object, name, value) {
		char escaped[64];

		if (!name_is_known(name, members, n, others))
			return json_refuse(refusal, "unknown member \"%s\"",
					   text_escape(name, escaped, sizeof(escaped)));
	}
	for (size_t i = 0; i < n; i++) {
		size_t path = path_enter(refusal, members[i].name);
		int r;

		value = json_object_get(object, members[i].name);
		if (!value)
			return json_refuse(refusal, "is missing");
		r = members[i].read(value, (char *)into + members[i].offset, members[i].size,
				    refusal);
		if (r < 0)
			return r;
		refusal->path[path] = '\0';
	}
	return 0;
}

static int openings_read(const json_t *json, void *field, size_t size,
			 struct json_refusal *refusal)
{
	struct opening_list *list = field;

	(void)size;
	if (!json_is_array(json) || json_array_size(json) > FACTS_OPENINGS_MAX)
		return json_refuse(refusal, "expected a list of at most %d openings",
				   FACTS_OPENINGS_MAX);
	list->n = (unsigned)json_array_size(json);
	for (unsigned i = 0; i < list->n; i++) {
		size_t path = path_enter_index(refusal, i);
		int r = members_read(json_array_get(json, i), opening_members,
				     ARRAY_LEN(opening_members), NULL, &list->o[i], refusal);

		if (r < 0)
			return r;
		refusal->path[path] = '\0';
	}
	return 0;
}

static json_t *openings_write(const void *field, size_t size)
{
	const struct opening_list *list = field;
	json_t *array = json_array();

	(void)size;
	for (unsigned i = 0; i < list->n; i++) {
		json_t *object = json_object();

		if (json_array_append_new(array, object) < 0 ||
		    members_write(object, opening_members, ARRAY_LEN(opening_members),
				  &list->o[i]) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* The value, now the object's, or NULL when memory ran out. */
static json_t *object_add(json_t *object, const char *name, json_t *value)
{
	return json_object_set_new(object, name, value) < 0 ? NULL : value;
}

static int component_to_json(const struct guest_facts *facts, enum component c, json_t *components)
{
	json_t *object = json_object();

	if (json_array_append_new(components, object) < 0 ||
	    json_object_set_new(object, "component", json_string(component_table[c].key)) < 0 ||
	    json_object_set_new(object, "name", json_string(component_table[c].name)) < 0)
		return -ENOMEM;
	return members_write(object, component_members, ARRAY_LEN(component_members),
			     &facts->component[c]);
}

int facts_to_json(const struct guest_facts *facts, json_t *document)
{
	json_t *vm = object_add(document, "vm", json_object());
	json_t *components = object_add(document, "components", json_array());
	json_t *intrinsic = object_add(document, "intrinsic", json_array());

	if (!components || !intrinsic ||
	    members_write(vm, vm_members, ARRAY_LEN(vm_members), facts) < 0)
		return -ENOMEM;
	for (enum component c = 0; c < COMPONENT_MAX; c++)
		if (component_to_json(facts, c, components) < 0)
			return -ENOMEM;
	for (unsigned i = 0; i < facts->n_intrinsic; i++) {
		json_t *item = json_object();

		if (json_array_append_new(intrinsic, item) < 0 ||
		    members_write(item, intrinsic_members, ARRAY_LEN(intrinsic_members),
				  &facts->intrinsic[i]) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* "component" says which; the six may stand in any order, each once. */
static int component_from_json(const json_t *object, const char *const *derived,
			       struct guest_facts *facts, bool seen[static COMPONENT_MAX],
			       struct json_refusal *refusal)
{
	const char *key = json_string_value(json_object_get(object, "component"));
	enum component c;

	if (!key || component_from_key(key, &c) < 0)
		return json_refuse(refusal, "has no member \"component\" that names a component");
	if (seen[c])
		return json_refuse(refusal, "is %s for the second time", key);
	seen[c] = true;
	return members_read(object, component_members, ARRAY_LEN(component_members), derived,
			    &facts->component[c], refusal);
}

static int components_from_json(const json_t *array, const char *const *derived,
				struct guest_facts *facts, struct json_refusal *refusal)
{
	bool seen[COMPONENT_MAX] = { false };
	size_t path = path_enter(refusal, "components");

	if (!json_is_array(array) || json_array_size(array) != COMPONENT_MAX)
		return json_refuse(refusal, "expected a list of the %d components", COMPONENT_MAX);
	for (size_t i = 0; i < json_array_size(array); i++) {
		size_t element = path_enter_index(refusal, i);
		int r = component_from_json(json_array_get(array, i), derived, facts, seen,
					    refusal);

		if (r < 0)
			return r;
		refusal->path[element] = '\0';
	}
	refusal->path[path] = '\0';
	return 0;
}

static int intrinsic_from_json(const json_t *array, struct guest_facts *facts,
			       struct json_refusal *refusal)
{
	size_t path = path_enter(refusal, "intrinsic");

	if (!json_is_array(array) || json_array_size(array) > FACTS_INTRINSIC_MAX)
		return json_refuse(refusal, "expected a list of at most %d items",
				   FACTS_INTRINSIC_MAX);
	facts->n_intrinsic = (unsigned)json_array_size(array);
	for (size_t i = 0; i < json_array_size(array); i++) {
		size_t element = path_enter_index(refusal, i);
		int r = members_read(json_array_get(array, i), intrinsic_members,
				     ARRAY_LEN(intrinsic_members), NULL, &facts->intrinsic[i],
				     refusal);

		if (r < 0)
			return r;
		refusal->path[element] = '\0';
	}
	refusal->path[path] = '\0';
	return 0;
}

static void free_facts(struct guest_facts **facts)
{
	free(*facts);
}

int facts_from_json(const json_t *document, const char *const *derived, struct guest_facts *ret,
		    struct json_refusal *refusal)
{
	_cleanup_(free_facts) struct guest_facts *facts = calloc(1, sizeof(*facts));
	size_t path;
	int r;

	refusal->path[0] = '\0';
	if (!facts)
		return json_refuse(refusal, "there is no memory to read it");
	path = path_enter(refusal, "vm");
	r = members_read(json_object_get(document, "vm"), vm_members, ARRAY_LEN(vm_members), NULL,
			 facts, refusal);
	if (r < 0)
		return r;
	refusal->path[path] = '\0';

	r = components_from_json(json_object_get(document, "components"), derived, facts, refusal);
	if (r < 0)
		return r;
	r = intrinsic_from_json(json_object_get(document, "intrinsic"), facts, refusal);
	if (r < 0)
		return r;
	*ret = *facts;
	return 0;
}
