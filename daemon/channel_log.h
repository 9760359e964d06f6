/* SPDX-License-Identifier: GPL-2.0-only */
/* What a channel tells the log: the negotiation in full, and what is wrong with a message. Both are
 * caused by the host and therefore limited in rate. */
#pragma once

#include "daemon/conf.h"
#include "daemon/log.h"
#include "hv_util/ic.h"

struct channel_log {
	const struct log *log;
	const struct ic_service *service;
	const struct conf_component *conf; /* what was admitted to; not needed for refusals and failures */
	struct log_rate negotiations, refusals, losses, blocked, failures, troubles;
	/* What went wrong last, logged or not: a sentence, or "". */
	char last[256];
	uint64_t last_usec; /* CLOCK_REALTIME */
};

/* Says what was offered and what was answered, with the lists as structured fields. */
void channel_log_negotiation(struct channel_log *to, uint64_t now_usec, const struct ic *ic);

/* Says that the channel, with what was negotiated then, is a predecessor's: program is that one's version. */
void channel_log_taken_over(struct channel_log *to, const struct ic *ic, const char *program);

/* Says that a message of the host was not served: why and what now are clauses. */
void channel_log_refusal(struct channel_log *to, uint64_t now_usec, int error, const char *why,
			 const char *what_now);

/* Says that the channel was closed because of what the host did: why is a clause. */
void channel_log_broken(struct channel_log *to, uint64_t now_usec, const char *why);

/* Says that the channel has gone. */
void channel_log_rescinded(struct channel_log *to, uint64_t now_usec);

/* Says that the policy blocks what the host asked for, which was refused. */
void channel_log_blocked(struct channel_log *to, uint64_t now_usec, const struct ic_op *op);

/* Says that a request was put off for RETRY_LIMIT_USEC, and then refused. */
void channel_log_unserved(struct channel_log *to, uint64_t now_usec);

/* Says that a well-formed request failed, unless the error is an ordinary answer. Whether it has. */
bool channel_log_failure(struct channel_log *to, uint64_t now_usec, int error);

/* Says that the channel cannot be used: why is a clause, is_new that it was not so before. */
void channel_log_trouble(struct channel_log *to, uint64_t now_usec, const char *why, bool is_new);
