/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `run` tells of a guest, from its coming to its leaving: a guest of a few lines in a process
 * of its own, at the host's real socket.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/socket_wire.h"
#include "hv_util/bytes.h"
#include "tests/host/guest.h"
#include "tests/host/ring.h"
#include "tests/host/run.h"
#include "tests/host/run_option.h"
#include "tests/host/wire.h"

#define GUEST_SECONDS 30 /* a guest that nobody ends */

/* --- the guest --- */

/* What the guest does with its life. */
struct life {
	bool serves[COMPONENT_MAX];
	unsigned answers;    /* leaves after so many answers to requests; 0: stays */
	bool closes;         /* first closes its channels, as a guest does that ends in order */
	bool babbles;        /* sends a message that the link does not know */
	uint32_t status;     /* its answer to a shutdown; with 0 it leaves after it */
	bool mute;           /* it answers no shutdown */
	bool comes_again;    /* lives a second time, on a connection of its own */
	bool refuses;        /* takes no key, and has none */
	bool reopens;        /* a channel whose ring makes no sense, at once */
	bool counts;         /* leaves when a heartbeat's number does not follow the one before */
};

struct end {
	enum component component;
	uint32_t relid;
	int interrupt, signal;
	bool open;
	struct host_ring ring; /* the host's code, with the rings exchanged */
};

struct small_guest {
	const struct life *life;
	int socket;
	unsigned answers, beats;
	bool down;
	struct end end[COMPONENT_MAX];
};

static void tell(const struct small_guest *g, uint32_t type, uint32_t relid)
{
	uint8_t m[SOCKET_MESSAGE_SIZE] = { 0 };
	struct wr w = { .p = m, .left = sizeof(m) };

	wr_u32(&w, type);
	wr_u32(&w, relid);
	(void)send(g->socket, m, sizeof(m), MSG_NOSIGNAL);
}

static void on_offer(struct small_guest *g, const uint8_t *m, const int *fds)
{
	struct rd r = { .p = m + 4, .left = SOCKET_MESSAGE_SIZE - 4 };
	uint32_t relid = rd_u32(&r), size = rd_u32(&r);

	for (int c = 0; c < COMPONENT_MAX; c++) {
		struct end *e = &g->end[c];
		uint8_t *p;

		if (!g->life->serves[c] || memcmp(m + 16, component_table[c].class_id, 16) != 0)
			continue;
		p = mmap(NULL, 2 * (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
		*e = (struct end){ .component = (enum component)c,
				   .relid = relid,
				   .interrupt = fds[1],
				   .signal = fds[2],
				   .ring = { .in = (struct ring_page *)(p + size),
					     .out = (struct ring_page *)p,
					     .in_data = p + size + 4096,
					     .out_data = p + 4096,
					     .size = size - 4096 } };
		tell(g, SOCKET_OPEN, relid);
	}
}

/* False: the host is gone. */
static bool on_socket(struct small_guest *g)
{
	uint8_t m[SOCKET_MESSAGE_SIZE], control[CMSG_SPACE(SOCKET_OFFER_FDS * sizeof(int))];
	struct iovec iov = { m, sizeof(m) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1,
			    .msg_control = control, .msg_controllen = sizeof(control) };
	int fds[SOCKET_OFFER_FDS];

	if (recvmsg(g->socket, &h, 0) != sizeof(m))
		return false;
	if (CMSG_FIRSTHDR(&h)) {
		memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(fds));
		on_offer(g, m, fds);
	}
	for (int c = 0; c < COMPONENT_MAX; c++) {
		if (g->end[c].relid != m[4])
			continue;
		if (m[0] == SOCKET_OPEN_RESULT)
			g->end[c].open = true;
		if (m[0] == SOCKET_RESCIND) {
			g->end[c].open = false;
			tell(g, SOCKET_RELEASED, m[4]);
		}
	}
	return true;
}

static void set_status(struct message *m, uint32_t status)
{
	struct wr w = { .p = m->bytes + 20, .left = 4 };

	wr_u32(&w, status);
}

/* Whether the request is answered. One that comes before the rest was tried, or whose bytes are not
 * those of a shutdown, never is. */
static bool shut_down(struct small_guest *g, struct message *m)
{
	static const uint8_t planned[12] = { 0, 0, 0, 0x80 }; /* no timeout, no flags */

	if (g->life->mute || (g->life->serves[COMPONENT_HEARTBEAT] && !g->beats) ||
	    m->bytes[12] != 3 || m->len < WIRE_BODY + 2060 ||
	    memcmp(m->bytes + WIRE_BODY, planned, sizeof(planned)) != 0)
		return false;
	set_status(m, g->life->status);
	g->down = g->life->status == 0;
	return true;
}

/* A guest without pools. */
static uint32_t refusal(const struct message *m)
{
	return m->bytes[WIRE_BODY] == 1 ? 0x80004005 : WIRE_STATUS_NO_MORE; /* set */
}

static void answer(struct small_guest *g, struct end *e, const struct host_packet *q)
{
	static const uint8_t agreed[16] = { 1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0 };
	struct message m = { .len = q->len };
	uint64_t one = 1;
	int r;

	memcpy(m.bytes, q->payload, q->len);
	m.bytes[25] = WIRE_TRANSACTION | WIRE_RESPONSE;
	if (m.bytes[12] == WIRE_TYPE_NEGOTIATE) {
		memcpy(m.bytes + WIRE_BODY, agreed, sizeof(agreed));
		m.bytes[18] = sizeof(agreed);
	} else {
		g->answers++;
		if (e->component == COMPONENT_HEARTBEAT) {
			g->down |= g->life->counts && m.bytes[WIRE_BODY] != 2 * g->beats;
			g->beats++;
			m.bytes[WIRE_BODY]++;
		}
		if (e->component == COMPONENT_KVP && g->life->refuses)
			set_status(&m, refusal(&m));
		if (e->component == COMPONENT_SHUTDOWN && !shut_down(g, &m))
			return;
	}
	while ((r = host_ring_put(&e->ring, m.bytes, m.len, q->trans_id)) == -EAGAIN)
		(void)usleep(1000); /* until the host has read */
	if (r == HOST_RING_SIGNAL)
		(void)!write(e->signal, &one, sizeof(one));
}

static void reopen(struct small_guest *g, struct end *e)
{
	const struct host_ring old = e->ring;

	e->open = false;
	e->ring = (struct host_ring){ .in = old.in, .out = old.out, .in_data = old.in_data,
				      .out_data = old.out_data, .size = old.size };
	tell(g, SOCKET_CLOSE, e->relid);
	tell(g, SOCKET_OPEN, e->relid);
}

static void on_interrupt(struct small_guest *g, struct end *e)
{
	static struct host_packet q;
	uint64_t count;

	(void)!read(e->interrupt, &count, sizeof(count));
	while (host_ring_get(&e->ring, &q) == 1) {
		(void)!host_ring_commit(&e->ring);
		answer(g, e, &q);
	}
	if (e->ring.dead && g->life->reopens)
		reopen(g, e);
}

static int serve(struct small_guest *g)
{
	struct pollfd wait[1 + COMPONENT_MAX] = { { .fd = g->socket, .events = POLLIN } };

	for (int c = 0; c < COMPONENT_MAX; c++)
		wait[1 + c] = (struct pollfd){ .fd = g->end[c].open ? g->end[c].interrupt : -1,
					       .events = POLLIN };
	if (poll(wait, ARRAY_LEN(wait), -1) < 0 || (wait[0].revents && !on_socket(g)))
		return -EPIPE;
	for (int c = 0; c < COMPONENT_MAX; c++)
		if (wait[1 + c].revents)
			on_interrupt(g, &g->end[c]);
	return 0;
}

static void live_once(const char *path, const struct life *life)
{
	static struct small_guest g;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	g = (struct small_guest){ .life = life };
	g.socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	while (connect(g.socket, (struct sockaddr *)&address, sizeof(address)) < 0)
		(void)usleep(1000); /* until the host listens */
	if (life->babbles)
		tell(&g, 99, 0);
	while (serve(&g) == 0 && !g.down && (!life->answers || g.answers < life->answers))
		;
	for (int c = 0; c < COMPONENT_MAX && life->closes; c++)
		if (g.end[c].open)
			tell(&g, SOCKET_CLOSE, g.end[c].relid);
	(void)close(g.socket);
}

static void __attribute__((noreturn)) live(const char *path, const struct life *life)
{
	(void)alarm(GUEST_SECONDS);
	live_once(path, life);
	if (life->comes_again)
		live_once(path, life);
	_exit(0);
}

/* --- the host --- */

/* All that it told, in this order. */
struct told {
	sd_event *event;
	enum run_news until, news; /* ends the test; what was told last */
	unsigned times;            /* how often the news must come */
	struct guest_facts facts;
};

static void on_news(const struct run_options *options, const struct guest_facts *facts,
		    enum run_news news)
{
	struct told *told = options->user;

	told->news = news;
	told->facts = *facts;
	if ((news == told->until && --told->times == 0) || news == RUN_LIMIT)
		(void)sd_event_exit(told->event, 0);
}

static void on_done(struct run *run, int result, void *user)
{
	(void)run;
	(void)result;
	(void)user;
}

static struct told told; /* large */

/* Serves a guest with this life until the news comes. */
static void host(const struct life *life, struct run_options *options, enum run_news until)
{
	char *dir = NULL, path[64];
	struct run *run = NULL;
	pid_t pid;

	assert_int_equal(guest_dir_make(&dir), 0);
	(void)snprintf(path, sizeof(path), "%s/socket", dir);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		live(path, life);

	memset(&told, 0, sizeof(told));
	told.until = until;
	told.times = life->comes_again ? 2 : 1;
	assert_int_equal(sd_event_new(&told.event), 0);
	options->release = release_find("2019");
	options->socket_path = path;
	options->heartbeat_ms = options->heartbeat_ms ? options->heartbeat_ms : 20;
	options->limit_ms = 10000;
	options->report = on_news;
	options->user = &told;
	assert_int_equal(run_start(told.event, options, on_done, NULL, &run), 0);
	assert_int_equal(sd_event_loop(told.event), 0);
	(void)run_free(run);
	sd_event_unref(told.event);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)guest_dir_remove(dir);
	assert_int_equal(told.news, until);
}

/* --- tests --- */

static void assert_agreed(enum component c)
{
	const struct component_facts *f = &told.facts.component[c];

	assert_int_equal(f->contact, CONTACT_AGREED);
	assert_true(f->opened);
	assert_int_equal(f->answered.message.major, 3);
	assert_int_equal(f->violations, 0);
}

/* Too early for the host to have settled: it is told as it was while it was there. */
static void test_a_guest_that_leaves_is_told_as_it_was(void **state)
{
	struct life life = { .serves = { [COMPONENT_HEARTBEAT] = true, [COMPONENT_VSS] = true },
			     .answers = 2 };
	struct run_options options = { .quiet_ms = 60000 };

	(void)state;
	for (int closes = 0; closes <= 1; closes++) {
		life.closes = closes;
		host(&life, &options, RUN_LEFT);
		assert_agreed(COMPONENT_HEARTBEAT);
		assert_agreed(COMPONENT_VSS);
		assert_int_equal(told.facts.component[COMPONENT_HEARTBEAT].answers, 2);
		assert_int_equal(told.facts.component[COMPONENT_KVP].contact, CONTACT_NONE);
		assert_false(told.facts.component[COMPONENT_KVP].opened);
		assert_int_equal(told.facts.violations, 0);
	}
}

static void test_a_guest_that_stays_is_told_when_settled(void **state)
{
	const struct life life = { .serves = { [COMPONENT_HEARTBEAT] = true }, .babbles = true };
	struct run_options options = { .quiet_ms = 200 };

	(void)state;
	host(&life, &options, RUN_SETTLED);
	assert_agreed(COMPONENT_HEARTBEAT);
	assert_int_equal(told.facts.violations, 1);
	assert_string_equal(told.facts.violation,
			    "the guest sent a socket message of unknown type 99");
}

static void test_a_second_guest_begins_anew(void **state)
{
	const struct life life = { .serves = { [COMPONENT_HEARTBEAT] = true }, .answers = 3,
				   .comes_again = true, .babbles = true };
	struct run_options options = { .quiet_ms = 60000 };
	const struct component_facts *f = &told.facts.component[COMPONENT_HEARTBEAT];

	(void)state;
	host(&life, &options, RUN_LEFT);
	assert_agreed(COMPONENT_HEARTBEAT);
	assert_int_equal(f->negotiations, 1);
	assert_int_equal(f->answers, 3);
	assert_int_equal(told.facts.violations, 1);
}

static void test_a_refused_key_is_not_looked_for(void **state)
{
	const struct life life = { .serves = { [COMPONENT_KVP] = true }, .refuses = true };
	struct run_options options = { .quiet_ms = 200 };
	const struct component_facts *f = &told.facts.component[COMPONENT_KVP];

	(void)state;
	host(&life, &options, RUN_SETTLED);
	assert_agreed(COMPONENT_KVP);
	assert_true(f->failures > 16);
}

static void test_a_doubled_request_is_counted_twice(void **state)
{
	const struct life life = { .serves = { [COMPONENT_HEARTBEAT] = true } };
	struct run_options options = { .quiet_ms = 200 };
	const struct component_facts *f = &told.facts.component[COMPONENT_HEARTBEAT];
	char error[512];

	(void)state;
	assert_int_equal(fault_set_add(&options.faults, "duplicate", error, sizeof(error)), 0);
	options.heartbeat_ms = 60000;
	host(&life, &options, RUN_SETTLED);
	assert_int_equal(f->requests, 2);
	assert_int_equal(f->answers, 2);
}

/* The guest answers 3.0, which 2019 does not offer for VSS. That the ring is not corrupted, as it
 * would be after an agreement, shows that the host did not go on. */
static void test_an_unoffered_version_ends_the_talk(void **state)
{
	const struct life life = { .serves = { [COMPONENT_VSS] = true }, .reopens = true };
	struct run_options options = { .quiet_ms = 200 };
	char error[512];

	(void)state;
	assert_int_equal(fault_set_add(&options.faults, "corrupt-index", error, sizeof(error)), 0);
	host(&life, &options, RUN_SETTLED);
	assert_true(told.facts.component[COMPONENT_VSS].answered_unoffered);
	assert_int_equal(told.facts.component[COMPONENT_VSS].negotiations, 1);
}

/* The first opening of each comes to nothing, the second is as if nothing had been. */
static void test_a_corrupted_index_stays(void **state)
{
	const struct life life = { .serves = { [COMPONENT_HEARTBEAT] = true,
					       [COMPONENT_TIMESYNC] = true,
					       [COMPONENT_KVP] = true },
				   .refuses = true, .reopens = true };
	struct run_options options = { .quiet_ms = 200 };
	char error[512];

	(void)state;
	assert_int_equal(fault_set_add(&options.faults, "corrupt-index", error, sizeof(error)), 0);
	host(&life, &options, RUN_SETTLED);
	for (enum component c = 0; c < COMPONENT_MAX; c++)
		if (life.serves[c]) {
			assert_agreed(c);
			assert_int_equal(told.facts.component[c].negotiations, 2);
		}
}

/* A corrupted index makes the guest open it again: two openings, and the second can do its work. */
static void test_each_opening_is_measured(void **state)
{
	const struct life life = { .serves = { [COMPONENT_HEARTBEAT] = true }, .reopens = true };
	struct run_options options = { .quiet_ms = 300 };
	const struct component_facts *f = &told.facts.component[COMPONENT_HEARTBEAT];
	const struct opening_facts *second = &f->openings.o[1];
	char error[512];

	(void)state;
	assert_int_equal(fault_set_add(&options.faults, "corrupt-index", error, sizeof(error)), 0);
	host(&life, &options, RUN_SETTLED);
	assert_int_equal(f->opened_times, 2);
	assert_int_equal(f->openings.n, 2);
	assert_int_equal(f->openings.o[0].answers, 0);
	assert_int_equal(second->ring_size, 16384);
	assert_int_equal(second->answers, f->answers);
	assert_true(second->p50_ns > 0 && second->p50_ns <= second->p99_ns &&
		    second->p99_ns <= second->max_ns);
	assert_true(second->packets > second->answers); /* the negotiation, and what is out */
	assert_true(second->interrupts == second->packets && second->signals > 0);
}

/* The negotiation is one packet for one interrupt, then thirty come with three. */
static void test_a_burst_of_heartbeats_is_one_interrupt(void **state)
{
	const struct life life = { .serves = { [COMPONENT_HEARTBEAT] = true }, .answers = 30,
				   .counts = true };
	struct run_options options = { .quiet_ms = 60000, .heartbeat_burst = 10 };
	const struct component_facts *f = &told.facts.component[COMPONENT_HEARTBEAT];
	const struct opening_facts *o = &f->openings.o[0];

	(void)state;
	host(&life, &options, RUN_LEFT);
	assert_agreed(COMPONENT_HEARTBEAT);
	assert_int_equal(f->answers, 30);
	assert_int_equal(o->answers, 30);
	assert_int_equal(o->packets, 31);
	assert_int_equal(o->interrupts, 4);
}

/* Offered again, it is another channel with facts of its own, but measured by the same host. */
static void test_what_was_measured_outlives_a_rescind(void **state)
{
	const struct life life = { .serves = { [COMPONENT_HEARTBEAT] = true } };
	struct run_options options = { .quiet_ms = 300 };
	const struct component_facts *f = &told.facts.component[COMPONENT_HEARTBEAT];
	char error[512];

	(void)state;
	assert_int_equal(fault_set_add(&options.faults, "rescind=2", error, sizeof(error)), 0);
	host(&life, &options, RUN_SETTLED);
	assert_int_equal(f->negotiations, 1);
	assert_int_equal(f->opened_times, 3);
	assert_int_equal(f->openings.n, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_true(f->openings.o[i].answers > 0);
}

static void test_a_burst_has_a_limit(void **state)
{
	static const struct {
		const char *text;
		int result;
	} rows[] = { { "1", 0 }, { "100", 0 }, { "101", -EINVAL }, { "0", -EINVAL }, { "x", -EINVAL } };
	const struct option_info option = { .name = "heartbeat-burst", .value = "N" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned burst = 0;

		assert_int_equal(option_take_burst(&option, rows[i].text, &burst), rows[i].result);
		if (rows[i].result == 0)
			assert_int_equal(burst, atoi(rows[i].text));
	}
}

#define BEATS_AND_SHUTS_DOWN { [COMPONENT_HEARTBEAT] = true, [COMPONENT_SHUTDOWN] = true }

static void test_shutdown_is_asked_for_at_last(void **state)
{
	static const struct {
		struct life life;
		enum run_news until;
		enum shutdown_request shutdown;
	} rows[] = {
		{ { .serves = BEATS_AND_SHUTS_DOWN, .closes = true }, RUN_LEFT, SHUTDOWN_ANSWERED },
		{ { .serves = { [COMPONENT_SHUTDOWN] = true } }, RUN_LEFT, SHUTDOWN_ANSWERED },
		{ { .serves = BEATS_AND_SHUTS_DOWN, .status = 0x80004005 }, RUN_SETTLED,
		  SHUTDOWN_ANSWERED },
		{ { .serves = BEATS_AND_SHUTS_DOWN, .mute = true }, RUN_SETTLED,
		  SHUTDOWN_UNANSWERED },
		{ { .serves = { [COMPONENT_HEARTBEAT] = true } }, RUN_SETTLED,
		  SHUTDOWN_NOT_AGREED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct life *life = &rows[i].life;
		struct run_options options = { .quiet_ms = 150, .shutdown_ms = 100,
					       .timeout_ms = life->mute ? 500 : 5000 };
		const struct component_facts *f = &told.facts.component[COMPONENT_SHUTDOWN];
		char error[512];

		/* A ring is filled with other requests than this one, and it waits for all else. */
		assert_int_equal(fault_set_add(&options.faults, "fill-ring:shutdown", error,
					       sizeof(error)), 0);
		assert_int_equal(fault_set_add(&options.faults, "delay:heartbeat=200", error,
					       sizeof(error)), 0);
		host(life, &options, rows[i].until);
		assert_int_equal(told.facts.shutdown, rows[i].shutdown);
		assert_int_equal(told.facts.shutdown_status, life->status);
		assert_int_equal(f->requests, life->serves[COMPONENT_SHUTDOWN]);
		assert_int_equal(f->violations, 0);
	}
}

static void test_shutdown_is_not_asked_for_unasked(void **state)
{
	const struct life life = { .serves = BEATS_AND_SHUTS_DOWN };
	struct run_options options = { .quiet_ms = 150 };

	(void)state;
	host(&life, &options, RUN_SETTLED);
	assert_agreed(COMPONENT_SHUTDOWN);
	assert_int_equal(told.facts.shutdown, SHUTDOWN_NOT_ASKED);
	assert_int_equal(told.facts.component[COMPONENT_SHUTDOWN].requests, 0);
}

/* --- the end of a guest's program, with a host that is kept from looking --- */

#define END_MS 600
#define KEPT_MS (2 * END_MS)
#define SLOW_MS (END_MS / 3) /* from the signal to the program's end */

struct kept {
	sd_event *event;
	bool reporting, looking; /* what the host is kept at: telling of the guest, seeing it end */
	int result;
};

static void keep_host(void)
{
	(void)usleep(KEPT_MS * 1000);
}

static int on_kept(sd_event_source *source, void *user)
{
	(void)source;
	(void)user;
	keep_host();
	return 0;
}

static void on_settled(const struct run_options *options, const struct guest_facts *facts, enum run_news news)
{
	const struct kept *kept = options->user;

	(void)facts;
	assert_int_equal(news, RUN_SETTLED);
	if (kept->reporting)
		keep_host();
	if (kept->looking)
		assert_int_equal(sd_event_add_defer(kept->event, NULL, on_kept, NULL), 0);
}

static void on_program_ended(struct run *run, int result, void *user)
{
	struct kept *kept = user;

	(void)run;
	kept->result = result;
	(void)sd_event_exit(kept->event, 0);
}

/* Runs this program as the guest's. */
static void end_program(struct kept *kept)
{
	char *const guest[] = { "/proc/self/exe", "{socket}", NULL };
	const struct run_options options = {
		.release = release_find("2019"),
		.guest = guest,
		.quiet_ms = 100,
		.end_ms = END_MS,
		.report = on_settled,
		.user = kept,
	};
	struct run *run = NULL;

	assert_int_equal(sd_event_new(&kept->event), 0);
	assert_int_equal(run_start(kept->event, &options, on_program_ended, kept, &run), 0);
	assert_int_equal(sd_event_loop(kept->event), 0);
	(void)run_free(run);
	sd_event_unref(kept->event);
}

static void test_a_report_that_takes_long_is_not_the_guests_time(void **state)
{
	struct kept kept = { .reporting = true, .result = -1 };

	(void)state;
	end_program(&kept);
	assert_int_equal(kept.result, 0);
}

static void test_a_guest_that_ended_while_nobody_looked_has_ended(void **state)
{
	struct kept kept = { .looking = true, .result = -1 };

	(void)state;
	end_program(&kept);
	assert_int_equal(kept.result, 0);
}

static void on_term(int number)
{
	(void)number;
	(void)usleep(SLOW_MS * 1000);
	_exit(0);
}

int main(int argc, char **argv)
{
	static const struct life program = { .serves = { [COMPONENT_HEARTBEAT] = true } };
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_guest_that_leaves_is_told_as_it_was),
		cmocka_unit_test(test_a_guest_that_stays_is_told_when_settled),
		cmocka_unit_test(test_a_second_guest_begins_anew),
		cmocka_unit_test(test_a_refused_key_is_not_looked_for),
		cmocka_unit_test(test_a_doubled_request_is_counted_twice),
		cmocka_unit_test(test_a_corrupted_index_stays),
		cmocka_unit_test(test_an_unoffered_version_ends_the_talk),
		cmocka_unit_test(test_each_opening_is_measured),
		cmocka_unit_test(test_a_burst_of_heartbeats_is_one_interrupt),
		cmocka_unit_test(test_what_was_measured_outlives_a_rescind),
		cmocka_unit_test(test_a_burst_has_a_limit),
		cmocka_unit_test(test_shutdown_is_asked_for_at_last),
		cmocka_unit_test(test_shutdown_is_not_asked_for_unasked),
		cmocka_unit_test(test_a_report_that_takes_long_is_not_the_guests_time),
		cmocka_unit_test(test_a_guest_that_ended_while_nobody_looked_has_ended),
	};

	if (argc == 2) {
		(void)signal(SIGTERM, on_term);
		live(argv[1], &program);
	}
	return cmocka_run_group_tests_name("host_run", tests, NULL, NULL);
}
