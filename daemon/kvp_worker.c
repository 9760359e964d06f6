/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/kvp_worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/pool.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)

/* Who waits asks again within milliseconds: for so long an answer waits for him, and others for that. Else two of them
 * would each have the other's thrown away, for ever... */
#define KEPT_USEC (100 * USEC_PER_MSEC)
/* ...and for so long it is good, if nobody else wants anything: later it may not be true any more. */
#define GOOD_USEC USEC_PER_SEC

/* A process that ends has so long for what it has begun: the next one answers the host soon enough. */
#define END_USEC USEC_PER_SEC

/* As memory.c reckons for the first thread; all of it is locked. */
#define STACK_BYTES (256 * 1024)

enum work {
	WORK_PREPARE,
	WORK_GET,
	WORK_SET,
	WORK_REMOVE,
	WORK_ENUMERATE,
	WORK_GET_IP,
	WORK_LIST,
};

/* Compared byte by byte: what is not used is zero. */
struct question {
	enum work work;
	unsigned pool;
	uint32_t index;
	struct kvp_record record;
	struct kvp_ip ip;
};

struct answer {
	int result;
	struct kvp_record record;
	struct kvp_ip ip;
	struct kvp_record *list;
	size_t n;
};

enum state {
	IDLE,    /* everything is the loop's */
	AT_WORK, /* data, question, answer and the notes are the thread's */
	DONE,    /* all is the loop's again, and the answer is not taken */
};

struct kvp_worker {
	struct kvp_data *data;
	struct question question, asked; /* the second is the loop's, always */
	struct answer answer;
	uint64_t done_usec;

	/* What the thread would have told, for the loop to tell. */
	unsigned changed;
	bool has_failed[KVP_DATA_PARTS];
	int failed[KVP_DATA_PARTS];
	struct kvp_data_options to;

	pthread_t thread;
	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t news;
	enum state state;
	bool ending;
	bool left_behind; /* the thread is the last to have this */
};

static uint64_t now_usec(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static void forget_list(struct kvp_worker *w)
{
	free(w->answer.list);
	w->answer.list = NULL;
	w->answer.n = 0;
}

static void dispose(struct kvp_worker *w)
{
	forget_list(w);
	w->data = kvp_data_free(w->data);
	(void)pthread_cond_destroy(&w->news);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

/* --- the thread, which allocates nothing: glibc would map a heap of 64 MiB for it, all of which counts as locked --- */

static void note_changed(void *user, unsigned pool)
{
	struct kvp_worker *w = user;

	w->changed |= 1u << pool;
}

static void note_failed(void *user, enum kvp_data_part part, int error)
{
	struct kvp_worker *w = user;

	w->has_failed[part] = true;
	w->failed[part] = error;
}

static int note_record(void *user, const struct kvp_record *record)
{
	struct answer *a = user;

	if (a->n == POOL_RECORDS_MAX)
		return -E2BIG;
	a->list[a->n++] = *record;
	return 0;
}

static int do_work(struct kvp_worker *w)
{
	const struct question *q = &w->question;
	struct answer *a = &w->answer;

	switch (q->work) {
	case WORK_PREPARE:
		kvp_data_make_pools(w->data);
		return 0;
	case WORK_GET:
		return kvp_data_ops.get(w->data, q->pool, &a->record);
	case WORK_SET:
		return kvp_data_ops.set(w->data, q->pool, &q->record);
	case WORK_REMOVE:
		return kvp_data_ops.remove(w->data, q->pool, q->record.key);
	case WORK_ENUMERATE:
		return kvp_data_ops.enumerate(w->data, q->pool, q->index, &a->record);
	case WORK_GET_IP:
		return kvp_data_ops.get_ip(w->data, &a->ip);
	case WORK_LIST:
		return kvp_data_each(w->data, q->pool, note_record, a);
	}
	return -EINVAL;
}

static void *run(void *user)
{
	struct kvp_worker *w = user;
	bool left_behind;

	(void)pthread_mutex_lock(&w->lock);
	for (;;) {
		while (w->state != AT_WORK && !w->ending)
			(void)pthread_cond_wait(&w->news, &w->lock);
		if (w->state != AT_WORK)
			break;
		(void)pthread_mutex_unlock(&w->lock);
		w->answer.result = do_work(w);
		w->done_usec = now_usec();
		(void)pthread_mutex_lock(&w->lock);
		w->state = DONE;
		(void)pthread_cond_broadcast(&w->news);
	}
	left_behind = w->left_behind;
	(void)pthread_mutex_unlock(&w->lock);
	if (left_behind)
		dispose(w);
	return NULL;
}

/* --- the loop --- */

static enum state state_of(struct kvp_worker *w)
{
	enum state state;

	(void)pthread_mutex_lock(&w->lock);
	state = w->state;
	(void)pthread_mutex_unlock(&w->lock);
	return state;
}

/* Locked: until the thread is not at work any more, and no longer than that. */
static void await(struct kvp_worker *w, uint64_t usec)
{
	const uint64_t until = now_usec() + usec;
	const struct timespec ts = { .tv_sec = (time_t)(until / USEC_PER_SEC),
				     .tv_nsec = (long)(until % USEC_PER_SEC * 1000) };

	while (w->state == AT_WORK && pthread_cond_timedwait(&w->news, &w->lock, &ts) == 0)
		;
}

static int begin(struct kvp_worker *w)
{
	forget_list(w);
	if (w->asked.work == WORK_LIST) {
		w->answer.list = calloc(POOL_RECORDS_MAX, sizeof(*w->answer.list));
		if (!w->answer.list)
			return -ENOMEM;
	}
	w->question = w->asked;
	w->answer.record = w->asked.record;
	w->answer.ip = w->asked.ip;
	(void)pthread_mutex_lock(&w->lock);
	w->state = AT_WORK;
	(void)pthread_cond_broadcast(&w->news);
	await(w, KVP_WORKER_WAIT_USEC);
	(void)pthread_mutex_unlock(&w->lock);
	return 0;
}

/* The thread is done: what it has noted is told, and it may be given something else. */
static void take(struct kvp_worker *w)
{
	(void)pthread_mutex_lock(&w->lock);
	w->state = IDLE;
	(void)pthread_mutex_unlock(&w->lock);
	for (unsigned pool = 0; pool < KVP_POOLS; pool++)
		if (w->changed & 1u << pool && w->to.changed)
			w->to.changed(w->to.user, pool);
	w->changed = 0;
	for (int part = 0; part < KVP_DATA_PARTS; part++)
		if (w->has_failed[part] && w->to.failed)
			w->to.failed(w->to.user, part, w->failed[part]);
	memset(w->has_failed, 0, sizeof(w->has_failed));
}

static bool is_answered(const struct kvp_worker *w)
{
	return memcmp(&w->asked, &w->question, sizeof(w->asked)) == 0 && now_usec() - w->done_usec < GOOD_USEC;
}

static bool is_kept(const struct kvp_worker *w)
{
	return now_usec() - w->done_usec < KEPT_USEC;
}

/* What is wanted of the thread next, to be filled in. */
static struct question *question(struct kvp_worker *w, enum work work, unsigned pool)
{
	memset(&w->asked, 0, sizeof(w->asked));
	w->asked.work = work;
	w->asked.pool = pool;
	return &w->asked;
}

/* What has come of that, in w->answer as well until something else is asked; -EAGAIN. */
static int ask(struct kvp_worker *w)
{
	int r = 0;

	if (state_of(w) == DONE && !is_answered(w)) {
		if (is_kept(w))
			return -EAGAIN;
		take(w); /* who has asked for it has gone */
	}
	if (state_of(w) == IDLE)
		r = begin(w);
	if (r < 0)
		return r;
	if (state_of(w) == AT_WORK)
		return -EAGAIN;
	take(w);
	return w->answer.result;
}

static int worker_get(void *user, unsigned pool, struct kvp_record *record)
{
	struct kvp_worker *w = user;
	int r;

	(void)strcpy(question(w, WORK_GET, pool)->record.key, record->key);
	r = ask(w);
	if (r == 0)
		memcpy(record->value, w->answer.record.value, sizeof(record->value));
	return r;
}

static int worker_set(void *user, unsigned pool, const struct kvp_record *record)
{
	struct kvp_worker *w = user;

	question(w, WORK_SET, pool)->record = *record;
	return ask(w);
}

static int worker_remove(void *user, unsigned pool, const char *key)
{
	struct kvp_worker *w = user;

	(void)strcpy(question(w, WORK_REMOVE, pool)->record.key, key);
	return ask(w);
}

static int worker_enumerate(void *user, unsigned pool, uint32_t index, struct kvp_record *ret)
{
	struct kvp_worker *w = user;
	int r;

	question(w, WORK_ENUMERATE, pool)->index = index;
	r = ask(w);
	if (r == 0)
		*ret = w->answer.record;
	return r;
}

static int worker_get_ip(void *user, struct kvp_ip *ip)
{
	struct kvp_worker *w = user;
	int r;

	question(w, WORK_GET_IP, 0)->ip = *ip;
	r = ask(w);
	if (r == 0)
		*ip = w->answer.ip;
	return r;
}

static int apply_ip(void *user, const char *interface, const struct kvp_ip *ip)
{
	struct kvp_worker *w = user;

	return w->to.apply_ip(w->to.user, interface, ip);
}

/* By the loop: it asks for no disk, and what makes addresses a configuration belongs to the loop. */
static int worker_set_ip(void *user, const struct kvp_ip *ip)
{
	struct kvp_worker *w = user;

	return state_of(w) == AT_WORK ? -EAGAIN : kvp_data_ops.set_ip(w->data, ip);
}

const struct kvp_ops kvp_worker_ops = {
	.get = worker_get,
	.set = worker_set,
	.remove = worker_remove,
	.enumerate = worker_enumerate,
	.get_ip = worker_get_ip,
	.set_ip = worker_set_ip,
};

int kvp_worker_each(struct kvp_worker *w, unsigned pool,
		    int (*each)(void *user, const struct kvp_record *record), void *user)
{
	int r;

	(void)question(w, WORK_LIST, pool);
	r = ask(w);
	for (size_t i = 0; r == 0 && i < w->answer.n; i++)
		r = each(user, &w->answer.list[i]);
	if (state_of(w) == IDLE)
		forget_list(w);
	return r;
}

/* --- start and end --- */

/* The process's signals belong to its loop. */
static int start_thread(struct kvp_worker *w)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);

	if (r != 0)
		return -r;
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&w->thread, &attr, run, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	return -r;
}

static void init_lock(struct kvp_worker *w)
{
	pthread_condattr_t attr;

	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&w->news, &attr);
	(void)pthread_condattr_destroy(&attr);
}

int kvp_worker_new(const struct kvp_data_options *options, struct kvp_worker **ret)
{
	struct kvp_data_options noted = *options;
	struct kvp_worker *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	init_lock(w);
	w->to = *options;
	noted.apply_ip = options->apply_ip ? apply_ip : NULL;
	noted.changed = note_changed;
	noted.failed = note_failed;
	noted.user = w;
	r = kvp_data_new(&noted, &w->data);
	if (r == 0)
		r = start_thread(w);
	if (r < 0) {
		dispose(w);
		return r;
	}
	(void)question(w, WORK_PREPARE, 0);
	(void)ask(w);
	*ret = w;
	return 0;
}

struct kvp_worker *kvp_worker_free(struct kvp_worker *w)
{
	bool left_behind;
	pthread_t thread;

	if (!w)
		return NULL;
	thread = w->thread;
	(void)pthread_mutex_lock(&w->lock);
	w->ending = true;
	(void)pthread_cond_broadcast(&w->news);
	await(w, END_USEC);
	left_behind = w->left_behind = w->state == AT_WORK;
	(void)pthread_mutex_unlock(&w->lock);
	if (left_behind) {
		(void)pthread_detach(thread);
		return NULL;
	}
	(void)pthread_join(thread, NULL);
	dispose(w);
	return NULL;
}
