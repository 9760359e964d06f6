# SPDX-License-Identifier: GPL-2.0-only
# The host takes the heartbeat away 200 times and offers it again; uio_hv_generic, which knows its class
# by new_id and is asked before hv_utils, has it each time, and vmicd serves it each time.

modules hv_vmbus uio uio_hv_generic
echo 57164f39-9115-4e78-ab55-382f3bd5422d >$bus/drivers/uio_hv_generic/new_id
modules hv_utils
expect_driver uio_hv_generic heartbeat
uio_nodes
nodes=$n
start_vmicd
wait_for 30 "the tenth channel" served 10
remember
count_served
left=$((201 - n))
wait_for 200 "the last channel" served 201
beats 2
# Linux loses the ring of a device that is rescinded while it is open: uio_unregister_device has forgotten
# the release callback by the time the node is closed, so the ring's GPADL is never torn down, and
# vmbus_free_ring keeps memory that the host may still have (drivers/hv/channel.c). Seen on 6.12, 7.2 and
# 7.3, with some 3 kB of objects.
nothing_lost $((left * 4096)) $((left * 4))
uio_nodes
[ "$n" -eq "$nodes" ] || fail "there are $n uio devices, and were $nodes"
mappings "$vmicd"
[ "$n" -eq 1 ] || fail "vmicd has $n mappings of uio devices"
descriptors "$vmicd"
had=$n
stop_vmicd
start_vmicd
beats 2
descriptors "$vmicd"
[ "$had" -eq "$n" ] || fail "vmicd had $had descriptors open, a new one has $n"
stop_vmicd
give_back heartbeat
settle
