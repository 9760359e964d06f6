/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/ctl/option.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/words.h"

#define OPTIONS_MAX 24
/* getopt_long returns this plus the row. */
#define FIRST 256
#define TIMEOUT_MAX_S 3600

static int take_flag(const struct option_row *row, const char *value, void *into)
{
	(void)value;
	*(bool *)((char *)into + row->offset) = true;
	return 0;
}

static int take_text(const struct option_row *row, const char *value, void *into)
{
	if (!*value)
		return words_say(CTL_USAGE, "--%s wants %s", row->name, row->value);
	*(const char **)((char *)into + row->offset) = value;
	return 0;
}

static int take_seconds(const struct option_row *row, const char *value, void *into)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (value[0] < '0' || value[0] > '9' || *end || n == 0 || n > TIMEOUT_MAX_S)
		return words_say(CTL_USAGE, "--%s wants seconds, 1 to %d, not '%s'", row->name,
				 TIMEOUT_MAX_S, value);
	*(unsigned *)((char *)into + row->offset) = (unsigned)n;
	return 0;
}

#define AT(member) offsetof(struct ctl_options, member)

const struct option_row option_table[] = {
	{ 'H', "host", "[USER@]HOST", 0, "ask vmicd on another machine, by ssh", take_text, AT(host) },
	{ 'M', "machine", "CONTAINER", 0, "ask vmicd in a local container", take_text, AT(machine) },
	{ 'j', "json", NULL, 0, "print JSON", take_flag, AT(json) },
	{ 'r', "release", "RELEASE", VERB_RELEASE, "the table of a host of this release", take_text,
	  AT(release) },
	{ 'p', "pool", "POOL", VERB_POOL, "not guest, but external, auto, auto-external, all", take_text,
	  AT(pool) },
	{ 'l', "full", NULL, VERB_FULL, "cut nothing", take_flag, AT(full) },
	{ 0, "no-legend", NULL, VERB_NO_LEGEND, "print no titles above and no remarks below", take_flag,
	  AT(no_legend) },
	{ 0, "no-block", NULL, VERB_NO_BLOCK, "do not wait for the host to negotiate", take_flag,
	  AT(no_block) },
	{ 0, "no-ask-password", NULL, VERB_CHANGES, "do not ask for a password", take_flag,
	  AT(no_ask_password) },
	{ 0, "timeout", "SEC", 0, "wait so long for vmicd and its host (15)", take_seconds,
	  AT(timeout_s) },
	{ 'h', "help", NULL, 0, "print this", NULL, OPTION_HELP },
	{ 'V', "version", NULL, 0, "print the version", NULL, OPTION_VERSION },
};

const size_t option_count = ARRAY_LEN(option_table);

/* Both forms of the table that getopt_long wants. */
static void prepare(struct option rows[static OPTIONS_MAX], char letters[static 3 * OPTIONS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < option_count; i++) {
		const struct option_row *row = &option_table[i];

		rows[i] = (struct option){
			.name = row->name,
			.has_arg = row->value ? required_argument : no_argument,
			.val = FIRST + (int)i,
		};
		if (!row->letter)
			continue;
		letters[n++] = row->letter;
		if (row->value)
			letters[n++] = ':';
	}
	letters[n] = '\0';
	rows[option_count] = (struct option){ 0 };
}

/* NULL: getopt_long has said what is wrong. */
static const struct option_row *row_of(int c)
{
	if (c >= FIRST)
		return &option_table[c - FIRST];
	for (size_t i = 0; i < option_count; i++)
		if (option_table[i].letter == c)
			return &option_table[i];
	return NULL;
}

int option_parse(int argc, char **argv, struct ctl_options *ret, struct option_result *ret_result)
{
	struct option rows[OPTIONS_MAX];
	char letters[3 * OPTIONS_MAX];
	int c;

	_Static_assert(ARRAY_LEN(option_table) < OPTIONS_MAX, "room for the end");
	*ret_result = (struct option_result){ 0 };
	prepare(rows, letters);
	while ((c = getopt_long(argc, argv, letters, rows, NULL)) >= 0) {
		const struct option_row *row = row_of(c);
		int status = 0;

		if (!row)
			return words_say(CTL_USAGE, "'vmicctl --help' lists the options");
		ret_result->given |= row->verbs;
		if (row->take)
			status = row->take(row, optarg, ret);
		else if (ret_result->other == OPTION_VERB)
			ret_result->other = (enum option_other)row->offset;
		if (status)
			return status;
	}
	ret_result->words = argv + optind;
	if (ret->host && ret->machine)
		return words_say(CTL_USAGE, "--host and --machine exclude each other");
	return 0;
}

int option_check(const struct option_result *result, const struct verb *verb)
{
	for (size_t i = 0; i < option_count; i++)
		if (result->given & option_table[i].verbs & ~verb->options)
			return words_say(CTL_USAGE, "%s%s%s has no option --%s", verb->name,
					 verb->part ? " " : "", verb->part ? verb->part : "",
					 option_table[i].name);
	return 0;
}

void option_help(FILE *to)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option_row *row = &option_table[i];
		char left[64], letter[3] = { row->letter ? '-' : ' ', row->letter ? row->letter : ' ' };

		(void)snprintf(left, sizeof(left), "%s --%s%s%s", letter, row->name,
			       row->value ? "=" : "", row->value ? row->value : "");
		(void)fprintf(to, "  %-26s %s\n", left, row->text);
	}
}
