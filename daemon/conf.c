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

bool conf_component_has_own_answers(const struct conf_component *c)
{
	const struct ic_raw *raw = &c->policy.raw;

	return c->overridden || c->answer_delay_s > 0 || raw->has_answer || raw->has_counts ||
	       raw->has_truncate;
}

int conf_read_as(const char *path, const struct profile *profile, struct conf *ret,
		 struct conf_error *error)
{
	struct conf_reading *reading;
	int r = conf_reading_new(path, profile, &reading, error);

	if (r < 0)
		return r;
	*ret = reading->conf;
	(void)conf_reading_free(reading);
	return 0;
}

int conf_read(const char *path, struct conf *ret, struct conf_error *error)
{
	return conf_read_as(path, NULL, ret, error);
}
