/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/run_option.h"

#include <errno.h>
#include <string.h>

#include "tests/host/adapter.h"
#include "tests/host/fault.h"
#include "tests/host/run.h"

static void *field(const struct option_info *option, void *into)
{
	return (char *)into + option->offset;
}

int option_add_fault(const struct option_info *option, const char *value, void *into)
{
	char error[512];

	if (fault_set_add(field(option, into), value, error, sizeof(error)) == 0)
		return 0;
	(void)fprintf(stderr, "vmichost: --%s: %s\n", option->name, error);
	return -EINVAL;
}

int option_take_mac(const struct option_info *option, const char *value, void *into)
{
	if (!adapter_text_is_good(value))
		return option_error(option, value, "an address such as 00:15:5D:00:00:01");
	return option_take_text(option, value, into);
}

int option_take_burst(const struct option_info *option, const char *value, void *into)
{
	unsigned *burst = field(option, into);
	int r = option_take_number(option, value, into);

	if (r == 0 && *burst > RUN_BURST_MAX)
		return option_error(option, value, "1 to %u", RUN_BURST_MAX);
	return r;
}

static int refuse(const struct option_info *option, const char *value, const char *more)
{
	char keys[128] = "";

	for (int c = 0; c < COMPONENT_MAX; c++) {
		size_t used = strlen(keys);

		(void)snprintf(keys + used, sizeof(keys) - used, "%s%s", c ? ", " : "",
			       component_table[c].key);
	}
	return option_error(option, value, "%s%s", more, keys);
}

int option_add_component(const struct option_info *option, const char *value, void *into)
{
	bool *set = field(option, into);
	enum component c;

	if (component_from_key(value, &c) < 0)
		return refuse(option, value, "one of ");
	set[c] = true;
	return 0;
}

int option_take_other_components(const struct option_info *option, const char *value, void *into)
{
	bool *others = field(option, into), all = strcmp(value, "all") == 0;
	const char *at = value;

	for (int c = 0; c < COMPONENT_MAX; c++)
		others[c] = !all;
	while (!all && at) {
		const char *comma = strchr(at, ',');
		char key[32];
		enum component c;

		(void)snprintf(key, sizeof(key), "%.*s",
			       comma ? (int)(comma - at) : (int)strlen(at), at);
		if (component_from_key(key, &c) < 0)
			return refuse(option, value, "\"all\", or with commas, some of ");
		others[c] = false;
		at = comma ? comma + 1 : NULL;
	}
	return 0;
}
