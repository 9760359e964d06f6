/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Questions to the kernel's routing tables (rtnetlink), answered as dumps of messages.
 *
 * Nothing here can hang or allocate: the socket is opened once, every wait and every dump has a
 * limit, and only the kernel is listened to. After a failure that may leave answers on the way the
 * socket is closed, and the next question opens another.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "hv_util/base.h"

/* The kernel fills a reader's buffer up to this size (af_netlink.c); a message that is larger than
 * the buffer would be cut. */
#define RTNL_BUFFER_SIZE 32768

struct rtnl {
	int fd; /* -1: opened by the next question */
	uint32_t seq;
	_Alignas(8) char buf[RTNL_BUFFER_SIZE];
};

typedef void (*rtnl_message_fn)(const struct nlmsghdr *message, void *user);

/* fd may be -1. */
void rtnl_init(struct rtnl *r, int fd);
void rtnl_done(struct rtnl *r);

/* 0, or a negative errno; asking opens the socket too. */
_must_check_ int rtnl_open(struct rtnl *r);

/* Begins a dump request of this type (RTM_GET*). The caller adds the family header and attributes
 * with mnl_nlmsg_put_extra_header and mnl_attr_put. */
struct nlmsghdr *rtnl_request(struct rtnl *r, uint16_t type);

/*
 * Sends the request and hands every answer to message(). 0; 1 when the kernel says that its tables
 * changed meanwhile, so an entry may be missing or be there twice; the kernel's negative errno;
 * -ETIMEDOUT, -EMSGSIZE, -EBADMSG or what the socket said.
 */
_must_check_ int rtnl_dump(struct rtnl *r, rtnl_message_fn message, void *user);
