/* SPDX-License-Identifier: GPL-2.0-only */
/* vmicctl: shows and steers vmicd, over its bus. */
#include <locale.h>
#include <stdio.h>

#include "daemon/ctl/connect.h"
#include "daemon/ctl/option.h"
#include "daemon/ctl/pool.h"
#include "daemon/ctl/print.h"
#include "daemon/ctl/words.h"
#include "daemon/terminal/text.h"

#define TIMEOUT_DEFAULT_S 15

static void help(void)
{
	(void)printf("vmicctl [OPTION]... [VERB] [ARGUMENT]...\n\n"
		     "Shows what vmicd has agreed on with the host of this guest, and changes it.\n\n"
		     "Verbs, of which status is the default:\n");
	verb_help(stdout);
	(void)printf("\nOptions:\n");
	option_help(stdout);
	(void)printf("\nExit status: 0 done, 1 failure, 2 wrong usage, 3 vmicd is not running, 4 not\n"
		     "permitted, 5 no such thing, 6 its channel is not open, 7 timed out.\n"
		     "See vmicctl(1) and org.vmicd1(5).\n");
}

/* Before a daemon is looked for: a wrong command line is one, whether it runs or not. */
static int check_pool(const struct ctl *c, const struct verb *verb)
{
	unsigned pools;
	int status = pool_parse(c, &pools);

	if (status == 0 && verb->options & VERB_ONE_POOL && pools == POOL_ALL)
		return words_say(CTL_USAGE, "%s %s wants one pool", verb->name, verb->part);
	return status;
}

/* The bus has no other strings. */
static int check_text(char **words)
{
	for (; *words; words++) {
		const char *rest = *words;
		int32_t c;

		while ((c = text_next(&rest)) > 0)
			;
		if (c < 0)
			return words_say(CTL_USAGE, "'%s' is no UTF-8", *words);
	}
	return 0;
}

static int run_verb(struct ctl *c, const struct verb *verb, char **words)
{
	int status = connect_open(c);

	if (status == 0)
		status = verb->run(c, words);
	connect_close(c);
	return status;
}

static int run(struct ctl *c, const struct option_result *result)
{
	const struct verb *verb;
	char **words;
	int status = verb_parse(result->words, &verb, &words);

	if (status == 0)
		status = option_check(result, verb);
	if (status == 0)
		status = check_pool(c, verb);
	if (status == 0)
		status = check_text(words);
	if (status == 0 && verb->check)
		status = verb->check(c, words);
	return status ? status : run_verb(c, verb, words);
}

int main(int argc, char **argv)
{
	struct ctl_options options = { .timeout_s = TIMEOUT_DEFAULT_S };
	struct ctl c = { .options = &options };
	struct option_result result;

	/* only for the width of characters; numbers stay as JSON wants them */
	(void)setlocale(LC_CTYPE, "");
	c.out = terminal_of(stdout);
	if (option_parse(argc, argv, &options, &result))
		return CTL_USAGE;
	switch (result.other) {
	case OPTION_HELP:
		help();
		return print_end(&c, CTL_DONE);
	case OPTION_VERSION:
		(void)printf("vmicctl %s\n", VMICD_VERSION);
		return print_end(&c, CTL_DONE);
	case OPTION_VERB:
		break;
	}
	return run(&c, &result);
}
