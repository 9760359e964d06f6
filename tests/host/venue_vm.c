/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine that is booted once for all scenarios; an agent in it keeps the guest's program. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/host/home_agent.h"
#include "tests/host/kvm/link_vmbus.h"
#include "tests/host/link_kept.h"
#include "tests/host/session.h"
#include "tests/host/venue.h"

#define SETTLE_MS 30000 /* for channels that are taken away: an emulated machine is slow */

struct venue_vm {
	struct venue venue;
	sd_event *event;
	struct machine_options machine;
	struct link_kept *kept;
	int serial[2]; /* the host's end and the machine's; -1 */
	bool ended;
	const bool *interrupted;
};

static struct venue_vm *of_venue(struct venue *v)
{
	return (struct venue_vm *)v;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* Whoever waits for the agent learns that it is gone. */
static void on_ended(void *user, int result)
{
	struct venue_vm *vm = user;

	(void)result;
	(void)fprintf(stderr, "vmichost: the guest's machine has ended\n");
	vm->ended = true;
	close_end(&vm->serial[1]);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Runs the loop until it holds. 0, -ETIMEDOUT, or why it never will. */
static int wait_until(struct venue_vm *vm, bool (*holds)(const struct venue_vm *vm), uint64_t ms)
{
	uint64_t end = now_ms() + ms, now = now_ms();
	int r = 0;

	for (; r >= 0 && !vm->ended && !*vm->interrupted && !holds(vm) && now < end; now = now_ms())
		r = sd_event_run(vm->event, (end - now) * 1000);
	if (r < 0)
		return r;
	if (vm->ended)
		return -EPIPE;
	if (*vm->interrupted)
		return -EINTR;
	return holds(vm) ? 0 : -ETIMEDOUT;
}

static bool is_up(const struct venue_vm *vm)
{
	return home_agent_is_there(vm->venue.home) && link_kept_is_ready(vm->kept);
}

static bool is_settled(const struct venue_vm *vm)
{
	return link_kept_is_ready(vm->kept);
}

/* --- what the player asks --- */

static const char *vm_obstacle(struct venue *v, const struct scenario *s)
{
	(void)v;
	return s->ring_size < SESSION_RING_SIZE ?
		       "it is about small rings, and the guest's kernel makes large ones" :
		       NULL;
}

static int vm_settle(struct venue *v, const struct scenario *s, const void **ret)
{
	struct venue_vm *vm = of_venue(v);
	bool offered[COMPONENT_MAX];

	for (int c = 0; c < COMPONENT_MAX; c++)
		offered[c] = s->release.component[c].offered && !s->disabled[c];
	link_kept_prepare(vm->kept, offered);
	*ret = vm->kept;
	return wait_until(vm, is_settled, SETTLE_MS);
}

/* --- life --- */

static struct venue *vm_free(struct venue *v)
{
	struct venue_vm *vm;

	if (!v)
		return NULL;
	vm = of_venue(v);
	vm->kept = link_kept_free(vm->kept);
	if (v->home)
		v->home = v->home->ops->free(v->home);
	close_end(&vm->serial[0]);
	close_end(&vm->serial[1]);
	sd_event_unref(vm->event);
	free(vm);
	return NULL;
}

static const struct venue_ops vm_ops = {
	.obstacle = vm_obstacle,
	.settle = vm_settle,
	.free = vm_free,
};

static int boot(struct venue_vm *vm, unsigned seconds)
{
	int r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, vm->serial) < 0)
		return -errno;
	vm->machine.serial_fd = vm->serial[1];
	r = home_agent_new(vm->event, vm->serial[0], &vm->venue.home);
	if (r >= 0)
		r = link_kept_new(vm->event, link_vmbus_open, &vm->machine, on_ended, vm,
				  &vm->kept);
	if (r < 0)
		return r;
	r = wait_until(vm, is_up, seconds * UINT64_C(1000));
	if (r == -ETIMEDOUT)
		(void)fprintf(stderr, "vmichost: in %u s the guest %s\n", seconds,
			      home_agent_is_there(vm->venue.home) ?
				      "has not connected to the VMBus" :
				      "has not started vmichost agent on its second serial port");
	return r;
}

int venue_vm_new(sd_event *event, const struct machine_options *machine, unsigned seconds,
		 const bool *interrupted, struct venue **ret)
{
	struct venue_vm *vm = calloc(1, sizeof(*vm));
	int r;

	if (!vm)
		return -ENOMEM;
	vm->venue.ops = &vm_ops;
	vm->venue.open_link = link_kept_take;
	vm->event = sd_event_ref(event);
	vm->machine = *machine;
	vm->serial[0] = vm->serial[1] = -1;
	vm->interrupted = interrupted;
	r = boot(vm, seconds);
	if (r < 0) {
		(void)vm_free(&vm->venue);
		return r;
	}
	*ret = &vm->venue;
	return 0;
}
