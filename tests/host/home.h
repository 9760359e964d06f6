/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the guest's program lives, with the files that it shares with others there: on this machine
 * (home_here.c), or on one where an agent does the same (home_agent.c). Who plays a scenario knows
 * homes only by this header.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv_util/base.h"

/* A record of a pool's file: 512 bytes of key and 2048 of value, zero padded (hv_kvp_daemon). A key or
 * value is text, or "hex:" and its bytes. */
struct home_record {
	unsigned pool;
	const char *key, *value;
};

struct home_setup {
	const char *config; /* the guest's configuration; {dir} is replaced */
	const struct home_record *records;
	size_t n_records;
};

struct home_program {
	char *const *argv;        /* NULL-terminated; {socket}, {config} and {dir} are replaced */
	const char *const *extra; /* further arguments, NULL-terminated, or NULL */
	/* Called once, from the loop, when it has ended by itself or as asked; not after clean. */
	void (*ended)(void *user, bool signalled, int status);
	void *user;
};

struct home;

/* All return 0 or a negative errno, if nothing else is said. */
struct home_ops {
	/* A fresh private directory, with the pools and the configuration; cleans up first. */
	int (*prepare)(struct home *h, const struct home_setup *setup);
	/* The program, with what it prints in a log. It cannot set that machine's clock. */
	int (*start)(struct home *h, const struct home_program *program);
	/* Asks it to end, and lets it go on for that. Nothing when it has ended. */
	int (*stop)(struct home *h);
	/* It stands still, as in a VM that hangs, and goes on. -ESRCH: it has ended. */
	int (*pause)(struct home *h);
	int (*resume)(struct home *h);
	/* Gives it another drop-in of its configuration, instead of the one before if there is one, with
	 * {dir} replaced, and has it read all of it again. -ESRCH: it has ended. */
	int (*reload)(struct home *h, const char *drop_in);
	/* The lines of the log that hold the text. */
	int (*count_log)(struct home *h, const char *text, size_t *ret);
	/* The end of the log, the caller's to free. */
	int (*read_log)(struct home *h, char **ret);
	/* As cloud-init appends: without looking, under flock. */
	int (*append)(struct home *h, const struct home_record *record);
	/* Compares the record at the index, padding included. -EINVAL: and what is there in why. */
	int (*check)(struct home *h, const struct home_record *record, size_t index, char *why,
		     size_t why_size);
	long (*pool_size)(struct home *h, unsigned pool); /* bytes, or negative errno */
	/* Locks the pool's file for writing, by "flock" or "fcntl", and lets go of another one. */
	int (*lock)(struct home *h, unsigned pool, const char *how);
	int (*unlock)(struct home *h);
	/* Kills the program, lets go of a lock, removes the directory. */
	int (*clean)(struct home *h);
	struct home *(*free)(struct home *h);
};

#define HOME_LOG_MAX 16384 /* bytes of the log's end that read_log returns */

/* The first member of every kind of home. */
struct home {
	const struct home_ops *ops;
	char dir[256];          /* since prepare */
	char mac[18], ipv4[16]; /* an adapter of that machine; ipv4 "": none has an address */
	/* By how much that machine's clock is ahead of ours, in 100 ns: at least so much, and more by no
	 * more than its answer's way here. */
	int64_t ahead;
};
