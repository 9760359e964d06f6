# SPDX-License-Identifier: GPL-2.0-only
# vmicd serves as the profile says that vm.profile names; then the kernel's own drivers again, with
# Debian's daemon for the key-value pairs.

modules hv_vmbus hv_utils uio uio_hv_generic
take heartbeat kvp timesync
start_vmicd "[Negotiation]\nProfile=$(parameter profile)\n"
settle
say "settled with vmicd"
stop_vmicd
give_back
expect_driver hv_utils heartbeat kvp timesync shutdown vss
hv_kvp_daemon
settle
