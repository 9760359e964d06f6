/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of a guest's pages: collected from hostile messages, and mapped without leaving its
 * memory. */
#include <errno.h>

#include "tests/host/kvm/gpadl.h"
#include "tests/host/kvm/memory.h"
#include "tests/unit/harness.h"

/* A header's or a body's tail as Linux create_gpadl_header lays it out. */
struct piece {
	uint8_t bytes[512];
	size_t len;
};

static void put(struct piece *p, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p->bytes[p->len++] = (uint8_t)(v >> 8 * i);
}

static struct piece header_of(uint32_t range_bytes, unsigned ranges, uint32_t bytes,
			      uint32_t offset)
{
	struct piece p = { .len = 0 };

	put(&p, range_bytes, 2);
	put(&p, ranges, 2);
	put(&p, bytes, 4);
	put(&p, offset, 4);
	return p;
}

/* A header that announces n pages and brings the first of them. */
static struct piece header(uint32_t n, unsigned brought)
{
	struct piece p = header_of(8 + 8 * n, 1, n * 4096, 0);

	for (unsigned i = 0; i < brought; i++)
		put(&p, 100 + i, 8);
	return p;
}

static int begin(struct gpadl_set *s, uint32_t id, const struct piece *p)
{
	const char *why = NULL;
	struct guard g = guard_new(p->len);
	int r;

	memcpy(g.p, p->bytes, p->len);
	r = gpadl_begin(s, 3, id, g.p, p->len, &why);
	assert_true((r < 0) == (why != NULL));
	guard_done(&g);
	return r;
}

static int go_on(struct gpadl_set *s, uint32_t id, const struct piece *p)
{
	const char *why = NULL;
	int r = gpadl_continue(s, id, p->bytes, p->len, &why);

	assert_true((r < 0) == (why != NULL));
	return r;
}

static void a_header_alone_is_complete(void **state)
{
	struct gpadl_set s = { 0 };
	struct piece p = header(8, 8);
	const struct gpadl *g;

	(void)state;
	assert_int_equal(begin(&s, 0xe1e10, &p), 1);
	g = gpadl_find(&s, 0xe1e10);
	assert_non_null(g);
	assert_int_equal(g->n, 8);
	assert_int_equal(g->page[0], 100);
	assert_int_equal(g->page[7], 107);
	assert_int_equal(g->relid, 3);
	gpadl_forget_all(&s);
	assert_null(gpadl_find(&s, 0xe1e10));
}

/* uio_hv_generic's 31 MiB: 26 in the header, 28 in each of 283 bodies, the last one shorter. */
static void bodies_bring_the_rest(void **state)
{
	struct gpadl_set s = { 0 };
	struct piece p = header(7936, 26);
	unsigned have = 26, bodies = 0;
	int r;

	(void)state;
	assert_int_equal(begin(&s, 1, &p), 0);
	do {
		assert_null(gpadl_find(&s, 1));
		p.len = 0;
		for (unsigned i = 0; i < 28 && have < 7936; i++)
			put(&p, 100 + have++, 8);
		r = go_on(&s, 1, &p);
		bodies++;
	} while (r == 0);
	assert_int_equal(r, 1);
	assert_int_equal(bodies, 283);
	for (unsigned i = 0; i < 7936; i++)
		assert_int_equal(gpadl_find(&s, 1)->page[i], 100 + i);
	assert_int_equal(go_on(&s, 1, &p), -EBADMSG); /* nothing is missing */
	gpadl_forget_all(&s);
}

/* More page numbers than announced: the rest of the message is not a page's. */
static void surplus_pages_are_not_taken(void **state)
{
	struct gpadl_set s = { 0 };
	struct piece p = header(2, 9);

	(void)state;
	assert_int_equal(begin(&s, 1, &p), 1);
	assert_int_equal(gpadl_find(&s, 1)->n, 2);
	gpadl_forget_all(&s);
}

static void impossible_headers_are_refused(void **state)
{
	const struct piece bad[] = {
		header_of(8, 1, 0, 0),          /* no page */
		header_of(0, 1, 0, 0),
		header_of(7, 1, 4096, 0),
		header_of(17, 1, 4096, 0),      /* not whole page numbers */
		header_of(16, 0, 4096, 0),      /* no range, two ranges */
		header_of(16, 2, 4096, 0),
		header_of(16, 1, 4095, 0),      /* bytes that are not the pages' */
		header_of(16, 1, 8192, 0),
		header_of(16, 1, UINT32_MAX, 0),
		header_of(16, 1, 4096, 1),      /* an offset */
	};
	struct gpadl_set s = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(begin(&s, 1, &bad[i]), -EBADMSG);
	assert_null(gpadl_find(&s, 1));
}

static void every_prefix_of_a_header_is_short(void **state)
{
	struct gpadl_set s = { 0 };
	struct piece p = header(2, 2);

	(void)state;
	for (size_t len = 0; len <= p.len; len++) {
		struct piece part = p;

		part.len = len;
		assert_int_equal(begin(&s, 1, &part), len < 12 ? -EBADMSG : len < p.len ? 0 : 1);
		gpadl_forget(&s, 1);
	}
}

static void numbers_are_unique_and_bounded(void **state)
{
	struct gpadl_set s = { 0 };
	struct piece p = header(1, 1);

	(void)state;
	for (uint32_t id = 0; id < GPADL_MAX; id++)
		assert_int_equal(begin(&s, id, &p), 1);
	assert_int_equal(begin(&s, 5, &p), -EEXIST);
	assert_int_equal(begin(&s, 5000, &p), -ENOSPC);
	gpadl_forget(&s, 7);
	gpadl_forget(&s, 7);
	assert_int_equal(begin(&s, 5000, &p), 1);
	assert_int_equal(gpadl_relid(&s, 5000), 3);
	gpadl_forget_relid(&s, 4);
	assert_non_null(gpadl_find(&s, 5000));
	gpadl_forget_relid(&s, 3);
	assert_null(gpadl_find(&s, 5000));
	assert_int_equal(gpadl_relid(&s, 5000), 0);
}

static void a_body_wants_a_header_and_a_page(void **state)
{
	struct gpadl_set s = { 0 };
	struct piece p = header(4, 1), none = { .len = 7 };

	(void)state;
	assert_int_equal(go_on(&s, 1, &p), -ENOENT);
	assert_int_equal(begin(&s, 1, &p), 0);
	assert_int_equal(go_on(&s, 1, &none), -EBADMSG);
	assert_int_equal(go_on(&s, 1, &p), -ENOENT); /* it was forgotten */
}

/* --- the memory that they name --- */

#define PAGES 16

static struct guest_memory memory_new(void)
{
	struct guest_memory m;

	assert_int_equal(guest_memory_new(&m, PAGES * GUEST_PAGE_SIZE), 0);
	for (size_t i = 0; i < PAGES; i++)
		m.base[i * GUEST_PAGE_SIZE] = (uint8_t)(i + 1);
	return m;
}

static void pages_are_mapped_in_their_order(void **state)
{
	static const uint64_t pages[] = { 3, 4, 5, 9, 0, 15, 15 };
	struct guest_memory m = memory_new();
	void *at;

	(void)state;
	assert_int_equal(guest_memory_map_pages(&m, pages, ARRAY_LEN(pages), &at), 0);
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		assert_int_equal(((uint8_t *)at)[i * GUEST_PAGE_SIZE], pages[i] + 1);
	((uint8_t *)at)[1] = 77; /* it is the guest's memory, not a copy */
	assert_int_equal(m.base[3 * GUEST_PAGE_SIZE + 1], 77);
	guest_memory_unmap_pages(at, ARRAY_LEN(pages));
	guest_memory_done(&m);
}

static void pages_outside_are_refused(void **state)
{
	static const uint64_t bad[] = { PAGES, PAGES + 1, UINT64_MAX, UINT64_MAX / GUEST_PAGE_SIZE,
					(UINT64_MAX / GUEST_PAGE_SIZE) + 1, UINT64_C(1) << 52 };
	struct guest_memory m = memory_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		for (size_t k = 0; k < 3; k++) {
			uint64_t pages[] = { 1, 2, 3 };
			void *at = NULL;

			pages[k] = bad[i];
			assert_int_equal(guest_memory_map_pages(&m, pages, 3, &at), -EFAULT);
			assert_null(at);
		}
	guest_memory_done(&m);
}

/* A run that begins inside and ends outside, and one whose numbers wrap. */
static void runs_over_the_end_are_refused(void **state)
{
	static const uint64_t over[] = { PAGES - 2, PAGES - 1, PAGES };
	static const uint64_t wraps[] = { UINT64_MAX, 0, 1 };
	struct guest_memory m = memory_new();
	void *at;

	(void)state;
	assert_int_equal(guest_memory_map_pages(&m, over, 3, &at), -EFAULT);
	assert_int_equal(guest_memory_map_pages(&m, wraps, 3, &at), -EFAULT);
	assert_int_equal(guest_memory_map_pages(&m, over, 0, &at), -EINVAL);
	guest_memory_done(&m);
}

static void addresses_are_checked_without_overflow(void **state)
{
	struct guest_memory m = memory_new();

	(void)state;
	assert_ptr_equal(guest_memory_at(&m, 0, m.size), m.base);
	assert_ptr_equal(guest_memory_at(&m, m.size - 1, 1), m.base + m.size - 1);
	assert_null(guest_memory_at(&m, 0, m.size + 1));
	assert_null(guest_memory_at(&m, m.size, 1));
	assert_null(guest_memory_at(&m, UINT64_MAX, 1));
	assert_null(guest_memory_at(&m, 1, UINT64_MAX));
	guest_memory_done(&m);
}

static void memory_has_sizes_that_it_cannot_have(void **state)
{
	static const uint64_t bad[] = { 0, 1, GUEST_PAGE_SIZE + 1,
					GUEST_MEMORY_MAX + GUEST_PAGE_SIZE };
	struct guest_memory m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(guest_memory_new(&m, bad[i]), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_alone_is_complete),
		cmocka_unit_test(bodies_bring_the_rest),
		cmocka_unit_test(surplus_pages_are_not_taken),
		cmocka_unit_test(impossible_headers_are_refused),
		cmocka_unit_test(every_prefix_of_a_header_is_short),
		cmocka_unit_test(numbers_are_unique_and_bounded),
		cmocka_unit_test(a_body_wants_a_header_and_a_page),
		cmocka_unit_test(pages_are_mapped_in_their_order),
		cmocka_unit_test(pages_outside_are_refused),
		cmocka_unit_test(runs_over_the_end_are_refused),
		cmocka_unit_test(addresses_are_checked_without_overflow),
		cmocka_unit_test(memory_has_sizes_that_it_cannot_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
