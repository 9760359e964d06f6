/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual machine on KVM: memory with a kernel in it, processors, interrupt controllers, the few
 * devices of ports.c, and the hypervisor's side of Hyper-V's messages and events. What the messages
 * mean is not its business. The processors run in threads of their own; all functions here belong
 * to the owner's thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv_util/base.h"
#include "tests/host/kvm/memory.h"
#include "tests/host/kvm/vmbus_wire.h"

/* The APIC ids of the tables have eight bits, and nobody needs as many. */
#define MACHINE_PROCESSORS_MAX 16
#define MACHINE_MEMORY_MIN (UINT64_C(64) << 20)

struct machine_options {
	const char *kernel, *initrd; /* paths; initrd may be NULL */
	const char *append;          /* added to the kernel's command line, or NULL */
	uint64_t memory;             /* bytes */
	unsigned n_processors;
	unsigned restarts;      /* how often it has been started again: the guest can see it */
	uint32_t vmbus_version; /* connections of later protocols do not exist */
	int console_fd;         /* what the guest writes to its first serial port */
	int serial_fd;          /* its second one, both ways, must not block; -1: nobody is there */
};

enum machine_state {
	MACHINE_RUNS = 0,
	MACHINE_OFF,     /* the guest has switched itself off */
	MACHINE_RESET,   /* the guest wants to be started again */
	MACHINE_CRASHED, /* the guest's kernel said so, and then wanted a reset */
	MACHINE_FAILED,  /* it cannot go on */
};

struct machine_message {
	size_t len;
	uint8_t bytes[VMBUS_MESSAGE_MAX];
};

struct machine;

/* Whether this computer can run such machines. 0, or negative errno and a sentence with what to
 * do. */
_must_check_ int machine_check(char *sentence, size_t size);

/* Loads the kernel, starts nothing. 0, or negative errno after saying on stderr what is wrong. */
_must_check_ int machine_new(const struct machine_options *options, struct machine **ret);
/* 0 or negative errno. */
_must_check_ int machine_start(struct machine *m);
/* Stops the processors for good, and says on stderr where each was: of a guest that hangs, there may be
 * nothing else to see. */
void machine_stop(struct machine *m);
/* Takes NULL; returns NULL. */
struct machine *machine_free(struct machine *m);

const struct guest_memory *machine_memory(const struct machine *m);

/* Readable when one of the next two has something new. Reading it is machine_take_news's part. */
int machine_news_fd(const struct machine *m);
void machine_take_news(struct machine *m);
/* sentence gets what the guest or KVM said of its end or crash, "" if nothing. NULL: not wanted. */
enum machine_state machine_state(struct machine *m, char *sentence, size_t size);
/* Whether there was a message of the guest; in the order in which they were posted. */
bool machine_take_message(struct machine *m, struct machine_message *ret);

/* The options' serial_fd has become readable or writable. */
void machine_serial_ready(struct machine *m);

/* What the guest reads in its reference counter, in 100 ns. */
uint64_t machine_reference_time(const struct machine *m);

/* From now on the guest's signals to this connection are counted by the eventfd; or no longer. */
_must_check_ int machine_listen(struct machine *m, uint32_t connection, int fd);
void machine_ignore(struct machine *m, uint32_t connection, int fd);

/* As synic_post and synic_flag, with the interrupt. -EINVAL: there is no such processor. */
_must_check_ int machine_post(struct machine *m, unsigned processor, const uint8_t *message,
			      size_t len);
int machine_flag(struct machine *m, unsigned processor, uint32_t flag);
