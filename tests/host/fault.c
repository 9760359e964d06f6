/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hv_util/base.h"

/* In the order of --help: first what happens to one message, then to the talk, then to the ring. */
const struct fault_info fault_table[FAULT_MAX] = {
	[FAULT_DROP] = { .name = "drop", .value = "N", .preset = 1,
			 .text = "lose every Nth answer of the guest" },
	[FAULT_DELAY] = { .name = "delay", .value = "MS", .preset = 200,
			  .text = "send each request so much later" },
	[FAULT_TRUNCATE] = { .name = "truncate", .value = "BYTES", .preset = 20,
			     .text = "cut each request to so many bytes" },
	[FAULT_DUPLICATE] = { .name = "duplicate", .value = "",
			      .text = "send each request twice" },
	[FAULT_REORDER_VERSIONS] = { .name = "reorder-versions", .value = "",
				     .text = "offer the versions highest first" },
	[FAULT_UNEQUAL_COUNTS] = { .name = "unequal-counts", .value = "N", .preset = 5,
				   .text = "offer the lowest framework version N more times" },
	[FAULT_LYING_COUNTS] = { .name = "lying-counts", .value = "N", .preset = 40,
				 .text = "claim N more versions than the message holds" },
	[FAULT_RENEGOTIATE] = { .name = "renegotiate", .value = "N", .preset = 3,
				.text = "negotiate again after every N answers",
				.steps = "negotiate COMPONENT" },
	[FAULT_STORM] = { .name = "storm", .value = "N", .preset = 50,
			  .text = "send N negotiations without waiting",
			  .steps = "repeat N, negotiate COMPONENT, end" },
	[FAULT_RESCIND] = { .name = "rescind", .value = "N", .preset = 1,
			    .text = "take the channel away and offer it again, N times",
			    .steps = "rescind COMPONENT, reoffer COMPONENT" },
	[FAULT_FILL_RING] = { .name = "fill-ring", .value = "",
			      .text = "send requests until the ring is full",
			      .steps = "fill COMPONENT OPERATION" },
	[FAULT_CORRUPT_INDEX] = { .name = "corrupt-index", .value = "VALUE", .preset = 0xfffffff1,
				  .text = "write VALUE into the ring's write index after the "
					  "negotiation" },
	[FAULT_CHANGE_AFTER_SIGNAL] = { .name = "change-after-signal", .value = "",
					.text = "keep changing a packet's sizes after the signal" },
	[FAULT_NEVER_READ] = { .name = "never-read", .value = "",
			       .text = "never read what the guest sends" },
};

/* One FAULT[:COMPONENT][=NUMBER], taken apart. */
struct fault_words {
	enum fault fault;
	int component; /* or -1: all */
	uint64_t value;
};

static void say_names(char *error, size_t size, const char *name)
{
	size_t at = (size_t)snprintf(error, size, "unknown fault \"%s\", there are:", name);

	for (size_t i = 0; i < FAULT_MAX && at < size; i++)
		at += (size_t)snprintf(error + at, size - at, " %s", fault_table[i].name);
}

static int parse_number(const char *text, uint64_t *ret)
{
	char *end = NULL;

	errno = 0;
	*ret = strtoull(text, &end, 0);
	return errno || end == text || *end || *text == '-' ? -EINVAL : 0;
}

static int fault_from_name(const char *name, enum fault *ret)
{
	for (int i = 0; i < FAULT_MAX; i++)
		if (strcmp(fault_table[i].name, name) == 0) {
			*ret = (enum fault)i;
			return 0;
		}
	return -EINVAL;
}

static int fault_parse(const char *text, struct fault_words *ret, char *error, size_t error_size)
{
	char copy[128];
	char *number, *key;
	enum component component;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy)) {
		snprintf(error, error_size, "a fault is NAME[:COMPONENT][=NUMBER]");
		return -EINVAL;
	}
	number = strchr(copy, '=');
	if (number)
		*number++ = 0;
	key = strchr(copy, ':');
	if (key)
		*key++ = 0;

	if (fault_from_name(copy, &ret->fault) < 0) {
		say_names(error, error_size, copy);
		return -EINVAL;
	}
	if (key && component_from_key(key, &component) < 0) {
		snprintf(error, error_size, "fault %s: unknown component \"%s\"", copy, key);
		return -EINVAL;
	}
	ret->component = key ? (int)component : -1;
	ret->value = fault_table[ret->fault].preset;
	if (number && (!*fault_table[ret->fault].value || parse_number(number, &ret->value) < 0)) {
		snprintf(error, error_size, "fault %s: %s, not \"%s\"", copy,
			 *fault_table[ret->fault].value ? "expected a number" : "takes no number",
			 number);
		return -EINVAL;
	}
	return 0;
}

static int fault_set_switch(struct fault_set *set, const char *text, bool on, char *error,
			    size_t error_size)
{
	struct fault_words words = { 0 };
	int r;

	r = fault_parse(text, &words, error, error_size);
	if (r < 0)
		return r;
	for (int c = 0; c < COMPONENT_MAX; c++) {
		if (words.component >= 0 && words.component != c)
			continue;
		set->on[c][words.fault] = on;
		set->value[c][words.fault] = words.value;
	}
	return 0;
}

int fault_set_add(struct fault_set *set, const char *text, char *error, size_t error_size)
{
	return fault_set_switch(set, text, true, error, error_size);
}

int fault_set_remove(struct fault_set *set, const char *text, char *error, size_t error_size)
{
	return fault_set_switch(set, text, false, error, error_size);
}

int fault_parse_name(const char *text, enum fault *ret, char *error, size_t error_size)
{
	struct fault_words words = { 0 };
	int r;

	r = fault_parse(text, &words, error, error_size);
	if (r < 0)
		return r;
	*ret = words.fault;
	return 0;
}

void fault_list(FILE *to)
{
	for (size_t i = 0; i < FAULT_MAX; i++) {
		const struct fault_info *f = &fault_table[i];
		char name[64];

		snprintf(name, sizeof(name), "%s%s%s", f->name, *f->value ? "=" : "", f->value);
		fprintf(to, "  %-22s %s", name, f->text);
		if (*f->value)
			fprintf(to, " (%s%llu)", "default ", (unsigned long long)f->preset);
		fputc('\n', to);
	}
}
