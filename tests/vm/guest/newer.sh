# SPDX-License-Identifier: GPL-2.0-only
# A kernel whose uio can carry components. Some give each device the buffers of a network card, which is
# said before it is paid for; on some uio_hv_generic takes file copy by itself, and what that device has
# shows it.

modules hv_vmbus hv_utils uio uio_hv_generic
cost='up to 51 MiB: 4 MiB in one block, on some kernels also 47 MiB of network buffers'
file_copy=
if for_file_copy uio_hv_generic; then
	file_copy=uio_hv_generic
	cost='4 MiB in one block'
	! has_buffers fcopy || cost='51 MiB: 4 MiB in one block and 47 MiB of network buffers'
fi
expect_driver "$file_copy" fcopy
expect_driver hv_utils heartbeat timesync shutdown
take heartbeat
say "it costs $cost"
grep -q "Heartbeat: costs $cost; " /tmp/bind.log || fail "the cost is said otherwise"
start_vmicd
settle
stop_vmicd
give_back
expect_driver hv_utils heartbeat
expect_driver "$file_copy" fcopy
settle
