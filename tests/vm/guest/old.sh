# SPDX-License-Identifier: GPL-2.0-only
# A kernel whose uio cannot carry integration components: vmic-bind says so, and all stays as it is. vmicd
# serves what can be served, the key-value pairs behind the kernel's driver.

modules hv_vmbus hv_utils uio uio_hv_generic
vmic-bind take heartbeat kvp timesync >/tmp/bind.log 2>&1
status=$?
[ "$status" -eq 1 ] || fail "vmic-bind take ended with $status"
grep -q 'Linux 6.10 or later is needed; hv_utils has it again' /tmp/bind.log || fail "it does not say why"
grep -q 'refused, as the one before' /tmp/bind.log || fail "it has tried the others as well"
expect_driver hv_utils heartbeat kvp timesync shutdown vss
[ -e /dev/vmbus/hv_kvp ] || fail "the key-value pairs' device is gone"
say "all is with hv_utils"
run_vmicd '[KVP]\nRoute=hv_utils\n'
wait_for 60 "the host's items" grep -q PhysicalHostNameFullyQualified /var/lib/hyperv/.kvp_pool_3
settle
stop_vmicd
