/* SPDX-License-Identifier: GPL-2.0-only */
/* The link that is kept from session to session: what the guest below and each session are told. */
#include <errno.h>
#include <stdio.h>

#include "tests/host/link_kept.h"
#include "tests/unit/harness.h"

#define C COMPONENT_KVP
#define OTHER COMPONENT_VSS

/* --- the link below, whose guest is the test --- */

struct below {
	struct link link;
	const struct link_events *events;
	void *user;
	unsigned offers[COMPONENT_MAX], rescinds[COMPONENT_MAX], signals, offers_done, freed;
};

static struct below *of_link(struct link *l)
{
	return (struct below *)l;
}

static int below_offer(struct link *l, enum component c)
{
	of_link(l)->offers[c]++;
	return 5; /* as vmbus_offer: its relid */
}

static int below_offers_done(struct link *l)
{
	of_link(l)->offers_done++;
	return 0;
}

static int below_rescind(struct link *l, enum component c)
{
	of_link(l)->rescinds[c]++;
	return 0;
}

static int below_signal(struct link *l, enum component c)
{
	(void)c;
	of_link(l)->signals++;
	return 0;
}

static struct link *below_free(struct link *l)
{
	of_link(l)->freed++;
	return NULL;
}

static const struct link_ops below_ops = { .offer = below_offer,
					   .offers_done = below_offers_done,
					   .rescind = below_rescind,
					   .signal = below_signal,
					   .free = below_free };

/* The address is the struct below itself. */
static int below_open(sd_event *event, const void *address, uint32_t ring_size,
		      const struct link_events *events, void *user, struct link **ret)
{
	struct below *b = (struct below *)(uintptr_t)address;

	(void)event;
	(void)ring_size;
	b->link.ops = &below_ops;
	b->events = events;
	b->user = user;
	*ret = &b->link;
	return 0;
}

/* --- a session --- */

struct told {
	struct link *link;
	bool offers[COMPONENT_MAX]; /* what it offers when a guest joins */
	unsigned joined, opened, started, closed, released, signalled, interrupted, violated, left,
		ended;
	char sentence[200];
};

static void on_joined(void *user)
{
	struct told *t = user;

	assert_non_null(t->link);
	t->joined++;
	for (int c = 0; c < COMPONENT_MAX; c++)
		if (t->offers[c])
			assert_int_equal(t->link->ops->offer(t->link, (enum component)c), 0);
	assert_int_equal(t->link->ops->offers_done(t->link), 0);
}

static int on_opened(void *user, enum component c, void *memory, uint32_t ring_size)
{
	struct told *t = user;

	(void)c;
	assert_non_null(memory);
	assert_int_equal(ring_size, 8192);
	t->opened++;
	return 0;
}

static void on_started(void *user, enum component c)
{
	(void)c;
	((struct told *)user)->started++;
}

static void on_closed(void *user, enum component c)
{
	(void)c;
	((struct told *)user)->closed++;
}

static void on_released(void *user, enum component c)
{
	(void)c;
	((struct told *)user)->released++;
}

static void on_signalled(void *user, enum component c, uint64_t times)
{
	(void)c;
	((struct told *)user)->signalled += (unsigned)times;
}

static void on_interrupted(void *user, enum component c)
{
	(void)c;
	((struct told *)user)->interrupted++;
}

static void on_violated(void *user, int component, const char *sentence)
{
	struct told *t = user;

	(void)component;
	t->violated++;
	(void)snprintf(t->sentence, sizeof(t->sentence), "%s", sentence);
}

static void on_left(void *user)
{
	((struct told *)user)->left++;
}

static void on_ended(void *user, int result)
{
	((struct told *)user)->ended += (unsigned)result;
}

static const struct link_events session_events = {
	.joined = on_joined,
	.opened = on_opened,
	.started = on_started,
	.closed = on_closed,
	.released = on_released,
	.signalled = on_signalled,
	.interrupted = on_interrupted,
	.violated = on_violated,
	.left = on_left,
	.ended = on_ended,
};

/* --- the fixture --- */

struct fixture {
	sd_event *event;
	struct below below;
	struct link_kept *kept;
	struct told told[2]; /* of two sessions, one after the other */
	unsigned ended;
};

static void on_kept_ended(void *user, int result)
{
	((struct fixture *)user)->ended += (unsigned)result;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(sd_event_new(&f->event), 0);
	assert_int_equal(link_kept_new(f->event, below_open, &f->below, on_kept_ended, f, &f->kept),
			 0);
	for (int i = 0; i < 2; i++)
		f->told[i].offers[C] = true;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->kept = link_kept_free(f->kept);
	assert_int_equal(f->below.freed, 1);
	assert_null(sd_event_unref(f->event));
	free(f);
	return 0;
}

static void run(struct fixture *f)
{
	while (sd_event_run(f->event, 0) > 0)
		;
}

static void begin(struct fixture *f, int session)
{
	struct told *t = &f->told[session];

	assert_int_equal(link_kept_take(f->event, f->kept, 0, &session_events, t, &t->link), 0);
	assert_int_equal(t->joined, 0); /* not before the session is complete */
	run(f);
}

static void end(struct fixture *f, int session)
{
	struct told *t = &f->told[session];

	t->link = t->link->ops->free(t->link);
	assert_null(t->link);
}

static void guest_joins(struct fixture *f)
{
	f->below.events->joined(f->below.user);
	run(f);
}

static void guest_opens(struct fixture *f, enum component c)
{
	static uint8_t memory[16384];

	assert_int_equal(f->below.events->opened(f->below.user, c, memory, 8192), 0);
	f->below.events->started(f->below.user, c);
}

static void guest_closes(struct fixture *f, enum component c)
{
	f->below.events->closed(f->below.user, c);
}

/* All that can come of an open channel. */
static void guest_works(struct fixture *f, enum component c)
{
	f->below.events->signalled(f->below.user, c, 1);
	f->below.events->interrupted(f->below.user, c);
	f->below.events->violated(f->below.user, (int)c, "a rule");
}

/* --- the tests --- */

static void the_next_session_finds_what_is_closed_offered(void **state)
{
	struct fixture *f = *state;

	guest_joins(f);
	for (int i = 0; i < 2; i++) {
		begin(f, i);
		assert_int_equal(f->told[i].joined, 1);
		guest_opens(f, C);
		guest_works(f, C);
		assert_int_equal(f->told[i].link->ops->signal(f->told[i].link, C), 0);
		assert_int_equal(f->told[i].opened, 1);
		assert_int_equal(f->told[i].started, 1);
		assert_int_equal(f->told[i].signalled, 1);
		assert_int_equal(f->told[i].interrupted, 1);
		assert_int_equal(f->told[i].violated, 1);
		guest_closes(f, C);
		assert_int_equal(f->told[i].closed, 1);
		end(f, i);
	}
	assert_int_equal(f->below.offers[C], 1);
	assert_int_equal(f->below.offers[OTHER], 0);
	assert_int_equal(f->below.rescinds[C], 0);
	assert_int_equal(f->below.signals, 2);
	assert_int_equal(f->told[0].opened, 1); /* and nothing of the second one's */
}

/* The guest's own drivers open what they find; the program that is tried has not begun. */
static void what_is_open_already_is_not_shown(void **state)
{
	struct fixture *f = *state;

	guest_joins(f);
	begin(f, 0);
	guest_opens(f, C);
	end(f, 0);
	begin(f, 1);
	assert_int_equal(f->told[1].opened, 0);
	guest_works(f, C);
	guest_closes(f, C); /* the program of before, which ends late, or a driver that lets go */
	assert_int_equal(f->told[1].signalled + f->told[1].interrupted + f->told[1].violated +
				 f->told[1].closed,
			 0);
	assert_int_equal(f->told[0].closed, 0);
	guest_opens(f, C);
	guest_works(f, C);
	guest_closes(f, C);
	assert_int_equal(f->told[1].opened, 1);
	assert_int_equal(f->told[1].signalled, 1);
	assert_int_equal(f->told[1].violated, 1);
	assert_int_equal(f->told[1].closed, 1);
	end(f, 1);
}

static void what_opens_between_two_sessions_is_not_shown(void **state)
{
	struct fixture *f = *state;

	guest_joins(f);
	begin(f, 0);
	end(f, 0);
	guest_opens(f, C);
	begin(f, 1);
	guest_works(f, C);
	assert_int_equal(f->told[1].opened + f->told[1].signalled + f->told[1].violated, 0);
	/* Closed it is nobody's any more, and what is wrong is wrong. */
	guest_closes(f, C);
	assert_int_equal(f->told[1].closed, 0);
	f->below.events->violated(f->below.user, C, "a signal to a channel that is not open");
	assert_int_equal(f->told[1].violated, 1);
	end(f, 1);
}

static void what_the_next_one_does_not_offer_is_taken_away(void **state)
{
	const bool none[COMPONENT_MAX] = { false };
	struct fixture *f = *state;

	assert_false(link_kept_is_ready(f->kept));
	guest_joins(f);
	assert_true(link_kept_is_ready(f->kept));
	begin(f, 0);
	end(f, 0);
	link_kept_prepare(f->kept, none);
	assert_int_equal(f->below.rescinds[C], 1);
	assert_int_equal(f->below.rescinds[OTHER], 0);
	assert_false(link_kept_is_ready(f->kept));
	link_kept_prepare(f->kept, none);
	assert_int_equal(f->below.rescinds[C], 1);
	f->below.events->released(f->below.user, C);
	assert_true(link_kept_is_ready(f->kept));

	f->told[1].offers[C] = false;
	begin(f, 1);
	assert_int_equal(f->told[1].released, 0);
	assert_int_equal(f->told[1].link->ops->rescind(f->told[1].link, C), -ENOENT);
	assert_int_equal(f->told[1].link->ops->offer(f->told[1].link, C), 0);
	assert_int_equal(f->told[1].link->ops->offer(f->told[1].link, C), -EBUSY);
	assert_int_equal(f->below.offers[C], 2);
	end(f, 1);
}

static void a_session_takes_away_and_offers_again(void **state)
{
	struct fixture *f = *state;
	struct link *l;

	guest_joins(f);
	begin(f, 0);
	l = f->told[0].link;
	guest_opens(f, C);
	assert_int_equal(l->ops->rescind(l, C), 0);
	assert_int_equal(l->ops->rescind(l, C), -ENOENT);
	assert_int_equal(l->ops->offer(l, C), -EBUSY);
	f->below.events->released(f->below.user, C);
	assert_int_equal(f->told[0].released, 1);
	assert_int_equal(l->ops->offer(l, C), 0);
	assert_int_equal(f->below.offers[C], 2);
	guest_opens(f, C);
	assert_int_equal(f->told[0].opened, 2);
	end(f, 0);
}

/* Linux waits for the end of the offers, and once is enough. */
static void the_offers_end_once_for_each_join(void **state)
{
	struct fixture *f = *state;

	guest_joins(f); /* while nobody is there to offer */
	assert_int_equal(f->below.offers_done, 1);
	begin(f, 0);
	assert_int_equal(f->below.offers_done, 1);
	f->below.events->left(f->below.user);
	assert_int_equal(f->told[0].left, 1);
	assert_false(link_kept_is_ready(f->kept));
	guest_joins(f);
	assert_int_equal(f->told[0].joined, 2);
	assert_int_equal(f->below.offers_done, 2);
	assert_int_equal(f->below.offers[C], 2); /* it is another connection: all is new */
	end(f, 0);
}

static void a_guest_that_comes_late_joins_the_session(void **state)
{
	struct fixture *f = *state;

	begin(f, 0);
	assert_int_equal(f->told[0].joined, 0);
	guest_joins(f);
	assert_int_equal(f->told[0].joined, 1);
	end(f, 0);
	/* One that ends before the join is told of nothing. */
	assert_int_equal(link_kept_take(f->event, f->kept, 0, &session_events, &f->told[1],
					&f->told[1].link),
			 0);
	end(f, 1);
	run(f);
	assert_int_equal(f->told[1].joined, 0);
}

static void a_rule_that_is_broken_between_two_is_the_next_ones(void **state)
{
	struct fixture *f = *state;

	guest_joins(f);
	f->below.events->violated(f->below.user, LINK_NO_COMPONENT, "a message of no known type");
	begin(f, 0);
	assert_int_equal(f->told[0].violated, 1);
	assert_string_equal(f->told[0].sentence, "before: a message of no known type");
	end(f, 0);
	begin(f, 1);
	assert_int_equal(f->told[1].violated, 0);
	end(f, 1);
}

static void two_sessions_at_once_are_refused(void **state)
{
	struct fixture *f = *state;
	struct link *other = NULL;

	begin(f, 0);
	assert_int_equal(link_kept_take(f->event, f->kept, 0, &session_events, &f->told[1],
					&other),
			 -EBUSY);
	assert_null(other);
	end(f, 0);
}

static void the_end_is_told_to_both(void **state)
{
	struct fixture *f = *state;

	begin(f, 0);
	f->below.events->ended(f->below.user, 1);
	assert_int_equal(f->told[0].ended, 1);
	assert_int_equal(f->ended, 1);
	end(f, 0);
	f->below.events->ended(f->below.user, 1);
	assert_int_equal(f->ended, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_next_session_finds_what_is_closed_offered),
		TEST(what_is_open_already_is_not_shown),
		TEST(what_opens_between_two_sessions_is_not_shown),
		TEST(what_the_next_one_does_not_offer_is_taken_away),
		TEST(a_session_takes_away_and_offers_again),
		TEST(the_offers_end_once_for_each_join),
		TEST(a_guest_that_comes_late_joins_the_session),
		TEST(a_rule_that_is_broken_between_two_is_the_next_ones),
		TEST(two_sessions_at_once_are_refused),
		TEST(the_end_is_told_to_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
