/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/report_timing.h"

#include <inttypes.h>
#include <string.h>

#include "hv_util/base.h"

/* Packets in columns of the guest's and the host's; rings tell hv_utils' 16 KiB from uio's 2 MiB. */
static const char *const titles[] = { "Component", "Opening", "Ring KiB",   "Answers",     "p50 us",
				      "p99 us",  "Max us",  "Packets",    "Interrupts",
				      "Packets/Interrupt",  "Signals" };

struct row {
	char cell[ARRAY_LEN(titles)][32];
};

static void put_time(char cell[static 32], const struct opening_facts *o, uint64_t ns)
{
	if (o->answers)
		(void)snprintf(cell, 32, "%" PRIu64 ".%" PRIu64, ns / 1000, ns / 100 % 10);
	else
		(void)strcpy(cell, "-");
}

static void row_fill(struct row *row, const char *name, unsigned number,
		     const struct opening_facts *o)
{
	(void)snprintf(row->cell[0], sizeof(row->cell[0]), "%s", name);
	(void)snprintf(row->cell[1], sizeof(row->cell[1]), "%u", number);
	(void)snprintf(row->cell[2], sizeof(row->cell[2]), "%u", o->ring_size / 1024);
	(void)snprintf(row->cell[3], sizeof(row->cell[3]), "%u", o->answers);
	put_time(row->cell[4], o, o->p50_ns);
	put_time(row->cell[5], o, o->p99_ns);
	put_time(row->cell[6], o, o->max_ns);
	(void)snprintf(row->cell[7], sizeof(row->cell[7]), "%u", o->packets);
	(void)snprintf(row->cell[8], sizeof(row->cell[8]), "%u", o->interrupts);
	if (o->interrupts)
		(void)snprintf(row->cell[9], sizeof(row->cell[9]), "%.2f",
			       (double)o->packets / o->interrupts);
	else
		(void)strcpy(row->cell[9], "-");
	(void)snprintf(row->cell[10], sizeof(row->cell[10]), "%u", o->signals);
}

static size_t rows_fill(struct row *rows, const struct guest_facts *facts)
{
	size_t n = 0;

	for (enum component c = 0; c < COMPONENT_MAX; c++) {
		const struct component_facts *f = &facts->component[c];

		for (unsigned i = 0; i < f->openings.n; i++)
			row_fill(&rows[n++], component_table[c].key,
				 f->opened_times - f->openings.n + i + 1, &f->openings.o[i]);
	}
	return n;
}

void report_print_timing(const struct guest_facts *facts, const struct terminal *t)
{
	struct row rows[COMPONENT_MAX * FACTS_OPENINGS_MAX];
	struct table_cell cells[ARRAY_LEN(rows) * ARRAY_LEN(titles)], *cell = cells;
	size_t n = rows_fill(rows, facts);

	terminal_text(t, COLOUR_BOLD, "\nTiming");
	(void)fputc('\n', t->to);
	if (n == 0) {
		(void)fprintf(t->to, "The guest has opened no channel.\n");
		return;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ARRAY_LEN(titles); k++)
			*cell++ = (struct table_cell){ rows[i].cell[k], COLOUR_PLAIN };
	terminal_table(t, titles, ARRAY_LEN(titles), cells, n);
}
