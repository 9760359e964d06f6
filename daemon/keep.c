/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sum.h"

/* --- the memory --- */

static const char magic[8] = { 'v', 'm', 'i', 'c', 'k', 'e', 'e', 'p' };

/* Each part begins with the sum of its other bytes, which one that a stray write has hit does not have. */
struct keep_header {
	uint64_t sum;
	char magic[8];
	uint32_t format;
	uint32_t size; /* of all of it */
	struct keep_owner owner;
	char program[32];
};

struct keep_record {
	uint64_t sum;
	uint32_t negotiated; /* which of the two below */
	uint32_t zero;
	struct keep_state state;
};

struct keep_negotiated {
	uint64_t sum;
	uint32_t n_framework, n_message;
	uint16_t framework[IC_OFFERED_MAX][2], message[IC_OFFERED_MAX][2]; /* major, minor */
	uint32_t outcome;
	uint16_t counts[2];
	uint16_t pair[4];
	uint32_t silent, unoffered;
};

struct keep_page {
	/* Which record holds, counted from 1; 0: none does. */
	_Atomic uint32_t holds;
	uint32_t zero;
	struct keep_header header;
	struct keep_record record[2];
	struct keep_negotiated negotiated[2];
	uint8_t buffer[KEEP_BUFFERS][IC_PAYLOAD_MAX];
};

/* Who changes one of these makes another KEEP_FORMAT of it. */
_Static_assert(sizeof(struct keep_message) == 24, "no padding");
_Static_assert(sizeof(struct keep_state) == 80, "no padding");
_Static_assert(sizeof(struct keep_owner) == 48, "no padding");
_Static_assert(sizeof(struct keep_header) == 104, "no padding");
_Static_assert(sizeof(struct keep_record) == 96, "no padding");
_Static_assert(sizeof(struct keep_negotiated) == 840, "no padding");
_Static_assert(offsetof(struct keep_page, buffer) == 1984, "no padding");
_Static_assert(sizeof(struct keep_page) % 8 == 0, "sums are of words");

struct keep {
	struct keep_page *page;
	int fd;
	unsigned record, negotiated; /* of the page's two, those that hold */
};

/* All of it is there from the beginning: what is written while a heartbeat is answered does not wait for
 * memory. */
static int map(int fd, struct keep_page **ret)
{
	int flags = (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED) | MAP_POPULATE;
	void *p = mmap(NULL, sizeof(struct keep_page), PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	*ret = p;
	return 0;
}

/* -1: it cannot be had, and then there is no successor who could use it. */
static int make_memory(void)
{
	int fd = memfd_create("vmicd channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (posix_fallocate(fd, 0, sizeof(struct keep_page)) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static void freep(struct keep **k)
{
	free(*k);
}

static int new_at(int fd, struct keep **ret)
{
	_cleanup_(freep) struct keep *k = malloc(sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	*k = (struct keep){ .fd = fd };
	r = map(fd, &k->page);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(k);
	return 0;
}

int keep_new(bool lasting, struct keep **ret)
{
	int fd = lasting ? make_memory() : -1;
	int r = new_at(fd, ret);

	if (r < 0 && fd >= 0)
		(void)close(fd);
	return r;
}

/* Memory that can be made smaller could be taken away under our feet: that would be a SIGBUS. */
int keep_adopt(int fd, struct keep **ret)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size != (off_t)sizeof(struct keep_page))
		return -EINVAL;
	return new_at(fd, ret);
}

struct keep *keep_free(struct keep *k)
{
	if (!k)
		return NULL;
	(void)munmap(k->page, sizeof(*k->page));
	if (k->fd >= 0)
		(void)close(k->fd);
	free(k);
	return NULL;
}

int keep_fd(const struct keep *k)
{
	return k->fd;
}

uint8_t *keep_buffer(const struct keep *k, uint32_t buffer)
{
	return k->page->buffer[buffer % KEEP_BUFFERS];
}

/* --- writing --- */

/* The store that makes it hold comes behind all others: a process that is killed has done all of its stores
 * up to one, and none behind that. */
static void hold(struct keep *k, unsigned record)
{
	k->record = record;
	atomic_store_explicit(&k->page->holds, record + 1, memory_order_release);
}

void keep_end(struct keep *k)
{
	atomic_store_explicit(&k->page->holds, 0, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst); /* nor may what is written next come before it */
}

void keep_note(struct keep *k, const struct keep_state *state)
{
	unsigned record = !k->record;
	struct keep_record *to = &k->page->record[record];

	*to = (struct keep_record){ .negotiated = k->negotiated, .state = *state };
	to->sum = sum_of(to, sizeof(*to));
	hold(k, record);
	atomic_signal_fence(memory_order_seq_cst);
}

static uint32_t put_list(const struct ic_list *list, uint16_t to[][2])
{
	for (unsigned i = 0; i < list->n; i++) {
		to[i][0] = list->v[i].major;
		to[i][1] = list->v[i].minor;
	}
	return list->n;
}

static void put_negotiated(struct keep_negotiated *to, const struct ic_offer *offer,
			   const struct ic_answer *answer)
{
	const struct ic_pair *pair = &answer->pair;

	*to = (struct keep_negotiated){
		.outcome = answer->outcome,
		.counts = { answer->counts[0], answer->counts[1] },
		.pair = { pair->framework.major, pair->framework.minor, pair->message.major,
			  pair->message.minor },
		.silent = answer->silent,
		.unoffered = answer->unoffered,
	};
	to->n_framework = put_list(&offer->framework, to->framework);
	to->n_message = put_list(&offer->message, to->message);
	to->sum = sum_of(to, sizeof(*to));
}

void keep_note_negotiated(struct keep *k, const struct keep_state *state, const struct ic_offer *offer,
			  const struct ic_answer *answer)
{
	k->negotiated = !k->negotiated;
	put_negotiated(&k->page->negotiated[k->negotiated], offer, answer);
	keep_note(k, state);
}

void keep_begin(struct keep *k, const struct keep_owner *owner, uint32_t read, uint32_t write)
{
	static const struct ic_offer none_offered;
	static const struct ic_answer none_given;
	struct keep_header *h = &k->page->header;
	const struct keep_state state = { .read = read, .write = write, .held.buffer = 1 };

	keep_end(k);
	*h = (struct keep_header){ .format = KEEP_FORMAT, .size = sizeof(struct keep_page), .owner = *owner };
	memcpy(h->magic, magic, sizeof(magic));
	(void)snprintf(h->program, sizeof(h->program), "%s", VMICD_VERSION);
	h->sum = sum_of(h, sizeof(*h));
	keep_note_negotiated(k, &state, &none_offered, &none_given);
}

/* --- reading --- */

static bool is_equal(const struct keep_owner *a, const struct keep_owner *b)
{
	return a->component == b->component && a->relid == b->relid && a->ring_size == b->ring_size &&
	       a->identity == b->identity && memcmp(&a->instance_id, &b->instance_id, sizeof(a->instance_id)) == 0;
}

/* Why a header is not one to go on with; NULL: it is. */
static const char *check_header(const struct keep_header *h, const struct keep_owner *owner)
{
	if (memcmp(h->magic, magic, sizeof(magic)) != 0 || h->format != KEEP_FORMAT ||
	    h->size != sizeof(struct keep_page))
		return "it is of another format";
	if (h->sum != sum_of(h, sizeof(*h)))
		return "it is damaged";
	if (!is_equal(&h->owner, owner))
		return "it is of another channel";
	if (h->owner.policy != owner->policy)
		return "the configuration says something else now";
	return NULL;
}

static bool is_message(const struct keep_message *m)
{
	return m->len <= IC_PAYLOAD_MAX && m->buffer < KEEP_BUFFERS;
}

/* The sum held, so this is what a predecessor wrote: one that was wrong then must not harm us now. */
static bool is_possible(const struct keep_state *s)
{
	if (s->stage >= KEEP_STAGES || s->hold >= KEEP_HOLDS || !is_message(&s->in) || !is_message(&s->held))
		return false;
	return s->in.buffer != s->held.buffer && (s->stage != KEEP_HELD || s->hold == KEEP_HOLD_REQUEST);
}

static void get_list(uint32_t n, const uint16_t from[][2], struct ic_list *ret)
{
	ret->n = n;
	for (uint32_t i = 0; i < n; i++)
		ret->v[i] = (struct ic_version){ from[i][0], from[i][1] };
}

/* Whether it can be what it seems. */
static bool get_negotiated(const struct keep_negotiated *from, struct keep_found *ret)
{
	const uint16_t *p = from->pair;

	if (from->n_framework > IC_OFFERED_MAX || from->n_message > IC_OFFERED_MAX ||
	    from->outcome > IC_FORCED)
		return false;
	get_list(from->n_framework, from->framework, &ret->offer.framework);
	get_list(from->n_message, from->message, &ret->offer.message);
	ret->answer = (struct ic_answer){
		.outcome = (enum ic_outcome)from->outcome,
		.silent = from->silent != 0,
		.counts = { from->counts[0], from->counts[1] },
		.pair = { { p[0], p[1] }, { p[2], p[3] } },
		.unoffered = from->unoffered != 0,
	};
	return true;
}

static const char *read_page(struct keep *k, const struct keep_owner *owner, struct keep_found *ret)
{
	uint32_t holds = atomic_load_explicit(&k->page->holds, memory_order_acquire);
	const struct keep_header header = k->page->header;
	const char *why = check_header(&header, owner);
	struct keep_record record;
	struct keep_negotiated negotiated;

	if (why)
		return why;
	if (holds != 1 && holds != 2)
		return "it does not hold any more";
	record = k->page->record[holds - 1];
	if (record.sum != sum_of(&record, sizeof(record)) || record.negotiated > 1 || !is_possible(&record.state))
		return "it is damaged";
	negotiated = k->page->negotiated[record.negotiated];
	if (negotiated.sum != sum_of(&negotiated, sizeof(negotiated)) || !get_negotiated(&negotiated, ret))
		return "it is damaged";
	ret->state = record.state;
	(void)snprintf(ret->program, sizeof(ret->program), "%.*s", (int)sizeof(header.program) - 1,
		       header.program);
	k->record = holds - 1;
	k->negotiated = record.negotiated;
	return NULL;
}

int keep_read(struct keep *k, const struct keep_owner *owner, struct keep_found *ret, const char **why)
{
	struct keep_found found = { 0 };

	*why = read_page(k, owner, &found);
	if (*why)
		return -ESTALE;
	*ret = found;
	return 0;
}
