/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bind/words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_SIZE 768

void bind_say(const struct bind *b, enum bind_say kind, enum ic_component component,
	      const char *format, ...)
{
	char line[LINE_MAX_SIZE];
	int n = snprintf(line, sizeof(line), "%s: ", ic_component_names[component]);
	va_list ap;

	if (b->quiet)
		return;
	va_start(ap, format);
	(void)vsnprintf(line + n, sizeof(line) - (size_t)n, format, ap);
	va_end(ap);
	b->ops->say(b->user, kind, line);
}

/* --- who --- */

void bind_holder_format(const struct bind_holder *holder, char out[static BIND_HOLDER_TEXT_SIZE])
{
	if (holder && bind_holder_is_manager(holder) && holder->unit[0])
		(void)snprintf(out, BIND_HOLDER_TEXT_SIZE, "%.40s (in systemd)", holder->unit);
	else if (holder)
		(void)snprintf(out, BIND_HOLDER_TEXT_SIZE, "%.16s (pid %ld)", holder->name,
			       (long)holder->pid);
	else
		(void)snprintf(out, BIND_HOLDER_TEXT_SIZE, "somebody");
}

const char *bind_transport_of(enum ic_component component)
{
	/* Linux hv_kvp.c, hv_snapshot.c, hv_fcopy.c (until 6.9): hvutil_transport_init's names */
	static const char *const nodes[IC_COMPONENTS] = {
		[IC_FCOPY] = "/dev/vmbus/hv_fcopy",
		[IC_KVP] = "/dev/vmbus/hv_kvp",
		[IC_VSS] = "/dev/vmbus/hv_vss",
	};

	return nodes[component];
}

static bool find_holder(const struct bind *b, const char *path, struct bind_holder *ret)
{
	return path && path[0] && b->ops->holder(b->user, path, ret);
}

bool bind_holder_of(const struct bind *b, const struct device *device, struct bind_holder *ret)
{
	if (bind_is_with_uio(device)) {
		if (!find_holder(b, device->node, ret) && !find_holder(b, device->path, ret))
			return false;
		/* Of all services only that one has systemd keep such a device. */
		if (bind_holder_is_manager(ret))
			(void)snprintf(ret->unit, sizeof(ret->unit), "vmicd.service");
		return true;
	}
	return find_holder(b, bind_transport_of(device->component), ret) ||
	       find_holder(b, device->path, ret);
}

/* --- why not --- */

/* Who has it as it is, as a clause. */
static const char *keeper(const struct device *device)
{
	if (bind_is_with_utils(device))
		return "hv_utils keeps it";
	return bind_is_with_uio(device) ? "uio_hv_generic keeps it" : "it goes back to hv_utils";
}

static void say_held(const struct bind *b, const struct device *device)
{
	const char *node = bind_transport_of(device->component);
	struct bind_holder holder = { 0 };
	char who[BIND_HOLDER_TEXT_SIZE];
	bool found = find_holder(b, node, &holder);

	bind_holder_format(found ? &holder : NULL, who);
	bind_say(b, BIND_SAY_FAILED, device->component,
		 "refused: %s has %s open, and hv_utils does not let go before that is closed: stop "
		 "it first%s%s; %s", who, node, holder.unit[0] ? ": systemctl stop " : "", holder.unit,
		 keeper(device));
}

/* A kernel's error as a sentence; the number of uio_hv_generic's own is none of the C library's. */
static const char *explain(int error)
{
	static const struct {
		int error;
		const char *text;
	} sentences[] = {
		{ BIND_ENOTSUPP, "this kernel's uio_hv_generic cannot carry integration components: "
				 "Linux 6.10 or later is needed" },
		{ ENOMEM, "the kernel found no contiguous memory for the ring, 4 MiB in one block; it "
			  "may after a while, and does after a restart" },
		{ EOWNERDEAD, "the kernel ran out of memory and killed the process that bound the "
			      "device; nothing else was lost" },
		{ ENODEV, "the driver refuses this device" },
		{ ENOPKG, "hv_utils is not loaded, and modprobe cannot load it: it takes the device by "
			  "itself as soon as it is" },
		{ EINVAL, "its channel cannot be opened; if it was unbound while a program used it, "
			  "only a restart of the guest repairs that" },
		{ EBUSY, "somebody else moves it at the same time" },
		{ EACCES, "only root may move devices" },
		{ EPERM, "only root may move devices" },
		{ EROFS, "/sys is read-only here" },
	};

	for (size_t i = 0; i < ARRAY_LEN(sentences); i++)
		if (sentences[i].error == error)
			return sentences[i].text;
	return strerror(error);
}

static void say_memory(const struct bind *b, const struct device *device,
		       const struct bind_facts *facts, enum bind_refusal refusal)
{
	char cost[BIND_COST_TEXT_SIZE], available[BIND_SIZE_TEXT_SIZE], reserve[BIND_SIZE_TEXT_SIZE];

	bind_cost_format(&facts->cost, cost);
	bind_size_format(facts->machine.available, available);
	bind_size_format(BIND_RESERVE, reserve);
	if (refusal == BIND_REFUSE_MEMORY)
		bind_say(b, BIND_SAY_FAILED, device->component,
			 "refused: it costs %s, and %s of memory are available: the kernel would kill "
			 "processes for the rest; %s", cost, available, keeper(device));
	else
		bind_say(b, BIND_SAY_FAILED, device->component,
			 "refused: it costs %s, and of %s of available memory less than %s would be "
			 "left: free some, or say --force; %s", cost, available, reserve, keeper(device));
}

void bind_say_refusal(const struct bind *b, const struct device *device,
		      const struct bind_facts *facts, enum bind_refusal refusal)
{
	switch (refusal) {
	case BIND_REFUSE_NOTHING:
		return;
	case BIND_REFUSE_NO_UIO:
		bind_say(b, BIND_SAY_FAILED, device->component,
			 "refused: the driver uio_hv_generic is not loaded, and modprobe cannot load it: "
			 "'modprobe uio_hv_generic' says why; %s", keeper(device));
		return;
	case BIND_REFUSE_UNABLE:
		bind_say(b, BIND_SAY_FAILED, device->component, "refused, as the one before: %s; %s",
			 explain(facts->unable), keeper(device));
		return;
	case BIND_REFUSE_HIBERNATION:
		bind_say(b, BIND_SAY_FAILED, device->component,
			 "refused: this guest may hibernate (/sys/bus/vmbus/hibernation is 1), and cannot "
			 "while uio_hv_generic has a device: give back before it does, and say "
			 "--may-hibernate here; %s", keeper(device));
		return;
	case BIND_REFUSE_HELD:
		say_held(b, device);
		return;
	case BIND_REFUSE_MEMORY:
	case BIND_REFUSE_RESERVE:
		say_memory(b, device, facts, refusal);
		return;
	}
}

static void say_in_use(const struct bind_move *m, const struct bind_holder *holder, const char *who)
{
	const char *what = m->device.node[0] ? m->device.node : "its lock";

	if (holder && bind_holder_is_manager(holder))
		bind_say(m->b, BIND_SAY_FAILED, m->device.component,
			 "refused: vmicd.service uses %s (systemd keeps it open over restarts): systemctl stop vmicd, "
			 "since unbinding now would crash the guest; %s", what, keeper(&m->device));
	else
		bind_say(m->b, BIND_SAY_FAILED, m->device.component,
			 "refused: %s uses %s and did not let go in %u s: stop it first%s%s, since unbinding now "
			 "would crash the guest; %s", who, what, m->b->wait_s,
			 holder && holder->unit[0] ? ": systemctl stop " : "",
			 holder ? holder->unit : "", keeper(&m->device));
}

static void say_hanging(const struct bind_move *m, const char *who)
{
	const char *node = bind_transport_of(m->device.component);

	if (bind_is_with_utils(&m->device) && node)
		bind_say(m->b, BIND_SAY_FAILED, m->device.component,
			 "hv_utils has not let go of it: that takes until %s closes %s; then it goes back to "
			 "hv_utils by itself", who, node);
	else
		bind_say(m->b, BIND_SAY_FAILED, m->device.component,
			 "the kernel has not finished its part in time: see 'vmic-bind list', and run this "
			 "again");
}

static void say_stuck(const struct bind_move *m, bool found, const char *who)
{
	const char *node = bind_transport_of(m->device.component);

	if (found && node)
		bind_say(m->b, BIND_SAY_FAILED, m->device.component,
			 "it has no driver and hv_utils is still about to let go of it: that takes until %s "
			 "closes %s; then run this again", who, node);
	else
		bind_say(m->b, BIND_SAY_FAILED, m->device.component,
			 "it has no driver, and its channel is still open: it was unbound while a program "
			 "used it; only a restart of the guest repairs that");
}

void bind_say_unfinished(const struct bind_move *m, int r)
{
	struct bind_holder holder;
	char who[BIND_HOLDER_TEXT_SIZE];
	bool found = r != -ENOENT && bind_holder_of(m->b, &m->device, &holder);

	bind_holder_format(found ? &holder : NULL, who);
	switch (r) {
	case BIND_MOVE_HELD:
		if (m->device.driver[0] != '\0')
			say_in_use(m, found ? &holder : NULL, who);
		else
			say_stuck(m, found, who);
		return;
	case BIND_MOVE_STUCK:
		say_stuck(m, found, who);
		return;
	case BIND_MOVE_BLOCKED:
		say_hanging(m, who);
		return;
	case BIND_MOVE_STOPPED:
		bind_say(m->b, BIND_SAY_FAILED, m->device.component, "told to end while waiting for %s; %s",
			 who, keeper(&m->device));
		return;
	case -ENOENT:
		bind_say(m->b, BIND_SAY_FAILED, m->device.component, "the host has taken it away");
		return;
	default:
		bind_say(m->b, BIND_SAY_FAILED, m->device.component, "%s%s", explain(-r),
			 m->device.driver[0] || r == -ENOPKG ?
				 "" : "; it has no driver: run 'vmic-bind give-back' again");
		return;
	}
}

void bind_say_undone(const struct bind_move *m)
{
	const char *now = bind_is_with_utils(&m->device) ? "hv_utils has it again" :
			  bind_is_with_uio(&m->device)   ? "uio_hv_generic has it" :
							   "it has no driver";

	bind_say(m->b, BIND_SAY_FAILED, m->device.component, "cannot be taken: %s; %s",
		 explain(-m->error), now);
}

/* --- what it costs --- */

void bind_say_cost(const struct bind *b, const struct device *device,
		   const struct bind_facts *facts)
{
	char cost[BIND_COST_TEXT_SIZE], available[BIND_SIZE_TEXT_SIZE], block[BIND_SIZE_TEXT_SIZE];

	bind_cost_format(&facts->cost, cost);
	bind_size_format(facts->machine.available, available);
	bind_say(b, BIND_SAY_DONE, device->component, "costs %s; %s of memory are available", cost,
		 available);
	if (facts->machine.largest_block >= facts->cost.ring)
		return;
	bind_size_format(facts->machine.largest_block, block);
	bind_say(b, BIND_SAY_WARNING, device->component,
		 "the largest free block of memory is %s now: the kernel must make a larger one, and it "
		 "may fail; nothing is lost then", block);
}

void bind_say_hibernation(const struct bind *b, const struct device *device,
			  const struct bind_facts *facts)
{
	if (facts->machine.hibernates)
		bind_say(b, BIND_SAY_WARNING, device->component,
			 "this guest may hibernate, and cannot while uio_hv_generic has a device: it must "
			 "be given back before");
}

void bind_say_risk(const struct bind *b)
{
	char line[256] = "";
	size_t n = 0;

	for (enum ic_component c = 0; c < IC_COMPONENTS; c++)
		if (b->risky & 1u << c)
			n += (size_t)snprintf(line + n, sizeof(line) - n, "%s%s", n ? ", " : "",
					      ic_component_names[c]);
	if (n == 0)
		return;
	(void)snprintf(line + n, sizeof(line) - n, ": do not switch this off on the host before the guest is "
		       "restarted: it was in use on uio_hv_generic, and the guest's kernel may crash");
	b->ops->say(b->user, BIND_SAY_WARNING, line);
}

void bind_say_clock(const struct bind *b, const struct device *device)
{
	struct bind_holder holder;
	struct bind_clock clock;
	char who[BIND_HOLDER_TEXT_SIZE];

	if (device->component != IC_TIMESYNC || !bind_is_with_utils(device))
		return;
	b->ops->clock(b->user, &clock);
	if (clock.node[0] != '\0')
		bind_say(b, BIND_SAY_WARNING, device->component,
			 "with hv_utils' time synchronization the host's clock goes away: %s, which is "
			 "/dev/ptp_hyperv", clock.node);
	if (find_holder(b, clock.node, &holder)) {
		bind_holder_format(&holder, who);
		bind_say(b, BIND_SAY_WARNING, device->component,
			 "%s reads that clock, and will have none: let it use NTP servers instead, or vmicd "
			 "step the clock (Clock=step in vmicd.conf(5))", who);
	}
	if (clock.configuration[0] != '\0')
		bind_say(b, BIND_SAY_WARNING, device->component,
			 "%s has chrony read that clock: take that refclock out and use NTP servers instead, "
			 "or let vmicd step the clock (Clock=step in vmicd.conf(5))", clock.configuration);
}
