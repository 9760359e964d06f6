#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# fetch.sh DIR SUITE PACKAGE...: downloads packages of a Debian suite with the machine's own apt, and
# unpacks them into DIR/root. The apt configuration is private to DIR: lists, cache and an empty
# dpkg status lie there, nothing of the machine is changed, and no hook of its runs. What is in DIR already stays; only a
# complete one counts (DIR/done holds the packages' names). Of two at once, one waits for the other.
# DIR/root/vmlinuz and DIR/root/modules are links to the kernel's image and modules, if there is one.
set -eu

dir=$1
suite=$2
shift 2

mkdir -p "$dir"
exec 9>"$dir.lock"
flock 9
[ "$(cat "$dir/done" 2>/dev/null)" != "$suite $*" ] || exit 0
command -v apt-get >/dev/null || { echo "apt-get is needed to fetch Debian's kernel" >&2; exit 1; }
# shellcheck source=tests/vm/apt.sh
. tests/vm/apt.sh

rm -rf "$dir"
mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial" "$dir/root"
: >"$dir/apt/status"

echo "deb [signed-by=$apt_keyring] $apt_mirror $suite main" >"$dir/apt/sources.list"

write_conf() {
	apt_access
	cat <<-EOF
	Dir::Etc { Main "/dev/null"; Parts "/dev/null"; Preferences "/dev/null"; PreferencesParts "/dev/null"; };
	Dir::Etc { SourceList "$dir/apt/sources.list"; SourceParts "/dev/null"; };
	Dir::State "$dir/apt";
	Dir::State { Lists "$dir/apt/lists"; Status "$dir/apt/status"; };
	Dir::Cache "$dir/apt/cache";
	APT { Architecture "amd64"; Architectures { "amd64"; }; };
	quiet "2";
	EOF
}

# private COMMAND...: apt's, as that configuration has it, and no other.
private() {
	APT_CONFIG="$dir/apt/apt.conf" "$@"
}

(umask 077 && write_conf >"$dir/apt/apt.conf") # passwords of proxies

# Without its dependencies: an image wants an initramfs builder and a module loader, we bring ours.
closure() {
	for p; do
		echo "$p"
		private apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks \
			--no-replaces --no-enhances "$p" 2>/dev/null |
			awk '$1 == "Depends:" && $2 ~ /^linux-(image|binary|modules|base)-[0-9]/ { print $2 }'
	done | sort -u
}

private apt-get update || { echo "$suite cannot be fetched from $apt_mirror" >&2; exit 1; }
packages=$(closure "$@")
while [ "$packages" != "${before-}" ]; do
	before=$packages
	# shellcheck disable=SC2086 # words are meant to split
	packages=$(closure $packages)
done
cd "$dir/apt/cache/archives"
# shellcheck disable=SC2086
private apt-get download $packages || { echo "$suite's $* cannot be fetched" >&2; exit 1; }
for deb in *.deb; do
	dpkg-deb -x "$deb" "$dir/root"
done

# From 7.3 on the image lies beside its modules.
for image in "$dir"/root/boot/vmlinuz-* "$dir"/root/usr/lib/modules/*/vmlinuz; do
	[ ! -e "$image" ] || ln -sfr "$image" "$dir/root/vmlinuz"
done
for modules in "$dir"/root/lib/modules/* "$dir"/root/usr/lib/modules/*; do
	[ ! -d "$modules/kernel" ] || ln -sfnr "$modules" "$dir/root/modules"
done
rm -rf "$dir/apt"
echo "$suite $*" >"$dir/done"
