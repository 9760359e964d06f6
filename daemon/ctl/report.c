/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/print.h"
#include "daemon/ctl/words.h"

/* What a host of this release reports of the component; NULL: it does not offer it. */
static const json_t *report_of(const json_t *component, const char *release)
{
	json_t *report;
	size_t i;

	json_array_foreach(json_object_get(component, "Reports"), i, report)
		if (strcmp(member_text(report, "Release"), release) == 0)
			return report;
	return NULL;
}

char *report_join(const json_t *texts)
{
	char *line = NULL;
	size_t size, i;
	json_t *text;
	FILE *to = open_memstream(&line, &size);

	if (!to)
		return NULL;
	json_array_foreach(texts, i, text)
		(void)fprintf(to, "%s%s", i ? ", " : "", value_text(text));
	(void)fclose(to);
	return line;
}

/* Each release of which any component has a report. */
static json_t *known_releases(const json_t *facts)
{
	json_t *known = json_array(), *seen = json_object(), *component, *report;
	size_t i, j;

	json_array_foreach(json_object_get(facts, "Components"), i, component)
		json_array_foreach(json_object_get(component, "Reports"), j, report) {
			const char *release = member_text(report, "Release");

			if (json_object_get(seen, release))
				continue;
			(void)json_object_set_new(seen, release, json_true());
			(void)json_array_append_new(known, json_string(release));
		}
	json_decref(seen);
	return known;
}

int report_choose(const struct ctl *c, const json_t *facts, json_t **ret)
{
	_cleanup_(value_freep) json_t *known = known_releases(facts);
	const char *chosen = c->options->release;
	_cleanup_(freep) char *names = report_join(known);
	json_t *release;
	size_t i;

	if (!chosen) {
		release = json_object_get(facts, "HostReleases");
		*ret = json_is_array(release) ? json_incref(release) : json_array();
		return 0;
	}
	json_array_foreach(known, i, release)
		if (strcmp(value_text(release), chosen) == 0) {
			*ret = json_pack("[s]", chosen);
			return *ret ? 0 : print_no_memory();
		}
	return words_say(CTL_NO_SUCH_THING, "there is no release '%s', but: %s", chosen,
			 names ? names : "");
}

bool report_is_other(const json_t *component, const char *release, const char *than)
{
	const json_t *a = report_of(component, release), *b = report_of(component, than);

	return strcmp(member_text(a, "PrimaryStatusDescription"), member_text(b, "PrimaryStatusDescription")) != 0 ||
	       strcmp(member_text(a, "SecondaryStatusDescription"),
		      member_text(b, "SecondaryStatusDescription")) != 0;
}

const struct report_mark report_marks[REPORT_MARKS] = {
	[REPORT_CERTAIN] = { "certain", "", NULL },
	[REPORT_INFERRED] = { "inferred", "*", "inferred from public evidence; a real host may correct it" },
	[REPORT_UNKNOWN] = { "unknown", "?", "no public evidence; the likeliest value was taken" },
};

static enum report_certainty mark_of(const json_t *report)
{
	for (enum report_certainty i = 0; i < REPORT_MARKS; i++)
		if (strcmp(report_marks[i].certainty, member_text(report, "Certainty")) == 0)
			return i;
	return REPORT_UNKNOWN;
}

/* "OK" and a number in parentheses are what a heartbeat says of the applications. */
static bool is_mismatch(const char *secondary)
{
	return *secondary && *secondary != '(' && strcmp(secondary, "OK") != 0;
}

static enum colour colour_of(const char *primary, const char *secondary)
{
	static const char *const dim[] = { "", "No Contact", "Disabled" };
	static const char *const fine[] = { "OK", "Degraded" };

	for (size_t i = 0; i < ARRAY_LEN(dim); i++)
		if (strcmp(primary, dim[i]) == 0)
			return COLOUR_DIM;
	for (size_t i = 0; i < ARRAY_LEN(fine); i++)
		if (strcmp(primary, fine[i]) == 0)
			return i > 0 || (*secondary && strcmp(secondary, "OK") != 0) ? COLOUR_YELLOW :
										       COLOUR_GREEN;
	return COLOUR_RED;
}

/* Who knows what is reported of a component. */
enum source {
	SOURCE_NOBODY, /* vmicd has no channel: somebody else may serve it, or the host does not offer it */
	SOURCE_CONTACT,
	SOURCE_LOST,
	SOURCE_REPORTS, /* what the host, or one of the release that was asked for, makes of the answer */
};

bool report_may_be_known(const json_t *component)
{
	return !json_is_false(json_object_get(component, "Served")) ||
	       strcmp(member_text(component, "State"), "absent") != 0;
}

/*
 * A host says "No Contact" of what it offers and the guest has not negotiated, whatever its release.
 * Where the guest had agreed before, it has lost contact; nobody has seen that of a channel that was
 * closed. A host that takes a channel away begins anew.
 */
static enum source source_of(const json_t *component, bool is_asked)
{
	const json_t *counters = json_object_get(component, "Counters");

	if (is_asked)
		return report_may_be_known(component) ? SOURCE_REPORTS : SOURCE_NOBODY;
	if (strcmp(member_text(component, "State"), "absent") == 0)
		return SOURCE_NOBODY;
	if (strcmp(member_text(component, "Outcome"), "none") != 0)
		return SOURCE_REPORTS;
	return member_number(counters, "negotiations") > 0 && member_number(counters, "rescinds") == 0 ?
		       SOURCE_LOST :
		       SOURCE_CONTACT;
}

bool report_is_of_answer(const json_t *component, bool is_asked)
{
	return source_of(component, is_asked) == SOURCE_REPORTS;
}

/* What the first of the releases reports, as sure as the least sure of them. */
static struct report of_releases(const json_t *component, const json_t *releases)
{
	struct report report = { .primary = "", .secondary = "" };
	json_t *release;
	size_t i;

	json_array_foreach(releases, i, release) {
		const json_t *one = report_of(component, value_text(release));

		if (i == 0 && one) {
			report.is_known = true;
			report.primary = member_text(one, "PrimaryStatusDescription");
			report.secondary = member_text(one, "SecondaryStatusDescription");
		}
		if (one && mark_of(one) > report.mark)
			report.mark = mark_of(one);
	}
	return report;
}

struct report report_of_component(const json_t *component, const json_t *releases, bool is_asked)
{
	static const struct report others[] = {
		[SOURCE_NOBODY] = { .primary = "", .secondary = "" },
		[SOURCE_CONTACT] = { true, "No Contact", "", REPORT_CERTAIN },
		[SOURCE_LOST] = { true, "Lost Communication", "", REPORT_INFERRED },
	};
	enum source source = source_of(component, is_asked);

	return source == SOURCE_REPORTS ? of_releases(component, releases) : others[source];
}

enum colour report_colour(const struct report *report)
{
	return colour_of(report->primary, report->secondary);
}

bool report_is_mismatch(const struct report *report)
{
	return is_mismatch(report->secondary);
}

int report_add_all(const json_t *facts, const json_t *releases, bool is_asked)
{
	json_t *component;
	size_t i;

	json_array_foreach(json_object_get(facts, "Components"), i, component) {
		struct report report = report_of_component(component, releases, is_asked);
		json_t *reported = !report.is_known ? json_null() :
				   json_pack("{s:s, s:s, s:s}", "PrimaryStatusDescription", report.primary,
					     "SecondaryStatusDescription", report.secondary, "Certainty",
					     report_marks[report.mark].certainty);

		if (!reported || json_object_set_new(component, "Reported", reported) < 0)
			return -ENOMEM;
	}
	return 0;
}
