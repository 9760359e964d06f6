#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# debian.sh DIR SUITE KERNEL-ROOT PACKAGE...: a small Debian of that suite with these packages, systemd as
# its first process, and the modules that a guest of Hyper-V needs of the kernel that fetch.sh has fetched
# into KERNEL-ROOT: as an initramfs, DIR/debian.cpio. What has been made stays until something that it was made of
# changes. The archive is the machine's own, as fetch.sh finds it; nothing of the machine is changed.
set -eu

dir=$1
suite=$2
kernel=$3
shift 3
# shellcheck source=tests/vm/apt.sh
. tests/vm/apt.sh

mkdir -p "$dir"
exec 9>"$dir.lock"
flock 9
made_of="$suite $(basename "$(readlink -f "$kernel/modules")") $* $(cat "$0" tests/vm/debian-trim.sh | cksum)"
[ "$(cat "$dir/done" 2>/dev/null)" != "$made_of" ] || exit 0
rm -rf "$dir"
mkdir -p "$dir/tool"

# Not everybody has it, and it is a single script.
mmdebstrap=$(command -v mmdebstrap) || {
	sh tests/vm/fetch.sh "$dir/tool" "$suite" mmdebstrap
	mmdebstrap=$dir/tool/root/usr/bin/mmdebstrap
}

(umask 077 && apt_access >"$dir/apt.conf") # passwords of proxies
trim=$PWD/tests/vm/debian-trim.sh
include=$(echo "$*" | tr ' ' ',')
# The hook's words are seen by a shell once more.
"$mmdebstrap" --quiet --variant=essential --architectures=amd64 --include="$include" \
	--aptopt="$dir/apt.conf" --aptopt='APT::Install-Recommends "false"' \
	--customize-hook="sh '$trim' \"\$1\" '$kernel' '$dir/debian.cpio'" --skip=chroot/start-stop-daemon --format=null \
	"$suite" - "deb [signed-by=$apt_keyring] $apt_mirror $suite main" >&2 ||
	{ echo "a Debian $suite could not be made with mmdebstrap" >&2; exit 1; }
rm -rf "$dir"/tool* "$dir/apt.conf"
echo "$made_of" >"$dir/done"
