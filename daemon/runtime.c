/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/runtime.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sum.h"

#define STORED_NAME "vmic.manager.state"
/* Layout and meaning of the memory. One that has another number is not looked at. */
#define FORMAT 1
#define NAME_SIZE 32

static const char magic[8] = { 'v', 'm', 'i', 'c', 's', 'e', 't', 's' };

/* Names, not numbers: another version may count its profiles in another way. */
struct choice {
	char set[NAME_SIZE]; /* "": nothing was, the files' one holds */
	char configured[NAME_SIZE];
};

struct record {
	uint64_t sum;
	char magic[8];
	uint32_t format;
	uint32_t size; /* of all of it */
	struct choice profile, application_state;
};

/* Who changes it makes another FORMAT of it. */
_Static_assert(sizeof(struct record) == 152, "no padding");

/* --- leaving --- */

static struct choice choice_of(const char *now, const char *configured)
{
	struct choice c = { 0 };

	if (strcmp(now, configured) != 0)
		(void)snprintf(c.set, sizeof(c.set), "%s", now);
	(void)snprintf(c.configured, sizeof(c.configured), "%s", configured);
	return c;
}

static struct record record_of(const struct conf *conf)
{
	struct record to = {
		.format = FORMAT,
		.size = sizeof(to),
		.profile = choice_of(conf->profile->name, conf->configured.profile->name),
		.application_state = choice_of(heartbeat_state_names[conf->application_state],
					       heartbeat_state_names[conf->configured.application_state]),
	};

	memcpy(to.magic, magic, sizeof(magic));
	to.sum = sum_of(&to, sizeof(to));
	return to;
}

static void forget(struct runtime *r)
{
	if (r->fd < 0)
		return;
	store_remove(r->store, STORED_NAME);
	runtime_done(r);
}

/* Less than a page goes in at once: a process is killed before that, or behind it. */
static int put(int fd, const struct record *record)
{
	ssize_t n = pwrite(fd, record, sizeof(*record), 0);

	if (n < 0)
		return -errno;
	return n == sizeof(*record) ? 0 : -ENOSPC;
}

static int put_new(struct runtime *r, const struct record *record)
{
	int e;

	r->fd = memfd_create("vmicd run time", MFD_CLOEXEC);
	if (r->fd < 0)
		return -errno;
	e = put(r->fd, record);
	if (e == 0)
		store_put(r->store, STORED_NAME, r->fd);
	return e;
}

void runtime_keep(struct runtime *r, const struct conf *conf)
{
	const struct record record = record_of(conf);
	int e;

	if (!r->store)
		return;
	if (record.profile.set[0] == '\0' && record.application_state.set[0] == '\0') {
		forget(r);
		return;
	}
	e = r->fd < 0 ? put_new(r, &record) : put(r->fd, &record);
	if (e < 0) {
		log_warning(r->log, "what is set at run time cannot be kept, and ends with this process: %s",
			    strerror(-e));
		forget(r);
	}
}

void runtime_done(struct runtime *r)
{
	if (r->fd >= 0)
		(void)close(r->fd);
	r->fd = -1;
}

/* --- what a predecessor has left --- */

static bool is_name(const char name[NAME_SIZE])
{
	return memchr(name, '\0', NAME_SIZE) != NULL;
}

static bool is_choice(const struct choice *c)
{
	return is_name(c->set) && is_name(c->configured);
}

/* NULL: it is in *ret; or why it is not, a clause. */
static const char *get(int fd, struct record *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != (off_t)sizeof(*ret) ||
	    pread(fd, ret, sizeof(*ret), 0) != (ssize_t)sizeof(*ret) ||
	    memcmp(ret->magic, magic, sizeof(magic)) != 0 || ret->format != FORMAT || ret->size != sizeof(*ret))
		return "it is of another format";
	/* The sum held, so this is what a predecessor wrote: one that was wrong then must not harm us now. */
	if (ret->sum != sum_of(ret, sizeof(*ret)) || !is_choice(&ret->profile) ||
	    !is_choice(&ret->application_state))
		return "it is damaged";
	return NULL;
}

static void drop(const struct runtime *r, const char *what, const char *name, const char *why)
{
	log_info(r->log, "the %s '%s', which was set at run time, is dropped: %s", what, name, why);
}

/* Who has changed the configuration since, and starts us anew, wants that. */
static bool is_as_then(const struct runtime *r, const char *what, const struct choice *left, const char *configured)
{
	if (left->set[0] == '\0')
		return false;
	if (strcmp(left->configured, configured) == 0)
		return true;
	drop(r, what, left->set, "the configuration says something else now");
	return false;
}

static void restore_profile(const struct runtime *r, const struct choice *left, struct conf *conf)
{
	const struct profile *profile;

	if (!is_as_then(r, "profile", left, conf->configured.profile->name))
		return;
	profile = profile_find(left->set);
	if (!profile) {
		drop(r, "profile", left->set, "this version does not know it");
		return;
	}
	conf->profile = profile;
	conf_resolve(conf);
	log_info(r->log, "profile %s was set at run time, and holds until the next reload", profile->name);
}

static void restore_state(const struct runtime *r, const struct choice *left, struct conf *conf)
{
	enum heartbeat_state state = 0;

	if (!is_as_then(r, "state of the applications", left,
			heartbeat_state_names[conf->configured.application_state]))
		return;
	while (state < HEARTBEAT_STATES && strcmp(heartbeat_state_names[state], left->set) != 0)
		state++;
	if (state == HEARTBEAT_STATES) {
		drop(r, "state of the applications", left->set, "this version does not know it");
		return;
	}
	conf->application_state = state;
	log_info(r->log, "the state of the applications was set to %s at run time, which holds until the next reload",
		 left->set);
}

void runtime_restore(struct runtime *r, struct conf *conf)
{
	struct record left;
	const char *why;

	r->fd = store_take(r->store, STORED_NAME);
	if (r->fd < 0)
		return;
	why = get(r->fd, &left);
	if (why) {
		log_warning(r->log, "what was set at run time is dropped, the process before has not left it well: %s",
			    why);
		forget(r);
		return;
	}
	restore_profile(r, &left.profile, conf);
	restore_state(r, &left.application_state, conf);
	runtime_keep(r, conf);
}
