#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# deps.sh SET FILE: sees to it that what SET needs is installed, then writes the compiler and linker
# flags to FILE. Asks pkg-config and the shell first and says what it installs.
# Sets: build (programs and tests), check (what `make check` runs besides), fuzz (AFL++), vm (guests on a real VMBus),
# deb (Debian packages), cross (arm64).
set -eu

set_name=$1
out=$2

# command, pkg-config module or package of Debian's: its package for apt, dnf, zypper
wanted_build='
cmd:cc gcc gcc gcc
cmd:ar binutils binutils binutils
header:stdio.h libc6-dev glibc-devel glibc-devel
cmd:pkg-config pkg-config pkgconf-pkg-config pkg-config
pc:libsystemd libsystemd-dev systemd-devel systemd-devel
pc:libudev libudev-dev systemd-devel systemd-devel
pc:inih libinih-dev inih-devel libinih-devel
pc:jansson libjansson-dev jansson-devel libjansson-devel
pc:libmnl libmnl-dev libmnl-devel libmnl-devel
pc:cmocka libcmocka-dev libcmocka-devel libcmocka-devel
cmd:iasl acpica-tools acpica-tools acpica
'
wanted_check='
cmd:clang clang clang clang
clang-rt:fuzzer libclang-rt-dev compiler-rt clang
cmd:mandoc mandoc mandoc mandoc
cmd:umockdev-run umockdev umockdev umockdev
cmd:systemd-analyze systemd systemd systemd
cmd:dbus-daemon dbus-daemon dbus-daemon dbus-1-daemon
'
wanted_fuzz='
cmd:afl-fuzz afl++ american-fuzzy-lop american-fuzzy-lop
'

wanted_vm='
cmd:qemu-system-x86_64 qemu-system-x86 qemu-system-x86-core qemu-x86
cmd:busybox busybox-static busybox busybox-static
cmd:cpio cpio cpio cpio
cmd:xz xz-utils xz xz
cmd:zstd zstd zstd zstd
cmd:lz4 lz4 lz4 lz4
cmd:dbus-daemon dbus-daemon dbus-daemon dbus-1-daemon
'

# What every package is built with is checked for by dpkg, by its name.
wanted_deb='
cmd:dh debhelper - -
debian:build-essential build-essential - -
cmd:dpkg-buildpackage dpkg-dev - -
cmd:lintian lintian - -
pc:systemd systemd - -
'
wanted_cross='
cmd:aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu - -
arm64-header:stdio.h libc6-dev-arm64-cross - -
cmd:qemu-aarch64 qemu-user - -
'

have() {
	case $1 in
	cmd:*) command -v "${1#cmd:}" >/dev/null ;;
	pc:*) command -v pkg-config >/dev/null && pkg-config --exists "${1#pc:}" ;;
	arm64-header:*) echo "#include <${1#arm64-header:}>" | aarch64-linux-gnu-gcc -E - >/dev/null 2>&1 ;;
	debian:*) dpkg-query -W -f '${Status}\n' "${1#debian:}" 2>/dev/null | grep -qx 'install ok installed' ;;
	header:*) echo "#include <${1#header:}>" | cc -E - >/dev/null 2>&1 ;;
	clang-rt:*) [ -n "$(find "$(clang -print-resource-dir 2>/dev/null)" -name 'libclang_rt.fuzzer*' 2>/dev/null)" ] ;;
	esac
}

# The column of this machine's package manager, and the command that installs.
if command -v apt-get >/dev/null; then
	column=2
	install='apt-get install -y --no-install-recommends'
elif command -v dnf >/dev/null; then
	column=3
	install='dnf install -y'
elif command -v zypper >/dev/null; then
	column=4
	install='zypper --non-interactive install'
else
	column=2
	install=
fi

missing() {
	printf '%s' "$1" | while read -r what packages; do
		if [ -n "$what" ] && ! have "$what"; then
			echo "$what $packages" | cut -d ' ' -f "$column"
		fi
	done | sort -u | tr '\n' ' '
}

case $set_name in
build) wanted=$wanted_build ;;
check) wanted=$wanted_build$wanted_check ;;
fuzz) wanted=$wanted_build$wanted_check$wanted_fuzz ;;
cross) wanted=$wanted_build$wanted_cross ;;
deb) wanted=$wanted_build$wanted_deb ;;
vm) wanted=$wanted_build$wanted_vm ;;
*) echo "deps.sh: no set is called '$set_name'" >&2; exit 2 ;;
esac

packages=$(missing "$wanted")
if [ -n "$packages" ]; then
	if [ -z "$install" ]; then
		echo "deps.sh: install these first, as your system calls them: $packages" >&2
		exit 1
	fi
	[ "$(id -u)" -eq 0 ] || install="sudo $install"
	echo "  DEPS     installing what is missing: $packages"
	log=$(mktemp)
	# shellcheck disable=SC2086 # words are meant to split
	if ! DEBIAN_FRONTEND=noninteractive $install $packages >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		echo "deps.sh: '$install $packages' failed" >&2
		exit 1
	fi
	rm -f "$log"
	still=$(missing "$wanted")
	[ -z "$still" ] || { echo "deps.sh: still missing after the installation: $still" >&2; exit 1; }
fi

pc="libsystemd libudev inih jansson libmnl cmocka"
{
	echo "PKG_CFLAGS := $(pkg-config --cflags $pc)"
	echo "PKG_LIBS := $(pkg-config --libs $pc)"
} >"$out"
