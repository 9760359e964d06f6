/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/bytes.h"

#include "tests/unit/harness.h"

static const uint8_t bytes[] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };

static uint64_t read_u8(struct rd *r)
{
	return rd_u8(r);
}

static uint64_t read_u16(struct rd *r)
{
	return rd_u16(r);
}

static uint64_t read_u32(struct rd *r)
{
	return rd_u32(r);
}

static const struct {
	uint64_t (*read)(struct rd *r);
	size_t width;
	uint64_t value; /* of the bytes above, little-endian */
} reads[] = {
	{ read_u8, 1, 0x01 },
	{ read_u16, 2, 0x2301 },
	{ read_u32, 4, 0x67452301 },
	{ rd_u64, 8, UINT64_C(0xefcdab8967452301) },
};

static void reader_reads_little_endian_and_nothing_beyond(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(reads); i++)
		for (size_t n = 0; n <= sizeof(bytes); n++) {
			_cleanup_(guard_done) struct guard g = guard_copy(bytes, n);
			struct rd r = { .p = g.p, .left = n };
			bool there = n >= reads[i].width;

			assert_true(reads[i].read(&r) == (there ? reads[i].value : 0));
			assert_int_equal(rd_result(&r), there ? 0 : -EBADMSG);
			if (there)
				assert_int_equal(r.left, n - reads[i].width);
		}
}

static void reader_goes_on_where_it_stopped(void **state)
{
	struct rd r = { .p = bytes, .left = sizeof(bytes) };

	(void)state;
	assert_int_equal(rd_u8(&r), 0x01);
	assert_int_equal(rd_u16(&r), 0x4523);
	assert_int_equal(rd_u32(&r), 0xcdab8967);
	assert_ptr_equal(rd_bytes(&r, 1), bytes + 7);
	assert_int_equal(r.left, 0);
	assert_int_equal(rd_result(&r), 0);
}

static void reader_is_sticky(void **state)
{
	struct rd r = { .p = bytes, .left = 3 };

	(void)state;
	assert_int_equal(rd_u32(&r), 0);
	assert_int_equal(rd_u8(&r), 0); /* it is there, but behind what was not */
	assert_null(rd_bytes(&r, 1));
	assert_null(rd_bytes(&r, 0));
	assert_int_equal(rd_result(&r), -EBADMSG);
}

static void reader_takes_no_length_for_a_small_one(void **state)
{
	struct rd r = { .p = bytes, .left = sizeof(bytes) };

	(void)state;
	assert_null(rd_bytes(&r, SIZE_MAX));
	assert_int_equal(rd_result(&r), -EBADMSG);
}

static void write_u8(struct wr *w)
{
	wr_u8(w, 0x01);
}

static void write_u16(struct wr *w)
{
	wr_u16(w, 0x2301);
}

static void write_u32(struct wr *w)
{
	wr_u32(w, 0x67452301);
}

static void write_u64(struct wr *w)
{
	wr_u64(w, UINT64_C(0xefcdab8967452301));
}

static void write_bytes(struct wr *w)
{
	wr_bytes(w, bytes, 3);
}

static const struct {
	void (*write)(struct wr *w);
	size_t width;
} writes[] = {
	{ write_u8, 1 }, { write_u16, 2 }, { write_u32, 4 }, { write_u64, 8 }, { write_bytes, 3 },
};

static void writer_writes_little_endian_and_nothing_beyond(void **state)
{
	static const uint8_t untouched[sizeof(bytes)] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(writes); i++)
		for (size_t n = 0; n <= sizeof(bytes); n++) {
			_cleanup_(guard_done) struct guard g = guard_copy(untouched, n);
			struct wr w = { .p = g.p, .left = n };
			size_t done = n >= writes[i].width ? writes[i].width : 0;

			writes[i].write(&w);
			assert_int_equal(wr_result(&w), n >= writes[i].width ? 0 : -ENOBUFS);
			assert_memory_equal(g.p, bytes, done);
			assert_memory_equal(g.p + done, untouched, n - done);
		}
}

static void writer_is_sticky(void **state)
{
	uint8_t to[3] = { 7, 7, 7 };
	struct wr w = { .p = to, .left = sizeof(to) };

	(void)state;
	wr_u32(&w, 0);
	wr_u8(&w, 0);
	wr_zero(&w, 1);
	wr_keep(&w, 1);
	assert_null(wr_room(&w, 0));
	assert_int_equal(wr_result(&w), -ENOBUFS);
	assert_int_equal(to[0] | to[1] | to[2], 7);
}

static void writer_keeps_and_clears(void **state)
{
	uint8_t to[6] = { 1, 2, 3, 4, 5, 6 };
	static const uint8_t expected[6] = { 1, 2, 0, 0, 9, 6 };
	struct wr w = { .p = to, .left = 5 };

	(void)state;
	wr_keep(&w, 2);
	wr_zero(&w, 2);
	wr_u8(&w, 9);
	assert_int_equal(wr_result(&w), 0);
	assert_int_equal(w.left, 0);
	wr_zero(&w, 1);
	assert_int_equal(wr_result(&w), -ENOBUFS);
	assert_memory_equal(to, expected, sizeof(to));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_reads_little_endian_and_nothing_beyond),
		cmocka_unit_test(reader_goes_on_where_it_stopped),
		cmocka_unit_test(reader_is_sticky),
		cmocka_unit_test(reader_takes_no_length_for_a_small_one),
		cmocka_unit_test(writer_writes_little_endian_and_nothing_beyond),
		cmocka_unit_test(writer_is_sticky),
		cmocka_unit_test(writer_keeps_and_clears),
	};

	return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
