/* SPDX-License-Identifier: GPL-2.0-only */
/* vmicctl status: the table that a host shows for this guest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/facts.h"
#include "daemon/ctl/moment.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/verb.h"
#include "daemon/ctl/words.h"

/* --- which release's report --- */

/* What a host of this release reports of the component; NULL: it does not offer it. */
static const json_t *report_of(const json_t *component, const char *release)
{
	json_t *report;
	size_t i;

	json_array_foreach(json_object_get(component, "Reports"), i, report)
		if (strcmp(json_text(report, "Release"), release) == 0)
			return report;
	return NULL;
}

/* Joins texts: "2016, 2019". */
static char *join(const json_t *texts)
{
	char *line = NULL;
	size_t size, i;
	json_t *text;
	FILE *to = open_memstream(&line, &size);

	if (!to)
		return NULL;
	json_array_foreach(texts, i, text)
		(void)fprintf(to, "%s%s", i ? ", " : "", json_string_text(text));
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
			const char *release = json_text(report, "Release");

			if (json_object_get(seen, release))
				continue;
			(void)json_object_set_new(seen, release, json_true());
			(void)json_array_append_new(known, json_string(release));
		}
	json_decref(seen);
	return known;
}

/* The releases that the table is true of: the chosen one, or those that fit the host. */
static int choose(const struct ctl *c, const json_t *facts, json_t **ret)
{
	_cleanup_(json_freep) json_t *known = known_releases(facts);
	const char *chosen = c->options->release;
	_cleanup_(freep) char *names = join(known);
	json_t *release;
	size_t i;

	if (!chosen) {
		release = json_object_get(facts, "HostReleases");
		*ret = json_is_array(release) ? json_incref(release) : json_array();
		return 0;
	}
	json_array_foreach(known, i, release)
		if (strcmp(json_string_text(release), chosen) == 0) {
			*ret = json_pack("[s]", chosen);
			return *ret ? 0 : print_no_memory();
		}
	return words_say(CTL_NO_SUCH_THING, "there is no release '%s', but: %s", chosen,
			 names ? names : "");
}

static bool report_equal(const json_t *a, const json_t *b)
{
	return strcmp(json_text(a, "PrimaryStatusDescription"), json_text(b, "PrimaryStatusDescription")) == 0 &&
	       strcmp(json_text(a, "SecondaryStatusDescription"),
		      json_text(b, "SecondaryStatusDescription")) == 0;
}

/* --- one component's row --- */

struct row {
	const char *primary, *secondary;
	const char *mark; /* of the least certain of the releases */
	enum colour colour;
};

static const struct {
	const char *certainty, *mark, *meaning;
} marks[] = {
	{ "certain", "", NULL },
	{ "inferred", "*", "inferred from public evidence; a real host may correct it" },
	{ "unknown", "?", "no public evidence; the likeliest value was taken" },
};

static size_t mark_of(const json_t *report)
{
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (strcmp(marks[i].certainty, json_text(report, "Certainty")) == 0)
			return i;
	return ARRAY_LEN(marks) - 1;
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

static struct row row_of(const json_t *component, const json_t *releases, size_t *weakest)
{
	const json_t *report = NULL;
	struct row row = { .primary = "-", .secondary = "" };
	size_t i, mark = 0;
	json_t *release;

	json_array_foreach(releases, i, release) {
		const json_t *one = report_of(component, json_string_text(release));

		if (i == 0)
			report = one;
		if (one && mark_of(one) > mark)
			mark = mark_of(one);
	}
	if (report) {
		row.primary = json_text(report, "PrimaryStatusDescription");
		row.secondary = json_text(report, "SecondaryStatusDescription");
		*weakest = mark > *weakest ? mark : *weakest;
	}
	row.mark = marks[mark].mark;
	row.colour = colour_of(row.primary, row.secondary);
	return row;
}

static void add_marked(struct grid *g, bool below, const struct row *row, const char *text)
{
	_cleanup_(freep) char *marked = NULL;

	if (asprintf(&marked, "%s%s", text, *text ? row->mark : "") < 0)
		marked = NULL;
	if (!marked)
		g->failed = true;
	else if (below)
		grid_add_below(g, row->colour, marked);
	else
		grid_add(g, row->colour, marked);
}

/* "1.0 3.0 / 1.0 3.0 4.0", or "-". */
static char *offered_text(const json_t *component)
{
	_cleanup_(freep) char *framework = json_line(json_object_get(component, "OfferedFramework"));
	_cleanup_(freep) char *message = json_line(json_object_get(component, "OfferedMessage"));
	char *both;

	if (!framework || !message)
		return NULL;
	if (!*framework && !*message)
		return strdup("-");
	return asprintf(&both, "%s / %s", framework, message) < 0 ? NULL : both;
}

/* --- the table, as wide as the terminal has room for --- */

enum layout {
	LAYOUT_WIDE,   /* all in one row */
	LAYOUT_MIDDLE, /* the sentence below */
	LAYOUT_NARROW, /* what is offered below, too */
	LAYOUTS
};

static const struct grid_column columns[] = {
	{ .title = "VMName", .least = 6 },
	{ .title = "Name" },
	{ .title = "Enabled" },
	{ .title = "PrimaryStatusDescription" },
	{ .title = "Agreed" },
	{ .title = "Offered", .least = 23 },
	{ .title = "SecondaryStatusDescription", .least = 40, .is_broken = true },
};

static const struct {
	size_t columns, below;
} layouts[LAYOUTS] = {
	[LAYOUT_WIDE] = { 7, 0 },
	[LAYOUT_MIDDLE] = { 6, 1 },
	[LAYOUT_NARROW] = { 5, 2 },
};

static void add_row(struct grid *g, enum layout layout, const json_t *facts, const json_t *component,
		    const struct row *row)
{
	const char *vm_name = json_text(facts, "VirtualMachineName");
	bool is_offered = strcmp(json_text(component, "State"), "absent") != 0;
	_cleanup_(freep) char *offered = offered_text(component), *below = NULL;
	char agreed[FACTS_AGREED_SIZE];
	enum colour colour;

	(void)facts_agreed(component, agreed, &colour);
	grid_add(g, COLOUR_PLAIN, *vm_name ? vm_name : "-");
	grid_add(g, COLOUR_PLAIN, json_text(component, "Title"));
	grid_add(g, COLOUR_PLAIN, is_offered ? "True" : "-");
	add_marked(g, false, row, row->primary);
	grid_add(g, colour, agreed);
	if (layout != LAYOUT_NARROW)
		grid_add(g, COLOUR_PLAIN, offered ? offered : "-");
	add_marked(g, layout != LAYOUT_WIDE, row, row->secondary);
	if (layout != LAYOUT_NARROW)
		return;
	if (offered && strcmp(offered, "-") != 0 && asprintf(&below, "offered: %s", offered) < 0)
		below = NULL;
	grid_add_below(g, COLOUR_DIM, below ? below : "");
}

static int print_table(const struct ctl *c, const json_t *facts, const json_t *releases,
		       size_t *weakest)
{
	struct grid_look look = print_look(c);

	look.lead = "    ";
	for (enum layout layout = LAYOUT_WIDE;; layout++) {
		struct grid g = { .columns = columns, .n_columns = layouts[layout].columns,
				  .n_below = layouts[layout].below };
		json_t *component;
		size_t i;
		int r = 0;

		json_array_foreach(json_object_get(facts, "Components"), i, component) {
			struct row row = row_of(component, releases, weakest);

			add_row(&g, layout, facts, component, &row);
		}
		if (!g.failed && layout + 1 < LAYOUTS && !grid_fits(&g, &c->out, &look)) {
			grid_done(&g);
			continue;
		}
		r = grid_print(&g, &c->out, &look);
		grid_done(&g);
		return r < 0 ? print_no_memory() : 0;
	}
}

/* --- above and below it --- */

static const char *title_of(const json_t *facts)
{
	json_t *profile;
	size_t i;

	json_array_foreach(json_object_get(facts, "Profiles"), i, profile)
		if (strcmp(json_text(profile, "Name"), json_text(facts, "Profile")) == 0)
			return json_text(profile, "Title");
	return "";
}

static bool any_offer(const json_t *facts)
{
	json_t *component;
	size_t i;

	json_array_foreach(json_object_get(facts, "Components"), i, component)
		if (json_array_size(json_object_get(component, "OfferedMessage")) > 0)
			return true;
	return false;
}

__attribute__((format(printf, 3, 4))) static void print_field(const struct ctl *c, const char *lead,
							      const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (text)
		print_paragraph(c, lead, text);
}

static void print_above(const struct ctl *c, const json_t *facts, const json_t *releases)
{
	_cleanup_(freep) char *names = join(releases);
	const char *title = title_of(facts);

	print_field(c, "  vmicd: ", "%s, %s%s", json_text(facts, "Version"), json_text(facts, "Transport"),
		    json_is_true(json_object_get(facts, "DryRun")) ? ", a dry run" : "");
	print_field(c, "Profile: ", "%s%s%s", json_text(facts, "Profile"), *title ? ": " : "", title);
	print_field(c, " Health: ", "%s", json_text(facts, "ApplicationState"));
	if (c->options->release)
		print_field(c, "   Host: ", "of release %s, as was asked", c->options->release);
	else if (json_array_size(releases) > 0)
		print_field(c, "   Host: ", "offers what a host of release %s offers", names ? names : "");
	else if (any_offer(facts))
		print_field(c, "   Host: ", "offers what no known release offers, so that nothing is known of its "
			    "report; --release=2019 shows that of another");
	else
		print_field(c, "   Host: ", "has offered nothing yet; --release=2019 shows what one would report");
	(void)fputc('\n', c->out.to);
}

/* Releases that fit the host and would not report all of this. */
static void print_others(const struct ctl *c, const json_t *facts, const json_t *releases)
{
	const char *first = json_string_text(json_array_get(releases, 0));
	json_t *release, *component;
	size_t i, j;

	json_array_foreach(releases, i, release)
		json_array_foreach(json_object_get(facts, "Components"), j, component) {
			const char *other = json_string_text(release);

			if (report_equal(report_of(component, first), report_of(component, other)))
				continue;
			print_field(c, "", "A host of release %s reports something else of %s: --release=%s shows it.",
				    other, json_text(component, "Title"), other);
		}
}

static void print_remarks(const struct ctl *c, const json_t *facts)
{
	json_t *component;
	size_t i;

	json_array_foreach(json_object_get(facts, "Components"), i, component) {
		const char *title = json_text(component, "Title"), *error = json_text(component, "LastError");
		char when[MOMENT_SIZE];

		if (strcmp(json_text(component, "Outcome"), "forced") == 0)
			print_field(c, "", "%s: the configuration forces an answer, for testing hosts only.", title);
		else if (json_is_true(json_object_get(component, "Overridden")))
			print_field(c, "", "%s: the configuration overrides the profile.", title);
		if (*error)
			print_field(c, "", "%s, %s: %s", title,
				    moment_local((uint64_t)json_number(component, "LastErrorTimestamp"), when), error);
	}
}

static void print_marks(const struct ctl *c, size_t weakest)
{
	for (size_t i = 1; i <= weakest; i++)
		print_field(c, "", "%s %s", marks[i].mark, marks[i].meaning);
}

static int print_text_form(struct ctl *c, const json_t *facts, const json_t *releases)
{
	bool bare = c->options->no_legend;
	size_t weakest = 0;
	int status;

	if (!bare)
		print_above(c, facts, releases);
	status = print_table(c, facts, releases, &weakest);
	if (status)
		return status;
	if (!bare) {
		(void)fputc('\n', c->out.to);
		print_marks(c, weakest);
		print_others(c, facts, releases);
		print_remarks(c, facts);
	}
	return print_end(c, CTL_DONE);
}

int verb_status(struct ctl *c, char **arguments)
{
	_cleanup_(json_freep) json_t *facts = NULL, *releases = NULL;
	int status = facts_read(c, &facts);

	(void)arguments;
	if (status == 0)
		status = choose(c, facts, &releases);
	if (status)
		return status;
	if (!c->options->json)
		return print_text_form(c, facts, releases);
	if (json_object_set(facts, "ReportedBy", releases) < 0)
		return print_no_memory();
	return print_json(c, json_incref(facts));
}
