/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/conf_reading.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The reading of one file. */
struct reading {
	struct conf_reading *to;
	const char *path;
	unsigned file; /* its number among the files, from 1 on */
	FILE *stream;
	unsigned line;
	int failure;              /* a negative errno: the file cannot be read on */
	struct conf_error *error; /* text[0] == 0: none so far; otherwise it is about line */
};

__attribute__((format(printf, 2, 3))) static void complain(struct conf_error *error,
							   const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, ap);
	va_end(ap);

	/* What a file holds must not steer the terminal on which it is complained of. */
	for (char *c = error->text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

/* A list of names for a message, as it grows. */
struct names {
	char text[256];
	size_t used;
};

static void names_add(struct names *n, const char *name)
{
	int len = snprintf(n->text + n->used, sizeof(n->text) - n->used, "%s%s", n->used ? ", " : "",
			   name);

	if (len > 0 && (size_t)len < sizeof(n->text) - n->used)
		n->used += (size_t)len;
}

static struct names keys_of(const char *section)
{
	struct names n = { 0 };

	for (size_t i = 0; i < conf_n_rows; i++)
		if (conf_row_is_in(&conf_rows[i], section))
			names_add(&n, conf_rows[i].name);
	return n;
}

static struct names sections(void)
{
	struct names n = { 0 };
	const char *section;

	for (size_t i = 0; (section = conf_section_at(i)); i++)
		names_add(&n, section);
	return n;
}

/* --- files --- */

static void note_origin(struct reading *r, const struct conf_row *row, enum ic_component c)
{
	struct conf_origin *o = &r->to->origin[row - conf_rows][row->section ? 0 : c];

	*o = (struct conf_origin){
		.file = r->file,
		.line = r->line,
		.hidden_line = o->file == r->file && !row->accumulates ? o->line : 0,
	};
}

/* inih's callback: 1 to go on, 0 to count this line as an error. */
static int on_key(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;
	const struct conf_row *row = conf_row_find(section, name);
	enum ic_component c = conf_section_component(section);

	if (row && row->set(row, &r->to->conf, c, value) == 0) {
		note_origin(r, row, c);
		return 1;
	}

	if (row)
		complain(r->error, "%s:%u: [%s] %s=%s: expected %s", r->path, r->line, section,
			 name, value, row->expected);
	else if (section[0] == '\0')
		complain(r->error, "%s:%u: '%s' stands before the first [Section]", r->path, r->line,
			 name);
	else
		complain(r->error, "%s:%u: [%s] has no key '%s': expected one of %s", r->path, r->line,
			 section, name, keys_of(section).text);
	return 0;
}

/* inih tells of keys only: of a section it would be known too late, or never, that there is none such.
 * What is no complete section line is left to inih, which complains of it. */
static void check_section(struct reading *r, const char *line)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf"; /* which inih takes in the first line */
	const char *end;
	char name[64];

	if (r->line == 1 && strncmp(line, byte_order_mark, strlen(byte_order_mark)) == 0)
		line += strlen(byte_order_mark) + strspn(line + strlen(byte_order_mark), " \t");
	end = line[0] == '[' ? strchr(line, ']') : NULL;
	if (!end)
		return;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(end - line - 1), line + 1);
	if (!conf_section_is_known(name))
		complain(r->error, "%s:%u: no section is called '%s': expected one of %s", r->path,
			 r->line, name, sections().text);
}

/* What ended a line, '\n' or EOF; -EINVAL: *error says why it is none. Indentation is left out: to
 * inih an indented line is more of the value before, and we would be told of that rest alone. */
static int get_line(struct reading *r, char *to, size_t size)
{
	size_t n = 0;
	int ch;

	for (ch = getc(r->stream); ch != EOF && ch != '\n'; ch = getc(r->stream)) {
		if (ch == '\0') {
			complain(r->error, "%s:%u: a NUL byte: expected text", r->path, r->line);
			return -EINVAL;
		}
		if (n == 0 && isspace(ch))
			continue;
		if (n + 2 == size) {
			complain(r->error, "%s:%u: the line is too long: expected at most %zu characters",
				 r->path, r->line, n);
			return -EINVAL;
		}
		to[n++] = (char)ch;
	}
	to[n] = '\0';
	return n > 0 || ch == '\n' ? '\n' : EOF;
}

/* inih's reader: stops at the first mistake, and counts the lines for our messages. */
static char *read_line(char *to, int size, void *user)
{
	struct reading *r = user;
	int end;

	if (r->error->text[0])
		return NULL;
	r->line++;
	end = get_line(r, to, (size_t)size);
	if (end == EOF && ferror(r->stream)) {
		r->failure = -errno;
		complain(r->error, "%s: %s", r->path, strerror(errno));
	}
	if (end == '\n')
		check_section(r, to);
	return end == '\n' && !r->error->text[0] ? to : NULL;
}

static int read_file(struct reading *r, unsigned file)
{
	const char *path = r->to->files.path[file - 1];
	int bad_line;

	r->path = path;
	r->file = file;
	r->line = 0;
	r->failure = 0;
	r->stream = fopen(path, "re");
	if (!r->stream) {
		int error = errno;

		complain(r->error, "%s: %s", path, strerror(error));
		return -error;
	}
	bad_line = ini_parse_stream(read_line, r, on_key, r);
	(void)fclose(r->stream);
	r->stream = NULL;

	/* inih reads on behind a line that is none: what we complained of may be its consequence. */
	if (bad_line > 0 && (!r->error->text[0] || (unsigned)bad_line < r->line))
		complain(r->error, "%s:%d: expected '[Section]' or 'Key=value'", path, bad_line);
	else if (bad_line < 0)
		complain(r->error, "%s: out of memory", path);
	if (!r->error->text[0])
		return 0;
	return r->failure < 0 ? r->failure : -EINVAL;
}

static int list_files(const char *path, struct conf_files *ret, struct conf_error *error)
{
	int r = path ? conf_files_single(path, ret) : conf_files_system("", ret);

	if (r < 0)
		complain(error, "cannot list the configuration's drop-ins: %s", strerror(-r));
	return r;
}

static void reading_freep(struct conf_reading **r)
{
	*r = conf_reading_free(*r);
}

int conf_reading_new(const char *path, struct conf_reading **ret, struct conf_error *error)
{
	_cleanup_(reading_freep) struct conf_reading *to = calloc(1, sizeof(*to));
	struct reading r = { .to = to, .error = error };
	int e;

	*error = (struct conf_error){ 0 };
	if (!to) {
		complain(error, "out of memory");
		return -ENOMEM;
	}
	to->conf = conf_unsaid();
	e = list_files(path, &to->files, error);
	for (unsigned i = 1; e == 0 && i <= to->files.n; i++)
		e = read_file(&r, i);
	if (e < 0)
		return e;
	to->conf.configured.profile = to->conf.profile;
	to->conf.configured.application_state = to->conf.application_state;
	conf_resolve(&to->conf);
	*ret = TAKE_PTR(to);
	return 0;
}

struct conf_reading *conf_reading_free(struct conf_reading *r)
{
	if (!r)
		return NULL;
	conf_files_done(&r->files);
	free(r);
	return NULL;
}

const struct conf_origin *conf_origin_of(const struct conf_reading *r, const struct conf_row *row,
					 enum ic_component component)
{
	return &r->origin[row - conf_rows][row->section ? 0 : component];
}
