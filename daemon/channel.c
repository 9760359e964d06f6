/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/channel_resume.h"
#include "daemon/channel_state.h"
#include "daemon/monotonic.h"

/* How long to rely on the host's word that there is room for an answer. */
#define ROOM_USEC (100 * USEC_PER_MSEC)
/* A ring that makes no sense is not opened again at once: the host may be doing it on purpose. */
#define REOPEN_USEC (2 * USEC_PER_SEC)
/* Packets taken in one go, and for how long: the other channels must have their turn. */
#define PACKETS_AT_ONCE 64
#define TURN_USEC (20 * USEC_PER_MSEC)
/* A request that was being served when so many processes died one after the other is not served again. Not
 * one: most die of something else. */
#define DEATHS_MAX 2
/* Looks at the ring may be so late, together with what else wakes the processor. */
#define LOOK_ACCURACY_USEC (250 * USEC_PER_MSEC)

enum chan_event {
	EV_OFFERED,
	EV_OFFERED_UNSERVED,
	EV_OPENED,
	EV_TAKEN_OVER,
	EV_DOUBTFUL,
	EV_AGREED,
	EV_NO_COMMON,
	EV_BROKEN,
	EV_REOPEN,
	EV_RENEGOTIATE,
	EV_DISABLED,
	EV_ENABLED,
	EV_RESCINDED,
	CHAN_EVENTS
};

/* Rows say where we are, columns what happened. */
static const enum chan_state next_state[CHAN_STATES][CHAN_EVENTS] = {
	[CHAN_ABSENT] = { [EV_OFFERED] = CHAN_OPENING, [EV_OFFERED_UNSERVED] = CHAN_IDLE },
	[CHAN_OPENING] = { [EV_OPENED] = CHAN_NEGOTIATING,
			   [EV_TAKEN_OVER] = CHAN_RUNNING,
			   [EV_DOUBTFUL] = CHAN_CLOSED,
			   [EV_BROKEN] = CHAN_BROKEN,
			   [EV_DISABLED] = CHAN_IDLE,
			   [EV_RESCINDED] = CHAN_ABSENT },
	[CHAN_NEGOTIATING] = { [EV_AGREED] = CHAN_RUNNING,
			       [EV_BROKEN] = CHAN_BROKEN,
			       [EV_RENEGOTIATE] = CHAN_CLOSED,
			       [EV_DISABLED] = CHAN_IDLE,
			       [EV_RESCINDED] = CHAN_ABSENT },
	[CHAN_RUNNING] = { [EV_NO_COMMON] = CHAN_NEGOTIATING,
			   [EV_BROKEN] = CHAN_BROKEN,
			   [EV_RENEGOTIATE] = CHAN_CLOSED,
			   [EV_DISABLED] = CHAN_IDLE,
			   [EV_RESCINDED] = CHAN_ABSENT },
	[CHAN_BROKEN] = { [EV_REOPEN] = CHAN_OPENING,
			  [EV_DISABLED] = CHAN_IDLE,
			  [EV_RESCINDED] = CHAN_ABSENT },
	[CHAN_CLOSED] = { [EV_REOPEN] = CHAN_OPENING,
			  [EV_DISABLED] = CHAN_IDLE,
			  [EV_RESCINDED] = CHAN_ABSENT },
	[CHAN_IDLE] = { [EV_ENABLED] = CHAN_OPENING, [EV_RESCINDED] = CHAN_ABSENT },
};

static const char *const state_names[CHAN_STATES] = {
	[CHAN_ABSENT] = "absent",   [CHAN_OPENING] = "opening", [CHAN_NEGOTIATING] = "negotiating",
	[CHAN_RUNNING] = "running", [CHAN_BROKEN] = "broken",   [CHAN_CLOSED] = "closed",
	[CHAN_IDLE] = "idle",
};

static const char *const event_names[CHAN_EVENTS] = {
	[EV_OFFERED] = "offered", [EV_OFFERED_UNSERVED] = "offered", [EV_OPENED] = "opened",
	[EV_TAKEN_OVER] = "taken over", [EV_DOUBTFUL] = "doubtful", [EV_AGREED] = "agreed",
	[EV_NO_COMMON] = "no common version", [EV_BROKEN] = "broken", [EV_REOPEN] = "reopen",
	[EV_RENEGOTIATE] = "renegotiate", [EV_DISABLED] = "disabled", [EV_ENABLED] = "enabled",
	[EV_RESCINDED] = "rescinded",
};

static void broken(struct channel *c, const char *what);
static void pump(struct channel *c);

static bool timer_runs(const struct channel *c)
{
	return sd_event_source_get_enabled(c->timer, NULL) > 0;
}

static uint8_t *bytes(const struct channel *c, const struct keep_message *m)
{
	return keep_buffer(c->keep, m->buffer);
}

static void hold_drop(struct channel *c)
{
	if (c->hold == KEEP_HOLD_REQUEST && c->ic.service->forget)
		c->ic.service->forget(c->ic.user);
	c->hold = KEEP_HOLD_NOTHING;
	c->held_deaths = 0;
	c->ic.busy = false;
	(void)sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
}

/* --- the port --- */

static void detach(struct channel *c);

/* Whether the rings are still there. Drain them afterwards: nobody interrupts twice for a packet. */
static bool take_interrupt(struct channel *c)
{
	int r = c->port->ops->acknowledge(c->port);

	if (r < 0)
		broken(c, "its interrupt cannot be taken"); /* it would interrupt for ever */
	if (r > 0)
		detach(c); /* the kernel may have given their memory to somebody else already */
	return r == 0;
}

static void signal_host(struct channel *c)
{
	int r = c->port->ops->signal(c->port);

	if (r < 0)
		broken(c, "the host cannot be signalled");
	if (r > 0)
		detach(c);
}

/* Whether there are rings to use. */
static bool is_open(const struct channel *c)
{
	return (c->state == CHAN_NEGOTIATING || c->state == CHAN_RUNNING) && c->interrupt;
}

static int on_interrupt(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct channel *c = user;

	(void)source;
	(void)fd;
	(void)revents;
	if (take_interrupt(c))
		pump(c);
	return 0;
}

static void look_again(struct channel *c)
{
	if (c->port->look_usec == 0)
		return;
	(void)sd_event_source_set_time(c->look, channel_now_usec(c) + c->port->look_usec);
	(void)sd_event_source_set_enabled(c->look, SD_EVENT_ONESHOT);
}

/* The opened port's interrupt; its rings are looked at in any case. */
static int watch_port(struct channel *c)
{
	int r;

	/* Edge-triggered: a descriptor that stays readable, as no honest host's does, must not spin. */
	r = sd_event_add_io(c->event, &c->interrupt, c->port->interrupt_fd, EPOLLIN | EPOLLET,
			    on_interrupt, c);
	if (r < 0)
		return r;
	(void)sd_event_source_set_description(c->interrupt, c->ic.service->name);
	(void)sd_event_source_set_enabled(c->more, SD_EVENT_ONESHOT);
	look_again(c);
	c->trouble = 0;
	return 0;
}

/* Both rings of the port that has been opened. */
static int attach(struct channel *c)
{
	const struct keep_owner own = channel_owner(c);
	uint8_t *memory = c->port->memory;
	int r;

	r = ring_tx_init(&c->tx, memory, c->port->ring_size);
	if (r < 0)
		return r;
	r = ring_rx_init(&c->rx, memory + c->port->ring_size, c->port->ring_size);
	if (r < 0)
		return r;
	r = watch_port(c);
	if (r < 0)
		return r;
	keep_begin(c->keep, &own, c->rx.read, c->tx.write);
	c->is_kept = true;
	c->in = (struct keep_message){ .buffer = 0 };
	c->held = (struct keep_message){ .buffer = 1 };
	if (keep_fd(c->keep) >= 0)
		store_put(c->store, c->store_name, keep_fd(c->keep));
	return 0;
}

static void detach(struct channel *c)
{
	if (c->is_kept) {
		keep_end(c->keep);
		store_remove(c->store, c->store_name);
	}
	c->is_kept = false;
	hold_drop(c);
	c->unsent = false;
	c->packet_deaths = 0;
	c->interrupt = sd_event_source_disable_unref(c->interrupt);
	(void)sd_event_source_set_enabled(c->more, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(c->look, SD_EVENT_OFF);
	ic_reset(&c->ic);
}

static void tell(struct channel *c, enum channel_news news)
{
	if (c->news)
		c->news(c->news_user, c->ic.service->component, news);
}

static void log_trouble(struct channel *c, int error)
{
	channel_log_trouble(&c->to, channel_now_usec(c), c->port->why[0] != '\0' ? c->port->why : strerror(-error),
			    error != c->trouble);
	c->trouble = error;
}

static void event(struct channel *c, enum chan_event ev);

static bool is_port_open(enum chan_state state)
{
	return state == CHAN_OPENING || state == CHAN_NEGOTIATING || state == CHAN_RUNNING;
}

static void close_port(struct channel *c, enum chan_state before)
{
	detach(c);
	if (is_port_open(before))
		c->port->ops->close(c->port);
}

/* What entering a state means. */
static void enter(struct channel *c, enum chan_state before)
{
	int r = 0;

	switch (c->state) {
	case CHAN_OPENING:
		r = c->port->ops->open(c->port);
		break;
	case CHAN_NEGOTIATING:
		if (!c->interrupt)
			r = attach(c);
		break;
	case CHAN_BROKEN:
		close_port(c, before);
		channel_timer_start(c, REOPEN_USEC);
		break;
	case CHAN_CLOSED:
		close_port(c, before);
		channel_timer_start(c, 0);
		break;
	case CHAN_IDLE:
		close_port(c, before);
		break;
	case CHAN_ABSENT:
		detach(c);
		c->trouble = 0;
		c->port->ops->release(c->port);
		c->port = NULL;
		break;
	case CHAN_RUNNING:
	case CHAN_STAYS:
	case CHAN_STATES:
		break;
	}
	if (r < 0) {
		log_trouble(c, r);
		event(c, EV_BROKEN);
	}
}

static void event(struct channel *c, enum chan_event ev)
{
	enum chan_state before = c->state, state = next_state[before][ev];

	if (state == CHAN_STAYS)
		return;
	log_line(c->log, LOG_DEBUG, NULL, "%s: %s, %s: %s", c->ic.service->name,
		 state_names[before], event_names[ev], state_names[state]);
	c->state = state;
	enter(c, before);
	tell(c, before == CHAN_RUNNING ? CHANNEL_LOST : CHANNEL_CHANGED);
}

/* --- messages --- */

static void refuse(struct channel *c, int error, const char *why, const char *what_now)
{
	c->counts.refused++;
	channel_log_refusal(&c->to, channel_now_usec(c), error, why, what_now);
	tell(c, CHANNEL_CHANGED);
}

static void broken(struct channel *c, const char *what)
{
	c->counts.refused++;
	channel_log_broken(&c->to, channel_now_usec(c), what);
	event(c, EV_BROKEN);
}

/* Writes down what holds from now on. */
static void note(struct channel *c, enum keep_stage stage)
{
	const struct keep_state state = {
		.stage = stage,
		.deaths = stage == KEEP_PACKET ? c->packet_deaths : stage == KEEP_HELD ? c->held_deaths : 0,
		.read = stage == KEEP_PACKET ? c->rx.published : c->rx.read,
		.write = c->tx.published,
		.unsent = c->unsent,
		.hold = c->hold,
		.hold_usec = c->hold_usec,
		.in = c->in,
		.held = c->held,
	};

	if (c->has_negotiated)
		keep_note_negotiated(c->keep, &state, &c->ic.offer, &c->ic.answer);
	else
		keep_note(c->keep, &state);
	c->has_negotiated = false;
}

/* Puts the answer in c->in into the host's ring, or leaves it there until there is room. */
static void send_answer(struct channel *c)
{
	const struct ring_packet packet = {
		.type = RING_PACKET_INBAND,
		.trans_id = c->in.trans_id,
	};
	int r = ring_tx_put(&c->tx, &packet, bytes(c, &c->in), c->in.len);

	while (r == -EAGAIN) {
		r = ring_tx_wait_for_room(&c->tx, c->in.len);
		if (r == 0) {
			if (c->hold == KEEP_HOLD_NOTHING)
				channel_timer_start(c, ROOM_USEC);
			return;
		}
		if (r > 0)
			r = ring_tx_put(&c->tx, &packet, bytes(c, &c->in), c->in.len);
	}
	if (r == 0)
		r = ring_tx_commit(&c->tx);
	if (r < 0)
		broken(c, "its ring for answers makes no sense");
	else if (r > 0)
		signal_host(c);
	if (!is_open(c))
		return;
	c->unsent = false;
	note(c, KEEP_SETTLED);
}

/* Lets the host know what came of what was in work: it has room for the next, and the answer, if there is
 * one. That is written down before, so that nothing is served twice. */
static void conclude(struct channel *c)
{
	note(c, KEEP_DUE);
	if (ring_rx_commit(&c->rx) > 0)
		signal_host(c);
	if (!is_open(c))
		return;
	if (c->unsent)
		send_answer(c);
	else
		note(c, KEEP_SETTLED);
}

/* Neither is written over before it is noted which is which. */
static void exchange(struct channel *c)
{
	const struct keep_message in = c->in;

	c->in = c->held;
	c->held = in;
}

/* Takes the message out of c->in; what was held is dropped. */
static void set_aside(struct channel *c, enum keep_hold hold, uint64_t usec)
{
	exchange(c);
	c->hold = hold;
	c->hold_usec = channel_now_usec(c) + usec;
}

/* Sets the request aside until it can be served. */
static void postpone(struct channel *c)
{
	if (c->hold != KEEP_HOLD_NOTHING) {
		c->in.len = (uint32_t)ic_refuse(bytes(c, &c->in), c->in.len, -EBUSY);
		c->unsent = true;
		return;
	}
	set_aside(c, KEEP_HOLD_REQUEST, RETRY_LIMIT_USEC);
	c->ic.busy = true;
	channel_timer_start(c, RETRY_USEC);
}

static void on_negotiated(struct channel *c)
{
	hold_drop(c); /* "a new negotiation drops it": the request of the time before */
	c->has_negotiated = true;
	c->counts.negotiations++;
	channel_log_negotiation(&c->to, channel_now_usec(c), &c->ic);
	event(c, c->ic.answer.outcome == IC_NO_COMMON ? EV_NO_COMMON : EV_AGREED);
	tell(c, CHANNEL_NEGOTIATED);
}

/* A request that reached its service. */
static void count_request(struct channel *c, int error)
{
	c->counts.requests++;
	if (error == 0)
		return;
	c->counts.failed++;
	if (!c->user_logs && channel_log_failure(&c->to, channel_now_usec(c), error))
		tell(c, CHANNEL_CHANGED);
}

/* One that reached it as well, and in vain. */
static void count_unserved(struct channel *c)
{
	c->counts.requests++;
	c->counts.failed++;
	channel_log_unserved(&c->to, channel_now_usec(c));
	tell(c, CHANNEL_CHANGED);
}

static void count_blocked(struct channel *c, const struct ic_op *op)
{
	c->counts.refused++;
	channel_log_blocked(&c->to, channel_now_usec(c), op);
}

static void act_on(struct channel *c, const struct ic_result *result)
{
	if (result->negotiated)
		on_negotiated(c);
	else if (result->blocked)
		count_blocked(c, result->blocked);
	else if (result->why)
		refuse(c, result->error, result->why,
		       result->verdict == IC_REPLY ? "refusing it" : "ignoring it");
	else if (result->verdict == IC_REPLY)
		count_request(c, result->error);

	switch (result->verdict) {
	case IC_NOTHING:
		break;
	case IC_LATER:
		postpone(c);
		break;
	case IC_REPLY:
		c->in.len = (uint32_t)result->len;
		if (result->negotiated && c->conf->answer_delay_s > 0) {
			set_aside(c, KEEP_HOLD_ANSWER, c->conf->answer_delay_s * USEC_PER_SEC);
			channel_timer_start(c, c->conf->answer_delay_s * USEC_PER_SEC);
		} else {
			c->unsent = true;
		}
		break;
	}
}

/* Serves the message in c->in, or lets it be for good. */
static struct ic_result serve(struct channel *c, uint32_t deaths)
{
	uint8_t *msg = bytes(c, &c->in);

	if (deaths >= DEATHS_MAX)
		return ic_decline(msg, c->in.len, c->in.received, -EIO, "serving it has ended this daemon twice");
	return ic_handle(&c->ic, msg, c->in.len, c->in.received, IC_PAYLOAD_MAX);
}

static void handle_packet(struct channel *c, const struct ring_packet *packet)
{
	struct ic_result result;

	if (packet->type != RING_PACKET_INBAND) {
		refuse(c, -EPROTO, "its packet type is not in-band data", "ignoring it");
		return;
	}
	c->in.trans_id = packet->trans_id;
	c->in.received = (uint32_t)packet->len;
	c->in.len = packet->len < IC_PAYLOAD_MAX ? (uint32_t)packet->len : IC_PAYLOAD_MAX;
	result = serve(c, c->packet_deaths);
	act_on(c, &result);
}

/* Takes one packet. Whether there was one. */
static bool take_packet(struct channel *c)
{
	struct ring_packet packet;
	int r = ring_rx_get(&c->rx, &packet, bytes(c, &c->in), IC_PAYLOAD_MAX);

	if (r == -EBADMSG)
		broken(c, "its ring makes no sense");
	if (r == 0 || r == -EBADMSG)
		return false;
	note(c, KEEP_PACKET);
	handle_packet(c, &packet);
	c->packet_deaths = 0;
	conclude(c);
	return true;
}

/* Drains the ring, answering each packet; comes back later when it is very full. While an answer
 * waits for room nothing is read: it could not be answered either. */
static void pump(struct channel *c)
{
	const uint64_t began = monotonic_usec();
	unsigned taken = 0;

	if (c->unsent)
		send_answer(c);
	if (!is_open(c))
		return;
	ring_rx_mask(&c->rx);
	while (is_open(c)) {
		if (taken == PACKETS_AT_ONCE || monotonic_usec() - began > TURN_USEC) {
			(void)sd_event_source_set_enabled(c->more, SD_EVENT_ONESHOT);
			return;
		}
		if (!c->unsent && take_packet(c)) {
			taken++;
			continue;
		}
		if (!is_open(c) || ring_rx_unmask(&c->rx) == 0 || c->unsent)
			return;
		ring_rx_mask(&c->rx);
	}
}

static int on_more(sd_event_source *source, uint64_t usec, void *user)
{
	struct channel *c = user;

	(void)source;
	(void)usec;
	if (take_interrupt(c))
		pump(c);
	return 0;
}

static int on_look(sd_event_source *source, uint64_t usec, void *user)
{
	struct channel *c = user;

	(void)source;
	(void)usec;
	if (!take_interrupt(c))
		return 0;
	/* While an answer waits for room, or the drain goes on by itself, packets are known of. */
	if (!c->unsent && sd_event_source_get_enabled(c->more, NULL) == 0 && ring_rx_unmask(&c->rx) > 0)
		log_line(c->log, LOG_DEBUG, NULL, "%s: looked and found a packet that no interrupt has told of, "
			 "%llu so far", c->ic.service->name, (unsigned long long)++c->counts.lost_interrupts);
	pump(c);
	if (is_open(c))
		look_again(c);
	return 0;
}

static void retry_request(struct channel *c)
{
	const uint32_t buffer = c->in.buffer;
	struct ic_result result;

	note(c, KEEP_HELD);
	memcpy(keep_buffer(c->keep, buffer), bytes(c, &c->held), c->held.len);
	c->in = c->held;
	c->in.buffer = buffer;
	c->ic.busy = false;
	result = serve(c, c->held_deaths);
	if (result.verdict == IC_LATER && channel_now_usec(c) < c->hold_usec) {
		c->ic.busy = true;
		channel_timer_start(c, RETRY_USEC);
		note(c, KEEP_SETTLED);
		return;
	}
	if (result.verdict == IC_LATER) {
		count_unserved(c);
		result = (struct ic_result){
			.verdict = IC_REPLY,
			.len = ic_refuse(bytes(c, &c->in), c->in.len, -EBUSY),
		};
	}
	hold_drop(c);
	act_on(c, &result);
	conclude(c);
}

/* The answer's time has come. */
static void send_held(struct channel *c)
{
	exchange(c);
	c->hold = KEEP_HOLD_NOTHING;
	c->unsent = true;
	conclude(c);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct channel *c = user;

	(void)source;
	(void)usec;
	if (c->state == CHAN_BROKEN || c->state == CHAN_CLOSED) {
		event(c, EV_REOPEN);
		return 0;
	}
	if (!take_interrupt(c))
		return 0;
	if (c->unsent) {
		/* What is held needs c->in, and a host that does not know pending_send_size tells
		 * nobody that there is room. */
		pump(c);
		/* What pump has set aside has a time of its own already. */
		if (is_open(c) && (c->unsent || c->hold != KEEP_HOLD_NOTHING) && !timer_runs(c))
			channel_timer_start(c, RETRY_USEC);
		return 0;
	}
	switch (c->hold) {
	case KEEP_HOLD_REQUEST:
		retry_request(c);
		break;
	case KEEP_HOLD_ANSWER:
		send_held(c);
		break;
	case KEEP_HOLD_NOTHING:
	case KEEP_HOLDS:
		break;
	}
	pump(c);
	return 0;
}

/* --- in a process that has ended's place --- */

static bool has_agreed(const struct channel *c)
{
	return c->ic.answer.outcome == IC_AGREED || c->ic.answer.outcome == IC_FORCED;
}

/* Goes on where the predecessor stopped, or closes the channel, so that the host begins anew. */
static void take_over(struct channel *c)
{
	const char *why = "its port cannot be watched";
	struct keep_found found;
	bool signal;
	int r = channel_resume(c, &found, &signal, &why);

	if (r == 0)
		r = watch_port(c);
	if (r < 0) {
		store_remove(c->store, c->store_name);
		log_info(c->log, "%s: the channel cannot be taken over from the process before, its state does not "
			 "hold: %s; opening it anew", c->ic.service->name, why);
		event(c, EV_DOUBTFUL);
		return;
	}
	c->is_kept = true;
	channel_log_taken_over(&c->to, &c->ic, found.program);
	event(c, has_agreed(c) ? EV_TAKEN_OVER : EV_OPENED);
	if (signal)
		signal_host(c);
	if (is_open(c) && found.state.stage == KEEP_DUE && !c->unsent)
		note(c, KEEP_SETTLED);
}

/* --- the outside --- */

static void channel_freep(struct channel **c)
{
	*c = channel_free(*c);
}

static int add_sources(struct channel *c)
{
	int r;

	/* Not the default accuracy: it would make 250 ms of the 5 ms of a retry. */
	r = sd_event_add_time(c->event, &c->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_timer, c);
	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
	(void)sd_event_source_set_description(c->timer, "channel timer");

	/* A time in the past, and no "defer" source: that one stays pending between its turns, so that
	 * it always counts as the one that has waited longest and nothing else has a turn. */
	r = sd_event_add_time(c->event, &c->more, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_more, c);
	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(c->more, SD_EVENT_OFF);
	(void)sd_event_source_set_description(c->more, "channel drain");

	r = sd_event_add_time(c->event, &c->look, CLOCK_MONOTONIC, 0, LOOK_ACCURACY_USEC, on_look, c);
	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(c->look, SD_EVENT_OFF);
	(void)sd_event_source_set_description(c->look, "channel look");
	return 0;
}

int channel_new(const struct channel_options *options, struct channel **ret)
{
	_cleanup_(channel_freep) struct channel *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->event = options->event;
	c->log = options->log;
	c->store = options->store;
	store_name(options->service->component, "state", c->store_name);
	c->conf = options->conf;
	c->user_logs = options->user_logs;
	c->state = CHAN_ABSENT;
	c->news = options->news;
	c->news_user = options->news_user;
	c->to = (struct channel_log){
		.log = options->log,
		.service = options->service,
		.conf = options->conf,
	};
	c->ic = (struct ic){
		.service = options->service,
		.policy = &options->conf->policy,
		.user = options->user,
	};
	r = keep_new(c->store != NULL, &c->keep);
	if (r < 0)
		return r;
	if (c->store && keep_fd(c->keep) < 0)
		log_warning(c->log, "%s: there is no memory that outlives this process: the host will notice a restart",
			    options->service->name);
	r = add_sources(c);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

struct channel *channel_free(struct channel *c)
{
	if (c && c->port)
		close_port(c, c->state);
	return channel_leave(c);
}

struct channel *channel_leave(struct channel *c)
{
	if (!c)
		return NULL;
	c->interrupt = sd_event_source_disable_unref(c->interrupt);
	c->timer = sd_event_source_disable_unref(c->timer);
	c->more = sd_event_source_disable_unref(c->more);
	c->look = sd_event_source_disable_unref(c->look);
	c->keep = keep_free(c->keep);
	free(c);
	return NULL;
}

int channel_offered(struct channel *c, struct port *port)
{
	if (c->port)
		return -EBUSY;
	c->port = port;
	port->user = c;
	event(c, conf_component_is_served(c->conf) ? EV_OFFERED : EV_OFFERED_UNSERVED);
	return 0;
}

void channel_opened(struct channel *c, int error)
{
	if (error < 0 && c->state == CHAN_OPENING)
		log_trouble(c, error);
	if (error == 0 && c->state == CHAN_OPENING && c->port->taken_over)
		take_over(c);
	else
		event(c, error < 0 ? EV_BROKEN : EV_OPENED);
}

void channel_rescinded(struct channel *c)
{
	channel_log_rescinded(&c->to, channel_now_usec(c));
	c->counts.rescinds++;
	event(c, EV_RESCINDED);
}

void channel_update(struct channel *c)
{
	if (!conf_component_is_served(c->conf))
		event(c, EV_DISABLED);
	else
		event(c, c->state == CHAN_IDLE ? EV_ENABLED : EV_RENEGOTIATE);
}

int channel_renegotiate(struct channel *c)
{
	if (next_state[c->state][EV_RENEGOTIATE] == CHAN_STAYS)
		return -ENOTCONN;
	event(c, EV_RENEGOTIATE);
	return 0;
}

void channel_view(const struct channel *c, struct channel_view *ret)
{
	*ret = (struct channel_view){
		.service = c->ic.service,
		.state = state_names[c->state],
		.offer = &c->ic.offer,
		.answer = &c->ic.answer,
		.conf = c->conf,
		.counts = c->counts,
		.last_error = c->to.last,
		.last_error_usec = c->to.last_usec,
	};
}
