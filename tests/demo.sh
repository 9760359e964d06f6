#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The main job, seen: vmicd reports a legacy version, and a Windows Server 2019 host says so.
# Called from the top of the tree ("make demo"). Needs no root, leaves nothing behind.
set -u

host=${VMICHOST:-build/vmichost}
guest=${VMICD:-build/vmicd}
sentence='The protocol version of the component installed in the virtual machine does not match'

dir=$(mktemp -d "${TMPDIR:-/tmp}/vmicd-demo.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi

fail() {
	echo "demo: $1" >&2
	for log in "$dir"/*.log; do
		[ -s "$log" ] && sed "s|^|  ${log##*/}: |" "$log" >&2
	done
	exit 1
}

# show PROFILE: runs it, prints the report, and keeps it unbroken in $dir/PROFILE.txt
show() {
	mkdir "$dir/$1.pools" || fail "cannot make a directory"
	printf '[Negotiation]\nProfile=%s\n\n[KVP]\nPoolDirectory=%s\n' "$1" "$dir/$1.pools" \
		>"$dir/$1.conf"
	printf '$ vmichost run --release 2019 -- vmicd --transport=socket:{socket} --config=%s.conf\n\n' \
		"$1"
	"$host" run --release 2019 --save "$dir/$1.json" --guest-log "$dir/$1-vmicd.log" -- \
		"$guest" --transport=socket:'{socket}' --config="$dir/$1.conf" \
		2>"$dir/$1-vmichost.log" || fail "the run with profile $1 failed"
	"$host" report "$dir/$1.json" >"$dir/$1.txt" || fail "the saved report cannot be read"
}

# has PROFILE PATTERN COUNT: so many lines of the report match
has() {
	n=$(grep -c -e "$2" "$dir/$1.txt")
	[ "$n" -eq "$3" ] || fail "profile $1: $n lines instead of $3 have: $2"
}

echo "${bold}1. A guest from before Windows 10 and Server 2016 (profile legacy, vmicd's default)$plain"
show legacy
echo
echo "${bold}2. The same guest, speaking the newest versions (profile newest)$plain"
show newest

has legacy "$sentence" 1
has legacy "^vmicd *Time Synchronization *True *OK *$sentence" 1
has legacy '^4010 .*-TimeSync.*Negotiated (3\.0) - Expected (4\.0)' 1
has legacy '^4010 ' 1
has newest "$sentence" 0
has newest '^4010 ' 0
for profile in legacy newest; do
	has "$profile" 'broke the contract' 0
	has "$profile" '^vmicd *Heartbeat *True *OK' 1
	has "$profile" '^vmicd *Key-Value Pair Exchange *True *OK' 1
	has "$profile" '^vmicd *Time Synchronization *True *OK' 1
	has "$profile" '^Heartbeat *: OkApplications' 1
done

echo
echo "${bold}Seen: the legacy guest's mismatch is on Time Synchronization and nowhere else;" \
	"the newest has none.$plain"
