/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bind/bind.h"

#include <errno.h>
#include <string.h>

#include "daemon/bind/move.h"
#include "daemon/bind/words.h"

/* One of each kind is what a host offers; more than these are left alone. */
#define DEVICES_MAX 32

#define NS_PER_S UINT64_C(1000000000)
/* udev's rules come right after the kernel's event, if udev has not much else to do. */
#define UDEV_S 5
#define UDEV_LOOK_MS 20

struct all {
	size_t n;
	struct device device[DEVICES_MAX];
};

enum bind_result bind_gravest(enum bind_result a, enum bind_result b)
{
	if (a == BIND_FAILED || b == BIND_FAILED)
		return BIND_FAILED;
	return a == BIND_REFUSED ? a : b;
}

static bool is_told_to_end(const struct bind *b)
{
	return b->ops->pause(b->user, 0) < 0;
}

/* --- take --- */

static int learn(void *arg, const struct device *device)
{
	bind_cost_learn(arg, device);
	return 0;
}

/* Loads uio_hv_generic where it is missing; in a dry run it is taken to be there. */
static bool has_uio(const struct bind *b, bool is_there)
{
	struct bind_machine machine;

	if (is_there || b->dry_run)
		return true;
	if (b->ops->load(b->user, BIND_UIO) < 0)
		return false;
	b->ops->machine(b->user, &machine);
	return machine.has_uio;
}

static enum bind_refusal examine(const struct bind *b, const struct device *device,
				 struct bind_facts *ret)
{
	struct bind_evidence evidence = { 0 };
	const char *transport = bind_transport_of(device->component);
	struct bind_holder holder;

	*ret = (struct bind_facts){ .force = b->force,
				    .may_hibernate = b->may_hibernate,
				    .unable = b->unable };
	b->ops->machine(b->user, &ret->machine);
	ret->machine.has_uio = has_uio(b, ret->machine.has_uio);
	/* What cannot be seen is not known, and the worst is assumed. */
	if (b->ops->each(b->user, learn, &evidence) < 0)
		evidence.seen = false;
	ret->cost = bind_cost_of(device->component, &evidence);
	ret->held = transport && b->ops->holder(b->user, transport, &holder);
	return bind_refuse(ret);
}

/* Whether it will be the same with the next device. */
static bool is_lasting(int error)
{
	return error == BIND_ENOTSUPP || error == ENOMEM || error == EOWNERDEAD;
}

static enum bind_result say_already(const struct bind *b, const struct device *device)
{
	bind_say(b, BIND_SAY_DONE, device->component, "is with uio_hv_generic already, %s",
		 device->node);
	return BIND_DONE;
}

/* Why the move came to no end. One that has gone needs no giving back. */
static enum bind_result fail(const struct bind_move *m, int r)
{
	bind_say_unfinished(m, r);
	return r == -ENOENT && (m->b->may_be_missing || m->goal == BIND_GIVE_BACK) ? BIND_DONE :
										       BIND_FAILED;
}

static enum bind_result conclude_take(struct bind_move *m, int r)
{
	if (r == 0 && m->error != 0) {
		bind_say_undone(m);
		m->b->unable = is_lasting(-m->error) ? -m->error : m->b->unable;
		return BIND_FAILED;
	}
	if (r == 0 && !bind_is_with_uio(&m->device))
		r = -EBUSY;
	if (r != 0)
		return fail(m, r);
	bind_say(m->b, BIND_SAY_DONE, m->device.component, "taken to uio_hv_generic, %s",
		 m->device.node);
	return BIND_DONE;
}

/* What is not taken must not stay without a driver either. */
static void give_back_driverless(struct bind_move *m)
{
	int r;

	if (m->device.driver[0] != '\0')
		return;
	m->goal = BIND_GIVE_BACK;
	r = bind_move_run(m);
	if (r != 0)
		bind_say_unfinished(m, r);
}

static enum bind_result take_locked(struct bind_move *m)
{
	struct bind_facts facts;
	enum bind_refusal refusal;

	if (bind_is_with_uio(&m->device))
		return say_already(m->b, &m->device);
	refusal = examine(m->b, &m->device, &facts);
	if (refusal != BIND_REFUSE_NOTHING) {
		bind_say_refusal(m->b, &m->device, &facts, refusal);
		give_back_driverless(m);
		return BIND_REFUSED;
	}
	bind_say_cost(m->b, &m->device, &facts);
	bind_say_hibernation(m->b, &m->device, &facts);
	bind_say_clock(m->b, &m->device);
	return conclude_take(m, bind_move_run(m));
}

static enum bind_result would_take(const struct bind *b, const struct device *device)
{
	struct bind_facts facts;
	enum bind_refusal refusal = examine(b, device, &facts);

	if (refusal != BIND_REFUSE_NOTHING) {
		bind_say_refusal(b, device, &facts, refusal);
		return BIND_REFUSED;
	}
	bind_say_cost(b, device, &facts);
	bind_say_hibernation(b, device, &facts);
	bind_say_clock(b, device);
	bind_say(b, BIND_SAY_DONE, device->component, "would be taken to uio_hv_generic");
	return BIND_DONE;
}

static enum bind_result say_foreign(const struct bind *b, const struct device *device)
{
	bool other_driver = device->driver[0] != '\0' && !bind_is_with_utils(device) &&
			    !bind_is_with_uio(device);

	bind_say(b, BIND_SAY_FAILED, device->component, "refused: somebody has given it to %s (%s)",
		 other_driver ? device->driver : device->override,
		 other_driver ? "its driver" : "its driver_override");
	return BIND_REFUSED;
}

/* Nothing was changed yet. */
static enum bind_result say_not_begun(const struct bind_move *m, int r)
{
	enum bind_result result = fail(m, r);

	return r == BIND_MOVE_HELD && m->device.driver[0] != '\0' ? BIND_REFUSED : result;
}

enum bind_result bind_take_one(struct bind *b, const struct device *device)
{
	enum bind_step step = bind_plan(BIND_TAKE, device);
	enum bind_result result;
	struct bind_move m;
	int r;

	if (step == BIND_STEP_NONE)
		return say_already(b, device);
	if (step == BIND_STEP_FOREIGN)
		return say_foreign(b, device);
	if (b->dry_run)
		return would_take(b, device);
	r = bind_move_begin(&m, b, BIND_TAKE, device);
	result = r == 0 ? take_locked(&m) : say_not_begun(&m, r);
	bind_move_end(&m);
	return result;
}

/* --- give back --- */

static enum bind_result conclude_give_back(const struct bind_move *m, int r)
{
	if (m->was_opened && !bind_is_with_uio(&m->device))
		m->b->risky |= 1u << m->device.component;
	if (r == 0 && bind_plan(BIND_GIVE_BACK, &m->device) == BIND_STEP_FOREIGN)
		r = -EBUSY;
	if (r != 0)
		return fail(m, r);
	if (m->device.driver[0] == '\0')
		bind_say(m->b, BIND_SAY_DONE, m->device.component,
			 "has no driver: this kernel has none that takes it by itself");
	else
		bind_say(m->b, BIND_SAY_DONE, m->device.component, "given back to %s",
			 m->device.driver);
	return BIND_DONE;
}

static enum bind_result say_at_home(const struct bind *b, const struct device *device)
{
	bind_say(b, BIND_SAY_DONE, device->component, "stays with %s", device->driver);
	return BIND_DONE;
}

static enum bind_result would_give_back(const struct bind *b, const struct device *device)
{
	struct bind_holder holder;
	char who[BIND_HOLDER_TEXT_SIZE];

	if (bind_is_with_uio(device) && device->state != DEVICE_STATE_OPEN) {
		bind_holder_format(bind_holder_of(b, device, &holder) ? &holder : NULL, who);
		bind_say(b, BIND_SAY_WARNING, device->component, "%s uses %s and would have to let go "
			 "first", who, device->node);
	}
	bind_say(b, BIND_SAY_DONE, device->component, "would be given back to hv_utils");
	return BIND_DONE;
}

static enum bind_result give_back_one(struct bind *b, const struct device *device)
{
	enum bind_step step = bind_plan(BIND_GIVE_BACK, device);
	enum bind_result result;
	struct bind_move m;
	int r;

	if (step == BIND_STEP_NONE)
		return say_at_home(b, device);
	if (step == BIND_STEP_FOREIGN)
		return say_foreign(b, device);
	if (b->dry_run)
		return would_give_back(b, device);
	r = bind_move_begin(&m, b, BIND_GIVE_BACK, device);
	result = r == 0 ? conclude_give_back(&m, bind_move_run(&m)) : say_not_begun(&m, r);
	bind_move_end(&m);
	return result;
}

/* --- several --- */

static int collect(void *arg, const struct device *device)
{
	struct all *all = arg;

	if (all->n < DEVICES_MAX)
		all->device[all->n++] = *device;
	return 0;
}

static enum bind_result collect_all(const struct bind *b, struct all *ret)
{
	int r = b->ops->each(b->user, collect, ret);

	if (r >= 0)
		return BIND_DONE;
	b->ops->say(b->user, BIND_SAY_FAILED, strerror(-r));
	return BIND_FAILED;
}

/* Whatever a kernel cannot do it shows at the first that is taken: that is to be the one that is
 * missed least for a moment. */
static const enum ic_component order[IC_COMPONENTS] = {
	IC_HEARTBEAT, IC_TIMESYNC, IC_SHUTDOWN, IC_KVP, IC_VSS, IC_FCOPY,
};

typedef enum bind_result (*one_fn)(struct bind *b, const struct device *device);

/* Does it to each device of these components. Returns the gravest result. */
static enum bind_result for_each(struct bind *b, const struct all *all, unsigned components,
				 one_fn one)
{
	enum bind_result result = BIND_DONE;

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		for (size_t k = 0; k < all->n; k++) {
			const struct device *device = &all->device[k];

			if (device->component != order[i] || !(components & 1u << order[i]))
				continue;
			if (is_told_to_end(b))
				return bind_gravest(result, BIND_FAILED);
			result = bind_gravest(result, one(b, device));
		}
	return result;
}

static enum bind_result repair_one(struct bind *b, const struct device *device)
{
	return bind_is_left_over(device) ? give_back_one(b, device) : BIND_DONE;
}

static enum bind_result say_missing(const struct bind *b, const struct all *all, unsigned components)
{
	enum bind_result result = BIND_DONE;

	for (size_t k = 0; k < all->n; k++)
		components &= ~(1u << all->device[k].component);
	for (enum ic_component c = 0; c < IC_COMPONENTS; c++)
		if (components & 1u << c) {
			bind_say(b, BIND_SAY_FAILED, c, "refused: the host does not offer it");
			result = BIND_REFUSED;
		}
	return result;
}

/* Nobody but root can open a node before udev has given it to somebody: who is started next is to find it. Not longer
 * than a boot may be held up, and not for the rest of what udev has to do. */
static void wait_for_udev(const struct bind *b, unsigned components)
{
	const uint64_t end = b->ops->now_ns(b->user) + UDEV_S * NS_PER_S;

	for (;;) {
		struct all all = { 0 };
		const struct device *awaits = NULL;

		if (b->ops->each(b->user, collect, &all) < 0)
			return;
		for (size_t k = 0; k < all.n && !awaits; k++)
			if (components & 1u << all.device[k].component && all.device[k].awaits_udev)
				awaits = &all.device[k];
		if (!awaits)
			return;
		if (b->ops->now_ns(b->user) >= end) {
			bind_say(b, BIND_SAY_WARNING, awaits->component, "udev has not yet given %s to its owner",
				 awaits->node);
			return;
		}
		if (b->ops->pause(b->user, UDEV_LOOK_MS) < 0)
			return;
	}
}

enum bind_result bind_take(struct bind *b, unsigned components)
{
	enum bind_result result;
	struct all all = { 0 };

	if (collect_all(b, &all) != BIND_DONE)
		return BIND_FAILED;
	result = for_each(b, &all, components, bind_take_one);
	if (!b->may_be_missing)
		result = bind_gravest(result, say_missing(b, &all, components));
	result = bind_gravest(result, for_each(b, &all, ~components, repair_one));
	if (!b->dry_run)
		wait_for_udev(b, components);
	return result;
}

enum bind_result bind_give_back(struct bind *b, unsigned components)
{
	enum bind_result result;
	struct all all = { 0 };

	if (collect_all(b, &all) != BIND_DONE)
		return BIND_FAILED;
	result = for_each(b, &all, components, give_back_one);
	bind_say_risk(b);
	return result;
}
