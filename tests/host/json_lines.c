/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/json_lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct json_lines {
	int fd;
	const struct json_lines_events *events;
	void *user;
	sd_event_source *source;
	bool broken;
	char in[JSON_LINE_MAX], out[2 * JSON_LINE_MAX];
	size_t n_in, n_out;
};

static void fail(struct json_lines *l, int error)
{
	if (l->broken)
		return;
	l->broken = true;
	(void)sd_event_source_set_enabled(l->source, SD_EVENT_OFF);
	l->events->broken(l->user, error);
}

/* --- out --- */

/* Whom it is sent to may be gone: an error, and no signal. */
static ssize_t put(const struct json_lines *l)
{
	ssize_t n = send(l->fd, l->out, l->n_out, MSG_NOSIGNAL);

	return n < 0 && errno == ENOTSOCK ? write(l->fd, l->out, l->n_out) : n;
}

static int flush(struct json_lines *l)
{
	while (l->n_out) {
		ssize_t n = put(l);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n < 0)
			break;
		l->n_out -= (size_t)n;
		memmove(l->out, l->out + n, l->n_out);
	}
	return sd_event_source_set_io_events(l->source, EPOLLIN | (l->n_out ? EPOLLOUT : 0));
}

int json_lines_send(struct json_lines *l, const json_t *value)
{
	size_t room = sizeof(l->out) - l->n_out, n;

	if (!value)
		return -ENOMEM;
	if (l->broken)
		return -EPIPE;
	n = json_dumpb(value, l->out + l->n_out, room, JSON_COMPACT);
	if (n == 0)
		return -EINVAL;
	if (n + 1 > JSON_LINE_MAX)
		return -EMSGSIZE;
	if (n + 1 > room)
		return -ENOBUFS;
	l->n_out += n;
	l->out[l->n_out++] = '\n';
	return flush(l);
}

/* --- in --- */

/* What a line brings about may free nothing here, but may bring the next bytes. */
static void take_lines(struct json_lines *l)
{
	char *end;

	while (!l->broken && (end = memchr(l->in, '\n', l->n_in))) {
		size_t n = (size_t)(end - l->in);
		json_t *value = json_loadb(l->in, n, JSON_REJECT_DUPLICATES, NULL);

		l->n_in -= n + 1;
		memmove(l->in, end + 1, l->n_in);
		l->events->taken(l->user, value);
		json_decref(value);
	}
}

static int on_ready(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct json_lines *l = user;
	ssize_t n;
	int r;

	(void)source;
	r = revents & EPOLLOUT ? flush(l) : 0;
	if (r < 0) {
		fail(l, r);
		return 0;
	}
	n = read(fd, l->in + l->n_in, sizeof(l->in) - l->n_in);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		fail(l, n < 0 ? -errno : 0);
		return 0;
	}
	l->n_in += (size_t)n;
	take_lines(l);
	if (l->n_in == sizeof(l->in))
		fail(l, -EMSGSIZE);
	return 0;
}

/* --- life --- */

struct json_lines *json_lines_free(struct json_lines *l)
{
	if (!l)
		return NULL;
	l->source = sd_event_source_disable_unref(l->source);
	free(l);
	return NULL;
}

int json_lines_new(sd_event *event, int fd, const struct json_lines_events *events, void *user,
		   struct json_lines **ret)
{
	struct json_lines *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->fd = fd;
	l->events = events;
	l->user = user;
	r = sd_event_add_io(event, &l->source, fd, EPOLLIN, on_ready, l);
	if (r < 0)
		l = json_lines_free(l);
	*ret = l;
	return r;
}
