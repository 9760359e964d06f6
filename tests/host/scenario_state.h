/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A scenario while it is played: what has come from the guest and no step has looked at, and
 * waiting for what is to come. For the files of the steps; everybody else has scenario_play.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "hv_util/base.h"
#include "tests/host/home.h"
#include "tests/host/scenario_play.h"
#include "tests/host/scenario_text.h"
#include "tests/host/scenario_words.h"
#include "tests/host/session.h"

#define PLAY_WITHIN_MS 5000 /* an answer that takes longer did not come; a loaded machine is slow */

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
	struct home *home; /* of its program, not owned, or NULL */
	unsigned slow;     /* how many times longer the guest may take than a step says */
	bool released[COMPONENT_MAX];
	char *why;
	size_t why_size;
};

/* What fills arrivals, breaches, released and stopped; user is the play. */
extern const struct session_events play_session_events;

/* Frees all that has come. */
void play_forget(struct play *p);

/* "FILE:LINE: " and the text into why; returns -EPROTO. */
__attribute__((format(printf, 2, 3))) int play_fail(struct play *p, const char *format, ...);

/* "FILE:LINE: expected WHAT" into why: the words of the step are wrong. Returns -EINVAL. */
int play_expected(struct play *p, const char *what);

/* "FILE:LINE: expected WHAT, not "WORD": LIST", or without the word if there is none. As above. */
int play_unknown(struct play *p, const char *what, const char *word, const char *list);

/* "FILE:LINE: SENTENCE" into why. As above. */
int play_wrong(struct play *p, const char *sentence);

/* Fails because something of a component did not come: why it could not, if that is known. */
int play_fail_silent(struct play *p, enum component c, const char *what);

/* Whether the words are only checked: there is no guest. */
bool play_is_dry(const struct play *p);

struct channel *play_channel(struct play *p, enum component c);

/* The word that names a component; words are moved on. 0, or as play_expected. */
_must_check_ int play_take_component(struct play *p, char *const **words, enum component *ret);

/* --- waiting --- */

typedef bool (*play_condition)(struct play *p, enum component c);

bool play_never(struct play *p, enum component c);
bool play_is_open(struct play *p, enum component c);
bool play_is_closed(struct play *p, enum component c);
bool play_is_released(struct play *p, enum component c);
bool play_is_idle(struct play *p, enum component c); /* no answer is awaited */
bool play_has_arrival(struct play *p, enum component c);

/* Runs the loop until it holds. Whether it does: the time is over, or the play was stopped. */
bool play_wait(struct play *p, play_condition holds, enum component c, uint64_t ms);

/* The same for what the guest has to do within this time: a slow one gets more. */
bool play_await(struct play *p, play_condition holds, enum component c, uint64_t ms);

/* --- what has come --- */

/* The oldest of the component, now the caller's, or NULL. */
struct arrival *play_take_arrival(struct play *p, enum component c);
void arrival_freep(struct arrival **a);

/* "which" of an answer, for the reader of a failure. */
void arrival_describe(const struct arrival *a, char *ret, size_t size);
