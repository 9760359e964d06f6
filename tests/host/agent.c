/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/terminal/text.h"
#include "tests/host/json_lines.h"

#define RECORDS_MAX 64
#define WORDS_MAX 64
#define POOL_MAX 4

struct agent {
	struct json_lines *lines;
	struct home *home;
	void (*ended)(void *user, int error);
	void *user;
};

static int add(json_t *answer, const char *name, json_t *value)
{
	return json_object_set_new(answer, name, value) < 0 ? -ENOMEM : 0;
}

/* [pool, key, value] */
static int take_record(json_t *from, struct home_record *ret)
{
	json_int_t pool;

	if (json_unpack(from, "[I s s !]", &pool, &ret->key, &ret->value) < 0 || pool < 0 ||
	    pool > POOL_MAX)
		return -EINVAL;
	ret->pool = (unsigned)pool;
	return 0;
}

/* --- the operations; each may add to the answer --- */

static int do_prepare(struct agent *a, json_t *from, json_t *answer)
{
	struct home_record records[RECORDS_MAX];
	struct home_setup setup = { .records = records };
	struct timespec t;
	json_t *list;
	int r = 0;

	if (json_unpack(from, "[s o !]", &setup.config, &list) < 0)
		return -EINVAL;
	if (json_array_size(list) > RECORDS_MAX)
		return -E2BIG;
	for (; r >= 0 && setup.n_records < json_array_size(list); setup.n_records++)
		r = take_record(json_array_get(list, setup.n_records), &records[setup.n_records]);
	if (r >= 0)
		r = a->home->ops->prepare(a->home, &setup);
	if (r < 0)
		return r;
	r = add(answer, "dir", json_string(a->home->dir));
	(void)clock_gettime(CLOCK_REALTIME, &t);
	return r < 0 ? r : add(answer, "clock", json_integer((json_int_t)t.tv_sec * 10000000 +
							     t.tv_nsec / 100));
}

static void on_ended(void *user, bool signalled, int status)
{
	struct agent *a = user;
	json_t *event = json_pack("{s:s, s:i}", "ended", signalled ? "signal" : "status", "number",
				  status);

	/* If it cannot be sent there is nobody to tell it. */
	(void)json_lines_send(a->lines, event);
	json_decref(event);
}

static int do_start(struct agent *a, json_t *from, json_t *answer)
{
	json_t *list = json_array_get(from, 0);
	char *argv[WORDS_MAX + 1] = { NULL };
	const struct home_program program = { .argv = argv, .ended = on_ended, .user = a };
	size_t n = json_array_size(list);

	(void)answer;
	if (n < 1 || n > WORDS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		/* Whoever starts a program does not change its words. */
		argv[i] = (char *)(uintptr_t)json_string_value(json_array_get(list, i));
		if (!argv[i])
			return -EINVAL;
	}
	return a->home->ops->start(a->home, &program);
}

static int do_stop(struct agent *a, json_t *from, json_t *answer)
{
	(void)from;
	(void)answer;
	return a->home->ops->stop(a->home);
}

static int do_pause(struct agent *a, json_t *from, json_t *answer)
{
	(void)from;
	(void)answer;
	return a->home->ops->pause(a->home);
}

static int do_resume(struct agent *a, json_t *from, json_t *answer)
{
	(void)from;
	(void)answer;
	return a->home->ops->resume(a->home);
}

static int do_reload(struct agent *a, json_t *from, json_t *answer)
{
	const char *drop_in;

	(void)answer;
	if (json_unpack(from, "[s !]", &drop_in) < 0)
		return -EINVAL;
	return a->home->ops->reload(a->home, drop_in);
}

static int do_count(struct agent *a, json_t *from, json_t *answer)
{
	const char *text;
	size_t n;
	int r;

	if (json_unpack(from, "[s !]", &text) < 0)
		return -EINVAL;
	r = a->home->ops->count_log(a->home, text, &n);
	return r < 0 ? r : add(answer, "n", json_integer((json_int_t)n));
}

static int do_log(struct agent *a, json_t *from, json_t *answer)
{
	/* Cut where a byte that is no UTF-8 becomes three. */
	char *text, repaired[HOME_LOG_MAX + 1];
	int r;

	(void)from;
	r = a->home->ops->read_log(a->home, &text);
	if (r < 0)
		return r;
	r = add(answer, "text", json_string(text_repair(text, repaired, sizeof(repaired))));
	free(text);
	return r;
}

static int do_append(struct agent *a, json_t *from, json_t *answer)
{
	struct home_record record;
	int r = take_record(json_array_get(from, 0), &record);

	(void)answer;
	return r < 0 ? r : a->home->ops->append(a->home, &record);
}

static int do_check(struct agent *a, json_t *from, json_t *answer)
{
	char why[4608] = "", repaired[4608];
	struct home_record record;
	json_t *record_from;
	json_int_t index;
	int r;

	if (json_unpack(from, "[o I !]", &record_from, &index) < 0 || index < 0 ||
	    index > INT32_MAX)
		return -EINVAL;
	r = take_record(record_from, &record);
	if (r >= 0)
		r = a->home->ops->check(a->home, &record, (size_t)index, why, sizeof(why));
	if (r < 0)
		(void)add(answer, "why",
			  json_string(text_repair(why, repaired, sizeof(repaired))));
	return r;
}

static int do_size(struct agent *a, json_t *from, json_t *answer)
{
	json_int_t pool;
	long n;

	if (json_unpack(from, "[I !]", &pool) < 0 || pool < 0 || pool > POOL_MAX)
		return -EINVAL;
	n = a->home->ops->pool_size(a->home, (unsigned)pool);
	return n < 0 ? (int)n : add(answer, "n", json_integer(n));
}

static int do_lock(struct agent *a, json_t *from, json_t *answer)
{
	const char *how;
	json_int_t pool;

	(void)answer;
	if (json_unpack(from, "[I s !]", &pool, &how) < 0 || pool < 0 || pool > POOL_MAX)
		return -EINVAL;
	return a->home->ops->lock(a->home, (unsigned)pool, how);
}

static int do_unlock(struct agent *a, json_t *from, json_t *answer)
{
	(void)from;
	(void)answer;
	return a->home->ops->unlock(a->home);
}

static int do_clean(struct agent *a, json_t *from, json_t *answer)
{
	(void)from;
	(void)answer;
	return a->home->ops->clean(a->home);
}

static const struct {
	const char *name;
	bool unprepared; /* makes sense without a directory */
	int (*run)(struct agent *a, json_t *from, json_t *answer);
} operations[] = {
	{ "prepare", true, do_prepare }, { "start", false, do_start },
	{ "stop", false, do_stop },      { "pause", false, do_pause },
	{ "resume", false, do_resume },  { "reload", false, do_reload },
	{ "count", false, do_count },    { "log", false, do_log },
	{ "append", false, do_append },  { "check", false, do_check },
	{ "size", false, do_size },      { "lock", false, do_lock },
	{ "unlock", false, do_unlock },  { "clean", true, do_clean },
};

/* --- the conversation --- */

/* What is left of the request when its name is taken off are the arguments. */
static int run_operation(struct agent *a, json_t *from, json_t *answer)
{
	const char *name = json_string_value(json_array_get(from, 0));
	size_t i = 0;

	if (!name)
		return -EBADMSG;
	while (i < ARRAY_LEN(operations) && strcmp(operations[i].name, name) != 0)
		i++;
	if (i == ARRAY_LEN(operations))
		return -ENOSYS;
	if (!operations[i].unprepared && !a->home->dir[0])
		return -ENOENT;
	(void)json_array_remove(from, 0);
	return operations[i].run(a, from, answer);
}

static void on_taken(void *user, json_t *from)
{
	struct agent *a = user;
	json_t *answer = json_object();
	int r;

	if (!answer)
		return; /* the host waits in vain, and says so */
	r = run_operation(a, from, answer);
	if (r < 0)
		(void)add(answer, "error", json_integer(-r));
	r = json_lines_send(a->lines, answer);
	if (r == -EMSGSIZE) {
		(void)json_object_clear(answer);
		(void)add(answer, "error", json_integer(-r));
		(void)json_lines_send(a->lines, answer);
	}
	json_decref(answer);
}

static void on_broken(void *user, int error)
{
	struct agent *a = user;

	a->ended(a->user, error);
}

static const struct json_lines_events lines_events = { .taken = on_taken, .broken = on_broken };

static int greet(struct agent *a)
{
	json_t *hello = json_pack("{s:s, s:s, s:s}", "hello", "vmichost " VMICD_VERSION, "mac",
				  a->home->mac, "ipv4", a->home->ipv4);
	int r = json_lines_send(a->lines, hello);

	json_decref(hello);
	return r;
}

struct agent *agent_free(struct agent *a)
{
	if (!a)
		return NULL;
	/* Its program must not outlive who is told of its end. */
	(void)a->home->ops->clean(a->home);
	a->lines = json_lines_free(a->lines);
	free(a);
	return NULL;
}

int agent_new(sd_event *event, int fd, struct home *home, void (*ended)(void *user, int error),
	      void *user, struct agent **ret)
{
	struct agent *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->home = home;
	a->ended = ended;
	a->user = user;
	r = json_lines_new(event, fd, &lines_events, a, &a->lines);
	if (r >= 0)
		r = greet(a);
	if (r < 0)
		a = agent_free(a);
	*ret = a;
	return r;
}
