/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/home_agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/host/json_lines.h"

#define ANSWER_MS 60000 /* an emulated machine is slow, and waits for locks */
#define ERRNO_MAX 4095

struct home_agent {
	struct home home;
	sd_event *event;
	struct json_lines *lines;
	bool greeted, awaiting;
	int broken;     /* why nothing can be asked any more, or 0 */
	json_t *answer; /* the one that was awaited */
	struct home_program program; /* ended NULL: none runs */
};

static struct home_agent *of_home(struct home *h)
{
	return (struct home_agent *)h;
}

/* --- from the agent --- */

static void take_hello(struct home_agent *a, json_t *from)
{
	const char *mac = json_string_value(json_object_get(from, "mac"));
	const char *ipv4 = json_string_value(json_object_get(from, "ipv4"));

	(void)snprintf(a->home.mac, sizeof(a->home.mac), "%s", mac ? mac : "");
	(void)snprintf(a->home.ipv4, sizeof(a->home.ipv4), "%s", ipv4 ? ipv4 : "");
	a->greeted = true;
}

static void take_end(struct home_agent *a, const char *how, json_t *number)
{
	if (a->program.ended)
		a->program.ended(a->program.user, strcmp(how, "signal") == 0,
				 (int)json_integer_value(number));
	a->program.ended = NULL;
}

/* What a serial line says before the agent has it may be anything. */
static void on_taken(void *user, json_t *from)
{
	struct home_agent *a = user;
	const char *how = json_string_value(json_object_get(from, "ended"));

	if (!a->greeted && json_object_get(from, "hello"))
		take_hello(a, from);
	else if (how)
		take_end(a, how, json_object_get(from, "number"));
	else if (from && a->awaiting && !a->answer)
		a->answer = json_incref(from);
}

static void on_broken(void *user, int error)
{
	struct home_agent *a = user;

	a->broken = error ? error : -EPIPE;
}

static const struct json_lines_events lines_events = { .taken = on_taken, .broken = on_broken };

/* --- asking --- */

static uint64_t now_us(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int await_answer(struct home_agent *a)
{
	uint64_t end = now_us(CLOCK_MONOTONIC) + ANSWER_MS * UINT64_C(1000), now;
	int r = 0;

	a->awaiting = true;
	while (!a->answer && !a->broken && r >= 0) {
		now = now_us(CLOCK_MONOTONIC);
		if (now >= end)
			a->broken = -ETIMEDOUT;
		else
			r = sd_event_run(a->event, end - now);
	}
	a->awaiting = false;
	return a->answer ? 0 : a->broken ? a->broken : r;
}

static int error_of(json_t *answer)
{
	json_t *error = json_object_get(answer, "error");
	json_int_t n = json_integer_value(error);

	if (!error)
		return 0;
	return n > 0 && n <= ERRNO_MAX ? -(int)n : -EBADMSG;
}

/* Takes the request over. *ret, which may be NULL, is the answer, whatever is returned, or NULL. */
static int call(struct home *h, json_t *request, json_t **ret)
{
	struct home_agent *a = of_home(h);
	json_t *answer = NULL;
	int r;

	r = a->broken ? a->broken : json_lines_send(a->lines, request);
	json_decref(request);
	if (r >= 0)
		r = await_answer(a);
	answer = a->answer;
	a->answer = NULL;
	if (r >= 0)
		r = error_of(answer);
	if (ret)
		*ret = answer;
	else
		json_decref(answer);
	return r;
}

static json_t *request(const char *name)
{
	return json_pack("[s]", name);
}

static void json_free(json_t **j)
{
	json_decref(*j);
}

/* "n" of the answer. */
static int call_for_number(struct home *h, json_t *request_, long *ret)
{
	_cleanup_(json_free) json_t *answer = NULL;
	json_t *n;
	int r;

	r = call(h, request_, &answer);
	if (r < 0)
		return r;
	n = json_object_get(answer, "n");
	if (!json_is_integer(n) || json_integer_value(n) < 0)
		return -EBADMSG;
	*ret = (long)json_integer_value(n);
	return 0;
}

static json_t *record_json(const struct home_record *record)
{
	return json_pack("[i, s, s]", (int)record->pool, record->key, record->value);
}

/* --- the operations --- */

/* Of two clocks that are read one after the other: the answer was on its way in between. */
static void note_clock(struct home *h, json_t *clock)
{
	h->ahead = (int64_t)json_integer_value(clock) - (int64_t)now_us(CLOCK_REALTIME) * 10;
}

static int agent_prepare(struct home *h, const struct home_setup *setup)
{
	_cleanup_(json_free) json_t *answer = NULL;
	json_t *records = json_array();
	const char *dir;
	int r;

	for (size_t i = 0; i < setup->n_records; i++)
		if (json_array_append_new(records, record_json(&setup->records[i])) < 0) {
			json_decref(records);
			return -EINVAL;
		}
	of_home(h)->program.ended = NULL;
	r = call(h, json_pack("[s, s, o]", "prepare", setup->config, records), &answer);
	if (r < 0)
		return r;
	note_clock(h, json_object_get(answer, "clock"));
	dir = json_string_value(json_object_get(answer, "dir"));
	if (!dir || (size_t)snprintf(h->dir, sizeof(h->dir), "%s", dir) >= sizeof(h->dir))
		return -EBADMSG;
	return 0;
}

static int add_words(json_t *list, const char *const *words)
{
	for (; words && *words; words++)
		if (json_array_append_new(list, json_string(*words)) < 0)
			return -EINVAL;
	return 0;
}

static int agent_start(struct home *h, const struct home_program *program)
{
	json_t *list = json_array();
	int r;

	if (add_words(list, (const char *const *)program->argv) < 0 ||
	    add_words(list, program->extra) < 0) {
		json_decref(list);
		return -EINVAL;
	}
	/* The news of its end may come with the answer. */
	of_home(h)->program = *program;
	r = call(h, json_pack("[s, o]", "start", list), NULL);
	if (r < 0)
		of_home(h)->program.ended = NULL;
	return r;
}

static int agent_stop(struct home *h)
{
	return call(h, request("stop"), NULL);
}

static int agent_pause(struct home *h)
{
	return call(h, request("pause"), NULL);
}

static int agent_resume(struct home *h)
{
	return call(h, request("resume"), NULL);
}

static int agent_reload(struct home *h, const char *drop_in)
{
	return call(h, json_pack("[s, s]", "reload", drop_in), NULL);
}

static int agent_count_log(struct home *h, const char *text, size_t *ret)
{
	long n;
	int r = call_for_number(h, json_pack("[s, s]", "count", text), &n);

	if (r >= 0)
		*ret = (size_t)n;
	return r;
}

static int agent_read_log(struct home *h, char **ret)
{
	_cleanup_(json_free) json_t *answer = NULL;
	const char *text;
	int r;

	r = call(h, request("log"), &answer);
	if (r < 0)
		return r;
	text = json_string_value(json_object_get(answer, "text"));
	if (!text)
		return -EBADMSG;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

static int agent_append(struct home *h, const struct home_record *record)
{
	return call(h, json_pack("[s, o]", "append", record_json(record)), NULL);
}

static int agent_check(struct home *h, const struct home_record *record, size_t index, char *why,
		       size_t why_size)
{
	_cleanup_(json_free) json_t *answer = NULL;
	const char *text;
	int r;

	r = call(h, json_pack("[s, o, I]", "check", record_json(record), (json_int_t)index),
		 &answer);
	text = json_string_value(json_object_get(answer, "why"));
	if (r < 0)
		(void)snprintf(why, why_size, "%s", text && *text ? text : strerror(-r));
	return r;
}

static long agent_pool_size(struct home *h, unsigned pool)
{
	long n;
	int r = call_for_number(h, json_pack("[s, i]", "size", (int)pool), &n);

	return r < 0 ? r : n;
}

static int agent_lock(struct home *h, unsigned pool, const char *how)
{
	return call(h, json_pack("[s, i, s]", "lock", (int)pool, how), NULL);
}

static int agent_unlock(struct home *h)
{
	return call(h, request("unlock"), NULL);
}

static int agent_clean(struct home *h)
{
	int r = call(h, request("clean"), NULL);

	of_home(h)->program.ended = NULL;
	h->dir[0] = 0;
	return r;
}

/* --- life --- */

bool home_agent_is_there(struct home *h)
{
	return of_home(h)->greeted;
}

static struct home *agent_home_free(struct home *h)
{
	struct home_agent *a;

	if (!h)
		return NULL;
	a = of_home(h);
	a->lines = json_lines_free(a->lines);
	sd_event_unref(a->event);
	free(a);
	return NULL;
}

static const struct home_ops agent_ops = {
	.prepare = agent_prepare,
	.start = agent_start,
	.stop = agent_stop,
	.pause = agent_pause,
	.resume = agent_resume,
	.reload = agent_reload,
	.count_log = agent_count_log,
	.read_log = agent_read_log,
	.append = agent_append,
	.check = agent_check,
	.pool_size = agent_pool_size,
	.lock = agent_lock,
	.unlock = agent_unlock,
	.clean = agent_clean,
	.free = agent_home_free,
};

int home_agent_new(sd_event *event, int fd, struct home **ret)
{
	struct home_agent *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->home.ops = &agent_ops;
	a->event = sd_event_ref(event);
	r = json_lines_new(event, fd, &lines_events, a, &a->lines);
	if (r < 0) {
		(void)agent_home_free(&a->home);
		return r;
	}
	*ret = &a->home;
	return 0;
}
