# SPDX-License-Identifier: GPL-2.0-only
# vmicd is killed while it serves: what it had goes back all the same.

modules hv_vmbus hv_utils uio uio_hv_generic
take heartbeat timesync
start_vmicd
beats 2
kill -9 "$vmicd"
wait "$vmicd"
give_back heartbeat timesync
settle
