/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/component.h"

#include <errno.h>
#include <string.h>

#include "hv_util/base.h"

/* A GUID in memory order: the first three fields little-endian, the last eight bytes as written. */
#define GUID(a, b, c, ...)                                                    \
	{ (a) & 0xff, (a) >> 8 & 0xff, (a) >> 16 & 0xff, (uint32_t)(a) >> 24, \
	  (b) & 0xff, (b) >> 8, (c) & 0xff, (c) >> 8, __VA_ARGS__ }

/*
 * Names and ids: Microsoft's WMI documentation (the Msvm_*Component classes) and the outputs of
 * Get-VMIntegrationService. Classes: Linux hyperv.h. Instances: OpenVMM, an lsvmbus listing and a
 * FreeBSD devinfo; they are the same on every host seen. Types: OpenVMM hyperv_ic_protocol.
 * Events: KvpExchange is documented (learn dd582073) and seen, "Volume Shadow Copy Requestor" is
 * seen in Azure Site Recovery's error list; the other sources and names follow their pattern.
 */
const struct component_info component_table[COMPONENT_MAX] = {
	[COMPONENT_GUEST_SERVICE] = {
		.key = "guest-service",
		.name = "Guest Service Interface",
		.wmi_class = "Msvm_GuestServiceInterfaceComponent",
		.event_source = "Microsoft-Windows-Hyper-V-Integration-GuestServiceInterface",
		.event_name = "Hyper-V Guest Service Interface",
		.id = "6C09BB55-D683-4DA0-8931-C9BF705F6480",
		.class_id = GUID(0x34d14be3, 0xdee4, 0x41c8,
				 0x9a, 0xe7, 0x6b, 0x17, 0x49, 0x77, 0xc1, 0x92),
		.instance_id = GUID(0xeb765408, 0x105f, 0x49b6,
				    0xb4, 0xaa, 0xc1, 0x23, 0xb6, 0x4d, 0x17, 0xd4),
		.message_type = 7,
	},
	[COMPONENT_HEARTBEAT] = {
		.key = "heartbeat",
		.name = "Heartbeat",
		.wmi_class = "Msvm_HeartbeatComponent",
		.event_source = "Microsoft-Windows-Hyper-V-Integration-Heartbeat",
		.event_name = "Hyper-V Heartbeat",
		.id = "84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47",
		.class_id = GUID(0x57164f39, 0x9115, 0x4e78,
				 0xab, 0x55, 0x38, 0x2f, 0x3b, 0xd5, 0x42, 0x2d),
		.instance_id = GUID(0xfd149e91, 0x82e0, 0x4a7d,
				    0xaf, 0xa6, 0x2a, 0x41, 0x66, 0xcb, 0xd7, 0xc0),
		.message_type = 1,
	},
	[COMPONENT_KVP] = {
		.key = "kvp",
		.name = "Key-Value Pair Exchange",
		.wmi_class = "Msvm_KvpExchangeComponent",
		.event_source = "Microsoft-Windows-Hyper-V-Integration-KvpExchange",
		.event_name = "Hyper-V Data Exchange",
		.id = "2A34B1C2-FD73-4043-8A5B-DD2159BC743F",
		.class_id = GUID(0xa9a0f4e7, 0x5a45, 0x4d96,
				 0xb8, 0x27, 0x8a, 0x84, 0x1e, 0x8c, 0x03, 0xe6),
		.instance_id = GUID(0x242ff919, 0x07db, 0x4180,
				    0x9c, 0x2e, 0xb8, 0x6c, 0xb6, 0x8c, 0x8c, 0x55),
		.message_type = 2,
	},
	[COMPONENT_SHUTDOWN] = {
		.key = "shutdown",
		.name = "Shutdown",
		.wmi_class = "Msvm_ShutdownComponent",
		.event_source = "Microsoft-Windows-Hyper-V-Integration-Shutdown",
		.event_name = "Hyper-V Shutdown",
		.id = "9F8233AC-BE49-4C79-8EE3-E7E1985B2077",
		.class_id = GUID(0x0e0b6031, 0x5213, 0x4934,
				 0x81, 0x8b, 0x38, 0xd9, 0x0c, 0xed, 0x39, 0xdb),
		.instance_id = GUID(0xb6650ff7, 0x33bc, 0x4840,
				    0x80, 0x48, 0xe0, 0x67, 0x67, 0x86, 0xf3, 0x93),
		.message_type = 3,
	},
	[COMPONENT_TIMESYNC] = {
		.key = "timesync",
		.name = "Time Synchronization",
		.wmi_class = "Msvm_TimeSyncComponent",
		.event_source = "Microsoft-Windows-Hyper-V-Integration-TimeSync",
		.event_name = "Hyper-V Time Synchronization",
		.id = "2497F4DE-E9FA-4204-80E4-4B75C46419C0",
		.class_id = GUID(0x9527e630, 0xd0ae, 0x497b,
				 0xad, 0xce, 0xe8, 0x0a, 0xb0, 0x17, 0x5c, 0xaf),
		.instance_id = GUID(0x2dd1ce17, 0x079e, 0x403c,
				    0xb3, 0x52, 0xa1, 0x92, 0x1e, 0xe2, 0x07, 0xee),
		.message_type = 4,
	},
	[COMPONENT_VSS] = {
		.key = "vss",
		.name = "VSS",
		.wmi_class = "Msvm_VssComponent",
		.event_source = "Microsoft-Windows-Hyper-V-Integration-VSS",
		.event_name = "Hyper-V Volume Shadow Copy Requestor",
		.id = "5CED1297-4598-4915-A5FC-AD21BB4D02A4",
		.class_id = GUID(0x35fa2e29, 0xea23, 0x4236,
				 0x96, 0xae, 0x3a, 0x6e, 0xba, 0xcb, 0xa4, 0x40),
		.instance_id = GUID(0x2450ee40, 0x33bf, 0x4fbd,
				    0x89, 0x2e, 0x9f, 0xb0, 0x6e, 0x92, 0x14, 0xcf),
		.message_type = 5,
	},
};

int component_from_key(const char *key, enum component *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(component_table); i++)
		if (strcmp(component_table[i].key, key) == 0) {
			*ret = (enum component)i;
			return 0;
		}
	return -EINVAL;
}
