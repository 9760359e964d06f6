/* SPDX-License-Identifier: GPL-2.0-only */
/* What is written down is found again; what is damaged, of another time or nonsense is not. */
#include "daemon/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/harness.h"

/* Where things are in the memory of format 1, and how long it is. */
enum {
	HOLDS = 0,
	HEADER = 8,
	RECORDS = HEADER + 104,
	NEGOTIATED = RECORDS + 2 * 96,
	BUFFERS = NEGOTIATED + 2 * 840,
	SIZE = BUFFERS + 2 * 16384
};

static const struct keep_owner heartbeat = {
	.component = IC_HEARTBEAT,
	.relid = 7,
	.ring_size = 2097152,
	.policy = 0x1234,
	.identity = 99,
	.instance_id = { { 1, 2, 3 } },
};

static const struct keep_state some_state = {
	.stage = KEEP_DUE,
	.deaths = 1,
	.read = 24,
	.write = 48,
	.unsent = 1,
	.hold = KEEP_HOLD_REQUEST,
	.hold_usec = 12345,
	.in = { .trans_id = 5, .len = 60, .received = 60, .buffer = 0 },
	.held = { .trans_id = 4, .len = 70, .received = 80, .buffer = 1 },
};

static const struct ic_offer some_offer = {
	.framework = { 2, { { 1, 0 }, { 3, 0 } } },
	.message = { 3, { { 1, 0 }, { 3, 0 }, { 4, 0 } } },
};

static const struct ic_answer some_answer = {
	.outcome = IC_AGREED,
	.counts = { 1, 1 },
	.pair = { { 3, 0 }, { 4, 0 } },
	.unoffered = true,
};

static struct keep *keep_of_channel(void)
{
	struct keep *k;

	assert_int_equal(keep_new(true, &k), 0);
	assert_true(keep_fd(k) >= 0);
	keep_begin(k, &heartbeat, 8, 16);
	return k;
}

/* What a successor makes of it. */
static int find(const struct keep *k, const struct keep_owner *owner, struct keep_found *ret, const char **why)
{
	struct keep *left;
	int r, fd = fcntl(keep_fd(k), F_DUPFD_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(keep_adopt(fd, &left), 0);
	r = keep_read(left, owner, ret, why);
	(void)keep_free(left);
	return r;
}

static void assert_not_found(const struct keep *k, const struct keep_owner *owner, const char *reason)
{
	struct keep_found found, untouched;
	const char *why = NULL;

	memset(&found, 0xa5, sizeof(found));
	untouched = found;
	assert_int_equal(find(k, owner, &found, &why), -ESTALE);
	assert_memory_equal(&found, &untouched, sizeof(found));
	assert_string_equal(why, reason);
}

static void assert_states_equal(const struct keep_state *a, const struct keep_state *b)
{
	assert_memory_equal(a, b, sizeof(*a)); /* it has no padding, see keep.c */
}

static void put(const struct keep *k, size_t at, const void *from, size_t n)
{
	assert_int_equal(pwrite(keep_fd(k), from, n, (off_t)at), n);
}

static void get(const struct keep *k, size_t at, void *to, size_t n)
{
	assert_int_equal(pread(keep_fd(k), to, n, (off_t)at), n);
}

/* --- what is found --- */

static void a_channel_that_was_just_opened_is_found(void **state)
{
	struct keep *k = keep_of_channel();
	struct keep_found found;
	const char *why;

	(void)state;
	assert_int_equal(find(k, &heartbeat, &found, &why), 0);
	assert_int_equal(found.state.stage, KEEP_SETTLED);
	assert_int_equal(found.state.read, 8);
	assert_int_equal(found.state.write, 16);
	assert_int_equal(found.state.unsent, 0);
	assert_int_equal(found.answer.outcome, IC_NOT_NEGOTIATED);
	assert_int_equal(found.offer.message.n, 0);
	assert_string_equal(found.program, VMICD_VERSION);
	(void)keep_free(k);
}

static void what_was_noted_last_is_found(void **state)
{
	struct keep *k = keep_of_channel();
	struct keep_state s = some_state;
	struct keep_found found;
	const char *why;

	(void)state;
	memcpy(keep_buffer(k, 0), "an answer", 9);
	keep_note_negotiated(k, &s, &some_offer, &some_answer);
	for (uint32_t i = 0; i < 5; i++) {
		s.read = 8 * i;
		keep_note(k, &s);
		assert_int_equal(find(k, &heartbeat, &found, &why), 0);
		assert_states_equal(&found.state, &s);
		assert_memory_equal(&found.offer, &some_offer, sizeof(some_offer));
		assert_int_equal(found.answer.outcome, IC_AGREED);
		assert_int_equal(found.answer.counts[0], 1);
		assert_int_equal(found.answer.counts[1], 1);
		assert_true(ic_version_equal(found.answer.pair.framework, (struct ic_version){ 3, 0 }));
		assert_true(ic_version_equal(found.answer.pair.message, (struct ic_version){ 4, 0 }));
		assert_true(found.answer.unoffered);
		assert_false(found.answer.silent);
	}
	(void)keep_free(k);
}

/* A successor goes on writing, and has one itself. */
static void a_successor_goes_on_in_it(void **state)
{
	struct keep *k = keep_of_channel(), *left;
	struct keep_state s = some_state;
	struct keep_found found;
	const char *why;

	(void)state;
	memcpy(keep_buffer(k, 0), "an answer", 9);
	keep_note_negotiated(k, &s, &some_offer, &some_answer);
	assert_int_equal(keep_adopt(fcntl(keep_fd(k), F_DUPFD_CLOEXEC, 0), &left), 0);
	assert_int_equal(keep_read(left, &heartbeat, &found, &why), 0);
	assert_memory_equal(keep_buffer(left, found.state.in.buffer), "an answer", 9);
	s.read = 4000;
	keep_note(left, &s);
	assert_int_equal(find(k, &heartbeat, &found, &why), 0);
	assert_states_equal(&found.state, &s);
	assert_int_equal(found.offer.message.n, 3);
	(void)keep_free(left);
	(void)keep_free(k);
}

static void the_longest_lists_are_found(void **state)
{
	struct keep *k = keep_of_channel();
	struct ic_offer offer = { .framework.n = IC_OFFERED_MAX, .message.n = IC_OFFERED_MAX };
	struct keep_found found;
	const char *why;

	(void)state;
	for (uint16_t i = 0; i < IC_OFFERED_MAX; i++) {
		offer.framework.v[i] = (struct ic_version){ i, (uint16_t)(i + 1) };
		offer.message.v[i] = (struct ic_version){ (uint16_t)(1000 + i), 65535 };
	}
	keep_note_negotiated(k, &some_state, &offer, &some_answer);
	assert_int_equal(find(k, &heartbeat, &found, &why), 0);
	assert_memory_equal(&found.offer, &offer, sizeof(offer));
	(void)keep_free(k);
}

static void without_a_descriptor_it_works_all_the_same(void **state)
{
	struct keep_found found;
	const char *why;
	struct keep *k;

	(void)state;
	assert_int_equal(keep_new(false, &k), 0);
	assert_int_equal(keep_fd(k), -1);
	keep_begin(k, &heartbeat, 0, 0);
	keep_note(k, &some_state);
	memset(keep_buffer(k, 0), 1, IC_PAYLOAD_MAX);
	memset(keep_buffer(k, 1), 2, IC_PAYLOAD_MAX);
	assert_int_equal(keep_read(k, &heartbeat, &found, &why), 0);
	assert_states_equal(&found.state, &some_state);
	assert_null(keep_free(k));
	assert_null(keep_free(NULL));
}

/* --- what is not --- */

static void a_closed_channel_leaves_nothing(void **state)
{
	struct keep *k = keep_of_channel();

	(void)state;
	keep_end(k);
	assert_not_found(k, &heartbeat, "it does not hold any more");
	keep_begin(k, &heartbeat, 0, 0);
	keep_note(k, &some_state);
	keep_end(k);
	assert_not_found(k, &heartbeat, "it does not hold any more");
	(void)keep_free(k);
}

static void another_channel_is_another(void **state)
{
	struct keep *k = keep_of_channel();
	struct keep_owner other[6];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		other[i] = heartbeat;
	other[0].component = IC_KVP;
	other[1].relid++;
	other[2].ring_size = 4096;
	other[3].identity--;
	other[4].instance_id.b[15] = 1;
	other[5].policy++;
	for (size_t i = 0; i < 5; i++)
		assert_not_found(k, &other[i], "it is of another channel");
	assert_not_found(k, &other[5], "the configuration says something else now");
	(void)keep_free(k);
}

static void another_format_is_not_looked_at(void **state)
{
	static const size_t at[] = { HEADER + 8, HEADER + 15, HEADER + 16, HEADER + 19, HEADER + 20 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		struct keep *k = keep_of_channel();
		uint8_t byte;

		get(k, at[i], &byte, 1);
		byte++;
		put(k, at[i], &byte, 1);
		assert_not_found(k, &heartbeat, "it is of another format");
		(void)keep_free(k);
	}
}

/* Each byte of what counts, changed alone. */
static void what_is_damaged_is_noticed(void **state)
{
	struct keep *k = keep_of_channel();
	struct keep_found found;
	const char *why;
	uint8_t holds, byte, other;
	unsigned damaged = 0;

	(void)state;
	keep_note_negotiated(k, &some_state, &some_offer, &some_answer);
	get(k, HOLDS, &holds, 1);
	for (size_t at = 0; at < BUFFERS; at++) {
		int r;

		get(k, at, &byte, 1);
		other = byte ^ 0x40;
		put(k, at, &other, 1);
		r = find(k, &heartbeat, &found, &why);
		if (r < 0)
			damaged++;
		else
			assert_states_equal(&found.state, &some_state);
		put(k, at, &byte, 1);
	}
	/* which of two holds, the header, one record, one negotiation; not the others, nor what is unused */
	assert_int_equal(damaged, 4 + 104 + 96 + 840);
	assert_int_equal(find(k, &heartbeat, &found, &why), 0);
	(void)keep_free(k);
}

/* The Fowler-Noll-Vo hash of what follows it, as words. */
static void mend_sum(const struct keep *k, size_t at, size_t size)
{
	uint64_t sum = UINT64_C(14695981039346656037), word;

	for (size_t i = 8; i < size; i += 8) {
		get(k, at + i, &word, 8);
		sum = (sum ^ word) * UINT64_C(1099511628211);
	}
	put(k, at, &sum, 8);
}

/* As a predecessor with a bug would write it. */
static void what_cannot_be_is_not_believed(void **state)
{
	static const struct {
		size_t at; /* in the record, or behind it in the negotiation */
		uint32_t value;
	} row[] = {
		{ 8, 2 },             /* the third negotiation of two */
		{ 16 + 0, KEEP_STAGES }, { 16 + 0, UINT32_MAX },
		{ 16 + 20, KEEP_HOLDS }, { 16 + 20, UINT32_MAX },
		{ 16 + 32 + 8, IC_PAYLOAD_MAX + 1 }, { 16 + 32 + 8, UINT32_MAX },
		{ 16 + 32 + 16, KEEP_BUFFERS }, { 16 + 32 + 16, UINT32_MAX },
		{ 16 + 56 + 8, IC_PAYLOAD_MAX + 1 },
		{ 16 + 56 + 16, KEEP_BUFFERS }, { 16 + 56 + 16, 0 /* as in */ },
	};
	static const struct {
		size_t at;
		uint32_t value;
	} negotiated[] = {
		{ 8, IC_OFFERED_MAX + 1 }, { 8, UINT32_MAX }, { 12, IC_OFFERED_MAX + 1 }, { 12, UINT32_MAX },
		{ 816, IC_FORCED + 1 },    { 816, UINT32_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row) + ARRAY_LEN(negotiated); i++) {
		struct keep *k = keep_of_channel();
		uint32_t holds, which;
		size_t record, part;

		keep_note_negotiated(k, &some_state, &some_offer, &some_answer);
		get(k, HOLDS, &holds, 4);
		record = RECORDS + (holds - 1) * 96;
		get(k, record + 8, &which, 4);
		part = NEGOTIATED + which * 840;
		if (i < ARRAY_LEN(row)) {
			put(k, record + row[i].at, &row[i].value, 4);
			mend_sum(k, record, 96);
		} else {
			put(k, part + negotiated[i - ARRAY_LEN(row)].at, &negotiated[i - ARRAY_LEN(row)].value, 4);
			mend_sum(k, part, 840);
		}
		assert_not_found(k, &heartbeat, "it is damaged");
		(void)keep_free(k);
	}
}

/* A request cannot be in work that nobody holds. */
static void what_contradicts_itself_is_not_believed(void **state)
{
	struct keep *k = keep_of_channel();
	struct keep_state s = some_state;

	(void)state;
	s.stage = KEEP_HELD;
	s.hold = KEEP_HOLD_ANSWER;
	keep_note(k, &s);
	assert_not_found(k, &heartbeat, "it is damaged");
	s.hold = KEEP_HOLD_NOTHING;
	keep_note(k, &s);
	assert_not_found(k, &heartbeat, "it is damaged");
	(void)keep_free(k);
}

static void random_bytes_are_no_state(void **state)
{
	static uint8_t bytes[SIZE];
	struct keep *k = keep_of_channel();
	struct keep_found found;
	const char *why;
	uint64_t seed = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < BUFFERS; i++)
			bytes[i] = (uint8_t)next_random(&seed);
		if (round % 2) /* with what is looked at first as it should be */
			get(k, HEADER, bytes + HEADER, 104);
		bytes[HOLDS] = (uint8_t)(1 + round / 2 % 2);
		memset(bytes + HOLDS + 1, 0, 3);
		put(k, 0, bytes, HEADER);
		put(k, RECORDS, bytes + RECORDS, BUFFERS - RECORDS);
		if (round % 2 == 0) {
			struct keep *other;

			assert_int_equal(keep_new(true, &other), 0);
			put(other, 0, bytes, SIZE);
			assert_int_equal(find(other, &heartbeat, &found, &why), -ESTALE);
			(void)keep_free(other);
		}
		assert_int_equal(find(k, &heartbeat, &found, &why), -ESTALE);
	}
	(void)keep_free(k);
}

/* --- descriptors that are none of ours --- */

static int memory(size_t size, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* Memory that could be made smaller would be a SIGBUS one day. */
static void only_memory_that_stays_is_adopted(void **state)
{
	struct keep *untouched = (struct keep *)&untouched, *k = untouched;
	int pipes[2];
	const int fd[] = {
		memory(SIZE, 0), memory(SIZE, F_SEAL_GROW), memory(SIZE - 1, F_SEAL_SHRINK),
		memory(SIZE + 1, F_SEAL_SHRINK), memory(SIZE + 4096, F_SEAL_SHRINK), memory(0, F_SEAL_SHRINK),
		memory(SIZE, F_SEAL_SHRINK | F_SEAL_WRITE), open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		open("/dev/zero", O_RDWR | O_CLOEXEC), pipe2(pipes, O_CLOEXEC) == 0 ? pipes[0] : -1, -1,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fd); i++) {
		assert_true(keep_adopt(fd[i], &k) < 0);
		assert_ptr_equal(k, untouched);
		if (fd[i] >= 0)
			assert_int_equal(close(fd[i]), 0); /* it is still ours */
	}
	(void)close(pipes[1]);
	assert_int_equal(keep_adopt(memory(SIZE, F_SEAL_SHRINK), &k), 0);
	(void)keep_free(k);
}

static void its_own_memory_stays(void **state)
{
	struct keep *k = keep_of_channel();
	struct stat st;

	(void)state;
	assert_int_equal(fstat(keep_fd(k), &st), 0);
	assert_int_equal(st.st_size, SIZE);
	assert_true(st.st_blocks * 512 >= SIZE); /* allocated */
	assert_true(ftruncate(keep_fd(k), 100) < 0);
	assert_true(ftruncate(keep_fd(k), SIZE + 1) < 0);
	(void)keep_free(k);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_channel_that_was_just_opened_is_found),
		cmocka_unit_test(what_was_noted_last_is_found),
		cmocka_unit_test(a_successor_goes_on_in_it),
		cmocka_unit_test(the_longest_lists_are_found),
		cmocka_unit_test(without_a_descriptor_it_works_all_the_same),
		cmocka_unit_test(a_closed_channel_leaves_nothing),
		cmocka_unit_test(another_channel_is_another),
		cmocka_unit_test(another_format_is_not_looked_at),
		cmocka_unit_test(what_is_damaged_is_noticed),
		cmocka_unit_test(what_cannot_be_is_not_believed),
		cmocka_unit_test(what_contradicts_itself_is_not_believed),
		cmocka_unit_test(random_bytes_are_no_state),
		cmocka_unit_test(only_memory_that_stays_is_adopted),
		cmocka_unit_test(its_own_memory_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
