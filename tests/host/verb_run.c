/* SPDX-License-Identifier: GPL-2.0-only */
/* vmichost run: one guest, and what its host says about it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/host/adapter.h"
#include "tests/host/report_json.h"
#include "tests/host/report_option.h"
#include "tests/host/run.h"
#include "tests/host/verb.h"

/* So long nothing new: it never settles, the time ends it. */
#define NEVER_QUIET_MS (24 * 3600 * 1000u)

struct settings {
	struct run_options run;
	struct report_choice report;
	const char *save;
	unsigned seconds, shutdown_after;
	bool printed;  /* something was, ever */
	bool reported; /* the guest that is there has been */
	struct verdict last[COMPONENT_MAX];
	bool broke; /* a rule, as last told */
	bool ever_broke;
	int error; /* the first failure to print or save */
};

static int take_fault(const struct option_info *option, const char *value, void *into)
{
	struct settings *settings = into;
	char error[512];

	(void)option;
	if (fault_set_add(&settings->run.faults, value, error, sizeof(error)) == 0)
		return 0;
	(void)fprintf(stderr, "vmichost: --fault: %s\n", error);
	return -EINVAL;
}

static int take_mac(const struct option_info *option, const char *value, void *into)
{
	if (!adapter_text_is_good(value))
		return option_error(option, value, "an address such as 00:15:5D:00:00:01");
	return option_take_text(option, value, into);
}

static int take_disable(const struct option_info *option, const char *value, void *into)
{
	struct settings *settings = into;
	char keys[128] = "";
	enum component c;

	if (component_from_key(value, &c) == 0) {
		settings->run.disabled[c] = true;
		return 0;
	}
	for (c = 0; c < COMPONENT_MAX; c++) {
		size_t used = strlen(keys);

		(void)snprintf(keys + used, sizeof(keys) - used, "%s%s", c ? ", " : "",
			       component_table[c].key);
	}
	return option_error(option, value, "one of %s", keys);
}

const struct option_info verb_run_options[] = {
	{ "release", "RELEASE", "be a host of this release; default: 2019", option_take_release,
	  offsetof(struct settings, run.release) },
	{ "socket", "PATH", "listen there; needed without GUEST", option_take_text,
	  offsetof(struct settings, run.socket_path) },
	REPORT_OPTIONS(struct settings, report),
	{ "save", "FILE", "write the JSON to FILE too", option_take_text,
	  offsetof(struct settings, save) },
	{ "fault", "FAULT", "break a rule on purpose, see below; again for more", take_fault, 0 },
	{ "disable", "COMPONENT", "switch it off in the VM's settings; again for more",
	  take_disable, 0 },
	{ "for", "SEC", "serve so long; default: until all has been tried", option_take_number,
	  offsetof(struct settings, seconds) },
	{ "shutdown-after", "SEC", "ask for a shutdown so long after all else was tried",
	  option_take_number, offsetof(struct settings, shutdown_after) },
	{ "timeout-ms", "MS", "an answer later than this is lost contact", option_take_number,
	  offsetof(struct settings, run.timeout_ms) },
	{ "vm-name", "NAME", "the virtual machine's name; default: vmicd", option_take_text,
	  offsetof(struct settings, run.vm_name) },
	{ "mac", "MAC", "ask for this adapter's addresses; default: the first", take_mac,
	  offsetof(struct settings, run.mac) },
	{ "guest-log", "FILE", "write what the guest prints there", option_take_text,
	  offsetof(struct settings, run.guest_log) },
	{ .name = NULL },
};

void verb_run_more(FILE *to)
{
	(void)fputs("\nIn GUEST's arguments {socket} becomes the socket's path, {dir} a private\n"
		    "directory. FAULT is NAME[:COMPONENT][=NUMBER]:\n", to);
	fault_list(to);
}

static void close_file(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

static int save(const char *path, const struct release *release, const struct guest_facts *facts)
{
	_cleanup_(close_file) FILE *file = fopen(path, "we");
	int r;

	if (!file)
		r = -errno;
	else
		r = report_print(REPORT_JSON, release, facts, &(struct terminal){ .to = file });
	if (r < 0)
		(void)fprintf(stderr, "vmichost run: cannot write %s: %s\n", path, strerror(-r));
	return r;
}

static const char *news_text(enum run_news news)
{
	switch (news) {
	case RUN_SETTLED:
		return "all that the guest opened has been tried";
	case RUN_LEFT:
		return "the guest has left";
	case RUN_LIMIT:
		return "the time is over";
	case RUN_STOPPED:
		return "interrupted";
	}
	return "";
}

/* Whether there is another thing to say than the last time; keeps it. */
static bool report_changed(struct settings *settings, const struct guest_facts *facts)
{
	bool changed, broke = facts->violations;

	for (enum component c = 0; c < COMPONENT_MAX; c++)
		broke = broke || facts->component[c].violations;
	changed = broke != settings->broke;
	settings->broke = broke;
	settings->ever_broke |= broke;
	for (enum component c = 0; c < COMPONENT_MAX; c++) {
		struct verdict v;

		judge_component(settings->run.release, facts, c, &v);
		changed |= v.result != settings->last[c].result ||
			   strcmp(v.why, settings->last[c].why) != 0;
		settings->last[c] = v;
	}
	return changed;
}

static bool guest_is_there(const struct guest_facts *facts)
{
	for (enum component c = 0; c < COMPONENT_MAX; c++)
		if (facts->component[c].opened)
			return true;
	return false;
}

/*
 * A guest that comes by itself settles again after each heartbeat, may leave and come again. It is
 * reported when all has been tried, and again when that has changed; when it leaves earlier, as it
 * was then. Of a guest that has left there is nothing more to say.
 */
static bool news_want_report(const struct settings *settings, const struct guest_facts *facts,
			     enum run_news news, bool changed)
{
	switch (news) {
	case RUN_SETTLED:
		return !settings->reported || changed;
	case RUN_LIMIT:
		return !settings->printed ||
		       (guest_is_there(facts) && (!settings->reported || changed));
	case RUN_LEFT:
		return !settings->reported;
	case RUN_STOPPED:
		return !settings->printed;
	}
	return false;
}

static void on_news(const struct run_options *options, const struct guest_facts *facts,
		    enum run_news news)
{
	struct settings *settings = options->user;
	bool changed = report_changed(settings, facts);
	bool wanted = news_want_report(settings, facts, news, changed);
	bool asked_for = options->guest &&
			 (news == RUN_SETTLED || (news == RUN_LIMIT && settings->seconds));
	int r;

	settings->reported = news != RUN_LEFT;
	if (!asked_for && (wanted || news != RUN_SETTLED))
		(void)fprintf(stderr, "vmichost run: %s\n", news_text(news));
	if (!wanted)
		return;
	if (settings->printed)
		(void)fputc('\n', stdout);
	settings->printed = true;

	r = report_choice_print(&settings->report, options->release, facts);
	if (r == 0 && settings->save)
		r = save(settings->save, options->release, facts);
	if (r < 0 && settings->error == 0)
		settings->error = r;
}

int verb_run_run(const struct verb *verb, int argc, char **argv)
{
	struct settings settings = {
		.run = { .release = release_find("2019"), .report = on_news },
		.report = { .form = REPORT_TABLE },
	};
	int r, status, first = verb_parse(verb, argc, argv, &settings, &status);

	if (first < 0)
		return status;
	if (first < argc && strcmp(argv[first - 1], "--") != 0)
		return verb_surplus(verb, argv[first]);
	settings.run.guest = first < argc ? argv + first : NULL;
	if (!settings.run.guest && !settings.run.socket_path) {
		(void)fprintf(stderr, "vmichost run: expected --socket PATH or -- GUEST\n");
		return EXIT_USAGE;
	}
	settings.run.user = &settings;
	settings.run.shutdown_ms = settings.shutdown_after * 1000;
	if (settings.seconds) {
		settings.run.limit_ms = settings.seconds * 1000;
		settings.run.quiet_ms = NEVER_QUIET_MS;
	}
	r = run_main(&settings.run);
	return r == 0 && settings.error == 0 && !settings.ever_broke ? EXIT_SUCCESS : EXIT_FAILURE;
}
