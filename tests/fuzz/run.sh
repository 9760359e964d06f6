#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# run.sh BUILD SECONDS NAME...: fuzzes each target for SECONDS with libFuzzer, then with AFL++, starting
# from its saved inputs. What is found stays under BUILD/found, also over later runs, until it is
# removed there; exit status 1 if there is anything.
set -u

build=$1
seconds=$2
shift 2
found=$build/found
mkdir -p "$found"
work=
trap 'rm -rf "$work"' EXIT

for name; do
	seeds=tests/fuzz/corpus/$name
	work=$(mktemp -d)
	cp -r "$seeds" "$work/libfuzzer"
	printf '  %-10s %-10s ' libFuzzer "$name"
	"$build/fuzz/libfuzzer_$name" -max_total_time="$seconds" -max_len=32768 -timeout=10 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="$found/$name-" "$work/libfuzzer" >"$work/log" 2>&1 ||
		{ tail -n 40 "$work/log"; : >"$found/$name-libfuzzer-failed"; }
	awk '/stat::number_of_executed_units/ { printf "%d runs\n", $2 }' "$work/log"

	printf '  %-10s %-10s ' AFL++ "$name"
	AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 \
		timeout $((seconds + 60)) afl-fuzz -V "$seconds" -i "$seeds" -o "$work/afl" -- "$build/afl/afl_$name" >"$work/log" 2>&1 ||
		{ tail -n 20 "$work/log"; : >"$found/$name-afl-failed"; }
	awk '/^execs_done/ { printf "%d runs\n", $3 }' "$work/afl/default/fuzzer_stats"
	for crash in "$work"/afl/default/crashes/id* "$work"/afl/default/hangs/id*; do
		[ -e "$crash" ] && cp "$crash" "$found/$name-afl-$(basename "$crash" | tr ':,' '__')"
	done
	rm -rf "$work"
done

if [ -n "$(ls -A "$found")" ]; then
	echo "fuzz: something was found:"
	ls -l "$found"
	exit 1
fi
echo "fuzz: nothing was found"
