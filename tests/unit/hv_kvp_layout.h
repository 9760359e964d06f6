/* SPDX-License-Identifier: GPL-2.0-only */
/* Where everything is in a struct hv_kvp_msg, in bytes from its beginning; test_kvp_msg_layout.c holds
 * these numbers against the kernel's own header. */
#pragma once

#define MSG_SIZE 7432
#define AT_OPERATION 0
#define AT_POOL 1
#define AT_STATUS 0 /* of an answer: 4 bytes */

/* GET and SET */
#define AT_TYPE 4
#define AT_KEY_SIZE 8
#define AT_VALUE_SIZE 12
#define AT_KEY 16
#define AT_VALUE 528

#define AT_DELETE_KEY_SIZE 4
#define AT_DELETE_KEY 8

/* ENUMERATE */
#define AT_INDEX 4
#define AT_ENUMERATED_TYPE 8
#define AT_ENUMERATED_KEY_SIZE 12
#define AT_ENUMERATED_VALUE_SIZE 16
#define AT_ENUMERATED_KEY 20
#define AT_ENUMERATED_VALUE 532

/* GET_IP and SET_IP */
#define AT_ADAPTER 4
#define AT_FAMILY 260
#define AT_DHCP 261
#define AT_ADDRESSES 262
#define AT_SUBNETS 2310
#define AT_GATEWAYS 4358
#define AT_DNS 5382
#define AT_IP_END 7430

#define AT_VERSION 4 /* of a registration's answer */

#define KEY_FIELD 512
#define VALUE_FIELD 2048
#define ADAPTER_FIELD 256
#define LIST_FIELD 2048
#define GATEWAYS_FIELD 1024

#define OP_GET 0
#define OP_SET 1
#define OP_DELETE 2
#define OP_ENUMERATE 3
#define OP_GET_IP 4
#define OP_SET_IP 5
#define OP_REGISTER 100
