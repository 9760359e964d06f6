/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/pool.h"

#include <stdio.h>
#include <string.h>

#include "daemon/ctl/call.h"
#include "daemon/ctl/from_bus.h"
#include "daemon/ctl/words.h"

/* As OpenVMM calls them. */
static const char *const names[POOLS] = { "external", "guest", "auto", "auto-external" };

const char *pool_name(unsigned pool)
{
	return names[pool];
}

int pool_parse(const struct ctl *c, unsigned *ret)
{
	const char *text = c->options->pool;

	if (!text) {
		*ret = 1u << POOL_GUEST;
		return 0;
	}
	if (strcmp(text, "all") == 0) {
		*ret = POOL_ALL;
		return 0;
	}
	for (unsigned pool = 0; pool < POOLS; pool++) {
		const char number[] = { (char)('0' + pool), '\0' };

		if (strcmp(text, names[pool]) == 0 || strcmp(text, number) == 0) {
			*ret = 1u << pool;
			return 0;
		}
	}
	return words_say(CTL_USAGE, "--pool wants external, guest, auto, auto-external, all, or 0 to %d, "
			 "not '%s'", POOLS - 1, text);
}

int pool_read(struct ctl *c, unsigned pool, json_t **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int status = call_read(c, "KvpList", &reply, "u", pool);
	int r;

	if (status)
		return status;
	r = from_bus_value(reply, "KvpList", ret);
	return r < 0 ? words_say(CTL_FAILED, "cannot read the answer: %s", strerror(-r)) : 0;
}

int pool_read_all(struct ctl *c, unsigned pools, struct pool_pairs *ret)
{
	for (unsigned pool = 0; pool < POOLS; pool++) {
		int status = pools & 1u << pool ? pool_read(c, pool, &ret->of[pool]) : 0;

		if (status)
			return status;
	}
	return 0;
}

void pool_pairs_done(struct pool_pairs *p)
{
	for (unsigned pool = 0; pool < POOLS; pool++)
		json_decref(p->of[pool]);
	*p = (struct pool_pairs){ 0 };
}
