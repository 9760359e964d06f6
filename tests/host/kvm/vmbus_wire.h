/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control messages of VMBus: numbers and sizes. Each begins with u32 type, u32 padding.
 * Sources: Linux include/linux/hyperv.h and drivers/hv/channel_mgmt.c, OpenVMM vmbus_core
 * protocol.rs.
 */
#pragma once

#include <stdint.h>

/* HvPostMessage's payload (Microsoft's TLFS). */
#define VMBUS_MESSAGE_MAX 240

enum vmbus_type {
	VMBUS_OFFER = 1,
	VMBUS_RESCIND = 2,
	VMBUS_REQUEST_OFFERS = 3,
	VMBUS_ALL_OFFERS = 4,
	VMBUS_OPEN = 5,
	VMBUS_OPEN_RESULT = 6,
	VMBUS_CLOSE = 7,
	VMBUS_GPADL_HEADER = 8,
	VMBUS_GPADL_BODY = 9,
	VMBUS_GPADL_CREATED = 10,
	VMBUS_GPADL_TEARDOWN = 11,
	VMBUS_GPADL_TORNDOWN = 12,
	VMBUS_RELID_RELEASED = 13,
	VMBUS_INITIATE_CONTACT = 14,
	VMBUS_VERSION_RESPONSE = 15,
	VMBUS_UNLOAD = 16,
	VMBUS_UNLOAD_RESPONSE = 17,
	VMBUS_TL_CONNECT = 21, /* hv_sock: we have none, and none is an answer */
	VMBUS_MODIFY = 22,
	VMBUS_MODIFY_RESPONSE = 24,
};

#define VMBUS_VERSION(major, minor) ((uint32_t)(major) << 16 | (minor))

/* Connections of HvPostMessage: the second takes the first contact of protocol 5.0 and later. */
#define VMBUS_CONNECTION 1u
#define VMBUS_CONNECTION_5_0 4u

/* Relids are bits of the event flags page; 0 is not a channel's. */
#define VMBUS_RELID_MAX 2047u

/* Where a channel's signals go: the host's choice, this is OpenVMM's for SINT 2. */
#define VMBUS_SIGNAL_CONNECTION(relid) (0x2000u + (relid))

/* Target processor of a channel that wants no interrupts. */
#define VMBUS_NO_PROCESSOR UINT32_MAX

/* A failure of Windows' kernel, for statuses of which the guest only asks whether they are 0. */
#define VMBUS_STATUS_UNSUCCESSFUL 0xc0000001u

/* Offer flags: enumerate the device's interface; a named pipe, and its mode. */
#define VMBUS_OFFER_ENUMERATE 0x1u
#define VMBUS_OFFER_NAMED_PIPE 0x10u
#define VMBUS_PIPE_MESSAGES 4u
