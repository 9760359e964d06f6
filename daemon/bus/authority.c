/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/bus/authority.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define POLKIT "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_AUTHORITY "org.freedesktop.PolicyKit1.Authority"

/* "AllowUserInteraction (0x01)" (the interface's documentation, CheckAuthorizationFlags). */
#define ALLOW_USER_INTERACTION 1u

/* A person types a password; without one, polkit has sd-bus' usual time. */
#define INTERACTIVE_USEC UINT64_C(120000000)

int authority_identify(sd_bus *bus, sd_bus_slot **ret, const char *name,
		       sd_bus_message_handler_t answered, void *user)
{
	int r = sd_bus_call_method_async(bus, ret, "org.freedesktop.DBus", "/org/freedesktop/DBus",
					 "org.freedesktop.DBus", "GetConnectionUnixUser", answered, user,
					 "s", name);

	return r < 0 ? r : 0;
}

int authority_read_user(sd_bus_message *answer, uid_t *ret)
{
	uint32_t uid;

	if (sd_bus_message_is_method_error(answer, NULL) || sd_bus_message_read(answer, "u", &uid) < 0)
		return -ENXIO;
	*ret = uid;
	return 0;
}

static void format_id(char *to, size_t size, uint64_t id)
{
	(void)snprintf(to, size, "vmicd-%" PRIu64, id);
}

int authority_ask(sd_bus *bus, sd_bus_slot **ret, const struct authority_question *question,
		  sd_bus_message_handler_t answered, void *user)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	char id[32];
	int r;

	format_id(id, sizeof(id), question->id);
	r = sd_bus_message_new_method_call(bus, &m, POLKIT, POLKIT_PATH, POLKIT_AUTHORITY,
					   "CheckAuthorization");
	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s", question->name,
				  question->action, 0,
				  question->interactive ? ALLOW_USER_INTERACTION : 0, id);
	if (r < 0)
		return r;
	r = sd_bus_call_async(bus, ret, m, answered, user, question->interactive ? INTERACTIVE_USEC : 0);
	return r < 0 ? r : 0;
}

int authority_read_answer(sd_bus_message *answer, sd_bus_error *error)
{
	int allowed = 0, could_be = 0;

	if (sd_bus_message_is_method_error(answer, NULL)) {
		(void)sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED,
					"Only root may do this: polkit does not say who else (%s)",
					sd_bus_message_get_error(answer)->message);
		return -EACCES;
	}
	if (sd_bus_message_enter_container(answer, 'r', "bba{ss}") > 0 &&
	    sd_bus_message_read(answer, "bb", &allowed, &could_be) > 0 && allowed)
		return 0;
	if (could_be)
		(void)sd_bus_error_set(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
				       "Interactive authentication required.");
	else
		(void)sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "Permission denied by polkit.");
	return -EACCES;
}

void authority_cancel(sd_bus *bus, uint64_t id)
{
	char text[32];

	format_id(text, sizeof(text), id);
	/* No callback: nobody waits for the answer, and so none is asked for. */
	(void)sd_bus_call_method_async(bus, NULL, POLKIT, POLKIT_PATH, POLKIT_AUTHORITY,
				       "CancelCheckAuthorization", NULL, NULL, "s", text);
}
