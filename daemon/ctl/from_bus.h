/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values of the bus as JSON, which is what --json prints and what tables are made from.
 *
 * Arrays and dictionaries are arrays and objects. A version, (qq), is "3.0"; an answer, (qqqq), is
 * {"Framework": "3.0", "Message": "5.0"}. Structures of the daemon's properties are objects with
 * the members that org.vmicd1 gives them, others are arrays.
 */
#pragma once

#include <jansson.h>
#include <systemd/sd-bus.h>

#include "hv_util/base.h"

/* Reads the next value. of: the property or method whose value it is. 0 or a negative errno. */
_must_check_ int from_bus_value(sd_bus_message *m, const char *of, json_t **ret);

/* Reads an a{sv} into the object. 0 or a negative errno. */
_must_check_ int from_bus_properties(sd_bus_message *m, json_t *object);
