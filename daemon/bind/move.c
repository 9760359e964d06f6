/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bind/move.h"

#include <errno.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)

/* How often to look whether somebody has let go. */
#define LOOK_MS 100
/* Others bind and unbind too, udev's rules and modules that are being loaded. */
#define TRIES 3
#define AGAIN_MS 50
/* A step that waits for nobody: seconds where memory is short and the machine slow, never more. */
#define STEP_S 60
/* ... and one that may wait for somebody has at least so long for itself. */
#define LET_GO_S 1

static void *user_of(const struct bind_move *m)
{
	return m->b->user;
}

static uint64_t now(const struct bind_move *m)
{
	return m->b->ops->now_ns(user_of(m));
}

/* 0, or BIND_MOVE_STOPPED */
static int take_a_break(const struct bind_move *m, unsigned ms)
{
	return m->b->ops->pause(user_of(m), ms) < 0 ? BIND_MOVE_STOPPED : 0;
}

static int lock(struct bind_move *m)
{
	for (;;) {
		int r = m->b->ops->lock(user_of(m), &m->device);

		if (r != -EWOULDBLOCK)
			return r;
		if (now(m) >= m->deadline_ns)
			return BIND_MOVE_HELD;
		r = take_a_break(m, LOOK_MS);
		if (r != 0)
			return r;
	}
}

/*
 * Whether the next step waits for the channel to be closed. A device that is unbound from
 * uio_hv_generic while its node is open or mapped panics the guest with its next interrupt. One that
 * has no driver and yet an open channel is still being unbound, which takes until somebody closes
 * /dev/vmbus/hv_kvp or hv_vss, or it was unbound in that wrong way before.
 */
static bool must_wait(const struct bind_move *m)
{
	enum bind_step step = bind_plan(m->goal, &m->device);

	return step != BIND_STEP_NONE && step != BIND_STEP_FOREIGN && !bind_is_with_utils(&m->device) &&
	       m->device.state != DEVICE_STATE_OPEN;
}

/* 0; -ENOENT: the host has taken it away, and may have offered another component under its name. */
static int read_anew(struct bind_move *m)
{
	struct device is;
	int r = m->b->ops->read(user_of(m), m->device.name, &is);

	if (r < 0)
		return r;
	if (is.component != m->device.component)
		return -ENOENT;
	m->device = is;
	m->was_opened |= is.events > 0;
	return 0;
}

/* Reads the device until it may be moved. */
static int look(struct bind_move *m)
{
	for (;;) {
		int r = read_anew(m);

		if (r < 0 || !must_wait(m))
			return r;
		if (now(m) >= m->deadline_ns)
			return bind_is_with_uio(&m->device) ? BIND_MOVE_HELD : BIND_MOVE_STUCK;
		r = take_a_break(m, LOOK_MS);
		if (r != 0)
			return r;
	}
}

int bind_move_begin(struct bind_move *m, struct bind *b, enum bind_goal goal,
		    const struct device *device)
{
	int r;

	*m = (struct bind_move){ .b = b, .goal = goal, .device = *device };
	m->deadline_ns = now(m) + b->wait_s * NS_PER_S;
	r = lock(m);
	return r != 0 ? r : look(m);
}

void bind_move_end(struct bind_move *m)
{
	m->b->ops->unlock(user_of(m));
}

/* hv_utils takes the device by itself when it is loaded, if it may. */
static int load_utils(struct bind_move *m)
{
	struct bind_machine machine;

	m->b->ops->machine(user_of(m), &machine);
	if (machine.has_utils)
		return 0;
	return m->b->ops->load(user_of(m), BIND_UTILS) < 0 ? -ENOPKG : 0;
}

static uint64_t limit(const struct bind_move *m, enum bind_step step)
{
	uint64_t least = now(m) + LET_GO_S * NS_PER_S;

	if (step != BIND_STEP_UNBIND)
		return now(m) + STEP_S * NS_PER_S;
	return m->deadline_ns > least ? m->deadline_ns : least;
}

static int perform(struct bind_move *m, enum bind_step step)
{
	int r = 0;

	if (step == BIND_STEP_BIND_UTILS)
		r = load_utils(m);
	if (r == 0)
		r = m->b->ops->write(user_of(m), step, &m->device, limit(m, step));
	if (r == BIND_WRITE_KILLED)
		return -EOWNERDEAD;
	return r == BIND_WRITE_BLOCKED ? BIND_MOVE_BLOCKED : r;
}

/* EBUSY, ENODEV: somebody else was quicker with this device. What gives it back is not given up at the
 * first refusal: memory may be had in the next moment. */
static bool may_try_again(const struct bind_move *m, enum bind_step step, int error)
{
	return m->tries[step] < TRIES && error != -ENOPKG &&
	       (m->goal == BIND_GIVE_BACK || error == -EBUSY || error == -ENODEV);
}

/* 0: look what has come of it. A step may also be said to be done and come to nothing, again and again:
 * older kernels' bind does not tell that a driver has refused. */
static int step_once(struct bind_move *m, enum bind_step step)
{
	int r;

	if (m->tries[step]++ == TRIES)
		return -ENODEV;
	r = perform(m, step);
	if (r >= 0 || !may_try_again(m, step, r))
		return r;
	/* Told to end, it does not wait; but it does not leave a device in between either. */
	(void)take_a_break(m, AGAIN_MS);
	return 0;
}

int bind_move_run(struct bind_move *m)
{
	for (;;) {
		enum bind_step step = bind_plan(m->goal, &m->device);
		int r;

		if (step == BIND_STEP_NONE || step == BIND_STEP_FOREIGN)
			return 0;
		r = step_once(m, step);
		if (r > 0 || (r < 0 && m->goal == BIND_GIVE_BACK))
			return r;
		if (r < 0) {
			m->error = r;
			m->goal = BIND_GIVE_BACK;
		}
		r = look(m);
		if (r != 0 || step == BIND_STEP_PROBE)
			return r;
	}
}
