/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A daemon that is killed between any two of its instructions, and its successor. What outlives a process is
 * the rings and its state: both can only be read while a channel serves, so that each write to them is a
 * fault, at which all is set aside as it was just before. A process that is killed there leaves exactly that:
 * it has done all its stores up to one, and none behind it. Each such moment then has a successor, which must
 * answer all that is unanswered, once, without the host's noticing; and some of those are killed as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <ucontext.h>

#include "daemon/channel.h"
#include "daemon/keep.h"
#include "daemon/power.h"
#include "hv_util/heartbeat.h"
#include "hv_util/profile.h"
#include "tests/unit/fake_host.h"
#include "tests/unit/fake_store.h"

#define RING 8192 /* of which 4096 bytes are data: 56 answers to a heartbeat fill it */
#define BEATS_MAX 56
#define MS (SECOND / 1000)
#define IDS 128
/* Both pages' words, and what of the state is no message. */
#define PAGE_HEAD 128
#define STATE_HEAD 1984
#define STATE_NAME "1.state"
#define MOMENTS_MAX 4096

/* --- a service that is slow --- */

struct slow {
	int result;
	unsigned calls;
};

static int on_slow(const struct ic_call *call)
{
	struct slow *s = call->user;

	s->calls++;
	if (s->result == 0)
		memset(call->body, 0x5a, 8); /* the answer overwrites what was asked */
	return s->result;
}

static const struct ic_op slow_ops[] = { { .min_body = 8, .handle = on_slow } };

static const struct ic_service slow_service = {
	.component = IC_HEARTBEAT,
	.name = "Slow",
	.type = IC_TYPE_HEARTBEAT,
	.ops = slow_ops,
	.n_ops = ARRAY_LEN(slow_ops),
};

/* --- what outlives a process --- */

struct world {
	struct fake_host host;
	struct slow slow;
	unsigned asked; /* so many requests to the service manager, which nobody takes up */
	struct conf_component conf;
	uint8_t msg[MESSAGE_MAX];
};

struct moment {
	struct world w;
	uint8_t rings[2 * RING];
	uint8_t state[STATE_HEAD + KEEP_BUFFERS * IC_PAYLOAD_MAX];
};

static struct world w;
static unsigned spared; /* so many successors have refused what two had died of */
static uint8_t *shown; /* the process' state, in a place of its own */

/* Allocated as they come: the kernel gives memory for what is written only. */
static struct moments {
	struct moment *m;
	size_t n;
} first, second, *looked_at;

static bool has_changed(const struct moment *m)
{
	const uint8_t *rings = w.host.port.memory;

	return memcmp(m->rings, rings, PAGE_HEAD) != 0 || memcmp(m->rings + RING, rings + RING, PAGE_HEAD) != 0 ||
	       memcmp(m->state, shown, STATE_HEAD) != 0 || m->w.host.signals != w.host.signals ||
	       m->w.slow.calls != w.slow.calls || m->w.asked != w.asked;
}

static void moment_add(void)
{
	struct moment *m = &looked_at->m[looked_at->n];

	if (looked_at->n == MOMENTS_MAX || (looked_at->n > 0 && !has_changed(m - 1)))
		return;
	m->w = w;
	memcpy(m->rings, w.host.port.memory, sizeof(m->rings));
	memcpy(m->state, shown, sizeof(m->state));
	looked_at->n++;
}

/* --- looking at each write --- */

static struct area {
	uint8_t *p;
	size_t size;
} areas[2];

static void areas_protect(int protection)
{
	for (size_t i = 0; i < ARRAY_LEN(areas); i++)
		if (areas[i].p)
			(void)mprotect(areas[i].p, areas[i].size, protection);
}

/* A process that is killed has told the host, or it has not. */
static int signal_seen(struct port *port)
{
	if (looked_at)
		moment_add();
	return fake_signal(port);
}

#ifdef __x86_64__
#define TRAP_FLAG 0x100 /* of the processor: a trap behind the next instruction */

static void on_fault(int number, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	const uint8_t *at = info->si_addr;
	bool is_ours = false;

	for (size_t i = 0; i < ARRAY_LEN(areas); i++)
		is_ours = is_ours || (at >= areas[i].p && at < areas[i].p + areas[i].size);
	if (!is_ours) {
		(void)signal(number, SIG_DFL);
		return;
	}
	moment_add();
	areas_protect(PROT_READ | PROT_WRITE);
	c->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void on_trap(int number, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	(void)number;
	(void)info;
	areas_protect(PROT_READ);
	c->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static void look(struct moments *all)
{
	struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO },
			 trap = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

	all->n = 0;
	looked_at = all;
	assert_int_equal(sigaction(SIGSEGV, &fault, NULL), 0);
	assert_int_equal(sigaction(SIGTRAP, &trap, NULL), 0);
	areas_protect(PROT_READ);
}

static void look_away(void)
{
	areas_protect(PROT_READ | PROT_WRITE);
	moment_add();
	(void)signal(SIGSEGV, SIG_DFL);
	(void)signal(SIGTRAP, SIG_DFL);
	assert_true(looked_at->n < MOMENTS_MAX);
	looked_at = NULL;
}
#else
static void look(struct moments *all)
{
	(void)all;
	print_message("SKIPPED: this processor cannot stop behind an instruction\n");
	skip();
}

static void look_away(void)
{
}
#endif

/* --- a service that has the machine shut down --- */

static uint64_t fake_raw(const struct sys *sys)
{
	(void)sys;
	return fake_time.now * 1000;
}

/* A process that is killed has asked for it, or it has not. */
static int ask_seen(const struct sys *sys, enum shutdown_action action)
{
	(void)sys;
	(void)action;
	if (looked_at)
		moment_add();
	w.asked++;
	if (looked_at)
		moment_add();
	return 0;
}

static bool is_asked(const struct sys *sys, enum shutdown_action action)
{
	(void)sys;
	return action == SHUTDOWN_POWEROFF && w.asked > 0;
}

static bool stays_asked(const struct sys *sys, enum shutdown_action action)
{
	(void)sys;
	(void)action;
	return false;
}

static const struct sys_ops asking = {
	.raw_ns = fake_raw, .power = ask_seen, .power_is_asked = is_asked, .withdraw_power = stays_asked,
};

static int on_ask(const struct ic_call *call)
{
	const struct shutdown_request request = { .action = SHUTDOWN_POWEROFF };
	int r = power_take(call->user, &request);

	if (r == 0)
		memset(call->body, 0x5a, 8);
	return r;
}

static const struct ic_op ask_ops[] = { { .min_body = 8, .handle = on_ask } };

static const struct ic_service ask_service = {
	.component = IC_HEARTBEAT,
	.name = "Asking",
	.type = IC_TYPE_HEARTBEAT,
	.ops = ask_ops,
	.n_ops = ARRAY_LEN(ask_ops),
};

/* Where the process has mapped its state; the newest, if there are several. */
static uint8_t *find_state_mapping(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	void *found = NULL;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "memfd:") && strstr(line, "rw-s"))
			assert_int_equal(sscanf(line, "%p-", &found), 1);
	(void)fclose(maps);
	assert_non_null(found);
	return found;
}

/* --- a life --- */

struct scenario {
	const char *name;
	const struct ic_service *service;
	void (*prepare)(sd_event *event); /* what has happened before */
	void (*act)(sd_event *event);     /* that in which it is killed */
	void (*resume)(void);             /* what happens before the successor starts; or NULL */
	unsigned answer_delay_s;
	bool host_is_masked; /* it wants no signal for an answer */
	struct {
		uint64_t first, last;
	} answered[1];              /* these are to be, and nothing else... */
	uint64_t answered_somehow;  /* ...but for this one, with whatever status; or 0 */
	unsigned signals;     /* to the host, so many at least... */
	bool counts_signals;  /* ...and at most one more */
	const char *warnings; /* all that there are have this; NULL: there are none */
};

struct life {
	sd_event *event;
	struct channel *c;
	struct heartbeat heartbeat;
	struct power power;
	struct sys sys;
	struct store store;
};

static void *life_user(struct life *l, const struct ic_service *service)
{
	if (service == &slow_service)
		return &w.slow;
	return service == &ask_service ? (void *)&l->power : (void *)&l->heartbeat;
}

static void life_init(struct life *l, const struct scenario *s, const struct log *log)
{
	struct channel_options options = {
		.log = log,
		.service = s->service,
		.conf = &w.conf,
		.user = life_user(l, s->service),
		.store = &l->store,
	};

	memset(l, 0, sizeof(*l));
	time_reset();
	assert_int_equal(sd_event_new(&l->event), 0);
	l->sys = (struct sys){ .ops = &asking, .log = log };
	l->power.sys = &l->sys;
	assert_int_equal(power_init(&l->power, l->event), 0);
	options.event = l->event;
	assert_int_equal(channel_new(&options, &l->c), 0);
}

static void life_open(struct life *l)
{
	assert_int_equal(channel_offered(l->c, &w.host.port), 0);
	channel_opened(l->c, 0);
}

static void life_done(struct life *l)
{
	(void)munmap(shown, sizeof(first.m->state));
	shown = NULL;
	l->c = channel_leave(l->c);
	power_done(&l->power);
	l->event = sd_event_unref(l->event);
	fake_store_done(&l->store);
	areas[0].p = areas[1].p = NULL;
}

/* The same memory that the process has, in another place. */
static void see_state(const struct life *l)
{
	int fd = fake_store_find(&l->store, STATE_NAME);
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, sizeof(first.m->state));
	shown = mmap(NULL, sizeof(first.m->state), PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(shown, MAP_FAILED);
}

static void live_first(const struct scenario *s)
{
	struct life l;

	w.conf.answer_delay_s = s->answer_delay_s;
	w.slow = (struct slow){ 0 };
	w.asked = 0;
	w.host.port.taken_over = false;
	w.host.signals = w.host.closes = 0;
	logged_clear();
	life_init(&l, s, &recording_log);
	fake_host_open(&w.host);
	guests_page(&w.host)->interrupt_mask = s->host_is_masked;
	life_open(&l);
	s->prepare(l.event);
	see_state(&l);
	areas[0] = (struct area){ w.host.port.memory, 2 * RING };
	areas[1] = (struct area){ find_state_mapping(), sizeof(first.m->state) };
	look(&first);
	s->act(l.event);
	look_away();
	life_done(&l);
}

static void restore(const struct moment *m)
{
	w = m->w;
	memcpy(w.host.port.memory, m->rings, sizeof(m->rings));
}

/* What has outlived the process before is as it was at that moment. */
static void life_init_after(struct life *l, const struct scenario *s, const struct moment *m)
{
	int fd = memfd_create("left", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	restore(m);
	w.host.port.taken_over = true;
	assert_int_equal(write(fd, m->state, sizeof(m->state)), sizeof(m->state));
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	logged_clear();
	life_init(l, s, &recording_log);
	fake_store_leave(&l->store, STATE_NAME, fd);
	see_state(l);
	if (s->resume)
		s->resume();
}

/* A successor that is looked at itself. The state has no place yet at which its writes would be seen when it
 * begins; the rings have. */
static void live_after(const struct scenario *s, const struct moment *m)
{
	struct life l;

	life_init_after(&l, s, m);
	areas[0] = (struct area){ w.host.port.memory, 2 * RING };
	look(&second);
	life_open(&l);
	areas_protect(PROT_READ | PROT_WRITE);
	areas[1] = (struct area){ find_state_mapping(), sizeof(first.m->state) };
	areas_protect(PROT_READ);
	run_loop(l.event);
	look_away();
	life_done(&l);
}

/* --- what the host gets --- */

struct answers {
	unsigned n[IDS];
	uint32_t status[IDS];
	bool confirmed; /* something has been served */
	unsigned asked; /* when all was answered */
};

static void take_answers(struct answers *a)
{
	struct fake_host *h = &w.host;

	while (fake_host_take(h)) {
		assert_true(h->packet.trans_id < IDS);
		a->n[h->packet.trans_id]++;
		a->status[h->packet.trans_id] = message_status(h->buf);
		assert_int_equal(message_flags(h->buf), 5);
		/* a heartbeat, of which the successor must not have served the answer */
		if (get_le(h->buf + 12, 2) == 1 && message_status(h->buf) == WIRE_OK)
			assert_true(get_le(h->buf + MESSAGE_BODY, 8) == h->packet.trans_id + 1 ||
				    h->buf[MESSAGE_BODY] == 0x5a);
		a->confirmed = a->confirmed || (get_le(h->buf + 12, 2) == 1 && message_status(h->buf) == WIRE_OK);
	}
}

static void put_request(uint64_t id)
{
	size_t len = put_beat(w.msg, id);

	fake_host_put_packet(&w.host, 6, id, w.msg, len);
}

static void put_versions(uint64_t id)
{
	static const uint32_t versions[] = { 3 << 16, 3 << 16 };
	size_t len = put_negotiation(w.msg, 1, 1, versions);

	fake_host_put_packet(&w.host, 6, id, w.msg, len);
}

/* What its successor, and time, make of a moment. */
static void live_to_the_end(struct life *l, struct answers *a)
{
	run_loop(l->event);
	take_answers(a);
	run_loop(l->event);
	for (unsigned i = 0; i < 40; i++) {
		pass_time(l->event, SECOND);
		take_answers(a);
	}
	a->asked = w.asked;
	/* And it serves what comes later. */
	put_request(127);
	fake_host_flush(&w.host);
	run_loop(l->event);
	take_answers(a);
	assert_int_equal(a->n[127], 1);
}

/* A request in whose service two processes have died is refused. */
static bool has_spared_itself(void)
{
	return logged_count(LOG_WARNING, "has ended this daemon twice") > 0;
}

static void check_answers(const struct scenario *s, const struct answers *a)
{
	unsigned expected[IDS] = { [127] = 1 };
	const bool any = has_spared_itself();

	assert_true(any || a->status[127] == WIRE_OK);
	for (uint64_t id = s->answered[0].first; id <= s->answered[0].last; id++) {
		expected[id] = 1;
		assert_true(any || a->status[id] == WIRE_OK);
	}
	if (s->answered_somehow)
		expected[s->answered_somehow] = 1;
	for (unsigned id = 0; id < IDS; id++)
		/* a negotiation that is spared drops no request */
		if (a->n[id] != expected[id] && (!any || a->n[id] > 1))
			fail_msg("%u answers to %u", a->n[id], id);
}

/* What the host was promised is under way, and would be if nobody came after that process. */
static void check_promise(const struct scenario *s, const struct moment *m)
{
	struct answers a = { 0 };

	restore(m);
	take_answers(&a);
	assert_true(s->service != &ask_service || !a.confirmed || w.asked == 1);
}

/* Returns how many signals the host got too many. */
static unsigned check_successor(const struct scenario *s, const struct moment *m)
{
	struct answers a = { 0 };
	unsigned signals;
	struct life l;
	struct channel_view view;

	check_promise(s, m);
	life_init_after(&l, s, m);
	life_open(&l);
	run_loop(l.event);
	signals = w.host.signals;
	live_to_the_end(&l, &a);
	check_answers(s, &a);
	/* once, and not for what was refused in a process that nobody had died of */
	assert_true(s->service != &ask_service || has_spared_itself() || a.asked == 1);
	assert_true(w.asked <= 1);
	channel_view(l.c, &view);
	assert_int_equal(w.host.closes, 0);
	assert_int_equal(logged_count(LOG_INFO, "going on with that"), 1);
	assert_true(signals >= s->signals);
	assert_true(!s->counts_signals || signals <= s->signals + 1);
	life_done(&l);
	spared += has_spared_itself();
	if (has_spared_itself())
		return 0;
	assert_string_equal(view.state, "running");
	assert_int_equal(logged_count(LOG_WARNING, ""), s->warnings ? logged_count(LOG_WARNING, s->warnings) : 0);
	return signals - s->signals;
}

static void check_scenario(const struct scenario *s)
{
	unsigned again = 0, too_many = 0;

	live_first(s);
	spared = 0;
	for (size_t i = 0; i < first.n; i++)
		too_many += check_successor(s, &first.m[i]);
	assert_int_equal(spared, 0); /* not when only one has died */
	for (size_t i = first.n / 8; i < first.n; i += first.n / 4) {
		live_after(s, &first.m[i]);
		for (size_t j = 0; j < second.n; j++)
			(void)check_successor(s, &second.m[j]);
		again += (unsigned)second.n;
	}
	print_message("%s: %zu moments, %u of successors, %u signals too many, %u requests spared\n", s->name,
		      first.n, again, too_many, spared);
	assert_true(first.n >= 10);
}

/* --- what has happened before --- */

static void reach_running(sd_event *event)
{
	run_loop(event);
	put_versions(77);
	fake_host_flush(&w.host);
	run_loop(event);
	pass_time(event, w.conf.answer_delay_s * SECOND);
	assert_true(fake_host_take(&w.host));
	w.host.signals = 0;
}

static void put_requests(uint64_t from, uint64_t to)
{
	for (uint64_t id = from; id <= to; id++)
		put_request(id);
	fake_host_flush(&w.host);
}

static void put_beats(sd_event *event)
{
	reach_running(event);
	put_requests(1, 2);
}

static void put_one(sd_event *event)
{
	reach_running(event);
	put_requests(1, 1);
}

static void put_first_versions(sd_event *event)
{
	run_loop(event);
	put_versions(1);
	fake_host_flush(&w.host);
}

static void put_nonsense(sd_event *event)
{
	reach_running(event);
	fake_host_put_packet(&w.host, 7, 1, w.msg, 64);
	put_requests(2, 2);
}

static void put_two_for_later(sd_event *event)
{
	reach_running(event);
	w.slow.result = -EAGAIN;
	put_requests(1, 2);
}

static void hold_request(sd_event *event)
{
	reach_running(event);
	w.slow.result = -EAGAIN;
	put_requests(1, 1);
	run_loop(event);
}

static void hold_request_until_now(sd_event *event)
{
	hold_request(event);
	w.slow.result = 0;
}

static void hold_request_and_put_versions(sd_event *event)
{
	hold_request(event);
	put_versions(2);
	fake_host_flush(&w.host);
}

static void hold_answer_and_put_versions(sd_event *event)
{
	put_first_versions(event);
	run_loop(event);
	put_versions(2);
	fake_host_flush(&w.host);
}

/* The host takes no answers. */
static void fill_ring(sd_event *event)
{
	reach_running(event);
	put_requests(1, BEATS_MAX);
	run_loop(event);
	put_requests(BEATS_MAX + 1, BEATS_MAX + 1);
}

static void fill_ring_and_make_room(sd_event *event)
{
	fill_ring(event);
	run_loop(event);
	for (unsigned i = 0; i < 10; i++)
		assert_true(fake_host_take(&w.host));
	w.host.signals = 0;
}

/* The host has filled its own ring, with three, and is to be told when there is room again. */
static void wait_for_room(sd_event *event)
{
	uint8_t body[1300] = { 0 };

	reach_running(event);
	for (uint64_t id = 1; id <= 3; id++) {
		size_t len;

		put_le(body, 8, id);
		len = message_put(w.msg, &(struct message){
			.framework = { 3, 0 }, .type = 1, .version = { 3, 0 }, .body = body, .n = sizeof(body) });
		fake_host_put_packet(&w.host, 6, id, w.msg, len);
	}
	fake_host_flush(&w.host);
	assert_int_equal(ring_tx_wait_for_room(&w.host.tx, 100), 0);
}

/* --- in what it is killed --- */

static void run(sd_event *event)
{
	run_loop(event);
}

static void run_until_answer_is_due(sd_event *event)
{
	run_loop(event);
	pass_time(event, 20 * SECOND);
}

static void retry(sd_event *event)
{
	pass_time(event, 5 * MS);
}

static void slow_is_ready(void)
{
	w.slow.result = 0;
}

#define BEAT &ic_heartbeat
#define SLOW &slow_service
#define ASK &ask_service

static const struct scenario scenarios[] = {
	{ "two heartbeats", BEAT, put_beats, run, .answered = { { 1, 2 } }, .signals = 1, .counts_signals = true },
	{ "a negotiation", BEAT, put_first_versions, run, .answered = { { 1, 1 } }, .signals = 1, .counts_signals = true },
	{ "what is ignored", BEAT, put_nonsense, run, .answered = { { 2, 2 } }, .signals = 1, .counts_signals = true,
	  .warnings = "in-band" },
	{ "a request for later, and another", SLOW, put_two_for_later, run, slow_is_ready,
	  .answered = { { 1, 1 } }, .answered_somehow = 2, .warnings = "not answered yet" },
	{ "a request whose time has come", SLOW, hold_request_until_now, retry, .answered = { { 1, 1 } } },
	{ "a held request that is overtaken", SLOW, hold_request_and_put_versions, run, slow_is_ready,
	  .answer_delay_s = 20, .answered = { { 2, 2 } } },
	{ "an answer for later", BEAT, put_first_versions, run_until_answer_is_due, .answer_delay_s = 20,
	  .answered = { { 1, 1 } } },
	{ "a held answer that is overtaken", BEAT, hold_answer_and_put_versions, run, .answer_delay_s = 20,
	  .answered = { { 2, 2 } } },
	{ "an answer without room", BEAT, fill_ring, run, .answered = { { 1, BEATS_MAX + 1 } } },
	{ "an answer that has room now", BEAT, fill_ring_and_make_room, run, .answered = { { 11, BEATS_MAX + 1 } } },
	{ "a shutdown", ASK, put_one, run, .answered = { { 1, 1 } }, .signals = 1, .counts_signals = true },
	{ "a host that waits for room", BEAT, wait_for_room, run, .host_is_masked = true,
	  .answered = { { 1, 3 } }, .signals = 1 },
};

static void no_moment_of_death_shows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scenarios); i++)
		check_scenario(&scenarios[i]);
}

static const struct scenario held = { "held", SLOW, hold_request, run, .answered = { { 1, 1 } } };

/* One request at a time: another one is refused, as it was before. */
static void what_is_held_is_still_held(void **state)
{
	struct life l;

	(void)state;
	live_first(&held);
	life_init_after(&l, &held, &first.m[first.n - 1]);
	w.slow.result = 0;
	life_open(&l);
	put_requests(2, 2);
	run_loop(l.event);
	assert_true(fake_host_take(&w.host));
	assert_int_equal(w.host.packet.trans_id, 2);
	assert_int_equal(message_status(w.host.buf), WIRE_FAIL);
	assert_false(fake_host_take(&w.host));
	pass_time(l.event, 5 * MS);
	assert_true(fake_host_take(&w.host));
	assert_int_equal(w.host.packet.trans_id, 1);
	assert_int_equal(message_status(w.host.buf), WIRE_OK);
	life_done(&l);
}

/* Nor does a restart give it more time: 10 s after it came it is refused. */
static void what_is_held_is_not_held_longer(void **state)
{
	struct life l;

	(void)state;
	live_first(&held);
	life_init_after(&l, &held, &first.m[first.n - 1]);
	fake_time.now += 9 * SECOND;
	life_open(&l);
	pass_time(l.event, SECOND - 1);
	assert_false(fake_host_take(&w.host));
	pass_time(l.event, 5 * MS);
	assert_true(fake_host_take(&w.host));
	assert_int_equal(message_status(w.host.buf), WIRE_FAIL);
	life_done(&l);
}

static const struct scenario late = { "late", BEAT, put_first_versions, run, .answer_delay_s = 20 };

static void a_late_answer_is_as_late_as_it_was(void **state)
{
	struct life l;

	(void)state;
	live_first(&late);
	life_init_after(&l, &late, &first.m[first.n - 1]);
	fake_time.now += 15 * SECOND;
	life_open(&l);
	pass_time(l.event, 5 * SECOND - 1);
	assert_false(fake_host_take(&w.host));
	pass_time(l.event, 1);
	assert_true(fake_host_take(&w.host));
	assert_int_equal(message_status(w.host.buf), WIRE_OK);
	life_done(&l);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_moment_of_death_shows),
		cmocka_unit_test(what_is_held_is_still_held),
		cmocka_unit_test(what_is_held_is_not_held_longer),
		cmocka_unit_test(a_late_answer_is_as_late_as_it_was),
	};
	const size_t room = MOMENTS_MAX * sizeof(struct moment);
	struct transport_ops seen_ops;
	int r;

	first.m = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	second.m = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (first.m == MAP_FAILED || second.m == MAP_FAILED)
		return 1;
	fake_host_init(&w.host, &ic_class_ids[IC_HEARTBEAT], RING);
	seen_ops = fake_ops;
	seen_ops.signal = signal_seen;
	w.host.port.ops = &seen_ops;
	w.conf = (struct conf_component){
		.enabled = true,
		.profile = "newest",
		.policy = profile_find("newest")->component[IC_HEARTBEAT],
	};
	r = cmocka_run_group_tests(tests, NULL, NULL);
	fake_host_done(&w.host);
	(void)munmap(first.m, room);
	(void)munmap(second.m, room);
	return r;
}
