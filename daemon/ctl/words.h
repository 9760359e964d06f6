/* SPDX-License-Identifier: GPL-2.0-only */
/* What vmicctl says on stderr: "vmicctl: " and a sentence, in which nothing steers the terminal. */
#pragma once

/* Words of our own and words from outside alike. Returns status. */
__attribute__((format(printf, 2, 3))) int words_say(int status, const char *format, ...);
