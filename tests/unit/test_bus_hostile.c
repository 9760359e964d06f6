/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clients that mean no good: who floods, who never reads, who sends what is too long or makes no
 * sense, who comes and goes. The others are served meanwhile, and the daemon does not grow.
 */
#include <malloc.h>
#include <poll.h>

#include "tests/unit/bus_harness.h"

static struct bus_fixture f;

static int set_up(void **state)
{
	(void)state;
	fixture_start(&f);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_done(&f);
	return 0;
}

#define MEGABYTE (UINT64_C(1) << 20)

/* Bytes of the heap that are in use. A sanitizer's allocator says nothing here, and its leak detector
 * sees the rest. */
static uint64_t heap_in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* --- a client without a library, which would not let one do what this one does --- */

struct raw {
	int fd;
	uint32_t serial;
	const char *sender; /* what a bus puts in; NULL: it is none */
	size_t n;
	uint8_t message[9 * 1048576];
};

static void raw_pad(struct raw *r, size_t to)
{
	while (r->n % to != 0)
		r->message[r->n++] = 0;
}

static void raw_put_u32(struct raw *r, uint32_t v)
{
	raw_pad(r, 4);
	put_le(r->message + r->n, 4, v);
	r->n += 4;
}

static void raw_put_text(struct raw *r, const char *text, size_t len)
{
	assert_true(r->n + len + 64 < sizeof(r->message));
	raw_put_u32(r, (uint32_t)len);
	memcpy(r->message + r->n, text, len);
	r->n += len;
	r->message[r->n++] = 0;
}

/* A header field: D-Bus specification, "Message Format". */
static void raw_put_field(struct raw *r, uint8_t code, char type, const char *text, size_t len)
{
	raw_pad(r, 8);
	r->message[r->n++] = code;
	r->message[r->n++] = 1;
	r->message[r->n++] = (uint8_t)type;
	r->message[r->n++] = 0;
	if (type != 'g') {
		raw_put_text(r, text, len);
		return;
	}
	r->message[r->n++] = (uint8_t)len;
	memcpy(r->message + r->n, text, len + 1);
	r->n += len + 1;
}

/* A call with texts as its arguments, up to two, and a field that nobody knows of so many bytes. */
static void raw_build(struct raw *r, const char *destination, const char *path, const char *interface,
		      const char *member, const char *const *texts, size_t unknown)
{
	size_t n_texts = !texts[0] ? 0 : !texts[1] ? 1 : 2, fields, body;

	r->n = 0;
	r->message[r->n++] = 'l';
	r->message[r->n++] = 1; /* a method call */
	r->message[r->n++] = 0;
	r->message[r->n++] = 1;
	raw_put_u32(r, 0); /* the body's length, later */
	raw_put_u32(r, ++r->serial);
	raw_put_u32(r, 0); /* the fields', later */
	fields = r->n;
	raw_put_field(r, 1, 'o', path, strlen(path));
	raw_put_field(r, 2, 's', interface, strlen(interface));
	raw_put_field(r, 3, 's', member, strlen(member));
	raw_put_field(r, 6, 's', destination, strlen(destination));
	if (r->sender)
		raw_put_field(r, 7, 's', r->sender, strlen(r->sender));
	if (n_texts > 0)
		raw_put_field(r, 8, 'g', n_texts == 1 ? "s" : "ss", n_texts);
	if (unknown > 0) {
		static char junk[8 * 1048576];

		assert_true(unknown <= sizeof(junk));
		memset(junk, 'j', unknown);
		raw_put_field(r, 200, 's', junk, unknown);
	}
	put_le(r->message + 12, 4, r->n - fields);
	raw_pad(r, 8);
	body = r->n;
	for (size_t i = 0; i < n_texts; i++)
		raw_put_text(r, texts[i], strlen(texts[i]));
	put_le(r->message + 4, 4, r->n - body);
}

/* Writes what was built, while the loop runs. False: the bus takes no more, or has hung up. */
static bool raw_send(struct raw *r)
{
	uint64_t until = usec_now() + 3000000;
	size_t done = 0;

	while (done < r->n) {
		ssize_t n = send(r->fd, r->message + done, r->n - done, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return false;
		if (n > 0)
			done += (size_t)n;
		else if (usec_now() > until)
			return false;
		assert_true(sd_event_run(f.event, n > 0 ? 0 : 1000) >= 0);
	}
	return true;
}

#define NO_TEXTS ((const char *const[]){ NULL })
#define TEXTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void raw_say(struct raw *r, const char *line)
{
	assert_int_equal(send(r->fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
}

static void raw_open(struct raw *r)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	char uid[16], hello[64] = "AUTH EXTERNAL ", answer[256];
	int n = snprintf(uid, sizeof(uid), "%u", geteuid());

	(void)strcpy(name.sun_path, f.bus.socket);
	r->serial = 0;
	r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(r->fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	for (int i = 0; i < n; i++)
		(void)snprintf(hello + 14 + 2 * i, 3, "%02x", uid[i]);
	assert_int_equal(send(r->fd, "", 1, 0), 1);
	raw_say(r, hello);
	raw_say(r, "\r\n");
	assert_true(recv(r->fd, answer, sizeof(answer), 0) > 3);
	assert_memory_equal(answer, "OK ", 3);
	raw_say(r, "BEGIN\r\n");
	raw_build(r, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", NO_TEXTS,
		  0);
	assert_true(raw_send(r));
}

static void raw_close(struct raw *r)
{
	(void)close(r->fd);
}

static struct raw raw;

/* --- tests --- */

static void long_arguments_are_refused_and_not_kept(void **state)
{
	static char text[4 * 1048576 + 1];
	uint64_t before;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	assert_error(&f, "org.vmicd1.Error.NoSuchProfile", MANAGER, "SetProfile", "s", text);
	before = heap_in_use();
	for (unsigned i = 0; i < 3; i++) {
		assert_error(&f, "org.vmicd1.Error.NoSuchProfile", MANAGER, "SetProfile", "s", text);
		assert_error(&f, "org.vmicd1.Error.NoSuchComponent", MANAGER, "Renegotiate", "s", text);
		assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "SetApplicationState", "s",
			     text);
		assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "KvpGet", "s", text);
		assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "KvpSet", "ss", "one", text);
		assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "KvpDelete", "s", text);
	}
	assert_true(heap_in_use() < before + 2 * MEGABYTE);
}

static void nonsense_is_answered_with_errors(void **state)
{
	(void)state;
	assert_error(&f, "org.freedesktop.DBus.Error.UnknownMethod", MANAGER, "Nonsense", "");
	assert_error(&f, "org.freedesktop.DBus.Error.UnknownObject", "/org/vmicd1/component/vss",
		     "org.vmicd1.Component", "Renegotiate", "");
	assert_error(&f, "org.freedesktop.DBus.Error.UnknownMethod", "/org/vmicd1", "org.vmicd1.Component",
		     "Renegotiate", "");
	assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "KvpSet", "s", "one");
	assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "KvpList", "s", "one");
	assert_error(&f, "org.freedesktop.DBus.Error.UnknownProperty", "/org/vmicd1",
		     "org.freedesktop.DBus.Properties", "Get", "ss", "org.vmicd1.Manager", "Nonsense");
}

/* --- a bus that is not dbus-daemon, which passes on no field that it does not know --- */

/* What sd-bus says at first, all at once, and what it must hear. */
static int lenient_bus_accept(int listener)
{
	static const char welcome[] = "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n";
	struct pollfd p = { .fd = listener, .events = POLLIN };
	char said[4096];
	size_t n = 0;
	int fd;

	while (poll(&p, 1, 0) == 0)
		run_for(&f, 10000);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	while (n < 7 || !memmem(said, n, "BEGIN\r\n", 7)) {
		ssize_t got = recv(fd, said + n, sizeof(said) - n, MSG_DONTWAIT);

		if (got > 0)
			n += (size_t)got;
		else
			run_for(&f, 10000);
	}
	assert_int_equal(send(fd, welcome, strlen(welcome), MSG_NOSIGNAL), strlen(welcome));
	return fd;
}

/* Hello is what a client says first, with serial 1. */
static void lenient_bus_answer_hello(struct raw *r)
{
	size_t fields;

	r->n = 0;
	memcpy(r->message, (const uint8_t[]){ 'l', 2, 1, 1 }, 4);
	r->n = 4;
	raw_put_u32(r, 9);
	raw_put_u32(r, ++r->serial);
	raw_put_u32(r, 0);
	fields = r->n;
	memcpy(r->message + r->n, (const uint8_t[]){ 5, 1, 'u', 0, 1, 0, 0, 0 }, 8);
	r->n += 8;
	raw_put_field(r, 7, 's', "org.freedesktop.DBus", 20);
	raw_put_field(r, 8, 'g', "s", 1);
	put_le(r->message + 12, 4, r->n - fields);
	raw_pad(r, 8);
	raw_put_text(r, ":1.1", 4);
	assert_true(raw_send(r));
}

/* How often a text is in what the daemon has sent. */
static unsigned count_sent(int fd, const char *member)
{
	static char sent[65536];
	static size_t n;
	unsigned count = 0;
	ssize_t got;

	while ((got = recv(fd, sent + n, sizeof(sent) - n, MSG_DONTWAIT)) > 0)
		n += (size_t)got;
	for (const char *p = sent, *end = sent + n; (p = memmem(p, (size_t)(end - p), member, strlen(member))); p++)
		count++;
	return count;
}

/* Arguments may be short, and the message long all the same: it is not kept until its answer. */
static void a_long_message_is_not_kept_for_its_answer(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t before, until;

	(void)state;
	fixture_prepare(&f, "");
	(void)strcpy(name.sun_path, f.bus.socket);
	assert_int_equal(bind(listener, (const struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(listener, 1), 0);
	host_start(&f);
	daemon_start(&f);
	raw.serial = 0;
	raw.fd = lenient_bus_accept(listener);
	lenient_bus_answer_hello(&raw);
	run_for(&f, 100000);
	before = heap_in_use();
	for (unsigned i = 0; i < 8; i++) {
		raw.sender = ":1.7";
		raw_build(&raw, "org.vmicd1", MANAGER, "SetProfile", TEXTS("newest"), 4 * MEGABYTE);
		assert_true(raw_send(&raw));
	}
	raw.sender = NULL;
	for (until = usec_now() + PATIENCE_USEC; count_sent(raw.fd, "GetConnectionUnixUser") < 8;) {
		assert_true(usec_now() < until);
		run_for(&f, 20000);
	}
	if (heap_in_use() > before + 6 * MEGABYTE)
		fail_msg("%llu bytes are kept", (unsigned long long)(heap_in_use() - before));
	raw_close(&raw);
	(void)close(listener);
	(void)unlink(f.bus.socket);
	fixture_done(&f);
}

/* --- and floods --- */

/* As many questions as go out in a second, and nobody reads the answers. */
static void who_floods_keeps_nobody_else_waiting(void **state)
{
	struct channel_view view;
	uint64_t worst = 0, beats;
	unsigned sent = 0;

	(void)state;
	assert_int_equal(manager_view(f.manager, IC_HEARTBEAT, &view), 0);
	beats = view.counts.requests;
	raw_open(&raw);
	for (uint64_t until = usec_now() + 1000000; usec_now() < until; sent++) {
		uint64_t began;

		raw_build(&raw, "org.vmicd1", "/org/vmicd1/component/kvp", "org.freedesktop.DBus.Properties",
			  "GetAll", TEXTS("org.vmicd1.Component"), 0);
		if (!raw_send(&raw))
			break;
		if (sent % 500 != 0)
			continue;
		began = usec_now();
		assert_string_equal(property(&f, MANAGER, "Profile"), "<'legacy'>");
		if (usec_now() - began > worst)
			worst = usec_now() - began;
	}
	assert_true(sent > 500);
	assert_true(worst < 2000000);
	/* The host beats ten times a second, and is answered all the while. */
	assert_int_equal(manager_view(f.manager, IC_HEARTBEAT, &view), 0);
	assert_true(view.counts.requests >= beats + 4);
	raw_close(&raw);
}

static bool asker_is_answered(struct bus_fixture *unused)
{
	static struct answer a;
	static uint64_t asked;
	bool answered = a.m && a.error[0] == '\0';

	(void)unused;
	if (usec_now() - asked > 300000) {
		sd_bus_message *m = new_call(f.asker, "/org/vmicd1", "org.freedesktop.DBus.Properties", "Get");
		sd_bus_slot *slot = NULL;

		asked = usec_now();
		assert_true(sd_bus_message_append(m, "ss", "org.vmicd1.Manager", "Profile") >= 0);
		send_call(f.asker, m, &a, &slot);
		(void)sd_bus_slot_set_floating(slot, true);
		(void)sd_bus_slot_unref(slot);
	}
	if (answered)
		answer_clear(&a);
	return answered;
}

/*
 * Where a bus lets one who never reads hold up those who answer him, it is left and joined anew. With
 * a dbus-daemon that holds 64 KiB for each sender that soon happens.
 */
static void who_never_reads_holds_up_nobody_for_long(void **state)
{
	uint64_t before, began;

	(void)state;
	fixture_prepare(&f, "<limit name=\"max_incoming_bytes\">65536</limit>\n"
			    "<limit name=\"max_replies_per_connection\">100000</limit>\n");
	private_bus_run(&f.bus);
	f.asker = private_bus_connect(&f.bus, f.event);
	host_start(&f);
	daemon_start(&f);
	assert_true(comes_true(&f, daemon_is_there));
	assert_true(comes_true(&f, all_run));
	raw_open(&raw);
	before = heap_in_use();
	for (unsigned i = 0; i < 12000; i++) {
		raw_build(&raw, "org.vmicd1", "/org/vmicd1/component/kvp", "org.freedesktop.DBus.Properties",
			  "GetAll", TEXTS("org.vmicd1.Component"), 0);
		if (!raw_send(&raw))
			break;
	}
	run_for(&f, 200000);
	if (heap_in_use() > before + 2 * MEGABYTE)
		fail_msg("%llu bytes wait for the bus", (unsigned long long)(heap_in_use() - before));
	assert_true(all_run(&f));
	began = usec_now();
	assert_true(comes_true(&f, asker_is_answered));
	print_message("answered after %.1f s\n", (double)(usec_now() - began) / 1e6);
	assert_true(all_run(&f));
	raw_close(&raw);
	fixture_done(&f);
}

static void who_comes_and_goes_leaves_nothing_behind(void **state)
{
	uint64_t before = 0;

	(void)state;
	authority.verdict = VERDICT_NEVER;
	for (unsigned i = 0; i < 300; i++) {
		raw_open(&raw);
		raw_build(&raw, "org.vmicd1", MANAGER, "SetProfile", TEXTS("newest"), 0);
		assert_true(raw_send(&raw));
		raw_close(&raw);
		if (i == 100) {
			run_for(&f, 200000);
			before = heap_in_use();
		}
	}
	run_for(&f, 200000);
	assert_true(heap_in_use() < before + MEGABYTE / 4);
	authority.verdict = VERDICT_YES;
	assert_answer(&f, "", MANAGER, "SetProfile", "s", "linux");
}

/* A bus that lets anybody in, and then says nothing. */
static void a_bus_that_is_none_is_left_alone(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	fixture_prepare(&f, "");
	(void)strcpy(name.sun_path, f.bus.socket);
	assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listen(fd, 8), 0);
	host_start(&f);
	daemon_start(&f);
	assert_true(comes_true(&f, all_run));
	for (unsigned i = 0; i < 2; i++) {
		static const char junk[] = "OK 00\r\nxyzzy\r\nl\1\0\1\377\377\377\377\377\377\377\377";
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int client;

		while (poll(&p, 1, 0) == 0)
			run_for(&f, 20000);
		client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		assert_true(client >= 0);
		run_for(&f, 50000);
		(void)!send(client, junk, sizeof(junk), MSG_NOSIGNAL);
		run_for(&f, 100000);
		(void)close(client);
		run_for(&f, 100000);
		assert_true(all_run(&f));
	}
	(void)close(fd);
	(void)unlink(f.bus.socket);
	private_bus_run(&f.bus);
	f.asker = private_bus_connect(&f.bus, f.event);
	assert_true(comes_true(&f, daemon_is_there));
	fixture_done(&f);
}

#define WITH_DAEMON(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DAEMON(long_arguments_are_refused_and_not_kept),
		WITH_DAEMON(nonsense_is_answered_with_errors),
		cmocka_unit_test(a_long_message_is_not_kept_for_its_answer),
		WITH_DAEMON(who_floods_keeps_nobody_else_waiting),
		cmocka_unit_test(who_never_reads_holds_up_nobody_for_long),
		WITH_DAEMON(who_comes_and_goes_leaves_nothing_behind),
		cmocka_unit_test(a_bus_that_is_none_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
