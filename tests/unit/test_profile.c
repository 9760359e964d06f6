/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/profile.h"

#include <stdio.h>

#include "tests/unit/harness.h"

/* The components in the order of the columns below. */
static const enum ic_component columns[] = {
	IC_HEARTBEAT, IC_SHUTDOWN, IC_TIMESYNC, IC_KVP, IC_VSS, IC_FCOPY,
};

#define COLUMNS 6

/*
 * What each guest admits to, "framework/message versions", best first; NULL: not served. Read off
 * the guests' own drivers (Linux hv_util.c, hv_kvp.c, hv_snapshot.c; FreeBSD hv_utils; OpenBSD
 * hypervic.c) and KB4014894, not off the profiles; other Windows guests are inferred.
 */
static const struct {
	const char *name;
	enum ic_no_match no_match;
	const char *versions[COLUMNS];
} rows[] = {
	{ "legacy", IC_NO_MATCH_COUNTS_ZERO,
	  { "3.0 1.0/3.0 1.0", "3.0 1.0/3.0 1.0", "3.0 1.0/3.0 1.0", "3.0 1.0/5.0 4.0 3.0 1.0",
	    "3.0/5.0 4.0", "3.0/1.1" } },
	{ "ws2008", IC_NO_MATCH_COUNTS_ZERO,
	  { "1.0/1.0", "1.0/1.0", "1.0/1.0", "1.0/1.0", NULL, NULL } },
	{ "ws2008r2", IC_NO_MATCH_COUNTS_ZERO,
	  { "3.0 1.0/3.0 1.0", "3.0 1.0/3.0 1.0", "3.0 1.0/3.0 1.0", "3.0 1.0/3.0 1.0", NULL, NULL } },
	{ "ws2012", IC_NO_MATCH_COUNTS_ZERO,
	  { "3.0 1.0/3.0 1.0", "3.0 1.0/3.0 1.0", "3.0 1.0/3.0 1.0", "3.0 1.0/4.0 3.0 1.0", "3.0/4.0",
	    NULL } },
	{ "ws2012r2", IC_NO_MATCH_COUNTS_ZERO,
	  { "3.0 1.0/3.0 1.0", "3.0 1.0/3.0 1.0", "3.0 1.0/3.0 1.0", "3.0 1.0/5.0 4.0 3.0 1.0",
	    "3.0/5.0 4.0", "3.0/1.1" } },
	{ "win10", IC_NO_MATCH_COUNTS_ZERO,
	  { "3.0 1.0/3.0", "3.0 1.0/3.1 3.0 1.0", "3.0 1.0/4.0 3.0 1.0", "3.0 1.0/5.0 4.0 3.0",
	    "3.0/7.0 6.0", "3.0/1.1" } },
	{ "linux", IC_NO_MATCH_COUNTS_ZERO,
	  { "3.0 1.0/3.0 1.0", "3.0 1.0/3.2 3.1 3.0 1.0", "3.0 1.0/4.0 3.0 1.0", "3.0 1.0/4.0 3.0 1.0",
	    "3.0/5.0", "3.0/1.1" } },
	{ "freebsd", IC_NO_MATCH_SILENT,
	  { "3.0 1.0/3.0 1.0", "3.0 1.0/3.0 1.0", "3.0 1.0/4.0 3.0 1.0", "3.0 1.0/4.0 3.0 1.0",
	    "3.0 1.0/5.0 4.0", NULL } },
	{ "openbsd", IC_NO_MATCH_VERSION_ZERO,
	  { "3.0 1.0/3.0 1.0", "3.0 1.0/3.0 1.0", "3.0 1.0/3.0 1.0", "3.0 1.0/4.0 3.0 1.0", NULL, NULL } },
	{ "newest", IC_NO_MATCH_COUNTS_ZERO,
	  { "3.0 1.0/3.0 1.0", "3.0 1.0/3.2 3.1 3.0 1.0", "3.0 1.0/4.0 3.0 1.0",
	    "3.0 1.0/5.0 4.0 3.0 1.0", "3.0 1.0/7.0 6.0 5.0 4.0", "3.0 1.0/1.1" } },
};

static size_t list_format(const struct ic_admitted *l, char *to, size_t size)
{
	size_t used = 0;

	for (unsigned i = 0; i < l->n; i++)
		used += (size_t)snprintf(to + used, size - used, "%s%u.%u", i ? " " : "", l->v[i].major,
					 l->v[i].minor);
	return used;
}

static void each_profile_admits_to_what_its_guest_does(void **state)
{
	(void)state;
	assert_int_equal(n_profiles, ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct profile *p = profile_find(rows[i].name);

		assert_non_null(p);
		assert_string_equal(p->name, rows[i].name);
		assert_true(p->title[0] && p->source[0]);
		for (size_t c = 0; c < COLUMNS; c++) {
			const struct ic_policy *policy = &p->component[columns[c]];
			char text[128];
			size_t used;

			if (!rows[i].versions[c]) {
				assert_int_equal(policy->framework.n + policy->message.n, 0);
				continue;
			}
			used = list_format(&policy->framework, text, sizeof(text));
			text[used++] = '/';
			text[used] = '\0';
			(void)list_format(&policy->message, text + used, sizeof(text) - used);
			if (strcmp(text, rows[i].versions[c]) != 0)
				fail_msg("%s, %s: %s instead of %s", p->name,
					 ic_component_names[columns[c]], text, rows[i].versions[c]);
			assert_int_equal(policy->no_match, rows[i].no_match);
			assert_false(policy->raw.has_answer || policy->raw.has_counts ||
				     policy->raw.has_truncate);
		}
	}
}

static void the_default_is_legacy(void **state)
{
	(void)state;
	assert_string_equal(profiles[0].name, "legacy");
}

static void only_whole_names_are_found(void **state)
{
	(void)state;
	assert_ptr_equal(profile_find("newest"), &profiles[n_profiles - 1]);
	assert_null(profile_find(""));
	assert_null(profile_find("ws"));
	assert_null(profile_find("ws20088"));
	assert_null(profile_find("Linux"));
}

/* A recent host's lists: framework {1, 3}; heartbeat {1, 3}, shutdown {1, 3, 3.1, 3.2}, time sync
 * {1, 3, 4}, KVP {3, 4, 5}, VSS {4 to 7}, file copy {1.1}. */
static const struct ic_version offered[COLUMNS][4] = {
	{ { 1, 0 }, { 3, 0 } },
	{ { 1, 0 }, { 3, 0 }, { 3, 1 }, { 3, 2 } },
	{ { 1, 0 }, { 3, 0 }, { 4, 0 } },
	{ { 3, 0 }, { 4, 0 }, { 5, 0 } },
	{ { 4, 0 }, { 5, 0 }, { 6, 0 }, { 7, 0 } },
	{ { 1, 1 } },
};

/* The message versions that these guests then have ("-" where there is none in common). */
static const struct {
	const char *name;
	const char *agreed[COLUMNS];
} agreements[] = {
	{ "legacy", { "3.0", "3.0", "3.0", "5.0", "5.0", "1.1" } },
	{ "ws2008", { "1.0", "1.0", "1.0", "-", "-", "-" } },
	{ "ws2008r2", { "3.0", "3.0", "3.0", "3.0", "-", "-" } },
	{ "ws2012", { "3.0", "3.0", "3.0", "4.0", "4.0", "-" } },
	{ "win10", { "3.0", "3.1", "4.0", "5.0", "7.0", "1.1" } },
	{ "linux", { "3.0", "3.2", "4.0", "4.0", "5.0", "1.1" } },
	{ "freebsd", { "3.0", "3.0", "4.0", "4.0", "5.0", "-" } },
	{ "openbsd", { "3.0", "3.0", "3.0", "4.0", "-", "-" } },
	{ "newest", { "3.0", "3.2", "4.0", "5.0", "7.0", "1.1" } },
};

static void each_profile_agrees_with_a_current_host_on_its_best(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(agreements); i++)
		for (size_t c = 0; c < COLUMNS; c++) {
			const struct profile *p = profile_find(agreements[i].name);
			struct ic_offer offer = { .framework = { .n = 2, .v = { { 1, 0 }, { 3, 0 } } } };
			struct ic_answer a;
			char text[16] = "-";

			for (size_t k = 0; k < 4 && offered[c][k].major; k++)
				offer.message.v[offer.message.n++] = offered[c][k];
			a = negotiate_decide(&offer, &p->component[columns[c]]);
			if (a.outcome == IC_AGREED)
				(void)snprintf(text, sizeof(text), "%u.%u", a.pair.message.major,
					       a.pair.message.minor);
			if (strcmp(text, agreements[i].agreed[c]) != 0)
				fail_msg("%s, %s: %s instead of %s", agreements[i].name,
					 ic_component_names[columns[c]], text, agreements[i].agreed[c]);
		}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_profile_admits_to_what_its_guest_does),
		cmocka_unit_test(the_default_is_legacy),
		cmocka_unit_test(only_whole_names_are_found),
		cmocka_unit_test(each_profile_agrees_with_a_current_host_on_its_best),
	};

	return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
