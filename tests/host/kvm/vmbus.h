/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's side of VMBus: which channels are offered, open and rescinded, and what is answered to
 * the guest's control messages. Messages in, messages and calls out; it knows no KVM and no memory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv_util/base.h"
#include "tests/host/component.h"
#include "tests/host/kvm/gpadl.h"
#include "tests/host/kvm/vmbus_wire.h"

struct vmbus_ops {
	/* Queue this for the guest. With started not LINK_NO_COMPONENT it tells the guest that this
	 * component's channel is open. */
	void (*send)(void *user, const uint8_t *message, size_t len, int started);
	void (*discard)(void *user); /* forget what the guest has not got yet */
	void (*joined)(void *user);  /* the guest wants the offers */
	void (*left)(void *user);    /* each channel is as good as closed and released */
	/* 0, or negative errno and *why says what is wrong with the pages. */
	int (*open)(void *user, enum component c, const struct gpadl *rings, uint32_t processor,
		    const char **why);
	void (*target)(void *user, enum component c, uint32_t processor);
	void (*close)(void *user, enum component c);
	void (*released)(void *user, enum component c);
	void (*violated)(void *user, int component, const char *sentence);
};

enum vmbus_state {
	VMBUS_NOT_OFFERED = 0,
	VMBUS_OFFERED,
	VMBUS_OPENED,
	VMBUS_RESCINDED, /* the guest has not released it yet */
	VMBUS_STATES
};

struct vmbus {
	const struct vmbus_ops *ops;
	void *user;
	uint32_t newest; /* the protocol of the Windows release */
	uint32_t n_processors;

	uint32_t version;   /* agreed; 0: not connected */
	uint32_t processor; /* that gets the messages */
	bool joined;
	uint32_t last_relid;
	struct {
		enum vmbus_state state;
		uint32_t relid;
		uint32_t rings; /* the GPADL, while open */
	} channel[COMPONENT_MAX];
	struct gpadl_set gpadls;
};

void vmbus_init(struct vmbus *v, uint32_t newest, uint32_t n_processors,
		const struct vmbus_ops *ops, void *user);

/* The guest has posted a message; len is what it said, at most VMBUS_MESSAGE_MAX. */
void vmbus_take(struct vmbus *v, const uint8_t *message, size_t len);

/* Its relid (> 0); -EBUSY: it is offered already; -ENOTCONN. */
_must_check_ int vmbus_offer(struct vmbus *v, enum component c);
int vmbus_offers_done(struct vmbus *v);
/* 0; -ENOENT: it is not offered. */
int vmbus_rescind(struct vmbus *v, enum component c);

/* The guest is gone, with a message or without. Frees what it had announced. */
void vmbus_disconnect(struct vmbus *v);
