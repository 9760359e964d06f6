/* SPDX-License-Identifier: GPL-2.0-only */
/* vmicctl kvp: key-value pairs, those that the guest tells its host and those that it is told. */
#include <stdio.h>
#include <string.h>

#include "daemon/bus/names.h"
#include "daemon/ctl/call.h"
#include "daemon/ctl/from_bus.h"
#include "daemon/ctl/listen.h"
#include "daemon/ctl/moment.h"
#include "daemon/ctl/pool.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/value.h"
#include "daemon/ctl/verb.h"
#include "daemon/ctl/words.h"

/* --- get, set, delete --- */

/* How long it may be is for the daemon to say, in its host's measure; and what is in other pools, too. */
int check_key(const struct ctl *c, char **arguments)
{
	unsigned pools;
	int status = pool_parse(c, &pools);

	if (status || *arguments[0] || pools != 1u << POOL_GUEST)
		return status;
	return words_say(CTL_USAGE, "KEY must not be empty");
}

/* A script wants the value as it is; a terminal must not be steered by it. */
static int print_value(const struct ctl *c, const char *value)
{
	if (c->out.width)
		print_text(c, COLOUR_PLAIN, value);
	else
		(void)fputs(value, c->out.to);
	(void)fputc('\n', c->out.to);
	return print_end(c, CTL_DONE);
}

/* From pool 1, of which the daemon itself looks keys up. */
static int get_from_guest(struct ctl *c, const char *key, json_t **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int status = call_read(c, "KvpGet", &reply, "s", key);
	int r;

	if (status)
		return status;
	r = from_bus_value(reply, "", ret);
	return r < 0 ? words_say(CTL_FAILED, "cannot read the answer: %s", strerror(-r)) : 0;
}

static int get_from_list(struct ctl *c, unsigned pool, const char *key, json_t **ret)
{
	_cleanup_(value_freep) json_t *pairs = NULL;
	int status = pool_read(c, pool, &pairs);
	json_t *pair;
	size_t i;

	if (status)
		return status;
	json_array_foreach(pairs, i, pair)
		if (strcmp(member_text(pair, "Key"), key) == 0) {
			*ret = json_incref(json_object_get(pair, "Value"));
			return 0;
		}
	return words_say(CTL_NO_SUCH_THING, "there is no key '%s' in this pool", key);
}

int verb_kvp_get(struct ctl *c, char **arguments)
{
	_cleanup_(value_freep) json_t *value = NULL;
	const char *key = arguments[0];
	unsigned pools;
	int status = pool_parse(c, &pools);

	if (status)
		return status;
	status = pools == 1u << POOL_GUEST ? get_from_guest(c, key, &value) :
					     get_from_list(c, (unsigned)__builtin_ctz(pools), key, &value);
	if (status)
		return status;
	if (!c->options->json)
		return print_value(c, value_text(value));
	return print_json(c, json_pack("{s:i, s:s, s:O}", "Pool", __builtin_ctz(pools), "Key", key,
				       "Value", value));
}

int verb_kvp_set(struct ctl *c, char **arguments)
{
	int status = call_change(c, "KvpSet", "ss", arguments[0], arguments[1]);

	if (status || !c->options->json)
		return status;
	return print_json(c, json_pack("{s:i, s:s, s:s}", "Pool", POOL_GUEST, "Key", arguments[0],
				       "Value", arguments[1]));
}

int verb_kvp_delete(struct ctl *c, char **arguments)
{
	int status = call_change(c, "KvpDelete", "s", arguments[0]);

	if (status || !c->options->json)
		return status;
	return print_json(c, json_pack("{s:i, s:s, s:n}", "Pool", POOL_GUEST, "Key", arguments[0],
				       "Value"));
}

/* --- list --- */

static void add_pool(struct grid *g, unsigned pool, bool with_name, const json_t *pairs)
{
	json_t *pair;
	size_t i;

	json_array_foreach(pairs, i, pair) {
		if (with_name)
			grid_add(g, COLOUR_PLAIN, pool_name(pool));
		grid_add(g, COLOUR_PLAIN, member_text(pair, "Key"));
		grid_add(g, COLOUR_PLAIN, member_text(pair, "Value"));
	}
}

static int list_table(const struct ctl *c, unsigned pools, json_t *const *pairs)
{
	static const struct grid_column columns[] = {
		{ .title = "Pool" }, { .title = "Key", .least = 20 }, { .title = "Value", .least = 20 }
	};
	bool with_name = pools == POOL_ALL;
	struct grid g = { .columns = columns + !with_name, .n_columns = ARRAY_LEN(columns) - !with_name };

	for (unsigned pool = 0; pool < POOLS; pool++)
		if (pools & 1u << pool)
			add_pool(&g, pool, with_name, pairs[pool]);
	return print_grid(c, &g);
}

static int list_json(const struct ctl *c, unsigned pools, json_t *const *pairs)
{
	json_t *all = json_array(), *pair;
	size_t i;

	for (unsigned pool = 0; pool < POOLS; pool++)
		if (pools & 1u << pool)
			json_array_foreach(pairs[pool], i, pair)
				(void)json_array_append_new(
					all, json_pack("{s:i, s:O, s:O}", "Pool", pool, "Key",
						       json_object_get(pair, "Key"), "Value",
						       json_object_get(pair, "Value")));
	return print_json(c, json_pack("{s:o}", "Pairs", all));
}

int verb_kvp_list(struct ctl *c, char **arguments)
{
	_cleanup_(pool_pairs_done) struct pool_pairs all = { 0 };
	unsigned pools;
	int status = pool_parse(c, &pools);

	(void)arguments;
	if (status == 0)
		status = pool_read_all(c, pools, &all);
	if (status)
		return status;
	return c->options->json ? list_json(c, pools, all.of) : list_table(c, pools, all.of);
}

/* --- watch --- */

struct watch {
	struct ctl *ctl;
	unsigned pools;
	struct pool_pairs seen;
};

/* value NULL: the key has gone. */
static int tell(const struct ctl *c, unsigned pool, const char *key, const char *value)
{
	_cleanup_(freep) char *line = NULL;
	uint64_t now = moment_now();
	char when[MOMENT_SIZE];

	if (c->options->json)
		return print_json_line(c, json_pack("{s:s, s:i, s:s, s:s?}", "Time",
						    moment_utc(now, when), "Pool", pool, "Key", key,
						    "Value", value));
	if (asprintf(&line, "%s %s: %s%s%s", moment_local(now, when), pool_name(pool), key,
		     value ? " = " : " is deleted", value ? value : "") < 0)
		line = NULL;
	return line ? print_line(c, COLOUR_PLAIN, line) : print_no_memory();
}

/* The first of this key, which is what a host reads; NULL: there is none. */
static const char *value_of(const json_t *pairs, const char *key)
{
	json_t *pair;
	size_t i;

	json_array_foreach(pairs, i, pair)
		if (strcmp(member_text(pair, "Key"), key) == 0)
			return member_text(pair, "Value");
	return NULL;
}

static int tell_differences(const struct watch *w, unsigned pool, const json_t *before,
			    const json_t *after)
{
	json_t *pair;
	size_t i;
	int status = 0;

	json_array_foreach(before, i, pair)
		if (status == 0 && !value_of(after, member_text(pair, "Key")))
			status = tell(w->ctl, pool, member_text(pair, "Key"), NULL);
	json_array_foreach(after, i, pair) {
		const char *key = member_text(pair, "Key"), *value = member_text(pair, "Value");
		const char *old = value_of(before, key);

		if (status == 0 && value == value_of(after, key) && (!old || strcmp(old, value) != 0))
			status = tell(w->ctl, pool, key, value);
	}
	return status;
}

/* A pool that cannot be read now, since a program has it locked, or the daemon is gone again, will be
 * looked at when it is told of the next time. */
static int look(struct watch *w, unsigned pools)
{
	for (unsigned pool = 0; pool < POOLS; pool++) {
		json_t *now = NULL;
		int status;

		if (!(pools & w->pools & 1u << pool) || pool_read(w->ctl, pool, &now))
			continue;
		status = tell_differences(w, pool, w->seen.of[pool], now);
		json_decref(w->seen.of[pool]);
		w->seen.of[pool] = now;
		if (status)
			return status;
	}
	return 0;
}

static int on_signal(void *user, sd_bus_message *m)
{
	const char *name, *old, *new;
	struct watch *w = user;
	uint32_t pool;

	if (sd_bus_message_is_signal(m, BUS_MANAGER, "PoolChanged") &&
	    sd_bus_message_read(m, "u", &pool) >= 0)
		return pool < POOLS ? look(w, 1u << pool) : 0;
	/* It has come back: what happened meanwhile was not told. */
	if (sd_bus_message_is_signal(m, "org.freedesktop.DBus", "NameOwnerChanged") &&
	    sd_bus_message_read(m, "sss", &name, &old, &new) >= 0 && *new)
		return look(w, POOL_ALL);
	return 0;
}

static void watch_done(struct watch *w)
{
	pool_pairs_done(&w->seen);
}

int verb_kvp_watch(struct ctl *c, char **arguments)
{
	_cleanup_(watch_done) struct watch w = { .ctl = c };
	_cleanup_(listen_stop) struct listener l = { .ctl = c, .handle = on_signal, .user = &w };
	int status = pool_parse(c, &w.pools);

	(void)arguments;
	if (status == 0)
		status = listen_start(&l);
	if (status == 0)
		status = pool_read_all(c, w.pools, &w.seen);
	return status ? status : listen_on(&l);
}
