/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024
#define FIELDS_MAX 16
/* A line or a field with what stands before it. Less than PIPE_BUF: a pipe takes all of it or nothing. */
#define WRITE_MAX_BYTES 2048

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* Enough to see what a host does wrong, too little to fill a disk. */
#define RATE_INTERVAL_NS UINT64_C(10000000000)
#define RATE_BURST 5

/* --- the journal --- */

/* "$JOURNAL_STREAM ... the device and inode numbers of the file descriptor" (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(2, &st) == 0 &&
	       st.st_dev == device && st.st_ino == inode;
}

/* Fields as the journal takes them: "KEY=value" and a newline. */
struct datagram {
	struct iovec iov[2 * (FIELDS_MAX + 3)];
	size_t n;
};

/* A value ends with its line: with a newline in it the field would have another form. */
static void datagram_add(struct datagram *d, const char *field)
{
	if (d->n == ARRAY_LEN(d->iov))
		return;
	d->iov[d->n++] = (struct iovec){ .iov_base = (char *)field, .iov_len = strcspn(field, "\n") };
	d->iov[d->n++] = (struct iovec){ .iov_base = "\n", .iov_len = 1 };
}

/*
 * systemd's native protocol, "JOURNAL_NATIVE_PROTOCOL": one datagram. Not by sd_journal_sendv, which waits
 * while the journal's queue is full, for ever if the journal is stuck. Nor connected: the journal may be
 * started anew.
 */
static int put_journal(const struct log *log, int level, const char *const *fields, const char *line)
{
	char message[sizeof("MESSAGE=") + LINE_MAX_BYTES], priority[16];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct datagram d = { .n = 0 };
	struct msghdr m = { .msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = d.iov };

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", log->out->journal_path);
	(void)snprintf(message, sizeof(message), "MESSAGE=%s", line);
	(void)snprintf(priority, sizeof(priority), "PRIORITY=%d", level);
	datagram_add(&d, message);
	datagram_add(&d, priority);
	datagram_add(&d, "SYSLOG_IDENTIFIER=vmicd");
	for (; fields && *fields; fields++)
		datagram_add(&d, *fields);
	m.msg_iovlen = d.n;
	return sendmsg(log->out->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void open_journal(struct log_out *out)
{
	out->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	out->owned = true;
	if (!out->journal_path)
		out->journal_path = JOURNAL_SOCKET;
}

const struct log_way log_way_journal = { put_journal };

/* --- standard error --- */

/*
 * O_NONBLOCK belongs to what descriptors share, as standard error is with whoever started us and would be
 * surprised: what can be opened anew is. What cannot is asked before; between that and the writing another
 * one may take the room.
 */
static void open_stderr(struct log_out *out)
{
	struct stat st = { 0 };

	*out = (struct log_out){ .fd = 2, .how = LOG_HOW_WRITE, .journal_path = out->journal_path,
				 .lost = out->lost };
	(void)fstat(2, &st);
	if (S_ISREG(st.st_mode))
		return;
	if (S_ISSOCK(st.st_mode)) {
		out->how = LOG_HOW_SEND;
		return;
	}
	out->fd = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	out->owned = out->fd >= 0;
	if (out->fd < 0) {
		out->fd = 2;
		out->how = LOG_HOW_POLL;
	}
}

static bool has_room(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && p.revents & POLLOUT;
}

static int write_text(const struct log_out *out, const char *text, size_t len)
{
	ssize_t n = -1;

	errno = EAGAIN;
	switch (out->how) {
	case LOG_HOW_WRITE:
		n = write(out->fd, text, len);
		break;
	case LOG_HOW_SEND:
		n = send(out->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case LOG_HOW_POLL:
		if (has_room(out->fd))
			n = write(out->fd, text, len);
		break;
	}
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int put_text(const struct log *log, const char *before, const char *text)
{
	char buf[WRITE_MAX_BYTES];
	int len = snprintf(buf, sizeof(buf), "vmicd: %s%s\n", before, text);

	if (len < 0)
		return -EINVAL;
	if ((size_t)len >= sizeof(buf)) {
		len = sizeof(buf) - 1;
		buf[len - 1] = '\n';
	}
	return write_text(log->out, buf, (size_t)len);
}

static int put_stderr(const struct log *log, int level, const char *const *fields, const char *line)
{
	int r = put_text(log, "", line);

	(void)level;
	for (; r == 0 && log->max_level >= LOG_DEBUG && fields && *fields; fields++)
		r = put_text(log, "    ", *fields);
	return r;
}

const struct log_way log_way_stderr = { put_stderr };

/* --- both --- */

struct log log_open(enum log_target target, int max_level, struct log_out *out)
{
	bool journal = target == LOG_TARGET_JOURNAL || (target == LOG_TARGET_AUTO && stderr_is_journal());

	log_out_close(out);
	if (journal)
		open_journal(out);
	else
		open_stderr(out);
	return (struct log){
		.max_level = max_level,
		.way = journal ? &log_way_journal : &log_way_stderr,
		.out = out,
	};
}

void log_out_close(struct log_out *out)
{
	if (out->owned && out->fd >= 0)
		(void)close(out->fd);
	out->fd = -1;
	out->owned = false;
}

/* What was lost is told before what comes after it. */
static void tell_lost(const struct log *log)
{
	char text[64];

	if (log->out->lost == 0)
		return;
	(void)snprintf(text, sizeof(text), "%u lines of this log were lost: nobody read them",
		       log->out->lost);
	if (log->way->put(log, LOG_WARNING, NULL, text) == 0)
		log->out->lost = 0;
}

void log_line(const struct log *log, int level, const char *const *fields, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;

	if (level > log->max_level)
		return;
	va_start(ap, format);
	(void)vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';

	tell_lost(log);
	if (log->way->put(log, level, fields, line) < 0)
		log->out->lost++;
}

bool log_rate_allows(struct log_rate *rate, uint64_t now_ns, unsigned *ret_suppressed)
{
	*ret_suppressed = 0;
	if (rate->n == 0 || now_ns - rate->began_ns > RATE_INTERVAL_NS) {
		*ret_suppressed = rate->suppressed;
		*rate = (struct log_rate){ .began_ns = now_ns };
	}
	if (rate->n >= RATE_BURST) {
		rate->suppressed++;
		return false;
	}
	rate->n++;
	return true;
}

void log_limited(const struct log *log, struct log_rate *rate, uint64_t now_ns, int level,
		 const char *const *fields, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	unsigned suppressed;
	va_list ap;

	if (level > log->max_level || !log_rate_allows(rate, now_ns, &suppressed))
		return;
	va_start(ap, format);
	(void)vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);

	if (suppressed > 0)
		log_line(log, level, fields, "%s (%u lines like this were left out before)", line,
			 suppressed);
	else
		log_line(log, level, fields, "%s", line);
}
