/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/channel_resume.h"

#include <unistd.h>

#include "daemon/channel_state.h"

struct keep_owner channel_owner(const struct channel *c)
{
	return (struct keep_owner){
		.component = c->ic.service->component,
		.relid = c->port->relid,
		.ring_size = c->port->ring_size,
		.policy = conf_component_fingerprint(c->conf),
		.identity = c->port->identity,
		.instance_id = c->port->instance_id,
	};
}

/* Our own keep is replaced by that one's. 0, or a negative errno and *why. */
static int find_state(struct channel *c, struct keep_found *ret, const char **why)
{
	const struct keep_owner own = channel_owner(c);
	struct keep *left = NULL;
	int r, fd = store_take(c->store, c->store_name);

	if (fd < 0) {
		*why = "there is none";
		return fd;
	}
	r = keep_adopt(fd, &left);
	if (r < 0) {
		(void)close(fd);
		*why = "it is no state at all";
		return r;
	}
	r = keep_read(left, &own, ret, why);
	if (r < 0) {
		(void)keep_free(left);
		return r;
	}
	(void)keep_free(c->keep);
	c->keep = left;
	return 0;
}

/* Both rings where that one stood: enum ring_tx_found, *ret_room says whether the host may wait for a signal
 * that it has room; or a negative errno. */
static int resume_rings(struct channel *c, const struct keep_state *s, bool *ret_room)
{
	uint8_t *memory = c->port->memory;
	const size_t size = c->port->ring_size, len = s->in.len;
	int r, room = ring_rx_resume(&c->rx, memory + size, size, s->read, s->stage != KEEP_DUE);

	if (room < 0)
		return room;
	r = ring_tx_resume(&c->tx, memory, size, s->write, s->unsent ? &len : NULL);
	*ret_room = room > 0;
	return r;
}

/* From now on, and no longer than it was set for. */
static uint64_t left_of(const struct channel *c, uint64_t usec, uint64_t most)
{
	const uint64_t now = channel_now_usec(c), left = usec > now ? usec - now : 0;

	return left < most ? left : most;
}

static void resume_work(struct channel *c, const struct keep_found *found)
{
	const uint64_t delay = c->conf->answer_delay_s * USEC_PER_SEC;
	const struct keep_state *s = &found->state;

	c->ic.offer = found->offer;
	c->ic.answer = found->answer;
	c->in = s->in;
	c->held = s->held;
	c->packet_deaths = s->stage == KEEP_PACKET ? s->deaths + 1 : 0;
	c->held_deaths = s->stage == KEEP_HELD ? s->deaths + 1 : 0;
	c->hold = (enum keep_hold)s->hold;
	c->ic.busy = c->hold == KEEP_HOLD_REQUEST;
	c->hold_usec = channel_now_usec(c) + left_of(c, s->hold_usec, c->ic.busy ? RETRY_LIMIT_USEC : delay);
	if (c->hold != KEEP_HOLD_NOTHING)
		channel_timer_start(c, c->ic.busy ? RETRY_USEC : left_of(c, c->hold_usec, delay));
}

int channel_resume(struct channel *c, struct keep_found *ret, bool *ret_signal, const char **why)
{
	bool room;
	int sent, r = find_state(c, ret, why);

	if (r < 0)
		return r;
	sent = resume_rings(c, &ret->state, &room);
	if (sent < 0) {
		*why = "the rings do not fit it";
		return sent;
	}
	resume_work(c, ret);
	c->unsent = ret->state.unsent && sent == RING_TX_NONE;
	*ret_signal = room || sent == RING_TX_SENT_SIGNAL;
	return 0;
}
