# SPDX-License-Identifier: GPL-2.0-only
# The host takes the heartbeat away again and again. hv_utils is asked first when it is offered again, and
# "vmic-bind take --follow" takes the device from it; vm.served is how often vmicd must have come to answer.
# With vm.kill both are killed while that goes on, at any moment of what they do, so many times or more.

modules hv_vmbus hv_utils uio uio_hv_generic
uio_nodes
nodes=$n
vmic-bind give-back >/tmp/bind.log 2>&1 # what it touches first is not lost later; the host plays already
remember

# It ends when the first device that it tries is taken away meanwhile; a service manager would start it again.
start_follow() {
	vmic-bind take --follow heartbeat >>/tmp/bind.log 2>&1 &
	follow=$!
}

stop_follow() {
	kill "$follow"
	wait "$follow" || fail "vmic-bind take --follow ended with $?"
}

# is_calm: the heartbeat is with uio_hv_generic, and is the same as before a while
is_calm() {
	kill -0 "$follow" 2>/dev/null || start_follow
	device heartbeat
	[ "$d" ] && read -r id 2>/dev/null <"$d/id" && sleep 4 && read -r now 2>/dev/null <"$d/id" &&
		[ "$id" = "$now" ] && driver heartbeat && [ "$driver" = uio_hv_generic ]
}

start_follow
: >/tmp/vmicd.log
run_vmicd

# kill_both: until the same device has been there for a while
kill_both() {
	kills=0 same=0 last=
	while [ "$same" -lt 4 ]; do
		usleep $((RANDOM * 20))
		kill -9 "$follow" 2>/dev/null
		wait "$follow"
		start_follow
		usleep $((RANDOM * 20))
		kill -9 "$vmicd"
		wait "$vmicd"
		run_vmicd
		kills=$((kills + 2))
		device heartbeat
		id=
		[ -z "$d" ] || read -r id <"$d/id"
		[ "$id" ] && [ "$id" = "$last" ] && same=$((same + 1)) || same=0
		last=$id
	done 2>/dev/null # "Killed"
	say "$kills times killed"
	[ "$kills" -ge "$(parameter kill)" ] || fail "they were killed $kills times only"
}

[ -z "$(parameter kill)" ] || kill_both
wait_for 300 "the end of the host's game" is_calm
beats 2
count_served
answered=$n
say "vmicd has answered $answered times"
[ "$answered" -ge "$(parameter served)" ] || fail "vmicd has answered $answered times only"
mappings "$vmicd"
[ "$n" -eq 1 ] || fail "vmicd has $n mappings of uio devices"

# Both have what they have in a new life.
descriptors "$vmicd"
vmicd_had=$n
descriptors "$follow"
follow_had=$n
stop_follow
stop_vmicd
start_follow
start_vmicd
wait_for 30 "a new vmic-bind's descriptor $follow_had of $follow_had" has_descriptors "$follow" "$follow_had"
wait_for 30 "a new vmicd's descriptor $vmicd_had of $vmicd_had" has_descriptors "$vmicd" "$vmicd_had"
say "vmic-bind has $follow_had descriptors, vmicd $vmicd_had"
stop_follow
stop_vmicd
give_back heartbeat
# What is lost with each channel that vmicd had when the host took it: see rescind.sh.
nothing_lost $((answered * 4096)) $((answered * 4))
uio_nodes
[ "$n" -eq "$nodes" ] || fail "there are $n uio devices, and were $nodes"
settle
