/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/kvm/vcpu.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Gets a thread out of KVM_RUN. */
#define KICK_SIGNAL SIGUSR2
#define KICK_AGAIN_NS 1000000

#define MSR_CRASH_P0 0x40000100u
#define CRASH_NUMBERS 5

#define EFER_LONG_MODE 0x500u
#define CR0_PROTECTED 0x11u
#define CR0_PAGING 0x80000000u
#define CR4_PAE 0x20u
#define FLAG_INTERRUPTS 0x200u

/* The local APIC's registers (Intel SDM, table "Local APIC Register Address Map") */
#define APIC_SERVED 0x100u
#define APIC_REQUESTED 0x200u
#define APIC_WORD 16u

struct vcpu {
	int fd;
	unsigned index;
	struct kvm_run *run;
	size_t run_size;
	const struct vcpu_ops *ops;
	void *user;
	pthread_t thread;
	bool started;
	atomic_bool stopping, ended;
	atomic_bool outside; /* of the guest: the thread is at a device of ours, or in a hypercall */
	bool was_outside;    /* when it was to stop */
};

/* --- the ways out of KVM_RUN; each returns whether the processor goes on --- */

static bool fail(struct vcpu *v, const char *sentence)
{
	v->ops->failed(v->user, sentence);
	return false;
}

static bool on_port(struct vcpu *v)
{
	const struct kvm_run *run = v->run;
	uint8_t *data = (uint8_t *)v->run + run->io.data_offset;
	unsigned size = run->io.size;

	for (__u32 i = 0; i < run->io.count; i++, data += size) {
		uint32_t value = 0;

		if (run->io.direction == KVM_EXIT_IO_IN) {
			value = v->ops->read_port(v->user, run->io.port, size);
			memcpy(data, &value, size);
		} else {
			memcpy(&value, data, size);
			v->ops->write_port(v->user, run->io.port, size, value);
		}
	}
	return true;
}

/* Nothing is there: reads give ones, as on a bus without a device. */
static bool on_mmio(struct vcpu *v)
{
	if (!v->run->mmio.is_write)
		memset(v->run->mmio.data, 0xff, sizeof(v->run->mmio.data));
	return true;
}

static bool on_hyperv(struct vcpu *v)
{
	struct kvm_hyperv_exit *e = &v->run->hyperv;
	struct hypercall call;

	switch (e->type) {
	case KVM_EXIT_HYPERV_SYNIC:
		v->ops->set_synic(v->user, v->index, e->u.synic.control, e->u.synic.evt_page,
				  e->u.synic.msg_page);
		break;
	case KVM_EXIT_HYPERV_HCALL:
		call = (struct hypercall){ e->u.hcall.input,
					   { e->u.hcall.params[0], e->u.hcall.params[1] } };
		e->u.hcall.result = v->ops->hypercall(v->user, &call);
		break;
	default: /* the debugger's interface, which is not offered */
		break;
	}
	return true;
}

static void read_crash(const struct vcpu *v, uint64_t number[static CRASH_NUMBERS])
{
	struct { /* struct kvm_msrs with its entries */
		__u32 n, padding;
		struct kvm_msr_entry entry[CRASH_NUMBERS];
	} msrs = { .n = CRASH_NUMBERS };

	for (unsigned i = 0; i < CRASH_NUMBERS; i++)
		msrs.entry[i].index = MSR_CRASH_P0 + i;
	(void)ioctl(v->fd, KVM_GET_MSRS, &msrs);
	for (unsigned i = 0; i < CRASH_NUMBERS; i++)
		number[i] = msrs.entry[i].data;
}

static bool on_system_event(struct vcpu *v)
{
	uint64_t number[CRASH_NUMBERS];

	switch (v->run->system_event.type) {
	case KVM_SYSTEM_EVENT_CRASH:
		read_crash(v, number);
		v->ops->crashed(v->user, number);
		return true; /* it has yet to say farewell, and may dump its memory */
	case KVM_SYSTEM_EVENT_RESET:
		v->ops->reset(v->user);
		return true;
	default:
		return fail(v, "the guest asked for a system event that is not known");
	}
}

static bool on_triple_fault(struct vcpu *v)
{
	return fail(v, "the guest's processor met a triple fault");
}

static bool on_halt(struct vcpu *v)
{
	return fail(v, "the guest's processor halted for good");
}

static bool on_internal_error(struct vcpu *v)
{
	struct kvm_regs regs = { 0 };
	char sentence[128];

	(void)ioctl(v->fd, KVM_GET_REGS, &regs);
	(void)snprintf(sentence, sizeof(sentence),
		       "KVM cannot emulate the guest's instruction at 0x%llx", regs.rip);
	return fail(v, sentence);
}

static bool on_entry_failure(struct vcpu *v)
{
	return fail(v, "the processor refused the guest's state");
}

static const struct {
	__u32 reason;
	bool (*handle)(struct vcpu *v);
} exits[] = {
	{ KVM_EXIT_IO, on_port },
	{ KVM_EXIT_MMIO, on_mmio },
	{ KVM_EXIT_HYPERV, on_hyperv },
	{ KVM_EXIT_SYSTEM_EVENT, on_system_event },
	{ KVM_EXIT_SHUTDOWN, on_triple_fault },
	{ KVM_EXIT_HLT, on_halt },
	{ KVM_EXIT_INTERNAL_ERROR, on_internal_error },
	{ KVM_EXIT_FAIL_ENTRY, on_entry_failure },
};

static bool handle_exit(struct vcpu *v)
{
	char sentence[64];

	for (size_t i = 0; i < ARRAY_LEN(exits); i++)
		if (exits[i].reason == v->run->exit_reason)
			return exits[i].handle(v);
	(void)snprintf(sentence, sizeof(sentence), "KVM gave up for reason %u",
		       v->run->exit_reason);
	return fail(v, sentence);
}

static bool run_once(struct vcpu *v)
{
	char sentence[128];
	bool goes_on;

	if (ioctl(v->fd, KVM_RUN, 0) == 0) {
		atomic_store(&v->outside, true);
		goes_on = handle_exit(v);
		atomic_store(&v->outside, false);
		return goes_on;
	}
	if (errno == EINTR || errno == EAGAIN)
		return true;
	(void)snprintf(sentence, sizeof(sentence), "KVM cannot run the guest: %s",
		       strerror(errno));
	return fail(v, sentence);
}

static void *run_thread(void *argument)
{
	struct vcpu *v = argument;

	while (!atomic_load(&v->stopping) && run_once(v))
		;
	atomic_store(&v->ended, true);
	return NULL;
}

/* --- its first state --- */

static struct kvm_segment segment(unsigned selector, unsigned type, bool code_64)
{
	return (struct kvm_segment){
		.base = 0,
		.limit = UINT32_MAX,
		.selector = (__u16)selector,
		.type = (__u8)type,
		.present = 1,
		.db = !code_64,
		.l = code_64,
		.s = 1,
		.g = 1,
	};
}

static void set_long_mode(struct kvm_sregs *s, const struct boot_entry *entry)
{
	s->cr0 |= CR0_PAGING;
	s->cr3 = entry->page_tables;
	s->cr4 = CR4_PAE;
	s->efer = EFER_LONG_MODE;
	s->gdt.base = entry->segments;
	s->gdt.limit = LOADER_SEGMENTS_SIZE - 1;
}

int vcpu_set_entry(struct vcpu *v, const struct boot_entry *entry)
{
	bool is_long = entry->mode == BOOT_LONG;
	struct kvm_regs regs = { .rip = entry->address, .rflags = 2 };
	struct kvm_segment data = segment(0x18, 0x3, false);
	struct kvm_sregs s;

	if (ioctl(v->fd, KVM_GET_SREGS, &s) < 0)
		return -errno;
	s.cr0 = CR0_PROTECTED;
	s.cr4 = 0;
	s.efer = 0;
	s.cs = segment(0x10, 0xb, is_long);
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.tr = (struct kvm_segment){ .limit = 0x67, .type = 0xb, .present = 1 };
	if (is_long) {
		set_long_mode(&s, entry);
		regs.rsi = entry->info;
	} else {
		regs.rbx = entry->info;
	}
	if (ioctl(v->fd, KVM_SET_SREGS, &s) < 0 || ioctl(v->fd, KVM_SET_REGS, &regs) < 0)
		return -errno;
	return 0;
}

/* --- life --- */

static int set_up(struct vcpu *v, const struct cpuid_table *cpuid)
{
	struct kvm_enable_cap synic = { .cap = KVM_CAP_HYPERV_SYNIC2 };

	if (ioctl(v->fd, KVM_SET_CPUID2, cpuid) < 0 || ioctl(v->fd, KVM_ENABLE_CAP, &synic) < 0)
		return -errno;
	return 0;
}

int vcpu_new(int kvm_fd, int vm_fd, unsigned index, const struct cpuid_table *cpuid,
	     const struct vcpu_ops *ops, void *user, struct vcpu **ret)
{
	struct vcpu *v = calloc(1, sizeof(*v));
	int size = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0), r = 0;

	if (!v)
		return -ENOMEM;
	v->index = index;
	v->ops = ops;
	v->user = user;
	v->fd = ioctl(vm_fd, KVM_CREATE_VCPU, index);
	if (v->fd >= 0 && size > 0) {
		v->run_size = (size_t)size;
		v->run = mmap(NULL, v->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	}
	if (!v->run || v->run == MAP_FAILED) {
		r = -errno;
		v->run = NULL;
	} else {
		r = set_up(v, cpuid);
	}
	if (r < 0)
		v = vcpu_free(v);
	*ret = v;
	return r;
}

static void on_kick(int number)
{
	(void)number;
}

int vcpu_start(struct vcpu *v)
{
	const struct sigaction action = { .sa_handler = on_kick };
	sigset_t all_but_kick, before;
	int r;

	/* The program's signals belong to its loop. */
	(void)sigfillset(&all_but_kick);
	(void)sigdelset(&all_but_kick, KICK_SIGNAL);
	if (sigaction(KICK_SIGNAL, &action, NULL) < 0)
		return -errno;
	(void)pthread_sigmask(SIG_SETMASK, &all_but_kick, &before);
	r = pthread_create(&v->thread, NULL, run_thread, v);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	v->started = r == 0;
	return -r;
}

/* A kick that comes just before KVM_RUN is not lost: immediate_exit makes that return at once.
 * It is sent again because the thread may be writing to the console, which the first one
 * interrupts. */
static void stop(struct vcpu *v)
{
	const struct timespec wait = { .tv_nsec = KICK_AGAIN_NS };

	v->was_outside = atomic_load(&v->outside);
	atomic_store(&v->stopping, true);
	v->run->immediate_exit = 1;
	while (!atomic_load(&v->ended)) {
		(void)pthread_kill(v->thread, KICK_SIGNAL);
		(void)nanosleep(&wait, NULL);
	}
	(void)pthread_join(v->thread, NULL);
}

void vcpu_stop(struct vcpu *v)
{
	if (v->started)
		stop(v);
	v->started = false;
}

/* The highest vector in one of the local APIC's rows of 256 bits, each word in a place of 16 bytes; 0: none. */
static unsigned highest_vector(const struct kvm_lapic_state *apic, size_t row)
{
	for (unsigned vector = 255; vector; vector--) {
		uint32_t word;

		memcpy(&word, apic->regs + row + vector / 32 * APIC_WORD, sizeof(word));
		if (word >> vector % 32 & 1)
			return vector;
	}
	return 0;
}

void vcpu_describe(const struct vcpu *v, char *sentence, size_t size)
{
	struct kvm_lapic_state apic = { 0 };
	struct kvm_mp_state state = { 0 };
	struct kvm_regs regs = { 0 };

	(void)ioctl(v->fd, KVM_GET_REGS, &regs);
	(void)ioctl(v->fd, KVM_GET_MP_STATE, &state);
	(void)ioctl(v->fd, KVM_GET_LAPIC, &apic);
	(void)snprintf(sentence, size,
		       "processor %u %s at 0x%llx, interrupts %s, of its vectors 0x%02x served and "
		       "0x%02x waiting%s",
		       v->index, state.mp_state == KVM_MP_STATE_HALTED ? "was halted" : "ran",
		       (unsigned long long)regs.rip, regs.rflags & FLAG_INTERRUPTS ? "on" : "off",
		       highest_vector(&apic, APIC_SERVED), highest_vector(&apic, APIC_REQUESTED),
		       v->was_outside ? ", its thread in vmichost" : "");
}

struct vcpu *vcpu_free(struct vcpu *v)
{
	if (!v)
		return NULL;
	vcpu_stop(v);
	if (v->run)
		(void)munmap(v->run, v->run_size);
	if (v->fd >= 0)
		(void)close(v->fd);
	free(v);
	return NULL;
}
