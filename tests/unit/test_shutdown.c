/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/shutdown.h"

#include <errno.h>

#include "tests/unit/harness.h"

#define BODY_SIZE 2060
#define TEXT 12
#define TEXT_SIZE 2048

static const struct ic_policy policy = {
	.framework = { .n = 1, .v = { { 3, 0 } } },
	.message = { .n = 4, .v = { { 3, 2 }, { 3, 1 }, { 3, 0 }, { 1, 0 } } },
};

/* One who is asked. */
struct witness {
	unsigned calls;
	int answer;
	struct shutdown_request request;
};

static int on_request(void *user, const struct shutdown_request *request)
{
	struct witness *w = user;

	w->calls++;
	w->request = *request;
	return w->answer;
}

struct asking {
	struct witness witness;
	uint8_t body[BODY_SIZE];
	uint8_t msg[MESSAGE_BODY + BODY_SIZE];
	struct ic_result result;
};

/* Sends the first n bytes of the body on a channel that has agreed to this version. */
static void ask_policy(struct asking *a, struct ic_version version, size_t n, const struct ic_policy *p)
{
	struct shutdown s = { .request = on_request, .user = &a->witness };
	struct ic ic = {
		.service = &ic_shutdown,
		.policy = p,
		.user = &s,
		.answer = { .outcome = IC_AGREED, .counts = { 1, 1 }, .pair = { { 3, 0 }, version } },
	};
	_cleanup_(guard_done) struct guard g = guard_new(MESSAGE_BODY + n);

	(void)message_put(g.p, &(struct message){ .type = 3, .body = a->body, .n = n });
	a->result = ic_handle(&ic, g.p, g.len, g.len, g.len);
	assert_int_equal(a->result.verdict, IC_REPLY);
	assert_int_equal(a->result.len, g.len);
	assert_memory_equal(g.p + MESSAGE_BODY, a->body, n); /* nothing is answered but the status */
	memcpy(a->msg, g.p, g.len);
}

static void ask(struct asking *a, struct ic_version version)
{
	ask_policy(a, version, BODY_SIZE, &policy);
}

/* --- what is asked for --- */

/* As OpenVMM's host sends it, with a text as Windows writes all of its own. */
static void a_request_is_read_and_answered_with_its_own_bytes(void **state)
{
	struct asking a = { .body = { 0x04, 0x03, 0x02, 0x81, 0x2c, 0x01, 0, 0, 1, 0, 0, 0 } };

	(void)state;
	(void)put_utf16(a.body + TEXT, TEXT_SIZE, "maintenance at noon");
	ask(&a, (struct ic_version){ 3, 0 });
	assert_int_equal(message_status(a.msg), WIRE_OK);
	assert_int_equal(message_flags(a.msg), 5);
	assert_int_equal(a.witness.calls, 1);
	assert_int_equal(a.witness.request.action, SHUTDOWN_POWEROFF);
	assert_true(a.witness.request.forced);
	assert_int_equal(a.witness.request.reason, 0x81020304);
	assert_int_equal(a.witness.request.timeout_s, 300);
	assert_string_equal(a.witness.request.text, "maintenance at noon");
}

/* Linux hv_util.c: 0 and 1 power off, 2 and 3 reboot, 4 and 5 hibernate, all others fail; 3.1 brought the reboot, 3.2
 * hibernation. */
static void flags_mean_what_the_version_knows(void **state)
{
	static const struct {
		uint32_t flags;
		int since; /* index below; 4: never */
		enum shutdown_action action;
		bool forced;
	} rows[] = {
		{ 0, 0, SHUTDOWN_POWEROFF, false },  { 1, 0, SHUTDOWN_POWEROFF, true },
		{ 2, 2, SHUTDOWN_REBOOT, false },    { 3, 2, SHUTDOWN_REBOOT, true },
		{ 4, 3, SHUTDOWN_HIBERNATE, false }, { 5, 3, SHUTDOWN_HIBERNATE, true },
		{ 6, 4, 0, false },	             { 7, 4, 0, false },
		{ 8, 4, 0, false },	             { 9, 4, 0, false },
		{ 0x100, 4, 0, false },		     { 0x80000000, 4, 0, false },
		{ 0xffffffff, 4, 0, false },
	};
	static const struct ic_version versions[] = { { 1, 0 }, { 3, 0 }, { 3, 1 }, { 3, 2 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (int v = 0; v < (int)ARRAY_LEN(versions); v++) {
			struct asking a = { .body = { 0 } };

			put_le(a.body + 8, 4, rows[i].flags);
			ask(&a, versions[v]);
			if (v < rows[i].since) {
				assert_int_equal(message_status(a.msg), WIRE_NOT_SUPPORTED);
				assert_int_equal(a.witness.calls, 0);
				continue;
			}
			assert_int_equal(message_status(a.msg), WIRE_OK);
			assert_int_equal(a.witness.calls, 1);
			assert_int_equal(a.witness.request.action, rows[i].action);
			assert_int_equal(a.witness.request.forced, rows[i].forced);
		}
}

static void actions_have_the_names_of_the_operations(void **state)
{
	static const char *const names[] = { "poweroff", "reboot", "hibernate" };

	(void)state;
	assert_int_equal(SHUTDOWN_ACTIONS, ARRAY_LEN(names));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_string_equal(shutdown_action_names[i], names[i]);
		assert_int_equal(ic_operations_named(&ic_shutdown, names[i]), 3u << 2 * i);
	}
}

static void a_blocked_operation_reaches_nobody_forced_or_not(void **state)
{
	(void)state;
	for (uint32_t flags = 0; flags < 6; flags++) {
		struct ic_policy p = policy;
		struct asking a = { .body = { 0 } };

		p.blocked = ic_operations_named(&ic_shutdown, "reboot");
		put_le(a.body + 8, 4, flags);
		ask_policy(&a, (struct ic_version){ 3, 2 }, BODY_SIZE, &p);
		assert_int_equal(message_status(a.msg), flags / 2 == 1 ? WIRE_DENIED : WIRE_OK);
		assert_int_equal(a.witness.calls, flags / 2 != 1);
	}
}

static void what_the_daemon_cannot_do_the_host_is_told(void **state)
{
	static const struct {
		int error;
		uint32_t status;
	} rows[] = { { -EIO, WIRE_FAIL }, { -EOPNOTSUPP, WIRE_NOT_SUPPORTED }, { 0, WIRE_OK } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct asking a = { .witness = { .answer = rows[i].error } };

		ask(&a, (struct ic_version){ 3, 0 });
		assert_int_equal(a.witness.calls, 1);
		assert_int_equal(a.result.error, rows[i].error);
		assert_int_equal(message_status(a.msg), rows[i].status);
	}
}

/* Linux asks for 2060 bytes. */
static void what_is_shorter_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n <= BODY_SIZE; n++) {
		struct asking a = { .body = { 0 } };

		ask_policy(&a, (struct ic_version){ 3, 0 }, n, &policy);
		assert_int_equal(message_status(a.msg), n < BODY_SIZE ? WIRE_INVALID : WIRE_OK);
		assert_int_equal(a.witness.calls, n == BODY_SIZE);
	}
}

/* --- the text --- */

#define TEXT_OF(bytes_, text_) { .bytes = bytes_, .n = sizeof(bytes_) - 1, .text = text_ }

static const struct {
	const char *bytes;
	size_t n;
	const char *text;
} texts[] = {
	TEXT_OF("", ""),
	/* one character: the same in both encodings */
	TEXT_OF("b", "b"),
	TEXT_OF("b\0y\0e\0", "bye"),
	TEXT_OF("bye", "bye"),
	TEXT_OF("ok", "ok"),
	TEXT_OF("bye at 5\xc2\xa0pm", "bye at 5\xc2\xa0pm"),
	TEXT_OF("\x1f\x04\x40\x04\x38\x04", "\xd0\x9f\xd1\x80\xd0\xb8"),
	TEXT_OF("\x2d\x4e\x87\x65", "\xe4\xb8\xad\xe6\x96\x87"),
	TEXT_OF("\x3d\xd8\x00\xde!\0", "\xf0\x9f\x98\x80!"),
	/* behind its end stands whatever the host had there */
	TEXT_OF("b\0\0\0y\0e\0", "b"),
	TEXT_OF("by\0\0\0\0\xff", "\xe7\xa5\xa2"),
	/* what is neither: Latin-1 is taken for UTF-16 */
	TEXT_OF("\xe9t", "\xe7\x93\xa9"),
	/* surrogates without their partners */
	TEXT_OF("a\0\x00\xd8" "b\0\x00\xdc", "a\xef\xbf\xbd" "b\xef\xbf\xbd"),
	/* what would steer a terminal, or turn what it shows */
	TEXT_OF("\x1b\0[\0002\0J\0\x07\0\x7f\0\x9b\0", "?[2J???"),
	TEXT_OF("a\0\r\0\n\0\t\0b\0", "a   b"),
	TEXT_OF("one\ntwo", "one two"),
	TEXT_OF("a\0\x2e\x20" "b\0\x0b\x20\xff\xfe", "a?b??"),
	TEXT_OF("a\0\xff\xff\xd0\xfd\xbf\xdb\xff\xdf", "a???"),
	TEXT_OF("a\0\x28\x20" "b\0", "a b"),
};

static void a_text_becomes_a_line_of_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct asking a = { .body = { 0 } };

		memcpy(a.body + TEXT, texts[i].bytes, texts[i].n);
		ask(&a, (struct ic_version){ 3, 0 });
		assert_int_equal(a.witness.calls, 1);
		assert_string_equal(a.witness.request.text, texts[i].text);
	}
}

/* Without a NUL, and as long as it can become: three bytes of UTF-8 for two. */
static void a_text_that_does_not_end_is_read_up_to_the_end(void **state)
{
	struct asking a = { .body = { 0 } };

	(void)state;
	for (size_t i = 0; i < TEXT_SIZE; i += 2)
		put_le(a.body + TEXT + i, 2, 0x4e2d);
	put_le(a.body + TEXT, 2, 0xd800);
	ask(&a, (struct ic_version){ 3, 0 });
	assert_int_equal(strlen(a.witness.request.text), 3 * (TEXT_SIZE / 2));
	assert_int_equal(strlen(a.witness.request.text) + 1, sizeof(a.witness.request.text));

	memset(a.body + TEXT, 'x', TEXT_SIZE);
	ask(&a, (struct ic_version){ 3, 0 });
	assert_int_equal(strlen(a.witness.request.text), TEXT_SIZE);
	assert_int_equal(strspn(a.witness.request.text, "x"), TEXT_SIZE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read_and_answered_with_its_own_bytes),
		cmocka_unit_test(flags_mean_what_the_version_knows),
		cmocka_unit_test(actions_have_the_names_of_the_operations),
		cmocka_unit_test(a_blocked_operation_reaches_nobody_forced_or_not),
		cmocka_unit_test(what_the_daemon_cannot_do_the_host_is_told),
		cmocka_unit_test(what_is_shorter_is_refused),
		cmocka_unit_test(a_text_becomes_a_line_of_utf8),
		cmocka_unit_test(a_text_that_does_not_end_is_read_up_to_the_end),
	};

	return cmocka_run_group_tests_name("shutdown", tests, NULL, NULL);
}
