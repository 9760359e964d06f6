/* SPDX-License-Identifier: GPL-2.0-only */
/* /org/vmicd1: what is the whole daemon's. */
#include <errno.h>

#include "daemon/bus/object.h"
#include "hv_util/profile.h"

/* --- properties --- */

static int get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
		       sd_bus_message *reply, void *user, sd_bus_error *error)
{
	(void)bus, (void)path, (void)interface, (void)property, (void)user, (void)error;
	return sd_bus_message_append(reply, "s", VMICD_VERSION);
}

static int get_profile(sd_bus *bus, const char *path, const char *interface, const char *property,
		       sd_bus_message *reply, void *user, sd_bus_error *error)
{
	const struct bus *b = user;

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	return sd_bus_message_append(reply, "s", manager_conf(b->manager)->profile->name);
}

static int get_profiles(sd_bus *bus, const char *path, const char *interface, const char *property,
			sd_bus_message *reply, void *user, sd_bus_error *error)
{
	int r = sd_bus_message_open_container(reply, 'a', "(ss)");

	(void)bus, (void)path, (void)interface, (void)property, (void)user, (void)error;
	for (size_t i = 0; i < n_profiles && r >= 0; i++)
		r = sd_bus_message_append(reply, "(ss)", profiles[i].name, profiles[i].title);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_transport(sd_bus *bus, const char *path, const char *interface, const char *property,
			 sd_bus_message *reply, void *user, sd_bus_error *error)
{
	const struct bus *b = user;

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	return sd_bus_message_append(reply, "s", b->transport);
}

static int get_dry_run(sd_bus *bus, const char *path, const char *interface, const char *property,
		       sd_bus_message *reply, void *user, sd_bus_error *error)
{
	const struct bus *b = user;

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	return sd_bus_message_append(reply, "b", b->dry_run);
}

static int get_application_state(sd_bus *bus, const char *path, const char *interface,
				 const char *property, sd_bus_message *reply, void *user,
				 sd_bus_error *error)
{
	const struct bus *b = user;

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	return sd_bus_message_append(reply, "s",
				     heartbeat_state_names[manager_conf(b->manager)->application_state]);
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Profile", "s", get_profile, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Profiles", "a(ss)", get_profiles, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Transport", "s", get_transport, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("DryRun", "b", get_dry_run, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("ApplicationState", "s", get_application_state, 0,
			SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_SIGNAL_WITH_ARGS("ClockStepped", SD_BUS_ARGS("x", nanoseconds), 0),
	SD_BUS_SIGNAL_WITH_ARGS("PoolChanged", SD_BUS_ARGS("u", pool), 0),
	SD_BUS_SIGNAL("ConfigurationChanged", "", 0),
	SD_BUS_VTABLE_END,
};

int manager_object_add(struct bus *b)
{
	int r = sd_bus_add_object_manager(b->bus, NULL, BUS_PATH);

	return r < 0 ? r : sd_bus_add_object_vtable(b->bus, NULL, BUS_PATH, BUS_MANAGER, vtable, b);
}
