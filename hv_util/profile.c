/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/profile.h"

#include <string.h>

/* The lists that occur, best first. */
#define ADMIT(...)                                                                     \
	{ .n = sizeof((struct ic_version[]){ __VA_ARGS__ }) / sizeof(struct ic_version), \
	  .v = { __VA_ARGS__ } }
#define V1_0 { 1, 0 }
#define V1_1 { 1, 1 }
#define V3_0 { 3, 0 }
#define V3_1 { 3, 1 }
#define V3_2 { 3, 2 }
#define V4_0 { 4, 0 }
#define V5_0 { 5, 0 }
#define V6_0 { 6, 0 }
#define V7_0 { 7, 0 }

#define FRAMEWORK_1 ADMIT(V1_0)
#define FRAMEWORK_3 ADMIT(V3_0)
#define FRAMEWORK_3_1 ADMIT(V3_0, V1_0)

#define SERVE(framework_, ...) { .framework = framework_, .message = ADMIT(__VA_ARGS__) }
#define SERVE_ELSE(no_match_, framework_, ...) \
	{ .framework = framework_, .message = ADMIT(__VA_ARGS__), .no_match = no_match_ }

/* The components of a Windows Server 2012 R2 guest: what the default plays as well. Time sync 3.0
 * is KB4014894's case, KVP 5.0 and VSS 5.0 came with 2012 R2 (a 2012 R2 host's event 4010 expects
 * KVP 5.0, OpenVMM calls VSS 5.0 "WINBLUE"; the values below the best are inferred). */
#define COMPONENTS_2012R2                                                        \
	{                                                                        \
		[IC_FCOPY] = SERVE(FRAMEWORK_3, V1_1),                           \
		[IC_HEARTBEAT] = SERVE(FRAMEWORK_3_1, V3_0, V1_0),               \
		[IC_KVP] = SERVE(FRAMEWORK_3_1, V5_0, V4_0, V3_0, V1_0),         \
		[IC_SHUTDOWN] = SERVE(FRAMEWORK_3_1, V3_0, V1_0),                \
		[IC_TIMESYNC] = SERVE(FRAMEWORK_3_1, V3_0, V1_0),                \
		[IC_VSS] = SERVE(FRAMEWORK_3, V5_0, V4_0),                       \
	}

const struct profile profiles[] = {
	{
		.name = "legacy",
		.title = "a guest from before Windows 10 and Server 2016",
		.source = "KB4014894 (time sync 3.0); KVP and VSS as Windows Server 2012 R2",
		.component = COMPONENTS_2012R2,
	},
	{
		.name = "ws2008",
		.title = "Windows Server 2008",
		.source = "Linux hv_util.c: the WS2008 constants are 1.0 throughout",
		.component = {
			[IC_HEARTBEAT] = SERVE(FRAMEWORK_1, V1_0),
			[IC_KVP] = SERVE(FRAMEWORK_1, V1_0),
			[IC_SHUTDOWN] = SERVE(FRAMEWORK_1, V1_0),
			[IC_TIMESYNC] = SERVE(FRAMEWORK_1, V1_0),
		},
	},
	{
		.name = "ws2008r2",
		.title = "Windows Server 2008 R2",
		.source = "inferred from what Linux chose on a Windows 7 host",
		.component = {
			[IC_HEARTBEAT] = SERVE(FRAMEWORK_3_1, V3_0, V1_0),
			[IC_KVP] = SERVE(FRAMEWORK_3_1, V3_0, V1_0),
			[IC_SHUTDOWN] = SERVE(FRAMEWORK_3_1, V3_0, V1_0),
			[IC_TIMESYNC] = SERVE(FRAMEWORK_3_1, V3_0, V1_0),
		},
	},
	{
		.name = "ws2012",
		.title = "Windows Server 2012",
		.source = "inferred from what Linux chose on a Windows 8 host; VSS 4.0: OpenVMM's name \"WIN8\"",
		.component = {
			[IC_HEARTBEAT] = SERVE(FRAMEWORK_3_1, V3_0, V1_0),
			[IC_KVP] = SERVE(FRAMEWORK_3_1, V4_0, V3_0, V1_0),
			[IC_SHUTDOWN] = SERVE(FRAMEWORK_3_1, V3_0, V1_0),
			[IC_TIMESYNC] = SERVE(FRAMEWORK_3_1, V3_0, V1_0),
			[IC_VSS] = SERVE(FRAMEWORK_3, V4_0),
		},
	},
	{
		.name = "ws2012r2",
		.title = "Windows Server 2012 R2",
		.source = "KB4014894 (time sync 3.0), event 4010 of a 2012 R2 host (KVP 5.0), OpenVMM (VSS 5.0)",
		.component = COMPONENTS_2012R2,
	},
	{
		/* Its heartbeat also knows 3.1, of which nothing is documented: left out. */
		.name = "win10",
		.title = "Windows 10 and Server 2016",
		.source = "Mile.HyperV, from the symbols of a Windows 10.0.14347 guest",
		.component = {
			[IC_FCOPY] = SERVE(FRAMEWORK_3, V1_1),
			[IC_HEARTBEAT] = SERVE(FRAMEWORK_3_1, V3_0),
			[IC_KVP] = SERVE(FRAMEWORK_3_1, V5_0, V4_0, V3_0),
			[IC_SHUTDOWN] = SERVE(FRAMEWORK_3_1, V3_1, V3_0, V1_0),
			[IC_TIMESYNC] = SERVE(FRAMEWORK_3_1, V4_0, V3_0, V1_0),
			[IC_VSS] = SERVE(FRAMEWORK_3, V7_0, V6_0),
		},
	},
	{
		.name = "linux",
		.title = "Linux 5.6 and later",
		.source = "Linux drivers/hv (hv_utils) and tools/hv (hv_fcopy_uio_daemon)",
		.component = {
			[IC_FCOPY] = SERVE(FRAMEWORK_3, V1_1),
			[IC_HEARTBEAT] = SERVE(FRAMEWORK_3_1, V3_0, V1_0),
			[IC_KVP] = SERVE(FRAMEWORK_3_1, V4_0, V3_0, V1_0),
			[IC_SHUTDOWN] = SERVE(FRAMEWORK_3_1, V3_2, V3_1, V3_0, V1_0),
			[IC_TIMESYNC] = SERVE(FRAMEWORK_3_1, V4_0, V3_0, V1_0),
			[IC_VSS] = SERVE(FRAMEWORK_3, V5_0),
		},
	},
	{
		/* FreeBSD takes the highest offered version up to its own; with the versions that are
		 * known to exist that is the same as these lists. */
		.name = "freebsd",
		.title = "FreeBSD",
		.source = "FreeBSD sys/dev/hyperv/utilities",
		.component = {
			[IC_HEARTBEAT] = SERVE_ELSE(IC_NO_MATCH_SILENT, FRAMEWORK_3_1, V3_0, V1_0),
			[IC_KVP] = SERVE_ELSE(IC_NO_MATCH_SILENT, FRAMEWORK_3_1, V4_0, V3_0, V1_0),
			[IC_SHUTDOWN] = SERVE_ELSE(IC_NO_MATCH_SILENT, FRAMEWORK_3_1, V3_0, V1_0),
			[IC_TIMESYNC] = SERVE_ELSE(IC_NO_MATCH_SILENT, FRAMEWORK_3_1, V4_0, V3_0, V1_0),
			[IC_VSS] = SERVE_ELSE(IC_NO_MATCH_SILENT, FRAMEWORK_3_1, V5_0, V4_0),
		},
	},
	{
		.name = "openbsd",
		.title = "OpenBSD",
		.source = "OpenBSD sys/dev/pv/hypervic.c; KVP as on a host newer than Windows 7",
		.component = {
			[IC_HEARTBEAT] = SERVE_ELSE(IC_NO_MATCH_VERSION_ZERO, FRAMEWORK_3_1, V3_0, V1_0),
			[IC_KVP] = SERVE_ELSE(IC_NO_MATCH_VERSION_ZERO, FRAMEWORK_3_1, V4_0, V3_0, V1_0),
			[IC_SHUTDOWN] = SERVE_ELSE(IC_NO_MATCH_VERSION_ZERO, FRAMEWORK_3_1, V3_0, V1_0),
			[IC_TIMESYNC] = SERVE_ELSE(IC_NO_MATCH_VERSION_ZERO, FRAMEWORK_3_1, V3_0, V1_0),
		},
	},
	{
		.name = "newest",
		.title = "the newest of each component",
		.source = "the highest version of each that is documented (OpenVMM hyperv_ic_protocol, Mile.HyperV)",
		.component = {
			[IC_FCOPY] = SERVE(FRAMEWORK_3_1, V1_1),
			[IC_HEARTBEAT] = SERVE(FRAMEWORK_3_1, V3_0, V1_0),
			[IC_KVP] = SERVE(FRAMEWORK_3_1, V5_0, V4_0, V3_0, V1_0),
			[IC_SHUTDOWN] = SERVE(FRAMEWORK_3_1, V3_2, V3_1, V3_0, V1_0),
			[IC_TIMESYNC] = SERVE(FRAMEWORK_3_1, V4_0, V3_0, V1_0),
			[IC_VSS] = SERVE(FRAMEWORK_3_1, V7_0, V6_0, V5_0, V4_0),
		},
	},
};

const size_t n_profiles = ARRAY_LEN(profiles);

const struct profile *profile_find(const char *name)
{
	for (size_t i = 0; i < n_profiles; i++)
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	return NULL;
}
