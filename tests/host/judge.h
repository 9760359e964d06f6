/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a host of a given release concludes from what it has learned of a guest. Pure: facts and a
 * release in, a verdict out. The status numbers are those of Microsoft's Msvm_*Component classes.
 */
#pragma once

#include "tests/host/facts.h"
#include "tests/host/release.h"

enum result {
	RESULT_OK,
	RESULT_MISMATCH,   /* agreed on less than the host expects: KB4014894 */
	RESULT_NO_COMMON,  /* answered, but nothing that the host could take */
	RESULT_NO_CONTACT, /* has never answered */
	RESULT_LOST,       /* had agreed, then stopped answering */
	RESULT_DISABLED,   /* switched off in the VM's settings */
	RESULT_ABSENT,     /* this release has no such component */
	RESULT_OFF,        /* the VM does not run */
	RESULT_MAX
};

/* OperationalStatus. */
enum wmi_status {
	WMI_OK = 2,
	WMI_DEGRADED = 3,
	WMI_ERROR = 6,
	WMI_NON_RECOVERABLE = 7,
	WMI_NO_CONTACT = 12,
	WMI_LOST = 13,
	WMI_PAUSED = 15,
	WMI_PROTOCOL_MISMATCH = 32775,
	WMI_APPLICATION_CRITICAL = 32782,
	WMI_TIMED_OUT = 32783,
	WMI_FAILED = 32784,
	WMI_DISABLED = 32896,
};

/* The sentence of KB4014894, as the cmdlet prints it. */
extern const char judge_mismatch_sentence[];

struct verdict {
	enum result result;
	unsigned n_status;   /* 0: OperationalStatus is empty, the cmdlet shows nothing */
	uint16_t status[2];  /* OperationalStatus[0..1] */
	enum certainty certainty;        /* of the result and of status[0] */
	enum certainty second_certainty; /* of status[1], or that there is none */
	char why[400];                   /* one sentence: from what this follows */
};

/* An event that the host writes to Microsoft-Windows-Hyper-V-Integration/Admin. */
struct host_event {
	unsigned id; /* 0: there is an event, its number is not known */
	const char *source;
	char text[1024];
	enum certainty certainty;
};

struct judged_value {
	const char *value; /* as the cmdlet prints it; "" for nothing */
	enum certainty certainty;
};

void judge_component(const struct release *release, const struct guest_facts *facts,
		     enum component component, struct verdict *ret);

/* 1 and *ret filled when this verdict makes the host write an event, 0 when it writes none. */
int judge_event(const struct release *release, const struct guest_facts *facts,
		enum component component, struct host_event *ret);

/* Get-VM's Heartbeat. */
struct judged_value judge_heartbeat(const struct release *release, const struct guest_facts *facts);

/* Get-VM's Heartbeat for what WMI says: Msvm_SummaryInformation.Heartbeat and ApplicationHealth. */
const char *judge_heartbeat_value(uint16_t heartbeat, uint16_t application_health);

/* Get-VM's IntegrationServicesState. */
struct judged_value judge_integration_state(const struct release *release,
					    const struct guest_facts *facts);

/* Get-VM's IntegrationServicesVersion: the guest's own text (hostile!), "" if it told none. */
const char *judge_integration_version(const struct guest_facts *facts);

/* "ok", "mismatch", "no-common-version" ...: as JSON and scenarios have it. */
const char *judge_result_name(enum result result);

/* The result of this name, or -EINVAL. */
int judge_result_from_name(const char *name, enum result *ret);

/* StatusDescriptions of an OperationalStatus value: "OK", "No Contact", ...; "" if not public. */
const char *judge_status_text(uint16_t status);
