/* SPDX-License-Identifier: GPL-2.0-only */
/* What the KVP service is given: five pools of three kinds, and the addresses. */
#include "daemon/kvp_data.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/alloc_count.h"
#include "tests/unit/temp_dir.h"

static char applied[64];
static bool no_netlink;

struct fixture {
	struct temp_dir root;
	char pools[128];
	int result; /* of apply */
	unsigned changes, changed;
	unsigned told;
	enum kvp_data_part part;
	int error;
	struct kvp_data_options options;
	struct kvp_data *data;
};

/* Ours instead of the C library's: a kernel that has no netlink for us. */
int socket(int domain, int type, int protocol)
{
	if (no_netlink && domain == AF_NETLINK) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return (int)syscall(SYS_socket, domain, type, protocol);
}

static int apply(void *user, const char *interface, const struct kvp_ip *ip)
{
	const struct fixture *f = user;

	(void)snprintf(applied, sizeof(applied), "%s %u", interface, ip->n_ipv4);
	return f->result;
}

static void note_failed(void *user, enum kvp_data_part part, int error)
{
	struct fixture *f = user;

	f->told++;
	f->part = part;
	f->error = error;
}

static void note_changed(void *user, unsigned pool)
{
	struct fixture *f = user;

	f->changes++;
	f->changed = pool;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->root = temp_dir_new();
	temp_dir_path(&f->root, "hyperv", f->pools, sizeof(f->pools));
	f->options = (struct kvp_data_options){
		.pool_directory = f->pools,
		.root = f->root.path,
		.services_version = "10.1",
		.apply_ip = apply,
		.changed = note_changed,
		.failed = note_failed,
		.user = f,
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	kvp_data_free(f->data);
	temp_dir_done(&f->root);
	free(f);
	return 0;
}

static void the_directory_and_five_files_are_made(void **state)
{
	struct fixture *f = *state;
	mode_t old = umask(077);
	struct stat st;
	char path[192];

	assert_int_equal(kvp_data_new(&f->options, &f->data), 0);
	kvp_data_make_pools(f->data);
	(void)umask(old);
	assert_int_equal(f->told, 0);
	assert_int_equal(stat(f->pools, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	for (int i = 0; i < 5; i++) {
		(void)snprintf(path, sizeof(path), "%s/.kvp_pool_%d", f->pools, i);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode, S_IFREG | 0644);
	}
	(void)snprintf(path, sizeof(path), "%s/.kvp_pool_5", f->pools);
	assert_int_equal(stat(path, &st), -1);
}

static void each_pool_answers_as_its_kind(void **state)
{
	static const struct kvp_record record = { .key = "key", .value = "value" };
	static const bool is_file[] = { true, true, false, true };
	struct fixture *f = *state;
	const struct kvp_ops *ops = &kvp_data_ops;
	struct kvp_record r;

	assert_int_equal(kvp_data_new(&f->options, &f->data), 0);
	kvp_data_make_pools(f->data);
	for (unsigned pool = 0; pool < 256; pool++) {
		int no_file = pool == 2 ? -EACCES : -EINVAL;
		bool file = pool < ARRAY_LEN(is_file) && is_file[pool];

		assert_int_equal(ops->set(f->data, pool, &record), file ? 0 : no_file);
		r = record;
		r.value[0] = '\0';
		assert_int_equal(ops->get(f->data, pool, &r), file	  ? 0 :
							      pool == 2 ? -ENOENT :
									  -EINVAL);
		if (file)
			assert_memory_equal(&r, &record, sizeof(r));
		assert_int_equal(ops->enumerate(f->data, pool, 0, &r), pool < 4 ? 0 : -EINVAL);
		if (pool < 4)
			assert_string_equal(r.key, file ? "key" : "FullyQualifiedDomainName");
		if (pool < 4)
			assert_int_equal(ops->enumerate(f->data, pool, 20, &r), -ENODATA);
		assert_int_equal(ops->remove(f->data, pool, "key"), file ? 0 : no_file);
		if (file)
			assert_int_equal(ops->remove(f->data, pool, "key"), -ENOENT);
	}
}

static void a_change_that_was_made_is_told(void **state)
{
	static const struct kvp_record record = { .key = "key", .value = "value" };
	struct fixture *f = *state;
	struct kvp_record r = record;

	assert_int_equal(kvp_data_new(&f->options, &f->data), 0);
	kvp_data_make_pools(f->data);
	assert_int_equal(kvp_data_ops.set(f->data, 3, &record), 0);
	assert_int_equal(f->changes, 1);
	assert_int_equal(f->changed, 3);
	assert_int_equal(kvp_data_ops.get(f->data, 3, &r), 0);
	assert_int_equal(kvp_data_ops.remove(f->data, 1, "key"), -ENOENT);
	assert_int_equal(kvp_data_ops.set(f->data, 2, &record), -EACCES);
	assert_int_equal(f->changes, 1);
	assert_int_equal(kvp_data_ops.remove(f->data, 3, "key"), 0);
	assert_int_equal(f->changes, 2);
}

static int count_one(void *user, const struct kvp_record *record)
{
	unsigned *n = user;

	assert_true(record->key[0] != '\0');
	return ++*n == 5 ? 1 : 0;
}

static void each_pool_is_handed_on_whole(void **state)
{
	static const struct kvp_record record = { .key = "key", .value = "value" };
	struct fixture *f = *state;

	assert_int_equal(kvp_data_new(&f->options, &f->data), 0);
	kvp_data_make_pools(f->data);
	assert_int_equal(kvp_data_ops.set(f->data, 1, &record), 0);
	for (unsigned pool = 0; pool < 256; pool++) {
		unsigned n = pool == 2 ? 5 : 0; /* not to be stopped at the fifth fact */

		assert_int_equal(kvp_data_each(f->data, pool, count_one, &n), pool < 4 ? 0 : -EINVAL);
		assert_int_equal(n, pool == 1 ? 1 : pool == 2 ? 15 : 0);
	}
	assert_int_equal(kvp_data_each(f->data, 2, count_one, &(unsigned){ 0 }), 1);
}

static void pools_are_apart(void **state)
{
	static const struct kvp_record record = { .key = "key", .value = "value" };
	struct fixture *f = *state;
	struct kvp_record r = record;

	assert_int_equal(kvp_data_new(&f->options, &f->data), 0);
	kvp_data_make_pools(f->data);
	assert_int_equal(kvp_data_ops.set(f->data, 1, &record), 0);
	assert_int_equal(kvp_data_ops.get(f->data, 0, &r), -ENOENT);
	assert_int_equal(kvp_data_ops.get(f->data, 3, &r), -ENOENT);
	assert_int_equal(kvp_data_ops.get(f->data, 1, &r), 0);
}

static void a_dry_run_makes_nothing(void **state)
{
	static const struct kvp_record record = { .key = "key", .value = "value" };
	struct fixture *f = *state;
	struct kvp_record r = record;
	struct stat st;

	f->options.dry_run = true;
	assert_int_equal(kvp_data_new(&f->options, &f->data), 0);
	kvp_data_make_pools(f->data);
	assert_int_equal(f->told, 0);
	assert_int_equal(kvp_data_ops.set(f->data, 0, &record), 0);
	assert_int_equal(kvp_data_ops.get(f->data, 0, &r), 0);
	assert_int_equal(stat(f->pools, &st), -1);
}

static void an_unusable_directory_is_told_once_and_tried_again(void **state)
{
	static const struct kvp_record record = { .key = "key", .value = "value" };
	struct fixture *f = *state;
	struct kvp_record r = record;

	temp_dir_put(&f->root, "hyperv", "a file");
	assert_int_equal(kvp_data_new(&f->options, &f->data), 0);
	kvp_data_make_pools(f->data);
	assert_int_equal(f->told, 1);
	assert_int_equal(f->part, KVP_DATA_POOLS);
	assert_int_equal(f->error, -ENOTDIR);
	assert_int_equal(kvp_data_ops.get(f->data, 0, &r), -ENOTDIR);
	assert_int_equal(kvp_data_ops.set(f->data, 0, &record), -ENOTDIR);
	assert_int_equal(kvp_data_ops.enumerate(f->data, 0, 0, &r), -ENOTDIR);
	/* The rest works. */
	assert_int_equal(kvp_data_ops.enumerate(f->data, 2, 0, &r), 0);

	/* A directory that is missing is a failure, and not a key that is not there. */
	assert_int_equal(unlink(f->pools), 0);
	assert_int_equal(kvp_data_ops.set(f->data, 0, &record), -ENOTDIR);
	assert_int_equal(mkdir(f->pools, 0755), 0);
	assert_int_equal(kvp_data_ops.set(f->data, 0, &record), 0);
	temp_dir_done(&f->root);
	f->root = temp_dir_new();
	assert_int_equal(kvp_data_ops.set(f->data, 0, &record), -ENOTDIR);
	assert_int_equal(f->told, 1); /* what a request's errno says is not told besides */
}

static void a_network_that_does_not_answer_is_told_once(void **state)
{
	struct fixture *f = *state;
	struct kvp_record r = { .key = "NetworkAddressIPv4", .value = "stale" };

	no_netlink = true;
	assert_int_equal(kvp_data_new(&f->options, &f->data), 0);
	kvp_data_make_pools(f->data);
	assert_int_equal(f->told, 0);
	assert_int_equal(kvp_data_ops.get(f->data, 2, &r), 0);
	assert_string_equal(r.value, "");
	assert_int_equal(kvp_data_ops.get(f->data, 2, &r), 0);
	assert_int_equal(f->told, 1);
	assert_int_equal(f->part, KVP_DATA_NETWORK);
	assert_int_equal(f->error, -EAFNOSUPPORT);

	no_netlink = false;
	assert_int_equal(kvp_data_ops.get(f->data, 2, &r), 0);
	assert_int_equal(f->told, 1);
}

static void addresses_are_applied_to_the_devices_interface(void **state)
{
	struct fixture *f = *state;
	struct kvp_ip ip = { .adapter_id = "{F8615163-DF3E-46c5-913F-F2D2F965ED0E}", .n_ipv4 = 3 };

	temp_dir_put(&f->root, "sys/class/net/eth3/device/device_id",
		     "{f8615163-df3e-46c5-913f-f2d2f965ed0e}\n");
	assert_int_equal(kvp_data_new(&f->options, &f->data), 0);
	kvp_data_make_pools(f->data);
	assert_int_equal(kvp_data_ops.set_ip(f->data, &ip), 0);
	assert_string_equal(applied, "eth3 3");
	f->result = -EBUSY;
	assert_int_equal(kvp_data_ops.set_ip(f->data, &ip), -EBUSY);
	applied[0] = '\0';
	ip.adapter_id[1] = '0';
	assert_int_equal(kvp_data_ops.set_ip(f->data, &ip), -ENOENT);
	assert_string_equal(applied, "");
	strcpy(ip.adapter_id, "02:15:5d:00:00:01");
	assert_int_equal(kvp_data_ops.set_ip(f->data, &ip), -ENOENT);

	kvp_data_free(f->data);
	f->options.apply_ip = NULL;
	assert_int_equal(kvp_data_new(&f->options, &f->data), 0);
	kvp_data_make_pools(f->data);
	strcpy(ip.adapter_id, "f8615163-df3e-46c5-913f-f2d2f965ed0e");
	assert_int_equal(kvp_data_ops.set_ip(f->data, &ip), -EOPNOTSUPP);
}

static void what_cannot_be_made_is_refused(void **state)
{
	struct fixture *f = *state;

	f->options.root = "/nonexistent";
	assert_int_equal(kvp_data_new(&f->options, &f->data), -ENOENT);
	assert_null(f->data);
	assert_null(kvp_data_free(NULL));
}

static void no_request_allocates(void **state)
{
	static const struct kvp_record record = { .key = "key", .value = "value" };
	struct fixture *f = *state;
	static struct kvp_ip ip;
	struct kvp_record r = record;
	size_t allocated;
	int failed = 0;

	assert_int_equal(kvp_data_new(&f->options, &f->data), 0);
	kvp_data_make_pools(f->data);
	alloc_count_check();
	allocated = alloc_count;
	failed |= kvp_data_ops.set(f->data, 0, &record);
	failed |= kvp_data_ops.get(f->data, 0, &r);
	failed |= kvp_data_ops.enumerate(f->data, 0, 0, &r);
	for (uint32_t i = 0; i < 10; i++)
		failed |= kvp_data_ops.enumerate(f->data, 2, i, &r);
	failed |= kvp_data_ops.remove(f->data, 0, "key");
	strcpy(ip.adapter_id, "00:11:22:33:44:55");
	failed |= kvp_data_ops.get_ip(f->data, &ip) != -ENODEV;
	failed |= kvp_data_ops.set_ip(f->data, &ip) != -ENOENT;
	assert_int_equal(alloc_count, allocated);
	assert_int_equal(failed, 0);
	assert_int_equal(f->told, 0);
}

int main(void)
{
#define DATA_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		DATA_TEST(the_directory_and_five_files_are_made),
		DATA_TEST(each_pool_answers_as_its_kind),
		DATA_TEST(a_change_that_was_made_is_told),
		DATA_TEST(each_pool_is_handed_on_whole),
		DATA_TEST(pools_are_apart),
		DATA_TEST(a_dry_run_makes_nothing),
		DATA_TEST(an_unusable_directory_is_told_once_and_tried_again),
		DATA_TEST(a_network_that_does_not_answer_is_told_once),
		DATA_TEST(addresses_are_applied_to_the_devices_interface),
		DATA_TEST(what_cannot_be_made_is_refused),
		DATA_TEST(no_request_allocates),
	};

	return cmocka_run_group_tests_name("kvp_data", tests, NULL, NULL);
}
