/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/host/home_here.h"
#include "tests/host/venue.h"

struct venue_here {
	struct venue venue;
	char socket[512];
};

static const char *here_obstacle(struct venue *v, const struct scenario *s)
{
	(void)v;
	(void)s;
	return NULL;
}

static int here_settle(struct venue *v, const struct scenario *s, const void **ret)
{
	struct venue_here *here = (struct venue_here *)v;

	(void)s;
	(void)snprintf(here->socket, sizeof(here->socket), "%s/" HOME_SOCKET, v->home->dir);
	*ret = here->socket;
	return 0;
}

static struct venue *here_free(struct venue *v)
{
	if (!v)
		return NULL;
	if (v->home)
		v->home = v->home->ops->free(v->home);
	free(v);
	return NULL;
}

static const struct venue_ops here_ops = {
	.obstacle = here_obstacle,
	.settle = here_settle,
	.free = here_free,
};

int venue_here_new(sd_event *event, struct venue **ret)
{
	struct venue_here *here = calloc(1, sizeof(*here));
	int r;

	if (!here)
		return -ENOMEM;
	here->venue.ops = &here_ops;
	here->venue.open_link = link_socket_open;
	r = home_here_new(event, &here->venue.home);
	if (r < 0) {
		(void)here_free(&here->venue);
		return r;
	}
	*ret = &here->venue;
	return 0;
}
