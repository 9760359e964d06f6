#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# one.sh NAME: runs one test as check.sh asks for it, says with one line how that went, and leaves
# $results/NAME.passed, .failed or .skipped. one.sh: prints "NAME IMAGES" of every test.
# A test is tried twice at most, and only when the machine came to no end in time: emulated on a busy
# computer, that happens.
set -u

wanted=${1-}
. tests/vm/expect.sh

# run IMAGES SECONDS: runs $o.run once. Leaves $o.output and $o.console; 125: it came to no end.
run() {
	rm -f "$o.output" "$o.console" "$o.machine"
	tmp=$(mktemp -d)
	if [ "$where" = direct ]; then
		(cd "$tmp" && NO_COLOR=1 images=$out/images/$1 console=$o.console PATH=$build:$PATH \
			timeout -k 5 "$2" sh "$o.run" >"$o.output" 2>&1)
		status=$?
		[ "$status" -ne 124 ] || status=125
	else
		{ echo "images=/$1"; cat "$o.run"; } >"$tmp/run.sh"
		{
			cat "$out/images/machine.cpio" "$out/images/$1.cpio"
			(cd "$tmp" && echo run.sh | cpio --quiet -o -H newc)
		} >"$tmp/cpio"
		sh tests/vm/emulate.sh "$qemu" "$out/images/machine/vmlinux" "$tmp/cpio" "$2" "$o"
		status=$?
	fi
	rm -rf "$tmp"
	return "$status"
}

# show FILE: a report as JSON is long, and stays where it is; these are its facts.
show() {
	echo "--- $1"
	if grep -q '^  "format": "vmichost-report-1"' "$1"; then
		grep -v '^[{} ]' "$1"
		for report in $(seq "$(count_reports "$1")"); do
			echo "report $report:"
			facts "$1" "$report"
		done
	else
		cat "$1"
	fi
}

# say WORD LINE [LOG...]: in one piece, whatever other tests say.
say() {
	printf '  %-8s %s\n' "$1" "$2" >"$o.said"
	shift 2
	for log; do show "$log" >>"$o.said" 2>/dev/null; done
	flock "$out/said" cat "$o.said"
	rm -f "$o.said"
}

# check NAME IMAGES TITLE COMMANDS EXPECTATION [SECONDS]: runs the commands where the guest can run, with
# the images of that name in $images, then the expectation here, which looks at the files that $o.text
# and $o.console name and says what is wrong. SECONDS is what an emulated machine may take.
check() {
	if [ -z "$wanted" ]; then
		echo "$1 $2"
		return
	fi
	[ "$1" = "$wanted" ] || return
	o=$out/$1
	if [ -e "$out/images/$2.reason" ]; then
		: >"$results/$1.skipped"
		say SKIPPED "$3: $(cat "$out/images/$2.reason")"
		return
	fi
	exec 8>"$o.lock" && flock 8 # another check.sh may run the same test
	printf '%s\n' "$4" >"$o.run"
	begin=$(cut -d ' ' -f 1 /proc/uptime)
	run "$2" "${6:-${VM_SECONDS:-200}}"
	status=$?
	again=
	if [ "$status" -eq 125 ]; then
		again=' (second try)'
		run "$2" "${6:-${VM_SECONDS:-200}}"
		status=$?
	fi
	for file in output console; do
		touch "$o.$file" && tr -d '\r' <"$o.$file" >"$o.tmp" && mv "$o.tmp" "$o.$file"
	done
	took=$(cut -d ' ' -f 1 /proc/uptime | awk -v b="$begin" '{ printf "%6.1f s", $1 - b }')$again
	title=$(printf '%-64s' "$3")
	if (eval "$5") >"$o.complaint" 2>&1 && [ "$status" -eq 0 ]; then
		: >"$results/$1.passed"
		say ok "$title $took"
	else
		: >"$results/$1.failed"
		say FAILED "$title $took, status $status" "$o.complaint" "$o.output" "$o.console"
	fi
}

# Initcalls of Debian's kernels that take a tenth of the time of a boot, and do nothing here.
fewer=initcall_blacklist=$(sed -n 's/^fewer=//p' tests/vm/emulate.sh)

# The longest first: none is to be left over at the end.
. tests/vm/tests-vmicd.sh
. tests/vm/tests-scenario.sh
. tests/vm/tests-stock.sh
. tests/vm/tests-hostile.sh
