/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/exercise.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/host/version.h"

/* A pool that goes on for longer than this is not one. Twice the convention of 1024 records. */
#define ENUMERATE_MAX 2048

/* No component is known to have come further than 5. */
#define MAJOR_MAX 9

/* 100 ns from 1601 to 1970. */
#define EPOCH_1601 UINT64_C(116444736000000000)

enum repeat {
	ONCE,
	UNTIL_NO_MORE, /* with index 0, 1, ... */
	EVERY_BEAT,    /* for ever; the component counts as tried after the first */
	AT_LAST,       /* once, some time after all other components have been tried */
};

enum learn {
	NOTHING,
	INTRINSIC, /* keep key and value for the report */
	WAS_SET,   /* whether the guest took the test's key */
	READ_BACK, /* if it did, the key must be among them */
	CLOCK,     /* the time was taken */
	SHUTDOWN,  /* what it says to being shut down */
};

struct step {
	const char *operation;
	const char *field[4]; /* "name=value"; {index}, {vm-name}, {vm-id}, {mac}, {now}, {ticks}, {beat} */
	enum repeat repeat;
	enum learn learn;
	bool needs_mac;
};

static const struct step heartbeat_steps[] = {
	{ .operation = "beat", .field = { "sequence={beat}" }, .repeat = EVERY_BEAT },
	{ .operation = NULL },
};

/* OpenVMM: first a SYNC, then samples. What a version does not have is left out. */
static const struct step timesync_steps[] = {
	{ .operation = "sync", .field = { "parent={now}", "reference={ticks}" } },
	{ .operation = "sample", .field = { "parent={now}", "reference={ticks}" }, .learn = CLOCK },
	{ .operation = NULL },
};

#define TEST_KEY "vmichost.test"
#define HOST_ITEM(key, value) \
	{ .operation = "set", .field = { "pool=3", "key=" key, "value=" value } }

/* The sixteen items are those of a real host's listing; their values are this host's. */
static const struct step kvp_steps[] = {
	HOST_ITEM("HostName", "vmichost"),
	HOST_ITEM("HostingSystemEditionId", "8"),
	HOST_ITEM("HostingSystemNestedLevel", "0"),
	HOST_ITEM("HostingSystemOsMajor", "10"),
	HOST_ITEM("HostingSystemOsMinor", "0"),
	HOST_ITEM("HostingSystemProcessorArchitecture", "9"),
	HOST_ITEM("HostingSystemProcessorIdleStateMax", "0"),
	HOST_ITEM("HostingSystemProcessorThrottleMax", "100"),
	HOST_ITEM("HostingSystemProcessorThrottleMin", "100"),
	HOST_ITEM("HostingSystemSpMajor", "0"),
	HOST_ITEM("HostingSystemSpMinor", "0"),
	HOST_ITEM("PhysicalHostName", "vmichost"),
	HOST_ITEM("PhysicalHostNameFullyQualified", "vmichost.example"),
	HOST_ITEM("VirtualMachineDynamicMemoryBalancingEnabled", "0"),
	HOST_ITEM("VirtualMachineId", "{vm-id}"),
	HOST_ITEM("VirtualMachineName", "{vm-name}"),
	{ .operation = "set",
	  .field = { "pool=0", "key=" TEST_KEY, "value=\\u{1F600} ok" },
	  .learn = WAS_SET },
	{ .operation = "enumerate",
	  .field = { "pool=0", "index={index}" },
	  .repeat = UNTIL_NO_MORE,
	  .learn = READ_BACK },
	{ .operation = "delete", .field = { "pool=0", "key=" TEST_KEY } },
	{ .operation = "enumerate", .field = { "pool=1", "index={index}" }, .repeat = UNTIL_NO_MORE },
	{ .operation = "enumerate",
	  .field = { "pool=2", "index={index}" },
	  .repeat = UNTIL_NO_MORE,
	  .learn = INTRINSIC },
	{ .operation = "enumerate", .field = { "pool=3", "index={index}" }, .repeat = UNTIL_NO_MORE },
	{ .operation = "get-ip", .field = { "adapter={mac}" }, .needs_mac = true },
	{ .operation = NULL },
};

static const struct step shutdown_steps[] = {
	{ .operation = "request",
	  .field = { "message=vmichost asks for a shutdown" },
	  .repeat = AT_LAST,
	  .learn = SHUTDOWN },
	{ .operation = NULL },
};

/* Components without steps are only negotiated. */
static const struct step no_steps[] = { { .operation = NULL } };

static const struct step *const steps_of[COMPONENT_MAX] = {
	[COMPONENT_GUEST_SERVICE] = no_steps,
	[COMPONENT_HEARTBEAT] = heartbeat_steps,
	[COMPONENT_KVP] = kvp_steps,
	[COMPONENT_SHUTDOWN] = shutdown_steps,
	[COMPONENT_TIMESYNC] = timesync_steps,
	[COMPONENT_VSS] = no_steps,
};

struct progress {
	struct exercise *exercise;
	struct channel *channel;
	const struct step *step;
	unsigned index; /* of an enumeration */
	bool was_set, read_back; /* the test's key was taken; was seen */
	bool busy;      /* a request of a step is out */
	bool done;
	uint64_t beat;
	unsigned answers, rescinds;
	bool stormed, filled, corrupted;
	sd_event_source *beat_timer, *rescind_source;
};

struct exercise {
	sd_event *event;
	const struct exercise_options *options;
	const struct exercise_events *events;
	void *user;
	struct session *session;
	struct progress progress[COMPONENT_MAX];
	bool joined;    /* a guest has, ever */
	bool last_over; /* what comes at last was sent, or cannot be, or nobody asked for it */
	sd_event_source *last_timer;
};

static const struct step *steps_for(const struct exercise *e, enum component c)
{
	return e->last_over && steps_of[c]->repeat == AT_LAST ? no_steps : steps_of[c];
}

/* --- one request of a step --- */

static uint64_t clock_ticks(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 10000000 + (uint64_t)t.tv_nsec / 100;
}

/* The value with its one placeholder filled in. */
static void expand(const struct progress *p, const char *value, char *ret, size_t size)
{
	const struct exercise *e = p->exercise;
	char number[32];
	const struct {
		const char *name, *text;
		bool is_number;
		uint64_t number;
	} words[] = {
		{ "{index}", NULL, true, p->index },
		{ "{beat}", NULL, true, p->beat },
		{ "{now}", NULL, true, clock_ticks() + EPOCH_1601 },
		{ "{ticks}", NULL, true, session_reference_time(e->session) },
		{ "{vm-name}", e->session->facts.vm_name, false, 0 },
		{ "{vm-id}", e->session->facts.vm_id, false, 0 },
		{ "{mac}", e->options->mac ? e->options->mac : "", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i].name, value) != 0)
			continue;
		snprintf(number, sizeof(number), "%llu", (unsigned long long)words[i].number);
		snprintf(ret, size, "%s", words[i].is_number ? number : words[i].text);
		return;
	}
	snprintf(ret, size, "%s", value);
}

/* Whether this field is one of the operation's other forms; a misspelt one is none's. */
static bool field_is_elsewhere(const struct wire_operation *op, const char *name)
{
	size_t base;

	for (uint16_t major = 0; major <= MAJOR_MAX; major++)
		if (wire_field_find(wire_operation_find(op->component, op->name, major), name,
				    &base))
			return true;
	return false;
}

static void fill_in(const struct progress *p, const struct wire_operation *op, struct message *m)
{
	for (size_t i = 0; i < ARRAY_LEN(p->step->field) && p->step->field[i]; i++) {
		const char *field = p->step->field[i], *equals = strchr(field, '=');
		char name[32], value[512];
		int r;

		snprintf(name, sizeof(name), "%.*s", (int)(equals - field), field);
		expand(p, equals + 1, value, sizeof(value));
		/* A form without the field (time sync before 4.0 has no reference) goes without. */
		r = wire_set(m, op, name, value);
		assert(r != -ENOENT || field_is_elsewhere(op, name));
		if (r < 0 && r != -ENOENT)
			fprintf(stderr, "vmichost: \"%s\" is no value for %s of %s: %s\n", value,
				name, op->name, strerror(-r));
	}
}

static void build(const struct progress *p, struct message *m, const struct wire_operation **ret)
{
	struct version_pair v = p->channel->facts->answered;

	*ret = wire_operation_find(p->channel->component, p->step->operation, v.message.major);
	wire_request(m, *ret, v);
	fill_in(p, *ret, m);
}

static void message_freep(struct message **m)
{
	free(*m);
}

static void look_for_last(struct exercise *e);

static void changed(struct exercise *e)
{
	look_for_last(e);
	e->events->changed(e->user);
}

static void say_changed(struct progress *p)
{
	changed(p->exercise);
}

static void finish(struct progress *p)
{
	p->done = true;
	say_changed(p);
}

/* All of them are out before the guest is signalled; the answer to the last moves on. */
static void send_requests(struct progress *p, struct message *m)
{
	unsigned n = p->step->repeat == EVERY_BEAT ? p->exercise->options->heartbeat_burst : 1;
	const struct wire_operation *op;

	channel_hold_signal(p->channel);
	for (unsigned i = 0; i == 0 || i < n; i++) {
		p->beat += i ? 2 : 0; /* the guest answers the number in between */
		build(p, m, &op);
		p->busy = channel_request(p->channel, m, op) >= 0;
	}
	channel_release_signal(p->channel);
}

static void send_step(struct progress *p)
{
	_cleanup_(message_freep) struct message *m = malloc(sizeof(*m));

	while (p->step->operation && p->step->needs_mac && !p->exercise->options->mac)
		p->step++;
	if (!p->step->operation || !m) {
		finish(p);
		return;
	}
	send_requests(p, m);
}

static int on_beat(sd_event_source *source, uint64_t usec, void *user)
{
	struct progress *p = user;

	(void)source;
	(void)usec;
	send_step(p);
	return 0;
}

static void wait_for_beat(struct progress *p)
{
	p->beat_timer = sd_event_source_disable_unref(p->beat_timer);
	(void)sd_event_add_time_relative(p->exercise->event, &p->beat_timer, CLOCK_MONOTONIC,
					 p->exercise->options->heartbeat_ms * UINT64_C(1000), 1000,
					 on_beat, p);
}

/* --- what an answer teaches --- */

static void learn_intrinsic(struct progress *p, const struct answer *a)
{
	struct guest_facts *f = &p->exercise->session->facts;

	if (p->index == 0)
		f->n_intrinsic = 0; /* it is asked again */
	if (f->n_intrinsic >= FACTS_INTRINSIC_MAX || a->status != WIRE_STATUS_OK)
		return;
	if (wire_get(a->op, a->payload, a->len, "key", 0, f->intrinsic[f->n_intrinsic].key,
		     sizeof(f->intrinsic[0].key)) == 0 &&
	    wire_get(a->op, a->payload, a->len, "value", 0, f->intrinsic[f->n_intrinsic].value,
		     sizeof(f->intrinsic[0].value)) == 0)
		f->n_intrinsic++;
}

static void learn_read_back(struct progress *p, const struct answer *a)
{
	char key[1024];

	if (a->status == WIRE_STATUS_OK &&
	    wire_get(a->op, a->payload, a->len, "key", 0, key, sizeof(key)) == 0 &&
	    strcmp(key, TEST_KEY) == 0)
		p->read_back = true;
	if (a->status == WIRE_STATUS_NO_MORE && p->was_set && !p->read_back)
		channel_violated(p->channel, "a key that was set is not in its pool");
}

static void learn(struct progress *p, const struct answer *a)
{
	switch (p->step->learn) {
	case NOTHING:
		break;
	case INTRINSIC:
		learn_intrinsic(p, a);
		break;
	case WAS_SET:
		p->was_set = a->status == WIRE_STATUS_OK;
		break;
	case READ_BACK:
		learn_read_back(p, a);
		break;
	case CLOCK:
		p->exercise->session->facts.clock_answered = a->status == WIRE_STATUS_OK;
		break;
	case SHUTDOWN:
		p->exercise->session->facts.shutdown = SHUTDOWN_ANSWERED;
		p->exercise->session->facts.shutdown_status = a->status;
		break;
	}
}

/* To what comes after this answer: the same step with the next index, or the one after it. */
static void move_on(struct progress *p, const struct answer *a)
{
	learn(p, a);
	if (p->step->repeat == EVERY_BEAT) {
		p->beat += 2; /* the guest has answered the number in between */
		if (!p->done)
			finish(p);
		return;
	}
	if (p->step->repeat == UNTIL_NO_MORE && a->status == WIRE_STATUS_OK) {
		if (++p->index < ENUMERATE_MAX)
			return;
		channel_violated(p->channel, "an enumeration has no end");
	}
	p->index = 0;
	p->step++;
	say_changed(p);
}

static void ask_next(struct progress *p)
{
	if (p->step->operation && p->step->repeat == EVERY_BEAT && p->done)
		wait_for_beat(p);
	else if (p->step->repeat == AT_LAST && p->exercise->last_over)
		finish(p); /* it was sent, and a negotiation has overtaken the answer */
	else if (p->step->repeat == AT_LAST)
		say_changed(p); /* it may be the only one that is open */
	else if (!p->done)
		send_step(p);
}

/* What the judge calls a common version: one that was not offered is none. */
static bool is_agreed(const struct progress *p)
{
	const struct component_facts *f = p->channel->facts;

	return f->contact == CONTACT_AGREED && !f->answered_unoffered;
}

/* --- what comes at last --- */

/* Whether at least one component is open, and each that is open has been tried. */
static bool all_is_tried(const struct exercise *e, bool but_at_last)
{
	bool any = false;

	for (int i = 0; i < COMPONENT_MAX; i++) {
		const struct progress *p = &e->progress[i];
		const struct fault_set *f = &e->session->faults;
		bool waits = but_at_last && p->step->operation && p->step->repeat == AT_LAST &&
			     is_agreed(p);

		if (f->on[i][FAULT_RESCIND] && p->rescinds && !p->channel->open && !p->done)
			return false; /* on its way back */
		if (p->corrupted && !p->channel->open && !p->done)
			return false; /* it is opened again, which is what this fault is for */
		if (!p->channel->open)
			continue;
		if (!p->done && !waits)
			return false;
		any = true;
	}
	return any;
}

static int on_last_due(sd_event_source *source, uint64_t usec, void *user)
{
	struct exercise *e = user;
	struct progress *p = &e->progress[COMPONENT_SHUTDOWN];
	struct guest_facts *f = &e->session->facts;

	(void)source;
	(void)usec;
	e->last_timer = sd_event_source_disable_unref(e->last_timer);
	if (!all_is_tried(e, true))
		return 0;
	f->shutdown = SHUTDOWN_NOT_AGREED;
	if (p->channel->open && is_agreed(p)) {
		f->shutdown = SHUTDOWN_UNANSWERED;
		send_step(p);
	}
	e->last_over = true;
	changed(e);
	return 0;
}

/* Everything that is learned may be the last that was waited for. */
static void look_for_last(struct exercise *e)
{
	if (e->last_over || e->last_timer || !all_is_tried(e, true))
		return;
	(void)sd_event_add_time_relative(e->event, &e->last_timer, CLOCK_MONOTONIC,
					 e->options->shutdown_ms * UINT64_C(1000), 1000,
					 on_last_due, e);
}

/* --- the faults of the conversation's course --- */

static bool fault_is_on(const struct progress *p, enum fault fault, uint64_t *ret_value)
{
	const struct fault_set *f = &p->exercise->session->faults;

	*ret_value = f->value[p->channel->component][fault];
	return f->on[p->channel->component][fault];
}

static void start_storm(struct progress *p)
{
	uint64_t n;

	if (p->stormed || !fault_is_on(p, FAULT_STORM, &n))
		return;
	p->stormed = true;
	for (uint64_t i = 1; i < n && p->channel->open; i++)
		(void)session_negotiate(p->exercise->session, p->channel);
}

static void fill_ring(struct progress *p)
{
	_cleanup_(message_freep) struct message *m = malloc(sizeof(*m));
	const struct wire_operation *op;
	uint64_t n;

	if (p->filled || !m || !p->step->operation || p->step->repeat == AT_LAST ||
	    !fault_is_on(p, FAULT_FILL_RING, &n))
		return;
	p->filled = true;
	build(p, m, &op);
	(void)channel_fill(p->channel, m, op);
}

/* Whether the answer is followed by a negotiation instead of the next request. */
static bool renegotiate(struct progress *p)
{
	uint64_t every;

	if (!fault_is_on(p, FAULT_RENEGOTIATE, &every) || !every || ++p->answers % every)
		return false;
	return session_negotiate(p->exercise->session, p->channel) >= 0;
}

static int on_rescind_due(sd_event_source *source, void *user)
{
	struct progress *p = user;

	(void)source;
	(void)session_rescind(p->exercise->session, p->channel);
	return 0;
}

/* Not from inside the channel's own call: the rescind takes its memory away. */
static bool rescind_later(struct progress *p)
{
	uint64_t times;

	if (!fault_is_on(p, FAULT_RESCIND, &times) || p->rescinds >= times)
		return false;
	p->rescinds++;
	p->done = false;
	p->rescind_source = sd_event_source_disable_unref(p->rescind_source);
	return sd_event_add_defer(p->exercise->event, &p->rescind_source, on_rescind_due, p) >= 0;
}

/* --- from the session --- */

/* Each guest is tried from the beginning, whatever another has brought. */
static void start_anew(struct exercise *e)
{
	e->last_timer = sd_event_source_disable_unref(e->last_timer);
	e->last_over = !e->options->shutdown_ms;
	for (int i = 0; i < COMPONENT_MAX; i++) {
		struct progress *p = &e->progress[i];

		p->beat_timer = sd_event_source_disable_unref(p->beat_timer);
		p->rescind_source = sd_event_source_disable_unref(p->rescind_source);
		*p = (struct progress){ .exercise = e,
					.channel = &e->session->channel[i],
					.step = steps_for(e, (enum component)i) };
	}
}

static struct progress *progress_of(struct exercise *e, const struct channel *c)
{
	return &e->progress[c->component];
}

static void on_joined(void *user)
{
	struct exercise *e = user;

	e->joined = true;
	start_anew(e);
	changed(e);
}

static void on_opened(void *user, struct channel *c)
{
	struct exercise *e = user;
	struct progress *p = progress_of(e, c);

	p->step = steps_for(e, c->component);
	p->index = 0;
	p->busy = p->done = p->was_set = p->read_back = p->filled = p->stormed = false;
	(void)session_negotiate(e->session, c);
	start_storm(p);
	say_changed(p);
}

static void on_closed(void *user, struct channel *c)
{
	struct progress *p = progress_of(user, c);

	p->beat_timer = sd_event_source_disable_unref(p->beat_timer);
	p->busy = false;
	say_changed(p);
}

static void on_released(void *user, struct channel *c)
{
	struct exercise *e = user;

	(void)session_offer(e->session, c);
	changed(e);
}

static void after_negotiation(struct progress *p)
{
	uint64_t value;

	say_changed(p);
	if (!is_agreed(p)) {
		finish(p); /* a real host does nothing more until the guest opens it again */
		(void)rescind_later(p);
		return;
	}
	if (!p->corrupted && fault_is_on(p, FAULT_CORRUPT_INDEX, &value)) {
		p->corrupted = true; /* once: how the guest recovers is worth seeing */
		channel_corrupt_index(p->channel, (uint32_t)value);
	}
	fill_ring(p);
	if (!channel_is_busy(p->channel))
		ask_next(p);
	if (p->done)
		(void)rescind_later(p);
}

static void on_answered(void *user, struct channel *c, const struct answer *a)
{
	struct progress *p = progress_of(user, c);

	if (a->negotiation) {
		if (!channel_is_busy(c))
			after_negotiation(p);
		return;
	}
	/* Late ones only show that the guest lives; of many that filled the ring the last counts. */
	if (a->stale || channel_is_busy(c))
		return;
	if (p->busy)
		move_on(p, a);
	p->busy = false;
	if (!renegotiate(p))
		ask_next(p);
	if (p->done)
		(void)rescind_later(p);
}

static void on_timed_out(void *user, struct channel *c)
{
	struct progress *p = progress_of(user, c);

	p->busy = false;
	if (p->step->operation && p->step->repeat == EVERY_BEAT &&
	    p->channel->facts->contact != CONTACT_NONE)
		wait_for_beat(p);
	finish(p);
}

static void on_violated(void *user, struct channel *c, const char *sentence)
{
	struct exercise *e = user;

	(void)c;
	(void)sentence;
	changed(e);
}

static void on_left(void *user)
{
	struct exercise *e = user;

	e->events->left(e->user);
}

static void on_ended(void *user, int result)
{
	struct exercise *e = user;

	if (e->events->ended)
		e->events->ended(e->user, result);
}

static const struct session_events session_events = {
	.joined = on_joined,
	.opened = on_opened,
	.closed = on_closed,
	.released = on_released,
	.answered = on_answered,
	.timed_out = on_timed_out,
	.violated = on_violated,
	.left = on_left,
	.ended = on_ended,
};

/* --- life --- */

const struct guest_facts *exercise_facts(const struct exercise *e)
{
	return session_facts(e->session);
}

void exercise_last_facts(const struct exercise *e, struct guest_facts *ret)
{
	session_last_facts(e->session, ret);
}

bool exercise_was_joined(const struct exercise *e)
{
	return e->joined;
}

bool exercise_is_done(const struct exercise *e)
{
	return e->last_over && all_is_tried(e, false);
}

void exercise_stop(struct exercise *e)
{
	session_stop(e->session);
}

struct exercise *exercise_free(struct exercise *e)
{
	if (!e)
		return NULL;
	for (int i = 0; i < COMPONENT_MAX; i++) {
		struct progress *p = &e->progress[i];

		p->beat_timer = sd_event_source_disable_unref(p->beat_timer);
		p->rescind_source = sd_event_source_disable_unref(p->rescind_source);
	}
	e->last_timer = sd_event_source_disable_unref(e->last_timer);
	e->session = session_free(e->session);
	sd_event_unref(e->event);
	free(e);
	return NULL;
}

static void exercise_freep(struct exercise **e)
{
	(void)exercise_free(*e);
}

int exercise_new(sd_event *event, const struct exercise_options *options,
		 const struct exercise_events *events, void *user, struct exercise **ret)
{
	_cleanup_(exercise_freep) struct exercise *e = NULL;
	int r;

	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->event = sd_event_ref(event);
	e->options = options;
	e->events = events;
	e->user = user;
	r = session_new(event, &options->session, &session_events, e, &e->session);
	if (r < 0)
		return r;
	if (options->faults)
		e->session->faults = *options->faults;
	start_anew(e);
	*ret = TAKE_PTR(e);
	return 0;
}
