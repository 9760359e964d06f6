/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/channel.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/host/version.h"

/* A guest that answers nothing must not make the host remember for ever. */
#define REQUESTS_MAX 512

struct request {
	struct request *next;
	uint64_t trans_id;
	const struct wire_operation *op;
	bool negotiation;
	bool unsent;    /* waits for room in the ring, or for its delay */
	bool stale;     /* overtaken by a negotiation */
	bool timed_out;
	unsigned copies; /* so many answers are awaited */
	uint64_t deadline_us;
	uint64_t put_ns; /* before it went into the ring */
	struct version_list framework, message; /* of a negotiation: as offered */
	struct message m;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now_us(void)
{
	return now_ns() / 1000;
}

static bool fault_is_on(const struct channel *c, enum fault fault)
{
	return c->faults->on[c->component][fault];
}

static uint64_t fault_value(const struct channel *c, enum fault fault)
{
	return c->faults->value[c->component][fault];
}

void channel_violated(struct channel *c, const char *sentence)
{
	c->facts->violations++;
	snprintf(c->facts->violation, sizeof(c->facts->violation), "%s", sentence);
	c->handler->violated(c->user, c, sentence);
}

static void on_ring_violation(void *user, const char *sentence)
{
	channel_violated(user, sentence);
}

static void signal_guest(struct channel *c)
{
	if (c->held)
		c->signal_is_due = true;
	else
		(void)c->handler->signal(c->user, c);
}

void channel_hold_signal(struct channel *c)
{
	c->held = true;
	c->signal_is_due = false;
}

void channel_release_signal(struct channel *c)
{
	c->held = false;
	if (c->signal_is_due && c->open)
		signal_guest(c);
}

/* --- sending --- */

static int arm(struct channel *c);

/*
 * The host changes the packet's sizes under the guest's hands, and puts them back in the end. A
 * guest that copies once sees one state or the other; one that looks twice trips.
 */
static void scribble(struct channel *c, uint32_t start)
{
	static const uint16_t at[] = { 2, 4, 5, 6, 20, 21, 34, 35 }; /* offset8, len8, sizes */
	volatile uint8_t *data = c->ring.out_data;

	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < ARRAY_LEN(at); i++)
			data[(start + at[i]) % c->ring.size] ^= 0xff;
		if (round % 2)
			(void)sched_yield();
	}
}

/* 0: it is in the ring, or lost for good; -EAGAIN: there is no room. */
static int put(struct channel *c, struct request *q)
{
	uint32_t start = c->ring.write_index;
	int r;

	q->put_ns = now_ns();
	r = host_ring_put(&c->ring, q->m.bytes, q->m.len, q->trans_id);
	c->timing.packets += r >= 0;
	if (r == HOST_RING_SIGNAL)
		signal_guest(c);
	if (r >= 0 && fault_is_on(c, FAULT_CHANGE_AFTER_SIGNAL))
		scribble(c, start);
	return r == -EAGAIN ? r : 0;
}

/* When a delayed request is to go. */
static uint64_t due_us(const struct channel *c, const struct request *q)
{
	return q->deadline_us - c->timeout_ms * UINT64_C(1000) +
	       fault_value(c, FAULT_DELAY) * 1000;
}

static bool delay_is_over(const struct channel *c, const struct request *q)
{
	return !fault_is_on(c, FAULT_DELAY) || now_us() >= due_us(c, q);
}

static void put_unsent(struct channel *c)
{
	for (struct request *q = c->requests; q && c->open; q = q->next) {
		if (!q->unsent)
			continue;
		if (!delay_is_over(c, q) || put(c, q) == -EAGAIN)
			return; /* in order: the next ones wait behind it */
		if (fault_is_on(c, FAULT_DUPLICATE) && put(c, q) == 0) {
			q->copies++;
			c->facts->requests += !q->negotiation;
		}
		q->unsent = false;
	}
}

static int on_delay(sd_event_source *source, uint64_t usec, void *user)
{
	struct channel *c = user;

	(void)source;
	(void)usec;
	put_unsent(c);
	return 0;
}

static void append(struct channel *c, struct request *q)
{
	struct request **end = &c->requests;

	while (*end)
		end = &(*end)->next;
	*end = q;
	c->n_requests++;
}

static void forget(struct channel *c, struct request *q)
{
	for (struct request **p = &c->requests; *p; p = &(*p)->next)
		if (*p == q) {
			*p = q->next;
			c->n_requests--;
			free(q);
			return;
		}
}

/* Not relative: the loop counts from its last round, which may be long ago. */
static int start_delay(struct channel *c, const struct request *q)
{
	c->delay_timer = sd_event_source_disable_unref(c->delay_timer);
	return sd_event_add_time(c->event, &c->delay_timer, CLOCK_MONOTONIC, due_us(c, q), 1000,
				 on_delay, c);
}

/* Takes the request over, also when it fails. */
static int send_request(struct channel *c, struct request *q)
{
	int r;

	if (c->n_requests >= REQUESTS_MAX)
		forget(c, c->requests);
	q->trans_id = ++c->last_trans_id;
	q->copies = 1;
	q->unsent = true;
	q->deadline_us = now_us() + c->timeout_ms * UINT64_C(1000);
	append(c, q);
	if (fault_is_on(c, FAULT_DELAY)) {
		r = start_delay(c, q);
		if (r < 0)
			return r;
	} else {
		put_unsent(c);
	}
	return arm(c);
}

/* Reverses, repeats: the list as the faults want it. */
static void spoil_list(const struct channel *c, struct version_list *list, bool framework)
{
	if (fault_is_on(c, FAULT_UNEQUAL_COUNTS) && framework && list->n)
		for (uint64_t i = 0; i < fault_value(c, FAULT_UNEQUAL_COUNTS); i++) {
			if (list->n >= VERSION_LIST_MAX)
				break;
			list->v[list->n++] = list->v[0];
		}
	if (fault_is_on(c, FAULT_REORDER_VERSIONS))
		for (unsigned i = 0, k = list->n; i + 1 < k; i++) {
			struct version v = list->v[i];

			list->v[i] = list->v[--k];
			list->v[k] = v;
		}
}

static struct request *negotiation_new(const struct version_list *framework,
				       const struct version_list *message)
{
	struct request *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->negotiation = true;
	q->framework = *framework;
	q->message = *message;
	return q;
}

static int send_negotiation(struct channel *c, struct request *q)
{
	c->facts->offered_framework = q->framework;
	c->facts->offered_message = q->message;
	/* What was asked before is history for the host, answered or not (OpenVMM drops it). */
	for (struct request *old = c->requests; old; old = old->next)
		old->stale = old->stale || !old->negotiation;
	return send_request(c, q);
}

int channel_negotiate_raw(struct channel *c, const struct version_list *framework,
			  const struct version_list *message, const struct message *m)
{
	struct request *q;

	if (!c->open)
		return -ENOTCONN;
	q = negotiation_new(framework, message);
	if (!q)
		return -ENOMEM;
	q->m = *m;
	return send_negotiation(c, q);
}

int channel_negotiate(struct channel *c, const struct version_list *framework,
		      const struct version_list *message, const uint16_t counts[2])
{
	struct request *q;
	uint16_t lie[2];

	if (!c->open)
		return -ENOTCONN;
	q = negotiation_new(framework, message);
	if (!q)
		return -ENOMEM;
	spoil_list(c, &q->framework, true);
	spoil_list(c, &q->message, false);
	if (!counts && fault_is_on(c, FAULT_LYING_COUNTS)) {
		lie[0] = (uint16_t)(q->framework.n + fault_value(c, FAULT_LYING_COUNTS));
		lie[1] = (uint16_t)(q->message.n + fault_value(c, FAULT_LYING_COUNTS));
		counts = lie;
	}
	wire_negotiate(&q->m, &q->framework, &q->message, counts);
	return send_negotiation(c, q);
}

int channel_request(struct channel *c, const struct message *m, const struct wire_operation *op)
{
	struct request *q;

	if (!c->open)
		return -ENOTCONN;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->op = op;
	q->m = *m;
	if (fault_is_on(c, FAULT_TRUNCATE) && fault_value(c, FAULT_TRUNCATE) < q->m.len)
		q->m.len = fault_value(c, FAULT_TRUNCATE);
	c->facts->requests++;
	return send_request(c, q);
}

/*
 * So many requests as are kept must be more than the ring holds. Where they are not, in one of the 2 MiB
 * that Linux' uio_hv_generic makes, they are longer: enough for both rings, as a guest that is not read
 * fills its own first. Of a body that is too long the end is not looked at.
 */
static int lengthen(const struct channel *c, struct message *m, unsigned most)
{
	size_t wanted = 2 * (size_t)c->ring.size / most;

	if (RING_SPACE(m->len) * most > c->ring.size)
		return 0;
	return wire_resize(m, (wanted < WIRE_MESSAGE_MAX ? wanted : WIRE_MESSAGE_MAX) - WIRE_BODY);
}

int channel_fill(struct channel *c, const struct message *m, const struct wire_operation *op)
{
	struct message *longer = malloc(sizeof(*longer));
	unsigned most = REQUESTS_MAX / 2;
	int r;

	if (!longer)
		return -ENOMEM;
	*longer = *m;
	r = lengthen(c, longer, most);
	while (r >= 0 && most-- && !c->ring.waits_for_space && !c->ring.dead)
		r = channel_request(c, longer, op);
	free(longer);
	return r;
}

void channel_corrupt_index(struct channel *c, uint32_t value)
{
	if (!c->open)
		return;
	host_ring_corrupt(&c->ring, value);
	signal_guest(c);
}

/* --- waiting --- */

bool channel_is_busy(const struct channel *c)
{
	for (const struct request *q = c->requests; q; q = q->next)
		if (!q->timed_out && !q->stale)
			return true;
	return false;
}

static void drain(struct channel *c);

/* Something waits that the guest should have signalled: a lost wake-up, seen from here. */
static void look_for_lost_signals(struct channel *c)
{
	if (fault_is_on(c, FAULT_NEVER_READ) || c->ring.dead)
		return;
	if (host_ring_has_packet(&c->ring)) {
		channel_violated(c, "a packet waited in the guest's empty ring without a signal");
		drain(c);
	}
	if (c->open && c->ring.waits_for_space && c->requests &&
	    host_ring_has_room(&c->ring, c->requests->m.len)) {
		channel_violated(c, "the guest made room in a full ring and did not signal");
		put_unsent(c);
	}
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *user)
{
	struct channel *c = user;
	uint64_t now = now_us();
	bool late = false;

	(void)source;
	(void)usec;
	look_for_lost_signals(c);
	for (struct request *q = c->requests; q; q = q->next) {
		if (q->timed_out || q->deadline_us > now)
			continue;
		q->timed_out = true;
		late = late || !q->stale;
	}
	(void)arm(c);
	if (!late || !c->open)
		return 0;
	if (c->facts->contact == CONTACT_AGREED)
		c->facts->contact = CONTACT_LOST;
	c->handler->timed_out(c->user, c);
	return 0;
}

/* The timer runs for the oldest request that is still in time. */
static int arm(struct channel *c)
{
	c->timer = sd_event_source_disable_unref(c->timer);
	for (const struct request *q = c->requests; q && c->open; q = q->next)
		if (!q->timed_out)
			return sd_event_add_time(c->event, &c->timer, CLOCK_MONOTONIC,
						 q->deadline_us, 1000, on_timeout, c);
	return 0;
}

/* --- receiving --- */

static void note_negotiation(struct channel *c, const struct request *q, const struct answer *a)
{
	struct component_facts *f = c->facts;
	struct version_pair pair;
	uint16_t counts[2];
	struct wire_header h;

	f->negotiations++;
	/* An answer without a body is as good as none in common (OpenVMM: the channel fails). */
	if (wire_parse_header(a->payload, a->len, &h) < 0 || h.size < 16 ||
	    wire_parse_negotiate(a->payload, a->len, counts, &pair) < 0)
		counts[0] = counts[1] = 0;
	memcpy(f->answered_counts, counts, sizeof(counts));
	if (counts[0] != 1 || counts[1] != 1) {
		f->contact = CONTACT_NO_COMMON;
		return;
	}
	f->contact = CONTACT_AGREED;
	f->answered = pair;
	f->answered_unoffered = !version_list_has(&q->framework, pair.framework) ||
				!version_list_has(&q->message, pair.message);
}

static void note_answer(struct channel *c, const struct answer *a)
{
	struct component_facts *f = c->facts;
	char state[16];

	if (f->contact == CONTACT_LOST)
		f->contact = CONTACT_AGREED;
	f->answers++;
	if (a->status != WIRE_STATUS_OK && a->status != WIRE_STATUS_NO_MORE)
		f->failures++;
	else if (c->component == COMPONENT_HEARTBEAT && a->op &&
		 wire_get(a->op, a->payload, a->len, "state", 0, state, sizeof(state)) == 0)
		f->application_state = (uint32_t)strtoul(state, NULL, 10);
}

/* Size 16 also when nothing matches: hv_util sets it before it looks. */
static int check_negotiation_size(const struct request *q, const struct wire_header *h, char *why,
				  size_t size)
{
	if (!q->negotiation || h->size == 16 || h->status != WIRE_STATUS_OK)
		return 0;
	snprintf(why, size, "a negotiation's answer claims a body of %u bytes, not 16", h->size);
	return -EBADMSG;
}

static void check_answer(struct channel *c, const struct request *q, const struct wire_header *h,
			 const struct host_packet *p)
{
	char why[160];

	/* What the guest saw of such a packet is not known, so neither is what it should answer. */
	if (fault_is_on(c, FAULT_CHANGE_AFTER_SIGNAL))
		return;
	if (wire_check_reply(&q->m, p->payload, p->len, why, sizeof(why)) < 0 ||
	    check_negotiation_size(q, h, why, sizeof(why)) < 0 ||
	    (q->op && wire_check_value(q->op, p->payload, p->len, why, sizeof(why)) < 0) ||
	    (q->op && q->op->component == COMPONENT_HEARTBEAT &&
	     wire_check_sequence(&q->m, p->payload, p->len, why, sizeof(why)) < 0))
		channel_violated(c, why);
}

/* By transaction id; a guest that does not copy it is matched by the order, and told of. */
static struct request *find_request(struct channel *c, const struct host_packet *p)
{
	char why[160];
	struct request *oldest = NULL;

	for (struct request *q = c->requests; q; q = q->next) {
		if (q->unsent)
			continue;
		if (q->trans_id == p->trans_id)
			return q;
		if (!oldest && !q->timed_out)
			oldest = q;
	}
	snprintf(why, sizeof(why), "the guest sent a packet with transaction id %llu, %s",
		 (unsigned long long)p->trans_id,
		 oldest ? "which no request had" : "and nothing was asked");
	channel_violated(c, why);
	return oldest;
}

static bool answer_is_dropped(struct channel *c)
{
	uint64_t every = fault_value(c, FAULT_DROP);

	return fault_is_on(c, FAULT_DROP) && every && c->answers % every == 0;
}

static void on_packet(struct channel *c, const struct host_packet *p)
{
	uint64_t taken_ns = now_ns();
	struct request *q = find_request(c, p);
	struct wire_header h = { 0 };
	struct answer a;

	c->answers++;
	if (!q || answer_is_dropped(c))
		return;
	if (!q->negotiation)
		histogram_add(&c->timing.round_trips, taken_ns - q->put_ns);
	if (wire_parse_header(p->payload, p->len, &h) < 0)
		h = (struct wire_header){ 0 }; /* the check says so */
	check_answer(c, q, &h, p);
	a = (struct answer){ .negotiation = q->negotiation,
			     .op = q->op,
			     .stale = q->stale || q->timed_out,
			     .payload = p->payload,
			     .len = p->len,
			     .status = h.status };
	if (q->negotiation)
		note_negotiation(c, q, &a);
	else if (!q->stale)
		note_answer(c, &a);
	if (--q->copies)
		return; /* the second answer to a doubled request is the one that counts */
	forget(c, q);
	(void)arm(c);
	c->handler->answered(c->user, c, &a);
}

static void packet_freep(struct host_packet **p)
{
	free(*p);
}

static void drain(struct channel *c)
{
	_cleanup_(packet_freep) struct host_packet *p = malloc(sizeof(*p));

	if (!p)
		return;
	do {
		host_ring_mask(&c->ring);
		while (c->open && host_ring_get(&c->ring, p) > 0)
			on_packet(c, p);
		if (!c->open)
			return;
		if (host_ring_commit(&c->ring) == HOST_RING_SIGNAL)
			signal_guest(c);
	} while (host_ring_unmask(&c->ring));
}

void channel_signalled(struct channel *c, uint64_t times)
{
	if (!c->open)
		return;
	c->timing.signals += (unsigned)times;
	host_ring_signalled(&c->ring, times);
	if (!fault_is_on(c, FAULT_NEVER_READ))
		drain(c);
	if (c->open)
		put_unsent(c);
}

void channel_interrupted(struct channel *c)
{
	c->timing.interrupts++;
}

void channel_note_timing(struct channel *c)
{
	if (c->open)
		timing_note(&c->timing, c->facts);
}

/* --- life --- */

void channel_init(struct channel *c, enum component component, sd_event *event,
		  struct component_facts *facts, const struct fault_set *faults, unsigned timeout_ms,
		  const struct channel_handler *handler, void *user)
{
	*c = (struct channel){
		.component = component,
		.event = event,
		.facts = facts,
		.faults = faults,
		.timeout_ms = timeout_ms,
		.handler = handler,
		.user = user,
	};
}

static void forget_all(struct channel *c)
{
	while (c->requests)
		forget(c, c->requests);
	c->timer = sd_event_source_disable_unref(c->timer);
	c->delay_timer = sd_event_source_disable_unref(c->delay_timer);
}

void channel_abandon(struct channel *c)
{
	forget_all(c);
}

void channel_done(struct channel *c)
{
	channel_note_timing(c);
	c->open = false;
	forget_all(c);
}

void channel_opened(struct channel *c, void *memory, uint32_t ring_size)
{
	forget_all(c);
	host_ring_init(&c->ring, memory, ring_size, on_ring_violation, c);
	if (fault_is_on(c, FAULT_NEVER_READ))
		host_ring_never_read(&c->ring);
	c->last_trans_id = 0;
	c->answers = 0;
	timing_begin(&c->timing, c->facts, ring_size);
	c->open = true;
	c->facts->opened = true;
}

void channel_closed(struct channel *c)
{
	if (c->open && !fault_is_on(c, FAULT_NEVER_READ))
		drain(c);
	channel_done(c);
	c->facts->opened = false;
}
