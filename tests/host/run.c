/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/host/adapter.h"
#include "tests/host/exercise.h"
#include "tests/host/guest.h"

struct run {
	sd_event *event;
	const struct run_options *options;
	void (*done)(struct run *run, int result, void *user);
	void *user;
	struct exercise_options exercise_options;
	struct exercise *exercise;
	struct guest *guest;
	char *dir, *socket_path;
	char mac[ADAPTER_TEXT_SIZE];
	bool ending;       /* the guest was asked to end */
	bool ended;        /* done was called */
	bool never_came;   /* in all the time that it had */
	bool told;         /* settled, and nothing is new since */
	bool left;         /* the guest's leaving is being told */
	struct guest_facts last; /* what is told when the guest is asked to end, or has left */
	sd_event_source *quiet_timer, *limit_timer, *end_timer;
};

static uint64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void tell(struct run *run, enum run_news news)
{
	if (run->options->report)
		run->options->report(run->options, run_facts(run), news);
}

static void call_done(struct run *run, int result)
{
	if (run->ended)
		return;
	run->ended = true;
	run->done(run, run->never_came && result == 0 ? 1 : result, run->user);
}

/* --- ending --- */

static int on_end_limit(sd_event_source *source, uint64_t usec, void *user)
{
	struct run *run = user;

	(void)source;
	(void)usec;
	/* When this host was kept from looking, its end and its time wait side by side. */
	if (guest_has_ended(run->guest))
		return 0;
	fprintf(stderr, "vmichost: the guest did not end when asked to, killing it\n");
	run->guest = guest_free(run->guest);
	call_done(run, 1);
	return 0;
}

/* Not relative: the loop counts from its last round, and whoever reads the report may have kept us since. */
static void start_end_limit(struct run *run)
{
	unsigned ms = run->options->end_ms ? run->options->end_ms : RUN_END_MS;

	(void)sd_event_add_time(run->event, &run->end_timer, CLOCK_MONOTONIC,
				now_us() + ms * UINT64_C(1000), 1000, on_end_limit, run);
}

static void end_guest(struct run *run)
{
	if (run->ending)
		return;
	run->ending = true;
	run->quiet_timer = sd_event_source_disable_unref(run->quiet_timer);
	run->limit_timer = sd_event_source_disable_unref(run->limit_timer);
	run->last = *exercise_facts(run->exercise);
	if (!run->guest) {
		call_done(run, 0);
		return;
	}
	guest_stop(run->guest);
	start_end_limit(run);
}

static void on_guest_ended(void *user, bool signalled, int status)
{
	struct run *run = user;
	/* A program without a handler ends by the signal with which we asked it to. */
	bool failed = signalled ? !run->ending || status != SIGTERM : status != 0;
	bool came = exercise_was_joined(run->exercise);

	if (!run->ending && !came && (signalled || status != GUEST_NOT_RUN)) {
		run->ending = true;
		fprintf(stderr, "vmichost: the guest's program ended (%s %d) and never connected; "
			"do its arguments have {socket}?\n", signalled ? "signal" : "status",
			status);
		call_done(run, 1);
		return;
	}
	if (!run->ending) {
		exercise_last_facts(run->exercise, &run->last);
		run->ending = true;
		if (signalled || status != GUEST_NOT_RUN)
			tell(run, RUN_LEFT);
	}
	if (failed)
		fprintf(stderr, "vmichost: the guest's program ended with %s %d\n",
			signalled ? "signal" : "status", status);
	call_done(run, failed ? 1 : 0);
}

/* --- settling --- */

/* A program has shown all it has. A machine that is to switch itself off, and cannot be asked to,
 * would run for ever. */
static bool is_over(const struct run *run)
{
	return run->options->guest ||
	       (run->options->open_link && run_facts(run)->shutdown == SHUTDOWN_NOT_AGREED);
}

static int on_quiet(sd_event_source *source, uint64_t usec, void *user)
{
	struct run *run = user;

	(void)source;
	(void)usec;
	if (run->ending || run->told || !exercise_is_done(run->exercise))
		return 0;
	run->told = true;
	tell(run, RUN_SETTLED);
	if (is_over(run))
		end_guest(run);
	return 0;
}

static void on_changed(void *user)
{
	struct run *run = user;
	unsigned quiet = run->options->quiet_ms ? run->options->quiet_ms : RUN_QUIET_MS;

	if (run->ending)
		return;
	run->told = false;
	run->quiet_timer = sd_event_source_disable_unref(run->quiet_timer);
	(void)sd_event_add_time_relative(run->event, &run->quiet_timer, CLOCK_MONOTONIC,
					 quiet * UINT64_C(1000), 1000, on_quiet, run);
}

static void on_left(void *user)
{
	struct run *run = user;

	/* Of a guest that we started, the end of its program is what is told. */
	if (run->ending || run->options->guest)
		return;
	exercise_last_facts(run->exercise, &run->last);
	run->left = true;
	tell(run, RUN_LEFT);
	run->left = false;
}

static void on_link_ended(void *user, int result)
{
	struct run *run = user;

	exercise_last_facts(run->exercise, &run->last);
	run->ending = true;
	call_done(run, result);
}

static const struct exercise_events exercise_events = {
	.changed = on_changed,
	.left = on_left,
	.ended = on_link_ended,
};

static int on_limit(sd_event_source *source, uint64_t usec, void *user)
{
	struct run *run = user;

	(void)source;
	(void)usec;
	if (!run->ending && run->options->guest && !exercise_was_joined(run->exercise)) {
		fprintf(stderr, "vmichost: the guest's program has not connected; "
			"do its arguments have {socket}?\n");
		run->never_came = true;
	} else if (!run->ending) {
		tell(run, RUN_LIMIT);
		exercise_stop(run->exercise);
	}
	end_guest(run);
	return 0;
}

/* --- starting --- */

static int find_place(struct run *run)
{
	int r;

	if (run->options->open_link)
		return 0;
	if (run->options->guest) {
		r = guest_dir_make(&run->dir);
		if (r < 0) {
			fprintf(stderr, "vmichost: cannot make a private directory: %s\n",
				strerror(-r));
			return r;
		}
	}
	if (run->options->socket_path)
		run->socket_path = strdup(run->options->socket_path);
	else if (!run->dir)
		return -EINVAL;
	else if (asprintf(&run->socket_path, "%s/socket", run->dir) < 0)
		run->socket_path = NULL;
	return run->socket_path ? 0 : -ENOMEM;
}

/* A guest's program is on this machine, so it has this machine's adapters. */
static const char *mac_to_ask_for(struct run *run)
{
	if (run->options->mac || run->options->open_link)
		return run->options->mac;
	return adapter_first(run->mac) < 0 ? NULL : run->mac;
}

static const char *in_use_text(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode) ?
		       "there is a file that is no socket" :
		       "another program listens there";
}

static int start_host(struct run *run)
{
	const struct run_options *o = run->options;
	int r;

	run->exercise_options = (struct exercise_options){
		.session = {
			.release = o->release,
			.open_link = o->open_link ? o->open_link : link_socket_open,
			.address = o->open_link ? o->address : run->socket_path,
			.vm_name = o->vm_name ? o->vm_name : "vmicd",
			.timeout_ms = o->timeout_ms ? o->timeout_ms : RUN_TIMEOUT_MS,
			.ring_size = o->ring_size ? o->ring_size : SESSION_RING_SIZE,
		},
		.faults = &o->faults,
		.mac = mac_to_ask_for(run),
		.heartbeat_ms = o->heartbeat_ms ? o->heartbeat_ms : RUN_HEARTBEAT_MS,
		.heartbeat_burst = o->heartbeat_burst,
		.shutdown_ms = o->shutdown_ms,
	};
	memcpy(run->exercise_options.session.disabled, o->disabled, sizeof(o->disabled));
	r = exercise_new(run->event, &run->exercise_options, &exercise_events, run,
			 &run->exercise);
	if (r < 0 && !o->open_link)
		fprintf(stderr, "vmichost: cannot listen at %s: %s\n", run->socket_path,
			r == -EADDRINUSE ? in_use_text(run->socket_path) : strerror(-r));
	return r;
}

/* The guest appends to it; what an earlier run has left is not this guest's. */
static int empty_log(const char *path)
{
	int fd, r;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0)
		return close(fd) < 0 ? -errno : 0;
	r = -errno;
	fprintf(stderr, "vmichost: cannot write the guest's log %s: %s\n", path, strerror(-r));
	return r;
}

static int start_guest(struct run *run)
{
	const struct guest_options options = { .argv = run->options->guest,
					       .socket_path = run->socket_path,
					       .config_path = "",
					       .dir = run->dir,
					       .log = run->options->guest_log };
	int r;

	if (!run->options->guest)
		return 0;
	r = empty_log(options.log);
	if (r < 0)
		return r;
	r = guest_start(run->event, &options, on_guest_ended, run, &run->guest);
	if (r < 0)
		fprintf(stderr, "vmichost: cannot start %s: %s\n", options.argv[0], strerror(-r));
	return r;
}

static int start_limit(struct run *run)
{
	unsigned ms = run->options->limit_ms;

	if (!ms && run->options->guest)
		ms = RUN_LIMIT_MS + run->options->shutdown_ms;
	if (!ms)
		return 0;
	return sd_event_add_time_relative(run->event, &run->limit_timer, CLOCK_MONOTONIC,
					  ms * UINT64_C(1000), 1000, on_limit, run);
}

const struct guest_facts *run_facts(const struct run *run)
{
	return run->ending || run->left ? &run->last : exercise_facts(run->exercise);
}

struct run *run_free(struct run *run)
{
	if (!run)
		return NULL;
	run->quiet_timer = sd_event_source_disable_unref(run->quiet_timer);
	run->limit_timer = sd_event_source_disable_unref(run->limit_timer);
	run->end_timer = sd_event_source_disable_unref(run->end_timer);
	run->guest = guest_free(run->guest);
	run->exercise = exercise_free(run->exercise);
	run->dir = guest_dir_remove(run->dir);
	free(run->socket_path);
	sd_event_unref(run->event);
	free(run);
	return NULL;
}

static void run_freep(struct run **run)
{
	(void)run_free(*run);
}

int run_start(sd_event *event, const struct run_options *options,
	      void (*done)(struct run *run, int result, void *user), void *user, struct run **ret)
{
	_cleanup_(run_freep) struct run *run = NULL;
	int r;

	run = calloc(1, sizeof(*run));
	if (!run)
		return -ENOMEM;
	run->event = sd_event_ref(event);
	run->options = options;
	run->done = done;
	run->user = user;
	r = find_place(run);
	if (r < 0)
		return r;
	r = start_host(run);
	if (r < 0)
		return r;
	r = start_guest(run);
	if (r < 0)
		return r;
	r = start_limit(run);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(run);
	return 0;
}

/* --- alone --- */

static void on_main_done(struct run *run, int result, void *user)
{
	(void)user;
	(void)sd_event_exit(run->event, result);
}

static int on_interrupt(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
	struct run *run = *(struct run **)user;

	(void)source;
	(void)info;
	if (run->ending)
		return 0;
	tell(run, RUN_STOPPED);
	end_guest(run);
	return 0;
}

static int watch_signals(sd_event *event, struct run **run)
{
	sigset_t ours;
	int r;

	(void)sigemptyset(&ours);
	(void)sigaddset(&ours, SIGINT);
	(void)sigaddset(&ours, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &ours, NULL);
	r = sd_event_add_signal(event, NULL, SIGINT, on_interrupt, run);
	if (r < 0)
		return r;
	return sd_event_add_signal(event, NULL, SIGTERM, on_interrupt, run);
}

int run_main(const struct run_options *options)
{
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	_cleanup_(run_freep) struct run *run = NULL;
	int r;

	r = sd_event_new(&event);
	if (r < 0)
		return r;
	r = watch_signals(event, &run);
	if (r < 0)
		return r;
	r = run_start(event, options, on_main_done, NULL, &run);
	if (r < 0)
		return r;
	if (!options->guest && options->socket_path)
		fprintf(stderr, "%s, waiting for a guest at %s (Ctrl-C ends)\n",
			options->release->title, options->socket_path);
	return sd_event_loop(event);
}
