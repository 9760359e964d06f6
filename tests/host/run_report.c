/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/run_report.h"

#include <errno.h>
#include <string.h>

#include "tests/host/report_json.h"

static void close_file(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

static int save(const struct run_report *report, const struct release *release,
		const struct guest_facts *facts)
{
	_cleanup_(close_file) FILE *file = fopen(report->save, "we");
	int r;

	if (!file)
		r = -errno;
	else
		r = report_print(REPORT_JSON, release, facts, &(struct terminal){ .to = file });
	if (r < 0)
		(void)fprintf(stderr, "vmichost %s: cannot write %s: %s\n", report->verb,
			      report->save, strerror(-r));
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
static bool report_changed(struct run_report *report, const struct release *release,
			   const struct guest_facts *facts)
{
	bool changed, broke = facts->violations;

	for (enum component c = 0; c < COMPONENT_MAX; c++)
		broke = broke || facts->component[c].violations;
	changed = broke != report->broke;
	report->broke = broke;
	report->ever_broke |= broke;
	for (enum component c = 0; c < COMPONENT_MAX; c++) {
		struct verdict v;

		judge_component(release, facts, c, &v);
		changed |= v.result != report->last[c].result ||
			   strcmp(v.why, report->last[c].why) != 0;
		report->last[c] = v;
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
 * was then. Of a guest that has left there is nothing more to say. Timing goes on until the end, and
 * so it is told then.
 */
static bool news_want_report(const struct run_report *report, const struct guest_facts *facts,
			     enum run_news news, bool changed)
{
	bool timing = report->choice.timing;

	switch (news) {
	case RUN_SETTLED:
		return !report->reported || changed;
	case RUN_LIMIT:
		return !report->printed ||
		       (guest_is_there(facts) && (!report->reported || changed || timing));
	case RUN_LEFT:
		return !report->reported || timing;
	case RUN_STOPPED:
		return !report->printed || (guest_is_there(facts) && timing);
	}
	return false;
}

void run_report_news(const struct run_options *options, const struct guest_facts *facts,
		     enum run_news news)
{
	struct run_report *report = options->user;
	bool changed = report_changed(report, options->release, facts);
	bool wanted = news_want_report(report, facts, news, changed);
	bool asked_for = options->guest &&
			 (news == RUN_SETTLED || (news == RUN_LIMIT && options->limit_ms));
	int r;

	report->reported = news != RUN_LEFT;
	if (!asked_for && (wanted || news != RUN_SETTLED))
		(void)fprintf(stderr, "vmichost %s: %s\n", report->verb, news_text(news));
	if (!wanted)
		return;
	if (report->printed)
		(void)fputc('\n', stdout);
	report->printed = true;

	r = report_choice_print(&report->choice, options->release, facts);
	if (r == 0 && report->save)
		r = save(report, options->release, facts);
	if (r < 0 && report->error == 0)
		report->error = r;
}
