#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# images.sh SET: makes what tests boot, as the directory $out/images/SET and as an archive of it, which an
# emulated machine has as /SET. For check.sh; what goes wrong is its last line. The sets:
#	machine		the kernel and the initramfs of the machine that is emulated
#	hostile		a guest that means no good
#	stock-N		Debian's kernel N with its own drivers, and Debian's hyperv-daemons
#	vmicd-N		the same with vmicd and vmic-bind
#	scenario-N	the same kernel with vmicd, and with the agent that plays the scenarios, which are there
set -eu

set=$1
kernel=${set#*-}
images=$out/images
tree=$images/$set
rm -rf "$tree"
mkdir -p "$tree"

# The newest kernel that may stand for each line of them, where Debian has it.
suite() {
	case $1 in
	6.1) echo bookworm ;;
	6.12) echo bookworm-backports ;;
	7.2) echo forky ;;
	7.3) echo trixie-backports ;;
	esac
}

# fetch_kernel N: into $root
fetch_kernel() {
	root=$cache/linux-$1/root
	sh tests/vm/fetch.sh "$cache/linux-$1" "$(suite "$1")" linux-image-cloud-amd64
	[ -e "$root/vmlinux" ] || sh tests/vm/vmlinux.sh "$root/vmlinuz" "$root/vmlinux"
}

archive() {
	(cd "$images" && find "$set" | cpio --quiet -o -H newc) >"$tree.cpio.new"
	mv "$tree.cpio.new" "$tree.cpio"
}

case $set in
machine)
	fetch_kernel 6.12
	cp -L "$root/vmlinux" "$tree"
	sh tests/vm/initramfs.sh "$tree.cpio" tests/vm/outer-init.sh "$root" "irqbypass kvm kvm-amd" \
		"$build/vmichost"
	;;
hostile)
	cp "$out/hostile" tests/vm/hostile.ld "$tree"
	archive
	;;
stock-* | vmicd-*)
	fetch_kernel "$kernel"
	sh tests/vm/fetch.sh "$cache/daemons" bookworm-backports hyperv-daemons
	daemons="$cache/daemons/root/usr/sbin/hv_kvp_daemon $cache/daemons/root/usr/sbin/hv_vss_daemon"
	cp -L "$root/vmlinux" "$root/vmlinuz" "$tree"
	# shellcheck disable=SC2046,SC2086 # several words
	case $set in
	stock-*)
		sh tests/vm/initramfs.sh "$tree/guest.cpio" tests/vm/guest-init.sh "$root" \
			"hv_vmbus hv_utils" $daemons
		;;
	vmicd-*)
		sh tests/vm/initramfs.sh "$tree/guest.cpio" tests/vm/vmicd-init.sh "$root" \
			"hv_vmbus hv_utils uio uio_hv_generic" $daemons "$build/vmicd" "$build/vmic-bind" \
			$(for script in tests/vm/guest/*.sh; do echo "$script=/tests/${script##*/}"; done)
		;;
	esac
	archive
	;;
scenario-*)
	fetch_kernel "$kernel"
	cp -L "$root/vmlinux" tests/scenario/*.scn "$tree"
	sh tests/vm/initramfs.sh "$tree/guest.cpio" tests/vm/agent-init.sh "$root" \
		"hv_vmbus uio uio_hv_generic hv_utils dummy" "$build/vmichost" "$build/vmicd"
	archive
	;;
*)
	echo "images.sh: there is no set \"$set\""
	exit 2
	;;
esac
