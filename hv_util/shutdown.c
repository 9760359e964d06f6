/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/shutdown.h"

#include "hv_util/utf16.h"

const char *const shutdown_action_names[SHUTDOWN_ACTIONS] = {
	[SHUTDOWN_POWEROFF] = "poweroff",
	[SHUTDOWN_REBOOT] = "reboot",
	[SHUTDOWN_HIBERNATE] = "hibernate",
};

static size_t length_to_nul(const uint8_t *p, size_t n)
{
	const uint8_t *end = memchr(p, 0, n);

	return end ? (size_t)(end - p) : n;
}

static bool is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

/*
 * Whether the text is UTF-8. Neither Linux nor OpenVMM says what it is: bytes to both. What Windows makes is
 * UTF-16 (inferred from all its other texts), in which there is a NUL, a control character or no UTF-8 in the
 * first few bytes of most languages' texts. A short text in Chinese or Japanese may be taken for UTF-8; one
 * character alone is the same in both.
 */
static bool is_utf8(const uint8_t *p, size_t n, size_t len)
{
	if (len < 2 || !is_zero(p + len, n - len) || !utf8_is_valid((const char *)p, len))
		return false;
	for (size_t i = 0; i < len; i++)
		if (p[i] < ' ' && p[i] != '\t' && p[i] != '\n' && p[i] != '\r')
			return false;
	return true;
}

static size_t units_to_nul(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && (p[2 * i] || p[2 * i + 1]))
		i++;
	return i;
}

static void read_text(const uint8_t *p, size_t n, char to[static SHUTDOWN_TEXT_SIZE])
{
	size_t len = length_to_nul(p, n);

	if (is_utf8(p, n, len))
		(void)utf8_repair((const char *)p, len, to, SHUTDOWN_TEXT_SIZE);
	else
		(void)utf16_repair(p, units_to_nul(p, n / 2), to, SHUTDOWN_TEXT_SIZE);
	utf8_make_printable(to);
}

static enum shutdown_action action_of(uint32_t flags)
{
	return flags & SHUTDOWN_FLAG_HIBERNATE ? SHUTDOWN_HIBERNATE :
	       flags & SHUTDOWN_FLAG_RESTART   ? SHUTDOWN_REBOOT :
						 SHUTDOWN_POWEROFF;
}

static int on_request(const struct ic_call *call)
{
	const struct shutdown *s = call->user;
	struct rd r = { .p = call->body, .left = call->len };
	struct shutdown_request request = { .reason = rd_u32(&r) };
	const uint8_t *text;
	uint32_t flags;

	request.timeout_s = rd_u32(&r);
	flags = rd_u32(&r);
	text = rd_bytes(&r, SHUTDOWN_WIRE_TEXT_SIZE);
	if (!text)
		return rd_result(&r);

	request.action = action_of(flags);
	request.forced = flags & SHUTDOWN_FLAG_FORCE;
	read_text(text, SHUTDOWN_WIRE_TEXT_SIZE, request.text);
	return s->request(s->user, &request);
}

/* The flags are the operation: a row for each combination that means something. */
static uint32_t op_code(const struct ic_call *call)
{
	struct rd r = { .p = call->body, .left = call->len };

	(void)rd_u32(&r); /* reason */
	(void)rd_u32(&r); /* timeout */
	return rd_u32(&r);
}

#define FORCED(flags) ((flags) | SHUTDOWN_FLAG_FORCE)
#define ROW(name_, major, minor, flags)                                                  \
	{                                                                                \
		.name = name_, .code = flags, .since = { major, minor },                 \
		.min_body = SHUTDOWN_SIZE, .handle = on_request,                         \
	}

/* The versions are those with which Linux learned the flags (hv_util.c, SD_VERSION_3_1 and SD_VERSION_3_2). */
static const struct ic_op ops[] = {
	ROW("poweroff", 0, 0, 0),
	ROW("poweroff", 0, 0, FORCED(0)),
	ROW("reboot", 3, 1, SHUTDOWN_FLAG_RESTART),
	ROW("reboot", 3, 1, FORCED(SHUTDOWN_FLAG_RESTART)),
	ROW("hibernate", 3, 2, SHUTDOWN_FLAG_HIBERNATE),
	ROW("hibernate", 3, 2, FORCED(SHUTDOWN_FLAG_HIBERNATE)),
};

const struct ic_service ic_shutdown = {
	.component = IC_SHUTDOWN,
	.name = "Shutdown",
	.title = "Shutdown",
	.type = IC_TYPE_SHUTDOWN,
	.op_code = op_code,
	.ops = ops,
	.n_ops = ARRAY_LEN(ops),
};
