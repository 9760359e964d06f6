#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# fetch.sh DIR SUITE PACKAGE...: downloads packages of a Debian suite with the machine's own apt, and
# unpacks them into DIR/root. The apt configuration is private to DIR: lists, cache and an empty
# dpkg status lie there, nothing of the machine is changed. What is in DIR already stays; only a
# complete one counts (DIR/done holds the packages' names). Of two at once, one waits for the other.
# DIR/root/vmlinuz and DIR/root/modules are links to the kernel's image and modules, if there is one.
# The archive is the one that apt has for Debian already, else deb.debian.org.
set -eu

dir=$1
suite=$2
shift 2

mkdir -p "$dir"
exec 9>"$dir.lock"
flock 9
[ "$(cat "$dir/done" 2>/dev/null)" != "$suite $*" ] || exit 0
command -v apt-get >/dev/null || { echo "apt-get is needed to fetch Debian's kernel" >&2; exit 1; }

rm -rf "$dir"
mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial" "$dir/root"
: >"$dir/apt/status"

mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
	awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }')
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian/} $suite main" \
	>"$dir/apt/sources.list"

private_apt() {
	apt-get -q -q \
		-o Dir::Etc::SourceList="$dir/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$dir/apt" -o Dir::State::Lists="$dir/apt/lists" \
		-o Dir::State::status="$dir/apt/status" -o Dir::Cache="$dir/apt/cache" \
		-o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Sandbox::User=root \
		-o Acquire::http::Timeout=30 -o Acquire::Retries=2 -o APT::Update::Error-Mode=any \
		-o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
		-o APT::Install-Recommends=false "$@"
}

# Without its dependencies: an image wants an initramfs builder and a module loader, we bring ours.
closure() {
	for p; do
		echo "$p"
		apt_cache depends --no-recommends --no-suggests --no-conflicts --no-breaks \
			--no-replaces --no-enhances "$p" 2>/dev/null |
			awk '$1 == "Depends:" && $2 ~ /^linux-(image|binary|modules|base)-[0-9]/ { print $2 }'
	done | sort -u
}

apt_cache() {
	apt-cache -q -q -o Dir::Etc::SourceList="$dir/apt/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null -o Dir::State="$dir/apt" \
		-o Dir::State::Lists="$dir/apt/lists" -o Dir::State::status="$dir/apt/status" \
		-o Dir::Cache="$dir/apt/cache" -o APT::Architecture=amd64 -o APT::Architectures=amd64 "$@"
}

private_apt update || { echo "$suite cannot be fetched from ${mirror:-deb.debian.org}" >&2; exit 1; }
packages=$(closure "$@")
while [ "$packages" != "${before-}" ]; do
	before=$packages
	# shellcheck disable=SC2086 # words are meant to split
	packages=$(closure $packages)
done
cd "$dir/apt/cache/archives"
# shellcheck disable=SC2086
private_apt download $packages || { echo "$suite's $* cannot be fetched" >&2; exit 1; }
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
