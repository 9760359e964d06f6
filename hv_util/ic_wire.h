/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The messages of the integration components as they lie in a packet's payload: offsets and sizes
 * in bytes, little-endian. Sources: [K] Linux include/linux/hyperv.h and tools/hv, [O] OpenVMM
 * hyperv_ic_protocol; where they differ the comment says so.
 */
#pragma once

/* Payload = pipe header, IC header, body. [K][O] */
#define IC_PIPE_SIZE 8    /* u32 flags, u32 bytes after this header */
#define IC_HEADER_SIZE 20 /* fields below */
#define IC_BODY 28        /* where the body begins */

/* Offsets in the payload. */
#define IC_AT_PIPE_SIZE 4
#define IC_AT_FRAMEWORK 8 /* u16 major, u16 minor */
#define IC_AT_TYPE 12     /* u16 */
#define IC_AT_MESSAGE 14  /* u16 major, u16 minor */
#define IC_AT_SIZE 18     /* u16: bytes of body */
#define IC_AT_STATUS 20   /* u32 */
#define IC_AT_FLAGS 25    /* u8; 24 is a transaction id, always echoed */

_Static_assert(IC_PIPE_SIZE + IC_HEADER_SIZE == IC_BODY, "the body follows the headers");

/* The largest payload of a pipe ([O]; the largest IC message is 13312 bytes): a message buffer of
 * this size is large enough for either. */
#define IC_PAYLOAD_MAX 16384

enum {
	IC_FLAG_TRANSACTION = 1,
	IC_FLAG_REQUEST = 2,
	IC_FLAG_RESPONSE = 4,
};

enum ic_type {
	IC_TYPE_NEGOTIATE = 0,
	IC_TYPE_HEARTBEAT = 1,
	IC_TYPE_KVP = 2,
	IC_TYPE_SHUTDOWN = 3,
	IC_TYPE_TIMESYNC = 4,
	IC_TYPE_VSS = 5,
	IC_TYPE_FCOPY = 7,
};

/* Negotiation: u16 framework count, u16 message count, u32 reserved, then (u16 major, u16 minor)
 * for each, framework versions first. An answer has one of each. */
#define NEGOTIATE_HEADER_SIZE 8
#define NEGOTIATE_ANSWER_SIZE 16

/* Heartbeat: u64 sequence, u32 application state, reserved. A host may leave off what follows the
 * sequence ([K]: "may not fill it up entirely" is why the driver asks for no more). */
#define HEARTBEAT_MIN_SIZE 8
#define HEARTBEAT_STATE_SIZE 12

/* Time sync up to 3.0: u64 host time, u64 guest time (unused), u64 round trip, u8 flags; [O] has
 * three reserved bytes more. */
#define TIMESYNC3_SIZE 25
#define TIMESYNC3_PADDED_SIZE 28
/* Time sync 4.0: u64 host time, u64 reference counter, u8 flags, u8 leap, u8 stratum, reserved:
 * 3 bytes in [K], 5 in [O]. All that is used is in 19. */
#define TIMESYNC4_MIN_SIZE 19
#define TIMESYNC4_MAX_SIZE 24

enum {
	TIMESYNC_FLAG_SYNC = 1,
	TIMESYNC_FLAG_SAMPLE = 2,
};

/* Shutdown: u32 reason, u32 timeout in seconds, u32 flags, a text; [K] refuses what is shorter. */
#define SHUTDOWN_WIRE_TEXT_SIZE 2048
#define SHUTDOWN_SIZE (12 + SHUTDOWN_WIRE_TEXT_SIZE)

_Static_assert(SHUTDOWN_SIZE == 2060, "[K][O]");

enum {
	SHUTDOWN_FLAG_FORCE = 1,
	SHUTDOWN_FLAG_RESTART = 2,
	SHUTDOWN_FLAG_HIBERNATE = 4,
};

/* KVP: u8 operation, u8 pool; the rest begins at 4, or at 2 in the string form of an address. */
enum {
	KVP_GET = 0,
	KVP_SET = 1,
	KVP_DELETE = 2,
	KVP_ENUMERATE = 3,
	KVP_GET_IP = 4,
	KVP_SET_IP = 5,
};

#define KVP_HEADER_SIZE 4
#define KVP_WIRE_KEY_SIZE 512    /* UTF-16 with its NUL */
#define KVP_WIRE_VALUE_SIZE 2048 /* UTF-16 with its NUL, or a number */

/* u32 value type, u32 key size, u32 value size (bytes with the NUL), key, value */
#define KVP_WIRE_ITEM_SIZE (12 + KVP_WIRE_KEY_SIZE + KVP_WIRE_VALUE_SIZE)
#define KVP_GET_SIZE (KVP_HEADER_SIZE + KVP_WIRE_ITEM_SIZE)
#define KVP_DELETE_SIZE (KVP_HEADER_SIZE + 4 + KVP_WIRE_KEY_SIZE)
#define KVP_ENUMERATE_SIZE (KVP_HEADER_SIZE + 4 + KVP_WIRE_ITEM_SIZE)

_Static_assert(KVP_GET_SIZE == 2576, "[O]");
_Static_assert(KVP_DELETE_SIZE == 520, "[O]");
_Static_assert(KVP_ENUMERATE_SIZE == 2580, "[O]");

enum {
	KVP_TYPE_STRING = 1,
	KVP_TYPE_EXPAND_STRING = 2,
	KVP_TYPE_U32 = 4,
	KVP_TYPE_U64 = 11, /* Windows and [O]; [K] has 8, which no host sends */
};

/* Addresses in string form, up to 4.0, from the operation byte [K]: u16[128] adapter at 2,
 * u8 family, u8 dhcp, then UTF-16 texts: addresses, subnets, gateways, DNS servers. */
#define KVP_IP_ADAPTER_UNITS 128
#define KVP_IP_TEXT_UNITS 1024
#define KVP_IP_GATEWAY_UNITS 512
#define KVP_IP_STRING_SIZE \
	(2 + 2 * KVP_IP_ADAPTER_UNITS + 2 + 2 * (3 * KVP_IP_TEXT_UNITS + KVP_IP_GATEWAY_UNITS))

_Static_assert(KVP_IP_STRING_SIZE == 7428, "[K][O]: 0x1d04");

/* Addresses in binary form, from 5.0, behind a header of 4 bytes [O]: six u32 counts, u16[128]
 * adapter, u8 family, u8 dhcp, u16 padding, addresses, masks, prefix lengths, gateways, DNS servers,
 * u16[128] origins (IPv4 first, IPv6 directly after). */
#define KVP_IP_BINARY_SIZE                                                            \
	(KVP_HEADER_SIZE + 24 + 2 * KVP_IP_ADAPTER_UNITS + 4 + 64 * (4 + 16 + 4 + 4) + \
	 5 * (4 + 16) + 64 * (4 + 16) + 2 * 128)

_Static_assert(KVP_IP_BINARY_SIZE == KVP_HEADER_SIZE + 3712, "[O]");
