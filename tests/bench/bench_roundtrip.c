/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long a heartbeat takes: from this process, a host reduced to two system calls a beat, through
 * the rings and eventfds of the socket transport to vmicd and back; beside two processes that do
 * nothing but wake each other by eventfd, in turns in the same run. And from exec to the answer of
 * the first negotiation. Prints figures; judges nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/socket_wire.h"
#include "hv_util/base.h"
#include "hv_util/bytes.h"
#include "tests/host/component.h"
#include "tests/host/ring.h"
#include "tests/host/wire.h"

#define RING_BYTES 16384
#define ROUNDS 5
#define BEATS 20000
#define STARTS 21

static void fail(const char *what)
{
	(void)fprintf(stderr, "bench_roundtrip: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of n sorted values the one at this fraction. */
static double at(const uint64_t *sorted, size_t n, double fraction)
{
	return (double)sorted[(size_t)((double)(n - 1) * fraction)];
}

/* --- the bare ping-pong --- */

static void wait_for(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) != sizeof(count))
		fail("eventfd");
}

static void wake(int fd)
{
	static const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		fail("eventfd");
}

/* As vmicd waits: poll, then read. */
static void pong(int in, int out)
{
	for (;;) {
		struct pollfd p = { .fd = in, .events = POLLIN };

		if (poll(&p, 1, -1) < 0)
			fail("poll");
		wait_for(in);
		wake(out);
	}
}

static void measure_bare(uint64_t *ns)
{
	int there = eventfd(0, EFD_CLOEXEC), back = eventfd(0, EFD_CLOEXEC);
	pid_t pid;

	if (there < 0 || back < 0)
		fail("eventfd");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0)
		pong(there, back);
	for (size_t i = 0; i < BEATS; i++) {
		uint64_t begin = now_ns();

		wake(there);
		wait_for(back);
		ns[i] = now_ns() - begin;
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(there);
	(void)close(back);
}

/* --- the host --- */

struct host {
	char dir[64], path[108], config[108];
	int listener, guest, memory_fd, interrupt, signal;
	void *memory;
	pid_t pid;
	struct host_ring ring;
};

static void on_violation(void *user, const char *sentence)
{
	(void)user;
	(void)fprintf(stderr, "bench_roundtrip: the guest broke the contract: %s\n", sentence);
	exit(1);
}

static void host_listen(struct host *h)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	FILE *f;

	(void)strcpy(h->dir, "/tmp/vmicd-bench-XXXXXX");
	if (!mkdtemp(h->dir))
		fail("mkdtemp");
	(void)snprintf(h->path, sizeof(h->path), "%s/socket", h->dir);
	(void)snprintf(h->config, sizeof(h->config), "%s/vmicd.conf", h->dir);
	(void)strcpy(address.sun_path, h->path);
	f = fopen(h->config, "we");
	if (!f || fprintf(f, "[KVP]\nPoolDirectory=%s\n", h->dir) < 0 || fclose(f) != 0)
		fail("the configuration");
	h->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (h->listener < 0 || bind(h->listener, (void *)&address, sizeof(address)) < 0 ||
	    listen(h->listener, 1) < 0)
		fail("listen");
}

static void host_done(struct host *h)
{
	char command[160];

	(void)kill(h->pid, SIGTERM);
	(void)waitpid(h->pid, NULL, 0);
	(void)munmap(h->memory, 2 * RING_BYTES);
	(void)close(h->memory_fd);
	(void)close(h->interrupt);
	(void)close(h->signal);
	(void)close(h->guest);
	(void)close(h->listener);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", h->dir);
	if (system(command) != 0)
		(void)fprintf(stderr, "bench_roundtrip: %s is left behind\n", h->dir);
}

static void host_tell(struct host *h, uint32_t type, const int *fds)
{
	uint8_t bytes[SOCKET_MESSAGE_SIZE] = { 0 };
	struct wr w = { .p = bytes, .left = sizeof(bytes) };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(SOCKET_OFFER_FDS * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };

	wr_u32(&w, type);
	wr_u32(&w, 1);
	wr_u32(&w, RING_BYTES);
	wr_u32(&w, 0);
	wr_bytes(&w, component_table[COMPONENT_HEARTBEAT].class_id, 16);
	wr_bytes(&w, component_table[COMPONENT_HEARTBEAT].instance_id, 16);
	if (fds) {
		struct cmsghdr *c;

		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(SOCKET_OFFER_FDS * sizeof(int));
		memcpy(CMSG_DATA(c), fds, SOCKET_OFFER_FDS * sizeof(int));
	}
	if (sendmsg(h->guest, &header, MSG_NOSIGNAL) < 0)
		fail("sendmsg");
}

static void host_start_guest(struct host *h, const char *vmicd)
{
	char transport[128], config[128];

	(void)snprintf(transport, sizeof(transport), "--transport=socket:%s", h->path);
	(void)snprintf(config, sizeof(config), "--config=%s", h->config);
	h->pid = fork();
	if (h->pid < 0)
		fail("fork");
	if (h->pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		(void)dup2(null, 2);
		(void)execl(vmicd, vmicd, transport, config, (char *)NULL);
		_exit(127);
	}
}

/* Offers heartbeat to the guest that connects and opens it. */
static void host_serve(struct host *h)
{
	uint8_t open_message[SOCKET_MESSAGE_SIZE];
	int fds[SOCKET_OFFER_FDS];

	h->guest = accept4(h->listener, NULL, NULL, SOCK_CLOEXEC);
	if (h->guest < 0)
		fail("accept");
	h->memory_fd = memfd_create("rings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (h->memory_fd < 0 || ftruncate(h->memory_fd, 2 * RING_BYTES) < 0 ||
	    fcntl(h->memory_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		fail("memfd");
	h->memory = mmap(NULL, 2 * RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, h->memory_fd, 0);
	if (h->memory == MAP_FAILED)
		fail("mmap");
	h->interrupt = eventfd(0, EFD_CLOEXEC);
	h->signal = eventfd(0, EFD_CLOEXEC);
	fds[0] = h->memory_fd;
	fds[1] = h->interrupt;
	fds[2] = h->signal;
	host_tell(h, SOCKET_OFFER, fds);
	host_tell(h, SOCKET_ALL_OFFERS, NULL);
	if (recv(h->guest, open_message, sizeof(open_message), 0) != sizeof(open_message))
		fail("the guest's OPEN");
	host_ring_init(&h->ring, h->memory, RING_BYTES, on_violation, NULL);
	host_tell(h, SOCKET_OPEN_RESULT, NULL);
}

/* Sends a message and waits for its answer. */
static void host_ask(struct host *h, const struct message *m, struct host_packet *answer)
{
	int r = host_ring_put(&h->ring, m->bytes, m->len, 1);

	if (r < 0)
		fail("put");
	if (r == HOST_RING_SIGNAL)
		wake(h->interrupt);
	while ((r = host_ring_get(&h->ring, answer)) == 0) {
		/* The guest's eventfd is non-blocking, since the guest made it so. */
		struct pollfd p = { .fd = h->signal, .events = POLLIN };

		if (poll(&p, 1, 10000) <= 0) {
			errno = ETIMEDOUT;
			fail("the guest's answer");
		}
		wait_for(h->signal);
	}
	if (r < 0)
		fail("get");
	if (host_ring_commit(&h->ring) > 0)
		wake(h->interrupt);
}

static void host_negotiate(struct host *h)
{
	static const struct version_list three = { .n = 1, .v = { { 3, 0 } } };
	static struct host_packet answer;
	static struct message m;

	wire_negotiate(&m, &three, &three, NULL);
	host_ask(h, &m, &answer);
}

static void measure_beats(struct host *h, uint64_t *ns)
{
	static const struct version_pair versions = { { 3, 0 }, { 3, 0 } };
	static struct host_packet answer;
	static struct message m;

	wire_request(&m, wire_operation_find(COMPONENT_HEARTBEAT, "beat", 3), versions);
	for (size_t i = 0; i < BEATS; i++) {
		uint64_t begin = now_ns();

		host_ask(h, &m, &answer);
		ns[i] = now_ns() - begin;
	}
}

/* exec to the answer of the first negotiation, offer and open included. */
static void measure_starts(const char *vmicd)
{
	uint64_t ns[STARTS];

	for (size_t i = 0; i < STARTS; i++) {
		struct host h = { 0 };
		uint64_t begin;

		host_listen(&h);
		begin = now_ns();
		host_start_guest(&h, vmicd);
		host_serve(&h);
		host_negotiate(&h);
		ns[i] = now_ns() - begin;
		host_done(&h);
	}
	qsort(ns, STARTS, sizeof(*ns), compare);
	(void)printf("exec to first negotiation answer: median %.2f ms, best %.2f ms, worst %.2f ms of %d starts\n\n",
		     at(ns, STARTS, 0.5) / 1e6, at(ns, STARTS, 0) / 1e6, at(ns, STARTS, 1) / 1e6, STARTS);
}

static void print_row(const char *what, uint64_t *ns)
{
	qsort(ns, BEATS, sizeof(*ns), compare);
	(void)printf("  %-34s p50 %7.2f us   p99 %7.2f us\n", what, at(ns, BEATS, 0.5) / 1e3,
		     at(ns, BEATS, 0.99) / 1e3);
}

int main(int argc, char **argv)
{
	static uint64_t bare[BEATS], beat[BEATS];
	uint64_t ratios[ROUNDS];
	const char *vmicd = argc > 1 ? argv[1] : "build/vmicd";
	struct host h = { 0 };

	measure_starts(vmicd);
	host_listen(&h);
	host_start_guest(&h, vmicd);
	host_serve(&h);
	host_negotiate(&h);

	(void)printf("round trip, %d rounds of %d, one after the other\n", ROUNDS, BEATS);
	for (size_t i = 0; i < ROUNDS; i++) {
		measure_bare(bare);
		measure_beats(&h, beat);
		print_row("bare eventfd ping-pong", bare);
		print_row("heartbeat through vmicd", beat);
		ratios[i] = (uint64_t)(1000 * at(beat, BEATS, 0.5) / at(bare, BEATS, 0.5));
	}
	qsort(ratios, ROUNDS, sizeof(*ratios), compare);
	(void)printf("  p50 ratio, heartbeat to bare: median %.2f\n", at(ratios, ROUNDS, 0.5) / 1000);
	host_done(&h);
	return 0;
}
