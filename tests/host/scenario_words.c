/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/scenario_words.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/host/scenario_text.h"
#include "tests/host/text16.h"

/* 100 ns from 1601 to 1970. */
#define EPOCH_1601 UINT64_C(116444736000000000)

/* --- placeholders --- */

void words_init(struct words_variables *v)
{
	*v = (struct words_variables){ .dir = "/dir", .mac = "02:00:00:00:00:01", .ipv4 = "" };
}

void words_set_variable(struct words_variables *v, unsigned slot, const char *name, uint64_t value)
{
	snprintf(v->counter[slot].name, sizeof(v->counter[slot].name), "%s", name ? name : "");
	v->counter[slot].value = value;
}

static uint64_t ticks(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 10000000 + (uint64_t)t.tv_nsec / 100;
}

static bool find_number(const struct words_variables *v, const char *name, size_t n, uint64_t *ret)
{
	for (size_t i = WORDS_VARIABLES_MAX; i > 0; i--)
		if (v->counter[i - 1].name[0] && strlen(v->counter[i - 1].name) == n &&
		    strncmp(v->counter[i - 1].name, name, n) == 0) {
			*ret = v->counter[i - 1].value;
			return true;
		}
	if (n == 3 && strncmp(name, "now", n) == 0)
		*ret = ticks(CLOCK_REALTIME) + EPOCH_1601 + (uint64_t)v->ahead;
	else if (n == 5 && strncmp(name, "ticks", n) == 0)
		*ret = ticks(CLOCK_MONOTONIC_RAW);
	else if (n == 4 && strncmp(name, "ring", n) == 0)
		*ret = v->ring;
	else
		return false;
	return true;
}

/* "+N", "-N" or "*N" at *at, done to the value; false: it is none. */
static bool calculate(const char **at, uint64_t *value)
{
	char *end = NULL;
	uint64_t operand;

	if (!strchr("+-*", **at) || !isdigit((unsigned char)(*at)[1]))
		return false;
	operand = strtoull(*at + 1, &end, 0);
	*value = **at == '+' ? *value + operand :
		 **at == '-' ? *value - operand :
			       *value * operand;
	*at = end;
	return true;
}

/* "{NAME*N+N}" at *at, written to f. False: it is none, nothing was written. */
static bool put_number(FILE *f, const struct words_variables *v, const char **at)
{
	size_t n = strspn(*at + 1, "abcdefghijklmnopqrstuvwxyz");
	const char *p = *at + 1 + n;
	uint64_t value;

	if (!n || !find_number(v, *at + 1, n, &value))
		return false;
	while (*p && calculate(&p, &value))
		;
	if (*p != '}')
		return false;
	fprintf(f, "%llu", (unsigned long long)value);
	*at = p + 1;
	return true;
}

static bool put_text(FILE *f, const struct words_variables *v, const char **at)
{
	const struct {
		const char *word, *text;
	} texts[] = { { "{dir}", v->dir }, { "{mac}", v->mac }, { "{ipv4}", v->ipv4 } };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strncmp(*at, texts[i].word, strlen(texts[i].word)) == 0) {
			fputs(texts[i].text, f);
			*at += strlen(texts[i].word);
			return true;
		}
	return false;
}

/* "{255xTEXT}" at *at: the text so many times. False: it is none, nothing was written. */
static bool put_repeated(FILE *f, const char **at)
{
	char *text = NULL;
	unsigned long times;
	size_t n;

	if (!isdigit((unsigned char)(*at)[1]))
		return false;
	times = strtoul(*at + 1, &text, 10);
	n = strcspn(text, "}");
	if (*text != 'x' || text[n] != '}' || times > WIRE_MESSAGE_MAX)
		return false;
	while (times--)
		(void)fwrite(text + 1, 1, n - 1, f);
	*at = text + n + 1;
	return true;
}

static char *expand(const char *word, const struct words_variables *v)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	while (*word)
		if (*word != '{' || (!put_number(f, v, &word) && !put_text(f, v, &word) &&
				     !put_repeated(f, &word)))
			fputc(*word++, f);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

void words_freep(char ***words)
{
	for (char **w = *words; w && *w; w++)
		free(*w);
	free(*words);
}

char **words_expand(char *const *words, const struct words_variables *v)
{
	_cleanup_(words_freep) char **ret = NULL;
	size_t n = 0;

	while (words[n])
		n++;
	ret = calloc(n + 1, sizeof(*ret));
	for (size_t i = 0; ret && i < n; i++) {
		ret[i] = expand(words[i], v);
		if (!ret[i])
			return NULL;
	}
	return TAKE_PTR(ret);
}

/* --- options --- */

int words_take_option(char *const **words, const char *name, uint64_t most, uint64_t *ret)
{
	if (!**words || strcmp(**words, name) != 0)
		return 0;
	if (scenario_take_number((*words)[1], most, ret) < 0)
		return -EINVAL;
	*words += 2;
	return 0;
}

int words_take_list(char *const **words, const char *name, struct version_list *ret)
{
	int n;

	if (!**words || strcmp(**words, name) != 0)
		return 0;
	n = scenario_take_versions(*words + 1, ret);
	if (n < 0)
		return n;
	*words += n + 1;
	return 0;
}

int words_parse_counts(const char *text, uint16_t ret[2])
{
	unsigned a, b;
	int end = 0;

	if (sscanf(text, "%5u,%5u%n", &a, &b, &end) != 2 || text[end] || a > 65535 || b > 65535)
		return -EINVAL;
	ret[0] = (uint16_t)a;
	ret[1] = (uint16_t)b;
	return 0;
}

int words_take_counts(char *const **words, uint16_t ret[2], bool *ret_has)
{
	*ret_has = **words && strcmp(**words, "counts") == 0;
	if (!*ret_has)
		return 0;
	if (!(*words)[1] || words_parse_counts((*words)[1], ret) < 0)
		return -EINVAL;
	*words += 2;
	return 0;
}

/* --- names --- */

/* Of the fields that each message has; a test looks each up in wire.c. */
const char *const words_header_names[] = {
	"pipe-flags", "pipe-size", "header-framework", "type", "header-message", "icmsgsize",
	"status", "transaction", "icflags", "reserved", NULL,
};

void words_append(char *text, size_t size, const char *separator, const char *word)
{
	size_t at = strlen(text);

	snprintf(text + at, size - at, "%s%s", at ? separator : "", word);
}

/* Those of all components; each component's are found by asking. */
static const char *const operation_names[] = {
	"beat", "probe", "sync", "sample", "request", "get", "set", "delete", "enumerate", "get-ip",
	"set-ip",
};

void words_list_operations(enum component c, char *ret, size_t size)
{
	*ret = 0;
	for (size_t i = 0; i < ARRAY_LEN(operation_names); i++)
		if (wire_operation_find(c, operation_names[i], 0))
			words_append(ret, size, ", ", operation_names[i]);
	words_append(ret, size, ", ", "raw");
}

/* "heartbeat beat has no field "x"; there are sequence, state" */
static void explain_field(const struct wire_operation *op, const char *name, char *why,
			  size_t why_size)
{
	char list[512] = "";

	for (const struct wire_field *f = op ? op->fields : NULL; f && f->name; f++)
		words_append(list, sizeof(list), ", ", f->name);
	for (const char *const *header = words_header_names; !op && *header; header++)
		words_append(list, sizeof(list), ", ", *header);
	if (op)
		snprintf(why, why_size, "%s %s has no field \"%s\"; there are %s",
			 component_table[op->component].key, op->name, name, list);
	else
		snprintf(why, why_size, "the headers have no field \"%s\"; there are %s", name, list);
}

/* --- changes to a message --- */

static int change_body_length(struct message *m, const char *value)
{
	uint64_t n;

	return scenario_take_number(value, WIRE_MESSAGE_MAX, &n) < 0 ? -EINVAL : wire_resize(m, n);
}

static int change_length(struct message *m, const char *value)
{
	uint64_t n;

	return scenario_take_number(value, WIRE_MESSAGE_MAX, &n) < 0 ? -EINVAL :
								       wire_set_length(m, n);
}

static int change_bytes(struct message *m, const char *value)
{
	char *end = NULL;
	unsigned long offset = strtoul(value, &end, 0);

	if (*end != ':')
		return -EINVAL;
	return wire_patch(m, offset, end + 1);
}

static int change_all(struct message *m, const char *value)
{
	int n = wire_parse_hex(value, m->bytes, sizeof(m->bytes));

	if (n >= 0)
		m->len = (size_t)n;
	return n;
}

static const struct {
	const char *name;
	int (*make)(struct message *m, const char *value);
} changes[] = {
	{ "body-length", change_body_length },
	{ "length", change_length },
	{ "patch", change_bytes },
	{ "raw", change_all },
};

int words_apply(struct message *m, const struct wire_operation *op, const char *word, char *why,
		size_t why_size)
{
	const char *equals = strchr(word, '=');
	char name[64];
	int r = -ENOENT;

	if (!equals || (size_t)(equals - word) >= sizeof(name)) {
		snprintf(why, why_size, "expected FIELD=VALUE, not \"%s\"", word);
		return -EINVAL;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(equals - word), word);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		if (strcmp(changes[i].name, name) == 0)
			r = changes[i].make(m, equals + 1);
	if (r == -ENOENT)
		r = wire_set(m, op, name, equals + 1);
	if (r >= 0)
		return 0;
	if (r == -ENOENT)
		explain_field(op, name, why, why_size);
	else
		snprintf(why, why_size, "expected a value %s for %s (%s)",
			 r == -ENOBUFS ? "that fits" : "of its kind", word, strerror(-r));
	return -EINVAL;
}

/* --- checks of a reply --- */

static int check_bytes(const uint8_t *payload, size_t len, const char *value, char *why,
		       size_t why_size)
{
	char *end = NULL;
	unsigned long offset = strtoul(value, &end, 0);
	uint8_t bytes[512];
	int n = *end == ':' ? wire_parse_hex(end + 1, bytes, sizeof(bytes)) : -EINVAL;

	if (n >= 0 && offset <= len && (size_t)n <= len - offset &&
	    memcmp(payload + offset, bytes, (size_t)n) == 0)
		return 0;
	snprintf(why, why_size, "the bytes of the answer are not %s", value);
	return -EINVAL;
}

/* The same text as a reply's field is told: \u{E9} and é are one. */
static void write_as_told(const struct wire_operation *op, const char *name, const char *value,
			  char *ret, size_t size)
{
	size_t base;
	const struct wire_field *f = wire_field_find(op, name, &base);
	uint8_t units[4096];
	int n = f && f->kind == WIRE_TEXT ? text16_from_escaped(value, units, sizeof(units)) : -ENOENT;

	if (n >= 0)
		text16_to_escaped(units, (size_t)n, ret, size);
	else
		snprintf(ret, size, "%s", value);
}

static size_t count_elements(const char *list)
{
	size_t n = *list ? 1 : 0;

	for (; *list; list++)
		n += *list == ',';
	return n;
}

static bool is_one_of(const char *came, const char *list)
{
	size_t n = strlen(came);

	for (;; list++) {
		size_t len = strcspn(list, ",");

		if (len == n && strncmp(list, came, n) == 0)
			return true;
		list += len;
		if (!*list)
			return false;
	}
}

/* sign is what stands before the "=". */
static bool holds(char sign, const char *came, const char *wanted)
{
	switch (sign) {
	case '!':
		return strcmp(came, wanted) != 0;
	case '^':
		return strncmp(came, wanted, strlen(wanted)) == 0;
	case '|':
		return is_one_of(came, wanted);
	default:
		return strcmp(came, wanted) == 0;
	}
}

int words_check(const struct wire_operation *op, const uint8_t *payload, size_t len,
		const char *word, char *why, size_t why_size)
{
	const char *equals = strchr(word, '=');
	char sign = equals && equals > word && strchr("!^|", equals[-1]) ? equals[-1] : 0;
	char name[64], came[4096], wanted[4096];
	int r;

	if (!equals || (size_t)(equals - word) >= sizeof(name)) {
		snprintf(why, why_size, "expected FIELD=VALUE, FIELD!=VALUE, FIELD^=BEGINNING or "
			 "FIELD|=A,B, not \"%s\"", word);
		return -EINVAL;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(equals - word) - (sign != 0), word);
	if (strcmp(name, "bytes") == 0)
		return check_bytes(payload, len, equals + 1, why, why_size);
	r = wire_get(op, payload, len, name, count_elements(equals + 1), came, sizeof(came));
	if (r < 0) {
		if (r == -ENOENT)
			explain_field(op, name, why, why_size);
		else
			snprintf(why, why_size, "the answer ends before its %s", name);
		return -EINVAL;
	}
	write_as_told(op, name, equals + 1, wanted, sizeof(wanted));
	if (holds(sign, came, wanted))
		return 0;
	snprintf(why, why_size, "expected %s, came %s=%s", word, name, came);
	return -EINVAL;
}

int words_parse_fault(const char *text, enum fault *ret, char *why, size_t why_size)
{
	char error[512];
	enum fault fault;

	if (fault_parse_name(text, &fault, error, sizeof(error)) < 0) {
		snprintf(why, why_size, "a fault: %s", error);
		return -EINVAL;
	}
	if (fault_table[fault].steps) {
		snprintf(why, why_size, "%s: the fault %s acts in `run` only",
			 fault_table[fault].steps, fault_table[fault].name);
		return -EINVAL;
	}
	*ret = fault;
	return 0;
}

bool words_fields_are_fixed(const struct wire_operation *op)
{
	return !op || (op->from_major == 0 && op->until_major == 99);
}
