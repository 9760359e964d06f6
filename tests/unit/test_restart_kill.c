/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that serve a channel one after the other, killed at any time, under a host that goes on sending
 * and does what the rings' contract says and no more: a wake-up that gets lost stops it. The service manager
 * and the processes are real; the clock is, too.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "daemon/channel.h"
#include "daemon/notify.h"
#include "daemon/keep.h"
#include "hv_util/heartbeat.h"
#include "hv_util/profile.h"
#include "hv_util/ring.h"
#include "tests/unit/fake_manager.h"
#include "tests/unit/harness.h"

#define RING 16384
#define NODE "vmic.heartbeat.uio"
#define STATE "vmic.heartbeat.state"
/* Out of the way of what a service manager hands over. */
#define FD_MIN 200
/* An answer that has not come by then was lost. */
#define PATIENCE_MS 20000
#define OUTSTANDING_MAX 12
#define NEGOTIATION (UINT64_C(1) << 32) /* in the ids of these */

/* Memory that the processes and the host share, besides the rings. */
struct shared {
	_Atomic unsigned opens, closes;
	_Atomic bool wants_open, is_open;
	uint64_t lethal;   /* whoever serves this beat dies... */
	bool puts_off;     /* ...but the first one puts it off, and dies when its time has come */
};

static struct {
	struct shared *shared;
	uint8_t *rings;
	int interrupt_fd, signal_fd;
	struct fake_manager manager;
	/* the host */
	struct ring_tx tx;
	struct ring_rx rx;
	uint64_t sent, answered, refused; /* ids: each is answered in its turn */
	uint64_t negotiations;
	bool next_is_negotiation[OUTSTANDING_MAX + 1]; /* of ids, modulo that */
	uint64_t seed;
} t;

/* --- a process --- */

static const struct log silent = { .max_level = -1 };

static struct {
	struct port port;
	struct channel *channel;
	struct notify *notify;
	struct store *store;
} child;

static int child_open(struct port *port)
{
	int fd = store_take(child.store, NODE);

	port->taken_over = fd >= 0;
	if (!port->taken_over) {
		/* Not until it is open: that it may have been for one who died while he waited. */
		t.shared->wants_open = true;
		while (t.shared->wants_open)
			(void)usleep(100);
		store_put(child.store, NODE, t.interrupt_fd);
	}
	channel_opened(child.channel, 0);
	return 0;
}

static void child_close(struct port *port)
{
	(void)port;
	t.shared->closes++;
	t.shared->is_open = false;
	store_remove(child.store, NODE);
}

static int child_signal(struct port *port)
{
	const uint64_t one = 1;

	(void)port;
	return write(t.signal_fd, &one, sizeof(one)) < 0 ? -errno : 0;
}

static int child_acknowledge(struct port *port)
{
	uint64_t count;

	return read(port->interrupt_fd, &count, sizeof(count)) < 0 && errno != EAGAIN ? -errno : 0;
}

static void child_release(struct port *port)
{
	(void)port;
}

static const struct transport_ops child_ops = {
	.open = child_open, .close = child_close, .signal = child_signal, .acknowledge = child_acknowledge,
	.release = child_release,
};

/* The heartbeat, but for the one that it is not good to serve. */
static int on_beat(const struct ic_call *call)
{
	const uint64_t sequence = get_le(call->body, 8);

	if (sequence == t.shared->lethal && !t.shared->puts_off)
		(void)raise(SIGKILL);
	if (sequence == t.shared->lethal) {
		t.shared->puts_off = false;
		return -EAGAIN;
	}
	put_le(call->body, 8, sequence + 1);
	return 0;
}

static const struct ic_op ops[] = { { .min_body = 8, .handle = on_beat } };
static const struct ic_service service = {
	.component = IC_HEARTBEAT, .name = "Heartbeat", .type = IC_TYPE_HEARTBEAT, .ops = ops,
	.n_ops = ARRAY_LEN(ops),
};

/* Nothing here can fail a test: the host does, when no answer comes. */
static int child_live(void)
{
	static struct conf_component conf = { .enabled = true, .profile = "newest" };
	struct channel_options options = { .log = &silent, .service = &service, .conf = &conf };
	sigset_t set;

	conf.policy = profile_find("newest")->component[IC_HEARTBEAT];
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	if (!fake_manager_enter(&t.manager) || sd_event_new(&options.event) < 0 ||
	    notify_new(options.event, &silent, &child.notify) != 0 ||
	    store_new(child.notify, &silent, &child.store) != 0 ||
	    sd_event_add_signal(options.event, NULL, SIGTERM, NULL, NULL) < 0)
		return 1;
	options.store = child.store;
	child.port = (struct port){
		.ops = &child_ops, .relid = 1, .memory = t.rings, .ring_size = RING, .identity = 5,
		.interrupt_fd = t.interrupt_fd,
	};
	if (channel_new(&options, &child.channel) < 0 || channel_offered(child.channel, &child.port) < 0)
		return 1;
	store_drop_rest(child.store);
	notify_ready(child.notify);
	(void)sd_event_loop(options.event);
	child.channel = channel_leave(child.channel);
	child.store = store_free(child.store);
	child.notify = notify_free(child.notify);
	(void)sd_event_unref(options.event);
	return 0;
}

/* --- the host --- */

static uint64_t now_us(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void host_put(uint64_t id)
{
	static const struct {
		uint8_t bytes[16];
	} offer = { { 1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0 } };
	const struct ring_packet packet = { .type = RING_PACKET_INBAND, .trans_id = id };
	uint8_t msg[MESSAGE_BODY + 16], body[16] = { 0 };
	size_t len;

	put_le(body, 8, id);
	len = message_put(msg, id & NEGOTIATION ?
		&(struct message){ .body = offer.bytes, .n = sizeof(offer.bytes) } :
		&(struct message){ .framework = { 3, 0 }, .type = 1, .version = { 3, 0 }, .body = body,
				   .n = sizeof(body) });
	assert_int_equal(ring_tx_put(&t.tx, &packet, msg, len), 0);
}

static void host_commit(void)
{
	const uint64_t one = 1;

	/* An index that was spoilt is no reason to do anything: the guest gets out of that. */
	if (ring_tx_commit(&t.tx) != 0)
		assert_int_equal(write(t.interrupt_fd, &one, sizeof(one)), sizeof(one));
}

static uint64_t id_of(uint64_t number)
{
	return number % 97 == 0 ? number | NEGOTIATION : number;
}

static void host_take(const struct ring_packet *packet, const uint8_t *msg)
{
	const uint64_t id = id_of(t.answered + 1);

	assert_int_equal(packet->trans_id, id); /* each one, and once */
	t.answered++;
	assert_int_equal(message_flags(msg), 5);
	if (message_status(msg) != WIRE_OK) {
		assert_int_equal(message_status(msg), WIRE_FAIL);
		t.refused++;
	} else if (!(id & NEGOTIATION)) {
		assert_int_equal(get_le(msg + MESSAGE_BODY, 8), id + 1);
	}
}

/* The ring is looked at when a signal says so, and until it is empty. */
static void host_drain(void)
{
	struct ring_packet packet;
	uint8_t msg[256];
	uint64_t count;

	if (read(t.signal_fd, &count, sizeof(count)) < 0)
		return;
	while (ring_rx_get(&t.rx, &packet, msg, sizeof(msg)) == 1) {
		host_take(&packet, msg);
		if (ring_rx_commit(&t.rx) > 0)
			assert_int_equal(write(t.interrupt_fd, &(uint64_t){ 1 }, sizeof(count)), sizeof(count));
	}
}

/* Empties the rings for one who opens the channel, and negotiates. What was unanswered never will be. */
static void host_open(void)
{
	uint64_t count;

	memset(t.rings, 0, RING_PAGE_SIZE);
	memset(t.rings + RING, 0, RING_PAGE_SIZE);
	((struct ring_page *)t.rings)->feature_bits = RING_FEATURE_PENDING_SEND_SIZE;
	((struct ring_page *)(t.rings + RING))->feature_bits = RING_FEATURE_PENDING_SEND_SIZE;
	assert_int_equal(ring_rx_init(&t.rx, t.rings, RING), 0);
	assert_int_equal(ring_tx_init(&t.tx, t.rings + RING, RING), 0);
	if (read(t.signal_fd, &count, sizeof(count)) < 0)
		assert_int_equal(errno, EAGAIN);
	/* the next number that is a negotiation's */
	t.sent = t.answered = (t.sent + 96) / 97 * 97 + 96;
	host_put(id_of(++t.sent));
	t.shared->opens++;
	t.shared->is_open = true;
	host_commit();
	t.shared->wants_open = false;
}

/* One round of the host's. */
static void host_run(bool sends)
{
	fake_manager_listen(&t.manager);
	if (t.shared->wants_open)
		host_open();
	if (!t.shared->is_open)
		return;
	host_drain();
	if (sends && t.sent - t.answered < OUTSTANDING_MAX && next_random(&t.seed) % 4 == 0) {
		for (uint64_t n = next_random(&t.seed) % 3 + 1; n > 0 && t.sent - t.answered < OUTSTANDING_MAX; n--)
			host_put(id_of(++t.sent));
		host_commit();
	}
}

/* --- lives --- */

static pid_t start(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test has failed */
		_exit(child_live());
	}
	return pid;
}

/* How the process ended. */
static int end(pid_t pid, int number)
{
	int status;

	if (number)
		assert_int_equal(kill(pid, number), 0);
	while (waitpid(pid, &status, WNOHANG) != pid)
		host_run(false);
	fake_manager_listen(&t.manager);
	return status;
}

static void live_for(uint64_t us)
{
	const uint64_t until = now_us() + us;

	while (now_us() < until)
		host_run(true);
}

/* Until nothing is unanswered. */
static void live_to_the_end(void)
{
	const uint64_t until = now_us() + PATIENCE_MS * UINT64_C(1000);

	while (t.answered < t.sent || !t.shared->is_open || t.shared->wants_open) {
		if (now_us() > until)
			fail_msg("%llu was not answered", (unsigned long long)t.answered + 1);
		host_run(false);
	}
}

static int away(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, FD_MIN);

	(void)close(fd);
	assert_true(moved >= FD_MIN);
	return moved;
}

static void begin(void)
{
	memset(&t, 0, sizeof(t));
	t.seed = 1;
	t.shared = mmap(NULL, sizeof(*t.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	t.rings = mmap(NULL, 2 * RING, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(t.shared != MAP_FAILED && t.rings != MAP_FAILED);
	t.interrupt_fd = away(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	t.signal_fd = away(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
	assert_true(fake_manager_init(&t.manager));
}

static void finish(void)
{
	fake_manager_done(&t.manager);
	(void)close(t.interrupt_fd);
	(void)close(t.signal_fd);
	(void)munmap(t.shared, sizeof(*t.shared));
	(void)munmap(t.rings, 2 * RING);
}

static unsigned lives(unsigned normally)
{
	const char *many = getenv("VMICD_TEST_LIVES");

	return many ? (unsigned)atoi(many) : normally;
}

/* One that has time for all that is unanswered. */
static void live_well(void)
{
	pid_t pid = start();

	t.manager.ready = 0;
	while (t.manager.ready == 0)
		host_run(false);
	if (t.shared->is_open) {
		host_put(id_of(++t.sent));
		host_commit();
	}
	live_to_the_end();
	assert_int_equal(end(pid, SIGTERM), 0);
}

/* A first process that is not killed before it has answered: what it has not given away yet cannot outlive it. */
static void live_first(void)
{
	live_well();
	assert_int_equal(t.manager.n, 2);
}

static void nothing_is_lost_or_answered_twice(void **state)
{
	const unsigned n = lives(800);
	unsigned ready = 0;

	(void)state;
	begin();
	live_first();
	for (unsigned i = 0; i < n; i++) {
		bool kills = next_random(&t.seed) % 4 != 0;
		pid_t pid = start();
		int status;

		t.manager.ready = 0;
		live_for(next_random(&t.seed) % 6000);
		ready += t.manager.ready > 0;
		status = end(pid, kills ? SIGKILL : SIGTERM);
		/* before it listens to it, SIGTERM kills as well */
		assert_true(kills ? status == SIGKILL : status == 0 || status == SIGTERM);
	}
	live_well();
	print_message("%u lives, of which %u became ready; %llu requests, %llu refused\n", n, ready,
		      (unsigned long long)t.sent, (unsigned long long)t.refused);
	assert_int_equal(t.shared->opens, 1);
	assert_int_equal(t.shared->closes, 0);
	assert_int_equal(t.manager.puts, 2);
	assert_int_equal(t.manager.removals, 0);
	assert_int_equal(t.manager.n, 2);
	assert_true(t.refused <= 1); /* two kills in the microsecond in which the same request is served */
	assert_true(ready > n / 10 && t.sent > n);
	finish();
}

/* What kills one and its successor is refused by the third, and kills nobody any more. */
static void kill_twice(bool puts_off)
{
	begin();
	live_first();
	t.shared->puts_off = puts_off;
	t.shared->lethal = t.sent + (puts_off ? 1 : 2);
	for (unsigned i = 0; i < (puts_off ? 1 : 4); i++)
		host_put(id_of(++t.sent));
	host_commit();
	for (unsigned life = 1; life <= 2; life++) {
		pid_t pid = start();

		assert_int_equal(end(pid, 0), SIGKILL);
		assert_int_equal(t.refused, 0);
	}
	for (unsigned life = 3; life <= 4; life++) {
		pid_t pid = start();

		live_to_the_end();
		assert_int_equal(t.refused, 1);
		assert_int_equal(end(pid, SIGKILL), SIGKILL);
	}
	assert_int_equal(t.shared->opens, 1);
	finish();
}

static void a_request_that_kills_does_so_twice(void **state)
{
	(void)state;
	kill_twice(false);
	kill_twice(true);
}

static void spoil_byte(int fd, uint64_t value)
{
	assert_int_equal(pwrite(fd, &value, 1, (off_t)(value >> 8) % 1984), 1);
}

static void spoil_much(int fd, uint64_t value)
{
	for (unsigned i = 0; i < 100; i++) {
		off_t at = (off_t)(next_random(&t.seed) % 1984);

		assert_int_equal(pwrite(fd, &value, sizeof(value), at), sizeof(value));
	}
}

/* One of the rings' words, which the host can write. */
static void spoil_ring(int fd, uint64_t value)
{
	(void)fd;
	put_le(t.rings + (value & 1 ? RING : 0) + (value & 2 ? 4 : 0), 4, value >> 32);
}

static void lose_it(int fd, uint64_t value)
{
	(void)fd;
	(void)value;
	for (unsigned i = t.manager.n; i-- > 0;)
		if (strcmp(t.manager.kept[i].name, STATE) == 0)
			fake_manager_forget(&t.manager, i);
}

/* Whatever has happened to the state, the next process lives, and serves. */
static void no_state_stops_a_process(void **state)
{
	static void (*const spoil[])(int fd, uint64_t value) = { spoil_byte, spoil_much, spoil_ring, lose_it };
	const unsigned n = lives(160);
	unsigned anew = 0;

	(void)state;
	begin();
	live_first();
	for (unsigned i = 0; i < n; i++) {
		const unsigned opens = t.shared->opens;
		pid_t pid;

		assert_true(fake_manager_find(&t.manager, STATE) >= 0);
		spoil[i % ARRAY_LEN(spoil)](fake_manager_find(&t.manager, STATE), next_random(&t.seed));
		t.manager.ready = 0;
		pid = start();
		while (t.manager.ready == 0)
			host_run(false);
		assert_int_equal(end(pid, SIGKILL), SIGKILL);
		live_well();
		anew += t.shared->opens != opens;
	}
	print_message("%u of %u states were not gone on with\n", anew, n);
	assert_true(anew >= n / 2 && anew < n);
	finish();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_or_answered_twice),
		cmocka_unit_test(a_request_that_kills_does_so_twice),
		cmocka_unit_test(no_state_stops_a_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
