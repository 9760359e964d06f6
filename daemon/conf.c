/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/conf.h"

#include <string.h>

#include "daemon/conf_reading.h"

bool conf_versions_equal(const struct ic_policy *a, const struct ic_policy *b)
{
	return memcmp(&a->framework, &b->framework, sizeof(a->framework)) == 0 &&
	       memcmp(&a->message, &b->message, sizeof(a->message)) == 0 &&
	       a->no_match == b->no_match;
}

static bool pairs_equal(struct ic_pair a, struct ic_pair b)
{
	return ic_version_equal(a.framework, b.framework) && ic_version_equal(a.message, b.message);
}

static bool raws_equal(const struct ic_raw *a, const struct ic_raw *b)
{
	return a->has_answer == b->has_answer && a->has_counts == b->has_counts &&
	       a->has_truncate == b->has_truncate && pairs_equal(a->answer, b->answer) &&
	       memcmp(a->counts, b->counts, sizeof(a->counts)) == 0 && a->truncate == b->truncate;
}

bool conf_component_equal(const struct conf_component *a, const struct conf_component *b)
{
	return a->enabled == b->enabled && a->blocked == b->blocked &&
	       conf_versions_equal(&a->policy, &b->policy) && raws_equal(&a->policy.raw, &b->policy.raw) &&
	       a->answer_delay_s == b->answer_delay_s;
}

/* The Fowler-Noll-Vo hash, variant 1a, of numbers. */
static uint64_t mix(uint64_t hash, uint64_t number)
{
	return (hash ^ number) * UINT64_C(0x100000001b3);
}

static uint64_t mix_version(uint64_t hash, struct ic_version v)
{
	return mix(hash, (uint64_t)v.major << 16 | v.minor);
}

static uint64_t mix_list(uint64_t hash, const struct ic_admitted *list)
{
	hash = mix(hash, list->n);
	for (unsigned i = 0; i < list->n; i++)
		hash = mix_version(hash, list->v[i]);
	return hash;
}

uint64_t conf_component_fingerprint(const struct conf_component *c)
{
	const struct ic_raw *raw = &c->policy.raw;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	hash = mix(hash, (uint64_t)c->enabled << 1 | c->blocked);
	hash = mix_list(hash, &c->policy.framework);
	hash = mix_list(hash, &c->policy.message);
	hash = mix(hash, c->policy.no_match);
	hash = mix(hash, raw->has_answer | raw->has_counts << 1 | raw->has_truncate << 2);
	hash = mix_version(hash, raw->answer.framework);
	hash = mix_version(hash, raw->answer.message);
	hash = mix(hash, (uint64_t)raw->counts[0] << 16 | raw->counts[1]);
	hash = mix(hash, raw->truncate);
	return mix(hash, c->answer_delay_s);
}

bool conf_component_has_own_answers(const struct conf_component *c)
{
	const struct ic_raw *raw = &c->policy.raw;

	return c->overridden || c->answer_delay_s > 0 || raw->has_answer || raw->has_counts ||
	       raw->has_truncate;
}

void conf_resolve(struct conf *conf)
{
	for (enum ic_component c = 0; c < IC_COMPONENTS; c++) {
		const struct conf_overrides *o = &conf->overrides[c];
		struct conf_component *to = &conf->component[c];

		to->policy = conf->profile->component[c];
		if (o->has_framework)
			to->policy.framework = o->framework;
		if (o->has_versions)
			to->policy.message = o->versions;
		if (o->has_no_match)
			to->policy.no_match = o->no_match;
		to->policy.raw = o->raw;
		to->policy.blocked = policy_blocked(&conf->allow, &conf->block, c);
		to->blocked = !policy_allows(&conf->allow, &conf->block, c);
		to->profile = conf->profile->name;
		to->overridden = !conf_versions_equal(&to->policy, &conf->profile->component[c]);
	}
}

int conf_read(const char *path, struct conf *ret, struct conf_error *error)
{
	struct conf_reading *reading;
	int r = conf_reading_new(path, &reading, error);

	if (r < 0)
		return r;
	*ret = reading->conf;
	(void)conf_reading_free(reading);
	return 0;
}
