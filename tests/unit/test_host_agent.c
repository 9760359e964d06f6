/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Homes of a guest's program: what holds on this machine holds over an agent too; and neither the
 * agent nor the host behind it is brought down by what the other side says.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/host/agent.h"
#include "tests/host/home_agent.h"
#include "tests/host/home_here.h"
#include "tests/host/json_lines.h"
#include "tests/host/scenario_play.h"
#include "tests/unit/program.h"
#include "tests/unit/temp_dir.h"

#define LINUX_CAP_SYS_TIME 25
#define WAIT_US 5000000

struct fixture {
	sd_event *event;
	struct home *here;  /* which the agent serves */
	struct agent *agent;
	struct home *far;   /* the same, seen from the other side; NULL: the test talks itself */
	int fd[2];          /* the host's end, the agent's */
	int agent_error;
	bool agent_ended;
	unsigned ends;
	bool signalled;
	int status;
};

static void on_agent_ended(void *user, int error)
{
	struct fixture *f = user;

	f->agent_ended = true;
	f->agent_error = error;
}

static void on_ended(void *user, bool signalled, int status)
{
	struct fixture *f = user;

	f->ends++;
	f->signalled = signalled;
	f->status = status;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(sd_event_new(&f->event), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, f->fd),
			 0);
	assert_int_equal(home_here_new(f->event, &f->here), 0);
	assert_int_equal(agent_new(f->event, f->fd[1], f->here, on_agent_ended, f, &f->agent), 0);
	*state = f;
	return 0;
}

static int set_up_both(void **state)
{
	struct fixture *f;

	(void)set_up(state);
	f = *state;
	assert_int_equal(home_agent_new(f->event, f->fd[0], &f->far), 0);
	assert_false(home_agent_is_there(f->far));
	while (!home_agent_is_there(f->far))
		assert_true(sd_event_run(f->event, WAIT_US) > 0);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->agent = agent_free(f->agent);
	if (f->far)
		f->far = f->far->ops->free(f->far);
	f->here = f->here->ops->free(f->here);
	(void)close(f->fd[0]);
	(void)close(f->fd[1]);
	assert_null(sd_event_unref(f->event));
	free(f);
	return 0;
}

/* --- a home, whichever it is --- */

static void start(struct fixture *f, struct home *h, const char *script)
{
	char *argv[] = { "/bin/sh", "-c", (char *)(uintptr_t)script, "sh", "{config}", NULL };
	const char *extra[] = { "{dir}", "{socket}", NULL };
	const struct home_program program = {
		.argv = argv, .extra = extra, .ended = on_ended, .user = f
	};

	assert_int_equal(h->ops->start(h, &program), 0);
}

static void await_end(struct fixture *f, unsigned ends)
{
	while (f->ends < ends)
		assert_true(sd_event_run(f->event, WAIT_US) > 0);
}

static void await_log(struct fixture *f, struct home *h, const char *text)
{
	size_t n = 0;

	for (int i = 0; i < 500 && !n; i++) {
		assert_int_equal(h->ops->count_log(h, text, &n), 0);
		(void)sd_event_run(f->event, 10000);
	}
	assert_int_equal(n, 1);
}

static void prepare(struct home *h)
{
	const struct home_record records[] = { { 0, "key", "value" }, { 3, "hex:ff00", "" } };
	const struct home_setup setup = { "[Daemon]\nDir={dir}\n", records, ARRAY_LEN(records) };

	assert_int_equal(h->ops->prepare(h, &setup), 0);
	assert_true(h->dir[0] == '/');
}

static void files_are_made_and_looked_at(struct home *h)
{
	struct home_record record = { 0, "key", "value" };
	char why[4608], dir[sizeof(h->dir)], text[512], config[600];
	struct stat st;
	FILE *file;

	prepare(h);
	(void)snprintf(dir, sizeof(dir), "%s", h->dir);
	assert_int_equal(h->ops->pool_size(h, 0), 2560);
	assert_int_equal(h->ops->pool_size(h, 1), -ENOENT);
	assert_int_equal(h->ops->check(h, &record, 0, why, sizeof(why)), 0);
	assert_int_equal(h->ops->check(h, &record, 1, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "pool 0 has no record 1");
	record.value = "other";
	assert_int_equal(h->ops->check(h, &record, 0, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "record 0 of pool 0 is key=value");
	record.pool = 3;
	assert_int_equal(h->ops->check(h, &record, 0, why, sizeof(why)), -EINVAL);
	record = (struct home_record){ 0, "Grüße", "世界" };
	assert_int_equal(h->ops->append(h, &record), 0);
	assert_int_equal(h->ops->check(h, &record, 1, why, sizeof(why)), 0);
	record.key = "hex:0";
	assert_true(h->ops->append(h, &record) < 0);
	assert_int_equal(h->ops->pool_size(h, 0), 5120);

	(void)snprintf(config, sizeof(config), "%s/guest.conf", dir);
	file = fopen(config, "re");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	assert_int_equal(fclose(file), 0);
	(void)snprintf(config, sizeof(config), "[KVP]\nPoolDirectory=%s/pools\n[Daemon]\nDir=%s\n",
		       dir, dir);
	assert_string_equal(text, config);

	prepare(h); /* another one, and the first is gone */
	assert_int_equal(stat(dir, &st), -1);
	(void)snprintf(dir, sizeof(dir), "%s", h->dir);
	assert_int_equal(h->ops->clean(h), 0);
	assert_int_equal(stat(dir, &st), -1);
	assert_string_equal(h->dir, "");
}

static void pools_are_locked(struct home *h)
{
	static const char *const hows[] = { "flock", "fcntl" };
	char path[512];

	prepare(h);
	for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
		struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd;

		assert_int_equal(h->ops->lock(h, 0, hows[i]), 0);
		(void)snprintf(path, sizeof(path), "%s/pools/.kvp_pool_0", h->dir);
		fd = open(path, O_RDWR | O_CLOEXEC);
		assert_true(fd >= 0);
		/* The one lock of fcntl that is of the open file, not of the process. */
		assert_int_equal(i ? fcntl(fd, F_OFD_SETLK, &whole) : flock(fd, LOCK_EX | LOCK_NB), -1);
		assert_int_equal(h->ops->unlock(h), 0);
		assert_int_equal(i ? fcntl(fd, F_OFD_SETLK, &whole) : flock(fd, LOCK_EX | LOCK_NB), 0);
		assert_int_equal(close(fd), 0);
	}
	assert_int_equal(h->ops->clean(h), 0);
}

static void a_program_lives_there(struct fixture *f, struct home *h)
{
	char *log = NULL, *tail, wanted[900];

	f->ends = 0;
	prepare(h);
	start(f, h, "trap 'echo bye; exit 3' TERM; trap 'echo hup $(cat $1.d/*)' HUP; echo \"$1 $2 $3\"; "
		    "echo ready; printf 'a\\377'; while :; do sleep 0.01; done");
	await_log(f, h, "ready");
	assert_int_equal(h->ops->pause(h), 0);
	assert_int_equal(h->ops->resume(h), 0);
	assert_int_equal(h->ops->pause(h), 0);
	assert_int_equal(h->ops->stop(h), 0);
	await_end(f, 1);
	assert_false(f->signalled);
	assert_int_equal(f->status, 3);
	assert_int_equal(h->ops->read_log(h, &log), 0);
	(void)snprintf(wanted, sizeof(wanted), "%s/guest.conf %s %s/socket\nready\na", h->dir, h->dir,
		       h->dir);
	assert_memory_equal(log, wanted, strlen(wanted));
	tail = strstr(log, "bye\n"); /* behind a byte that is no UTF-8 */
	assert_non_null(tail);
	free(log);
	assert_int_equal(h->ops->pause(h), -ESRCH);
	assert_int_equal(h->ops->resume(h), -ESRCH);
	assert_int_equal(h->ops->reload(h, ""), -ESRCH);
	assert_int_equal(h->ops->stop(h), 0);

	prepare(h);
	start(f, h, "kill -9 $$");
	await_end(f, 2);
	assert_true(f->signalled);
	assert_int_equal(f->status, 9);

	/* One that is cleaned up is not told of. */
	prepare(h);
	start(f, h, "while :; do sleep 0.01; done");
	assert_int_equal(h->ops->clean(h), 0);
	(void)sd_event_run(f->event, 20000);
	assert_int_equal(f->ends, 2);
}

static void it_reloads_there(struct fixture *f, struct home *h)
{
	char wanted[512];

	prepare(h);
	start(f, h, "trap 'echo hup $(cat $1.d/*) end' HUP; echo ready; while :; do sleep 0.01; done");
	await_log(f, h, "ready");
	assert_int_equal(h->ops->reload(h, "[A]\nB={dir}\n"), 0);
	(void)snprintf(wanted, sizeof(wanted), "hup [A] B=%s end", h->dir);
	await_log(f, h, wanted);
	assert_int_equal(h->ops->reload(h, ""), 0);
	await_log(f, h, "hup end");
	assert_int_equal(h->ops->clean(h), 0);
}

static void it_cannot_set_the_clock(struct fixture *f, struct home *h)
{
	unsigned long long permitted = 0;
	char *log = NULL;

	f->ends = 0;
	prepare(h);
	start(f, h, "grep CapPrm /proc/self/status");
	await_end(f, 1);
	assert_int_equal(h->ops->read_log(h, &log), 0);
	assert_int_equal(sscanf(log, "CapPrm: %llx", &permitted), 1);
	assert_int_equal(permitted >> LINUX_CAP_SYS_TIME & 1, 0);
	free(log);
	assert_int_equal(h->ops->clean(h), 0);
}

static void a_home_is_here_and_far_away(void **state)
{
	struct fixture *f = *state;
	struct home *const homes[] = { f->here, f->far };

	for (size_t i = 0; i < ARRAY_LEN(homes); i++) {
		files_are_made_and_looked_at(homes[i]);
		pools_are_locked(homes[i]);
		a_program_lives_there(f, homes[i]);
		it_reloads_there(f, homes[i]);
		it_cannot_set_the_clock(f, homes[i]);
	}
	assert_string_equal(f->here->mac, f->far->mac);
	assert_string_equal(f->here->ipv4, f->far->ipv4);
}

/* The agent's clock is ours here: what is believed of it may be too little, and never too much. */
static void the_far_clock_is_not_overtaken(void **state)
{
	struct fixture *f = *state;

	prepare(f->far);
	assert_true(f->far->ahead <= 10);
	assert_true(f->far->ahead > -(int64_t)WAIT_US * 10);
	assert_int_equal(f->here->ahead, 0);
}

static void an_agent_that_is_gone_is_no_agent(void **state)
{
	struct fixture *f = *state;
	size_t n;

	prepare(f->far);
	f->agent = agent_free(f->agent);
	(void)shutdown(f->fd[1], SHUT_RDWR);
	assert_int_equal(f->far->ops->count_log(f->far, "x", &n), -EPIPE);
	assert_int_equal(f->far->ops->stop(f->far), -EPIPE);
	assert_int_equal(f->far->ops->clean(f->far), -EPIPE);
}

/* The program must not outlive who could end it. */
static void a_host_that_is_gone_ends_all(void **state)
{
	struct fixture *f = *state;
	char dir[sizeof(f->far->dir)];
	struct stat st;

	prepare(f->far);
	(void)snprintf(dir, sizeof(dir), "%s", f->far->dir);
	start(f, f->far, "while :; do sleep 0.01; done");
	f->far = f->far->ops->free(f->far);
	(void)shutdown(f->fd[0], SHUT_RDWR);
	while (!f->agent_ended)
		assert_true(sd_event_run(f->event, WAIT_US) > 0);
	assert_int_equal(f->agent_error, 0);
	f->agent = agent_free(f->agent);
	assert_int_equal(stat(dir, &st), -1);
}

/* --- a scenario, with the guest's program behind an agent --- */

static const char scenario_text[] =
	"title \"what a scenario does with a guest's machine\"\n"
	"record 0 there already\n"
	"config [Heartbeat]\n"
	"config ApplicationState=healthy\n"
	"argument --dry-run\n"
	"open kvp\n"
	"open heartbeat\n"
	"negotiate kvp\n"
	"expect kvp answered 3.0 5.0\n"
	"negotiate heartbeat\n"
	"expect heartbeat answered 3.0 3.0\n"
	"send heartbeat beat sequence=1\n"
	"expect heartbeat status ok sequence=2 state=1\n"
	"send kvp get pool=0 key=there\n"
	"expect kvp status ok value=already\n"
	"pool 0 append new one\n"
	"send kvp get pool=0 key=new\n"
	"expect kvp status ok value=one\n"
	"pool 0 record 1 new one\n"
	"pool 0 size 5120\n"
	"pool 0 lock flock\n"
	"pool 0 unlock\n"
	"guest stop\n"
	"send heartbeat beat sequence=3\n"
	"wait 50\n"
	"guest continue\n"
	"expect heartbeat status ok sequence=4\n"
	"log \"Heartbeat: the host offers framework\"\n"
	"log \"no such words\" at-most 0\n";

static struct scenario *read_scenario(void)
{
	struct temp_dir dir = temp_dir_new();
	struct scenario *s = NULL;
	char path[256], why[4608] = "";

	temp_dir_put(&dir, "a.scn", scenario_text);
	temp_dir_path(&dir, "a.scn", path, sizeof(path));
	if (scenario_read(path, &s, why, sizeof(why)) < 0 || play_check(s, why, sizeof(why)) < 0)
		fail_msg("%s", why);
	temp_dir_done(&dir);
	return s;
}

static void start_vmicd(struct fixture *f, const struct scenario *s)
{
	char *argv[] = { (char *)(uintptr_t)program_path("vmicd", "VMICD"), "--config={config}",
			 "--transport=socket:{socket}", NULL };
	const struct home_program program = { .argv = argv,
					      .extra = (const char *const *)s->arguments,
					      .ended = on_ended,
					      .user = f };

	f->ends = 0;
	assert_int_equal(f->far->ops->start(f->far, &program), 0);
}

static void a_scenario_is_played_through_an_agent(void **state)
{
	struct fixture *f = *state;
	struct scenario *s = read_scenario();
	const struct home_record record = { 0, s->records[0].key, s->records[0].value };
	const struct home_setup setup = { s->config, &record, s->n_records };
	char address[512], why[4608] = "";
	struct play *p = NULL;
	int r;

	assert_int_equal(s->n_records, 1);
	assert_int_equal(f->far->ops->prepare(f->far, &setup), 0);
	(void)snprintf(address, sizeof(address), "%s/" HOME_SOCKET, f->far->dir);
	assert_int_equal(play_new(f->event, &(struct play_options){ .scenario = s,
								    .open_link = link_socket_open,
								    .address = address,
								    .home = f->far },
				  &p),
			 0);
	start_vmicd(f, s);
	r = play_run(p, why, sizeof(why));
	assert_int_equal(f->far->ops->stop(f->far), 0);
	await_end(f, 1);
	if (r == 0)
		r = play_finish(p, why, sizeof(why));
	if (r < 0)
		fail_msg("%s", why);
	assert_false(f->signalled);
	assert_int_equal(f->status, 0);
	(void)play_free(p);
	(void)scenario_free(s);
}

/* --- a hostile host --- */

/* The next line that the agent says, without its end. */
static const char *take_line(struct fixture *f)
{
	static char line[2 * JSON_LINE_MAX];
	size_t n = 0;

	while (n < sizeof(line) - 1) {
		ssize_t got = read(f->fd[0], line + n, 1);

		if (got == 1 && line[n] == '\n')
			break;
		if (got == 1)
			n++;
		else
			assert_true(sd_event_run(f->event, WAIT_US) > 0);
	}
	line[n] = 0;
	return line;
}

static void say(struct fixture *f, const char *text)
{
	size_t n = strlen(text);

	while (n) {
		ssize_t sent = write(f->fd[0], text, n);

		if (sent < 0)
			assert_int_equal(errno, EAGAIN);
		else {
			text += sent;
			n -= (size_t)sent;
		}
		(void)sd_event_run(f->event, 0);
	}
}

#define E(number) "{\"error\":" #number "}"
#define ENOENT_ E(2)
#define EINVAL_ E(22)
#define ENOSYS_ E(38)
#define EBADMSG_ E(74)

static void wrong_requests_are_refused(void **state)
{
	static const struct {
		const char *request, *answer;
	} rows[] = {
		{ "", EBADMSG_ },
		{ "hello", EBADMSG_ },
		{ "{}", EBADMSG_ },
		{ "[]", EBADMSG_ },
		{ "[1]", EBADMSG_ },
		{ "[[\"stop\"]]", EBADMSG_ },
		{ "[\"stop\"", EBADMSG_ },
		{ "[\"stop\"] []", EBADMSG_ },
		{ "[\"\\u0000\"]", EBADMSG_ },
		{ "[\"reboot\"]", ENOSYS_ },
		/* Nothing of the machine's own is looked at. */
		{ "[\"stop\"]", ENOENT_ },
		{ "[\"size\",0]", ENOENT_ },
		{ "[\"start\",[\"true\"]]", ENOENT_ },
		{ "[\"append\",[0,\"a\",\"b\"]]", ENOENT_ },
		{ "[\"prepare\"]", EINVAL_ },
		{ "[\"prepare\",7,[]]", EINVAL_ },
		{ "[\"prepare\",\"\",[],1]", EINVAL_ },
		{ "[\"prepare\",\"\",[7]]", EINVAL_ },
		{ "[\"prepare\",\"\",[[5,\"a\",\"b\"]]]", EINVAL_ },
		{ "[\"prepare\",\"\",[[-1,\"a\",\"b\"]]]", EINVAL_ },
		{ "[\"prepare\",\"\",[[0,\"a\"]]]", EINVAL_ },
		{ "[\"clean\"]", "{}" },
	}, prepared[] = {
		{ "[\"size\"]", EINVAL_ },
		{ "[\"size\",5]", EINVAL_ },
		{ "[\"size\",-1]", EINVAL_ },
		{ "[\"size\",99999999999999999999]", EBADMSG_ },
		{ "[\"size\",4294967296]", EINVAL_ },
		{ "[\"check\",[4294967296,\"a\",\"b\"],0]", "{\"why\":\"\",\"error\":22}" },
		{ "[\"check\",[0,\"a\",\"b\"],4294967296]", EINVAL_ },
		{ "[\"size\",\"0\"]", EINVAL_ },
		{ "[\"lock\",0]", EINVAL_ },
		{ "[\"lock\",0,1]", EINVAL_ },
		{ "[\"check\",[0,\"a\",\"b\"]]", EINVAL_ },
		{ "[\"check\",[0,\"a\",\"b\"],-1]", EINVAL_ },
		{ "[\"check\",7,0]", "{\"why\":\"\",\"error\":22}" },
		{ "[\"append\",[0,\"a\",{}]]", EINVAL_ },
		{ "[\"append\",[0,\"hex:xy\",\"\"]]", EINVAL_ },
		{ "[\"count\"]", EINVAL_ },
		{ "[\"count\",\"x\",1]", EINVAL_ },
		{ "[\"log\"]", ENOENT_ },
		{ "[\"start\"]", EINVAL_ },
		{ "[\"start\",[]]", EINVAL_ },
		{ "[\"start\",[1]]", EINVAL_ },
		{ "[\"start\",{}]", EINVAL_ },
		{ "[\"pause\"]", E(3) },
		{ "[\"reload\",\"\"]", E(3) },
		{ "[\"reload\"]", EINVAL_ },
	};
	struct fixture *f = *state;

	assert_non_null(strstr(take_line(f), "\"hello\":\"vmichost "));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		say(f, rows[i].request);
		say(f, "\n");
		assert_string_equal(take_line(f), rows[i].answer);
	}
	say(f, "[\"prepare\",\"\",[]]\n");
	assert_memory_equal(take_line(f), "{\"dir\":\"", 8);
	for (size_t i = 0; i < ARRAY_LEN(prepared); i++) {
		say(f, prepared[i].request);
		say(f, "\n");
		assert_string_equal(take_line(f), prepared[i].answer);
	}
	say(f, "[\"clean\"]\n[\"clean\"]\r\n"); /* two at once */
	assert_string_equal(take_line(f), "{}");
	assert_string_equal(take_line(f), "{}");
}

static void too_much_of_anything_is_refused(void **state)
{
	struct fixture *f = *state;

	(void)take_line(f);
	say(f, "[\"prepare\",\"\",[");
	for (int i = 0; i < 200; i++)
		say(f, "[0,\"a\",\"b\"],");
	say(f, "[0,\"a\",\"b\"]]]\n");
	assert_string_equal(take_line(f), E(7));
	say(f, "[\"prepare\",\"\",[]]\n");
	(void)take_line(f);
	say(f, "[\"start\",[\"true\"");
	for (int i = 0; i < 100; i++)
		say(f, ",\"a\"");
	say(f, "]]\n");
	assert_string_equal(take_line(f), EINVAL_);
	/* Deeper than any parser wants to recur. */
	for (int i = 0; i < 10000; i++)
		say(f, "[");
	say(f, "\n");
	assert_string_equal(take_line(f), EBADMSG_);
	for (int i = 0; i < JSON_LINE_MAX / 16 && !f->agent_ended; i++)
		say(f, "no end of a line");
	while (!f->agent_ended)
		assert_true(sd_event_run(f->event, WAIT_US) > 0);
	assert_int_equal(f->agent_error, -EMSGSIZE);
}

/* What JSON makes of a log may be too long; the conversation goes on. */
static void a_log_that_is_too_long_is_an_error(void **state)
{
	struct fixture *f = *state;
	char *log = NULL;

	f->ends = 0;
	prepare(f->far);
	start(f, f->far, "i=0; while [ $i -lt 2000 ]; do printf '\\001\\002\\003\\004\\005\\006\\007'; i=$((i+1)); done");
	await_end(f, 1);
	assert_int_equal(f->far->ops->read_log(f->far, &log), -EMSGSIZE);
	prepare(f->far);
	start(f, f->far, "i=0; while [ $i -lt 2000 ]; do echo line $i of a log; i=$((i+1)); done; echo end");
	await_end(f, 2);
	assert_int_equal(f->far->ops->read_log(f->far, &log), 0);
	assert_in_range(strlen(log), 1, HOME_LOG_MAX);
	assert_string_equal(log + strlen(log) - 4, "end\n");
	free(log);
}

/* --- a hostile agent: the host asks for the size of a pool --- */

static void wrong_answers_are_refused(void **state)
{
	static const struct {
		const char *said;
		long result;
	} rows[] = {
		{ "{\"n\":7}\n", 7 },
		{ "{\"n\":0}\n{\"n\":9}\n", 0 }, /* one that nobody waits for */
		{ "{}\n", -EBADMSG },
		{ "[]\n", -EBADMSG },
		{ "{\"n\":-1}\n", -EBADMSG },
		{ "{\"n\":\"7\"}\n", -EBADMSG },
		{ "{\"error\":0}\n", -EBADMSG },
		{ "{\"error\":-5}\n", -EBADMSG },
		{ "{\"error\":99999}\n", -EBADMSG },
		{ "{\"error\":\"no\"}\n", -EBADMSG },
		{ "{\"error\":2,\"n\":3}\n", -ENOENT },
		{ "nonsense\n\n\xff\xfe\n{\"n\":7}\n", 7 },
		{ "{\"hello\":1}\n", -EBADMSG }, /* it has greeted */
		{ "{\"ended\":\"status\",\"number\":0}\n{\"n\":7}\n", 7 }, /* nothing ran */
		{ "{\"ended\":7}\n", -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct home *h = NULL;
		sd_event *event = NULL;
		int fd[2];
		long n;

		assert_int_equal(sd_event_new(&event), 0);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
		assert_int_equal(home_agent_new(event, fd[0], &h), 0);
		/* What a kernel prints there first; then a greeting without what belongs to it. */
		assert_true(dprintf(fd[1], "[    0.1] Linux\n{}\n{\"hello\":\"x\",\"mac\":7}\n") > 0);
		while (!home_agent_is_there(h))
			assert_true(sd_event_run(event, WAIT_US) > 0);
		assert_string_equal(h->mac, "");
		assert_true(write(fd[1], rows[i].said, strlen(rows[i].said)) > 0);
		(void)shutdown(fd[1], SHUT_WR);
		/* It was said before it was asked for: only then it is awaited. */
		n = h->ops->pool_size(h, 0);
		if (n != rows[i].result)
			fail_msg("row %zu: %ld", i, n);
		assert_int_equal(h->ops->stop(h), -EPIPE);
		(void)h->ops->free(h);
		(void)close(fd[0]);
		(void)close(fd[1]);
		sd_event_unref(event);
	}
}

static void a_line_without_an_end_is_the_end(void **state)
{
	struct home *h = NULL;
	sd_event *event = NULL;
	char block[1024];
	int fd[2];

	(void)state;
	memset(block, 'x', sizeof(block));
	assert_int_equal(sd_event_new(&event), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	assert_int_equal(home_agent_new(event, fd[0], &h), 0);
	for (int i = 0; i < JSON_LINE_MAX / 1024; i++)
		assert_int_equal(write(fd[1], block, sizeof(block)), sizeof(block));
	assert_int_equal(h->ops->stop(h), -EMSGSIZE);
	(void)h->ops->free(h);
	(void)close(fd[0]);
	(void)close(fd[1]);
	sd_event_unref(event);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_BOTH(name) cmocka_unit_test_setup_teardown(name, set_up_both, tear_down)
	const struct CMUnitTest tests[] = {
		TEST_BOTH(a_home_is_here_and_far_away),
		TEST_BOTH(the_far_clock_is_not_overtaken),
		TEST_BOTH(an_agent_that_is_gone_is_no_agent),
		TEST_BOTH(a_host_that_is_gone_ends_all),
		TEST_BOTH(a_scenario_is_played_through_an_agent),
		TEST(wrong_requests_are_refused),
		TEST(too_much_of_anything_is_refused),
		TEST_BOTH(a_log_that_is_too_long_is_an_error),
		cmocka_unit_test(wrong_answers_are_refused),
		cmocka_unit_test(a_line_without_an_end_is_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
