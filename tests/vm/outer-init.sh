#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The init of the machine that QEMU emulates: KVM, then /run.sh. Its output leaves by the second serial
# port, the guest's console by the third, its exit status is the last line on the first.
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
exec </dev/console >/dev/console 2>&1

for module in irqbypass kvm kvm-amd; do
	insmod "/modules/$module.ko" 2>/dev/null
done
# The guest's memory in large pages: what it touches first costs an exit a page, which is dear here.
echo always >/sys/kernel/mm/transparent_hugepage/shmem_enabled
for port in 1 2; do stty -F /dev/ttyS$port raw -echo; done
export console=/dev/ttyS2 NO_COLOR=1
cd /tmp
sh /run.sh >/dev/ttyS1 2>&1
echo "status $?"
poweroff -f
