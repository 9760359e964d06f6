/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/guid.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "tests/unit/harness.h"

/* The bytes as include/linux/hyperv.h has them (HV_HEART_BEAT_GUID and so on) for the texts of
 * /sys/bus/vmbus. */
static const struct {
	const char *text;
	struct guid guid, macro;
} known[] = {
	{ "57164f39-9115-4e78-ab55-382f3bd5422d",
	  { { 0x39, 0x4f, 0x16, 0x57, 0x15, 0x91, 0x78, 0x4e, 0xab, 0x55, 0x38, 0x2f, 0x3b, 0xd5, 0x42,
	      0x2d } },
	  GUID(0x57164f39, 0x9115, 0x4e78, 0xab, 0x55, 0x38, 0x2f, 0x3b, 0xd5, 0x42, 0x2d) },
	{ "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6",
	  { { 0xe7, 0xf4, 0xa0, 0xa9, 0x45, 0x5a, 0x96, 0x4d, 0xb8, 0x27, 0x8a, 0x84, 0x1e, 0x8c, 0x03,
	      0xe6 } },
	  GUID(0xa9a0f4e7, 0x5a45, 0x4d96, 0xb8, 0x27, 0x8a, 0x84, 0x1e, 0x8c, 0x03, 0xe6) },
	{ "9527e630-d0ae-497b-adce-e80ab0175caf",
	  { { 0x30, 0xe6, 0x27, 0x95, 0xae, 0xd0, 0x7b, 0x49, 0xad, 0xce, 0xe8, 0x0a, 0xb0, 0x17, 0x5c,
	      0xaf } },
	  GUID(0x9527e630, 0xd0ae, 0x497b, 0xad, 0xce, 0xe8, 0x0a, 0xb0, 0x17, 0x5c, 0xaf) },
};

static void known_guids_are_read_and_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		char text[GUID_TEXT_SIZE], braced[64], upper[64];
		struct guid g = { { 0 } };

		assert_memory_equal(known[i].macro.b, known[i].guid.b, 16);
		guid_format(&known[i].guid, text);
		assert_string_equal(text, known[i].text);

		assert_int_equal(guid_parse(known[i].text, &g), 0);
		assert_memory_equal(g.b, known[i].guid.b, 16);

		(void)snprintf(braced, sizeof(braced), "{%s}", known[i].text);
		memset(&g, 0, sizeof(g));
		assert_int_equal(guid_parse(braced, &g), 0);
		assert_memory_equal(g.b, known[i].guid.b, 16);

		for (size_t k = 0; k < sizeof(upper) && (k == 0 || upper[k - 1]); k++)
			upper[k] = (char)(known[i].text[k] >= 'a' ? known[i].text[k] - 32 :
								    known[i].text[k]);
		memset(&g, 0, sizeof(g));
		assert_int_equal(guid_parse(upper, &g), 0);
		assert_memory_equal(g.b, known[i].guid.b, 16);
	}
}

static void assert_refused(const char *text)
{
	_cleanup_(guard_done) struct guard at_end = guard_copy(text, strlen(text) + 1);
	struct guid g, before;

	memset(&g, 0x5a, sizeof(g));
	before = g;
	assert_int_equal(guid_parse((const char *)at_end.p, &g), -EINVAL);
	assert_memory_equal(&g, &before, sizeof(g)); /* untouched on failure */
}

static void shorter_and_longer_texts_are_refused(void **state)
{
	char text[64];

	(void)state;
	for (size_t n = 0; n < 36; n++) {
		memcpy(text, known[0].text, n);
		text[n] = '\0';
		assert_refused(text);
	}
	(void)snprintf(text, sizeof(text), "%s0", known[0].text);
	assert_refused(text);
	(void)snprintf(text, sizeof(text), "%s00", known[0].text);
	assert_refused(text);
	(void)snprintf(text, sizeof(text), "{%s", known[0].text);
	assert_refused(text);
	(void)snprintf(text, sizeof(text), "%s}", known[0].text);
	assert_refused(text);
	(void)snprintf(text, sizeof(text), "{%s)", known[0].text);
	assert_refused(text);
	(void)snprintf(text, sizeof(text), "({%s})", known[0].text);
	assert_refused(text);
}

static void a_wrong_character_is_refused_wherever_it_stands(void **state)
{
	static const char wrong[] = { 'g', 'G', '/', ':', '@', '`', ' ', '\x80', '0', '-' };

	(void)state;
	for (size_t at = 0; at < 36; at++)
		for (size_t i = 0; i < sizeof(wrong); i++) {
			char text[37];
			bool dash = at == 8 || at == 13 || at == 18 || at == 23;

			/* These two are right somewhere. */
			if ((wrong[i] == '0' && !dash) || (wrong[i] == '-' && dash))
				continue;
			memcpy(text, known[0].text, sizeof(text));
			text[at] = wrong[i];
			assert_refused(text);
		}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_guids_are_read_and_written),
		cmocka_unit_test(shorter_and_longer_texts_are_refused),
		cmocka_unit_test(a_wrong_character_is_refused_wherever_it_stands),
	};

	return cmocka_run_group_tests_name("guid", tests, NULL, NULL);
}
