/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/call.h"

#include <string.h>
#include <unistd.h>

#include "daemon/bus/names.h"
#include "daemon/ctl/agent.h"
#include "daemon/ctl/trouble.h"

/* So long may somebody take to type a password. */
#define PASSWORD_USEC (120 * USEC_PER_SEC)

/* The method's name says what its arguments are. */
static int say_trouble(const struct ctl *c, int r, const sd_bus_error *error, sd_bus_message *m)
{
	const char *profile;

	if (m && strcmp(sd_bus_message_get_member(m), "SetProfile") == 0 && sd_bus_message_rewind(m, true) >= 0 &&
	    sd_bus_message_read(m, "s", &profile) > 0)
		return trouble_say_profile(c, r, error, profile);
	return trouble_say(c, r, error);
}

static int call(struct ctl *c, const char *member, bool changes, sd_bus_message **ret_reply,
		const char *types, va_list args)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
	bool asks = changes && !c->options->no_ask_password;
	uint64_t timeout = asks && geteuid() != 0 ? PASSWORD_USEC : 0;
	int r = sd_bus_message_new_method_call(c->bus, &m, BUS_NAME, BUS_PATH, BUS_MANAGER, member);

	if (r >= 0)
		r = sd_bus_message_appendv(m, types, args);
	/* Asking how it is must not start it. */
	if (r >= 0)
		r = sd_bus_message_set_auto_start(m, false);
	if (r >= 0)
		r = sd_bus_message_set_allow_interactive_authorization(m, asks);
	if (r >= 0)
		r = sd_bus_call(c->bus, m, timeout, &error, &reply);
	if (r < 0)
		return say_trouble(c, r, &error, m);
	if (ret_reply)
		*ret_reply = TAKE_PTR(reply);
	return CTL_DONE;
}

int call_read(struct ctl *c, const char *member, sd_bus_message **ret_reply, const char *types, ...)
{
	va_list args;
	int status;

	va_start(args, types);
	status = call(c, member, false, ret_reply, types, args);
	va_end(args);
	return status;
}

int call_change(struct ctl *c, const char *member, const char *types, ...)
{
	struct agent agent = agent_start(c->options);
	va_list args;
	int status;

	va_start(args, types);
	status = call(c, member, true, NULL, types, args);
	va_end(args);
	agent_stop(&agent);
	return status;
}
