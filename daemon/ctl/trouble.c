/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/trouble.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/bus/names.h"
#include "daemon/ctl/from_bus.h"
#include "daemon/ctl/value.h"
#include "daemon/ctl/words.h"

#define DBUS_ERROR "org.freedesktop.DBus.Error."

static const struct {
	const char *name;
	enum ctl_exit status;
} meanings[] = {
	{ DBUS_ERROR "ServiceUnknown", CTL_NOT_RUNNING },
	{ DBUS_ERROR "NameHasNoOwner", CTL_NOT_RUNNING },
	{ DBUS_ERROR "AccessDenied", CTL_NOT_PERMITTED },
	{ DBUS_ERROR "InteractiveAuthorizationRequired", CTL_NOT_PERMITTED },
	{ DBUS_ERROR "InvalidArgs", CTL_USAGE },
	{ DBUS_ERROR "NoReply", CTL_TIMED_OUT },
	{ DBUS_ERROR "Timeout", CTL_TIMED_OUT },
	{ BUS_ERROR_NO_SUCH_PROFILE, CTL_NO_SUCH_THING },
	{ BUS_ERROR_NO_SUCH_COMPONENT, CTL_NO_SUCH_THING },
	{ BUS_ERROR_NO_SUCH_KEY, CTL_NO_SUCH_THING },
	{ BUS_ERROR_NOT_OPEN, CTL_NOT_OPEN },
	{ BUS_ERROR_LOCKED, CTL_TIMED_OUT },
	{ BUS_ERROR_INVALID_CONFIGURATION, CTL_FAILED },
};

static enum ctl_exit meaning_of(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_LEN(meanings); i++)
		if (strcmp(meanings[i].name, name) == 0)
			return meanings[i].status;
	return CTL_FAILED;
}

/* --- what systemd says of the unit --- */

#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define UNIT "vmicd.service"

/* The VMBus, where udev has seen one; without it the service's start is skipped. */
#define DEVICE "sys-bus-vmbus.device"

/* One interface's properties of a unit. */
static int read_properties(sd_bus *bus, const char *name, const char *interface, json_t *unit)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *loaded = NULL, *reply = NULL;
	const char *path;
	int r = sd_bus_call_method(bus, SYSTEMD_NAME, "/org/freedesktop/systemd1",
				   SYSTEMD_NAME ".Manager", "LoadUnit", NULL, &loaded, "s", name);

	if (r >= 0)
		r = sd_bus_message_read(loaded, "o", &path);
	if (r >= 0)
		r = sd_bus_call_method(bus, SYSTEMD_NAME, path, BUS_PROPERTIES, "GetAll", NULL, &reply,
				       "s", interface);
	return r < 0 ? r : from_bus_properties(reply, unit);
}

/* The unit's properties, those of the service among them, the manager's Virtualization, and the device's
 * in "Device". */
static int read_unit(sd_bus *bus, json_t *unit)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *virtualization = NULL;
	_cleanup_(value_freep) json_t *device = json_object();
	json_t *value;
	int r = read_properties(bus, UNIT, SYSTEMD_NAME ".Unit", unit);

	if (r >= 0)
		r = read_properties(bus, UNIT, SYSTEMD_NAME ".Service", unit);
	if (r >= 0)
		r = read_properties(bus, DEVICE, SYSTEMD_NAME ".Unit", device);
	if (r >= 0)
		r = sd_bus_get_property(bus, SYSTEMD_NAME, "/org/freedesktop/systemd1",
					SYSTEMD_NAME ".Manager", "Virtualization", NULL, &virtualization, "s");
	if (r >= 0)
		r = from_bus_value(virtualization, "", &value);
	return r < 0 || json_object_set_new(unit, "Virtualization", value) < 0 ||
			       json_object_set(unit, "Device", device) < 0 ?
		       -EIO :
		       0;
}

/* The device is there as soon as there is a VMBus to find, and the last start was skipped if its driver was
 * not there then. */
static bool has_vmbus(const json_t *unit)
{
	bool was_skipped = json_is_false(json_object_get(unit, "ConditionResult")) &&
			   member_number(unit, "ConditionTimestamp") > 0;

	return !was_skipped &&
	       strcmp(member_text(json_object_get(unit, "Device"), "ActiveState"), "active") == 0;
}

/* " -H root@web01": how to ask there. */
static const char *elsewhere(const struct ctl *c, char to[static 512])
{
	const struct ctl_options *o = c->options;

	(void)snprintf(to, 512, "%s%s", o->host ? " -H " : o->machine ? " -M " : "",
		       o->host ? o->host : o->machine ? o->machine : "");
	return to;
}

static void say_unit(const struct ctl *c, const json_t *unit)
{
	const char *state = member_text(unit, "ActiveState"), *result = member_text(unit, "Result");
	const char *virtualization = member_text(unit, "Virtualization");
	char where[512];

	(void)elsewhere(c, where);
	if (strcmp(member_text(unit, "LoadState"), "not-found") == 0)
		(void)words_say(0, "systemd knows no %s: is the package installed?", UNIT);
	else if (strcmp(member_text(unit, "LoadState"), "masked") == 0)
		(void)words_say(0, "%s is masked: systemctl%s unmask vmicd", UNIT, where);
	else if (strcmp(state, "failed") == 0)
		(void)words_say(0, "%s has failed (%s), see: systemctl%s status vmicd", UNIT, result, where);
	else if (strcmp(state, "active") == 0)
		(void)words_say(0, "%s is active, but not on the bus, see: systemctl%s status vmicd", UNIT,
				where);
	else if (strcmp(state, "inactive") != 0)
		(void)words_say(0, "%s is %s, see: systemctl%s status vmicd", UNIT, state, where);
	else if (has_vmbus(unit))
		(void)words_say(0, "%s is stopped: systemctl%s start vmicd", UNIT, where);
	else if (strcmp(virtualization, "microsoft") != 0)
		(void)words_say(0, "there is no VMBus here: this is no guest of Hyper-V (%s%s)",
				*virtualization ? "virtualization: " : "no virtual machine",
				virtualization);
	else
		(void)words_say(0, "there is no VMBus here: hv_vmbus is not loaded, or this is no guest of Hyper-V");
}

int trouble_say_not_running(const struct ctl *c)
{
	_cleanup_(value_freep) json_t *unit = json_object();

	(void)words_say(0, "vmicd is not running");
	if (unit && read_unit(c->bus, unit) >= 0)
		say_unit(c, unit);
	return CTL_NOT_RUNNING;
}

/* --- */

int trouble_say(const struct ctl *c, int r, const sd_bus_error *error)
{
	enum ctl_exit status = meaning_of(error->name);
	const struct ctl_options *o = c->options;

	if (status == CTL_NOT_RUNNING)
		return trouble_say_not_running(c);
	if (r == -ETIMEDOUT)
		return words_say(CTL_TIMED_OUT, "vmicd did not answer in time");
	if (r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE)
		return words_say(CTL_NOT_RUNNING, "the connection to %s is lost",
				 o->host ? o->host : o->machine ? o->machine : "the bus");
	if (strcmp(error->name ? error->name : "", DBUS_ERROR "InteractiveAuthorizationRequired") == 0)
		return words_say(status, "this needs an administrator's authorization");
	return words_say(status, "%s", error->message ? error->message : strerror(-r));
}

int trouble_say_profile(const struct ctl *c, int r, const sd_bus_error *error, const char *profile)
{
	char where[512];

	if (!sd_bus_error_has_name(error, BUS_ERROR_NO_SUCH_PROFILE))
		return trouble_say(c, r, error);
	return words_say(CTL_NO_SUCH_THING, "there is no profile '%s': 'vmicctl%s profile' lists them", profile,
			 elsewhere(c, where));
}
