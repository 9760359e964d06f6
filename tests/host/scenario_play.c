/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/scenario_play.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/host/judge.h"
#include "tests/host/scenario_files.h"
#include "tests/host/scenario_words.h"
#include "tests/host/session.h"
#include "tests/host/version.h"

#define WITHIN_MS 5000    /* an answer that takes longer did not come; a loaded machine is slow */
#define LAST_LOOK_MS 20   /* after the last step: for what nobody expects */
#define LOG_LOOK_MS 10
#define DEPTH_MAX 4       /* of repeat */

/* An answer that no step has looked at yet. */
struct arrival {
	struct arrival *next;
	enum component component;
	bool negotiation;
	const struct wire_operation *op;
	uint32_t status;
	size_t len;
	uint8_t payload[];
};

/* A breach of the rules that no step has expected yet. */
struct breach {
	struct breach *next;
	unsigned line;
	int component; /* or LINK_NO_COMPONENT */
	char sentence[160];
};

struct play {
	const struct scenario *s;
	sd_event *event;
	struct session_options options;
	struct session *session; /* NULL while the steps are only checked */
	struct words_variables variables;
	struct arrival *arrivals;
	struct breach *breaches;
	const struct scenario_line *line;
	const char *stopped;
	bool released[COMPONENT_MAX];
	int lock_fd; /* of a pool that a step has locked, or -1 */
	char *why;
	size_t why_size;
};

/* --- saying what is wrong --- */

static int __attribute__((format(printf, 2, 3))) fail(struct play *p, const char *format, ...)
{
	int at = snprintf(p->why, p->why_size, "%s:%u: ", p->s->path, p->line ? p->line->number : 0);
	va_list args;

	va_start(args, format);
	if (at >= 0 && (size_t)at < p->why_size)
		(void)vsnprintf(p->why + at, p->why_size - (size_t)at, format, args);
	va_end(args);
	return -EPROTO;
}

static int expected(struct play *p, const char *what)
{
	(void)fail(p, "expected %s", what);
	return -EINVAL;
}

static bool is_dry(const struct play *p)
{
	return !p->session;
}

static struct channel *channel_of(struct play *p, enum component c)
{
	return &p->session->channel[c];
}

/* --- from the session --- */

static void on_answered(void *user, struct channel *c, const struct answer *a)
{
	struct play *p = user;
	struct arrival **end = &p->arrivals, *new = malloc(sizeof(*new) + a->len);

	if (!new)
		return;
	*new = (struct arrival){ .component = c->component,
				 .negotiation = a->negotiation,
				 .op = a->op,
				 .status = a->status,
				 .len = a->len };
	memcpy(new->payload, a->payload, a->len);
	while (*end)
		end = &(*end)->next;
	*end = new;
}

static void on_violated(void *user, struct channel *c, const char *sentence)
{
	struct play *p = user;
	struct breach **end = &p->breaches, *new = calloc(1, sizeof(*new));

	if (!new)
		return;
	new->line = p->line ? p->line->number : 0;
	new->component = c ? (int)c->component : LINK_NO_COMPONENT;
	snprintf(new->sentence, sizeof(new->sentence), "%s", sentence);
	while (*end)
		end = &(*end)->next;
	*end = new;
}

static void on_released(void *user, struct channel *c)
{
	struct play *p = user;

	p->released[c->component] = true;
}

static void on_left(void *user)
{
	play_stop(user, "the guest left");
}

static void on_nothing(void *user)
{
	(void)user;
}

static void on_channel_nothing(void *user, struct channel *c)
{
	(void)user;
	(void)c;
}

static const struct session_events session_events = {
	.joined = on_nothing,
	.opened = on_channel_nothing,
	.closed = on_channel_nothing,
	.released = on_released,
	.answered = on_answered,
	.timed_out = on_channel_nothing,
	.violated = on_violated,
	.left = on_left,
};

/* --- waiting --- */

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

typedef bool (*condition)(struct play *p, enum component c);

/* Runs the loop until it holds. Whether it does: the time is over, or the play was stopped. */
static bool wait_for(struct play *p, condition holds, enum component c, uint64_t ms)
{
	uint64_t end = now_ms() + ms, now = now_ms();

	while (!holds(p, c) && now < end && !p->stopped) {
		if (sd_event_run(p->event, (end - now) * 1000) < 0)
			return false;
		now = now_ms();
	}
	return holds(p, c);
}

static bool never(struct play *p, enum component c)
{
	(void)p;
	(void)c;
	return false;
}

static bool is_open(struct play *p, enum component c)
{
	return channel_of(p, c)->open;
}

static bool is_closed(struct play *p, enum component c)
{
	return !channel_of(p, c)->open;
}

static bool is_released(struct play *p, enum component c)
{
	return p->released[c];
}

static bool is_idle(struct play *p, enum component c)
{
	return !channel_is_busy(channel_of(p, c));
}

static struct arrival **find_arrival(struct play *p, enum component c)
{
	for (struct arrival **a = &p->arrivals; *a; a = &(*a)->next)
		if ((*a)->component == c)
			return a;
	return NULL;
}

static bool has_arrival(struct play *p, enum component c)
{
	return find_arrival(p, c);
}

static void arrival_freep(struct arrival **a)
{
	free(*a);
}

static struct arrival *take_arrival(struct play *p, enum component c)
{
	struct arrival **at = find_arrival(p, c), *a = at ? *at : NULL;

	if (a)
		*at = a->next;
	return a;
}

/* "which" of an answer, for the reader of a failure. */
static void describe(const struct arrival *a, char *ret, size_t size)
{
	struct version_pair pair;
	uint16_t counts[2];
	const char *name = wire_status_name(a->status);

	if (a->negotiation && wire_parse_negotiate(a->payload, a->len, counts, &pair) == 0)
		snprintf(ret, size, "counts %u,%u versions %u.%u %u.%u status 0x%08x", counts[0],
			 counts[1], pair.framework.major, pair.framework.minor, pair.message.major,
			 pair.message.minor, a->status);
	else
		snprintf(ret, size, "status %s (0x%08x), %zu bytes", name ? name : "unknown",
			 a->status, a->len);
}

static int fail_silent(struct play *p, enum component c, const char *what)
{
	if (p->stopped)
		return fail(p, "%s, while waiting for %s of %s", p->stopped, what,
			    component_table[c].key);
	if (p->breaches)
		return fail(p, "%s of %s did not come, but: %s", what, component_table[c].key,
			    p->breaches->sentence);
	return fail(p, "%s of %s did not come", what, component_table[c].key);
}

/* --- steps: each takes the words after its name --- */

static int take_component(struct play *p, char *const **words, enum component *ret)
{
	if (!**words || component_from_key(**words, ret) < 0)
		return expected(p, "a component: guest-service, heartbeat, kvp, shutdown, timesync, vss");
	(*words)++;
	return 0;
}

static int step_open(struct play *p, char *const *words)
{
	uint64_t ms = WITHIN_MS;
	enum component c;
	int r;

	r = take_component(p, &words, &c);
	if (r < 0)
		return r;
	r = words_take_option(&words, "within", 3600000, &ms);
	if (r < 0 || *words)
		return expected(p, "open COMPONENT [within MS]");
	if (is_dry(p) || wait_for(p, is_open, c, ms))
		return 0;
	return fail_silent(p, c, "an opening");
}

static int apply_changes(struct play *p, struct message *m, const struct wire_operation *op,
			 char *const *words)
{
	char why[256];
	int r;

	for (; *words; words++) {
		r = words_apply(m, op, *words, why, sizeof(why));
		if (r < 0)
			return is_dry(p) ? expected(p, why) : fail(p, "%s", why);
	}
	return 0;
}

static void message_freep(struct message **m)
{
	free(*m);
}

static int step_negotiate(struct play *p, char *const *words)
{
	_cleanup_(message_freep) struct message *m = malloc(sizeof(*m));
	struct version_list framework, message;
	uint16_t counts[2] = { 0 };
	bool has_counts = false;
	enum component c;
	int r;

	if (!m)
		return -ENOMEM;
	r = take_component(p, &words, &c);
	if (r < 0)
		return r;
	framework = p->s->release.component[c].framework;
	message = p->s->release.component[c].message;
	if (words_take_list(&words, "framework", &framework) < 0 ||
	    words_take_list(&words, "message", &message) < 0 ||
	    words_take_counts(&words, counts, &has_counts) < 0)
		return expected(p, "negotiate COMPONENT [framework V...] [message V...] "
				   "[counts A,B] [FIELD=VALUE...]");
	wire_negotiate(m, &framework, &message, has_counts ? counts : NULL);
	r = apply_changes(p, m, NULL, words);
	if (r < 0 || is_dry(p))
		return r;
	r = *words ? channel_negotiate_raw(channel_of(p, c), &framework, &message, m) :
		     channel_negotiate(channel_of(p, c), &framework, &message,
				       has_counts ? counts : NULL);
	return r < 0 ? fail(p, "cannot negotiate: %s is not open", component_table[c].key) : 0;
}

/* "COMPONENT OPERATION [version=V] FIELD=VALUE...", built for the versions agreed. */
static int build_request(struct play *p, char *const *words, struct message *m, enum component *ret_c,
			 const struct wire_operation **ret_op)
{
	struct version_pair v = { { 0, 0 }, { 0, 0 } };
	bool raw;
	int r;

	r = take_component(p, &words, ret_c);
	if (r < 0)
		return r;
	if (!*words)
		return expected(p, "an operation, or raw");
	raw = strcmp(*words, "raw") == 0;
	if (!is_dry(p))
		v = channel_of(p, *ret_c)->facts->answered;
	if (words[1] && strncmp(words[1], "version=", 8) == 0 &&
	    version_parse(words[1] + 8, &v.message) < 0)
		return expected(p, "version=MAJOR.MINOR");
	*ret_op = raw ? NULL : wire_operation_find(*ret_c, *words, v.message.major);
	if (!raw && !*ret_op)
		return expected(p, "an operation of this component, or raw");
	if (raw)
		wire_begin(m, component_table[*ret_c].message_type, v, 0);
	else
		wire_request(m, *ret_op, v);
	words += words[1] && strncmp(words[1], "version=", 8) == 0 ? 2 : 1;
	return is_dry(p) && !words_fields_are_fixed(*ret_op) ?
		       0 : /* the fields depend on the version, which is not known yet */
		       apply_changes(p, m, *ret_op, words);
}

static int send_built(struct play *p, char *const *words,
		      int (*send)(struct channel *c, const struct message *m,
				  const struct wire_operation *op))
{
	_cleanup_(message_freep) struct message *m = malloc(sizeof(*m));
	const struct wire_operation *op = NULL;
	enum component c;
	int r;

	if (!m)
		return -ENOMEM;
	r = build_request(p, words, m, &c, &op);
	if (r < 0 || is_dry(p))
		return r;
	r = send(channel_of(p, c), m, op);
	return r < 0 ? fail(p, "cannot send: %s is not open", component_table[c].key) : 0;
}

static int step_send(struct play *p, char *const *words)
{
	return send_built(p, words, channel_request);
}

static int step_fill(struct play *p, char *const *words)
{
	return send_built(p, words, channel_fill);
}

static int step_rescind(struct play *p, char *const *words)
{
	enum component c;
	int r;

	r = take_component(p, &words, &c);
	if (r < 0)
		return r;
	if (*words)
		return expected(p, "rescind COMPONENT");
	if (is_dry(p))
		return 0;
	p->released[c] = false;
	if (session_rescind(p->session, channel_of(p, c)) < 0)
		return fail(p, "cannot rescind: %s is not offered", component_table[c].key);
	return wait_for(p, is_released, c, WITHIN_MS) ? 0 : fail_silent(p, c, "the release");
}

static int step_reoffer(struct play *p, char *const *words)
{
	enum component c;
	int r;

	r = take_component(p, &words, &c);
	if (r < 0)
		return r;
	if (*words)
		return expected(p, "reoffer COMPONENT");
	if (is_dry(p) || session_offer(p->session, channel_of(p, c)) >= 0)
		return 0;
	return fail(p, "cannot offer %s: it is offered, or not released", component_table[c].key);
}

static int step_wait(struct play *p, char *const *words)
{
	uint64_t ms;

	if (scenario_take_number(words[0], 3600000, &ms) < 0 || words[1])
		return expected(p, "wait MILLISECONDS");
	if (!is_dry(p))
		(void)wait_for(p, never, 0, ms);
	return p->stopped ? fail(p, "%s", p->stopped) : 0;
}

static int step_report(struct play *p, char *const *words)
{
	struct verdict v;
	enum result result;
	enum component c;
	int r;

	r = take_component(p, &words, &c);
	if (r < 0)
		return r;
	if (!words[0] || judge_result_from_name(words[0], &result) < 0 || words[1])
		return expected(p, "report COMPONENT ok, mismatch, no-common-version, no-contact, "
				   "lost, disabled or not-offered");
	if (is_dry(p))
		return 0;
	judge_component(&p->s->release, &p->session->facts, c, &v);
	if (v.result == result)
		return 0;
	return fail(p, "the host reports %s as %s: %s", component_table[c].key,
		    judge_result_name(v.result), v.why);
}

static int step_vm_heartbeat(struct play *p, char *const *words)
{
	struct judged_value v;

	if (!words[0] || words[1])
		return expected(p, "vm-heartbeat and what Get-VM shows, such as OkApplicationsUnknown");
	if (is_dry(p))
		return 0;
	v = judge_heartbeat(&p->s->release, &p->session->facts);
	return strcmp(v.value, words[0]) == 0 ? 0 : fail(p, "Get-VM shows Heartbeat %s", v.value);
}

/* Those faults that are an act, done to the component's channel when they are switched on. */
static void act_on_fault(struct play *p)
{
	for (int c = 0; c < COMPONENT_MAX; c++)
		if (p->session->faults.on[c][FAULT_CORRUPT_INDEX])
			channel_corrupt_index(
				&p->session->channel[c],
				(uint32_t)p->session->faults.value[c][FAULT_CORRUPT_INDEX]);
}

/* A host that reads again looks what has piled up: a full ring needs no signal. */
static void read_again(struct play *p)
{
	for (int c = 0; c < COMPONENT_MAX; c++)
		channel_signalled(&p->session->channel[c], 0);
}

static int step_fault(struct play *p, char *const *words)
{
	struct fault_set nothing = { 0 }, *set = is_dry(p) ? &nothing : &p->session->faults;
	char why[512];
	bool on;

	if (!words[0] || !words[1] || words[2] ||
	    (strcmp(words[1], "on") != 0 && strcmp(words[1], "off") != 0))
		return expected(p, "fault NAME[:COMPONENT][=NUMBER] on or off");
	on = strcmp(words[1], "on") == 0;
	if ((on ? fault_set_add : fault_set_remove)(set, words[0], why, sizeof(why)) < 0)
		return expected(p, why);
	if (on && !is_dry(p) && strncmp(words[0], "corrupt-index", 13) == 0)
		act_on_fault(p);
	if (!on && !is_dry(p) && strncmp(words[0], "never-read", 10) == 0)
		read_again(p);
	return 0;
}

/* --- the guest's machine --- */

/* Nothing tells when a file has grown. */
static bool wait_for_log(struct play *p, const char *text)
{
	uint64_t end = now_ms() + WITHIN_MS;
	bool found;

	while (!(found = files_count_log(p->variables.dir, text)) && now_ms() < end && !p->stopped)
		(void)wait_for(p, never, 0, LOG_LOOK_MS);
	return found;
}

/* "log TEXT" waits for a line that holds it; "log TEXT at-most N" counts those that do. */
static int step_log(struct play *p, char *const *words)
{
	uint64_t most = UINT64_MAX;
	const char *text = words[0];
	size_t n;

	words += text != NULL;
	if (!text || words_take_option(&words, "at-most", UINT32_MAX, &most) < 0 || *words)
		return expected(p, "log \"TEXT\" [at-most N]");
	if (is_dry(p))
		return 0;
	if (most == UINT64_MAX)
		return wait_for_log(p, text) ?
			       0 : fail(p, "the guest's log does not say \"%s\"", text);
	n = files_count_log(p->variables.dir, text);
	return n <= most ? 0 : fail(p, "the guest's log says \"%s\" in %zu lines", text, n);
}

static int pool_append(struct play *p, unsigned pool, char *const *words)
{
	int r;

	if (!words[0] || !words[1] || words[2])
		return expected(p, "pool N append KEY VALUE");
	if (is_dry(p))
		return 0;
	r = files_append_record(p->variables.dir, pool, words[0], words[1]);
	return r < 0 ? fail(p, "cannot append to pool %u: %s", pool, strerror(-r)) : 0;
}

static int pool_record(struct play *p, unsigned pool, char *const *words)
{
	char why[4608];
	uint64_t index;

	if (scenario_take_number(words[0], UINT32_MAX, &index) < 0 || !words[1] || !words[2] ||
	    words[3])
		return expected(p, "pool N record INDEX KEY VALUE");
	if (is_dry(p) || files_check_record(p->variables.dir, pool, index, words[1], words[2], why,
					    sizeof(why)) == 0)
		return 0;
	return fail(p, "%s", why);
}

static int pool_size(struct play *p, unsigned pool, char *const *words)
{
	uint64_t n;
	long size;

	if (scenario_take_number(words[0], INT32_MAX, &n) < 0 || words[1])
		return expected(p, "pool N size BYTES");
	if (is_dry(p))
		return 0;
	size = files_pool_size(p->variables.dir, pool);
	return size == (long)n ? 0 : fail(p, "the file of pool %u has %ld bytes", pool, size);
}

static void unlock_pool(struct play *p)
{
	if (p->lock_fd >= 0)
		(void)close(p->lock_fd);
	p->lock_fd = -1;
}

static int pool_lock(struct play *p, unsigned pool, char *const *words)
{
	if (!words[0] || words[1] ||
	    (strcmp(words[0], "flock") != 0 && strcmp(words[0], "fcntl") != 0))
		return expected(p, "pool N lock flock or fcntl");
	if (is_dry(p))
		return 0;
	unlock_pool(p);
	p->lock_fd = files_lock_pool(p->variables.dir, pool, words[0]);
	return p->lock_fd < 0 ? fail(p, "cannot lock pool %u: %s", pool, strerror(-p->lock_fd)) : 0;
}

static int pool_unlock(struct play *p, unsigned pool, char *const *words)
{
	(void)pool;
	if (words[0])
		return expected(p, "pool N unlock");
	unlock_pool(p);
	return 0;
}

static const struct {
	const char *word;
	int (*run)(struct play *p, unsigned pool, char *const *words);
} pool_acts[] = {
	{ "append", pool_append }, { "record", pool_record }, { "size", pool_size },
	{ "lock", pool_lock },     { "unlock", pool_unlock },
};

static int step_pool(struct play *p, char *const *words)
{
	uint64_t pool;

	if (scenario_take_number(words[0], 4, &pool) == 0 && words[1])
		for (size_t i = 0; i < ARRAY_LEN(pool_acts); i++)
			if (strcmp(pool_acts[i].word, words[1]) == 0)
				return pool_acts[i].run(p, (unsigned)pool, words + 2);
	return expected(p, "pool 0 to 4 and append, record, size, lock or unlock");
}

/* --- expect --- */

struct expectation {
	enum component component;
	uint64_t ms;
	char *const *checks; /* FIELD=VALUE or FIELD!=VALUE, up to the end or "within" */
	const char *argument;
	struct version_pair pair;
	uint16_t counts[2];
	uint32_t status;
	bool any, all;
};

static int check_fields(struct play *p, const struct expectation *e, const struct arrival *a)
{
	char why[4608];

	for (char *const *w = e->checks; *w && strcmp(*w, "within") != 0; w++)
		if (words_check(a->op, a->payload, a->len, *w, why, sizeof(why)) < 0)
			return fail(p, "%s", why);
	return 0;
}

/* What can be said of the checks before there is an answer. */
static int check_form(struct play *p, const struct expectation *e)
{
	for (char *const *w = e->checks; *w && strcmp(*w, "within") != 0; w++)
		if (!strchr(*w, '=') || **w == '=')
			return expected(p, "FIELD=VALUE, FIELD!=VALUE or within MS after what is "
					   "expected");
	return 0;
}

static struct arrival *await(struct play *p, const struct expectation *e, const char *what)
{
	if (wait_for(p, has_arrival, e->component, e->ms))
		return take_arrival(p, e->component);
	(void)fail_silent(p, e->component, what);
	return NULL;
}

static int await_negotiation(struct play *p, const struct expectation *e, bool counts_only)
{
	_cleanup_(arrival_freep) struct arrival *a = NULL;
	struct version_pair pair;
	uint16_t counts[2];
	char came[160];

	a = await(p, e, "an answer");
	if (!a)
		return -EPROTO;
	describe(a, came, sizeof(came));
	if (!a->negotiation || wire_parse_negotiate(a->payload, a->len, counts, &pair) < 0)
		return fail(p, "expected a negotiation's answer, came %s", came);
	if (counts[0] != e->counts[0] || counts[1] != e->counts[1])
		return fail(p, "expected counts %u,%u, came %s", e->counts[0], e->counts[1], came);
	if (!counts_only && !version_pair_equal(pair, e->pair))
		return fail(p, "expected %u.%u %u.%u, came %s", e->pair.framework.major,
			    e->pair.framework.minor, e->pair.message.major, e->pair.message.minor,
			    came);
	return check_fields(p, e, a);
}

static int expect_answered(struct play *p, struct expectation *e, char *const *words)
{
	if (!words[0] || !words[1] || version_parse(words[0], &e->pair.framework) < 0 ||
	    version_parse(words[1], &e->pair.message) < 0)
		return expected(p, "answered FRAMEWORK MESSAGE [FIELD=VALUE...] [within MS]");
	e->counts[0] = e->counts[1] = 1;
	e->checks = words + 2;
	return is_dry(p) ? check_form(p, e) : await_negotiation(p, e, false);
}

static int expect_counts(struct play *p, struct expectation *e, char *const *words)
{
	if (!words[0] || words_parse_counts(words[0], e->counts) < 0)
		return expected(p, "counts A,B [FIELD=VALUE...] [within MS]");
	e->checks = words + 1;
	return is_dry(p) ? check_form(p, e) : await_negotiation(p, e, true);
}

static int await_status(struct play *p, const struct expectation *e)
{
	_cleanup_(arrival_freep) struct arrival *a = NULL;
	char came[160];

	a = await(p, e, "an answer");
	if (!a)
		return -EPROTO;
	describe(a, came, sizeof(came));
	if (!e->any && a->status != e->status)
		return fail(p, "expected status %s, came %s", e->argument, came);
	return check_fields(p, e, a);
}

/* "all": every request that is out is answered so, as many as they are. */
static int await_all(struct play *p, const struct expectation *e)
{
	int r = 0;

	if (!wait_for(p, is_idle, e->component, e->ms))
		return fail_silent(p, e->component, "every answer");
	while (r == 0 && has_arrival(p, e->component))
		r = await_status(p, e);
	return r;
}

static int expect_status(struct play *p, struct expectation *e, char *const *words)
{
	e->any = words[0] && strcmp(words[0], "any") == 0;
	if (!words[0] || (!e->any && wire_status_parse(words[0], &e->status) < 0))
		return expected(p, "status ok, fail, no-more, not-supported, invalid, not-found, any "
				   "or a number");
	e->argument = words[0];
	e->all = words[1] && strcmp(words[1], "all") == 0;
	e->checks = words + (e->all ? 2 : 1);
	if (is_dry(p))
		return check_form(p, e);
	return e->all ? await_all(p, e) : await_status(p, e);
}

static int expect_silence(struct play *p, struct expectation *e, char *const *words)
{
	_cleanup_(arrival_freep) struct arrival *a = NULL;
	uint64_t ms;
	char came[160];

	if (!words[0] || strcmp(words[0], "for") != 0 ||
	    scenario_take_number(words[1], 3600000, &ms) < 0 || words[2])
		return expected(p, "silence for MS");
	if (is_dry(p))
		return 0;
	if (wait_for(p, has_arrival, e->component, ms)) {
		a = take_arrival(p, e->component);
		describe(a, came, sizeof(came));
		return fail(p, "expected silence, came %s", came);
	}
	if (p->stopped)
		return fail(p, "%s", p->stopped);
	channel_abandon(channel_of(p, e->component));
	return 0;
}

static int expect_closed(struct play *p, struct expectation *e, char *const *words)
{
	if (words[0] && strcmp(words[0], "within") != 0)
		return expected(p, "closed [within MS]");
	if (is_dry(p) || wait_for(p, is_closed, e->component, e->ms))
		return 0;
	return fail_silent(p, e->component, "a closing");
}

static struct breach **find_breach(struct play *p, enum component c, const char *text)
{
	for (struct breach **b = &p->breaches; *b; b = &(*b)->next)
		if ((*b)->component == (int)c && strstr((*b)->sentence, text))
			return b;
	return NULL;
}

static bool has_breach(struct play *p, enum component c)
{
	for (const struct breach *b = p->breaches; b; b = b->next)
		if (b->component == (int)c)
			return true;
	return false;
}

static int expect_violation(struct play *p, struct expectation *e, char *const *words)
{
	struct breach **at, *b;

	if (!words[0])
		return expected(p, "violation \"TEXT\" [within MS]");
	if (is_dry(p))
		return 0;
	(void)wait_for(p, has_breach, e->component, e->ms);
	at = find_breach(p, e->component, words[0]);
	if (!at)
		return fail_silent(p, e->component, "the violation");
	b = *at;
	*at = b->next;
	free(b);
	return 0;
}

static const struct {
	const char *word;
	int (*run)(struct play *p, struct expectation *e, char *const *words);
} expectations[] = {
	{ "answered", expect_answered }, { "counts", expect_counts },
	{ "status", expect_status },     { "silence", expect_silence },
	{ "closed", expect_closed },     { "violation", expect_violation },
};

/* "within MS" may be the last two words of any expectation. */
static int take_within(struct play *p, char *const *words, uint64_t *ret)
{
	for (; *words; words++)
		if (strcmp(*words, "within") == 0)
			return scenario_take_number(words[1], 3600000, ret) < 0 || words[2] ?
				       expected(p, "within MILLISECONDS at the end of the line") :
				       0;
	return 0;
}

static int step_expect(struct play *p, char *const *words)
{
	struct expectation e = { .ms = WITHIN_MS };
	int r;

	r = take_component(p, &words, &e.component);
	if (r < 0)
		return r;
	r = take_within(p, words, &e.ms);
	if (r < 0)
		return r;
	for (size_t i = 0; *words && i < ARRAY_LEN(expectations); i++)
		if (strcmp(expectations[i].word, *words) == 0)
			return expectations[i].run(p, &e, words + 1);
	return expected(p, "answered, counts, status, silence, closed or violation");
}

/* --- the course --- */

static const struct {
	const char *word;
	int (*run)(struct play *p, char *const *words);
} steps[] = {
	{ "open", step_open },         { "negotiate", step_negotiate },
	{ "send", step_send },         { "fill", step_fill },
	{ "expect", step_expect },     { "rescind", step_rescind },
	{ "reoffer", step_reoffer },   { "wait", step_wait },
	{ "report", step_report },     { "vm-heartbeat", step_vm_heartbeat },
	{ "fault", step_fault },       { "log", step_log },
	{ "pool", step_pool },
};

static int run_line(struct play *p)
{
	_cleanup_(words_freep) char **words = words_expand(p->line->word, &p->variables);

	if (!words)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (strcmp(steps[i].word, words[0]) == 0)
			return steps[i].run(p, words + 1);
	return expected(p, "a step: open, negotiate, send, fill, expect, rescind, reoffer, wait, "
			   "report, vm-heartbeat, fault, log, pool, repeat or end");
}

static int run_lines(struct play *p, size_t from, size_t until, unsigned depth);

/* The line of the "end" that belongs to the repeat, or until. */
static size_t find_end(const struct play *p, size_t from, size_t until)
{
	unsigned open = 0;

	for (size_t i = from; i < until; i++) {
		if (strcmp(p->s->steps[i].word[0], "repeat") == 0)
			open++;
		else if (strcmp(p->s->steps[i].word[0], "end") == 0 && --open == 0)
			return i;
	}
	return until;
}

/* "repeat N [as NAME]": from is its line, end that of its end. */
static int run_repeat(struct play *p, size_t from, size_t end, unsigned depth)
{
	char *const *w = p->line->word;
	const char *name = p->line->n == 4 ? w[3] : "i";
	uint64_t times;
	int r = 0;

	if ((p->line->n != 2 && (p->line->n != 4 || strcmp(w[2], "as") != 0)) ||
	    scenario_take_number(w[1], 1000000, &times) < 0 || depth >= DEPTH_MAX)
		return expected(p, "repeat TIMES [as NAME], not deeper than four");
	if (is_dry(p) && times > 1)
		times = 1;
	for (uint64_t i = 0; i < times && r == 0; i++) {
		words_set_variable(&p->variables, depth, name, i);
		r = run_lines(p, from + 1, end, depth + 1);
		if (r == -EPROTO && times > 1) {
			size_t at = strlen(p->why);

			snprintf(p->why + at, p->why_size - at, " (%s = %llu)", name,
				 (unsigned long long)i);
		}
	}
	words_set_variable(&p->variables, depth, NULL, 0);
	return r;
}

static int run_lines(struct play *p, size_t from, size_t until, unsigned depth)
{
	int r = 0;

	for (size_t i = from; i < until && r == 0; i++) {
		p->line = &p->s->steps[i];
		if (strcmp(p->line->word[0], "end") == 0)
			return expected(p, "a repeat before this end");
		if (strcmp(p->line->word[0], "repeat") == 0) {
			size_t end = find_end(p, i, until);

			if (end == until)
				return expected(p, "an end to this repeat");
			r = run_repeat(p, i, end, depth);
			i = end;
		} else {
			r = run_line(p);
		}
	}
	return r;
}

int play_check(const struct scenario *s, char *why, size_t why_size)
{
	struct play p = { .s = s, .lock_fd = -1, .why = why, .why_size = why_size };

	words_init(&p.variables, "/dir");
	return run_lines(&p, 0, s->n_steps, 0);
}

const char *play_obstacle(const struct scenario *s)
{
	struct words_variables v;

	words_init(&v, "/dir");
	return s->needs_adapter && !*v.ipv4 ? "no network adapter has an IPv4 address" : NULL;
}

int play_run(struct play *p, char *why, size_t why_size)
{
	int r;

	p->why = why;
	p->why_size = why_size;
	r = run_lines(p, 0, p->s->n_steps, 0);
	if (r == 0)
		(void)wait_for(p, never, 0, LAST_LOOK_MS);
	return r;
}

int play_finish(struct play *p, char *why, size_t why_size)
{
	char came[160];

	p->why = why;
	p->why_size = why_size;
	if (p->breaches) {
		snprintf(why, why_size, "%s:%u: the guest broke a rule: %s", p->s->path,
			 p->breaches->line, p->breaches->sentence);
		return -EPROTO;
	}
	if (!p->arrivals)
		return 0;
	describe(p->arrivals, came, sizeof(came));
	return fail(p, "an answer of %s that no step expects: %s",
		    component_table[p->arrivals->component].key, came);
}

void play_stop(struct play *p, const char *reason)
{
	if (!p->stopped)
		p->stopped = reason;
}

/* --- life --- */

struct play *play_free(struct play *p)
{
	if (!p)
		return NULL;
	p->session = session_free(p->session);
	unlock_pool(p);
	while (p->arrivals) {
		struct arrival *a = p->arrivals;

		p->arrivals = a->next;
		free(a);
	}
	while (p->breaches) {
		struct breach *b = p->breaches;

		p->breaches = b->next;
		free(b);
	}
	sd_event_unref(p->event);
	free(p);
	return NULL;
}

static void play_freep(struct play **p)
{
	(void)play_free(*p);
}

int play_new(sd_event *event, const struct scenario *s, link_open open_link, const char *address,
	     const char *dir, struct play **ret)
{
	_cleanup_(play_freep) struct play *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->lock_fd = -1;
	p->event = sd_event_ref(event);
	p->s = s;
	words_init(&p->variables, dir);
	p->options = (struct session_options){ .release = &s->release,
					       .open_link = open_link,
					       .address = address,
					       .vm_name = "vmicd",
					       .timeout_ms = s->timeout_ms,
					       .ring_size = s->ring_size };
	memcpy(p->options.disabled, s->disabled, sizeof(s->disabled));
	r = session_new(event, &p->options, &session_events, p, &p->session);
	if (r < 0)
		return r;
	p->session->faults = s->faults;
	*ret = TAKE_PTR(p);
	return 0;
}
