/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the machine, whose processors run in threads, and the sessions, which live in the loop:
 * the guest's messages and signals come as events of the loop, and all answers leave from there.
 */
#include "tests/host/kvm/link_vmbus.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hv_util/ring_wire.h"
#include "tests/host/kvm/vmbus.h"

/* KVM does not say when a guest has emptied its message slot; OpenVMM looks each millisecond
 * too. */
#define RETRY_US 1000
/* OpenVMM's delay before it looks after an open channel whose guest may have missed an
 * interrupt. */
#define TICK_US 100000

/* Drivers of integration components have less: Linux' hv_utils 16 KiB. */
#define DRIVERS_RING_MAX (UINT32_C(64) << 10)

/* One guest's message makes at most an offer of each component and an end. While so many wait
 * that this could be too much, no more of the guest's are taken, and it is refused buffers in
 * the end. */
#define OUTGOING_MAX 128
#define OUTGOING_HIGH (OUTGOING_MAX - 2 * (COMPONENT_MAX + 1))

struct outgoing {
	size_t len;
	uint8_t bytes[VMBUS_MESSAGE_MAX];
	int started; /* the component that is open when the guest has this */
};

struct slot {
	struct link_vmbus *link;
	enum component component;
	int signal_fd;
	sd_event_source *source;
	uint32_t listening; /* the connection; 0: none */

	uint8_t *memory; /* both rings, while the channel is open */
	size_t n_pages;
	uint32_t processor;
	uint32_t last_read; /* the guest's read index when we looked last */
	bool looked_after;
};

struct link_vmbus {
	struct link link;
	sd_event *event;
	struct machine_options options;
	const struct link_events *events;
	void *user;
	struct machine *machine;
	struct vmbus vmbus;
	struct slot slot[COMPONENT_MAX];
	struct outgoing outgoing[OUTGOING_MAX];
	unsigned n_outgoing, first_outgoing;
	sd_event_source *news_source, *serial_source, *retry_timer, *tick_timer;
	bool crash_told;
};

/* --- the guest's signals, and ours --- */

static uint32_t ring_size_of(const struct slot *s)
{
	return (uint32_t)(s->n_pages / 2 * GUEST_PAGE_SIZE);
}

static int flag_guest(struct slot *s)
{
	struct link_vmbus *l = s->link;
	int r;

	if (!s->memory)
		return -ENOTCONN;
	if (s->processor == VMBUS_NO_PROCESSOR)
		return 0;
	r = machine_flag(l->machine, s->processor, l->vmbus.channel[s->component].relid);
	if (r > 0)
		l->events->interrupted(l->user, s->component);
	return r;
}

/*
 * Linux' drivers of these take one packet for each interrupt (hv_kvp.c, hv_util.c, hv_snapshot.c).
 * A host that signals only what goes into an empty ring leaves the second packet lying there; so
 * they are signalled again when they have taken one and not all.
 */
static const bool takes_one[COMPONENT_MAX] = {
	[COMPONENT_KVP] = true,
	[COMPONENT_SHUTDOWN] = true,
	[COMPONENT_VSS] = true,
};

/*
 * Once after its opening every channel is looked after: some drivers miss what comes before. Not so the
 * large rings of Linux' uio_hv_generic: the program there finds everything by itself, or is wrong, and
 * a host that is kind would not let that be seen.
 */
static void look_after(struct slot *s, bool tick)
{
	struct ring_page *page = (struct ring_page *)(s->memory + ring_size_of(s));
	uint32_t read = atomic_load(&page->read_index);
	bool moved = takes_one[s->component] && read != s->last_read;
	bool first = tick && !s->looked_after;

	s->last_read = read;
	s->looked_after |= tick;
	if (ring_size_of(s) > DRIVERS_RING_MAX)
		return;
	if ((moved || first) && atomic_load(&page->write_index) != read &&
	    !atomic_load(&page->interrupt_mask))
		(void)flag_guest(s);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *user)
{
	struct link_vmbus *l = user;

	(void)usec;
	for (int c = 0; c < COMPONENT_MAX; c++)
		if (l->slot[c].memory)
			look_after(&l->slot[c], true);
	(void)sd_event_source_set_time_relative(source, TICK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static uint64_t take_signals(const struct slot *s)
{
	uint64_t times = 0;

	return s->signal_fd >= 0 && read(s->signal_fd, &times, sizeof(times)) == sizeof(times) ?
		       times :
		       0;
}

static int on_signal(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct slot *s = user;
	struct link_vmbus *l = s->link;
	uint64_t times = take_signals(s);

	(void)source;
	(void)fd;
	(void)revents;
	if (!times)
		return 0;
	if (s->memory) {
		l->events->signalled(l->user, s->component, times);
		if (s->memory)
			look_after(s, false);
	} else if (l->vmbus.channel[s->component].state == VMBUS_OFFERED) {
		l->events->violated(l->user, (int)s->component,
				    "the guest signalled a channel that is not open");
	}
	return 0;
}

/* --- one offered channel --- */

static void slot_unmap(struct slot *s)
{
	guest_memory_unmap_pages(s->memory, s->n_pages);
	s->memory = NULL;
	s->n_pages = 0;
}

static void slot_clear(struct slot *s)
{
	slot_unmap(s);
	s->source = sd_event_source_disable_unref(s->source);
	if (s->listening && s->link->machine)
		machine_ignore(s->link->machine, s->listening, s->signal_fd);
	s->listening = 0;
	if (s->signal_fd >= 0)
		(void)close(s->signal_fd);
	s->signal_fd = -1;
}

/* Before the guest can know of the channel: its first signal may come at once. */
static int slot_listen(struct slot *s, uint32_t connection)
{
	int r;

	s->signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->signal_fd < 0)
		return -errno;
	r = sd_event_add_io(s->link->event, &s->source, s->signal_fd, EPOLLIN, on_signal, s);
	if (r < 0)
		return r;
	(void)sd_event_source_set_description(s->source, "guest-signal");
	r = machine_listen(s->link->machine, connection, s->signal_fd);
	if (r >= 0)
		s->listening = connection;
	return r;
}

/* --- from the VMBus --- */

static void on_send(void *user, const uint8_t *message, size_t len, int started)
{
	struct link_vmbus *l = user;
	struct outgoing *o;

	if (l->n_outgoing == OUTGOING_MAX) {
		l->events->violated(l->user, LINK_NO_COMPONENT,
				    "the guest does not take its VMBus messages: one is lost");
		return;
	}
	o = &l->outgoing[(l->first_outgoing + l->n_outgoing++) % OUTGOING_MAX];
	o->len = len;
	memcpy(o->bytes, message, len);
	o->started = started;
}

static void on_discard(void *user)
{
	struct link_vmbus *l = user;

	l->n_outgoing = 0;
}

static void on_joined(void *user)
{
	struct link_vmbus *l = user;

	l->events->joined(l->user);
}

static void on_left(void *user)
{
	struct link_vmbus *l = user;

	l->events->left(l->user);
	for (int c = 0; c < COMPONENT_MAX; c++)
		slot_clear(&l->slot[c]);
}

static int on_open(void *user, enum component c, const struct gpadl *rings, uint32_t processor,
		   const char **why)
{
	struct link_vmbus *l = user;
	struct slot *s = &l->slot[c];
	void *memory;
	int r;

	r = guest_memory_map_pages(machine_memory(l->machine), rings->page, rings->n, &memory);
	if (r < 0) {
		*why = r == -EFAULT ? "a page of its rings is outside the guest's memory" :
				      "its rings cannot be mapped";
		return r;
	}
	/* A signal from before the channel was closed is no signal of the new opening. */
	(void)take_signals(s);
	s->memory = memory;
	s->n_pages = rings->n;
	s->processor = processor;
	s->last_read = 0;
	s->looked_after = false;
	*why = "the host does not want it";
	r = l->events->opened(l->user, c, s->memory, ring_size_of(s));
	if (r < 0)
		slot_unmap(s);
	return r;
}

static void on_target(void *user, enum component c, uint32_t processor)
{
	struct link_vmbus *l = user;

	l->slot[c].processor = processor;
	/* What was flagged on the old processor may not be looked at any more. */
	(void)flag_guest(&l->slot[c]);
}

static void on_close(void *user, enum component c)
{
	struct link_vmbus *l = user;
	struct slot *s = &l->slot[c];
	uint64_t times = take_signals(s);

	if (times)
		l->events->signalled(l->user, c, times);
	l->events->closed(l->user, c);
	slot_unmap(s);
}

static void on_released(void *user, enum component c)
{
	struct link_vmbus *l = user;

	slot_clear(&l->slot[c]);
	l->events->released(l->user, c);
}

static void on_violated(void *user, int component, const char *sentence)
{
	struct link_vmbus *l = user;

	l->events->violated(l->user, component, sentence);
}

static const struct vmbus_ops vmbus_ops = {
	.send = on_send,
	.discard = on_discard,
	.joined = on_joined,
	.left = on_left,
	.open = on_open,
	.target = on_target,
	.close = on_close,
	.released = on_released,
	.violated = on_violated,
};

/* --- messages, both ways --- */

static int on_retry(sd_event_source *source, uint64_t usec, void *user);

static void retry_later(struct link_vmbus *l)
{
	if (l->retry_timer) {
		(void)sd_event_source_set_time_relative(l->retry_timer, RETRY_US);
		(void)sd_event_source_set_enabled(l->retry_timer, SD_EVENT_ONESHOT);
		return;
	}
	(void)sd_event_add_time_relative(l->event, &l->retry_timer, CLOCK_MONOTONIC, RETRY_US, 1,
					 on_retry, l);
}

static void deliver(struct link_vmbus *l)
{
	while (l->n_outgoing) {
		const struct outgoing *o = &l->outgoing[l->first_outgoing];
		int started = o->started;
		int r = machine_post(l->machine, l->vmbus.processor, o->bytes, o->len);

		if (r == 0) {
			retry_later(l);
			return;
		}
		if (r < 0) { /* it has no slot: what it has not got is not kept for later */
			l->n_outgoing = 0;
			return;
		}
		l->first_outgoing = (l->first_outgoing + 1) % OUTGOING_MAX;
		l->n_outgoing--;
		if (started != LINK_NO_COMPONENT && l->slot[started].memory)
			l->events->started(l->user, (enum component)started);
	}
}

static void pump(struct link_vmbus *l)
{
	struct machine_message message;

	deliver(l);
	while (l->n_outgoing < OUTGOING_HIGH && machine_take_message(l->machine, &message)) {
		vmbus_take(&l->vmbus, message.bytes, message.len);
		deliver(l);
	}
}

static int on_retry(sd_event_source *source, uint64_t usec, void *user)
{
	(void)source;
	(void)usec;
	pump(user);
	return 0;
}

/* --- the machine's life --- */

static void machine_down(struct link_vmbus *l)
{
	l->news_source = sd_event_source_disable_unref(l->news_source);
	l->serial_source = sd_event_source_disable_unref(l->serial_source);
	l->retry_timer = sd_event_source_disable_unref(l->retry_timer);
	l->n_outgoing = 0;
	for (int c = 0; c < COMPONENT_MAX; c++)
		slot_clear(&l->slot[c]);
	l->machine = machine_free(l->machine);
}

static int on_news(sd_event_source *source, int fd, uint32_t revents, void *user);

static int on_serial(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct link_vmbus *l = user;

	(void)source;
	(void)fd;
	(void)revents;
	machine_serial_ready(l->machine);
	return 0;
}

/* By its edges: the port may leave bytes there until the guest has taken those that it holds, and
 * then fetches them by itself. */
static int watch_serial(struct link_vmbus *l)
{
	int r;

	if (l->options.serial_fd < 0)
		return 0;
	r = sd_event_add_io(l->event, &l->serial_source, l->options.serial_fd,
			    EPOLLIN | EPOLLOUT | EPOLLET, on_serial, l);
	if (r >= 0)
		(void)sd_event_source_set_description(l->serial_source, "guest-serial");
	return r;
}

static int machine_up(struct link_vmbus *l)
{
	int r;

	l->crash_told = false;
	r = machine_new(&l->options, &l->machine);
	if (r < 0)
		return r;
	r = sd_event_add_io(l->event, &l->news_source, machine_news_fd(l->machine), EPOLLIN,
			    on_news, l);
	if (r < 0)
		return r;
	(void)sd_event_source_set_description(l->news_source, "machine-news");
	r = watch_serial(l);
	return r < 0 ? r : machine_start(l->machine);
}

static void restart(struct link_vmbus *l)
{
	(void)fprintf(stderr, "vmichost: the guest starts again\n");
	machine_down(l);
	l->options.restarts++;
	if (machine_up(l) < 0)
		l->events->ended(l->user, 1);
}

static void look_at_state(struct link_vmbus *l)
{
	char sentence[160];
	enum machine_state state = machine_state(l->machine, sentence, sizeof(sentence));

	if (sentence[0] && !l->crash_told) {
		(void)fprintf(stderr, "vmichost: %s\n", sentence);
		l->crash_told = true;
	}
	if (state == MACHINE_RUNS)
		return;
	vmbus_disconnect(&l->vmbus);
	if (state == MACHINE_RESET) {
		restart(l);
		return;
	}
	machine_down(l);
	l->events->ended(l->user, state == MACHINE_OFF ? 0 : 1);
}

static int on_news(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct link_vmbus *l = user;

	(void)source;
	(void)fd;
	(void)revents;
	machine_take_news(l->machine);
	pump(l);
	look_at_state(l);
	return 0;
}

/* --- the link --- */

static struct link_vmbus *of_link(struct link *l)
{
	return (struct link_vmbus *)l;
}

static int link_offer(struct link *link, enum component c)
{
	struct link_vmbus *l = of_link(link);
	int r;

	r = vmbus_offer(&l->vmbus, c);
	if (r < 0)
		return r;
	r = slot_listen(&l->slot[c], VMBUS_SIGNAL_CONNECTION((uint32_t)r));
	deliver(l);
	return r;
}

static int link_offers_done(struct link *link)
{
	struct link_vmbus *l = of_link(link);
	int r = vmbus_offers_done(&l->vmbus);

	deliver(l);
	return r;
}

static int link_rescind(struct link *link, enum component c)
{
	struct link_vmbus *l = of_link(link);
	int r = vmbus_rescind(&l->vmbus, c);

	if (r < 0)
		return r;
	slot_unmap(&l->slot[c]);
	deliver(l);
	return 0;
}

static int link_signal(struct link *link, enum component c)
{
	int r = flag_guest(&of_link(link)->slot[c]);

	return r < 0 ? r : 0;
}

static uint64_t link_reference_time(struct link *link)
{
	const struct machine *m = of_link(link)->machine;

	return m ? machine_reference_time(m) : 0;
}

static void link_stop(struct link *link)
{
	struct machine *m = of_link(link)->machine;

	if (m)
		machine_stop(m);
}

static struct link *link_free(struct link *link)
{
	struct link_vmbus *l;

	if (!link)
		return NULL;
	l = of_link(link);
	l->tick_timer = sd_event_source_disable_unref(l->tick_timer);
	machine_down(l);
	gpadl_forget_all(&l->vmbus.gpadls);
	sd_event_unref(l->event);
	free(l);
	return NULL;
}

static void link_freep(struct link_vmbus **l)
{
	if (*l)
		(void)link_free(&(*l)->link);
}

static const struct link_ops vmbus_link_ops = {
	.offer = link_offer,
	.offers_done = link_offers_done,
	.rescind = link_rescind,
	.signal = link_signal,
	.reference_time = link_reference_time,
	.stop = link_stop,
	.free = link_free,
};

int link_vmbus_open(sd_event *event, const void *options, uint32_t ring_size,
		    const struct link_events *events, void *user, struct link **ret)
{
	_cleanup_(link_freep) struct link_vmbus *l = calloc(1, sizeof(*l));
	int r;

	(void)ring_size;
	if (!l)
		return -ENOMEM;
	l->link.ops = &vmbus_link_ops;
	l->event = sd_event_ref(event);
	l->options = *(const struct machine_options *)options;
	l->events = events;
	l->user = user;
	for (int c = 0; c < COMPONENT_MAX; c++)
		l->slot[c] = (struct slot){ .link = l,
					    .component = (enum component)c,
					    .signal_fd = -1 };
	vmbus_init(&l->vmbus, l->options.vmbus_version, l->options.n_processors, &vmbus_ops, l);
	r = sd_event_add_time_relative(event, &l->tick_timer, CLOCK_MONOTONIC, TICK_US, 1000,
				       on_tick, l);
	if (r < 0)
		return r;
	r = machine_up(l);
	if (r < 0)
		return r;
	*ret = &l->link;
	(void)TAKE_PTR(l);
	return 0;
}
