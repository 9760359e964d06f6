#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# check.sh BUILD [PATTERN...]: what vmichost boot does with guests on a real VMBus: Debian's kernels with
# their own hv_utils, vmicd in them, and guests that mean no good. Runs on /dev/kvm where that can be a
# Hyper-V host, else each test inside a machine that QEMU emulates. VM_JOBS tests side by side; a line
# for each as it ends, and below a failed one's all that it printed, its guest's console included, which
# stays in BUILD/vm. Where none can run: SKIPPED, and why. The tests are in tests-*.sh; batch.sh runs some.
set -u

build=$(cd "$1" && pwd) || exit 2
shift
export build
export cache="${XDG_CACHE_HOME:-$HOME/.cache}/vmicd"
export out="$build/vm"
# Each keeps one processor busy, and waits a third of its time for a host that waits for its guest.
jobs=${VM_JOBS:-$((($(nproc) * 3 + 1) / 2))}
mkdir -p "$out" "$cache"

skip() {
	echo "SKIPPED: make check-vm: $1"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

# prepare COMMAND...: what no test can do without; its complaint is the reason.
prepare() {
	"$@" >"$out/prepare.log" 2>&1 || skip "$(tail -n 1 "$out/prepare.log")"
}

# Two at once in one tree would have each other's images and logs.
exec 9>"$out/lock"
flock -n 9 || { echo "another make check-vm runs here, waiting"; flock 9; }

# --- which tests ---

sh tests/vm/batch.sh >"$out/tests" || exit 2
# select_tests [PATTERN...]: the tests whose names fit; all without any
select_tests() {
	[ $# -gt 0 ] || set -- '*'
	while read -r name set seconds; do
		for pattern; do
			# shellcheck disable=SC2254 # a pattern is meant
			case $name in $pattern) echo "$name $set $seconds"; break ;; esac
		done
	done <"$out/tests"
}

for pattern; do
	[ "$(select_tests "$pattern")" ] || { echo "check.sh: there is no test \"$pattern\"" >&2; exit 2; }
done
tests=$(select_tests "$@")

# --- where they run ---

[ "$(uname -m)" = x86_64 ] || skip "this is not an x86-64 computer"
prepare sh tests/vm/images.sh machine
"$build/vmichost" boot --kernel /nonexistent >"$out/prepare.log" 2>&1
if [ $? -eq 3 ]; then
	export where=emulated
	qemu=$(sh tests/vm/qemu.sh "$cache" 2>"$out/prepare.log") || skip "$(tail -n 1 "$out/prepare.log")"
	export qemu
else
	export where=direct
fi

# What the tests need, while those run that have it already. What cannot be had skips those that need it.
prepare_sets() {
	for set; do
		sh tests/vm/images.sh "$set" >"$out/images/$set.log" 2>&1 ||
			tail -n 1 "$out/images/$set.log" >"$out/images/$set.reason"
		: >"$out/images/$set.made"
	done
}

sets=$(echo "$tests" | awk '!n[$2]++ { print $2 }')
for set in $sets; do rm -f "$out/images/$set.reason" "$out/images/$set.made"; done
# shellcheck disable=SC2086 # several words
prepare_sets $sets &
export preparing=$!
# It ignores an interrupt of the keyboard's, and would keep the lock.
trap 'kill "$preparing" 2>/dev/null; exit 130' INT TERM HUP

# --- the tests ---

results=$(mktemp -d)
export results
trap 'rm -rf "$results"' EXIT
echo "guests on a real VMBus, $where, $jobs at a time"
# Those that need the same images together, five at most; what takes long alone.
echo "$tests" | awk '
	$3 { print $1; next }
	{ if (n[$2]++ % 5 == 0) first[$2] = ++batches; batch[first[$2]] = batch[first[$2]] " " $1 }
	END { for (i = 1; i <= batches; i++) print batch[i] }' |
	xargs -P "$jobs" -L 1 sh tests/vm/batch.sh

# One that came to no result is as bad as one that failed.
count() {
	find "$results" -name "*.$1" | wc -l
}
passed=$(count passed)
skipped=$(count skipped)
failed=$(($(echo "$tests" | wc -l) - passed - skipped))
again=$(count again)
[ "$again" -eq 0 ] && again= || again=", $again tried again"
echo "$passed passed, $failed failed, $skipped skipped$again"
[ "$failed" -eq 0 ]
