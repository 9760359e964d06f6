/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/kvm/ports.h"

#include <time.h>
#include <unistd.h>

#include "tests/host/kvm/acpi.h"

#define SERIAL 0x3f8u
#define SERIAL_LAST 0x3ffu
#define CMOS_INDEX 0x70u
#define CMOS_DATA 0x71u
#define KEYBOARD_COMMAND 0x64u
#define KEYBOARD_RESET 0xfeu
#define CHIPSET_RESET 0xcf9u
#define CHIPSET_RESET_CPU 0x04u

/* PM1 control: the SCI is enabled for good; a sleep is typed and started (\_S5 in dsdt.asl). */
#define PM1_SCI_ENABLED 0x0001u
#define PM1_SLEEP_TYPE(value) ((value) >> 10 & 7)
#define PM1_SLEEP_START 0x2000u
#define PM1_SOFT_OFF 5u

/* --- the serial port (National Semiconductor's PC16550D) --- */

#define LINE_DIVISOR 0x80u
#define INTERRUPT_EMPTY 0x02u
#define IDENTIFY_NONE 0x01u
#define IDENTIFY_EMPTY 0x02u
#define IDENTIFY_FIFO 0xc0u
#define STATUS_EMPTY 0x60u
#define MODEM_READY 0xb0u

/* Interrupted only when the processor is to stop: then the guest's last words do not matter. */
static void print(int fd, uint8_t c)
{
	if (write(fd, &c, 1) < 0)
		return;
}

static uint8_t serial_identify(struct serial *s)
{
	uint8_t fifo = s->fifo & 1 ? IDENTIFY_FIFO : 0;
	bool empty = s->empty_pending && s->interrupts & INTERRUPT_EMPTY;

	if (empty)
		s->empty_pending = false; /* reading it takes it back */
	return fifo | (empty ? IDENTIFY_EMPTY : IDENTIFY_NONE);
}

static uint8_t serial_read(struct serial *s, unsigned reg)
{
	switch (reg) {
	case 0:
		return s->line & LINE_DIVISOR ? s->divisor[0] : 0;
	case 1:
		return s->line & LINE_DIVISOR ? s->divisor[1] : s->interrupts;
	case 2:
		return serial_identify(s);
	case 3:
		return s->line;
	case 4:
		return s->modem;
	case 5:
		return STATUS_EMPTY;
	case 6:
		return MODEM_READY;
	default:
		return s->scratch;
	}
}

static void serial_write(struct ports *p, unsigned reg, uint8_t value)
{
	struct serial *s = &p->serial;

	if (reg < 2 && s->line & LINE_DIVISOR) {
		s->divisor[reg] = value;
		return;
	}
	switch (reg) {
	case 0:
		print(p->console_fd, value);
		s->empty_pending = true;
		break;
	case 1:
		if (value & ~s->interrupts & INTERRUPT_EMPTY)
			s->empty_pending = true;
		s->interrupts = value & 0x0f;
		break;
	case 2:
		s->fifo = value;
		break;
	case 3:
		s->line = value;
		break;
	case 4:
		s->modem = value;
		break;
	case 7:
		s->scratch = value;
		break;
	default: /* the two status registers */
		break;
	}
}

bool ports_serial_line(const struct ports *p)
{
	return p->serial.empty_pending && p->serial.interrupts & INTERRUPT_EMPTY;
}

/* --- the clock (Motorola's MC146818A), in UTC --- */

static uint8_t bcd(int value)
{
	return (uint8_t)(value / 10 % 10 << 4 | value % 10);
}

static uint8_t cmos_read(uint8_t index)
{
	time_t now = time(NULL);
	struct tm t;

	(void)gmtime_r(&now, &t);
	switch (index) {
	case 0x00:
		return bcd(t.tm_sec);
	case 0x02:
		return bcd(t.tm_min);
	case 0x04:
		return bcd(t.tm_hour);
	case 0x06:
		return bcd(t.tm_wday + 1);
	case 0x07:
		return bcd(t.tm_mday);
	case 0x08:
		return bcd(t.tm_mon + 1);
	case 0x09:
		return bcd(t.tm_year % 100);
	case 0x32:
		return bcd(19 + t.tm_year / 100);
	case 0x0a:
		return 0x26; /* not being updated, 32768 Hz */
	case 0x0b:
		return 0x02; /* 24 hours, BCD */
	case 0x0d:
		return 0x80; /* the battery is good */
	default:
		return 0;
	}
}

/* --- all --- */

void ports_init(struct ports *p, int console_fd)
{
	*p = (struct ports){ .console_fd = console_fd };
}

uint32_t ports_read(struct ports *p, uint16_t port, unsigned size)
{
	if (port >= SERIAL && port <= SERIAL_LAST && size == 1)
		return serial_read(&p->serial, port - SERIAL);
	switch (port) {
	case CMOS_INDEX:
		return p->cmos_index;
	case CMOS_DATA:
		return cmos_read(p->cmos_index);
	case ACPI_PORT_PM1_EVENT: /* the status; the two may be read at once */
		return size == 4 ? (uint32_t)p->pm1_enable << 16 : 0;
	case ACPI_PORT_PM1_EVENT + 2:
		return p->pm1_enable;
	case ACPI_PORT_PM1_CONTROL:
		return p->pm1_control | PM1_SCI_ENABLED;
	default:
		return size == 4 ? UINT32_MAX : (1u << size * 8) - 1;
	}
}

enum ports_request ports_write(struct ports *p, uint16_t port, unsigned size, uint32_t value)
{
	if (port >= SERIAL && port <= SERIAL_LAST && size == 1) {
		serial_write(p, port - SERIAL, (uint8_t)value);
		return PORTS_NOTHING;
	}
	switch (port) {
	case CMOS_INDEX:
		p->cmos_index = value & 0x7f;
		return PORTS_NOTHING;
	case ACPI_PORT_PM1_EVENT + 2:
		p->pm1_enable = (uint16_t)value;
		return PORTS_NOTHING;
	case ACPI_PORT_PM1_CONTROL:
		p->pm1_control = (uint16_t)(value & ~PM1_SLEEP_START);
		return value & PM1_SLEEP_START && PM1_SLEEP_TYPE(value) == PM1_SOFT_OFF ?
			       PORTS_POWER_OFF :
			       PORTS_NOTHING;
	case ACPI_PORT_RESET:
		return (uint8_t)value == ACPI_RESET_VALUE ? PORTS_RESET : PORTS_NOTHING;
	case KEYBOARD_COMMAND:
		return (uint8_t)value == KEYBOARD_RESET ? PORTS_RESET : PORTS_NOTHING;
	case CHIPSET_RESET:
		return value & CHIPSET_RESET_CPU ? PORTS_RESET : PORTS_NOTHING;
	default:
		return PORTS_NOTHING;
	}
}
