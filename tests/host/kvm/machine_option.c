/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/kvm/machine_option.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY_MIB 256

static unsigned *field(const struct option_info *option, void *into)
{
	return (unsigned *)(void *)((char *)into + option->offset);
}

/* "256M", "1G", "256". */
int machine_take_memory(const struct option_info *option, const char *value, void *into)
{
	char *end = NULL;
	unsigned long n = strtoul(value, &end, 10);
	bool gib = strcmp(end, "G") == 0;

	if (end == value || (*end && strcmp(end, "M") != 0 && !gib) || n > 4096 ||
	    (n <<= gib ? 10 : 0) < MACHINE_MEMORY_MIN >> 20 || n > GUEST_MEMORY_MAX >> 20)
		return option_error(option, value, "%uM to %uM",
				    (unsigned)(MACHINE_MEMORY_MIN >> 20),
				    (unsigned)(GUEST_MEMORY_MAX >> 20));
	*field(option, into) = (unsigned)n;
	return 0;
}

int machine_take_processors(const struct option_info *option, const char *value, void *into)
{
	int r = option_take_number(option, value, into);

	if (r == 0 && *field(option, into) > MACHINE_PROCESSORS_MAX)
		return option_error(option, value, "1 to %u", MACHINE_PROCESSORS_MAX);
	return r;
}

struct machine_options machine_of_choice(const struct machine_choice *choice,
					 const struct release *release)
{
	return (struct machine_options){
		.kernel = choice->kernel,
		.initrd = choice->initrd,
		.append = choice->append,
		.memory = (uint64_t)(choice->memory_mib ? choice->memory_mib : MEMORY_MIB) << 20,
		.n_processors = choice->processors ? choice->processors : 1,
		.vmbus_version = VMBUS_VERSION(release->vmbus.major, release->vmbus.minor),
		.console_fd = -1,
		.serial_fd = -1,
	};
}
