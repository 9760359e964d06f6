#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What test.service runs in a guest with systemd: /tests/WORD.sh, WORD being vm.do= on the kernel's command
# line, in the words of words.sh and those below. At the end it looks at what kernel and systemd have logged,
# says "guest: passed" or "guest: failed: WHY", and switches the guest off.
. /words.sh
export SYSTEMD_COLORS=no

fail() {
	say "failed: $*"
	for log in /root/*.log; do
		[ ! -s "$log" ] || { echo "--- $log"; tail -n 40 "$log"; }
	done
	echo "--- units"
	systemctl list-units --all --plain --no-legend --no-pager 'vmic*' 'hv-*' 'sys-bus-*' '*.mount'
	echo "--- the journal"
	journalctl -b --no-pager --no-hostname -o short-monotonic | sed '1,/kernel: Run \/init/d' | tail -n 120
	systemctl poweroff -ff
	sleep 1000
}

# unit NAME PROPERTY: sets value
unit() {
	value=$(systemctl show --value -p "$2" "$1")
}

# is STATE UNIT: systemd says so of it
is() {
	unit "$2" ActiveState
	[ "$value" = "$1" ]
}

# expect_state STATE UNIT...
expect_state() {
	wanted=$1
	shift
	for name; do
		is "$wanted" "$name" || fail "$name is $value, not $wanted"
	done
}

# state NAME: sets state to that of its channel in the kernel: 3 is open, 2 is closed (Linux
# include/linux/hyperv.h enum vmbus_channel_state)
state() {
	device "$1"
	state=
	[ ! "$d" ] || read -r state <"$d/state"
}

# pid UNIT: sets pid to its main process, 0 if there is none
pid() {
	unit "$1" MainPID
	pid=$value
}

# runs_anew PID: vmicd.service is ready, and is another process than that
runs_anew() {
	is active vmicd.service && pid vmicd.service && [ "$pid" -ne 0 ] && [ "$pid" -ne "$1" ]
}

served="heartbeat timesync kvp"

# is_served: uio_hv_generic has the components, and vmicd has them open
is_served() {
	for name in $served; do
		driver "$name"
		state "$name"
		[ "$driver" = uio_hv_generic ] && [ "$state" = 3 ] || return 1
	done
}

# expect_served: soon
expect_served() {
	wait_for 60 "vmicd's service" is_served
	expect_state active vmicd.service vmic-bind.service
}

# is_given_back: hv_utils has all of them
is_given_back() {
	for name in $served; do
		driver "$name"
		[ "$driver" = hv_utils ] || return 1
	done
}

# expect_given_back: hv_utils has the components again, and the heartbeat goes on
expect_given_back() {
	# shellcheck disable=SC2086
	expect_driver hv_utils $served shutdown vss
	beats 1
}

say "$(uname -r) is up, systemd $(systemctl --version | sed -n '1s/.*(\(.*\))/\1/p')"
[ ! -e /proc/sys/kernel/hung_task_timeout_secs ] || echo 60 >/proc/sys/kernel/hung_task_timeout_secs
seconds=$(parameter seconds)
(sleep "${seconds:-300}"; fail "it came to no end") &
. "/tests/$(parameter do).sh"
bad_log && fail "the kernel has complained"
say passed
# As everybody does, with all that is stopped then
systemctl poweroff
