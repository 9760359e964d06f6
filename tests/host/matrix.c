/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/matrix.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/terminal/text.h"
#include "tests/host/guest.h"
#include "tests/host/report_json.h"
#include "tests/host/run.h"

/* Guests that run side by side: most of a run is waiting, but each also starts a program. */
#define MATRIX_AT_ONCE 16
/* A guest that answers at all answers within milliseconds, also sixteen of them on one core. */
#define MATRIX_QUIET_MS 150
/* Whether it answers at all: not a guest that has to wait for a core, beside others' work. */
#define MATRIX_LIMIT_MS RUN_LIMIT_MS
#define PROFILES_MAX 64
#define LOG_LINES_MAX 5

int matrix_add_profile(struct matrix *m, const char *name)
{
	void *profiles;

	if (!*name || strlen(name) >= MATRIX_PROFILE_SIZE || m->n_profiles >= PROFILES_MAX)
		return -EINVAL;
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_+", *p))
			return -EINVAL;
	profiles = realloc(m->profiles, (m->n_profiles + 1) * sizeof(*m->profiles));
	if (!profiles)
		return -ENOMEM;
	m->profiles = profiles;
	(void)strcpy(m->profiles[m->n_profiles++], name);
	return 0;
}

/* --- the guest's profiles --- */

static int spawn_list(const char *program, int out, pid_t *ret)
{
	char *const argv[] = { (char *)program, (char *)"--list-profiles", NULL };
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return -r;
	r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawnp(ret, program, &actions, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* The first word of each line. */
static int read_profiles(struct matrix *m, FILE *from)
{
	char *line = NULL;
	size_t size = 0;
	int r = 0;

	while (r == 0 && getline(&line, &size, from) >= 0) {
		line[strcspn(line, " \t\n")] = '\0';
		if (*line)
			r = matrix_add_profile(m, line);
	}
	free(line);
	return r < 0 ? r : m->n_profiles == 0 ? -ENODATA : 0;
}

static int list_profiles(struct matrix *m)
{
	const char *program = m->guest[0];
	int r, status = 0, fds[2];
	FILE *from;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	r = spawn_list(program, fds[1], &pid);
	(void)close(fds[1]);
	from = fdopen(fds[0], "r");
	if (r == 0) {
		r = from ? read_profiles(m, from) : -errno;
		(void)waitpid(pid, &status, 0);
		if (r == 0 && status)
			r = -ECHILD;
	}
	if (from)
		(void)fclose(from);
	else
		(void)close(fds[0]);
	return r;
}

int matrix_list_profiles(struct matrix *m)
{
	int r = list_profiles(m);

	if (r < 0)
		(void)fprintf(stderr, "vmichost matrix: expected \"%s --list-profiles\" to print a "
				      "profile a line: %s\n", m->guest[0], strerror(-r));
	return r;
}

static bool matrix_has_profile(const struct matrix *m, const char *name)
{
	for (size_t i = 0; i < m->n_profiles; i++)
		if (strcmp(m->profiles[i], name) == 0)
			return true;
	return false;
}

int matrix_check_profiles(const struct matrix *m)
{
	_cleanup_(matrix_done) struct matrix listed = { .guest = m->guest };

	if (list_profiles(&listed) < 0)
		return 0; /* it may know them all the same */
	for (size_t i = 0; i < m->n_profiles; i++)
		if (!matrix_has_profile(&listed, m->profiles[i])) {
			(void)fprintf(stderr, "vmichost matrix: %s has no profile \"%s\" "
				      "(--list-profiles prints those that it has)\n",
				      m->guest[0], m->profiles[i]);
			return -ENOENT;
		}
	return 0;
}

/* --- one cell --- */

struct job {
	struct jobs *jobs;
	size_t index;
	char *dir; /* the guest's own: configuration, pools, log */
	char *config, *log;
	char **argv;
	struct run_options options;
	struct run *run;
};

struct jobs {
	struct matrix *matrix;
	sd_event *event;
	size_t next, running;
	bool failed;
	struct job job[MATRIX_AT_ONCE];
};

/* text with each from replaced; NULL when memory ran out. */
static char *replace_all(const char *text, const char *from, const char *to)
{
	size_t count = 0, size;
	const char *at = text;
	char *out, *p;

	for (const char *hit = text; (hit = strstr(hit, from)); hit += strlen(from))
		count++;
	size = strlen(text) + count * strlen(to) + 1;
	out = p = malloc(size);
	for (const char *hit; out && (hit = strstr(at, from)); at = hit + strlen(from)) {
		p = mempcpy(p, at, (size_t)(hit - at));
		p = stpcpy(p, to);
	}
	if (out)
		(void)strcpy(p, at);
	return out;
}

static char *argument(const char *text, const char *config, const char *profile)
{
	char *with_config = replace_all(text, "{config}", config);
	char *out = with_config ? replace_all(with_config, "{profile}", profile) : NULL;

	free(with_config);
	return out;
}

static int make_arguments(struct job *job, const char *profile)
{
	char *const *guest = job->jobs->matrix->guest;
	size_t n = 0;

	while (guest[n])
		n++;
	job->argv = calloc(n + 1, sizeof(*job->argv));
	for (size_t i = 0; job->argv && i < n; i++) {
		job->argv[i] = argument(guest[i], job->config, profile);
		if (!job->argv[i])
			return -ENOMEM;
	}
	return job->argv ? 0 : -ENOMEM;
}

/* The pools are the run's own: sixteen guests must not write the same files. */
static int write_config(const struct job *job, const char *profile)
{
	FILE *file = fopen(job->config, "we");
	int n;

	if (!file)
		return -errno;
	n = fprintf(file, "[Negotiation]\nProfile=%s\n\n[KVP]\nPoolDirectory=%s\n", profile,
		    job->dir);
	return fclose(file) == 0 && n > 0 ? 0 : -EIO;
}

static int make_place(struct job *job, const char *profile)
{
	int r = guest_dir_make(&job->dir);

	if (r < 0)
		return r;
	if (asprintf(&job->config, "%s/vmicd.conf", job->dir) < 0)
		job->config = NULL;
	if (asprintf(&job->log, "%s/log", job->dir) < 0)
		job->log = NULL;
	return job->config && job->log ? write_config(job, profile) : -ENOMEM;
}

static void job_done(struct job *job)
{
	job->run = run_free(job->run);
	for (char **arg = job->argv; arg && *arg; arg++)
		free(*arg);
	free(job->argv);
	free(job->config);
	free(job->log);
	job->dir = guest_dir_remove(job->dir);
	*job = (struct job){ .run = NULL };
}

/* What a guest that failed wrote last is the likeliest reason. */
static void say_log(const struct job *job)
{
	char lines[LOG_LINES_MAX][256] = { "" }, escaped[512];
	FILE *file = fopen(job->log, "re");
	size_t n = 0;

	while (file && fgets(lines[n % LOG_LINES_MAX], sizeof(lines[0]), file))
		n++;
	for (size_t i = n < LOG_LINES_MAX ? 0 : n - LOG_LINES_MAX; i < n; i++) {
		char *line = lines[i % LOG_LINES_MAX];

		line[strcspn(line, "\n")] = '\0';
		(void)fprintf(stderr, "    %s\n", text_escape(line, escaped, sizeof(escaped)));
	}
	if (file)
		(void)fclose(file);
}

static void record(struct job *job, int result)
{
	struct matrix *m = job->jobs->matrix;
	struct matrix_cell *cell = &m->cells[job->index];
	const struct release *release = job->options.release;
	const struct guest_facts *facts = run_facts(job->run);

	cell->ran = result == 0;
	if (!cell->ran) {
		(void)fprintf(stderr, "vmichost matrix: release %s, profile %s failed:\n",
			      release->key, m->profiles[job->index % m->n_profiles]);
		say_log(job);
		job->jobs->failed = true;
	}
	for (enum component c = 0; c < COMPONENT_MAX; c++) {
		struct verdict v;

		judge_component(release, facts, c, &v);
		cell->result[c] = v.result;
	}
	if (m->want_reports)
		cell->report = report_to_json(release, facts);
}

static void start_more(struct jobs *jobs);

static void on_done(struct run *run, int result, void *user)
{
	struct job *job = user;
	struct jobs *jobs = job->jobs;

	(void)run;
	record(job, result);
	job_done(job);
	jobs->running--;
	start_more(jobs);
}

static int start(struct jobs *jobs, struct job *job, size_t index)
{
	struct matrix *m = jobs->matrix;
	const char *profile = m->profiles[index % m->n_profiles];
	int r;

	*job = (struct job){ .jobs = jobs, .index = index };
	r = make_place(job, profile);
	if (r == 0)
		r = make_arguments(job, profile);
	if (r < 0)
		return r;
	job->options = (struct run_options){
		.release = m->releases.release[index / m->n_profiles],
		.guest = job->argv,
		.guest_log = job->log,
		.quiet_ms = MATRIX_QUIET_MS,
		.limit_ms = MATRIX_LIMIT_MS,
	};
	return run_start(jobs->event, &job->options, on_done, job, &job->run);
}

static void start_more(struct jobs *jobs)
{
	size_t all = jobs->matrix->releases.n * jobs->matrix->n_profiles;

	for (size_t i = 0; i < MATRIX_AT_ONCE && jobs->next < all; i++) {
		int r;

		if (jobs->job[i].run)
			continue;
		r = start(jobs, &jobs->job[i], jobs->next++);
		if (r < 0) {
			(void)fprintf(stderr, "vmichost matrix: %s\n", strerror(-r));
			job_done(&jobs->job[i]);
			(void)sd_event_exit(jobs->event, r);
			return;
		}
		jobs->running++;
	}
	if (jobs->running == 0)
		(void)sd_event_exit(jobs->event, 0);
}

/* --- all of them --- */

static int on_interrupt(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
	(void)source;
	(void)info;
	return sd_event_exit(((struct jobs *)user)->event, -EINTR);
}

static int watch_signals(struct jobs *jobs)
{
	static const int signals[] = { SIGINT, SIGTERM };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		(void)sigaddset(&set, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		int r = sd_event_add_signal(jobs->event, NULL, signals[i], on_interrupt, jobs);

		if (r < 0)
			return r;
	}
	return 0;
}

static int run_all(struct jobs *jobs)
{
	int r = sd_event_new(&jobs->event);

	if (r < 0)
		return r;
	r = watch_signals(jobs);
	if (r < 0)
		return r;
	start_more(jobs);
	return sd_event_loop(jobs->event);
}

int matrix_run(struct matrix *m)
{
	struct jobs jobs = { .matrix = m };
	int r;

	m->cells = calloc(m->releases.n * m->n_profiles, sizeof(*m->cells));
	if (!m->cells)
		return -ENOMEM;
	r = run_all(&jobs);
	for (size_t i = 0; i < MATRIX_AT_ONCE; i++)
		job_done(&jobs.job[i]);
	(void)sd_event_unref(jobs.event);
	return r < 0 ? r : jobs.failed;
}

void matrix_done(struct matrix *m)
{
	for (size_t i = 0; m->cells && i < m->releases.n * m->n_profiles; i++)
		json_decref(m->cells[i].report);
	free(m->cells);
	free(m->profiles);
	*m = (struct matrix){ .n_profiles = 0 };
}
