/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For what runs under qemu-user. A processor lets no LDAR overtake an earlier STLR, and that is what atomic_store and
 * atomic_load are made of; QEMU 7.2 on x86-64 does (tried with two threads that store, then load what the other
 * stores: in some of a hundred turns both loads came first; with a fence between them, never).
 */
#pragma once

#include <stdatomic.h>

#undef atomic_store
#define atomic_store(object, value)                                                  \
	(atomic_store_explicit(object, value, memory_order_seq_cst),                 \
	 atomic_thread_fence(memory_order_seq_cst))
