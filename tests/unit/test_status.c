/* SPDX-License-Identifier: GPL-2.0-only */
#include "hv_util/status.h"

#include <errno.h>

#include "tests/unit/harness.h"

/* What each outcome must look like to the host (Linux hyperv.h, OpenVMM). */
static const struct {
	int error;
	uint32_t status;
} rows[] = {
	{ 0, 0 },
	{ -EPERM, 0x80070005 },
	{ -ENOENT, 0x80041002 },
	{ -ENODATA, 0x80070103 },
	{ -EOPNOTSUPP, 0x80070032 },
	{ -EEXIST, 0x80070050 },
	{ -ENOSPC, 0x80070070 },
	{ -EINVAL, 0x80070057 },
	{ -EBADMSG, 0x80070057 },
	{ -E2BIG, 0x80070057 },
	{ -EILSEQ, 0x80070057 },
	{ -ENOTCONN, 0x8007048f },
};

static void known_outcomes_have_their_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(hv_status(rows[i].error), rows[i].status);
}

static void every_other_number_is_a_failure(void **state)
{
	(void)state;
	for (int r = -4096; r <= 4096; r++) {
		uint32_t expected = 0x80004005;

		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			if (rows[i].error == r)
				expected = rows[i].status;
		assert_int_equal(hv_status(r), expected);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_outcomes_have_their_status),
		cmocka_unit_test(every_other_number_is_a_failure),
	};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
