/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/kvpdev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "daemon/channel_log.h"
#include "hv_util/kvp_msg.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)

/* A request that could not be served yet (a pool file is locked, or its disk takes long) is tried again this often... */
#define RETRY_USEC (5 * USEC_PER_MSEC)
/* ...and refused after this time: the driver gives up after 30 s (Linux hyperv_vmbus.h
 * HV_UTIL_TIMEOUT), and would take what comes later for the answer to its next request. */
#define RETRY_LIMIT_USEC (10 * USEC_PER_SEC)
/* How often to look for a device that cannot be had. No event tells of all the reasons: that it has
 * come, that its mode was set, that another daemon has let it go. */
#define REOPEN_USEC (2 * USEC_PER_SEC)
/* The driver answers a registration before the write returns; older ones keep to themselves that
 * they could not. */
#define REGISTER_USEC (2 * USEC_PER_SEC)

enum state {
	WAITING = 0, /* for a device to open */
	REGISTERING, /* open; the driver has not said that it knows us */
	SERVING,
	HOLDING, /* a request, until it can be served */
};

struct kvpdev {
	sd_event *event;
	sd_event_source *io, *timer;
	const struct log *log;
	struct channel_log to;
	struct kvp *kvp;
	const struct ic_policy *policy;
	const char *path;
	enum state state;
	int fd;
	int open_error;           /* as last logged */
	uint64_t hold_limit_usec; /* HOLDING: when to refuse it */
	struct log_rate openings, losses;
	/* A byte more than the driver's messages have: a longer one is not taken for one of them. */
	uint8_t msg[KVP_MSG_SIZE + 1];
};

static uint64_t now_usec(const struct kvpdev *d)
{
	uint64_t now = 0;

	(void)sd_event_now(d->event, CLOCK_MONOTONIC, &now);
	return now;
}

static void timer_start(struct kvpdev *d, uint64_t usec)
{
	(void)sd_event_source_set_time(d->timer, now_usec(d) + usec);
	(void)sd_event_source_set_enabled(d->timer, SD_EVENT_ONESHOT);
}

static void timer_stop(struct kvpdev *d)
{
	(void)sd_event_source_set_enabled(d->timer, SD_EVENT_OFF);
}

/* --- the device, gone and there --- */

static const char *const fields[] = { "VMIC_COMPONENT=KVP", NULL };

static void device_close(struct kvpdev *d)
{
	d->io = sd_event_source_disable_unref(d->io);
	if (d->fd >= 0)
		(void)close(d->fd);
	d->fd = -1;
	d->state = WAITING;
	timer_stop(d);
}

/* Closes the device; to open it anew makes the driver begin anew as well. */
static void device_lost(struct kvpdev *d, int level, const char *what, int error)
{
	log_limited(d->log, &d->losses, now_usec(d) * 1000, level, fields,
		    "KVP: %s%s%s, looking for %s every 2 s", what, error < 0 ? ": " : "",
		    error < 0 ? strerror(-error) : "", d->path);
	device_close(d);
	timer_start(d, REOPEN_USEC);
}

static void log_open_failure(struct kvpdev *d, int error)
{
	static const struct {
		int error;
		const char *why;
	} reasons[] = {
		{ ENOENT, "it is not there: the kernel's driver hv_utils is not loaded, or has not this "
			  "channel" },
		{ EBUSY, "another daemon has it, such as hv_kvp_daemon, which must be stopped" },
		{ EACCES, "its owner and mode do not let this user" },
		{ EPERM, "the service's sandbox does not let it (DeviceAllow= in the unit)" },
		{ EBADF, "the driver is giving the channel up" },
	};
	const char *why = strerror(-error);

	if (error == d->open_error)
		return;
	d->open_error = error;
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].error == -error)
			why = reasons[i].why;
	log_limited(d->log, &d->openings, now_usec(d) * 1000, LOG_WARNING, fields,
		    "KVP: cannot use %s: %s; looking for it every 2 s", d->path, why);
}

/* 0 when all of msg was taken. */
static int msg_write(struct kvpdev *d)
{
	ssize_t n = write(d->fd, d->msg, KVP_MSG_SIZE);

	if (n < 0)
		return -errno;
	return n == KVP_MSG_SIZE ? 0 : -EIO;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *user);

static int device_register(struct kvpdev *d)
{
	int r;

	kvp_msg_register(d->msg);
	r = msg_write(d);
	if (r < 0)
		return r;
	r = sd_event_add_io(d->event, &d->io, d->fd, EPOLLIN, on_io, d);
	if (r < 0)
		return r;
	(void)sd_event_source_set_description(d->io, "hv_kvp");
	d->state = REGISTERING;
	timer_start(d, REGISTER_USEC);
	return 0;
}

static void device_open(struct kvpdev *d)
{
	int r;

	d->fd = open(d->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (d->fd < 0) {
		log_open_failure(d, -errno);
		timer_start(d, REOPEN_USEC);
		return;
	}
	d->open_error = 0;
	r = device_register(d);
	if (r < 0)
		device_lost(d, LOG_WARNING, "the kernel's driver did not register us", r);
}

/* --- messages --- */

static void on_registered(struct kvpdev *d, size_t len)
{
	if (!kvp_msg_is_registered(d->msg, len)) {
		device_lost(d, LOG_WARNING, "the kernel's driver answered the registration with "
			    "something else", 0);
		return;
	}
	d->state = SERVING;
	log_limited(d->log, &d->openings, now_usec(d) * 1000, LOG_INFO, fields,
		    "KVP: serving behind the kernel's driver hv_utils, which negotiates the version with "
		    "the host itself");
}

static void send_answer(struct kvpdev *d)
{
	int r = msg_write(d);

	d->state = SERVING;
	if (r < 0)
		device_lost(d, LOG_WARNING, "the kernel's driver did not take an answer", r);
}

/* What is held is not served again. */
static void forget(const struct kvpdev *d)
{
	if (d->state == HOLDING && d->kvp->ops->forget)
		d->kvp->ops->forget(d->kvp->user);
}

/* Serves what is in msg, for the first time or again. */
static void serve(struct kvpdev *d, size_t len)
{
	struct ic_result result = kvp_msg_handle(d->kvp, d->msg, len, d->policy->blocked);

	switch (result.verdict) {
	case IC_NOTHING:
		device_lost(d, LOG_WARNING, "the kernel's driver sent what is no request", result.error);
		break;
	case IC_LATER:
		if (d->state != HOLDING)
			d->hold_limit_usec = now_usec(d) + RETRY_LIMIT_USEC;
		d->state = HOLDING;
		timer_start(d, RETRY_USEC);
		break;
	case IC_REPLY:
		if (result.blocked)
			channel_log_blocked(&d->to, now_usec(d), result.blocked);
		else if (result.why)
			channel_log_refusal(&d->to, now_usec(d), result.error, result.why, "refusing it");
		else if (result.error < 0)
			channel_log_failure(&d->to, now_usec(d), result.error);
		send_answer(d);
		break;
	}
}

static void retry_request(struct kvpdev *d)
{
	serve(d, KVP_MSG_SIZE);
	if (d->state != HOLDING || now_usec(d) < d->hold_limit_usec)
		return;
	forget(d);
	channel_log_unserved(&d->to, now_usec(d));
	kvp_msg_refuse(d->msg, -EBUSY);
	send_answer(d);
}

/* The driver has one request at a time: one that comes while another is held means that it has given
 * that up. */
static void take_message(struct kvpdev *d, size_t len)
{
	if (d->state == REGISTERING) {
		on_registered(d, len);
		return;
	}
	forget(d);
	d->state = SERVING;
	serve(d, len);
}

/* --- the loop --- */

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct kvpdev *d = user;
	ssize_t n;

	(void)source;
	if (revents & (EPOLLHUP | EPOLLERR)) {
		device_lost(d, LOG_INFO, "the device is gone, as is the driver or its channel", 0);
		return 0;
	}
	/* Only when there is a message: the driver waits for one whatever O_NONBLOCK says. */
	n = read(fd, d->msg, sizeof(d->msg));
	if (n >= 0)
		take_message(d, (size_t)n);
	else if (errno != EAGAIN && errno != EINTR)
		device_lost(d, LOG_INFO, "the device cannot be read", -errno);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct kvpdev *d = user;

	(void)source;
	(void)usec;
	switch (d->state) {
	case WAITING:
		device_open(d);
		break;
	case REGISTERING:
		device_lost(d, LOG_WARNING, "the kernel's driver did not answer the registration", 0);
		break;
	case HOLDING:
		retry_request(d);
		break;
	case SERVING: /* what it was for has come */
		break;
	}
	return 0;
}

/* --- the outside --- */

static void kvpdev_freep(struct kvpdev **d)
{
	*d = kvpdev_free(*d);
}

int kvpdev_new(const struct kvpdev_options *options, struct kvpdev **ret)
{
	_cleanup_(kvpdev_freep) struct kvpdev *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->fd = -1;
	d->event = options->event;
	d->log = options->log;
	d->kvp = options->kvp;
	d->policy = options->policy;
	d->path = options->path ? options->path : KVPDEV_PATH;
	d->to = (struct channel_log){ .log = options->log, .service = &ic_kvp };
	/* Not the default accuracy: it would make 250 ms of the 5 ms of a retry. */
	r = sd_event_add_time(d->event, &d->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_timer, d);
	if (r < 0)
		return r;
	timer_stop(d);
	(void)sd_event_source_set_description(d->timer, "hv_kvp timer");
	device_open(d);
	*ret = TAKE_PTR(d);
	return 0;
}

struct kvpdev *kvpdev_free(struct kvpdev *d)
{
	if (!d)
		return NULL;
	if (d->timer)
		device_close(d);
	d->timer = sd_event_source_disable_unref(d->timer);
	free(d);
	return NULL;
}
