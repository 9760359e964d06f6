/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes devices, and takes again what the host takes away and offers anew: such a device has no
 * driver_override any more and is hv_utils'. One that somebody gives back is left to him.
 */
#pragma once

#include "daemon/bind/bind.h"

/* Names that were seen, and which device each of them was. */
struct bind_seen {
	size_t n;
	struct {
		char name[DEVICE_NAME_SIZE];
		uint64_t identity;
	} one[32];
};

/* Notes what is behind a name now, 0: nothing. True: it is another device than before. identity tells
 * two apart that have, one after the other, the same name. */
bool bind_seen_note(struct bind_seen *seen, const char *name, uint64_t identity);

/*
 * Until stop_fd becomes readable. BIND_DONE: it has. Otherwise nothing could be taken at the beginning,
 * for this reason, or the machine does not allow to wait.
 */
enum bind_result bind_follow(struct bind *b, struct devices *devices, unsigned components,
			     int stop_fd);
