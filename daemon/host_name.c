/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/host_name.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define HOSTS "etc/hosts"

/* localhost.localdomain says nothing about which machine this is. */
static bool name_is_full(const char *name)
{
	return strchr(name, '.') && strncasecmp(name, "localhost", strlen("localhost")) != 0;
}

/* The canonical name of a line of hosts(5), if the line has this host and that name is full. */
static const char *canonical_name(char *line, const char *host)
{
	const char *canonical, *name;

	line[strcspn(line, "#")] = '\0';
	if (!lines_word(&line)) /* the address */
		return NULL;
	canonical = lines_word(&line);
	for (name = canonical; name; name = lines_word(&line))
		if (strcasecmp(name, host) == 0)
			return name_is_full(canonical) ? canonical : NULL;
	return NULL;
}

static void find_full(struct host_name *h, int root_fd)
{
	_cleanup_(lines_close) struct lines l = { .fd = -1 };
	char *line;

	(void)snprintf(h->full, sizeof(h->full), "%s", h->host);
	if (strchr(h->host, '.') || lines_open(&l, root_fd, HOSTS) < 0)
		return;
	while ((line = lines_next(&l))) {
		const char *name = canonical_name(line, h->host);

		if (name) {
			(void)snprintf(h->full, sizeof(h->full), "%s", name);
			return;
		}
	}
}

const char *host_name_look_up(struct host_name *h, int root_fd, const char *host)
{
	struct file_stamp now;

	file_stamp_read(root_fd, HOSTS, &now);
	if (strcmp(h->host, host) == 0 && file_stamp_equal(&h->hosts, &now))
		return h->full;
	h->hosts = now;
	(void)snprintf(h->host, sizeof(h->host), "%s", host);
	find_full(h, root_fd);
	return h->full;
}

const char *host_name_full(struct host_name *h, int root_fd)
{
	char host[HOST_NAME_MAX + 1] = "";

	/* A name that fills the buffer may come without its NUL. */
	(void)gethostname(host, sizeof(host) - 1);
	return host_name_look_up(h, root_fd, host);
}
