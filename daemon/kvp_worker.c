/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/kvp_worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/pool.h"

#define USEC_PER_SEC UINT64_C(1000000)

/* A process that ends has so long for what it has begun: the next one answers the host soon enough. */
#define END_USEC USEC_PER_SEC

/* What is waited for is waited for in so many steps. */
#define AWAIT_STEPS 5

/* As memory.c reckons for the first thread; all of it is locked. */
#define STACK_BYTES (256 * 1024)

enum work {
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
	struct kvp_record *list; /* room for POOL_RECORDS_MAX */
	size_t n;
};

enum state {
	IDLE,    /* question and answer are the loop's */
	WAITS,   /* the same, until the thread has time */
	AT_WORK, /* they are the thread's */
	DONE,    /* the loop's again, and the answer is not taken */
};

struct kvp_client {
	struct kvp_worker *worker;
	struct question asked; /* the loop's, always */
	struct question question;
	struct answer answer;
	enum state state;
	bool given_up; /* AT_WORK: nobody wants the answer */
};

struct kvp_worker {
	struct kvp_data *data; /* whose lock has been taken, or who is at work */
	struct kvp_data_options to;
	sd_event_source *news; /* the thread has done something that nobody waited for */
	int news_fd;
	bool has_thread;
	pthread_t thread;

	pthread_mutex_t lock; /* for what follows, and the clients' states */
	pthread_cond_t changed_state;
	struct kvp_client client[KVP_CLIENTS];
	bool prepared;  /* the pools were made, or it was tried */
	bool at_work;
	bool is_awaited; /* the loop looks at the result itself */
	bool ending;
	bool left_behind; /* the thread is the last to have this */
	/* What the thread would have told, for the loop to tell. */
	unsigned changed;
	int failed[KVP_DATA_PARTS];
};

static void lock(struct kvp_worker *w)
{
	(void)pthread_mutex_lock(&w->lock);
}

static void unlock(struct kvp_worker *w)
{
	(void)pthread_mutex_unlock(&w->lock);
}

static void forget_list(struct kvp_client *c)
{
	free(c->answer.list);
	c->answer.list = NULL;
	c->answer.n = 0;
}

static void dispose(struct kvp_worker *w)
{
	for (int i = 0; i < KVP_CLIENTS; i++)
		forget_list(&w->client[i]);
	w->data = kvp_data_free(w->data);
	if (w->news_fd >= 0)
		(void)close(w->news_fd);
	(void)pthread_cond_destroy(&w->changed_state);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

/* --- the thread, which allocates nothing: glibc would map a heap of 64 MiB for it, all of which counts as locked --- */

static void note_changed(void *user, unsigned pool)
{
	struct kvp_worker *w = user;

	lock(w);
	w->changed |= 1u << pool;
	unlock(w);
}

static void note_failed(void *user, enum kvp_data_part part, int error)
{
	struct kvp_worker *w = user;

	lock(w);
	w->failed[part] = error;
	unlock(w);
}

static int note_record(void *user, const struct kvp_record *record)
{
	struct answer *a = user;

	if (a->n == POOL_RECORDS_MAX)
		return -E2BIG;
	a->list[a->n++] = *record;
	return 0;
}

static int do_work(struct kvp_data *data, const struct question *q, struct answer *a)
{
	switch (q->work) {
	case WORK_GET:
		return kvp_data_ops.get(data, q->pool, &a->record);
	case WORK_SET:
		return kvp_data_ops.set(data, q->pool, &q->record);
	case WORK_REMOVE:
		return kvp_data_ops.remove(data, q->pool, q->record.key);
	case WORK_ENUMERATE:
		return kvp_data_ops.enumerate(data, q->pool, q->index, &a->record);
	case WORK_GET_IP:
		return kvp_data_ops.get_ip(data, &a->ip);
	case WORK_LIST:
		return kvp_data_each(data, q->pool, note_record, a);
	}
	return -EINVAL;
}

/* Locked, as all here is. */
static struct kvp_client *next_client(struct kvp_worker *w)
{
	for (int i = 0; i < KVP_CLIENTS; i++)
		if (w->client[i].state == WAITS)
			return &w->client[i];
	return NULL;
}

static void tell_news(const struct kvp_worker *w)
{
	const uint64_t one = 1;

	if (write(w->news_fd, &one, sizeof(one)) < 0)
		return; /* it is full of news */
}

static void prepare(struct kvp_worker *w)
{
	w->at_work = true;
	unlock(w);
	kvp_data_make_pools(w->data);
	lock(w);
	w->at_work = false;
	w->prepared = true;
}

static void serve(struct kvp_worker *w, struct kvp_client *c)
{
	int r;

	c->state = AT_WORK;
	w->at_work = true;
	unlock(w);
	r = do_work(w->data, &c->question, &c->answer);
	lock(w);
	w->at_work = false;
	c->answer.result = r;
	c->state = c->given_up ? IDLE : DONE;
	if (c->given_up)
		tell_news(w);
	c->given_up = false;
}

/* Whether there was anything to do. */
static bool work(struct kvp_worker *w)
{
	struct kvp_client *c = next_client(w);

	if (!w->prepared)
		prepare(w);
	else if (c)
		serve(w, c);
	else
		return false;
	return true;
}

static void *run(void *user)
{
	struct kvp_worker *w = user;
	bool left_behind;

	lock(w);
	while (!w->ending) {
		if (!work(w)) {
			(void)pthread_cond_wait(&w->changed_state, &w->lock);
			continue;
		}
		(void)pthread_cond_broadcast(&w->changed_state);
		if (!w->is_awaited)
			tell_news(w);
	}
	left_behind = w->left_behind;
	unlock(w);
	if (left_behind)
		dispose(w);
	return NULL;
}

/* --- the loop --- */

/* What the thread has noted. */
static void tell(struct kvp_worker *w)
{
	int failed[KVP_DATA_PARTS];
	unsigned changed;

	lock(w);
	changed = w->changed;
	w->changed = 0;
	memcpy(failed, w->failed, sizeof(failed));
	memset(w->failed, 0, sizeof(w->failed));
	unlock(w);
	for (unsigned pool = 0; pool < KVP_POOLS; pool++)
		if (changed & 1u << pool && w->to.changed)
			w->to.changed(w->to.user, pool);
	for (int part = 0; part < KVP_DATA_PARTS; part++)
		if (failed[part] < 0 && w->to.failed)
			w->to.failed(w->to.user, part, failed[part]);
}

static int on_news(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct kvp_worker *w = user;
	uint64_t times;

	(void)source, (void)revents;
	if (read(fd, &times, sizeof(times)) < 0)
		return 0;
	lock(w);
	for (int i = 0; i < KVP_CLIENTS; i++)
		if (w->client[i].state == IDLE)
			forget_list(&w->client[i]);
	unlock(w);
	tell(w);
	return 0;
}

/* Locked: waits for some news, and no longer than that. */
static void await_news(struct kvp_worker *w, uint64_t usec)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(usec * 1000);
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	(void)pthread_cond_timedwait(&w->changed_state, &w->lock, &until);
}

/* Locked: until there is nothing to wait for, and no longer than that, in steps: a virtual machine that stood still for a
 * moment finds that much time gone, and its disk is not slow for that. */
static void await(struct kvp_worker *w, uint64_t usec, bool (*is_over)(const void *of), const void *of)
{
	w->is_awaited = true;
	for (unsigned i = 0; i < AWAIT_STEPS && !is_over(of); i++)
		await_news(w, usec / AWAIT_STEPS);
	w->is_awaited = false;
}

static bool is_done(const void *of)
{
	const struct kvp_client *c = of;

	return c->state == DONE;
}

static bool is_prepared(const void *of)
{
	const struct kvp_worker *w = of;

	return w->prepared;
}

static bool is_at_rest(const void *of)
{
	const struct kvp_worker *w = of;

	return !w->at_work;
}

/* Locked: the same for a thread that there is, or without one. */
static void have_done(struct kvp_worker *w, bool (*is_over)(const void *of), const void *of)
{
	if (w->has_thread) {
		(void)pthread_cond_broadcast(&w->changed_state);
		await(w, KVP_WORKER_WAIT_USEC, is_over, of);
		return;
	}
	while (work(w))
		;
}

/* What is wanted of the thread next, to be filled in. */
static struct question *question(struct kvp_client *c, enum work work, unsigned pool)
{
	memset(&c->asked, 0, sizeof(c->asked));
	c->asked.work = work;
	c->asked.pool = pool;
	return &c->asked;
}

/* Locked, as the next two. */
static void give_up(struct kvp_client *c)
{
	if (c->state == AT_WORK)
		c->given_up = true;
	else
		c->state = IDLE;
}

static int begin(struct kvp_client *c)
{
	forget_list(c);
	if (c->asked.work == WORK_LIST) {
		c->answer.list = calloc(POOL_RECORDS_MAX, sizeof(*c->answer.list));
		if (!c->answer.list)
			return -ENOMEM;
	}
	c->question = c->asked;
	c->answer.record = c->asked.record;
	c->answer.ip = c->asked.ip;
	c->state = WAITS;
	have_done(c->worker, is_done, c);
	return 0;
}

static int ask_locked(struct kvp_client *c)
{
	int r = 0;

	/* Who asks for something else does not want the other thing any more. */
	if (c->state != IDLE && memcmp(&c->asked, &c->question, sizeof(c->asked)) != 0)
		give_up(c);
	if (c->state == IDLE)
		r = begin(c);
	if (r < 0)
		return r;
	if (c->state != DONE)
		return -EAGAIN;
	c->state = IDLE;
	return c->answer.result;
}

/* What has come of that, in c->answer as well until something else is asked; -EAGAIN. */
static int ask(struct kvp_client *c)
{
	int r;

	lock(c->worker);
	r = ask_locked(c);
	unlock(c->worker);
	tell(c->worker);
	return r;
}

static int client_get(void *user, unsigned pool, struct kvp_record *record)
{
	struct kvp_client *c = user;
	int r;

	(void)strcpy(question(c, WORK_GET, pool)->record.key, record->key);
	r = ask(c);
	if (r == 0)
		memcpy(record->value, c->answer.record.value, sizeof(record->value));
	return r;
}

static int client_set(void *user, unsigned pool, const struct kvp_record *record)
{
	struct kvp_client *c = user;

	question(c, WORK_SET, pool)->record = *record;
	return ask(c);
}

static int client_remove(void *user, unsigned pool, const char *key)
{
	struct kvp_client *c = user;

	(void)strcpy(question(c, WORK_REMOVE, pool)->record.key, key);
	return ask(c);
}

static int client_enumerate(void *user, unsigned pool, uint32_t index, struct kvp_record *ret)
{
	struct kvp_client *c = user;
	int r;

	question(c, WORK_ENUMERATE, pool)->index = index;
	r = ask(c);
	if (r == 0)
		*ret = c->answer.record;
	return r;
}

static int client_get_ip(void *user, struct kvp_ip *ip)
{
	struct kvp_client *c = user;
	int r;

	question(c, WORK_GET_IP, 0)->ip = *ip;
	r = ask(c);
	if (r == 0)
		*ip = c->answer.ip;
	return r;
}

static int apply_ip(void *user, const char *interface, const struct kvp_ip *ip)
{
	struct kvp_worker *w = user;

	return w->to.apply_ip(w->to.user, interface, ip);
}

/* By the loop: it asks for no disk, and what makes addresses a configuration belongs to the loop. */
static int client_set_ip(void *user, const struct kvp_ip *ip)
{
	struct kvp_client *c = user;
	int r = -EAGAIN;

	lock(c->worker);
	if (!c->worker->at_work)
		r = kvp_data_ops.set_ip(c->worker->data, ip);
	unlock(c->worker);
	return r;
}

static void client_forget(void *user)
{
	struct kvp_client *c = user;

	lock(c->worker);
	give_up(c);
	if (c->state == IDLE)
		forget_list(c);
	unlock(c->worker);
}

const struct kvp_ops kvp_client_ops = {
	.get = client_get,
	.set = client_set,
	.remove = client_remove,
	.enumerate = client_enumerate,
	.get_ip = client_get_ip,
	.set_ip = client_set_ip,
	.forget = client_forget,
};

int kvp_client_each(struct kvp_client *c, unsigned pool,
		    int (*each)(void *user, const struct kvp_record *record), void *user)
{
	int r;

	(void)question(c, WORK_LIST, pool);
	r = ask(c);
	if (r == -EAGAIN)
		return r;
	for (size_t i = 0; r == 0 && i < c->answer.n; i++)
		r = each(user, &c->answer.list[i]);
	forget_list(c);
	return r;
}

bool kvp_client_waits(const struct kvp_client *c)
{
	bool waits;

	lock(c->worker);
	waits = c->state != IDLE;
	unlock(c->worker);
	return waits;
}

struct kvp_client *kvp_worker_client(struct kvp_worker *w, enum kvp_client_id id)
{
	return &w->client[id];
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
	(void)pthread_cond_init(&w->changed_state, &attr);
	(void)pthread_condattr_destroy(&attr);
}

static int set_up(struct kvp_worker *w, sd_event *event)
{
	const struct kvp_data_options noted = {
		.pool_directory = w->to.pool_directory,
		.root = w->to.root,
		.services_version = w->to.services_version,
		.dry_run = w->to.dry_run,
		.apply_ip = w->to.apply_ip ? apply_ip : NULL,
		.changed = note_changed,
		.failed = note_failed,
		.user = w,
	};
	int r = kvp_data_new(&noted, &w->data);

	if (r < 0)
		return r;
	w->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->news_fd < 0)
		return -errno;
	r = sd_event_add_io(event, &w->news, w->news_fd, EPOLLIN, on_news, w);
	if (r < 0)
		return r;
	(void)sd_event_source_set_description(w->news, "pools");
	return 0;
}

int kvp_worker_new(sd_event *event, const struct kvp_data_options *options, struct kvp_worker **ret, int *error)
{
	struct kvp_worker *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	init_lock(w);
	w->news_fd = -1;
	w->to = *options;
	for (int i = 0; i < KVP_CLIENTS; i++)
		w->client[i].worker = w;
	r = set_up(w, event);
	if (r < 0) {
		w->news = sd_event_source_disable_unref(w->news);
		dispose(w);
		return r;
	}
	*error = start_thread(w);
	w->has_thread = *error == 0;
	lock(w);
	have_done(w, is_prepared, w);
	unlock(w);
	tell(w);
	*ret = w;
	return w->has_thread ? 0 : 1;
}

struct kvp_worker *kvp_worker_free(struct kvp_worker *w)
{
	bool left_behind;
	pthread_t thread;

	if (!w)
		return NULL;
	w->news = sd_event_source_disable_unref(w->news);
	if (!w->has_thread) {
		dispose(w);
		return NULL;
	}
	thread = w->thread;
	lock(w);
	w->ending = true;
	(void)pthread_cond_broadcast(&w->changed_state);
	await(w, END_USEC, is_at_rest, w);
	left_behind = w->left_behind = w->at_work;
	unlock(w);
	if (left_behind) {
		(void)pthread_detach(thread);
		return NULL;
	}
	(void)pthread_join(thread, NULL);
	dispose(w);
	return NULL;
}
