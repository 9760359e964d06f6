#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# debian-trim.sh ROOT KERNEL-ROOT OUT: makes an initramfs of the Debian in ROOT, for debian.sh: with the
# modules that a guest of Hyper-V needs, and without what nobody reads there, since a machine in a machine
# that is emulated unpacks twelve megabytes a second. What packages need to be configured, removed and
# purged stays, and so does all that systemd may ask for.
set -eu

root=$1
kernel=$2
out=$3

release=$(basename "$(readlink -f "$kernel/modules")")
modules=$root/usr/lib/modules/$release
mkdir -p "$modules/kernel"
cp "$kernel"/modules/modules.builtin* "$kernel/modules/modules.order" "$modules"
# and a disk in memory, which can be full, or not answer
for name in hv_vmbus hv_utils uio uio_hv_generic brd; do
	found=$(find "$kernel/modules/kernel" -name "$name.ko*") # none if it is built in
	case $found in
	*.xz) xz -dc "$found" >"$modules/kernel/$name.ko" ;;
	*.ko) cp "$found" "$modules/kernel" ;;
	esac
done
chroot "$root" depmod "$release"

# The machine's own /dev, /proc and /sys are mounted here: nothing may go down there.
cd "$root"
find run tmp var/cache var/log var/tmp -xdev -mindepth 1 -delete
(
	cd usr/share
	rm -rf bash-completion bug common-licenses debconf/frontend doc doc-base gdb i18n info lintian locale man \
		perl perl5/Debian pixmaps terminfo zoneinfo zsh
)
(
	cd usr/lib/x86_64-linux-gnu
	rm -rf gconv libcryptsetup* libdb-5* libdevmapper* libfdisk* libmvec* libnss_systemd* libp11-kit* \
		libperl* perl perl-base/unicore security/pam_systemd*
)
# What a rule looks up is looked up for each device.
(
	cd usr/lib/udev
	rm -rf *_id hwdb* keyboard* mtd_probe
	find rules.d -type f ! -name '50-udev-default*' ! -name '60-hyperv*' ! -name '80-drivers*' \
		! -name '99-systemd*' -delete
)
(
	cd usr/lib/systemd
	rm -rf systemd-networkd* systemd-logind system-generators user-generators
)
find usr/sbin -name '*fs*' ! -name fsfreeze ! -name mke2fs -delete
rm -f usr/bin/perl5* usr/bin/ls?* usr/bin/systemd-repart usr/bin/systemd-hwdb usr/bin/networkctl usr/sbin/*blk* \
	usr/sbin/dmsetup usr/sbin/agetty usr/sbin/hwclock \
	var/lib/dpkg/info/*.symbols var/lib/dpkg/info/*.md5sums
# mmdebstrap takes these away later.
find . -xdev ! -path './dev/*' ! -path './etc/apt/*' ! -path './var/lib/apt/*' ! -path ./usr/sbin/policy-rc.d |
	LC_ALL=C sort | cpio --quiet -o -H newc >"$out.new"
mv "$out.new" "$out"
