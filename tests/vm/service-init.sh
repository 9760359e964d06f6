#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The init of a guest with systemd, until that takes over: with vm.install=boot on the kernel's command line
# vmicd's package is installed when systemd starts, as by a provisioner that works on an image; with
# vm.var=empty the pools are lost again, and systemd-tmpfiles comes after all else.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
case $(cat /proc/cmdline) in
*vm.install=boot*)
	mount -t devtmpfs dev /dev
	dpkg -i /packages/vmicd.deb >/root/install.log 2>&1 || echo "guest: failed: dpkg ended with $?" >/dev/console
	case $(cat /proc/cmdline) in
	*vm.var=empty*)
		rm -rf /var/lib/hyperv
		ln -s /dev/null /etc/systemd/system/systemd-tmpfiles-setup.service
		;;
	esac
	;;
esac
exec /lib/systemd/systemd
