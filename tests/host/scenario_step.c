/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/scenario_step.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/judge.h"
#include "tests/host/scenario_expect.h"
#include "tests/host/scenario_machine.h"
#include "tests/host/version.h"

static int step_open(struct play *p, char *const *words)
{
	uint64_t ms = PLAY_WITHIN_MS;
	enum component c;
	int r;

	r = play_take_component(p, &words, &c);
	if (r < 0)
		return r;
	r = words_take_option(&words, "within", 3600000, &ms);
	if (r < 0 || *words)
		return play_expected(p, "open COMPONENT [within MS]");
	if (play_is_dry(p))
		return 0;
	if (!play_await(p, play_is_open, c, ms))
		return play_fail_silent(p, c, "an opening");
	p->variables.ring = play_channel(p, c)->ring.size;
	return 0;
}

static int apply_changes(struct play *p, struct message *m, const struct wire_operation *op,
			 char *const *words)
{
	char why[1024];
	int r;

	for (; *words; words++) {
		r = words_apply(m, op, *words, why, sizeof(why));
		if (r < 0)
			return play_is_dry(p) ? play_wrong(p, why) : play_fail(p, "%s", why);
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
	r = play_take_component(p, &words, &c);
	if (r < 0)
		return r;
	framework = p->s->release.component[c].framework;
	message = p->s->release.component[c].message;
	if (words_take_list(&words, "framework", &framework) < 0 ||
	    words_take_list(&words, "message", &message) < 0 ||
	    words_take_counts(&words, counts, &has_counts) < 0)
		return play_expected(p, "negotiate COMPONENT [framework V...] [message V...] "
				     "[counts A,B] [FIELD=VALUE...]");
	wire_negotiate(m, &framework, &message, has_counts ? counts : NULL);
	r = apply_changes(p, m, NULL, words);
	if (r < 0 || play_is_dry(p))
		return r;
	r = *words ? channel_negotiate_raw(play_channel(p, c), &framework, &message, m) :
		     channel_negotiate(play_channel(p, c), &framework, &message,
				       has_counts ? counts : NULL);
	return r < 0 ? play_fail(p, "cannot negotiate: %s is not open", component_table[c].key) : 0;
}

static int unknown_operation(struct play *p, enum component c, const char *word)
{
	char what[64], list[128];

	snprintf(what, sizeof(what), "an operation of %s", component_table[c].key);
	words_list_operations(c, list, sizeof(list));
	return play_unknown(p, what, word, list);
}

/* "COMPONENT OPERATION [version=V] FIELD=VALUE...", built for the versions agreed. */
static int build_request(struct play *p, char *const *words, struct message *m,
			 enum component *ret_c, const struct wire_operation **ret_op)
{
	struct version_pair v = { { 0, 0 }, { 0, 0 } };
	bool raw;
	int r;

	r = play_take_component(p, &words, ret_c);
	if (r < 0)
		return r;
	if (!*words)
		return unknown_operation(p, *ret_c, NULL);
	raw = strcmp(*words, "raw") == 0;
	if (!play_is_dry(p))
		v = play_channel(p, *ret_c)->facts->answered;
	if (words[1] && strncmp(words[1], "version=", 8) == 0 &&
	    version_parse(words[1] + 8, &v.message) < 0)
		return play_expected(p, "version=MAJOR.MINOR");
	*ret_op = raw ? NULL : wire_operation_find(*ret_c, *words, v.message.major);
	if (!raw && !*ret_op)
		return unknown_operation(p, *ret_c, *words);
	if (raw)
		wire_begin(m, component_table[*ret_c].message_type, v, 0);
	else
		wire_request(m, *ret_op, v);
	words += words[1] && strncmp(words[1], "version=", 8) == 0 ? 2 : 1;
	return play_is_dry(p) && !words_fields_are_fixed(*ret_op) ?
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
	if (r < 0 || play_is_dry(p))
		return r;
	r = send(play_channel(p, c), m, op);
	return r < 0 ? play_fail(p, "cannot send: %s is not open", component_table[c].key) : 0;
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

	r = play_take_component(p, &words, &c);
	if (r < 0)
		return r;
	if (*words)
		return play_expected(p, "rescind COMPONENT");
	if (play_is_dry(p))
		return 0;
	p->released[c] = false;
	if (session_rescind(p->session, play_channel(p, c)) < 0)
		return play_fail(p, "cannot rescind: %s is not offered", component_table[c].key);
	return play_await(p, play_is_released, c, PLAY_WITHIN_MS) ?
		       0 : play_fail_silent(p, c, "the release");
}

static int step_reoffer(struct play *p, char *const *words)
{
	enum component c;
	int r;

	r = play_take_component(p, &words, &c);
	if (r < 0)
		return r;
	if (*words)
		return play_expected(p, "reoffer COMPONENT");
	if (play_is_dry(p) || session_offer(p->session, play_channel(p, c)) >= 0)
		return 0;
	return play_fail(p, "cannot offer %s: it is offered, or not released",
			 component_table[c].key);
}

static int step_wait(struct play *p, char *const *words)
{
	uint64_t ms;

	if (scenario_take_number(words[0], 3600000, &ms) < 0 || words[1])
		return play_expected(p, "wait MILLISECONDS");
	if (!play_is_dry(p))
		(void)play_wait(p, play_never, 0, ms);
	return p->stopped ? play_fail(p, "%s", p->stopped) : 0;
}

static int step_report(struct play *p, char *const *words)
{
	struct verdict v;
	enum result result;
	enum component c;
	int r;

	r = play_take_component(p, &words, &c);
	if (r < 0)
		return r;
	if (!words[0] || judge_result_from_name(words[0], &result) < 0 || words[1])
		return play_expected(p, "report COMPONENT ok, mismatch, no-common-version, "
					"no-contact, lost, disabled or not-offered");
	if (play_is_dry(p))
		return 0;
	judge_component(&p->s->release, &p->session->facts, c, &v);
	if (v.result == result)
		return 0;
	return play_fail(p, "the host reports %s as %s: %s", component_table[c].key,
			 judge_result_name(v.result), v.why);
}

static int step_vm_heartbeat(struct play *p, char *const *words)
{
	struct judged_value v;

	if (!words[0] || words[1])
		return play_expected(p, "vm-heartbeat and what Get-VM shows, such as "
					"OkApplicationsUnknown");
	if (play_is_dry(p))
		return 0;
	v = judge_heartbeat(&p->s->release, &p->session->facts);
	return strcmp(v.value, words[0]) == 0 ?
		       0 : play_fail(p, "Get-VM shows Heartbeat %s", v.value);
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
	struct fault_set nothing = { 0 }, *set = play_is_dry(p) ? &nothing : &p->session->faults;
	char why[600];
	enum fault fault;
	bool on;

	if (!words[0] || !words[1] || words[2] ||
	    (strcmp(words[1], "on") != 0 && strcmp(words[1], "off") != 0))
		return play_expected(p, "fault NAME[:COMPONENT][=NUMBER] on or off");
	on = strcmp(words[1], "on") == 0;
	if (words_parse_fault(words[0], &fault, why, sizeof(why)) < 0 ||
	    (on ? fault_set_add : fault_set_remove)(set, words[0], why, sizeof(why)) < 0)
		return play_expected(p, why);
	if (on && !play_is_dry(p) && fault == FAULT_CORRUPT_INDEX)
		act_on_fault(p);
	if (!on && !play_is_dry(p) && fault == FAULT_NEVER_READ)
		read_again(p);
	return 0;
}

/* --- all of them --- */

static const struct {
	const char *word;
	int (*run)(struct play *p, char *const *words);
	bool of_home;
} steps[] = {
	{ "open", step_open, false },         { "negotiate", step_negotiate, false },
	{ "send", step_send, false },         { "fill", step_fill, false },
	{ "expect", expect_step, false },     { "rescind", step_rescind, false },
	{ "reoffer", step_reoffer, false },   { "wait", step_wait, false },
	{ "report", step_report, false },     { "vm-heartbeat", step_vm_heartbeat, false },
	{ "fault", step_fault, false },       { "log", machine_step_log, true },
	{ "pool", machine_step_pool, true },  { "guest", machine_step_guest, true },
};

int step_run(struct play *p, char *const *words)
{
	char list[256] = "";

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (strcmp(steps[i].word, words[0]) != 0)
			continue;
		if (steps[i].of_home && !play_is_dry(p) && !p->home)
			return play_fail(p, "there is no guest's program");
		return steps[i].run(p, words + 1);
	}
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		words_append(list, sizeof(list), ", ", steps[i].word);
	words_append(list, sizeof(list), ", ", "repeat, end");
	return play_unknown(p, "a step", words[0], list);
}
