# SPDX-License-Identifier: GPL-2.0-only
# vmicd is killed and told to end, 50 times in all, by a service manager that keeps its descriptors (keeper,
# in systemd's place) while the host goes on sending; it is stuck at first, and has to be given them when it is not. Then it is stopped for good. The host may notice
# nothing before that but one thing: that another profile is set before the first of these times, which
# holds for all of them.

modules hv_vmbus hv_utils uio uio_hv_generic
take heartbeat timesync
printf '[Daemon]\nLogLevel=debug\n[Negotiation]\nProfile=newest\n' >/tmp/vmicd.conf
run_bus
keeper --times 50 --first 600000 --every 700 --deaf 5000 -- vmicd --config /tmp/vmicd.conf >/tmp/keeper.log 2>/tmp/vmicd.log &
keeper=$!
wait_for 60 "vmicd's answer to the heartbeat channel" served 1
wait_for 60 "the service manager" grep -q "reads again what it is told" /tmp/vmicd.log
vmicctl profile legacy >/tmp/ctl.log 2>&1 || fail "vmicctl profile legacy ended with $?"
vmicctl health critical >>/tmp/ctl.log 2>&1 || fail "vmicctl health critical ended with $?"
kill -USR1 "$keeper"
# Whoever would move a device now must see that it is in use, with and without a vmicd.
for _ in 1 2 3 4 5; do
	for name in heartbeat timesync; do
		device "$name"
		read -r state <"$d/state"
		[ "$state" = 3 ] || fail "$name is in state $state while vmicd is started again"
	done
	sleep 1.3
done
wait_for 300 "the last start" grep -q "started 51 times" /tmp/keeper.log
served 2 && fail "vmicd has negotiated the heartbeat $n times"
count=$(grep -c "going on with that" /tmp/vmicd.log)
[ "$count" -eq 100 ] || fail "$count of 100 channels were taken over"
vmicctl profile 2>>/tmp/ctl.log | grep -q '^\* legacy ' || fail "another profile is in force in the end"
[ "$(vmicctl health 2>>/tmp/ctl.log)" = critical ] || fail "the applications are well in the end"
interrupts heartbeat
beats 2
descriptors "$keeper"
say "keeper has $n descriptors, $(cat /tmp/keeper.log)"

# Stopped for good, and only then are they closed.
kill "$keeper"
wait "$keeper" || fail "keeper ended with $?"
for name in heartbeat timesync; do
	device "$name"
	read -r state <"$d/state"
	[ "$state" = 2 ] || fail "$name is in state $state after the end"
done
give_back heartbeat timesync
# Heartbeats are no news, and the host reports when there was none for three seconds.
beats 15
settle
