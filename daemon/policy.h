/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host is let do: components and their operations, by name, in two lists. Without an allow list
 * all is allowed but for what is blocked; with one nothing is but what it names, less what is blocked.
 */
#pragma once

#include "hv_util/ic.h"

#define POLICY_NAME_SIZE 32

/* Something that a list may name: "kvp" or "kvp.get". */
struct policy_name {
	enum ic_component component;
	uint32_t operations; /* bits as in struct ic_policy's blocked; 0: the component */
	char text[POLICY_NAME_SIZE];
};

/* The name of this number, from 0 on. 0, or -ENOENT when there are no more. */
_must_check_ int policy_name_at(size_t index, struct policy_name *ret);

/* The name of an operation that has one. */
void policy_name_of(const struct ic_service *service, const struct ic_op *op, char to[static POLICY_NAME_SIZE]);

/* What a list names. Zero is an empty one. */
struct policy_list {
	bool component[IC_COMPONENTS];
	uint32_t operations[IC_COMPONENTS];
};

/* Adds names that are separated by blanks; no name at all empties the list. 0, or -EINVAL when one is none,
 * and then the list is as it was. */
_must_check_ int policy_list_add(struct policy_list *list, const char *names);

/* The list's names, separated by spaces. */
void policy_list_format(const struct policy_list *list, char *to, size_t size);

/* Whether both lists name the same thing. */
bool policy_lists_overlap(const struct policy_list *a, const struct policy_list *b);

/* The bits of all of the component's operations that have a name. */
uint32_t policy_operations(enum ic_component component);

/* Whether the component's channel is to be opened. */
bool policy_allows(const struct policy_list *allow, const struct policy_list *block,
		   enum ic_component component);

/* The bits of the component's operations that are not allowed. */
uint32_t policy_blocked(const struct policy_list *allow, const struct policy_list *block,
			enum ic_component component);
