/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/kvm/acpi.h"

#include <errno.h>
#include <string.h>

#include "hv_util/bytes.h"
#include "tests/host/kvm/dsdt.h"

#define HEADER_SIZE 36
#define RSDP_SIZE 36
#define FADT_SIZE 276
#define LOCAL_APIC UINT32_C(0xfee00000)
#define IO_APIC UINT32_C(0xfec00000)

#define FADT_FLAGS (1u << 0 /* WBINVD works */ | 1u << 4 | 1u << 5 /* no fixed buttons */ | \
		    1u << 10 /* reset register */)
#define BOOT_ARCH_NO_VGA (1u << 2)
#define SCI_INTERRUPT 9

/* Tables go one behind the other, each on 16 bytes. */
struct tables {
	const struct guest_memory *memory;
	uint64_t at, end;
};

static void set_checksum(uint8_t *table, size_t len, size_t checksum_at)
{
	uint8_t sum = 0;

	table[checksum_at] = 0;
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + table[i]);
	table[checksum_at] = (uint8_t)-sum;
}

static uint64_t tables_add(struct tables *t, const uint8_t *bytes, size_t len)
{
	uint64_t address = t->at;
	uint8_t *to = guest_memory_at(t->memory, address, len);

	if (!to || len > t->end - address)
		return 0;
	memcpy(to, bytes, len);
	t->at = (address + len + 15) & ~UINT64_C(15);
	return address;
}

static void write_header(struct wr *w, const char signature[static 4], uint32_t len,
			 uint8_t revision)
{
	wr_bytes(w, signature, 4);
	wr_u32(w, len);
	wr_u8(w, revision);
	wr_u8(w, 0); /* the checksum */
	wr_bytes(w, "VMICHO", 6);
	wr_bytes(w, "VMICHOST", 8);
	wr_u32(w, 1);
	wr_bytes(w, "VMIC", 4);
	wr_u32(w, 1);
}

/* A register at an I/O port, as tables describe one. */
static void write_port(uint8_t *table, size_t at, uint8_t bits, uint8_t access, uint64_t port)
{
	struct wr w = { .p = table + at, .left = 12 };

	wr_u8(&w, 1);
	wr_u8(&w, bits);
	wr_u8(&w, 0);
	wr_u8(&w, access);
	wr_u64(&w, port);
}

static void put_u32(uint8_t *table, size_t at, uint32_t value)
{
	struct wr w = { .p = table + at, .left = 4 };

	wr_u32(&w, value);
}

static uint64_t add_fadt(struct tables *t, uint64_t dsdt)
{
	uint8_t table[FADT_SIZE] = { 0 };
	struct wr w = { .p = table, .left = sizeof(table) };

	write_header(&w, "FACP", sizeof(table), 6);
	put_u32(table, 40, (uint32_t)dsdt);
	put_u32(table, 140, (uint32_t)dsdt);
	table[46] = SCI_INTERRUPT;
	put_u32(table, 56, ACPI_PORT_PM1_EVENT);
	put_u32(table, 64, ACPI_PORT_PM1_CONTROL);
	table[88] = 4;
	table[89] = 2;
	table[109] = BOOT_ARCH_NO_VGA;
	put_u32(table, 112, FADT_FLAGS);
	write_port(table, 116, 8, 1, ACPI_PORT_RESET);
	table[128] = ACPI_RESET_VALUE;
	table[131] = 5; /* minor revision */
	write_port(table, 148, 32, 3, ACPI_PORT_PM1_EVENT);
	write_port(table, 172, 16, 2, ACPI_PORT_PM1_CONTROL);
	set_checksum(table, sizeof(table), 9);
	return tables_add(t, table, sizeof(table));
}

/* The I/O APIC, the timer's detour to its pin 2, the SCI, and each processor. */
static uint64_t add_madt(struct tables *t, unsigned n_processors)
{
	uint8_t table[HEADER_SIZE + 8 + 12 + 2 * 10 + 255 * 8];
	struct wr w = { .p = table, .left = sizeof(table) };
	uint32_t len = (uint32_t)(HEADER_SIZE + 8 + 12 + 2 * 10 + n_processors * 8);

	write_header(&w, "APIC", len, 5);
	wr_u32(&w, LOCAL_APIC);
	wr_u32(&w, 1); /* there are two 8259 */
	wr_bytes(&w, (const uint8_t[]){ 1, 12, 0, 0 }, 4);
	wr_u32(&w, IO_APIC);
	wr_u32(&w, 0);
	wr_bytes(&w, (const uint8_t[]){ 2, 10, 0, 0, 2, 0, 0, 0, 0, 0 }, 10);
	wr_bytes(&w, (const uint8_t[]){ 2, 10, 0, SCI_INTERRUPT, SCI_INTERRUPT, 0, 0, 0, 0x0d, 0 },
		 10);
	for (unsigned i = 0; i < n_processors; i++) {
		wr_bytes(&w, (const uint8_t[]){ 0, 8, (uint8_t)i, (uint8_t)i }, 4);
		wr_u32(&w, 1);
	}
	if (wr_result(&w) < 0)
		return 0;
	set_checksum(table, len, 9);
	return tables_add(t, table, len);
}

static uint64_t add_xsdt(struct tables *t, const uint64_t *table_at, size_t n)
{
	uint8_t table[HEADER_SIZE + 8 * 8];
	struct wr w = { .p = table, .left = sizeof(table) };
	size_t len = HEADER_SIZE + 8 * n;

	write_header(&w, "XSDT", (uint32_t)len, 1);
	for (size_t i = 0; i < n; i++)
		wr_u64(&w, table_at[i]);
	set_checksum(table, len, 9);
	return tables_add(t, table, len);
}

static void write_rsdp(uint8_t *to, uint64_t xsdt)
{
	struct wr w = { .p = to, .left = RSDP_SIZE };

	wr_bytes(&w, "RSD PTR ", 8);
	wr_u8(&w, 0);
	wr_bytes(&w, "VMICHO", 6);
	wr_u8(&w, 2);
	wr_u32(&w, 0);
	wr_u32(&w, RSDP_SIZE);
	wr_u64(&w, xsdt);
	wr_u32(&w, 0);
	set_checksum(to, 20, 8);
	set_checksum(to, RSDP_SIZE, 32);
}

int acpi_write(const struct guest_memory *m, unsigned n_processors)
{
	struct tables t = { .memory = m,
			    .at = ACPI_ADDRESS + 64,
			    .end = ACPI_ADDRESS + ACPI_SIZE };
	uint8_t *rsdp = guest_memory_at(m, ACPI_ADDRESS, RSDP_SIZE);
	uint64_t dsdt, table[2], xsdt;

	dsdt = tables_add(&t, dsdt_aml_code, sizeof(dsdt_aml_code));
	table[0] = add_fadt(&t, dsdt);
	table[1] = add_madt(&t, n_processors);
	xsdt = add_xsdt(&t, table, ARRAY_LEN(table));
	if (!rsdp || !dsdt || !table[0] || !table[1] || !xsdt)
		return -ENOBUFS;
	write_rsdp(rsdp, xsdt);
	return 0;
}
