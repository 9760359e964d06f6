/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/words.h"
#include "daemon/terminal/text.h"

int print_no_memory(void)
{
	return words_say(CTL_FAILED, "out of memory");
}

int print_end(const struct ctl *c, int status)
{
	if (fflush(c->out.to) == 0 && !ferror(c->out.to))
		return status;
	return words_say(CTL_FAILED, "cannot write: %s", strerror(errno));
}

/* All that is not ASCII is written as \u....: no character that would steer the terminal is left. */
static int print(const struct ctl *c, json_t *document, size_t flags)
{
	if (!document)
		return print_no_memory();
	(void)json_dumpf(document, c->out.to, flags | JSON_ENSURE_ASCII);
	json_decref(document);
	(void)fputc('\n', c->out.to);
	return print_end(c, CTL_DONE);
}

int print_json(const struct ctl *c, json_t *document)
{
	return print(c, document, JSON_INDENT(2));
}

int print_json_line(const struct ctl *c, json_t *document)
{
	return print(c, document, JSON_COMPACT);
}

struct grid_look print_look(const struct ctl *c)
{
	return (struct grid_look){ .full = c->options->full, .titles = !c->options->no_legend };
}

int print_grid(const struct ctl *c, struct grid *g)
{
	const struct grid_look look = print_look(c);
	int r = grid_print(g, &c->out, &look);

	grid_done(g);
	return r < 0 ? print_no_memory() : print_end(c, CTL_DONE);
}

/* NULL: memory ran out, and nothing better can be done than to print nothing. */
static char *escaped(const char *text)
{
	size_t size = TEXT_ESCAPED_MOST * strlen(text) + 1;
	char *copy = malloc(size);

	if (copy)
		(void)text_escape(text, copy, size);
	return copy;
}

void print_text(const struct ctl *c, enum colour colour, const char *text)
{
	_cleanup_(freep) char *copy = escaped(text);

	if (copy)
		terminal_text(&c->out, colour, copy);
}

void print_paragraph(const struct ctl *c, const char *lead, const char *text)
{
	_cleanup_(freep) char *copy = escaped(text);

	if (copy)
		terminal_paragraph(&c->out, COLOUR_PLAIN, lead, copy);
}

int print_line(const struct ctl *c, enum colour colour, const char *text)
{
	_cleanup_(freep) char *copy = escaped(text);
	_cleanup_(freep) char *cut = copy ? malloc(strlen(copy) + 1) : NULL;

	if (!cut)
		return print_no_memory();
	if (c->out.width && !c->options->full)
		(void)text_cut(copy, c->out.width, cut, strlen(copy) + 1);
	else
		(void)strcpy(cut, copy);
	terminal_text(&c->out, colour, cut);
	(void)fputc('\n', c->out.to);
	return print_end(c, CTL_DONE);
}
