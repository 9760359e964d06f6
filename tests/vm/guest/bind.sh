# SPDX-License-Identifier: GPL-2.0-only
# The heartbeat is taken and given back 200 times; every tenth time vmicd serves it.

modules hv_vmbus hv_utils uio uio_hv_generic
uio_nodes
nodes=$n
for turn in $(seq 200); do
	vmic-bind take heartbeat >/tmp/bind.log 2>&1 || fail "take $turn ended with $?"
	expect_driver uio_hv_generic heartbeat
	case $turn in
	*0)
		start_vmicd
		stop_vmicd
		;;
	esac
	vmic-bind give-back heartbeat >/tmp/bind.log 2>&1 || fail "give-back $turn ended with $?"
	expect_driver hv_utils heartbeat
	[ "$turn" -ne 10 ] || remember
done
nothing_lost
uio_nodes
[ "$n" -eq "$nodes" ] || fail "there are $n uio devices, and were $nodes"
settle
