#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# coverage.sh BUILD: prints, for each source, how many of its lines the tests have reached.
set -eu

build=$1
for source in hv_util/*.c daemon/*.c daemon/bind/*.c daemon/bus/*.c daemon/ctl/*.c daemon/terminal/*.c tests/host/*.c; do
	gcov -n -o "$build/cov/$(dirname "$source")" "$build/cov/${source%.c}.o" 2>/dev/null |
		grep -A1 "^File '$source'" | awk -v f="$source" -F'[:% ]' '/Lines executed/ { printf "%6.1f %%  %s\n", $3, f }'
done | sort -n
