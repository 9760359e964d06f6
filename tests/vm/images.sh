#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# images.sh SET: makes what tests boot, as the directory $out/images/SET and as an archive of it, which an
# emulated machine has as /SET. For check.sh; what goes wrong is its last line. The sets:
#	machine		the kernel and the initramfs of the machine that is emulated
#	hostile		a guest that means no good
#	SUITE		the kernel of that suite of Debian's, and two guests with it: stock.cpio has its own
#			drivers, and Debian's hyperv-daemons; vmicd.cpio has vmicd and vmic-bind, too
#	service, service-SUITE	a small Debian of this computer's suite, or of that, with systemd, and the package that
#			make deb makes
#	scenario-SUITE	the same kernel with vmicd, and with the agent that plays the scenarios, which are there
# The suites move on: which kernel a set has is in its file "kernel", as uname -r prints it.
set -eu

set=$1
images=$out/images
tree=$images/$set
rm -rf "$tree"
mkdir -p "$tree"

# fetch_kernel SUITE: into $root
fetch_kernel() {
	root=$cache/linux-$1/root
	sh tests/vm/fetch.sh "$cache/linux-$1" "$1" linux-image-cloud-amd64
	[ -e "$root/vmlinux" ] || sh tests/vm/vmlinux.sh "$root/vmlinuz" "$root/vmlinux"
}

# make_package: as $package, unless that is newer than all that it is made of
make_package() {
	newest="find $build -maxdepth 1 -name vmicd_*.deb -printf %T@\t%p\n"
	package=$($newest | sort -rn | cut -f 2 | head -n 1)
	if [ "$package" ] &&
			[ -z "$(find Makefile daemon hv_util systemd tests/host -newer "$package" -print -quit)" ]; then
		return
	fi
	env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory BUILD="$(realpath --relative-to=. "$build")" deb
	package=$($newest | sort -rn | cut -f 2 | head -n 1)
}

# next_package OUT: $package again, with a higher version
next_package() {
	unpacked=$(mktemp -d)
	dpkg-deb -R "$package" "$unpacked"
	sed -i 's/^Version: .*/&+next/' "$unpacked/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$unpacked" "$1"
	rm -rf "$unpacked"
}

archive() {
	(cd "$images" && find "$set" | cpio --quiet -o -H newc) >"$tree.cpio.new"
	mv "$tree.cpio.new" "$tree.cpio"
}

case $set in
machine)
	fetch_kernel trixie
	cp -L "$root/vmlinux" "$tree"
	sh tests/vm/initramfs.sh "$tree.cpio" tests/vm/outer-init.sh "$root" "irqbypass kvm kvm-amd" \
		"$build/vmichost"
	;;
hostile)
	cp "$out/hostile" tests/vm/hostile.ld "$tree"
	archive
	;;
service | service-*)
	fetch_kernel trixie-backports
	suite=${set#service-}
	[ "$suite" != service ] || suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	make_package
	next_package "$tree/next.deb"
	depends=$(dpkg-deb -f "$package" Depends | tr ',' '\n' | sed 's/^ *//; s/[ |].*//')
	# And what may be in its way, or be asked.
	# shellcheck disable=SC2086 # several words
	sh tests/vm/debian.sh "$cache/debian-$suite" "$suite" "$root" $depends systemd-sysv dbus polkitd hyperv-daemons e2fsprogs
	cp -L "$root/vmlinux" "$tree"
	sh tests/vm/service-image.sh "$tree/guest.cpio" "$cache/debian-$suite/debian.cpio" \
		"$package=/packages/vmicd.deb" "$tree/next.deb=/packages/vmicd-next.deb" \
		"$build/vm/probe=/usr/lib/vmicd-probe"
	rm "$tree/next.deb"
	archive
	;;
scenario-*)
	fetch_kernel "${set#scenario-}"
	cp -L "$root/vmlinux" tests/scenario/*.scn "$tree"
	sh tests/vm/initramfs.sh "$tree/guest.cpio" tests/vm/agent-init.sh "$root" \
		"hv_vmbus uio uio_hv_generic hv_utils dummy" "$build/vmichost" "$build/vmicd"
	archive
	;;
*)
	fetch_kernel "$set"
	sh tests/vm/fetch.sh "$cache/daemons" bookworm hyperv-daemons
	daemons="$cache/daemons/root/usr/sbin/hv_kvp_daemon $cache/daemons/root/usr/sbin/hv_vss_daemon"
	cp -L "$root/vmlinux" "$root/vmlinuz" "$tree"
	basename "$(readlink "$root/modules")" >"$tree/kernel"
	# shellcheck disable=SC2086 # several words
	sh tests/vm/initramfs.sh "$tree/stock.cpio" tests/vm/guest-init.sh "$root" "hv_vmbus hv_utils" $daemons
	# shellcheck disable=SC2046,SC2086
	sh tests/vm/initramfs.sh "$tree/vmicd.cpio" tests/vm/vmicd-init.sh "$root" \
		"hv_vmbus hv_utils uio uio_hv_generic" $daemons "$build/vmicd" "$build/vmic-bind" "$build/keeper" \
		"$build/vmicctl" "$(command -v dbus-daemon)" \
		tests/vm/words.sh=/words.sh $(for script in tests/vm/guest/*.sh; do echo "$script=/tests/${script##*/}"; done)
	archive
	;;
esac
