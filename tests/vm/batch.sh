#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# batch.sh NAME...: runs tests with the same images, one after the other, as check.sh asks for it; where
# machines are emulated, all in one, since half of a short test's time is the machine's own start. Says
# with one line how each went, as soon as it has ended, and leaves $results/NAME.passed, .failed or
# .skipped. A test is tried three times at most, the second and third time alone, and only when it came to no end in
# time: on a busy computer, that happens, and a kernel that QEMU emulates hangs now and then (bench.sh; in two runs of the
# whole three guests, which were well the second time). Of a guest, vmichost knows first, whose time is over before that
# of the test. Then there is $results/NAME.again, too, and what it had said stays in NAME.*.first and NAME.*.second.
# batch.sh: prints "NAME IMAGES SECONDS" of every test.
set -u

. tests/vm/expect.sh

# Half of what a boot of Debian's kernels does, and of no use here
fewer=$(sed -n 's/^fewer="\(.*\)"$/\1/p' tests/vm/emulate.sh)

# each ACTION NAME...: calls it as ACTION NAME IMAGES SECONDS TITLE COMMANDS EXPECTATION. The longest come
# first: none is to be left over at the end.
each() {
	action=$1
	shift
	wanted=" $* "
	. tests/vm/tests-scenario.sh
	. tests/vm/tests-vmicd.sh
	. tests/vm/tests-service.sh
	. tests/vm/tests-kvpdev.sh
	. tests/vm/tests-stock.sh
	. tests/vm/tests-hostile.sh
}

# check NAME IMAGES TITLE COMMANDS EXPECTATION [SECONDS]: a test: the commands where the guest can run,
# with the images of that name in $images, then the expectation here, which looks at the files that
# $o.output and $o.console name and says what is wrong; what it leaves in $o.remark is shown below the line of a
# test that has passed. What makes no sense there says "skipped: REASON", be it commands or guest. SECONDS is
# for one that may take longer than others; it gets a machine of its own. The commands have in $seconds how long
# a guest may take, a twentieth less.
check() {
	case $wanted in
	'  ' | *" $1 "*) "$action" "$1" "$2" "${6:-0}" "$3" "$4" "$5" ;;
	esac
}

# kernel SUITE: a title's words for it; which one the suite has shows when its images have been made.
kernel() {
	release=$(cat "$out/images/$1/kernel" 2>/dev/null)
	echo "Debian's $1${release:+, ${release%-cloud-amd64}}"
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
	own=$(($3 ? $3 : ${VM_SECONDS:-400}))
	printf 'seconds=%s\n%s\n' $((own - own / 20)) "$5" >"$out/$1.run"
	: >"$out/$1.output"
	: >"$out/$1.console"
	images=$2
	limit=$((limit + own))
}

skip() {
	o=$out/$1
	: >"$results/$1.skipped"
	say SKIPPED "$4: $(cat "$out/images/$2.reason")"
}

# has_hung: that test's guest had neither switched itself off nor said how it went when vmichost's time was over
has_hung() {
	grep -q '^vmichost boot: the time is over' "$o.output" &&
		! grep -q '^guest: [0-9.]* \(passed\|failed\|skipped\)' "$o.console"
}

# judge: $status and $seconds are how the commands ended and what they took. Leaves $results/NAME.hung where there is
# no result, and another try to come.
judge() {
	o=$out/$1
	rm -f "$o.remark"
	for file in output console; do
		tr -d '\r' <"$o.$file" >"$o.tmp" && mv "$o.tmp" "$o.$file"
	done
	took=$(printf '%-72s %6s s%s' "$4" "$seconds" "${again:+ ($again try)}")
	[ -z "$again" ] || : >"$results/$1.again"
	reason=$(sed -n 's/^\(guest: [0-9.]* \)\{0,1\}skipped: //p' "$o.output" "$o.console")
	if [ "$reason" ]; then
		: >"$results/$1.skipped"
		say SKIPPED "$4: $reason"
	elif (eval "$6") >"$o.complaint" 2>&1 && [ "$status" -eq 0 ]; then
		: >"$results/$1.passed"
		say ok "$took$([ ! -s "$o.remark" ] || { echo; cat "$o.remark"; })"
	elif [ "$again" != third ] && has_hung; then
		: >"$results/$1.hung"
	else
		: >"$results/$1.failed"
		say FAILED "$took, status $status" "$o.complaint" "$o.output" "$o.console"
	fi
}

# --- where it can run directly ---

# take_hung NAME: whether judge has found that it came to no end; once
take_hung() {
	[ -e "$results/$1.hung" ] && rm "$results/$1.hung"
}

# run_here NAME...: sets left to those that came to no end
run_here() {
	left=
	for name; do
		limit=0
		each write "$name"
		tmp=$(mktemp -d)
		begin=$(cut -d ' ' -f 1 /proc/uptime)
		(cd "$tmp" && NO_COLOR=1 images=$out/images/$images console=$out/$name.console PATH=$build:$PATH \
			timeout -k 5 "$limit" sh "$out/$name.run" >"$out/$name.output" 2>&1)
		status=$?
		seconds=$(cut -d ' ' -f 1 /proc/uptime | awk -v b="$begin" '{ printf "%.1f", $1 - b }')
		rm -rf "$tmp"
		case $status in
		124 | 137) left="$left $name" ;; # timeout's own
		*)
			each judge "$name"
			! take_hung "$name" || left="$left $name"
			;;
		esac
	done
}

# --- in a machine ---

# All three of the machine's ports say whose words follow; the first one also how a test has ended, and
# when: "@ NAME", "@ NAME STATUS SECONDS", after the others have sent all theirs: stty waits for that.
write_machine() {
	cat <<-'EOF'
	one() {
		for port in 0 1 2; do printf '\n@ %s\n' "$1" >/dev/ttyS$port; done
		mkdir "/tmp/$1"
		cd "/tmp/$1"
		begin=$(cut -d ' ' -f 1 /proc/uptime)
		sh "/runs/$1.run"
		ended="$? $(cut -d ' ' -f 1 /proc/uptime | awk -v b="$begin" '{ printf "%.1f", $1 - b }')"
		for port in 1 2; do stty -F /dev/ttyS$port raw -echo; done
		echo "@ $1 $ended" >/dev/ttyS0
		cd /
		rm -rf "/tmp/$1"
	}
	EOF
	echo "export images=/$images"
	for name; do echo "one $name"; done
}

# collect NAME: what the machine has said while that test ran; an empty line at the end is the next one's.
collect() {
	for file in output console; do
		awk -v wanted="$1" '
			/^@ / { ours = $2 == wanted; empty = ""; next }
			/^$/ { empty = empty "\n"; next }
			ours { printf "%s%s\n", empty, $0; empty = "" }' "$o.$file" >"$out/$1.$file"
	done
}

# judge_ended NAME...: those that have ended, and puts the others into $left, into $hung those whose guests had not.
judge_ended() {
	left=
	for name; do
		ended=$(tr -d '\r' <"$o.machine" 2>/dev/null | awk -v wanted="$name" '$1 == "@" && $2 == wanted && NF == 4')
		if [ -z "$ended" ]; then
			left="$left $name"
			continue
		fi
		collect "$name"
		status=${ended% *}
		status=${status##* }
		seconds=${ended##* }
		(each judge "$name")
		! take_hung "$name" || hung="$hung $name"
	done
}

# run_machine NAME...: sets left to those that came to no end
run_machine() {
	limit=0
	each write "$@"
	o=$results/$1.batch
	tree=$(mktemp -d)
	mkdir "$tree/runs"
	write_machine "$@" >"$tree/run.sh"
	for name; do cp "$out/$name.run" "$tree/runs"; done
	{
		cat "$out/images/machine.cpio" "$out/images/$images.cpio"
		(cd "$tree" && find run.sh runs | cpio --quiet -o -H newc)
	} >"$tree/cpio"
	left=$* hung=
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
	for name in $left; do collect "$name"; done
	left="$left$hung"
	rm -rf "$tree"
}

# ---

if [ $# -eq 0 ]; then
	each list
	exit
fi
limit=0
again=
each write "$1" # sets images
# They are made one after the other, while the first tests run.
while [ ! -e "$out/images/$images.made" ] && kill -0 "$preparing" 2>/dev/null; do sleep 1; done
[ -e "$out/images/$images.made" ] || echo "its images were not made" >"$out/images/$images.reason"
if [ -e "$out/images/$images.reason" ]; then
	each skip "$@"
	exit
fi
case $where in
direct) run=run_here ;;
emulated) run=run_machine ;;
esac
"$run" "$@"
for name in $left; do
	before=first
	for again in second third; do
		for file in output console; do mv "$out/$name.$file" "$out/$name.$file.$before"; done
		"$run" "$name"
		[ -n "$left" ] || continue 2
		before=$again
	done
	status=125 seconds=$limit
	each judge "$name"
done
