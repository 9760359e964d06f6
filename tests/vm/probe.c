/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * probe: run in the sandbox of vmicd.service in place of vmicd, it tries what that denies, and some of what vmicd
 * needs. Prints a line for each that is otherwise than it should be, and ends with how many of them there are.
 * probe i386: makes a call of another architecture.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "hv_util/base.h"

#define PAGE 4096

/* What calls point to. */
static char page[PAGE] __attribute__((aligned(PAGE)));
static const struct timex no_change = { .modes = ADJ_FREQUENCY };
static const struct timespec long_ago = { .tv_sec = 1 };
static const struct sched_param urgent = { .sched_priority = 1 };
static const gid_t root_group = 0;
static const char *const shell[] = { "/bin/sh", NULL };

#define P(pointer) ((intptr_t)(pointer))
#define READ(path) SYS_openat, { AT_FDCWD, P(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK }
#define WRITE(path) SYS_openat, { AT_FDCWD, P(path), O_WRONLY | O_CLOEXEC | O_NONBLOCK }
#define MAKE(path) SYS_openat, { AT_FDCWD, P(path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600 }
#define SOCKET(family, type) SYS_socket, { family, (type) | SOCK_CLOEXEC }
/* Arguments that are refused anyway, for another reason */
#define CALL(name) SYS_##name, { -1, 0, 0, 0, 0, 0 }

/* What must come of a call: one of these, or 0 for what must be possible. */
#define NOT_ALLOWED { EPERM }
#define READ_ONLY { EROFS, EACCES }
#define NO_ACCESS { EACCES, EPERM, ENOENT }
#define NO_FILE { ENOENT }
#define NO_FAMILY { EAFNOSUPPORT }
#define POSSIBLE { 0 }

static const struct {
	const char *what;
	long number;
	intptr_t arguments[6];
	int wanted[3];
} tries[] = {
	{ "write a file of the system's", WRITE("/etc/passwd"), READ_ONLY },
	{ "make a file of the system's", MAKE("/etc/probe"), READ_ONLY },
	{ "make a program", MAKE("/usr/bin/probe"), READ_ONLY },
	{ "make a unit", MAKE("/run/systemd/probe.service"), READ_ONLY },
	{ "write the configuration", WRITE("/etc/vmicd/vmicd.conf"), READ_ONLY },
	{ "make a file beside the pools", MAKE("/var/lib/hyperv/probe"), READ_ONLY },
	{ "let others run as this user",
		SYS_openat, { AT_FDCWD, P("/run/vmicd/request/probe"), O_WRONLY | O_CREAT | O_CLOEXEC, 04755 }, NOT_ALLOWED },
	{ "make a file in /tmp", MAKE("/tmp/probe"), READ_ONLY },
	{ "make a file in /var/tmp", MAKE("/var/tmp/probe"), READ_ONLY },
	{ "make a file in /dev/shm", MAKE("/dev/shm/probe"), READ_ONLY },
	{ "look into /root", READ("/root"), { EACCES } },
	{ "look into /home", READ("/home/probe"), { EACCES } },
	{ "read the passwords", READ("/etc/shadow"), { EACCES } },

	{ "read the machine's memory", READ("/dev/mem"), NO_ACCESS },
	{ "write the kernel's log", WRITE("/dev/kmsg"), NO_ACCESS },
	{ "open a terminal", WRITE("/dev/ttyS0"), NO_ACCESS },
	{ "open a device of loops", READ("/dev/loop-control"), NO_ACCESS },
	{ "open the hardware's clock", READ("/dev/rtc0"), NO_ACCESS },
	{ "open the channel of file copy", WRITE("/dev/uio0"), NO_ACCESS },
	{ "make a device", SYS_mknodat, { AT_FDCWD, P("/run/probe"), S_IFCHR | 0600, 0x103 }, NO_ACCESS },
	{ "set the kernel", WRITE("/proc/sys/kernel/panic"), NO_FILE },
	{ "ask the kernel for keys", WRITE("/proc/sysrq-trigger"), NO_FILE },
	{ "write to sysfs", WRITE("/sys/bus/vmbus/drivers_probe"), READ_ONLY },
	{ "make a control group", SYS_mkdirat, { AT_FDCWD, P("/sys/fs/cgroup/probe"), 0700 }, { EROFS, EACCES, EPERM } },
	{ "see the first process", READ("/proc/1/status"), NO_FILE },
	{ "see the machine's memory", READ("/proc/meminfo"), NO_FILE },

	{ "use the Internet", SOCKET(AF_INET, SOCK_STREAM), NO_FAMILY },
	{ "use IPv6", SOCKET(AF_INET6, SOCK_DGRAM), NO_FAMILY },
	{ "send raw packets", SOCKET(AF_PACKET, SOCK_RAW), NO_FAMILY },
	{ "talk to the hypervisor", SOCKET(AF_VSOCK, SOCK_STREAM), NO_FAMILY },
	{ "use the kernel's ciphers", SOCKET(AF_ALG, SOCK_SEQPACKET), NO_FAMILY },

	{ "map memory to write and run", SYS_mmap, { 0, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 }, NOT_ALLOWED },
	{ "run what was written", SYS_mprotect, { P(page), PAGE, PROT_READ | PROT_EXEC }, NOT_ALLOWED },

	{ "set the clock", SYS_clock_settime, { CLOCK_REALTIME, P(&long_ago) }, NOT_ALLOWED },
	{ "adjust the clock", SYS_adjtimex, { P(&no_change) }, NOT_ALLOWED },
	{ "name the host", SYS_sethostname, { P("probe"), 5 }, NOT_ALLOWED },
	{ "reboot", SYS_reboot, { (int)0xfee1dead, 672274793, RB_DISABLE_CAD, 0 }, NOT_ALLOWED },
	{ "load a module", CALL(finit_module), NOT_ALLOWED },
	{ "load a kernel", CALL(kexec_load), NOT_ALLOWED },
	{ "load a filter", CALL(bpf), NOT_ALLOWED },
	{ "watch the machine", CALL(perf_event_open), NOT_ALLOWED },
	{ "read the kernel's log", CALL(syslog), NOT_ALLOWED },
	{ "mount", SYS_mount, { P("none"), P("/"), P("tmpfs"), 0, 0 }, NOT_ALLOWED },
	{ "unmount", SYS_umount2, { P("/proc"), 0 }, NOT_ALLOWED },
	{ "change the root", SYS_chroot, { P("/") }, NOT_ALLOWED },
	{ "swap", CALL(swapon), NOT_ALLOWED },
	{ "use keys", CALL(keyctl), NOT_ALLOWED },
	{ "use rings of calls", CALL(io_uring_setup), NOT_ALLOWED },
	{ "take page faults", CALL(userfaultfd), NOT_ALLOWED },
	{ "change the personality", SYS_personality, { 0x0400000 /* READ_IMPLIES_EXEC */ }, NOT_ALLOWED },
	{ "make a user name space", SYS_unshare, { CLONE_NEWUSER }, NOT_ALLOWED },
	{ "make a mount name space", SYS_unshare, { CLONE_NEWNS }, NOT_ALLOWED },

	{ "be urgent", SYS_sched_setscheduler, { 0, SCHED_FIFO, P(&urgent) }, NOT_ALLOWED },
	{ "trace the first process", SYS_ptrace, { PTRACE_SEIZE, 1, 0, 0 }, NOT_ALLOWED },
	{ "signal the first process", SYS_kill, { 1, 0 }, NOT_ALLOWED },
	{ "make a process in a user name space", SYS_clone, { CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0 }, NOT_ALLOWED },
	{ "make a process in a network of its own", SYS_clone, { CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0 }, NOT_ALLOWED },
	{ "make a process in ways that no filter sees", CALL(clone3), { ENOSYS } },
	{ "be root", SYS_setuid, { 0 }, NOT_ALLOWED },
	{ "join root's group", SYS_setgroups, { 1, P(&root_group) }, NOT_ALLOWED },

	{ "read the system's name", READ("/etc/os-release"), POSSIBLE },
	{ "read the configuration", READ("/etc/vmicd/vmicd.conf"), POSSIBLE },
	{ "find devices", READ("/sys/bus/vmbus/devices"), POSSIBLE },
	{ "write a pool", WRITE("/var/lib/hyperv/.kvp_pool_1"), POSSIBLE },
	{ "open the channel of heartbeats", WRITE("/dev/uio1"), POSSIBLE },
	{ "talk to the bus", SOCKET(AF_UNIX, SOCK_STREAM), POSSIBLE },
	{ "ask for addresses", SOCKET(AF_NETLINK, SOCK_RAW), POSSIBLE },

	/* The last: whoever can does not come back. */
	{ "run a shell", SYS_execve, { P("/bin/sh"), P(shell), 0 }, NO_ACCESS },
};

/* Lines of /proc/self/status, before each of which a line ends. */
static const char *const rights[] = {
	"\nCapEff:\t0000000000000000\n", "\nCapPrm:\t0000000000000000\n", "\nCapBnd:\t0000000000000000\n",
	"\nCapAmb:\t0000000000000000\n", "\nNoNewPrivs:\t1\n",
};

static bool is_wanted(const int *wanted, int is)
{
	if (is == 0)
		return wanted[0] == 0;
	for (size_t i = 0; i < ARRAY_LEN(tries[0].wanted); i++)
		if (wanted[i] == is)
			return true;
	return false;
}

static int try_calls(void)
{
	int wrong = 0;

	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		const intptr_t *a = tries[i].arguments;
		long r = syscall(tries[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);
		int is = r < 0 ? errno : 0;

		if (is_wanted(tries[i].wanted, is))
			continue;
		printf("probe: %s: %s\n", tries[i].what, is ? strerrorname_np(is) : "possible");
		wrong++;
	}
	return wrong;
}

static int look_at_rights(void)
{
	char text[PAGE] = "";
	int wrong = 0;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(rights); i++)
		if (!strstr(text, rights[i])) {
			printf("probe: not %s", rights[i] + 1);
			wrong++;
		}
	return wrong;
}

/* TasksMax=4 in the unit, this one included. */
#define PROCESSES_MAX 3

/* Whether there is an end to them. */
static int make_processes(void)
{
	int n = 0;
	pid_t pid;

	while (n <= PROCESSES_MAX && (pid = fork()) >= 0) {
		if (pid == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			(void)pause();
			_exit(0);
		}
		n++;
	}
	if (n == PROCESSES_MAX)
		return 0;
	printf("probe: %d processes can be made\n", n);
	return 1;
}

static void call_i386(void)
{
#ifdef __x86_64__
	int r = 20; /* getpid */

	__asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
	printf("probe: a call of another architecture is answered: %d\n", r);
#endif
}

int main(int argc, char *argv[])
{
	int wrong;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && strcmp(argv[1], "i386") == 0) {
		call_i386();
		return 0;
	}
	wrong = make_processes() + look_at_rights() + try_calls();
	printf("probe: %zu tried, %d wrong\n", 1 + ARRAY_LEN(tries) + ARRAY_LEN(rights), wrong);
	return wrong > 0;
}
