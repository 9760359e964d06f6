/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which versions the guest answers when the host negotiates. The host sends two lists; the guest
 * has two of its own, best first; the first of ours that stands anywhere in the host's is chosen,
 * by equality, framework and message each for itself. What is offered, what we admit to and what is
 * answered are three different things here, since reporting something on purpose is what this
 * project exists for.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hv_util/bytes.h"

struct ic_version {
	uint16_t major, minor;
};

struct ic_pair {
	struct ic_version framework, message;
};

/* A longer list is refused ([K] IC_VERSION_NEGOTIATION_MAX_VER_COUNT). */
#define IC_OFFERED_MAX 100

struct ic_list {
	unsigned n;
	struct ic_version v[IC_OFFERED_MAX];
};

/* What the host offered: complete and in its order. */
struct ic_offer {
	struct ic_list framework, message;
};

#define IC_ADMITTED_MAX 8

/* What the guest admits to, best first. */
struct ic_admitted {
	unsigned n;
	struct ic_version v[IC_ADMITTED_MAX];
};

/* What to answer when nothing matches and which guest does so. */
enum ic_no_match {
	IC_NO_MATCH_COUNTS_ZERO = 0, /* counts 0 and 0: Linux, Haiku, MacHyperVSupport */
	IC_NO_MATCH_SILENT,          /* no answer: FreeBSD, NetBSD, illumos */
	IC_NO_MATCH_OWN_NEWEST,      /* our best pair, as if it had been offered: OpenHCL */
	IC_NO_MATCH_VERSION_ZERO,    /* counts 1 and 1, versions 0.0: OpenBSD */
	IC_NO_MATCHES
};

extern const char *const ic_no_match_names[IC_NO_MATCHES];

/* For testing hosts only: what to write into the answer, whatever was offered. */
struct ic_raw {
	bool has_answer, has_counts, has_truncate;
	struct ic_pair answer;
	uint16_t counts[2];
	uint16_t truncate; /* bytes of the answer's payload to send */
};

/* One component's part of a profile, with the configuration applied. */
struct ic_policy {
	struct ic_admitted framework, message; /* message.n == 0: the component is not served */
	enum ic_no_match no_match;
	struct ic_raw raw;
	uint32_t blocked; /* bit n: the service's ops[n] is refused, which is no matter of versions */
};

enum ic_outcome {
	IC_NOT_NEGOTIATED = 0,
	IC_AGREED,    /* a pair that was offered and that we admit to */
	IC_NO_COMMON, /* nothing; requests are refused until the host negotiates again */
	IC_FORCED,    /* something else was answered on purpose; we carry on as if agreed */
};

struct ic_answer {
	enum ic_outcome outcome;
	bool silent; /* send nothing */
	uint16_t counts[2];
	struct ic_pair pair; /* as written; while IC_AGREED or IC_FORCED also what we speak */
	bool unoffered;      /* the pair holds a version that the host did not offer */
};

static inline bool ic_version_equal(struct ic_version a, struct ic_version b)
{
	return a.major == b.major && a.minor == b.minor;
}

/* Whether a is b or newer. */
static inline bool ic_version_reaches(struct ic_version a, struct ic_version b)
{
	return a.major != b.major ? a.major > b.major : a.minor >= b.minor;
}

/* Reads the body of a negotiation. 0; -EBADMSG when the lists are not inside the body; -E2BIG when
 * one has more than IC_OFFERED_MAX entries. *ret is untouched on failure. */
_must_check_ int negotiate_parse(struct rd body, struct ic_offer *ret);

/* Decides what to answer to this offer under this policy. Always gives an answer. */
struct ic_answer negotiate_decide(const struct ic_offer *offer, const struct ic_policy *policy);

/* Writes the answer's body, NEGOTIATE_ANSWER_SIZE bytes. */
void negotiate_write(const struct ic_answer *answer, struct wr *body);
