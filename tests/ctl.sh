#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# ctl.sh BUILD: what the manual of vmicctl gives as its example, with the real daemon at a simulated host, on a
# message bus of its own: a guest with a mismatch, the newest guest, which has none, and back. On the way it is killed,
# which changes nothing of that.
set -eu

if [ "${1:-}" != --inside ]; then
	exec dbus-run-session -- sh "$0" --inside "$@"
fi
build=$2
export DBUS_SYSTEM_BUS_ADDRESS="$DBUS_SESSION_BUS_ADDRESS"
dir=$(mktemp -d)
pids=
# shellcheck disable=SC2064,SC2086 # the directory as it is called now; words are meant to split
trap "kill \$pids 2>/dev/null || :; wait; rm -rf $dir" EXIT

fail() {
	echo "ctl.sh: $1" >&2
	cat "$dir"/* >&2 2>/dev/null || :
	exit 1
}

# sees TEXT TRIES: whether the host reports it, or does within so many tenths of a second.
sees() {
	for _ in $(seq "$2"); do
		"$build/vmicctl" status >"$dir/status" 2>&1 && grep -q "$1" "$dir/status" && return
		sleep 0.1
	done
	return 1
}

printf '[KVP]\nPoolDirectory=%s/pools\n' "$dir" >"$dir/conf"
"$build/vmichost" run --release 2019 --socket "$dir/host" --heartbeat-ms 200 --for 600 >"$dir/host.log" 2>&1 &
pids="$pids $!"
for _ in $(seq 100); do
	[ -S "$dir/host" ] && break
	sleep 0.1
done
"$build/keeper" --times 1 --first 600000 --how kill -- \
	"$build/vmicd" --dry-run --config="$dir/conf" --transport="socket:$dir/host" >"$dir/vmicd.log" 2>&1 &
keeper=$!
pids="$pids $keeper"

mismatch='Time Synchronization .* OK .* 3.0/3.0 .*The protocol version of the component installed'
none='Time Synchronization .* OK  *3.0/4.0 '

sees "$mismatch" 200 || fail "the legacy guest has no mismatch"
grep -q 'Host: offers what a host of release .*2019' "$dir/status" || fail "the host is not known"
grep -q 'Key-Value Pair Exchange .* 3.0/5.0' "$dir/status" || fail "key-value pairs are not agreed on"

"$build/vmicctl" profile newest >"$dir/out" || fail "the profile cannot be changed"
[ "$(cat "$dir/out")" = 'Time Synchronization: agreed on 3.0/4.0' ] || fail "it is not said what came out"
sees "$none" 20 || fail "the newest guest has a mismatch after two seconds"
"$build/vmicctl" profile | grep -q '^\* newest ' || fail "the profile is not marked"
"$build/vmicctl" health critical && [ "$("$build/vmicctl" health)" = critical ] || fail "the health is not kept"

kill -USR1 "$keeper"
for _ in $(seq 100); do
	[ "$(grep -c 'vmicd: vmicd ' "$dir/vmicd.log")" -eq 2 ] && break
	sleep 0.1
done
sees "$none" 100 || fail "the profile that was set is lost with the process"
[ "$("$build/vmicctl" health)" = critical ] || fail "the health is lost with the process"

"$build/vmicctl" profile legacy >"$dir/out" || fail "the profile cannot be changed back"
sees "$mismatch" 20 || fail "the mismatch is not back after two seconds"

"$build/vmicctl" kvp set colour red && [ "$("$build/vmicctl" kvp get colour)" = red ] || fail "a key is not kept"
"$build/vmicctl" kvp list --pool=auto-external | grep -q '^VirtualMachineName ' || fail "the host's keys are not there"
status=0
"$build/vmicctl" renegotiate floppy 2>"$dir/out" || status=$?
[ "$status" -eq 5 ] || fail "renegotiating what is not there gave $status"

# The host reports each guest when it has left: the second one has said so by its heartbeats, too.
kill "$keeper"
for _ in $(seq 100); do
	grep '^Heartbeat  *: ' "$dir/host.log" | sed -n 2p >"$dir/out"
	[ -s "$dir/out" ] && break
	sleep 0.1
done
grep -q 'OkApplicationsCritical' "$dir/out" || fail "heartbeats have lost the health with the process"
