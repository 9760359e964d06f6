/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/channel_log.h"
#include "hv_util/ring.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)

/* A request that could not be served yet (a pool file is locked) is tried again this often... */
#define RETRY_USEC (5 * USEC_PER_MSEC)
/* ...and refused after this time: well before the 30 s after which Linux's own driver gives up. */
#define RETRY_LIMIT_USEC (10 * USEC_PER_SEC)
/* How long to rely on the host's word that there is room for an answer. */
#define ROOM_USEC (100 * USEC_PER_MSEC)
/* A ring that makes no sense is not opened again at once: the host may be doing it on purpose. */
#define REOPEN_USEC (2 * USEC_PER_SEC)
/* Packets taken in one go, and for how long: the other channels must have their turn. */
#define PACKETS_AT_ONCE 64
#define TURN_USEC (20 * USEC_PER_MSEC)
/* Looks at the ring may be so late, together with what else wakes the processor. */
#define LOOK_ACCURACY_USEC (250 * USEC_PER_MSEC)

enum chan_state {
	CHAN_STAYS = 0, /* in the table below: the event means nothing in this state */
	CHAN_ABSENT,    /* the host has not offered it */
	CHAN_OPENING,
	CHAN_NEGOTIATING, /* open; no version is agreed */
	CHAN_RUNNING,
	CHAN_BROKEN, /* closed, because the host's ring made no sense; opened again later */
	CHAN_CLOSED, /* closed by ourselves, to be opened again at once */
	CHAN_IDLE,   /* offered, and not to be served */
	CHAN_STATES
};

enum chan_event {
	EV_OFFERED,
	EV_OFFERED_UNSERVED,
	EV_OPENED,
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
	[EV_OFFERED] = "offered", [EV_OFFERED_UNSERVED] = "offered", [EV_OPENED] = "opened", [EV_AGREED] = "agreed",
	[EV_NO_COMMON] = "no common version", [EV_BROKEN] = "broken", [EV_REOPEN] = "reopen",
	[EV_RENEGOTIATE] = "renegotiate", [EV_DISABLED] = "disabled", [EV_ENABLED] = "enabled",
	[EV_RESCINDED] = "rescinded",
};

struct message {
	uint64_t trans_id;
	size_t len;      /* bytes in buf */
	size_t received; /* bytes that the packet had */
	uint8_t buf[IC_PAYLOAD_MAX];
};

enum hold {
	HOLD_NOTHING = 0,
	HOLD_REQUEST, /* to be handed to the service again */
	HOLD_ANSWER,  /* AnswerDelaySec: to be sent later */
};

struct channel {
	sd_event *event;
	sd_event_source *interrupt, *timer, *more, *look;
	const struct log *log;
	const struct conf_component *conf;
	bool user_logs;
	void (*news)(void *user, enum ic_component component, enum channel_news news);
	void *news_user;
	struct channel_counts counts;
	struct channel_log to;
	enum chan_state state;
	struct port *port;
	struct ring_tx tx;
	struct ring_rx rx;
	struct ic ic;
	bool unsent;              /* in holds an answer for which the host's ring has no room */
	enum hold hold;           /* what held is */
	uint64_t hold_limit_usec; /* HOLD_REQUEST: when to refuse it */
	struct message in, held;
	int trouble; /* why the channel cannot be used: the errno that was logged, 0: it can */
	struct log_rate rescinds;
};

static void broken(struct channel *c, const char *what);
static void pump(struct channel *c);

static uint64_t now_usec(const struct channel *c)
{
	uint64_t now = 0;

	(void)sd_event_now(c->event, CLOCK_MONOTONIC, &now);
	return now;
}

static void timer_start(struct channel *c, uint64_t usec)
{
	(void)sd_event_source_set_time(c->timer, now_usec(c) + usec);
	(void)sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}

static bool timer_runs(const struct channel *c)
{
	return sd_event_source_get_enabled(c->timer, NULL) > 0;
}

static void hold_drop(struct channel *c)
{
	c->hold = HOLD_NOTHING;
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
	(void)sd_event_source_set_time(c->look, now_usec(c) + c->port->look_usec);
	(void)sd_event_source_set_enabled(c->look, SD_EVENT_ONESHOT);
}

/* Both rings of the opened port, and its interrupt. */
static int attach(struct channel *c)
{
	uint8_t *memory = c->port->memory;
	int r;

	r = ring_tx_init(&c->tx, memory, c->port->ring_size);
	if (r < 0)
		return r;
	r = ring_rx_init(&c->rx, memory + c->port->ring_size, c->port->ring_size);
	if (r < 0)
		return r;
	/* Edge-triggered: a descriptor that stays readable, as no honest host's does, must not spin. */
	r = sd_event_add_io(c->event, &c->interrupt, c->port->interrupt_fd, EPOLLIN | EPOLLET,
			    on_interrupt, c);
	if (r < 0)
		return r;
	(void)sd_event_source_set_description(c->interrupt, c->ic.service->name);
	look_again(c);
	c->trouble = 0;
	return 0;
}

static void detach(struct channel *c)
{
	hold_drop(c);
	c->unsent = false;
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
	channel_log_trouble(&c->to, now_usec(c), c->port->why[0] != '\0' ? c->port->why : strerror(-error),
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
		if (r >= 0)
			(void)sd_event_source_set_enabled(c->more, SD_EVENT_ONESHOT);
		break;
	case CHAN_BROKEN:
		close_port(c, before);
		timer_start(c, REOPEN_USEC);
		break;
	case CHAN_CLOSED:
		close_port(c, before);
		timer_start(c, 0);
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
	channel_log_refusal(&c->to, now_usec(c), error, why, what_now);
}

static void broken(struct channel *c, const char *what)
{
	refuse(c, -EBADMSG, what, "closing the channel for a while");
	event(c, EV_BROKEN);
}

/* Puts the answer in c->in into the host's ring, or leaves it there until there is room. */
static void send_answer(struct channel *c)
{
	const struct ring_packet packet = {
		.type = RING_PACKET_INBAND,
		.trans_id = c->in.trans_id,
	};
	int r = ring_tx_put(&c->tx, &packet, c->in.buf, c->in.len);

	while (r == -EAGAIN) {
		r = ring_tx_wait_for_room(&c->tx, c->in.len);
		if (r == 0) {
			c->unsent = true;
			if (c->hold == HOLD_NOTHING)
				timer_start(c, ROOM_USEC);
			return;
		}
		if (r > 0)
			r = ring_tx_put(&c->tx, &packet, c->in.buf, c->in.len);
	}
	c->unsent = false;
	if (r == 0)
		r = ring_tx_commit(&c->tx);
	if (r < 0)
		broken(c, "its ring for answers makes no sense");
	else if (r > 0)
		signal_host(c);
}

/* Sets the request aside until it can be served. */
static void postpone(struct channel *c)
{
	if (c->hold != HOLD_NOTHING) {
		c->in.len = ic_refuse(c->in.buf, c->in.len, -EBUSY);
		send_answer(c);
		return;
	}
	c->held = c->in;
	c->hold = HOLD_REQUEST;
	c->hold_limit_usec = now_usec(c) + RETRY_LIMIT_USEC;
	c->ic.busy = true;
	timer_start(c, RETRY_USEC);
}

static void on_negotiated(struct channel *c)
{
	hold_drop(c); /* "a new negotiation drops it": the request of the time before */
	c->counts.negotiations++;
	channel_log_negotiation(&c->to, now_usec(c), &c->ic);
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
	if (!c->user_logs)
		channel_log_failure(&c->to, now_usec(c), error);
}

static void count_blocked(struct channel *c, const struct ic_op *op)
{
	c->counts.refused++;
	channel_log_blocked(&c->to, now_usec(c), op);
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
		c->in.len = result->len;
		if (result->negotiated && c->conf->answer_delay_s > 0) {
			c->held = c->in;
			c->hold = HOLD_ANSWER;
			timer_start(c, c->conf->answer_delay_s * USEC_PER_SEC);
		} else {
			send_answer(c);
		}
		break;
	}
}

static void handle_packet(struct channel *c, const struct ring_packet *packet)
{
	struct ic_result result;

	if (packet->type != RING_PACKET_INBAND) {
		refuse(c, -EPROTO, "its packet type is not in-band data", "ignoring it");
		return;
	}
	c->in.trans_id = packet->trans_id;
	c->in.received = packet->len;
	c->in.len = packet->len < sizeof(c->in.buf) ? packet->len : sizeof(c->in.buf);
	result = ic_handle(&c->ic, c->in.buf, c->in.len, c->in.received, sizeof(c->in.buf));
	act_on(c, &result);
}

/* Takes one packet. Whether there was one. */
static bool take_packet(struct channel *c)
{
	struct ring_packet packet;
	int r = ring_rx_get(&c->rx, &packet, c->in.buf, sizeof(c->in.buf));

	if (r == -EBADMSG)
		broken(c, "its ring makes no sense");
	if (r == 0 || r == -EBADMSG)
		return false;
	if (ring_rx_commit(&c->rx) > 0)
		signal_host(c);
	if (!is_open(c))
		return false;
	handle_packet(c, &packet);
	return true;
}

/* The time now, and not that of the loop's turn, in which a busy channel would stand still. */
static uint64_t clock_usec(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

/* Drains the ring, answering each packet; comes back later when it is very full. While an answer
 * waits for room nothing is read: it could not be answered either. */
static void pump(struct channel *c)
{
	const uint64_t began = clock_usec();
	unsigned taken = 0;

	if (c->unsent)
		send_answer(c);
	if (!is_open(c))
		return;
	ring_rx_mask(&c->rx);
	while (is_open(c)) {
		if (taken == PACKETS_AT_ONCE || clock_usec() - began > TURN_USEC) {
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
	struct ic_result result;

	c->in = c->held;
	c->ic.busy = false;
	result = ic_handle(&c->ic, c->in.buf, c->in.len, c->in.received, sizeof(c->in.buf));
	if (result.verdict == IC_LATER && now_usec(c) < c->hold_limit_usec) {
		c->ic.busy = true;
		timer_start(c, RETRY_USEC);
		return;
	}
	if (result.verdict == IC_LATER) {
		refuse(c, -EBUSY, "it could not be served for 10 s", "refusing it");
		result = (struct ic_result){
			.verdict = IC_REPLY,
			.len = ic_refuse(c->in.buf, c->in.len, -EBUSY),
		};
	}
	c->hold = HOLD_NOTHING;
	act_on(c, &result);
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
		if (is_open(c) && (c->unsent || c->hold != HOLD_NOTHING) && !timer_runs(c))
			timer_start(c, RETRY_USEC);
		return 0;
	}
	switch (c->hold) {
	case HOLD_REQUEST:
		retry_request(c);
		break;
	case HOLD_ANSWER:
		c->hold = HOLD_NOTHING;
		c->in = c->held;
		send_answer(c);
		break;
	case HOLD_NOTHING:
		break;
	}
	pump(c);
	return 0;
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
	r = add_sources(c);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

struct channel *channel_free(struct channel *c)
{
	if (!c)
		return NULL;
	if (c->port)
		close_port(c, c->state);
	c->timer = sd_event_source_disable_unref(c->timer);
	c->more = sd_event_source_disable_unref(c->more);
	c->look = sd_event_source_disable_unref(c->look);
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
	event(c, error < 0 ? EV_BROKEN : EV_OPENED);
}

void channel_rescinded(struct channel *c)
{
	log_limited(c->log, &c->rescinds, now_usec(c) * 1000, LOG_INFO, NULL,
		    "%s: the host has taken the channel away", c->ic.service->name);
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
