/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/report.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/terminal/text.h"
#include "tests/host/report_json.h"
#include "tests/host/report_wmi.h"
#include "tests/host/version.h"
#include "tests/host/wire.h"

#define CELL_SIZE 256
/* Below this the last column would be a ragged one of a few words. */
#define LEAST_WIDE 90
#define BELOW "    "

enum colour report_colour(enum result result)
{
	static const enum colour colours[RESULT_MAX] = {
		[RESULT_OK] = COLOUR_GREEN,       [RESULT_MISMATCH] = COLOUR_YELLOW,
		[RESULT_NO_COMMON] = COLOUR_RED,  [RESULT_LOST] = COLOUR_RED,
		[RESULT_NO_CONTACT] = COLOUR_DIM, [RESULT_DISABLED] = COLOUR_DIM,
		[RESULT_ABSENT] = COLOUR_DIM,     [RESULT_OFF] = COLOUR_DIM,
	};

	return colours[result];
}

const char *report_mark(enum certainty certainty)
{
	static const char *const marks[] = {
		[CERTAIN] = "", [INFERRED] = "*", [UNKNOWN] = "?"
	};

	return marks[certainty];
}

void report_print_marks(const struct terminal *t, enum certainty weakest)
{
	if (weakest == CERTAIN)
		return;
	(void)fputc('\n', t->to);
	terminal_paragraph(t, COLOUR_DIM, "* ",
			   "inferred from public evidence; a real host may correct it");
	if (weakest == UNKNOWN)
		terminal_paragraph(t, COLOUR_DIM, "? ",
				   "no public evidence; the likeliest value was taken");
}

/* One row of the table. The texts are kept until the table is printed. */
struct row {
	char primary[CELL_SIZE], secondary[CELL_SIZE];
	struct verdict verdict;
};

static void row_fill(struct row *row)
{
	const struct verdict *v = &row->verdict;
	const char *second = v->n_status > 1 ? judge_status_text(v->status[1]) : "";

	row->secondary[0] = '\0';
	(void)snprintf(row->primary, sizeof(row->primary), "%s%s",
		       v->n_status ? judge_status_text(v->status[0]) : "",
		       v->n_status ? report_mark(v->certainty) : "");
	/* A status without a published text still has a number; nothing at all may be in doubt. */
	if (v->n_status > 1 && *second)
		(void)snprintf(row->secondary, sizeof(row->secondary), "%s%s", second,
			       report_mark(v->second_certainty));
	else if (v->n_status > 1)
		(void)snprintf(row->secondary, sizeof(row->secondary), "(%u)%s", v->status[1],
			       report_mark(v->second_certainty));
	else if (v->n_status && v->second_certainty > v->certainty)
		(void)snprintf(row->secondary, sizeof(row->secondary), "%s",
			       report_mark(v->second_certainty));
}

static void print_table(const struct release *release, const struct guest_facts *facts,
			const struct terminal *t, enum certainty *weakest)
{
	static const char *const titles[] = { "VMName", "Name", "Enabled",
					      "PrimaryStatusDescription",
					      "SecondaryStatusDescription" };
	struct row rows[COMPONENT_MAX];
	struct table_cell below[COMPONENT_MAX];
	struct table_cell cells[COMPONENT_MAX * ARRAY_LEN(titles)], *cell = cells;
	char vm_name[CELL_SIZE];
	bool narrow = t->width && t->width < LEAST_WIDE;
	size_t columns = ARRAY_LEN(titles) - narrow, n = 0;

	(void)text_escape(facts->vm_name, vm_name, sizeof(vm_name));
	for (enum component c = 0; c < COMPONENT_MAX; c++) {
		struct row *row = &rows[n];
		enum colour colour;

		judge_component(release, facts, c, &row->verdict);
		if (row->verdict.result == RESULT_ABSENT)
			continue;
		row_fill(row);
		if (row->verdict.n_status) {
			*weakest = certainty_weaker(*weakest, row->verdict.certainty);
			*weakest = certainty_weaker(*weakest, row->verdict.second_certainty);
		}
		colour = report_colour(row->verdict.result);
		*cell++ = (struct table_cell){ vm_name, COLOUR_PLAIN };
		*cell++ = (struct table_cell){ component_table[c].name, COLOUR_PLAIN };
		*cell++ = (struct table_cell){ facts->component[c].enabled ? "True" : "False",
					       COLOUR_PLAIN };
		*cell++ = (struct table_cell){ row->primary, colour };
		if (narrow)
			below[n] = (struct table_cell){ row->secondary, colour };
		else
			*cell++ = (struct table_cell){ row->secondary, colour };
		n++;
	}
	terminal_table_below(t, titles, columns, cells, n, below, narrow, BELOW);
}

/* As the table of releases calls them. */
static const char *const short_names[COMPONENT_MAX] = {
	[COMPONENT_GUEST_SERVICE] = "Copy", [COMPONENT_HEARTBEAT] = "Heartbeat",
	[COMPONENT_KVP] = "KVP",            [COMPONENT_SHUTDOWN] = "Shutdown",
	[COMPONENT_TIMESYNC] = "TimeSync",  [COMPONENT_VSS] = "VSS",
};

static void format_pair(struct version_pair pair, char ret[static 2 * VERSION_TEXT_SIZE])
{
	char framework[VERSION_TEXT_SIZE], message[VERSION_TEXT_SIZE];

	(void)snprintf(ret, 2 * VERSION_TEXT_SIZE, "%s/%s",
		       version_format(pair.framework, framework),
		       version_format(pair.message, message));
}

static size_t agreed_format(const struct release *release, const struct guest_facts *facts,
			    enum component c, char *ret, size_t size)
{
	const struct component_facts *f = &facts->component[c];
	char is[2 * VERSION_TEXT_SIZE], expected[2 * VERSION_TEXT_SIZE];
	struct verdict v;

	judge_component(release, facts, c, &v);
	if (v.result != RESULT_OK && v.result != RESULT_MISMATCH)
		return 0;
	format_pair(f->answered, is);
	format_pair(release->component[c].expected, expected);
	return (size_t)snprintf(ret, size, "%s %s%s%s%s", short_names[c], is,
				v.result == RESULT_MISMATCH ? " (expects " : "",
				v.result == RESULT_MISMATCH ? expected : "",
				v.result == RESULT_MISMATCH ? ")" : "");
}

/* Who speaks, what it has agreed on (framework/message), and what it did on purpose. */
static void print_host(const struct release *release, const struct guest_facts *facts,
		       const struct terminal *t)
{
	char text[1024] = "", escaped[4 * sizeof(facts->faults)];
	size_t used = (size_t)snprintf(text, sizeof(text), "%s; agreed:", release->title);
	size_t none = used;

	for (enum component c = 0; c < COMPONENT_MAX; c++) {
		char one[128];

		if (agreed_format(release, facts, c, one, sizeof(one)))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s",
						 used > none ? "," : "", one);
	}
	if (used == none)
		(void)snprintf(text + used, sizeof(text) - used, " nothing");
	terminal_paragraph(t, COLOUR_PLAIN, "", text);
	if (*facts->faults)
		terminal_paragraph(t, COLOUR_PLAIN, "Faults: ",
				   text_escape(facts->faults, escaped, sizeof(escaped)));
	(void)fputc('\n', t->to);
}

static void print_heading(const struct terminal *t, const char *text)
{
	terminal_text(t, COLOUR_BOLD, text);
	(void)fputc('\n', t->to);
}

/* One line an event where nothing is broken, so that a search finds all of it. */
static void print_event(const struct terminal *t, const struct host_event *event)
{
	char text[2 * sizeof(event->text)], id[16] = "?";

	if (event->id)
		(void)snprintf(id, sizeof(id), "%u", event->id);
	(void)text_escape(event->text, text, sizeof(text));
	(void)fprintf(t->to, "%-4s  ", id);
	terminal_text(t, COLOUR_YELLOW, event->source);
	(void)fprintf(t->to, "%s%s", report_mark(event->certainty), t->width ? "\n" : "");
	terminal_paragraph(t, COLOUR_PLAIN, t->width ? "      " : "  ", text);
}

#define EVENT_LOG "Event log: Microsoft-Windows-Hyper-V-Integration/Admin"

/* Returns how many there are. */
static unsigned print_events(const struct release *release, const struct guest_facts *facts,
			     const struct terminal *t, const char *heading,
			     enum certainty *weakest)
{
	unsigned n = 0;

	for (enum component c = 0; c < COMPONENT_MAX; c++) {
		struct host_event event;

		if (judge_event(release, facts, c, &event) == 0)
			continue;
		if (n++ == 0)
			print_heading(t, heading);
		print_event(t, &event);
		*weakest = certainty_weaker(*weakest, event.certainty);
	}
	return n;
}

/* A verdict whose reason no status and no event tells. */
static bool verdict_wants_reason(const struct release *release, const struct verdict *v,
				 const struct component_facts *facts)
{
	return v->result == RESULT_NO_COMMON || v->result == RESULT_LOST ||
	       (v->result == RESULT_MISMATCH && !release->event_names_versions) ||
	       (v->result == RESULT_NO_CONTACT && facts->opened);
}

static void print_reasons(const struct release *release, const struct guest_facts *facts,
			  const struct terminal *t)
{
	bool any = false;

	for (enum component c = 0; c < COMPONENT_MAX; c++) {
		char lead[CELL_SIZE];
		struct verdict v;

		judge_component(release, facts, c, &v);
		if (!verdict_wants_reason(release, &v, &facts->component[c]))
			continue;
		if (!any)
			print_heading(t, "\nWhy");
		any = true;
		(void)snprintf(lead, sizeof(lead), "%s: ", component_table[c].name);
		terminal_paragraph(t, COLOUR_PLAIN, lead, v.why);
	}
}

static void print_value(const struct terminal *t, const char *name, enum colour colour,
			const char *value, enum certainty certainty)
{
	char escaped[1024];

	(void)fprintf(t->to, "%-26s :%s", name, *value ? " " : "");
	terminal_text(t, colour, text_escape(value, escaped, sizeof(escaped)));
	(void)fprintf(t->to, "%s\n", *value ? report_mark(certainty) : "");
}

static void print_vm(const struct release *release, const struct guest_facts *facts,
		     const struct terminal *t, enum certainty *weakest)
{
	struct judged_value heartbeat = judge_heartbeat(release, facts);
	struct judged_value state = judge_integration_state(release, facts);
	bool fine = strncmp(heartbeat.value, "Ok", 2) == 0;

	print_heading(t, "\nGet-VM");
	print_value(t, "State", COLOUR_PLAIN, facts->running ? "Running" : "Off", CERTAIN);
	print_value(t, "Heartbeat", fine ? COLOUR_GREEN : COLOUR_PLAIN, heartbeat.value,
		    heartbeat.certainty);
	print_value(t, "IntegrationServicesState", COLOUR_PLAIN, state.value, state.certainty);
	print_value(t, "IntegrationServicesVersion", COLOUR_PLAIN, judge_integration_version(facts),
		    CERTAIN);
	if (*heartbeat.value)
		*weakest = certainty_weaker(*weakest, heartbeat.certainty);
	if (*state.value)
		*weakest = certainty_weaker(*weakest, state.certainty);
}

/* What was done with the components beyond negotiating: a status alone does not prove use. */
static void print_use(const struct guest_facts *facts, const struct terminal *t)
{
	char text[1024] = "";
	size_t used = 0;

	for (enum component c = 0; c < COMPONENT_MAX && used < sizeof(text); c++) {
		const struct component_facts *f = &facts->component[c];

		if (f->requests == 0)
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %u/%u",
					 used ? ", " : "", component_table[c].name, f->answers,
					 f->requests);
		if (f->failures && used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used,
						 " (%u answered with a failure status)",
						 f->failures);
	}
	if (!used && facts->shutdown == SHUTDOWN_NOT_ASKED)
		return;
	print_heading(t, "\nWhat was tried");
	if (used)
		terminal_paragraph(t, COLOUR_PLAIN, "Requests answered          : ", text);
}

static void print_shutdown(const struct guest_facts *facts, const struct terminal *t)
{
	static const char *const texts[] = {
		[SHUTDOWN_NOT_ASKED] = NULL,
		[SHUTDOWN_NOT_AGREED] = "not sent, the guest has not agreed on the component",
		[SHUTDOWN_UNANSWERED] = "not answered",
		[SHUTDOWN_ANSWERED] = "answered",
	};
	const char *text = texts[facts->shutdown];
	const char *status = wire_status_name(facts->shutdown_status);

	if (!text)
		return;
	(void)fprintf(t->to, "Shutdown request           : %s", text);
	if (facts->shutdown == SHUTDOWN_ANSWERED)
		(void)fprintf(t->to, ", status %s (0x%08x)", status ? status : "unknown",
			      facts->shutdown_status);
	(void)fputc('\n', t->to);
}

static void print_violation(const struct terminal *t, const char *whose, unsigned n,
			    const char *last)
{
	char lead[CELL_SIZE], escaped[4 * sizeof(((struct guest_facts *)NULL)->violation)];

	(void)snprintf(lead, sizeof(lead), "%s, %u %s: ", whose, n,
		       n == 1 ? "time" : "times, last");
	terminal_paragraph(t, COLOUR_RED, lead, text_escape(last, escaped, sizeof(escaped)));
}

static void print_violations(const struct guest_facts *facts, const struct terminal *t)
{
	unsigned n = facts->violations;

	for (enum component c = 0; c < COMPONENT_MAX; c++)
		n += facts->component[c].violations;
	if (n == 0)
		return;
	print_heading(t, "\nThe guest broke the contract");
	if (facts->violations)
		print_violation(t, "Link", facts->violations, facts->violation);
	for (enum component c = 0; c < COMPONENT_MAX; c++) {
		const struct component_facts *f = &facts->component[c];

		if (f->violations)
			print_violation(t, component_table[c].name, f->violations, f->violation);
	}
}

/* A real host lists only what it has. */
static void print_absent(const struct release *release, const struct guest_facts *facts,
			 const struct terminal *t)
{
	char text[CELL_SIZE];
	size_t used = 0;

	for (enum component c = 0; c < COMPONENT_MAX && used < sizeof(text); c++) {
		struct verdict v;

		judge_component(release, facts, c, &v);
		if (v.result == RESULT_ABSENT)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 used ? ", " : "", component_table[c].name);
	}
	if (!used)
		return;
	(void)fprintf(t->to, "\n");
	(void)fprintf(t->to, "%s does not have: %s\n", release->title, text);
}

static int report_print_table(const struct release *release, const struct guest_facts *facts,
			      const struct terminal *t)
{
	enum certainty weakest = CERTAIN;

	print_host(release, facts, t);
	print_table(release, facts, t, &weakest);
	print_absent(release, facts, t);
	(void)print_events(release, facts, t, "\n" EVENT_LOG, &weakest);
	print_reasons(release, facts, t);
	print_vm(release, facts, t, &weakest);
	print_use(facts, t);
	print_shutdown(facts, t);
	print_violations(facts, t);
	report_print_marks(t, weakest);
	if (release->remark) {
		(void)fputc('\n', t->to);
		terminal_paragraph(t, COLOUR_DIM, "", release->remark);
	}
	return 0;
}

static int report_print_events(const struct release *release, const struct guest_facts *facts,
			       const struct terminal *t)
{
	enum certainty weakest = CERTAIN;

	if (print_events(release, facts, t, EVENT_LOG, &weakest) == 0)
		(void)fprintf(t->to, "The host writes no event about this guest.\n");
	report_print_marks(t, weakest);
	return 0;
}

int report_print(enum report_form form, const struct release *release,
		 const struct guest_facts *facts, const struct terminal *t)
{
	static int (*const forms[REPORT_FORMS])(const struct release *, const struct guest_facts *,
						const struct terminal *) = {
		[REPORT_TABLE] = report_print_table,
		[REPORT_EVENTS] = report_print_events,
		[REPORT_WMI] = report_print_wmi,
		[REPORT_JSON] = report_print_json,
	};
	int r = forms[form](release, facts, t);

	if (r < 0)
		return r;
	return fflush(t->to) == 0 && !ferror(t->to) ? 0 : -EIO;
}
