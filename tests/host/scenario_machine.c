/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/scenario_machine.h"

#include <string.h>
#include <unistd.h>

#include "tests/host/scenario_files.h"

#define LOG_LOOK_MS 10

/* Nothing tells when a file has grown. */
static bool wait_for_log(struct play *p, const char *text)
{
	uint64_t end = play_now_ms() + PLAY_WITHIN_MS;
	bool found;

	while (!(found = files_count_log(p->variables.dir, text)) && play_now_ms() < end &&
	       !p->stopped)
		(void)play_wait(p, play_never, 0, LOG_LOOK_MS);
	return found;
}

int machine_step_log(struct play *p, char *const *words)
{
	uint64_t most = UINT64_MAX;
	const char *text = words[0];
	size_t n;

	words += text != NULL;
	if (!text || words_take_option(&words, "at-most", UINT32_MAX, &most) < 0 || *words)
		return play_expected(p, "log \"TEXT\" [at-most N]");
	if (play_is_dry(p))
		return 0;
	if (most == UINT64_MAX)
		return wait_for_log(p, text) ?
			       0 : play_fail(p, "the guest's log does not say \"%s\"", text);
	n = files_count_log(p->variables.dir, text);
	return n <= most ? 0 : play_fail(p, "the guest's log says \"%s\" in %zu lines", text, n);
}

static int pool_append(struct play *p, unsigned pool, char *const *words)
{
	int r;

	if (!words[0] || !words[1] || words[2])
		return play_expected(p, "pool N append KEY VALUE");
	if (play_is_dry(p))
		return 0;
	r = files_append_record(p->variables.dir, pool, words[0], words[1]);
	return r < 0 ? play_fail(p, "cannot append to pool %u: %s", pool, strerror(-r)) : 0;
}

static int pool_record(struct play *p, unsigned pool, char *const *words)
{
	char why[4608];
	uint64_t index;

	if (scenario_take_number(words[0], UINT32_MAX, &index) < 0 || !words[1] || !words[2] ||
	    words[3])
		return play_expected(p, "pool N record INDEX KEY VALUE");
	if (play_is_dry(p) ||
	    files_check_record(p->variables.dir, pool, index, words[1], words[2], why,
			       sizeof(why)) == 0)
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
	size = files_pool_size(p->variables.dir, pool);
	return size == (long)n ? 0 : play_fail(p, "the file of pool %u has %ld bytes", pool, size);
}

void machine_unlock(struct play *p)
{
	if (p->lock_fd >= 0)
		(void)close(p->lock_fd);
	p->lock_fd = -1;
}

static int pool_lock(struct play *p, unsigned pool, char *const *words)
{
	if (!words[0] || words[1] ||
	    (strcmp(words[0], "flock") != 0 && strcmp(words[0], "fcntl") != 0))
		return play_expected(p, "pool N lock flock or fcntl");
	if (play_is_dry(p))
		return 0;
	machine_unlock(p);
	p->lock_fd = files_lock_pool(p->variables.dir, pool, words[0]);
	if (p->lock_fd < 0)
		return play_fail(p, "cannot lock pool %u: %s", pool, strerror(-p->lock_fd));
	return 0;
}

static int pool_unlock(struct play *p, unsigned pool, char *const *words)
{
	(void)pool;
	if (words[0])
		return play_expected(p, "pool N unlock");
	machine_unlock(p);
	return 0;
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

int machine_step_guest(struct play *p, char *const *words)
{
	bool stop = words[0] && strcmp(words[0], "stop") == 0;
	int r;

	if (!words[0] || words[1] || (!stop && strcmp(words[0], "continue") != 0))
		return play_expected(p, "guest stop or continue");
	if (play_is_dry(p))
		return 0;
	if (!p->guest)
		return play_fail(p, "there is no guest's program to %s", words[0]);
	r = stop ? guest_pause(p->guest) : guest_resume(p->guest);
	return r < 0 ? play_fail(p, "cannot %s the guest: %s", words[0], strerror(-r)) : 0;
}
