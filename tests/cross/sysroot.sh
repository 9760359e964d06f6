#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# sysroot.sh DIR ARCH PACKAGE...: unpacks these packages of this machine's Debian release, and all that they depend on,
# as they are for another architecture into DIR/root. The apt configuration is private to DIR, with an empty dpkg status:
# the machine's dpkg never hears of the architecture. What is in DIR already stays; only a complete one counts.
set -eu

dir=$1
arch=$2
shift 2
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
exec 9>"$dir.lock"
flock 9
[ "$(cat "$dir/done" 2>/dev/null)" != "$suite $arch $*" ] || exit 0
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
	APT { Architecture "$arch"; Architectures { "$arch"; }; };
	quiet "2";
	EOF
}
(umask 077 && write_conf >"$dir/apt/apt.conf") # passwords of proxies

# private COMMAND...: apt's, as that configuration has it, and no other.
private() {
	APT_CONFIG="$dir/apt/apt.conf" "$@"
}

private apt-get update || { echo "$suite cannot be fetched from $apt_mirror" >&2; exit 1; }
private apt-get install -y --download-only "$@" >/dev/null ||
	{ echo "$suite's $* for $arch cannot be fetched" >&2; exit 1; }
for deb in "$dir"/apt/cache/archives/*.deb; do
	dpkg-deb -x "$deb" "$dir/root"
done
# Headers and libraries are what is wanted.
rm -rf "$dir/apt" "$dir/root/etc" "$dir/root/usr/share" "$dir/root/usr/bin" "$dir/root/usr/sbin" "$dir"/root/usr/lib/*/gconv
echo "$suite $arch $*" >"$dir/done"
