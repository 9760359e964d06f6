#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vmlinux.sh BZIMAGE OUT: takes the uncompressed kernel out of a bzImage, so that no emulated processor
# has to unpack it. Where the payload lies: Linux Documentation/arch/x86/boot.rst.
set -eu

image=$1
out=$2

# number OFFSET BYTES
number() {
	od -An -v -t "u$2" -j "$(($1))" -N "$2" "$image" | tr -d ' '
}

sectors=$(number 0x1f1 1)
[ "$sectors" -ne 0 ] || sectors=4
start=$(((sectors + 1) * 512 + $(number 0x248 4)))
# The last four bytes are the unpacked size.
length=$(($(number 0x24c 4) - 4))

payload() {
	tail -c "+$((start + 1))" "$image" | head -c "$length"
}

case $(number "$start" 4) in
4247762216) unpack='zstd -qdc' ;; # 28 b5 2f fd
1484404733) unpack='xz -dc --single-stream' ;; # fd 37 7a 58
407642370) unpack='lz4 -dc' ;; # 02 21 4c 18
*) echo "vmlinux.sh: $image is compressed in a way that is not known here" >&2; exit 1 ;;
esac
# head closes the pipe when it has enough; the programs may grumble about what comes behind the stream.
payload | $unpack >"$out.new" 2>/dev/null || true
[ "$(head -c 4 "$out.new" | od -An -c | tr -d ' ')" = '177ELF' ] || {
	echo "vmlinux.sh: $image holds no ELF kernel" >&2
	exit 1
}
mv "$out.new" "$out"
