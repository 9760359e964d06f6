/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define USEC_PER_MSEC UINT64_C(1000)
#define RETRY_MS 100
#define RETRY_USEC (RETRY_MS * USEC_PER_MSEC)
/* At the end of the process */
#define LAST_TRIES 10
/* How many times in the manager's patience it is told that we live: one that is lost is no harm. */
#define BEATS 4

/* Of each name that may be stored, the four components' three and one of the process itself, "drop" and "keep" may
 * wait, and of states "ready", "reloading" and "stopping". What would make it more takes the place of another one. */
#define WAITING_MAX 32
#define MESSAGE_SIZE (NOTIFY_NAME_SIZE + 32)

struct message {
	char text[MESSAGE_SIZE];
	int fd; /* ours, to go with it; -1: none */
};

struct notify {
	const struct log *log;
	sd_event *event;
	sd_event_source *retry, *beat; /* beat is NULL where nobody wants to hear it */
	struct sockaddr_un address;
	socklen_t address_len;
	int socket;
	uint64_t beat_usec;
	bool is_stuck; /* it was said that nobody reads */
	size_t n;
	struct message waiting[WAITING_MAX];
};

/* --- the socket --- */

/* "an absolute path ... or "@"", an abstract one (sd_notify(3)). */
static int parse_address(const char *text, struct sockaddr_un *ret, socklen_t *ret_len)
{
	const size_t len = strlen(text);

	if ((text[0] != '/' && text[0] != '@') || text[1] == '\0')
		return -EAFNOSUPPORT;
	if (len >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path, text, len);
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (text[0] == '@')
		ret->sun_path[0] = '\0';
	else
		(*ret_len)++; /* its end */
	return 0;
}

/* Not connected: a manager may make its socket anew. */
static int put(struct notify *n, const char *text, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .align = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET,
				 .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { .iov_base = (char *)text, .iov_len = strlen(text) };
	struct msghdr m = { .msg_name = &n->address, .msg_namelen = n->address_len, .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
	}
	return sendmsg(n->socket, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Whether it may be otherwise the next time. ETOOMANYREFS: too many descriptors are on their way (unix(7)). */
static bool is_for_now(int error)
{
	return error == -EAGAIN || error == -EINTR || error == -ENOBUFS || error == -ENOMEM || error == -ETOOMANYREFS;
}

static void note_stuck(struct notify *n)
{
	if (!n->is_stuck)
		log_warning(n->log, "the service manager does not read what it is told; what it must know waits for "
			    "that, the host does not");
	n->is_stuck = true;
}

static void note_read(struct notify *n)
{
	if (n->is_stuck)
		log_info(n->log, "the service manager reads again what it is told");
	n->is_stuck = false;
}

/* Whether it need not be tried again. */
static bool is_done(struct notify *n, const char *text, int fd)
{
	int r = put(n, text, fd);

	if (is_for_now(r))
		return false;
	if (r < 0)
		log_warning(n->log, "the service manager cannot be told '%.*s': %s", (int)strcspn(text, "\n"), text,
			    strerror(-r));
	else
		note_read(n);
	return true;
}

/* --- what waits --- */

static void message_done(struct message *m)
{
	if (m->fd >= 0)
		(void)close(m->fd);
	m->fd = -1;
}

static void forget(struct notify *n, size_t i)
{
	message_done(&n->waiting[i]);
	n->n--;
	memmove(&n->waiting[i], &n->waiting[i + 1], (n->n - i) * sizeof(n->waiting[0]));
}

/* Whether this message waits; *ret is its place. */
static bool find(const struct notify *n, const char *text, size_t *ret)
{
	for (size_t i = 0; i < n->n; i++)
		if (strcmp(n->waiting[i].text, text) == 0) {
			*ret = i;
			return true;
		}
	return false;
}

static void flush(struct notify *n)
{
	while (n->n > 0 && is_done(n, n->waiting[0].text, n->waiting[0].fd))
		forget(n, 0);
}

static void retry_later(struct notify *n)
{
	uint64_t now = 0;

	(void)sd_event_now(n->event, CLOCK_MONOTONIC, &now);
	(void)sd_event_source_set_time(n->retry, now + RETRY_USEC);
	(void)sd_event_source_set_enabled(n->retry, SD_EVENT_ONESHOT);
}

static void wait_for_room(struct notify *n, const char *text, int fd)
{
	struct message *m = &n->waiting[n->n];
	int copy = -1;

	if (n->n == WAITING_MAX || (fd >= 0 && (copy = fcntl(fd, F_DUPFD_CLOEXEC, 3)) < 0)) {
		log_warning(n->log, "the service manager does not read, and '%.*s' is lost", (int)strcspn(text, "\n"),
			    text);
		return;
	}
	(void)snprintf(m->text, sizeof(m->text), "%s", text);
	m->fd = copy;
	if (n->n++ == 0)
		retry_later(n);
}

static void tell(struct notify *n, const char *text, int fd)
{
	flush(n);
	if (n->n > 0 || !is_done(n, text, fd))
		wait_for_room(n, text, fd);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *user)
{
	struct notify *n = user;

	(void)source;
	(void)usec;
	flush(n);
	if (n->n > 0) {
		note_stuck(n);
		retry_later(n);
	}
	return 0;
}

/* --- what there is to tell --- */

/* A reload that the manager has not heard of is no reload. */
void notify_ready(struct notify *n)
{
	size_t i;

	if (!n)
		return;
	if (find(n, "RELOADING=1", &i))
		forget(n, i);
	else
		tell(n, "READY=1", -1);
}

void notify_reloading(struct notify *n)
{
	if (n)
		tell(n, "RELOADING=1", -1);
}

void notify_stopping(struct notify *n)
{
	if (n)
		tell(n, "STOPPING=1", -1);
}

static void store_message(char text[MESSAGE_SIZE], const char *what, const char *name)
{
	(void)snprintf(text, MESSAGE_SIZE, "%s=1\nFDNAME=%s", what, name);
}

void notify_put(struct notify *n, const char *name, int fd)
{
	char text[MESSAGE_SIZE];

	if (!n)
		return;
	store_message(text, "FDSTORE", name);
	tell(n, text, fd);
}

/* What waits to be kept need not be any more, nor is it open longer than it is wanted. */
void notify_remove(struct notify *n, const char *name)
{
	char text[MESSAGE_SIZE];
	size_t i;

	if (!n)
		return;
	store_message(text, "FDSTORE", name);
	while (find(n, text, &i))
		forget(n, i);
	store_message(text, "FDSTOREREMOVE", name);
	if (!find(n, text, &i))
		tell(n, text, -1);
}

/* --- that the loop is alive --- */

static void beat_later(struct notify *n)
{
	uint64_t now = 0;

	(void)sd_event_now(n->event, CLOCK_MONOTONIC, &now);
	(void)sd_event_source_set_time(n->beat, now + n->beat_usec);
	(void)sd_event_source_set_enabled(n->beat, SD_EVENT_ONESHOT);
}

/* One that finds no room is lost: the next one says the same. */
static int on_beat(sd_event_source *source, uint64_t usec, void *user)
{
	struct notify *n = user;
	int r;

	(void)source;
	(void)usec;
	flush(n);
	r = n->n > 0 ? -EAGAIN : put(n, "WATCHDOG=1", -1);
	if (is_for_now(r))
		note_stuck(n);
	else if (r == 0)
		note_read(n);
	beat_later(n);
	return 0;
}

static int start_beats(struct notify *n)
{
	uint64_t patience;
	int r = sd_watchdog_enabled(0, &patience);

	if (r <= 0)
		return r;
	n->beat_usec = patience / BEATS;
	r = sd_event_add_time(n->event, &n->beat, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_beat, n);
	if (r < 0)
		return r;
	(void)sd_event_source_set_description(n->beat, "watchdog");
	beat_later(n);
	return 0;
}

/* --- start and end --- */

static void notify_freep(struct notify **n)
{
	*n = notify_free(*n);
}

int notify_new(sd_event *event, const struct log *log, struct notify **ret)
{
	_cleanup_(notify_freep) struct notify *n = NULL;
	const char *address = getenv("NOTIFY_SOCKET");
	int r;

	if (!address)
		return 1;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	*n = (struct notify){ .log = log, .event = sd_event_ref(event), .socket = -1 };
	r = parse_address(address, &n->address, &n->address_len);
	if (r < 0) {
		log_warning(log, "the service manager at '%s' is told nothing: %s", address, strerror(-r));
		return 1;
	}
	n->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (n->socket < 0)
		return -errno;
	r = sd_event_add_time(event, &n->retry, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_retry, n);
	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(n->retry, SD_EVENT_OFF);
	(void)sd_event_source_set_description(n->retry, "service manager");
	r = start_beats(n);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(n);
	return 0;
}

struct notify *notify_free(struct notify *n)
{
	if (!n)
		return NULL;
	flush(n);
	for (unsigned i = 0; n->n > 0 && i < LAST_TRIES; i++) {
		(void)poll(NULL, 0, RETRY_MS);
		flush(n);
	}
	if (n->n > 0)
		log_warning(n->log, "the service manager has not read what it was told, %zu messages are lost", n->n);
	while (n->n > 0)
		forget(n, n->n - 1);
	n->retry = sd_event_source_disable_unref(n->retry);
	n->beat = sd_event_source_disable_unref(n->beat);
	if (n->socket >= 0)
		(void)close(n->socket);
	n->event = sd_event_unref(n->event);
	free(n);
	return NULL;
}
