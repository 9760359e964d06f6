/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes devices, and takes again what the host takes away and offers anew: such a device has no
 * driver_override any more and is hv_utils'. What cannot be taken then is tried again and again, less and
 * less often. One that somebody gives back is left to him.
 */
#pragma once

#include "daemon/bind/bind.h"

/* A name that was seen, and which device it was. */
struct bind_seen_one {
	char name[DEVICE_NAME_SIZE];
	uint64_t identity;
	bool wanted;     /* it is to be taken... */
	uint64_t due_ns; /* ...when it is that late */
	unsigned wait_s; /* so long was waited for that; 0: it was not tried yet */
};

struct bind_seen {
	size_t n;
	struct bind_seen_one one[32];
};

/* Notes what is behind a name now, 0: nothing. identity tells two apart that have, one after the other,
 * the same name. The entry, if it is another device than before, otherwise NULL. */
struct bind_seen_one *bind_seen_note(struct bind_seen *seen, const char *name, uint64_t identity);

/*
 * Until stop_fd becomes readable. BIND_DONE: it has. Otherwise nothing could be taken at the beginning,
 * for this reason, or the machine does not allow to wait.
 */
enum bind_result bind_follow(struct bind *b, struct devices *devices, unsigned components,
			     int stop_fd);
