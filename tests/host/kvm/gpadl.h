/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GPADLs: lists of the guest's pages that it announces piece by piece and then names by a number.
 * Only arithmetic and memory; whether a page exists is looked at by whoever maps it. Sources: Linux
 * drivers/hv/channel.c (create_gpadl_header), OpenVMM vmbus_core protocol.rs, QEMU
 * hw/hyperv/vmbus.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv_util/base.h"

/* uio_hv_generic makes three for each of six components; a guest that wants many more is
 * refused. */
#define GPADL_MAX 64

struct gpadl {
	uint32_t id, relid;
	size_t n, have; /* pages: announced, received so far */
	uint64_t *page;
};

struct gpadl_set {
	struct gpadl *gpadl[GPADL_MAX];
};

/*
 * The pieces. body is the message from the byte after its relid and GPADL id (header), or after
 * its GPADL id (body), len its bytes. 1: the list is complete; 0: more is to come; negative:
 * refused, and *why is a sentence's end ("...: it has no pages"). A list that got a body without a
 * page is forgotten.
 *   -EEXIST  the number is in use       -EBADMSG  sizes that do not fit
 *   -ENOSPC  too many lists             -ENOENT   a body for no list
 *   -ENOMEM
 */
_must_check_ int gpadl_begin(struct gpadl_set *s, uint32_t relid, uint32_t id, const uint8_t *body,
			     size_t len, const char **why);
_must_check_ int gpadl_continue(struct gpadl_set *s, uint32_t id, const uint8_t *body, size_t len,
				const char **why);

/* The list of this number when it is complete, or NULL. */
const struct gpadl *gpadl_find(const struct gpadl_set *s, uint32_t id);
/* The channel for which the list was begun, or 0. */
uint32_t gpadl_relid(const struct gpadl_set *s, uint32_t id);

/* Forgets one; one that is not there is no error. All of a channel. All. */
void gpadl_forget(struct gpadl_set *s, uint32_t id);
void gpadl_forget_relid(struct gpadl_set *s, uint32_t relid);
void gpadl_forget_all(struct gpadl_set *s);
