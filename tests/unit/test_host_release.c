/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables of releases and components: what must hold of every row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hv_util/base.h"
#include "tests/host/release.h"
#include "tests/host/version.h"

static void test_all_are_there(void **state)
{
	static const char *const keys[] = { "2008", "2008r2", "2012", "2012r2", "win10-1511",
					    "2016", "2019",   "2022", "2025",   "openvmm" };

	(void)state;
	assert_int_equal(release_count, ARRAY_LEN(keys));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_ptr_equal(release_find(keys[i]), &release_table[i]);
	assert_null(release_find("2003"));
	assert_null(release_find(""));
}

static void list_is_ascending(const struct version_list *list)
{
	assert_true(list->n > 0);
	for (unsigned i = 1; i < list->n; i++)
		assert_true(version_compare(list->v[i - 1], list->v[i]) < 0);
}

/* Plain OK takes the newest of what is offered. */
static void test_every_offer(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++)
		for (enum component c = 0; c < COMPONENT_MAX; c++) {
			const struct release_offer *o = &release_table[i].component[c];

			assert_non_null(o->source);
			assert_true(*o->source);
			if (!o->offered) {
				assert_int_equal(o->framework.n + o->message.n, 0);
				continue;
			}
			list_is_ascending(&o->framework);
			list_is_ascending(&o->message);
			assert_int_equal(version_compare(o->framework.v[o->framework.n - 1],
							 o->expected.framework), 0);
			assert_int_equal(version_compare(o->message.v[o->message.n - 1],
							 o->expected.message), 0);
		}
}

/* Values with direct evidence: a change of one of these needs a better source. */
static void test_certain_values(void **state)
{
	static const struct {
		const char *release;
		enum component component;
		struct version expected;
	} rows[] = {
		{ "2012", COMPONENT_VSS, { 4, 0 } },
		{ "2012r2", COMPONENT_HEARTBEAT, { 3, 0 } },
		{ "2012r2", COMPONENT_SHUTDOWN, { 3, 0 } },
		{ "2012r2", COMPONENT_TIMESYNC, { 3, 0 } },
		{ "2012r2", COMPONENT_KVP, { 5, 0 } },
		{ "2012r2", COMPONENT_VSS, { 5, 0 } },
		{ "2012r2", COMPONENT_GUEST_SERVICE, { 1, 1 } },
		{ "win10-1511", COMPONENT_TIMESYNC, { 3, 0 } },
		{ "2016", COMPONENT_TIMESYNC, { 4, 0 } },
		{ "2019", COMPONENT_TIMESYNC, { 4, 0 } },
		{ "2022", COMPONENT_HEARTBEAT, { 3, 0 } },
		{ "2022", COMPONENT_SHUTDOWN, { 3, 2 } },
		{ "2022", COMPONENT_KVP, { 5, 0 } },
		{ "2025", COMPONENT_KVP, { 5, 0 } },
		{ "openvmm", COMPONENT_SHUTDOWN, { 3, 2 } },
		{ "openvmm", COMPONENT_TIMESYNC, { 4, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct release_offer *o =
			&release_find(rows[i].release)->component[rows[i].component];

		assert_int_equal(version_compare(o->expected.message, rows[i].expected), 0);
		assert_int_equal(o->certainty, CERTAIN);
	}
}

static void test_openvmm_lists(void **state)
{
	const struct release *release = release_find("openvmm");
	char text[64];

	(void)state;
	assert_false(release->component[COMPONENT_HEARTBEAT].offered);
	assert_false(release->component[COMPONENT_VSS].offered);
	assert_false(release->component[COMPONENT_GUEST_SERVICE].offered);
	assert_string_equal(version_list_format(&release->component[COMPONENT_SHUTDOWN].message,
						text, sizeof(text)), "1.0 3.0 3.1 3.2");
	assert_string_equal(version_list_format(&release->component[COMPONENT_KVP].message,
						text, sizeof(text)), "3.0 4.0 5.0");
	assert_string_equal(version_list_format(&release->component[COMPONENT_TIMESYNC].message,
						text, sizeof(text)), "4.0");
}

/* Golden bytes: Linux hyperv.h writes time sync's class as 30 e6 27 95 ae d0 7b 49 ad ce ... */
static void test_guid_memory_order(void **state)
{
	static const uint8_t timesync[16] = { 0x30, 0xe6, 0x27, 0x95, 0xae, 0xd0, 0x7b, 0x49,
					      0xad, 0xce, 0xe8, 0x0a, 0xb0, 0x17, 0x5c, 0xaf };
	static const uint8_t kvp_instance[16] = { 0x19, 0xf9, 0x2f, 0x24, 0xdb, 0x07, 0x80, 0x41,
						  0x9c, 0x2e, 0xb8, 0x6c, 0xb6, 0x8c, 0x8c, 0x55 };

	(void)state;
	assert_memory_equal(component_table[COMPONENT_TIMESYNC].class_id, timesync, 16);
	assert_memory_equal(component_table[COMPONENT_KVP].instance_id, kvp_instance, 16);
}

static void test_components(void **state)
{
	(void)state;
	for (enum component c = 0; c < COMPONENT_MAX; c++) {
		enum component again = COMPONENT_MAX;

		assert_int_equal(component_from_key(component_table[c].key, &again), 0);
		assert_int_equal(again, c);
		assert_int_equal(strlen(component_table[c].id), 36);
		for (enum component other = 0; other < c; other++) {
			assert_int_not_equal(component_table[c].message_type,
					     component_table[other].message_type);
			assert_memory_not_equal(component_table[c].class_id,
						component_table[other].class_id, 16);
			assert_memory_not_equal(component_table[c].instance_id,
						component_table[other].instance_id, 16);
		}
	}
	assert_true(component_from_key("Heartbeat", &(enum component){ 0 }) < 0);
	/* as Get-VMIntegrationService prints them */
	assert_string_equal(component_table[COMPONENT_KVP].name, "Key-Value Pair Exchange");
	assert_string_equal(component_table[COMPONENT_TIMESYNC].name, "Time Synchronization");
}

static void test_version_text(void **state)
{
	static const char *const bad[] = { "", "3", "3.", ".0", "3.0 ", " 3.0", "3.0.1", "65536.0",
					   "0.65536", "-1.0", "+3.0", "3,0", "0x3.0",
					   "99999999999999999999.0" };
	struct version v = { 7, 7 };
	char text[VERSION_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_true(version_parse(bad[i], &v) < 0);
		assert_int_equal(v.major, 7); /* untouched on failure */
	}
	assert_int_equal(version_parse("65535.65535", &v), 0);
	assert_string_equal(version_format(v, text), "65535.65535");
}

static void test_version_list_is_cut(void **state)
{
	struct version_list list = { .n = VERSION_LIST_MAX };
	char text[16];

	(void)state;
	assert_string_equal(version_list_format(&list, text, sizeof(text)), "0.0 0.0 0.0 ...");
}

static void test_certainty(void **state)
{
	(void)state;
	assert_int_equal(certainty_weaker(CERTAIN, INFERRED), INFERRED);
	assert_int_equal(certainty_weaker(UNKNOWN, INFERRED), UNKNOWN);
	assert_int_equal(certainty_weaker(CERTAIN, CERTAIN), CERTAIN);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_there),   cmocka_unit_test(test_every_offer),
		cmocka_unit_test(test_certain_values),  cmocka_unit_test(test_openvmm_lists),
		cmocka_unit_test(test_guid_memory_order), cmocka_unit_test(test_components),
		cmocka_unit_test(test_version_text),    cmocka_unit_test(test_version_list_is_cut),
		cmocka_unit_test(test_certainty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
