/* SPDX-License-Identifier: GPL-2.0-only */
/* vmicctl status: the table that a host shows for this guest. */
#include <stdio.h>
#include <string.h>

#include "daemon/ctl/facts.h"
#include "daemon/ctl/moment.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/report.h"
#include "daemon/ctl/verb.h"

static void add_marked(struct grid *g, bool below, const struct report *report, const char *text)
{
	const char *mark = *text ? report_marks[report->mark].mark : "";
	_cleanup_(freep) char *marked = NULL;

	if (asprintf(&marked, "%s%s", text, mark) < 0)
		marked = NULL;
	if (!marked)
		g->failed = true;
	else if (below)
		grid_add_below(g, report_colour(report), marked);
	else
		grid_add(g, report_colour(report), marked);
}

/* "1.0 3.0 / 1.0 3.0 4.0", or "-". */
static char *offered_text(const json_t *component)
{
	_cleanup_(freep) char *framework = value_line(json_object_get(component, "OfferedFramework"));
	_cleanup_(freep) char *message = value_line(json_object_get(component, "OfferedMessage"));
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
	{ .title = "VMName", .least = 9 },
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
		    const struct report *report)
{
	const char *vm_name = member_text(facts, "VirtualMachineName");
	bool is_offered = strcmp(member_text(component, "State"), "absent") != 0;
	_cleanup_(freep) char *offered = offered_text(component), *below = NULL;
	char agreed[FACTS_AGREED_SIZE];
	enum colour colour;

	(void)facts_agreed(component, agreed, &colour);
	grid_add(g, COLOUR_PLAIN, *vm_name ? vm_name : "-");
	grid_add(g, COLOUR_PLAIN, member_text(component, "Title"));
	grid_add(g, COLOUR_PLAIN, is_offered ? "True" : "-");
	add_marked(g, false, report, *report->primary ? report->primary : "-");
	grid_add(g, colour, agreed);
	if (layout != LAYOUT_NARROW)
		grid_add(g, COLOUR_PLAIN, offered ? offered : "-");
	add_marked(g, layout != LAYOUT_WIDE, report, report->secondary);
	if (layout != LAYOUT_NARROW)
		return;
	if (offered && strcmp(offered, "-") != 0 && asprintf(&below, "offered: %s", offered) < 0)
		below = NULL;
	grid_add_below(g, COLOUR_DIM, below ? below : "");
}

static bool is_asked(const struct ctl *c)
{
	return c->options->release != NULL;
}

/* *weakest: of all that is printed. */
static int print_table(const struct ctl *c, const json_t *facts, const json_t *releases,
		       enum report_certainty *weakest)
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
			struct report report;

			if (!report_may_be_known(component))
				continue;
			report = report_of_component(component, releases, is_asked(c));
			if (report.mark > *weakest)
				*weakest = report.mark;
			add_row(&g, layout, facts, component, &report);
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
		if (strcmp(member_text(profile, "Name"), member_text(facts, "Profile")) == 0)
			return member_text(profile, "Title");
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
	_cleanup_(freep) char *names = report_join(releases);
	const char *title = title_of(facts);

	print_field(c, "  vmicd: ", "%s, %s%s", member_text(facts, "Version"), member_text(facts, "Transport"),
		    json_is_true(json_object_get(facts, "DryRun")) ? ", a dry run" : "");
	print_field(c, "Profile: ", "%s%s%s", member_text(facts, "Profile"), *title ? ": " : "", title);
	print_field(c, " Health: ", "%s", member_text(facts, "ApplicationState"));
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

/* A paragraph below the table, which a blank line parts from the first. */
__attribute__((format(printf, 3, 4))) static void remark(const struct ctl *c, bool *any,
							 const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (!text)
		return;
	if (!*any)
		(void)fputc('\n', c->out.to);
	*any = true;
	print_paragraph(c, "", text);
}

/* Releases that fit the host and would not report all of this. */
static void remark_others(const struct ctl *c, const json_t *facts, const json_t *releases, bool *any)
{
	const char *first = value_text(json_array_get(releases, 0));
	json_t *release, *component;
	size_t i, j;

	json_array_foreach(releases, i, release)
		json_array_foreach(json_object_get(facts, "Components"), j, component) {
			const char *other = value_text(release);

			if (report_is_of_answer(component, is_asked(c)) && report_is_other(component, other, first))
				remark(c, any, "A host of release %s reports something else of %s: --release=%s shows "
				       "it.", other, member_text(component, "Title"), other);
		}
}

/* What somebody who sees the sentence for the first time wants to know. */
static void remark_mismatch(const struct ctl *c, const json_t *facts, const json_t *releases, bool *any)
{
	json_t *component;
	size_t i;

	json_array_foreach(json_object_get(facts, "Components"), i, component) {
		struct report report = report_of_component(component, releases, is_asked(c));

		if (report_is_mismatch(&report) &&
		    strcmp(member_text(component, "Outcome"), "agreed") == 0) {
			remark(c, any, "The mismatch is by design and safe to ignore (KB4014894): the profile answers "
			       "an older version. 'vmicctl profile newest' does not.");
			return;
		}
	}
}

static void remark_component(const struct ctl *c, const json_t *component, bool *any)
{
	const char *title = member_text(component, "Title"), *error = member_text(component, "LastError");
	uint64_t usec = (uint64_t)member_number(component, "LastErrorTimestamp");
	char when[MOMENT_SIZE];

	if (strcmp(member_text(component, "Outcome"), "forced") == 0)
		remark(c, any, "%s: the configuration forces an answer, for testing hosts only.", title);
	else if (json_is_true(json_object_get(component, "Overridden")))
		remark(c, any, "%s: the configuration overrides the profile.", title);
	if (*error)
		remark(c, any, "%s, %s: %s", title, moment_local(usec, when), error);
}

static void print_below(const struct ctl *c, const json_t *facts, const json_t *releases,
			enum report_certainty weakest)
{
	bool any = false;
	json_t *component;
	size_t i;

	for (i = REPORT_INFERRED; i <= weakest; i++)
		remark(c, &any, "%s %s", report_marks[i].mark, report_marks[i].meaning);
	remark_mismatch(c, facts, releases, &any);
	remark_others(c, facts, releases, &any);
	json_array_foreach(json_object_get(facts, "Components"), i, component)
		remark_component(c, component, &any);
}

static int print_text_form(struct ctl *c, const json_t *facts, const json_t *releases)
{
	bool bare = c->options->no_legend;
	enum report_certainty weakest = REPORT_CERTAIN;
	int status;

	if (!bare)
		print_above(c, facts, releases);
	status = print_table(c, facts, releases, &weakest);
	if (status)
		return status;
	if (!bare)
		print_below(c, facts, releases, weakest);
	return print_end(c, CTL_DONE);
}

int verb_status(struct ctl *c, char **arguments)
{
	_cleanup_(value_freep) json_t *facts = NULL, *releases = NULL;
	int status = facts_read(c, &facts);

	(void)arguments;
	if (status == 0)
		status = report_choose(c, facts, &releases);
	if (status)
		return status;
	if (!c->options->json)
		return print_text_form(c, facts, releases);
	if (json_object_set(facts, "ReportedBy", releases) < 0 ||
	    report_add_all(facts, releases, is_asked(c)) < 0)
		return print_no_memory();
	return print_json(c, json_incref(facts));
}
