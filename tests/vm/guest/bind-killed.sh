# SPDX-License-Identifier: GPL-2.0-only
# vmic-bind is killed in the middle of taking and giving back, at any moment, and so is vmicd; the next run
# of vmic-bind makes good what was left. A device never stays without a driver.

modules hv_vmbus hv_utils uio uio_hv_generic
uio_nodes
nodes=$n
give_back heartbeat
remember
cut_short=0
for turn in $(seq 40); do
	for verb in take give-back; do
		vmic-bind "$verb" heartbeat >>/tmp/bind.log 2>&1 &
		usleep $((RANDOM * 10))
		kill -9 $! 2>/dev/null
		wait $!
		[ $? -ne 137 ] || cut_short=$((cut_short + 1))
		case $turn$verb in
		*0take)
			vmic-bind take heartbeat >>/tmp/bind.log 2>&1 || fail "take ended with $?"
			start_vmicd
			kill -9 "$vmicd"
			wait "$vmicd"
			;;
		esac
	done
	case $turn in
	*5) give_back heartbeat ;;
	esac
done
say "vmic-bind was cut short $cut_short times"
[ "$cut_short" -gt 20 ] || fail "it was not killed in the middle: $cut_short times only"
give_back heartbeat
nothing_lost
uio_nodes
[ "$n" -eq "$nodes" ] || fail "there are $n uio devices, and were $nodes"
settle
