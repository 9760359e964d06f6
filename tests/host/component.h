/* SPDX-License-Identifier: GPL-2.0-only */
/* The six integration components as the host knows them: names, ids, GUIDs. Data only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* In the order in which Get-VMIntegrationService lists them. */
enum component {
	COMPONENT_GUEST_SERVICE,
	COMPONENT_HEARTBEAT,
	COMPONENT_KVP,
	COMPONENT_SHUTDOWN,
	COMPONENT_TIMESYNC,
	COMPONENT_VSS,
	COMPONENT_MAX
};

struct component_info {
	const char *key;          /* what options, scenarios and JSON say: "timesync" */
	const char *name;         /* Get-VMIntegrationService's Name: "Time Synchronization" */
	const char *wmi_class;    /* "Msvm_TimeSyncComponent" */
	const char *event_source; /* "Microsoft-Windows-Hyper-V-Integration-..." */
	const char *event_name;   /* how the event text calls it: "Hyper-V Data Exchange" */
	const char *id;           /* the WMI component id, upper case, no braces */
	uint8_t class_id[16];     /* GUIDs in memory order */
	uint8_t instance_id[16];
	uint16_t message_type;    /* ICMSG type of its requests */
};

extern const struct component_info component_table[COMPONENT_MAX];

/* The component of this key, or -EINVAL. */
int component_from_key(const char *key, enum component *ret);
