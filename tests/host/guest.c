/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct guest {
	pid_t pid; /* 0: it has ended */
	sd_event_source *source;
	void (*ended)(void *user, bool signalled, int status);
	void *user;
};

/* --- its arguments --- */

static void strv_freep(char ***v)
{
	for (char **s = *v; s && *s; s++)
		free(*s);
	free(*v);
}

static const char *word_value(const struct guest_options *o, const char *at, size_t *ret_len)
{
	const struct {
		const char *word, *value;
	} words[] = {
		{ "{socket}", o->socket_path },
		{ "{config}", o->config_path },
		{ "{dir}", o->dir },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strncmp(at, words[i].word, strlen(words[i].word)) == 0) {
			*ret_len = strlen(words[i].word);
			return words[i].value;
		}
	return NULL;
}

static char *expand(const struct guest_options *o, const char *argument)
{
	char *text = NULL;
	size_t size = 0, skip;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	while (*argument) {
		const char *value = word_value(o, argument, &skip);

		if (value) {
			fputs(value, f);
			argument += skip;
		} else {
			fputc(*argument++, f);
		}
	}
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static char **expand_all(const struct guest_options *o)
{
	_cleanup_(strv_freep) char **v = NULL;
	size_t n = 0, n_extra = 0;

	while (o->argv[n])
		n++;
	while (o->extra && o->extra[n_extra])
		n_extra++;
	v = calloc(n + n_extra + 1, sizeof(*v));
	if (!v)
		return NULL;
	for (size_t i = 0; i < n + n_extra; i++) {
		v[i] = expand(o, i < n ? o->argv[i] : o->extra[i - n]);
		if (!v[i])
			return NULL;
	}
	return TAKE_PTR(v);
}

/* --- the process --- */

/* What root executes gets all that is in either of the two sets (capabilities(7)). */
static void give_up_clock(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	(void)prctl(PR_CAPBSET_DROP, CAP_SYS_TIME, 0, 0, 0);
	if (syscall(SYS_capget, &header, data) < 0)
		return;
	data[CAP_TO_INDEX(CAP_SYS_TIME)].inheritable &= ~CAP_TO_MASK(CAP_SYS_TIME);
	(void)syscall(SYS_capset, &header, data);
}

/* In the child. The guest must not outlive a host that is killed. */
static void __attribute__((noreturn)) become(char **argv, const struct guest_options *o, pid_t host)
{
	sigset_t none;
	int fd;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != host)
		_exit(GUEST_NOT_RUN);
	fd = open("/dev/null", O_RDONLY);
	if (fd >= 0)
		(void)dup2(fd, 0);
	if (o->keeps_clock)
		give_up_clock();
	if (o->log) {
		fd = open(o->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		if (fd >= 0) {
			(void)dup2(fd, 1);
			(void)dup2(fd, 2);
		}
	}
	(void)execvp(argv[0], argv);
	dprintf(2, "vmichost: cannot run %s: %m\n", argv[0]);
	_exit(GUEST_NOT_RUN);
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *user)
{
	struct guest *g = user;

	(void)source;
	g->pid = 0;
	g->ended(g->user, info->si_code != CLD_EXITED, info->si_status);
	return 0;
}

void guest_stop(struct guest *g)
{
	if (g && g->pid > 0)
		(void)kill(g->pid, SIGTERM);
}

int guest_pause(struct guest *g)
{
	siginfo_t info = { 0 };

	if (!g || g->pid <= 0)
		return -ESRCH;
	if (kill(g->pid, SIGSTOP) < 0)
		return -errno;
	/* The signal is on its way only. WNOWAIT: that it has ended is for the loop to learn. */
	if (waitid(P_PID, (id_t)g->pid, &info, WSTOPPED | WEXITED | WNOWAIT) < 0)
		return -errno;
	return info.si_code == CLD_STOPPED ? 0 : -ESRCH;
}

int guest_resume(struct guest *g)
{
	if (!g || g->pid <= 0)
		return -ESRCH;
	return kill(g->pid, SIGCONT) < 0 ? -errno : 0;
}

int guest_hang_up(struct guest *g)
{
	if (!g || g->pid <= 0)
		return -ESRCH;
	return kill(g->pid, SIGHUP) < 0 ? -errno : 0;
}

bool guest_has_ended(struct guest *g)
{
	siginfo_t info = { 0 };

	if (!g || g->pid <= 0)
		return true;
	if (waitid(P_PID, (id_t)g->pid, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return false;
	g->source = sd_event_source_disable_unref(g->source);
	(void)on_child(NULL, &info, g);
	return true;
}

struct guest *guest_free(struct guest *g)
{
	if (!g)
		return NULL;
	g->source = sd_event_source_disable_unref(g->source);
	if (g->pid > 0) {
		(void)kill(g->pid, SIGKILL);
		(void)waitpid(g->pid, NULL, 0);
	}
	free(g);
	return NULL;
}

static void guest_freep(struct guest **g)
{
	(void)guest_free(*g);
}

int guest_start(sd_event *event, const struct guest_options *options,
		void (*ended)(void *user, bool signalled, int status), void *user,
		struct guest **ret)
{
	_cleanup_(guest_freep) struct guest *g = NULL;
	_cleanup_(strv_freep) char **argv = NULL;
	pid_t host = getpid();
	sigset_t child;
	int r;

	argv = expand_all(options);
	g = calloc(1, sizeof(*g));
	if (!argv || !g)
		return -ENOMEM;
	g->ended = ended;
	g->user = user;
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, NULL);

	(void)fflush(NULL); /* what is buffered must not be written twice */
	g->pid = fork();
	if (g->pid < 0)
		return -errno;
	if (g->pid == 0)
		become(argv, options, host);
	r = sd_event_add_child(event, &g->source, g->pid, WEXITED, on_child, g);
	if (r < 0)
		return r;
	/* What the guest has said before it ended is read first. */
	(void)sd_event_source_set_priority(g->source, SD_EVENT_PRIORITY_IDLE);
	*ret = TAKE_PTR(g);
	return 0;
}

/* --- the directory --- */

int guest_dir_make(char **ret)
{
	const char *tmp = getenv("TMPDIR");
	char *dir;

	if (asprintf(&dir, "%s/vmichost-XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0)
		return -ENOMEM;
	if (!mkdtemp(dir)) {
		int r = -errno;

		free(dir);
		return r;
	}
	*ret = dir;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	(void)remove(path);
	return 0;
}

char *guest_dir_remove(char *dir)
{
	if (dir)
		(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(dir);
	return NULL;
}
