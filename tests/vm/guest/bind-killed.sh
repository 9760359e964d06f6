# SPDX-License-Identifier: GPL-2.0-only
# vmic-bind is killed in the middle of taking and giving back, 200 times, at any moment, and now and then
# vmicd too; the next run of vmic-bind makes good what was left. A device never stays without a driver.

modules hv_vmbus hv_utils uio uio_hv_generic
uio_nodes
nodes=$n

# now: sets now to hundredths of a second
now() {
	read -r now _ </proc/uptime
	now=${now%.*}${now#*.}
}

# move VERB: starts it
move() {
	vmic-bind "$1" heartbeat >>/tmp/bind.log 2>&1 &
}

# measure: sets lasts to the microseconds that one lasts, here and now: the delays are drawn from that.
measure() {
	now
	began=$now
	for verb in take give-back take give-back; do
		move "$verb"
		wait $! || fail "vmic-bind $verb ended with $?"
	done
	now
	lasts=$(((now - began) * 10000 / 4))
}

measure
remember
cut_short=0
for turn in $(seq 100); do
	for verb in take give-back; do
		move "$verb"
		usleep $((RANDOM * lasts / 32768))
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
	*5)
		give_back heartbeat
		measure
		;;
	esac
done 2>/dev/null # "Killed"
say "vmic-bind lasts $lasts us, and was cut short $cut_short times of 200"
# The delays are shorter than what it lasts on average.
[ "$cut_short" -ge 100 ] || fail "it was not killed in the middle: $cut_short times only"
give_back heartbeat
nothing_lost
uio_nodes
[ "$n" -eq "$nodes" ] || fail "there are $n uio devices, and were $nodes"
settle
