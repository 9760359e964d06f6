# SPDX-License-Identifier: GPL-2.0-only
# A kernel whose uio takes file copy by itself, and has network buffers for network cards only.

modules hv_vmbus hv_utils uio uio_hv_generic
expect_driver uio_hv_generic fcopy
expect_driver hv_utils heartbeat timesync shutdown
take heartbeat
grep -q 'Heartbeat: costs 4 MiB in one block; ' /tmp/bind.log || fail "the cost is said otherwise"
start_vmicd
settle
stop_vmicd
give_back
expect_driver hv_utils heartbeat
expect_driver uio_hv_generic fcopy
settle
