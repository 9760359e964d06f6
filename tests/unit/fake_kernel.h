/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel behind struct bind_ops, which binds and unbinds as Linux' driver core, hv_utils and
 * uio_hv_generic were seen to do on 6.1, 6.12 and 7.3. Time is a number that waiting moves on. The
 * program can be killed after any effect, with or without the child that it had do it.
 */
#pragma once

#include <errno.h>
#include <stdio.h>

#include "daemon/bind/bind.h"
#include "tests/unit/harness.h"

#define MIB (UINT64_C(1) << 20)
#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define FAKE_DEVICES IC_COMPONENTS
#define FAKE_LINES 64

enum fake_version { FAKE_6_1, FAKE_6_12, FAKE_7_3, FAKE_VERSIONS };

struct fake_device {
	struct device d;
	bool gone;
	bool used;            /* its node is open or mapped */
	uint64_t used_until;  /* when that ends by itself; 0: never */
	bool locked;          /* by another program */
	uint64_t locked_until;
	bool unbinding;       /* a child hangs in unbind */
	bool orphan;          /* ... and its parent does not listen any more */
};

struct fake_kernel {
	enum fake_version version;
	struct fake_device device[FAKE_DEVICES];
	struct bind_machine machine;
	struct bind_clock clock;
	bool uio_loads, utils_loads; /* modprobe would find them */
	unsigned utils_fail;         /* so many times has hv_utils no memory */
	bool silent_bind;            /* older than the kernels that say what probe said */
	/* hv_kvp, hv_vss: who has it open, and until when */
	struct bind_holder transport[IC_COMPONENTS];
	uint64_t transport_until;
	struct bind_holder node_holder, clock_holder;
	unsigned minor;
	uint64_t udev_busy_until; /* new nodes have nobody's owner before */

	uint64_t now;
	uint64_t stop_at; /* when the program is told to end; 0: never */
	int locked;       /* which device is locked by the program; -1: none */
	bool panicked;

	/* After how many effects the program is killed; 0: never. */
	unsigned effects, kill_after;
	bool child_survives;
	jmp_buf killed;
	/* Called before and after each effect: something happens at the worst moment. */
	void (*before)(struct fake_kernel *k, unsigned effects);
	void (*meanwhile)(struct fake_kernel *k, unsigned effects);

	unsigned n_said;
	struct {
		enum bind_say kind;
		unsigned effects; /* how many there had been */
		char text[768];
	} said[FAKE_LINES];
};

static inline struct fake_device *fake_of(struct fake_kernel *k, enum ic_component component)
{
	return &k->device[component];
}

static inline bool fake_is_with(struct fake_kernel *k, enum ic_component component,
				const char *driver)
{
	return strcmp(fake_of(k, component)->d.driver, driver) == 0;
}

static inline bool fake_has_override(struct fake_kernel *k, enum ic_component component)
{
	return fake_of(k, component)->d.override[0] != '\0';
}

/* --- what drivers do --- */

static inline uint64_t fake_cost(const struct fake_kernel *k)
{
	return k->version == FAKE_6_12 ? 51 * MIB : 4 * MIB;
}

static inline void fake_set(char *to, const char *text)
{
	(void)snprintf(to, DEVICE_NAME_SIZE, "%s", text);
}

static inline bool fake_uio_is_for(const struct fake_kernel *k, const struct device *d)
{
	bool own = d->component == IC_FCOPY && k->version == FAKE_7_3;

	return strcmp(d->override, BIND_UIO) == 0 || (own && d->override[0] == '\0');
}

static inline int fake_probe_uio(struct fake_kernel *k, struct device *d)
{
	if (k->version == FAKE_6_1)
		return -BIND_ENOTSUPP;
	if (k->machine.largest_block < 4 * MIB && d->component != IC_FCOPY)
		return -ENOMEM;
	if (k->machine.available < fake_cost(k))
		return BIND_WRITE_KILLED;
	k->machine.available -= fake_cost(k);
	fake_set(d->driver, BIND_UIO);
	(void)snprintf(d->node, sizeof(d->node), "/dev/uio%u", k->minor++);
	d->awaits_udev = k->now < k->udev_busy_until;
	d->map[DEVICE_MAP_RINGS] = d->component == IC_FCOPY ? 40 * 1024 : 4 * MIB;
	d->map[DEVICE_MAP_RECEIVE] = k->version == FAKE_6_12 ? 31 * MIB : 0;
	d->map[DEVICE_MAP_SEND] = k->version == FAKE_6_12 ? 16 * MIB : 0;
	return 0;
}

static inline bool fake_utils_is_for(const struct fake_kernel *k, const struct device *d)
{
	return d->override[0] == '\0' && (d->component != IC_FCOPY || k->version == FAKE_6_1);
}

static inline int fake_probe_utils(struct device *d)
{
	if (d->state != DEVICE_STATE_OPEN)
		return -EINVAL;
	fake_set(d->driver, BIND_UTILS);
	d->state = DEVICE_STATE_OPENED;
	return 0;
}

static inline int fake_bind_uio(struct fake_kernel *k, struct device *d)
{
	int r;

	if (!k->machine.has_uio)
		return -ENOENT;
	if (!fake_uio_is_for(k, d))
		return -ENODEV;
	if (d->driver[0])
		return -EBUSY;
	r = fake_probe_uio(k, d);
	return r < 0 && k->silent_bind ? 0 : r;
}

static inline int fake_bind_utils(struct fake_kernel *k, struct device *d)
{
	int r;

	if (!k->machine.has_utils)
		return -ENOENT;
	if (!fake_utils_is_for(k, d))
		return -ENODEV;
	if (d->driver[0])
		return -EBUSY;
	r = k->utils_fail > 0 ? -ENOMEM : fake_probe_utils(d);
	k->utils_fail -= k->utils_fail > 0;
	return r < 0 && k->silent_bind ? 0 : r;
}

/* What the driver core does with a device that has no driver, at drivers_probe or when a module
 * comes. */
static inline void fake_find_driver(struct fake_kernel *k, struct device *d)
{
	int r = 0;

	if (d->driver[0] == '\0' && k->machine.has_uio && fake_uio_is_for(k, d))
		r = fake_probe_uio(k, d);
	else if (d->driver[0] == '\0' && k->machine.has_utils && fake_utils_is_for(k, d))
		r = fake_probe_utils(d);
	(void)r;
}

/* --- time, and what comes with it --- */

static inline bool fake_is_over(const struct fake_kernel *k, uint64_t until)
{
	return until != 0 && k->now >= until;
}

/* What a child does whose parent is no more. */
static inline void fake_rescue(struct fake_kernel *k, struct device *d)
{
	d->override[0] = '\0';
	fake_find_driver(k, d);
}

static inline void fake_unbound_from_utils(struct fake_kernel *k, struct fake_device *f)
{
	f->unbinding = false;
	f->d.state = DEVICE_STATE_OPEN;
	if (f->orphan) {
		f->orphan = false;
		f->locked = false;
		fake_rescue(k, &f->d);
	}
}

static inline void fake_pass(struct fake_kernel *k, uint64_t ns)
{
	k->now += ns;
	if (fake_is_over(k, k->transport_until))
		memset(k->transport, 0, sizeof(k->transport));
	for (size_t i = 0; i < FAKE_DEVICES; i++) {
		struct fake_device *f = &k->device[i];

		if (f->used && fake_is_over(k, f->used_until)) {
			f->used = false;
			f->d.state = DEVICE_STATE_OPEN;
		}
		if (f->locked && fake_is_over(k, f->locked_until))
			f->locked = false;
		f->d.awaits_udev = f->d.awaits_udev && k->now < k->udev_busy_until;
		if (f->unbinding && k->transport[i].pid == 0)
			fake_unbound_from_utils(k, f);
	}
}

static inline bool fake_is_told_to_end(const struct fake_kernel *k)
{
	return fake_is_over(k, k->stop_at);
}

/* --- unbinding --- */

static inline int fake_hang(struct fake_kernel *k, struct fake_device *f, uint64_t deadline)
{
	while (f->unbinding && k->now < deadline && !fake_is_told_to_end(k))
		fake_pass(k, 10 * MS);
	if (!f->unbinding)
		return 0;
	f->orphan = true;
	f->locked = true;
	f->locked_until = 0;
	return BIND_WRITE_BLOCKED;
}

static inline int fake_unbind_utils(struct fake_kernel *k, struct fake_device *f, uint64_t deadline)
{
	f->d.driver[0] = '\0';
	f->unbinding = true;
	fake_pass(k, MS);
	return fake_hang(k, f, deadline);
}

/* The ring that the channel still uses is freed: with the host's next interrupt the guest is gone. */
static inline int fake_unbind_uio(struct fake_kernel *k, struct fake_device *f)
{
	k->panicked |= f->d.state != DEVICE_STATE_OPEN;
	k->machine.available += fake_cost(k);
	f->d.driver[0] = '\0';
	f->d.node[0] = '\0';
	f->d.events = 0;
	memset(f->d.map, 0, sizeof(f->d.map));
	return 0;
}

static inline int fake_unbind(struct fake_kernel *k, struct fake_device *f, const char *driver,
			      uint64_t deadline)
{
	if (strcmp(f->d.driver, driver) != 0 || driver[0] == '\0')
		return -ENODEV;
	return bind_is_with_utils(&f->d) ? fake_unbind_utils(k, f, deadline) : fake_unbind_uio(k, f);
}

/* --- the functions --- */

static inline struct fake_device *fake_find(struct fake_kernel *k, const char *name)
{
	for (size_t i = 0; i < FAKE_DEVICES; i++)
		if (!k->device[i].gone && strcmp(k->device[i].d.name, name) == 0)
			return &k->device[i];
	return NULL;
}

static inline int fake_read(void *user, const char *name, struct device *ret)
{
	const struct fake_device *f = fake_find(user, name);

	if (!f)
		return -ENOENT;
	*ret = f->d;
	/* Nobody may read it then, see device.c. */
	if (f->unbinding)
		ret->override[0] = '\0';
	return 0;
}

static inline int fake_each(void *user, int (*visit)(void *arg, const struct device *device),
			    void *arg)
{
	struct fake_kernel *k = user;

	for (size_t i = 0; i < FAKE_DEVICES; i++) {
		struct device device;
		int r = fake_read(k, k->device[i].d.name, &device);

		if (r == 0)
			r = visit(arg, &device);
		if (r != 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

static inline void fake_machine(void *user, struct bind_machine *ret)
{
	*ret = ((struct fake_kernel *)user)->machine;
}

static inline void fake_clock(void *user, struct bind_clock *ret)
{
	*ret = ((struct fake_kernel *)user)->clock;
}

static inline bool fake_holder(void *user, const char *path, struct bind_holder *ret)
{
	struct fake_kernel *k = user;
	const struct bind_holder *found = NULL;

	if (strcmp(path, "/dev/vmbus/hv_kvp") == 0)
		found = &k->transport[IC_KVP];
	else if (strcmp(path, "/dev/vmbus/hv_vss") == 0)
		found = &k->transport[IC_VSS];
	else if (strncmp(path, "/dev/ptp", 8) == 0)
		found = &k->clock_holder;
	else if (strncmp(path, "/dev/uio", 8) == 0)
		found = &k->node_holder;
	if (!found || found->pid == 0)
		return false;
	*ret = *found;
	return true;
}

static inline int fake_lock(void *user, const struct device *device)
{
	struct fake_kernel *k = user;
	const struct fake_device *f = fake_find(k, device->name);

	if (!f)
		return -ENOENT;
	if (f->locked)
		return -EWOULDBLOCK;
	k->locked = (int)(f - k->device);
	return 0;
}

static inline void fake_unlock(void *user)
{
	((struct fake_kernel *)user)->locked = -1;
}

/* The child, if it lives, finds nobody who listens; what it held it still holds until it ends. */
static inline void fake_die(struct fake_kernel *k, struct fake_device *f)
{
	k->locked = -1;
	if (f && k->child_survives)
		fake_rescue(k, &f->d);
	longjmp(k->killed, 1);
}

static inline void fake_effect(struct fake_kernel *k, struct fake_device *f)
{
	k->effects++;
	if (k->effects == k->kill_after)
		fake_die(k, f);
	if (k->meanwhile)
		k->meanwhile(k, k->effects);
}

static inline int fake_do(struct fake_kernel *k, struct fake_device *f, enum bind_step step,
			  const char *driver, uint64_t deadline)
{
	/* The driver core holds the device's lock for as long. */
	if (f->unbinding && step >= BIND_STEP_UNBIND)
		return fake_hang(k, f, deadline);
	switch (step) {
	case BIND_STEP_SET_OVERRIDE:
		fake_set(f->d.override, BIND_UIO);
		return 0;
	case BIND_STEP_CLEAR_OVERRIDE:
		f->d.override[0] = '\0';
		return 0;
	case BIND_STEP_UNBIND:
		return fake_unbind(k, f, driver, deadline);
	case BIND_STEP_BIND_UIO:
		return fake_bind_uio(k, &f->d);
	case BIND_STEP_BIND_UTILS:
		return fake_bind_utils(k, &f->d);
	case BIND_STEP_PROBE:
		fake_find_driver(k, &f->d);
		return 0;
	case BIND_STEP_NONE:
	case BIND_STEP_FOREIGN:
	case BIND_STEPS:
		break;
	}
	fail_msg("%d is no step to be done", step);
	return 0;
}

static inline int fake_write(void *user, enum bind_step step, const struct device *device,
			     uint64_t deadline)
{
	struct fake_kernel *k = user;
	struct fake_device *f = fake_find(k, device->name);
	int r;

	if (!f)
		return -ENOENT;
	/* Whatever is done, it is done under the lock. */
	assert_int_equal(k->locked, f - k->device);
	/* Only who may have to wait for somebody is given up soon. */
	assert_true(deadline >= k->now + (step == BIND_STEP_UNBIND ? SECOND : 30 * SECOND));
	if (k->before)
		k->before(k, k->effects);
	r = fake_do(k, f, step, device->driver, deadline);
	fake_effect(k, f);
	return r;
}

static inline int fake_load(void *user, const char *module)
{
	struct fake_kernel *k = user;
	bool is_uio = strcmp(module, BIND_UIO) == 0;
	bool loads = is_uio ? k->uio_loads : k->utils_loads;

	if (loads) {
		*(is_uio ? &k->machine.has_uio : &k->machine.has_utils) = true;
		for (size_t i = 0; i < FAKE_DEVICES; i++)
			fake_find_driver(k, &k->device[i].d);
	}
	fake_effect(k, NULL);
	return loads ? 0 : -ENOENT;
}

static inline int fake_pause(void *user, unsigned ms)
{
	struct fake_kernel *k = user;

	if (fake_is_told_to_end(k))
		return -EINTR;
	fake_pass(k, ms * MS);
	return fake_is_told_to_end(k) ? -EINTR : 0;
}

static inline uint64_t fake_now(void *user)
{
	return ((struct fake_kernel *)user)->now;
}

static inline void fake_say(void *user, enum bind_say kind, const char *text)
{
	struct fake_kernel *k = user;

	assert_true(k->n_said < FAKE_LINES);
	assert_true(strlen(text) < sizeof(k->said[0].text) - 1); /* none was cut */
	k->said[k->n_said].kind = kind;
	k->said[k->n_said].effects = k->effects;
	(void)snprintf(k->said[k->n_said++].text, sizeof(k->said[0].text), "%s", text);
}

static const struct bind_ops fake_ops = {
	.each = fake_each,
	.read = fake_read,
	.machine = fake_machine,
	.clock = fake_clock,
	.holder = fake_holder,
	.lock = fake_lock,
	.unlock = fake_unlock,
	.write = fake_write,
	.load = fake_load,
	.pause = fake_pause,
	.now_ns = fake_now,
	.say = fake_say,
};

/* --- beginning, and looking --- */

/* All six with hv_utils, but file copy with whom it is. */
static inline void fake_init(struct fake_kernel *k, enum fake_version version)
{
	*k = (struct fake_kernel){
		.version = version,
		.machine = { .has_uio = true, .has_utils = true, .available = 1024 * MIB,
			     .largest_block = 4 * MIB },
		.now = SECOND,
		.locked = -1,
	};
	for (unsigned i = 0; i < FAKE_DEVICES; i++) {
		struct device *d = &k->device[i].d;

		d->component = i;
		d->state = DEVICE_STATE_OPEN;
		(void)snprintf(d->name, sizeof(d->name), "00000000-0000-0000-0000-00000000000%u", i % 10);
		(void)snprintf(d->path, sizeof(d->path), "/sys/devices/%s", d->name);
		fake_find_driver(k, d);
	}
}

static inline struct bind fake_bind(struct fake_kernel *k)
{
	return (struct bind){ .ops = &fake_ops, .user = k, .wait_s = 10 };
}

/* The line of this kind in which this stands; NULL: there is none. */
static inline const char *fake_find_said(const struct fake_kernel *k, enum bind_say kind,
					 const char *text)
{
	for (unsigned i = 0; i < k->n_said; i++)
		if (k->said[i].kind == kind && strstr(k->said[i].text, text))
			return k->said[i].text;
	return NULL;
}

static inline void fake_assert_said(const struct fake_kernel *k, enum bind_say kind,
				    const char *text)
{
	if (fake_find_said(k, kind, text))
		return;
	for (unsigned i = 0; i < k->n_said; i++)
		print_message("  said: %s\n", k->said[i].text);
	fail_msg("'%s' was not said", text);
}
