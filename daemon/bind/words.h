/* SPDX-License-Identifier: GPL-2.0-only */
/* What is told of a device. */
#pragma once

#include "daemon/bind/move.h"

/* "KVP: " and the text. */
void bind_say(const struct bind *b, enum bind_say kind, enum ic_component component,
	      const char *format, ...) __attribute__((format(printf, 4, 5)));

#define BIND_HOLDER_TEXT_SIZE 64

/* "hv_kvp_daemon (pid 123)", or "somebody". holder NULL: it is not known. */
void bind_holder_format(const struct bind_holder *holder, char out[static BIND_HOLDER_TEXT_SIZE]);

/* The node of hv_utils by which this component's daemon keeps it from letting go, or NULL. */
const char *bind_transport_of(enum ic_component component);

/* Who has the device on uio_hv_generic open, mapped or locked, or keeps hv_utils from letting go. */
bool bind_holder_of(const struct bind *b, const struct device *device, struct bind_holder *ret);

void bind_say_refusal(const struct bind *b, const struct device *device,
		      const struct bind_facts *facts, enum bind_refusal refusal);

/* Why a move did not come to its end: r is what bind_move_begin or bind_move_run returned. */
void bind_say_unfinished(const struct bind_move *m, int r);

/* Why a take has failed, and who has the device now. */
void bind_say_undone(const struct bind_move *m);

/* What the device costs on uio_hv_generic, before it is paid. */
void bind_say_cost(const struct bind *b, const struct device *device,
		   const struct bind_facts *facts);

/* That it must be given back before the guest hibernates, where that may be. */
void bind_say_hibernation(const struct bind *b, const struct device *device,
			  const struct bind_facts *facts);

/*
 * What must not happen to the components that were given back. Opening a device's node leaves a callback
 * in its channel (Linux uio_hv_generic.c hv_uio_open: hv_uio_rescind) that nothing takes out again. When
 * the host takes the channel away, it is called with what is then the device's driver's data: the kernel
 * crashes. Seen on 6.12 and 7.3.
 */
void bind_say_risk(const struct bind *b);

/* What will be missing without hv_utils' time synchronization. */
void bind_say_clock(const struct bind *b, const struct device *device);
