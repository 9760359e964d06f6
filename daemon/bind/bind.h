/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Moving integration components between hv_utils and uio_hv_generic, so that every device has a
 * driver in the end, whatever happens. What is seen of the machine and done to it goes through one
 * struct of functions; tests have a kernel of their own behind it.
 */
#pragma once

#include "daemon/bind/machine.h"
#include "daemon/bind/plan.h"

enum bind_say {
	BIND_SAY_DONE,    /* what was done, what would be, what it costs */
	BIND_SAY_WARNING, /* what will be missing */
	BIND_SAY_FAILED,  /* why not */
};

/* What a write came to besides 0 and a negative errno of the kernel's. */
enum { BIND_WRITE_BLOCKED = 1, BIND_WRITE_KILLED };

struct bind_ops {
	/* As devices_each and devices_read, with the override. While a device is locked only that one is
	 * read; -ENOENT: it is gone, whatever has its name now. */
	int (*each)(void *user, int (*visit)(void *arg, const struct device *device), void *arg);
	int (*read)(void *user, const char *name, struct device *ret);
	void (*machine)(void *user, struct bind_machine *ret);
	void (*clock)(void *user, struct bind_clock *ret);
	bool (*holder)(void *user, const char *path, struct bind_holder *ret);

	/* Takes the lock under which a program uses the device or moves it; one at a time. 0;
	 * -EWOULDBLOCK: another has it; -ENOENT: the device is gone; another negative errno. */
	int (*lock)(void *user, const struct device *device);
	void (*unlock)(void *user);
	/*
	 * Has a child do what the step says to the device. 0 or the kernel's negative errno.
	 * BIND_WRITE_BLOCKED: it was not done in time, or this program was told to end; the child goes
	 * on, keeps the lock, and then leaves the device to the driver that it belongs to.
	 * BIND_WRITE_KILLED: the child was, by the kernel when memory ran out.
	 */
	int (*write)(void *user, enum bind_step step, const struct device *device,
		     uint64_t deadline_ns);
	/* 0; a negative errno: there is no such module, or it does not load. */
	int (*load)(void *user, const char *module);
	/* 0; -EINTR: this program was told to end. */
	int (*pause)(void *user, unsigned ms);
	uint64_t (*now_ns)(void *user);
	/* A line, without the newline. */
	void (*say)(void *user, enum bind_say kind, const char *text);
};

struct bind {
	const struct bind_ops *ops;
	void *user;
	unsigned wait_s; /* how long to wait for somebody to let go */
	bool force, dry_run;
	bool may_hibernate;  /* somebody gives the devices back before the guest hibernates */
	bool may_be_missing; /* what the host does not offer, or takes away meanwhile, is no failure */
	bool quiet;          /* nothing is told of any device */
	unsigned risky; /* components given back whose channel would crash the guest: bind_say_risk */
	int unable; /* what take has failed with and will again, a positive errno */
};

/* Exit statuses. Of several devices the gravest counts: failed, then refused. */
enum bind_result { BIND_DONE = 0, BIND_FAILED = 1, BIND_REFUSED = 3 };

enum bind_result bind_gravest(enum bind_result a, enum bind_result b);

/* Sets of components: 1 << enum ic_component. */
#define BIND_ALL ((1u << IC_COMPONENTS) - 1)

/*
 * Takes these components' devices. Any other device that a run cut short has left without a driver is
 * given back. Waits a few seconds for udev to give the nodes to whom they belong. Everything is said.
 */
enum bind_result bind_take(struct bind *b, unsigned components);

/* Takes one device. */
enum bind_result bind_take_one(struct bind *b, const struct device *device);

enum bind_result bind_give_back(struct bind *b, unsigned components);

/* A table of all components' devices. */
enum bind_result bind_list(struct bind *b);
