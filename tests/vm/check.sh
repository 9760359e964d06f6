#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# check.sh BUILD [TEST...]: what vmichost boot does with guests that nobody here wrote: Debian's kernel
# with its own hv_utils. Runs on /dev/kvm where that can be a Hyper-V host, else inside a machine that
# QEMU emulates. A line for each test; what a failed one printed, its guest's console included, stays in
# BUILD/vm. Where none can run: SKIPPED, and why. One test is tried twice at most, and only when
# the machine came to no end in time: emulated on a busy computer, that happens.
set -u

build=$(cd "$1" && pwd) || exit 2
shift
wanted=$*
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vmicd
out=$build/vm
limit=${VM_SECONDS:-120}
mkdir -p "$out" "$cache"

skip() {
	echo "SKIPPED: make check-vm: $1"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

# prepare COMMAND...: what is needed before the first test; its complaint is the reason.
prepare() {
	"$@" >"$out/prepare.log" 2>&1 || skip "$(tail -n 1 "$out/prepare.log")"
}

# --- what is booted ---

[ "$(uname -m)" = x86_64 ] || skip "this is not an x86-64 computer"
prepare sh tests/vm/fetch.sh "$cache/linux-6.12" bookworm-backports linux-image-cloud-amd64
kernel=$cache/linux-6.12/root
images=$out/images
mkdir -p "$images"
if [ ! "$images/vmlinux" -nt "$kernel/vmlinuz" ]; then
	prepare sh tests/vm/vmlinux.sh "$kernel/vmlinuz" "$images/vmlinux"
fi
cp "$kernel/vmlinuz" "$build/vm/hostile" "$images"
prepare sh tests/vm/fetch.sh "$cache/daemons" bookworm-backports hyperv-daemons
daemons=$cache/daemons/root/usr/sbin
prepare sh tests/vm/initramfs.sh "$images/guest.cpio" tests/vm/guest-init.sh "$kernel" \
	"hv_vmbus hv_utils" "$daemons/hv_kvp_daemon" "$daemons/hv_vss_daemon"

# --- where it runs ---

"$build/vmichost" boot --kernel /nonexistent >"$out/prepare.log" 2>&1
if [ $? -eq 3 ]; then
	where=emulated
	qemu=$(sh tests/vm/qemu.sh "$cache" 2>"$out/prepare.log") || skip "$(tail -n 1 "$out/prepare.log")"
	prepare sh tests/vm/initramfs.sh "$out/machine.cpio" tests/vm/outer-init.sh "$kernel" \
		"irqbypass kvm kvm-amd" "$build/vmichost" "$images/vmlinux=/images/vmlinux" \
		"$images/vmlinuz=/images/vmlinuz" "$images/guest.cpio=/images/guest.cpio" \
		"$images/hostile=/images/hostile"
else
	where=direct
fi

# try NAME: runs $out/NAME.run once. Leaves NAME.output and NAME.console.
try() {
	rm -f "$out/$1.output" "$out/$1.console" "$out/$1.machine"
	if [ "$where" = direct ]; then
		tmp=$(mktemp -d)
		(cd "$tmp" && NO_COLOR=1 images=$images console=$out/$1.console PATH=$build:$PATH \
			timeout -k 5 "$limit" sh "$out/$1.run" >"$out/$1.output" 2>&1)
		status=$?
		rm -rf "$tmp"
		[ "$status" -ne 124 ] || status=125
		return "$status"
	fi
	mkdir -p "$out/$1.tree/images"
	cp "$out/$1.run" "$out/$1.tree/run.sh"
	for file in $extra; do
		cp "$images/$file" "$out/$1.tree/images/"
	done
	{
		cat "$out/machine.cpio"
		(cd "$out/$1.tree" && find run.sh images | cpio --quiet -o -H newc)
	} >"$out/$1.cpio"
	sh tests/vm/emulate.sh "$qemu" "$images/vmlinux" "$out/$1.cpio" "$limit" "$out/$1"
	status=$?
	rm -rf "$out/$1.tree" "$out/$1.cpio"
	return "$status"
}

passed=0
failed=0
skipped=0
extra= # images that a test needs besides those of all

is_wanted() {
	case " $wanted " in
	'  ' | *" $1 "*) return 0 ;;
	esac
	return 1
}

# check NAME TITLE COMMANDS EXPECTATION: runs the commands where the guest can run, then the expectation
# here, which looks at the files that $o.output and $o.console name and says what is wrong.
check() {
	is_wanted "$1" || return
	o=$out/$1
	printf '%s\n' "$3" >"$o.run"
	begin=$(cut -d ' ' -f 1 /proc/uptime)
	try "$1"
	status=$?
	again=
	if [ "$status" -eq 125 ]; then
		again=' (second try)'
		try "$1"
		status=$?
	fi
	tr -d '\r' <"$o.output" >"$o.text" 2>/dev/null
	seconds=$(cut -d ' ' -f 1 /proc/uptime | awk -v b="$begin" '{ printf "%.1f", $1 - b }')
	if complaint=$(eval "$4" 2>&1) && [ "$status" -eq 0 ]; then
		passed=$((passed + 1))
		printf '  %-8s %-64s %6s s%s\n' ok "$2" "$seconds" "$again"
		return
	fi
	failed=$((failed + 1))
	printf '  %-8s %-64s %6s s, status %s%s\n%s\n' FAILED "$2" "$seconds" "$status" "$again" "$complaint"
	echo "--- $o.output"
	cat "$o.text"
	echo "--- $o.console"
	cat "$o.console" 2>/dev/null
}

# --- what tests say ---

boot='vmichost boot --kernel $images/vmlinux --initrd $images/guest.cpio --console $console --for 100 --timeout-ms 6000'
quiet='--append "nokaslr mitigations=off quiet"'

# "component result framework message violations" of each component in a saved report
rows() {
	awk -F '"' '
	function row() { if (c != "") print c, result, framework, message, violations }
	$2 == "component" { row(); c = $4 }
	$2 == "result" { result = $4 }
	$2 == "answered_framework" { framework = $4 }
	$2 == "answered_message" { message = $4 }
	$2 == "violations" { violations = $3; gsub(/[^0-9]/, "", violations) }
	END { row() }' "$1"
}

# expect_rows ROW...: the report in $o.text has exactly these
expect_rows() {
	printf '%s\n' "$@" >"$o.expected"
	rows "$o.text" | diff "$o.expected" -
}

# expect FILE PATTERN...: each is in a line of the file
expect() {
	file=$1
	shift
	for pattern; do
		tr -d '\r' <"$file" | grep -q -- "$pattern" || { echo "no line \"$pattern\" in $file"; return 1; }
	done
}

# The versions that Linux' hv_utils picks (drivers/hv/hv_util.c, hv_kvp.c, hv_snapshot.c) of those that
# the release offers; KVP is silent while no daemon has opened /dev/vmbus/hv_kvp.
stock() {
	check "stock-$1" "a stock guest on $1" \
		"$boot $quiet --release $1 --shutdown-after 1 --save report >&2; s=\$?; cat report; exit \$s" \
		"expect_rows 'guest-service no-contact 0.0 0.0 0' 'heartbeat ok 3.0 3.0 0' \
		'kvp no-contact 0.0 0.0 0' 'shutdown ok 3.0 $2 0' 'timesync ok 3.0 $3 0' 'vss $4 3.0 5.0 0'"
}

echo "guests on a real VMBus, $where"
stock 2012r2 3.0 3.0 ok
stock 2016 3.0 4.0 mismatch
stock 2019 3.0 4.0 mismatch
stock 2022 3.2 4.0 mismatch
stock 2025 3.2 4.0 mismatch
# The keys that hv_kvp_daemon makes up on request (tools/hv/hv_kvp_daemon.c), in its order.
check daemons "a stock guest with Debian's hv_kvp_daemon and hv_vss_daemon" \
	"$boot --append 'nokaslr mitigations=off quiet vm.do=daemons' --shutdown-after 1 \
	--width 400 --save report; s=\$?; cat report; exit \$s" \
	"expect_rows 'guest-service no-contact 0.0 0.0 0' 'heartbeat ok 3.0 3.0 0' \
	'kvp mismatch 3.0 4.0 0' 'shutdown ok 3.0 3.0 0' 'timesync ok 3.0 4.0 0' 'vss mismatch 3.0 5.0 0' &&
	expect \$o.text 'Key-Value Pair Exchange *True *OK.*does not match the version expected by the hosting' &&
	[ \"\$(sed -n 's/^ *\"key\": \"\([A-Z][A-Za-z0-9]*\)\".*/\1/p' \$o.text | grep -vx 2019 | tr '\n' ' ')\" = \
	'FullyQualifiedDomainName IntegrationServicesVersion NetworkAddressIPv4 NetworkAddressIPv6 OSBuildNumber OSName OSMajorVersion OSMinorVersion OSVersion ProcessorArchitecture ' ]"
check json "the report as JSON, alone on the standard output" \
	"$boot $quiet --json --shutdown-after 1 2>/dev/null | vmichost report --width 200 -" \
	"expect \$o.text 'Heartbeat  *True *OK'"
# The host is up for some time before: the guest's reference time is not the host's.
check clock "a guest's clock that is 25 years behind is set to the host's" \
	"sleep 8; $boot $quiet --release 2022 --shutdown-after 1; s=\$?; echo host: clock \$(date +%s); exit \$s" \
	'host=$(sed -n "s/^host: clock //p" $o.text) guest=$(tr -d "\r" <$o.console | sed -n "s/^guest: clock //p")
	 echo "host $host guest $guest"; [ $((host - guest)) -ge 0 ] && [ $((host - guest)) -le 5 ]'
check bzimage "a compressed kernel, by its 64-bit entry" \
	"$boot --kernel \$images/vmlinuz $quiet --components heartbeat,shutdown --shutdown-after 1" \
	"expect \$o.text 'Heartbeat  *True *OK' 'Time Synchronization *False'"
check processors "two processors" \
	"$boot $quiet --cpus 2 --shutdown-after 1" \
	"expect \$o.text 'Heartbeat  *True *OK' 'Shutdown *True *OK' && expect \$o.console 'is up, 2 processors'"
check poweroff "a guest that switches itself off" \
	"$boot --append 'quiet vm.do=poweroff'" \
	"expect \$o.console 'reboot: Power down' && expect \$o.text 'the guest has left'"
check reboot "a guest that starts itself again" \
	"$boot --append 'quiet vm.do=reboot' --shutdown-after 1" \
	"expect \$o.console 'reboot: Restarting system' 'reboot: Power down' &&
	 expect \$o.text 'the guest starts again' 'Heartbeat  *True *OK'"
check panic "a guest whose kernel crashes" \
	"$boot --append 'quiet vm.do=panic'; [ \$? -eq 1 ]" \
	"expect \$o.text \"the guest's kernel has crashed\" && expect \$o.console 'sysrq triggered crash'"
check storm "negotiations without end: a driver takes one packet at each interrupt" \
	"$boot $quiet --fault storm=20 --shutdown-after 1" \
	"expect \$o.text 'Heartbeat  *True *OK' 'Shutdown *True *OK' 'VSS *True *OK'"
check rescind "channels taken away and offered again" \
	"$boot $quiet --fault rescind:heartbeat=5 --fault rescind:timesync=5 --shutdown-after 1" \
	"expect \$o.text 'Heartbeat  *True *OK' 'Shutdown *True *OK' 'Time Synchronization *True *OK'"
check no-kernel "what is no kernel" \
	"vmichost boot --kernel \$images/guest.cpio; [ \$? -eq 1 ]" "expect \$o.text 'neither a vmlinux nor a bzImage'"

# One that broke a rule of the host's is reported, and ends with status 1; a crash would be another.
hostile='vmichost boot --width 300 --kernel $images/hostile --console $console --for 60'
check hostile-calls "a hostile guest: hypercalls" \
	"$hostile --append hostile=calls" "expect \$o.console 'calls refused: 16' 'still here'"
# In the end it joins as a good one does, and what was before is another guest's.
check hostile-messages "a hostile guest: 4000 messages" \
	"$hostile --append hostile=messages" "expect \$o.console 'messages taken: 4000' 'joined' 'still here'"
check hostile-deaf "a hostile guest: it asks and does not listen" \
	"$hostile --append hostile=deaf" "expect \$o.console 'refused buffers' 'missing: 0' 'still here'"
check hostile-pages "a hostile guest: pages that it does not have" \
	"$hostile --append hostile=pages; [ \$? -eq 1 ]" "expect \$o.console 'pages done' 'still here' &&
	 expect \$o.text 'outside the guest'"
check hostile-rings "a hostile guest: wild indices" \
	"$hostile --append hostile=rings; [ \$? -eq 1 ]" "expect \$o.console 'rings done' 'still here' && expect \$o.text 'Heartbeat, 6 times'"
check hostile-fault "a hostile guest: a triple fault" \
	"$hostile --append hostile=fault; [ \$? -eq 1 ]" "expect \$o.text 'triple fault'"
check hostile-spin "a hostile guest: it spins, and is ended in time" \
	"vmichost boot --kernel \$images/hostile --append hostile=spin --for 2" \
	"expect \$o.text 'the time is over'"
check hostile-halt "a hostile guest: it halts, and is ended in time" \
	"vmichost boot --kernel \$images/hostile --append hostile=halt --for 2" \
	"expect \$o.text 'the time is over'"

# Debian's other kernels: those that guests really run.
other_kernel() {
	is_wanted "$1" || return
	if ! {
		sh tests/vm/fetch.sh "$cache/$1" "$2" linux-image-cloud-amd64 &&
			sh tests/vm/vmlinux.sh "$cache/$1/root/vmlinuz" "$images/vmlinux-$1" &&
			sh tests/vm/initramfs.sh "$images/$1.cpio" tests/vm/guest-init.sh "$cache/$1/root" \
				"hv_vmbus hv_utils"
	} >"$out/prepare.log" 2>&1; then
		skipped=$((skipped + 1))
		echo "SKIPPED: the kernel of $2: $(tail -n 1 "$out/prepare.log")"
		return
	fi
	extra="vmlinux-$1 $1.cpio"
	check "$1" "the kernel of Debian's $2" \
		"$boot --kernel \$images/vmlinux-$1 --initrd \$images/$1.cpio $quiet --release 2022 --shutdown-after 1 \
		--save report >&2; s=\$?; cat report; exit \$s" "$3"
	extra=
}

other_kernel linux-6.1 bookworm "expect_rows 'guest-service ok 3.0 1.1 0' 'heartbeat ok 3.0 3.0 0' \
	'kvp no-contact 0.0 0.0 0' 'shutdown ok 3.0 3.2 0' 'timesync ok 3.0 4.0 0' 'vss mismatch 3.0 5.0 0'"
other_kernel linux-7.3 trixie-backports "expect_rows 'guest-service no-contact 0.0 0.0 0' 'heartbeat ok 3.0 3.0 0' \
	'kvp no-contact 0.0 0.0 0' 'shutdown ok 3.0 3.2 0' 'timesync ok 3.0 4.0 0' 'vss mismatch 3.0 5.0 0'"

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
