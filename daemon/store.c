/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/store.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

struct stored {
	char *name;
	int fd; /* -1: taken, or dropped */
};

struct store {
	struct notify *notify;
	const struct log *log;
	struct stored *came; /* with the start */
	size_t n;
};

static void store_freep(struct store **s)
{
	*s = store_free(*s);
}

/* Takes the names over. */
static int note(struct store *s, char **names, int n)
{
	s->came = calloc((size_t)n, sizeof(*s->came));
	if (!s->came)
		return -ENOMEM;
	for (int i = 0; i < n; i++)
		s->came[i] = (struct stored){ .name = names[i], .fd = SD_LISTEN_FDS_START + i };
	s->n = (size_t)n;
	return 0;
}

static void free_names(char **names)
{
	for (char **name = names; name && *name; name++)
		free(*name);
	free(names);
}

int store_new(struct notify *notify, const struct log *log, struct store **ret)
{
	_cleanup_(store_freep) struct store *s = calloc(1, sizeof(*s));
	char **names = NULL;
	int n, r = 0;

	if (!s)
		return -ENOMEM;
	s->notify = notify;
	s->log = log;
	n = sd_listen_fds_with_names(1, &names);
	if (n < 0)
		return n;
	if (n > 0)
		r = note(s, names, n);
	if (r < 0) {
		free_names(names);
		return r;
	}
	free(names);
	if (n == 0 && !notify)
		return 1;
	*ret = TAKE_PTR(s);
	return 0;
}

static void drop(struct stored *d)
{
	if (d->fd >= 0)
		(void)close(d->fd);
	d->fd = -1;
}

struct store *store_free(struct store *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->n; i++) {
		drop(&s->came[i]);
		free(s->came[i].name);
	}
	free(s->came);
	free(s);
	return NULL;
}

void store_name(enum ic_component component, const char *purpose, char name[STORE_NAME_SIZE])
{
	(void)snprintf(name, STORE_NAME_SIZE, "vmic.%s.%s", ic_component_names[component], purpose);
	for (char *p = name; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
}

/* How many there are of this name that nobody has taken; *ret is one of them. */
static unsigned find(const struct store *s, const char *name, struct stored **ret)
{
	unsigned n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->came[i].fd >= 0 && strcmp(s->came[i].name, name) == 0) {
			*ret = &s->came[i];
			n++;
		}
	return n;
}

int store_take(struct store *s, const char *name)
{
	struct stored *found = NULL;

	if (!s || find(s, name, &found) != 1)
		return -ENOENT;
	return TAKE_FD(found->fd);
}

void store_remove(struct store *s, const char *name)
{
	struct stored *found = NULL;

	if (!s)
		return;
	while (find(s, name, &found) > 0)
		drop(found);
	notify_remove(s->notify, name);
}

/* Only what came with the start can have the name: who has put something before has removed it. */
void store_put(struct store *s, const char *name, int fd)
{
	struct stored *found = NULL;

	if (!s)
		return;
	if (find(s, name, &found) > 0)
		store_remove(s, name);
	notify_put(s->notify, name, fd);
}

void store_drop_rest(struct store *s)
{
	for (size_t i = 0; s && i < s->n; i++) {
		if (s->came[i].fd < 0)
			continue;
		log_line(s->log, LOG_DEBUG, NULL, "a predecessor left '%s', which is of no use now", s->came[i].name);
		store_remove(s, s->came[i].name);
	}
}
