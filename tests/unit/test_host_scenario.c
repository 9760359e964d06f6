/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scenarios: what the parser says to wrong files, and whether a play passes and fails as it should
 * against a guest made of a few lines in this process, over a link that is no socket.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/host/scenario.h"
#include "tests/host/scenario_play.h"
#include "tests/host/scenario_words.h"
#include "tests/host/session.h"

/* --- a guest in this process --- */

enum manner {
	GOOD,
	WRONG_SEQUENCE,
	WRONG_FLAGS,
	ANSWERS_TWICE,
	SIGNALS_TWICE,
	SILENT,
	LATE, /* looks what there is LATE_MS after it was signalled */
	NO_COMMON,
	REFUSES,
	BREAKS_LINK,
	SHUTS_DOWN, /* serves shutdown instead of heartbeat */
};

#define RING 16384
#define LATE_MS 80

struct fake {
	struct link link;
	sd_event *event;
	const struct link_events *events;
	void *user;
	enum manner manner;
	enum component component; /* the one that it serves */
	uint8_t *memory;
	struct host_ring end; /* the guest's: the host's code, with the rings exchanged */
	bool offered, open;
	sd_event_source *joiner, *worker;
};

static struct fake *of_link(struct link *l)
{
	return (struct fake *)l;
}

static void answer_one(struct fake *f, const struct host_packet *q)
{
	struct message m = { .len = q->len };

	memcpy(m.bytes, q->payload, q->len);
	m.bytes[25] = f->manner == WRONG_FLAGS ? 7 : 5;
	if (f->manner == REFUSES)
		m.bytes[20] = m.bytes[21] = 1;
	if (m.bytes[12] == 0) {
		static const uint8_t agreed[16] = { 1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0 };

		memcpy(m.bytes + 28, agreed, sizeof(agreed));
		m.bytes[18] = 16;
		m.bytes[28] = m.bytes[30] = f->manner == NO_COMMON ? 0 : 1;
	} else if (f->component == COMPONENT_HEARTBEAT && f->manner != WRONG_SEQUENCE) {
		m.bytes[28]++;
	}
	for (int i = 0; i < (f->manner == ANSWERS_TWICE ? 2 : 1); i++)
		if (host_ring_put(&f->end, m.bytes, m.len, q->trans_id) == HOST_RING_SIGNAL)
			f->events->signalled(f->user, f->component,
					     f->manner == SIGNALS_TWICE ? 9 : 1);
}

static int on_work(sd_event_source *source, void *user)
{
	struct fake *f = user;
	struct host_packet *p = malloc(sizeof(*p));

	(void)source;
	assert_non_null(p);
	while (f->open && f->manner != SILENT && host_ring_get(&f->end, p) == 1) {
		assert_int_equal(host_ring_commit(&f->end), 0);
		answer_one(f, p);
	}
	free(p);
	return 0;
}

static int on_late(sd_event_source *source, uint64_t usec, void *user)
{
	(void)usec;
	return on_work(source, user);
}

static int fake_signal(struct link *l, enum component c)
{
	struct fake *f = of_link(l);

	(void)c;
	f->worker = sd_event_source_disable_unref(f->worker);
	if (f->manner == LATE)
		return sd_event_add_time_relative(f->event, &f->worker, CLOCK_MONOTONIC,
						  LATE_MS * UINT64_C(1000), 1, on_late, f);
	return sd_event_add_defer(f->event, &f->worker, on_work, f);
}

static int on_join(sd_event_source *source, void *user)
{
	struct fake *f = user;

	(void)source;
	f->events->joined(f->user);
	assert_int_equal(f->events->opened(f->user, f->component, f->memory, RING), 0);
	f->open = true;
	f->end = (struct host_ring){ .in = (struct ring_page *)(f->memory + RING),
				     .out = (struct ring_page *)f->memory,
				     .in_data = f->memory + RING + 4096,
				     .out_data = f->memory + 4096,
				     .size = RING - 4096 };
	f->events->started(f->user, f->component);
	if (f->manner == BREAKS_LINK)
		f->events->violated(f->user, LINK_NO_COMPONENT, "a message of no known type");
	return 0;
}

static int on_release(sd_event_source *source, void *user)
{
	struct fake *f = user;

	(void)source;
	f->events->released(f->user, f->component);
	return 0;
}

static int fake_offer(struct link *l, enum component c)
{
	struct fake *f = of_link(l);

	if (c == f->component && f->offered)
		return -EBUSY;
	f->offered = f->offered || c == f->component;
	return 0;
}

static int fake_offers_done(struct link *l)
{
	(void)l;
	return 0;
}

static int fake_rescind(struct link *l, enum component c)
{
	struct fake *f = of_link(l);

	(void)c;
	f->open = f->offered = false;
	f->worker = sd_event_source_disable_unref(f->worker);
	return sd_event_add_defer(f->event, &f->worker, on_release, f);
}

static struct link *fake_free(struct link *l)
{
	struct fake *f = of_link(l);

	sd_event_source_disable_unref(f->joiner);
	sd_event_source_disable_unref(f->worker);
	free(f->memory);
	free(f);
	return NULL;
}

static const struct link_ops fake_ops = { .offer = fake_offer,
					  .offers_done = fake_offers_done,
					  .rescind = fake_rescind,
					  .signal = fake_signal,
					  .free = fake_free };

/* The address says how the guest behaves. */
static int fake_open(sd_event *event, const void *address, uint32_t ring_size,
		     const struct link_events *events, void *user, struct link **ret)
{
	struct fake *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(ring_size, RING);
	f->link.ops = &fake_ops;
	f->event = event;
	f->events = events;
	f->user = user;
	f->manner = (enum manner)atoi(address);
	f->component = f->manner == SHUTS_DOWN ? COMPONENT_SHUTDOWN : COMPONENT_HEARTBEAT;
	f->memory = aligned_alloc(4096, 2 * RING);
	assert_non_null(f->memory);
	*ret = &f->link;
	return sd_event_add_defer(event, &f->joiner, on_join, f);
}

/* --- playing --- */

static struct scenario *scenario_from(const char *text, char *why, size_t why_size)
{
	char path[] = "/tmp/vmichost-test-XXXXXX";
	struct scenario *s = NULL;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
	if (scenario_read(path, &s, why, why_size) < 0)
		assert_null(s);
	assert_int_equal(unlink(path), 0);
	return s;
}

/* "" when it passed, else what it says after the file's name. */
static const char *play_slowly(const char *text, enum manner manner, unsigned slow)
{
	static char why[4608];
	char address[8];
	struct scenario *s = scenario_from(text, why, sizeof(why));
	struct play *p;
	sd_event *event = NULL;
	int r;

	assert_non_null(s);
	assert_int_equal(play_check(s, why, sizeof(why)), 0);
	assert_int_equal(sd_event_new(&event), 0);
	(void)snprintf(address, sizeof(address), "%d", manner);
	assert_int_equal(play_new(event, &(struct play_options){ .scenario = s,
								 .open_link = fake_open,
								 .address = address,
								 .slow = slow },
				  &p),
			 0);
	r = play_run(p, why, sizeof(why));
	if (r == 0)
		r = play_finish(p, why, sizeof(why));
	if (r == 0)
		why[0] = 0;
	(void)play_free(p);
	(void)scenario_free(s);
	sd_event_unref(event);
	return why[0] ? strchr(why, ':') : "";
}

static const char *play(const char *text, enum manner manner)
{
	return play_slowly(text, manner, 0);
}

#define AGREE "open heartbeat\nnegotiate heartbeat\nexpect heartbeat answered 3.0 3.0\n"
#define BEAT "send heartbeat beat sequence=4\nexpect heartbeat status ok sequence=5\n"

#define SHUTDOWN \
	"open shutdown within 100\nnegotiate shutdown\nexpect shutdown answered 3.0 3.0\n" \
	"send shutdown request timeout=60 flags=1 message=bye\n"

static void test_plays(void **state)
{
	static const struct {
		const char *text;
		enum manner manner;
		const char *why; /* "": it passes */
	} rows[] = {
		{ AGREE BEAT "report heartbeat ok\nvm-heartbeat OkApplicationsUnknown\n", GOOD, "" },
		{ AGREE BEAT, WRONG_SEQUENCE, ":5: expected sequence=5, came sequence=4" },
		{ AGREE BEAT, WRONG_FLAGS, ":3: the guest broke a rule: a reply's flags are 7" },
		{ AGREE BEAT, ANSWERS_TWICE, "nothing was asked" },
		{ AGREE BEAT, SIGNALS_TWICE, "without need" },
		{ AGREE BEAT, BREAKS_LINK, ":1: the guest broke a rule: a message of no known type" },
		{ "open heartbeat\nnegotiate heartbeat\nexpect heartbeat answered 3.0 3.0 within 20\n",
		  SILENT, ":3: an answer of heartbeat did not come" },
		{ "open heartbeat\nnegotiate heartbeat\nexpect heartbeat silence for 20\n", SILENT, "" },
		{ "open heartbeat\nnegotiate heartbeat\nexpect heartbeat silence for 20\n", GOOD,
		  ":3: expected silence, came counts 1,1 versions 3.0 3.0" },
		{ AGREE, NO_COMMON, ":3: expected counts 1,1, came counts 0,0" },
		{ "open heartbeat\nnegotiate heartbeat\nexpect heartbeat counts 0,0\n"
		  "report heartbeat no-common-version\n", NO_COMMON, "" },
		{ "open heartbeat\nnegotiate heartbeat\nexpect heartbeat answered 3.0 1.0\n", GOOD,
		  ":3: expected 3.0 1.0, came counts 1,1 versions 3.0 3.0" },
		{ AGREE "send heartbeat beat\n", GOOD, "an answer of heartbeat that no step expects" },
		{ AGREE "send heartbeat beat\nexpect heartbeat status ok\n", REFUSES,
		  ":5: expected status ok, came status unknown (0x00000101)" },
		{ AGREE "send heartbeat beat\nexpect heartbeat status 0x101\n", REFUSES, "" },
		{ AGREE "send heartbeat beat\nexpect heartbeat status no-more|ok sequence|=7,1\n", GOOD, "" },
		{ AGREE "send heartbeat beat\nexpect heartbeat status no-more|fail\n", GOOD,
		  ":5: expected status no-more|fail, came status ok" },
		{ AGREE "send heartbeat beat\nexpect heartbeat status ok sequence|=7,11,\n", GOOD,
		  ":5: expected sequence|=7,11,, came sequence=1" },
		{ AGREE "send heartbeat beat\nexpect heartbeat status ok foo=1\n", GOOD,
		  ":5: heartbeat beat has no field \"foo\"; there are sequence, state" },
		{ AGREE "send heartbeat beat\nexpect heartbeat status any sequence!=1\n", GOOD,
		  ":5: expected sequence!=1, came sequence=1" },
		{ AGREE "send heartbeat beat\nexpect heartbeat status ok bytes=28:0200\n", GOOD,
		  ":5: the bytes of the answer are not 28:0200" },
		{ AGREE "send heartbeat beat sequence={ring}\n"
		  "expect heartbeat status ok sequence=12289\n", GOOD, "" },
		{ AGREE "report heartbeat mismatch\n", GOOD, ":4: the host reports heartbeat as ok" },
		{ AGREE "vm-heartbeat OkApplicationsHealthy\n", GOOD, ":4: Get-VM shows Heartbeat" },
		{ AGREE "repeat 3\nsend heartbeat beat sequence={i*2}\n"
		  "expect heartbeat status ok sequence={i*2+1}\nend\n", GOOD, "" },
		{ AGREE "repeat 3\nsend heartbeat beat sequence={i}\n"
		  "expect heartbeat status ok sequence=1\nend\n", GOOD, "came sequence=2 (i = 1)" },
		{ AGREE "rescind heartbeat\nreport heartbeat no-contact\n", GOOD, "" },
		{ AGREE "rescind heartbeat\nrescind heartbeat\n", GOOD, "" },
		{ AGREE "reoffer heartbeat\n", GOOD, ":4: cannot offer heartbeat" },
		{ "send kvp enumerate\n", GOOD, ":1: cannot send: kvp is not open" },
		{ "open kvp within 10\n", GOOD, ":1: an opening of kvp did not come" },
		{ "timeout 30\n" AGREE "wait 1\n", GOOD, "" },
		{ "timeout 30\nopen heartbeat\nnegotiate heartbeat\nwait 60\n"
		  "report heartbeat no-contact\n", SILENT, "" },
		{ SHUTDOWN "expect shutdown status ok reason=2147483648 timeout=60 flags=1 "
		  "message=bye bytes=12:0300\nreport shutdown ok\n", SHUTS_DOWN, "" },
		{ SHUTDOWN "expect shutdown status ok timeout=61\n", SHUTS_DOWN,
		  ":5: expected timeout=61, came timeout=60" },
		{ SHUTDOWN, SHUTS_DOWN, "an answer of shutdown that no step expects: status ok" },
		{ SHUTDOWN, GOOD, ":1: an opening of shutdown did not come" },
		{ "guest stop\n", GOOD, ":1: there is no guest's program" },
		{ "guest continue\n", GOOD, ":1: there is no guest's program" },
		{ AGREE "repeat 2 as n every 300\nsend heartbeat beat sequence={n}\n"
		  "expect heartbeat status ok sequence={n+1}\nend\n", GOOD, "" },
		{ "wait 1\nrepeat 3 every 20\nwait 60\nend\n", GOOD, ":3: a turn took " },
		{ "disable heartbeat\nwait 1\nreport heartbeat disabled\n", GOOD, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *why = play(rows[i].text, rows[i].manner);

		if (!*rows[i].why)
			assert_string_equal(why, "");
		else if (!strstr(why, rows[i].why))
			fail_msg("row %zu: \"%s\" is not in \"%s\"", i, rows[i].why, why);
	}
}

static void test_expected_violation_passes(void **state)
{
	(void)state;
	assert_string_equal(play("open heartbeat\nnegotiate heartbeat\n"
				 "expect heartbeat answered 3.0 3.0\n"
				 "expect heartbeat violation \"flags are 7\"\n", WRONG_FLAGS), "");
	assert_non_null(strstr(play("open heartbeat\nnegotiate heartbeat\n"
				    "expect heartbeat answered 3.0 3.0\n"
				    "expect heartbeat violation \"padding\" within 10\n",
				    WRONG_FLAGS), ":4: the violation of heartbeat did not come"));
}

/* --- wrong files --- */

/* A guest that is slow gets more time for what it has to do; the host waits no longer. */
static void test_slow_guests_get_more_time(void **state)
{
	static const struct {
		const char *text;
		unsigned slow;
		const char *why;
	} rows[] = {
		{ "open heartbeat\nnegotiate heartbeat\nexpect heartbeat answered 3.0 3.0 within 20\n", 1,
		  ":3: an answer of heartbeat did not come" },
		{ "open heartbeat\nnegotiate heartbeat\nexpect heartbeat answered 3.0 3.0 within 20\n",
		  20, "" },
		{ AGREE "send heartbeat beat\nexpect heartbeat status ok all within 20\n", 20, "" },
		{ AGREE "repeat 2 every 30\nsend heartbeat beat\nexpect heartbeat status ok\nend\n", 1,
		  " longer than 30 ms" },
		{ AGREE "repeat 2 every 30\nsend heartbeat beat\nexpect heartbeat status ok\nend\n", 20,
		  "" },
		/* Waits are the host's own. */
		{ "open heartbeat\nnegotiate heartbeat\nexpect heartbeat silence for 20\n", 20, "" },
		{ "timeout 30\nopen heartbeat\nnegotiate heartbeat\nwait 50\n"
		  "report heartbeat no-contact\nexpect heartbeat answered 3.0 3.0\n", 20, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *why = play_slowly(rows[i].text, LATE, rows[i].slow);

		if (rows[i].why[0] ? !strstr(why, rows[i].why) : *why)
			fail_msg("row %zu: \"%s\" is not in \"%s\"", i, rows[i].why, why);
	}
}

static void test_wrong_files_are_explained(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "# nothing\n\n", ": expected at least one step" },
		{ "title\nwait 1\n", ":1: expected title \"TEXT\"" },
		{ "title \"a\nwait 1\n", ":1: expected a second double quote" },
		{ "release 1999\nwait 1\n", ":1: expected release and a key" },
		{ "offer kvp message 3.0\nwait 1\n", ":1: expected offer COMPONENT framework" },
		{ "offer kvp framework 1.0 message\nwait 1\n", ":1: expected offer COMPONENT" },
		{ "offer kvp framework 1.0 message 3.x\nwait 1\n", ":1: expected offer COMPONENT" },
		{ "offer kvp framework 1.0*129 message 3.0\nwait 1\n", ":1: expected offer" },
		{ "disable nothing\nwait 1\n", ":1: expected disable COMPONENT" },
		{ "argument\nwait 1\n", ":1: expected argument \"TEXT\"" },
		{ "fault nonsense\nwait 1\n", "there are: drop delay" },
		{ "fault delay=x\nwait 1\n", "expected a number, not \"x\"" },
		{ "fault drop:xyz\nwait 1\n", "unknown component \"xyz\"" },
		/* What acts in `run` only would do nothing here. */
		{ "title x\nfault storm\nwait 1\n",
		  ":2: expected repeat N, negotiate COMPONENT, end: the fault storm acts in `run`" },
		{ "fault renegotiate:kvp=2\nwait 1\n", ":1: expected negotiate COMPONENT: the fault" },
		{ "fault rescind\nwait 1\n", ":1: expected rescind COMPONENT, reoffer" },
		{ "fault fill-ring:vss\nwait 1\n", ":1: expected fill COMPONENT OPERATION: the" },
		{ "fault corrupt-index\nwait 1\n", ":1: expected fault corrupt-index as a step" },
		{ "timeout soon\nwait 1\n", ":1: expected timeout MILLISECONDS" },
		{ "ring-size 4096\nwait 1\n", ":1: expected ring-size BYTES" },
		{ "ring-size 10000\nwait 1\n", ":1: expected ring-size BYTES" },
		{ "record 5 key value\nwait 1\n", ":1: expected record POOL KEY VALUE" },
		{ "record 0 key\nwait 1\n", ":1: expected record POOL KEY VALUE" },
		{ "wait 1\ntitle x\n", ":2: expected header lines before the first step" },
		{ "wait 1\nconfig x\n", ":2: expected config lines before the first step" },
	};
	char why[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scenario *s = scenario_from(rows[i].text, why, sizeof(why));

		if (s || !strstr(why, rows[i].why))
			fail_msg("row %zu: \"%s\" is not in \"%s\"", i, rows[i].why, why);
	}
}

static void test_empty_file_is_explained(void **state)
{
	char why[1024];

	(void)state;
	assert_null(scenario_from("", why, sizeof(why)));
	assert_null(strstr(why, ":0:"));
	assert_non_null(strstr(why, ": expected at least one step"));
}

static void test_wrong_steps_are_explained(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "dance\n", ":1: expected a step, not \"dance\": open, negotiate" },
		{ "dance\n", "pool, guest, repeat, end" },
		{ "open\n", ":1: expected a component: guest-service, heartbeat, kvp, shutdown, "
			    "timesync, vss" },
		{ "open hartbeat\n", ":1: expected a component, not \"hartbeat\": guest-service, h" },
		{ "expect hartbeat closed\n", ":1: expected a component, not \"hartbeat\": guest" },
		{ "open kvp now\n", ":1: expected open COMPONENT [within MS]" },
		{ "open kvp within\n", ":1: expected open COMPONENT [within MS]" },
		{ "negotiate kvp framework\n", ":1: expected negotiate COMPONENT" },
		{ "negotiate kvp counts 1\n", ":1: expected negotiate COMPONENT" },
		{ "negotiate kvp colour=red\n", ":1: the headers have no field \"colour\"; "
						"there are pipe-flags, pipe-size, header-framework, "
						"type, header-message, icmsgsize, status, "
						"transaction, icflags, reserved" },
		{ "send kvp\n", ":1: expected an operation of kvp: get, set, delete, enumerate, "
				"get-ip, set-ip, raw" },
		{ "send shutdown beat\n", ":1: expected an operation of shutdown, not \"beat\": "
					  "request, raw" },
		{ "send vss freeze\n", ":1: expected an operation of vss, not \"freeze\": raw" },
		{ "send shutdown request pool=1\n", ":1: shutdown request has no field \"pool\"; "
						    "there are reason, timeout, flags, message" },
		{ "send heartbeat beat foo=1\n",
		  ":1: heartbeat beat has no field \"foo\"; there are sequence, state" },
		{ "send timesync raw parent=1\n", ":1: the headers have no field \"parent\"" },
		{ "send timesync step\n", ":1: expected an operation of timesync, not \"step\": "
					  "probe, sync, sample, raw" },
		{ "send kvp set pool=256\n", ":1: expected a value of its kind for pool=256" },
		{ "send kvp set pool\n", ":1: expected FIELD=VALUE, not \"pool\"" },
		{ "send kvp set key=\\q\n", ":1: expected a value of its kind" },
		{ "send kvp set version=x\n", ":1: expected version=MAJOR.MINOR" },
		{ "send kvp set body-length=99999\n", ":1: expected a value of its kind" },
		{ "send kvp set patch=1:zz\n", ":1: expected a value of its kind" },
		{ "expect kvp\n", ":1: expected answered, counts, status" },
		{ "expect kvp answered 3.0\n", ":1: expected answered FRAMEWORK MESSAGE" },
		{ "expect kvp status maybe\n", ":1: expected status ok, fail" },
		{ "expect kvp status ok|maybe\n", ":1: expected status ok, fail" },
		{ "expect kvp status ok|\n", ":1: expected status ok, fail" },
		{ "expect kvp status ok within\n", ":1: expected within MILLISECONDS" },
		{ "expect kvp status ok soon\n", ":1: expected FIELD=VALUE" },
		{ "expect kvp silence\n", ":1: expected silence for MS" },
		{ "expect kvp violation\n", ":1: expected violation \"TEXT\"" },
		{ "report kvp great\n", ":1: expected report COMPONENT ok" },
		{ "wait\n", ":1: expected wait MILLISECONDS" },
		{ "wait 1\nfault drop\n", ":2: expected fault NAME" },
		{ "wait 1\nfault dorp on\n", ":2: expected a fault: unknown fault \"dorp\"" },
		{ "wait 1\nfault storm:kvp=3 on\n", ":2: expected repeat N, negotiate COMPONENT" },
		{ "wait 1\nfault rescind off\n", ":2: expected rescind COMPONENT, reoffer" },
		{ "repeat 2\nwait 1\n", ":1: expected an end to this repeat" },
		{ "wait 1\nend\n", ":2: expected a repeat before this end" },
		{ "repeat many\nend\n", ":1: expected repeat TIMES" },
		{ "repeat 2 as\nwait 1\nend\n", ":1: expected repeat TIMES" },
		{ "repeat 2 every\nwait 1\nend\n", ":1: expected repeat TIMES" },
		{ "repeat 2 every 5 as n\nwait 1\nend\n", ":1: expected repeat TIMES" },
		{ "guest\n", ":1: expected guest stop, continue or reload [LINE...]" },
		{ "guest dance\n", ":1: expected guest stop, continue or reload [LINE...]" },
		{ "repeat 2\nwait x\nend\n", ":2: expected wait MILLISECONDS" },
	};
	char why[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scenario *s = scenario_from(rows[i].text, why, sizeof(why));

		assert_non_null(s);
		if (play_check(s, why, sizeof(why)) != -EINVAL || !strstr(why, rows[i].why))
			fail_msg("row %zu: \"%s\" is not in \"%s\"", i, rows[i].why, why);
		(void)scenario_free(s);
	}
}

static void test_header_is_kept(void **state)
{
	static const char text[] = "title \"A  # title\" # remark\n"
				   "release 2012r2\n"
				   "offer timesync framework 3.0*2 1.0 message none\n"
				   "config [KVP] # kept\n"
				   "  config\n"
				   "argument \"--a b\"\n"
				   "fault delay:kvp=7\n"
				   "record 3 \"a key\" value\n"
				   "timeout 5\n"
				   "ring-size 8192\n"
				   "open kvp\n"
				   "send kvp set key=\"a b\" value=\"say \\\"x\\\"\"\n";
	char why[1024];
	struct scenario *s = scenario_from(text, why, sizeof(why));
	const struct release_offer *o;

	(void)state;
	assert_non_null(s);
	assert_string_equal(s->title, "A  # title");
	assert_string_equal(s->release.key, "2012r2");
	o = &s->release.component[COMPONENT_TIMESYNC];
	assert_int_equal(o->framework.n, 3);
	assert_int_equal(o->framework.v[1].major, 3);
	assert_int_equal(o->framework.v[2].major, 1);
	assert_int_equal(o->message.n, 0);
	assert_string_equal(s->config, "[KVP] # kept\n\n");
	assert_int_equal(s->n_arguments, 1);
	assert_string_equal(s->arguments[0], "--a b");
	assert_true(s->faults.on[COMPONENT_KVP][FAULT_DELAY]);
	assert_false(s->faults.on[COMPONENT_VSS][FAULT_DELAY]);
	assert_int_equal(s->faults.value[COMPONENT_KVP][FAULT_DELAY], 7);
	assert_int_equal(s->timeout_ms, 5);
	assert_int_equal(s->ring_size, 8192);
	assert_int_equal(s->n_steps, 2);
	assert_int_equal(s->steps[1].number, 12);
	assert_int_equal(s->n_records, 1);
	assert_int_equal(s->records[0].pool, 3);
	assert_string_equal(s->records[0].key, "a key");
	assert_string_equal(s->records[0].value, "value");
	assert_int_equal(s->steps[1].n, 5);
	assert_string_equal(s->steps[1].word[3], "key=a b");
	assert_string_equal(s->steps[1].word[4], "value=say \"x\"");
	(void)scenario_free(s);
}

/* --- words --- */

static void test_placeholders(void **state)
{
	static const struct {
		const char *word, *result;
	} rows[] = {
		{ "{i}", "5" },           { "a{i}b{j}", "a5b70" },  { "{i+3}", "8" },
		{ "{i*2+1}", "11" },      { "{i-6}", "18446744073709551615" },
		{ "{dir}/x", "/here/x" }, { "{unknown}", "{unknown}" }, { "{i", "{i" },
		{ "{i+}", "{i+}" },       { "\\u{41}", "\\u{41}" }, { "{}", "{}" },
		{ "\\w{D800}", "\\w{D800}" }, { "{ring-8}", "12280" },
	};
	struct words_variables v;

	(void)state;
	words_init(&v);
	v.dir = "/here";
	v.ring = 12288;
	words_set_variable(&v, 0, "i", 5);
	words_set_variable(&v, 1, "j", 70);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *words[] = { (char *)rows[i].word, NULL };
		char **result = words_expand(words, &v);

		assert_non_null(result);
		assert_string_equal(result[0], rows[i].result);
		assert_null(result[1]);
		words_freep(&result);
	}
}

/* The headers' names stand in two files. */
static void test_header_names_are_fields(void **state)
{
	size_t base;

	(void)state;
	for (const char *const *name = words_header_names; *name; name++)
		assert_non_null(wire_field_find(NULL, *name, &base));
}

/* --- whole files, with a program for a guest --- */

/* What the run of one file prints to stdout; the result in ret. */
static char *run_whole(const char *text, char *const *guest, unsigned slow, int *ret)
{
	char path[] = "/tmp/vmichost-test-XXXXXX", *files[] = { path }, *output;
	int fd = mkstemp(path), ours = dup(1);
	FILE *f = tmpfile();
	long size;

	assert_true(fd >= 0 && ours >= 0 && f);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
	(void)fflush(stdout);
	assert_int_equal(dup2(fileno(f), 1), 1);
	*ret = scenario_run_files(&(struct scenario_options){ .files = files,
							      .n_files = 1,
							      .guest = guest,
							      .slow = slow });
	(void)fflush(stdout);
	assert_int_equal(dup2(ours, 1), 1);
	assert_int_equal(close(ours), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	rewind(f);
	output = calloc(1, (size_t)size + 1);
	assert_non_null(output);
	assert_int_equal(fread(output, 1, (size_t)size, f), size);
	assert_int_equal(fclose(f), 0);
	return output;
}

#define SHELL(script) { "/bin/sh", "-c", script, NULL }
/* A guest that opens nothing, and ends when it is asked to. */
/* And one that says what its drop-ins hold when it is told to. */
#define HANGS_UP "trap 'echo hup $(cat $0.d/*) end' HUP; " IDLE
#define IDLE "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done"

static void test_runs_of_whole_files(void **state)
{
	static const struct {
		const char *text;
		const char *const guest[6];
		int result;
		const char *printed, *not_printed;
		unsigned slow;
	} rows[] = {
		{ "log ready\nlog e at-most 0\n", SHELL(IDLE), 1,
		  ":2: the guest's log says \"e\" in 1 lines", "1 passed", 3 },
		{ "log ready\nlog e at-most 1\n", SHELL("echo me; echo end; " IDLE), 1,
		  ":2: the guest's log says \"e\" in 3 lines", "1 passed", 1 },
		{ "log ready\nlog e at-most 1\n", SHELL("echo me; echo end; " IDLE), 0, "1 passed",
		  "FAILED", 3 },
		{ "log ready\nwait 1\n", SHELL(IDLE), 0, "1 passed, 0 failed, 0 skipped", "guest:", 0 },
		/* The reason and the log stand below the line that they belong to. */
		{ "title some\nwait 1000\n", SHELL("echo goodbye; exit 3"), 1,
		  ": some\n       /tmp/vmichost-test-", "lost", 0 },
		{ "wait 1000\n", SHELL("echo goodbye; exit 3"), 1,
		  ":1: the guest's program ended (its program ended with status 3)\n"
		  "    guest: goodbye\n0 passed, 1 failed", "lost", 0 },
		{ "config [KVP]\nwait 1\n", SHELL(IDLE), 1,
		  ": has config lines, and no argument of the guest has {config}\n", "ready", 0 },
		{ "config [KVP]\nlog ready\n", { "/bin/sh", "-c", IDLE, "{config}", NULL }, 0,
		  "1 passed", "FAILED", 0 },
		{ "config [KVP]\nargument --c={config}\nlog ready\n", SHELL(IDLE), 0, "1 passed",
		  "FAILED", 0 },
		{ "log ready\nguest stop\nguest continue\nwait 1\n", SHELL(IDLE), 0, "1 passed",
		  "FAILED", 0 },
		{ "log ready\nguest reload [A] \"B=c d\"\nlog \"hup [A] B=c d end\"\nguest reload\n"
		  "log \"hup end\"\n", { "/bin/sh", "-c", HANGS_UP, "{config}", NULL }, 0, "1 passed",
		  "FAILED", 0 },
		/* A guest that stands still must be let go on, or it never ends. */
		{ "log ready\nguest stop\nwait 1\n", SHELL(IDLE), 0, "1 passed", "SIGTERM", 0 },
		{ "log ready\nguest stop\nopen kvp within 1\n", SHELL(IDLE), 1,
		  ":3: an opening of kvp did not come", "program ended", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int result;
		char *output = run_whole(rows[i].text, (char *const *)rows[i].guest, rows[i].slow,
					 &result);

		if (result != rows[i].result || !strstr(output, rows[i].printed) ||
		    strstr(output, rows[i].not_printed))
			fail_msg("row %zu: result %d, \"%s\"", i, result, output);
		free(output);
	}
}

static void test_faults_by_name(void **state)
{
	struct fault_set set = { 0 };
	char why[512];

	(void)state;
	for (int i = 0; i < FAULT_MAX; i++) {
		assert_non_null(fault_table[i].name);
		assert_int_equal(fault_set_add(&set, fault_table[i].name, why, sizeof(why)), 0);
		for (int c = 0; c < COMPONENT_MAX; c++) {
			assert_true(set.on[c][i]);
			assert_int_equal(set.value[c][i], fault_table[i].preset);
		}
		assert_int_equal(fault_set_remove(&set, fault_table[i].name, why, sizeof(why)), 0);
	}
	assert_int_equal(fault_set_add(&set, "corrupt-index:vss=0x10", why, sizeof(why)), 0);
	assert_int_equal(set.value[COMPONENT_VSS][FAULT_CORRUPT_INDEX], 16);
	assert_false(set.on[COMPONENT_KVP][FAULT_CORRUPT_INDEX]);
	assert_int_equal(fault_set_add(&set, "never-read=1", why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "takes no number"));
	assert_false(set.on[COMPONENT_VSS][FAULT_NEVER_READ]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plays),
		cmocka_unit_test(test_expected_violation_passes),
		cmocka_unit_test(test_slow_guests_get_more_time),
		cmocka_unit_test(test_wrong_files_are_explained),
		cmocka_unit_test(test_empty_file_is_explained),
		cmocka_unit_test(test_wrong_steps_are_explained),
		cmocka_unit_test(test_header_is_kept),
		cmocka_unit_test(test_placeholders),
		cmocka_unit_test(test_faults_by_name),
		cmocka_unit_test(test_header_names_are_fields),
		cmocka_unit_test(test_runs_of_whole_files),
	};

	return cmocka_run_group_tests_name("host_scenario", tests, NULL, NULL);
}
