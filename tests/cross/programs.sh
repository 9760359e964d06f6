#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# programs.sh BUILD: the programs as they are for arm64, run by qemu-user.
set -u

build=$1
. tests/checks.sh

printf '[KVP]\nPoolDirectory=%s/pools\n' "$dir" >"$dir/conf"
vmicd="qemu-aarch64 $build/arm64/vmicd"
vmichost="qemu-aarch64 $build/arm64/vmichost"

check "they are of the other architecture" \
	"for p in vmicd vmic-bind vmicctl vmichost; do [ \$(od -An -tu2 -j18 -N2 $build/arm64/\$p) -eq 183 ] || exit 1; done"
for p in vmicd vmic-bind vmicctl; do
	check "$p tells its version" "qemu-aarch64 $build/arm64/$p --version | grep -q \"^$p \$(cat daemon/VERSION)\""
done
check "a legacy guest on 2019 mismatches on time synchronization" \
	"$vmichost run --release 2019 -- $vmicd --config=$dir/conf --transport=socket:{socket} 2>/dev/null |
	 grep 'Time Synchronization' | grep -q 'The protocol version of the component installed in the virtual machine does not'"
check "the simulator says on which computers it boots guests" \
	"$vmichost boot --kernel $dir/none 2>$dir/said; s=\$?; cat $dir/said; [ \$s -ne 0 ] && grep -q 'x86-64' $dir/said"

checks_end
