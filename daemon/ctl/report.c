/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/report.h"

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
	{ "certain", "", NULL },
	{ "inferred", "*", "inferred from public evidence; a real host may correct it" },
	{ "unknown", "?", "no public evidence; the likeliest value was taken" },
};

static size_t mark_of(const json_t *report)
{
	for (size_t i = 0; i < REPORT_MARKS; i++)
		if (strcmp(report_marks[i].certainty, member_text(report, "Certainty")) == 0)
			return i;
	return REPORT_MARKS - 1;
}

static enum colour colour_of(const char *primary, const char *secondary)
{
	static const char *const dim[] = { "", "-", "No Contact", "Disabled" };
	static const char *const fine[] = { "OK", "Degraded" };

	for (size_t i = 0; i < ARRAY_LEN(dim); i++)
		if (strcmp(primary, dim[i]) == 0)
			return COLOUR_DIM;
	for (size_t i = 0; i < ARRAY_LEN(fine); i++)
		if (strcmp(primary, fine[i]) == 0)
			return *secondary || i > 0 ? COLOUR_YELLOW : COLOUR_GREEN;
	return COLOUR_RED;
}

struct report_row report_row_of(const json_t *component, const json_t *releases, size_t *weakest)
{
	const json_t *report = NULL;
	struct report_row row = { .primary = "-", .secondary = "" };
	size_t i, mark = 0;
	json_t *release;

	json_array_foreach(releases, i, release) {
		const json_t *one = report_of(component, value_text(release));

		if (i == 0)
			report = one;
		if (one && mark_of(one) > mark)
			mark = mark_of(one);
	}
	if (report) {
		row.primary = *member_text(report, "PrimaryStatusDescription") ?
				      member_text(report, "PrimaryStatusDescription") : "-";
		row.secondary = member_text(report, "SecondaryStatusDescription");
		*weakest = mark > *weakest ? mark : *weakest;
	}
	row.mark = report_marks[mark].mark;
	row.colour = colour_of(row.primary, row.secondary);
	return row;
}
