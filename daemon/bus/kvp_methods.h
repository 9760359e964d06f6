/* SPDX-License-Identifier: GPL-2.0-only */
/* The methods of key-value pair exchange: handlers of sd-bus, user is the struct bus. */
#pragma once

#include <systemd/sd-bus.h>

int kvp_on_get(sd_bus_message *m, void *user, sd_bus_error *error);
int kvp_on_set(sd_bus_message *m, void *user, sd_bus_error *error);
int kvp_on_delete(sd_bus_message *m, void *user, sd_bus_error *error);
int kvp_on_list(sd_bus_message *m, void *user, sd_bus_error *error);
