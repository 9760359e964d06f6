/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/utf16.h"

#include <errno.h>

#include "hv_util/kvp_text.h"
#include "tests/unit/harness.h"

/* The same text in both encodings: RFC 3629 section 7, RFC 2781 section 3.3 and the ends of every
 * range of lengths. */
static const struct {
	const char *utf8;
	uint16_t units[4];
	size_t n;
} pairs[] = {
	{ "", { 0 }, 0 },
	{ "A", { 0x41 }, 1 },
	{ "\x7f", { 0x7f }, 1 },
	{ "\xc2\x80", { 0x80 }, 1 },
	{ "\xdf\xbf", { 0x7ff }, 1 },
	{ "\xe0\xa0\x80", { 0x800 }, 1 },
	{ "A\xe2\x89\xa2\xce\x91.", { 0x41, 0x2262, 0x391, 0x2e }, 4 },
	{ "\xed\x9f\xbf", { 0xd7ff }, 1 },
	{ "\xee\x80\x80", { 0xe000 }, 1 },
	{ "\xef\xbf\xbf", { 0xffff }, 1 },
	{ "\xf0\x90\x80\x80", { 0xd800, 0xdc00 }, 2 },
	{ "\xf0\x92\x8d\x85=R", { 0xd808, 0xdf45, 0x3d, 0x52 }, 4 },
	{ "\xf4\x8f\xbf\xbf", { 0xdbff, 0xdfff }, 2 },
};

static void put_units(uint8_t *to, const uint16_t *units, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_le(to + 2 * i, 2, units[i]);
}

static void known_texts_become_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		size_t len = strlen(pairs[i].utf8);
		uint8_t units[8];

		put_units(units, pairs[i].units, pairs[i].n);
		/* Every size of the buffer: it fits from one byte more than the text on. */
		for (size_t size = 0; size <= len + 2; size++) {
			_cleanup_(guard_done) struct guard from = guard_copy(units, 2 * pairs[i].n);
			_cleanup_(guard_done) struct guard to = guard_new(size);
			int r = utf16_to_utf8(from.p, pairs[i].n, (char *)to.p, size);

			if (size <= len) {
				assert_int_equal(r, -ENOSPC);
				continue;
			}
			assert_int_equal(r, len);
			assert_memory_equal(to.p, pairs[i].utf8, len + 1);
		}
	}
}

static void known_texts_become_utf16(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		size_t len = strlen(pairs[i].utf8);
		_cleanup_(guard_done) struct guard from = guard_copy(pairs[i].utf8, len);
		_cleanup_(guard_done) struct guard to = guard_new(2 * pairs[i].n);
		uint8_t expected[8];

		put_units(expected, pairs[i].units, pairs[i].n);
		assert_int_equal(utf16_from_utf8((const char *)from.p, len, to.p, pairs[i].n),
				 pairs[i].n);
		assert_memory_equal(to.p, expected, 2 * pairs[i].n);
	}
}

/* Room for fewer units cuts between characters and never between surrogates. */
static void text_without_room_is_cut_between_characters(void **state)
{
	static const char text[] = "a\xf0\x90\x80\x80"
				   "b\xf0\x90\x80\x80";
	static const size_t used[] = { 0, 1, 1, 3, 4, 4, 6, 6 };

	(void)state;
	for (size_t max = 0; max < ARRAY_LEN(used); max++) {
		_cleanup_(guard_done) struct guard to = guard_new(2 * max);

		memset(to.p, 0xee, 2 * max);
		assert_int_equal(utf16_from_utf8(text, strlen(text), to.p, max), used[max]);
		for (size_t i = 2 * used[max]; i < 2 * max; i++)
			assert_int_equal(to.p[i], 0xee);
	}
}

static void every_character_survives_both_ways(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		uint8_t units[4], back[4];
		size_t n = c < 0x10000 ? 1 : 2;
		char text[5];
		int len;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		put_le(units, 2, n == 1 ? c : 0xd800 + ((c - 0x10000) >> 10));
		put_le(units + 2, 2, 0xdc00 + (c & 0x3ff));
		len = utf16_to_utf8(units, n, text, sizeof(text));
		assert_int_equal(len, c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
		assert_int_equal(utf16_from_utf8(text, (size_t)len, back, 2), n);
		assert_memory_equal(back, units, 2 * n);
	}
}

static const struct {
	uint16_t units[3];
	size_t n;
} lone[] = {
	{ { 0xd800 }, 1 },
	{ { 0xdbff }, 1 },
	{ { 0xdc00 }, 1 },
	{ { 0xdfff }, 1 },
	{ { 0x41, 0xd800 }, 2 },
	{ { 0xd800, 0x41 }, 2 },
	{ { 0xd800, 0xd800, 0xdc00 }, 3 },
	{ { 0xd800, 0xdbff }, 2 },
	{ { 0xd800, 0xe000 }, 2 },
	{ { 0xdc00, 0xd800 }, 2 },
	{ { 0xd800, 0xdc00, 0xdc00 }, 3 },
};

static void a_surrogate_without_its_partner_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lone); i++) {
		uint8_t units[6];
		char text[16];

		put_units(units, lone[i].units, lone[i].n);
		{
			_cleanup_(guard_done) struct guard from = guard_copy(units, 2 * lone[i].n);

			assert_int_equal(utf16_to_utf8(from.p, lone[i].n, text, sizeof(text)), -EILSEQ);
		}
	}
}

/* A partner that is missing is one character, and what stands behind it is read on its own. */
static void a_surrogate_without_its_partner_is_replaced(void **state)
{
	static const char *const becomes[ARRAY_LEN(lone)] = {
		"R", "R", "R", "R", "AR", "RA", "R\xf0\x90\x80\x80", "RR", "R\xee\x80\x80", "RR", "\xf0\x90\x80\x80R",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lone); i++) {
		char expected[16] = "", text[16];
		uint8_t units[6];
		_cleanup_(guard_done) struct guard from = guard_new(2 * lone[i].n);

		for (const char *c = becomes[i]; *c; c++)
			(void)strcat(expected, *c == 'R' ? "\xef\xbf\xbd" : (char[]){ *c, '\0' });
		put_units(units, lone[i].units, lone[i].n);
		memcpy(from.p, units, from.len);
		assert_int_equal(utf16_repair(from.p, lone[i].n, text, sizeof(text)), strlen(expected));
		assert_string_equal(text, expected);
	}
}

static void a_repaired_text_without_room_is_cut_between_characters(void **state)
{
	static const uint16_t units[] = { 'a', 0xe9, 0x2262, 0xd800, 0xdc00, 'b' };
	static const char text[] = "a\xc3\xa9\xe2\x89\xa2\xf0\x90\x80\x80" "b";
	static const size_t fits[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11 };
	uint8_t bytes[sizeof(units)];

	(void)state;
	put_units(bytes, units, ARRAY_LEN(units));
	for (size_t size = 1; size <= ARRAY_LEN(fits); size++) {
		_cleanup_(guard_done) struct guard to = guard_new(size);

		assert_int_equal(utf16_repair(bytes, ARRAY_LEN(units), (char *)to.p, size), fits[size - 1]);
		assert_memory_equal(to.p, text, fits[size - 1]);
		assert_int_equal(to.p[fits[size - 1]], '\0');
	}
}

/* What is no UTF-8, and what it becomes: R stands for U+FFFD. Overlong forms, surrogates, values
 * beyond 0x10ffff, lone continuations, sequences cut short: RFC 3629 sections 3 and 4. */
static const struct {
	const char *bytes, *units;
} broken[] = {
	{ "\x80", "R" },
	{ "\xbf\x80", "RR" },
	{ "\xc0\x80", "RR" },
	{ "\xc1\xbf", "RR" },
	{ "\xe0\x9f\xbf", "RRR" },
	{ "\xed\xa0\x80", "RRR" },
	{ "\xed\xbf\xbf", "RRR" },
	{ "\xf0\x8f\xbf\xbf", "RRRR" },
	{ "\xf4\x90\x80\x80", "RRRR" },
	{ "\xf5\x80\x80\x80", "RRRR" },
	{ "\xf8\x88\x80\x80\x80", "RRRRR" },
	{ "\xfe", "R" },
	{ "\xff", "R" },
	{ "\xc3", "R" },
	{ "\xe2\x82", "RR" },
	{ "\xf0\x90\x80", "RRR" },
	{ "\xc3(", "R(" },
	{ "\xe2\x82(", "RR(" },
	{ "\xe2(\xa1", "R(R" },
	{ "\xf0\x90\x80(", "RRR(" },
	{ "a\xffz", "aRz" },
};

static void what_is_no_utf8_is_replaced_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		size_t len = strlen(broken[i].bytes), n = strlen(broken[i].units);
		_cleanup_(guard_done) struct guard from = guard_copy(broken[i].bytes, len);
		_cleanup_(guard_done) struct guard to = guard_new(2 * n);

		assert_int_equal(utf16_from_utf8((const char *)from.p, len, to.p, n), n);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(get_le(to.p + 2 * k, 2),
					 broken[i].units[k] == 'R' ? 0xfffd : broken[i].units[k]);
	}
}

/* --- UTF-8 that stays UTF-8 --- */

static void valid_text_is_copied_and_what_is_no_utf8_is_replaced(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		size_t len = strlen(pairs[i].utf8);
		_cleanup_(guard_done) struct guard from = guard_copy(pairs[i].utf8, len);
		_cleanup_(guard_done) struct guard to = guard_new(len + 1);

		assert_true(utf8_is_valid((const char *)from.p, len));
		assert_int_equal(utf8_repair((const char *)from.p, len, (char *)to.p, to.len), len);
		assert_memory_equal(to.p, pairs[i].utf8, len + 1);
	}
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		size_t len = strlen(broken[i].bytes), n = strlen(broken[i].units), at = 0;
		_cleanup_(guard_done) struct guard from = guard_copy(broken[i].bytes, len);
		_cleanup_(guard_done) struct guard to = guard_new(3 * n + 1);

		assert_false(utf8_is_valid((const char *)from.p, len));
		(void)utf8_repair((const char *)from.p, len, (char *)to.p, to.len);
		for (size_t k = 0; k < n; k++) {
			bool replaced = broken[i].units[k] == 'R';

			assert_memory_equal(to.p + at, replaced ? "\xef\xbf\xbd" : &broken[i].units[k],
					    replaced ? 3 : 1);
			at += replaced ? 3 : 1;
		}
		assert_int_equal(to.p[at], '\0');
	}
	assert_true(utf8_is_valid("\xef\xbf\xbd", 3)); /* U+FFFD itself */
}

static void a_copy_without_room_is_cut_between_characters(void **state)
{
	static const char text[] = "a\xc3\xa9\xe2\x89\xa2\xf0\x90\x80\x80" "b";
	static const size_t fits[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11 };

	(void)state;
	for (size_t size = 1; size <= ARRAY_LEN(fits); size++) {
		_cleanup_(guard_done) struct guard to = guard_new(size);

		assert_int_equal(utf8_repair(text, strlen(text), (char *)to.p, size), fits[size - 1]);
		assert_memory_equal(to.p, text, fits[size - 1]);
		assert_int_equal(to.p[fits[size - 1]], '\0');
	}
}

/* --- lines --- */

static void what_a_terminal_does_not_print_is_replaced(void **state)
{
	static const struct {
		const char *text, *line;
	} rows[] = {
		{ "", "" },
		{ " !~", " !~" },
		{ "\x01\x1f\x7f", "???" },
		{ "a\tb\nc\vd\fe\rf", "a b c d e f" },
		{ "\xc2\x80\xc2\x9f\xc2\xa0", "??\xc2\xa0" },
		{ "\xd8\x9c.", "?." }, /* U+061C */
		{ "\xe2\x80\x8a\xe2\x80\x8b\xe2\x80\x8f\xe2\x80\x90", "\xe2\x80\x8a??\xe2\x80\x90" },
		{ "\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf",
		  "\xe2\x80\xa7  ??\xe2\x80\xaf" },
		{ "\xe2\x81\x9f\xe2\x81\xa0\xe2\x81\xaf\xe2\x81\xb0", "\xe2\x81\x9f??\xe2\x81\xb0" },
		{ "\xef\xbb\xbf\xef\xbf\xb9\xef\xbf\xbb\xef\xbf\xbc\xef\xbf\xbd", "???\xef\xbf\xbc\xef\xbf\xbd" },
		{ "\xef\xb7\x8f\xef\xb7\x90\xef\xb7\xaf\xef\xb7\xb0", "\xef\xb7\x8f??\xef\xb7\xb0" },
		{ "\xef\xbf\xbe\xef\xbf\xbf\xf0\x9f\xbf\xbe\xf4\x8f\xbf\xbf", "????" },
		{ "\xf3\xa0\x80\x81\xf3\xa0\xbf\xbf\xf3\xa1\x80\x80", "??\xf3\xa1\x80\x80" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].text);
		_cleanup_(guard_done) struct guard g = guard_copy(rows[i].text, len + 1);

		assert_true(utf8_is_valid(rows[i].text, len));
		utf8_make_printable((char *)g.p);
		assert_string_equal((const char *)g.p, rows[i].line);
	}
}

/* --- fields --- */

static void a_field_is_read_up_to_its_nul(void **state)
{
	static const uint8_t field[] = { 'a', 0, 'b', 0, 0, 0, 'c', 0, 0, 0xd8 };

	(void)state;
	for (size_t size = 0; size <= sizeof(field); size++) {
		_cleanup_(guard_done) struct guard g = guard_copy(field, size);
		_cleanup_(guard_done) struct guard to = guard_new(3);
		int r = kvp_text_read(g.p, size, (char *)to.p, 3);

		/* Odd sizes, and sizes in which no NUL stands; what follows the NUL is not read. */
		assert_int_equal(r, size % 2 != 0 || size < 6 ? -EINVAL : 2);
		if (r == 2)
			assert_string_equal((const char *)to.p, "ab");
	}
}

static void a_zero_byte_is_no_nul(void **state)
{
	static const uint8_t field[] = { 0, 1, 1, 0, 0, 0 }; /* U+0100, U+0001 */
	char to[8];

	(void)state;
	assert_int_equal(kvp_text_read(field, sizeof(field), to, sizeof(to)), 3);
	assert_string_equal(to, "\xc4\x80\x01");
	assert_int_equal(kvp_text_read(field, 4, to, sizeof(to)), -EINVAL);
}

static void a_field_whose_text_has_no_room_is_refused(void **state)
{
	static const uint8_t field[] = { 'a', 0, 'b', 0, 0, 0 };
	char to[3];

	(void)state;
	assert_int_equal(kvp_text_read(field, sizeof(field), to, 2), -EINVAL);
	assert_int_equal(kvp_text_read(field, sizeof(field), to, 3), 2);
}

static void a_field_that_is_no_utf16_is_refused(void **state)
{
	static const uint8_t field[] = { 0, 0xdc, 0, 0 };
	char to[8];

	(void)state;
	assert_int_equal(kvp_text_read(field, sizeof(field), to, sizeof(to)), -EILSEQ);
}

static const struct {
	const char *text;
	size_t len, size, used; /* used: with the NUL */
} written[] = {
	{ "", 0, 8, 2 },
	{ "ab", 2, 8, 6 },
	{ "ab", 8, 8, 6 },		      /* up to its NUL */
	{ "abc", 3, 8, 8 },
	{ "abcd", 4, 8, 8 },		      /* cut */
	{ "abcd", 2, 8, 6 },		      /* no more than len */
	{ "ab\xf0\x90\x80\x80", 6, 8, 6 },    /* cut between characters */
	{ "a\xf0\x90\x80\x80", 5, 8, 8 },
	{ "a", 1, 2, 2 },
};

static void a_field_is_written_with_its_nul_and_zeros(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(written); i++) {
		_cleanup_(guard_done) struct guard to = guard_new(written[i].size);
		uint8_t expected[16] = { 0 };

		memset(to.p, 0xee, to.len);
		(void)utf16_from_utf8(written[i].text, strnlen(written[i].text, written[i].len), expected,
				      written[i].used / 2 - 1);
		assert_int_equal(kvp_text_write(written[i].text, written[i].len, to.p, to.len),
				 written[i].used);
		assert_memory_equal(to.p, expected, to.len);
	}
}

static void an_utf8_field_is_read_up_to_its_nul(void **state)
{
	static const uint8_t field[] = { 'a', 0xc3, 0xa9, 0, 0xff };

	(void)state;
	for (size_t size = 0; size <= sizeof(field); size++) {
		_cleanup_(guard_done) struct guard g = guard_copy(field, size);
		_cleanup_(guard_done) struct guard to = guard_new(4);
		int r = kvp_text_read_utf8(g.p, size, (char *)to.p, to.len);

		assert_int_equal(r, size < 4 ? -EINVAL : 3);
		if (r >= 0)
			assert_memory_equal(to.p, field, 4);
	}
	for (size_t cap = 0; cap < 4; cap++) {
		_cleanup_(guard_done) struct guard to = guard_new(cap);

		assert_int_equal(kvp_text_read_utf8(field, sizeof(field), (char *)to.p, cap), -EINVAL);
	}
	assert_int_equal(kvp_text_read_utf8((const uint8_t *)"a\xc3", 3, (char[4]){ 0 }, 4), -EILSEQ);
}

static void an_utf8_field_is_written_with_its_nul_and_zeros(void **state)
{
	static const struct {
		const char *text;
		size_t len, size, used;
		const char *expected;
	} rows[] = {
		{ "", 0, 4, 1, "" },
		{ "ab", 2, 4, 3, "ab" },
		{ "ab", 8, 4, 3, "ab" }, /* up to its NUL */
		{ "abc", 2, 4, 3, "ab" }, /* no more than len */
		{ "abcd", 4, 4, 4, "abc" },
		{ "ab\xc3\xa9", 4, 4, 3, "ab" },
		{ "\xff", 1, 4, 4, "\xef\xbf\xbd" },
		{ "\xff", 1, 3, 1, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(guard_done) struct guard to = guard_new(rows[i].size);
		char expected[8] = "";

		strcpy(expected, rows[i].expected);
		memset(to.p, 0xee, to.len);
		assert_int_equal(kvp_text_write_utf8(rows[i].text, rows[i].len, to.p, to.len),
				 rows[i].used);
		assert_memory_equal(to.p, expected, to.len);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_texts_become_utf8),
		cmocka_unit_test(known_texts_become_utf16),
		cmocka_unit_test(text_without_room_is_cut_between_characters),
		cmocka_unit_test(every_character_survives_both_ways),
		cmocka_unit_test(a_surrogate_without_its_partner_is_refused),
		cmocka_unit_test(a_surrogate_without_its_partner_is_replaced),
		cmocka_unit_test(a_repaired_text_without_room_is_cut_between_characters),
		cmocka_unit_test(what_is_no_utf8_is_replaced_byte_by_byte),
		cmocka_unit_test(valid_text_is_copied_and_what_is_no_utf8_is_replaced),
		cmocka_unit_test(a_copy_without_room_is_cut_between_characters),
		cmocka_unit_test(what_a_terminal_does_not_print_is_replaced),
		cmocka_unit_test(a_field_is_read_up_to_its_nul),
		cmocka_unit_test(a_zero_byte_is_no_nul),
		cmocka_unit_test(a_field_whose_text_has_no_room_is_refused),
		cmocka_unit_test(a_field_that_is_no_utf16_is_refused),
		cmocka_unit_test(a_field_is_written_with_its_nul_and_zeros),
		cmocka_unit_test(an_utf8_field_is_read_up_to_its_nul),
		cmocka_unit_test(an_utf8_field_is_written_with_its_nul_and_zeros),
	};

	return cmocka_run_group_tests_name("utf16", tests, NULL, NULL);
}
