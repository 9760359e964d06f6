#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# run.sh TOTALS TITLE PROGRAM...: runs test programs one after the other, shows a line for each and
# all that a failed one printed, and adds what was counted to the file TOTALS ("passed failed
# skipped" a line). A program counts its tests itself: cmocka's lines, or "N passed, N failed".
# run.sh TOTALS: prints the sum; fails when a test failed or none ran.
# Tests that root runs cannot set the clock: a daemon that is wrong must not do so for the machine.
set -u

totals=$1
shift

if [ $# -eq 0 ]; then
	awk '{ p += $1; f += $2; s += $3 }
	     END { printf "check: %d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || p == 0 }' "$totals"
	exit
fi

# No test is to show itself on the machine's own bus: those that want one bring it along.
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent/bus

title=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
unable=
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	unable='setpriv --bounding-set=-sys_time --inh-caps=-sys_time'
fi

# Prints "passed failed skipped" of one program's output.
count() {
	awk '
	/^\[  PASSED  \] [0-9]+ test/ { p += $4 }
	/^\[  FAILED  \] [0-9]+ test/ { f += $4 }
	/^\[  SKIPPED \] [0-9]+ test/ { s += $4 }
	/^[0-9]+ passed, [0-9]+ failed/ { p += $1; f += $3; if ($6 ~ /^skipped/) s += $5 }
	END { print p + 0, f + 0, s + 0 }' "$log"
}

echo "$title"
for program; do
	begin=$(date +%s.%N)
	# shellcheck disable=SC2086 # several words, or none
	timeout -k 10 300 $unable sh -c "$program" >"$log" 2>&1 </dev/null
	status=$?
	seconds=$(echo "$(date +%s.%N) $begin" | awk '{ printf "%.1f", $1 - $2 }')
	# shellcheck disable=SC2046 # three words
	set -- $(count)
	passed=$1 bad=$2 skipped=$3
	# A crash or a time-out counts as one failed test, and so does a program that ran none.
	if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
	if [ "$status" -eq 0 ] && [ $((passed + bad + skipped)) -eq 0 ]; then bad=1 status=none; fi
	echo "$passed $bad $skipped" >>"$totals"

	# The program itself, and not what starts it: the first word that is a path.
	name=$(basename "$(echo "$program" | tr ' ' '\n' | grep -m1 /)")
	if [ "$bad" -gt 0 ]; then
		failed=1
		cat "$log"
		printf '  %-8s %-24s %4d passed, %d failed, exit status %s\n' FAILED "$name" "$passed" "$bad" "$status"
	else
		printf '  %-8s %-24s %4d passed %6s s\n' ok "$name" "$passed" "$seconds"
		grep -a '^SKIPPED' "$log" | sed 's/^/           /'
	fi
done
exit $failed
