/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/channel.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "hv_util/heartbeat.h"
#include "hv_util/profile.h"
#include "hv_util/timesync.h"
#include "tests/unit/fake_host.h"

#define RING 8192 /* of which 4096 bytes are data: 56 answers to a heartbeat fill it */
#define BEATS_MAX 56
#define MS (SECOND / 1000)

#define V(major, minor) ((uint32_t)(major) << 16 | (minor))

/* --- a service that does what it is told --- */

struct slow {
	int result;
	unsigned calls;
};

static int on_slow(const struct ic_call *call)
{
	struct slow *s = call->user;

	s->calls++;
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

/* --- one channel and its host --- */

struct fixture {
	sd_event *event;
	struct channel *c;
	struct conf_component conf;
	struct heartbeat heartbeat;
	struct slow slow;
	struct fake_host host;
	uint8_t msg[MESSAGE_MAX + 4096];
	size_t len;
};

static void fixture_init_with(struct fixture *f, const struct ic_service *service, void *user,
			      size_t ring_size)
{
	struct channel_options options = {
		.log = &recording_log,
		.service = service,
		.conf = &f->conf,
		.user = user,
	};

	memset(f, 0, sizeof(*f));
	f->conf = (struct conf_component){
		.enabled = true,
		.profile = "newest",
		.policy = profile_find("newest")->component[IC_HEARTBEAT],
	};
	time_reset();
	logged_clear();
	assert_int_equal(sd_event_new(&f->event), 0);
	options.event = f->event;
	fake_host_init(&f->host, &ic_class_ids[service->component], ring_size);
	fake_host_open(&f->host);
	assert_int_equal(channel_new(&options, &f->c), 0);
}

static void fixture_init(struct fixture *f)
{
	fixture_init_with(f, &ic_heartbeat, &f->heartbeat, RING);
}

static void fixture_init_slow(struct fixture *f)
{
	fixture_init_with(f, &slow_service, &f->slow, RING);
}

static void fixture_done(struct fixture *f)
{
	f->c = channel_free(f->c);
	fake_host_done(&f->host);
	f->event = sd_event_unref(f->event);
}

/* Which state the channel's own log says that it is in. */
static const char *state_of_channel(void)
{
	const char *text = NULL, *colon;

	for (unsigned i = 0; i < logged.n && i < LOGGED_LINES; i++)
		if (logged.line[i].level == LOG_DEBUG)
			text = logged.line[i].text;
	if (!text)
		return "absent";
	colon = strrchr(text, ':');
	assert_non_null(colon);
	return colon + 2;
}

static void send_versions(struct fixture *f, uint32_t framework, uint32_t message)
{
	const uint32_t versions[] = { framework, message };

	f->len = put_negotiation(f->msg, 1, 1, versions);
	fake_host_send(&f->host, 77, f->msg, f->len);
	run_loop(f->event);
}

static void send_beat(struct fixture *f, uint64_t sequence)
{
	f->len = put_beat(f->msg, sequence);
	fake_host_send(&f->host, sequence, f->msg, f->len);
	run_loop(f->event);
}

/* The next answer is to the beat with this number and has this status. */
static void take_beat(struct fixture *f, uint64_t sequence, uint32_t status)
{
	assert_true(fake_host_take(&f->host));
	assert_int_equal(f->host.packet.trans_id, sequence);
	assert_int_equal(message_flags(f->host.buf), 5);
	assert_int_equal(message_status(f->host.buf), status);
}

/* The next answer is to a negotiation, and says this. */
static void take_answer(struct fixture *f, unsigned n_framework, unsigned n_message,
			uint32_t framework, uint32_t message)
{
	const uint8_t *b = f->host.buf + MESSAGE_BODY;

	assert_true(fake_host_take(&f->host));
	assert_int_equal(f->host.packet.trans_id, 77);
	assert_int_equal(get_le(f->host.buf + 12, 2), 0);
	assert_int_equal(message_flags(f->host.buf), 5);
	assert_int_equal(message_status(f->host.buf), WIRE_OK);
	assert_int_equal(get_le(b, 2), n_framework);
	assert_int_equal(get_le(b + 2, 2), n_message);
	assert_int_equal(get_le(b + 8, 2) << 16 | get_le(b + 10, 2), framework);
	assert_int_equal(get_le(b + 12, 2) << 16 | get_le(b + 14, 2), message);
}

static void take_nothing(struct fixture *f)
{
	assert_false(fake_host_take(&f->host));
}

static void reach_absent(struct fixture *f)
{
	(void)f;
}

static void reach_opening(struct fixture *f)
{
	assert_int_equal(channel_offered(f->c, &f->host.port), 0);
	run_loop(f->event);
}

static void reach_negotiating(struct fixture *f)
{
	reach_opening(f);
	channel_opened(f->c, 0);
	run_loop(f->event);
}

static void reach_running(struct fixture *f)
{
	reach_negotiating(f);
	send_versions(f, V(3, 0), V(3, 0));
	take_answer(f, 1, 1, V(3, 0), V(3, 0));
}

static void break_ring(struct fixture *f)
{
	hosts_page(&f->host)->write_index = 3;
	fake_host_interrupt(&f->host);
	run_loop(f->event);
}

static void reach_broken(struct fixture *f)
{
	reach_running(f);
	break_ring(f);
	fake_host_open(&f->host);
}

/* --- the life of a channel: state and event --- */

static void do_offer(struct fixture *f)
{
	bool absent = strcmp(state_of_channel(), "absent") == 0;

	assert_int_equal(channel_offered(f->c, &f->host.port), absent ? 0 : -EBUSY);
}

static void do_opened(struct fixture *f)
{
	channel_opened(f->c, 0);
}

static void do_not_opened(struct fixture *f)
{
	channel_opened(f->c, -EIO);
}

static void do_agree(struct fixture *f)
{
	send_versions(f, V(1, 0), V(1, 0));
}

static void do_disagree(struct fixture *f)
{
	send_versions(f, V(3, 0), V(9, 9));
}

static void do_pass(struct fixture *f)
{
	pass_time(f->event, 2 * SECOND - 1);
}

static void do_reopen(struct fixture *f)
{
	pass_time(f->event, 2 * SECOND);
}

static void do_rescind(struct fixture *f)
{
	channel_rescinded(f->c);
}

/* The configuration says something else. */
static void do_update(struct fixture *f)
{
	channel_update(f->c);
}

static void do_disable(struct fixture *f)
{
	f->conf.enabled = false;
	channel_update(f->c);
}

static void do_enable(struct fixture *f)
{
	f->conf.enabled = true;
	channel_update(f->c);
}

/* Offered while it is not to be served. */
static void reach_idle(struct fixture *f)
{
	f->conf.enabled = false;
	assert_int_equal(channel_offered(f->c, &f->host.port), 0);
}

static void reach_closed(struct fixture *f)
{
	reach_running(f);
	channel_update(f->c);
	fake_host_open(&f->host);
}

#define BUSY_STAYS(name) { do_offer, name, 0, 0, 0 }

static const struct {
	void (*reach)(struct fixture *f);
	bool is_open; /* its port, or about to be */
	struct {
		void (*event)(struct fixture *f);
		const char *state;
		unsigned opens, closes, releases;
	} row[11];
} life[] = {
	{ reach_absent, false, {
		{ do_offer, "opening", 1, 0, 0 },
		{ do_opened, "absent", 0, 0, 0 },
		{ do_not_opened, "absent", 0, 0, 0 },
		{ do_agree, "absent", 0, 0, 0 },
		{ do_disagree, "absent", 0, 0, 0 },
		{ break_ring, "absent", 0, 0, 0 },
		{ do_pass, "absent", 0, 0, 0 },
		{ do_reopen, "absent", 0, 0, 0 },
		{ do_rescind, "absent", 0, 0, 0 },
		{ do_update, "absent", 0, 0, 0 },
		{ do_disable, "absent", 0, 0, 0 } } },
	{ reach_opening, true, {
		BUSY_STAYS("opening"),
		{ do_opened, "negotiating", 0, 0, 0 },
		{ do_not_opened, "broken", 0, 1, 0 },
		{ do_agree, "opening", 0, 0, 0 }, /* not ours to read yet */
		{ do_disagree, "opening", 0, 0, 0 },
		{ break_ring, "opening", 0, 0, 0 },
		{ do_pass, "opening", 0, 0, 0 },
		{ do_reopen, "opening", 0, 0, 0 },
		{ do_rescind, "absent", 0, 0, 1 },
		{ do_update, "opening", 0, 0, 0 },
		{ do_disable, "idle", 0, 1, 0 } } },
	{ reach_negotiating, true, {
		BUSY_STAYS("negotiating"),
		{ do_opened, "negotiating", 0, 0, 0 },
		{ do_not_opened, "broken", 0, 1, 0 },
		{ do_agree, "running", 0, 0, 0 },
		{ do_disagree, "negotiating", 0, 0, 0 },
		{ break_ring, "broken", 0, 1, 0 },
		{ do_pass, "negotiating", 0, 0, 0 },
		{ do_reopen, "negotiating", 0, 0, 0 },
		{ do_rescind, "absent", 0, 0, 1 },
		{ do_update, "closed", 0, 1, 0 },
		{ do_disable, "idle", 0, 1, 0 } } },
	{ reach_running, true, {
		BUSY_STAYS("running"),
		{ do_opened, "running", 0, 0, 0 },
		{ do_not_opened, "broken", 0, 1, 0 },
		{ do_agree, "running", 0, 0, 0 },
		{ do_disagree, "negotiating", 0, 0, 0 },
		{ break_ring, "broken", 0, 1, 0 },
		{ do_pass, "running", 0, 0, 0 },
		{ do_reopen, "running", 0, 0, 0 },
		{ do_rescind, "absent", 0, 0, 1 },
		{ do_update, "closed", 0, 1, 0 },
		{ do_disable, "idle", 0, 1, 0 } } },
	{ reach_broken, false, {
		BUSY_STAYS("broken"),
		{ do_opened, "broken", 0, 0, 0 },
		{ do_not_opened, "broken", 0, 0, 0 },
		{ do_agree, "broken", 0, 0, 0 },
		{ do_disagree, "broken", 0, 0, 0 },
		{ break_ring, "broken", 0, 0, 0 },
		{ do_pass, "broken", 0, 0, 0 },
		{ do_reopen, "opening", 1, 0, 0 },
		{ do_rescind, "absent", 0, 0, 1 },
		{ do_update, "broken", 0, 0, 0 },
		{ do_disable, "idle", 0, 0, 0 } } },
	{ reach_closed, false, {
		BUSY_STAYS("closed"),
		{ do_opened, "closed", 0, 0, 0 },
		{ do_not_opened, "closed", 0, 0, 0 },
		{ do_agree, "closed", 0, 0, 0 },
		{ do_disagree, "closed", 0, 0, 0 },
		{ break_ring, "closed", 0, 0, 0 },
		{ do_pass, "opening", 1, 0, 0 }, /* at once */
		{ do_reopen, "opening", 1, 0, 0 },
		{ do_rescind, "absent", 0, 0, 1 },
		{ do_update, "closed", 0, 0, 0 },
		{ do_disable, "idle", 0, 0, 0 } } },
	{ reach_idle, false, {
		BUSY_STAYS("idle"),
		{ do_opened, "idle", 0, 0, 0 },
		{ do_not_opened, "idle", 0, 0, 0 },
		{ do_agree, "idle", 0, 0, 0 },
		{ do_disagree, "idle", 0, 0, 0 },
		{ break_ring, "idle", 0, 0, 0 },
		{ do_pass, "idle", 0, 0, 0 },
		{ do_reopen, "idle", 0, 0, 0 },
		{ do_rescind, "absent", 0, 0, 1 },
		{ do_update, "idle", 0, 0, 0 },
		{ do_enable, "opening", 1, 0, 0 } } },
};

static void each_event_in_each_state_leads_where_it_should(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(life); s++)
		for (size_t e = 0; e < ARRAY_LEN(life[s].row); e++) {
			struct fixture f;
			unsigned opens, closes, releases;

			fixture_init(&f);
			life[s].reach(&f);
			opens = f.host.opens;
			closes = f.host.closes;
			releases = f.host.releases;
			life[s].row[e].event(&f);
			run_loop(f.event);
			assert_string_equal(state_of_channel(), life[s].row[e].state);
			assert_int_equal(f.host.opens - opens, life[s].row[e].opens);
			assert_int_equal(f.host.closes - closes, life[s].row[e].closes);
			assert_int_equal(f.host.releases - releases, life[s].row[e].releases);
			/* whatever it was: time alone does no harm, nor does the end */
			pass_time(f.event, 60 * SECOND);
			fixture_done(&f);
		}
}

/* What is put to the end has its port closed, if that is open. */
static void the_end_closes_the_port(void **state)
{
	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(life); s++) {
		struct fixture f;
		unsigned closes;

		fixture_init(&f);
		life[s].reach(&f);
		closes = f.host.closes;
		f.c = channel_free(f.c);
		assert_null(f.c);
		assert_int_equal(f.host.closes - closes, life[s].is_open);
		fixture_done(&f);
	}
	assert_null(channel_free(NULL));
}

/* --- another configuration --- */

static unsigned told[3]; /* by channel_news */

static void count_news(void *user, enum ic_component component, enum channel_news news)
{
	(void)user;
	assert_int_equal(component, IC_HEARTBEAT);
	told[news]++;
}

/* The host negotiates anew, and gets the new answer; what is counted stays. */
static void another_configuration_is_negotiated_anew(void **state)
{
	struct channel_options options;
	struct channel_view view;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.c = channel_free(f.c);
	options = (struct channel_options){
		.event = f.event, .log = &recording_log, .service = &ic_heartbeat, .conf = &f.conf,
		.user = &f.heartbeat, .news = count_news,
	};
	assert_int_equal(channel_new(&options, &f.c), 0);
	memset(told, 0, sizeof(told));
	assert_int_equal(channel_renegotiate(f.c), -ENOTCONN);
	reach_running(&f);
	assert_int_equal(told[CHANNEL_NEGOTIATED], 1);
	assert_int_equal(told[CHANNEL_LOST], 0);
	channel_view(f.c, &view);
	assert_string_equal(view.state, "running");
	assert_int_equal(view.answer->pair.message.major, 3);

	f.conf.policy = profile_find("ws2008")->component[IC_HEARTBEAT];
	channel_update(f.c);
	channel_view(f.c, &view);
	assert_int_equal(view.answer->outcome, IC_NOT_NEGOTIATED);
	assert_int_equal(told[CHANNEL_LOST], 1);
	fake_host_open(&f.host);
	pass_time(f.event, 0);
	channel_opened(f.c, 0);
	send_versions(&f, V(3, 0), V(3, 0));
	take_answer(&f, 0, 0, 0, 0); /* it offers none that a guest of 2008 has */
	assert_int_equal(channel_renegotiate(f.c), 0);
	fake_host_open(&f.host);
	pass_time(f.event, 0);
	channel_opened(f.c, 0);
	send_versions(&f, V(1, 0), V(1, 0));
	take_answer(&f, 1, 1, V(1, 0), V(1, 0));
	channel_view(f.c, &view);
	assert_string_equal(view.state, "running");
	assert_int_equal(view.counts.negotiations, 3);
	assert_int_equal(told[CHANNEL_NEGOTIATED], 3);
	assert_int_equal(view.counts.requests, 0);
	assert_int_equal(view.counts.refused, 0);
	fixture_done(&f);
}

/* What went wrong is counted and kept in words. */
static void what_went_wrong_is_there_to_see(void **state)
{
	struct channel_view view;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_running(&f);
	channel_view(f.c, &view);
	assert_string_equal(view.last_error, "");
	f.len = put_beat(f.msg, 1);
	fake_host_send(&f.host, 1, f.msg, f.len);
	run_loop(f.event);
	break_ring(&f);
	channel_rescinded(f.c);
	channel_view(f.c, &view);
	assert_int_equal(view.counts.requests, 1);
	assert_int_equal(view.counts.refused, 1);
	assert_int_equal(view.counts.rescinds, 1);
	assert_non_null(strstr(view.last_error, "its ring makes no sense"));
	assert_true(view.last_error_usec > 0);
	fixture_done(&f);
}

static void a_broken_channel_serves_again_after_two_seconds(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_broken(&f);
	for (int i = 0; i < 3; i++) {
		do_reopen(&f);
		assert_string_equal(state_of_channel(), "opening");
		fake_host_open(&f.host);
		channel_opened(f.c, 0);
		run_loop(f.event);
		/* what was agreed before counts no more */
		send_beat(&f, 1);
		take_beat(&f, 1, WIRE_NOT_CONNECTED);
		send_versions(&f, V(3, 0), V(3, 0));
		take_answer(&f, 1, 1, V(3, 0), V(3, 0));
		send_beat(&f, 2);
		take_beat(&f, 2, WIRE_OK);
		break_ring(&f);
		assert_string_equal(state_of_channel(), "broken");
	}
	fixture_done(&f);
}

static void a_transport_that_does_not_open_is_tried_again(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.host.open_result = -EAGAIN;
	assert_int_equal(channel_offered(f.c, &f.host.port), 0);
	assert_string_equal(state_of_channel(), "broken");
	do_reopen(&f);
	assert_int_equal(f.host.opens, 2);
	assert_string_equal(state_of_channel(), "broken");
	f.host.open_result = 0;
	do_reopen(&f);
	assert_int_equal(f.host.opens, 3);
	assert_string_equal(state_of_channel(), "opening");
	fixture_done(&f);
}

/* It is tried every two seconds, maybe for days. */
static void why_it_does_not_open_is_logged_once(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	(void)strcpy(f.host.port.why, "another program has it");
	f.host.open_result = -EBUSY;
	assert_int_equal(channel_offered(f.c, &f.host.port), 0);
	for (int i = 0; i < 100; i++)
		do_reopen(&f);
	assert_int_equal(f.host.opens, 101);
	(void)logged_one(LOG_ERR, "Heartbeat: cannot use the channel: another program has it, trying again later");

	/* another reason is news, here one without words of its own */
	f.host.open_result = -ENOMEM;
	f.host.port.why[0] = '\0';
	do_reopen(&f);
	do_reopen(&f);
	(void)logged_one(LOG_ERR, "Heartbeat: cannot use the channel: Cannot allocate memory, trying again later");

	/* and so is the same one when it had worked */
	f.host.open_result = 0;
	do_reopen(&f);
	channel_opened(f.c, 0);
	logged_clear();
	f.host.open_result = -ENOMEM;
	f.host.acknowledge_result = -EINVAL;
	fake_host_interrupt(&f.host);
	run_loop(f.event);
	do_reopen(&f);
	(void)logged_one(LOG_ERR, "Heartbeat: cannot use the channel: Cannot allocate memory, trying again later");
	fixture_done(&f);
}

/* Such a descriptor stays readable: it would keep the daemon busy for ever. */
static void an_interrupt_that_cannot_be_taken_breaks_the_channel(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_running(&f);
	f.host.acknowledge_result = -EINVAL;
	fake_host_interrupt(&f.host);
	run_loop(f.event);
	assert_string_equal(state_of_channel(), "broken");
	assert_int_equal(f.host.closes, 1);
	fixture_done(&f);
}

/* The kernel frees the rings of a device that goes: from then on they are somebody else's memory. */
static void nothing_touches_the_rings_of_a_port_that_is_gone(void **state)
{
	struct fixture f;

	(void)state;
	for (int answer_waits = 0; answer_waits < 2; answer_waits++) {
		fixture_init_slow(&f);
		f.host.port.look_usec = SECOND;
		reach_running(&f);
		if (answer_waits) {
			f.slow.result = -EAGAIN;
			send_beat(&f, 1);
		}
		f.len = put_beat(f.msg, 2);
		fake_host_put_packet(&f.host, 6, 2, f.msg, f.len);
		assert_true(ring_tx_commit(&f.host.tx) >= 0);
		f.host.acknowledge_result = 1;
		f.host.acknowledged = 0;
		assert_int_equal(mprotect(f.host.port.memory, 2 * RING, PROT_NONE), 0);
		f.slow.result = 0;
		if (answer_waits)
			pass_time(f.event, 5 * MS); /* no interrupt says so first */
		else
			fake_host_interrupt(&f.host);
		run_loop(f.event);
		pass_time(f.event, 60 * SECOND);
		assert_int_equal(f.host.acknowledged, 1); /* nor asks again */
		assert_int_equal(f.host.closes, 0);
		assert_int_equal(mprotect(f.host.port.memory, 2 * RING, PROT_READ | PROT_WRITE), 0);

		/* it is still the channel's, until the transport says that it is rescinded */
		assert_int_equal(f.host.releases, 0);
		channel_rescinded(f.c);
		assert_int_equal(f.host.releases, 1);
		assert_string_equal(state_of_channel(), "absent");
		fixture_done(&f);
	}
}

/* One that is refused says that the rings are gone: what still seems to lie in them is left alone. */
static void a_signal_without_a_channel_ends_the_drain(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init_slow(&f);
	reach_running(&f);
	f.slow.calls = 0;
	for (unsigned i = 1; i <= 2; i++) {
		f.len = put_beat(f.msg, i);
		fake_host_put_packet(&f.host, 6, i, f.msg, f.len);
	}
	assert_true(ring_tx_commit(&f.host.tx) >= 0);
	f.host.signal_result = 1;
	fake_host_interrupt(&f.host);
	run_loop(f.event);
	pass_time(f.event, 10 * SECOND);
	assert_int_equal(f.slow.calls, 1);
	assert_int_equal(f.host.closes, 0);
	channel_rescinded(f.c);
	assert_int_equal(f.host.releases, 1);
	fixture_done(&f);
}

static void a_ring_that_is_bad_from_the_start_breaks_the_channel(void **state)
{
	struct fixture f;

	(void)state;
	for (int i = 0; i < 4; i++) {
		fixture_init(&f);
		reach_opening(&f);
		*(i & 1 ? &hosts_page(&f.host)->read_index : &guests_page(&f.host)->read_index) =
			i & 2 ? 4096 : 4;
		channel_opened(f.c, 0);
		run_loop(f.event);
		assert_string_equal(state_of_channel(), "broken");
		assert_int_equal(f.host.closes, 1);
		fixture_done(&f);
	}
}

/* epoll refuses a regular file; nothing else can be taken for an eventfd at this level. */
static void an_interrupt_that_cannot_be_waited_for_breaks_the_channel(void **state)
{
	struct fixture f;
	int file = memfd_create("no interrupt", MFD_CLOEXEC);

	(void)state;
	fixture_init(&f);
	(void)close(f.host.port.interrupt_fd);
	f.host.port.interrupt_fd = file;
	reach_negotiating(&f);
	assert_string_equal(state_of_channel(), "broken");
	fixture_done(&f);
}

static void a_transport_that_does_not_signal_breaks_the_channel(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_running(&f);
	f.host.signal_result = -EPIPE;
	send_beat(&f, 1);
	assert_string_equal(state_of_channel(), "broken");
	fixture_done(&f);
}

static const struct {
	uint16_t offset8, len8;
} bad_descriptors[] = { { 0, 8 }, { 1, 8 }, { 2, 1 }, { 9, 8 }, { 2, 0xffff }, { 2, 10 } };

static void a_descriptor_that_makes_no_sense_breaks_the_channel(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_descriptors); i++) {
		struct fixture f;
		uint8_t *at;

		fixture_init(&f);
		reach_running(&f);
		at = (uint8_t *)hosts_page(&f.host) + RING_PAGE_SIZE + f.host.tx.write;
		f.len = put_beat(f.msg, 1);
		fake_host_put_packet(&f.host, 6, 1, f.msg, f.len);
		put_le(at + 2, 2, bad_descriptors[i].offset8);
		put_le(at + 4, 2, bad_descriptors[i].len8);
		fake_host_flush(&f.host);
		run_loop(f.event);
		assert_string_equal(state_of_channel(), "broken");
		(void)logged_one(LOG_WARNING, "its ring makes no sense, closing the channel for a while");
		fixture_done(&f);
	}
}

static void a_bad_index_of_the_answers_ring_breaks_the_channel(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_running(&f);
	guests_page(&f.host)->read_index = 5;
	send_beat(&f, 1);
	assert_string_equal(state_of_channel(), "broken");
	fixture_done(&f);
}

/* --- messages --- */

static void a_beat_is_answered(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_running(&f);
	f.heartbeat.state = HEARTBEAT_CRITICAL;
	for (uint64_t i = 1; i <= 300; i++) { /* wraps the rings several times */
		send_beat(&f, i);
		take_beat(&f, i, WIRE_OK);
		assert_int_equal(get_le(f.host.buf + MESSAGE_BODY, 8), i + 1);
		assert_int_equal(get_le(f.host.buf + MESSAGE_BODY + 8, 4), 2);
	}
	take_nothing(&f);
	assert_int_equal(f.heartbeat.beats, 300);
	fixture_done(&f);
}

/* Each signal is one that the contract asks for: the host's ring was empty. */
static void the_host_is_signalled_when_its_ring_was_empty(void **state)
{
	struct fixture f;
	unsigned before;

	(void)state;
	fixture_init(&f);
	reach_running(&f);
	before = f.host.signals;
	send_beat(&f, 1);
	assert_int_equal(f.host.signals, before + 1);
	send_beat(&f, 2); /* the first answer is not taken */
	assert_int_equal(f.host.signals, before + 1);
	take_beat(&f, 1, WIRE_OK);
	take_beat(&f, 2, WIRE_OK);
	send_beat(&f, 3);
	assert_int_equal(f.host.signals, before + 2);
	fixture_done(&f);
}

/* "A request that arrives 0 ms after the negotiation is answered." */
static void what_is_sent_with_the_negotiation_is_served(void **state)
{
	static const uint32_t versions[] = { V(3, 0), V(3, 0) };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_negotiating(&f);
	f.len = put_negotiation(f.msg, 1, 1, versions);
	fake_host_put_packet(&f.host, 6, 77, f.msg, f.len);
	f.len = put_beat(f.msg, 5);
	fake_host_put_packet(&f.host, 6, 5, f.msg, f.len);
	fake_host_flush(&f.host);
	run_loop(f.event);
	take_answer(&f, 1, 1, V(3, 0), V(3, 0));
	take_beat(&f, 5, WIRE_OK);
	fixture_done(&f);
}

/* The host may have written before we watched for its interrupt. */
static void what_was_sent_before_the_opening_was_heard_of_is_served(void **state)
{
	static const uint32_t versions[] = { V(3, 0), V(3, 0) };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_opening(&f);
	f.len = put_negotiation(f.msg, 1, 1, versions);
	fake_host_put_packet(&f.host, 6, 77, f.msg, f.len);
	assert_true(ring_tx_commit(&f.host.tx) >= 0); /* and no interrupt */
	channel_opened(f.c, 0);
	run_loop(f.event);
	take_answer(&f, 1, 1, V(3, 0), V(3, 0));
	fixture_done(&f);
}

static void the_host_may_negotiate_again_at_any_time(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_running(&f);
	send_versions(&f, V(1, 0), V(1, 0));
	take_answer(&f, 1, 1, V(1, 0), V(1, 0));
	send_beat(&f, 1); /* says 3.0 */
	take_beat(&f, 1, WIRE_INVALID);
	send_versions(&f, V(3, 0), V(9, 9));
	take_answer(&f, 0, 0, 0, 0);
	send_beat(&f, 2);
	take_beat(&f, 2, WIRE_NOT_CONNECTED);
	send_versions(&f, V(3, 0), V(3, 0));
	take_answer(&f, 1, 1, V(3, 0), V(3, 0));
	send_beat(&f, 3);
	take_beat(&f, 3, WIRE_OK);
	fixture_done(&f);
}

static void a_packet_longer_than_any_message_is_refused(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init_with(&f, &ic_heartbeat, &f.heartbeat, 65536);
	reach_running(&f);
	f.len = put_beat(f.msg, 1);
	memset(f.msg + f.len, 0, sizeof(f.msg) - f.len);
	fake_host_send(&f.host, 1, f.msg, 16384 + 8);
	run_loop(f.event);
	take_beat(&f, 1, WIRE_INVALID);
	assert_int_equal(f.host.packet.len, 16384);
	assert_int_equal(f.heartbeat.beats, 0);
	(void)logged_one(LOG_WARNING, "it is longer than any message, refusing it");
	/* and the next is served */
	send_beat(&f, 2);
	take_beat(&f, 2, WIRE_OK);
	fixture_done(&f);
}

static void a_packet_of_another_type_is_ignored(void **state)
{
	static const uint16_t types[] = { 0, 1, 7, 8, 9, 11, 12, 0xffff };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_running(&f);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		f.len = put_beat(f.msg, 1);
		fake_host_put_packet(&f.host, types[i], 1, f.msg, f.len);
		fake_host_flush(&f.host);
		run_loop(f.event);
		take_nothing(&f);
	}
	assert_int_equal(f.heartbeat.beats, 0);
	assert_int_equal(logged_count(LOG_WARNING, "its packet type is not in-band data, ignoring it"), 5);
	send_beat(&f, 2);
	take_beat(&f, 2, WIRE_OK);
	fixture_done(&f);
}

static void a_packet_of_any_length_is_survived(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_running(&f);
	for (size_t n = 0; n <= 64; n++) {
		f.len = put_beat(f.msg, n);
		fake_host_send(&f.host, n, f.msg, n);
		run_loop(f.event);
		/* the ring pads to 8: what arrives may be longer than what was sent */
		if ((n + 7) / 8 * 8 >= MESSAGE_BODY)
			take_beat(&f, n, n > 40 ? WIRE_OK : WIRE_INVALID);
		take_nothing(&f);
	}
	fixture_done(&f);
}

/* --- many at once --- */

/* After 64 packets the others have their turn. */
static void a_storm_leaves_others_their_turn(void **state)
{
	struct fixture storm;
	struct channel_options options;
	struct heartbeat heartbeat = { 0 };
	struct fake_host other;
	struct channel *c;
	unsigned turns = 0;
	uint64_t served_before = 0;

	(void)state;
	fixture_init_with(&storm, &ic_heartbeat, &storm.heartbeat, 65536);
	reach_running(&storm);
	options = (struct channel_options){
		.event = storm.event, .log = &recording_log, .service = &ic_heartbeat,
		.conf = &storm.conf, .user = &heartbeat,
	};
	assert_int_equal(channel_new(&options, &c), 0);
	fake_host_init(&other, &ic_class_ids[IC_HEARTBEAT], RING);
	fake_host_open(&other);
	assert_int_equal(channel_offered(c, &other.port), 0);
	channel_opened(c, 0);
	storm.len = put_negotiation(storm.msg, 1, 1, (const uint32_t[]){ V(3, 0), V(3, 0) });
	fake_host_send(&other, 77, storm.msg, storm.len);
	run_loop(storm.event);
	assert_true(fake_host_take(&other));

	for (unsigned i = 0; i < 600; i++) {
		storm.len = put_beat(storm.msg, i);
		fake_host_put_packet(&storm.host, 6, i, storm.msg, storm.len);
	}
	fake_host_flush(&storm.host);
	/* the storm is being served when something comes for the other */
	assert_int_equal(sd_event_run(storm.event, 0), 1);
	assert_int_equal(storm.heartbeat.beats, 64);
	storm.len = put_beat(storm.msg, 1);
	fake_host_send(&other, 1, storm.msg, storm.len);
	while (heartbeat.beats == 0) {
		served_before = storm.heartbeat.beats;
		assert_int_equal(sd_event_run(storm.event, 0), 1);
		assert_in_range(storm.heartbeat.beats - served_before, 0, 64);
		turns++;
	}
	assert_in_range(turns, 1, 3);
	run_loop(storm.event);
	for (unsigned i = 0; i < 600; i++)
		take_beat(&storm, i, WIRE_OK);
	take_nothing(&storm);
	(void)channel_free(c);
	fake_host_done(&other);
	fixture_done(&storm);
}

/* --- no room for the answer --- */

/* Sends beats from..to-1 without taking an answer. */
static void flood(struct fixture *f, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		f->len = put_beat(f->msg, i);
		fake_host_put_packet(&f->host, 6, i, f->msg, f->len);
	}
	fake_host_flush(&f->host);
	run_loop(f->event);
}

static void an_answer_waits_for_room(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_running(&f);
	flood(&f, 0, 50);
	assert_int_equal(guests_page(&f.host)->pending_send_size, 0);
	flood(&f, 50, 100);
	assert_int_equal(guests_page(&f.host)->pending_send_size, 72);
	assert_int_equal(f.heartbeat.beats, BEATS_MAX + 1);
	/* an interrupt alone changes nothing */
	fake_host_interrupt(&f.host);
	run_loop(f.event);
	assert_int_equal(f.heartbeat.beats, BEATS_MAX + 1);

	/* as the host takes answers, the others come, in their order, each once */
	for (uint64_t i = 0; i < 100; i++) {
		take_beat(&f, i, WIRE_OK);
		run_loop(f.event);
	}
	take_nothing(&f);
	assert_int_equal(f.heartbeat.beats, 100);
	assert_int_equal(guests_page(&f.host)->pending_send_size, 0);
	assert_string_equal(state_of_channel(), "running");
	fixture_done(&f);
}

/* A reader without feature bit 0 does not look at pending_send_size. */
static void a_host_that_tells_nobody_of_room_gets_its_answers(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_running(&f);
	guests_page(&f.host)->feature_bits = 0;
	flood(&f, 0, 50);
	flood(&f, 50, 100);
	assert_int_equal(f.heartbeat.beats, BEATS_MAX + 1);
	for (uint64_t i = 0; i < 100; i++) {
		take_beat(&f, i, WIRE_OK);
		pass_time(f.event, 100 * MS);
	}
	take_nothing(&f);
	assert_int_equal(f.heartbeat.beats, 100);
	fixture_done(&f);
}

static void an_answer_that_waits_is_gone_with_the_channel(void **state)
{
	static void (*const ends[])(struct fixture *f) = { do_rescind, do_not_opened, break_ring };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct fixture f;

		fixture_init(&f);
		reach_running(&f);
		flood(&f, 0, 50);
		flood(&f, 50, 58);
		assert_int_equal(guests_page(&f.host)->pending_send_size, 72);
		if (ends[i] == break_ring) /* nothing is read meanwhile: it is the other index */
			guests_page(&f.host)->read_index = 5;
		ends[i](&f);
		fake_host_open(&f.host);
		pass_time(f.event, 2 * SECOND);
		if (ends[i] == do_rescind)
			assert_int_equal(channel_offered(f.c, &f.host.port), 0);
		assert_string_equal(state_of_channel(), "opening");
		channel_opened(f.c, 0);
		run_loop(f.event);
		take_nothing(&f);
		send_versions(&f, V(3, 0), V(3, 0));
		take_answer(&f, 1, 1, V(3, 0), V(3, 0));
		send_beat(&f, 9);
		take_beat(&f, 9, WIRE_OK);
		fixture_done(&f);
	}
}

static void the_host_is_told_of_room_in_its_own_ring(void **state)
{
	struct fixture f;
	unsigned before;
	uint64_t n = 0;

	(void)state;
	fixture_init(&f);
	reach_running(&f);
	before = f.host.signals;
	f.len = put_beat(f.msg, 1);
	while (ring_tx_put(&f.host.tx, &(struct ring_packet){ .type = 6, .trans_id = n }, f.msg,
			   f.len) == 0)
		n++;
	fake_host_flush(&f.host);
	assert_int_equal(ring_tx_wait_for_room(&f.host.tx, f.len), 0);
	run_loop(f.event);
	/* one signal for the first answer, one for the room */
	assert_int_equal(f.host.signals, before + 2);
	for (uint64_t i = 0; i < n; i++)
		take_beat(&f, i, WIRE_OK);
	fixture_done(&f);
}

/* --- a host that really runs at the same time --- */

/* Nothing moves for so long: the machine may be doing something else meanwhile. */
#define RACE_SECONDS 20

/* A host that keeps to the contract: it signals only when it must. Whoever loses a wake-up waits for
 * ever. */
struct race {
	struct fixture *f;
	unsigned beats, at_once; /* how many in all, and how many are under way */
	_Atomic bool over;
	const char *wrong;
};

static const char *race_send(struct race *r, uint64_t *sent, uint64_t answered)
{
	struct fake_host *h = &r->f->host;
	const uint64_t one = 1;
	uint8_t msg[64];

	while (*sent < r->beats && *sent - answered < r->at_once) {
		const struct ring_packet p = { .type = 6, .trans_id = *sent };
		int put = ring_tx_put(&h->tx, &p, msg, put_beat(msg, *sent));

		if (put == -EAGAIN)
			break;
		if (put < 0)
			return "its own ring is broken";
		++*sent;
	}
	if (ring_tx_commit(&h->tx) > 0 &&
	    write(h->port.interrupt_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		return "it cannot signal";
	return NULL;
}

static const char *race_receive(struct race *r, uint64_t *answered)
{
	struct fake_host *h = &r->f->host;
	const uint64_t one = 1;
	int got;

	while ((got = ring_rx_get(&h->rx, &h->packet, h->buf, sizeof(h->buf))) == 1)
		if (h->packet.trans_id != (*answered)++)
			return "an answer is out of order";
	if (got < 0)
		return "the guest's ring is broken";
	if (ring_rx_commit(&h->rx) > 0 &&
	    write(h->port.interrupt_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		return "it cannot signal";
	return NULL;
}

static time_t seconds_now(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void *race_host(void *user)
{
	struct race *r = user;
	uint64_t sent = 0, answered = 0;
	time_t end = seconds_now() + RACE_SECONDS;

	while (answered < r->beats && !r->wrong) {
		uint64_t before = answered;

		r->wrong = race_send(r, &sent, answered);
		if (!r->wrong)
			r->wrong = race_receive(r, &answered);
		if (answered != before)
			end = seconds_now() + RACE_SECONDS;
		else if (!r->wrong && seconds_now() > end)
			r->wrong = "a wake-up was lost";
	}
	r->over = true;
	return NULL;
}

static void no_wake_up_is_lost(void **state)
{
	static const struct {
		unsigned beats, at_once;
	} races[] = {
		/* The next comes while we go to sleep: the moment that matters is some ns long, and is
		 * met once in some ten thousand times. */
		{ 150000, 1 },
		{ 150000, 3 },
		/* Both rings are full again and again. */
		{ 50000, 200 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(races); i++) {
		struct fixture f;
		struct race r = { .f = &f, .beats = races[i].beats, .at_once = races[i].at_once };
		pthread_t host;

		fixture_init(&f);
		reach_running(&f);
		f.host.signal_turns = 200;
		f.host.seed = 1;
		assert_int_equal(pthread_create(&host, NULL, race_host, &r), 0);
		while (!r.over)
			assert_true(sd_event_run(f.event, SECOND / 10) >= 0);
		assert_int_equal(pthread_join(host, NULL), 0);
		if (r.wrong)
			fail_msg("%u at once: %s", r.at_once, r.wrong);
		assert_int_equal(f.heartbeat.beats, r.beats);
		fixture_done(&f);
	}
}

/* Kernels before 6.18 and their stable ones can lose an interrupt of a uio node. */
static void a_lost_interrupt_is_made_up_for(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.host.port.look_usec = SECOND;
	reach_running(&f);
	for (unsigned i = 1; i <= 3; i++) {
		char line[64];

		f.len = put_beat(f.msg, i);
		fake_host_put_packet(&f.host, 6, i, f.msg, f.len);
		assert_true(ring_tx_commit(&f.host.tx) >= 0); /* and no signal */
		pass_time(f.event, SECOND - 1);
		assert_false(fake_host_take(&f.host));
		pass_time(f.event, 1);
		take_beat(&f, i, WIRE_OK);
		(void)snprintf(line, sizeof(line), "no interrupt has told of, %u so far", i);
		(void)logged_one(LOG_DEBUG, line);
		pass_time(f.event, SECOND); /* half of the looks find nothing */
	}
	assert_int_equal(logged_count(LOG_DEBUG, "no interrupt has told of"), 3);

	/* what came with its interrupt is not counted */
	send_beat(&f, 9);
	take_beat(&f, 9, WIRE_OK);
	pass_time(f.event, SECOND);
	assert_int_equal(logged_count(LOG_DEBUG, "no interrupt has told of"), 3);
	fixture_done(&f);
}

/* Those kernels set the mask at the opening and at each interrupt. */
static void a_ring_that_was_masked_by_others_is_unmasked(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.host.port.look_usec = SECOND;
	reach_opening(&f);
	hosts_page(&f.host)->interrupt_mask = 1;
	channel_opened(f.c, 0);
	run_loop(f.event);
	assert_int_equal(hosts_page(&f.host)->interrupt_mask, 0);

	hosts_page(&f.host)->interrupt_mask = 1;
	fake_host_interrupt(&f.host);
	run_loop(f.event);
	assert_int_equal(hosts_page(&f.host)->interrupt_mask, 0);

	hosts_page(&f.host)->interrupt_mask = 1; /* after the last look, and the interrupt got lost */
	pass_time(f.event, SECOND);
	assert_int_equal(hosts_page(&f.host)->interrupt_mask, 0);
	fixture_done(&f);
}

static void without_lost_interrupts_nobody_looks(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_running(&f);
	f.len = put_beat(f.msg, 1);
	fake_host_put_packet(&f.host, 6, 1, f.msg, f.len);
	assert_true(ring_tx_commit(&f.host.tx) >= 0);
	pass_time(f.event, 3600 * SECOND);
	assert_false(fake_host_take(&f.host));
	fixture_done(&f);
}

/* --- a request that cannot be served at once --- */

static void reach_put_off(struct fixture *f)
{
	reach_running(f);
	f->slow.result = -EAGAIN;
	send_beat(f, 1);
	assert_int_equal(f->slow.calls, 1);
	take_nothing(f);
}

static void a_request_that_is_put_off_is_tried_again(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init_slow(&f);
	reach_put_off(&f);
	for (unsigned i = 2; i <= 10; i++) {
		pass_time(f.event, 5 * MS);
		assert_int_equal(f.slow.calls, i);
		take_nothing(&f);
	}
	pass_time(f.event, 5 * MS - 1);
	assert_int_equal(f.slow.calls, 10);
	f.slow.result = 0;
	pass_time(f.event, 1);
	assert_int_equal(f.slow.calls, 11);
	take_beat(&f, 1, WIRE_OK);
	pass_time(f.event, SECOND);
	assert_int_equal(f.slow.calls, 11);
	take_nothing(&f);
	fixture_done(&f);
}

static void its_failure_is_told_when_it_comes(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init_slow(&f);
	reach_put_off(&f);
	f.slow.result = -ENOENT;
	pass_time(f.event, 5 * MS);
	take_beat(&f, 1, WIRE_NOT_FOUND);
	fixture_done(&f);
}

static void it_is_refused_after_ten_seconds(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init_slow(&f);
	reach_put_off(&f);
	pass_time(f.event, 10 * SECOND - 1);
	assert_int_equal(f.slow.calls, 2);
	take_nothing(&f);
	pass_time(f.event, 5 * MS);
	assert_int_equal(f.slow.calls, 3);
	take_beat(&f, 1, WIRE_FAIL);
	(void)logged_one(LOG_WARNING, "could not be served for 10 s: a file is locked, or its disk does not answer");
	/* and does not come back */
	pass_time(f.event, 60 * SECOND);
	assert_int_equal(f.slow.calls, 3);
	take_nothing(&f);
	f.slow.result = 0;
	send_beat(&f, 2);
	take_beat(&f, 2, WIRE_OK);
	fixture_done(&f);
}

static void a_second_request_is_refused_meanwhile(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init_slow(&f);
	reach_put_off(&f);
	send_beat(&f, 2);
	take_beat(&f, 2, WIRE_FAIL);
	assert_int_equal(f.slow.calls, 1);
	f.slow.result = 0;
	pass_time(f.event, 5 * MS);
	take_beat(&f, 1, WIRE_OK);
	send_beat(&f, 3);
	take_beat(&f, 3, WIRE_OK);
	fixture_done(&f);
}

/* A host that negotiates anew has given up what it asked before. */
static void a_negotiation_drops_what_was_put_off(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init_slow(&f);
	reach_put_off(&f);
	f.slow.result = 0;
	send_versions(&f, V(3, 0), V(3, 0));
	take_answer(&f, 1, 1, V(3, 0), V(3, 0));
	pass_time(f.event, 60 * SECOND);
	assert_int_equal(f.slow.calls, 1);
	take_nothing(&f);
	send_beat(&f, 2);
	take_beat(&f, 2, WIRE_OK);
	fixture_done(&f);
}

static void the_end_of_the_channel_drops_what_was_put_off(void **state)
{
	static void (*const ends[])(struct fixture *f) = { do_rescind, do_not_opened, break_ring };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct fixture f;

		fixture_init_slow(&f);
		reach_put_off(&f);
		ends[i](&f);
		fake_host_open(&f.host);
		f.slow.result = 0;
		pass_time(f.event, 60 * SECOND);
		if (ends[i] == do_rescind)
			assert_int_equal(channel_offered(f.c, &f.host.port), 0);
		channel_opened(f.c, 0);
		run_loop(f.event);
		assert_int_equal(f.slow.calls, 1);
		send_versions(&f, V(3, 0), V(3, 0));
		take_answer(&f, 1, 1, V(3, 0), V(3, 0));
		send_beat(&f, 2);
		take_beat(&f, 2, WIRE_OK);
		take_nothing(&f);
		fixture_done(&f);
	}
}

/* One request is put off, and the refusals of those behind it fill the ring: neither may be lost. */
static void what_is_put_off_and_what_waits_for_room_are_both_answered(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init_slow(&f);
	reach_put_off(&f);
	flood(&f, 2, 52);
	flood(&f, 52, 62);
	assert_int_equal(guests_page(&f.host)->pending_send_size, 72);
	f.slow.result = 0;
	pass_time(f.event, 50 * MS); /* its turn, but there is no room */
	for (uint64_t i = 2; i < 62; i++) {
		take_beat(&f, i, WIRE_FAIL);
		run_loop(f.event);
	}
	pass_time(f.event, 5 * MS);
	take_beat(&f, 1, WIRE_OK);
	take_nothing(&f);
	assert_int_equal(f.slow.calls, 2);
	send_beat(&f, 100);
	take_beat(&f, 100, WIRE_OK);
	fixture_done(&f);
}

/* --- the knobs for testing hosts --- */

static void an_answer_can_be_late(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.conf.answer_delay_s = 20;
	reach_negotiating(&f);
	send_versions(&f, V(3, 0), V(3, 0));
	pass_time(f.event, 20 * SECOND - 1);
	take_nothing(&f);
	/* who asks meanwhile is answered */
	send_beat(&f, 1);
	take_beat(&f, 1, WIRE_OK);
	pass_time(f.event, 1);
	take_answer(&f, 1, 1, V(3, 0), V(3, 0));
	pass_time(f.event, 60 * SECOND);
	take_nothing(&f);
	fixture_done(&f);
}

static void a_late_answer_is_to_the_last_negotiation(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.conf.answer_delay_s = 20;
	reach_negotiating(&f);
	send_versions(&f, V(3, 0), V(3, 0));
	pass_time(f.event, 19 * SECOND);
	send_versions(&f, V(1, 0), V(1, 0));
	pass_time(f.event, 19 * SECOND);
	take_nothing(&f);
	pass_time(f.event, SECOND);
	take_answer(&f, 1, 1, V(1, 0), V(1, 0));
	take_nothing(&f);
	fixture_done(&f);
}

static void a_late_answer_is_gone_with_the_channel(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.conf.answer_delay_s = 20;
	reach_negotiating(&f);
	send_versions(&f, V(3, 0), V(3, 0));
	do_rescind(&f);
	fake_host_open(&f.host);
	pass_time(f.event, 30 * SECOND);
	reach_negotiating(&f);
	pass_time(f.event, 30 * SECOND);
	take_nothing(&f);
	fixture_done(&f);
}

static void a_late_answer_and_what_waits_for_room_are_both_sent(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.conf.answer_delay_s = 20;
	reach_negotiating(&f);
	send_versions(&f, V(3, 0), V(3, 0));
	flood(&f, 0, 50);
	flood(&f, 50, 60);
	pass_time(f.event, 21 * SECOND);
	for (uint64_t i = 0; i < 60; i++) {
		take_beat(&f, i, WIRE_OK);
		run_loop(f.event);
	}
	pass_time(f.event, SECOND);
	take_answer(&f, 1, 1, V(3, 0), V(3, 0));
	take_nothing(&f);
	fixture_done(&f);
}

/* What is read when there is room again keeps the time of its own. */
static void a_late_answer_is_not_hurried_by_the_wait_for_room(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_running(&f);
	flood(&f, 0, 50);
	flood(&f, 50, 58);
	assert_int_equal(guests_page(&f.host)->pending_send_size, 72);
	/* A reader that tells nobody of room, and negotiates next. */
	guests_page(&f.host)->feature_bits = 0;
	f.conf.answer_delay_s = 20;
	f.len = put_negotiation(f.msg, 1, 1, (const uint32_t[]){ V(3, 0), V(3, 0) });
	fake_host_put_packet(&f.host, 6, 77, f.msg, f.len);
	fake_host_flush(&f.host);
	for (uint64_t i = 0; i < 58; i++) {
		take_beat(&f, i, WIRE_OK);
		pass_time(f.event, 100 * MS);
	}
	pass_time(f.event, 10 * SECOND);
	take_nothing(&f);
	pass_time(f.event, 11 * SECOND);
	take_answer(&f, 1, 1, V(3, 0), V(3, 0));
	fixture_done(&f);
}

static void an_answer_can_be_anything(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	f.conf.policy.raw = (struct ic_raw){
		.has_answer = true, .answer = { { 9, 9 }, { 7, 7 } },
		.has_counts = true, .counts = { 2, 65535 },
	};
	reach_negotiating(&f);
	send_versions(&f, V(3, 0), V(3, 0));
	take_answer(&f, 2, 65535, V(9, 9), V(7, 7));
	assert_string_equal(state_of_channel(), "running");
	fixture_done(&f);
}

static void an_answer_can_be_cut(void **state)
{
	struct fixture f;

	(void)state;
	for (uint16_t n = 1; n < 60; n++) {
		fixture_init(&f);
		f.conf.policy.raw = (struct ic_raw){ .has_truncate = true, .truncate = n };
		reach_negotiating(&f);
		send_versions(&f, V(3, 0), V(3, 0));
		assert_true(fake_host_take(&f.host));
		assert_int_equal(f.host.packet.len, n < 44 ? (n + 7) / 8 * 8 : 48);
		send_beat(&f, 1);
		take_beat(&f, 1, WIRE_OK);
		fixture_done(&f);
	}
}

/* --- what the log says --- */

static void a_negotiation_is_told_in_full(void **state)
{
	static const uint32_t versions[] = { V(1, 0), V(3, 0), V(1, 0), V(3, 0), V(9, 9) };
	const struct logged_line *l;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_negotiating(&f);
	f.len = put_negotiation(f.msg, 2, 3, versions);
	fake_host_send(&f.host, 77, f.msg, f.len);
	run_loop(f.event);
	l = logged_one(LOG_INFO, "the host offers framework");
	assert_string_equal(l->text,
			    "Heartbeat: the host offers framework 1.0 3.0, message 1.0 3.0 9.9; we admit to "
			    "framework 3.0 1.0, message 3.0 1.0 (profile newest); answered 3.0/3.0: not the "
			    "newest, the host may report a protocol mismatch (KB4014894), by design");
	assert_field(l, "VMIC_COMPONENT=Heartbeat");
	assert_field(l, "VMIC_OFFERED_FRAMEWORK=1.0 3.0");
	assert_field(l, "VMIC_OFFERED_MESSAGE=1.0 3.0 9.9");
	assert_field(l, "VMIC_ANSWER=3.0/3.0");
	assert_field(l, "VMIC_OUTCOME=agreed");
	assert_field(l, message_id_fields[MESSAGE_MISMATCH]);
	assert_field(l, "VMIC_PROFILE=newest");
	fixture_done(&f);
}

static void nothing_in_common_is_an_error_in_one_sentence(void **state)
{
	const struct logged_line *l;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_negotiating(&f);
	do_disagree(&f);
	l = logged_one(LOG_ERR, "nothing in common");
	assert_string_equal(l->text,
			    "Heartbeat: the host offers framework 3.0, message 9.9; we admit to framework "
			    "3.0 1.0, message 3.0 1.0 (profile newest); answered counts 0,0: they have nothing "
			    "in common, the host will count the component as failed until it offers something "
			    "else");
	assert_field(l, "VMIC_OUTCOME=no-common-version");
	assert_field(l, message_id_fields[MESSAGE_NO_COMMON]);
	fixture_done(&f);
}

static void what_an_operator_looks_for_has_its_identifier(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	reach_running(&f);
	assert_field(logged_one(LOG_INFO, "the host offers framework"), message_id_fields[MESSAGE_NEGOTIATED]);
	logged_clear();
	break_ring(&f);
	assert_field(logged_one(LOG_WARNING, "closing the channel for a while"), message_id_fields[MESSAGE_LOST]);
	logged_clear();
	channel_rescinded(f.c);
	assert_field(logged_one(LOG_INFO, "Heartbeat: the channel has gone: the host has taken it away, or somebody"),
		     message_id_fields[MESSAGE_LOST]);
	logged_clear();
	reach_opening(&f);
	channel_opened(f.c, -EIO);
	assert_field(logged_one(LOG_ERR, "cannot use the channel"), message_id_fields[MESSAGE_UNUSABLE]);
	fixture_done(&f);
}

/* None of them is what a host takes as fine or as a mismatch, whatever the versions are. */
static void what_is_answered_on_purpose_says_so(void **state)
{
	static const struct {
		struct ic_raw raw;
		unsigned delay_s;
		int level;
		const char *end;
	} rows[] = {
		{ { .has_counts = true, .counts = { 2, 0 } }, 0, LOG_INFO,
		  "answered counts 2,0: this is answered on purpose" },
		{ { .has_answer = true, .answer = { { 3, 0 }, { 3, 0 } } }, 0, LOG_INFO,
		  "answered 3.0/3.0: this is answered on purpose" },
		{ { .has_answer = true, .answer = { { 1, 0 }, { 1, 0 } } }, 0, LOG_ERR,
		  "answered 1.0/1.0: this was not offered, it is answered on purpose" },
		{ { .has_truncate = true, .truncate = 30 }, 0, LOG_INFO,
		  "answered 3.0/3.0, at most 30 bytes of it on purpose" },
		{ { 0 }, 20, LOG_INFO, "answered 3.0/3.0, 20 s late on purpose" },
		{ { .has_truncate = true, .truncate = UINT16_MAX }, 3600, LOG_INFO,
		  "answered 3.0/3.0, at most 65535 bytes of it on purpose, 3600 s late on purpose" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct logged_line *l;
		struct fixture f;

		fixture_init(&f);
		f.conf.policy.raw = rows[i].raw;
		f.conf.answer_delay_s = rows[i].delay_s;
		reach_negotiating(&f);
		logged_clear();
		send_versions(&f, V(3, 0), V(3, 0));
		l = logged_one(rows[i].level, "the host offers framework");
		assert_non_null(strstr(l->text, rows[i].end));
		assert_string_equal(strstr(l->text, rows[i].end), rows[i].end);
		assert_field(l, message_id_fields[MESSAGE_FORCED]);
		fixture_done(&f);
	}
}

/* A blocked beat: the service's rows have a name here. */
static void what_is_blocked_is_told_at_a_limited_rate(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init_with(&f, &ic_timesync, &f.slow, RING);
	f.conf.policy = profile_find("newest")->component[IC_TIMESYNC];
	f.conf.policy.blocked = ic_operations_named(&ic_timesync, "sync");
	reach_negotiating(&f);
	send_versions(&f, V(3, 0), V(4, 0));
	take_answer(&f, 1, 1, V(3, 0), V(4, 0));
	logged_clear();
	for (int i = 0; i < 100; i++) {
		uint8_t body[24] = { [16] = 1 };
		const struct message m = {
			.type = 4, .framework = { 3, 0 }, .version = { 4, 0 }, .body = body, .n = sizeof(body),
		};

		f.len = message_put(f.msg, &m);
		fake_host_send(&f.host, 5, f.msg, f.len);
		run_loop(f.event);
		take_beat(&f, 5, WIRE_DENIED);
	}
	assert_int_equal(logged_count(LOG_NOTICE, "the host asked for timesync.sync, which the configuration blocks"),
			 5);
	assert_field(&logged.line[0], message_id_fields[MESSAGE_BLOCKED]);
	assert_field(&logged.line[0], "VMIC_OPERATION=timesync.sync");
	fixture_done(&f);
}

static void the_longest_lists_are_told_whole(void **state)
{
	uint32_t versions[200];
	const struct logged_line *l;
	char field[2048] = "VMIC_OFFERED_MESSAGE=";
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < 200; i++)
		versions[i] = V(65435 + i % 100, 65535);
	for (size_t i = 100; i < 200; i++)
		(void)snprintf(field + strlen(field), sizeof(field) - strlen(field), "%s%u.65535",
			       i > 100 ? " " : "", (unsigned)(65435 + i % 100));
	fixture_init(&f);
	reach_negotiating(&f);
	f.len = put_negotiation(f.msg, 100, 100, versions);
	fake_host_send(&f.host, 77, f.msg, f.len);
	run_loop(f.event);
	l = logged_one(LOG_ERR, "nothing in common");
	assert_field(l, field);
	fixture_done(&f);
}

/* Everything that a host can have logged, in a loop. */
static void storm_of_negotiations(struct fixture *f)
{
	send_versions(f, V(3, 0), V(3, 0));
	assert_true(fake_host_take(&f->host));
}

static void storm_of_disagreement(struct fixture *f)
{
	send_versions(f, V(3, 0), V(9, 9));
	assert_true(fake_host_take(&f->host));
}

static void storm_of_nonsense(struct fixture *f)
{
	memset(f->msg, 0xff, 100);
	fake_host_send(&f->host, 1, f->msg, 100);
	run_loop(f->event);
	while (fake_host_take(&f->host))
		;
}

static void storm_of_failed_openings(struct fixture *f)
{
	channel_rescinded(f->c);
	assert_int_equal(channel_offered(f->c, &f->host.port), 0);
	channel_opened(f->c, f->host.opens & 1 ? -EIO : -EAGAIN);
}

static void storm_of_rescinds(struct fixture *f)
{
	channel_rescinded(f->c);
	assert_int_equal(channel_offered(f->c, &f->host.port), 0);
	channel_opened(f->c, 0);
	run_loop(f->event);
}

static void storm_of_bad_rings(struct fixture *f)
{
	guests_page(&f->host)->read_index = 5;
	channel_rescinded(f->c);
	assert_int_equal(channel_offered(f->c, &f->host.port), 0);
	channel_opened(f->c, 0);
	run_loop(f->event);
}

static void a_storm_fills_no_log(void **state)
{
	static void (*const storms[])(struct fixture *f) = {
		storm_of_negotiations, storm_of_disagreement, storm_of_nonsense,
		storm_of_failed_openings, storm_of_rescinds, storm_of_bad_rings,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(storms); i++) {
		struct fixture f;
		unsigned lines;

		fixture_init(&f);
		reach_running(&f);
		logged_clear();
		for (int k = 0; k < 100; k++)
			storms[i](&f);
		lines = logged_count(LOG_INFO, "");
		assert_in_range(lines, 1, 20);
		/* the next after a while says how many there were */
		logged_clear();
		fake_time.now += 11 * SECOND;
		storms[i](&f);
		assert_in_range(logged_count(LOG_INFO, "were"), 1, 3);
		fixture_done(&f);
	}
}

static void an_ordinary_failure_is_not_logged(void **state)
{
	static const struct {
		int result;
		uint32_t status;
		unsigned lines;
	} failures[] = {
		{ -ENOENT, WIRE_NOT_FOUND, 0 },
		{ -ENODATA, WIRE_NO_MORE_ITEMS, 0 },
		{ -EACCES, WIRE_FAIL, 1 },
		{ -ENOSPC, WIRE_DISK_FULL, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		struct fixture f;

		fixture_init_slow(&f);
		reach_running(&f);
		logged_clear();
		f.slow.result = failures[i].result;
		send_beat(&f, 1);
		take_beat(&f, 1, failures[i].status);
		assert_int_equal(logged_count(LOG_INFO, "a request of the host failed"), failures[i].lines);
		fixture_done(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_event_in_each_state_leads_where_it_should),
		cmocka_unit_test(the_end_closes_the_port),
		cmocka_unit_test(another_configuration_is_negotiated_anew),
		cmocka_unit_test(what_went_wrong_is_there_to_see),
		cmocka_unit_test(a_broken_channel_serves_again_after_two_seconds),
		cmocka_unit_test(a_transport_that_does_not_open_is_tried_again),
		cmocka_unit_test(why_it_does_not_open_is_logged_once),
		cmocka_unit_test(an_interrupt_that_cannot_be_taken_breaks_the_channel),
		cmocka_unit_test(nothing_touches_the_rings_of_a_port_that_is_gone),
		cmocka_unit_test(a_ring_that_is_bad_from_the_start_breaks_the_channel),
		cmocka_unit_test(an_interrupt_that_cannot_be_waited_for_breaks_the_channel),
		cmocka_unit_test(a_transport_that_does_not_signal_breaks_the_channel),
		cmocka_unit_test(a_descriptor_that_makes_no_sense_breaks_the_channel),
		cmocka_unit_test(a_bad_index_of_the_answers_ring_breaks_the_channel),
		cmocka_unit_test(a_beat_is_answered),
		cmocka_unit_test(the_host_is_signalled_when_its_ring_was_empty),
		cmocka_unit_test(what_is_sent_with_the_negotiation_is_served),
		cmocka_unit_test(what_was_sent_before_the_opening_was_heard_of_is_served),
		cmocka_unit_test(the_host_may_negotiate_again_at_any_time),
		cmocka_unit_test(a_signal_without_a_channel_ends_the_drain),
		cmocka_unit_test(a_packet_longer_than_any_message_is_refused),
		cmocka_unit_test(a_packet_of_another_type_is_ignored),
		cmocka_unit_test(a_packet_of_any_length_is_survived),
		cmocka_unit_test(a_storm_leaves_others_their_turn),
		cmocka_unit_test(an_answer_waits_for_room),
		cmocka_unit_test(a_host_that_tells_nobody_of_room_gets_its_answers),
		cmocka_unit_test(an_answer_that_waits_is_gone_with_the_channel),
		cmocka_unit_test(the_host_is_told_of_room_in_its_own_ring),
		cmocka_unit_test(no_wake_up_is_lost),
		cmocka_unit_test(a_lost_interrupt_is_made_up_for),
		cmocka_unit_test(a_ring_that_was_masked_by_others_is_unmasked),
		cmocka_unit_test(without_lost_interrupts_nobody_looks),
		cmocka_unit_test(a_request_that_is_put_off_is_tried_again),
		cmocka_unit_test(its_failure_is_told_when_it_comes),
		cmocka_unit_test(it_is_refused_after_ten_seconds),
		cmocka_unit_test(a_second_request_is_refused_meanwhile),
		cmocka_unit_test(a_negotiation_drops_what_was_put_off),
		cmocka_unit_test(the_end_of_the_channel_drops_what_was_put_off),
		cmocka_unit_test(what_is_put_off_and_what_waits_for_room_are_both_answered),
		cmocka_unit_test(an_answer_can_be_late),
		cmocka_unit_test(a_late_answer_is_to_the_last_negotiation),
		cmocka_unit_test(a_late_answer_is_gone_with_the_channel),
		cmocka_unit_test(a_late_answer_and_what_waits_for_room_are_both_sent),
		cmocka_unit_test(a_late_answer_is_not_hurried_by_the_wait_for_room),
		cmocka_unit_test(an_answer_can_be_anything),
		cmocka_unit_test(an_answer_can_be_cut),
		cmocka_unit_test(a_negotiation_is_told_in_full),
		cmocka_unit_test(nothing_in_common_is_an_error_in_one_sentence),
		cmocka_unit_test(what_an_operator_looks_for_has_its_identifier),
		cmocka_unit_test(what_is_answered_on_purpose_says_so),
		cmocka_unit_test(what_is_blocked_is_told_at_a_limited_rate),
		cmocka_unit_test(the_longest_lists_are_told_whole),
		cmocka_unit_test(a_storm_fills_no_log),
		cmocka_unit_test(an_ordinary_failure_is_not_logged),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
