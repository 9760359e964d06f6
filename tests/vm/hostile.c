/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest of one file that means no good: it boots as a bzImage does, finds "hostile=WORD" on its
 * command line, breaks that kind of rule, says what came of it on the serial port and switches
 * itself off. It stands on nothing: no library, no interrupts, no second processor. An exception is
 * a triple fault.
 */
#include <stddef.h>
#include <stdint.h>

/* The boot sector that the loader looks at, then the 64-bit entry (boot.rst): a stack, and C. */
__asm__(".section .setup, \"ax\"\n"
	".org 0x1f1\n.byte 1\n"                 /* one more sector of set-up */
	".org 0x201\n.byte 0x6a\n"              /* where the header ends */
	".ascii \"HdrS\"\n.word 0x020f\n"       /* protocol 2.15 */
	".org 0x236\n.word 1\n"                 /* there is a 64-bit entry */
	".org 0x258\n.quad 0x1000000\n"         /* where it wants to be */
	".long 0x400000\n"                      /* how much it needs */
	".org 0x600\n"                          /* the entry: 0x200 behind the two sectors */
	"cli\n"
	"lea 0x300000(%rip), %rsp\n"
	"and $-16, %rsp\n"
	"mov %rsi, %rdi\n"
	"call guest_main\n"
	".previous\n");

#define PAGE 4096u
#define MSR_OS_ID 0x40000000u
#define MSR_HYPERCALL 0x40000001u
#define MSR_TIME 0x40000020u /* in 100 ns */
#define PATIENCE UINT64_C(50000000)
#define MSR_SCONTROL 0x40000080u
#define MSR_SIEFP 0x40000082u
#define MSR_SIMP 0x40000083u
#define MSR_EOM 0x40000084u

/* Pages of ours, anywhere in the first 64 MiB. */
#define CODE ((uint8_t *)0x2000000)
#define INPUT ((uint8_t *)0x2001000)
#define MESSAGES ((uint8_t *)0x2002000)
#define EVENTS ((uint8_t *)0x2003000)
#define RINGS ((uint8_t *)0x2010000)

#define HEARTBEAT 2u /* relids go by the order of the offers */
#define PAGES_LIST 0xe1e10u

void guest_main(const uint8_t *params);

static void out8(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static void say(const char *text)
{
	for (; *text; text++)
		out8(0x3f8, (uint8_t)*text);
}

static void say_number(const char *text, uint64_t n)
{
	char digits[21];
	size_t i = sizeof(digits);

	digits[--i] = '\0';
	do
		digits[--i] = (char)('0' + n % 10);
	while (n /= 10);
	say(text);
	say(digits + i);
	say("\n");
}

static void __attribute__((noreturn)) switch_off(void)
{
	__asm__ volatile("outw %0, %1" : : "a"((uint16_t)0x3401), "Nd"((uint16_t)0x604));
	for (;;)
		;
}

static void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

static uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return low | (uint64_t)high << 32;
}

static uint64_t hypercall(uint64_t input, uint64_t first, uint64_t second)
{
	register uint64_t r8 __asm__("r8") = second;
	uint64_t status;

	__asm__ volatile("call *%4"
			 : "=a"(status), "+c"(input), "+d"(first), "+r"(r8)
			 : "r"(CODE)
			 : "memory", "r9", "r10", "r11", "cc");
	return status & 0xffff;
}

static uint64_t post_at(uint32_t connection, const uint32_t *word, size_t n, uint32_t len)
{
	uint32_t *to = (uint32_t *)INPUT;

	to[0] = connection;
	to[1] = 0;
	to[2] = 1;
	to[3] = len;
	for (size_t i = 0; i < n; i++)
		to[4 + i] = word[i];
	return hypercall(0x5c, (uint64_t)(uintptr_t)INPUT, 0);
}

/* Frees the message slot, so that the next can come; whether there was one. */
static int take_message(void)
{
	volatile uint32_t *type = (volatile uint32_t *)(MESSAGES + 0x200);

	if (!*type)
		return 0;
	*type = 0;
	wrmsr(MSR_EOM, 0);
	return 1;
}

/* Posts as a kernel does: again while the host has no buffer, taking what it says meanwhile. */
static uint64_t post(const uint32_t *word, size_t n)
{
	uint64_t status = post_at(1, word, n, (uint32_t)n * 4);

	while (status == 19) {
		(void)take_message();
		status = post_at(1, word, n, (uint32_t)n * 4);
	}
	return status;
}

#define POST(...)                                       \
	post((const uint32_t[]){ __VA_ARGS__ },         \
	     sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

/* Waits for so many messages of the host, and not for ever; how many came. */
static unsigned take(unsigned most)
{
	uint64_t end = rdmsr(MSR_TIME) + PATIENCE;
	unsigned n = 0;

	while (n < most && rdmsr(MSR_TIME) < end)
		n += (unsigned)take_message();
	return n;
}

static void switch_on(void)
{
	wrmsr(MSR_OS_ID, UINT64_C(0x8100000000000001));
	wrmsr(MSR_HYPERCALL, (uint64_t)(uintptr_t)CODE | 1);
	wrmsr(MSR_SIMP, (uint64_t)(uintptr_t)MESSAGES | 1);
	wrmsr(MSR_SIEFP, (uint64_t)(uintptr_t)EVENTS | 1);
	wrmsr(MSR_SCONTROL, 1);
}

static void join(void)
{
	(void)POST(14, 0, 0x40000, 0, 2, 0, 0, 0, 0, 0);
	(void)POST(3, 0);
	/* The version, six offers and their end. */
	say(take(8) == 8 ? "hostile: joined\n" : "hostile: not joined\n");
}

/* Eight pages at RINGS, or elsewhere, and the heartbeat's channel on them. */
static void open_heartbeat(uint32_t page)
{
	uint32_t word[8 + 16] = { 8, 0, HEARTBEAT, PAGES_LIST, 72 | 1u << 16, 8 * PAGE, 0 };

	for (uint32_t i = 0; i < 8; i++) {
		word[7 + 2 * i] = page + i;
		word[8 + 2 * i] = 0;
	}
	for (size_t i = 0; i < 8 * (size_t)PAGE; i++)
		RINGS[i] = 0;
	(void)post(word, 23);
	(void)POST(5, 0, HEARTBEAT, 1, PAGES_LIST, 0, 4);
	(void)take(2);
}

static void signal_heartbeat(void)
{
	(void)hypercall(0x5d | 1u << 16, 0x2000 + HEARTBEAT, 0);
}

/* --- the kinds of malice --- */

static void calls(void)
{
	static const uint64_t bad[][3] = {
		{ 0, 0, 0 },           { 1, 0, 0 },           { 0x5c, ~UINT64_C(7), 0 },
		{ 0x5c, 3, 0 },        { 0x5c, 0xfff8, 0 },   { 0x5d, ~UINT64_C(7), 0 },
		{ 0x1005d, 77, 0 },    { 0x1005d, ~UINT64_C(0), 0 },
		{ 0x8001, 0, 0 },      { 0xffff, 0, 0 },      { ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0) },
		{ 0x5c, UINT64_C(1) << 40, 0 }, { 0x5c, 0x10000000 - 8, 0 },
	};
	uint64_t refused = 0;

	switch_on();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused += hypercall(bad[i][0], bad[i][1], bad[i][2]) != 0;
	refused += post_at(77, NULL, 0, 8) != 0;
	refused += post_at(1, NULL, 0, 241) != 0;
	refused += post_at(1, NULL, 0, 0xffffffff) != 0;
	say_number("hostile: calls refused: ", refused);
}

/* Any message, in any order, of any length, with numbers that are likely to mean something. */
static void messages(void)
{
	static const uint32_t likely[] = { 0, 1, 2, 3, 4, 6, 8, 72 | 1u << 16, PAGES_LIST, 8 * PAGE,
					   0x2010, 0x40000, 0xffffffff, 0x80000000, PAGE };
	uint64_t seed = 1, n = 0;

	switch_on();
	for (unsigned i = 0; i < 4000; i++) {
		uint32_t word[60];
		size_t len;

		for (size_t k = 0; k < 60; k++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
			word[k] = likely[(seed >> 33) % (sizeof(likely) / sizeof(likely[0]))];
		}
		word[0] = (uint32_t)(seed >> 40) % 26;
		len = (seed >> 50) % 60;
		n += post(word, len) == 0;
	}
	say_number("hostile: messages taken: ", n);
	join();
}

/* Asks and asks, and never listens. */
#define DEAF 2000u

static void deaf(void)
{
	const uint32_t ask[] = { 11, 0, 1, 4711 };
	uint64_t refused = 0;

	switch_on();
	join();
	for (unsigned i = 0; i < DEAF; i++)
		refused += post_at(1, ask, 4, sizeof(ask)) == 19;
	say(refused ? "hostile: refused buffers\n" : "hostile: never refused\n");
	say_number("hostile: answers that are missing: ",
		   DEAF - refused - take((unsigned)(DEAF - refused)));
}

static void pages(void)
{
	switch_on();
	join();
	open_heartbeat(0xfffff);      /* 4 GiB less a page */
	open_heartbeat(0x10000 - 4);  /* half inside, of 256 MiB */
	wrmsr(MSR_SIMP, UINT64_C(0xffffffffff000) | 1);
	(void)POST(3, 0);
	wrmsr(MSR_SIMP, UINT64_C(0x10000000) | 1);
	(void)POST(3, 0);
	say("hostile: pages done\n");
}

/* Every word of both ring headers, and of the first packet's, as it must not be. */
static void rings(void)
{
	static const uint32_t wild[] = { 1, 12288, 12289, 0xfffffff1, 0x80000000, 12280 };

	switch_on();
	join();
	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++)
		for (size_t at = 0; at < 20; at += 4) {
			open_heartbeat((uint32_t)((uintptr_t)RINGS / PAGE));
			*(volatile uint32_t *)(RINGS + at) = wild[i];
			*(volatile uint32_t *)(RINGS + 4 * PAGE + at) = wild[i];
			*(volatile uint32_t *)(RINGS + PAGE) = wild[i];
			*(volatile uint32_t *)(RINGS + PAGE + 4) = wild[i];
			signal_heartbeat();
			(void)POST(7, 0, HEARTBEAT);
			(void)POST(11, 0, HEARTBEAT, PAGES_LIST);
			(void)take(1);
		}
	say("hostile: rings done\n");
}

static void fault(void)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0 };

	__asm__ volatile("lidt %0; int3" : : "m"(none));
}

static void spin(void)
{
	for (;;)
		;
}

static void halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

static const struct {
	char word[12];
	uint8_t number;
} kinds[] = {
	{ "calls", 0 }, { "messages", 1 }, { "deaf", 2 }, { "pages", 3 },
	{ "rings", 4 }, { "fault", 5 },    { "spin", 6 }, { "halt", 7 },
};

/* Not by a table of functions: nobody relocates this program. */
static void run(uint8_t number)
{
	switch (number) {
	case 0:
		calls();
		break;
	case 1:
		messages();
		break;
	case 2:
		deaf();
		break;
	case 3:
		pages();
		break;
	case 4:
		rings();
		break;
	case 5:
		fault();
		break;
	case 6:
		spin();
		break;
	default:
		halt();
	}
}

static int starts_with(const char *text, const char *word)
{
	while (*word && *text == *word) {
		text++;
		word++;
	}
	return !*word;
}

void guest_main(const uint8_t *params)
{
	const char *at = (const char *)(uintptr_t) * (const uint32_t *)(params + 0x228);

	for (; *at; at++)
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (starts_with(at, "hostile=") && starts_with(at + 8, kinds[i].word))
				run(kinds[i].number);
	say("hostile: still here\n");
	switch_off();
}
