/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/scenario_machine.h"

#include <stdio.h>
#include <string.h>

#define LOG_LOOK_MS 10

/* Nothing tells when a file has grown. A home that cannot be asked is no log that says nothing. */
static int wait_for_log(struct play *p, const char *text, size_t *ret)
{
	uint64_t end = play_now_ms() + PLAY_WITHIN_MS * (uint64_t)p->slow;
	int r;

	while ((r = p->home->ops->count_log(p->home, text, ret)) >= 0 && !*ret &&
	       play_now_ms() < end && !p->stopped)
		(void)play_wait(p, play_never, 0, LOG_LOOK_MS);
	return r;
}

static int log_failed(struct play *p, int r)
{
	return play_fail(p, "cannot read the guest's log: %s", strerror(-r));
}

int machine_step_log(struct play *p, char *const *words)
{
	uint64_t most = UINT64_MAX;
	const char *text = words[0];
	size_t n = 0;
	int r;

	words += text != NULL;
	if (!text || words_take_option(&words, "at-most", UINT32_MAX, &most) < 0 || *words)
		return play_expected(p, "log \"TEXT\" [at-most N]");
	if (play_is_dry(p))
		return 0;
	if (most == UINT64_MAX)
		r = wait_for_log(p, text, &n);
	else
		r = p->home->ops->count_log(p->home, text, &n);
	if (r < 0)
		return log_failed(p, r);
	if (most == UINT64_MAX)
		return n ? 0 : play_fail(p, "the guest's log does not say \"%s\"", text);
	/* What keeps a log short counts its lines in a time, and a slow guest takes more of that. */
	return n <= most * p->slow ? 0 : play_fail(p, "the guest's log says \"%s\" in %zu lines",
						   text, n);
}

static int pool_append(struct play *p, unsigned pool, char *const *words)
{
	struct home_record record = { .pool = pool };
	int r;

	if (!words[0] || !words[1] || words[2])
		return play_expected(p, "pool N append KEY VALUE");
	if (play_is_dry(p))
		return 0;
	record.key = words[0];
	record.value = words[1];
	r = p->home->ops->append(p->home, &record);
	return r < 0 ? play_fail(p, "cannot append to pool %u: %s", pool, strerror(-r)) : 0;
}

static int pool_record(struct play *p, unsigned pool, char *const *words)
{
	struct home_record record = { .pool = pool };
	char why[4608];
	uint64_t index;

	if (scenario_take_number(words[0], INT32_MAX, &index) < 0 || !words[1] || !words[2] ||
	    words[3])
		return play_expected(p, "pool N record INDEX KEY VALUE");
	record.key = words[1];
	record.value = words[2];
	if (play_is_dry(p) ||
	    p->home->ops->check(p->home, &record, index, why, sizeof(why)) == 0)
		return 0;
	return play_fail(p, "%s", why);
}

static int pool_size(struct play *p, unsigned pool, char *const *words)
{
	uint64_t n;
	long size;

	if (scenario_take_number(words[0], INT32_MAX, &n) < 0 || words[1])
		return play_expected(p, "pool N size BYTES");
	if (play_is_dry(p))
		return 0;
	size = p->home->ops->pool_size(p->home, pool);
	return size == (long)n ? 0 : play_fail(p, "the file of pool %u has %ld bytes", pool, size);
}

static int pool_lock(struct play *p, unsigned pool, char *const *words)
{
	int r;

	if (!words[0] || words[1] ||
	    (strcmp(words[0], "flock") != 0 && strcmp(words[0], "fcntl") != 0))
		return play_expected(p, "pool N lock flock or fcntl");
	if (play_is_dry(p))
		return 0;
	r = p->home->ops->lock(p->home, pool, words[0]);
	return r < 0 ? play_fail(p, "cannot lock pool %u: %s", pool, strerror(-r)) : 0;
}

static int pool_unlock(struct play *p, unsigned pool, char *const *words)
{
	int r;

	if (words[0])
		return play_expected(p, "pool N unlock");
	if (play_is_dry(p))
		return 0;
	r = p->home->ops->unlock(p->home);
	return r < 0 ? play_fail(p, "cannot unlock pool %u: %s", pool, strerror(-r)) : 0;
}

static const struct {
	const char *word;
	int (*run)(struct play *p, unsigned pool, char *const *words);
} pool_acts[] = {
	{ "append", pool_append }, { "record", pool_record }, { "size", pool_size },
	{ "lock", pool_lock },     { "unlock", pool_unlock },
};

int machine_step_pool(struct play *p, char *const *words)
{
	uint64_t pool;

	if (scenario_take_number(words[0], 4, &pool) == 0 && words[1])
		for (size_t i = 0; i < ARRAY_LEN(pool_acts); i++)
			if (strcmp(pool_acts[i].word, words[1]) == 0)
				return pool_acts[i].run(p, (unsigned)pool, words + 2);
	return play_expected(p, "pool 0 to 4 and append, record, size, lock or unlock");
}

/* Each word is a line of the drop-in. */
static int guest_reload(struct play *p, char *const *lines)
{
	char drop_in[1024] = "";
	size_t n = 0;
	int r;

	for (; *lines && n < sizeof(drop_in); lines++)
		n += (size_t)snprintf(drop_in + n, sizeof(drop_in) - n, "%s\n", *lines);
	if (n >= sizeof(drop_in))
		return play_expected(p, "guest reload and less than 1024 bytes of configuration");
	if (play_is_dry(p))
		return 0;
	r = p->home->ops->reload(p->home, drop_in);
	return r < 0 ? play_fail(p, "cannot have the guest reload: %s", strerror(-r)) : 0;
}

int machine_step_guest(struct play *p, char *const *words)
{
	bool stop = words[0] && strcmp(words[0], "stop") == 0;
	int r;

	if (words[0] && strcmp(words[0], "reload") == 0)
		return guest_reload(p, words + 1);
	if (!words[0] || words[1] || (!stop && strcmp(words[0], "continue") != 0))
		return play_expected(p, "guest stop, continue or reload [LINE...]");
	if (play_is_dry(p))
		return 0;
	r = stop ? p->home->ops->pause(p->home) : p->home->ops->resume(p->home);
	return r < 0 ? play_fail(p, "cannot %s the guest: %s", words[0], strerror(-r)) : 0;
}
