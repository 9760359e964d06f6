/* SPDX-License-Identifier: GPL-2.0-only */
/* A host's version lists, read, decided on and answered. Input: u8 profile, u8 component, u8 knobs,
 * 4 x u16 raw answer, 2 x u16 raw counts, then the body of the negotiation. */
#include "hv_util/profile.h"
#include "tests/fuzz/fuzz.h"

static bool list_has(const struct ic_version *v, unsigned n, struct ic_version wanted)
{
	for (unsigned i = 0; i < n; i++)
		if (v[i].major == wanted.major && v[i].minor == wanted.minor)
			return true;
	return false;
}

/* The pair is the best of ours that the host has: by looking for a better one. */
static void require_best(const struct ic_admitted *ours, const struct ic_list *offered,
			 struct ic_version chosen)
{
	fuzz_require(list_has(ours->v, ours->n, chosen));
	fuzz_require(list_has(offered->v, offered->n, chosen));
	for (unsigned i = 0; i < ours->n && !ic_version_equal(ours->v[i], chosen); i++)
		fuzz_require(!list_has(offered->v, offered->n, ours->v[i]));
}

static bool have_common(const struct ic_admitted *ours, const struct ic_list *offered)
{
	for (unsigned i = 0; i < ours->n; i++)
		if (list_has(offered->v, offered->n, ours->v[i]))
			return true;
	return false;
}

static void check_answer(const struct ic_offer *offer, const struct ic_policy *policy,
			 const struct ic_answer *a)
{
	bool common = have_common(&policy->framework, &offer->framework) &&
		      have_common(&policy->message, &offer->message);
	bool raw = policy->raw.has_answer || policy->raw.has_counts;

	fuzz_require(a->outcome != IC_NOT_NEGOTIATED);
	fuzz_require((a->outcome == IC_AGREED) == (common && !raw));
	if (a->outcome == IC_AGREED) {
		require_best(&policy->framework, &offer->framework, a->pair.framework);
		require_best(&policy->message, &offer->message, a->pair.message);
		fuzz_require(a->counts[0] == 1 && a->counts[1] == 1 && !a->unoffered && !a->silent);
	}
	if (a->outcome == IC_NO_COMMON)
		fuzz_require(a->counts[0] == 0 && a->counts[1] == 0 && !a->pair.message.major);
	if (a->outcome == IC_FORCED)
		fuzz_require(raw || policy->no_match == IC_NO_MATCH_OWN_NEWEST ||
			     policy->no_match == IC_NO_MATCH_VERSION_ZERO);
	fuzz_require(!a->silent || (policy->no_match == IC_NO_MATCH_SILENT && !common && !raw));
}

static void check_writing(const struct ic_answer *a)
{
	uint8_t *to = calloc(1, 16);
	struct wr w = { .p = to, .left = 16 };

	if (!to)
		abort();
	negotiate_write(a, &w);
	fuzz_require(wr_result(&w) == 0 && w.left == 0);
	fuzz_require(fuzz_le(to, 2) == a->counts[0] && fuzz_le(to + 2, 2) == a->counts[1]);
	fuzz_require(fuzz_le(to + 4, 4) == 0);
	fuzz_require(fuzz_le(to + 8, 2) == a->pair.framework.major);
	fuzz_require(fuzz_le(to + 14, 2) == a->pair.message.minor);
	free(to);
}

static struct ic_policy policy_from(struct fuzz_input *in)
{
	const struct profile *profile = &profiles[fuzz_u8(in) % n_profiles];
	struct ic_policy p = profile->component[fuzz_u8(in) % IC_COMPONENTS];
	uint8_t knobs = fuzz_u8(in);

	p.no_match = (enum ic_no_match)(knobs % IC_NO_MATCHES);
	p.raw.has_answer = knobs & 0x10;
	p.raw.has_counts = knobs & 0x20;
	p.raw.answer.framework.major = fuzz_u16(in);
	p.raw.answer.framework.minor = fuzz_u16(in);
	p.raw.answer.message.major = fuzz_u16(in);
	p.raw.answer.message.minor = fuzz_u16(in);
	p.raw.counts[0] = fuzz_u16(in);
	p.raw.counts[1] = fuzz_u16(in);
	return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { .p = data, .left = size };
	struct ic_policy policy = policy_from(&in);
	struct ic_offer offer, before;
	size_t n;
	uint8_t *body = fuzz_bytes(&in, 16384, 0, &n);
	int r;

	memset(&offer, 0x5a, sizeof(offer));
	before = offer;
	r = negotiate_parse((struct rd){ .p = body, .left = n }, &offer);
	fuzz_require(r == 0 || r == -EBADMSG || r == -E2BIG);
	if (r < 0) {
		fuzz_require(memcmp(&offer, &before, sizeof(offer)) == 0);
	} else {
		struct ic_answer a = negotiate_decide(&offer, &policy);

		fuzz_require(offer.framework.n == fuzz_le(body, 2));
		fuzz_require(offer.message.n == fuzz_le(body + 2, 2));
		fuzz_require(8 + 4 * (offer.framework.n + offer.message.n) <= n);
		check_answer(&offer, &policy, &a);
		check_writing(&a);
	}
	free(body);
	return 0;
}
