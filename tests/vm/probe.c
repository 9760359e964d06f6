/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * probe: run in the sandbox of vmicd.service in place of vmicd, it tries what that denies, and some of what vmicd
 * needs. probe WAY prints a line for each that is otherwise than it should be, and ends with how many of them there are.
 * What denies something must show by itself: the answer of one layer could be that of another, or of a mode. So it is run
 * in several ways. probe i386: makes a call of another architecture.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
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

/* How it is run: as the unit is shipped; with another SystemCallErrorNumber=, which nothing else gives; as root with all
 * capabilities, whom no mode of a file and no missing capability stops. */
enum way { SHIPPED = 0, FILTER, ROOT, WAYS };
static const char *const way_names[] = { [SHIPPED] = "shipped", [FILTER] = "filter", [ROOT] = "root" };

/* What must come of a call in each way: one of these, 0 for what must be possible, or nothing at all. What stops it
 * shows in one of the ways by itself. */
struct wanted {
	int of[WAYS][3];
};
#define NOT_TRIED { -1 }
#define POSSIBLE { { { 0 }, { 0 }, { 0 } } }
/* SystemCallFilter= */
#define BY_FILTER { { { EPERM }, { ENOANO }, NOT_TRIED } }
/* RestrictNamespaces= and the like are filters, too, with an answer of their own. */
#define BY(error) { { { error }, { error }, { error } } }
/* ProtectSystem= and the like, and InaccessiblePaths= of directories */
#define BY_MOUNT { { { EROFS, EACCES }, { EROFS, EACCES }, { EROFS } } }
/* ProtectHome= and InaccessiblePaths= of a directory, in which root finds nothing */
#define BY_HIDING { { { EACCES }, { EACCES }, { ENOENT } } }
/* Nothing else than its owner and mode; where it is nothing root's, root would find it open. */
#define BY_MODE { { { EACCES, ENOENT }, { EACCES, ENOENT }, NOT_TRIED } }
/* DevicePolicy=; without modes only that. */
#define BY_POLICY { { { EACCES, EPERM }, { EACCES, EPERM }, { EPERM } } }
/* InaccessiblePaths= and the like of a node: another one is there, on a mount that has no devices. */
#define BY_COVER { { { EACCES }, { EACCES }, { EACCES } } }
#define BY_COVER_IF_THERE { { { EACCES, ENOENT }, { EACCES, ENOENT }, { EACCES, ENOENT } } }
/* As BY_POLICY, where there is such a device */
#define BY_POLICY_IF_THERE { { { EACCES, EPERM, ENOENT }, { EACCES, EPERM, ENOENT }, { EPERM, ENOENT } } }

static const struct {
	const char *what;
	long number;
	intptr_t arguments[6];
	struct wanted wanted;
} tries[] = {
	{ "write a file of the system's", WRITE("/etc/passwd"), BY_MOUNT },
	{ "make a file of the system's", MAKE("/etc/probe"), BY_MOUNT },
	{ "make a program", MAKE("/usr/bin/probe"), BY_MOUNT },
	{ "make a unit", MAKE("/run/systemd/probe.service"), BY_MOUNT },
	{ "write the configuration", WRITE("/etc/vmicd/vmicd.conf"), BY_MOUNT },
	{ "make a file in /tmp", MAKE("/tmp/probe"), BY_MOUNT },
	{ "make a file in /var/tmp", MAKE("/var/tmp/probe"), BY_MOUNT },
	{ "make a file in /run/lock", MAKE("/run/lock/probe"), BY_MOUNT },
	{ "make a file in /dev/shm", MAKE("/dev/shm/probe"), BY_MOUNT },
	{ "write to sysfs", WRITE("/sys/bus/vmbus/drivers_probe"), BY_MOUNT },
	{ "enter another control group", WRITE("/sys/fs/cgroup/cgroup.procs"), BY_MOUNT },
	{ "read what is root's", READ("/root/probe"), BY_HIDING },
	{ "read what is a user's", READ("/home/probe/file"), BY_HIDING },
	{ "read what is in /tmp", READ("/tmp/probe"), BY_HIDING },
	{ "make a file beside the pools", MAKE("/var/lib/hyperv/probe"), { { { EACCES }, { EACCES }, NOT_TRIED } } },
	{ "read the passwords", READ("/etc/shadow"), BY_MODE },

	{ "read the machine's memory", READ("/dev/mem"), BY_POLICY_IF_THERE },
	{ "write the kernel's log", WRITE("/dev/kmsg"), BY_COVER },
	{ "open a terminal", WRITE("/dev/ttyS0"), BY_POLICY },
	{ "set the hardware's clock", WRITE("/dev/rtc0"), BY_POLICY_IF_THERE },
	{ "open a file system of its own", WRITE("/dev/fuse"), BY_COVER_IF_THERE },
	{ "open a machine of its own", WRITE("/dev/kvm"), BY_COVER_IF_THERE },
	{ "open a network of its own", WRITE("/dev/net/tun"),
		{ { { EACCES, ENOENT }, { EACCES, ENOENT }, { ENOENT } } } },
	{ "open a device of loops", READ("/dev/loop-control"), BY_MODE },
	{ "open the channel of file copy", WRITE("/dev/uio0"), BY_MODE },
	{ "open that of snapshots", WRITE("/dev/vmbus/hv_vss"), BY_MODE },
	{ "set the kernel", WRITE("/proc/sys/kernel/panic"), BY(ENOENT) },
	{ "ask the kernel for keys", WRITE("/proc/sysrq-trigger"), BY(ENOENT) },
	{ "see the machine's memory", READ("/proc/meminfo"), BY(ENOENT) },
	{ "see the first process", READ("/proc/1/status"), { { { ENOENT }, { ENOENT }, NOT_TRIED } } },

	{ "use the Internet", SOCKET(AF_INET, SOCK_STREAM), BY(EAFNOSUPPORT) },
	{ "use IPv6", SOCKET(AF_INET6, SOCK_DGRAM), BY(EAFNOSUPPORT) },
	{ "send raw packets", SOCKET(AF_PACKET, SOCK_RAW), BY(EAFNOSUPPORT) },
	{ "talk to the hypervisor", SOCKET(AF_VSOCK, SOCK_STREAM), BY(EAFNOSUPPORT) },
	{ "use the kernel's ciphers", SOCKET(AF_ALG, SOCK_SEQPACKET), BY(EAFNOSUPPORT) },

	{ "map memory to write and run", SYS_mmap, { 0, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 }, BY(EPERM) },
	{ "run what was written", SYS_mprotect, { P(page), PAGE, PROT_READ | PROT_EXEC }, BY(EPERM) },
	{ "make a process in a user name space", SYS_clone, { CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0 }, BY(EPERM) },
	{ "make a process in a network of its own", SYS_clone, { CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0 }, BY(EPERM) },
	{ "make a process in ways that no filter sees", CALL(clone3), BY(ENOSYS) },
	{ "let others run as this user", SYS_openat, { AT_FDCWD, P("/run/vmicd/request/probe"),
		O_WRONLY | O_CREAT | O_CLOEXEC, 04755 }, BY(EPERM) },

	{ "set the clock", SYS_clock_settime, { CLOCK_REALTIME, P(&long_ago) }, BY_FILTER },
	{ "adjust the clock", SYS_adjtimex, { P(&no_change) }, BY_FILTER },
	{ "name the host", SYS_sethostname, { P("probe"), 5 }, BY_FILTER },
	{ "reboot", SYS_reboot, { (int)0xfee1dead, 672274793, RB_DISABLE_CAD, 0 }, BY_FILTER },
	{ "load a module", CALL(finit_module), BY_FILTER },
	{ "load a kernel", CALL(kexec_load), BY_FILTER },
	{ "load a filter", CALL(bpf), BY_FILTER },
	{ "watch the machine", CALL(perf_event_open), BY_FILTER },
	{ "read the kernel's log", CALL(syslog), BY_FILTER },
	{ "make a device", SYS_mknodat, { AT_FDCWD, P("/run/probe"), S_IFCHR | 0600, 0x103 }, BY_FILTER },
	{ "command a device", CALL(ioctl), BY_FILTER },
	{ "make a control group", SYS_mkdirat, { AT_FDCWD, P("/sys/fs/cgroup/probe"), 0700 }, BY_FILTER },
	{ "mount", SYS_mount, { P("none"), P("/"), P("tmpfs"), 0, 0 }, BY_FILTER },
	{ "unmount", SYS_umount2, { P("/proc"), 0 }, BY_FILTER },
	{ "change the root", SYS_chroot, { P("/") }, BY_FILTER },
	{ "swap", CALL(swapon), BY_FILTER },
	{ "use keys", CALL(keyctl), BY_FILTER },
	{ "use rings of calls", CALL(io_uring_setup), BY_FILTER },
	{ "take page faults", CALL(userfaultfd), BY_FILTER },
	{ "share memory", SYS_shmget, { IPC_PRIVATE, PAGE, IPC_CREAT | 0600 }, BY_FILTER },
	{ "share a queue", SYS_mq_open, { P("probe"), O_RDWR | O_CREAT, 0600, 0 }, BY_FILTER },
	{ "share a queue of another kind", SYS_msgget, { IPC_PRIVATE, IPC_CREAT | 0600 }, BY_FILTER },
	{ "share a semaphore", SYS_semget, { IPC_PRIVATE, 1, IPC_CREAT | 0600 }, BY_FILTER },
	{ "change the personality", SYS_personality, { 0x0400000 /* READ_IMPLIES_EXEC */ }, BY_FILTER },
	{ "make a user name space", SYS_unshare, { CLONE_NEWUSER }, BY_FILTER },
	{ "make a mount name space", SYS_unshare, { CLONE_NEWNS }, BY_FILTER },
	{ "enter a name space", CALL(setns), BY_FILTER },
	{ "be urgent", SYS_sched_setscheduler, { 0, SCHED_FIFO, P(&urgent) }, BY_FILTER },
	{ "trace the first process", SYS_ptrace, { PTRACE_SEIZE, 1, 0, 0 }, BY_FILTER },
	{ "read its memory", CALL(process_vm_readv), BY_FILTER },
	{ "signal the first process", SYS_kill, { 1, 0 }, BY_FILTER },
	{ "be root", SYS_setuid, { 0 }, BY_FILTER },
	{ "join root's group", SYS_setgroups, { 1, P(&root_group) }, BY_FILTER },

	{ "read the system's name", READ("/etc/os-release"), POSSIBLE },
	{ "read the configuration", READ("/etc/vmicd/vmicd.conf"), POSSIBLE },
	{ "find devices", READ("/sys/bus/vmbus/devices"), POSSIBLE },
	{ "write a pool", WRITE("/var/lib/hyperv/.kvp_pool_1"), POSSIBLE },
	{ "open the channel of heartbeats", WRITE("/dev/uio1"), POSSIBLE },
	{ "talk to the bus", SOCKET(AF_UNIX, SOCK_STREAM), POSSIBLE },
	{ "ask for addresses", SOCKET(AF_NETLINK, SOCK_RAW), POSSIBLE },

	/* The last: whoever can does not come back. */
	{ "run a shell", SYS_execve, { P("/bin/sh"), P(shell), 0 }, BY(EACCES) },
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
	for (size_t i = 0; i < ARRAY_LEN(tries[0].wanted.of[0]); i++)
		if (wanted[i] == is)
			return true;
	return false;
}

/* How many were otherwise than they should be. */
static int try_calls(enum way way, unsigned *tried)
{
	int wrong = 0;

	for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
		const intptr_t *a = tries[i].arguments;
		const int *wanted = tries[i].wanted.of[way];
		long r;
		int is;

		if (wanted[0] < 0)
			continue;
		r = syscall(tries[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);
		is = r < 0 ? errno : 0;
		++*tried;
		if (is_wanted(wanted, is))
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

/* TasksMax=8 in the unit, this one included. */
#define PROCESSES_MAX 7

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

static int probe(enum way way)
{
	unsigned tried = 1;
	int wrong = make_processes();

	if (way != ROOT) {
		wrong += look_at_rights();
		tried += ARRAY_LEN(rights);
	}
	wrong += try_calls(way, &tried);
	printf("probe: %s: %u tried, %d wrong\n", way_names[way], tried, wrong);
	return wrong > 0;
}

int main(int argc, char *argv[])
{
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && strcmp(argv[1], "i386") == 0) {
		call_i386();
		return 0;
	}
	for (enum way way = 0; way < WAYS; way++)
		if (argc > 1 && strcmp(argv[1], way_names[way]) == 0)
			return probe(way);
	printf("probe: in which way?\n");
	return 2;
}
