/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way between the host and one guest, whatever carries it: channels are offered, opened, closed
 * and rescinded, and each side can signal the other. What goes through the rings is not the link's
 * business. The rest of the host knows links only by this header.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "hv_util/base.h"
#include "tests/host/component.h"

#define LINK_NO_COMPONENT (-1)

struct link_events {
	void (*joined)(void *user); /* a guest is there: offer now */
	/* The guest opens a channel: memory holds both rings, guest -> host first. 0 or -errno. */
	int (*opened)(void *user, enum component c, void *memory, uint32_t ring_size);
	void (*started)(void *user, enum component c);  /* the guest was told that it is open */
	void (*closed)(void *user, enum component c);   /* the memory is still there */
	void (*released)(void *user, enum component c); /* after a rescind */
	void (*signalled)(void *user, enum component c, uint64_t times);
	/* The link has interrupted the guest; a signal on top of one that it has not seen yet is none. */
	void (*interrupted)(void *user, enum component c);
	/* The guest broke the link's rules; component or LINK_NO_COMPONENT. */
	void (*violated)(void *user, int component, const char *sentence);
	void (*left)(void *user); /* the guest is gone; each open channel's memory is still there */
	/* No guest will come again: 0 as it should be, 1 it failed. The link may be freed only
	 * later. */
	void (*ended)(void *user, int result);
};

struct link;

struct link_ops {
	int (*offer)(struct link *l, enum component c); /* -EBUSY: it is offered already */
	int (*offers_done)(struct link *l);
	int (*rescind)(struct link *l, enum component c); /* -ENOENT: it is not offered */
	int (*signal)(struct link *l, enum component c);
	/* The guest's reference time, in 100 ns since its machine was made; NULL: it has no counter
	 * for that, and takes the monotonic clock. */
	uint64_t (*reference_time)(struct link *l);
	/* The guest's time is over: it runs no further, and where it was is said on stderr. NULL: it is not
	 * ours to stop. */
	void (*stop)(struct link *l);
	struct link *(*free)(struct link *l);
};

/* The first member of every kind of link. */
struct link {
	const struct link_ops *ops;
};

/* Opens one kind of link; what its address is, and who says so when it fails, is its own. ring_size
 * is for links that make the rings themselves. 0 or negative errno. */
typedef int (*link_open)(sd_event *event, const void *address, uint32_t ring_size,
			 const struct link_events *events, void *user, struct link **ret);

/* Listens on a Unix socket, see SOCKET.md; serves one guest at a time. A link_open. */
int link_socket_open(sd_event *event, const void *path, uint32_t ring_size,
		     const struct link_events *events, void *user, struct link **ret);
