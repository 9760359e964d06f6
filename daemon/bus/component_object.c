/* SPDX-License-Identifier: GPL-2.0-only */
/* /org/vmicd1/component/NAME: one component and its channel. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/bus/object.h"
#include "hv_util/release.h"

/* --- properties: each is one field of a view --- */

typedef int put_fn(sd_bus_message *reply, const struct channel_view *view);

static int put_name(sd_bus_message *reply, const struct channel_view *view)
{
	return sd_bus_message_append(reply, "s", ic_component_names[view->service->component]);
}

static int put_title(sd_bus_message *reply, const struct channel_view *view)
{
	return sd_bus_message_append(reply, "s", view->service->title);
}

static int put_served(sd_bus_message *reply, const struct channel_view *view)
{
	return sd_bus_message_append(reply, "b", conf_component_is_served(view->conf));
}

static int put_state(sd_bus_message *reply, const struct channel_view *view)
{
	return sd_bus_message_append(reply, "s", view->state);
}

static int put_profile(sd_bus_message *reply, const struct channel_view *view)
{
	return sd_bus_message_append(reply, "s", view->conf->profile);
}

static int put_overridden(sd_bus_message *reply, const struct channel_view *view)
{
	return sd_bus_message_append(reply, "b", view->conf->overridden);
}

static int put_versions(sd_bus_message *reply, const struct ic_version *v, unsigned n)
{
	int r = sd_bus_message_open_container(reply, 'a', "(qq)");

	for (unsigned i = 0; i < n && r >= 0; i++)
		r = sd_bus_message_append(reply, "(qq)", v[i].major, v[i].minor);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int put_admitted_framework(sd_bus_message *reply, const struct channel_view *view)
{
	return put_versions(reply, view->conf->policy.framework.v, view->conf->policy.framework.n);
}

static int put_admitted_message(sd_bus_message *reply, const struct channel_view *view)
{
	return put_versions(reply, view->conf->policy.message.v, view->conf->policy.message.n);
}

static int put_offered_framework(sd_bus_message *reply, const struct channel_view *view)
{
	return put_versions(reply, view->offer->framework.v, view->offer->framework.n);
}

static int put_offered_message(sd_bus_message *reply, const struct channel_view *view)
{
	return put_versions(reply, view->offer->message.v, view->offer->message.n);
}

static const char *const outcome_names[] = {
	[IC_NOT_NEGOTIATED] = "none",
	[IC_AGREED] = "agreed",
	[IC_NO_COMMON] = "no-common-version",
	[IC_FORCED] = "forced",
};

static int put_outcome(sd_bus_message *reply, const struct channel_view *view)
{
	return sd_bus_message_append(reply, "s", outcome_names[view->answer->outcome]);
}

static int put_answer(sd_bus_message *reply, const struct channel_view *view)
{
	const struct ic_pair *pair = &view->answer->pair;

	return sd_bus_message_append(reply, "(qqqq)", pair->framework.major, pair->framework.minor,
				     pair->message.major, pair->message.minor);
}

static int put_counters(sd_bus_message *reply, const struct channel_view *view)
{
	const struct channel_counts *n = &view->counts;

	return sd_bus_message_append(reply, "a{st}", 6, "negotiations", n->negotiations, "requests",
				     n->requests, "refused", n->refused, "failed", n->failed, "rescinds",
				     n->rescinds, "lost-interrupts", n->lost_interrupts);
}

static int put_last_error(sd_bus_message *reply, const struct channel_view *view)
{
	return sd_bus_message_append(reply, "s", view->last_error);
}

static int put_last_error_timestamp(sd_bus_message *reply, const struct channel_view *view)
{
	return sd_bus_message_append(reply, "t", view->last_error_usec);
}

static const struct {
	const char *name;
	put_fn *put;
} properties[] = {
	{ "Name", put_name },
	{ "Title", put_title },
	{ "Served", put_served },
	{ "State", put_state },
	{ "Profile", put_profile },
	{ "Overridden", put_overridden },
	{ "AdmittedFramework", put_admitted_framework },
	{ "AdmittedMessage", put_admitted_message },
	{ "OfferedFramework", put_offered_framework },
	{ "OfferedMessage", put_offered_message },
	{ "Outcome", put_outcome },
	{ "Answer", put_answer },
	{ "Counters", put_counters },
	{ "LastError", put_last_error },
	{ "LastErrorTimestamp", put_last_error_timestamp },
};

static int get(sd_bus *bus, const char *path, const char *interface, const char *property,
	       sd_bus_message *reply, void *user, sd_bus_error *error)
{
	const struct bus_component *c = user;
	struct channel_view view;
	int r = manager_view(c->owner->manager, c->component, &view);

	(void)bus, (void)path, (void)interface, (void)error;
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(properties); i++)
		if (strcmp(properties[i].name, property) == 0)
			return properties[i].put(reply, &view);
	return -ENOENT;
}

/* A row for each release. */
static int get_reports(sd_bus *bus, const char *path, const char *interface, const char *property,
		       sd_bus_message *reply, void *user, sd_bus_error *error)
{
	const struct bus_component *c = user;
	const struct conf *conf = manager_conf(c->owner->manager);
	const struct conf_component *own = &conf->component[c->component];
	const struct ic_policy *policy = conf_component_is_served(own) ? &own->policy : NULL;
	int r = sd_bus_message_open_container(reply, 'a', "(ssss)");

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	for (enum release_id i = 0; i < RELEASES && r >= 0; i++) {
		struct release_report report = release_report(i, c->component, policy,
							      conf->application_state);

		r = sd_bus_message_append(reply, "(ssss)", releases[i].key, report.primary,
					  report.secondary, release_mark_names[report.mark]);
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* --- methods --- */

static int renegotiate_all(struct bus *b)
{
	int r = -ENOTCONN;

	for (enum ic_component i = 0; i < IC_COMPONENTS; i++)
		if (manager_renegotiate(b->manager, i) == 0)
			r = 0;
	return r;
}

static int run_renegotiate(struct bus *b, const struct call_arguments *arguments, sd_bus_message *reply,
			   sd_bus_error *error)
{
	int r = arguments->component == IC_COMPONENTS ?
			renegotiate_all(b) :
			manager_renegotiate(b->manager, arguments->component);

	(void)reply;
	if (r == -ENOTCONN)
		(void)sd_bus_error_set(error, BUS_ERROR_NOT_OPEN, "The channel is not open.");
	return r;
}

const struct call_method component_renegotiate = {
	.action = "org.vmicd1.renegotiate",
	.run = run_renegotiate,
};

static int on_renegotiate(sd_bus_message *m, void *user, sd_bus_error *error)
{
	struct bus_component *c = user;
	const struct call_arguments arguments = { .component = c->component };

	return call_take(c->owner, m, &component_renegotiate, &arguments, error);
}

/* --- the interface --- */

#define FIXED SD_BUS_VTABLE_PROPERTY_CONST
#define TOLD SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Name", "s", get, 0, FIXED),
	SD_BUS_PROPERTY("Title", "s", get, 0, FIXED),
	SD_BUS_PROPERTY("Served", "b", get, 0, TOLD),
	SD_BUS_PROPERTY("State", "s", get, 0, TOLD),
	SD_BUS_PROPERTY("Profile", "s", get, 0, TOLD),
	SD_BUS_PROPERTY("Overridden", "b", get, 0, TOLD),
	SD_BUS_PROPERTY("AdmittedFramework", "a(qq)", get, 0, TOLD),
	SD_BUS_PROPERTY("AdmittedMessage", "a(qq)", get, 0, TOLD),
	SD_BUS_PROPERTY("OfferedFramework", "a(qq)", get, 0, TOLD),
	SD_BUS_PROPERTY("OfferedMessage", "a(qq)", get, 0, TOLD),
	SD_BUS_PROPERTY("Outcome", "s", get, 0, TOLD),
	SD_BUS_PROPERTY("Answer", "(qqqq)", get, 0, TOLD),
	SD_BUS_PROPERTY("Counters", "a{st}", get, 0, 0),
	SD_BUS_PROPERTY("LastError", "s", get, 0, TOLD),
	SD_BUS_PROPERTY("LastErrorTimestamp", "t", get, 0, TOLD),
	SD_BUS_PROPERTY("Reports", "a(ssss)", get_reports, 0, 0),
	SD_BUS_METHOD("Renegotiate", "", "", on_renegotiate, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL_WITH_ARGS("Negotiated", SD_BUS_ARGS("s", outcome, "(qqqq)", answer), 0),
	SD_BUS_SIGNAL("Lost", "", 0),
	SD_BUS_VTABLE_END,
};

/* --- signals --- */

static void send_changed(struct bus_component *c, char **names)
{
	(void)sd_bus_emit_properties_changed_strv(c->owner->bus, c->path, BUS_COMPONENT, names);
}

void component_object_changed(struct bus_component *c, bool configured)
{
	static const char *const told[] = {
		"State", "OfferedFramework", "OfferedMessage", "Outcome", "Answer", "LastError",
		"LastErrorTimestamp", "Served", "Profile", "Overridden", "AdmittedFramework",
		"AdmittedMessage",
	};
	const size_t of_channel = 7;
	char *names[ARRAY_LEN(told) + 1] = { NULL };

	for (size_t i = 0; i < (configured ? ARRAY_LEN(told) : of_channel); i++)
		names[i] = (char *)told[i];
	send_changed(c, names);
}

void component_object_negotiated(struct bus_component *c)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	struct channel_view view;

	if (manager_view(c->owner->manager, c->component, &view) < 0 ||
	    sd_bus_message_new_signal(c->owner->bus, &m, c->path, BUS_COMPONENT, "Negotiated") < 0 ||
	    put_outcome(m, &view) < 0 || put_answer(m, &view) < 0)
		return;
	(void)sd_bus_send(c->owner->bus, m, NULL);
}

void component_object_lost(struct bus_component *c)
{
	(void)sd_bus_emit_signal(c->owner->bus, c->path, BUS_COMPONENT, "Lost", NULL);
}

/* --- objects --- */

void component_objects_init(struct bus *b)
{
	for (enum ic_component i = 0; i < IC_COMPONENTS; i++) {
		struct bus_component *c = &b->component[i];
		struct channel_view view;

		*c = (struct bus_component){ .owner = b, .component = i };
		if (manager_view(b->manager, i, &view) < 0)
			continue;
		(void)snprintf(c->path, sizeof(c->path), BUS_COMPONENT_PATH "%s", ic_component_names[i]);
		for (char *p = c->path + strlen(BUS_COMPONENT_PATH); *p; p++)
			*p = (char)tolower((unsigned char)*p);
	}
}

int component_objects_add(struct bus *b)
{
	int r = 0;

	for (enum ic_component i = 0; i < IC_COMPONENTS && r >= 0; i++)
		if (b->component[i].path[0] != '\0')
			r = sd_bus_add_object_vtable(b->bus, NULL, b->component[i].path, BUS_COMPONENT,
						     vtable, &b->component[i]);
	return r;
}

int component_object_find(const struct bus *b, const char *name, enum ic_component *ret,
			  sd_bus_error *error)
{
	for (enum ic_component i = 0; i < IC_COMPONENTS; i++)
		if (b->component[i].path[0] != '\0' && strcasecmp(ic_component_names[i], name) == 0) {
			*ret = i;
			return 0;
		}
	(void)sd_bus_error_set(error, BUS_ERROR_NO_SUCH_COMPONENT,
			       "There is no such component; see the objects below " BUS_PATH "/component.");
	return -ENODEV;
}
