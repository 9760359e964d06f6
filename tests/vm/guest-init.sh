#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The guest's init: its kernel's drivers for Hyper-V, then what the kernel's command line asks for with
# vm.do=WORD; without, it stays until the host switches it off.
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
exec </dev/console >/dev/console 2>&1

# As a guest has it that was restored from a snapshot; what the kernel's time sync does is to be seen.
date -s 2001-02-03 >/dev/null
for module in hv_vmbus hv_utils; do
	[ ! -e "/modules/$module.ko" ] || insmod "/modules/$module.ko" || echo "guest: no $module"
done
echo "guest: $(uname -r) is up, $(grep -c ^processor /proc/cpuinfo) processors"
# Linux include/linux/hyperv.h HV_FCOPY_GUID, as modules name what they are for
! grep -q alias=vmbus:e34bd134e4dec8419ae76b174977c192 /modules/hv_utils.ko || echo "guest: hv_utils has file copy"
case $(cat /proc/cmdline) in
*vm.do=poweroff*) poweroff -f ;;
*vmichost.restarts=0*vm.do=reboot*) reboot -f ;;
*vm.do=daemons*)
	mkdir -p /var/lib/hyperv
	hv_kvp_daemon
	hv_vss_daemon
	;;
*vm.do=panic*) echo c >/proc/sysrq-trigger ;;
esac
while :; do sleep 1000; done
