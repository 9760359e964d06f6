/* SPDX-License-Identifier: GPL-2.0-only */
/* The numbers of hv_kvp_layout.h are those of the kernel's header. Nothing of hv_util is included:
 * the two have names in common. */
#include <linux/hyperv.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/hv_kvp_layout.h"

#define AT(member) offsetof(struct hv_kvp_msg, member)
#define SIZE(member) sizeof(((struct hv_kvp_msg *)NULL)->member)

static void the_offsets_are_the_kernels(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct hv_kvp_msg), MSG_SIZE);
	assert_int_equal(AT(kvp_hdr.operation), AT_OPERATION);
	assert_int_equal(AT(kvp_hdr.pool), AT_POOL);
	assert_int_equal(AT(error), AT_STATUS);
	assert_int_equal(AT(body.kvp_get.data.value_type), AT_TYPE);
	assert_int_equal(AT(body.kvp_set.data.value_type), AT_TYPE);
	assert_int_equal(AT(body.kvp_set.data.key_size), AT_KEY_SIZE);
	assert_int_equal(AT(body.kvp_set.data.value_size), AT_VALUE_SIZE);
	assert_int_equal(AT(body.kvp_set.data.key), AT_KEY);
	assert_int_equal(AT(body.kvp_set.data.value), AT_VALUE);
	assert_int_equal(AT(body.kvp_delete.key_size), AT_DELETE_KEY_SIZE);
	assert_int_equal(AT(body.kvp_delete.key), AT_DELETE_KEY);
	assert_int_equal(AT(body.kvp_enum_data.index), AT_INDEX);
	assert_int_equal(AT(body.kvp_enum_data.data.value_type), AT_ENUMERATED_TYPE);
	assert_int_equal(AT(body.kvp_enum_data.data.key_size), AT_ENUMERATED_KEY_SIZE);
	assert_int_equal(AT(body.kvp_enum_data.data.value_size), AT_ENUMERATED_VALUE_SIZE);
	assert_int_equal(AT(body.kvp_enum_data.data.key), AT_ENUMERATED_KEY);
	assert_int_equal(AT(body.kvp_enum_data.data.value), AT_ENUMERATED_VALUE);
	assert_int_equal(AT(body.kvp_ip_val.adapter_id), AT_ADAPTER);
	assert_int_equal(AT(body.kvp_ip_val.addr_family), AT_FAMILY);
	assert_int_equal(AT(body.kvp_ip_val.dhcp_enabled), AT_DHCP);
	assert_int_equal(AT(body.kvp_ip_val.ip_addr), AT_ADDRESSES);
	assert_int_equal(AT(body.kvp_ip_val.sub_net), AT_SUBNETS);
	assert_int_equal(AT(body.kvp_ip_val.gate_way), AT_GATEWAYS);
	assert_int_equal(AT(body.kvp_ip_val.dns_addr), AT_DNS);
	assert_int_equal(AT(body.kvp_ip_val) + SIZE(body.kvp_ip_val), AT_IP_END);
	assert_int_equal(AT(body.kvp_register.version), AT_VERSION);
}

static void the_sizes_and_numbers_are_the_kernels(void **state)
{
	(void)state;
	assert_int_equal(SIZE(body.kvp_set.data.key), KEY_FIELD);
	assert_int_equal(SIZE(body.kvp_set.data.value), VALUE_FIELD);
	assert_int_equal(SIZE(body.kvp_delete.key), KEY_FIELD);
	assert_int_equal(SIZE(body.kvp_ip_val.adapter_id), ADAPTER_FIELD);
	assert_int_equal(SIZE(body.kvp_ip_val.ip_addr), LIST_FIELD);
	assert_int_equal(SIZE(body.kvp_ip_val.sub_net), LIST_FIELD);
	assert_int_equal(SIZE(body.kvp_ip_val.gate_way), GATEWAYS_FIELD);
	assert_int_equal(SIZE(body.kvp_ip_val.dns_addr), LIST_FIELD);
	assert_int_equal(KVP_OP_GET, OP_GET);
	assert_int_equal(KVP_OP_SET, OP_SET);
	assert_int_equal(KVP_OP_DELETE, OP_DELETE);
	assert_int_equal(KVP_OP_ENUMERATE, OP_ENUMERATE);
	assert_int_equal(KVP_OP_GET_IP_INFO, OP_GET_IP);
	assert_int_equal(KVP_OP_SET_IP_INFO, OP_SET_IP);
	assert_int_equal(KVP_OP_REGISTER1, OP_REGISTER);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_offsets_are_the_kernels),
		cmocka_unit_test(the_sizes_and_numbers_are_the_kernels),
	};

	return cmocka_run_group_tests_name("kvp_msg_layout", tests, NULL, NULL);
}
