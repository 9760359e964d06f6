/* SPDX-License-Identifier: GPL-2.0-only */
/* /org/vmicd1: what is the whole daemon's. */
#include <errno.h>
#include <string.h>

#include "daemon/bus/kvp_methods.h"
#include "daemon/bus/object.h"
#include "hv_util/profile.h"
#include "hv_util/release.h"

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

static int get_host_releases(sd_bus *bus, const char *path, const char *interface, const char *property,
			     sd_bus_message *reply, void *user, sd_bus_error *error)
{
	const struct bus *b = user;
	int r = sd_bus_message_open_container(reply, 'a', "s");

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	for (unsigned i = 0; i < RELEASES && r >= 0; i++)
		if (b->news.host_releases & 1u << i)
			r = sd_bus_message_append(reply, "s", releases[i].key);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_vm_name(sd_bus *bus, const char *path, const char *interface, const char *property,
		       sd_bus_message *reply, void *user, sd_bus_error *error)
{
	const struct bus *b = user;

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	return sd_bus_message_append(reply, "s", b->pools.vm_name);
}

/* --- methods: each reads its arguments, and has what it does done when the caller may --- */

/* For a file that was changed, and is wrong now. */
static int set_invalid(sd_bus_error *error, const struct conf_error *why)
{
	(void)sd_bus_error_set(error, BUS_ERROR_INVALID_CONFIGURATION, why->text);
	return -EINVAL;
}

static int run_set_profile(struct bus *b, const struct call_arguments *arguments, sd_bus_message *reply,
			   sd_bus_error *error)
{
	(void)reply, (void)error;
	return manager_set_profile(b->manager, arguments->profile->name);
}

static int on_set_profile(sd_bus_message *m, void *user, sd_bus_error *error)
{
	static const struct call_method method = {
		.action = "org.vmicd1.set-profile",
		.run = run_set_profile,
	};
	struct call_arguments arguments = { 0 };
	const char *name;
	int r = sd_bus_message_read(m, "s", &name);

	if (r < 0)
		return r;
	arguments.profile = profile_find(name);
	if (!arguments.profile)
		return sd_bus_error_set(error, BUS_ERROR_NO_SUCH_PROFILE,
					"There is no such profile; the property Profiles lists them.");
	return call_take(user, m, &method, &arguments, error);
}

static int on_renegotiate(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct call_arguments arguments = { .component = IC_COMPONENTS };
	struct bus *b = user;
	const char *name;
	int r = sd_bus_message_read(m, "s", &name);

	if (r >= 0 && name[0] != '\0')
		r = component_object_find(b, name, &arguments.component, error);
	return r < 0 ? r : call_take(b, m, &component_renegotiate, &arguments, error);
}

static int run_set_application_state(struct bus *b, const struct call_arguments *arguments,
				     sd_bus_message *reply, sd_bus_error *error)
{
	(void)reply, (void)error;
	manager_set_application_state(b->manager, arguments->state);
	return 0;
}

static int on_set_application_state(sd_bus_message *m, void *user, sd_bus_error *error)
{
	static const struct call_method method = {
		.action = "org.vmicd1.set-application-state",
		.run = run_set_application_state,
	};
	struct call_arguments arguments = { 0 };
	const char *name;
	int r = sd_bus_message_read(m, "s", &name);

	if (r < 0)
		return r;
	while (arguments.state < HEARTBEAT_STATES &&
	       strcmp(heartbeat_state_names[arguments.state], name) != 0)
		arguments.state++;
	if (arguments.state == HEARTBEAT_STATES)
		return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
					"Expected unknown, healthy, critical or stopped.");
	return call_take(user, m, &method, &arguments, error);
}

static int run_reload(struct bus *b, const struct call_arguments *arguments, sd_bus_message *reply,
		      sd_bus_error *error)
{
	struct conf_error why;

	(void)arguments, (void)reply;
	if (manager_reload(b->manager, &why) < 0)
		return set_invalid(error, &why);
	return 0;
}

static int on_reload(sd_bus_message *m, void *user, sd_bus_error *error)
{
	static const struct call_method method = { .action = "org.vmicd1.reload", .run = run_reload };
	const struct call_arguments arguments = { 0 };

	return call_take(user, m, &method, &arguments, error);
}

/* --- the interface --- */

/* Who may is decided by call_take, and not by sd-bus, which would wait for the bus' answer. */
#define FOR_ALL SD_BUS_VTABLE_UNPRIVILEGED

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Profile", "s", get_profile, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Profiles", "a(ss)", get_profiles, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Transport", "s", get_transport, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("DryRun", "b", get_dry_run, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("ApplicationState", "s", get_application_state, 0,
			SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("HostReleases", "as", get_host_releases, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("VirtualMachineName", "s", get_vm_name, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_METHOD_WITH_ARGS("SetProfile", SD_BUS_ARGS("s", name), SD_BUS_NO_RESULT,
				on_set_profile, FOR_ALL),
	SD_BUS_METHOD_WITH_ARGS("Renegotiate", SD_BUS_ARGS("s", component), SD_BUS_NO_RESULT,
				on_renegotiate, FOR_ALL),
	SD_BUS_METHOD_WITH_ARGS("SetApplicationState", SD_BUS_ARGS("s", state), SD_BUS_NO_RESULT,
				on_set_application_state, FOR_ALL),
	SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_reload, FOR_ALL),
	SD_BUS_METHOD_WITH_ARGS("KvpGet", SD_BUS_ARGS("s", key), SD_BUS_RESULT("s", value),
				kvp_on_get, FOR_ALL),
	SD_BUS_METHOD_WITH_ARGS("KvpSet", SD_BUS_ARGS("s", key, "s", value), SD_BUS_NO_RESULT,
				kvp_on_set, FOR_ALL),
	SD_BUS_METHOD_WITH_ARGS("KvpDelete", SD_BUS_ARGS("s", key), SD_BUS_NO_RESULT,
				kvp_on_delete, FOR_ALL),
	SD_BUS_METHOD_WITH_ARGS("KvpList", SD_BUS_ARGS("u", pool), SD_BUS_RESULT("a(ss)", pairs),
				kvp_on_list, FOR_ALL),
	SD_BUS_SIGNAL_WITH_ARGS("ClockStepped", SD_BUS_ARGS("x", nanoseconds), 0),
	SD_BUS_SIGNAL_WITH_ARGS("ShutdownRequested",
				SD_BUS_ARGS("s", action, "b", forced, "t", timeout_usec, "s", message), 0),
	SD_BUS_SIGNAL_WITH_ARGS("PoolChanged", SD_BUS_ARGS("u", pool), 0),
	SD_BUS_SIGNAL("ConfigurationChanged", "", 0),
	SD_BUS_VTABLE_END,
};

int manager_object_add(struct bus *b)
{
	int r = sd_bus_add_object_manager(b->bus, NULL, BUS_PATH);

	return r < 0 ? r : sd_bus_add_object_vtable(b->bus, NULL, BUS_PATH, BUS_MANAGER, vtable, b);
}
