/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A configuration file of any bytes. It is accepted or refused, never half: beside it a plain model
 * reads the same bytes and knows which profile the last line that names one asks for. What is accepted
 * can be dumped, and the dump reads back to the same.
 */
#include "daemon/conf_dump.h"

#include <ctype.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

/* --- the model: lines, sections, keys and values as vmicd.conf(5) describes them --- */

struct span {
	const char *p;
	size_t n;
};

static struct span span_trim(struct span s)
{
	while (s.n > 0 && isspace((unsigned char)s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && isspace((unsigned char)s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool span_is(struct span s, const char *text)
{
	return s.n == strlen(text) && (s.n == 0 || memcmp(s.p, text, s.n) == 0);
}

/* Up to the first of these characters, if there is one. */
static struct span span_until(struct span s, const char *ends)
{
	for (size_t i = 0; i < s.n; i++)
		if (strchr(ends, s.p[i])) {
			s.n = i;
			break;
		}
	return s;
}

/* "in a value ; behind a space begins a comment" */
static struct span span_without_comment(struct span s)
{
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] == ';' && isspace((unsigned char)s.p[i - 1])) {
			s.n = i;
			break;
		}
	return s;
}

/* The value of [Negotiation] Profile in these bytes, of which the last counts; n 0: none. */
static struct span model_profile(const char *bytes, size_t size)
{
	struct span rest = { bytes, size }, section = { 0 }, profile = { 0 };

	while (rest.n > 0 && rest.p[0] != '\n' && isspace((unsigned char)rest.p[0]))
		rest = (struct span){ rest.p + 1, rest.n - 1 };
	if (rest.n >= 3 && memcmp(rest.p, "\xef\xbb\xbf", 3) == 0) /* UTF-8's byte order mark */
		rest = (struct span){ rest.p + 3, rest.n - 3 };
	while (rest.n > 0) {
		struct span line = span_until(rest, "\n"), text = span_trim(line), key, value;
		size_t used = line.n < rest.n ? line.n + 1 : line.n;

		rest = (struct span){ rest.p + used, rest.n - used };
		if (text.n == 0 || text.p[0] == '#' || text.p[0] == ';')
			continue;
		if (text.p[0] == '[') {
			section = span_until((struct span){ text.p + 1, text.n - 1 }, "]");
			continue;
		}
		key = span_until(text, "=:");
		value = (struct span){ key.p + key.n + 1, text.n - key.n - 1 };
		if (key.n < text.n && span_is(section, "Negotiation") && span_is(span_trim(key), "Profile"))
			profile = span_trim(span_without_comment(value));
	}
	return profile;
}

/* --- what must hold --- */

static void versions_check(const struct ic_admitted *list, const struct ic_admitted *spoken)
{
	fuzz_require(list->n >= 1 && list->n <= IC_ADMITTED_MAX);
	for (unsigned i = 0; i < list->n; i++) {
		bool known = false;

		for (unsigned k = 0; k < spoken->n; k++)
			known |= ic_version_equal(list->v[i], spoken->v[k]);
		fuzz_require(known);
		for (unsigned k = 0; k < i; k++)
			fuzz_require(!ic_version_equal(list->v[i], list->v[k]));
	}
}

static void conf_check(const struct conf *c)
{
	static const enum ic_component served[] = { IC_HEARTBEAT, IC_KVP, IC_TIMESYNC };

	fuzz_require(c->log_level >= LOG_ERR && c->log_level <= LOG_DEBUG);
	fuzz_require((unsigned)c->log_target < LOG_TARGETS);
	fuzz_require((unsigned)c->application_state < HEARTBEAT_STATES);
	fuzz_require((unsigned)c->clock < CONF_CLOCKS);
	fuzz_require((unsigned)c->kvp_route < CONF_ROUTES);
	fuzz_require(c->pool_directory[0] == '/');
	fuzz_require(strnlen(c->pool_directory, sizeof(c->pool_directory)) < 200);
	for (size_t i = 0; i < ARRAY_LEN(served); i++) {
		const struct conf_component *k = &c->component[served[i]];
		const struct ic_policy *newest = &profile_find("newest")->component[served[i]];

		versions_check(&k->policy.message, &newest->message);
		versions_check(&k->policy.framework, &newest->framework);
		fuzz_require((unsigned)k->policy.no_match < IC_NO_MATCHES);
		fuzz_require(k->answer_delay_s <= 3600);
		fuzz_require(!k->policy.raw.has_truncate ||
			     (k->policy.raw.truncate >= 1 && k->policy.raw.truncate <= IC_PAYLOAD_MAX));
	}
}

/* A file whose path does not change. */
static void put_file(const void *data, size_t size, char path[static 64])
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("conf", MFD_CLOEXEC);
	fuzz_require(fd >= 0 && ftruncate(fd, 0) == 0);
	fuzz_require(pwrite(fd, data, size, 0) == (ssize_t)size);
	(void)snprintf(path, 64, "/proc/self/fd/%d", fd);
}

/* Puts the dump of the configuration that path says in its place. */
static void dump_in_place(char path[static 64])
{
	static char text[16384];
	struct conf_reading *reading;
	struct conf_error error;
	FILE *to = fmemopen(text, sizeof(text), "w");
	long n;

	fuzz_require(to && conf_reading_new(path, &reading, &error) == 0);
	conf_dump(reading, to);
	n = ftell(to);
	fuzz_require(n > 0 && (size_t)n < sizeof(text));
	fuzz_require(fclose(to) == 0);
	(void)conf_reading_free(reading);
	put_file(text, (size_t)n, path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf conf, before, again;
	struct conf_error error;
	struct span profile;
	char path[64];

	put_file(data, size, path);
	memset(&conf, 0x5a, sizeof(conf));
	before = conf;
	if (conf_read(path, &conf, &error) < 0) {
		fuzz_require(memcmp(&conf, &before, sizeof(conf)) == 0);
		fuzz_require(memchr(error.text, '\0', sizeof(error.text)));
		fuzz_require(strncmp(error.text, path, strlen(path)) == 0);
		fuzz_require(error.text[strlen(path)] == ':');
		return 0;
	}
	fuzz_require(error.text[0] == '\0');
	conf_check(&conf);
	profile = model_profile((const char *)data, size);
	fuzz_require(span_is(profile, profile.n ? conf.profile->name : ""));
	fuzz_require(profile.n > 0 || strcmp(conf.profile->name, "legacy") == 0);

	dump_in_place(path);
	fuzz_require(conf_read(path, &again, &error) == 0);
	fuzz_require(memcmp(&again, &conf, sizeof(conf)) == 0);
	return 0;
}
