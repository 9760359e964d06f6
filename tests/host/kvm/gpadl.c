/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/kvm/gpadl.h"

#include <errno.h>
#include <stdlib.h>

#include "hv_util/bytes.h"
#include "tests/host/kvm/memory.h"

/* What precedes the page numbers in a range: its count of bytes and its offset. */
#define RANGE_HEADER 8u
#define PAGE_NUMBER 8u

static struct gpadl **find(const struct gpadl_set *s, uint32_t id)
{
	for (size_t i = 0; i < GPADL_MAX; i++)
		if (s->gpadl[i] && s->gpadl[i]->id == id)
			return (struct gpadl **)&s->gpadl[i];
	return NULL;
}

static struct gpadl **find_free(struct gpadl_set *s)
{
	for (size_t i = 0; i < GPADL_MAX; i++)
		if (!s->gpadl[i])
			return &s->gpadl[i];
	return NULL;
}

static void gpadl_drop(struct gpadl **slot)
{
	free((*slot)->page);
	free(*slot);
	*slot = NULL;
}

static int refuse(const char **why, const char *sentence, int error)
{
	*why = sentence;
	return error;
}

/* Page numbers up to the message's end, or to the list's; a body brings as many as fit. */
static int take_pages(struct gpadl *g, struct rd *r)
{
	while (g->have < g->n && r->left >= PAGE_NUMBER)
		g->page[g->have++] = rd_u64(r);
	return g->have == g->n ? 1 : 0;
}

/* How many pages the header announces: one range of whole pages is all that any guest sends. */
static int read_range(struct rd *r, size_t *ret_pages, const char **why)
{
	uint16_t range_bytes = rd_u16(r), ranges = rd_u16(r);
	uint32_t bytes = rd_u32(r), offset = rd_u32(r);
	size_t pages;

	if (rd_result(r) < 0)
		return refuse(why, "the message is too short", -EBADMSG);
	if (ranges != 1)
		return refuse(why, "it has not one range", -EBADMSG);
	if (range_bytes <= RANGE_HEADER || range_bytes % PAGE_NUMBER)
		return refuse(why, "its range holds no whole page numbers", -EBADMSG);
	pages = (range_bytes - RANGE_HEADER) / PAGE_NUMBER;
	if (offset != 0 || bytes != pages * GUEST_PAGE_SIZE)
		return refuse(why, "its bytes are not its pages", -EBADMSG);
	*ret_pages = pages;
	return 0;
}

int gpadl_begin(struct gpadl_set *s, uint32_t relid, uint32_t id, const uint8_t *body, size_t len,
		const char **why)
{
	struct rd r = { .p = body, .left = len };
	struct gpadl **slot = find_free(s);
	struct gpadl *g;
	size_t pages;
	int e;

	if (find(s, id))
		return refuse(why, "its number is in use", -EEXIST);
	e = read_range(&r, &pages, why);
	if (e < 0)
		return e;
	if (!slot)
		return refuse(why, "there are too many", -ENOSPC);
	g = calloc(1, sizeof(*g));
	if (!g)
		return refuse(why, "no memory", -ENOMEM);
	*g = (struct gpadl){ .id = id, .relid = relid, .n = pages };
	*slot = g;
	g->page = calloc(pages, sizeof(*g->page));
	if (!g->page) {
		gpadl_drop(slot);
		return refuse(why, "no memory", -ENOMEM);
	}
	return take_pages(g, &r);
}

int gpadl_continue(struct gpadl_set *s, uint32_t id, const uint8_t *body, size_t len,
		   const char **why)
{
	struct rd r = { .p = body, .left = len };
	struct gpadl **slot = find(s, id);

	if (!slot)
		return refuse(why, "no header came before", -ENOENT);
	if ((*slot)->have == (*slot)->n)
		return refuse(why, "it was complete", -EBADMSG);
	if (len < PAGE_NUMBER) {
		gpadl_drop(slot);
		return refuse(why, "a piece without a page", -EBADMSG);
	}
	return take_pages(*slot, &r);
}

const struct gpadl *gpadl_find(const struct gpadl_set *s, uint32_t id)
{
	struct gpadl **slot = find(s, id);

	return slot && (*slot)->have == (*slot)->n ? *slot : NULL;
}

uint32_t gpadl_relid(const struct gpadl_set *s, uint32_t id)
{
	struct gpadl **slot = find(s, id);

	return slot ? (*slot)->relid : 0;
}

void gpadl_forget(struct gpadl_set *s, uint32_t id)
{
	struct gpadl **slot = find(s, id);

	if (slot)
		gpadl_drop(slot);
}

void gpadl_forget_relid(struct gpadl_set *s, uint32_t relid)
{
	for (size_t i = 0; i < GPADL_MAX; i++)
		if (s->gpadl[i] && s->gpadl[i]->relid == relid)
			gpadl_drop(&s->gpadl[i]);
}

void gpadl_forget_all(struct gpadl_set *s)
{
	for (size_t i = 0; i < GPADL_MAX; i++)
		if (s->gpadl[i])
			gpadl_drop(&s->gpadl[i]);
}
