#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The init of the guest that bench.sh boots: hv_utils answers the heartbeats, then uio_loop, then vmicd, and
# so on for three rounds, so that what drifts shows; each for the bench.seconds= of the kernel's command
# line. How that goes is said on the console in lines that begin with "bench:".
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
exec </dev/console >/dev/console 2>&1

seconds=$(sed -n 's/.*bench.seconds=\([0-9]*\).*/\1/p' /proc/cmdline)

give_up() {
	echo "bench: failed: $1"
	poweroff -f
}

for module in hv_vmbus hv_utils uio uio_hv_generic; do
	[ ! -e "/modules/$module.ko" ] || insmod "/modules/$module.ko" || give_up "no $module"
done
mkdir -p /run/vmicd /var/lib/hyperv
echo "bench: kernel $(uname -r)"

heartbeat=$(grep -l 57164f39-9115-4e78-ab55-382f3bd5422d /sys/bus/vmbus/devices/*/class_id)
heartbeat=${heartbeat%/class_id}

# serve NAME COMMAND...: that answers, until the turn is over.
serve() {
	name=$1
	shift
	"$@" &
	server=$!
	sleep "$seconds"
	kill "$server" || give_up "$name did not stay"
	wait "$server"
}

for turn in 1 2 3; do
	sleep "$seconds"
	vmic-bind take heartbeat || give_up "vmic-bind take heartbeat"
	node=$(ls "$heartbeat/uio")
	serve uio_loop uio_loop "/dev/$node" "$(cat "$heartbeat/uio/$node/maps/map0/size")"
	serve vmicd vmicd
	vmic-bind give-back || give_up "vmic-bind give-back"
done
echo "bench: done"
poweroff -f
