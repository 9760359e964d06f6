/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A /sys with VMBus devices as Linux shows them, and their uevents, for the real libudev: umockdev's
 * preloaded library shows this process a directory in /sys's place. Nothing is linked with umockdev;
 * without it the tests are skipped. The files are those of Linux 6.12 and 7.3 guests.
 */
#pragma once

#include <dlfcn.h>
#include <errno.h>
#include <ftw.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/device.h"
#include "tests/unit/harness.h"

#define FAKE_PRELOAD "libumockdev-preload.so.0"
#define FAKE_PARENT "devices/LNXSYSTM:00/LNXSYBUS:00/VMBUS:00"
#define FAKE_PATH_SIZE 512

/* --- the process --- */

/* A sanitizer's library wants to stay the first. */
static int fake_vmbus_add_sanitizer(struct dl_phdr_info *info, size_t size, void *user)
{
	(void)size;
	if (info->dlpi_name && strstr(info->dlpi_name, "libasan"))
		(void)snprintf(user, FAKE_PATH_SIZE, "%s:", info->dlpi_name);
	return 0;
}

/* First thing in main: starts the program anew with the library before all others. False: it is not
 * there, which has been said; return 0. */
static inline bool fake_vmbus_enter(const char *program, char **argv)
{
	const char *preload = getenv("LD_PRELOAD");
	char value[FAKE_PATH_SIZE + sizeof(FAKE_PRELOAD)] = "";

	if (preload && strstr(preload, FAKE_PRELOAD) && dlopen("libumockdev.so.0", RTLD_NOW | RTLD_GLOBAL))
		return true;
	if (!preload && dlopen(FAKE_PRELOAD, RTLD_LAZY)) {
		(void)dl_iterate_phdr(fake_vmbus_add_sanitizer, value);
		(void)strcat(value, FAKE_PRELOAD);
		(void)setenv("LD_PRELOAD", value, 1);
		(void)execv("/proc/self/exe", argv);
	}
	(void)printf("SKIPPED: %s: umockdev is not installed\n0 passed, 0 failed, 1 skipped\n", program);
	return false;
}

/* --- the bus --- */

struct fake_vmbus {
	void *testbed;
	char root[128];
};

static inline void *fake_symbol(const char *name)
{
	void *symbol = dlsym(RTLD_DEFAULT, name);

	assert_non_null(symbol);
	return symbol;
}

/* The directory as it is called when this process does not look through the library's eyes. */
__attribute__((format(printf, 3, 4)))
static inline void fake_path(const struct fake_vmbus *b, char *to, const char *format, ...)
{
	int n = snprintf(to, FAKE_PATH_SIZE, "%s/", b->root);
	va_list ap;

	va_start(ap, format);
	n += vsnprintf(to + n, (size_t)(FAKE_PATH_SIZE - n), format, ap);
	va_end(ap);
	assert_true(n < FAKE_PATH_SIZE);
}

static inline void fake_make_parents(const char *path)
{
	char parent[FAKE_PATH_SIZE];

	(void)snprintf(parent, sizeof(parent), "%s", path);
	for (char *slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(parent, 0755);
		*slash = '/';
	}
}

static inline void fake_write(const char *path, const char *text)
{
	FILE *file;

	fake_make_parents(path);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static inline void fake_link(const char *path, const char *target)
{
	fake_make_parents(path);
	(void)unlink(path);
	assert_int_equal(symlink(target, path), 0);
}

static inline struct fake_vmbus fake_vmbus_new(void)
{
	void *(*new)(void);
	char *(*root)(void *);
	struct fake_vmbus b;
	char path[FAKE_PATH_SIZE], *name;

	*(void **)&new = fake_symbol("umockdev_testbed_new");
	*(void **)&root = fake_symbol("umockdev_testbed_get_root_dir");
	b.testbed = new();
	assert_non_null(b.testbed);
	name = root(b.testbed);
	assert_true((size_t)snprintf(b.root, sizeof(b.root), "%s", name) < sizeof(b.root));
	free(name);
	fake_path(&b, path, "sys/bus/vmbus/devices/");
	fake_make_parents(path);
	return b;
}

static inline void fake_vmbus_done(struct fake_vmbus *b)
{
	void (*unref)(void *);

	*(void **)&unref = fake_symbol("g_object_unref");
	unref(b->testbed); /* and removes the directory */
}

/* --- devices --- */

#define FAKE_NO_UIO (-1)

struct fake_device {
	const char *class_id, *name; /* as texts */
	unsigned relid;
	const char *driver, *override; /* or NULL */
	int state;
	int uio; /* N of /dev/uioN */
	size_t map[DEVICE_MAPS];
};

/* Heartbeat with hv_utils, and with uio_hv_generic on Linux 7.3. */
#define FAKE_HEARTBEAT "fd149e91-82e0-4a7d-afa6-2a4166cbd7c0"
static const struct fake_device fake_heartbeat = {
	.class_id = "57164f39-9115-4e78-ab55-382f3bd5422d",
	.name = FAKE_HEARTBEAT,
	.relid = 1,
	.driver = "hv_utils",
	.state = 3,
	.uio = FAKE_NO_UIO,
};
static const struct fake_device fake_heartbeat_uio = {
	.class_id = "57164f39-9115-4e78-ab55-382f3bd5422d",
	.name = FAKE_HEARTBEAT,
	.relid = 1,
	.driver = "uio_hv_generic",
	.override = "uio_hv_generic",
	.state = 2,
	.uio = 1,
	.map = { 0x400000, 0x1000, 0x1000 },
};

static inline void fake_attribute(const struct fake_vmbus *b, const char *device, const char *name,
				  const char *text)
{
	char path[FAKE_PATH_SIZE];

	fake_path(b, path, "sys/" FAKE_PARENT "/%s/%s", device, name);
	fake_write(path, text);
}

__attribute__((format(printf, 4, 5)))
static inline void fake_number(const struct fake_vmbus *b, const char *device, const char *name,
			       const char *format, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fake_attribute(b, device, name, text);
}

static inline int fake_remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void fake_remove_tree(const char *path)
{
	(void)nftw(path, fake_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* The kernel gives no directory's number away again: what goes is kept elsewhere. */
static inline void fake_bury(const struct fake_vmbus *b, const char *path)
{
	char grave[FAKE_PATH_SIZE];

	fake_path(b, grave, "graves/XXXXXX");
	fake_make_parents(grave);
	assert_non_null(mkdtemp(grave));
	assert_true(rename(path, grave) == 0 || errno == ENOENT);
}

/* The uio device below it, or none. One that is there already stays what it is. */
static inline void fake_uio(const struct fake_vmbus *b, const struct fake_device *d)
{
	char path[FAKE_PATH_SIZE], target[FAKE_PATH_SIZE], name[64];
	struct stat st;

	fake_path(b, path, "sys/" FAKE_PARENT "/%s/uio/uio%d", d->name, d->uio);
	if (d->uio == FAKE_NO_UIO || stat(path, &st) < 0) {
		fake_path(b, path, "sys/" FAKE_PARENT "/%s/uio", d->name);
		fake_bury(b, path);
	}
	if (d->uio == FAKE_NO_UIO)
		return;
	(void)snprintf(name, sizeof(name), "uio/uio%d/uevent", d->uio);
	fake_number(b, d->name, name, "MAJOR=244\nMINOR=%d\nDEVNAME=uio%d\n", d->uio, d->uio);
	fake_path(b, path, "sys/" FAKE_PARENT "/%s/uio/uio%d/subsystem", d->name, d->uio);
	fake_link(path, "../../../../../../../class/uio");
	fake_path(b, path, "sys/class/uio/uio%d", d->uio);
	(void)snprintf(target, sizeof(target), "../../" FAKE_PARENT "/%s/uio/uio%d", d->name, d->uio);
	fake_link(path, target);
	for (int i = 0; i < DEVICE_MAPS; i++) {
		(void)snprintf(name, sizeof(name), "uio/uio%d/maps/map%d/size", d->uio, i);
		if (d->map[i] > 0)
			fake_number(b, d->name, name, "0x%016zx\n", d->map[i]);
	}
}

/* Makes it what it is to be; nobody is told. */
static inline void fake_device_put(const struct fake_vmbus *b, const struct fake_device *d)
{
	char path[FAKE_PATH_SIZE], target[FAKE_PATH_SIZE];

	fake_number(b, d->name, "class_id", "{%s}\n", d->class_id);
	fake_number(b, d->name, "device_id", "{%s}\n", d->name);
	fake_number(b, d->name, "id", "%u\n", d->relid);
	fake_number(b, d->name, "state", "%d\n", d->state);
	fake_number(b, d->name, "driver_override", "%s\n", d->override ? d->override : "(null)");
	fake_number(b, d->name, "uevent", "%s%s%sMODALIAS=vmbus:0\n", d->driver ? "DRIVER=" : "",
		    d->driver ? d->driver : "", d->driver ? "\n" : "");
	fake_path(b, path, "sys/" FAKE_PARENT "/%s/subsystem", d->name);
	fake_link(path, "../../../../../bus/vmbus");
	fake_path(b, path, "sys/" FAKE_PARENT "/%s/driver", d->name);
	if (d->driver) {
		(void)snprintf(target, sizeof(target), "../../../../../bus/vmbus/drivers/%s", d->driver);
		fake_link(path, target);
	} else {
		(void)unlink(path);
	}
	fake_path(b, path, "sys/bus/vmbus/devices/%s", d->name);
	(void)snprintf(target, sizeof(target), "../../../" FAKE_PARENT "/%s", d->name);
	fake_link(path, target);
	fake_uio(b, d);
}

/* How many events the kernel has sent. */
static inline void fake_event_count(const struct fake_vmbus *b, const char *text)
{
	char path[FAKE_PATH_SIZE];

	fake_path(b, path, "sys/kernel/uevent_seqnum");
	fake_write(path, text);
}

/* The kernel's event, or udevd's after it. */
static inline void fake_event(const struct fake_vmbus *b, const char *name, const char *action)
{
	static unsigned count; /* umockdev counts for all its testbeds */
	void (*uevent)(void *, const char *, const char *);
	char path[FAKE_PATH_SIZE], text[16];

	(void)snprintf(text, sizeof(text), "%u\n", ++count);
	fake_event_count(b, text);
	*(void **)&uevent = fake_symbol("umockdev_testbed_uevent");
	(void)snprintf(path, sizeof(path), "/sys/" FAKE_PARENT "/%s", name);
	uevent(b->testbed, path, action);
}

static inline void fake_device_change(const struct fake_vmbus *b, const struct fake_device *d,
				      const char *action)
{
	fake_device_put(b, d);
	fake_event(b, d->name, action);
}

/* It goes; nobody is told. */
static inline void fake_device_drop(const struct fake_vmbus *b, const char *name)
{
	char path[FAKE_PATH_SIZE];

	fake_path(b, path, "sys/bus/vmbus/devices/%s", name);
	(void)unlink(path);
	fake_path(b, path, "sys/" FAKE_PARENT "/%s", name);
	fake_bury(b, path);
}

static inline void fake_device_remove(const struct fake_vmbus *b, const char *name)
{
	fake_event(b, name, "remove");
	fake_device_drop(b, name);
}
