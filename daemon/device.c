/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/device.h"

#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/lines.h"

#define SUBSYSTEM "vmbus"

struct devices {
	struct udev *udev;
	struct udev_monitor *monitor;
	sd_event_source *source;
	void (*changed)(void *user, const char *name, const struct device *device);
	void *user;

	/* Names last seen: one that goes has no class any more, and after lost events nothing else
	 * says what is missing. */
	char (*known)[DEVICE_NAME_SIZE];
	size_t n_known;
};

static void unref_devicep(struct udev_device **device)
{
	(void)udev_device_unref(*device);
}

static void unref_enumeratep(struct udev_enumerate **enumerate)
{
	(void)udev_enumerate_unref(*enumerate);
}

/* libudev says what failed in errno, or not at all. */
static int last_error(void)
{
	return errno > 0 ? -errno : -EIO;
}

/* --- what is known --- */

static size_t known_find(const struct devices *d, const char *name)
{
	size_t i = 0;

	while (i < d->n_known && strcmp(d->known[i], name) != 0)
		i++;
	return i;
}

static int known_add(struct devices *d, const char *name)
{
	char(*more)[DEVICE_NAME_SIZE];

	if (known_find(d, name) < d->n_known)
		return 0;
	more = reallocarray(d->known, d->n_known + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	d->known = more;
	(void)snprintf(d->known[d->n_known++], DEVICE_NAME_SIZE, "%s", name);
	return 0;
}

/* Whether it was known. */
static bool known_remove(struct devices *d, const char *name)
{
	size_t i = known_find(d, name);

	if (i == d->n_known)
		return false;
	memcpy(d->known[i], d->known[--d->n_known], DEVICE_NAME_SIZE);
	return true;
}

/* --- one device --- */

/* "" where the attribute is missing, unreadable or too long. */
static void read_text(struct udev_device *device, const char *attribute, char *out, size_t size)
{
	const char *value = udev_device_get_sysattr_value(device, attribute);

	(void)snprintf(out, size, "%s", value && strlen(value) < size ? value : "");
}

/* def where the attribute is no number. */
static uint64_t read_number(struct udev_device *device, const char *attribute, uint64_t def)
{
	const char *value = udev_device_get_sysattr_value(device, attribute);
	char *end;
	uint64_t number;

	if (!value)
		return def;
	errno = 0;
	number = strtoull(value, &end, 0);
	return errno == 0 && end != value && *end == '\0' ? number : def;
}

static int read_guid(struct udev_device *device, const char *attribute, struct guid *ret)
{
	const char *value = udev_device_get_sysattr_value(device, attribute);

	return value ? guid_parse(value, ret) : -ENOENT;
}

/* -ENOENT: it is no integration component. */
static int find_component(const struct guid *class_id, enum ic_component *ret)
{
	for (int i = 0; i < IC_COMPONENTS; i++)
		if (memcmp(&ic_class_ids[i], class_id, sizeof(*class_id)) == 0) {
			*ret = (enum ic_component)i;
			return 0;
		}
	return -ENOENT;
}

/* In an initramfs or a container there may be none. */
static bool udevd_runs(void)
{
	return access("/run/udev/control", F_OK) == 0;
}

/* The uio device below it: its file and the sizes of its maps. */
static void read_uio(struct udev_device *uio, struct device *ret)
{
	const char *node = udev_device_get_devnode(uio);
	struct stat st;

	if (!node || strlen(node) >= sizeof(ret->node) || stat(udev_device_get_syspath(uio), &st) < 0)
		return;
	/* The kernel makes a directory for each node, and gives it a number of its own. */
	ret->node_id = st.st_ino;
	(void)snprintf(ret->node, sizeof(ret->node), "%s", node);
	ret->awaits_udev = udev_device_get_is_initialized(uio) == 0 && udevd_runs();
	ret->events = (uint32_t)read_number(uio, "event", 0);
	for (unsigned i = 0; i < DEVICE_MAPS; i++) {
		char attribute[sizeof("maps/map0/size")];

		(void)snprintf(attribute, sizeof(attribute), "maps/map%u/size", i % 10);
		ret->map[i] = (size_t)read_number(uio, attribute, 0);
	}
}

/* Its number says nothing: they are given in the order in which devices come. */
static void find_uio(struct devices *d, struct udev_device *parent, struct device *ret)
{
	_cleanup_(unref_enumeratep) struct udev_enumerate *enumerate = udev_enumerate_new(d->udev);
	_cleanup_(unref_devicep) struct udev_device *uio = NULL;
	struct udev_list_entry *entry;

	if (!enumerate || udev_enumerate_add_match_parent(enumerate, parent) < 0 ||
	    udev_enumerate_add_match_subsystem(enumerate, "uio") < 0 ||
	    udev_enumerate_scan_devices(enumerate) < 0)
		return;
	entry = udev_enumerate_get_list_entry(enumerate);
	if (!entry)
		return;
	uio = udev_device_new_from_syspath(d->udev, udev_list_entry_get_name(entry));
	if (uio)
		read_uio(uio, ret);
}

static int read_device(struct devices *d, struct udev_device *device, struct device *ret)
{
	const char *path = udev_device_get_syspath(device), *name = udev_device_get_sysname(device),
		   *driver = udev_device_get_driver(device);
	struct device out = { 0 };
	struct guid class_id;

	if (read_guid(device, "class_id", &class_id) < 0 ||
	    find_component(&class_id, &out.component) < 0 ||
	    read_guid(device, "device_id", &out.instance_id) < 0)
		return -ENOENT;
	if (!name || strlen(name) >= sizeof(out.name) || !path || strlen(path) >= sizeof(out.path))
		return -ENOENT;
	(void)snprintf(out.name, sizeof(out.name), "%s", name);
	(void)snprintf(out.path, sizeof(out.path), "%s", path);
	(void)snprintf(out.driver, sizeof(out.driver), "%s", driver ? driver : "");
	out.relid = (uint32_t)read_number(device, "id", 0);
	out.state = (int)read_number(device, "state", (uint64_t)DEVICE_STATE_UNKNOWN);
	find_uio(d, device, &out);
	*ret = out;
	return 0;
}

int devices_read(struct devices *d, const char *name, struct device *ret)
{
	_cleanup_(unref_devicep) struct udev_device *device =
		udev_device_new_from_subsystem_sysname(d->udev, SUBSYSTEM, name);

	return device ? read_device(d, device, ret) : -ENOENT;
}

/* hv_utils' unbinding holds the lock for as long as somebody has hv_kvp or hv_vss open, and not even
 * SIGKILL ends who waits for it. Such a device has lost its driver, and its channel is still open. */
void devices_read_override(struct devices *d, struct device *device)
{
	_cleanup_(unref_devicep) struct udev_device *udev = NULL;

	if (device->driver[0] == '\0' && device->state == DEVICE_STATE_OPENED)
		return;
	udev = udev_device_new_from_syspath(d->udev, device->path);
	if (!udev)
		return;
	read_text(udev, "driver_override", device->override, sizeof(device->override));
	if (strcmp(device->override, "(null)") == 0) /* what the kernel prints when it is not set */
		device->override[0] = '\0';
}

/* --- all of them --- */

int devices_each(struct devices *d, int (*visit)(void *user, const struct device *device), void *user)
{
	_cleanup_(unref_enumeratep) struct udev_enumerate *enumerate = udev_enumerate_new(d->udev);
	struct udev_list_entry *entry;
	int r;

	if (!enumerate)
		return last_error();
	r = udev_enumerate_add_match_subsystem(enumerate, SUBSYSTEM);
	if (r >= 0)
		r = udev_enumerate_scan_devices(enumerate);
	if (r < 0)
		return r;
	udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(enumerate)) {
		_cleanup_(unref_devicep) struct udev_device *device =
			udev_device_new_from_syspath(d->udev, udev_list_entry_get_name(entry));
		struct device is;

		if (!device || read_device(d, device, &is) < 0)
			continue; /* gone meanwhile, or of another class */
		r = known_add(d, is.name);
		if (r == 0)
			r = visit(user, &is);
		if (r != 0)
			return r;
	}
	return 0;
}

/* --- as they come and go --- */

/* 0 where the kernel does not say; no event has that number. */
static uint64_t last_event(void)
{
	struct lines lines;
	const char *line;
	uint64_t number;

	if (lines_open(&lines, AT_FDCWD, "/sys/kernel/uevent_seqnum") < 0)
		return 0;
	line = lines_next(&lines);
	number = line ? strtoull(line, NULL, 10) : 0;
	lines_close(&lines);
	return number;
}

/*
 * Whether the event is "bind", which the kernel sends when a driver's probe is complete (Linux dd.c
 * driver_bound), and is about the device as it has been read before this is asked: udevd passes events on
 * when it has the time, and by then the device may have another node. The kernel numbers all its events,
 * so when this is still the last one, nothing has happened since. A root who plays with "uevent" files may
 * send it at any time, which the kernel marks.
 */
static bool is_probed(struct udev_device *event)
{
	const char *action = udev_device_get_action(event);

	return action && strcmp(action, "bind") == 0 &&
	       !udev_device_get_property_value(event, "SYNTH_UUID") &&
	       udev_device_get_seqnum(event) == last_event();
}

static void tell(struct devices *d, struct udev_device *event)
{
	const char *name = udev_device_get_sysname(event);
	struct device is;

	if (devices_read(d, name, &is) == 0) {
		is.probed = is_probed(event);
		(void)known_add(d, name);
		d->changed(d->user, name, &is);
	} else if (known_remove(d, name)) {
		d->changed(d->user, name, NULL);
	}
}

static int tell_present(void *user, const struct device *device)
{
	struct devices *d = user;

	d->changed(d->user, device->name, device);
	return 0;
}

/* Events were lost: anything may have happened to anyone. Where there is no memory for the look, the
 * next event brings another chance. */
static void tell_all(struct devices *d)
{
	int r;

	for (size_t i = d->n_known; i-- > 0;) {
		char name[DEVICE_NAME_SIZE];
		struct device is;

		memcpy(name, d->known[i], sizeof(name));
		if (devices_read(d, name, &is) < 0 && known_remove(d, name))
			d->changed(d->user, name, NULL);
	}
	r = devices_each(d, tell_present, d);
	(void)r;
}

/* What the event says of the device is old already; what is there now counts. */
static int on_event(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	_cleanup_(unref_devicep) struct udev_device *event = NULL;
	struct devices *d = user;

	(void)source;
	(void)fd;
	(void)revents;
	errno = 0;
	event = udev_monitor_receive_device(d->monitor);
	if (event)
		tell(d, event);
	else if (errno == ENOBUFS)
		tell_all(d);
	return 0;
}

int devices_watch(struct devices *d, sd_event *event,
		  void (*changed)(void *user, const char *name, const struct device *device), void *user)
{
	/* Without it nobody sends events on but the kernel. */
	const char *origin = udevd_runs() ? "udev" : "kernel";
	int r;

	d->changed = changed;
	d->user = user;
	d->monitor = udev_monitor_new_from_netlink(d->udev, origin);
	if (!d->monitor)
		return last_error();
	r = udev_monitor_filter_add_match_subsystem_devtype(d->monitor, SUBSYSTEM, NULL);
	if (r >= 0)
		r = udev_monitor_enable_receiving(d->monitor);
	if (r < 0)
		return r;
	r = sd_event_add_io(event, &d->source, udev_monitor_get_fd(d->monitor), EPOLLIN, on_event, d);
	if (r < 0)
		return r;
	(void)sd_event_source_set_description(d->source, "VMBus devices");
	return 0;
}

static void devices_freep(struct devices **d)
{
	*d = devices_free(*d);
}

int devices_new(struct devices **ret)
{
	_cleanup_(devices_freep) struct devices *d = NULL;

	if (access("/sys/bus/" SUBSYSTEM "/devices", F_OK) < 0)
		return -ENODEV;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->udev = udev_new();
	if (!d->udev)
		return last_error();
	*ret = TAKE_PTR(d);
	return 0;
}

struct devices *devices_free(struct devices *d)
{
	if (!d)
		return NULL;
	d->source = sd_event_source_disable_unref(d->source);
	d->monitor = udev_monitor_unref(d->monitor);
	d->udev = udev_unref(d->udev);
	free(d->known);
	free(d);
	return NULL;
}
