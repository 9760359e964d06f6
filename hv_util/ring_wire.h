/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VMBus ring as it lies in memory: one header page that both sides share, then the data.
 * A channel has two, guest -> host first. Sources: Linux include/linux/hyperv.h
 * (hv_ring_buffer, vmpacket_descriptor) and OpenVMM vmbus_ring, which agree.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Both headers of a channel are 4096 bytes for the host, whatever the guest's page size. */
#define RING_PAGE_SIZE 4096

/* Bit 0 of feature_bits: this side's reader looks at pending_send_size. */
#define RING_FEATURE_PENDING_SEND_SIZE 1u

struct ring_page {
	_Atomic uint32_t write_index;       /* byte offset in the data; the writer's */
	_Atomic uint32_t read_index;        /* byte offset in the data; the reader's */
	_Atomic uint32_t interrupt_mask;    /* not 0: the reader does not want to be signalled */
	_Atomic uint32_t pending_send_size; /* not 0: the writer waits for more than so many free bytes */
	uint32_t reserved[12];
	_Atomic uint32_t feature_bits;
	uint8_t pad[RING_PAGE_SIZE - 68];
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the ring's words are little-endian");
_Static_assert(sizeof(_Atomic uint32_t) == 4, "an atomic index is as large as the index");
_Static_assert(offsetof(struct ring_page, pending_send_size) == 12, "protocol: pending_send_sz at 12");
_Static_assert(offsetof(struct ring_page, feature_bits) == 64, "protocol: feature_bits at 64");
_Static_assert(sizeof(struct ring_page) == RING_PAGE_SIZE, "protocol: one page");

/* The packet descriptor: u16 type, u16 offset8, u16 len8, u16 flags, u64 transaction id. */
#define RING_DESC_SIZE 16
/* After the padded packet: u32 0, u32 byte offset at which the packet starts. */
#define RING_TRAILER_SIZE 8

enum ring_packet_type {
	RING_PACKET_INBAND = 6, /* all IC traffic, both ways */
};

/* Descriptor flag: the sender asks for a completion packet. No IC message sets it. */
#define RING_PACKET_WANTS_COMPLETION 1u

/* Bytes of ring that a packet with len bytes of payload takes. */
#define RING_SPACE(len) ((((len) + RING_DESC_SIZE + 7) & ~(size_t)7) + RING_TRAILER_SIZE)
