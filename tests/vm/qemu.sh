#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# qemu.sh CACHE: prints the command of a QEMU that can emulate a machine for KVM: this computer's, or, as
# an older one's emulation spoils processor flags (7.2: kernels oops at random places), a newer one
# from Debian's backports in CACHE. That one runs on the libraries that this computer's QEMU came with.
set -eu

cache=$1

# good COMMAND...: it runs, and is of version 10 or later.
good() {
	version=$("$@" --version 2>/dev/null | sed -n 's/^QEMU emulator version \([0-9]*\)\..*/\1/p')
	[ "${version:-0}" -ge 10 ]
}

if good qemu-system-x86_64; then
	echo qemu-system-x86_64
	exit
fi
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)-backports
sh tests/vm/fetch.sh "$cache/qemu" "$suite" qemu-system-x86 qemu-system-common qemu-system-data seabios >&2
root=$cache/qemu/root
good "$root/usr/bin/qemu-system-x86_64" || {
	echo "QEMU 10 or later is needed; that of $suite does not run here" >&2
	exit 1
}
echo "$root/usr/bin/qemu-system-x86_64 -L $root/usr/share/qemu -L $root/usr/share/seabios"
