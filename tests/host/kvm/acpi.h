/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ACPI tables of the machine: what hv_vmbus needs to find its device, what the guest needs to
 * switch itself off, and its processors. The DSDT is dsdt.asl. Layouts: ACPI specification 6.5,
 * 5.2.
 */
#pragma once

#include <stdint.h>

#include "hv_util/base.h"
#include "tests/host/kvm/memory.h"

/* Where a guest looks that was not told. */
#define ACPI_ADDRESS UINT64_C(0xe0000)
#define ACPI_SIZE UINT64_C(0x20000)

/* Ports that the tables name. */
#define ACPI_PORT_PM1_EVENT 0x600u
#define ACPI_PORT_PM1_CONTROL 0x604u
#define ACPI_PORT_RESET 0x608u
#define ACPI_RESET_VALUE 0x5au

/* Writes the tables; the root pointer is at ACPI_ADDRESS. 0, or -ENOBUFS: too many processors. */
_must_check_ int acpi_write(const struct guest_memory *m, unsigned n_processors);
