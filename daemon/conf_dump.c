/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/conf_dump.h"

#include <string.h>

/* The parser's longest line, less "# ", the line number and what else stands beside a path. */
#define PATH_SHOWN 160

/* A path in a comment: its end when it is long, and nothing that would end the comment or steer a terminal. */
static void put_path(const char *path, FILE *to)
{
	size_t len = strlen(path);

	if (len > PATH_SHOWN) {
		(void)fputs("...", to);
		path += len - PATH_SHOWN;
	}
	for (; *path; path++)
		(void)fputc((unsigned char)*path < ' ' || *path == 0x7f ? '?' : *path, to);
}

static void put_origin(const struct conf_reading *reading, const struct conf_origin *origin, FILE *to)
{
	(void)fputs("# ", to);
	put_path(reading->files.path[origin->file - 1], to);
	(void)fprintf(to, ":%u\n", origin->line);
}

static void put_row(const struct conf_reading *reading, const struct conf_row *row,
		    enum ic_component component, FILE *to)
{
	const struct conf_origin *origin = conf_origin_of(reading, row, component);
	char value[CONF_VALUE_SIZE];

	if (!row->get(row, &reading->conf, component, value)) {
		(void)fprintf(to, "# not set\n#%s=\n", row->name);
		return;
	}
	if (origin->file > 0)
		put_origin(reading, origin, to);
	else if (row->follows_profile)
		(void)fprintf(to, "# as profile %s\n", reading->conf.profile->name);
	(void)fprintf(to, "%s%s=%s\n", origin->file == 0 && row->follows_profile ? "#" : "", row->name, value);
}

static void put_files(const struct conf_reading *reading, FILE *to)
{
	(void)fputs("# The configuration of vmicd " VMICD_VERSION, to);
	if (reading->files.n == 0) {
		(void)fputs(": there is no file, these are the defaults.\n", to);
		return;
	}
	(void)fputs(", read from these files:\n", to);
	for (size_t i = 0; i < reading->files.n; i++) {
		(void)fputs("#   ", to);
		put_path(reading->files.path[i], to);
		(void)fputc('\n', to);
	}
}

void conf_dump(const struct conf_reading *reading, FILE *to)
{
	const char *section;

	put_files(reading, to);
	for (size_t i = 0; (section = conf_section_at(i)); i++) {
		(void)fprintf(to, "\n[%s]\n", section);
		for (size_t k = 0; k < conf_n_rows; k++)
			if (conf_row_is_in(&conf_rows[k], section))
				put_row(reading, &conf_rows[k], conf_section_component(section), to);
	}
}
