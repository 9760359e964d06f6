/* SPDX-License-Identifier: GPL-2.0-only */
/* The judge against outputs that people posted, and every rule on its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hv_util/base.h"
#include "tests/host/judge.h"
#include "tests/host/version.h"

static struct guest_facts guest; /* large; each test begins with guest_reset */

/* A running guest of this host that has not answered anything yet. */
static const struct release *guest_reset(const char *release_key)
{
	const struct release *release = release_find(release_key);

	assert_non_null(release);
	memset(&guest, 0, sizeof(guest));
	(void)snprintf(guest.vm_name, sizeof(guest.vm_name), "DemoVM");
	(void)snprintf(guest.vm_id, sizeof(guest.vm_id), "9FC171E7-B2C6-4BD2-9FF0-253209B2A69D");
	guest.running = true;
	for (enum component c = 0; c < COMPONENT_MAX; c++) {
		guest.component[c].enabled = true;
		guest.component[c].offered_framework = release->component[c].framework;
		guest.component[c].offered_message = release->component[c].message;
	}
	return release;
}

static void guest_agree(enum component c, struct version framework, struct version message)
{
	struct component_facts *f = &guest.component[c];

	f->opened = true;
	f->contact = CONTACT_AGREED;
	f->answered_counts[0] = f->answered_counts[1] = 1;
	f->answered = (struct version_pair){ framework, message };
	f->answered_unoffered = !version_list_has(&f->offered_framework, framework) ||
				!version_list_has(&f->offered_message, message);
}

static struct verdict judged(const struct release *release, enum component c)
{
	struct verdict v;

	judge_component(release, &guest, c, &v);
	return v;
}

/*
 * What was posted of one component of one guest. Rows: a centreon-plugins#4603, c xrdp#1403,
 * d and e reports outside of any tracker, f Microsoft's Get-VMIntegrationService page,
 * g PS-AutoLab-Env#237.
 */
enum posted_state { NOT_POSTED, SWITCHED_OFF, SILENT, AGREED };

struct posted {
	const char *row, *release;
	struct {
		enum posted_state state;
		struct version message; /* what such a guest answers; the framework is 3.0 */
		uint32_t application;
		enum result result;
		bool blank; /* nothing in the second column */
	} component[COMPONENT_MAX];
};

#define GSI COMPONENT_GUEST_SERVICE
#define HB COMPONENT_HEARTBEAT
#define KVP COMPONENT_KVP
#define SD COMPONENT_SHUTDOWN
#define TS COMPONENT_TIMESYNC
#define VSS COMPONENT_VSS
#define PLAIN RESULT_OK, true
#define OTHER RESULT_MISMATCH, false

static const struct posted posted[] = {
	{ "a", "2019", {
		[GSI] = { AGREED, { 1, 1 }, 0, PLAIN },
		[HB] = { AGREED, { 3, 0 }, 1, RESULT_OK, false },
		[KVP] = { AGREED, { 5, 0 }, 0, PLAIN },
		[SD] = { AGREED, { 3, 0 }, 0, PLAIN },
		[TS] = { SWITCHED_OFF, { 0, 0 }, 0, RESULT_DISABLED, true },
		[VSS] = { AGREED, { 5, 0 }, 0, OTHER },
	} },
	{ "b, guest service off", "2025", {
		[GSI] = { SWITCHED_OFF, { 0, 0 }, 0, RESULT_DISABLED, true },
		[HB] = { AGREED, { 3, 0 }, 0, PLAIN },
		[KVP] = { SILENT, { 0, 0 }, 0, RESULT_NO_CONTACT, true },
		[SD] = { AGREED, { 3, 2 }, 0, PLAIN },
		[TS] = { AGREED, { 4, 0 }, 0, PLAIN },
		[VSS] = { AGREED, { 5, 0 }, 0, OTHER },
	} },
	{ "b, guest service on", "2025", {
		[GSI] = { SILENT, { 0, 0 }, 0, RESULT_NO_CONTACT, true },
	} },
	{ "c", "2025", {
		[GSI] = { SILENT, { 0, 0 }, 0, RESULT_NO_CONTACT, true },
		[HB] = { AGREED, { 3, 0 }, 0, PLAIN },
		[KVP] = { AGREED, { 4, 0 }, 0, OTHER },
		[SD] = { AGREED, { 3, 2 }, 0, PLAIN },
		[TS] = { AGREED, { 4, 0 }, 0, PLAIN },
		[VSS] = { SWITCHED_OFF, { 0, 0 }, 0, RESULT_DISABLED, true },
	} },
	{ "d", "2022", {
		[HB] = { AGREED, { 3, 0 }, 0, PLAIN },
		[KVP] = { AGREED, { 4, 0 }, 0, OTHER },
	} },
	{ "e", "2012r2", {
		[KVP] = { AGREED, { 4, 0 }, 0, OTHER },
	} },
	{ "f", "2016", {
		[GSI] = { SWITCHED_OFF, { 0, 0 }, 0, RESULT_DISABLED, true },
		[HB] = { AGREED, { 3, 0 }, 1, RESULT_OK, false },
		[KVP] = { AGREED, { 5, 0 }, 0, PLAIN },
		[SD] = { AGREED, { 3, 0 }, 0, PLAIN },
		[TS] = { AGREED, { 4, 0 }, 0, PLAIN },
		[VSS] = { AGREED, { 7, 0 }, 0, PLAIN },
	} },
	{ "g", "2019", {
		[HB] = { AGREED, { 3, 0 }, 0, PLAIN },
	} },
	{ "h, 2016", "2016", { [TS] = { AGREED, { 3, 0 }, 0, OTHER } } },
	{ "h, 2019", "2019", { [TS] = { AGREED, { 3, 0 }, 0, OTHER } } },
};

static void test_posted_outputs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(posted); i++) {
		const struct release *release = guest_reset(posted[i].release);

		for (enum component c = 0; c < COMPONENT_MAX; c++) {
			enum posted_state was = posted[i].component[c].state;

			guest.component[c].enabled = was != SWITCHED_OFF;
			guest.component[c].application_state = posted[i].component[c].application;
			if (was == AGREED)
				guest_agree(c, (struct version){ 3, 0 },
					    posted[i].component[c].message);
		}
		for (enum component c = 0; c < COMPONENT_MAX; c++) {
			struct verdict v = judged(release, c);

			if (posted[i].component[c].state == NOT_POSTED)
				continue;
			if (v.result != posted[i].component[c].result)
				fail_msg("row %s, %s: %s", posted[i].row,
					 component_table[c].name, v.why);
			assert_int_equal(v.n_status == 1, posted[i].component[c].blank);
		}
	}
}

/* The issue's own demonstration: a guest of 2012 R2's time on 2019. */
static void test_legacy_guest_on_2019(void **state)
{
	const struct release *release = guest_reset("2019");

	(void)state;
	guest_agree(HB, (struct version){ 3, 0 }, (struct version){ 3, 0 });
	guest_agree(KVP, (struct version){ 3, 0 }, (struct version){ 5, 0 });
	guest_agree(TS, (struct version){ 3, 0 }, (struct version){ 3, 0 });
	for (enum component c = 0; c < COMPONENT_MAX; c++)
		assert_int_equal(judged(release, c).result == RESULT_MISMATCH, c == TS);
	assert_int_equal(judged(release, HB).result, RESULT_OK);
	assert_int_equal(judged(release, KVP).result, RESULT_OK);
}

static void test_off(void **state)
{
	const struct release *release = guest_reset("2019");

	(void)state;
	guest.running = false;
	for (enum component c = 0; c < COMPONENT_MAX; c++) {
		assert_int_equal(judged(release, c).result, RESULT_OFF);
		assert_int_equal(judged(release, c).n_status, 0);
	}
	assert_string_equal(judge_heartbeat(release, &guest).value, "");
	assert_string_equal(judge_integration_state(release, &guest).value, "");
}

static void test_disabled(void **state)
{
	const struct release *release = guest_reset("2019");
	struct verdict v;

	(void)state;
	/* its last answer does not matter */
	guest_agree(TS, (struct version){ 3, 0 }, (struct version){ 3, 0 });
	guest.component[TS].enabled = false;
	v = judged(release, TS);
	assert_int_equal(v.result, RESULT_DISABLED);
	assert_int_equal(v.n_status, 1);
	assert_int_equal(v.status[0], WMI_OK);
	assert_int_equal(v.certainty, CERTAIN);
	guest.component[KVP].enabled = false;
	assert_int_equal(judged(release, KVP).certainty, INFERRED);
	guest.component[HB].enabled = false;
	assert_string_equal(judge_heartbeat(release, &guest).value, "Disabled");
}

static void test_no_contact(void **state)
{
	const struct release *release = guest_reset("2019");
	struct verdict v = judged(release, HB);

	(void)state;
	assert_int_equal(v.result, RESULT_NO_CONTACT);
	assert_int_equal(v.n_status, 1);
	assert_int_equal(v.status[0], WMI_NO_CONTACT);
	assert_string_equal(judge_heartbeat(release, &guest).value, "NoContact");
	assert_string_equal(judge_integration_state(release, &guest).value, "");
}

static void test_mismatch_by_release(void **state)
{
	static const struct {
		const char *release;
		uint16_t primary;
		enum certainty certainty;
	} rows[] = {
		{ "2012", WMI_DEGRADED, INFERRED },   { "2012r2", WMI_DEGRADED, INFERRED },
		{ "win10-1511", WMI_OK, INFERRED },   { "2016", WMI_OK, INFERRED },
		{ "2022", WMI_OK, CERTAIN },          { "2025", WMI_OK, CERTAIN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct release *release = guest_reset(rows[i].release);
		struct verdict v;

		guest_agree(KVP, (struct version){ 3, 0 }, (struct version){ 3, 0 });
		v = judged(release, KVP);
		assert_int_equal(v.result, RESULT_MISMATCH);
		assert_int_equal(v.n_status, 2);
		assert_int_equal(v.status[0], rows[i].primary);
		assert_int_equal(v.status[1], WMI_PROTOCOL_MISMATCH);
		assert_int_equal(v.certainty, rows[i].certainty);
		assert_string_equal(judge_integration_state(release, &guest).value,
				    "Update required");
	}
	assert_string_equal(judge_status_text(WMI_PROTOCOL_MISMATCH),
			    "The protocol version of the component installed in the virtual "
			    "machine does not match the version expected by the hosting system.");
}

/* A lower framework alone is a mismatch too; that is inferred, no output shows it. */
static void test_framework_mismatch(void **state)
{
	const struct release *release = guest_reset("2022");
	struct verdict v;

	(void)state;
	guest_agree(TS, (struct version){ 1, 0 }, (struct version){ 4, 0 });
	v = judged(release, TS);
	assert_int_equal(v.result, RESULT_MISMATCH);
	assert_int_equal(v.certainty, INFERRED);
}

static void test_no_common(void **state)
{
	const struct release *release = guest_reset("2019");
	struct verdict v;

	(void)state;
	guest.component[KVP].contact = CONTACT_NO_COMMON;
	v = judged(release, KVP);
	assert_int_equal(v.result, RESULT_NO_COMMON);
	assert_int_equal(v.status[0], WMI_NON_RECOVERABLE);
	assert_int_equal(v.certainty, CERTAIN);
	assert_int_equal(v.second_certainty, UNKNOWN);
	assert_non_null(strstr(v.why, "framework 1.0 3.0 and message 3.0 4.0 5.0"));
	assert_non_null(strstr(v.why, "counts 0,0"));
}

static void test_unoffered(void **state)
{
	const struct release *release = guest_reset("2019");
	struct verdict v;

	(void)state;
	guest_agree(TS, (struct version){ 9, 9 }, (struct version){ 7, 7 });
	v = judged(release, TS);
	assert_int_equal(v.result, RESULT_NO_COMMON);
	assert_int_equal(v.certainty, UNKNOWN);
	assert_non_null(strstr(v.why, "framework 9.9, message 7.7"));
}

static void test_lost(void **state)
{
	const struct release *release = guest_reset("2019");

	(void)state;
	guest_agree(HB, (struct version){ 3, 0 }, (struct version){ 3, 0 });
	guest.component[HB].contact = CONTACT_LOST;
	assert_int_equal(judged(release, HB).result, RESULT_LOST);
	assert_int_equal(judged(release, HB).status[0], WMI_LOST);
	assert_string_equal(judge_heartbeat(release, &guest).value, "LostCommunication");
}

static void test_absent(void **state)
{
	const struct release *release = guest_reset("openvmm");

	(void)state;
	assert_int_equal(judged(release, HB).result, RESULT_ABSENT);
	assert_int_equal(judged(release, HB).n_status, 0);
	assert_int_equal(judged(release, TS).result, RESULT_NO_CONTACT);
	assert_int_equal(judged(release, TS).certainty, UNKNOWN); /* it shows no status at all */
}

static void test_heartbeat_state(void **state)
{
	static const struct {
		uint32_t state;
		unsigned n_status;
		uint16_t second;
		const char *value;
		enum certainty certainty;
	} rows[] = {
		{ 0, 1, 0, "OkApplicationsUnknown", CERTAIN },
		{ 1, 2, WMI_OK, "OkApplicationsHealthy", INFERRED },
		{ 2, 2, WMI_APPLICATION_CRITICAL, "OkApplicationsCritical", INFERRED },
		{ 3, 1, 0, "OkApplicationsUnknown", UNKNOWN },
		{ 0xffffffff, 1, 0, "OkApplicationsUnknown", UNKNOWN },
	};
	const struct release *release = guest_reset("2022");

	(void)state;
	guest_agree(HB, (struct version){ 3, 0 }, (struct version){ 3, 0 });
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct judged_value value;
		struct verdict v;

		guest.component[HB].application_state = rows[i].state;
		v = judged(release, HB);
		assert_int_equal(v.result, RESULT_OK);
		assert_int_equal(v.n_status, rows[i].n_status);
		assert_int_equal(v.status[1], rows[i].second);
		value = judge_heartbeat(release, &guest);
		assert_string_equal(value.value, rows[i].value);
		assert_int_equal(value.certainty, rows[i].certainty);
	}
}

/* Degraded is none of the values that Get-VM knows. */
static void test_heartbeat_degraded(void **state)
{
	const struct release *release = guest_reset("2012r2");

	(void)state;
	guest_agree(HB, (struct version){ 1, 0 }, (struct version){ 1, 0 });
	assert_int_equal(judged(release, HB).status[0], WMI_DEGRADED);
	assert_string_equal(judge_heartbeat(release, &guest).value, "Unknown");
}

static void test_heartbeat_values(void **state)
{
	static const struct {
		uint16_t heartbeat, health;
		const char *value;
	} rows[] = {
		{ 2, 2, "OkApplicationsHealthy" },  { 2, 32782, "OkApplicationsCritical" },
		{ 2, 0, "OkApplicationsUnknown" },  { 2, 12, "OkApplicationsUnknown" },
		{ 12, 2, "NoContact" },             { 13, 2, "LostCommunication" },
		{ 15, 2, "Paused" },                { 32896, 2, "Disabled" },
		{ 6, 2, "Error" },                  { 3, 2, "Unknown" },
		{ 7, 0, "Unknown" },                { 0, 0, "Unknown" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(judge_heartbeat_value(rows[i].heartbeat, rows[i].health),
				    rows[i].value);
}

/* The text posted from 2012 R2, word for word up to its advice. */
static void test_event(void **state)
{
	const struct release *release = guest_reset("2012r2");
	struct host_event event;

	(void)state;
	guest_agree(KVP, (struct version){ 3, 0 }, (struct version){ 4, 0 });
	assert_int_equal(judge_event(release, &guest, KVP, &event), 1);
	assert_int_equal(event.id, 4010);
	assert_string_equal(event.source, "Microsoft-Windows-Hyper-V-Integration-KvpExchange");
	assert_string_equal(
		event.text,
		"Hyper-V Data Exchange connected to virtual machine 'DemoVM', but the version does "
		"not match the version expected by Hyper-V "
		"(Virtual machine ID 9FC171E7-B2C6-4BD2-9FF0-253209B2A69D). "
		"Framework version: Negotiated (3.0) - Expected (3.0); "
		"Message version: Negotiated (4.0) - Expected (5.0). "
		"This is an unsupported configuration.");
	guest_agree(KVP, (struct version){ 3, 0 }, (struct version){ 5, 0 });
	assert_int_equal(judge_event(release, &guest, KVP, &event), 0);
}

static void test_event_of_2008_has_no_versions(void **state)
{
	const struct release *release = guest_reset("2008r2");
	struct host_event event;

	(void)state;
	guest_agree(KVP, (struct version){ 1, 0 }, (struct version){ 1, 0 });
	assert_int_equal(judge_event(release, &guest, KVP, &event), 1);
	assert_null(strstr(event.text, "Negotiated"));
}

static void test_event_of_no_common_version(void **state)
{
	const struct release *release = guest_reset("2019");
	struct host_event event;

	(void)state;
	guest.component[VSS].contact = CONTACT_NO_COMMON;
	assert_int_equal(judge_event(release, &guest, VSS, &event), 1);
	assert_int_equal(event.id, 0);
	assert_non_null(strstr(event.text, "Hyper-V Volume Shadow Copy Requestor failed to connect "
					   "to virtual machine 'DemoVM' because the version"));
	assert_non_null(strstr(event.text, "0x80070032"));
}

static void test_integration_services(void **state)
{
	const struct release *release = guest_reset("2019");

	(void)state;
	guest_agree(HB, (struct version){ 3, 0 }, (struct version){ 3, 0 });
	assert_string_equal(judge_integration_state(release, &guest).value, "Up to date");
	assert_string_equal(judge_integration_version(&guest), "");
	guest.n_intrinsic = 2;
	(void)strcpy(guest.intrinsic[0].key, "OSName");
	(void)strcpy(guest.intrinsic[1].key, "IntegrationServicesVersion");
	(void)strcpy(guest.intrinsic[1].value, "3.1");
	assert_string_equal(judge_integration_version(&guest), "3.1");
}

static void test_result_names(void **state)
{
	(void)state;
	for (enum result r = 0; r < RESULT_MAX; r++) {
		enum result again = RESULT_MAX;

		assert_int_equal(judge_result_from_name(judge_result_name(r), &again), 0);
		assert_int_equal(again, r);
	}
	assert_true(judge_result_from_name("fine", &(enum result){ 0 }) < 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_posted_outputs),
		cmocka_unit_test(test_legacy_guest_on_2019),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_disabled),
		cmocka_unit_test(test_no_contact),
		cmocka_unit_test(test_mismatch_by_release),
		cmocka_unit_test(test_framework_mismatch),
		cmocka_unit_test(test_no_common),
		cmocka_unit_test(test_unoffered),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_heartbeat_state),
		cmocka_unit_test(test_heartbeat_degraded),
		cmocka_unit_test(test_heartbeat_values),
		cmocka_unit_test(test_event),
		cmocka_unit_test(test_event_of_2008_has_no_versions),
		cmocka_unit_test(test_event_of_no_common_version),
		cmocka_unit_test(test_integration_services),
		cmocka_unit_test(test_result_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
