/* SPDX-License-Identifier: GPL-2.0-only */
/* vmichost releases: the table of releases for people and programs. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/terminal/terminal.h"
#include "tests/host/release_json.h"
#include "tests/host/verb.h"
#include "tests/host/version.h"

struct settings {
	struct release_choice choice;
	bool json;
	unsigned width;
};

const struct option_info verb_releases_options[] = {
	{ "release", "RELEASE", "this one, with its evidence; may be given again",
	  option_add_release, offsetof(struct settings, choice) },
	{ "json", NULL, "as JSON, with the evidence", option_take_flag,
	  offsetof(struct settings, json) },
	{ "width", "N", "columns to print in; default: the terminal's", option_take_number,
	  offsetof(struct settings, width) },
	{ .name = NULL },
};

/* Directly behind the version, unlike in a report: a row of this table is as wide as a terminal. */
static const char *mark(enum certainty c)
{
	static const char *const marks[] = { [CERTAIN] = "", [INFERRED] = "*", [UNKNOWN] = "?" };

	return marks[c];
}

/* All six components of a release have the same framework versions. */
static const struct version_list *framework_of(const struct release *release)
{
	enum component c = 0;

	while (!release->component[c].offered)
		c++;
	return &release->component[c].framework;
}

static enum colour certainty_colour(const struct release_offer *offer)
{
	static const enum colour colours[] = {
		[CERTAIN] = COLOUR_GREEN, [INFERRED] = COLOUR_PLAIN, [UNKNOWN] = COLOUR_DIM
	};

	return offer->offered ? colours[offer->certainty] : COLOUR_DIM;
}

#define CELL_SIZE 48
#define RELEASES_MAX ARRAY_LEN(((struct release_choice *)NULL)->release)

static void print_all(const struct terminal *t)
{
	static const char *const titles[] = { "Release", "VMBus", "Frame",    "Heartbeat", "KVP",
					      "Shutdown", "TimeSync", "VSS", "Copy" };
	static const enum component order[] = { COMPONENT_HEARTBEAT, COMPONENT_KVP,
						COMPONENT_SHUTDOWN,  COMPONENT_TIMESYNC,
						COMPONENT_VSS,       COMPONENT_GUEST_SERVICE };
	struct table_cell cells[RELEASES_MAX * ARRAY_LEN(titles)], *cell = cells;
	char texts[ARRAY_LEN(cells)][CELL_SIZE], list[CELL_SIZE - 2], (*text)[CELL_SIZE] = texts;

	assert(release_count <= RELEASES_MAX);
	for (size_t i = 0; i < release_count; i++) {
		const struct release *release = &release_table[i];

		*cell++ = (struct table_cell){ release->key, COLOUR_BOLD };
		(void)snprintf(*text, CELL_SIZE, "%u.%u%s", release->vmbus.major,
			       release->vmbus.minor, mark(release->vmbus_certainty));
		*cell++ = (struct table_cell){ *text++, COLOUR_PLAIN };
		*cell++ = (struct table_cell){
			version_list_format(framework_of(release), *text, CELL_SIZE), COLOUR_PLAIN
		};
		text++;
		for (size_t k = 0; k < ARRAY_LEN(order); k++) {
			const struct release_offer *offer = &release->component[order[k]];

			(void)version_list_format(&offer->message, list, sizeof(list));
			(void)snprintf(*text, CELL_SIZE, "%s%s", offer->offered ? list : "-",
				       offer->offered ? mark(offer->certainty) : "");
			*cell++ = (struct table_cell){ *text++, certainty_colour(offer) };
		}
	}
	terminal_table(t, titles, ARRAY_LEN(titles), cells, release_count);
	(void)fputc('\n', t->to);
	terminal_paragraph(t, COLOUR_PLAIN, "",
			   "Offered message versions, lowest first; the host expects the last: "
			   "only that is plain OK. Frame: framework versions. - not offered.");
	terminal_paragraph(t, COLOUR_PLAIN, "",
			   "That the last is expected: unmarked is certain, * inferred, ? unknown. "
			   "Of most lists the lower ends are unknown. "
			   "\"--release RELEASE\" names the evidence.");
}

static void print_one(const struct release *release, const struct terminal *t)
{
	static const char *const titles[] = { "Name", "Offered", "Expected", "Known", "Evidence" };
	struct table_cell cells[COMPONENT_MAX * ARRAY_LEN(titles)], *cell = cells;
	char offered[COMPONENT_MAX][CELL_SIZE], expected[COMPONENT_MAX][VERSION_TEXT_SIZE];

	(void)fprintf(t->to, "%s, VMBus %u.%u%s, framework %s; a mismatch is shown as %s%s.\n\n",
		      release->title, release->vmbus.major, release->vmbus.minor,
		      mark(release->vmbus_certainty),
		      version_list_format(framework_of(release), offered[0], CELL_SIZE),
		      release->mismatch_degrades ? "Degraded" : "OK",
		      mark(release->mismatch_certainty));
	for (enum component c = 0; c < COMPONENT_MAX; c++) {
		const struct release_offer *offer = &release->component[c];

		*cell++ = (struct table_cell){ component_table[c].name, COLOUR_PLAIN };
		(void)snprintf(expected[c], VERSION_TEXT_SIZE, "-");
		(void)version_list_format(&offer->message, offered[c], CELL_SIZE);
		if (offer->offered)
			(void)version_format(offer->expected.message, expected[c]);
		*cell++ = (struct table_cell){ offer->offered ? offered[c] : "-", COLOUR_PLAIN };
		*cell++ = (struct table_cell){ expected[c], certainty_colour(offer) };
		*cell++ = (struct table_cell){ certainty_name(offer->certainty),
					       certainty_colour(offer) };
		*cell++ = (struct table_cell){ offer->source, COLOUR_PLAIN };
	}
	terminal_table(t, titles, ARRAY_LEN(titles), cells, COMPONENT_MAX);
	if (release->remark)
		terminal_paragraph(t, COLOUR_DIM, "\n", release->remark);
}

static int print_json(const struct release_choice *choice)
{
	json_t *array = json_array();
	int r = 0;

	for (size_t i = 0; i < choice->n && r == 0; i++)
		r = json_array_append_new(array, release_row_to_json(choice->release[i]));
	if (r == 0)
		r = json_dumpf(array, stdout, JSON_INDENT(2));
	json_decref(array);
	(void)fputc('\n', stdout);
	return r < 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int print_text(const struct release_choice *choice, bool all, unsigned width)
{
	struct terminal t = terminal_of(stdout);

	if (width)
		t.width = width;
	if (all)
		print_all(&t);
	for (size_t i = 0; !all && i < choice->n; i++) {
		if (i)
			(void)fputc('\n', stdout);
		print_one(choice->release[i], &t);
	}
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int verb_run_releases(const struct verb *verb, int argc, char **argv)
{
	struct settings settings = { .json = false };
	int status, first = verb_parse(verb, argc, argv, &settings, &status);
	bool all;

	if (first < 0)
		return status;
	if (first < argc)
		return verb_surplus(verb, argv[first]);
	all = settings.choice.n == 0;
	release_choice_complete(&settings.choice);
	return settings.json ? print_json(&settings.choice) :
			       print_text(&settings.choice, all, settings.width);
}
