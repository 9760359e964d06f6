/* SPDX-License-Identifier: GPL-2.0-only */
/* The words of a scenario's steps: placeholders, lists, and changes to messages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv_util/base.h"
#include "tests/host/fault.h"
#include "tests/host/wire.h"

#define WORDS_VARIABLES_MAX 8

/*
 * What {NAME} and {NAME*8+4} (from left to right) stand for: the counters of repeat, and {now} (100 ns
 * since 1601, on the guest's clock), {ticks} (100 ns, monotonic), {ring} (bytes of data in a ring of the
 * channel that was opened last). {dir} is the private directory, {mac}
 * an adapter of the guest's machine and {ipv4} its first address, {255xA} so many As. An unknown name
 * stays as it is.
 */
struct words_variables {
	const char *dir, *mac, *ipv4; /* as struct home has them */
	int64_t ahead;
	uint64_t ring;
	struct {
		char name[16];
		uint64_t value;
	} counter[WORDS_VARIABLES_MAX];
};

/* With texts that will do while words are only checked. */
void words_init(struct words_variables *v);
/* name NULL takes it away. */
void words_set_variable(struct words_variables *v, unsigned slot, const char *name, uint64_t value);

/* The words with all placeholders filled in, NULL-terminated, for words_freep; NULL: no memory. */
char **words_expand(char *const *words, const struct words_variables *v);
void words_freep(char ***words);

/* "NAME NUMBER" if it is next. 0, also when it is not there; -EINVAL. */
_must_check_ int words_take_option(char *const **words, const char *name, uint64_t most,
				   uint64_t *ret);
/* "NAME V..." if it is next. As above. */
_must_check_ int words_take_list(char *const **words, const char *name, struct version_list *ret);
/* "counts A,B" if it is next. As above. */
_must_check_ int words_take_counts(char *const **words, uint16_t ret[2], bool *ret_has);
_must_check_ int words_parse_counts(const char *text, uint16_t ret[2]);

/* Adds the word to a list of words; what does not fit is cut. */
void words_append(char *text, size_t size, const char *separator, const char *word);

/* "request, raw": what can be sent to a component. */
void words_list_operations(enum component c, char *ret, size_t size);

/* The names of the headers' fields, NULL-terminated. */
extern const char *const words_header_names[];

/*
 * Makes the change NAME=VALUE: a field of the operation or of the headers, body-length=N, length=N,
 * patch=OFFSET:HEX, raw=HEX. 0, or -EINVAL and what is wrong in why.
 */
_must_check_ int words_apply(struct message *m, const struct wire_operation *op, const char *word,
			     char *why, size_t why_size);

/*
 * Checks NAME=VALUE, NAME!=VALUE, NAME^=BEGINNING, NAME|=A,B (one of these) or bytes=OFFSET:HEX in a
 * reply. 0, or -EINVAL and why.
 */
_must_check_ int words_check(const struct wire_operation *op, const uint8_t *payload, size_t len,
			     const char *word, char *why, size_t why_size);

/*
 * The fault that a text names, if it is one that acts in a scenario. 0, or -EINVAL and what is
 * expected in why: a fault that there is, or the steps that do what the fault does in `run`.
 */
_must_check_ int words_parse_fault(const char *text, enum fault *ret, char *why, size_t why_size);

/* Whether every version of the component has the operation's fields. */
bool words_fields_are_fixed(const struct wire_operation *op);
