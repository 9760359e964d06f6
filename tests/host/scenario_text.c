/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/scenario_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hv_util/ring_wire.h"
#include "tests/host/scenario_words.h"
#include "tests/host/session.h"
#include "tests/host/version.h"

struct reader {
	struct scenario *s;
	FILE *config;
	char *error;
	size_t error_size;
	unsigned line;
};

static int expected(const struct reader *r, const char *what)
{
	snprintf(r->error, r->error_size, "%s:%u: expected %s", r->s->path, r->line, what);
	return -EINVAL;
}

/* --- words --- */

static void words_free(char **words)
{
	for (char **w = words; w && *w; w++)
		free(*w);
	free(words);
}

/* One word at *text, without its quotes; NULL at the end of the line. */
static char *take_word(const char **text, bool *ret_bad)
{
	const char *p = *text + strspn(*text, " \t");
	char *word, *out;
	bool quoted = false;

	if (!*p || *p == '#')
		return NULL;
	word = out = malloc(strlen(p) + 1);
	if (!word)
		return NULL;
	for (; *p && (quoted || !isspace((unsigned char)*p)); p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (*p == '\\' && p[1] == '"')
			*out++ = *++p;
		else
			*out++ = *p;
	}
	*out = 0;
	*ret_bad = quoted;
	*text = p;
	return word;
}

static int split(const struct reader *r, const char *text, struct scenario_line *ret)
{
	char **words = calloc(SCENARIO_WORDS_MAX + 1, sizeof(*words));
	unsigned n = 0;
	bool bad = false;

	if (!words)
		return -ENOMEM;
	while (n < SCENARIO_WORDS_MAX && !bad && (words[n] = take_word(&text, &bad)))
		n++;
	if (bad || n == SCENARIO_WORDS_MAX) {
		words_free(words);
		return expected(r, bad ? "a second double quote" : "fewer words in a line");
	}
	*ret = (struct scenario_line){ .number = r->line, .n = n, .word = words };
	return 0;
}

int scenario_take_number(const char *word, uint64_t most, uint64_t *ret)
{
	char *end = NULL;
	unsigned long long n;

	if (!word || !isdigit((unsigned char)*word))
		return -EINVAL;
	errno = 0;
	n = strtoull(word, &end, 0);
	if (errno || *end || n > most)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int take_version(const char *word, struct version *ret, uint64_t *ret_times)
{
	char text[32], *star;

	if ((size_t)snprintf(text, sizeof(text), "%s", word) >= sizeof(text))
		return -EINVAL;
	*ret_times = 1;
	star = strchr(text, '*');
	if (star)
		*star++ = 0;
	if (star && scenario_take_number(star, VERSION_LIST_MAX, ret_times) < 0)
		return -EINVAL;
	return version_parse(text, ret);
}

int scenario_take_versions(char *const *words, struct version_list *ret)
{
	struct version_list list = { .n = 0 };
	int taken = 0;

	if (words[0] && strcmp(words[0], "none") == 0) {
		*ret = list;
		return 1;
	}
	for (; words[taken]; taken++) {
		struct version v;
		uint64_t times;

		if (take_version(words[taken], &v, &times) < 0)
			break;
		if (list.n + times > VERSION_LIST_MAX)
			return -EINVAL;
		while (times--)
			list.v[list.n++] = v;
	}
	if (taken == 0)
		return -EINVAL;
	*ret = list;
	return taken;
}

/* --- header lines --- */

/* In each: the words after the first. */
static int on_title(struct reader *r, char *const *words)
{
	free(r->s->title);
	r->s->title = words[0] && !words[1] ? strdup(words[0]) : NULL;
	return r->s->title ? 0 : expected(r, "title \"TEXT\"");
}

static int on_release(struct reader *r, char *const *words)
{
	const struct release *found = words[0] && !words[1] ? release_find(words[0]) : NULL;

	if (!found)
		return expected(r, "release and a key that `vmichost releases` prints");
	r->s->release = *found;
	return 0;
}

static int take_component(char *const *words, enum component *ret)
{
	return words[0] ? component_from_key(words[0], ret) : -EINVAL;
}

static int on_offer(struct reader *r, char *const *words)
{
	static const char form[] = "offer COMPONENT framework V... message V...";
	struct release_offer *o;
	enum component c;
	int n;

	if (take_component(words, &c) < 0 || !words[1] || strcmp(words[1], "framework") != 0)
		return expected(r, form);
	o = &r->s->release.component[c];
	words += 2;
	n = scenario_take_versions(words, &o->framework);
	if (n < 0 || !words[n] || strcmp(words[n], "message") != 0)
		return expected(r, form);
	words += n + 1;
	n = scenario_take_versions(words, &o->message);
	if (n < 0 || words[n])
		return expected(r, form);
	if (o->framework.n)
		o->expected.framework = o->framework.v[o->framework.n - 1];
	if (o->message.n)
		o->expected.message = o->message.v[o->message.n - 1];
	o->offered = true;
	return 0;
}

static int on_disable(struct reader *r, char *const *words)
{
	enum component c;

	if (take_component(words, &c) < 0 || words[1])
		return expected(r, "disable COMPONENT");
	r->s->disabled[c] = true;
	return 0;
}

static int on_argument(struct reader *r, char *const *words)
{
	char **grown;

	if (!words[0] || words[1])
		return expected(r, "argument \"TEXT\"");
	grown = realloc(r->s->arguments, (r->s->n_arguments + 2) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	r->s->arguments = grown;
	grown[r->s->n_arguments++] = strdup(words[0]);
	grown[r->s->n_arguments] = NULL;
	return grown[r->s->n_arguments - 1] ? 0 : -ENOMEM;
}

static int on_fault(struct reader *r, char *const *words)
{
	char why[600];
	enum fault fault;

	if (!words[0] || words[1])
		return expected(r, "fault NAME[:COMPONENT][=NUMBER]");
	if (words_parse_fault(words[0], &fault, why, sizeof(why)) < 0)
		return expected(r, why);
	if (fault == FAULT_CORRUPT_INDEX)
		return expected(r, "fault corrupt-index as a step: it acts when it is switched on");
	return fault_set_add(&r->s->faults, words[0], why, sizeof(why));
}

static int on_needs(struct reader *r, char *const *words)
{
	if (!words[0] || strcmp(words[0], "adapter") != 0 || words[1])
		return expected(r, "needs adapter");
	r->s->needs_adapter = true;
	return 0;
}

static int on_timeout(struct reader *r, char *const *words)
{
	uint64_t n;

	if (scenario_take_number(words[0], 3600000, &n) < 0 || words[1])
		return expected(r, "timeout MILLISECONDS");
	r->s->timeout_ms = (unsigned)n;
	return 0;
}

static int on_ring_size(struct reader *r, char *const *words)
{
	uint64_t n;

	if (scenario_take_number(words[0], 1u << 26, &n) < 0 || words[1] ||
	    n < 2 * RING_PAGE_SIZE || n % RING_PAGE_SIZE)
		return expected(r, "ring-size BYTES, at least two pages of 4096 bytes");
	r->s->ring_size = (uint32_t)n;
	return 0;
}

static int on_record(struct reader *r, char *const *words)
{
	struct scenario_record *grown, *new;
	uint64_t pool;

	if (scenario_take_number(words[0], 4, &pool) < 0 || !words[1] || !words[2] || words[3])
		return expected(r, "record POOL KEY VALUE, the pool being 0 to 4");
	grown = realloc(r->s->records, (r->s->n_records + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	r->s->records = grown;
	new = &grown[r->s->n_records++];
	*new = (struct scenario_record){ .pool = (unsigned)pool,
					 .key = strdup(words[1]),
					 .value = strdup(words[2]) };
	return new->key && new->value ? 0 : -ENOMEM;
}

static const struct {
	const char *word;
	int (*take)(struct reader *r, char *const *words);
} headers[] = {
	{ "title", on_title },       { "release", on_release }, { "offer", on_offer },
	{ "disable", on_disable },   { "argument", on_argument }, { "fault", on_fault },
	{ "timeout", on_timeout },   { "ring-size", on_ring_size },
	{ "needs", on_needs },       { "record", on_record },
};

/* --- lines --- */

/* "config REST" keeps the rest of its line as it is. */
static bool take_config(struct reader *r, const char *text)
{
	text += strspn(text, " \t");
	if (strncmp(text, "config", 6) != 0 || (text[6] && !isspace((unsigned char)text[6])))
		return false;
	text += 6;
	fprintf(r->config, "%s\n", text + strspn(text, " \t"));
	return true;
}

static int add_step(struct scenario *s, struct scenario_line *line)
{
	struct scenario_line *grown = realloc(s->steps, (s->n_steps + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->steps = grown;
	s->steps[s->n_steps++] = *line;
	line->word = NULL;
	return 0;
}

static bool is_header(const struct scenario *s, const struct scenario_line *line, size_t *ret)
{
	/* "fault" is a header line before the first step, and a step after it. */
	if (s->n_steps && strcmp(line->word[0], "fault") == 0)
		return false;
	for (*ret = 0; *ret < ARRAY_LEN(headers); ++*ret)
		if (strcmp(headers[*ret].word, line->word[0]) == 0)
			return true;
	return false;
}

static int take_line(struct reader *r, const char *text)
{
	struct scenario_line line;
	size_t header;
	int result;

	if (take_config(r, text))
		return r->s->n_steps ? expected(r, "config lines before the first step") : 0;
	result = split(r, text, &line);
	if (result < 0)
		return result;
	if (line.n && !is_header(r->s, &line, &header))
		result = add_step(r->s, &line);
	else if (line.n && r->s->n_steps)
		result = expected(r, "header lines before the first step");
	else if (line.n)
		result = headers[header].take(r, line.word + 1);
	words_free(line.word);
	return result;
}

struct scenario *scenario_free(struct scenario *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->n_steps; i++)
		words_free(s->steps[i].word);
	free(s->steps);
	for (size_t i = 0; i < s->n_records; i++) {
		free(s->records[i].key);
		free(s->records[i].value);
	}
	free(s->records);
	words_free(s->arguments);
	free(s->config);
	free(s->title);
	free(s->path);
	free(s);
	return NULL;
}

static void scenario_freep(struct scenario **s)
{
	(void)scenario_free(*s);
}

static void file_closep(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static void text_freep(char **text)
{
	free(*text);
}

static int read_lines(struct reader *r, FILE *f)
{
	_cleanup_(text_freep) char *text = NULL;
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&text, &size, f)) >= 0) {
		int result;

		r->line++;
		if (n && text[n - 1] == '\n')
			text[n - 1] = 0;
		result = take_line(r, text);
		if (result < 0)
			return result;
	}
	if (ferror(f))
		return expected(r, "a file that can be read");
	if (r->s->n_steps)
		return 0;
	snprintf(r->error, r->error_size, "%s: expected at least one step", r->s->path);
	return -EINVAL;
}

static int fill(struct scenario *s, FILE *f, char *error, size_t error_size)
{
	struct reader r = { .s = s, .error = error, .error_size = error_size };
	size_t size;
	int result;

	r.config = open_memstream(&s->config, &size);
	if (!r.config)
		return -ENOMEM;
	result = read_lines(&r, f);
	return fclose(r.config) != 0 && result >= 0 ? -ENOMEM : result;
}

int scenario_read(const char *path, struct scenario **ret, char *error, size_t error_size)
{
	_cleanup_(scenario_freep) struct scenario *s = calloc(1, sizeof(*s));
	_cleanup_(file_closep) FILE *f = fopen(path, "re");
	int r;

	snprintf(error, error_size, "%s: %s", path, strerror(f ? ENOMEM : errno));
	if (!f)
		return -errno;
	if (!s)
		return -ENOMEM;
	s->path = strdup(path);
	s->title = strdup("");
	if (!s->path || !s->title)
		return -ENOMEM;
	s->release = *release_find("2019");
	s->ring_size = SESSION_RING_SIZE;
	s->timeout_ms = 10000;
	r = fill(s, f, error, error_size);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}
