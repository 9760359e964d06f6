/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host has learned of a guest: filled by the session that talks to it, read by the judge
 * and the report. Plain numbers, no behaviour, so that a verdict can be tested without a guest.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/host/component.h"

struct version {
	uint16_t major, minor;
};

struct version_pair {
	struct version framework, message;
};

#define VERSION_LIST_MAX 128

struct version_list {
	unsigned n;
	struct version v[VERSION_LIST_MAX];
};

enum contact {
	CONTACT_NONE = 0,  /* has never answered a negotiation */
	CONTACT_AGREED,    /* answered one pair, counts 1 and 1 */
	CONTACT_NO_COMMON, /* answered, but no pair: counts other than 1 and 1 */
	CONTACT_LOST,      /* had agreed, then left a request unanswered for too long */
};

/* What became of the shutdown that the host was told to ask for. */
enum shutdown_request {
	SHUTDOWN_NOT_ASKED = 0, /* it was not told to, or has not come to it */
	SHUTDOWN_NOT_AGREED,    /* the guest has not agreed on the component: nothing was sent */
	SHUTDOWN_UNANSWERED,
	SHUTDOWN_ANSWERED,
};

/* One opening of a channel, from open to close. */
struct opening_facts {
	uint32_t ring_size; /* bytes of each ring with its header page: tells drivers apart */
	unsigned answers;   /* to requests; those to negotiations are not measured */
	/* From putting a request to taking its answer; 0 without answers. */
	uint64_t p50_ns, p99_ns, max_ns;
	unsigned packets;    /* put for the guest, negotiations among them */
	unsigned interrupts; /* of the guest */
	unsigned signals;    /* of the guest to the host */
};

#define FACTS_OPENINGS_MAX 16

/* The last ones, the oldest first. */
struct opening_list {
	unsigned n;
	struct opening_facts o[FACTS_OPENINGS_MAX];
};

struct component_facts {
	bool enabled; /* Enabled in the VM's settings: the channel is offered */
	bool opened;  /* the guest has the channel open */
	enum contact contact;
	struct version_list offered_framework, offered_message; /* as last sent */
	uint16_t answered_counts[2];  /* as answered, while contact is not CONTACT_NONE */
	struct version_pair answered; /* while CONTACT_AGREED or CONTACT_LOST */
	bool answered_unoffered;      /* the pair holds a version that was not offered */
	uint32_t application_state;   /* heartbeat: as last answered; 0 unknown */
	unsigned negotiations;        /* answered ones since it was offered */
	unsigned requests, answers;   /* after the negotiation, each copy counts */
	unsigned failures;            /* answers with a status that is a failure */
	unsigned violations;          /* the guest broke the message format or the ring contract */
	char violation[160];          /* the last one, a sentence; "" if none */
	unsigned opened_times;        /* by this guest */
	struct opening_list openings;
};

/* What the exercise of the key-value pair exchange brought, for the report. */
#define FACTS_INTRINSIC_MAX 32

struct guest_facts {
	char vm_name[64];
	char vm_id[37];
	bool running; /* false: the VM is off */
	char faults[256]; /* that the host made on purpose: "drop:kvp=2 storm=50"; "" if none */
	struct component_facts component[COMPONENT_MAX];
	unsigned n_intrinsic;
	struct {
		char key[1024], value[4096]; /* UTF-8, as enumerated in pool 2 */
	} intrinsic[FACTS_INTRINSIC_MAX];
	bool clock_answered; /* time sync: a SYNC and a SAMPLE were acknowledged */
	enum shutdown_request shutdown;
	uint32_t shutdown_status; /* while SHUTDOWN_ANSWERED */
	unsigned violations; /* the guest broke a rule of the link that is of no component */
	char violation[160]; /* the last one, a sentence; "" if none */
};
