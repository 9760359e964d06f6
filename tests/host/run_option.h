/* SPDX-License-Identifier: GPL-2.0-only */
/* Options of the verbs that serve a guest: which rules to break, which components there are. */
#pragma once

#include "tests/host/option.h"

/* One more fault into a struct fault_set. */
int option_add_fault(const struct option_info *option, const char *value, void *into);

/* As option_take_text, for the address of an adapter. */
int option_take_mac(const struct option_info *option, const char *value, void *into);

/* As option_take_number, for a burst of heartbeats: RUN_BURST_MAX at most. */
int option_take_burst(const struct option_info *option, const char *value, void *into);

/* Sets one component's place in a bool[COMPONENT_MAX]. */
int option_add_component(const struct option_info *option, const char *value, void *into);

/* From "all" or a list with commas: what is not in it is set in a bool[COMPONENT_MAX]. */
int option_take_other_components(const struct option_info *option, const char *value, void *into);
