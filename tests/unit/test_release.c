/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What hosts are known to offer and report. The simulator has a table and rules of its own, made by
 * another hand from the same evidence: both are held against each other, the reports by really running
 * the daemon with every profile on every release.
 */
#include <errno.h>
#include <jansson.h>

#include "hv_util/profile.h"
#include "hv_util/release.h"
/* A hundred guests one after the other, on a machine that may have other things to do. */
#define PROGRAM_SECONDS 240

#include "tests/unit/program.h"
#include "tests/unit/temp_dir.h"

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define SENTENCE                                                        \
	"The protocol version of the component installed in the virtual " \
	"machine does not match the version expected by the hosting system."

/* --- what the simulator says --- */

static json_t *vmichost(const char *const *args)
{
	static struct program p;
	json_error_t why;
	json_t *said;
	int status;

	program_start(&p, program_path("vmichost", "VMICHOST"), args);
	assert_int_equal(waitpid(p.pid, &status, 0), p.pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		program_read(p.err_fd, p.err, sizeof(p.err));
		fail_msg("%s %d: %s", WIFEXITED(status) ? "exit status" : "signal",
			 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), p.err);
	}
	assert_int_equal(lseek(p.out_fd, 0, SEEK_SET), 0);
	said = json_loadfd(p.out_fd, 0, &why);
	if (!said)
		fail_msg("%s", why.text);
	(void)close(p.out_fd);
	(void)close(p.err_fd);
	return said;
}

static const char *vmicd(void)
{
	static char path[PATH_MAX];

	/* Of its own: the next program's path is written over the one before. */
	(void)snprintf(path, sizeof(path), "%s", program_path("vmicd", "VMICD"));
	return path;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	if (!text)
		fail_msg("there is no text '%s'", name);
	return text;
}

static enum release_id release_of(const char *key)
{
	for (enum release_id i = 0; i < RELEASES; i++)
		if (strcmp(releases[i].key, key) == 0)
			return i;
	fail_msg("release '%s' is not in the table", key);
	return RELEASES;
}

static enum ic_component component_of(const char *key)
{
	static const char *const keys[IC_COMPONENTS] = {
		[IC_FCOPY] = "guest-service", [IC_HEARTBEAT] = "heartbeat", [IC_KVP] = "kvp",
		[IC_SHUTDOWN] = "shutdown",   [IC_TIMESYNC] = "timesync",   [IC_VSS] = "vss",
	};

	for (enum ic_component i = 0; i < IC_COMPONENTS; i++)
		if (strcmp(keys[i], key) == 0)
			return i;
	fail_msg("component '%s' is unknown", key);
	return IC_COMPONENTS;
}

static enum release_mark mark_of(const char *name)
{
	for (enum release_mark i = 0; i < RELEASE_MARKS; i++)
		if (strcmp(release_mark_names[i], name) == 0)
			return i;
	fail_msg("certainty '%s' is unknown", name);
	return RELEASE_MARKS;
}

/* --- the tables --- */

static void assert_list(const struct release_list *ours, const json_t *theirs)
{
	assert_int_equal(json_array_size(theirs), ours->n);
	for (unsigned i = 0; i < ours->n; i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "%u.%u", ours->v[i].major, ours->v[i].minor);
		assert_string_equal(json_string_value(json_array_get(theirs, i)), text);
	}
}

static void assert_offer(enum release_id release, const json_t *theirs)
{
	const struct release_offer *ours = release_offer(release, component_of(text_of(theirs, "component")));

	assert_list(&ours->framework, json_object_get(theirs, "offered_framework"));
	assert_list(&ours->message, json_object_get(theirs, "offered_message"));
	assert_int_equal(json_is_true(json_object_get(theirs, "offered")), ours->message.n > 0);
	assert_string_equal(release_mark_names[ours->mark], text_of(theirs, "certainty"));
	assert_true(ours->source[0] != '\0');
}

static void both_tables_say_the_same(void **state)
{
	json_t *all = vmichost(ARGS("releases", "--json")), *row, *offer;
	size_t i, j;

	(void)state;
	assert_int_equal(json_array_size(all), RELEASES);
	json_array_foreach(all, i, row) {
		const struct release *r = &releases[release_of(text_of(row, "key"))];

		assert_string_equal(r->title, text_of(row, "title"));
		assert_string_equal(r->degrades ? "Degraded" : "OK", text_of(row, "mismatch_status"));
		assert_string_equal(release_mark_names[r->degrades_mark], text_of(row, "mismatch_certainty"));
		assert_int_equal(json_array_size(json_object_get(row, "components")), IC_COMPONENTS);
		json_array_foreach(json_object_get(row, "components"), j, offer)
			assert_offer((enum release_id)(r - releases), offer);
	}
	json_decref(all);
}

/* --- the rules --- */

/* What the configuration says besides: shutdown is served where it is enabled. */
struct guest {
	const struct profile *profile;
	enum heartbeat_state state;
	bool shuts_down;
};

/* The policy of a component that is served; the others' channels stay closed. */
static const struct ic_policy *policy_of(const struct guest *guest, enum ic_component component)
{
	if (component == IC_SHUTDOWN && !guest->shuts_down)
		return NULL;
	for (size_t i = 0; i < ic_n_services; i++)
		if (ic_services[i]->component == component)
			return &guest->profile->component[component];
	return NULL;
}

/* The second word; of a status without a published one its number, as in the simulator's table. */
static void format_secondary(const json_t *verdict, char *to, size_t size)
{
	const json_t *words = json_object_get(verdict, "status_descriptions");
	const json_t *number = json_array_get(json_object_get(verdict, "operational_status"), 1);
	const char *word = json_string_value(json_array_get(words, 1));

	if (number && (!word || !*word))
		(void)snprintf(to, size, "(%lld)", (long long)json_integer_value(number));
	else
		(void)snprintf(to, size, "%s", word ? word : "");
}

/* The verdict on a component, with what the columns of the cmdlet would show. */
static void assert_verdict(const json_t *theirs, enum release_id release, const struct guest *guest)
{
	enum ic_component c = component_of(text_of(theirs, "component"));
	const json_t *verdict = json_object_get(theirs, "verdict");
	const json_t *words = json_object_get(verdict, "status_descriptions");
	const char *primary = json_string_value(json_array_get(words, 0));
	char secondary[256];
	enum release_mark mark = mark_of(text_of(verdict, "certainty"));
	enum release_mark second = mark_of(text_of(verdict, "secondary_certainty"));
	struct release_report ours = release_report(release, c, policy_of(guest, c), guest->state);

	format_secondary(verdict, secondary, sizeof(secondary));
	if (strcmp(ours.primary, primary ? primary : "") != 0 ||
	    strcmp(ours.secondary, secondary) != 0 ||
	    ours.mark != (mark > second ? mark : second))
		fail_msg("%s, %s, %s: we say '%s', '%s', %s; the simulator '%s', '%s', %s and %s",
			 releases[release].key, guest->profile->name, ic_component_names[c], ours.primary,
			 ours.secondary, release_mark_names[ours.mark], primary, secondary,
			 release_mark_names[mark], release_mark_names[second]);
}

static void assert_verdicts(const json_t *report, enum release_id release, const struct guest *guest)
{
	const json_t *components = json_object_get(report, "components"), *theirs;
	size_t i;

	assert_int_equal(json_array_size(components), IC_COMPONENTS);
	json_array_foreach(components, i, theirs)
		assert_verdict(theirs, release, guest);
}

static void every_profile_is_reported_on_every_release_as_foretold(void **state)
{
	json_t *said = vmichost(ARGS("matrix", "--json", "--", vmicd(), "--dry-run",
				     "--config={config}", "--transport=socket:{socket}"));
	const json_t *cells = json_object_get(said, "cells"), *cell;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(cells), RELEASES * n_profiles);
	json_array_foreach(cells, i, cell)
		assert_verdicts(json_object_get(cell, "report"), release_of(text_of(cell, "release")),
				&(struct guest){ .profile = profile_find(text_of(cell, "profile")) });
	json_decref(said);
}

static void assert_state_as_foretold(const struct temp_dir *dir, const char *release, const char *profile,
				     enum heartbeat_state state)
{
	char conf[256], option[300], text[300];
	json_t *said;

	temp_dir_path(dir, "conf", conf, sizeof(conf));
	(void)snprintf(text, sizeof(text), "[Negotiation]\nProfile=%s\n[Heartbeat]\nApplicationState=%s\n"
		       "[Shutdown]\nEnable=yes\n", profile, heartbeat_state_names[state]);
	temp_dir_put(dir, "conf", text);
	(void)snprintf(option, sizeof(option), "--config=%s", conf);
	said = vmichost(ARGS("run", "--json", "--release", release, "--", vmicd(), "--dry-run", option,
			     "--transport=socket:{socket}"));
	assert_verdicts(said, release_of(release),
			&(struct guest){ .profile = profile_find(profile), .state = state, .shuts_down = true });
	json_decref(said);
}

static void every_application_state_is_reported_as_foretold(void **state)
{
	struct temp_dir dir = temp_dir_new();

	(void)state;
	for (enum heartbeat_state s = 1; s < HEARTBEAT_STATES; s++)
		assert_state_as_foretold(&dir, "2022", "newest", s);
	assert_state_as_foretold(&dir, "2022", "legacy", HEARTBEAT_CRITICAL);
	/* Version 1.0 does not tell. */
	assert_state_as_foretold(&dir, "2022", "ws2008", HEARTBEAT_CRITICAL);
	temp_dir_done(&dir);
}

/* What no profile does. */
static const struct {
	const char *what;
	struct ic_policy policy;
	struct release_report expected; /* of time synchronization on 2019 */
} odd[] = {
	{ "nothing in common, answered with counts 0",
	  { .framework = { 1, { { 3, 0 } } }, .message = { 1, { { 9, 9 } } } },
	  { "Non-Recoverable Error", "", RELEASE_UNKNOWN } },
	{ "nothing in common, and silent",
	  { .framework = { 1, { { 3, 0 } } }, .message = { 1, { { 9, 9 } } }, .no_match = IC_NO_MATCH_SILENT },
	  { "No Contact", "", RELEASE_CERTAIN } },
	{ "nothing in common, the own newest answered",
	  { .framework = { 1, { { 3, 0 } } }, .message = { 1, { { 9, 9 } } },
	    .no_match = IC_NO_MATCH_OWN_NEWEST },
	  { "Non-Recoverable Error", "", RELEASE_UNKNOWN } },
	{ "a lower framework alone",
	  { .framework = { 1, { { 1, 0 } } }, .message = { 1, { { 4, 0 } } } },
	  { "OK", SENTENCE, RELEASE_INFERRED } },
	{ "a raw answer that was offered",
	  { .framework = { 1, { { 3, 0 } } }, .message = { 1, { { 4, 0 } } },
	    .raw = { .has_answer = true, .answer = { { 3, 0 }, { 3, 0 } } } },
	  { "OK", SENTENCE, RELEASE_CERTAIN } },
	{ "a raw answer that was not",
	  { .framework = { 1, { { 3, 0 } } }, .message = { 1, { { 4, 0 } } },
	    .raw = { .has_answer = true, .answer = { { 3, 0 }, { 4, 1 } } } },
	  { "Non-Recoverable Error", "", RELEASE_UNKNOWN } },
	{ "raw counts",
	  { .framework = { 1, { { 3, 0 } } }, .message = { 1, { { 4, 0 } } },
	    .raw = { .has_counts = true, .counts = { 2, 1 } } },
	  { "Non-Recoverable Error", "", RELEASE_UNKNOWN } },
	{ "an answer that is cut off",
	  { .framework = { 1, { { 3, 0 } } }, .message = { 1, { { 4, 0 } } },
	    .raw = { .has_truncate = true, .truncate = 15 } },
	  { "No Contact", "", RELEASE_UNKNOWN } },
	{ "an answer that is not cut off",
	  { .framework = { 1, { { 3, 0 } } }, .message = { 1, { { 4, 0 } } },
	    .raw = { .has_truncate = true, .truncate = 16 } },
	  { "OK", "", RELEASE_CERTAIN } },
	{ "a component that the profile does not have", { .framework = { 1, { { 3, 0 } } } },
	  { "No Contact", "", RELEASE_CERTAIN } },
};

static void odd_answers_are_reported_by_their_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		struct release_report r = release_report(RELEASE_2019, IC_TIMESYNC, &odd[i].policy, 0);

		if (strcmp(r.primary, odd[i].expected.primary) != 0 ||
		    strcmp(r.secondary, odd[i].expected.secondary) != 0 || r.mark != odd[i].expected.mark)
			fail_msg("%s: '%s', '%s', %s", odd[i].what, r.primary, r.secondary,
				 release_mark_names[r.mark]);
	}
}

static struct ic_offer offer_of(const struct release_offer *known)
{
	struct ic_offer offer = { .framework.n = known->framework.n, .message.n = known->message.n };

	memcpy(offer.framework.v, known->framework.v, sizeof(known->framework.v));
	memcpy(offer.message.v, known->message.v, sizeof(known->message.v));
	return offer;
}

static void a_release_is_known_by_the_very_lists(void **state)
{
	const struct release_offer *known = release_offer(RELEASE_2022, IC_SHUTDOWN);
	struct ic_offer offer = offer_of(known), other = offer;

	(void)state;
	assert_true(release_offers(RELEASE_2022, IC_SHUTDOWN, &offer));
	assert_true(release_offers(RELEASE_OPENVMM, IC_SHUTDOWN, &offer));
	assert_false(release_offers(RELEASE_2019, IC_SHUTDOWN, &offer));
	assert_false(release_offers(RELEASE_2022, IC_TIMESYNC, &offer));
	other.message.n--;
	assert_false(release_offers(RELEASE_2022, IC_SHUTDOWN, &other));
	other = offer;
	other.message.v[0].minor++;
	assert_false(release_offers(RELEASE_2022, IC_SHUTDOWN, &other));
	other = offer;
	other.framework.n = 1;
	assert_false(release_offers(RELEASE_2022, IC_SHUTDOWN, &other));
	/* Nothing is not the same as nothing: who offers it is no such host. */
	other = (struct ic_offer){ 0 };
	assert_false(release_offers(RELEASE_2008, IC_FCOPY, &other));
}

/* A row that a list misses would be silently "not offered". */
static void each_release_has_a_row_for_each_component(void **state)
{
	(void)state;
	for (enum release_id r = 0; r < RELEASES; r++)
		for (enum ic_component c = 0; c < IC_COMPONENTS; c++)
			assert_true(release_offer(r, c)->source[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_tables_say_the_same),
		cmocka_unit_test(every_profile_is_reported_on_every_release_as_foretold),
		cmocka_unit_test(every_application_state_is_reported_as_foretold),
		cmocka_unit_test(odd_answers_are_reported_by_their_rules),
		cmocka_unit_test(a_release_is_known_by_the_very_lists),
		cmocka_unit_test(each_release_has_a_row_for_each_component),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
