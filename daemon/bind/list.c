/* SPDX-License-Identifier: GPL-2.0-only */
/* vmic-bind list. */
#include <stdio.h>
#include <string.h>

#include "daemon/bind/bind.h"
#include "daemon/bind/words.h"

#define ROW "%-9s %-36s %-14s %-14s %-6s %-10s %-15s %s"

struct list {
	struct bind *b;
	struct bind_evidence evidence;
};

static int learn(void *arg, const struct device *device)
{
	struct list *list = arg;

	bind_cost_learn(&list->evidence, device);
	return 0;
}

static void format_state(int state, char *out, size_t size)
{
	switch (state) {
	case DEVICE_STATE_OPEN:
		(void)snprintf(out, size, "closed");
		return;
	case DEVICE_STATE_OPENED:
		(void)snprintf(out, size, "open");
		return;
	default:
		(void)snprintf(out, size, "%d", state);
		return;
	}
}

/* What it costs; in brackets what it would. */
static void format_cost(const struct list *list, const struct device *device, char *out, size_t size)
{
	bool paid = bind_is_with_uio(device);
	struct bind_cost cost = paid ? bind_cost_paid(device) :
				       bind_cost_of(device->component, &list->evidence);
	char text[BIND_SIZE_TEXT_SIZE];

	bind_size_format(cost.ring + cost.buffers, text);
	(void)snprintf(out, size, paid ? "%s%s" : "(%s%s)", cost.assumed ? "up to " : "", text);
}

static const char *or_dash(const char *text)
{
	return text[0] ? text : "-";
}

static int show(void *arg, const struct device *device)
{
	const struct list *list = arg;
	struct bind_holder holder;
	char line[384], state[16], cost[48], who[BIND_HOLDER_TEXT_SIZE] = "";

	format_state(device->state, state, sizeof(state));
	format_cost(list, device, cost, sizeof(cost));
	if (bind_holder_of(list->b, device, &holder))
		bind_holder_format(&holder, who);
	else if (bind_is_with_uio(device) && device->state == DEVICE_STATE_OPENED)
		bind_holder_format(NULL, who);
	(void)snprintf(line, sizeof(line), ROW, ic_component_names[device->component], device->name,
		       or_dash(device->driver), or_dash(device->override), state, or_dash(device->node),
		       cost, or_dash(who));
	list->b->ops->say(list->b->user, BIND_SAY_DONE, line);
	return 0;
}

enum bind_result bind_list(struct bind *b)
{
	struct list list = { .b = b };
	char header[384];
	int r;

	r = b->ops->each(b->user, learn, &list);
	(void)snprintf(header, sizeof(header), ROW, "COMPONENT", "INSTANCE", "DRIVER", "OVERRIDE", "STATE",
		       "NODE", "COST", "HELD BY");
	if (r >= 0)
		b->ops->say(b->user, BIND_SAY_DONE, header);
	if (r >= 0)
		r = b->ops->each(b->user, show, &list);
	if (r >= 0)
		return BIND_DONE;
	b->ops->say(b->user, BIND_SAY_FAILED, strerror(-r));
	return BIND_FAILED;
}
