/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/home_here.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/host/adapter.h"
#include "tests/host/guest.h"
#include "tests/host/scenario_files.h"

struct home_here {
	struct home home;
	sd_event *event;
	char *dir; /* or NULL */
	struct guest *guest;
	struct home_program program;
	int lock_fd; /* of a pool, or -1 */
};

static struct home_here *of_home(struct home *h)
{
	return (struct home_here *)h;
}

/* --- the directory --- */

static int here_unlock(struct home *h)
{
	struct home_here *here = of_home(h);

	if (here->lock_fd >= 0)
		(void)close(here->lock_fd);
	here->lock_fd = -1;
	return 0;
}

static int here_clean(struct home *h)
{
	struct home_here *here = of_home(h);

	here->guest = guest_free(here->guest);
	(void)here_unlock(h);
	here->dir = guest_dir_remove(here->dir);
	h->dir[0] = 0;
	return 0;
}

static int make_dir(struct home_here *here)
{
	int r = guest_dir_make(&here->dir);

	if (r < 0)
		return r;
	if ((size_t)snprintf(here->home.dir, sizeof(here->home.dir), "%s", here->dir) >=
	    sizeof(here->home.dir))
		return -ENAMETOOLONG;
	return 0;
}

/* The pools of a guest under test must never be the machine's. */
static int make_pools(const struct home_here *here, const struct home_setup *setup)
{
	char path[512];
	int r = 0;

	(void)snprintf(path, sizeof(path), "%s/pools", here->dir);
	if (mkdir(path, 0755) < 0)
		return -errno;
	for (size_t i = 0; i < setup->n_records && r >= 0; i++)
		r = files_append_record(here->dir, &setup->records[i]);
	return r;
}

/* Writes a file of the directory: a beginning, and then the text with {dir} replaced. */
static int write_text(const struct home_here *here, const char *name, const char *head, const char *text)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", here->dir, name);
	f = fopen(path, "we");
	if (!f)
		return -errno;
	fputs(head, f);
	while (*text) {
		if (strncmp(text, "{dir}", 5) == 0) {
			fputs(here->dir, f);
			text += 5;
		} else {
			fputc(*text++, f);
		}
	}
	return fclose(f) == 0 ? 0 : -errno;
}

static int write_config(const struct home_here *here, const char *text)
{
	char head[512];

	/* First, so that the configuration can say something else. */
	(void)snprintf(head, sizeof(head), "[KVP]\nPoolDirectory=%s/pools\n", here->dir);
	return write_text(here, "guest.conf", head, text);
}

static int here_prepare(struct home *h, const struct home_setup *setup)
{
	struct home_here *here = of_home(h);
	int r;

	(void)here_clean(h);
	r = make_dir(here);
	if (r >= 0)
		r = make_pools(here, setup);
	return r < 0 ? r : write_config(here, setup->config);
}

/* --- the program --- */

static void on_ended(void *user, bool signalled, int status)
{
	struct home_here *here = user;

	here->program.ended(here->program.user, signalled, status);
}

static int here_start(struct home *h, const struct home_program *program)
{
	struct home_here *here = of_home(h);
	char socket[512], config[512], log[512];
	const struct guest_options options = { .argv = program->argv,
					       .extra = program->extra,
					       .socket_path = socket,
					       .config_path = config,
					       .dir = here->dir,
					       .log = log,
					       .keeps_clock = true };

	if (!here->dir || here->guest)
		return -EBUSY;
	(void)snprintf(socket, sizeof(socket), "%s/" HOME_SOCKET, here->dir);
	(void)snprintf(config, sizeof(config), "%s/guest.conf", here->dir);
	(void)snprintf(log, sizeof(log), "%s/guest.log", here->dir);
	here->program = *program;
	return guest_start(here->event, &options, on_ended, here, &here->guest);
}

static int here_stop(struct home *h)
{
	/* One that stands still would not hear of it. */
	(void)guest_resume(of_home(h)->guest);
	guest_stop(of_home(h)->guest);
	return 0;
}

static int here_pause(struct home *h)
{
	return guest_pause(of_home(h)->guest);
}

static int here_resume(struct home *h)
{
	return guest_resume(of_home(h)->guest);
}

static int here_reload(struct home *h, const char *drop_in)
{
	struct home_here *here = of_home(h);
	char path[512];
	int r;

	(void)snprintf(path, sizeof(path), "%s/guest.conf.d", here->dir);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	r = write_text(here, "guest.conf.d/reload.conf", "", drop_in);
	return r < 0 ? r : guest_hang_up(here->guest);
}

/* --- files --- */

static int here_count_log(struct home *h, const char *text, size_t *ret)
{
	*ret = files_count_log(h->dir, text);
	return 0;
}

static int here_read_log(struct home *h, char **ret)
{
	return files_read_log(h->dir, HOME_LOG_MAX, ret);
}

static int here_append(struct home *h, const struct home_record *record)
{
	return files_append_record(h->dir, record);
}

static int here_check(struct home *h, const struct home_record *record, size_t index, char *why,
		      size_t why_size)
{
	return files_check_record(h->dir, record, index, why, why_size);
}

static long here_pool_size(struct home *h, unsigned pool)
{
	return files_pool_size(h->dir, pool);
}

static int here_lock(struct home *h, unsigned pool, const char *how)
{
	struct home_here *here = of_home(h);
	int fd;

	(void)here_unlock(h);
	fd = files_lock_pool(h->dir, pool, how);
	if (fd < 0)
		return fd;
	here->lock_fd = fd;
	return 0;
}

/* --- life --- */

static struct home *here_free(struct home *h)
{
	struct home_here *here;

	if (!h)
		return NULL;
	here = of_home(h);
	(void)here_clean(h);
	sd_event_unref(here->event);
	free(here);
	return NULL;
}

static const struct home_ops here_ops = {
	.prepare = here_prepare,
	.start = here_start,
	.stop = here_stop,
	.pause = here_pause,
	.resume = here_resume,
	.reload = here_reload,
	.count_log = here_count_log,
	.read_log = here_read_log,
	.append = here_append,
	.check = here_check,
	.pool_size = here_pool_size,
	.lock = here_lock,
	.unlock = here_unlock,
	.clean = here_clean,
	.free = here_free,
};

int home_here_new(sd_event *event, struct home **ret)
{
	struct home_here *here = calloc(1, sizeof(*here));

	if (!here)
		return -ENOMEM;
	here->home.ops = &here_ops;
	here->event = sd_event_ref(event);
	here->lock_fd = -1;
	adapter_with_ipv4(here->home.mac, here->home.ipv4);
	*ret = &here->home;
	return 0;
}
