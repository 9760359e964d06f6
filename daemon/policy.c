/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/policy.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- names --- */

static void format_name(const struct ic_service *service, const char *operation,
			char to[static POLICY_NAME_SIZE])
{
	(void)snprintf(to, POLICY_NAME_SIZE, "%s%s%s", ic_component_names[service->component],
		       operation ? "." : "", operation ? operation : "");
	for (char *c = to; *c; c++)
		*c = (char)tolower((unsigned char)*c);
}

void policy_name_of(const struct ic_service *service, const struct ic_op *op, char to[static POLICY_NAME_SIZE])
{
	format_name(service, op->name, to);
}

/* Whether no row before this one has its name, so that each name comes once. */
static bool is_first(const struct ic_service *s, size_t row)
{
	uint32_t same = s->ops[row].name ? ic_operations_named(s, s->ops[row].name) : 0;

	return same && !(same & ((UINT32_C(1) << row) - 1));
}

int policy_name_at(size_t index, struct policy_name *ret)
{
	for (size_t i = 0; i < ic_n_services; i++) {
		const struct ic_service *s = ic_services[i];

		if (index-- == 0) {
			*ret = (struct policy_name){ .component = s->component };
			format_name(s, NULL, ret->text);
			return 0;
		}
		for (size_t k = 0; k < s->n_ops; k++) {
			if (!is_first(s, k) || index-- > 0)
				continue;
			*ret = (struct policy_name){
				.component = s->component,
				.operations = ic_operations_named(s, s->ops[k].name),
			};
			format_name(s, s->ops[k].name, ret->text);
			return 0;
		}
	}
	return -ENOENT;
}

/* --- lists --- */

static void add_name(struct policy_list *list, const struct policy_name *name)
{
	list->component[name->component] |= name->operations == 0;
	list->operations[name->component] |= name->operations;
}

static bool has_name(const struct policy_list *list, const struct policy_name *name)
{
	if (name->operations == 0)
		return list->component[name->component];
	return list->operations[name->component] & name->operations;
}

/* The name that these n characters are. */
static int find_name(const char *text, size_t n, struct policy_name *ret)
{
	for (size_t i = 0; policy_name_at(i, ret) == 0; i++)
		if (strlen(ret->text) == n && memcmp(ret->text, text, n) == 0)
			return 0;
	return -EINVAL;
}

int policy_list_add(struct policy_list *list, const char *names)
{
	static const char blanks[] = " \t";
	struct policy_list to = { 0 };

	if (names[strspn(names, blanks)])
		to = *list;
	for (names += strspn(names, blanks); *names; names += strspn(names, blanks)) {
		size_t n = strcspn(names, blanks);
		struct policy_name name;

		if (find_name(names, n, &name) < 0)
			return -EINVAL;
		add_name(&to, &name);
		names += n;
	}
	*list = to;
	return 0;
}

void policy_list_format(const struct policy_list *list, char *to, size_t size)
{
	struct policy_name name;
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; policy_name_at(i, &name) == 0 && used < size; i++)
		if (has_name(list, &name))
			used += (size_t)snprintf(to + used, size - used, "%s%s", used ? " " : "", name.text);
}

bool policy_lists_overlap(const struct policy_list *a, const struct policy_list *b)
{
	struct policy_name name;

	for (size_t i = 0; policy_name_at(i, &name) == 0; i++)
		if (has_name(a, &name) && has_name(b, &name))
			return true;
	return false;
}

/* --- what they allow --- */

static bool is_empty(const struct policy_list *list)
{
	for (int c = 0; c < IC_COMPONENTS; c++)
		if (list->component[c] || list->operations[c])
			return false;
	return true;
}

bool policy_allows(const struct policy_list *allow, const struct policy_list *block,
		   enum ic_component component)
{
	bool is_named = allow->component[component] || allow->operations[component];

	return (is_named || is_empty(allow)) && !block->component[component];
}

uint32_t policy_operations(enum ic_component component)
{
	struct policy_name name;
	uint32_t bits = 0;

	for (size_t i = 0; policy_name_at(i, &name) == 0; i++)
		if (name.component == component)
			bits |= name.operations;
	return bits;
}

uint32_t policy_blocked(const struct policy_list *allow, const struct policy_list *block,
			enum ic_component component)
{
	uint32_t bits = block->operations[component];

	if (!is_empty(allow) && !allow->component[component])
		bits |= policy_operations(component) & ~allow->operations[component];
	return bits;
}
