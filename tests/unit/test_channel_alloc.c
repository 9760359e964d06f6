/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * No allocation on the message path: event loop, channel, engine, services, pool files and netlink,
 * for every kind of request, counted over the whole program.
 */
#include <errno.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/kvp_worker.h"
#include "daemon/timekeeper.h"
#include "hv_util/profile.h"

#include "tests/unit/alloc_count.h"
#include "tests/unit/fake_host.h"
#include "tests/unit/temp_dir.h"

#define RING 65536
#define ROUNDS 1000

/* --- the three services on their channels --- */

struct line {
	struct channel *c;
	struct conf_component conf;
	struct fake_host host;
};

struct fixture {
	sd_event *event;
	const struct log *log;
	struct temp_dir dir;
	struct line beat, time, pairs;
	struct heartbeat heartbeat;
	struct sys sys;
	struct sys_rates rates;
	struct timekeeper timekeeper;
	struct timesync timesync;
	struct kvp_worker *kvp_worker;
	struct kvp kvp;
	uint8_t body[8192], msg[MESSAGE_MAX];
};

static void line_init(struct fixture *f, struct line *l, const struct ic_service *service, void *user)
{
	const struct channel_options options = {
		.event = f->event,
		.log = f->log,
		.service = service,
		.conf = &l->conf,
		.user = user,
	};

	l->conf = (struct conf_component){
		.enabled = true,
		.policy = profile_find("newest")->component[service->component],
	};
	fake_host_init(&l->host, &ic_class_ids[service->component], RING);
	fake_host_open(&l->host);
	assert_int_equal(channel_new(&options, &l->c), 0);
	assert_int_equal(channel_offered(l->c, &l->host.port), 0);
	channel_opened(l->c, 0);
	run_loop(f->event);
}

static void line_done(struct line *l)
{
	l->c = channel_free(l->c);
	fake_host_done(&l->host);
}

static void fixture_init(struct fixture *f, const struct log *log)
{
	struct kvp_data_options options = { .services_version = "1" };
	int error;

	memset(f, 0, sizeof(*f));
	f->log = log;
	time_reset();
	logged_clear();
	f->dir = temp_dir_new();
	options.pool_directory = f->dir.path;
	f->sys = (struct sys){ .ops = &sys_null, .log = log, .rates = &f->rates };
	f->timekeeper = (struct timekeeper){ .sys = &f->sys, .mode = CONF_CLOCK_STEP };
	f->timesync = (struct timesync){ .sample = timekeeper_take, .user = &f->timekeeper };
	assert_int_equal(sd_event_new(&f->event), 0);
	assert_int_equal(kvp_worker_new(f->event, &options, &f->kvp_worker, &error), 0);
	f->kvp = (struct kvp){ .ops = &kvp_client_ops, .user = kvp_worker_client(f->kvp_worker, KVP_CLIENT_HOST) };
	line_init(f, &f->beat, &ic_heartbeat, &f->heartbeat);
	line_init(f, &f->time, &ic_timesync, &f->timesync);
	line_init(f, &f->pairs, &ic_kvp, &f->kvp);
}

static void fixture_done(struct fixture *f)
{
	line_done(&f->beat);
	line_done(&f->time);
	line_done(&f->pairs);
	f->kvp_worker = kvp_worker_free(f->kvp_worker);
	f->event = sd_event_unref(f->event);
	temp_dir_done(&f->dir);
}

/* Sends what was put into f->msg, lets the loop run, takes the answer. Returns its status. */
static uint32_t ask(struct fixture *f, struct line *l, size_t len)
{
	fake_host_send(&l->host, 1, f->msg, len);
	run_loop(f->event);
	/* On a busy computer key-value pairs may take longer than they are waited for. */
	for (int i = 0; i < 1000 && kvp_client_waits(f->kvp.user); i++) {
		(void)usleep(1000);
		pass_time(f->event, 5000);
		run_loop(f->event);
	}
	assert_true(fake_host_take(&l->host));
	return message_status(l->host.buf);
}

static void agree(struct fixture *f, struct line *l, uint32_t version)
{
	const uint32_t versions[] = { 3 << 16, version << 16 };

	assert_int_equal(ask(f, l, put_negotiation(f->msg, 1, 1, versions)), WIRE_OK);
}

/* --- requests --- */

static void beat(struct fixture *f)
{
	assert_int_equal(ask(f, &f->beat, put_beat(f->msg, 1)), WIRE_OK);
}

/* A sample of 4.0, or a sync, of which the null system only speaks. */
static void time_of_host(struct fixture *f, uint8_t flags)
{
	const struct message m = {
		.framework = { 3, 0 }, .type = 4, .version = { 4, 0 }, .body = f->body, .n = 24,
	};

	memset(f->body, 0, 24);
	put_le(f->body, 8, UINT64_C(116444736000000000) + UINT64_C(17040672000000000));
	put_le(f->body + 8, 8, f->sys.ops->raw_ns(&f->sys) / 100);
	f->body[16] = flags;
	assert_int_equal(ask(f, &f->time, message_put(f->msg, &m)), WIRE_OK);
}

static uint32_t pairs_request(struct fixture *f, uint8_t version, size_t n)
{
	const struct message m = {
		.framework = { 3, 0 }, .type = 2, .version = { version, 0 }, .body = f->body, .n = n,
	};

	return ask(f, &f->pairs, message_put(f->msg, &m));
}

/* Linux hyperv.h, hv_kvp_msg: offsets from the operation byte. */
static void start_request(struct fixture *f, uint8_t operation, uint8_t pool)
{
	memset(f->body, 0, sizeof(f->body));
	f->body[0] = operation;
	f->body[1] = pool;
}

static uint32_t get_or_set(struct fixture *f, uint8_t operation, const char *key)
{
	start_request(f, operation, 0);
	put_le(f->body + 4, 4, 1);
	put_le(f->body + 8, 4, put_utf16(f->body + 16, 512, key));
	put_le(f->body + 12, 4, put_utf16(f->body + 528, 2048, "value"));
	return pairs_request(f, 5, 2576);
}

static uint32_t remove_key(struct fixture *f, const char *key)
{
	start_request(f, 2, 0);
	put_le(f->body + 4, 4, put_utf16(f->body + 8, 512, key));
	return pairs_request(f, 5, 520);
}

static uint32_t enumerate(struct fixture *f, uint8_t pool, uint32_t index)
{
	start_request(f, 3, pool);
	put_le(f->body + 4, 4, index);
	return pairs_request(f, 5, 2580);
}

static uint32_t get_ip(struct fixture *f, uint8_t version, const char *mac)
{
	start_request(f, 4, 0);
	(void)put_utf16(f->body + (version < 5 ? 2 : 28), 256, mac);
	return pairs_request(f, version, version < 5 ? 7428 : 3716);
}

/* The MAC address of some adapter; false in a machine that has none. */
static bool find_mac(char *mac, size_t size)
{
	struct if_nameindex *all = if_nameindex();
	bool found = false;

	for (struct if_nameindex *i = all; i && i->if_index && !found; i++) {
		char path[128];
		FILE *file;

		(void)snprintf(path, sizeof(path), "/sys/class/net/%s/address", i->if_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		found = fgets(mac, (int)size, file) && strncmp(mac, "00:00:00:00:00:00", 17) != 0;
		mac[strcspn(mac, "\n")] = '\0';
		(void)fclose(file);
	}
	if_freenameindex(all);
	return found;
}

static void one_round(struct fixture *f, const char *mac)
{
	beat(f);
	time_of_host(f, 2);
	time_of_host(f, 1);
	assert_int_equal(get_or_set(f, 1, "Key"), WIRE_OK);
	assert_int_equal(get_or_set(f, 0, "Key"), WIRE_OK);
	assert_int_equal(enumerate(f, 0, 0), WIRE_OK);
	assert_int_equal(remove_key(f, "Key"), WIRE_OK);
	assert_int_equal(get_or_set(f, 0, "Key"), WIRE_NOT_FOUND);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(enumerate(f, 2, i), WIRE_OK);
	assert_int_equal(get_ip(f, 5, mac ? mac : "02:00:00:00:00:99"), mac ? WIRE_OK : WIRE_NOT_FOUND);
}

static void nothing_is_allocated(void **state)
{
	static struct fixture f;
	char mac[64];
	bool has_mac;
	size_t before;

	(void)state;
	alloc_count_check();
	fixture_init(&f, &terse_log);
	has_mac = find_mac(mac, sizeof(mac));
	if (!has_mac)
		print_message("no network adapter has an address here: GET_IP is asked for an unknown one\n");
	agree(&f, &f.beat, 3);
	agree(&f, &f.time, 4);
	agree(&f, &f.pairs, 5);
	one_round(&f, has_mac ? mac : NULL);

	assert_int_equal(enumerate(&f, 2, 99), WIRE_NO_MORE_ITEMS);

	before = alloc_count;
	for (int i = 0; i < ROUNDS; i++)
		one_round(&f, has_mac ? mac : NULL);
	/* The end of the list is behind who listens for RDP, for which the kernel takes milliseconds. */
	for (int i = 0; i < 10; i++)
		assert_int_equal(enumerate(&f, 2, 99), WIRE_NO_MORE_ITEMS);
	assert_int_equal(alloc_count, before);
	assert_int_equal(f.heartbeat.beats, ROUNDS + 1);
	fixture_done(&f);
}

static void nothing_is_allocated_for_addresses_in_string_form(void **state)
{
	static struct fixture f;
	char mac[64];
	bool has_mac = find_mac(mac, sizeof(mac));
	size_t before;

	(void)state;
	fixture_init(&f, &terse_log);
	agree(&f, &f.pairs, 4);
	for (int i = 0; i < ROUNDS; i++) {
		if (i == 1)
			before = alloc_count;
		assert_int_equal(get_ip(&f, 4, has_mac ? mac : "02:00:00:00:00:99"),
				 has_mac ? WIRE_OK : WIRE_NOT_FOUND);
	}
	assert_int_equal(alloc_count, before);
	fixture_done(&f);
}

/* Nor for a negotiation, which is logged, nor for what is refused, which is logged as well. */
static void nothing_is_allocated_for_what_is_logged(void **state)
{
	static struct fixture f;
	size_t before;

	(void)state;
	fixture_init(&f, &terse_log);
	for (int i = 0; i < ROUNDS; i++) {
		if (i == 1)
			before = alloc_count;
		agree(&f, &f.beat, 3);
		beat(&f);
		assert_int_equal(get_or_set(&f, 0, "Key"), WIRE_NOT_CONNECTED);
		fake_time.now += SECOND;
		logged_clear();
	}
	assert_int_equal(alloc_count, before);
	fixture_done(&f);
}

/* --- in trouble --- */

/* A journal's socket that nobody reads. */
struct stuck {
	struct temp_dir dir;
	char path[108];
	int fd;
	struct log_out out;
	struct log log;
};

static void stuck_init(struct stuck *s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*s = (struct stuck){ .dir = temp_dir_new(), .out = LOG_OUT_CLOSED };
	temp_dir_path(&s->dir, "socket", s->path, sizeof(s->path));
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", s->path);
	s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	s->out.journal_path = s->path;
	s->log = log_open(LOG_TARGET_JOURNAL, LOG_DEBUG, &s->out);
}

static void stuck_done(struct stuck *s)
{
	log_out_close(&s->out);
	(void)close(s->fd);
	temp_dir_done(&s->dir);
}

/* All that is said at level debug goes into a queue that is soon full: nothing waits for it to move, which
 * it never does, and nothing is kept for it. */
static void a_stuck_journal_holds_nothing_up(void **state)
{
	static struct fixture f;
	struct stuck s;
	size_t before;

	(void)state;
	(void)alarm(60);
	stuck_init(&s);
	fixture_init(&f, &s.log);
	for (int i = 0; i < ROUNDS; i++) {
		if (i == 1)
			before = alloc_count;
		agree(&f, &f.beat, 3);
		beat(&f);
		agree(&f, &f.time, 4);
		time_of_host(&f, 1);
		fake_time.now += SECOND;
	}
	assert_int_equal(alloc_count, before);
	assert_true(s.out.lost > ROUNDS);
	assert_int_equal(f.heartbeat.beats, ROUNDS);
	fixture_done(&f);
	stuck_done(&s);
	(void)alarm(0);
}

/* The service manager hears that we are alive, and that takes no memory either. */
static void nothing_is_allocated_for_the_watchdog(void **state)
{
	static struct fixture f;
	struct stuck manager; /* its socket of messages */
	struct notify *notify = NULL;
	unsigned told = 0;
	size_t before;
	char text[64];

	(void)state;
	stuck_init(&manager);
	assert_int_equal(setenv("NOTIFY_SOCKET", manager.path, 1), 0);
	assert_int_equal(setenv("WATCHDOG_USEC", "20000000", 1), 0);
	(void)unsetenv("WATCHDOG_PID");
	fixture_init(&f, &terse_log);
	agree(&f, &f.beat, 3);
	assert_int_equal(notify_new(f.event, &terse_log, &notify), 0);
	beat(&f);
	before = alloc_count;
	for (int i = 0; i < 40; i++) {
		pass_time(f.event, 5 * SECOND);
		beat(&f);
		/* For half of the time nobody reads. */
		while (i >= 20 && recv(manager.fd, text, sizeof(text), MSG_DONTWAIT) == 10)
			told += memcmp(text, "WATCHDOG=1", 10) == 0;
	}
	assert_int_equal(alloc_count, before);
	assert_true(told >= 20);
	assert_null(notify_free(notify));
	fixture_done(&f);
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	stuck_done(&manager);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_allocated),
		cmocka_unit_test(nothing_is_allocated_for_addresses_in_string_form),
		cmocka_unit_test(nothing_is_allocated_for_what_is_logged),
		cmocka_unit_test(a_stuck_journal_holds_nothing_up),
		cmocka_unit_test(nothing_is_allocated_for_the_watchdog),
	};

	return cmocka_run_group_tests_name("channel_alloc", tests, NULL, NULL);
}
