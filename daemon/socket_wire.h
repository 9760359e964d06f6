/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a guest program and vmichost find each other's rings without a VMBus: a Unix socket of type
 * SOCK_SEQPACKET at a path, on which the host listens. The messages are VMBus channel messages cut
 * down to what a guest program needs. The whole conversation is drawn in tests/host/SOCKET.md.
 *
 * Every message is SOCKET_MESSAGE_SIZE bytes, little-endian, unused bytes zero:
 *
 *	 0 u32 type
 *	 4 u32 relid        the channel; 0 in ALL_OFFERS
 *	 8 u32 ring_size    OFFER: bytes of one ring, header page and data
 *	12 u32 status       OPEN_RESULT: 0, or not 0 when the channel could not be opened
 *	16 u8[16] class     OFFER: class GUID in memory order
 *	32 u8[16] instance  OFFER: instance GUID in memory order
 *
 * An OFFER carries three descriptors (SCM_RIGHTS), in this order:
 *	memory     a memfd of 2 * ring_size bytes: the guest -> host ring, then the host -> guest ring
 *	interrupt  an eventfd: the host signals the guest
 *	signal     an eventfd: the guest signals the host
 */
#pragma once

#define SOCKET_MESSAGE_SIZE 48
#define SOCKET_OFFER_FDS 3

enum socket_type {
	/* host -> guest */
	SOCKET_OFFER = 1,       /* a channel is there */
	SOCKET_ALL_OFFERS = 2,  /* the offers of the start are complete; others may follow later */
	SOCKET_OPEN_RESULT = 3, /* status 0: the rings are empty and live */
	SOCKET_RESCIND = 4,     /* the channel is gone: let go of it and answer RELEASED */

	/* guest -> host */
	SOCKET_OPEN = 16,       /* start the channel; the host empties both rings before it answers */
	SOCKET_CLOSE = 17,      /* stop it; the offer stands, OPEN may follow */
	SOCKET_RELEASED = 18,   /* after RESCIND: the relid may be used again */
};
