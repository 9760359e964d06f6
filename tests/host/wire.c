/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/wire.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "hv_util/bytes.h"
#include "tests/host/text16.h"
#include "tests/host/version.h"

/* --- tables --- */

static const struct wire_field header_fields[] = {
	{ .name = "pipe-flags", .kind = WIRE_U32, .offset = 0, .size = 4 },
	{ .name = "pipe-size", .kind = WIRE_U32, .offset = 4, .size = 4 },
	{ .name = "header-framework", .kind = WIRE_VERSION, .offset = 8, .size = 4 },
	{ .name = "type", .kind = WIRE_U16, .offset = 12, .size = 2 },
	{ .name = "header-message", .kind = WIRE_VERSION, .offset = 14, .size = 4 },
	{ .name = "icmsgsize", .kind = WIRE_U16, .offset = 18, .size = 2 },
	{ .name = "status", .kind = WIRE_U32, .offset = 20, .size = 4 },
	{ .name = "transaction", .kind = WIRE_U8, .offset = 24, .size = 1 },
	{ .name = "icflags", .kind = WIRE_U8, .offset = 25, .size = 1 },
	{ .name = "reserved", .kind = WIRE_U16, .offset = 26, .size = 2 },
	{ .name = NULL },
};

static const struct wire_field heartbeat_fields[] = {
	{ .name = "sequence", .kind = WIRE_U64, .offset = 0, .size = 8 },
	{ .name = "state", .kind = WIRE_U32, .offset = 8, .size = 4 },
	{ .name = NULL },
};

static const struct wire_field time3_fields[] = {
	{ .name = "parent", .kind = WIRE_U64, .offset = 0, .size = 8 },
	{ .name = "child", .kind = WIRE_U64, .offset = 8, .size = 8 },
	{ .name = "round-trip", .kind = WIRE_U64, .offset = 16, .size = 8 },
	{ .name = "flags", .kind = WIRE_U8, .offset = 24, .size = 1 },
	{ .name = NULL },
};

static const struct wire_field time4_fields[] = {
	{ .name = "parent", .kind = WIRE_U64, .offset = 0, .size = 8 },
	{ .name = "reference", .kind = WIRE_U64, .offset = 8, .size = 8 },
	{ .name = "flags", .kind = WIRE_U8, .offset = 16, .size = 1 },
	{ .name = "leap", .kind = WIRE_U8, .offset = 17, .size = 1 },
	{ .name = "stratum", .kind = WIRE_U8, .offset = 18, .size = 1 },
	{ .name = NULL },
};

static const struct wire_field shutdown_fields[] = {
	{ .name = "reason", .kind = WIRE_U32, .offset = 0, .size = 4 },
	{ .name = "timeout", .kind = WIRE_U32, .offset = 4, .size = 4 },
	{ .name = "flags", .kind = WIRE_U32, .offset = 8, .size = 4 },
	{ .name = "message", .kind = WIRE_TEXT, .offset = 12, .size = 2048 },
	{ .name = NULL },
};

#define KVP_HEADER                                                                   \
	{ .name = "operation", .kind = WIRE_U8, .offset = 0, .size = 1 },            \
	{ .name = "pool", .kind = WIRE_U8, .offset = 1, .size = 1 }

/* exchg_msg_value at an offset: type, sizes, 512 bytes of key, 2048 bytes of value. */
#define KVP_VALUE(at)                                                                             \
	{ .name = "value-type", .kind = WIRE_U32, .offset = (at), .size = 4 },                    \
	{ .name = "key-size", .kind = WIRE_U32, .offset = (at) + 4, .size = 4 },                  \
	{ .name = "value-size", .kind = WIRE_U32, .offset = (at) + 8, .size = 4 },                \
	{ .name = "key", .kind = WIRE_TEXT, .offset = (at) + 12, .size = 512,                     \
	  .size_at = (at) + 4 },                                                                  \
	{ .name = "value", .kind = WIRE_TEXT, .offset = (at) + 524, .size = 2048,                 \
	  .size_at = (at) + 8, .type_at = (at), .type = 1 },                                      \
	{ .name = "expand", .kind = WIRE_TEXT, .offset = (at) + 524, .size = 2048,                \
	  .size_at = (at) + 8, .type_at = (at), .type = 2 },                                      \
	{ .name = "dword", .kind = WIRE_U32, .offset = (at) + 524, .size = 4,                     \
	  .size_at = (at) + 8, .type_at = (at), .type = 4 },                                      \
	{ .name = "qword", .kind = WIRE_U64, .offset = (at) + 524, .size = 8,                     \
	  .size_at = (at) + 8, .type_at = (at), .type = 11 },                                     \
	{ .name = NULL }

static const struct wire_field kvp_value_fields[] = { KVP_HEADER, KVP_VALUE(4) };

static const struct wire_field kvp_enumerate_fields[] = {
	KVP_HEADER,
	{ .name = "index", .kind = WIRE_U32, .offset = 4, .size = 4 },
	KVP_VALUE(8),
};

static const struct wire_field kvp_delete_fields[] = {
	KVP_HEADER,
	{ .name = "key-size", .kind = WIRE_U32, .offset = 4, .size = 4 },
	{ .name = "key", .kind = WIRE_TEXT, .offset = 8, .size = 512, .size_at = 4 },
	{ .name = NULL },
};

static const struct wire_field ip_text_fields[] = {
	KVP_HEADER,
	{ .name = "adapter", .kind = WIRE_TEXT, .offset = 2, .size = 256 },
	{ .name = "family", .kind = WIRE_U8, .offset = 258, .size = 1 },
	{ .name = "dhcp", .kind = WIRE_U8, .offset = 259, .size = 1 },
	{ .name = "addresses", .kind = WIRE_TEXT, .offset = 260, .size = 2048 },
	{ .name = "subnets", .kind = WIRE_TEXT, .offset = 2308, .size = 2048 },
	{ .name = "gateways", .kind = WIRE_TEXT, .offset = 4356, .size = 1024 },
	{ .name = "dns", .kind = WIRE_TEXT, .offset = 5380, .size = 2048 },
	{ .name = NULL },
};

/* The binary form begins at operation + 4, where its first u32 can be aligned. */
static const struct wire_field ip_binary_fields[] = {
	KVP_HEADER,
	{ .name = "n-ipv4", .kind = WIRE_U32, .offset = 4, .size = 4 },
	{ .name = "n-ipv6", .kind = WIRE_U32, .offset = 8, .size = 4 },
	{ .name = "n-gateway4", .kind = WIRE_U32, .offset = 12, .size = 4 },
	{ .name = "n-gateway6", .kind = WIRE_U32, .offset = 16, .size = 4 },
	{ .name = "n-dns4", .kind = WIRE_U32, .offset = 20, .size = 4 },
	{ .name = "n-dns6", .kind = WIRE_U32, .offset = 24, .size = 4 },
	{ .name = "adapter", .kind = WIRE_TEXT, .offset = 28, .size = 256 },
	{ .name = "family", .kind = WIRE_U8, .offset = 284, .size = 1 },
	{ .name = "dhcp", .kind = WIRE_U8, .offset = 285, .size = 1 },
	{ .name = "ipv4", .kind = WIRE_IPV4, .offset = 288, .size = 256, .size_at = 4 },
	{ .name = "ipv6", .kind = WIRE_IPV6, .offset = 544, .size = 1024, .size_at = 8 },
	{ .name = "mask4", .kind = WIRE_IPV4, .offset = 1568, .size = 256 },
	{ .name = "prefix6", .kind = WIRE_U32_LIST, .offset = 1824, .size = 256 },
	{ .name = "gateway4", .kind = WIRE_IPV4, .offset = 2080, .size = 20, .size_at = 12 },
	{ .name = "gateway6", .kind = WIRE_IPV6, .offset = 2100, .size = 80, .size_at = 16 },
	{ .name = "dns4", .kind = WIRE_IPV4, .offset = 2180, .size = 256, .size_at = 20 },
	{ .name = "dns6", .kind = WIRE_IPV6, .offset = 2436, .size = 1024, .size_at = 24 },
	{ .name = "origins", .kind = WIRE_U16_LIST, .offset = 3460, .size = 256 },
	{ .name = NULL },
};

/* Body sizes: what OpenVMM sends (fixed 2580 and 7428 bytes for KVP, 2060 for a shutdown, 16, 28
 * and 24 for the rest). */
static const struct wire_operation operations[] = {
	{ COMPONENT_HEARTBEAT, "beat", 0, 99, 16, { { 0 } }, heartbeat_fields },
	{ COMPONENT_TIMESYNC, "probe", 0, 3, 28, { { 24, 0 } }, time3_fields },
	{ COMPONENT_TIMESYNC, "sync", 0, 3, 28, { { 24, 1 } }, time3_fields },
	{ COMPONENT_TIMESYNC, "sample", 0, 3, 28, { { 24, 2 } }, time3_fields },
	{ COMPONENT_TIMESYNC, "probe", 4, 99, 24, { { 16, 0 } }, time4_fields },
	{ COMPONENT_TIMESYNC, "sync", 4, 99, 24, { { 16, 1 } }, time4_fields },
	{ COMPONENT_TIMESYNC, "sample", 4, 99, 24, { { 16, 2 } }, time4_fields },
	/* A shutdown is planned (0x80000000, Windows' SHTDN_REASON_FLAG_PLANNED). */
	{ COMPONENT_SHUTDOWN, "request", 0, 99, 2060, { { 3, 0x80 } }, shutdown_fields },
	{ COMPONENT_KVP, "get", 0, 99, 2580, { { 0, 0 } }, kvp_value_fields },
	{ COMPONENT_KVP, "set", 0, 99, 2580, { { 0, 1 } }, kvp_value_fields },
	{ COMPONENT_KVP, "delete", 0, 99, 2580, { { 0, 2 } }, kvp_delete_fields },
	{ COMPONENT_KVP, "enumerate", 0, 99, 2580, { { 0, 3 } }, kvp_enumerate_fields },
	{ COMPONENT_KVP, "get-ip", 0, 4, 7428, { { 0, 4 } }, ip_text_fields },
	{ COMPONENT_KVP, "set-ip", 0, 4, 7428, { { 0, 5 } }, ip_text_fields },
	{ COMPONENT_KVP, "get-ip", 5, 99, 7428, { { 0, 4 } }, ip_binary_fields },
	{ COMPONENT_KVP, "set-ip", 5, 99, 7428, { { 0, 5 } }, ip_binary_fields },
};

static const struct {
	const char *name;
	uint32_t status;
} status_table[] = {
	{ "ok", WIRE_STATUS_OK },
	{ "fail", 0x80004005 },
	{ "no-more", WIRE_STATUS_NO_MORE },
	{ "not-supported", 0x80070032 },
	{ "locked", 0x800704f7 },
	{ "not-connected", 0x8007048f },
	{ "invalid", 0x80070057 },
	{ "denied", 0x80070005 },
	{ "not-found", 0x80041002 },
	{ "exists", 0x80070050 },
	{ "disk-full", 0x80070070 },
};

/* --- look-ups --- */

const struct wire_operation *wire_operation_find(enum component component, const char *name,
						 uint16_t major)
{
	for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
		const struct wire_operation *op = &operations[i];

		if (op->component == component && strcmp(op->name, name) == 0 &&
		    op->from_major <= major && major <= op->until_major)
			return op;
	}
	return NULL;
}

const struct wire_field *wire_field_find(const struct wire_operation *op, const char *name,
					 size_t *ret_base)
{
	*ret_base = WIRE_BODY;
	for (const struct wire_field *f = op ? op->fields : NULL; f && f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	*ret_base = 0;
	for (const struct wire_field *f = header_fields; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

const char *wire_status_name(uint32_t status)
{
	for (size_t i = 0; i < ARRAY_LEN(status_table); i++)
		if (status_table[i].status == status)
			return status_table[i].name;
	return NULL;
}

static int parse_number(const char *text, uint64_t most, uint64_t *ret)
{
	char *end = NULL;
	unsigned long long n;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || *end || n > most)
		return -EINVAL;
	*ret = n;
	return 0;
}

int wire_status_parse(const char *text, uint32_t *ret)
{
	uint64_t n;

	for (size_t i = 0; i < ARRAY_LEN(status_table); i++)
		if (strcmp(status_table[i].name, text) == 0) {
			*ret = status_table[i].status;
			return 0;
		}
	if (parse_number(text, UINT32_MAX, &n) < 0)
		return -EINVAL;
	*ret = (uint32_t)n;
	return 0;
}

int wire_parse_hex(const char *hex, uint8_t *ret, size_t size)
{
	size_t n = strlen(hex) / 2;

	if (strlen(hex) % 2)
		return -EINVAL;
	if (n > size)
		return -ENOBUFS;
	for (size_t i = 0; i < n; i++) {
		unsigned byte;

		if (!isxdigit((unsigned char)hex[2 * i]) || !isxdigit((unsigned char)hex[2 * i + 1]))
			return -EINVAL;
		(void)sscanf(hex + 2 * i, "%2x", &byte);
		ret[i] = (uint8_t)byte;
	}
	return (int)n;
}

/* --- building --- */

static void put_number(struct message *m, size_t offset, size_t size, uint64_t value)
{
	for (size_t i = 0; i < size && offset + i < m->len; i++)
		m->bytes[offset + i] = (uint8_t)(value >> 8 * i);
}

static void put_version(struct message *m, size_t offset, struct version v)
{
	put_number(m, offset, 2, v.major);
	put_number(m, offset + 2, 2, v.minor);
}

int wire_set_length(struct message *m, size_t len)
{
	if (len > sizeof(m->bytes))
		return -EMSGSIZE;
	if (len > m->len)
		memset(m->bytes + m->len, 0, len - m->len);
	m->len = len;
	return 0;
}

int wire_resize(struct message *m, size_t body_size)
{
	int r = wire_set_length(m, WIRE_BODY + body_size);

	if (r < 0)
		return r;
	put_number(m, 4, 4, m->len - 8);
	put_number(m, 18, 2, body_size);
	return 0;
}

void wire_begin(struct message *m, uint16_t type, struct version_pair versions, size_t body_size)
{
	memset(m, 0, sizeof(*m));
	m->len = WIRE_BODY + body_size;
	put_number(m, 0, 4, 1); /* pipe: data */
	put_number(m, 4, 4, m->len - 8);
	put_version(m, 8, versions.framework);
	put_number(m, 12, 2, type);
	put_version(m, 14, versions.message);
	put_number(m, 18, 2, body_size);
	m->bytes[25] = WIRE_TRANSACTION | WIRE_REQUEST;
}

void wire_negotiate(struct message *m, const struct version_list *framework,
		    const struct version_list *message, const uint16_t counts[2])
{
	const struct version_pair none = { { 0, 0 }, { 0, 0 } };
	size_t at = WIRE_BODY + 8;

	wire_begin(m, WIRE_TYPE_NEGOTIATE, none, 8 + 4 * (framework->n + message->n));
	put_number(m, WIRE_BODY, 2, counts ? counts[0] : framework->n);
	put_number(m, WIRE_BODY + 2, 2, counts ? counts[1] : message->n);
	for (unsigned i = 0; i < framework->n; i++, at += 4)
		put_version(m, at, framework->v[i]);
	for (unsigned i = 0; i < message->n; i++, at += 4)
		put_version(m, at, message->v[i]);
}

void wire_request(struct message *m, const struct wire_operation *op, struct version_pair versions)
{
	wire_begin(m, component_table[op->component].message_type, versions, op->body_size);
	for (size_t i = 0; i < ARRAY_LEN(op->preset); i++)
		if (op->preset[i].value)
			m->bytes[WIRE_BODY + op->preset[i].offset] = op->preset[i].value;
}

int wire_patch(struct message *m, size_t offset, const char *hex)
{
	if (offset > m->len)
		return -ENOBUFS;
	return wire_parse_hex(hex, m->bytes + offset, m->len - offset);
}

static int set_version(struct message *m, size_t at, const char *text)
{
	struct version v;

	if (version_parse(text, &v) < 0)
		return -EINVAL;
	put_version(m, at, v);
	return 4;
}

static int set_text(struct message *m, size_t at, size_t size, const char *text)
{
	uint8_t units[4096];
	int n;

	if (strncmp(text, "hex:", 4) == 0)
		n = wire_parse_hex(text + 4, units, sizeof(units));
	else
		n = text16_from_escaped(text, units, sizeof(units));
	if (n < 0)
		return n;
	if ((size_t)n > size)
		return -ENOBUFS;
	memset(m->bytes + at, 0, size);
	memcpy(m->bytes + at, units, (size_t)n);
	return n;
}

static size_t element_size(enum wire_kind kind)
{
	static const size_t size[] = {
		[WIRE_U8] = 1,	     [WIRE_U16] = 2,  [WIRE_U32] = 4,
		[WIRE_U64] = 8,	     [WIRE_IPV4] = 4, [WIRE_IPV6] = 16,
		[WIRE_U16_LIST] = 2, [WIRE_U32_LIST] = 4,
		[WIRE_VERSION] = 4,  [WIRE_TEXT] = 2,
	};

	return size[kind];
}

static int set_element(struct message *m, size_t at, enum wire_kind kind, const char *text)
{
	size_t size = element_size(kind);
	uint64_t n;

	if (kind == WIRE_IPV4 || kind == WIRE_IPV6)
		return inet_pton(kind == WIRE_IPV4 ? AF_INET : AF_INET6, text, m->bytes + at) == 1 ?
			       0 :
			       -EINVAL;
	if (parse_number(text, size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * size) - 1, &n) < 0)
		return -EINVAL;
	put_number(m, at, size, n);
	return 0;
}

/* The bytes or, for a list of addresses, the elements that were written. */
static int set_list(struct message *m, size_t at, const struct wire_field *f, const char *text)
{
	char copy[4096], *save = NULL;
	size_t size = element_size(f->kind), n = 0;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		return -ENOBUFS;
	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		int r;

		if ((n + 1) * size > f->size)
			return -ENOBUFS;
		r = set_element(m, at + n * size, f->kind, word);
		if (r < 0)
			return r;
		n++;
	}
	return (int)n;
}

static int set_field(struct message *m, size_t at, const struct wire_field *f, const char *text)
{
	int r;

	switch (f->kind) {
	case WIRE_VERSION:
		return set_version(m, at, text);
	case WIRE_TEXT:
		return set_text(m, at, f->size, text);
	case WIRE_IPV4:
	case WIRE_IPV6:
	case WIRE_U16_LIST:
	case WIRE_U32_LIST:
		return set_list(m, at, f, text);
	case WIRE_U8:
	case WIRE_U16:
	case WIRE_U32:
	case WIRE_U64:
		r = set_element(m, at, f->kind, text);
		return r < 0 ? r : (int)element_size(f->kind);
	}
	return -EINVAL;
}

int wire_set(struct message *m, const struct wire_operation *op, const char *name, const char *text)
{
	size_t base;
	const struct wire_field *f = wire_field_find(op, name, &base);
	int r;

	if (!f)
		return -ENOENT;
	if (base + f->offset + f->size > m->len)
		return -ENOBUFS;
	r = set_field(m, base + f->offset, f, text);
	if (r < 0)
		return r;
	if (f->size_at)
		put_number(m, base + f->size_at, 4, (uint64_t)r);
	if (f->type_at)
		put_number(m, base + f->type_at, 4, f->type);
	return 0;
}

/* --- checking --- */

static uint64_t get_number(const uint8_t *p, size_t size)
{
	uint64_t v = 0;

	for (size_t i = size; i > 0; i--)
		v = v << 8 | p[i - 1];
	return v;
}

static struct version get_version(const uint8_t *p)
{
	return (struct version){ (uint16_t)get_number(p, 2), (uint16_t)get_number(p + 2, 2) };
}

int wire_parse_header(const uint8_t *payload, size_t len, struct wire_header *ret)
{
	if (len < WIRE_BODY)
		return -EBADMSG;
	*ret = (struct wire_header){
		.pipe_size = (uint32_t)get_number(payload + 4, 4),
		.framework = get_version(payload + 8),
		.type = (uint16_t)get_number(payload + 12, 2),
		.message = get_version(payload + 14),
		.size = (uint16_t)get_number(payload + 18, 2),
		.status = (uint32_t)get_number(payload + 20, 4),
		.transaction = payload[24],
		.flags = payload[25],
	};
	return 0;
}

/* A size that does not fit is the guest's only when it is not the request's own lie, echoed. */
int wire_check_reply(const struct message *request, const uint8_t *payload, size_t len, char *why,
		     size_t why_size)
{
	struct wire_header q, a;
	size_t padded = (request->len + 7) & ~(size_t)7;

	if (wire_parse_header(payload, len, &a) < 0) {
		snprintf(why, why_size, "a reply of %zu bytes is shorter than its headers", len);
		return -EBADMSG;
	}
	if (wire_parse_header(request->bytes, request->len, &q) < 0) {
		snprintf(why, why_size, "a reply came to a request without a header");
		return -EBADMSG;
	}
	/* The two entries of an answer may need more room than an offer of none or one. */
	if (q.type == WIRE_TYPE_NEGOTIATE && padded < WIRE_BODY + 16 + 4 && len > padded)
		padded = WIRE_BODY + 16 + 4;
	if (a.flags != (WIRE_TRANSACTION | WIRE_RESPONSE))
		snprintf(why, why_size, "a reply's flags are %u, not 5", a.flags);
	else if (a.transaction != q.transaction)
		snprintf(why, why_size, "a reply's transaction id is %u, the request's was %u",
			 a.transaction, q.transaction);
	else if (a.type != q.type)
		snprintf(why, why_size, "a reply's type is %u, the request's was %u", a.type, q.type);
	else if (len != padded)
		snprintf(why, why_size, "a reply takes %zu bytes, its request took %zu", len, padded);
	else if ((size_t)a.size + WIRE_BODY > len && a.size != q.size)
		snprintf(why, why_size, "a reply claims a body of %u bytes and carries %zu", a.size,
			 len - WIRE_BODY);
	else if (a.pipe_size > len - 8 && a.pipe_size != q.pipe_size)
		snprintf(why, why_size, "a reply's pipe header claims %u bytes and carries %zu",
			 a.pipe_size, len - 8);
	else
		return 0;
	return -EBADMSG;
}

int wire_parse_negotiate(const uint8_t *payload, size_t len, uint16_t ret_counts[2],
			 struct version_pair *ret)
{
	if (len < WIRE_BODY + 16)
		return -EBADMSG;
	ret_counts[0] = (uint16_t)get_number(payload + WIRE_BODY, 2);
	ret_counts[1] = (uint16_t)get_number(payload + WIRE_BODY + 2, 2);
	ret->framework = get_version(payload + WIRE_BODY + 8);
	ret->message = get_version(payload + WIRE_BODY + 12);
	return 0;
}

static int check_text(const uint8_t *p, size_t size, size_t room, const char *name, char *why,
		      size_t why_size)
{
	const char *problem = NULL;

	if (size > room || size % 2 || size < 2)
		problem = "has an impossible size";
	else if (!text16_has_end(p, size))
		problem = "has no NUL inside its size";
	else if (!text16_is_valid(p, size))
		problem = "is not valid UTF-16";
	if (!problem)
		return 0;
	snprintf(why, why_size, "the %s of a reply (%zu bytes) %s", name, size, problem);
	return -EBADMSG;
}

static int check_typed(const uint8_t *value, uint32_t type, uint32_t size, char *why,
		       size_t why_size)
{
	static const struct {
		uint32_t type, size; /* 0: a text */
	} types[] = { { 1, 0 }, { 2, 0 }, { 4, 4 }, { 11, 8 } };

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (types[i].type != type)
			continue;
		if (types[i].size == 0)
			return check_text(value, size, 2048, "value", why, why_size);
		if (types[i].size == size)
			return 0;
		snprintf(why, why_size, "a value of type %u has %u bytes", type, size);
		return -EBADMSG;
	}
	snprintf(why, why_size, "a value has the unknown type %u", type);
	return -EBADMSG;
}

int wire_check_value(const struct wire_operation *op, const uint8_t *payload, size_t len, char *why,
		     size_t why_size)
{
	size_t base;
	const struct wire_field *key = wire_field_find(op, "key", &base);
	const struct wire_field *value = wire_field_find(op, "value", &base);
	const uint8_t *body = payload + WIRE_BODY;
	struct wire_header h;
	int r;

	if (!key || !value || wire_parse_header(payload, len, &h) < 0 || h.status)
		return 0;
	if ((size_t)WIRE_BODY + value->offset + value->size > len) {
		snprintf(why, why_size, "a reply ends inside its value");
		return -EBADMSG;
	}
	r = check_text(body + key->offset, get_number(body + key->size_at, 4), key->size, "key", why,
		       why_size);
	if (r < 0)
		return r;
	return check_typed(body + value->offset, (uint32_t)get_number(body + value->type_at, 4),
			   (uint32_t)get_number(body + value->size_at, 4), why, why_size);
}

int wire_check_sequence(const struct message *request, const uint8_t *payload, size_t len,
			char *why, size_t why_size)
{
	const uint8_t *sent = request->bytes + WIRE_BODY, *came = payload + WIRE_BODY;
	struct wire_header h;

	if (request->len < WIRE_BODY + 8 || len < WIRE_BODY + 8 ||
	    wire_parse_header(payload, len, &h) < 0 || h.status ||
	    get_number(came, 8) == get_number(sent, 8) + 1)
		return 0;
	snprintf(why, why_size, "a heartbeat's answer has sequence %llu, its request had %llu",
		 (unsigned long long)get_number(came, 8), (unsigned long long)get_number(sent, 8));
	return -EBADMSG;
}

static void get_element(const uint8_t *p, enum wire_kind kind, char *ret, size_t size)
{
	if (kind == WIRE_IPV4 || kind == WIRE_IPV6)
		(void)inet_ntop(kind == WIRE_IPV4 ? AF_INET : AF_INET6, p, ret, (socklen_t)size);
	else
		snprintf(ret, size, "%llu",
			 (unsigned long long)get_number(p, element_size(kind)));
}

static void get_list(const uint8_t *p, const struct wire_field *f, size_t n, char *ret, size_t size)
{
	size_t step = element_size(f->kind), at = 0;

	*ret = 0;
	for (size_t i = 0; i < n && (i + 1) * step <= f->size && at < size; i++) {
		char word[64];

		get_element(p + i * step, f->kind, word, sizeof(word));
		at += (size_t)snprintf(ret + at, size - at, "%s%s", i ? "," : "", word);
	}
}

int wire_get(const struct wire_operation *op, const uint8_t *payload, size_t len, const char *name,
	     size_t n_elements, char *ret, size_t size)
{
	size_t base;
	const struct wire_field *f = wire_field_find(op, name, &base);
	const uint8_t *p;

	if (!f)
		return -ENOENT;
	p = payload + base + f->offset;
	if (base + f->offset + f->size > len)
		return -EBADMSG;
	switch (f->kind) {
	case WIRE_VERSION:
		snprintf(ret, size, "%u.%u", get_version(p).major, get_version(p).minor);
		break;
	case WIRE_TEXT:
		text16_to_escaped(p, f->size, ret, size);
		break;
	case WIRE_IPV4:
	case WIRE_IPV6:
	case WIRE_U16_LIST:
	case WIRE_U32_LIST:
		get_list(p, f, n_elements, ret, size);
		break;
	case WIRE_U8:
	case WIRE_U16:
	case WIRE_U32:
	case WIRE_U64:
		get_element(p, f->kind, ret, size);
		break;
	}
	return 0;
}
