# SPDX-License-Identifier: GPL-2.0-only
# What somebody has open is not taken from under him: Debian's daemon has /dev/vmbus/hv_kvp, and unbinding
# would hang; then a program that is not vmicd has a uio node, and unbinding would crash the guest at the
# next interrupt (uio_event_notify), while the host goes on with its heartbeats.

modules hv_vmbus hv_utils uio uio_hv_generic
hv_kvp_daemon
has_opened() {
	ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q "$1"
}
wait_for 60 "hv_kvp_daemon's opening" has_opened /dev/vmbus/hv_kvp # it looks for its name first
refused 'hv_kvp_daemon (pid [0-9]*) has /dev/vmbus/hv_kvp open' vmic-bind take kvp
expect_driver hv_utils kvp heartbeat
take heartbeat
start_vmicd
device heartbeat
for node in "$d"/uio/uio*; do node=/dev/${node##*/}; done
holder_has_opened() {
	ls -l "/proc/$holder/fd" | grep -q "$node"
}
sleep 1000 <"$node" &
holder=$!
wait_for 60 "the holder's opening" holder_has_opened
stop_vmicd # the channel stays open
refused "sleep (pid $holder) uses $node" vmic-bind give-back --wait=3 heartbeat
expect_driver uio_hv_generic heartbeat
sleep 8 # some heartbeats, which nobody reads: so there are no interrupts to count
kill "$holder"
wait "$holder"
give_back heartbeat
settle
