/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/uio.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/device.h"
#include "hv_util/ring_wire.h"

#define DRIVER "uio_hv_generic"

#define USEC_PER_MSEC UINT64_C(1000)
/* vmic-bind holds the lock while it moves the device, and a little longer: so often and so many times
 * we try before that is a failure. */
#define RETRY_USEC (50 * USEC_PER_MSEC)
#define TRIES 40
/*
 * A node can be opened before uio_hv_generic's probe is over: what the host sends then finds a NULL pointer
 * in the kernel (uio_hv_generic.c hv_uio_probe: uio_register_device before hv_set_drvdata, which
 * hv_uio_channel_cb uses; inferred from that, never seen). vmic-bind keeps its lock until the probe is over;
 * a device that the kernel binds by itself has nobody who does. Nothing shows the end but the event "bind",
 * and that not to who comes later or cannot be sure of it. Between the two lines is a fraction of a
 * millisecond's work: the rest of this is for a processor that the hypervisor takes away meanwhile.
 */
#define SETTLE_USEC (250 * USEC_PER_MSEC)
/* udev gives the nodes to vmicd's group when it has the time. Without permission for any of them we try again this often,
 * and so long before that is a failure; vmic-bind.service waits as well. */
#define PERMISSION_RETRY_USEC (250 * USEC_PER_MSEC)
#define PERMISSION_USEC (10000 * USEC_PER_MSEC)
/* Kernels before "uio_hv_generic: Let userspace take care of interrupt mask" (Linux 6.18 and stable
 * ones of its time) mask the ring at each interrupt, and can lose one. */
#define LOOK_USEC (1000 * USEC_PER_MSEC)

/* Both rings of a component have 4 MiB (hv_dev_ring_size in Linux' channel_mgmt.c: 2 MiB each). */
#define MAP_SIZE_MAX ((size_t)64 << 20)

struct uio_port {
	struct port port; /* first: ops get its address */
	struct uio *uio;
	struct device device; /* as it was when the port was opened last */
	uint64_t node_id;   /* of its node that was seen last... */
	uint64_t good_usec; /* ...and from when on that may be opened */
	sd_event_source *retry;
	unsigned tries;
	int lock_fd;
	bool gone; /* the node says that there is no device behind it */
	char node_name[STORE_NAME_SIZE], lock_name[STORE_NAME_SIZE];
	bool was_stored; /* the service manager has, or had, the node open too */
};

struct uio {
	sd_event *event;
	sd_event_source *work;
	const struct log *log;
	struct store *store;
	const struct uio_node *node;
	const struct transport_events *events;
	void *user;
	struct devices *devices;
	struct uio_port *ports[IC_COMPONENTS]; /* those that were taken */

	bool looked;              /* at what was there in the beginning */
	bool denied;              /* there is a node that may not be opened... */
	bool admitted;            /* ...and one that may */
	uint64_t permission_usec; /* when to give up that there will be; 0: there was no reason yet */
	bool tried;               /* all that were there in the beginning */
	bool seen[IC_COMPONENTS]; /* it has a device */
	char said[IC_COMPONENTS][DEVICE_NAME_SIZE]; /* the driver that was logged to have it */
	struct log_rate elsewhere;
};

static struct uio_port *of(struct port *port)
{
	return (struct uio_port *)port;
}

/* --- the node --- */

static int node_open(const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

static void *node_map(int fd, size_t size)
{
	/* Map I is at I pages; the rings are the first. */
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, DEVICE_MAP_RINGS);
}

static bool node_is(int fd, const char *path)
{
	struct stat st, there;

	return fstat(fd, &st) == 0 && stat(path, &there) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == there.st_rdev;
}

const struct uio_node uio_node_linux = { .open = node_open, .map = node_map, .is = node_is };

/* A descriptor whose device has gone says so for ever. */
static bool port_is_gone(const struct uio_port *p)
{
	struct pollfd fd = { .fd = p->port.interrupt_fd };

	return p->gone || (fd.fd >= 0 && poll(&fd, 1, 0) > 0);
}

/* To be dropped from the loop: whoever finds out is in the middle of using the port. */
static void port_mark_gone(struct uio_port *p)
{
	p->gone = true;
	(void)sd_event_source_set_enabled(p->uio->work, SD_EVENT_ONESHOT);
}

/* --- opening and closing --- */

static int close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* A mapping keeps the channel open, so that goes first; the lock goes last: with it vmic-bind knows
 * that it may move the device. Unbinding one that is open panics the kernel. */
static void port_close(struct uio_port *p)
{
	(void)sd_event_source_set_enabled(p->retry, SD_EVENT_OFF);
	if (p->port.memory)
		(void)munmap(p->port.memory, 2 * p->port.ring_size);
	p->port.memory = NULL;
	p->port.ring_size = 0;
	p->port.interrupt_fd = close_fd(p->port.interrupt_fd);
	p->lock_fd = close_fd(p->lock_fd);
}

/* What we close stays open while the service manager has it, and that closes in its own time what it is told
 * to drop. */
static void port_unstore(struct uio_port *p)
{
	store_remove(p->uio->store, p->node_name);
	store_remove(p->uio->store, p->lock_name);
}

/* Says why the port cannot be opened; returns error. */
__attribute__((format(printf, 3, 4)))
static int because(struct uio_port *p, int error, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(p->port.why, sizeof(p->port.why), format, ap);
	va_end(ap);
	return error;
}

static bool is_ours(const struct device *device)
{
	return strcmp(device->driver, DRIVER) == 0 && device->node[0] != '\0';
}

/* The host may have taken the device away, and offered it again, since the directory was opened. */
static bool is_still(int fd, const char *path)
{
	struct stat locked, there;

	return fstat(fd, &locked) == 0 && stat(path, &there) == 0 && locked.st_dev == there.st_dev &&
	       locked.st_ino == there.st_ino;
}

/* 0; -EWOULDBLOCK: somebody has the lock now; another negative errno. Any number of programs can open
 * the node, and would take each other's packets: the lock is what makes it one. */
static int port_lock(struct uio_port *p)
{
	p->lock_fd = open(p->device.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->lock_fd < 0)
		return because(p, -errno, "its device has gone");
	if (flock(p->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return because(p, -errno, "vmic-bind is moving its device, or another vmicd has it");
	if (!is_still(p->lock_fd, p->device.path))
		return because(p, -EWOULDBLOCK, "its device has just been offered anew");
	return 0;
}

/* Sizes differ between kernels and components: the kernel says them. */
static int rings_check(struct uio_port *p)
{
	size_t size = p->device.map[DEVICE_MAP_RINGS], page = (size_t)sysconf(_SC_PAGESIZE);

	if (page != RING_PAGE_SIZE)
		return because(p, -EOPNOTSUPP, "this kernel's pages are %zu bytes, and so then is a ring's header",
			       page);
	if (size <= 2 * page || size % (2 * page) != 0 || size > MAP_SIZE_MAX)
		return because(p, -EINVAL, "%s has rings of %zu bytes together, which cannot be",
			       p->device.node, size);
	return 0;
}

static uint64_t now_usec(const struct uio *u)
{
	uint64_t now = 0;

	(void)sd_event_now(u->event, CLOCK_MONOTONIC, &now);
	return now;
}

static void port_note_node(struct uio_port *p, const struct device *device)
{
	if (device->probed)
		p->good_usec = 0;
	else if (device->node_id != p->node_id)
		p->good_usec = now_usec(p->uio) + SETTLE_USEC;
	p->node_id = device->node_id;
}

/* What the device is under the lock. */
static int port_read(struct uio_port *p)
{
	struct device is;

	if (devices_read(p->uio->devices, p->device.name, &is) < 0 ||
	    is.component != p->device.component)
		return because(p, -ENODEV, "its device has gone");
	p->device = is;
	p->port.relid = is.relid;
	p->port.identity = is.node_id;
	if (!is_ours(&is))
		return because(p, -ENODEV, "its device is no longer with " DRIVER);
	return 0;
}

/* Whether its node may be opened. 0; -EWOULDBLOCK: not yet; another negative errno. */
static int port_look(struct uio_port *p)
{
	const char *node = p->device.node;
	int r = port_read(p);

	if (r < 0)
		return r;
	/* To open it once more would not open the channel anew: its rings would be the old ones. */
	if (p->device.state != DEVICE_STATE_OPEN)
		return p->was_stored ? because(p, -EWOULDBLOCK, "%s, which was dropped, is still open", node) :
				       because(p, -EBUSY, "another program has %s open", node);
	port_note_node(p, &p->device);
	if (now_usec(p->uio) < p->good_usec)
		return because(p, -EWOULDBLOCK, "%s has just appeared", node);
	return rings_check(p);
}

static int port_open_node(struct uio_port *p)
{
	const char *node = p->device.node;
	int fd = p->uio->node->open(node);

	if (fd == -EACCES || fd == -EPERM) {
		p->uio->denied = true;
		return because(p, fd, "not permitted to open %s (be root, or give this user access to it)",
			       node);
	}
	if (fd < 0)
		return because(p, fd, "cannot open %s: %s", node, strerror(-fd));
	p->port.interrupt_fd = fd;
	return 0;
}

static int port_map(struct uio_port *p)
{
	size_t size = p->device.map[DEVICE_MAP_RINGS];
	void *memory = p->uio->node->map(p->port.interrupt_fd, size);

	if (memory == MAP_FAILED)
		return because(p, -errno, "cannot map %s: %s", p->device.node, strerror(errno));
	p->port.memory = memory;
	p->port.ring_size = size / 2;
	return 0;
}

static int port_try(struct uio_port *p)
{
	int r = port_lock(p);

	if (r == 0)
		r = port_look(p);
	if (r == 0)
		r = port_open_node(p);
	if (r == 0)
		r = port_map(p);
	if (r < 0) {
		port_close(p);
		return r;
	}
	p->port.why[0] = '\0';
	store_put(p->uio->store, p->lock_name, p->lock_fd);
	store_put(p->uio->store, p->node_name, p->port.interrupt_fd);
	p->was_stored = p->uio->store;
	return 0;
}

/* Whether what a predecessor has left open is this node, and nothing has happened to it. */
static int port_check_left(struct uio_port *p)
{
	const char *node = p->device.node;
	int r;

	if (!p->uio->node->is(p->port.interrupt_fd, node) || port_is_gone(p))
		return because(p, -ESTALE, "%s is another now", node);
	if (!is_still(p->lock_fd, p->device.path) || flock(p->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return because(p, -ESTALE, "the lock on its device is another's now");
	r = port_read(p);
	if (r == 0 && p->device.state != DEVICE_STATE_OPENED)
		r = because(p, -ESTALE, "%s is not open", node);
	return r < 0 ? r : rings_check(p);
}

/* Whether the node has been open since before we started, and we have it now. */
static bool port_take_over(struct uio_port *p)
{
	int r;

	p->port.interrupt_fd = store_take(p->uio->store, p->node_name);
	p->lock_fd = store_take(p->uio->store, p->lock_name);
	if (p->port.interrupt_fd < 0 && p->lock_fd < 0)
		return false;
	p->was_stored = true;
	r = port_check_left(p);
	if (r == 0)
		r = port_map(p);
	if (r == 0) {
		p->port.why[0] = '\0';
		return true;
	}
	log_info(p->uio->log, "%s: the channel cannot be taken over from the process before: %s; opening it anew",
		 ic_component_names[p->device.component], p->port.why);
	port_close(p);
	port_unstore(p);
	return false;
}

static void retry_at(struct uio_port *p, uint64_t usec)
{
	(void)sd_event_source_set_time(p->retry, usec);
	(void)sd_event_source_set_enabled(p->retry, SD_EVENT_ONESHOT);
}

static bool port_is_waiting(const struct uio_port *p)
{
	return sd_event_source_get_enabled(p->retry, NULL) > 0;
}

/* Whether a node that may not be opened may be ours in a moment; the rest of a port's life is its channel's. */
static bool may_be_permitted(struct uio_port *p)
{
	struct uio *u = p->uio;

	if (u->tried || u->admitted)
		return false;
	if (u->permission_usec == 0) {
		u->permission_usec = now_usec(u) + PERMISSION_USEC;
		log_warning(u->log, "%s: %s; trying again for 10 s", ic_component_names[p->device.component],
			    p->port.why);
	}
	return now_usec(u) < u->permission_usec;
}

/* 0: it is open, or will be tried again. */
static int port_open(struct uio_port *p)
{
	uint64_t next;
	int r;

	p->port.taken_over = port_take_over(p);
	r = p->port.taken_over ? 0 : port_try(p);

	if (r == 0) {
		p->uio->admitted = true;
		p->uio->events->opened(p->uio->user, &p->port, 0);
		return 0;
	}
	if ((r == -EACCES || r == -EPERM) && may_be_permitted(p)) {
		retry_at(p, now_usec(p->uio) + PERMISSION_RETRY_USEC);
		return 0;
	}
	if (r != -EWOULDBLOCK || ++p->tries == TRIES)
		return r;
	next = now_usec(p->uio) + RETRY_USEC;
	retry_at(p, p->good_usec > next ? p->good_usec : next);
	return 0;
}

/* Without permission for any of those that were there in the beginning, after a while, there is nothing to wait for. */
static void judge_permissions(struct uio *u)
{
	if (!u->looked || u->tried)
		return;
	for (int i = 0; i < IC_COMPONENTS; i++)
		if (u->ports[i] && port_is_waiting(u->ports[i]))
			return;
	u->tried = true;
	if (u->denied && !u->admitted)
		u->events->ended(u->user, -EACCES);
	else
		u->events->settled(u->user);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *user)
{
	struct uio_port *p = user;
	struct uio *u = p->uio;
	int r = port_open(p);

	(void)source;
	(void)usec;
	if (r < 0)
		u->events->opened(u->user, &p->port, r);
	judge_permissions(u);
	return 0;
}

/* --- what a channel asks for --- */

static int op_open(struct port *port)
{
	of(port)->tries = 0;
	return port_open(of(port));
}

static void op_close(struct port *port)
{
	port_close(of(port));
	port_unstore(of(port));
}

static int op_signal(struct port *port)
{
	static const int32_t signal_host = 1; /* and clears the interrupt mask */
	struct uio_port *p = of(port);

	if (p->gone)
		return 1;
	if (write(port->interrupt_fd, &signal_host, sizeof(signal_host)) >= 0)
		return 0;
	/* Different kernels say it differently: there is no device any more. */
	if (errno != EIO && errno != EINVAL && errno != ENODEV)
		return -errno;
	port_mark_gone(p);
	return 1;
}

static int op_acknowledge(struct port *port)
{
	struct uio_port *p = of(port);
	int32_t count;

	if (p->gone)
		return 1;
	if (read(port->interrupt_fd, &count, sizeof(count)) >= 0 || errno == EAGAIN || errno == EINTR)
		return 0;
	if (errno != EIO)
		return -errno;
	port_mark_gone(p);
	return 1;
}

static struct uio_port *port_free(struct uio_port *p)
{
	if (!p)
		return NULL;
	port_close(p);
	p->retry = sd_event_source_disable_unref(p->retry);
	free(p);
	return NULL;
}

static void op_release(struct port *port)
{
	struct uio_port *p = of(port);

	p->uio->ports[p->device.component] = NULL;
	port_unstore(p);
	(void)port_free(p);
}

static const struct transport_ops uio_ops = {
	.open = op_open,
	.close = op_close,
	.signal = op_signal,
	.acknowledge = op_acknowledge,
	.release = op_release,
};

/* --- devices --- */

static void port_freep(struct uio_port **p)
{
	*p = port_free(*p);
}

static int port_new(struct uio *u, const struct device *device, struct uio_port **ret)
{
	_cleanup_(port_freep) struct uio_port *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	*p = (struct uio_port){
		.port = {
			.ops = &uio_ops,
			.relid = device->relid,
			.class_id = ic_class_ids[device->component],
			.instance_id = device->instance_id,
			.interrupt_fd = -1,
			.look_usec = LOOK_USEC,
		},
		.uio = u,
		.device = *device,
		.lock_fd = -1,
	};
	r = sd_event_add_time(u->event, &p->retry, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_retry, p);
	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(p->retry, SD_EVENT_OFF);
	(void)sd_event_source_set_description(p->retry, "uio node");
	store_name(device->component, "uio", p->node_name);
	store_name(device->component, "lock", p->lock_name);
	port_note_node(p, device);
	*ret = TAKE_PTR(p);
	return 0;
}

static void offer(struct uio *u, const struct device *device)
{
	_cleanup_(port_freep) struct uio_port *p = NULL;
	int r = port_new(u, device, &p);

	if (r < 0) {
		log_error(u->log, "%s: %s, its device is not used", ic_component_names[device->component],
			  strerror(-r));
		return;
	}
	if (u->events->offered(u->user, &p->port) < 0)
		return;
	u->ports[device->component] = TAKE_PTR(p);
	u->said[device->component][0] = '\0';
}

/* As vmic-bind's arguments are usually written. */
static void lower_case(const char *from, char *to, size_t size)
{
	size_t i = 0;

	for (; from[i] != '\0' && i < size - 1; i++)
		to[i] = (char)tolower((unsigned char)from[i]);
	to[i] = '\0';
}

/* Beside vmic-bind, a clause. hv_utils serves the others itself; its key-value pairs it only hands on, and the stock
 * daemon is not started where this one is to serve them. */
static const char *other_way(const struct device *device)
{
	if (device->component != IC_KVP || strcmp(device->driver, "hv_utils") != 0)
		return "";
	return "; where it cannot, [KVP] Route=hv_utils serves key-value pairs behind that driver";
}

/* One that is not ours: who has it, and what to do about that. */
static void log_elsewhere(struct uio *u, const struct device *device)
{
	const char *component = ic_component_names[device->component];
	char *said = u->said[device->component], argument[16];

	if (!u->events->serves(u->user, &ic_class_ids[device->component]))
		return;
	if (device->driver[0] == '\0') {
		/* On its way from one driver to another it has none for a moment. */
		log_line(u->log, u->looked ? LOG_DEBUG : LOG_INFO, NULL,
			 "%s: no driver has its device; the kernel's log may say why, and 'vmic-bind give-back' "
			 "returns it to hv_utils", component);
		return;
	}
	if (strcmp(device->driver, DRIVER) == 0 || strcmp(device->driver, said) == 0)
		return;
	lower_case(component, argument, sizeof(argument));
	log_limited(u->log, &u->elsewhere, now_usec(u) * 1000, LOG_INFO, NULL,
		    "%s: its device belongs to %s; 'vmic-bind take %s' hands it over, or says why it cannot%s", component,
		    device->driver, argument, other_way(device));
	(void)strcpy(said, device->driver);
}

static void offer_others(struct uio *u, enum ic_component component, const char *name);

static void rescind(struct uio *u, struct uio_port *p)
{
	const struct device was = p->device;

	u->events->rescinded(u->user, &p->port);
	offer_others(u, was.component, was.name);
	judge_permissions(u);
}

/* NULL: none is on a device of this name. */
static struct uio_port *port_find(const struct uio *u, const char *name)
{
	for (int i = 0; i < IC_COMPONENTS; i++)
		if (u->ports[i] && strcmp(u->ports[i]->device.name, name) == 0)
			return u->ports[i];
	return NULL;
}

/* Brings what we have into line with what the device is. One that was offered anew has the name of the
 * one that is gone, whatever component the host says that it is now. */
static void consider(struct uio *u, const struct device *device)
{
	struct uio_port *p = port_find(u, device->name);

	u->seen[device->component] = true;
	if (p && p->device.component == device->component && is_ours(device) && !port_is_gone(p)) {
		port_note_node(p, device);
		if (device->probed && port_is_waiting(p))
			retry_at(p, now_usec(u));
		return;
	}
	if (p)
		rescind(u, p);
	if (!is_ours(device))
		log_elsewhere(u, device);
	else if (!u->ports[device->component])
		offer(u, device);
}

struct others {
	struct uio *uio;
	enum ic_component component;
	const char *name;
};

static int consider_other(void *user, const struct device *device)
{
	const struct others *o = user;

	if (device->component == o->component && strcmp(device->name, o->name) != 0)
		consider(o->uio, device);
	return 0;
}

/* The component may have had a second device all the time. Not the one that has just gone, which may be
 * about to: the kernel tells when it is back. */
static void offer_others(struct uio *u, enum ic_component component, const char *name)
{
	struct others o = { .uio = u, .component = component, .name = name };
	int r = devices_each(u->devices, consider_other, &o);

	if (r < 0)
		log_warning(u->log, "%s: cannot look for another device: %s", ic_component_names[component],
			    strerror(-r));
}

static void on_changed(void *user, const char *name, const struct device *device)
{
	struct uio *u = user;
	struct uio_port *p = port_find(u, name);

	if (device)
		consider(u, device);
	else if (p)
		rescind(u, p);
}

static int consider_first(void *user, const struct device *device)
{
	consider(user, device);
	return 0;
}

/* The lasting state of things on a kernel whose uio_hv_generic cannot carry a component; whether this
 * is one shows only when vmic-bind tries. */
static void log_nothing_ours(const struct uio *u)
{
	for (int i = 0; i < IC_COMPONENTS; i++)
		if (u->ports[i])
			return;
	if (u->said[IC_KVP][0] != '\0')
		log_line(u->log, LOG_NOTICE, NULL,
			 "no device is ours: the kernel's own driver has them and negotiates their versions. "
			 "Linux before 6.10 cannot hand them over, 'vmic-bind take' then says so; what can be "
			 "served there is key-value pairs, behind that driver ([KVP] Route=hv_utils)");
}

static void look_first(struct uio *u)
{
	int r = devices_each(u->devices, consider_first, u);

	if (r < 0) {
		u->events->ended(u->user, r);
		return;
	}
	u->looked = true;
	for (int i = 0; i < IC_COMPONENTS; i++)
		if (!u->seen[i] && u->events->serves(u->user, &ic_class_ids[i]))
			log_line(u->log, LOG_DEBUG, NULL, "%s: there is no device", ic_component_names[i]);
	log_nothing_ours(u);
	store_drop_rest(u->store);
	judge_permissions(u);
}

static int on_work(sd_event_source *source, void *user)
{
	struct uio *u = user;

	(void)source;
	if (!u->looked)
		look_first(u);
	for (int i = 0; i < IC_COMPONENTS; i++)
		if (u->ports[i] && u->ports[i]->gone)
			rescind(u, u->ports[i]);
	return 0;
}

/* --- the outside --- */

static void uio_freep(struct uio **u)
{
	*u = uio_free(*u);
}

int uio_new(sd_event *event, const struct log *log, struct store *store, const struct uio_node *node,
	    const struct transport_events *events, void *user, struct uio **ret)
{
	_cleanup_(uio_freep) struct uio *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return -ENOMEM;
	*u = (struct uio){
		.event = event, .log = log, .store = store, .node = node, .events = events, .user = user,
	};
	r = devices_new(&u->devices);
	if (r < 0)
		return r;
	r = devices_watch(u->devices, event, on_changed, u);
	if (r < 0)
		return r;
	r = sd_event_add_defer(event, &u->work, on_work, u);
	if (r < 0)
		return r;
	(void)sd_event_source_set_description(u->work, "uio");
	*ret = TAKE_PTR(u);
	return 0;
}

struct uio *uio_free(struct uio *u)
{
	if (!u)
		return NULL;
	for (int i = 0; i < IC_COMPONENTS; i++)
		u->ports[i] = port_free(u->ports[i]);
	u->work = sd_event_source_disable_unref(u->work);
	u->devices = devices_free(u->devices);
	free(u);
	return NULL;
}
