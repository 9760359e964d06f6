/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/option.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 32
/* getopt_long returns this plus the row; below are its own '?' and ':'. */
#define OPTION_FIRST 256

static void say_options(const char *verb, const struct option_info *table)
{
	(void)fprintf(stderr, "options of vmichost %s:", verb);
	for (; table->name; table++)
		(void)fprintf(stderr, " --%s", table->name);
	(void)fprintf(stderr, " --help\n");
}

static void rows_fill(const struct option_info *table, struct option rows[static OPTIONS_MAX])
{
	size_t n = 0;

	for (; table[n].name && n < OPTIONS_MAX - 2; n++)
		rows[n] = (struct option){
			.name = table[n].name,
			.has_arg = table[n].value ? required_argument : no_argument,
			.val = OPTION_FIRST + (int)n,
		};
	rows[n] = (struct option){ .name = "help", .val = 'h' };
	rows[n + 1] = (struct option){ .name = NULL };
}

/* getopt_long says '?' for the unknown, the ambiguous and the value that nobody wants. */
static int refuse(const struct option_info *table, const char *verb, char **argv, int c)
{
	int row = optopt - OPTION_FIRST;

	if (c == ':')
		(void)fprintf(stderr, "vmichost: --%s wants a value: %s\n", table[row].name,
			      table[row].value);
	else if (row >= 0)
		(void)fprintf(stderr, "vmichost: --%s takes no value\n", table[row].name);
	else if (optopt > 0)
		(void)fprintf(stderr, "vmichost: unknown option -%c\n", optopt);
	else
		(void)fprintf(stderr, "vmichost: unknown or ambiguous option %s\n",
			      argv[optind - 1]);
	if (row < 0)
		say_options(verb, table);
	return -EINVAL;
}

int option_parse(const struct option_info *table, const char *verb, int argc, char **argv,
		 void *into)
{
	struct option rows[OPTIONS_MAX];

	rows_fill(table, rows);
	optind = 1;
	for (;;) {
		int c = getopt_long(argc, argv, "+:h", rows, NULL);
		const struct option_info *option;
		int r;

		if (c < 0)
			return optind;
		if (c == 'h')
			return OPTION_HELP;
		if (c < OPTION_FIRST)
			return refuse(table, verb, argv, c);
		option = &table[c - OPTION_FIRST];
		r = option->take(option, optarg, into);
		if (r < 0)
			return r;
	}
}

void option_list(FILE *to, const struct option_info *table)
{
	for (; table->name; table++) {
		char left[64];

		(void)snprintf(left, sizeof(left), "--%s%s%s", table->name, table->value ? " " : "",
			       table->value ? table->value : "");
		(void)fprintf(to, "  %-22s %s\n", left, table->text);
	}
	(void)fprintf(to, "  %-22s %s\n", "--help", "print this");
}

int option_error(const struct option_info *option, const char *value, const char *wanted, ...)
{
	va_list args;

	(void)fprintf(stderr, "vmichost: --%s wants ", option->name);
	va_start(args, wanted);
	(void)vfprintf(stderr, wanted, args);
	va_end(args);
	(void)fprintf(stderr, ", not \"%s\"\n", value);
	return -EINVAL;
}

static void *field(const struct option_info *option, void *into)
{
	return (char *)into + option->offset;
}

int option_take_flag(const struct option_info *option, const char *value, void *into)
{
	(void)value;
	*(bool *)field(option, into) = true;
	return 0;
}

int option_take_text(const struct option_info *option, const char *value, void *into)
{
	if (!*value)
		return option_error(option, value, "%s", option->value);
	*(const char **)field(option, into) = value;
	return 0;
}

int option_take_number(const struct option_info *option, const char *value, void *into)
{
	char *end = NULL;
	unsigned long n;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (errno || end == value || *end || *value == '-' || n == 0 || n > UINT32_MAX / 1000)
		return option_error(option, value, "a number from 1 to %u", UINT32_MAX / 1000);
	*(unsigned *)field(option, into) = (unsigned)n;
	return 0;
}

int option_take_release(const struct option_info *option, const char *value, void *into)
{
	const struct release *release = release_find(value);
	char keys[256] = "";

	if (release) {
		*(const struct release **)field(option, into) = release;
		return 0;
	}
	for (size_t i = 0, used = 0; i < release_count && used < sizeof(keys); i++)
		used += (size_t)snprintf(keys + used, sizeof(keys) - used, "%s%s", i ? ", " : "",
					 release_table[i].key);
	return option_error(option, value, "one of %s", keys);
}

int option_add_release(const struct option_info *option, const char *value, void *into)
{
	const struct option_info plain = { .name = option->name, .value = option->value };
	struct release_choice *choice = field(option, into);
	const struct release *release;
	int r = option_take_release(&plain, value, &release);

	if (r < 0)
		return r;
	for (size_t i = 0; i < choice->n; i++)
		if (choice->release[i] == release)
			return 0;
	assert(choice->n < ARRAY_LEN(choice->release)); /* there are not so many */
	choice->release[choice->n++] = release;
	return 0;
}

void release_choice_complete(struct release_choice *choice)
{
	for (size_t i = 0; choice->n == i && i < release_count; i++)
		choice->release[choice->n++] = &release_table[i];
}
