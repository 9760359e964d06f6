/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The devices behind I/O ports that a PC's kernel cannot do without: two serial ports, the clock's
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

/* A 16550A. Nothing in it grows with what the guest or the other side does. */
struct serial {
	int fd;       /* where it sends to; -1: nowhere */
	bool two_way; /* it receives from there too; then fd must not block */
	uint8_t divisor[2], interrupts, fifo, line, modem, scratch;
	bool empty_pending; /* "the transmitter is empty" has not been looked at */
	bool stuck;         /* fd has not taken all of what is sent: the transmitter is not empty */
	uint8_t sent[16], received[64];
	unsigned n_sent, n_received, first_received;
};

enum { PORTS_SERIALS = 2 };

struct ports {
	struct serial serial[PORTS_SERIALS]; /* the console, and one that receives as well */
	uint8_t cmos_index;
	uint16_t pm1_enable, pm1_control;
};

/* Either descriptor may be -1: what is sent there is lost. serial_fd must not block. */
void ports_init(struct ports *p, int console_fd, int serial_fd);

/* size is 1, 2 or 4; the value's upper bytes are 0. */
uint32_t ports_read(struct ports *p, uint16_t port, unsigned size);
enum ports_request ports_write(struct ports *p, uint16_t port, unsigned size, uint32_t value);

/* The second port's descriptor has become readable or writable. */
void ports_serial_ready(struct ports *p);

/* The level of a serial port's interrupt line: IRQ 4 for the first, 3 for the second. */
bool ports_serial_line(const struct ports *p, unsigned serial);
