/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/matrix_print.h"

#include <errno.h>
#include <string.h>

#include "tests/host/report.h"

/* In the order of enum component. */
static const char component_letters[COMPONENT_MAX + 1] = "GHKSTV";

static const struct {
	char letter;
	const char *text;
} results[RESULT_MAX] = {
	[RESULT_OK] = { 'o', "ok" },
	[RESULT_MISMATCH] = { 'M', "mismatch" },
	[RESULT_NO_COMMON] = { 'X', "no common version" },
	[RESULT_NO_CONTACT] = { '-', "no contact" },
	[RESULT_LOST] = { 'L', "lost contact" },
	[RESULT_DISABLED] = { 'd', "disabled" },
	[RESULT_ABSENT] = { '.', "not offered" },
	[RESULT_OFF] = { '0', "off" },
};

static size_t column_width(const char *profile)
{
	size_t len = strlen(profile);

	return len > COMPONENT_MAX ? len : COMPONENT_MAX;
}

static size_t release_width(const struct matrix *m)
{
	size_t width = 0;

	for (size_t i = 0; i < m->releases.n; i++) {
		size_t len = strlen(m->releases.release[i]->key);

		width = len > width ? len : width;
	}
	return width;
}

/* How many profiles from first on fit beside the releases; at least one. */
static size_t columns_that_fit(const struct matrix *m, const struct terminal *t, size_t first)
{
	size_t used = release_width(m), n = 0;

	while (first + n < m->n_profiles) {
		used += 1 + column_width(m->profiles[first + n]);
		if (n > 0 && t->width && used > t->width)
			break;
		n++;
	}
	return n;
}

static void print_cell(const struct terminal *t, const struct matrix_cell *cell, size_t width)
{
	if (!cell->ran) {
		terminal_text(t, COLOUR_RED, "failed");
	} else {
		for (enum component c = 0; c < COMPONENT_MAX; c++) {
			char letter[2] = { results[cell->result[c]].letter, '\0' };

			terminal_text(t, report_colour(cell->result[c]), letter);
		}
	}
	(void)fprintf(t->to, "%*s", (int)(width - COMPONENT_MAX), "");
}

static void print_head(const struct matrix *m, const struct terminal *t, size_t first, size_t n)
{
	(void)fprintf(t->to, "%*s", (int)release_width(m), "");
	for (size_t i = first; i < first + n; i++) {
		(void)fputc(' ', t->to);
		terminal_text(t, COLOUR_BOLD, m->profiles[i]);
		if (i + 1 < first + n)
			(void)fprintf(t->to, "%*s", (int)(column_width(m->profiles[i]) -
							  strlen(m->profiles[i])), "");
	}
	(void)fprintf(t->to, "\n%*s", (int)release_width(m), "");
	for (size_t i = first; i < first + n; i++) {
		(void)fputc(' ', t->to);
		terminal_text(t, COLOUR_DIM, component_letters);
		if (i + 1 < first + n)
			(void)fprintf(t->to, "%*s",
				      (int)(column_width(m->profiles[i]) - COMPONENT_MAX), "");
	}
	(void)fputc('\n', t->to);
}

static void print_rows(const struct matrix *m, const struct terminal *t, size_t first, size_t n)
{
	for (size_t row = 0; row < m->releases.n; row++) {
		const char *key = m->releases.release[row]->key;

		terminal_text(t, COLOUR_BOLD, key);
		(void)fprintf(t->to, "%*s", (int)(release_width(m) - strlen(key)), "");
		for (size_t i = first; i < first + n; i++) {
			size_t width = i + 1 < first + n ? column_width(m->profiles[i]) :
							   COMPONENT_MAX;

			(void)fputc(' ', t->to);
			print_cell(t, &m->cells[row * m->n_profiles + i], width);
		}
		(void)fputc('\n', t->to);
	}
}

static bool result_occurs(const struct matrix *m, enum result result)
{
	for (size_t i = 0; i < m->releases.n * m->n_profiles; i++)
		for (enum component c = 0; m->cells[i].ran && c < COMPONENT_MAX; c++)
			if (m->cells[i].result[c] == result)
				return true;
	return false;
}

static void print_legend(const struct matrix *m, const struct terminal *t)
{
	char components[256] = "";
	bool first = true;

	for (enum component c = 0; c < COMPONENT_MAX; c++) {
		size_t used = strlen(components);

		(void)snprintf(components + used, sizeof(components) - used, "%s%c %s",
			       c ? ", " : "", component_letters[c], component_table[c].name);
	}
	(void)fputc('\n', t->to);
	terminal_paragraph(t, COLOUR_PLAIN, "", components);
	for (enum result r = 0; r < RESULT_MAX; r++) {
		char letter[2] = { results[r].letter, '\0' };

		if (!result_occurs(m, r))
			continue;
		if (!first)
			(void)fputs(", ", t->to);
		first = false;
		terminal_text(t, report_colour(r), letter);
		(void)fprintf(t->to, " %s", results[r].text);
	}
	(void)fputc('\n', t->to);
}

void matrix_print(const struct matrix *m, const struct terminal *t)
{
	for (size_t first = 0; first < m->n_profiles;) {
		size_t n = columns_that_fit(m, t, first);

		if (first)
			(void)fputc('\n', t->to);
		print_head(m, t, first, n);
		print_rows(m, t, first, n);
		first += n;
	}
	print_legend(m, t);
}

static json_t *cell_json(const struct matrix *m, size_t row, size_t column)
{
	const struct matrix_cell *cell = &m->cells[row * m->n_profiles + column];
	json_t *json = json_pack("{s:s, s:s, s:b, s:O?}", "release", m->releases.release[row]->key,
				 "profile", m->profiles[column], "ran", cell->ran, "report",
				 cell->report);
	json_t *by_component = json_object();

	for (enum component c = 0; cell->ran && c < COMPONENT_MAX; c++)
		if (json_object_set_new(by_component, component_table[c].key,
					json_string(judge_result_name(cell->result[c]))) < 0)
			break;
	if (json_object_set_new(json, "results", by_component) < 0) {
		json_decref(json);
		return NULL;
	}
	return json;
}

int matrix_print_json(const struct matrix *m, FILE *to)
{
	json_t *cells = json_array(), *document;
	int r = 0;

	for (size_t i = 0; i < m->releases.n * m->n_profiles && r == 0; i++)
		r = json_array_append_new(cells, cell_json(m, i / m->n_profiles,
							   i % m->n_profiles));
	document = json_pack("{s:s, s:o}", "format", "vmichost-matrix-1", "cells", cells);
	if (r < 0 || !document) {
		json_decref(document);
		return -ENOMEM;
	}
	r = json_dumpf(document, to, JSON_INDENT(2));
	json_decref(document);
	return r < 0 || fputc('\n', to) == EOF || fflush(to) != 0 ? -EIO : 0;
}
