/* SPDX-License-Identifier: GPL-2.0-only */
/* Guest personalities as data: which versions a known kind of guest admits to. */
#pragma once

#include "hv_util/ic.h"

struct profile {
	const char *name;
	const char *title;
	const char *source; /* where its versions are written */
	struct ic_policy component[IC_COMPONENTS];
};

/* The default one is the first. */
extern const struct profile profiles[];
extern const size_t n_profiles;

/* The profile of this name, or NULL. */
const struct profile *profile_find(const char *name);
