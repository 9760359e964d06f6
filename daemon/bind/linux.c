/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bind/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/bind/child.h"

#define BUS "/sys/bus/vmbus"
#define PROBE BUS "/drivers_probe"
#define NS_PER_S UINT64_C(1000000000)
/* A module that has to be found, unpacked and started. */
#define LOAD_S 60

_Static_assert((int)BIND_CHILD_BLOCKED == (int)BIND_WRITE_BLOCKED &&
	       (int)BIND_CHILD_KILLED == (int)BIND_WRITE_KILLED, "one is handed on as the other");

struct visit {
	struct devices *devices;
	int (*visit)(void *arg, const struct device *device);
	void *arg;
};

static int visit_whole(void *user, const struct device *device)
{
	const struct visit *v = user;
	struct device whole = *device;

	devices_read_override(v->devices, &whole);
	return v->visit(v->arg, &whole);
}

static int each(void *user, int (*visit)(void *arg, const struct device *device), void *arg)
{
	struct bind_linux *l = user;
	struct visit v = { .devices = l->devices, .visit = visit, .arg = arg };

	return devices_each(l->devices, visit_whole, &v);
}

static void machine(void *user, struct bind_machine *ret)
{
	const struct bind_linux *l = user;

	bind_machine_read(l->root_fd, ret);
}

static void read_clock(void *user, struct bind_clock *ret)
{
	const struct bind_linux *l = user;

	bind_clock_read(l->root_fd, ret);
}

static bool holder(void *user, const char *path, struct bind_holder *ret)
{
	(void)user;
	return bind_holder_find(path, ret);
}

/* --- the lock --- */

static void unlock(void *user)
{
	struct bind_linux *l = user;

	if (l->lock_fd >= 0)
		(void)close(l->lock_fd);
	l->lock_fd = -1;
}

/* Whether this is what is locked. The host may have taken a device away and offered it again while its lock
 * was waited for, or since. */
static bool is_locked(const struct bind_linux *l, const char *path)
{
	struct stat locked, there;

	return fstat(l->lock_fd, &locked) == 0 && stat(path, &there) == 0 && locked.st_dev == there.st_dev &&
	       locked.st_ino == there.st_ino;
}

static int lock(void *user, const struct device *device)
{
	struct bind_linux *l = user;
	int r = 0;

	unlock(user);
	l->lock_fd = open(device->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->lock_fd < 0)
		return -errno;
	if (flock(l->lock_fd, LOCK_EX | LOCK_NB) < 0)
		r = -errno;
	else if (!is_locked(l, device->path))
		r = -EWOULDBLOCK;
	if (r < 0)
		unlock(user);
	return r;
}

/* While a device is locked no other is read. */
static int read_device(void *user, const char *name, struct device *ret)
{
	struct bind_linux *l = user;
	struct device is;
	int r = devices_read(l->devices, name, &is);

	if (r < 0)
		return r;
	if (l->lock_fd >= 0 && !is_locked(l, is.path))
		return -ENOENT;
	devices_read_override(l->devices, &is);
	*ret = is;
	return 0;
}

/* --- writing --- */

#define PATH_SIZE (DEVICE_PATH_SIZE + 64)

static const char *utils_driver(const struct bind_linux *l)
{
	struct stat st;

	return fstatat(l->root_fd, "sys/bus/vmbus/drivers/" BIND_UTILS_OLD, &st, 0) == 0 ? BIND_UTILS_OLD :
											   BIND_UTILS;
}

/* Which file the step writes to; -EINVAL: the step writes nothing. */
static int target(const struct bind_linux *l, enum bind_step step, const struct device *device,
		  char path[static PATH_SIZE])
{
	const char *driver = step == BIND_STEP_UNBIND ? device->driver :
			     step == BIND_STEP_BIND_UIO ? BIND_UIO : utils_driver(l);

	switch (step) {
	case BIND_STEP_SET_OVERRIDE:
	case BIND_STEP_CLEAR_OVERRIDE:
		(void)snprintf(path, PATH_SIZE, "%s/driver_override", device->path);
		return 0;
	case BIND_STEP_UNBIND:
	case BIND_STEP_BIND_UIO:
	case BIND_STEP_BIND_UTILS:
		(void)snprintf(path, PATH_SIZE, BUS "/drivers/%s/%s", driver,
			       step == BIND_STEP_UNBIND ? "unbind" : "bind");
		return 0;
	case BIND_STEP_PROBE:
		(void)snprintf(path, PATH_SIZE, PROBE);
		return 0;
	case BIND_STEP_NONE:
	case BIND_STEP_FOREIGN:
	case BIND_STEPS:
		break;
	}
	return -EINVAL;
}

static int write_step(void *user, enum bind_step step, const struct device *device,
		      uint64_t deadline_ns)
{
	struct bind_linux *l = user;
	char path[PATH_SIZE], override[PATH_SIZE];
	/* An empty line is how the kernel is told to have no override. */
	const char *text = step == BIND_STEP_SET_OVERRIDE   ? BIND_UIO :
			   step == BIND_STEP_CLEAR_OVERRIDE ? "\n" :
							      device->name;
	struct bind_job job = {
		.path = path,
		.text = text,
		.costly = step == BIND_STEP_BIND_UIO,
		.override_path = override,
		.probe_path = PROBE,
		.name = device->name,
	};
	int r = target(l, step, device, path);

	if (r < 0)
		return r;
	(void)snprintf(override, sizeof(override), "%s/driver_override", device->path);
	/* Whoever wants this program to end need not wait for somebody else's sake. */
	return bind_child_write(&job, deadline_ns, step == BIND_STEP_UNBIND ? l->stop_fd : -1);
}

int bind_linux_may_write(void)
{
	return faccessat(AT_FDCWD, PROBE, W_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* --- the rest --- */

static int load(void *user, const char *module)
{
	(void)user;
	return bind_child_load(module, bind_now_ns() + LOAD_S * NS_PER_S);
}

static int wait_a_moment(void *user, unsigned ms)
{
	const struct bind_linux *l = user;
	struct pollfd fd = { .fd = l->stop_fd, .events = POLLIN };

	return poll(&fd, 1, (int)ms) != 0 ? -EINTR : 0;
}

static uint64_t now_ns(void *user)
{
	(void)user;
	return bind_now_ns();
}

static void say(void *user, enum bind_say kind, const char *text)
{
	static const char *const prefixes[] = {
		[BIND_SAY_DONE] = "",
		[BIND_SAY_WARNING] = "vmic-bind: warning: ",
		[BIND_SAY_FAILED] = "vmic-bind: ",
	};
	FILE *to = kind == BIND_SAY_DONE ? stdout : stderr;

	(void)user;
	(void)fprintf(to, "%s%s\n", prefixes[kind], text);
	/* In this order, and before what is said is done. */
	(void)fflush(to);
}

const struct bind_ops bind_linux_ops = {
	.each = each,
	.read = read_device,
	.machine = machine,
	.clock = read_clock,
	.holder = holder,
	.lock = lock,
	.unlock = unlock,
	.write = write_step,
	.load = load,
	.pause = wait_a_moment,
	.now_ns = now_ns,
	.say = say,
};
