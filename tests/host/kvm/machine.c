/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/kvm/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/host/kvm/acpi.h"
#include "tests/host/kvm/cpuid.h"
#include "tests/host/kvm/loader.h"
#include "tests/host/kvm/ports.h"
#include "tests/host/kvm/synic.h"
#include "tests/host/kvm/vcpu.h"

#define DEVICE "/dev/kvm"

/* Three pages that Intel's processors need for real mode, out of the guest's way. */
#define TSS_ADDRESS 0xfffbd000ul

/* Interrupt lines: the I/O APIC's, then one a processor for its synthetic interrupt. */
static const unsigned gsi_serial[PORTS_SERIALS] = { 4, 3 };
#define GSI_IOAPIC 24u
#define GSI_SYNIC(processor) (GSI_IOAPIC + (processor))
#define ROUTES_MAX (16u + GSI_IOAPIC + MACHINE_PROCESSORS_MAX)

/* Hyper-V has 16 buffers a port. A guest that is refused one waits, longer and longer; with more of
 * them announcing 47 MiB page by page is not a matter of seconds. */
#define MESSAGES_MAX 256u

/* The serial port is all there is to see, and a kernel that panicked is of no more use. */
#define COMMAND_LINE "console=ttyS0 panic=-1 vmichost.restarts=%u%s%s"

struct machine {
	struct machine_options options;
	struct guest_memory memory;
	int kvm_fd, vm_fd, news_fd;
	struct vcpu *vcpu[MACHINE_PROCESSORS_MAX];

	/* For the devices alone: a console that is not read may keep a processor, and nobody
	 * else. */
	pthread_mutex_t ports_lock;
	struct ports ports;
	bool serial_line[PORTS_SERIALS];

	pthread_mutex_t lock; /* for all below; never held together with the other */
	struct synic synic[MACHINE_PROCESSORS_MAX];
	struct machine_message message[MESSAGES_MAX];
	unsigned n_messages, first_message;
	enum machine_state state;
	char sentence[160];
};

/* --- what this computer can do --- */

static const struct {
	int number;
	const char *name;
} needed[] = {
	{ KVM_CAP_HYPERV, "KVM_CAP_HYPERV" },
	{ KVM_CAP_HYPERV_SYNIC2, "KVM_CAP_HYPERV_SYNIC2" },
	{ KVM_CAP_HYPERV_VP_INDEX, "KVM_CAP_HYPERV_VP_INDEX" },
	{ KVM_CAP_HYPERV_EVENTFD, "KVM_CAP_HYPERV_EVENTFD" },
	{ KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
};

static int say_open_failure(int error, char *sentence, size_t size)
{
	const char *what = strerror(error);

	if (error == ENOENT || error == ENODEV || error == ENXIO)
		what = "there is none: switch virtualization on (firmware, or nested virtualization "
		       "of the machine around this one) and load kvm_intel or kvm_amd";
	else if (error == EACCES || error == EPERM)
		what = "no permission: become a member of the group that owns it, usually kvm";
	(void)snprintf(sentence, size, DEVICE ": %s", what);
	return -error;
}

static int check_capabilities(int kvm_fd, char *sentence, size_t size)
{
	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, needed[i].number) > 0)
			continue;
		(void)snprintf(sentence, size,
			       DEVICE ": it has no Hyper-V emulation (%s is missing): use a kernel with "
				      "CONFIG_KVM_HYPERV=y on a processor with VMX or SVM, or run "
				      "this in a machine that QEMU emulates (make check-vm does)",
			       needed[i].name);
		return -EOPNOTSUPP;
	}
	return 0;
}

static int open_kvm(char *sentence, size_t size)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC), r;

	if (fd < 0)
		return say_open_failure(errno, sentence, size);
	r = check_capabilities(fd, sentence, size);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	return fd;
}

int machine_check(char *sentence, size_t size)
{
	int fd = open_kvm(sentence, size);

	if (fd < 0)
		return fd;
	(void)close(fd);
	return 0;
}

/* --- from the processors' threads --- */

static void tell_news(struct machine *m)
{
	const uint64_t one = 1;

	if (write(m->news_fd, &one, sizeof(one)) < 0)
		return; /* it is full of news */
}

/* The first end is the one that counts. */
static void end(struct machine *m, enum machine_state state, const char *sentence)
{
	if (m->state != MACHINE_RUNS)
		return;
	m->state = state;
	if (sentence)
		(void)snprintf(m->sentence, sizeof(m->sentence), "%s", sentence);
	tell_news(m);
}

static void raise_line(struct machine *m, unsigned gsi, bool level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	(void)ioctl(m->vm_fd, KVM_IRQ_LINE, &line);
}

static void update_serial_lines(struct machine *m)
{
	for (unsigned i = 0; i < PORTS_SERIALS; i++) {
		bool line = ports_serial_line(&m->ports, i);

		if (line != m->serial_line[i])
			raise_line(m, gsi_serial[i], line);
		m->serial_line[i] = line;
	}
}

static uint32_t on_read_port(void *user, uint16_t port, unsigned size)
{
	struct machine *m = user;
	uint32_t value;

	(void)pthread_mutex_lock(&m->ports_lock);
	value = ports_read(&m->ports, port, size);
	update_serial_lines(m);
	(void)pthread_mutex_unlock(&m->ports_lock);
	return value;
}

static void request_reset(struct machine *m)
{
	/* After a crash its sentence is there already. */
	end(m, m->sentence[0] ? MACHINE_CRASHED : MACHINE_RESET, NULL);
}

static void on_write_port(void *user, uint16_t port, unsigned size, uint32_t value)
{
	struct machine *m = user;
	enum ports_request request;

	(void)pthread_mutex_lock(&m->ports_lock);
	request = ports_write(&m->ports, port, size, value);
	update_serial_lines(m);
	(void)pthread_mutex_unlock(&m->ports_lock);
	if (request == PORTS_NOTHING)
		return;
	(void)pthread_mutex_lock(&m->lock);
	if (request == PORTS_POWER_OFF)
		end(m, MACHINE_OFF, NULL);
	else
		request_reset(m);
	(void)pthread_mutex_unlock(&m->lock);
}

static void on_set_synic(void *user, unsigned processor, uint64_t control, uint64_t events,
			 uint64_t messages)
{
	struct machine *m = user;

	(void)pthread_mutex_lock(&m->lock);
	synic_set(&m->synic[processor], &m->memory, control, events, messages);
	(void)pthread_mutex_unlock(&m->lock);
}

static enum hypercall_status keep_message(void *user, uint32_t connection, const uint8_t *message,
					  size_t len)
{
	struct machine *m = user;
	struct machine_message *to;

	if (connection != VMBUS_CONNECTION &&
	    (connection != VMBUS_CONNECTION_5_0 ||
	     m->options.vmbus_version < VMBUS_VERSION(5, 0)))
		return HYPERCALL_INVALID_CONNECTION;
	if (m->n_messages == MESSAGES_MAX)
		return HYPERCALL_INSUFFICIENT_BUFFERS;
	to = &m->message[(m->first_message + m->n_messages++) % MESSAGES_MAX];
	to->len = len;
	memcpy(to->bytes, message, len);
	tell_news(m);
	return HYPERCALL_SUCCESS;
}

/* Those to a channel that is there never come here: KVM counts them in its eventfd. */
static enum hypercall_status refuse_signal(void *user, uint32_t connection)
{
	(void)user;
	(void)connection;
	return HYPERCALL_INVALID_CONNECTION;
}

static const struct hypercall_ops hypercall_ops = {
	.post = keep_message,
	.signal = refuse_signal,
};

static enum hypercall_status on_hypercall(void *user, const struct hypercall *call)
{
	struct machine *m = user;
	enum hypercall_status status;

	(void)pthread_mutex_lock(&m->lock);
	status = hypercall_do(call, &m->memory, &hypercall_ops, m);
	(void)pthread_mutex_unlock(&m->lock);
	return status;
}

static void on_reset(void *user)
{
	struct machine *m = user;

	(void)pthread_mutex_lock(&m->lock);
	request_reset(m);
	(void)pthread_mutex_unlock(&m->lock);
}

static void on_crashed(void *user, const uint64_t n[5])
{
	struct machine *m = user;

	(void)pthread_mutex_lock(&m->lock);
	(void)snprintf(m->sentence, sizeof(m->sentence),
		       "the guest's kernel has crashed (%llx %llx %llx %llx %llx)",
		       (unsigned long long)n[0], (unsigned long long)n[1], (unsigned long long)n[2],
		       (unsigned long long)n[3], (unsigned long long)n[4]);
	tell_news(m);
	(void)pthread_mutex_unlock(&m->lock);
}

static void on_failed(void *user, const char *sentence)
{
	struct machine *m = user;

	(void)pthread_mutex_lock(&m->lock);
	end(m, MACHINE_FAILED, sentence);
	(void)pthread_mutex_unlock(&m->lock);
}

static const struct vcpu_ops vcpu_ops = {
	.read_port = on_read_port,
	.write_port = on_write_port,
	.set_synic = on_set_synic,
	.hypercall = on_hypercall,
	.reset = on_reset,
	.crashed = on_crashed,
	.failed = on_failed,
};

/* --- setting up --- */

static int create_vm(struct machine *m)
{
	struct kvm_userspace_memory_region region = { .memory_size = m->memory.size,
						      .userspace_addr =
							      (uintptr_t)m->memory.base };
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	m->vm_fd = ioctl(m->kvm_fd, KVM_CREATE_VM, 0);
	if (m->vm_fd < 0 || ioctl(m->vm_fd, KVM_SET_TSS_ADDR, TSS_ADDRESS) < 0 ||
	    ioctl(m->vm_fd, KVM_CREATE_IRQCHIP, 0) < 0 ||
	    ioctl(m->vm_fd, KVM_CREATE_PIT2, &pit) < 0 ||
	    ioctl(m->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return -errno;
	return 0;
}

/* struct kvm_irq_routing with its entries. */
struct routes {
	__u32 nr, flags;
	struct kvm_irq_routing_entry entry[ROUTES_MAX];
};
_Static_assert(offsetof(struct routes, entry) == sizeof(struct kvm_irq_routing), "KVM's layout");

static void add_chip(struct routes *r, unsigned gsi, unsigned chip, unsigned pin)
{
	r->entry[r->nr++] = (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

/*
 * The routes that KVM has by itself, which setting any takes away, and the synthetic interrupts. As
 * the MADT says, the timer's line 0 goes to pin 2 of the I/O APIC. Only after the processors'
 * SynICs are there: for a route that is set before, KVM passes no acknowledgements.
 */
static int set_routes(struct machine *m)
{
	struct routes r = { 0 };

	for (unsigned gsi = 0; gsi < GSI_IOAPIC; gsi++) {
		if (gsi < 16)
			add_chip(&r, gsi, gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE,
				 gsi % 8);
		if (gsi != 2)
			add_chip(&r, gsi, KVM_IRQCHIP_IOAPIC, gsi == 0 ? 2 : gsi);
	}
	for (unsigned i = 0; i < m->options.n_processors; i++)
		r.entry[r.nr++] = (struct kvm_irq_routing_entry){
			.gsi = GSI_SYNIC(i),
			.type = KVM_IRQ_ROUTING_HV_SINT,
			.u.hv_sint = { .vcpu = i, .sint = SYNIC_VMBUS_SINT },
		};
	return ioctl(m->vm_fd, KVM_SET_GSI_ROUTING, &r) < 0 ? -errno : 0;
}

static int create_processors(struct machine *m)
{
	struct cpuid_table *cpuid = calloc(1, sizeof(*cpuid));
	int r = cpuid ? cpuid_read(m->kvm_fd, cpuid) : -ENOMEM;

	for (unsigned i = 0; r >= 0 && i < m->options.n_processors; i++) {
		cpuid_set_processor(cpuid, i, m->options.n_processors);
		r = vcpu_new(m->kvm_fd, m->vm_fd, i, cpuid, &vcpu_ops, m, &m->vcpu[i]);
	}
	free(cpuid);
	return r;
}

static int load(struct machine *m)
{
	struct boot_files files = { .kernel = m->options.kernel, .initrd = m->options.initrd };
	struct boot_entry entry;
	char *command_line;
	int r;

	if (asprintf(&command_line, COMMAND_LINE, m->options.restarts,
		     m->options.append ? " " : "", m->options.append ? m->options.append : "") < 0)
		return -ENOMEM;
	files.command_line = command_line;
	r = loader_load(&m->memory, &files, &entry);
	free(command_line);
	if (r < 0)
		return r;
	r = acpi_write(&m->memory, m->options.n_processors);
	return r < 0 ? r : vcpu_set_entry(m->vcpu[0], &entry);
}

static int say(const char *what, int error)
{
	(void)fprintf(stderr, "vmichost: cannot %s: %s\n", what, strerror(-error));
	return error;
}

static int set_up(struct machine *m)
{
	char sentence[400];
	int r;

	m->kvm_fd = open_kvm(sentence, sizeof(sentence));
	if (m->kvm_fd < 0) {
		(void)fprintf(stderr, "vmichost: %s\n", sentence);
		return m->kvm_fd;
	}
	m->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->news_fd < 0)
		return say("make an eventfd", -errno);
	r = guest_memory_new(&m->memory, m->options.memory);
	if (r < 0)
		return say("make the guest's memory", r);
	r = create_vm(m);
	if (r < 0)
		return say("make a virtual machine", r);
	r = create_processors(m);
	if (r < 0)
		return say("make the machine's processors", r);
	r = set_routes(m);
	if (r < 0)
		return say("route the machine's interrupts", r);
	return load(m);
}

int machine_new(const struct machine_options *options, struct machine **ret)
{
	struct machine *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->options = *options;
	m->memory.fd = m->kvm_fd = m->vm_fd = m->news_fd = -1;
	(void)pthread_mutex_init(&m->lock, NULL);
	(void)pthread_mutex_init(&m->ports_lock, NULL);
	ports_init(&m->ports, options->console_fd, options->serial_fd);
	r = set_up(m);
	if (r < 0)
		m = machine_free(m);
	*ret = m;
	return r;
}

int machine_start(struct machine *m)
{
	int r = 0;

	for (unsigned i = 0; r >= 0 && i < m->options.n_processors; i++)
		r = vcpu_start(m->vcpu[i]);
	return r;
}

void machine_stop(struct machine *m)
{
	char sentence[200];

	for (unsigned i = 0; i < m->options.n_processors; i++)
		vcpu_stop(m->vcpu[i]);
	for (unsigned i = 0; i < m->options.n_processors; i++) {
		vcpu_describe(m->vcpu[i], sentence, sizeof(sentence));
		(void)fprintf(stderr, "vmichost: %s\n", sentence);
	}
}

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

struct machine *machine_free(struct machine *m)
{
	if (!m)
		return NULL;
	for (unsigned i = 0; i < MACHINE_PROCESSORS_MAX; i++)
		m->vcpu[i] = vcpu_free(m->vcpu[i]);
	close_fd(m->vm_fd);
	close_fd(m->kvm_fd);
	close_fd(m->news_fd);
	guest_memory_done(&m->memory);
	(void)pthread_mutex_destroy(&m->lock);
	(void)pthread_mutex_destroy(&m->ports_lock);
	free(m);
	return NULL;
}

/* --- the owner's --- */

const struct guest_memory *machine_memory(const struct machine *m)
{
	return &m->memory;
}

int machine_news_fd(const struct machine *m)
{
	return m->news_fd;
}

void machine_take_news(struct machine *m)
{
	uint64_t times;

	if (read(m->news_fd, &times, sizeof(times)) < 0)
		return; /* somebody looked before us */
}

enum machine_state machine_state(struct machine *m, char *sentence, size_t size)
{
	enum machine_state state;

	(void)pthread_mutex_lock(&m->lock);
	state = m->state;
	if (sentence)
		(void)snprintf(sentence, size, "%s", m->sentence);
	(void)pthread_mutex_unlock(&m->lock);
	return state;
}

bool machine_take_message(struct machine *m, struct machine_message *ret)
{
	bool any;

	(void)pthread_mutex_lock(&m->lock);
	any = m->n_messages > 0;
	if (any) {
		*ret = m->message[m->first_message];
		m->first_message = (m->first_message + 1) % MESSAGES_MAX;
		m->n_messages--;
	}
	(void)pthread_mutex_unlock(&m->lock);
	return any;
}

void machine_serial_ready(struct machine *m)
{
	(void)pthread_mutex_lock(&m->ports_lock);
	ports_serial_ready(&m->ports);
	update_serial_lines(m);
	(void)pthread_mutex_unlock(&m->ports_lock);
}

/* KVM's Hyper-V counter is its clock for this machine (arch/x86/kvm/hyperv.c). */
uint64_t machine_reference_time(const struct machine *m)
{
	struct kvm_clock_data clock = { 0 };

	(void)ioctl(m->vm_fd, KVM_GET_CLOCK, &clock);
	return clock.clock / 100;
}

static int set_eventfd(struct machine *m, uint32_t connection, int fd, uint32_t flags)
{
	struct kvm_hyperv_eventfd e = { .conn_id = connection, .fd = fd, .flags = flags };

	return ioctl(m->vm_fd, KVM_HYPERV_EVENTFD, &e) < 0 ? -errno : 0;
}

int machine_listen(struct machine *m, uint32_t connection, int fd)
{
	return set_eventfd(m, connection, fd, 0);
}

void machine_ignore(struct machine *m, uint32_t connection, int fd)
{
	(void)set_eventfd(m, connection, fd, KVM_HYPERV_EVENTFD_DEASSIGN);
}

int machine_post(struct machine *m, unsigned processor, const uint8_t *message, size_t len)
{
	int r;

	if (processor >= m->options.n_processors)
		return -EINVAL;
	(void)pthread_mutex_lock(&m->lock);
	r = synic_post(&m->synic[processor], &m->memory, message, len);
	(void)pthread_mutex_unlock(&m->lock);
	if (r > 0)
		raise_line(m, GSI_SYNIC(processor), true);
	return r;
}

int machine_flag(struct machine *m, unsigned processor, uint32_t flag)
{
	int r;

	if (processor >= m->options.n_processors)
		return -EINVAL;
	(void)pthread_mutex_lock(&m->lock);
	r = synic_flag(&m->synic[processor], &m->memory, flag);
	(void)pthread_mutex_unlock(&m->lock);
	if (r > 0)
		raise_line(m, GSI_SYNIC(processor), true);
	return r;
}
