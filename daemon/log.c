/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#define LINE_MAX_BYTES 1024
#define FIELDS_MAX 16

/* Enough to see what a host does wrong, too little to fill a disk. */
#define RATE_INTERVAL_NS UINT64_C(10000000000)
#define RATE_BURST 5

/* "$JOURNAL_STREAM ... the device and inode numbers of the file descriptor" (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(2, &st) == 0 &&
	       st.st_dev == device && st.st_ino == inode;
}

struct log log_open(enum log_target target, int max_level)
{
	return (struct log){
		.max_level = max_level,
		.journal = target == LOG_TARGET_JOURNAL ||
			   (target == LOG_TARGET_AUTO && stderr_is_journal()),
	};
}

static void journal_line(int level, const char *const *fields, const char *line)
{
	char message[sizeof("MESSAGE=") + LINE_MAX_BYTES], priority[16];
	struct iovec iov[FIELDS_MAX + 2];
	int n = 0;

	(void)snprintf(message, sizeof(message), "MESSAGE=%s", line);
	(void)snprintf(priority, sizeof(priority), "PRIORITY=%d", level);
	iov[n++] = (struct iovec){ .iov_base = message, .iov_len = strlen(message) };
	iov[n++] = (struct iovec){ .iov_base = priority, .iov_len = strlen(priority) };
	for (; fields && *fields && n < (int)ARRAY_LEN(iov); fields++)
		iov[n++] = (struct iovec){ .iov_base = (char *)*fields, .iov_len = strlen(*fields) };
	(void)sd_journal_sendv(iov, n);
}

static void stderr_line(const struct log *log, const char *const *fields, const char *line)
{
	(void)fprintf(stderr, "vmicd: %s\n", line);
	if (log->max_level < LOG_DEBUG)
		return;
	for (; fields && *fields; fields++)
		(void)fprintf(stderr, "vmicd:     %s\n", *fields);
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

	if (log->journal)
		journal_line(level, fields, line);
	else
		stderr_line(log, fields, line);
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
