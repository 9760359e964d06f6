/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON arrays and objects over a descriptor, one a line, both ways: a socket, or a serial line. The
 * other side may send what it wants; a line that is none is told of as NULL.
 */
#pragma once

#include <jansson.h>
#include <systemd/sd-event.h>

#include "hv_util/base.h"

/* Of a line, its end included. A terminal of Linux keeps 4096 bytes that nobody has read, and 64 KiB
 * on the way there. */
#define JSON_LINE_MAX 32768

struct json_lines;

struct json_lines_events {
	void (*taken)(void *user, json_t *value); /* not to be kept; NULL: a line that is none */
	/* Nothing will come any more: 0, the other side hung up, or negative errno; -EMSGSIZE: its
	 * line is too long. May not free the lines. */
	void (*broken)(void *user, int error);
};

/* The descriptor, which must not block, stays the caller's. 0 or negative errno. */
_must_check_ int json_lines_new(sd_event *event, int fd, const struct json_lines_events *events,
				void *user, struct json_lines **ret);
/* Not from an event. Takes NULL; returns NULL. */
struct json_lines *json_lines_free(struct json_lines *l);

/* Sends the value, which may be NULL: -ENOMEM. -EMSGSIZE: it is too long; -ENOBUFS: what was sent
 * before has not been taken; another negative errno: the descriptor's. */
int json_lines_send(struct json_lines *l, const json_t *value);
