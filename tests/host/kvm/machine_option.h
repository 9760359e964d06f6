/* SPDX-License-Identifier: GPL-2.0-only */
/* The options that say which machine is booted: the same for every verb that boots one. */
#pragma once

#include <stddef.h>

#include "tests/host/kvm/machine.h"
#include "tests/host/option.h"
#include "tests/host/release.h"

struct machine_choice {
	const char *kernel, *initrd, *append;
	unsigned memory_mib, processors; /* 0: the default */
};

int machine_take_memory(const struct option_info *option, const char *value, void *into);
int machine_take_processors(const struct option_info *option, const char *value, void *into);

/* Rows for a table; field is the struct machine_choice in the verb's structure. */
#define MACHINE_OPTIONS(type, field)                                                         \
	{ "initrd", "FILE", "with this initramfs", option_take_text,                         \
	  offsetof(type, field.initrd) },                                                    \
	{ "append", "TEXT", "and this at the end of the kernel's command line",              \
	  option_take_text, offsetof(type, field.append) },                                  \
	{ "memory", "SIZE", "the guest's memory; default: 256M", machine_take_memory,        \
	  offsetof(type, field.memory_mib) },                                                \
	{ "cpus", "N", "the guest's processors; default: 1", machine_take_processors,        \
	  offsetof(type, field.processors) }

/* The machine of this choice on a host of this release, without console and second serial port. */
struct machine_options machine_of_choice(const struct machine_choice *choice,
					 const struct release *release);
