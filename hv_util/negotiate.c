/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/negotiate.h"

const char *const ic_no_match_names[IC_NO_MATCHES] = {
	[IC_NO_MATCH_COUNTS_ZERO] = "counts-zero",
	[IC_NO_MATCH_SILENT] = "silent",
	[IC_NO_MATCH_OWN_NEWEST] = "own-newest",
	[IC_NO_MATCH_VERSION_ZERO] = "version-zero",
};

static struct ic_version read_version(struct rd *r)
{
	struct ic_version v = { .major = rd_u16(r) };

	v.minor = rd_u16(r);
	return v;
}

static void read_list(struct rd *r, unsigned n, struct ic_list *ret)
{
	ret->n = n;
	for (unsigned i = 0; i < n; i++)
		ret->v[i] = read_version(r);
}

int negotiate_parse(struct rd body, struct ic_offer *ret)
{
	unsigned n_framework = rd_u16(&body);
	unsigned n_message = rd_u16(&body);

	(void)rd_u32(&body); /* reserved */
	if (rd_result(&body) < 0)
		return -EBADMSG;
	if (n_framework > IC_OFFERED_MAX || n_message > IC_OFFERED_MAX)
		return -E2BIG;
	if (body.left / 4 < n_framework + n_message)
		return -EBADMSG;

	read_list(&body, n_framework, &ret->framework);
	read_list(&body, n_message, &ret->message);
	return 0;
}

static bool is_offered(const struct ic_list *offered, struct ic_version v)
{
	for (unsigned i = 0; i < offered->n; i++)
		if (ic_version_equal(offered->v[i], v))
			return true;
	return false;
}

/* The first of ours that is offered, into *ret; false when none is. */
static bool choose(const struct ic_admitted *ours, const struct ic_list *offered,
		   struct ic_version *ret)
{
	for (unsigned i = 0; i < ours->n; i++)
		if (is_offered(offered, ours->v[i])) {
			*ret = ours->v[i];
			return true;
		}
	return false;
}

static struct ic_version best(const struct ic_admitted *ours)
{
	return ours->n > 0 ? ours->v[0] : (struct ic_version){ 0, 0 };
}

static struct ic_answer answer_nothing_in_common(const struct ic_policy *policy)
{
	switch (policy->no_match) {
	case IC_NO_MATCH_SILENT:
		return (struct ic_answer){ .outcome = IC_NO_COMMON, .silent = true };
	case IC_NO_MATCH_OWN_NEWEST:
		return (struct ic_answer){
			.outcome = IC_FORCED,
			.counts = { 1, 1 },
			.pair = { best(&policy->framework), best(&policy->message) },
		};
	case IC_NO_MATCH_VERSION_ZERO:
		return (struct ic_answer){ .outcome = IC_FORCED, .counts = { 1, 1 } };
	case IC_NO_MATCH_COUNTS_ZERO:
	case IC_NO_MATCHES:
		break;
	}
	return (struct ic_answer){ .outcome = IC_NO_COMMON };
}

static void apply_raw(const struct ic_raw *raw, struct ic_answer *answer)
{
	if (raw->has_answer) {
		*answer = (struct ic_answer){
			.outcome = IC_FORCED,
			.counts = { 1, 1 },
			.pair = raw->answer,
		};
	}
	if (raw->has_counts) {
		answer->outcome = IC_FORCED;
		answer->silent = false;
		answer->counts[0] = raw->counts[0];
		answer->counts[1] = raw->counts[1];
	}
}

struct ic_answer negotiate_decide(const struct ic_offer *offer, const struct ic_policy *policy)
{
	struct ic_answer answer = { .outcome = IC_AGREED, .counts = { 1, 1 } };

	if (!choose(&policy->framework, &offer->framework, &answer.pair.framework) ||
	    !choose(&policy->message, &offer->message, &answer.pair.message))
		answer = answer_nothing_in_common(policy);
	apply_raw(&policy->raw, &answer);

	answer.unoffered = answer.outcome == IC_FORCED &&
			   (!is_offered(&offer->framework, answer.pair.framework) ||
			    !is_offered(&offer->message, answer.pair.message));
	return answer;
}

static void write_version(struct wr *w, struct ic_version v)
{
	wr_u16(w, v.major);
	wr_u16(w, v.minor);
}

void negotiate_write(const struct ic_answer *answer, struct wr *body)
{
	wr_u16(body, answer->counts[0]);
	wr_u16(body, answer->counts[1]);
	wr_u32(body, 0);
	write_version(body, answer->pair.framework);
	write_version(body, answer->pair.message);
}
