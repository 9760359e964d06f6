/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each host offers. The evidence is public: Linux's history and boot logs (a guest prints what
 * it chose, the highest common version), OpenVMM's sources, event texts and cmdlet outputs that
 * people posted. No log shows the lower ends of a Windows host's lists; they are taken from OpenVMM
 * and from the order in which the versions came. Only framework 1.0 and 3.0 are known to exist, so
 * a mark of an expected pair is a mark of its message version.
 */
#include "tests/host/release.h"

#include <string.h>

#include "hv_util/base.h"

#define LIST(...)                                        \
	{ .n = ARRAY_LEN(((struct version[]){ __VA_ARGS__ })), \
	  .v = { __VA_ARGS__ } }

#define V1 { 1, 0 }
#define V1_1 { 1, 1 }
#define V3 { 3, 0 }
#define V3_1 { 3, 1 }
#define V3_2 { 3, 2 }
#define V4 { 4, 0 }
#define V5 { 5, 0 }
#define V6 { 6, 0 }
#define V7 { 7, 0 }

/* A component whose framework goes up to 3.0, as on every host but the first. */
#define OFFER(mark, list_mark, why, newest, ...)                                   \
	{ .offered = true, .framework = LIST(V1, V3), .message = LIST(__VA_ARGS__), \
	  .expected = { V3, newest }, .certainty = mark, .list_certainty = list_mark, \
	  .source = why }

/* A component of Windows Server 2008: 1.0 and nothing else. */
#define OFFER_2008(mark, why)                                                                  \
	{ .offered = true, .framework = LIST(V1), .message = LIST(V1), .expected = { V1, V1 },  \
	  .certainty = mark, .list_certainty = mark, .source = why }

#define NOT_OFFERED(mark, why)                                                                 \
	{ .certainty = mark, .list_certainty = mark, .source = why }

#define FILE_COPY_CAME_LATER NOT_OFFERED(CERTAIN, "guest file copy came with 2012 R2")

const struct release release_table[] = {
	{
		.key = "2008",
		.title = "Windows Server 2008",
		.vmbus = { 0, 13 },
		.mismatch_degrades = true,
		.mismatch_certainty = INFERRED,
		.status_certainty = INFERRED,
		.remark = "Get-VMIntegrationService came with Windows Server 2012: "
			  "this is how it would tell the same state.",
		.component = {
			[COMPONENT_GUEST_SERVICE] = FILE_COPY_CAME_LATER,
			[COMPONENT_HEARTBEAT] = OFFER_2008(INFERRED, "Linux's WS2008 constants"),
			[COMPONENT_KVP] = OFFER_2008(INFERRED, "Linux's WS2008 constants"),
			[COMPONENT_SHUTDOWN] = OFFER_2008(INFERRED, "Linux's WS2008 constants"),
			[COMPONENT_TIMESYNC] = OFFER_2008(INFERRED, "Linux's WS2008 constants"),
			[COMPONENT_VSS] = OFFER_2008(UNKNOWN, "no guest but Windows ever spoke it"),
		},
	},
	{
		.key = "2008r2",
		.title = "Windows Server 2008 R2",
		.vmbus = { 1, 1 },
		.mismatch_degrades = true,
		.mismatch_certainty = INFERRED,
		.status_certainty = INFERRED,
		.remark = "Get-VMIntegrationService came with Windows Server 2012: "
			  "this is how it would tell the same state.",
		.component = {
			[COMPONENT_GUEST_SERVICE] = FILE_COPY_CAME_LATER,
			[COMPONENT_HEARTBEAT] = OFFER(INFERRED, INFERRED, "Linux 3.12", V3, V1, V3),
			[COMPONENT_KVP] = OFFER(INFERRED, UNKNOWN,
				"Linux and OpenBSD answer 3.0 to a Windows 7 host", V3, V1, V3),
			[COMPONENT_SHUTDOWN] = OFFER(INFERRED, INFERRED, "Linux 3.12", V3, V1, V3),
			[COMPONENT_TIMESYNC] = OFFER(INFERRED, INFERRED, "Linux 3.12", V3, V1, V3),
			[COMPONENT_VSS] = OFFER(UNKNOWN, UNKNOWN,
				"below 4.0, which OpenVMM names after Windows 8", V3, V3),
		},
	},
	{
		.key = "2012",
		.title = "Windows Server 2012",
		.vmbus = { 2, 4 },
		.mismatch_degrades = true,
		.mismatch_certainty = INFERRED,
		.event_names_versions = true,
		.component = {
			[COMPONENT_GUEST_SERVICE] = FILE_COPY_CAME_LATER,
			[COMPONENT_HEARTBEAT] = OFFER(INFERRED, UNKNOWN, "Linux 3.12", V3, V1, V3),
			[COMPONENT_KVP] = OFFER(INFERRED, UNKNOWN,
				"Linux and OpenBSD answer 4.0 to anything after Windows 7",
				V4, V3, V4),
			[COMPONENT_SHUTDOWN] = OFFER(INFERRED, UNKNOWN, "Linux 3.12", V3, V1, V3),
			[COMPONENT_TIMESYNC] = OFFER(INFERRED, UNKNOWN, "Linux 3.12", V3, V1, V3),
			[COMPONENT_VSS] = OFFER(CERTAIN, UNKNOWN,
				"OpenVMM names 4.0 after Windows 8", V4, V4),
		},
	},
	{
		.key = "2012r2",
		.title = "Windows Server 2012 R2",
		.vmbus = { 3, 0 },
		.mismatch_degrades = true,
		.mismatch_certainty = INFERRED,
		.event_names_versions = true,
		.component = {
			[COMPONENT_GUEST_SERVICE] = OFFER(CERTAIN, CERTAIN,
				"Linux logs", V1_1, V1_1),
			[COMPONENT_HEARTBEAT] = OFFER(CERTAIN, UNKNOWN, "Linux logs", V3, V1, V3),
			[COMPONENT_KVP] = OFFER(CERTAIN, UNKNOWN,
				"event 4010: negotiated 4.0, expected 5.0", V5, V3, V4, V5),
			[COMPONENT_SHUTDOWN] = OFFER(CERTAIN, UNKNOWN, "Linux logs", V3, V1, V3),
			[COMPONENT_TIMESYNC] = OFFER(CERTAIN, UNKNOWN, "Linux logs", V3, V1, V3),
			[COMPONENT_VSS] = OFFER(CERTAIN, UNKNOWN,
				"OpenVMM names 5.0 after Windows Blue; Linux agrees on 5.0",
				V5, V4, V5),
		},
	},
	{
		.key = "win10-1511",
		.title = "Windows 10 1511",
		.vmbus = { 3, 0 },
		.mismatch_certainty = INFERRED,
		.event_names_versions = true,
		.component = {
			[COMPONENT_GUEST_SERVICE] = OFFER(INFERRED, INFERRED,
				"as 2012 R2", V1_1, V1_1),
			[COMPONENT_HEARTBEAT] = OFFER(INFERRED, UNKNOWN, "as 2012 R2", V3, V1, V3),
			[COMPONENT_KVP] = OFFER(INFERRED, UNKNOWN, "as 2012 R2", V5, V3, V4, V5),
			[COMPONENT_SHUTDOWN] = OFFER(INFERRED, UNKNOWN, "as 2012 R2", V3, V1, V3),
			[COMPONENT_TIMESYNC] = OFFER(CERTAIN, INFERRED,
				"Linux a16564541318: these hosts lack 4.0", V3, V3),
			[COMPONENT_VSS] = OFFER(UNKNOWN, UNKNOWN,
				"OpenVMM names 6.0 after Threshold, which 1511 is", V6, V4, V5, V6),
		},
	},
	{
		.key = "2016",
		.title = "Windows Server 2016",
		.vmbus = { 4, 0 },
		.event_names_versions = true,
		.component = {
			[COMPONENT_GUEST_SERVICE] = OFFER(INFERRED, INFERRED,
				"as 2012 R2", V1_1, V1_1),
			[COMPONENT_HEARTBEAT] = OFFER(INFERRED, UNKNOWN,
				"as 2012 R2; 3.1 is known as a guest's constant only", V3, V1, V3),
			[COMPONENT_KVP] = OFFER(INFERRED, UNKNOWN, "as 2012 R2", V5, V3, V4, V5),
			[COMPONENT_SHUTDOWN] = OFFER(UNKNOWN, UNKNOWN,
				"KB4014894 guests show no mismatch; no log has 3.1 before 2020",
				V3, V1, V3),
			[COMPONENT_TIMESYNC] = OFFER(CERTAIN, UNKNOWN,
				"Linux log on 14393; KB4014894", V4, V1, V3, V4),
			[COMPONENT_VSS] = OFFER(INFERRED, UNKNOWN,
				"OpenVMM names 6.0 and 7.0 after Threshold", V7, V4, V5, V6, V7),
		},
	},
	{
		.key = "2019",
		.title = "Windows Server 2019",
		.vmbus = { 5, 2 },
		.event_names_versions = true,
		.component = {
			[COMPONENT_GUEST_SERVICE] = OFFER(INFERRED, INFERRED,
				"as 2012 R2", V1_1, V1_1),
			[COMPONENT_HEARTBEAT] = OFFER(INFERRED, UNKNOWN,
				"a posted output has no mismatch, which a state could mask",
				V3, V1, V3),
			[COMPONENT_KVP] = OFFER(INFERRED, UNKNOWN,
				"as 2012 R2 and 2022, which bracket it", V5, V3, V4, V5),
			[COMPONENT_SHUTDOWN] = OFFER(UNKNOWN, UNKNOWN,
				"a posted output of an old guest has no mismatch", V3, V1, V3),
			[COMPONENT_TIMESYNC] = OFFER(CERTAIN, UNKNOWN,
				"Linux logs; KB4014894", V4, V1, V3, V4),
			[COMPONENT_VSS] = OFFER(INFERRED, UNKNOWN,
				"a posted output: mismatch with what must be 5.0",
				V7, V4, V5, V6, V7),
		},
	},
	{
		.key = "2022",
		.title = "Windows Server 2022",
		.vmbus = { 5, 3 },
		.event_names_versions = true,
		.component = {
			[COMPONENT_GUEST_SERVICE] = OFFER(CERTAIN, INFERRED,
				"Linux logs", V1_1, V1_1),
			[COMPONENT_HEARTBEAT] = OFFER(CERTAIN, UNKNOWN,
				"Linux log on 20348", V3, V1, V3),
			[COMPONENT_KVP] = OFFER(CERTAIN, UNKNOWN,
				"Linux log on 20348: 4.0; posted outputs: mismatch",
				V5, V3, V4, V5),
			[COMPONENT_SHUTDOWN] = OFFER(CERTAIN, UNKNOWN,
				"Linux log on 20348", V3_2, V1, V3, V3_1, V3_2),
			[COMPONENT_TIMESYNC] = OFFER(CERTAIN, UNKNOWN,
				"Linux log on 20348", V4, V1, V3, V4),
			[COMPONENT_VSS] = OFFER(INFERRED, UNKNOWN,
				"more than 5.0, which Linux agrees on", V7, V4, V5, V6, V7),
		},
	},
	{
		.key = "2025",
		.title = "Windows Server 2025",
		.vmbus = { 5, 3 },
		.vmbus_certainty = INFERRED,
		.event_names_versions = true,
		.component = {
			[COMPONENT_GUEST_SERVICE] = OFFER(CERTAIN, INFERRED,
				"Linux log on Windows 11", V1_1, V1_1),
			[COMPONENT_HEARTBEAT] = OFFER(CERTAIN, UNKNOWN,
				"Linux log on Windows 11", V3, V1, V3),
			[COMPONENT_KVP] = OFFER(CERTAIN, UNKNOWN,
				"posted outputs: mismatch with Linux's 4.0", V5, V3, V4, V5),
			[COMPONENT_SHUTDOWN] = OFFER(CERTAIN, UNKNOWN,
				"Linux log on Windows 11", V3_2, V1, V3, V3_1, V3_2),
			[COMPONENT_TIMESYNC] = OFFER(CERTAIN, UNKNOWN,
				"Linux log on Windows 11", V4, V1, V3, V4),
			[COMPONENT_VSS] = OFFER(INFERRED, UNKNOWN,
				"a posted output: mismatch with Linux's 5.0", V7, V4, V5, V6, V7),
		},
	},
	{
		.key = "openvmm",
		.title = "OpenVMM",
		.vmbus = { 5, 3 },
		.vmbus_certainty = UNKNOWN,
		.mismatch_certainty = UNKNOWN,
		.event_names_versions = true,
		.status_certainty = UNKNOWN,
		.remark = "OpenVMM has no Get-VMIntegrationService and writes no events: "
			  "this is how the newest Windows Server would tell the same state.",
		.component = {
			[COMPONENT_GUEST_SERVICE] = NOT_OFFERED(CERTAIN,
				"OpenVMM sources: no device"),
			[COMPONENT_HEARTBEAT] = NOT_OFFERED(CERTAIN, "OpenVMM sources: no device"),
			[COMPONENT_KVP] = OFFER(CERTAIN, CERTAIN,
				"OpenVMM sources", V5, V3, V4, V5),
			[COMPONENT_SHUTDOWN] = OFFER(CERTAIN, CERTAIN,
				"OpenVMM sources", V3_2, V1, V3, V3_1, V3_2),
			[COMPONENT_TIMESYNC] = OFFER(CERTAIN, CERTAIN, "OpenVMM sources", V4, V4),
			[COMPONENT_VSS] = NOT_OFFERED(CERTAIN, "OpenVMM sources: protocol only"),
		},
	},
};

const size_t release_count = ARRAY_LEN(release_table);

const struct release *release_find(const char *key)
{
	for (size_t i = 0; i < release_count; i++)
		if (strcmp(release_table[i].key, key) == 0)
			return &release_table[i];
	return NULL;
}

const char *certainty_name(enum certainty c)
{
	static const char *const names[] = {
		[CERTAIN] = "certain", [INFERRED] = "inferred", [UNKNOWN] = "unknown"
	};

	return names[c];
}

enum certainty certainty_weaker(enum certainty a, enum certainty b)
{
	return a > b ? a : b;
}
