/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The service manager's store in the same process, in daemon/store.c's place: the program that includes this
 * is linked without that. It outlives the daemon's objects; fake_store_restart is the daemon's next start.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store.h"
#include "tests/unit/harness.h"

#define FAKE_STORE_MAX 32

struct store {
	unsigned n;
	struct {
		char name[STORE_NAME_SIZE];
		int fd;
		bool came, taken; /* with the start; by the daemon */
	} kept[FAKE_STORE_MAX];
	unsigned puts, removals;
	/* The manager gets to what it is told when it has the time: after so many calls of fake_store_settle.
	 * What is dropped is open until then. */
	bool is_slow;
	unsigned n_dropped;
	int dropped[FAKE_STORE_MAX];
	void (*put)(const char *name, int fd); /* called too, unless NULL */
};

/* The only one there is of this name; -1: none. */
static inline int fake_store_find(const struct store *s, const char *name)
{
	for (unsigned i = 0; i < s->n; i++)
		if (strcmp(s->kept[i].name, name) == 0)
			return s->kept[i].fd;
	return -1;
}

static inline void fake_store_settle(struct store *s)
{
	while (s->n_dropped > 0)
		(void)close(s->dropped[--s->n_dropped]);
}

static inline void fake_store_drop(struct store *s, const char *name)
{
	for (unsigned i = s->n; i-- > 0;) {
		if (strcmp(s->kept[i].name, name) != 0)
			continue;
		s->dropped[s->n_dropped++] = s->kept[i].fd;
		s->kept[i] = s->kept[--s->n];
	}
	if (!s->is_slow)
		fake_store_settle(s);
}

/* As if a predecessor had put it. The descriptor is the store's. */
static inline void fake_store_leave(struct store *s, const char *name, int fd)
{
	assert_true(fd >= 0 && s->n < FAKE_STORE_MAX);
	s->kept[s->n].fd = fd;
	s->kept[s->n].came = true;
	s->kept[s->n].taken = false;
	(void)snprintf(s->kept[s->n++].name, STORE_NAME_SIZE, "%s", name);
}

static inline void fake_store_restart(struct store *s)
{
	fake_store_settle(s);
	for (unsigned i = 0; i < s->n; i++) {
		s->kept[i].came = true;
		s->kept[i].taken = false;
	}
}

static inline void fake_store_done(struct store *s)
{
	while (s->n > 0)
		fake_store_drop(s, s->kept[0].name);
	fake_store_settle(s);
}

/* --- in daemon/store.c's place --- */

int store_new(struct notify *notify, const struct log *log, struct store **ret)
{
	(void)notify;
	(void)log;
	(void)ret;
	return 1;
}

struct store *store_free(struct store *s)
{
	(void)s;
	return NULL;
}

void store_name(enum ic_component component, const char *purpose, char name[STORE_NAME_SIZE])
{
	(void)snprintf(name, STORE_NAME_SIZE, "%u.%s", component, purpose);
}

int store_take(struct store *s, const char *name)
{
	int found = -1;

	for (unsigned i = 0; s && i < s->n; i++)
		if (s->kept[i].came && !s->kept[i].taken && strcmp(s->kept[i].name, name) == 0) {
			if (found >= 0)
				return -ENOENT;
			found = (int)i;
		}
	if (found < 0)
		return -ENOENT;
	s->kept[found].taken = true;
	return fcntl(s->kept[found].fd, F_DUPFD_CLOEXEC, 0);
}

void store_remove(struct store *s, const char *name)
{
	if (!s)
		return;
	s->removals++;
	fake_store_drop(s, name);
}

void store_put(struct store *s, const char *name, int fd)
{
	int copy;

	if (!s)
		return;
	if (fake_store_find(s, name) >= 0)
		fake_store_drop(s, name);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	s->puts++;
	fake_store_leave(s, name, copy);
	s->kept[s->n - 1].came = false;
	if (s->put)
		s->put(name, copy);
}

void store_drop_rest(struct store *s)
{
	for (unsigned i = s ? s->n : 0; i-- > 0;)
		if (i < s->n && s->kept[i].came && !s->kept[i].taken)
			store_remove(s, s->kept[i].name);
}
