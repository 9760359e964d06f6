#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The init of a guest with vmicd and vmic-bind: does what /tests/WORD.sh says, WORD being vm.do= on the
# kernel's command line, in the words of words.sh and those below. At the end it looks at what the kernel
# has logged, says "guest: passed" or "guest: failed: WHY", and switches itself off.

mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs -o size=90% tmp /tmp
exec </dev/console >/dev/console 2>&1
busybox --install -s /bin
dmesg -n 1 # the console is slow, a byte is an exit of the guest; at the end all is looked at
mkdir -p /run/vmicd /var/lib/hyperv
[ ! -e /proc/sys/kernel/hung_task_timeout_secs ] || echo 20 >/proc/sys/kernel/hung_task_timeout_secs

. /words.sh

fail() {
	say "failed: $*"
	for log in /tmp/*.log; do
		[ ! -s "$log" ] || { echo "--- $log"; tail -n 40 "$log"; }
	done
	echo "--- processes"
	ps -o pid,stat,args | grep -v '\[.*\]'
	echo "--- the kernel's log"
	dmesg | grep -A 100 "Run /init" | tail -n 60
	poweroff -f
}

# skip REASON: this kernel is not what the test is about
skip() {
	say "skipped: $*"
	poweroff -f
}

# modules NAME...: in this order; one that is built in, or that this kernel does not have, is none.
modules() {
	for module; do
		[ ! -e "/modules/$module.ko" ] || insmod "/modules/$module.ko" || fail "no $module"
	done
}

# for_file_copy MODULE: it says that it is (Linux include/linux/hyperv.h HV_FCOPY_GUID)
for_file_copy() {
	grep -q alias=vmbus:e34bd134e4dec8419ae76b174977c192 "/modules/$1.ko"
}

# has_buffers NAME: that device of uio_hv_generic has the buffers of a network card
has_buffers() {
	device "$1"
	grep -q '^recv:' "$d"/uio/uio*/maps/map*/name 2>/dev/null
}

# run_vmicd [LINES]: with these lines of configuration
run_vmicd() {
	printf '[Daemon]\nLogLevel=debug\n%b' "${1-}" >/tmp/vmicd.conf
	vmicd --config /tmp/vmicd.conf >>/tmp/vmicd.log 2>&1 &
	vmicd=$!
}

# count_served: sets n to how often vmicd has answered to the heartbeat channel, in all its lives
count_served() {
	n=$(grep -c 'Heartbeat: negotiating, agreed' /tmp/vmicd.log)
}

# served N: so often or more
served() {
	count_served
	[ "$n" -ge "$1" ]
}

# start_vmicd [LINES]: the same, and waits until it has answered
start_vmicd() {
	: >>/tmp/vmicd.log
	count_served
	next=$((n + 1))
	run_vmicd "$@"
	wait_for 60 "vmicd's answer to the heartbeat channel" served "$next"
}

stop_vmicd() {
	kill "$vmicd"
	wait "$vmicd" || fail "vmicd ended with $?"
}

# run_bus: for whoever is started from then on
run_bus() {
	export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/tmp/bus
	echo 'root:x:0:0::/:/bin/sh' >/etc/passwd
	printf '%s\n' '<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"' \
		'"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd"><busconfig><type>session</type>' \
		"<listen>$DBUS_SYSTEM_BUS_ADDRESS</listen><auth>EXTERNAL</auth><policy context=\"default\"><allow user=\"*\"/>" \
		'<allow own="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/></policy></busconfig>' >/tmp/bus.conf
	dbus-daemon --config-file=/tmp/bus.conf --nofork --nopidfile >/tmp/bus.log 2>&1 &
	wait_for 20 "the bus" test -S /tmp/bus
}

# take COMPONENT...
take() {
	vmic-bind take "$@" >>/tmp/bind.log 2>&1 || fail "vmic-bind take $* ended with $?"
	expect_driver uio_hv_generic "$@"
}

# give_back COMPONENT...
give_back() {
	vmic-bind give-back "$@" >>/tmp/bind.log 2>&1 || fail "vmic-bind give-back $* ended with $?"
	expect_driver hv_utils "$@"
}

say "$(uname -r) is up"
! for_file_copy hv_utils || say "hv_utils has file copy"
seconds=$(parameter seconds)
(sleep "${seconds:-200}"; fail "it came to no end") &
. "/tests/$(parameter do).sh"
bad_log && fail "the kernel has complained"
say passed
poweroff -f
