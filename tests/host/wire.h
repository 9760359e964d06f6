/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's own idea of every message: tables of operations and fields, from which requests are
 * built and replies are checked. Nothing here is shared with the guest's library, so that a mistake
 * there meets a second opinion. Sources: OpenVMM hyperv_ic_protocol, Linux include/linux/hyperv.h.
 *
 * A message is the payload of a VMBus packet: the pipe header (8 bytes), the IC header (20), the
 * body. Offsets of the body's fields are from its begin.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv_util/base.h"
#include "tests/host/facts.h"

#define WIRE_MESSAGE_MAX 16384
#define WIRE_BODY 28

#define WIRE_TYPE_NEGOTIATE 0

/* ICMSG flags. A request carries the first two, a reply the first and the last. */
#define WIRE_TRANSACTION 1u
#define WIRE_REQUEST 2u
#define WIRE_RESPONSE 4u

#define WIRE_STATUS_OK 0u
#define WIRE_STATUS_NO_MORE 0x80070103u

struct message {
	size_t len;
	uint8_t bytes[WIRE_MESSAGE_MAX];
};

enum wire_kind {
	WIRE_U8,
	WIRE_U16,
	WIRE_U32,
	WIRE_U64,
	WIRE_VERSION, /* two u16: "3.0" */
	WIRE_TEXT,    /* UTF-16 with its NUL: text with \u{41}, \w{D83D}, \\, or hex:4100 as it is */
	WIRE_IPV4,    /* "10.0.0.1,10.0.0.2" */
	WIRE_IPV6,
	WIRE_U16_LIST, /* "1,2,2" */
	WIRE_U32_LIST,
};

struct wire_field {
	const char *name;
	enum wire_kind kind;
	uint16_t offset, size; /* bytes of the whole field; of its room for text and lists */
	/* What a text's size, a value's size and type are written into, 0: nowhere. */
	uint16_t size_at, type_at;
	uint32_t type;
};

#define WIRE_FIELDS_MAX 20

struct wire_preset {
	uint16_t offset;
	uint8_t value;
};

struct wire_operation {
	enum component component;
	const char *name;
	uint16_t from_major, until_major; /* message versions that have it so, both included */
	uint16_t body_size;
	struct wire_preset preset[2]; /* bytes that make it this operation */
	const struct wire_field *fields;
};

/* The operation of this name at this message version, or NULL. Major 0 takes the oldest form. */
const struct wire_operation *wire_operation_find(enum component component, const char *name,
						 uint16_t major);

/* The field of this name, or NULL: of the body, then of the headers. */
const struct wire_field *wire_field_find(const struct wire_operation *op, const char *name,
					 size_t *ret_base);

/* Headers and an empty body of the size, as a host fills them: flags 3, all else 0. */
void wire_begin(struct message *m, uint16_t type, struct version_pair versions, size_t body_size);

/* A whole negotiation. counts NULL: those of the lists. */
void wire_negotiate(struct message *m, const struct version_list *framework,
		    const struct version_list *message, const uint16_t counts[2]);

/* A request with nothing but its operation set. */
void wire_request(struct message *m, const struct wire_operation *op, struct version_pair versions);

/* Makes the body so many bytes long, and the sizes in both headers with it. -EMSGSIZE when too long. */
_must_check_ int wire_resize(struct message *m, size_t body_size);

/* Cuts or extends the payload and leaves every size field as it is: a lie. */
_must_check_ int wire_set_length(struct message *m, size_t len);

/*
 * Writes a field from its text. -ENOENT: there is no such field; -EINVAL: not a value of its kind;
 * -ENOBUFS: longer than the field, or the message ends before it.
 */
_must_check_ int wire_set(struct message *m, const struct wire_operation *op, const char *name,
			  const char *text);

/* Overwrites bytes of the payload with hexadecimal ones. Returns as wire_set. */
_must_check_ int wire_patch(struct message *m, size_t offset, const char *hex);

/* "41004200" as bytes. The count, -EINVAL, or -ENOBUFS. */
_must_check_ int wire_parse_hex(const char *hex, uint8_t *ret, size_t size);

/* What the headers of a reply say. */
struct wire_header {
	uint32_t pipe_size;
	struct version framework, message;
	uint16_t type, size;
	uint32_t status;
	uint8_t transaction, flags;
};

/* -EBADMSG when the payload is shorter than the headers. */
_must_check_ int wire_parse_header(const uint8_t *payload, size_t len, struct wire_header *ret);

/*
 * Checks a reply's frame against its request, as OpenVMM does and Linux answers. 0, or
 * -EBADMSG and a sentence in why. len counts the ring's padding.
 */
_must_check_ int wire_check_reply(const struct message *request, const uint8_t *payload, size_t len,
				  char *why, size_t why_size);

/* The counts and the first entry of each list of a negotiation's reply; -EBADMSG: too short. */
_must_check_ int wire_parse_negotiate(const uint8_t *payload, size_t len, uint16_t ret_counts[2],
				      struct version_pair *ret);

/*
 * Checks the key and the value in a reply: even sizes inside their fields, a NUL inside the size,
 * valid UTF-16, 4 or 8 bytes for numbers. OpenVMM fails the channel otherwise. Returns as
 * wire_check_reply. A reply with a failure status, and an operation without a value, pass.
 */
_must_check_ int wire_check_value(const struct wire_operation *op, const uint8_t *payload,
				  size_t len, char *why, size_t why_size);

/* A heartbeat's answer carries the sequence number of its request and one more. Returns as above. */
_must_check_ int wire_check_sequence(const struct message *request, const uint8_t *payload,
				     size_t len, char *why, size_t why_size);

/*
 * A field as text: numbers in decimal, texts as UTF-8 up to their NUL, with \w{} for what is not
 * valid. n_elements says how many of a list. -ENOENT, or -EBADMSG when the reply ends before it.
 */
_must_check_ int wire_get(const struct wire_operation *op, const uint8_t *payload, size_t len,
			  const char *name, size_t n_elements, char *ret, size_t size);

/* The word for a status, "no-more", or NULL; and the way back, also from 0x80004005. */
const char *wire_status_name(uint32_t status);
_must_check_ int wire_status_parse(const char *text, uint32_t *ret);
