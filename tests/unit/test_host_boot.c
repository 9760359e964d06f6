/* SPDX-License-Identifier: GPL-2.0-only */
/* What a guest finds in its memory when it starts: kernels good and bad, tables, ports. No KVM. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/host/kvm/acpi.h"
#include "tests/host/kvm/image.h"
#include "tests/host/kvm/ports.h"
#include "tests/unit/harness.h"

#define MEMORY (UINT64_C(64) << 20)

static int set_up(void **state)
{
	struct guest_memory *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	assert_int_equal(guest_memory_new(m, MEMORY), 0);
	*state = m;
	return 0;
}

static int tear_down(void **state)
{
	guest_memory_done(*state);
	free(*state);
	return 0;
}

static uint64_t get(const struct guest_memory *m, uint64_t at, size_t n)
{
	const uint8_t *p = guest_memory_at(m, at, n);
	uint64_t v = 0;

	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

/* --- vmlinux --- */

struct kernel {
	Elf64_Ehdr head;
	Elf64_Phdr load, note;
	struct {
		uint32_t name_len, len, type;
		char name[4];
		uint64_t entry;
	} pvh;
	uint8_t text[64];
};

static struct kernel kernel_good(void)
{
	struct kernel k = {
		.head = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64 },
			  .e_machine = EM_X86_64,
			  .e_phoff = offsetof(struct kernel, load),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 2 },
		.load = { .p_type = PT_LOAD,
			  .p_offset = offsetof(struct kernel, text),
			  .p_paddr = 0x1000000,
			  .p_filesz = 64,
			  .p_memsz = 4096 },
		.note = { .p_type = PT_NOTE,
			  .p_offset = offsetof(struct kernel, pvh),
			  .p_filesz = sizeof(((struct kernel *)NULL)->pvh) },
		.pvh = { 4, 8, 18, "Xen", 0x1000010 },
	};

	memset(k.text, 0x90, sizeof(k.text));
	return k;
}

static int load(const struct guest_memory *m, const struct kernel *k, size_t size,
		struct boot_entry *ret, uint64_t *end)
{
	const char *why = NULL;
	struct guard g = guard_new(size);
	const struct image image = { .bytes = g.p, .size = size };
	int r;

	memcpy(g.p, k, size);
	r = vmlinux_load(m, &image, ret, end, &why);
	assert_true(r == 0 || r == -ENOEXEC || why != NULL);
	guard_done(&g);
	return r;
}

static void a_vmlinux_is_loaded_at_its_physical_addresses(void **state)
{
	struct kernel k = kernel_good();
	struct boot_entry entry;
	uint64_t end;

	assert_int_equal(load(*state, &k, sizeof(k), &entry, &end), 0);
	assert_int_equal(entry.mode, BOOT_PROTECTED);
	assert_int_equal(entry.address, 0x1000010);
	assert_int_equal(end, 0x1001000);
	assert_int_equal(get(*state, 0x1000000, 1), 0x90);
}

static void a_cut_vmlinux_is_refused_anywhere(void **state)
{
	struct kernel k = kernel_good();
	struct boot_entry entry;
	uint64_t end;

	for (size_t size = 0; size < sizeof(k); size++)
		assert_true(load(*state, &k, size, &entry, &end) < 0);
}

static void impossible_segments_are_refused(void **state)
{
	struct {
		uint64_t offset, address, in_file, in_memory;
	} bad[] = {
		{ 0, 0, 64, 64 },                   /* over the loader's own low memory */
		{ 0, LAYOUT_HIGH - 1, 64, 64 },
		{ 0, MEMORY - 63, 64, 64 },
		{ 0, UINT64_MAX - 10, 64, 64 },
		{ 0, 0x1000000, 64, 63 },
		{ 0, 0x1000000, UINT64_MAX, UINT64_MAX },
		{ UINT64_MAX, 0x1000000, 64, 64 },
		{ UINT64_MAX - 32, 0x1000000, 64, 64 },
	};
	struct boot_entry entry;
	uint64_t end;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct kernel k = kernel_good();

		k.load.p_offset = bad[i].offset;
		k.load.p_paddr = bad[i].address;
		k.load.p_filesz = bad[i].in_file;
		k.load.p_memsz = bad[i].in_memory;
		if (load(*state, &k, sizeof(k), &entry, &end) != -EFBIG)
			fail_msg("row %zu", i);
	}
}

static void a_kernel_without_the_note_is_refused(void **state)
{
	struct boot_entry entry;
	uint64_t end;
	struct kernel k = kernel_good();

	k.pvh.type = 17;
	assert_int_equal(load(*state, &k, sizeof(k), &entry, &end), -EINVAL);
	k = kernel_good();
	k.pvh.name_len = UINT32_MAX;
	assert_int_equal(load(*state, &k, sizeof(k), &entry, &end), -EINVAL);
	k = kernel_good();
	k.pvh.len = UINT32_MAX - 2;
	assert_int_equal(load(*state, &k, sizeof(k), &entry, &end), -EINVAL);
	k = kernel_good();
	k.pvh.entry = UINT64_C(1) << 32;
	assert_int_equal(load(*state, &k, sizeof(k), &entry, &end), -EINVAL);
	k = kernel_good();
	k.head.e_phoff = UINT64_MAX - 8;
	assert_int_equal(load(*state, &k, sizeof(k), &entry, &end), -EINVAL);
	k = kernel_good();
	k.head.e_machine = EM_386;
	assert_int_equal(load(*state, &k, sizeof(k), &entry, &end), -EINVAL);
}

static void the_start_information_is_golden(void **state)
{
	const struct stretch initrd = { 0x3000000, 77 };

	assert_int_equal(vmlinux_write_info(*state, initrd), 0);
	assert_int_equal(get(*state, LAYOUT_INFO, 4), 0x336ec578);
	assert_int_equal(get(*state, LAYOUT_INFO + 4, 4), 1);
	assert_int_equal(get(*state, LAYOUT_INFO + 12, 4), 1);
	assert_int_equal(get(*state, get(*state, LAYOUT_INFO + 16, 8), 8), 0x3000000);
	assert_int_equal(get(*state, get(*state, LAYOUT_INFO + 16, 8) + 8, 8), 77);
	assert_int_equal(get(*state, LAYOUT_INFO + 24, 8), LAYOUT_COMMAND_LINE);
	assert_int_equal(get(*state, LAYOUT_INFO + 32, 8), ACPI_ADDRESS);
	assert_int_equal(get(*state, LAYOUT_INFO + 48, 4), 3);
	assert_int_equal(get(*state, get(*state, LAYOUT_INFO + 40, 8) + 2 * 24, 8), 0x100000);
	assert_int_equal(get(*state, get(*state, LAYOUT_INFO + 40, 8) + 2 * 24 + 8, 8),
			 MEMORY - 0x100000);
}

/* --- bzImage --- */

static int load_bzimage(const struct guest_memory *m, uint8_t *bytes, size_t size,
			struct boot_entry *entry, uint64_t *end)
{
	const struct image image = { .bytes = bytes, .size = size };
	const char *why = NULL;
	int r = bzimage_load(m, &image, entry, end, &why);

	assert_true(r == 0 || r == -ENOEXEC || why != NULL);
	return r;
}

static void bzimage_fill(uint8_t *bytes, size_t size)
{
	memset(bytes, 0x90, size);
	memcpy(bytes + 0x202, "HdrS", 4);
	bytes[0x201] = 0x6a;
	bytes[0x1f1] = 1;
	bytes[0x206] = 0x0f;
	bytes[0x207] = 0x02;
	bytes[0x236] = 1;
	bytes[0x237] = 0;
	memset(bytes + 0x258, 0, 12);
	bytes[0x25b] = 1;    /* 0x1000000 */
	bytes[0x262] = 0x10; /* 1 MiB */
}

static void a_bzimage_is_loaded_where_it_prefers(void **state)
{
	struct guard g = guard_new(0x1000);
	struct boot_entry entry;
	uint64_t end;

	bzimage_fill(g.p, g.len);
	assert_int_equal(load_bzimage(*state, g.p, g.len, &entry, &end), 0);
	assert_int_equal(entry.mode, BOOT_LONG);
	assert_int_equal(entry.address, 0x1000200);
	assert_int_equal(end, 0x1100000);
	assert_int_equal(get(*state, 0x1000000 + 0xbff, 1), 0x90); /* its last byte */
	assert_int_equal(get(*state, 0x1000000 + 0xc00, 1), 0);
	/* Identity: the third large page of the second GiB. */
	assert_int_equal(get(*state, entry.page_tables + 3 * 4096 + 2 * 8, 8), 0x40400083);
	guard_done(&g);
}

static void impossible_bzimages_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		int error;
	} bad[] = {
		{ 0x207, 0x01, -EINVAL }, /* protocol 0x10f */
		{ 0x236, 0x00, -EINVAL }, /* no 64-bit entry */
		{ 0x1f1, 0xff, -EINVAL }, /* more sectors than there are */
		{ 0x1f1, 0x07, -EINVAL }, /* as many, and nothing behind them */
		{ 0x25f, 0x80, -EFBIG },  /* far outside the memory */
		{ 0x25b, 0x00, -EFBIG },  /* over the loader's own low memory */
		{ 0x263, 0xff, -EFBIG },  /* larger than the memory */
	};
	struct guard g = guard_new(0x1000);
	struct boot_entry entry;
	uint64_t end;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int r;

		bzimage_fill(g.p, g.len);
		g.p[bad[i].at] = bad[i].value;
		r = load_bzimage(*state, g.p, g.len, &entry, &end);
		if (r != bad[i].error)
			fail_msg("row %zu: %d", i, r);
	}
	bzimage_fill(g.p, g.len);
	g.p[0x202] = 0;
	assert_int_equal(load_bzimage(*state, g.p, g.len, &entry, &end), -ENOEXEC);
	assert_int_equal(load_bzimage(*state, g.p, 0xfff, &entry, &end), -ENOEXEC);
	guard_done(&g);
}

/* --- tables --- */

static void check_table(const struct guest_memory *m, uint64_t at, const char *signature)
{
	uint8_t sum = 0;
	uint64_t len = get(m, at + 4, 4);

	assert_memory_equal(guest_memory_at(m, at, 4), signature, 4);
	for (uint64_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + get(m, at + i, 1));
	assert_int_equal(sum, 0);
	assert_true(at >= ACPI_ADDRESS && at + len <= ACPI_ADDRESS + ACPI_SIZE);
}

static void every_table_is_found_and_adds_up(void **state)
{
	const struct guest_memory *m = *state;
	uint64_t xsdt, fadt, madt;
	uint8_t sum = 0;

	assert_int_equal(acpi_write(m, 3), 0);
	assert_memory_equal(guest_memory_at(m, ACPI_ADDRESS, 8), "RSD PTR ", 8);
	for (unsigned i = 0; i < 36; i++)
		sum = (uint8_t)(sum + get(m, ACPI_ADDRESS + i, 1));
	assert_int_equal(sum, 0);
	xsdt = get(m, ACPI_ADDRESS + 24, 8);
	check_table(m, xsdt, "XSDT");
	fadt = get(m, xsdt + 36, 8);
	madt = get(m, xsdt + 44, 8);
	check_table(m, fadt, "FACP");
	check_table(m, madt, "APIC");
	check_table(m, get(m, fadt + 140, 8), "DSDT");
	assert_int_equal(get(m, madt + 4, 4), 36 + 8 + 12 + 20 + 3 * 8);
	assert_int_equal(get(m, madt + 4 + 36 + 8 + 12 + 20 + 2 * 8 - 1, 1), 2); /* the third's id */
}

static void too_many_processors_are_refused(void **state)
{
	assert_int_equal(acpi_write(*state, 255), 0);
	assert_int_equal(acpi_write(*state, 256), -ENOBUFS);
}

/* --- ports --- */

static void the_serial_port_prints_and_interrupts(void **state)
{
	int fd[2];
	char out[4] = "";
	struct ports p;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	ports_init(&p, fd[1], -1);
	assert_int_equal(ports_read(&p, 0x3fd, 1), 0x60);
	(void)ports_write(&p, 0x3fb, 1, 0x80);
	(void)ports_write(&p, 0x3f8, 1, 'x'); /* a divisor, not a character */
	(void)ports_write(&p, 0x3fb, 1, 0x03);
	(void)ports_write(&p, 0x3f8, 1, 'A');
	assert_false(ports_serial_line(&p, 0));
	(void)ports_write(&p, 0x3f9, 1, 0x02);
	assert_true(ports_serial_line(&p, 0));
	assert_int_equal(ports_read(&p, 0x3fa, 1), 0x02);
	assert_false(ports_serial_line(&p, 0));
	assert_int_equal(ports_read(&p, 0x3fa, 1), 0x01);
	(void)ports_write(&p, 0x3fa, 1, 1);
	assert_int_equal(ports_read(&p, 0x3fa, 1), 0xc1);
	assert_int_equal(read(fd[0], out, sizeof(out)), 1);
	assert_string_equal(out, "A");
	(void)close(fd[0]);
	(void)close(fd[1]);
}

/* As Linux' driver of a 16550A does it: by interrupt, until nothing is there any more. */
static void the_second_serial_port_sends_and_receives(void **state)
{
	char in[100] = "", out[100] = "";
	struct ports p;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	ports_init(&p, -1, fd[1]);
	assert_int_equal(ports_read(&p, 0x2fd, 1), 0x60);
	assert_int_equal(ports_read(&p, 0x2f8, 1), 0);
	(void)ports_write(&p, 0x2f9, 1, 0x01);
	assert_false(ports_serial_line(&p, 1));
	memset(in, 'i', sizeof(in) - 1);
	assert_int_equal(write(fd[0], in, sizeof(in)), sizeof(in));
	ports_serial_ready(&p);
	assert_true(ports_serial_line(&p, 1));
	assert_false(ports_serial_line(&p, 0));
	assert_int_equal(ports_read(&p, 0x2fa, 1), 0x04);
	for (size_t i = 0; i < sizeof(in); i++) {
		assert_true(ports_serial_line(&p, 1)); /* also where the port fetches more */
		assert_int_equal(ports_read(&p, 0x2fd, 1), 0x61);
		out[i] = (char)ports_read(&p, 0x2f8, 1);
	}
	assert_memory_equal(in, out, sizeof(in));
	assert_false(ports_serial_line(&p, 1));
	assert_int_equal(ports_read(&p, 0x2fa, 1), 0x01);

	(void)ports_write(&p, 0x2f8, 1, 'x');
	assert_int_equal(read(fd[0], out, sizeof(out)), 1);
	assert_int_equal(out[0], 'x');
	/* A driver that is interrupted fills the FIFO; it goes when that comes to look why. */
	(void)ports_write(&p, 0x2f9, 1, 0x02);
	assert_int_equal(ports_read(&p, 0x2fa, 1), 0x02);
	for (char c = 'a'; c <= 'p'; c++)
		(void)ports_write(&p, 0x2f8, 1, (uint8_t)c);
	assert_int_equal(read(fd[0], out, sizeof(out)), -1);
	assert_true(ports_serial_line(&p, 1));
	assert_int_equal(ports_read(&p, 0x2fa, 1), 0x02);
	assert_int_equal(read(fd[0], out, sizeof(out)), 16);
	assert_memory_equal(out, "abcdefghijklmnop", 16);
	/* Or when it will not come again. */
	(void)ports_write(&p, 0x2f8, 1, 'q');
	(void)ports_write(&p, 0x2f9, 1, 0x01);
	assert_int_equal(read(fd[0], out, sizeof(out)), 1);
	assert_int_equal(out[0], 'q');
	/* What comes behind a FIFO that is emptied is not lost. */
	assert_int_equal(write(fd[0], "a", 1), 1);
	ports_serial_ready(&p);
	assert_int_equal(write(fd[0], "b", 1), 1);
	(void)ports_write(&p, 0x2fa, 1, 0x03);
	assert_int_equal(ports_read(&p, 0x2fd, 1), 0x61);
	assert_int_equal(ports_read(&p, 0x2f8, 1), 'b');
	(void)close(fd[0]);
	assert_int_equal(ports_read(&p, 0x2fd, 1), 0x60);
	(void)close(fd[1]);
}

/* Nothing is lost and nobody is kept: the guest sees a transmitter that is not empty. */
static void a_serial_port_that_is_not_read_holds_a_byte(void **state)
{
	uint8_t taken;
	size_t sent = 0, got = 0;
	struct ports p;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	ports_init(&p, -1, fd[1]);
	(void)ports_write(&p, 0x2f9, 1, 0x02);
	(void)ports_read(&p, 0x2fa, 1);
	while (ports_read(&p, 0x2fd, 1) == 0x60 && sent < 10000000) {
		(void)ports_read(&p, 0x2fa, 1);
		(void)ports_write(&p, 0x2f8, 1, (uint8_t)sent++);
	}
	assert_in_range(sent, 2, 9999999);
	assert_false(ports_serial_line(&p, 1));
	ports_serial_ready(&p);
	assert_int_equal(ports_read(&p, 0x2fd, 1), 0);
	/* One that does not look loses what the FIFO does not hold, and nothing else. */
	for (int i = 0; i < 1000; i++)
		(void)ports_write(&p, 0x2f8, 1, 'x');
	for (; read(fd[0], &taken, 1) == 1; got++)
		assert_int_equal(taken, (uint8_t)got);
	assert_int_equal(got, sent - 1);
	ports_serial_ready(&p);
	assert_true(ports_serial_line(&p, 1));
	assert_int_equal(ports_read(&p, 0x2fd, 1), 0x60);
	assert_int_equal(read(fd[0], &taken, 1), 1);
	assert_int_equal(taken, (uint8_t)got);
	for (int i = 0; i < 15; i++) {
		assert_int_equal(read(fd[0], &taken, 1), 1);
		assert_int_equal(taken, 'x');
	}
	assert_int_equal(read(fd[0], &taken, 1), -1);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static void the_machine_is_switched_off_and_reset_by_ports(void **state)
{
	static const struct {
		uint16_t port;
		unsigned size;
		uint32_t value;
		enum ports_request request;
	} writes[] = {
		{ 0x604, 2, 0x3401, PORTS_POWER_OFF }, /* as Linux 6.12 was seen to write */
		{ 0x604, 2, 0x1401, PORTS_NOTHING },   /* the type without the start */
		{ 0x604, 2, 0x2401, PORTS_NOTHING },   /* another type */
		{ 0x608, 1, 0x5a, PORTS_RESET },
		{ 0x608, 1, 0x5b, PORTS_NOTHING },
		{ 0x64, 1, 0xfe, PORTS_RESET },
		{ 0x64, 1, 0xd1, PORTS_NOTHING },
		{ 0xcf9, 1, 0x06, PORTS_RESET },
		{ 0xcf9, 1, 0x02, PORTS_NOTHING },
		{ 0x80, 1, 0xff, PORTS_NOTHING },
	};
	struct ports p;

	(void)state;
	ports_init(&p, -1, -1);
	for (size_t i = 0; i < ARRAY_LEN(writes); i++)
		if (ports_write(&p, writes[i].port, writes[i].size, writes[i].value) !=
		    writes[i].request)
			fail_msg("row %zu", i);
	assert_int_equal(ports_read(&p, 0x604, 2) & 1, 1);
}

static void an_empty_bus_reads_as_ones(void **state)
{
	struct ports p;

	(void)state;
	ports_init(&p, -1, -1);
	for (uint32_t port = 0; port <= 0xffff; port++) {
		(void)ports_write(&p, (uint16_t)port, 4, 0);
		(void)ports_read(&p, (uint16_t)port, 4);
	}
	assert_int_equal(ports_read(&p, 0x3e8, 1), 0xff);
	assert_int_equal(ports_read(&p, 0xcfc, 2), 0xffff);
	assert_int_equal(ports_read(&p, 0xcfc, 4), 0xffffffff);
}

/* The kernel polls bit 7 of register A for a second if it is set. */
static void the_clock_is_in_bcd_and_not_being_updated(void **state)
{
	struct ports p;

	(void)state;
	ports_init(&p, -1, -1);
	(void)ports_write(&p, 0x70, 1, 0x8a);
	assert_int_equal(ports_read(&p, 0x71, 1), 0x26);
	(void)ports_write(&p, 0x70, 1, 0x32);
	assert_int_equal(ports_read(&p, 0x71, 1), 0x20);
	for (unsigned i = 0; i < 10; i++) {
		(void)ports_write(&p, 0x70, 1, i);
		assert_true((ports_read(&p, 0x71, 1) & 0xf) < 10);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_vmlinux_is_loaded_at_its_physical_addresses),
		TEST(a_cut_vmlinux_is_refused_anywhere),
		TEST(impossible_segments_are_refused),
		TEST(a_kernel_without_the_note_is_refused),
		TEST(the_start_information_is_golden),
		TEST(a_bzimage_is_loaded_where_it_prefers),
		TEST(impossible_bzimages_are_refused),
		TEST(every_table_is_found_and_adds_up),
		TEST(too_many_processors_are_refused),
		TEST(the_serial_port_prints_and_interrupts),
		TEST(the_second_serial_port_sends_and_receives),
		TEST(a_serial_port_that_is_not_read_holds_a_byte),
		TEST(the_machine_is_switched_off_and_reset_by_ports),
		TEST(an_empty_bus_reads_as_ones),
		TEST(the_clock_is_in_bcd_and_not_being_updated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
