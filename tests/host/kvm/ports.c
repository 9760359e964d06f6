/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/kvm/ports.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/host/kvm/acpi.h"

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

/* --- the serial ports (National Semiconductor's PC16550D) --- */

#define SERIAL_PORTS 8
static const uint16_t serial_first[PORTS_SERIALS] = { 0x3f8, 0x2f8 };

#define LINE_DIVISOR 0x80u
#define INTERRUPT_RECEIVED 0x01u
#define INTERRUPT_EMPTY 0x02u
#define IDENTIFY_NONE 0x01u
#define IDENTIFY_EMPTY 0x02u
#define IDENTIFY_RECEIVED 0x04u
#define IDENTIFY_FIFO 0xc0u
#define FIFO_ENABLED 0x01u
#define FIFO_FORGET_RECEIVED 0x02u
#define STATUS_RECEIVED 0x01u
#define STATUS_EMPTY 0x60u
#define MODEM_READY 0xb0u

/*
 * A console that is slow keeps the guest: its write is interrupted only when the processor is to stop,
 * and then the guest's last words do not matter. The other port keeps nobody: what its descriptor
 * does not take stays, and the guest sees a transmitter that is not empty.
 */
static void serial_flush(struct serial *s)
{
	bool was_stuck = s->stuck;
	ssize_t n = s->n_sent ? write(s->fd, s->sent, s->n_sent) : 0;

	if (n < 0) /* what cannot be sent now or ever: kept, or lost */
		n = s->two_way && errno == EAGAIN ? 0 : (ssize_t)s->n_sent;
	s->n_sent -= (unsigned)n;
	memmove(s->sent, s->sent + n, s->n_sent);
	s->stuck = s->n_sent > 0;
	if (s->stuck != was_stuck)
		s->empty_pending = was_stuck;
}

/*
 * A driver that is interrupted fills the FIFO and comes back for that: then all of it goes at once.
 * Others need not come back, and of the console each byte counts when the machine ends. What is sent
 * into a full FIFO takes the last one's place.
 */
static void serial_put(struct serial *s, uint8_t c)
{
	bool comes_back = s->two_way && s->interrupts & INTERRUPT_EMPTY;

	if (s->n_sent == sizeof(s->sent))
		s->n_sent--;
	s->sent[s->n_sent++] = c;
	s->empty_pending = !s->stuck;
	if (!comes_back)
		serial_flush(s);
}

static void serial_refill(struct serial *s)
{
	ssize_t n;

	if (!s->two_way || s->n_received)
		return;
	n = read(s->fd, s->received, sizeof(s->received));
	s->first_received = 0;
	s->n_received = n > 0 ? (unsigned)n : 0;
}

static uint8_t serial_take(struct serial *s)
{
	uint8_t c;

	serial_refill(s);
	if (!s->n_received)
		return 0;
	c = s->received[s->first_received++];
	s->n_received--;
	serial_refill(s);
	return c;
}

static bool serial_wants(const struct serial *s, unsigned interrupt)
{
	return s->interrupts & interrupt &&
	       (interrupt == INTERRUPT_RECEIVED ? s->n_received > 0 : s->empty_pending);
}

static uint8_t serial_identify(struct serial *s)
{
	uint8_t fifo = s->fifo & FIFO_ENABLED ? IDENTIFY_FIFO : 0;

	serial_flush(s);
	if (serial_wants(s, INTERRUPT_RECEIVED))
		return fifo | IDENTIFY_RECEIVED;
	if (!serial_wants(s, INTERRUPT_EMPTY))
		return fifo | IDENTIFY_NONE;
	s->empty_pending = false; /* reading it takes it back */
	return fifo | IDENTIFY_EMPTY;
}

static uint8_t serial_status(struct serial *s)
{
	serial_flush(s);
	serial_refill(s);
	return (s->stuck ? 0 : STATUS_EMPTY) | (s->n_received ? STATUS_RECEIVED : 0);
}

static uint8_t serial_read(struct serial *s, unsigned reg)
{
	switch (reg) {
	case 0:
		return s->line & LINE_DIVISOR ? s->divisor[0] : serial_take(s);
	case 1:
		return s->line & LINE_DIVISOR ? s->divisor[1] : s->interrupts;
	case 2:
		return serial_identify(s);
	case 3:
		return s->line;
	case 4:
		return s->modem;
	case 5:
		return serial_status(s);
	case 6:
		return MODEM_READY;
	default:
		return s->scratch;
	}
}

static void serial_write(struct serial *s, unsigned reg, uint8_t value)
{
	if (reg < 2 && s->line & LINE_DIVISOR) {
		s->divisor[reg] = value;
		return;
	}
	switch (reg) {
	case 0:
		serial_put(s, value);
		break;
	case 1:
		if (value & ~s->interrupts & INTERRUPT_EMPTY && !s->stuck)
			s->empty_pending = true;
		s->interrupts = value & 0x0f;
		serial_flush(s); /* who is not interrupted may not come back */
		break;
	case 2:
		s->fifo = value;
		if (value & FIFO_FORGET_RECEIVED)
			s->n_received = 0;
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

/* The serial port that an access of this size is for, and *ret its register; NULL: none. */
static struct serial *find_serial(struct ports *p, uint16_t port, unsigned size, unsigned *ret)
{
	for (unsigned i = 0; i < PORTS_SERIALS; i++)
		if (size == 1 && port >= serial_first[i] && port - serial_first[i] < SERIAL_PORTS) {
			*ret = (unsigned)(port - serial_first[i]);
			return &p->serial[i];
		}
	return NULL;
}

void ports_serial_ready(struct ports *p)
{
	serial_flush(&p->serial[1]);
	serial_refill(&p->serial[1]);
}

bool ports_serial_line(const struct ports *p, unsigned serial)
{
	const struct serial *s = &p->serial[serial];

	return serial_wants(s, INTERRUPT_RECEIVED) || serial_wants(s, INTERRUPT_EMPTY);
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

void ports_init(struct ports *p, int console_fd, int serial_fd)
{
	*p = (struct ports){ .serial = { { .fd = console_fd },
					 { .fd = serial_fd, .two_way = serial_fd >= 0 } } };
}

uint32_t ports_read(struct ports *p, uint16_t port, unsigned size)
{
	unsigned reg;
	struct serial *serial = find_serial(p, port, size, &reg);

	if (serial)
		return serial_read(serial, reg);
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
	unsigned reg;
	struct serial *serial = find_serial(p, port, size, &reg);

	if (serial) {
		serial_write(serial, reg, (uint8_t)value);
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
