/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "daemon/capability.h"
#include "daemon/message_id.h"
#include "daemon/request.h"
#include "daemon/sys.h"

#define NS_PER_S INT64_C(1000000000)

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(id, &ts); /* fails for an unknown clock only */
	return (uint64_t)ts.tv_sec * (uint64_t)NS_PER_S + (uint64_t)ts.tv_nsec;
}

static uint64_t realtime_ns(const struct sys *sys)
{
	(void)sys;
	return clock_ns(CLOCK_REALTIME);
}

static uint64_t raw_ns(const struct sys *sys)
{
	(void)sys;
	return clock_ns(CLOCK_MONOTONIC_RAW);
}

static double seconds(int64_t ns)
{
	return (double)ns / (double)NS_PER_S;
}

static bool may_step_clock(const struct sys *sys)
{
	(void)sys;
	return capability_is_effective(CAP_SYS_TIME);
}

/* The kernel adds the offset itself: nothing is lost between reading the clock and setting it. */
static int step_clock(const struct sys *sys, int64_t ns)
{
	struct timex tx = { .modes = ADJ_SETOFFSET | ADJ_NANO };
	char f_offset[64];
	const char *const fields[] = { message_id_fields[MESSAGE_STEPPED], "VMIC_COMPONENT=TimeSync", f_offset,
				       NULL };

	/* "tv_usec ... must be non-negative" (adjtimex(2)); with ADJ_NANO it counts ns. */
	tx.time.tv_sec = ns / NS_PER_S;
	tx.time.tv_usec = ns % NS_PER_S;
	if (tx.time.tv_usec < 0) {
		tx.time.tv_sec--;
		tx.time.tv_usec += NS_PER_S;
	}
	if (clock_adjtime(CLOCK_REALTIME, &tx) < 0)
		return -errno;
	(void)snprintf(f_offset, sizeof(f_offset), "VMIC_OFFSET_NS=%lld", (long long)ns);
	log_limited(sys->log, &sys->rates->steps, raw_ns(sys), LOG_INFO, fields,
		    "TimeSync: stepped the clock by %+.6f s, as the host asked", seconds(ns));
	return 0;
}

/* Addresses belong to the machine's network manager, and vmicd speaks to none: the host is told
 * that this is not supported, which is the truth. */
static int set_addresses(const struct sys *sys, const char *interface, const struct kvp_ip *ip)
{
	(void)ip;
	log_limited(sys->log, &sys->rates->addresses, raw_ns(sys), LOG_WARNING, NULL,
		    "KVP: the host wants to set the addresses of %s, refused: vmicd does not configure "
		    "networks", interface);
	return -EOPNOTSUPP;
}

/* Whether the host has told the kernel that this virtual machine may (Linux vmbus_drv.c, hibernation_show). */
static bool can_hibernate(void)
{
	int fd = open("/sys/bus/vmbus/hibernation", O_RDONLY | O_CLOEXEC);
	char c = '0';

	if (fd < 0)
		return false;
	(void)!read(fd, &c, 1);
	(void)close(fd);
	return c == '1';
}

static int power(const struct sys *sys, enum shutdown_action action)
{
	if (action == SHUTDOWN_HIBERNATE && !can_hibernate())
		return -EOPNOTSUPP;
	return request_make(sys->requests, shutdown_action_names[action]);
}

static bool power_is_asked(const struct sys *sys, enum shutdown_action action)
{
	return request_is_made(sys->requests, shutdown_action_names[action]);
}

static bool withdraw_power(const struct sys *sys, enum shutdown_action action)
{
	return request_withdraw(sys->requests, shutdown_action_names[action]);
}

const struct sys_ops sys_linux = {
	.realtime_ns = realtime_ns,
	.raw_ns = raw_ns,
	.may_step_clock = may_step_clock,
	.step_clock = step_clock,
	.set_addresses = set_addresses,
	.power = power,
	.power_is_asked = power_is_asked,
	.withdraw_power = withdraw_power,
};

static bool may_speak_of_it(const struct sys *sys)
{
	(void)sys;
	return true;
}

static int would_step_clock(const struct sys *sys, int64_t ns)
{
	log_limited(sys->log, &sys->rates->steps, raw_ns(sys), LOG_INFO, NULL,
		    "TimeSync: dry run: would step the clock by %+.6f s", seconds(ns));
	return 0;
}

static int would_power(const struct sys *sys, enum shutdown_action action)
{
	log_limited(sys->log, &sys->rates->power, raw_ns(sys), LOG_INFO, NULL,
		    "Shutdown: dry run: would ask the service manager for %s", shutdown_action_names[action]);
	return 0;
}

static bool power_is_never_asked(const struct sys *sys, enum shutdown_action action)
{
	(void)sys;
	(void)action;
	return false;
}

const struct sys_ops sys_null = {
	.realtime_ns = realtime_ns,
	.raw_ns = raw_ns,
	.may_step_clock = may_speak_of_it,
	.step_clock = would_step_clock,
	.power = would_power,
	.power_is_asked = power_is_never_asked,
	.withdraw_power = power_is_never_asked,
	.set_addresses = set_addresses, /* refuses: there is nothing to spare the machine */
};
