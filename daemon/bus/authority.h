/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is behind a name on the bus, and whether polkit lets them (org.freedesktop.PolicyKit1(5), the
 * interface org.freedesktop.PolicyKit1.Authority). Both only ask; the answer comes to the callback,
 * and never if the slot that is returned is let go of before.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "hv_util/base.h"

/* Asks the bus for the user. 0 or a negative errno. */
_must_check_ int authority_identify(sd_bus *bus, sd_bus_slot **ret, const char *name,
				    sd_bus_message_handler_t answered, void *user);

/* What was answered. 0, or -ENXIO: there is nobody of this name any more. */
_must_check_ int authority_read_user(sd_bus_message *answer, uid_t *ret);

struct authority_question {
	const char *name;    /* the caller's on the bus */
	const char *action;
	bool interactive;    /* the caller has said that its user may be asked */
	uint64_t id;         /* another one each time: names the question when it is taken back */
};

/* Asks polkit. 0 or a negative errno. */
_must_check_ int authority_ask(sd_bus *bus, sd_bus_slot **ret, const struct authority_question *question,
			       sd_bus_message_handler_t answered, void *user);

/* What was answered. 0: yes; -EACCES, and *error has the reason to be told to the caller. */
_must_check_ int authority_read_answer(sd_bus_message *answer, sd_bus_error *error);

/* Takes the question back: a dialogue on somebody's screen is to go away. */
void authority_cancel(sd_bus *bus, uint64_t id);
