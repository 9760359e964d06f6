/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/terminal/terminal.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hv_util/base.h"
#include "daemon/terminal/text.h"

#define DEFAULT_WIDTH 100
/* Below this a broken column is unreadable; the line runs over instead. */
#define LEAST_BROKEN 20
#define TABLE_COLUMNS_MAX 12

static unsigned width_of(FILE *to)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	char *end;
	unsigned long n;

	if (ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	if (!columns)
		return DEFAULT_WIDTH;
	n = strtoul(columns, &end, 10);
	return *end == '\0' && n > 0 && n <= UINT16_MAX ? (unsigned)n : DEFAULT_WIDTH;
}

struct terminal terminal_of(FILE *to)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (!isatty(fileno(to)))
		return (struct terminal){ .to = to };
	return (struct terminal){
		.to = to,
		.width = width_of(to),
		.colour = (!no_color || !*no_color) && !(term && strcmp(term, "dumb") == 0),
	};
}

void terminal_colour(const struct terminal *t, enum colour colour)
{
	/* ECMA-48 select graphic rendition */
	static const char *const codes[] = {
		[COLOUR_PLAIN] = "0",   [COLOUR_GREEN] = "32", [COLOUR_YELLOW] = "33",
		[COLOUR_RED] = "31;1",  [COLOUR_DIM] = "2",    [COLOUR_BOLD] = "1",
	};

	if (t->colour)
		(void)fprintf(t->to, "\033[%sm", codes[colour]);
}

void terminal_text(const struct terminal *t, enum colour colour, const char *text)
{
	if (colour != COLOUR_PLAIN)
		terminal_colour(t, colour);
	(void)fputs(text, t->to);
	if (colour != COLOUR_PLAIN)
		terminal_colour(t, COLOUR_PLAIN);
}

static void print_spaces(FILE *to, size_t n)
{
	(void)fprintf(to, "%*s", (int)n, "");
}

/* Text in lines of at most room columns; the first begins where the cursor is, the others behind
 * indent columns. Ends with a newline. */
static void print_broken(const struct terminal *t, enum colour colour, const char *text,
			 size_t indent)
{
	size_t room = t->width > indent + LEAST_BROKEN ? t->width - indent : SIZE_MAX;

	for (bool first = true; first || *text; first = false) {
		const char *next;
		size_t len = text_break(text, room, &next);

		if (!first)
			print_spaces(t->to, indent);
		if (colour != COLOUR_PLAIN)
			terminal_colour(t, colour);
		(void)fprintf(t->to, "%.*s", (int)len, text);
		if (colour != COLOUR_PLAIN)
			terminal_colour(t, COLOUR_PLAIN);
		(void)fputc('\n', t->to);
		text = next;
	}
}

static void print_row(const struct terminal *t, const size_t *widths, size_t columns,
		      const struct table_cell *cells)
{
	size_t last = columns, indent = 0;

	/* Nothing behind the last text: no blanks at the end of a line. */
	while (last > 1 && !*cells[last - 1].text)
		last--;
	for (size_t i = 0; i < last - 1; i++) {
		terminal_text(t, cells[i].colour, cells[i].text);
		print_spaces(t->to, widths[i] + 1 - text_width(cells[i].text));
		indent += widths[i] + 1;
	}
	print_broken(t, cells[last - 1].colour, cells[last - 1].text, indent);
}

static void measure(const char *const *titles, size_t columns, const struct table_cell *cells,
		    size_t rows, size_t widths[static TABLE_COLUMNS_MAX])
{
	assert(columns <= TABLE_COLUMNS_MAX);
	for (size_t i = 0; i < columns; i++) {
		widths[i] = titles ? strlen(titles[i]) : 0;
		for (size_t row = 0; row < rows; row++) {
			size_t width = text_width(cells[row * columns + i].text);

			widths[i] = width > widths[i] ? width : widths[i];
		}
	}
}

static void print_titles(const struct terminal *t, const char *const *titles, const size_t *widths,
			 size_t columns)
{
	static const char dashes[] = "----------------------------------------";
	struct table_cell head[TABLE_COLUMNS_MAX], line[TABLE_COLUMNS_MAX];

	for (size_t i = 0; i < columns; i++) {
		size_t title = strlen(titles[i]);

		assert(title < sizeof(dashes));
		head[i] = (struct table_cell){ titles[i], COLOUR_BOLD };
		line[i] = (struct table_cell){ dashes + sizeof(dashes) - 1 - title, COLOUR_BOLD };
	}
	print_row(t, widths, columns, head);
	print_row(t, widths, columns, line);
}

void terminal_table_below(const struct terminal *t, const char *const *titles, size_t columns,
			  const struct table_cell *cells, size_t rows,
			  const struct table_cell *below, size_t n_below, const char *lead)
{
	size_t widths[TABLE_COLUMNS_MAX];

	measure(titles, columns, cells, rows, widths);
	if (titles)
		print_titles(t, titles, widths, columns);
	for (size_t row = 0; row < rows; row++) {
		print_row(t, widths, columns, &cells[row * columns]);
		for (size_t i = row * n_below; i < (row + 1) * n_below; i++) {
			if (!*below[i].text)
				continue;
			(void)fputs(lead, t->to);
			print_broken(t, below[i].colour, below[i].text, text_width(lead));
		}
	}
}

void terminal_table(const struct terminal *t, const char *const *titles, size_t columns,
		    const struct table_cell *cells, size_t rows)
{
	terminal_table_below(t, titles, columns, cells, rows, NULL, 0, "");
}

void terminal_paragraph(const struct terminal *t, enum colour colour, const char *lead,
			const char *text)
{
	terminal_text(t, colour, lead);
	print_broken(t, COLOUR_PLAIN, text, text_width(lead));
}
