#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# initramfs.sh OUT INIT KERNEL-ROOT MODULES [FILE...]: an initramfs with busybox, the script INIT as
# /init, the kernel modules whose names MODULES holds (unpacked, in /modules, loaded in this order by
# INIT), and the FILEs: programs with the libraries that they are linked with go to /bin, SOURCE=/PATH
# puts one elsewhere as it is. Needs no root: nothing in it is a device.
set -eu

out=$1
init=$2
kernel=$3
modules=$4
shift 4

tree=$(mktemp -d)
chmod 755 "$tree"
trap 'rm -rf "$tree"' EXIT
for d in bin sbin dev proc sys tmp etc lib lib64 modules; do mkdir "$tree/$d"; done
cp "$(command -v busybox)" "$tree/bin/busybox"
for applet in sh mount umount insmod rmmod cat echo ls sleep poweroff reboot dmesg mkdir ln grep \
		uname date cut tr sed head tail kill true false test; do
	ln -s busybox "$tree/bin/$applet"
done
install -m 755 "$init" "$tree/init"
# What the kernel runs when the host asks for a shutdown; init is a shell and would not end by itself.
printf '#!/bin/sh\necho "guest: clock $(date +%%s)" >/dev/console\nexec /bin/poweroff -f\n' >"$tree/sbin/poweroff"
printf '#!/bin/sh\nexec /bin/reboot -f\n' >"$tree/sbin/reboot"
chmod 755 "$tree/sbin/poweroff" "$tree/sbin/reboot"

for module in $modules; do
	found=$(find "$kernel/modules/kernel" -name "$module.ko*" | head -n 1)
	[ -n "$found" ] || continue # built in, or not there: init says what it misses
	case $found in
	*.xz) xz -dc "$found" >"$tree/modules/$module.ko" ;;
	*.zst) zstd -qdc "$found" >"$tree/modules/$module.ko" ;;
	*) cp "$found" "$tree/modules/$module.ko" ;;
	esac
done

for file; do
	case $file in
	*=*)
		mkdir -p "$tree/$(dirname "${file#*=}")"
		cp -L "${file%%=*}" "$tree/${file#*=}"
		;;
	*)
		cp -L "$file" "$tree/bin/"
		ldd "$file" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }' | while read -r lib; do
			mkdir -p "$tree/$(dirname "$lib")"
			cp -L "$lib" "$tree/$lib"
		done
		;;
	esac
done
(cd "$tree" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) >"$out.new"
mv "$out.new" "$out"
