/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pool file with any content, and any operations on it, beside a model of what must come of them:
 * an array of records, changed in the plainest way.
 *
 * Input: 1 byte mode (bit 0: private), 1 byte number of operations, per operation 1 byte kind and
 * 1 byte length of a key with the key behind it; the rest is the file.
 */
#include "daemon/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORD 2560
#define KEY 512
#define MODEL_RECORDS 64

#define CHECK(x)                                                                   \
	do {                                                                       \
		if (!(x)) {                                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
			abort();                                                   \
		}                                                                  \
	} while (0)

struct model {
	size_t n;
	uint8_t records[MODEL_RECORDS][RECORD];
};

/* In memory where there is such a directory: a removal waits for the disk. */
static char directory[64];

static void remove_directory(void)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/.kvp_pool_0", directory);
	(void)unlink(path);
	(void)rmdir(directory);
}

static void make_directory(void)
{
	static const char *const places[] = { "/dev/shm", "/tmp" };
	bool made = false;

	for (size_t i = 0; i < ARRAY_LEN(places) && !made; i++) {
		(void)snprintf(directory, sizeof(directory), "%s/fuzz_pool-XXXXXX", places[i]);
		made = mkdtemp(directory) != NULL;
	}
	CHECK(made);
	CHECK(atexit(remove_directory) == 0);
}

static void write_file(const uint8_t *data, size_t size)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/.kvp_pool_0", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	CHECK(fd >= 0);
	CHECK(write(fd, data, size) == (ssize_t)size);
	close(fd);
}

/* What is shown of a field: up to its NUL, and always one. */
static void shown(const uint8_t *field, size_t size, char *to)
{
	memset(to, 0, size);
	for (size_t i = 0; i < size - 1 && field[i] != 0; i++)
		to[i] = (char)field[i];
}

static size_t model_find(const struct model *m, const char *key)
{
	char is[KEY];
	size_t i;

	for (i = 0; i < m->n; i++) {
		shown(m->records[i], KEY, is);
		if (strcmp(is, key) == 0)
			break;
	}
	return i;
}

static void model_set(struct model *m, const struct kvp_record *r)
{
	size_t i = model_find(m, r->key);

	if (i == m->n)
		m->n++;
	memcpy(m->records[i], r, RECORD);
}

static bool model_remove(struct model *m, const char *key)
{
	bool any = false;
	size_t i;

	while ((i = model_find(m, key)) < m->n) {
		memmove(m->records[i], m->records[i + 1], (m->n - i - 1) * RECORD);
		m->n--;
		any = true;
	}
	return any;
}

static void check_all(struct pool *p, const struct model *m)
{
	struct kvp_record r, expected;

	for (size_t i = 0; i < m->n; i++) {
		CHECK(pool_enumerate(p, (uint32_t)i, &r) == 0);
		shown(m->records[i], KEY, expected.key);
		shown(m->records[i] + KEY, RECORD - KEY, expected.value);
		CHECK(memcmp(&r, &expected, RECORD) == 0);
	}
	CHECK(pool_enumerate(p, (uint32_t)m->n, &r) == -ENODATA);
}

static void check_get(struct pool *p, const struct model *m, struct kvp_record *r)
{
	size_t i = model_find(m, r->key);
	char expected[RECORD - KEY];

	CHECK(pool_get(p, r) == (i < m->n ? 0 : -ENOENT));
	if (i == m->n)
		return;
	shown(m->records[i] + KEY, RECORD - KEY, expected);
	CHECK(memcmp(r->value, expected, sizeof(expected)) == 0);
}

static void operate(struct pool *p, struct model *m, uint8_t kind, const uint8_t *key, size_t len)
{
	struct kvp_record r = { .value = "value" };

	memcpy(r.key, key, len);
	switch (kind % 4) {
	case 0:
		check_get(p, m, &r);
		break;
	case 1:
		if (m->n == MODEL_RECORDS)
			break;
		r.value[5] = (char)kind;
		CHECK(pool_set(p, &r) == 0);
		model_set(m, &r);
		break;
	case 2:
		CHECK(pool_remove(p, r.key) == (model_remove(m, r.key) ? 0 : -ENOENT));
		break;
	case 3: /* the key of a record that is there, however it looks */
		if (m->n == 0)
			break;
		shown(m->records[kind / 4 % m->n], KEY, r.key);
		CHECK(pool_remove(p, r.key) == 0);
		CHECK(model_remove(m, r.key));
		break;
	}
	check_all(p, m);
}

struct input {
	const uint8_t *p;
	size_t left;
};

static uint8_t take(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->p++;
}

/* Steps over the operations to the file behind them. */
static struct input file_of(struct input in, unsigned n_operations)
{
	for (unsigned i = 0; i < n_operations; i++) {
		size_t len;

		(void)take(&in);
		len = take(&in);
		len = len < in.left ? len : in.left;
		in.p += len;
		in.left -= len;
	}
	return in;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct model m;
	struct input in = { data, size }, file;
	enum pool_mode mode = take(&in) % 2 ? POOL_PRIVATE : POOL_SHARED;
	unsigned n_operations = take(&in) % 16;
	struct pool *p;

	if (directory[0] == '\0')
		make_directory();
	file = file_of(in, n_operations);
	if (file.left >= (MODEL_RECORDS / 2 + 1) * RECORD)
		return 0;
	write_file(file.p, file.left);
	m.n = file.left / RECORD;
	for (size_t i = 0; i < m.n; i++)
		memcpy(m.records[i], file.p + i * RECORD, RECORD);

	CHECK(pool_new(directory, 0, mode, &p) == 0);
	check_all(p, &m);
	for (unsigned i = 0; i < n_operations; i++) {
		uint8_t kind = take(&in);
		size_t len = take(&in);

		len = len < in.left ? len : in.left;
		operate(p, &m, kind, in.p, len);
		in.p += len;
		in.left -= len;
	}
	pool_free(p);
	return 0;
}
