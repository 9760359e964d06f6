#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The init of a guest that scenarios are played in: an agent on its second serial port starts and ends
# the program that they are about. uio_hv_generic gets the components that vmicd serves, whenever the
# host offers them: it is there before hv_utils, so it is asked first, and new_id makes it want them.
# hv_utils gets the others. An adapter that leads nowhere has an address to be told of.
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
exec </dev/console >/dev/console 2>&1

load() {
	[ ! -e "/modules/$1.ko" ] || insmod "/modules/$1.ko" || echo "guest: no $1"
}

load hv_vmbus
load uio
load uio_hv_generic
for class in 57164f39-9115-4e78-ab55-382f3bd5422d a9a0f4e7-5a45-4d96-b827-8a841e8c03e6 \
		0e0b6031-5213-4934-818b-38d90ced39db \
		9527e630-d0ae-497b-adce-e80ab0175caf; do # heartbeat, key-value pairs, shutdown, time synchronization
	echo "$class" >/sys/bus/vmbus/drivers/uio_hv_generic/new_id
done
load hv_utils
load dummy
ip address add 192.0.2.10/24 dev dummy0 && ip link set dummy0 up
echo "guest: $(uname -r) is up"
vmichost agent --on /dev/ttyS1
echo "guest: the agent ended with $?"
poweroff -f
