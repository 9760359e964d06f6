/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The devices behind I/O ports that a PC's kernel cannot do without: the serial port, the clock's
 * CMOS, and the registers for power-off and reset that acpi.c names. Everything else reads as ones
 * and ignores writes, as an empty bus does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hv_util/base.h"

/* What a write to a port can mean to the machine. */
enum ports_request {
	PORTS_NOTHING = 0,
	PORTS_POWER_OFF,
	PORTS_RESET,
};

/* A 16550A that only sends. */
struct serial {
	uint8_t divisor[2], interrupts, fifo, line, modem, scratch;
	bool empty_pending; /* "the transmitter is empty" has not been looked at */
};

struct ports {
	int console_fd;
	struct serial serial;
	uint8_t cmos_index;
	uint16_t pm1_enable, pm1_control;
};

void ports_init(struct ports *p, int console_fd);

/* size is 1, 2 or 4; the value's upper bytes are 0. */
uint32_t ports_read(struct ports *p, uint16_t port, unsigned size);
enum ports_request ports_write(struct ports *p, uint16_t port, unsigned size, uint32_t value);

/* The level of the serial port's interrupt line, IRQ 4. */
bool ports_serial_line(const struct ports *p);
