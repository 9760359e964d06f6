/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bus/pools.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>

#include "daemon/bus/object.h"

#define FILE_PREFIX ".kvp_pool_"

/* Writers that keep a file open are seen as well as those that close or replace it. */
#define FILE_EVENTS (IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)
#define DIRECTORY_GONE (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)

/* The pool whose file this is, or -1. */
static int pool_of_file(const char *name)
{
	size_t n = strlen(FILE_PREFIX);

	if (strncmp(name, FILE_PREFIX, n) != 0 || name[n] < '0' || name[n] >= '0' + KVP_POOLS ||
	    name[n + 1] != '\0')
		return -1;
	return name[n] - '0';
}

static int on_file(sd_event_source *source, const struct inotify_event *event, void *user)
{
	struct bus *b = user;
	int pool;

	(void)source;
	if (event->mask & DIRECTORY_GONE) {
		b->pools.watch = sd_event_source_disable_unref(b->pools.watch);
		return 0;
	}
	if (event->mask & IN_Q_OVERFLOW)
		for (unsigned i = 0; i < KVP_POOLS; i++)
			pools_changed(b, i);
	pool = event->len > 0 ? pool_of_file(event->name) : -1;
	if (pool >= 0)
		pools_changed(b, (unsigned)pool);
	return 0;
}

void pools_changed(struct bus *b, unsigned pool)
{
	/* What is being read is what was there before. */
	if (pool == KVP_POOL_AUTO_EXTERNAL)
		kvp_client_ops.forget(manager_kvp_client(b->manager, KVP_CLIENT_NAME));
	b->pools.changed |= 1u << pool;
	news_schedule(b);
}

/* Where the directory is not there, it is looked for again when a pool has changed. */
static void watch(struct bus *b)
{
	const char *directory = manager_conf(b->manager)->pool_directory;

	if (!b->pools.watch &&
	    sd_event_add_inotify(b->event, &b->pools.watch, directory,
				 FILE_EVENTS | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR, on_file, b) >= 0)
		(void)sd_event_source_set_description(b->pools.watch, "bus pools");
}

/* -EAGAIN: the file is locked, or its disk takes long. 1: it is another one now. */
static int read_vm_name(struct bus *b)
{
	struct kvp_record record = { .key = "VirtualMachineName" };
	struct text_shown shown;
	int r = kvp_client_ops.get(manager_kvp_client(b->manager, KVP_CLIENT_NAME), KVP_POOL_AUTO_EXTERNAL, &record);

	if (r == -EAGAIN)
		return r;
	(void)text_show(r < 0 ? "" : record.value, &shown);
	if (strcmp(shown.text, b->pools.vm_name) == 0)
		return 0;
	(void)strcpy(b->pools.vm_name, shown.text);
	return 1;
}

static void send_changed(struct bus *b, unsigned pool)
{
	if (bus_is_ready(b))
		(void)sd_bus_emit_signal(b->bus, BUS_PATH, BUS_MANAGER, "PoolChanged", "u", pool);
}

bool pools_send(struct bus *b)
{
	int r = 0;

	watch(b);
	if (b->pools.changed & 1u << KVP_POOL_AUTO_EXTERNAL)
		r = read_vm_name(b);
	if (r > 0 && bus_is_ready(b))
		(void)sd_bus_emit_properties_changed(b->bus, BUS_PATH, BUS_MANAGER, "VirtualMachineName",
						     NULL);
	for (unsigned i = 0; i < KVP_POOLS; i++)
		if (b->pools.changed & 1u << i && (i != KVP_POOL_AUTO_EXTERNAL || r != -EAGAIN))
			send_changed(b, i);
	b->pools.changed = r == -EAGAIN ? 1u << KVP_POOL_AUTO_EXTERNAL : 0;
	return r == -EAGAIN;
}

void pools_start(struct bus *b)
{
	watch(b);
	if (read_vm_name(b) == -EAGAIN)
		pools_changed(b, KVP_POOL_AUTO_EXTERNAL);
}

void pools_stop(struct bus *b)
{
	b->pools.watch = sd_event_source_disable_unref(b->pools.watch);
}
