/* SPDX-License-Identifier: GPL-2.0-only */
/* What an operator may look for in the journal: lines of one kind have one MESSAGE_ID, and systemd/vmicd.catalog says
 * what is to be known and done. */
#pragma once

enum message_id {
	MESSAGE_NEGOTIATED,    /* versions, of which the host has nothing better to offer */
	MESSAGE_MISMATCH,      /* versions below those that the host offers, which it may report */
	MESSAGE_NO_COMMON,     /* no version */
	MESSAGE_FORCED,        /* what the configuration wants answered, right or wrong, to test a host */
	MESSAGE_TAKEN_OVER,    /* nothing: the channel stayed open while the program was started anew */
	MESSAGE_LOST,          /* the channel is gone, or unusable for a while */
	MESSAGE_UNUSABLE,      /* the channel cannot be opened */
	MESSAGE_BLOCKED,       /* the host asked for what the configuration blocks */
	MESSAGE_STEPPED,       /* the clock was set */
	MESSAGE_NOT_STEPPED,   /* the clock cannot be set */
	MESSAGE_SHUTDOWN_REQUESTED, /* the host wants the machine to go down, and it does */
	MESSAGE_NOT_SHUT_DOWN, /* the host wants that, and it does not */
	MESSAGE_CONFIGURED,    /* another configuration is in force */
	MESSAGE_MISCONFIGURED, /* the configuration is wrong */
	MESSAGE_IDS
};

/* As fields for the log: "MESSAGE_ID=...". */
extern const char *const message_id_fields[MESSAGE_IDS];
