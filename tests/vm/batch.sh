#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# batch.sh NAME...: runs tests with the same images, one after the other, as check.sh asks for it; where
# machines are emulated, all in one, since half of a short test's time is the machine's own start. Says
# with one line how each went, as soon as it has ended, and leaves $results/NAME.passed, .failed or
# .skipped. A test is tried twice at most, the second time alone, and only when the machine came to no
# end in time: emulated on a busy computer, that happens. What it said then stays in NAME.*.first.
# batch.sh: prints "NAME IMAGES SECONDS" of every test.
set -u

. tests/vm/expect.sh

# Initcalls of Debian's kernels that take a tenth of the time of a boot, and do nothing here.
fewer=initcall_blacklist=$(sed -n 's/^fewer=//p' tests/vm/emulate.sh)

# each ACTION NAME...: calls it as ACTION NAME IMAGES SECONDS TITLE COMMANDS EXPECTATION. The longest come
# first: none is to be left over at the end.
each() {
	action=$1
	shift
	wanted=" $* "
	. tests/vm/tests-scenario.sh
	. tests/vm/tests-vmicd.sh
	. tests/vm/tests-kvpdev.sh
	. tests/vm/tests-stock.sh
	. tests/vm/tests-hostile.sh
}

# check NAME IMAGES TITLE COMMANDS EXPECTATION [SECONDS]: a test: the commands where the guest can run,
# with the images of that name in $images, then the expectation here, which looks at the files that
# $o.output and $o.console name and says what is wrong. SECONDS is for one that may take longer than
# others; it gets a machine of its own.
check() {
	case $wanted in
	'  ' | *" $1 "*) "$action" "$1" "$2" "${6:-0}" "$3" "$4" "$5" ;;
	esac
}

# --- one test ---

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

list() {
	echo "$1 $2 $3"
}

write() {
	printf '%s\n' "$5" >"$out/$1.run"
	rm -f "$out/$1.output" "$out/$1.console"
	images=$2
	limit=$((limit + ($3 ? $3 : ${VM_SECONDS:-400})))
}

skip() {
	o=$out/$1
	: >"$results/$1.skipped"
	say SKIPPED "$4: $(cat "$out/images/$2.reason")"
}

# judge: $status and $seconds are how the commands ended and what they took.
judge() {
	o=$out/$1
	for file in output console; do
		touch "$o.$file" && tr -d '\r' <"$o.$file" >"$o.tmp" && mv "$o.tmp" "$o.$file"
	done
	took=$(printf '%-64s %6s s%s' "$4" "$seconds" "$again")
	if (eval "$6") >"$o.complaint" 2>&1 && [ "$status" -eq 0 ]; then
		: >"$results/$1.passed"
		say ok "$took"
	else
		: >"$results/$1.failed"
		say FAILED "$took, status $status" "$o.complaint" "$o.output" "$o.console"
	fi
}

# --- where it can run directly ---

# try_here NAME: sets status and seconds
try_here() {
	tmp=$(mktemp -d)
	begin=$(cut -d ' ' -f 1 /proc/uptime)
	(cd "$tmp" && NO_COLOR=1 images=$out/images/$images console=$out/$1.console PATH=$build:$PATH \
		timeout -k 5 "$limit" sh "$out/$1.run" >"$out/$1.output" 2>&1)
	status=$?
	seconds=$(cut -d ' ' -f 1 /proc/uptime | awk -v b="$begin" '{ printf "%.1f", $1 - b }')
	rm -rf "$tmp"
	[ "$status" -ne 124 ] # timeout's own
}

run_here() {
	for name; do
		try_here "$name" || { again=' (second try)'; try_here "$name"; }
		each judge "$name"
		again=
	done
}

# --- in a machine ---

# All three of the machine's ports say whose words follow; the first one also how a test has ended, and
# when: "@ NAME", "@ NAME STATUS SECONDS".
write_machine() {
	cat <<-'EOF'
	one() {
		for port in 0 1 2; do printf '\n@ %s\n' "$1" >/dev/ttyS$port; done
		mkdir "/tmp/$1"
		cd "/tmp/$1"
		begin=$(cut -d ' ' -f 1 /proc/uptime)
		sh "/runs/$1.run"
		echo "@ $1 $? $(cut -d ' ' -f 1 /proc/uptime | awk -v b="$begin" '{ printf "%.1f", $1 - b }')" >/dev/ttyS0
		cd /
		rm -rf "/tmp/$1"
	}
	EOF
	echo "export images=/$images"
	for name; do echo "one $name"; done
}

# part PORT NAME: what the machine has said on it while that test ran
part() {
	awk -v wanted="$2" '/^@ / { ours = $2 == wanted; next } ours' "$o.$1"
}

# judge_ended NAME...: those that have ended, and puts the others into $left.
judge_ended() {
	left=
	for name; do
		ended=$(tr -d '\r' <"$o.machine" 2>/dev/null | awk -v wanted="$name" '$1 == "@" && $2 == wanted && NF == 4')
		if [ -z "$ended" ]; then
			left="$left $name"
			continue
		fi
		part output "$name" >"$out/$name.output"
		part console "$name" >"$out/$name.console"
		status=${ended% *}
		status=${status##* }
		seconds=${ended##* }
		(each judge "$name")
	done
}

# run_machine NAME...: all that it comes to. Sets left.
run_machine() {
	o=$results/$1.batch
	tree=$(mktemp -d)
	mkdir "$tree/runs"
	write_machine "$@" >"$tree/run.sh"
	for name; do cp "$out/$name.run" "$tree/runs"; done
	{
		cat "$out/images/machine.cpio" "$out/images/$images.cpio"
		(cd "$tree" && find run.sh runs | cpio --quiet -o -H newc)
	} >"$tree/cpio"
	left=$*
	sh tests/vm/emulate.sh "$qemu" "$out/images/machine/vmlinux" "$tree/cpio" "$limit" "$o" &
	machine=$!
	trap 'kill "$machine"; exit 1' INT TERM HUP
	while kill -0 "$machine" 2>/dev/null; do
		sleep 1
		# shellcheck disable=SC2086 # several words
		judge_ended $left
	done
	# shellcheck disable=SC2086
	judge_ended $left
	trap - INT TERM HUP
	rm -rf "$tree"
}

# keep NAME: what the first try has said
keep() {
	for file in output console; do
		part "$file" "$1" >"$out/$1.$file.first"
	done
}

run_emulated() {
	run_machine "$@"
	again=' (second try)'
	for name in $left; do
		keep "$name"
		limit=0
		each write "$name"
		run_machine "$name"
		[ -n "$left" ] || continue
		part output "$name" >"$out/$name.output"
		part console "$name" >"$out/$name.console"
		status=125 seconds=$limit
		each judge "$name"
	done
}

# ---

if [ $# -eq 0 ]; then
	each list
	exit
fi
limit=0
again=
each write "$@"
if [ -e "$out/images/$images.reason" ]; then
	each skip "$@"
elif [ "$where" = direct ]; then
	run_here "$@"
else
	run_emulated "$@"
fi
