/* SPDX-License-Identifier: GPL-2.0-only */
/* What a channel tells the log: the negotiation in full, and what is wrong with a message. Both are
 * caused by the host and therefore limited in rate. */
#pragma once

#include "daemon/log.h"
#include "hv_util/ic.h"

struct channel_log {
	const struct log *log;
	const struct ic_service *service;
	const struct ic_policy *policy;
	const char *profile;
	bool overridden; /* policy is not the profile's as it stands */
	struct log_rate negotiations, refusals, failures;
};

/* Says what was offered and what was answered, with the lists as structured fields. */
void channel_log_negotiation(struct channel_log *to, uint64_t now_usec, const struct ic *ic);

/* Says that a message of the host was not served: why and what now are clauses. */
void channel_log_refusal(struct channel_log *to, uint64_t now_usec, int error, const char *why,
			 const char *what_now);

/* Says that a well-formed request failed, unless the error is an ordinary answer. */
void channel_log_failure(struct channel_log *to, uint64_t now_usec, int error);
