/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/os_release.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *key;
	size_t offset, size;
} fields[] = {
	{ "NAME", offsetof(struct os_release, name), sizeof(((struct os_release *)0)->name) },
	{ "VERSION_ID", offsetof(struct os_release, version_id),
	  sizeof(((struct os_release *)0)->version_id) },
	{ "VARIANT_ID", offsetof(struct os_release, variant_id),
	  sizeof(((struct os_release *)0)->variant_id) },
};

const char *os_release_path(int root_fd)
{
	static const char *const paths[] = { "etc/os-release", "usr/lib/os-release" };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (faccessat(root_fd, paths[i], R_OK, AT_EACCESS) == 0)
			return paths[i];
	return NULL;
}

/* Takes a quoted text's quotes and escapes away, in place. False: it is not closed, or goes on. */
static bool unquote(char *text, char quote)
{
	char *to = text;

	for (char *from = text + 1; *from != '\0'; from++) {
		if (*from == quote) {
			*to = '\0';
			return from[1 + strspn(from + 1, " \t\r")] == '\0';
		}
		/* os-release(5): in double quotes a backslash takes the meaning off these four. */
		if (quote == '"' && *from == '\\' && from[1] != '\0' && strchr("\"$`\\", from[1]))
			from++;
		*to++ = *from;
	}
	return false;
}

/* An unquoted text ends at white space; anything behind that is not an assignment. */
static bool unescape(char *text)
{
	char *to = text, *from = text;

	for (; *from != '\0' && !strchr(" \t\r\"'", *from); from++) {
		if (*from == '\\' && from[1] != '\0')
			from++;
		*to++ = *from;
	}
	if (from[strspn(from, " \t\r")] != '\0')
		return false;
	*to = '\0';
	return true;
}

static void take_line(char *line, struct os_release *ret)
{
	char *key = line + strspn(line, " \t");
	char *equals = strchr(key, '=');
	char *value;

	if (*key == '#' || !equals)
		return;
	*equals = '\0';
	value = equals + 1;
	if (!(*value == '"' || *value == '\'' ? unquote(value, *value) : unescape(value)))
		return;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strcmp(fields[i].key, key) == 0)
			(void)snprintf((char *)ret + fields[i].offset, fields[i].size, "%s", value);
}

void os_release_read(int root_fd, const char *path, struct os_release *ret)
{
	_cleanup_(lines_close) struct lines l = { .fd = -1 };
	char *line;

	memset(ret, 0, sizeof(*ret));
	if (!path || lines_open(&l, root_fd, path) < 0)
		return;
	while ((line = lines_next(&l)))
		take_line(line, ret);
}
